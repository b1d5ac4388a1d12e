"""What it costs to have the arena and to call it: wall time of `arena --version`, time to read the catalogue, size of a
base install.

Run `python -m benchmarks.startup`. The install needs the package index, or what of it lies on disk.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent))

from kit.environments import CannotMake, run, scripts
from kit.table import Figure, finish, machine, parser, say, show, show_rows

CHECKOUT = Path(__file__).parent.parent
TIMES = 10
VERSION_LIMIT_MS, INSTALL_LIMIT_MB = 150.0, 150.0
UNWANTED = ("torch", "transformers", "pyarrow", "numpy")
NOT_OURS = ("pip", "setuptools", "wheel")  # what the environment itself brought
LARGEST = 10


def wall_ms(argv: Sequence[str]) -> float:
    """Median of ten, after one that warms the disk's cache and the byte code."""
    times = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True)
        times.append((time.perf_counter() - began) * 1e3)
    return median(times[1:])


def times(programs: Path, *, name: str) -> list[Figure]:
    python, arena = str(programs / "python"), str(programs / "arena")
    return [
        Figure(name=f"{name}: python -c pass", unit="ms", ours=wall_ms([python, "-c", "pass"])),
        Figure(name=f"{name}: arena --version", unit="ms", ours=wall_ms([arena, "--version"]), limit=VERSION_LIMIT_MS),
        Figure(name=f"{name}: arena --help", unit="ms", ours=wall_ms([arena, "--help"])),
    ]


READING = """
import time
from inference_arena import facts
began = time.perf_counter()
count = len(facts.gpus())
print(count, time.perf_counter() - began)
"""


def cards() -> list[Figure]:
    """Time to read every GPU card in a process that has read none, without imports; median of ten."""
    answers = [
        subprocess.run([sys.executable, "-c", READING], check=True, capture_output=True, text=True).stdout.split()
        for _ in range(TIMES)
    ]
    name = f"read {answers[0][0]} GPU cards"
    return [Figure(name=name, unit="ms", ours=median(float(took_s) * 1e3 for _, took_s in answers))]


def install(folder: Path) -> None:
    """The base package alone, from this checkout. Raises CannotMake."""
    python = str(scripts(folder) / "python")
    if uv := shutil.which("uv"):
        try:
            run([uv, "venv", "--python", sys.executable, str(folder)])
            run([uv, "pip", "install", "--compile-bytecode", "--python", python, str(CHECKOUT)])
        except CannotMake as error:
            say(f"uv could not ({error}); trying pip")
        else:
            return
    run([sys.executable, "-m", "venv", "--clear", str(folder)])
    run([python, "-m", "pip", "install", "--quiet", str(CHECKOUT)])


def installed(folder: Path) -> dict[str, int]:
    """Bytes of each distribution's files, byte code too."""
    (packages,) = {path.resolve() for path in folder.glob("lib*/**/site-packages")} or {folder / "Lib/site-packages"}
    return {
        name: _bytes(distribution)
        for distribution in distributions(path=[str(packages)])
        if (name := distribution.metadata["Name"].lower()) not in NOT_OURS
    }


def _bytes(distribution: Distribution) -> int:
    paths = {Path(str(file.locate())) for file in distribution.files or ()}
    return sum(path.stat().st_size for path in paths if path.is_file())


def size(folder: Path) -> list[Figure]:
    sizes = installed(folder)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:LARGEST]
    rows = [["package", "MB"], *([name, f"{count / 1e6:.1f}"] for name, count in largest)]
    show_rows(f"The ten largest of {len(sizes)} packages", rows)
    there = [name for name in UNWANTED if name in sizes]
    print(f"\n{', '.join(UNWANTED)}: {'PRESENT: ' + ', '.join(there) if there else 'absent'}")
    return [
        Figure(name="base install", unit="MB", ours=sum(sizes.values()) / 1e6, limit=INSTALL_LIMIT_MB),
        Figure(name="unwanted packages in it", unit="", ours=float(len(there)), limit=0.0),
    ]


def fresh() -> list[Figure]:
    """Size and times of a fresh install; empty, with a line that says why, when it cannot be made."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "venv"
        try:
            say("installing the base package into a fresh environment ...")
            install(folder)
        except CannotMake as error:
            say(f"no fresh install: {error}")
            return []
        return [*size(folder), *times(scripts(folder), name="fresh install")]


def main() -> int:
    options = parser(__doc__, peers=False)
    options.add_argument("--no-install", action="store_true", help="only time the arena of this environment")
    given = options.parse_args()
    print(machine())
    figures = [*times(Path(sys.executable).parent, name="this environment"), *cards()]
    figures += [] if given.no_install else fresh()
    show("Start and size", figures)
    return finish(figures, check=given.check)


if __name__ == "__main__":
    sys.exit(main())
