"""Values of options that are names from the catalogue."""

from collections.abc import Iterator
from contextlib import contextmanager

from inference_arena.errors import NotFoundError, UsageError


@contextmanager
def named_by_option() -> Iterator[None]:
    """An option's value that names nothing, or several things, is a mistake on the command line: exit code 2.

    To a script 1 is an answer, such as "nothing runs here", and a slip of the pen must not read like one.
    """
    try:
        yield
    except NotFoundError as error:
        raise UsageError(error.what, why=error.why, try_=error.try_) from error
