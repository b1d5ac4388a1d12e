"""`arena hardware` on whatever machine these tests run: it answers without a GPU, in a container, without a driver."""

import json
import socket

import pytest
import typer
from typer.testing import CliRunner

from inference_arena.cli import doctor, hardware
from inference_arena.facts import Host
from inference_arena.hardware import TRIED
from inference_arena.plan import Notice


@pytest.fixture
def arena():
    def call(*arguments, verb=hardware):
        app = typer.Typer()
        app.command()(verb.command)
        return CliRunner().invoke(app, list(arguments))

    return call


def test_the_page_names_processor_memory_system_and_gpus(arena):
    done = arena()

    assert (done.exit_code, done.stderr) == (0, "")
    names = {line.split()[0] for line in done.stdout.splitlines() if line and not line.startswith(" ")}
    assert {"processor", "memory", "system", "GPU"} <= names


def test_json_is_one_document_of_facts_that_can_be_read_back(arena):
    document = json.loads(arena("--json").stdout)
    read = Host.model_validate_json(json.dumps(document["host"]))
    found = [Notice.model_validate_json(json.dumps(notice)) for notice in document["notices"]]

    assert read.ram_bytes > 0
    assert all(notice.device is None or notice.device < len(read.devices) for notice in found)
    assert document["untried_readers"] == [vendor for vendor, where in TRIED.items() if not where]


def test_the_report_does_not_name_this_host_or_its_home(arena, home):
    done = arena("--report")

    assert done.exit_code == 0
    assert done.stdout.startswith("### Machine\n")
    assert str(home.root) not in done.stdout
    assert socket.gethostname() not in done.stdout


def test_json_and_report_together_are_refused(arena):
    done = arena("--json", "--report")

    assert done.exit_code != 0
    assert "one answer" in str(done.exception)


def test_doctor_says_which_readers_were_never_tried_on_real_hardware(arena, home):
    document = json.loads(arena("--json", verb=doctor).stdout)
    said = next(finding["says"] for finding in document["findings"] if finding["name"] == "GPU readers")

    assert "never tried on real hardware: " in said
    assert all(vendor in said for vendor in ("AMD", "Apple", "Intel"))
