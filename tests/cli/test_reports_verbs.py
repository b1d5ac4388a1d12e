"""Reports of other tools at the command line: beside the records, never among them."""

import importlib
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from inference_arena.errors import ArenaError, BadFileError, NotFoundError, UsageError
from inference_arena.store import report_ids

GOLDEN = Path(__file__).parent.parent / "golden" / "exchange"


@pytest.fixture
def arena(home):
    def call(verb, *arguments, answer=None):
        app = typer.Typer()
        app.command()(importlib.import_module(f"inference_arena.cli.{verb}").command)
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=answer)

    return call


@pytest.fixture
def imported(arena, home):
    done = arena("import_", GOLDEN / "guidellm-0.8.1.json")
    assert done.exit_code == 0
    return done.stdout.strip()


def test_import_prints_the_id_and_is_calm_about_a_second_time(arena, imported):
    again = arena("import_", GOLDEN / "guidellm-0.8.1.json")

    assert imported.startswith("guidellm-")
    assert (again.stdout.strip(), "already" in again.stderr) == (imported, True)


def test_a_folder_of_aiperf_is_one_report(arena, home):
    done = arena("import_", GOLDEN / "aiperf-0.13.0")

    assert report_ids(home) == [done.stdout.strip()]


def test_a_bad_file_keeps_nothing(arena, home, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"metadata": {"guidellm_version": "0.8.1", "version": 2}}')
    done = arena("import_", bad)

    assert isinstance(done.exception, BadFileError)
    assert "has no 'benchmarks'" in done.exception.what
    assert report_ids(home) == []


def test_list_shows_reports_in_a_table_of_their_own(arena, imported):
    told, document = arena("list"), json.loads(arena("list", "--json").stdout)

    assert "reported by other tools" in told.stdout
    assert "unknown-setup" in told.stdout
    assert (document["records"], document["reports"][0]["id"]) == ([], imported)


def test_show_says_what_the_numbers_cannot_say(arena, imported):
    told = arena("show", imported[:12]).stdout

    assert "never ranked with its records" in told
    assert "time_to_first_token_ms" in told
    assert "What these numbers cannot say" in told


def test_show_as_json_is_what_import_takes(arena, imported, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(arena("show", imported, "--json").stdout)

    assert arena("import_", path).stdout.strip() == imported


def test_a_view_of_a_record_names_what_differs(arena, builders, keep):
    keep(builders.a_record())
    told = arena("show", "last", "--view", "guidellm")
    document = json.loads(arena("show", "last", "--view", "vllm", "--json").stdout)

    assert "What differs from ours, and why" in told.stdout
    figures = {figure["name"]: figure for figure in document["points"][0]["figures"]}
    assert figures["ttft"]["mean"] == pytest.approx(99)
    assert figures["ttft"]["differs"]


def test_a_view_of_a_report_or_of_nothing_measured_is_refused(arena, imported, builders, keep):
    assert isinstance(arena("show", imported, "--view", "vllm").exception, UsageError)
    keep(builders.a_failed_record(builders.IDS[1]).model_copy(update={"points": ()}))
    assert isinstance(arena("show", "last", "--view", "vllm").exception, ArenaError)


def test_a_report_is_compared_with_no_record(arena, imported, builders, keep):
    keep(builders.a_record())
    done = arena("compare", "last", imported)

    assert isinstance(done.exception, NotFoundError)
    assert "is a report of another tool" in done.exception.what


def test_a_report_is_exported_as_text_and_not_as_a_picture(arena, imported, tmp_path):
    row = arena("export", imported, "--format", "csv").stdout.splitlines()[1]
    path = tmp_path / "out.json"
    arena("export", imported, "--output", path)

    assert "unknown-setup" in row
    assert json.loads(path.read_text())["id"] == imported
    assert "unknown-setup" in arena("export", imported, "--format", "markdown").stdout
    assert isinstance(arena("export", imported, "--format", "svg").exception, UsageError)


def test_a_record_is_exported_as_a_picture(arena, builders, keep, tmp_path):
    pytest.importorskip("vl_convert")
    keep(builders.a_record())
    path = tmp_path / "curve.svg"

    assert arena("export", "last", "--format", "svg", "--output", path).stdout.strip() == str(path)
    assert path.read_text().startswith("<svg")


def test_rm_removes_a_report(arena, home, imported):
    done = arena("rm", imported, "--yes")

    assert (done.stdout.strip(), report_ids(home)) == (imported, [])


def test_crosscheck_asks_where_the_server_is(arena, builders, keep):
    keep(builders.a_record())
    done = arena("crosscheck", "last")

    assert isinstance(done.exception, UsageError)
    assert "keeps no addresses" in done.exception.why


def test_crosscheck_says_when_nobody_answers(arena, builders, keep):
    keep(builders.a_record())
    done = arena("crosscheck", "last", "--url", "http://127.0.0.1:9")

    assert isinstance(done.exception, ArenaError)
    assert "no server answers" in done.exception.what
