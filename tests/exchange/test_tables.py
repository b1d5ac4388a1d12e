"""Tables for other tools: every number under a name with its unit, every stranger's text harmless."""

import csv
import io

import pytest

from inference_arena.exchange import csv_table, json_document, markdown_table
from inference_arena.store import parse_record


@pytest.fixture
def named(builders):
    """A record whose model has the name."""
    return lambda name: builders.a_record(model=builders.a_record().model.model_copy(update={"name": name}))


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_row_a_load_point_with_units_in_the_names(builders):
    (row,) = rows(csv_table(builders.a_record()))

    assert (row["record"], row["engine"], row["load_kind"], row["concurrency"]) == (
        builders.IDS[0],
        "embedded",
        "closed",
        "2",
    )
    assert (row["output_tokens_per_s"], row["output_tokens_per_s_low"], row["ttft_p50_s"]) == ("44.5", "43.5", "0.099")
    assert row["doubts"] == "few-samples"


def test_csv_leaves_the_unknown_empty(builders):
    (row,) = rows(csv_table(builders.a_record()))

    assert (row["rate_per_s"], row["e2e_p50_s"], row["ttft_p99_s"], row["checkpoint"]) == ("", "", "", "")


def test_csv_of_a_failed_run_has_the_heading_alone(builders):
    text = csv_table(builders.a_failed_record(builders.IDS[0]))

    assert text.startswith("record,")
    assert text.count("\n") == 1


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@x"])
def test_a_text_that_a_spreadsheet_would_run_stays_a_text(named, name):
    assert rows(csv_table(named(name)))[0]["model"] == f"'{name}"


def test_csv_quotes_what_needs_quotes(named):
    assert rows(csv_table(named('a,"b"\nc')))[0]["model"] == 'a,"b"\nc'


def test_json_is_the_record_document(builders):
    record = builders.a_record()

    assert parse_record(json_document(record).encode(), name="it") == record


def test_markdown_shows_what_ran_the_numbers_and_the_doubts(builders):
    text = markdown_table(builders.a_record())

    assert text.startswith("### Small Model on embedded b1\n")
    assert "| 2 | 3 | 0 | 44.5 | 10.0 | 99.0 ms | 120 ms | 100 ms | met |" in text
    assert "- note **few-samples**: 3 requests" in text


def test_markdown_of_a_failed_run_says_what_failed(builders):
    text = markdown_table(builders.a_failed_record(builders.IDS[0]))

    assert "failed at launch: it did not start (driver-too-old); CUDA 12.8" in text
    assert "|" not in text


def test_markdown_escapes_what_a_page_would_run(named):
    text = markdown_table(named("<img src=x>|[a](b)`\n# more\x1b"))

    assert r"### \<img src=x\>\|\[a\](b)\` \# more  on" in text
