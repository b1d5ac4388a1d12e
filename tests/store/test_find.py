"""From what a person types to one record."""

import pytest

from inference_arena.errors import NotFoundError
from inference_arena.store import find_record


@pytest.fixture
def three(builders, keep):
    first, second, third = builders.IDS
    keep(builders.a_record(first))
    keep(builders.a_failed_record(second))
    keep(builders.a_record(third))
    return builders.IDS


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("20261123-120101-aaaaaa", 0),
        ("20261123-120101", 0),
        ("20261124", 2),
        ("bbbbbb", 1),
        ("cc", 2),
        ("last", 2),
        ("last-failed", 1),
    ],
)
def test_a_record_is_found_by(home, three, typed, meant):
    assert find_record(home, typed) == home.records / three[meant]


def test_a_record_elsewhere_is_found_by_its_path(home, three, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    (home.records / three[0]).rename(elsewhere)

    assert find_record(home, str(elsewhere)) == elsewhere
    assert find_record(home, str(elsewhere / "record.json")) == elsewhere


def test_an_ambiguous_reference_lists_the_candidates(home, three):
    with pytest.raises(NotFoundError, match="more than one") as caught:
        find_record(home, "20261123")

    assert three[0] in caught.value.try_
    assert three[1] in caught.value.try_


def test_a_misspelt_id_names_the_nearest(home, three):
    with pytest.raises(NotFoundError) as caught:
        find_record(home, "20261123-120101-aaaaab")

    assert three[0] in caught.value.try_


@pytest.mark.parametrize("typed", ["", "zzz", "last", "last-failed", "a\0b", "x" * 5000])
def test_in_an_empty_home_nothing_is_found_and_a_command_is_named(home, typed):
    with pytest.raises(NotFoundError) as caught:
        find_record(home, typed)

    assert "arena" in caught.value.try_


def test_an_unreadable_record_does_not_hide_the_last_failed_one(home, three):
    (home.records / three[2] / "record.json").write_text("{")

    assert find_record(home, "last-failed").name == three[1]
