"""The options of `arena run` that say what users do: which workload, which shape of load, who leaves, who talks on."""

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from inference_arena import units
from inference_arena.errors import UsageError

if TYPE_CHECKING:
    from inference_arena.run import Asked

Workload = Annotated[
    str | None,
    typer.Option(
        help="What is asked: chat, conversation, code, rag-long-prompt, summarise, agent, batch, article; or a mix of "
        "them with shares.",
        metavar="NAME | chat:70,batch:30",
    ),
]
Spread = Annotated[bool, typer.Option("--spread", help="Lengths spread as the workload's source observed them.")]
Shape = Annotated[
    str | None,
    typer.Option(
        help="How the load changes: ramp or steps (closed); bursts of N requests, or a spike of N at once (open).",
        metavar="ramp|steps|bursts:N|spike:N",
    ),
]
Trace = Annotated[
    str | None,
    typer.Option(help="Replay recorded arrivals: CSV or JSON lines with at_s.", metavar="FILE"),
]
TraceSpeed = Annotated[
    float, typer.Option(help="Play the trace so many times as fast.", min=0.001, max=1000.0, metavar="2")
]
DataFile = Annotated[
    str | None, typer.Option("--data", help="Your own prompts, as JSON lines; their text stays here.", metavar="FILE")
]
Patience = Annotated[
    str | None, typer.Option(help="People leave when no first word has come within this time.", metavar="5s")
]
Freeze = Annotated[str | None, typer.Option(help="People leave when an answer stands still for so long.", metavar="3s")]
Leave = Annotated[
    float | None,
    typer.Option(help="So many of 100 people leave in the middle of an answer.", min=0.0, max=100.0, metavar="10"),
]
Talks = Annotated[
    str | None,
    typer.Option("--sessions", help="Conversations at once, one load point each.", metavar="1,4,8"),
]
Turns = Annotated[int | None, typer.Option(help="Questions in a conversation, on average.", min=1, max=500)]
Think = Annotated[
    str | None, typer.Option(help="Time between an answer and the next question, on average.", metavar="10s")
]
SystemTokens = Annotated[
    int | None, typer.Option(help="Instructions that all conversations begin with.", min=0, max=1_000_000)
]
CacheState = Annotated[
    Literal["warm", "cold", "off"] | None,
    typer.Option(
        "--cache",
        help="Prefix cache: warm keeps shared beginnings from point to point, cold starts each point afresh, off goes "
        "without.",
    ),
]
MostErrors = Annotated[int | None, typer.Option("--max-errors", help="Failed requests that end a load point.", min=1)]
ClientProcesses = Annotated[
    int | None,
    typer.Option(help="Processes that send the load; one, and more where it is not enough.", min=1, max=64),
]
LONGEST_S: Final = 86_400.0


def people(**said: Any) -> dict[str, Any]:
    """What these options say, in the fields of `Asked`; raises UsageError."""
    for option in ("patience", "freeze"):
        if said[option] is not None and not 0 < units.parse_seconds(said[option]) <= LONGEST_S:
            raise UsageError(f"--{option} must be above 0", try_=f"--{option} 5s")
    sessions = said["sessions"]
    leave = said["leave"]
    return {
        **{name: said[name] for name in ("workload", "spread", "shape", "trace", "trace_speed", "data", "turns")},
        **{name: said[name] for name in ("system_tokens", "cache")},
        "patience_s": _seconds(said["patience"]),
        "freeze_s": _seconds(said["freeze"]),
        "leave_share": None if leave is None else leave / 100,
        "sessions": () if sessions is None else units.parse_numbers(sessions, whole=True, name="--sessions"),
        "think_s": _seconds(said["think"]),
        "most_failures": said["max_errors"],
        "client_processes": said["client_processes"],
    }


def _seconds(text: str | None) -> float | None:
    return None if text is None else units.parse_seconds(text)


def refuse_bad_files(asked: "Asked") -> None:
    """A trace or prompts that cannot be used are found before a lock is taken and an engine started."""
    from inference_arena.load import read_prompts, read_replay  # noqa: PLC0415  # heavy

    if asked.trace is not None:
        read_replay(asked.trace)
    if asked.data is not None:
        read_prompts(asked.data)
