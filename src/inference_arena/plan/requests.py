"""What is asked, by whom, and how long they put up with it: lengths, kinds of request, conversations, patience."""

from typing import Literal

from inference_arena.facts import Fact, Slo

Cache = Literal["warm", "cold", "off"]
Texts = Literal["notes", "code", "tools"]


class Spread(Fact):
    """How a length is drawn: the numbers of a workload card's distribution, without its source."""

    kind: Literal["lognormal", "normal", "uniform", "fixed"]
    median_tokens: int
    p90_tokens: int | None = None
    least_tokens: int | None = None
    most_tokens: int | None = None


class Lengths(Fact):
    """Target lengths in tokens. The answer's length is drawn from output_tokens * (1 -+ output_jitter).

    With `input_spread` and `output_spread` lengths are drawn from those instead. `most_tokens` is what the longest
    request may come to where that is more than the targets say: drawn lengths, or the last turn of a conversation.
    """

    input_tokens: int
    output_tokens: int
    output_jitter: float
    ignore_eos: bool = True
    input_spread: Spread | None = None
    output_spread: Spread | None = None
    most_tokens: int | None = None

    @property
    def longest_tokens(self) -> int:
        """The most tokens that prompt and answer of one request can come to, without the chat template."""
        if self.most_tokens is not None:
            return self.most_tokens
        return self.input_tokens + int(self.output_tokens * (1 + self.output_jitter) + 1)


class Prefix(Fact):
    """A beginning that prompts share: its share of the prompt, and how many different ones there are."""

    share: float
    different: int


class Kind(Fact):
    """One kind of request in a mix: how often it comes, how long it is, what it is made of."""

    name: str
    share: float
    lengths: Lengths
    texts: Texts | None = None
    prefix: Prefix | None = None
    slo: Slo | None = None


class Sessions(Fact):
    """Conversations: each turn repeats all before it, answers as the server gave them, and asks one thing more.

    `turns` is the mean number of turns, `think_s` the mean time between an answer's end and the next question. All
    conversations begin with the same `system_tokens` of instructions.
    """

    turns: int
    think_s: float
    system_tokens: int = 0


class Patience(Fact):
    """When people leave: no first word within `first_token_s`, a freeze of `freeze_s` inside an answer, or by chance.

    `leave_share` of all requests are left at a random place of the answer, whatever the server does.
    """

    first_token_s: float | None = None
    freeze_s: float | None = None
    leave_share: float | None = None


class Data(Fact):
    """Prompts of the user's own: known by the file's hash, never by its text."""

    sha256: str
    prompts: int
