"""What to change after a failed launch, out of what its diagnosis says, and the loop that tries it.

A closed list of fixes. None is tried twice, none does what a person must decide (running a model's own code, agreeing
to terms, ending other programs), and each says what it changed, also of what was asked for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines import DIALECTS, given, names_of, with_flags, with_settings, without_flags
from inference_arena.errors import UsageError
from inference_arena.plan import Settings
from inference_arena.record import Failed, Record
from inference_arena.run.ask import TEMPLATE_TOKENS
from inference_arena.run.job import Job
from inference_arena.run.scrub import scrub_argv

SHARE_STEP: Final = 0.05
FREE_MARGIN: Final = 0.02  # of a card, beside what is free: the engine itself takes some before it looks
LEAST_SHARE: Final = 0.1
MOST_SHARE: Final = 0.97
BLOCK: Final = 256
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
FREE_PORT: Final = "a free port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A job to try instead. `said`: each thing that is other than before, in words."""

    job: Job
    said: tuple[str, ...]


Propose = Callable[[Job, Failed], Job | None]


def fixed(job: Job, failed: Failed, *, tried: Sequence[Job] = ()) -> Fix | None:
    """The first fix for this failure that was not tried yet; None where no other is known."""
    if job.address is not None:
        return None
    done = [_essence(one) for one in (job, *tried)]
    for propose in (_advised_flags, _dropped_flags, *FIXES.get(failed.cause, ())):
        other = propose(job, failed)
        if other is not None and _essence(other) not in done and _holds_the_load(other):
            said = _differences(job, other)
            return Fix(job=_explained(job, other, said=said, failed=failed), said=said)
    return None


def _essence(job: Job) -> tuple[object, ...]:
    """What a launch depends on."""
    return job.trial.settings, job.port, tuple(program.argv for program in job.programs)


def _holds_the_load(job: Job) -> bool:
    context = job.trial.settings.context_tokens
    return context is None or context >= job.trial.lengths.longest_tokens + TEMPLATE_TOKENS


# what can be changed


def _with(job: Job, settings: Settings) -> Job:
    """What the plan foretold was of other settings: then there is no prediction any more."""
    same = settings.model_copy(update={"flags": ()}) == job.trial.settings.model_copy(update={"flags": ()})
    return job.model_copy(
        update={
            "trial": job.trial.model_copy(update={"settings": settings}),
            "prediction": job.prediction if same else None,
        }
    )


def _set(job: Job, **changed: Any) -> Job | None:
    dialect = DIALECTS.get(job.trial.engine)
    return None if dialect is None else _with(job, with_settings(dialect, job.trial.settings, changed))


def _advised_flags(job: Job, failed: Failed) -> Job | None:
    dialect = DIALECTS.get(job.trial.engine)
    if dialect is None or not failed.flags:
        return None
    try:
        return _with(job, with_flags(dialect, job.trial.settings, failed.flags))
    except UsageError:  # a log may print a number that is no value of this flag
        return None


def _dropped_flags(job: Job, failed: Failed) -> Job | None:
    dialect = DIALECTS.get(job.trial.engine)
    if dialect is None or not failed.drops:
        return None
    return _with(job, without_flags(dialect, job.trial.settings, failed.drops))


