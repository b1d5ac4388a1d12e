"""The verbs about records: results on standard output, messages beside it, one document for --json."""

import importlib
import json
import os
import subprocess
import sys
import tarfile

import pytest
import typer
from typer.testing import CliRunner

from inference_arena.errors import ArenaError, BadFileError, NotFoundError, UsageError
from inference_arena.store import record_ids


@pytest.fixture
def arena(home):
    """Runs one verb as the table of verbs will wrap it."""

    def call(verb, *arguments, answer=None):
        app = typer.Typer()
        app.command()(importlib.import_module(f"inference_arena.cli.{verb}").command)
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=answer)

    return call


@pytest.fixture
def three(builders, keep):
    first, second, third = builders.IDS
    return [
        keep(builders.a_record(first), log="l"),
        keep(builders.a_failed_record(second)),
        keep(builders.a_record(third)),
    ]


def test_list_in_an_empty_home_names_the_command_that_makes_the_first_record(arena):
    done = arena("list")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "`arena run`" in done.stderr


def test_list_shows_one_line_a_record_with_its_doubts(arena, three):
    done = arena("list")

    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["id", *(path.name for path in reversed(three))]
    assert "Small Model on embedded" in lines[1]
    assert "finished" in lines[1]
    assert "44.5" in lines[1]
    assert "99.0 ms" in lines[1]
    assert "few-samples" in lines[1]
    assert "failed: driver-too-old" in lines[2]
    assert "–" in lines[2]
    assert done.stderr == ""


def test_list_json_is_one_document(arena, three):
    document = json.loads(arena("list", "--json", "--limit", 2).stdout)

    assert [row["id"] for row in document["records"]] == [three[2].name, three[1].name]
    assert document["unreadable"] == []


def test_list_json_of_an_empty_home_is_one_document_too(arena):
    assert json.loads(arena("list", "--json").stdout) == {"records": [], "reports": [], "unreadable": []}


def test_list_says_which_record_it_cannot_read(arena, three):
    (three[0] / "record.json").write_text("{")

    done = arena("list")

    assert len(done.stdout.splitlines()) == 3
    assert three[0].name in done.stderr
    assert json.loads(arena("list", "--json").stdout)["unreadable"][0]["path"] == str(three[0])


def test_list_does_not_let_a_record_colour_the_screen(arena, builders, keep):
    keep(builders.a_record(model=builders.a_record().model.model_copy(update={"name": "[red]x\x1b[31m\n\ry"})))

    done = arena("list")

    assert "[red]x\ufffd[31m\ufffd\ufffdy on" in done.stdout
    assert len(done.stdout.splitlines()) == 2


def test_rm_asks_and_keeps_the_record_when_told_no(arena, home, three):
    done = arena("rm", "last", answer="n\n")

    assert done.exit_code == 1
    assert done.stdout == ""
    assert three[2].name in done.stderr
    assert len(record_ids(home)) == 3


def test_rm_removes_several_when_told_yes(arena, home, three):
    done = arena("rm", "last", "aaaaaa", "last", answer="y\n")

    assert done.stdout.split() == [three[2].name, three[0].name]
    assert record_ids(home) == [three[1].name]


def test_rm_with_nobody_to_answer_removes_nothing(arena, home, three):
    assert arena("rm", "last", answer="").exit_code == 1
    assert len(record_ids(home)) == 3


def test_rm_removes_nothing_when_one_of_several_is_unknown(arena, home, three):
    done = arena("rm", "--yes", "last", "nothing-like-it")

    assert isinstance(done.exception, NotFoundError)
    assert len(record_ids(home)) == 3


def test_rm_leaves_records_of_other_places_alone(arena, three, tmp_path):
    three[0].rename(tmp_path / "mine")

    done = arena("rm", "--yes", tmp_path / "mine")

    assert isinstance(done.exception, UsageError)
    assert (tmp_path / "mine").is_dir()


def test_rm_removes_a_link_and_not_what_it_points_to(arena, home, three, tmp_path):
    three[0].rename(tmp_path / "mine")
    three[0].symlink_to(tmp_path / "mine")

    assert arena("rm", "--yes", three[0].name).exit_code == 0
    assert (tmp_path / "mine" / "record.json").is_file()
    assert not three[0].is_symlink()


