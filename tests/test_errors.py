"""An error says what, why and what to try, and with which code the program ends."""

import pytest

from inference_arena.errors import ArenaError, BadFileError, NotFoundError, StorageError, UsageError


def test_an_error_reads_as_what_why_and_try():
    error = ArenaError("vLLM did not start", why="the driver is too old", try_="arena fit")

    assert str(error) == "vLLM did not start\n  why  the driver is too old\n  try  arena fit"
    assert (error.what, error.why, error.try_) == ("vLLM did not start", "the driver is too old", "arena fit")


def test_what_is_not_known_is_left_out():
    assert str(ArenaError("no")) == "no"
    assert str(ArenaError("no", try_="again")) == "no\n  try  again"
    assert str(ArenaError("no", why="because")) == "no\n  why  because"


@pytest.mark.parametrize(
    ("kind", "code"), [(ArenaError, 1), (BadFileError, 1), (NotFoundError, 1), (StorageError, 1), (UsageError, 2)]
)
def test_every_expected_failure_is_an_arena_error_with_its_exit_code(kind, code):
    error = kind("no")

    assert isinstance(error, ArenaError)
    assert error.exit_code == code
