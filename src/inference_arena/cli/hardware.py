"""`arena hardware`: this machine and its cards, with what should be known before anything is planned for them."""

import json
import platform
import sys
from pathlib import Path
from typing import Annotated

import typer

from inference_arena import __version__
from inference_arena.cli.output import wrapped
from inference_arena.errors import UsageError
from inference_arena.facts import Host
from inference_arena.plan import Notice, is_wsl, notices


def command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    as_report: Annotated[
        bool, typer.Option("--report", help="Print Markdown for a bug report: no names, no serial numbers, no paths.")
    ] = False,
) -> None:
    """Show this machine: processor, memory, every GPU, and what stands in their way.

    For example: `arena hardware`, or `arena hardware --report`.
    """
    from inference_arena.hardware import TRIED, read_host  # noqa: PLC0415
    from inference_arena.report import machine_markdown, machine_page, readers_said  # noqa: PLC0415

    if as_json and as_report:
        raise UsageError("--json and --report are two forms of one answer", try_="one of the two")
    host = read_host()
    found = notices(host, on_windows_drive=_folders_on_windows(host))
    if as_json:
        _print_json(host, found, [vendor for vendor, where in TRIED.items() if not where])
    elif as_report:
        arena = f"{__version__}, Python {platform.python_version()}"
        print(machine_markdown(host, found, arena=arena, readers=readers_said(TRIED)))
    else:
        page = machine_page(host, found, ascii_only=not _shows_blocks())
        print(wrapped(page, stream=sys.stdout, hang=12))


def _folders_on_windows(host: Host) -> tuple[str, ...]:
    """Under WSL, the folders with models that lie on a drive of Windows, by what they are for: paths hold names."""
    if not is_wsl(host):
        return ()
    from huggingface_hub.constants import HF_HUB_CACHE  # noqa: PLC0415

    from inference_arena.hardware import read_mounts, windows_mount  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    folders = {"the arena's folder of models": open_home().models, "the cache of Hugging Face": Path(HF_HUB_CACHE)}
    mounts = read_mounts()
    return tuple(name for name, folder in folders.items() if windows_mount(str(folder.resolve()), mounts))


def _shows_blocks() -> bool:
    try:
        "█░–".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _print_json(host: Host, found: tuple[Notice, ...], untried: list[str]) -> None:
    document = {
        "host": host.model_dump(mode="json"),
        "notices": [notice.model_dump(mode="json") for notice in found],
        "untried_readers": untried,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))
