"""`arena up`: serve a model in the background, in the best configuration known for this machine."""

import json
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from inference_arena import units
from inference_arena.cli.output import wrapped
from inference_arena.cli.serving import asked_to_serve, bring_up
from inference_arena.printable import plain

if TYPE_CHECKING:
    from inference_arena.store import Serving

LABEL_COLUMNS = 21  # the longest setting and a blank
NAMES = {
    "context_tokens": "context",
    "kv_cache_type": "KV cache",
    "kv_cache_tokens": "KV cache tokens",
    "kv_cache_bytes": "KV cache bytes",
    "gpu_layers": "GPU layers",
}


def command(
    model: Annotated[
        str, typer.Argument(help="A GGUF file, a folder, a hub id, or a name of the catalogue.", metavar="MODEL")
    ],
    *,
    engine: Annotated[str | None, typer.Option(help="llamacpp, vllm or sglang, or a release: vllm==0.24.0.")] = None,
    context: Annotated[
        int | None, typer.Option(help="Longest prompt and answer of a request, in tokens.", min=1)
    ] = None,
    parallel: Annotated[int | None, typer.Option(help="Requests that the engine works on at once.", min=1)] = None,
    program: Annotated[
        str | None, typer.Option(help="The engine's program, or the folder of its environment.", metavar="PATH")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the server; 8080 or the next free one if not named.", min=1, max=65535)
    ] = None,
    flag: Annotated[
        list[str] | None,
        typer.Option(help="Any flag of the engine, passed on as it is; may be repeated.", metavar="--NAME=VALUE"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the server; the model's name if not named.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Return when the server is ready, or at once.")] = True,
    ready_timeout: Annotated[str, typer.Option(help="How long the engine may take to start.")] = "10m",
    together: Annotated[bool, typer.Option(help="Start although another engine is at work on this machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Serve a model in the background; print its address, its settings, and why these.

    The settings are those that measured best on this machine, else planned ones. It goes on when the terminal is
    closed; it is not started anew when it ends.

    \b
    arena up model.gguf                      then: arena chat, arena ps, arena logs, arena down
    arena up model.gguf --context 16384      room for long texts
    arena up model.gguf --name small --json  for a script
    """  # noqa: D301
    from inference_arena.store import open_home  # noqa: PLC0415

    asked = asked_to_serve(
        model,
        engine=engine,
        context=context,
        parallel=parallel,
        port=port,
        flags=flag or (),
        program=program,
        ready_timeout=ready_timeout,
    )
    serving = bring_up(asked, open_home(), name=name, together=together, wait=wait, plain=as_json)
    if as_json:
        print(serving.model_dump_json(indent=2))
        return
    print("\n".join(page(serving)))


def page(serving: "Serving") -> list[str]:
    """What a person needs to use it, and to understand why it is set up so."""
    took = "" if serving.ready_s is None else f"; it was ready after {units.seconds(serving.ready_s)}"
    state = "is served" if serving.state == "ready" else "is starting, and will be served"
    head = f"{plain(serving.model)} {state} at {serving.url}{took}"
    return [
        wrapped(head, stream=sys.stdout, hang=2),
        "",
        *map(_row, _settings(serving)),
        "",
        *map(_whole_row, _uses(serving)),
    ]


def _row(pair: tuple[str, str]) -> str:
    label, text = pair
    return wrapped(f"  {label:<{LABEL_COLUMNS}}{plain(text)}", stream=sys.stdout, hang=LABEL_COLUMNS + 2)


def _whole_row(pair: tuple[str, str]) -> str:
    """One line, however long: it is there to be copied."""
    label, text = pair
    return f"  {label:<{LABEL_COLUMNS}}{plain(text)}"


def _settings(serving: "Serving") -> list[tuple[str, str]]:
    reasons = dict(serving.reasons)
    release = "" if serving.release is None else f" {serving.release}"
    named = {key: value for key, value in serving.settings.model_dump().items() if value not in (None, ())}
    rows = [("why these", reasons.pop("configuration", units.DASH))]
    rows.append(("engine", f"{serving.program or serving.engine}{release}  ({reasons.pop('program', units.DASH)})"))
    for key, value in named.items():
        rows.append((NAMES.get(key, key.replace("_", " ")), f"{_shown(value)}  ({reasons.pop(key, 'planned')})"))
    return [*rows, *(("note", note) for note in serving.notes)]


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return shlex.join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _uses(serving: "Serving") -> list[tuple[str, str]]:
    body = json.dumps({"model": serving.asked_as or serving.model, "messages": [{"role": "user", "content": "Hello"}]})
    curl = f"curl {serving.url}/chat/completions -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    return [
        ("try it", curl),
        ("programs", f"export OPENAI_BASE_URL={serving.url} OPENAI_API_KEY=none"),
        ("talk", f"arena chat {serving.name}"),
        ("look", f"arena ps, arena logs {serving.name}"),
        ("stop", f"arena down {serving.name}"),
    ]
