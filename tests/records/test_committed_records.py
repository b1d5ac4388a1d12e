"""The records that come with the project are whole, true to their traces, and held against the plan."""

import os
from pathlib import Path

import pytest

from inference_arena.exchange import score_markdown
from inference_arena.metrics import score
from inference_arena.record import Record
from inference_arena.store import load_record, verify

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "records"
PAGE = ROOT / "docs" / "reference" / "plan-score.md"
BEGIN, END = "<!-- begin: score -->\n", "<!-- end -->\n"
RECORDS = sorted(path.parent for path in FOLDER.glob("*/record.json"))


def ids(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", RECORDS, ids=ids)
def test_a_record_says_what_its_raw_traces_say(path: Path):
    verified = verify(path)

    assert verified.broken_files == ()
    assert verified.differences == ()


@pytest.mark.parametrize("path", RECORDS, ids=ids)
def test_a_record_names_its_hardware_and_stands_in_the_table(path: Path):
    record = load_record(path)

    assert record.host.devices
    assert record.id == path.name
    assert f"`{record.id}`" in (FOLDER / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [load_record(path) for path in RECORDS]


def test_no_record_with_random_weights_or_a_reduced_build_goes_without_its_doubt(records: list[Record]):
    doubts = {record.id: {d.code for d in record.summary.doubts} for record in records if record.summary is not None}

    assert doubts
    for record in records:
        if record.summary is None:
            continue
        assert ("dummy-weights" in doubts[record.id]) == (record.model.weights == "dummy")
        assert ("reduced-build" in doubts[record.id]) == bool(record.engine.reduced)


def test_a_chain_of_retries_names_the_failed_run_before_it(records: list[Record]):
    by_id = {record.id: record for record in records}
    retried = [record for record in records if record.retry_of is not None]

    assert retried
    assert all(by_id[record.retry_of].outcome.kind == "failed" for record in retried if record.retry_of)


def test_the_plan_kept_its_promises_on_every_start_that_is_kept_here(records: list[Record]):
    scored = score(records)

    assert len(scored.terms) > 10
    assert [each for each in scored.terms if each.kept is False] == []
    assert scored.kept


def test_the_page_of_scores_is_what_the_records_say(records: list[Record]):
    """ARENA_GOLDEN=write makes it anew."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    made = f"{before}{BEGIN}\n{score_markdown(score(records))}\n{END}{rest.partition(END)[2]}"
    if os.environ.get("ARENA_GOLDEN") == "write":
        PAGE.write_text(made, "utf-8")

    assert PAGE.read_text("utf-8") == made
