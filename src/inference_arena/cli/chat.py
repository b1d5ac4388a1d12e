"""`arena chat`: talk to a kept server, or to any, in the terminal; how fast it answered stands under each answer."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from inference_arena.cli.chat_screen import Options, Party, ask_once, talk, yes
from inference_arena.cli.output import complain
from inference_arena.cli.run_words import read_key
from inference_arena.cli.serving import asked_to_serve, bring_up, ended_by
from inference_arena.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from inference_arena.store import Home, Serving


def command(
    who: Annotated[
        str | None, typer.Argument(help="A kept server or its model; the only one if not named.", metavar="[MODEL]")
    ] = None,
    *,
    url: Annotated[str | None, typer.Option(help="Talk to the OpenAI-compatible server at this address.")] = None,
    server_model: Annotated[
        str | None, typer.Option("--model", help="Which of that server's models; its first if not named.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="Environment variable that holds the server's key.", metavar="NAME")
    ] = None,
    start: Annotated[bool, typer.Option(help="Start a server where none runs, without asking.")] = False,
    system: Annotated[str | None, typer.Option(help="What the model is told before the talk.")] = None,
    temperature: Annotated[float | None, typer.Option(help="0: always the likeliest word.", min=0, max=10)] = None,
    max_tokens: Annotated[int | None, typer.Option(help="End each answer after so many.", min=1)] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One question from standard input, one document out.")
    ] = False,
) -> int:
    """Talk to a model that `arena up` serves; TTFT and tokens/s stand under each answer.

    Where none runs it offers to start one, and stops it at the end. Without a terminal it reads one question from
    standard input and prints the answer.

    \b
    arena chat                                        the server that runs
    arena chat --url http://127.0.0.1:8000/v1         any server
    echo "Why is the sky blue?" | arena chat          one question, one answer
    """  # noqa: D301
    if url is not None and who is not None:
        raise UsageError("a kept server and --url cannot both be meant", try_=f"--url {url} --model NAME")
    if url is None and server_model is not None:
        raise UsageError("--model goes with --url", try_="arena chat NAME for a kept server")
    options = Options(system=system, temperature=temperature, max_tokens=max_tokens)
    interactive = sys.stdin.isatty() and not as_json
    key = read_key(api_key_env)
    party = (
        _kept(who, key=key, start=start, may_ask=interactive)
        if url is None
        else _elsewhere(url, model=server_model, key=key)
    )
    with party as found:
        return talk(found, options) if interactive else ask_once(found, options, as_json=as_json)


@contextmanager
def _elsewhere(url: str, *, model: str | None, key: str | None) -> Iterator[Party]:
    from inference_arena.run import first_model, key_headers, parse_address  # noqa: PLC0415

    address, headers = parse_address(url), key_headers(key)
    name = model or first_model(address, headers=headers)
    yield Party(target=address.target("chat", headers), model=name, title=f"{name} at {address.url}")


@contextmanager
def _kept(who: str | None, *, key: str | None, start: bool, may_ask: bool) -> Iterator[Party]:
    """The kept server that is meant; one that is started for this talk ends with it."""
    from inference_arena.run import stop  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    home = open_home()
    found = _running(home, who)
    if found is not None:
        yield _party(_when_ready(home, found), key=key)
        return
    serving = _started(home, who, start=start, may_ask=may_ask)
    try:
        with ended_by(signal.SIGTERM, signal.SIGHUP):
            yield _party(serving, key=key)
    finally:
        complain(f"stopping {serving.name}, which was started for this talk")
        stop(home, serving)


def _running(home: "Home", who: str | None) -> "Serving | None":
    from inference_arena.run import running  # noqa: PLC0415

    alive = running(home)
    if who is not None:
        named = [one for one in alive if one.name == who] or [
            one for one in alive if who in {one.model, one.checkpoint}
        ]
        return named[0] if named else None
    if len(alive) > 1:
        names = ", ".join(one.name for one in alive)
        raise UsageError(f"{len(alive)} servers run: {names}", try_=f"arena chat {alive[0].name}")
    return alive[0] if alive else None


def _when_ready(home: "Home", serving: "Serving") -> "Serving":
    from inference_arena.run import await_ready  # noqa: PLC0415

    if serving.state == "starting":
        complain(f"{serving.name} is still starting; waiting for it")
    return await_ready(home, serving)


def _started(home: "Home", who: str | None, *, start: bool, may_ask: bool) -> "Serving":
    from inference_arena.run import embedded_card  # noqa: PLC0415

    model = who or embedded_card().name
    what = f"no server runs for {model}" if who is not None else "no server is kept running"
    if not start and not (may_ask and yes(f"{what}; start {model} for this talk? [Y/n] ")):
        raise NotFoundError(what, why=_last_death(home, who), try_=f"arena up {model}, or arena chat --start {model}")
    return bring_up(asked_to_serve(model), home, name=None, together=False, wait=True, plain=False)


def _last_death(home: "Home", who: str | None) -> str:
    """How the one that is missed ended, where it did so by itself."""
    from inference_arena.run import all_standing  # noqa: PLC0415

    for one in reversed(all_standing(home)):
        if one.ending is not None and one.ending.kind != "stopped" and who in {None, one.name, one.model}:
            return f"{one.name} {one.ending.kind}: {one.ending.what}"
    return ""


def _party(serving: "Serving", *, key: str | None) -> Party:
    from inference_arena.run import key_headers, parse_address  # noqa: PLC0415

    assert serving.url is not None
    address = parse_address(serving.url)
    title = f"{serving.model} on {serving.engine} at {serving.url}"
    model = serving.asked_as or serving.model
    return Party(target=address.target("chat", key_headers(key)), model=model, title=title, name=serving.name)
