"""`up`, `ps`, `logs`, `down` over real processes: what outlives a terminal, and what is said of what does not."""

import json
import os
import signal
import socket
import sys
from typing import Any

import pytest
from survival import Arena, until, write_program
from terminal import Terminal

from safetensors_files import write_model

NAME = "tiny"
DEAF = """#!{python}
import os, signal, sys
if "--version" not in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.execv({real!r}, [{real!r}, *sys.argv[1:]])
"""

VLLM = """#!{python}
import os, sys
if "--version" in sys.argv:
    sys.exit(print("version: 0.24.0"))
port = sys.argv[sys.argv.index("--port") + 1]
os.execv({python!r}, [{python!r}, "-m", "inference_arena.load.truth_server", "--no-stdin", "--port", port,
                      "--script", '{{"tokens": 4}}', "--log", os.devnull])
"""


def up(arena: Arena, *args: str, **options: Any) -> dict[str, Any]:
    done = arena.run("up", str(arena.model), "--json", *args, **options)
    assert done.code == 0, done.err
    found: dict[str, Any] = done.document
    return found


def shown(arena: Arena, *args: str) -> list[dict[str, Any]]:
    done = arena.run("ps", "--json", *args)
    assert done.code == 0, done.err
    found: list[dict[str, Any]] = done.document["servers"]
    return found


def written(arena: Arena) -> dict[str, Any]:
    """As its keeper last wrote it."""
    found: dict[str, Any] = json.loads((arena.home / "servers" / f"{NAME}.json").read_bytes())
    return found


def test_a_server_is_up_says_where_and_why_and_goes_down(faked: Arena) -> None:
    done = faked.run("up", str(faked.model))
    assert done.code == 0, done.err
    for words in ("is served at http://127.0.0.1:", "why these", "OPENAI_BASE_URL=", "curl ", f"arena down {NAME}"):
        assert words in done.out
    (one,) = shown(faked)
    assert (one["name"], one["state"], one["answers"]) == (NAME, "ready", True)
    down = faked.run("down")
    assert (down.code, down.out) == (0, f"{NAME} is stopped\n")
    faked.must_have_left_nothing()
    assert shown(faked) == []
    (stopped,) = shown(faked, "--all")
    assert stopped["ending"]["kind"] == "stopped"


def test_down_twice_and_of_what_never_was(faked: Arena) -> None:
    up(faked)
    assert faked.run("down", NAME).code == 0
    again = faked.run("down", NAME)
    assert again.code == 0
    assert "is not running: it was stopped" in again.out
    assert faked.run("down", "--all").out == "no server is kept running\n"
    unknown = faked.run("down", "nobody")
    assert unknown.code == 1
    assert "no server is called 'nobody'" in unknown.err


def test_a_server_outlives_the_terminal_that_it_was_started_in(faked: Arena) -> None:
    terminal = Terminal(faked, "up", str(faked.model))
    terminal.wait_for(f"arena down {NAME}")
    terminal.close()
    (one,) = shown(faked)
    assert one["state"] == "ready"
    assert faked.run("down").code == 0


def test_a_terminal_that_closes_while_the_engine_starts_does_not_end_it(faked: Arena) -> None:
    terminal = Terminal(faked, "up", str(faked.model), env={"FAKE_ENGINE": "never ready"})
    terminal.wait_for("still loading tensors")
    terminal.close()
    (one,) = shown(faked)
    assert one["state"] == "starting"
    assert faked.run("down").code == 0


def test_an_engine_that_dies_is_told_with_the_reason_and_not_started_anew(faked: Arena) -> None:
    served = up(faked)
    os.kill(served["engine_process"]["pid"], signal.SIGKILL)
    until(lambda: written(faked)["state"] == "ended", "the death is written")
    (one,) = shown(faked)
    assert one["ending"]["kind"] == "died"
    assert one["ending"]["cause"] == "killed"
    assert "signal 9" in one["ending"]["why"]
    table = faked.run("ps")
    assert "died" in table.out
    assert "signal 9" in table.out
    faked.must_have_left_nothing()
    down = faked.run("down")
    assert down.code == 0
    assert "had ended by itself" in down.out
    assert shown(faked, "--all") == []


def test_an_engine_that_hangs_is_said_to_and_goes_down_all_the_same(faked: Arena) -> None:
    served = up(faked)
    os.kill(served["engine_process"]["pid"], signal.SIGSTOP)
    (one,) = shown(faked)
    assert (one["state"], one["answers"]) == ("ready", False)
    assert "does not answer" in " ".join(faked.run("ps").out.split())
    assert faked.run("down").code == 0
    faked.must_have_left_nothing()


