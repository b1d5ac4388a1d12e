"""The error tree. An error says what happened, why, and what to try; the command line prints just that."""


class ArenaError(Exception):
    """An expected failure: exit code 1, never a traceback."""

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", try_: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.try_ = try_

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  why  {self.why}"] if self.why else []
        lines += [f"  try  {self.try_}"] if self.try_ else []
        return "\n".join(lines)


class UsageError(ArenaError):
    """The command line asks for something that cannot be meant: exit code 2."""

    exit_code = 2


class BadFileError(ArenaError):
    """A card, a model file or a record does not say what it must."""


class NotFoundError(ArenaError):
    """Something was named that is not there."""


class StorageError(ArenaError):
    """The place where records live cannot be written or read."""
