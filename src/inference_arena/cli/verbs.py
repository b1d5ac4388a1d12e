"""The table of verbs, and the one place where errors become words and exit codes.

0 fine, 1 expected failure, 2 usage, 3 our bug, 130 interrupted.
"""

import errno
import json
import os
import re
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from inference_arena.cli.leftovers import save_leftovers, tell_deaths
from inference_arena.cli.output import READER_LEFT, complain, forget_output, unwritable
from inference_arena.errors import ArenaError

INTERRUPTED: Final = 130
BUG: Final = 3
UNWRITABLE: Final = (errno.ENOSPC, errno.EIO, errno.EBADF)

# verb -> module below cli/
VERBS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run": "run",
        "up": "up",
        "chat": "chat",
        "ps": "ps",
        "logs": "logs",
        "down": "down",
        "suite": "suite",
        "list": "list",
        "show": "show",
        "compare": "compare",
        "crosscheck": "crosscheck",
        "verify": "verify",
        "rm": "rm",
        "export": "export",
        "import": "import_",
        "reindex": "reindex",
        "fit": "fit",
        "plan": "plan",
        "doctor": "doctor",
        "explain": "explain",
        "score-plan": "score_plan",
        "hardware": "hardware",
        "watch": "watch",
        "engines": "engines",
    }
)


# verbs that have verbs of their own: a module of these has `SUBVERBS`, name -> function, beside `command`
SUBVERBS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"engines": ("install", "remove")})


class ReaderLeft(Exception):  # noqa: N818  # named for what happened
    """Whoever read what we write has enough, for instance `| head`."""


class Verbs(TyperGroup):
    """Imports a verb's module when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        command = get_command(_verb(cmd_name, import_module(f"inference_arena.cli.{VERBS[cmd_name]}")))
        assert isinstance(command, TyperCommand | TyperGroup)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Typer would make exit codes of some by itself."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise typer.Abort from error
        except READER_LEFT as error:
            raise ReaderLeft from error


def _verb(name: str, module: ModuleType) -> typer.Typer:
    """Its `command`; where it has verbs of its own, that is what it does without one."""
    verb = typer.Typer(add_completion=False, rich_markup_mode=None)
    if name not in SUBVERBS:
        verb.command(name)(module.command)
        return verb
    verb.callback(invoke_without_command=True)(module.command)
    for below in SUBVERBS[name]:
        verb.command(below)(module.SUBVERBS[below])
    return verb


app = typer.Typer(
    cls=Verbs, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=True
)


def _version(asked: bool) -> None:
    if asked:
        from inference_arena import __version__  # noqa: PLC0415

        print(f"arena {__version__}")
        raise typer.Exit


@app.callback()
def arena(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", "-V", help="Print the version.", is_eager=True, callback=_version),  # noqa: ARG001
) -> None:
    """Find out which language model, on which engine, with which settings, works best on this machine.

    Start with `arena run`: it measures this machine in about a minute.
    """
    save_leftovers()
    tell_deaths(ctx.invoked_subcommand)


def invoke(argv: Sequence[str]) -> int:
    """The exit code of one command line."""
    try:
        code = get_command(app).main(args=list(argv), prog_name="arena", standalone_mode=False)
    except typer.Exit as done:
        return done.exit_code
    except typer.TyperException as error:
        return _refuse(argv, error)
    except (KeyboardInterrupt, typer.Abort):
        _tell(argv, what="interrupted", why="", advice="")
        return INTERRUPTED
    except ArenaError as error:
        _tell(argv, what=error.what, why=error.why, advice=error.try_)
        return error.exit_code
    except (ReaderLeft, SystemExit):  # typer's own way out where `--help` was being read
        forget_output()
        return 0
    except Exception as error:  # noqa: BLE001  # the last resort: a bug must not show a traceback to a person
        return _unwritable(error) or _bug(argv)
    return code if isinstance(code, int) else 0


def _unwritable(error: Exception) -> int:
    """1 where standard output is a full disk or a closed terminal: files of ours have names and errors of their own."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in UNWRITABLE:
        return 0
    forget_output()
    complain(str(unwritable(error)))
    return ArenaError.exit_code


def _bug(argv: Sequence[str]) -> int:
    _tell(argv, what="this is a bug in Inference Arena", why=_keep_traceback(argv), advice="report it with that file")
    return BUG


def _refuse(argv: Sequence[str], error: typer.TyperException) -> int:
    """What is wrong with the command line, and where to read what is right."""
    context = getattr(error, "ctx", None)
    where = context.command_path if context is not None else "arena"
    _tell(argv, what=error.format_message(), why="", advice=f"{where} --help")
    return error.exit_code


def _tell(argv: Sequence[str], *, what: str, why: str, advice: str) -> None:
    """To people on standard error; with --json also as the one document on standard output."""
    complain(str(ArenaError(what, why=why, try_=advice)))
    if "--json" in argv:
        document: dict[str, Any] = {"error": {"what": what, "why": why, "try": advice}}
        with suppress(OSError):  # the matter may be just that; `flushed` sees to it
            print(json.dumps(document))


def _log_folders() -> Iterator[Path]:
    with suppress(ArenaError, ImportError):  # what cannot be imported may be the bug
        from inference_arena.store import open_home  # noqa: PLC0415

        yield open_home().logs
    yield Path(tempfile.gettempdir())


def _keep_traceback(argv: Sequence[str]) -> str:
    from inference_arena import __version__  # noqa: PLC0415

    # the verb and the names of options: values may be secret
    words = [*argv[:1], *(re.split(r"[=\s]", word)[0] for word in argv[1:] if word.startswith("-"))]
    text = f"arena {__version__} {' '.join(words)}\n{traceback.format_exc()}"
    for folder in _log_folders():
        with suppress(OSError):
            path = folder / f"bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            return f"its traceback is in {path}"
    return traceback.format_exc().strip().splitlines()[-1]