def test_the_next_command_tells_of_a_death_once(faked: Arena) -> None:
    served = up(faked)
    os.kill(served["engine_process"]["pid"], signal.SIGKILL)
    until(lambda: written(faked)["state"] == "ended", "the death is written")
    assert f"{NAME}, which was kept running, died: " in faked.run("list").err
    assert faked.run("list").err.count("died") == 0


def test_a_killed_keeper_takes_its_engine_along_and_ps_says_so(faked: Arena) -> None:
    served = up(faked)
    os.kill(served["keeper"]["pid"], signal.SIGKILL)
    faked.must_have_left_nothing()
    (one,) = shown(faked)
    assert (one["state"], one["ending"]["cause"]) == ("ended", "keeper-killed")
    assert "the engine ended with it" in one["ending"]["why"]
    assert up(faked)["state"] == "ready"  # the name is free again
    assert faked.run("down").code == 0


def test_an_engine_that_ignores_being_told_to_end_is_killed(faked: Arena) -> None:
    real = str((faked.bin / "llama-server").rename(faked.bin / "real-server"))
    write_program(faked.bin / "llama-server", DEAF.format(python=sys.executable, real=real))
    up(faked)
    down = faked.run("down")
    assert down.code == 0, down.err
    faked.must_have_left_nothing()


def test_an_engine_that_cannot_start_fails_with_its_words_and_leaves_nothing(faked: Arena) -> None:
    """The built-in engine is tried next, as in a run, and cannot read so small a model either."""
    done = faked.run("up", str(faked.model), env={"FAKE_ENGINE": "exit 1"})
    assert done.code == 1
    done.says("llama.cpp could not load the model", f"arena logs {NAME}")
    faked.must_have_left_nothing()
    (one,) = shown(faked)
    assert one["ending"]["kind"] == "failed"
    assert "the moon is in the wrong phase" in one["notes"][0]
    assert "error loading model" in faked.run("logs", NAME).out


def test_an_engine_that_is_never_ready_is_given_up_in_time(faked: Arena) -> None:
    done = faked.run("up", str(faked.model), "--ready-timeout", "1s", env={"FAKE_ENGINE": "never ready"})
    assert done.code == 1
    done.says("was not ready within 1 s", "still loading tensors")
    faked.must_have_left_nothing()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_stops_waiting_leaves_nothing_running(faked: Arena, number: int) -> None:
    running = faked.start("up", str(faked.model), env={"FAKE_ENGINE": "never ready"})
    until((faked.home / "servers" / f"{NAME}.json").exists, "its file")
    running.signal_group(number)
    done = running.end()
    assert done.code == 130
    assert "it was stopped before it was ready; nothing is left running" in done.err
    done.is_clean()
    faked.must_have_left_nothing()


def test_a_file_is_not_given_to_an_engine_that_reads_folders(faked: Arena) -> None:
    done = faked.run("up", str(faked.model), "--engine", "vllm")
    assert done.code == 2
    done.says("does not read", "--engine llamacpp")


def test_a_model_that_is_not_there_starts_nothing(faked: Arena) -> None:
    for model, words in (("nowhere.gguf", "nowhere.gguf"), ("no-such-model", "no model is called")):
        done = faked.run("up", model)
        assert done.code == 1
        assert words in done.err
        done.is_clean()
    assert shown(faked, "--all") == []


@pytest.mark.parametrize("name", ["../x", "", "a b", ".hidden"])
def test_a_name_that_could_be_a_path_is_refused(faked: Arena, name: str) -> None:
    done = faked.run("up", str(faked.model), "--name", name)
    assert done.code == 2
    done.says("a server cannot be called")


def test_a_port_that_is_taken_is_told_before_anything_starts(faked: Arena) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = faked.run("up", str(faked.model), "--port", str(port))
    assert done.code == 1
    done.says(f"port {port} is taken")


def test_of_two_servers_the_second_is_told_of_the_first(faked: Arena) -> None:
    first = up(faked)
    same = faked.run("up", str(faked.model))
    assert same.code == 1
    same.says(f"{NAME} is running already", first["url"], f"arena down {NAME}")
    other = faked.run("up", str(faked.model), "--name", "other")
    assert other.code == 1
    other.says(f"{NAME} is kept running on this machine", "--together")
    assert up(faked, "--name", "other", "--together")["url"] != first["url"]
    which = faked.run("logs")
    assert which.code == 2
    assert "2 servers are known" in which.err
    down = faked.run("down", "--all")
    assert down.out == f"{NAME} is stopped\nother is stopped\n"


def test_of_two_that_start_at_the_same_moment_one_serves_and_the_other_says_so(faked: Arena) -> None:
    both = [faked.start("up", str(faked.model), "--together") for _ in range(2)]
    ended = [running.end() for running in both]
    assert sorted(done.code for done in ended) == [0, 1], [done.err for done in ended]
    refused = next(done for done in ended if done.code == 1)
    assert "already" in refused.err
    assert [one["state"] for one in shown(faked)] == ["ready"]
    assert faked.run("down").code == 0


