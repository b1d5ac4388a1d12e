"""`arena engines` as a person types it, without a network and without a card."""

from pathlib import Path

import pytest

from inference_arena.facts import packages
from inference_arena.run.installed import environment_of, folder_of


@pytest.fixture
def begun(home):
    """What an install leaves that was cut off."""
    folder = folder_of(home, "vllm", "0.31.0")
    environment_of(home, "vllm", "0.31.0").mkdir(parents=True)
    (folder / "pylock.toml").write_text("")
    return folder


def test_every_engine_is_in_the_list(offline_arena):
    done = offline_arena("engines")
    lines = done.out.splitlines()

    assert done.code == 0
    assert [name for name in packages() if not any(line.startswith(name) for line in lines)] == []


def test_the_json_has_what_is_here_and_what_is_offered(offline_arena):
    done = offline_arena("engines", "--json")
    engines = {one["offer"]["engine"]: one for one in done.document["engines"]}

    assert done.code == 0
    assert set(engines) == set(packages())
    assert set(engines["vllm"]) == {"offer", "here", "installed", "unfinished"}
    assert done.document["platform"]


def test_an_install_that_did_not_end_is_said(offline_arena, begun):
    done = offline_arena("engines")

    assert "the install of 0.31.0 did not end" in " ".join(done.out.split())
    assert offline_arena("engines", "--json").document["engines"][-1]["unfinished"] == ["0.31.0"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("install", "ollama"), 1, "no engine is called 'ollama'"),
        (("install", "vllm=="), 2, "names no release"),
        (("install", "vllm==../up"), 1, "there is no vLLM ../up"),
        (("remove", "vllm"), 1, "the arena has installed no vllm"),
        (("remove", "vllm==1.0"), 1, "the arena has installed no vllm==1.0"),
        (("remove", "vllm==.."), 1, "the arena has installed no vllm==.."),
        (("remove", "ollama"), 1, "no engine is called 'ollama'"),
        (("bring", "vllm"), 2, "No such command 'bring'"),
        (("--json", "install", "vllm"), 2, "--json goes behind the verb"),
    ],
)
def test_what_cannot_be_meant_is_said_and_makes_nothing(words, code, says, offline_arena, home):
    done = offline_arena("engines", *words)

    assert (done.code, says in done.err) == (code, True), done.err
    assert not home.engines.exists()


def test_an_error_with_json_is_one_document(offline_arena):
    done = offline_arena("engines", "install", "ollama", "--json")

    assert done.code == 1
    assert done.document["error"]["what"] == "no engine is called 'ollama'"


def test_what_was_begun_can_be_removed(offline_arena, begun: Path):
    done = offline_arena("engines", "remove", "vllm", "--yes")

    assert (done.code, done.out.startswith("removed vllm==0.31.0")) == (0, True)
    assert not begun.exists()


def test_without_a_yes_nothing_is_removed(offline_arena, begun: Path, monkeypatch: pytest.MonkeyPatch):
    with open("/dev/null") as nobody:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", nobody)
        done = offline_arena("engines", "remove", "vllm==0.31.0")

    assert (done.code, begun.exists()) == (1, True)
    assert "nothing was removed" in done.err
