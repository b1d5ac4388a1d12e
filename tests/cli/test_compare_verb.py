"""`arena compare` through its entry point: which records stand on a side, what is printed, which exit code."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference_arena.cli.verbs import invoke
from inference_arena.compare import compare
from inference_arena.report import ComparePage, compare_blocks

A, B = (50.0, 50.5, 49.5), (56.0, 56.5, 55.5)


@pytest.fixture(scope="session")
def sides():
    spec = importlib.util.spec_from_file_location("sides", Path(__file__).parents[1] / "compare" / "sides.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def kept(sides, keep):
    """The ids of three launches of A, and of three of B with other settings."""

    def ids(label, values, **fields):
        return [keep(record).name for record in sides.side(label, values, **fields).records]

    return {"A": ids("A", A), "B": ids("B", B, **sides.other_settings())}


@pytest.fixture
def arena(capsys):
    def call(*words):
        capsys.readouterr()
        code = invoke(["compare", *words])
        done = capsys.readouterr()
        return code, done.out, done.err

    return call


def document(arena, *words):
    code, out, _ = arena(*words, "--json")
    return code, json.loads(out)


def test_a_side_is_all_launches_of_its_configuration(arena, kept):
    code, found = document(arena, kept["A"][1], kept["B"][2])
    assert code == 0
    assert [side["records"] for side in found["sides"]] == [kept["A"], kept["B"]]
    output = found["pairs"][0]["differences"][0]
    assert output["verdict"] == "more"
    assert output["change"] == pytest.approx(0.12, abs=0.001)
    assert output["low"] < 0.12 < output["high"]


def test_only_takes_just_the_named_records(arena, kept):
    code, found = document(arena, kept["A"][0], kept["B"][0], "--only")
    assert code == 1
    assert [side["records"] for side in found["sides"]] == [kept["A"][:1], kept["B"][:1]]
    several = [",".join(kept[label][:2]) for label in "AB"]
    code, found = document(arena, *several, "--only")
    assert [side["launches"] for side in found["sides"]] == [2, 2]


def test_the_order_of_sides_is_that_of_the_words(arena, kept):
    _, found = document(arena, kept["B"][0], kept["A"][0])
    assert found["sides"][0]["records"] == kept["B"]
    assert found["pairs"][0]["differences"][0]["verdict"] == "less"


def test_the_page_says_what_is_compared_then_the_claim_then_every_number(arena, kept):
    code, out, _ = arena(kept["A"][0], "last")
    assert code == 0
    order = ["Compared", "3 launches", "May A and B be compared?", "Yes.", "settings", "B writes 12 % more tokens/s",
             "between launches", "output tokens/s", "Holm"]  # fmt: skip
    places = [out.index(words) for words in order]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_the_page_fits_its_terminal_and_keeps_both_spreads(sides, width):
    two = [sides.side("A", A), sides.side("B", B, **sides.other_settings())]
    page = ComparePage(comparison=compare(two), named={side.label: side.any for side in two})
    blocks = compare_blocks(page, width=width, ascii_only=True)
    lines = [line for block in blocks for line in getattr(block, "lines", ())]
    assert max(map(len, lines)) <= width - 2
    assert all(line.isascii() for line in lines)
    assert any("between launches" in line for line in lines)
    assert any("within" in line for line in lines) or width == 40


def test_a_record_that_cannot_be_read_is_named_and_the_rest_is_compared(arena, kept, home):
    (home.records / kept["A"][2] / "record.json").write_text("{")
    code, out, err = arena(kept["A"][0], kept["B"][0])
    assert kept["A"][2] in err
    assert "2 launches" in out
    assert code == 0


def test_one_launch_each_claims_nothing_and_exits_with_1(arena, keep, sides):
    a = keep(sides.side("A", [50.0]).records[0]).name
    b = keep(sides.side("B", [90.0], **sides.other_settings()).records[0]).name
    code, out, _ = arena(a, b)
    assert code == 1
    assert "No difference can be claimed: from one launch nobody knows" in out
    assert "run 2 more of A and 2 more of B" in out


def test_what_forbids_is_said_first_and_exits_with_1(arena, keep, sides, builders):
    a = [keep(record).name for record in sides.side("A", A).records]
    fields = {"trial": builders.TRIAL.model_copy(update={"endpoint": "completions"}), "configuration": "other"}
    b = [keep(record).name for record in sides.side("B", B, **fields).records]
    code, out, _ = arena(a[0], b[0])
    assert code == 1
    assert "No. The numbers stand side by side below" in out
    assert "A and B cannot be compared. Endpoint (chat against completions)" in out
    assert "more tokens/s than" not in out
    assert "56.0 tok/s" in out


def test_two_names_of_one_side_are_refused_with_what_to_do(arena, kept):
    code, _, err = arena(kept["A"][0], kept["A"][1])
    assert code == 2
    assert "launches of the same configuration" in err
    assert "--only" in err
    code, found = document(arena, kept["A"][0], kept["A"][1], "--only")
    assert code == 1
    assert found["pairs"][0]["compared"].startswith("Compared: nothing that the arena knows of")


def test_a_launch_that_failed_before_the_release_was_known_is_counted_on_its_side(arena, kept, keep, sides, builders):
    unknown = {"engine": builders.ENGINE.model_copy(update={"version": None}), "configuration": "without-a-release"}
    early = {**unknown, "outcome": builders.FAILED, "summary": None, "points": ()}
    failed = keep(sides.record(1.0, at="020000", **early)).name
    keep(sides.record(1.0, at="030000", **{**early, **sides.other_settings(64)}))
    _, found = document(arena, kept["A"][0], kept["B"][0])
    assert [list(side["not_finished"]) for side in found["sides"]] == [[failed], []]


def test_records_of_two_configurations_are_no_side(arena, kept):
    code, _, err = arena(f"{kept['A'][0]},{kept['B'][0]}", kept["B"][1])
    assert code == 2
    assert "no launch of the same configuration" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "RECORD"),
        (("last",), 2, "two sides or more"),
        (("last", "nothing-like-it"), 1, "no record is called"),
        (("20261123-000000", "20261123-000200", "--metric", "speed"), 2, "no metric is called 'speed'"),
        (("20261123-000000", "20261123-000200", "--at", "64"), 2, "nothing was measured at 64"),
        (("20261123-000000", "20261123-000200", "--at", "x"), 2, "--at takes numbers"),
    ],
)
def test_what_cannot_be_meant_is_said(arena, kept, words, code, said):
    found, _, err = arena(*words)
    assert found == code
    assert said in err


def test_records_on_another_machine_are_another_side(arena, keep, sides):
    here = [keep(record).name for record in sides.side("A", A, machine="a" * 32).records]
    there = [keep(record).name for record in sides.side("B", B, machine="b" * 32).records]
    code, found = document(arena, here[0], there[0])
    assert code == 0
    assert [side["records"] for side in found["sides"]] == [here, there]
    assert found["pairs"][0]["unlike"][0]["field"] == "machine"


def test_the_program_itself_compares(kept, home):
    done = subprocess.run(
        [sys.executable, "-m", "inference_arena", "compare", kept["A"][0], kept["B"][0], "--metric", "tpot_p50_s"],
        env={**os.environ, "ARENA_HOME": str(home.root)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "B takes 11 % less time for each token than A" in done.stdout
