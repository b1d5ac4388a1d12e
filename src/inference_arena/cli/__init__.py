"""The `arena` command: a table of verbs, one module each, imported only when named."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, dispatch, and turn every error into words and an exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    from inference_arena.cli.output import flushed, open_what_is_closed  # noqa: PLC0415

    open_what_is_closed()
    if words in (["--version"], ["-V"]):
        from inference_arena import __version__  # noqa: PLC0415  # answered before anything heavy is imported

        sys.exit(flushed(0, text=f"arena {__version__}\n"))
    try:
        from inference_arena.cli.verbs import invoke  # noqa: PLC0415

        code = invoke(words)
    except KeyboardInterrupt:  # while the verbs were still being imported
        print("interrupted", file=sys.stderr)
        code = 130
    sys.exit(flushed(code))
