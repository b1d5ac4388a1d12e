"""What all tests may ask for: a home of their own, builders of records, the embedded model's real file."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import platformdirs
import pytest

import builders as builders_module
from inference_arena.record import Record
from inference_arena.run import embedded_card, fetch_checkpoint
from inference_arena.store import Home, open_home


def pytest_configure() -> None:
    """Started in the background or by nohup, we would hand ignored signals on to every program that a test starts."""
    defaults = dict.fromkeys((signal.SIGHUP, signal.SIGQUIT), signal.SIG_DFL)
    for number, usual in {signal.SIGINT: signal.default_int_handler, **defaults}.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture
def builders() -> ModuleType:
    return builders_module


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ARENA_DATABASE_URL", raising=False)
    return open_home()


@pytest.fixture
def keep(home: Home, tmp_path: Path) -> Callable[..., Path]:
    """Saves a record in the home, with an engine log if one is given."""

    def save(record: Record, **options: str) -> Path:
        return builders_module.keep(home, record, raw=tmp_path / "raw", **options)

    return save


@pytest.fixture(scope="session")
def embedded_gguf() -> Path:
    """Named by ARENA_TEST_GGUF, else fetched as the arena fetches it, once, into a cache of the tests' own."""
    if named := os.environ.get("ARENA_TEST_GGUF"):
        return Path(named)
    cache = platformdirs.user_cache_path("inference-arena-tests")
    return fetch_checkpoint(embedded_card(), models_dir=cache, on_progress=lambda *_: None)
