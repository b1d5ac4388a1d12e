"""A suite file becomes command lines: every combination, in order, and each mistake with its line and field."""

import pytest

from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.run import read_suite, shipped
from inference_arena.run.suite import parse_suite

WHOLE = """
title = "Two by two"
launches = 3
[defaults]
exact = true
duration = "10s"
[[models]]
model = "one"
[[models]]
model = "two"
flag = ["--quiet"]
[[engines]]
engine = "vllm"
[[engines]]
engine = "sglang"
flag = "--fast=1"
[[loads]]
label = "many"
concurrency = [1, 4]
[[skip]]
model = "one"
engine = "sglang"
"""


def parsed(text: str):
    return parse_suite(text, name="it", file="it.toml")


def test_every_combination_is_a_command_line_less_those_that_are_skipped():
    suite = parsed(WHOLE)

    assert [item.label for item in suite.items] == ["one, vllm, many", "two, vllm, many", "two, sglang, many"]
    assert suite.items[0].argv == ("one", "--exact", "--duration=10s", "--engine=vllm", "--concurrency=1,4")
    assert suite.launches == 3


def test_flags_of_all_tables_add_up():
    assert parsed(WHOLE).items[2].argv[-2:] == ("--flag=--quiet", "--flag=--fast=1")


def test_a_later_table_wins_over_defaults():
    suite = parsed('[defaults]\nduration = "10s"\n[[loads]]\nduration = "60s"\nmodel = "m"')

    assert suite.items[0].argv == ("m", "--duration=60s")


def test_a_switch_that_is_off_is_left_out():
    assert parsed('[defaults]\nmodel = "m"\nexact = false').items[0].argv == ("m",)


def test_two_combinations_that_come_to_the_same_are_one_item():
    assert len(parsed('[defaults]\nmodel = "m"\n[[loads]]\nseed = 1\n[[loads]]\nseed = 1').items) == 1


def test_an_item_is_known_by_its_command_line_and_not_by_its_label():
    one, other = (parsed(f'[[models]]\nlabel = "{label}"\nmodel = "m"').items[0] for label in ("a", "b"))

    assert one.label != other.label
    assert one.id == other.id


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("modells = 1", "line 1: field 'modells'"),
        ('title = "x"\nlaunches = 0', "line 2: field 'launches'"),
        ("title = 3", "field 'title'"),
        ("models = 3", "field 'models'"),
        ('[[models]]\nmodel = "m"\nseed = {}', "line 3: field 'seed'"),
        ("defaults = 1", "field 'defaults'"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_field(text: str, where: str):
    with pytest.raises(BadFileError) as wrong:
        parsed(text)

    assert wrong.value.what.startswith("it.toml")
    assert where in wrong.value.what


def test_what_is_no_toml_is_told_as_such():
    with pytest.raises(BadFileError, match="is not TOML"):
        parsed("[[")


def test_a_file_where_everything_is_skipped_names_nothing_to_run():
    with pytest.raises(BadFileError, match="nothing to run"):
        parsed('[[models]]\nmodel = "m"\n[[skip]]\nmodel = "m"')


def test_too_many_combinations_are_refused_before_they_are_made():
    rows = "".join(f"[[{table}]]\nseed = {i}\n" for table in ("models", "engines", "settings") for i in range(30))

    with pytest.raises(BadFileError, match="27,000 combinations"):
        parsed(rows)


def test_every_suite_that_ships_can_be_read():
    for name in shipped():
        assert read_suite(name).items


def test_the_founding_suite_is_three_models_on_two_engines():
    assert len(read_suite("article-rtx3090").items) == 6


def test_an_unknown_suite_is_told_with_those_that_ship():
    with pytest.raises(NotFoundError) as missing:
        read_suite("nope")

    assert "article-rtx3090" in missing.value.try_


def test_the_suite_of_the_article_measures_what_the_card_of_the_article_says():
    for item in read_suite("article-rtx3090").items:
        assert "--workload=article" in item.argv
        # a length, load or time that is named would replace the card's
        assert not [word for word in item.argv if word.startswith(("--input", "--output", "--concurrency", "--dur"))]
