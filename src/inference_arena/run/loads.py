"""Which loads a person asks for: closed and open ones and their shapes, each point with its limits."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference_arena.errors import BadFileError, UsageError
from inference_arena.facts import Workload
from inference_arena.load import Arrival, read_prompts, read_replay
from inference_arena.plan import Load, Replay

if TYPE_CHECKING:
    from inference_arena.run.asked import Asked

SELF_TEST_DURATION_S: Final = 6.0
DURATION_S: Final = 30.0
OPEN_WARMUP_S: Final = 5.0
CLOSED_SHAPES: Final = ("ramp", "steps")
OPEN_SHAPES: Final = ("bursts", "spike")
MOST_AT_ONCE: Final = 100_000


def make_loads(asked: "Asked", *, card: Workload, self_test: bool) -> tuple[Load, ...]:
    """Closed points first, then open ones, as they were named; a trace is one point of its own."""
    if asked.trace is not None:
        return (_replayed(asked),)
    shape, together = parse_shape(asked.shape)
    _refuse_misfits(asked, shape=shape)
    duration_s = _duration_s(asked, card=card, self_test=self_test)
    return _closed(asked, shape, duration_s, card=card) + _opened(asked, shape, together, duration_s)


def parse_shape(text: str | None) -> tuple[str | None, int | None]:
    """`ramp`, `steps`, `bursts:N` or `spike:N`; raises UsageError for anything else."""
    if text is None:
        return None, None
    name, _, number = text.partition(":")
    if name in CLOSED_SHAPES and not number:
        return name, None
    if name in OPEN_SHAPES and number.isascii() and number.isdigit() and 2 <= int(number) <= MOST_AT_ONCE:
        return name, int(number)
    why = "bursts and spike say how many requests come at once, at least 2" if name in OPEN_SHAPES else ""
    raise UsageError(f"--shape {text} is no shape of load", why=why, try_="ramp, steps, bursts:10 or spike:20")


def _refuse_misfits(asked: "Asked", *, shape: str | None) -> None:
    if shape in CLOSED_SHAPES and asked.rates:
        raise UsageError(f"--shape {shape} is for a closed load", try_=f"--concurrency 8 --shape {shape}")
    if shape in OPEN_SHAPES and not asked.rates:
        raise UsageError(f"--shape {shape} comes on top of arrivals", try_=f"--rate 1 --shape {asked.shape}")
    if shape in OPEN_SHAPES and (asked.concurrency or asked.sessions):
        raise UsageError(f"--shape {shape} is for an open load alone", try_="leave --concurrency and --sessions out")
    if shape in OPEN_SHAPES and asked.arrivals == "constant":
        raise UsageError(f"--shape {shape} has arrivals of its own", try_="leave --arrivals out")
    if shape is not None and asked.duration_s is None and asked.requests is not None:
        raise UsageError(f"--shape {shape} needs a measured time", try_="--duration 60s, with or without --requests")
    if asked.sessions and asked.concurrency:
        raise UsageError("--sessions is how many talk at once, and so is --concurrency", try_="leave one of them out")


def _duration_s(asked: "Asked", *, card: Workload, self_test: bool) -> float | None:
    if asked.duration_s is not None or asked.requests is not None:
        return asked.duration_s
    if self_test:
        return SELF_TEST_DURATION_S
    return card.duration_s or DURATION_S


def _closed(asked: "Asked", shape: str | None, duration_s: float | None, *, card: Workload) -> tuple[Load, ...]:
    usual = () if asked.rates else card.concurrency or (1, 2, 4, 8)
    streams = tuple(int(number) for number in asked.concurrency or asked.sessions or usual)
    if shape == "steps":
        groups = [(max(streams), streams)] if streams else []
    else:
        groups = [(number, ()) for number in streams]
    return tuple(
        Load(
            kind="closed",
            concurrency=most,
            warmup_s=asked.warmup_s,
            duration_s=duration_s,
            requests=asked.requests,
            shape="steps" if shape == "steps" else "ramp" if shape == "ramp" else None,
            levels=levels or None,
            most_failures=asked.most_failures,
        )
        for most, levels in groups
    )


def _opened(asked: "Asked", shape: str | None, together: int | None, duration_s: float | None) -> tuple[Load, ...]:
    return tuple(
        Load(
            kind="open",
            rate_per_s=rate,
            arrivals="bursts" if shape == "bursts" else "spike" if shape == "spike" else asked.arrivals,
            warmup_s=OPEN_WARMUP_S if asked.warmup_s is None else asked.warmup_s,
            duration_s=duration_s,
            requests=asked.requests,
            together=together,
            most_failures=asked.most_failures,
        )
        for rate in asked.rates
    )


def _replayed(asked: "Asked") -> Load:
    """The whole trace is measured, unless a warm-up or a shorter time is asked for; its mean rate is its level."""
    assert asked.trace is not None
    for given, option in ((asked.concurrency, "--concurrency"), (asked.sessions, "--sessions"), (asked.rates, "--rate"),
                          (asked.shape, "--shape")):  # fmt: skip
        if given:
            raise UsageError(f"--trace and {option} cannot both say when requests come", try_=f"leave {option} out")
    rows = read_replay(asked.trace)
    whole_s = (rows[-1].at_s - rows[0].at_s) / asked.trace_speed
    warmup_s = asked.warmup_s or 0.0
    if whole_s <= warmup_s:
        raise UsageError(f"the trace lasts {whole_s:g} s, no longer than the warm-up", try_="a slower --trace-speed")
    left_s = whole_s - warmup_s + 1e-3  # the last arrival counts too
    measured_s = left_s if asked.duration_s is None else min(asked.duration_s, left_s)
    return Load(
        kind="open",
        rate_per_s=round(len(rows) / whole_s, 6),
        arrivals="trace",
        warmup_s=warmup_s,
        duration_s=round(measured_s, 6),
        requests=asked.requests,
        replay=Replay(sha256=sha256_of_text(asked.trace), requests=len(rows), speed=asked.trace_speed),
        most_failures=asked.most_failures,
    )


def longest_of_trace(path: str) -> int:
    """Tokens of the longest recorded request, as far as the trace tells; 0 where it tells none."""
    return max((_tokens(row) for row in read_replay(path)), default=0)


def _tokens(row: Arrival) -> int:
    return (row.input_tokens or 0) + (row.output_tokens or 0)


def longest_of_prompts(path: str) -> int:
    """Tokens of the longest prompt by its bytes, three to a token: more than nearly all text has. A bound, no count."""
    sizes = (sum(len(m["content"].encode()) // 3 + 16 for m in prompt.messages) for prompt in read_prompts(path))
    return max(sizes, default=0)


def longest_answer_of_prompts(path: str) -> int:
    return max((prompt.output_tokens or 0 for prompt in read_prompts(path)), default=0)


def sha256_of_text(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise BadFileError(f"{path} cannot be read", why=error.strerror or str(error)) from error
