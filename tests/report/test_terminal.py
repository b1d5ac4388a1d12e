"""The report as printed: every outcome, every width, no character that a terminal would obey."""

import io
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from inference_arena.facts import Device
from inference_arena.record import Doubt, Failed, Interrupted, LoadSummary, Record
from inference_arena.report import render

Change = Callable[..., Record]
WIDTHS = (60, 80, 120)
HOSTILE = "evil\x1b[31m [red]name[/red]\nline two \u202e" + "x" * 200


def printed(record: Record, *, width: int = 80, path: str | None = "/records/20261123") -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(render(record, path=path, width=width))
    return out.getvalue()


def narrow(text: str, *, width: int) -> bool:
    return all(cell_len(line) <= width for line in text.splitlines())


def hostile(record: Record) -> Record:
    doubt = Doubt(code=HOSTILE, weight="caution", evidence=HOSTILE, advice=HOSTILE)
    assert record.summary is not None
    return record.model_copy(
        update={
            "id": HOSTILE,
            "model": record.model.model_copy(update={"name": HOSTILE, "checkpoint": None, "license": HOSTILE}),
            "engine": record.engine.model_copy(update={"version": HOSTILE, "choices": {HOSTILE: HOSTILE}}),
            "host": record.host.model_copy(update={"cpu_model": HOSTILE, "os": HOSTILE}),
            "trial": record.trial.model_copy(update={"slo": record.trial.slo.model_copy(update={"name": HOSTILE})}),
            "summary": record.summary.model_copy(update={"doubts": (doubt,)}),
            "notes": (HOSTILE,),
            "outcome": Failed(stage="ready", cause="x", what=HOSTILE, why=HOSTILE, advice=HOSTILE, evidence=(HOSTILE,)),
        }
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_fits_its_width_and_has_no_trailing_blanks(measurement: Record, width: int):
    text = printed(measurement, width=width)
    assert narrow(text, width=width)
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_a_report_answers_in_the_order_of_the_questions(measurement: Record):
    text = printed(measurement)
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings[2:] == [
        "Verdict",
        "Each load",
        "Doubts",
        "How sure: what the measuring itself cost",
        "What was asked",
        "Record",
        "Next",
    ]


def test_the_table_has_units_in_its_head_and_a_row_for_each_load(measurement: Record):
    lines = printed(measurement).splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[:2] == ["once", "n"])
    assert lines[at].split() == ["once", "n", "n", "tok/s", "tok/s", "s", "s", "ms", "s", "share"]
    assert lines[at + 4].split() == "8 60 0 95 ± 4 13 2.5 4.1 75 1.2 31 %".split()
    assert lines[at + 5] == ""


def test_a_narrow_terminal_gets_two_tables_with_the_load_in_both(measurement: Record):
    text = printed(measurement, width=60)
    assert sum(line.split()[:1] == ["once"] for line in text.splitlines()) == 2


def test_the_client_states_its_own_error(measurement: Record):
    text = " ".join(printed(measurement).split())
    assert "the client adds 0.1 / 0.8 ms (p50 / p99) to TTFT, 0.2 % to TPOT at 8 streams; no token lost (n 64)" in text


def test_what_is_unknown_is_a_dash(measurement: Record, summarised: Change):
    assert measurement.summary is not None
    unknown = {"ttft_s": None, "ttft_p90_s": None, "tpot_s": None, "longest_gap_max_s": None, "attainment": None}
    loads = tuple(load.model_copy(update={**unknown, "slo_met": None}) for load in measurement.summary.loads)
    lines = printed(summarised(summary={"loads": loads, "self_test": None})).splitlines()
    row = next(line for line in lines if line.split()[:1] == ["8"])
    assert row.split() == "8 60 0 95 ± 4 13 – – – – –".split()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("purpose", ["measurement", "self-test"])
@pytest.mark.parametrize(
    "outcome",
    [
        Failed(stage="ready", cause="oom", what="no", why="memory", advice="less", evidence=("a log line",) * 20),
        Interrupted(stage="load", by="ctrl-c"),
    ],
)
def test_a_run_that_did_not_finish_is_still_a_report(changed: Change, width: int, purpose: str, outcome: object):
    for summary in (None, changed().summary):
        text = printed(changed(outcome=outcome, summary=summary, purpose=purpose, points=()), width=width, path=None)
        assert narrow(text, width=width)
        assert "20261123-121604-smollm2" in text.split("Next\n")[1]


def test_an_idle_gpu_is_the_first_line_and_the_first_step(measurement: Record, rtx_3090: Device, changed: Change):
    choices = {"gpu": "no CUDA build", "gpu_command": "arena run --engine vllm"}
    engine = measurement.engine.model_copy(update={"choices": choices})
    host = measurement.host.model_copy(update={"devices": (rtx_3090,)})
    text = printed(changed(host=host, engine=engine))
    assert text.split("Verdict\n")[1].startswith("  Your GPU was not used: NVIDIA GeForce RTX 3090")
    assert text.split("Next\n")[1].startswith("  Use your GPU\n      arena run --engine vllm\n")


@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_names_are_shown_and_never_obeyed(measurement: Record, width: int):
    text = printed(hostile(measurement), width=width)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[red]name[/red]" in "".join(text.split("\n  ")).replace(" ", "")
    assert narrow(text, width=width)


def test_a_hostile_id_cannot_become_a_command(changed: Change):
    assert "arena verify 'x; rm -rf ~'" in printed(changed(id="x; rm -rf ~"))


def test_a_terminal_without_unicode_gets_ascii(measurement: Record):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Console(file=out, width=80).print(render(hostile(measurement), path="/records/é", width=80))
    assert raw.getvalue().isascii()
    assert b"95 +/- 4" in raw.getvalue()


def test_colour_goes_away_where_it_is_not_wanted(measurement: Record, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    Console(file=out, width=80, force_terminal=True).print(render(measurement, path=None, width=80))
    assert "\x1b[3" not in out.getvalue()


def test_loads_of_both_kinds_get_a_table_each(load_of: Callable[..., LoadSummary], summarised: Change):
    loads = (load_of(1, 40.0), load_of(2, 70.0), load_of(0.5, 20.0), load_of(1.5, 60.0))
    text = printed(summarised(summary={"loads": loads}))
    assert text.count("Output tok/s, by requests at once") == 1
    assert text.count("Output tok/s, by requests per second") == 1


def test_one_load_is_a_bar(load_of: Callable[..., LoadSummary], summarised: Change):
    assert "█" in printed(summarised(summary={"loads": (load_of(1, 40.0),)}))


def test_rich_is_loaded_only_when_something_is_drawn():
    code = "import sys, inference_arena.report; raise SystemExit('rich.console' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
