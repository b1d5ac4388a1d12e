"""An engine in a container, by a real container engine: whatever is killed, the container goes and a record stays."""

import gzip
import json
import os
import shutil
import signal
from collections.abc import Iterator

import pytest
from survival import QUICK, Arena, Running, until

import containers
from containers import IMAGE, Engine

LONG = ("--concurrency", "1", "--duration", "300s", "--input-tokens", "16", "--output-tokens", "16")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(containers.why_not() is not None, reason=f"no container engine: {containers.why_not()}"),
]


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """With the image; its storage is its own, and goes with it."""
    engine = containers.make_podman(tmp_path_factory.mktemp("podman"))
    try:
        containers.import_image(engine)
        yield engine
    finally:
        engine.podman("rm", "--all", "--force", "--time", "0")
        engine.podman("rmi", "--all", "--force")
        shutil.rmtree(engine.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def docker(podman: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine, service = containers.make_docker(podman, tmp_path_factory.mktemp("bin"))
    yield engine
    if service is not None:
        service.terminate()
        service.wait()


@pytest.fixture(params=["podman", "docker"])
def either(request: pytest.FixtureRequest) -> Engine:
    return request.getfixturevalue(request.param)


def start(arena: Arena, engine: Engine, *words: str, image: str = IMAGE, env: dict[str, str] | None = None) -> Running:
    program = ("--image", image, "--container-engine", engine.program)
    return arena.start("run", str(arena.model), *program, *words, env={**engine.env, **(env or {})})


def left(engine: Engine) -> list[str]:
    return engine.containers()


def test_a_run_in_a_container_is_a_record_and_leaves_no_container(either: Engine, real: Arena) -> None:
    behind = real.folder / "a,folder with: odd" / "model.gguf"
    behind.parent.mkdir()
    behind.symlink_to(real.model)
    real.model = behind
    secret = "value-of-a-variable"
    longer = (*QUICK, "--requests", "25")  # than the second between two looks at the machine
    running = start(real, either, *longer, "--json", env={"LLAMA_ARG_SAID": secret})
    until(lambda: running.process.poll() is not None or bool(left(either)), "a container")
    done = running.end()
    assert done.code == 0, done.err
    engine = done.document["engine"]
    assert (engine["form"], engine["image"], engine["version"]) == ("container", IMAGE, "b11549")
    assert engine["image_digest"].startswith("sha256:")
    assert engine["container_engine"].startswith("podman ")
    assert "LLAMA_ARG_SAID" in engine["command"]
    assert not any(secret in word for word in engine["command"])
    assert done.document["startup"]["facts"]["slots"] == 1
    assert memory_of_the_engine(real) > real.model.stat().st_size  # and not that of docker's or podman's client
    assert left(either) == []


def memory_of_the_engine(arena: Arena) -> int:
    (record,) = arena.records
    lines = gzip.decompress((record / "samples.jsonl.gz").read_bytes()).splitlines()
    return max(json.loads(line).get("engine_rss_bytes") or 0 for line in lines)


def test_ctrl_c_stops_the_container_in_good_order(podman: Engine, real: Arena) -> None:
    running = start(real, podman, *LONG)
    real.wait_for(running, "tick", phase="steady")
    (name,) = left(podman)
    running.signal_group(signal.SIGINT)
    done = running.end()
    assert done.code == 130, done.err
    done.is_clean()
    record = real.record()
    assert name == f"arena-{record['id']}"
    assert record["outcome"] == {"kind": "interrupted", "stage": "load", "by": "ctrl-c"}
    assert left(podman) == []


def test_the_container_goes_when_the_arena_is_killed(either: Engine, real: Arena) -> None:
    running = start(real, either, *LONG)
    real.wait_for(running, "tick", phase="steady")
    running.process.kill()
    running.end()
    until(lambda: left(either) == [], "no container")
    real.must_have_left_nothing()
    done = real.run("list", env=either.env)
    assert "a killed run was saved as" in done.err
    assert "container" not in done.err
    assert real.record()["outcome"]["by"] == "killed"


def test_the_next_command_removes_what_nobody_was_left_to_remove(podman: Engine, real: Arena) -> None:
    running = start(real, podman, *LONG)
    real.wait_for(running, "tick", phase="steady")
    supervisors = [pid for pid, line in real.processes().items() if "supervisor.py" in line and "--remove" in line]
    for pid in (running.pid, *supervisors):
        os.kill(pid, signal.SIGKILL)
    running.end()
    assert len(left(podman)) == 1
    done = real.run("list", env=podman.env)
    assert "a killed run left a container: its container was removed" in done.err
    assert left(podman) == []


def test_the_arena_removes_the_container_when_only_the_supervisor_is_killed(podman: Engine, real: Arena) -> None:
    running = start(real, podman, *LONG)
    real.wait_for(running, "tick", phase="steady")
    for pid in [pid for pid, line in real.processes().items() if "supervisor.py" in line and "--remove" in line]:
        os.kill(pid, signal.SIGKILL)
    done = running.end()
    assert done.code == 1
    assert real.record()["outcome"]["kind"] == "failed"
    assert left(podman) == []


def test_an_engine_that_ignores_sigterm_is_ended_all_the_same(podman: Engine, real: Arena) -> None:
    running = start(real, podman, *LONG, env={"LLAMA_ARG_TEST": "deaf"})
    real.wait_for(running, "stage", stage="launch")
    until(lambda: any("deaf" in log.read_text() for log in real.home.glob("journals/*/engine.log")), "it is deaf")
    running.signal_group(signal.SIGINT)
    assert running.end().code == 130
    assert real.record()["outcome"]["stage"] in {"launch", "ready"}
    assert left(podman) == []


def test_an_engine_killed_inside_is_told_as_killed(podman: Engine, real: Arena) -> None:
    running = start(real, podman, *LONG)
    real.wait_for(running, "tick", phase="steady")
    (name,) = left(podman)
    podman.podman("kill", "--signal", "KILL", name)
    done = running.end()
    assert done.code == 1
    outcome = real.record()["outcome"]
    assert (outcome["stage"], outcome["cause"]) == ("load", "killed")
    assert left(podman) == []


def test_an_image_that_cannot_be_had_is_a_failed_record(podman: Engine, real: Arena) -> None:
    done = start(real, podman, *QUICK, image="localhost:1/nobody/nothing:v1").end()
    assert done.code == 1
    outcome = real.record()["outcome"]
    assert (outcome["stage"], outcome["cause"]) == ("launch", "registry-unreachable")
    assert left(podman) == []


def test_a_container_engine_that_is_not_there_is_a_failed_record(real: Arena) -> None:
    done = real.run("run", str(real.model), *QUICK, "--image", IMAGE, "--container-engine", "docker")
    assert done.code == 1
    done.is_clean()
    assert real.record()["outcome"]["cause"] == "container-engine-missing"
