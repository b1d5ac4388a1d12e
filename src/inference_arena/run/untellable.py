"""What a tool of others cannot be told, so that it never sends something else under the same name. Starts nothing."""

from inference_arena.errors import ArenaError, UsageError
from inference_arena.plan import Load, Trial
from inference_arena.record import Record


def refuse_to_repeat(record: Record) -> None:
    """For a crosscheck, before anything is sent. Raises ArenaError with the reason."""
    why = _questions(record.trial) or next(filter(None, map(_arrivals, record.trial.loads)), None)
    if why is not None:
        raise ArenaError(
            f"{record.id} cannot be crosschecked",
            why=why,
            try_="arena run with plain questions (--workload chat, or no --workload), then crosscheck that record",
        )


def refuse_to_tell(trial: Trial, *, tool: str) -> None:
    """For a run that the tool drives, before anything is installed or started. Raises UsageError with the reason."""
    why = _questions(trial) or next(filter(None, map(_arrivals, trial.loads)), None) or _drawn(trial)
    if why is not None:
        raise UsageError(f"{tool} cannot be told this load", why=why, try_="leave it out, or leave --driver out")


def _questions(trial: Trial) -> str | None:
    if trial.sessions is not None or (trial.capacity is not None and trial.capacity.people is not None):
        return "people hold conversations: each turn repeats answers, which nobody knows beforehand and no record keeps"
    if trial.data is not None:
        return "the prompts are somebody's own, which the arena keeps and hands on as hashes alone"
    if trial.mix is not None:
        return "it mixes kinds of request, and other tools report on them as one"
    if trial.prefix is not None:
        return "the prompts share beginnings, whose length in words the server decides each time anew"
    if trial.texts not in {None, "notes"}:
        return f"the prompts are made of {trial.texts}, whose length in words the server decides each time anew"
    if trial.patience is not None:
        return "people leave before their answers end, and other tools wait for every answer"
    return None


def _arrivals(load: Load) -> str | None:
    if load.replay is not None:
        return "it replays a trace, and other tools take no times from us"
    if load.shape is not None or load.together is not None:
        return f"its load changes while it is measured ({load.label}), and other tools keep theirs"
    return None


def _drawn(trial: Trial) -> str | None:
    drawn = trial.lengths.input_spread is not None or trial.lengths.output_spread is not None
    return "--spread draws each length, which the arena does for its own load alone" if drawn else None
