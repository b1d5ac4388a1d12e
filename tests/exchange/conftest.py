"""A home of its own for every test, and the builders of records beside this folder."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from inference_arena.record import Record
from inference_arena.store import Home, open_home


def _load_builders() -> ModuleType:
    """By its path: with pytest's importlib mode the tests are no package."""
    spec = importlib.util.spec_from_file_location("builders", Path(__file__).parents[1] / "builders.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_BUILDERS = _load_builders()


@pytest.fixture
def builders() -> ModuleType:
    return _BUILDERS


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ARENA_DATABASE_URL", raising=False)
    return open_home()


@pytest.fixture
def keep(home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Saves a record in the home, with an engine log if one is given."""

    def save(record: Record, **options: str) -> Path:
        return _BUILDERS.keep(home, record, raw=tmp_path / "raw", **options)

    return save
