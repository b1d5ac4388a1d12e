"""Standard output whose reader left, or that takes no more: said once, and never by a traceback at the very end."""

import os
import shutil
import sys
from contextlib import suppress
from textwrap import TextWrapper
from typing import TextIO

from inference_arena.errors import ArenaError
from inference_arena.printable import plain

# what rich raises once it has noticed that its reader left, and what the system says
READER_LEFT = (BrokenPipeError, SystemExit)


def open_what_is_closed() -> None:
    """A standard stream that is closed becomes one that goes nowhere; else the next file opened takes its place."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)
    os.close(handle)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def forget_output() -> None:
    """What is still buffered goes nowhere; the interpreter's own flush at its end would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def unwritable(error: OSError) -> ArenaError:
    return ArenaError(
        "standard output could not be written", why=error.strerror or str(error), try_="another place for it"
    )


def wrapped(text: str, *, stream: TextIO, hang: int) -> str:
    """On a terminal, its lines broken between words, what follows `hang` columns in; elsewhere as it is."""
    if not stream.isatty():
        return text
    width = max(2 * hang, shutil.get_terminal_size().columns)
    fill = TextWrapper(width, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False).fill
    return "\n".join(fill(line) for line in text.split("\n"))


def complain(text: str) -> None:
    """To standard error, if that is still there. Names of files are in it, and a terminal must not obey those."""
    shown = wrapped("\n".join(plain(line) for line in text.split("\n")), stream=sys.stderr, hang=len("  try  "))
    with suppress(OSError, ValueError):
        print(shown, file=sys.stderr, flush=True)


def flushed(code: int, *, text: str = "") -> int:
    """The exit code, once the text and all that was printed before has arrived; 1 where it could not."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
    except OSError as error:
        complain(str(unwritable(error)))
        forget_output()
        return code or 1
    return code
