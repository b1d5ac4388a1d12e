"""What the load process is told: one server, and one load point at a time. Everything random hangs on `seed`."""

from typing import Any, Literal

from inference_arena.facts import Fact
from inference_arena.plan import Kind, Lengths, Load, Patience, Prefix, Sessions, Texts


class Target(Fact):
    """Where requests go. `headers` may hold a key: it crosses a pipe to the load process and is never written down."""

    host: str
    port: int
    tls: bool = False
    path: str
    headers: tuple[tuple[str, str], ...] = ()


class Wording(Fact):
    """How many words make a prompt of the wanted length, found by asking the server before the clock starts.

    `other_texts` holds the tokens per word of kinds of text that differ from the plain one. `word_tokens` is the
    engine's own count of each of our plain words; with it plain prompts have the wanted length exactly.
    """

    tokens_per_word: float = 1.3
    overhead_tokens: int = 0
    other_texts: dict[str, float] | None = None
    word_tokens: dict[str, int] | None = None

    def words(self, tokens: int, texts: str | None = None) -> int:
        per_word = (self.other_texts or {}).get(texts or "", self.tokens_per_word)
        return max(1, round((tokens - self.overhead_tokens) / per_word))


class PointPlan(Fact):
    """One load point. `parameters` are sent with every request as they are.

    `expected_requests` prompts are made before the clock starts, as far as `most_bytes_ahead` holds them; the others of
    them in quiet moments once half of those have gone, and more than expected when they are to be sent. A request is
    given up after `request_timeout_s`. `clock_zero_s` is the monotonic time that the run counts from.

    Beginnings that prompts share hang on `shared_seed`, so that points can have the same or their own. Where several
    load processes drive one point, each has the whole plan and sends the requests of its `process` of `processes`. It
    says when its prompts are made, and starts at the monotonic time that it is told then.
    """

    point: int
    seed: int
    target: Target
    endpoint: Literal["chat", "completions"]
    parameters: dict[str, Any]
    load: Load
    lengths: Lengths
    wording: Wording
    expected_requests: int
    most_bytes_ahead: int = 256 * 2**20
    request_timeout_s: float
    warmup_limit_s: float
    drain_limit_s: float
    raw_path: str
    clock_zero_s: float
    texts: Texts | None = None
    prefix: Prefix | None = None
    mix: tuple[Kind, ...] | None = None
    sessions: Sessions | None = None
    patience: Patience | None = None
    shared_seed: int = 0
    trace_path: str | None = None
    data_path: str | None = None
    process: int = 0
    processes: int = 1
