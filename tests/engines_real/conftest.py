"""The arena of tests/survive, beside real engines in environments of their own.

ARENA_REAL_ENGINES: unset or 0: these tests are skipped. wanted (what `python3 start.py test` sets): they run where the
environments can be made. must (for a machine that can make them): not being able to make them is a failure.
"""

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "survive"))

from environments import GUIDELLM, TRANSFORMERS, VLLM, CannotBeMade, Recipe, environment, model_folder
from survival import Arena

ASKED = os.environ.get("ARENA_REAL_ENGINES", "0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.real)
        item.add_marker(pytest.mark.timeout(900))
        if ASKED == "0":
            reason = "real engines take gigabytes and minutes: ARENA_REAL_ENGINES=wanted runs them"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def below() -> Path:
    folder = Path(os.environ.get("ARENA_REAL_ENGINES_FOLDER") or platformdirs.user_cache_path("inference-arena-tests"))
    folder = folder / "real-engines"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made(recipe: Recipe, below: Path) -> Path:
    try:
        return environment(recipe, below=below)
    except CannotBeMade as error:
        if ASKED == "must":
            raise
        pytest.skip(f"no environment of {recipe.name} here: {error}")


@pytest.fixture(scope="session")
def transformers_env(below: Path) -> Path:
    return made(TRANSFORMERS, below)


@pytest.fixture(scope="session")
def vllm_env(below: Path) -> Path:
    return made(VLLM, below)


@pytest.fixture(scope="session")
def guidellm_env(below: Path) -> Path:
    return made(GUIDELLM, below)


@pytest.fixture(scope="session")
def model(below: Path, transformers_env: Path, embedded_gguf: Path) -> Path:
    """SmolLM2 135M as a folder that these engines read."""
    return model_folder(embedded_gguf, python=transformers_env / "bin" / "python", below=below)


class RealArena(Arena):
    """vLLM's processes write their titles over their environment, and the mark with it; they stay in our folder."""

    def processes(self) -> dict[int, str]:
        return {**super().processes(), **dict(_working_in(self.folder))}


def _working_in(folder: Path) -> Iterator[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it ended meanwhile, or is not ours
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder.resolve():
                yield int(entry.name), (entry / "cmdline").read_text(errors="replace").replace("\0", " ")


@contextmanager
def arena_in(folder: Path) -> Iterator[Arena]:
    """Every process that it leaves behind fails the test."""
    made = RealArena(home=folder / "home", folder=folder, mark=uuid.uuid4().hex)
    made.env["PATH"] = os.environ["PATH"]  # the engines call programs of the system
    try:
        yield made
        made.must_have_left_nothing()
    finally:
        made.kill_all()


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    with arena_in(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """For the tests of a module that look at one run."""
    with arena_in(tmp_path_factory.mktemp("shared")) as made:
        yield made
