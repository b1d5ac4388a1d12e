"""`arena capacity`: how many can share a model before somebody has to wait."""

from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from inference_arena import units
from inference_arena.cli import run as run_verb
from inference_arena.cli.asking import asked_of, defaults_of, with_options_of
from inference_arena.cli.output import complain
from inference_arena.cli.run_words import count_retries, read_key, sampling_interval_s
from inference_arena.errors import ArenaError, StorageError, UsageError
from inference_arena.facts import Behaviour
from inference_arena.facts import behaviour as behaviour_card

if TYPE_CHECKING:
    from inference_arena.record import Record

NONE: Final = "none"
DURATION: Final = "30s"
LAUNCH: Final = (
    "model", "url", "server_model", "api_key_env", "endpoint", "engine", "program", "container", "image",
    "container_engine", "weights", "anyway", "input_tokens", "output_tokens", "exact", "natural", "duration",
    "requests", "warmup", "seed", "workload", "cache", "max_errors", "client_processes", "goal", "context", "parallel",
    "threads", "retry_fixes", "retries", "kv_cache_type", "gpu_layers", "tensor_parallel", "replicas", "flag", "port",
    "ready_timeout", "request_timeout", "sample_every", "together", "as_json", "quiet",
)  # fmt: skip


@with_options_of(run_verb.command, LAUNCH)
def command(
    *,
    most: Annotated[int, typer.Option(help="Requests at once beyond which nothing is tried.", min=1, max=4096)] = 64,
    behaviour: Annotated[
        str, typer.Option(help="How one person uses it: chat-person, coding-agent, or none to leave people out.")
    ] = "chat-person",
    most_people: Annotated[
        int | None,
        typer.Option(help="People beyond which nothing is tried; sixteen times --most if not said.", min=1, max=65536),
    ] = None,
    think: Annotated[
        str | None, typer.Option(help="Time between an answer and the next question, instead of the behaviour's own.")
    ] = None,
    attainment: Annotated[
        float | None,
        typer.Option(help="Share of requests that must meet the goal, instead of the goal's own.", min=0.5, max=0.999),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the load curves into this file: .svg or .png.", metavar="FILE")
    ] = None,
    **shared: Any,
) -> int:
    """Find how many people can share a model, and why not more.

    First the most requests at once that meet the goal (--slo), then the most people of a named behaviour, each measured
    by itself. How long it takes is said before it starts. Exit code 1 when the limit was not found.

    \b
    arena capacity model.gguf                          people who chat, on an engine that is started
    arena capacity model.gguf --behaviour none         only requests at once: quicker
    arena capacity mistral-7b --engine vllm --behaviour coding-agent
    arena capacity --url http://127.0.0.1:8000/v1 --slo interactive --most 128
    """  # noqa: D301
    said = {**defaults_of(run_verb.command), **shared, "concurrency": str(most)}
    said["duration"] = said["duration"] or DURATION
    card = None if behaviour == NONE else behaviour_card(behaviour)
    _refuse_contradictions(said, card=card, people_named=think is not None or most_people is not None)
    _refuse_bad_picture(picture)
    if card is not None and not any(said[name] for name in ("workload", "input_tokens", "output_tokens")):
        said["workload"] = card.workload
    asked = asked_of(said)
    sought = _sought(
        most, most_people, behaviour=None if card is None else card.name, think=think, attainment=attainment
    )
    asked = asked.model_copy(update={"sought": sought, "slo": asked.slo or (card.slo if card is not None else None)})
    run_verb.refuse_contradictions(
        asked, model=said["model"], server_model=said["server_model"], api_key_env=said["api_key_env"]
    )
    return run_verb.measure(
        asked,
        api_key=read_key(said["api_key_env"]),
        sample_every_s=sampling_interval_s(said["sample_every"], name="--sample-every"),
        retries=count_retries(said["retries"], wanted=said["retry_fixes"], url=said["url"]),
        together=said["together"],
        as_json=said["as_json"],
        plain=said["as_json"] or said["quiet"],
        exit_code=partial(_ended, picture=picture),
    )


def _sought(
    most: int, people: int | None, *, behaviour: str | None, think: str | None, attainment: float | None
) -> Any:
    from inference_arena.run import Sought  # noqa: PLC0415 - heavy

    return Sought(
        most=most,
        most_people=people or 16 * most,
        behaviour=behaviour,
        think_s=None if think is None else units.parse_seconds(think),
        attainment=attainment,
    )


def _refuse_contradictions(said: Mapping[str, Any], *, card: Behaviour | None, people_named: bool) -> None:
    if said["model"] is None and said["url"] is None:
        raise UsageError("nothing was named to share", try_="arena capacity MODEL, or --url for a running server")
    if card is None and people_named:
        raise UsageError("--think and --most-people are about people", try_="leave --behaviour none out")
    if card is not None and said["endpoint"] != "chat":
        raise UsageError("people talk through the chat interface", try_="--behaviour none")


def _refuse_bad_picture(path: Path | None) -> None:
    """Before minutes of measuring: a picture that nobody can draw, or that has no place."""
    if path is None:
        return
    if path.suffix not in {".svg", ".png"}:
        raise UsageError(f"{path} is no picture that can be drawn", try_="--picture FILE.svg or FILE.png")
    if not path.resolve().parent.is_dir():
        raise StorageError(f"{path} cannot be written", why="there is no such folder")
    if not all(find_spec(name) for name in ("altair", "vl_convert")):
        raise ArenaError(
            "pictures need packages that are not installed",
            try_="pip install 'inference-arena[charts]', or no --picture",
        )


def _ended(record: "Record", *, picture: Path | None) -> int:
    if picture is not None and record.points:
        from inference_arena.report import load_curve_png, load_curve_svg  # noqa: PLC0415 - start-up stays quick
        from inference_arena.store import whole_file  # noqa: PLC0415

        drawn = load_curve_png(record) if picture.suffix == ".png" else load_curve_svg(record).encode()
        with whole_file(picture.resolve()) as file:
            file.write(drawn)
        complain(f"load curves drawn into {picture}")
    return ending(record)


def ending(record: "Record") -> int:
    """0 where every part has an answer: a limit, or that it lies at the edge of what was tried."""
    capacity = record.summary.capacity if record.summary is not None else None
    if record.outcome.kind != "finished" or capacity is None:
        return run_verb.EXIT_CODES[record.outcome.kind] or 1
    parts = [part for part in (capacity.requests, capacity.people) if part is not None]
    return 0 if all(part.status != "not-found" for part in parts) else 1
