"""How long things may take, judged by the first answer: guesses for the eye, bounds for the waits."""

import hashlib
import math
from pathlib import Path
from typing import Final

from inference_arena.load import PointPlan
from inference_arena.metrics import probes_expected
from inference_arena.plan import Lengths, Load, Trial
from inference_arena.run.ask import OPEN_SLOTS
from inference_arena.run.first import Acquainted
from inference_arena.run.job import Job

MOST_PROMPTS_AHEAD: Final = 100_000
SHORTEST_LIMIT_S: Final = 30.0
LONGEST_LIMIT_S: Final = 900.0
MOST_STRETCH: Final = 20.0
# With continuous batching an answer slows down less than in proportion to the load; a guess, for the eye only
_SLOWDOWN: Final = 0.7


def expected_s(load: Load, answer_s: float) -> float:
    """A rough guess at how long a point takes: warm-up, window, and the last answers."""
    measured_s = load.duration_s
    if measured_s is None:
        measured_s = (load.requests or 1) * (1 / load.rate_per_s if load.rate_per_s else answer_s)
    if load.rate_per_s is not None:
        return _open_s(load.rate_per_s, (load.warmup_s or 0.0) + measured_s, answer_s)
    one_s = answer_s * math.pow(load.concurrency or 1, _SLOWDOWN)
    return (one_s if load.warmup_s is None else load.warmup_s) + measured_s + one_s


def _open_s(rate_per_s: float, arriving_s: float, answer_s: float) -> float:
    """Arrivals and what is answered after them: the last ones, or all that piled up where the engine is too slow."""
    slots_s = answer_s * math.pow(OPEN_SLOTS, _SLOWDOWN) / OPEN_SLOTS  # an answer every so often with all slots busy
    left_s = rate_per_s * arriving_s * slots_s - arriving_s
    streams = max(1.0, min(OPEN_SLOTS, rate_per_s * answer_s))
    last_s = answer_s * math.pow(streams, _SLOWDOWN)
    return arriving_s + min(max(last_s, left_s), waiting_limit_s(1, answer_s))


def waiting_limit_s(streams: int, answer_s: float) -> float:
    """As if every stream had to queue for all the others, and then some."""
    return min(LONGEST_LIMIT_S, max(SHORTEST_LIMIT_S, 4 * answer_s * streams))


def asked_of(trial: Trial, load: Load) -> Trial:
    """The trial as it is for this load: people talk on, where the others each ask one thing."""
    people = trial.capacity.people if trial.capacity is not None and load.people else None
    if people is None:
        return trial
    plain = {"lengths": people.lengths, "sessions": people.sessions, "texts": people.texts, "prefix": None, "mix": None}
    return trial.model_copy(update=plain)


def stretch(lengths: Lengths) -> float:
    """How much longer than the usual request the longest one may be, where lengths differ much: in mixes and talks."""
    if lengths.most_tokens is None:
        return 1.0
    return min(MOST_STRETCH, max(1.0, lengths.most_tokens / (lengths.input_tokens + lengths.output_tokens)))


def point_seed(seed: int, index: int) -> int:
    """A seed of its own for every point, so that no point repeats another's prompts."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{index}".encode()).digest()[:4])


def point_plan(job: Job, known: Acquainted, *, load: Load, index: int, folder: Path, clock_zero_s: float) -> PointPlan:
    """Waits are sized by the first answer."""
    trial = asked_of(job.trial, load)
    limit_s = waiting_limit_s(load.concurrency or 1, known.answer_s * stretch(trial.lengths))
    talks = 1 if trial.sessions is None else trial.sessions.turns
    return PointPlan(
        point=index,
        seed=point_seed(trial.seed, index),
        target=known.target,
        endpoint=trial.endpoint,
        parameters=dict(known.parameters),
        load=load,
        lengths=trial.lengths,
        wording=known.wording,
        expected_requests=max(1, expected_requests(load, known.answer_s) // talks),
        request_timeout_s=job.limits.request_s,
        warmup_limit_s=limit_s,
        drain_limit_s=limit_s,
        raw_path=str(folder / f"point-{index}.raw"),
        clock_zero_s=clock_zero_s,
        texts=trial.texts,
        prefix=trial.prefix,
        mix=trial.mix,
        sessions=trial.sessions,
        patience=trial.patience,
        shared_seed=trial.seed if trial.cache == "warm" else point_seed(trial.seed, index),
        trace_path=job.trace_path,
        data_path=job.data_path,
    )


def expected_requests(load: Load, answer_s: float) -> int:
    """Prompts to make ahead: as if every stream were answered as fast as one, and half as many again."""
    seconds = (load.duration_s or 0.0) + (load.warmup_s or 0.0) + 4 * answer_s
    if load.rate_per_s is not None:
        wanted = load.rate_per_s * (seconds + SHORTEST_LIMIT_S)
    else:
        streams = load.concurrency or 1
        wanted = 1.5 * streams * seconds / max(answer_s, 0.001) + 3 * streams
    if load.requests is not None:
        wanted = min(wanted, 3 * load.requests + 50) if load.duration_s else 3 * load.requests + 50
    return max(1, min(MOST_PROMPTS_AHEAD, int(wanted)))


def guess_s(job: Job) -> float:
    """Before anything is known: each point, and some seconds for the engine's start and the client's own test."""
    if job.trial.capacity is not None:
        return 8.0 + sum(count * _point_guess_s(load) for count, load in probes_expected(job.trial))
    return 8.0 + sum(_point_guess_s(load) for load in job.trial.loads * job.trial.repeats)


def _point_guess_s(load: Load) -> float:
    """The measured time, and half as much for warm-up and last answers. An open load may come faster than it is
    answered, and is then waited for: half of the shortest limit, as nobody knows how fast the engine is.
    """
    measured_s = load.duration_s
    if measured_s is None:
        measured_s = 10.0 if load.rate_per_s is None else (load.requests or 1) / load.rate_per_s
    last_s = measured_s / 2 if load.rate_per_s is None else max(measured_s / 2, SHORTEST_LIMIT_S / 2)
    return measured_s + last_s + (load.warmup_s or 0.0)
