"""What stands in the way of a run that is about to begin: a taken port, a server that never gets ready, another run."""

import socket

import pytest
from survival import ENDLESS, QUICK, Arena, json_of, read


def test_a_port_that_is_taken_is_a_failure_that_says_so(faked: Arena) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = faked.run_model("--port", str(taken.getsockname()[1]), "--ready-timeout", "60s")
    assert done.code == 1
    done.is_clean()
    outcome = faked.record()["outcome"]
    assert outcome["cause"] == "port-taken"
    assert "--port" in outcome["advice"]


def test_a_server_that_never_gets_ready_is_given_up_in_time_with_its_last_words(faked: Arena) -> None:
    done = faked.run_model("--ready-timeout", "5s", env={"FAKE_ENGINE": "never ready"})
    assert done.code == 1
    done.is_clean()
    outcome, engine = faked.record()["outcome"], faked.record()["engine"]
    assert (outcome["stage"], outcome["cause"]) == ("ready", "never-ready")
    assert engine["program"]  # what was started is on record, although it never said a word
    assert faked.model.name in " ".join(engine["command"])
    assert engine["choices"]["program"]
    assert "HTTP 503" in outcome["why"]
    assert "still loading tensors" in done.out
    assert "--ready-timeout" in done.out


def test_of_two_runs_at_once_the_second_is_refused_and_told_who_measures(faked: Arena) -> None:
    first = faked.start("run", str(faked.model), "--concurrency", "1", "--duration", "300s")
    faked.wait_for(first, "tick")
    second = faked.run_model("--json")
    assert second.code == 1
    second.says("another run is measuring", f"pid {first.pid}", "measures tiny.gguf", "--together")
    assert "another run" in second.document["error"]["what"]
    assert len(faked.journals) == 1
    together = faked.run_model("--together")
    assert together.code == 0, together.err
    first.signal_group(2)
    assert first.end().code == 130
    assert len(faked.records) == 2


def test_a_run_that_was_killed_does_not_lock_out_the_next_one(faked: Arena) -> None:
    first = faked.start("run", str(faked.model), *QUICK, env={"FAKE_SCRIPT": json_of(ENDLESS)})
    faked.wait_for(first, "stage", stage="probe")
    first.process.kill()
    first.end()
    done = faked.run_model()
    assert done.code == 0, done.err
    assert "a killed run was saved" in done.err
    assert read(faked.home / "measuring.lock").split()[0] != str(first.pid)


@pytest.mark.parametrize("flag", ["--port 1", "--port=1", "--host 0.0.0.0", "-m other.gguf", "--alias x"])
def test_a_flag_that_would_send_the_engine_elsewhere_is_a_usage_error(faked: Arena, flag: str) -> None:
    done = faked.run_model("--flag", flag)
    assert done.code == 2
    done.says("--flag cannot set")
    assert faked.records == faked.journals == []


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_an_engine_that_reads_no_gguf_files_is_a_usage_error_that_says_what_it_reads(faked: Arena, engine: str) -> None:
    done = faked.run_model("--engine", engine)
    assert done.code == 2
    assert "does not read GGUF files here" in done.err
    assert "--engine llamacpp" in done.err
    done.is_clean()
    assert faked.records == faked.journals == []
