"""An arena in a home of its own for every test, with a mark on every process that it starts."""

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from survival import Arena, write_fake_engine, write_tiny_model

from inference_arena.run import embedded_card


@pytest.fixture
def arena(tmp_path: Path) -> Iterator[Arena]:
    """No engine on its PATH, no model in its home; every process that it leaves behind fails the test."""
    made = Arena(home=tmp_path / "home", folder=tmp_path, mark=uuid.uuid4().hex)
    try:
        yield made
        made.must_have_left_nothing()
    finally:
        made.kill_all()


@pytest.fixture
def faked(arena: Arena) -> Arena:
    """With a llama-server on its PATH that is the truth server, and a model of a few bytes."""
    write_fake_engine(arena)
    write_tiny_model(arena.model)
    return arena


@pytest.fixture
def real(arena: Arena, embedded_gguf: Path) -> Arena:
    """With the built-in engine and the real model, which also lies where `arena run` alone looks for it."""
    models = arena.home / "models"
    models.mkdir(parents=True)
    arena.model = models / f"{embedded_card().name}.gguf"
    try:
        arena.model.hardlink_to(embedded_gguf)
    except OSError:
        arena.model.symlink_to(embedded_gguf)
    return arena
