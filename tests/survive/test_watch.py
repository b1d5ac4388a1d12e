"""`arena watch` beside a run, in a pipe, and at its end."""

import json
import os
import signal
import subprocess

from survival import ENDLESS, Arena, json_of, until

LONG = ("--concurrency", "1", "--duration", "300s")


def test_a_run_is_watched_from_another_terminal_and_both_end_well(faked: Arena) -> None:
    run = faked.start("run", str(faked.model), *LONG, env={"FAKE_SCRIPT": json_of(ENDLESS)})
    faked.wait_for(run, "tick")
    watch = faked.start("watch", "--json")
    until(lambda: '"tick"' in watch.out.read_text() and '"host"' in watch.out.read_text(), watch.err.read_text)
    shown = faked.run("watch", "--once")
    watch.signal_group(signal.SIGINT)
    done = watch.end()
    run.signal_group(signal.SIGINT)

    lines = [json.loads(line) for line in done.out.splitlines()]
    (journal,) = {line["run"] for line in lines}
    assert (done.code, done.err) == (0, "")
    assert journal is not None
    assert all(line["unix_s"] > 1e9 for line in lines)
    assert "load 1 (1 of 1)" in shown.out
    assert run.end().code == 130
    faked.must_have_left_nothing()


def test_ctrl_c_ends_plain_lines_with_0_and_termination_with_130(arena: Arena) -> None:
    for number, code in ((signal.SIGINT, 0), (signal.SIGTERM, 130)):
        running = arena.start("watch", "--every", "50ms")
        until(lambda running=running: running.out.read_text().count("machine:") >= 2, running.err.read_text)
        running.signal_group(number)
        done = running.end()
        assert done.code == code, done.err
        done.is_clean()


def test_a_reader_that_has_enough_ends_the_watch(arena: Arena) -> None:
    read, write = os.pipe()
    running = arena.start("watch", "--json", "--every", "50ms", stdout=write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert json.loads(pipe.readline())["kind"] == "host"
    done = running.end()

    assert done.code == 0, done.err
    done.is_clean()


def test_once_is_a_view_or_a_line_a_kind(arena: Arena) -> None:
    shown, told = arena.run("watch", "--once"), arena.run("watch", "--once", "--json")

    assert "no run is going on" in shown.out
    assert "\x1b" not in shown.out
    assert [json.loads(line)["kind"] for line in told.out.splitlines()] == ["host"]
    assert (shown.code, told.code, told.err) == (0, 0, "")


def test_an_interval_that_is_none_is_refused_with_what_would_do(arena: Arena) -> None:
    for every in ("0s", "1ms", "2h", "soon"):
        done = arena.run("watch", "--every", every)
        assert done.code == 2
        assert "  try  " in done.err
        done.is_clean()
    assert arena.run("run", str(arena.model), "--sample-every", "0s", stderr=subprocess.DEVNULL).code == 2
