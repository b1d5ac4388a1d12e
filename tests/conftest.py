"""What all tests may ask for: the embedded model's real file."""

import os
from pathlib import Path

import platformdirs
import pytest

from inference_arena.run import embedded_card, fetch_checkpoint


@pytest.fixture(scope="session")
def embedded_gguf() -> Path:
    """Named by ARENA_TEST_GGUF, else fetched as the arena fetches it, once, into a cache of the tests' own."""
    if named := os.environ.get("ARENA_TEST_GGUF"):
        return Path(named)
    cache = platformdirs.user_cache_path("inference-arena-tests")
    return fetch_checkpoint(embedded_card(), models_dir=cache, on_progress=lambda *_: None)