def test_export_writes_an_archive_named_after_the_record(arena, three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    done = arena("export", "aaaaaa")

    assert done.stdout == f"{three[0].name}.arena.tar.gz\n"
    assert "--no-log" in done.stderr
    with tarfile.open(tmp_path / done.stdout.strip()) as tar:
        assert len(tar.getnames()) == 4


def test_export_refuses_to_overwrite_unless_forced(arena, three, tmp_path):
    target = tmp_path / "it"
    target.write_text("precious")

    for form in ("archive", "csv"):
        done = arena("export", "last", "--format", form, "--output", target)
        assert isinstance(done.exception, ArenaError)
        assert "--force" in done.exception.try_
    assert target.read_text() == "precious"

    assert arena("export", "last", "--format", "csv", "--output", target, "--force").stdout == f"{target}\n"
    assert target.read_text().startswith("record,")


def test_export_into_a_folder_asks_for_a_file(arena, three, tmp_path):
    assert "is a folder" in str(arena("export", "last", "--output", tmp_path, "--force").exception)


@pytest.mark.parametrize("form", ["csv", "archive"])
@pytest.mark.parametrize("linked", [False, True])
def test_export_replaces_nothing_but_a_regular_file_even_when_forced(arena, three, tmp_path, form, linked):
    pipe, target = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    target.symlink_to(pipe)

    error = arena("export", "last", "--format", form, "--output", target if linked else pipe, "--force").exception

    assert isinstance(error, ArenaError)
    assert "is no regular file" in error.what
    assert error.why
    assert error.try_
    assert pipe.is_fifo()
    assert target.is_symlink()


def test_export_writes_where_a_link_points_when_that_is_a_regular_file(arena, three, tmp_path):
    file, link = tmp_path / "run.csv", tmp_path / "link"
    file.write_text("old")
    link.symlink_to(file)

    assert "exists already" in str(arena("export", "last", "--format", "csv", "--output", link).exception)
    assert file.read_text() == "old"
    assert arena("export", "last", "--format", "csv", "--output", link, "--force").stdout == f"{link}\n"

    assert link.is_symlink()
    assert file.read_text() == arena("export", "last", "--format", "csv").stdout


def test_export_does_not_follow_a_link_to_nothing(arena, three, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")

    assert "is a link to nothing" in str(arena("export", "last", "--output", link, "--force").exception)
    assert not (tmp_path / "gone").exists()


def test_export_to_a_dash_is_refused_with_the_way_to_standard_output(arena, three, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    error = arena("export", "last", "--format", "csv", "--output", "-").exception

    assert isinstance(error, UsageError)
    assert "standard output" in error.try_
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(("form", "start"), [("csv", "record,"), ("json", "{"), ("markdown", "### Small")])
def test_export_prints_texts(arena, three, form, start):
    done = arena("export", "last", "--format", form)

    assert done.stdout.startswith(start)
    assert done.stderr == ""


def test_export_json_is_one_document(arena, three):
    assert json.loads(arena("export", "last", "--format", "json").stdout)["id"] == three[2].name


def test_a_record_goes_out_and_comes_back(arena, home, three, tmp_path):
    arena("export", "aaaaaa", "--output", tmp_path / "it")
    again = arena("import_", tmp_path / "it")
    assert "nothing changed" in again.stderr
    arena("rm", "aaaaaa", "--yes")

    done = arena("import_", tmp_path / "it")

    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{three[0].name}\n", "")
    assert three[0].name in record_ids(home)


def test_reindex_counts_and_reports_what_it_cannot_read(arena, three):
    assert arena("reindex").stdout == "3 records indexed\n"
    (three[1] / "record.json").write_text("{")

    done = arena("reindex")

    assert done.stdout == "2 records indexed\n"
    assert three[1].name in done.stderr
    assert isinstance(done.exception, BadFileError)


@pytest.mark.parametrize("verb", ["list", "rm", "export", "import_", "reindex"])
def test_help_gives_an_example(arena, verb):
    done = arena(verb, "--help")

    assert done.exit_code == 0
    assert f"arena {verb.rstrip('_')}" in done.stdout


def test_the_verbs_bring_no_database_and_no_tables_before_they_run():
    verbs = ", ".join(f"inference_arena.cli.{verb}" for verb in ("list", "rm", "export", "import_", "reindex"))
    code = f"import sys, {verbs}; print(sorted({{'sqlalchemy', 'rich.table', 'rich.console'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
