"""Asks vendors' command-line tools, within a time limit, and reads the JSON they print between their warnings."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# argv -> what it printed; None where the program is missing, fails or takes too long
Run = Callable[[tuple[str, ...]], str | None]

TIME_LIMIT_S = 10.0
# where vendors put their tools when their installer leaves PATH alone
_FOLDERS = ("/opt/rocm/bin", "/usr/sbin", "/usr/bin")


def run_tool(argv: tuple[str, ...]) -> str | None:
    """The tool's standard output, in English; None where there is no such tool, or it fails or hangs."""
    program = shutil.which(argv[0]) or shutil.which(argv[0], path=os.pathsep.join(_FOLDERS))
    if program is None:
        return None
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIME_LIMIT_S,
            check=True,
            env={**os.environ, "LC_ALL": "C"},
        )
        return done.stdout.decode("utf-8", errors="replace")
    return None


def read_json(text: str | None) -> Any:
    """The first JSON object or list that begins a line: tools print warnings before it. None where there is none."""
    lines = (text or "").splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("{", "[")):
            with suppress(ValueError, RecursionError):
                return json.JSONDecoder().raw_decode("".join(lines[number:]).lstrip())[0]
    return None


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; empty for anything else."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def part(value: Any, *names: str) -> Any:
    """What lies below the names, one in the other; None where one is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def words(value: Any) -> str | None:
    """A text that says something, on one line; None for N/A and the like."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if text and text.upper() not in {"N/A", "UNKNOWN", "NONE"} else None


def amount(value: Any) -> float | None:
    """The number in 300, "300" or {"value": 300, "unit": "W"}; None for N/A, for negatives and what is no number."""
    plain = value.get("value") if isinstance(value, dict) else value
    if isinstance(plain, bool) or not isinstance(plain, int | float | str):
        return None
    with suppress(ValueError):
        number = float(plain)
        return number if 0 <= number < 1e18 else None
    return None


def whole(value: Any) -> int | None:
    number = amount(value)
    return None if number is None else int(number)
