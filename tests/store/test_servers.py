"""What is written of a kept server is read again, and a name never leads out of its folder."""

import pytest

from inference_arena.errors import UsageError
from inference_arena.plan import Settings
from inference_arena.store import (
    Home,
    Process,
    Serving,
    checked_name,
    forget_serving,
    name_for,
    name_lock,
    read_serving,
    servings,
    write_serving,
)


def a_serving(name: str = "one", since: str = "2026-11-24T12:00:00Z") -> Serving:
    return Serving(
        name=name,
        state="ready",
        keeper=Process(pid=1, started=2.0),
        url="http://127.0.0.1:8080/v1",
        model="a-model",
        engine="llamacpp",
        settings=Settings(context_tokens=512, flags=("--x",)),
        reasons={"context_tokens": "asked for"},
        since=since,
        log_path="/nowhere",
    )


def test_a_server_is_read_as_it_was_written(home: Home):
    write_serving(home, a_serving())
    assert read_serving(home, "one") == a_serving()
    assert servings(home) == (a_serving(),)


def test_servers_are_listed_oldest_first_and_what_cannot_be_read_is_left_out(home: Home):
    later, earlier = a_serving("a", "2026-11-24T13:00:00Z"), a_serving("b", "2026-11-24T12:00:00Z")
    for one in (later, earlier):
        write_serving(home, one)
    (home.servers / "torn.json").write_text('{"name": "to')
    (home.servers / "other version.json").write_text("{}")
    assert servings(home) == (earlier, later)


def test_nothing_is_known_in_a_home_without_servers(home: Home):
    assert servings(home) == ()
    assert read_serving(home, "one") is None


def test_forgetting_takes_the_logs_along_and_forgets_what_is_not_there_too(home: Home):
    write_serving(home, a_serving())
    for suffix in ("log", "log.tail", "keeper.log"):
        (home.servers / f"one.{suffix}").write_text("said")
    forget_serving(home, "one")
    forget_serving(home, "one")
    assert list(home.servers.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", ".x", "a b", "ä", "x" * 81])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str):
    with pytest.raises(UsageError):
        checked_name(name)


@pytest.mark.parametrize(
    ("model", "name"),
    [("org/Model-7B", "Model-7B"), ("my model (1)", "my-model-1-"), ("...", "server"), ("ä" * 9, "server")],
)
def test_a_name_is_made_of_a_models(model: str, name: str):
    assert name_for(model) == checked_name(name)


def test_a_name_has_one_keeper_at_a_time(home: Home):
    with name_lock(home, "one") as first, name_lock(home, "one") as second, name_lock(home, "two") as other:
        assert (first, second, other) == (True, False, True)
    with name_lock(home, "one") as again:
        assert again
