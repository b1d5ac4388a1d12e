"""`arena capacity`: options are those of `arena run`, and what cannot be meant is refused before anything starts."""

import inspect

import pytest

from inference_arena.cli import capacity, run
from inference_arena.cli.asking import with_options_of

URL = ("--url", "http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "nothing was named to share"),
        ((*URL, "--behaviour", "none", "--think", "3s"), "--think and --most-people are about people"),
        ((*URL, "--endpoint", "completions"), "people talk through the chat interface"),
        ((*URL, "--most", "0"), "--most"),
        ((*URL, "--attainment", "1.5"), "--attainment"),
        ((*URL, "--duration", "0"), "--duration must be above 0"),
        (("x.gguf", *URL), "a file and --url cannot both be measured"),
        ((*URL, "--picture", "curve.pdf"), "curve.pdf is no picture"),
    ],
)
def test_what_cannot_be_meant_is_refused(offline_arena, words, why):
    done = offline_arena("capacity", *words)

    assert done.code == 2
    assert why in done.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((*URL, "--behaviour", "martian"), "no behaviour is called 'martian'"),
        ((*URL, "--slo", "never"), "no SLO is called 'never'"),
        ((*URL, "--picture", "/nowhere/at/all/curve.svg"), "there is no such folder"),
        (("missing.gguf",), "missing.gguf"),
    ],
)
def test_what_is_not_there_is_an_error_in_words(offline_arena, words, why):
    done = offline_arena("capacity", *words)

    assert done.code == 1
    assert why in done.err


def test_options_of_the_launch_are_defined_once():
    own, shared = inspect.signature(capacity.command).parameters, inspect.signature(run.command).parameters

    assert all(own[name].annotation == shared[name].annotation for name in capacity.LAUNCH)
    assert "concurrency" not in own


def test_a_shared_option_arrives_beside_an_own_one():
    def verb(model: str = "m", *, quiet: bool = False) -> int:
        return 0

    @with_options_of(verb, ("model", "quiet"))
    def own(*, most: int = 3, **shared: object) -> int:
        return most if shared == {"model": "x", "quiet": True} else 0

    assert list(inspect.signature(own).parameters) == ["most", "model", "quiet"]
    assert own(most=7, model="x", quiet=True) == 7