def _free_port(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """A free port."""
    return job.model_copy(update={"port": None})


def _other_build(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """The next program of this engine that is here: another release, or another build."""
    if len(job.programs) < 2:
        return None
    return job.model_copy(update={"programs": job.programs[1:], "prediction": None})


def _larger_share(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """A tenth of the card more for the engine, as far as that is free."""
    share, free = job.trial.settings.memory_share, _free_share(job)
    if share is None or free is None or free <= share:
        return None
    return _set(job, memory_share=round(min(share + 2 * SHARE_STEP, free), 2))


def _free_share(job: Job) -> float | None:
    sizes = [(d.free_bytes, d.memory_bytes) for d in job.host.devices]
    shares = [free / size - FREE_MARGIN for free, size in sizes if free is not None and size]
    return round(min(*shares, MOST_SHARE), 2) if shares else None


def _larger_static_share(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """A tenth of the card more for weights and KV cache."""
    share = job.trial.settings.static_share
    return None if share is None else _set(job, static_share=round(min(share + 2 * SHARE_STEP, MOST_SHARE), 2))


def _smaller_share(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """A twentieth of the card less for the engine."""
    for name in ("memory_share", "static_share"):
        share = getattr(job.trial.settings, name)
        if share is not None and share - SHARE_STEP >= LEAST_SHARE:
            return _set(job, **{name: round(share - SHARE_STEP, 2)})
    return None


def _more_beside(job: Job, failed: Failed) -> Job | None:
    """A twentieth of the card less for the engine, where it was past its weights: graphs and steps lie beside them."""
    return _smaller_share(job, failed) if failed.engine_stage in {"warm-up", "serving"} else None


def _smaller_context(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """llama.cpp: a quarter of the context, but room for the load."""
    context = _context(job)
    if job.trial.engine != "llamacpp" or context is None:
        return None
    need = -(-(job.trial.lengths.longest_tokens + TEMPLATE_TOKENS) // BLOCK) * BLOCK
    return _set(job, context_tokens=max(need, context // 4 // BLOCK * BLOCK)) if need < context else None


def _context(job: Job) -> int | None:
    """That of one request, also where a flag of the engine's own says it for all of them."""
    settings = job.trial.settings
    flagged, _ = DIALECTS[job.trial.engine].read_flags(settings.flags)
    if flagged.context_tokens is None or flagged.parallel is not None:
        return flagged.context_tokens or settings.context_tokens
    return flagged.context_tokens // (settings.parallel or 1)


def _fewer_slots(job: Job, failed: Failed) -> Job | None:  # noqa: ARG001
    """llama.cpp: half as many slots."""
    parallel = job.trial.settings.parallel
    return _set(job, parallel=parallel // 2) if job.trial.engine == "llamacpp" and parallel and parallel > 1 else None


# cause -> what to try beside the advised flags, the best first
FIXES: Final[Mapping[str, tuple[Propose, ...]]] = MappingProxyType(
    {
        "port-taken": (_free_port,),
        "port-too-high": (_free_port,),
        "out-of-memory": (_smaller_context, _fewer_slots, _more_beside),
        "kv-cache-too-small": (_larger_share,),
        "no-kv-cache-memory": (_larger_share,),
        "memory-share-above-free": (_smaller_share,),
        "static-share-too-low": (_larger_static_share,),
        **dict.fromkeys(
            (
                *("architecture-unknown", "quantization-unknown", "quantization-unsupported", "driver-too-old"),
                *("no-kernel-image", "library-too-old", "package-missing", "engine-missing", "illegal-instruction"),
            ),
            (_other_build,),
        ),
    }
)


# what was changed, in words


def _differences(before: Job, after: Job) -> tuple[str, ...]:
    said = list(_changed_settings(before, after))
    if before.port != after.port:
        said.append(f"{FREE_PORT} instead of {before.port}, which was asked for")
    if before.programs != after.programs:
        old, new = before.programs[0], after.programs[0]
        said.append(
            f"{new.name} {new.version or ''} instead of {old.name} {old.version or ''}".replace("  ", " ").strip()
        )
    return tuple(said)


def _changed_settings(before: Job, after: Job) -> Iterator[str]:
    dialect = DIALECTS[before.trial.engine]
    old, new = (dict(job.trial.settings) for job in (before, after))
    flags_before, flags_after = (given(dialect, scrub_argv(job.trial.settings.flags)) for job in (before, after))
    asked = set(given(dialect, before.engine.user_flags))
    told: set[str] = set()
    for name in new:
        if name == "flags" or old[name] == new[name]:
            continue
        names = names_of(dialect, name)
        told.update(names)
        was = next((flags_before[one] for one in names if one in flags_before), None)
        was = was if was is not None else None if old[name] is None else str(old[name])
        pinned = before.engine.choices.get(name) == "asked for" or bool(asked & set(names))
        yield _change(name, was=was, now=new[name], pinned=pinned)
    for flag in {**flags_before, **flags_after}:
        if flag not in told and flags_before.get(flag) != flags_after.get(flag):
            yield _flag_change(flags_before.get(flag), flags_after.get(flag))


def _change(name: str, *, was: str | None, now: object, pinned: bool) -> str:
    asked = ", which was asked for" if pinned else ""
    if now is None:
        return f"{name} {was} left out{asked}"
    return f"{name} {now}" + (f" instead of {was}{asked}" if was is not None else "")


def _flag_change(was: str | None, now: str | None) -> str:
    if now is None:
        return f"{was} left out, which was asked for"
    return now if was is None else f"{now} instead of {was}, which was asked for"


def _explained(before: Job, after: Job, *, said: Sequence[str], failed: Failed) -> Job:
    """The job with its record's words about itself: what it is now, and why."""
    settings = after.trial.settings
    effective = {key: value for key, value in settings.model_dump().items() if value is not None and key != "flags"}
    changed = [name for name in effective if effective[name] != before.engine.effective.get(name)]
    reason = f"changed after {failed.cause}"
    number = 1 + sum(name.startswith("retry ") for name in before.engine.choices)
    choices = {
        **{name: why for name, why in before.engine.choices.items() if name in effective or name not in dict(settings)},
        **dict.fromkeys(changed, reason),
        f"retry {number}": f"{'; '.join(said)} (after {failed.cause}: {failed.what})",
    }
    engine = before.engine.model_copy(update={"effective": effective, "choices": choices})
    return after.model_copy(update={"engine": engine})


# the loop


def attempts(
    job: Job,
    *,
    retries: int,
    run: Callable[[Job], tuple[Record, Path]],
    tell: Callable[[str], None],
    ended: Callable[[], bool],
) -> tuple[Record, Path]:
    """Run it, and what its failures advise, until it works, nothing is left to try, or somebody ends it."""
    tried: list[Job] = []
    record, path = run(job)
    while isinstance(record.outcome, Failed) and not ended():
        tried.append(job)
        fix = fixed(job, record.outcome, tried=tried) if len(tried) <= retries else None
        if fix is None:
            tell(_gave_up(record.outcome, count=len(tried), retries=retries))
            break
        job = fix.job.model_copy(update={"retry_of": record.id})
        tell(f"Attempt {len(tried)} failed: {record.outcome.what}. Trying again with {'; '.join(fix.said)}.")
        record, path = run(job)
    return record, path


def _gave_up(failed: Failed, *, count: int, retries: int) -> str:
    times = "1 attempt" if count == 1 else f"{count} attempts"
    if count > retries:
        return f"Given up after {times}; --retries allows more."
    return f"Given up after {times}: nothing is known that the arena could change about {failed.cause}."
