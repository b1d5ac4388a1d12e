"""Which commands to try after a run: two or three that fit how it ended."""

import shlex

from inference_arena.record import Failed, Interrupted, Record
from inference_arena.report import words
from inference_arena.report.blocks import Step

_MOST = 3


def next_steps(record: Record) -> tuple[Step, ...]:
    """At most three, the most useful first; a GPU that stood idle comes before everything."""
    return (*_use_the_gpu(record), *_by_outcome(record))[:_MOST]


def _use_the_gpu(record: Record) -> tuple[Step, ...]:
    command = record.engine.choices.get("gpu_command")
    if command is None or not words.gpu_unused(record):
        return ()
    return (Step(purpose="Use your GPU", command=command),)


def _by_outcome(record: Record) -> tuple[Step, ...]:
    # an identifier may come from somebody else's file, and the line is made to be pasted into a shell
    name = shlex.quote(record.id)
    match record.outcome:
        case Failed():
            return _after_failure(record, name)
        case Interrupted():
            again = Step(purpose="Measure again (add what you asked for)", command="arena run")
            return (again, _verify(name)) if record.evidence.requests_lines else (again,)
    if record.purpose == "self-test":
        return (_own_model(), _verify(name))
    repeat = () if record.trial.repeats > 1 or record.trial.capacity is not None else (_repeat(),)
    return (*repeat, _verify(name), Step(purpose="Take the numbers elsewhere", command=f"arena export {name}"))


def _after_failure(record: Record, name: str) -> tuple[Step, ...]:
    show = Step(purpose="See this again", command=f"arena show {name}")
    if record.purpose == "self-test":
        return (show,)
    works = Step(purpose="Find out whether machine and tool work at all", command="arena run")
    return (*_apply(record), works, show)


def _apply(record: Record) -> tuple[Step, ...]:
    """Where the diagnosis comes to flags, the arena can follow it by itself."""
    failed = record.outcome
    if not isinstance(failed, Failed) or not (failed.flags or failed.drops):
        return ()
    changes = [f"with {' '.join(failed.flags)}"] if failed.flags else []
    changes += [f"without {' '.join(failed.drops)}"] if failed.drops else []
    purpose = f"Try again {' and '.join(changes)} (add what you asked for)"
    return (Step(purpose=purpose, command="arena run --retry-fixes"),)


def _own_model() -> Step:
    return Step(purpose="Measure a model that you really use", command="arena run MODEL.gguf --engine llamacpp")


def _repeat() -> Step:
    return Step(
        purpose="See how far the numbers move by themselves (add what you asked for)", command="arena run --repeat 3"
    )


def _verify(name: str) -> Step:
    return Step(purpose="Check that the numbers follow from the raw data", command=f"arena verify {name}")
