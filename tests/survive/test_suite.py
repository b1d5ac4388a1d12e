"""A suite keeps what it did, whatever ends it, and goes on from there."""

import json
import signal
from importlib.util import find_spec

from survival import Arena, json_of

TWO = """
title = "Two"
[defaults]
model = "{model}"
requests = 2
input-tokens = 16
output-tokens = 8
[[settings]]
label = "first"
seed = 1
[[settings]]
label = "second"
seed = 2
"""


def written(arena: Arena, text: str = TWO) -> str:
    path = arena.folder / "two.toml"
    path.write_text(text.format(model=arena.model))
    return str(path)


def test_a_suite_runs_every_item_once_and_the_next_time_none(faked: Arena) -> None:
    suite = written(faked)
    first = faked.run("suite", suite, "--json")
    again = faked.run("suite", suite, "--json")

    assert first.code == again.code == 0, first.err
    assert [item["label"] for item in first.document["items"]] == ["first", "second"]
    assert [item["records"] for item in again.document["items"]] == [
        item["records"] for item in first.document["items"]
    ]
    assert len(faked.records) == 2


def test_a_failure_is_kept_reported_and_tried_again_only_when_asked(faked: Arena) -> None:
    suite = written(faked)
    failed = faked.run("suite", suite, "--json", env={"FAKE_ENGINE": "exit 1"})
    still = faked.run("suite", suite, "--json")
    better = faked.run("suite", suite, "--json", "--again")

    assert failed.code == still.code == 1
    assert "could not load the model" in json_of(still.document["items"][0]["failures"])
    assert still.document["items"][0]["finished"] == 0
    assert better.code == 0, better.err
    assert len(faked.records) == 4


def test_ctrl_c_ends_a_suite_which_then_goes_on_with_the_items_that_are_left(faked: Arena) -> None:
    suite = written(faked)
    first = faked.run("suite", suite, "--only", "first", "--json")
    running = faked.start("suite", suite, env={"FAKE_SCRIPT": json_of({"tokens": 8, "ttft_s": 600.0})})
    faked.wait_for(running, "stage", stage="probe")
    running.signal_group(signal.SIGINT)
    ended = running.end()

    assert ended.code == 130, ended.err
    assert "goes on from here" in ended.err
    done = faked.run("suite", suite, "--json")
    assert done.code == 0, done.err
    assert done.document["items"][0]["records"] == first.document["items"][0]["records"]


def test_a_mistake_in_the_last_item_is_found_before_the_first_one_runs(faked: Arena) -> None:
    suite = written(faked, TWO + "colour = 3\n")
    done = faked.run("suite", suite)

    assert done.code == 2
    assert "--colour" in done.err
    assert faked.records == []


def test_a_value_that_cannot_be_read_is_found_before_the_first_item_runs(faked: Arena) -> None:
    done = faked.run("suite", written(faked, TWO + 'concurrency = "many"\n'))

    assert done.code == 2
    assert "--concurrency takes whole numbers" in done.err
    assert "in: arena run" in done.err
    assert faked.records == []


def test_what_the_arena_refuses_to_start_is_a_row_with_its_reason(faked: Arena) -> None:
    faked.model.unlink()
    done = faked.run("suite", written(faked), "--json")

    assert done.code == 1
    assert all(item["failures"] for item in done.document["items"])
    assert faked.records == []


def test_the_report_is_written_as_markdown_and_as_a_page(faked: Arena) -> None:
    suite = written(faked)
    markdown, page = faked.folder / "report.md", faked.folder / "report.html"
    assert faked.run("suite", suite, "--report", str(markdown)).code == 0
    assert faked.run("suite", suite, "--report", str(page)).code == 0

    assert "# Two" in markdown.read_text()
    assert "| first |" in markdown.read_text()
    assert "<h1>Two</h1>" in page.read_text()
    assert "<script" not in page.read_text()
    assert ("<svg" in page.read_text()) == all(find_spec(name) for name in ("altair", "vl_convert"))


def test_a_progress_file_that_is_damaged_is_begun_anew_and_no_record_is_lost(faked: Arena) -> None:
    suite = written(faked)
    assert faked.run("suite", suite).code == 0
    (faked.home / "suites" / "two.json").write_text("{")
    assert faked.run("suite", suite).code == 0

    assert len(faked.records) == 4
    assert json.loads((faked.home / "suites" / "two.json").read_text())["records"]
