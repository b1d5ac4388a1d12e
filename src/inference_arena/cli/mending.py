"""How often a failed start is mended, by the words of the command line."""

from typing import Final

from inference_arena.errors import UsageError

RETRIES: Final = 3


def count_retries(asked: int | None, *, wanted: bool, url: str | None) -> int:
    """How often a failed start is mended; 0 where nobody asked for it."""
    if asked is not None and not wanted:
        raise UsageError("--retries goes with --retry-fixes", try_=f"--retry-fixes --retries {asked}")
    if wanted and url is not None:
        raise UsageError(
            "--retry-fixes goes with an engine that is started here",
            why="a server that runs already is not ours to change",
            try_="leave it out with --url",
        )
    return (asked or RETRIES) if wanted else 0
