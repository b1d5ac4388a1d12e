"""The built-in engine with its real model, asked for a capacity and for a whole suite."""

import re
from pathlib import Path

import pytest
from survival import Arena

# few and short answers: one processor core has to give them all
SHORT = ("--duration", "3s", "--warmup", "1s", "--input-tokens", "16", "--output-tokens", "6")
# half of a dozen must meet the goal: enough for an answer, and soon told
FEW = ("--requests", "12", "--attainment", "0.5", "--most", "2", "--think", "100ms", "--most-people", "2")


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_a_capacity_is_sought_on_the_built_in_engine_and_verified(real: Arena) -> None:
    done = real.run("capacity", str(real.model), *SHORT, *FEW, "--json", timeout_s=280)

    record = done.document
    assert record["outcome"]["kind"] == "finished", done.err
    found = record["summary"]["capacity"]
    parts = [found["requests"], found["people"]]
    assert all(part["probes"] >= 1 for part in parts)
    # where the limit lies is the machine's; that the exit code says whether it was found is ours
    assert done.code == int(any(part["status"] == "not-found" for part in parts))
    people = [point for point in record["points"] if point["load"].get("people")]
    assert people
    assert "at most about" in done.err
    assert real.run("verify").code == 0


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_the_suite_for_processors_runs_from_end_to_end_and_draws_its_report(real: Arena) -> None:
    page = real.folder / "cpu.html"
    done = real.run("suite", "cpu", "--report", str(page), "--json", timeout_s=280)

    assert done.code == 0, done.err
    assert [item["finished"] for item in done.document["items"]] == [2, 2]
    assert all(row["output tok/s"] != "–" for item in done.document["items"] for row in item["rows"])
    assert _pictures(page) == 2
    assert real.run("suite", "cpu", "--json").document["items"] == done.document["items"]
    assert len(real.records) == 4


def _pictures(page: Path) -> int:
    return len(re.findall("<svg", page.read_text()))
