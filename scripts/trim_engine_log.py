"""Makes a golden out of an engine's log: neutral places, no chatter. What is left stands as it was printed.

    python scripts/trim_engine_log.py server.log [PLACE=NAME ...] > tests/golden/ENGINE-RELEASE/NAME.log

PLACE=NAME: a folder of the machine that wrote it, and what stands for it (/data/llm/=/models/); longest first.

Cut: lines of vLLM at DEBUG but for those that tell memory and chosen sizes, its list of routes, all but the first and
the last of a progress bar's states and of equal lines of access, and a page of counters' buckets and times of creation.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

# where it ran -> what stands for it; in this order
PLACES: Final = (
    (r"/\S+/(?:site|dist)-packages/", "/site-packages/"),
    (r"/usr/lib/python", "/python"),
    (r"/(?:root|home/[^/\s]+)/", "/home-folder/"),
    (r"ipc:///tmp/", "ipc:///run/"),
    (r"/tmp/", "/temporary/"),  # noqa: S108  # a word to replace
)
KEPT_DEBUG: Final = re.compile(
    r"\[(v1/worker/gpu_worker\.py|engine/arg_utils\.py|model_executor/model_loader/base_loader\.py"
    r"|v1/worker/gpu_model_runner\.py:6\d|v1/engine/utils\.py)"
)
DEBUG: Final = re.compile(r"(?:^|\) )DEBUG \d\d-\d\d")
CHATTER: Final = re.compile(r"launcher\.py:\d+\] Route: |^# HELP|^\S+_(bucket|created)\{")
REPEATED: Final = (
    re.compile(r"(Capturing|Profiling|Loading)[^:]*: +\d+%"),
    re.compile(r'"(GET|POST) \S+ HTTP/1\.1" \d+'),
    re.compile(r"Waiting for \d+ local"),
)


def neutral(line: str, places: Mapping[str, str]) -> str:
    for place, name in places.items():
        line = line.replace(place, name)
    for place, name in PLACES:
        line = re.sub(place, name, line)
    return line


def wanted(line: str) -> bool:
    if CHATTER.search(line):
        return False
    return DEBUG.search(line) is None or KEPT_DEBUG.search(line) is not None


def kind(line: str) -> str:
    """Equal for lines of which the first and the last are enough."""
    found = next((match for match in (what.search(line) for what in REPEATED) if match), None)
    return line if found is None else re.sub(r"\d+", "", found[0])


def trimmed(lines: Iterable[str], places: Mapping[str, str]) -> Iterator[str]:
    for _, group in groupby((neutral(line, places) for line in lines if wanted(line)), key=kind):
        same = list(group)
        yield same[0]
        if len(same) > 1:
            yield same[-1]


def main() -> None:
    text = Path(sys.argv[1]).read_text("utf-8", errors="replace")
    places = dict(argument.split("=", 1) for argument in sys.argv[2:])
    sys.stdout.write("\n".join(trimmed(re.split(r"\r?\n|\r", text.rstrip("\n")), places)) + "\n")


if __name__ == "__main__":
    main()
