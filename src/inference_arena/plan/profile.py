"""How many streams a closed load wants at a moment: constant, a ramp or steps. Arithmetic only.

Moments are shares of the measured time: below 0 is warm-up, from 1 on the last requests are waited for.
"""

from collections.abc import Iterator

from inference_arena.plan.load import Load

RAMP_PARTS = 4


def streams_wanted(load: Load, share: float) -> int:
    """Streams that are to be busy at this share of the measured time."""
    streams = load.concurrency or 1
    share = min(1.0, max(0.0, share))
    if load.shape == "ramp":
        return min(streams, 1 + int(share * streams))
    if load.shape == "steps" and load.levels:
        return load.levels[min(len(load.levels) - 1, int(share * len(load.levels)))]
    return streams


def next_wanted(load: Load, *, stream: int, after: float) -> float | None:
    """The next share of the measured time at which this stream (from 0) is wanted; None when it never is again."""
    if load.shape == "ramp":
        return stream / (load.concurrency or 1)
    levels = load.levels or ()
    starts = (step / len(levels) for step, level in enumerate(levels) if level > stream)
    return next((start for start in starts if start > after), None)


def sections(load: Load) -> Iterator[tuple[str, float, float]]:
    """Parts of the measured time that are told apart: each step, each quarter of a ramp; none for a constant load."""
    if load.shape == "steps" and load.levels:
        count = len(load.levels)
        yield from ((f"{level} at once", step / count, (step + 1) / count) for step, level in enumerate(load.levels))
    if load.shape == "ramp":
        for part in range(RAMP_PARTS):
            begin, end = part / RAMP_PARTS, (part + 1) / RAMP_PARTS
            low, high = streams_wanted(load, begin), streams_wanted(load, end - 1e-9)
            yield (f"{low} at once" if low == high else f"{low} to {high} at once", begin, end)