def test_a_run_beside_a_server_is_refused_unless_it_measures_that_server(faked: Arena) -> None:
    served = up(faked)
    refused = faked.run_model()
    assert refused.code == 1
    refused.says(f"{NAME} is kept running on this machine", f"arena down {NAME}", "--together")
    assert faked.records == []
    assert faked.run_model("--together").code == 0
    port = served["url"].rpartition(":")[2].removesuffix("/v1")
    assert faked.run_url(f"http://localhost:{port}/v1").code == 0
    assert faked.run("down").code == 0


def test_a_server_beside_a_run_is_refused(faked: Arena) -> None:
    running = faked.start("run", str(faked.model), "--concurrency", "1", "--duration", "300s")
    faked.wait_for(running, "tick")
    done = faked.run("up", str(faked.model))
    assert done.code == 1
    done.says("another run is measuring", f"pid {running.pid}")
    running.signal_group(signal.SIGINT)
    assert running.end().code == 130


def test_logs_are_shown_and_followed_until_the_end(faked: Arena) -> None:
    served = up(faked)
    assert "loaded meta data" in faked.run("logs").out
    assert faked.run("logs", "-n", "0").out == ""
    following = faked.start("logs", "-f")
    until(lambda: "loaded meta data" in following.out.read_text(), "the log so far")
    os.kill(served["engine_process"]["pid"], signal.SIGKILL)
    done = following.end()
    assert done.code == 0
    assert f"{NAME} ended: " in done.err


def test_what_measured_best_here_is_served_and_named(faked: Arena) -> None:
    measured = faked.run(
        "run", str(faked.model), "--concurrency", "1,3", "--duration", "2s", "--output-tokens", "8", "--json", "-q"
    )
    assert measured.code == 0, measured.err
    served = up(faked)
    assert served["record"] == measured.document["id"]
    assert served["settings"]["parallel"] == 3
    assert served["reasons"]["configuration"].startswith(f"measured here, record {measured.document['id']}: ")
    assert faked.run("down").code == 0
    asked = up(faked, "--parallel", "2", "--context", "512")
    assert (asked["settings"]["parallel"], asked["settings"]["context_tokens"]) == (2, 512)
    assert asked["reasons"]["parallel"] == "asked for"
    assert faked.run("down").code == 0


def test_the_files_of_a_server_hold_no_key(faked: Arena) -> None:
    up(faked, "--flag", "--api-key=sesame-open-wide")
    texts = [path.read_text() for path in (faked.home / "servers").iterdir() if not path.name.endswith(".log")]
    assert "sesame-open-wide" not in json.dumps(texts)
    assert faked.run("down").code == 0


def test_another_engine_is_kept_through_the_same_door(arena: Arena) -> None:
    """A stand-in for vLLM: its name, its flags, its health page; the model is a folder."""
    program = write_program(arena.bin / "fake-vllm", VLLM.format(python=sys.executable))
    folder = write_model(arena.folder / "small-llama")
    done = arena.run("up", str(folder), "--engine", "vllm", "--program", str(program), "--flag", "--max-num-seqs=3",
                     "--json")  # fmt: skip
    assert done.code == 0, done.err
    served = done.document
    assert (served["engine"], served["model"]) == ("vllm", "small-llama")
    assert served["command"].count("--max-num-seqs") == 1
    assert served["reasons"]["parallel"] == "asked for"
    assert served["settings"]["context_tokens"] == 1000  # all that the model has
    answer = arena.run("chat", "--json", input="hello")
    assert answer.document["output_tokens"] == 4
    assert arena.run("down").code == 0


def test_an_engine_that_knows_its_model_by_place_is_asked_for_it_by_place(arena: Arena) -> None:
    program = write_program(arena.bin / "fake-transformers", VLLM.format(python=sys.executable))
    folder = write_model(arena.folder / "small-llama")
    done = arena.run("up", str(folder), "--engine", "transformers", "--program", str(program))
    assert done.code == 0, done.err
    (served,) = shown(arena)
    assert (served["model"], served["asked_as"]) == ("small-llama", str(folder))
    assert f'"model": "{folder}"' in done.out
    assert arena.run("chat", "--json", input="hello").document["output_tokens"] == 4
    assert arena.run("down").code == 0


@pytest.mark.engine
def test_the_real_engine_is_kept_and_answers(real: Arena) -> None:
    done = real.run("up", real.model.stem, "--json")
    assert done.code == 0, done.err
    answer = real.run("chat", "--json", "--max-tokens", "4", "--temperature", "0", input="Say hello.")
    assert answer.code == 0, answer.err
    assert answer.document["output_tokens"] == 4
    assert real.run("down").code == 0
