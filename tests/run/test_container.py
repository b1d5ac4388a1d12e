"""The command that starts a container, the engine that starts it, and what was left: with programs that play docker."""

import json
from pathlib import Path

import pytest

from inference_arena.engines import Command
from inference_arena.run import container
from inference_arena.run.container_engine import (
    ContainerEngine,
    Image,
    find_container_engine,
    full_name,
    look_at,
    obtain,
)
from inference_arena.run.failure import RunFailed
from inference_arena.run.mounts import Mount, Shown

DOCKER_INFO = {"ServerVersion": "28.2.2", "DockerRootDir": "/var/lib/docker", "CPUSet": True, "SecurityOptions": []}
PODMAN_INFO = {
    "host": {"cgroupControllers": ["cpu", "memory"], "security": {"selinuxEnabled": True}},
    "version": {"Version": "5.4.0"},
}


def a_box(**changes: object) -> ContainerEngine:
    plain = {"argv": ("docker",), "version": "28.2.2", "is_podman": False, "pins_cores": True, "labels": False}
    return ContainerEngine.model_validate({**plain, **changes})


def words(box: ContainerEngine, *, gpus: bool = True, mount: Mount | None = None) -> tuple[str, ...]:
    mounts = (mount or Mount(source="/data/qwen", target="/models/qwen"),)
    ready = container.Ready(
        box=box,
        image=Image(name="vllm/vllm-openai:v0.24.0", digest=None, id=None),
        shown=Shown(mounts=mounts, model="/models/qwen"),
    )
    command = Command(argv=("vllm", "serve", "/models/qwen"), env={"HF_TOKEN": "hf_secret_value"})
    return container.run_command(
        ready,
        command,
        name="arena-1",
        record_id="1",
        port=8123,
        gpus=gpus,
        cpus=(0, 2),
    )


def after(found: tuple[str, ...], flag: str) -> str:
    return found[found.index(flag) + 1]


def a_docker(folder: Path, script: str) -> tuple[str, ...]:
    path = folder / "docker"
    path.write_text(f'#!/bin/sh\necho "$*" >> {folder}/said\n{script}\n')
    path.chmod(0o755)
    return (str(path),)


def test_the_port_is_published_on_loopback_alone():
    assert after(words(a_box()), "--publish") == "127.0.0.1:8123:8123"


def test_values_of_the_environment_stay_out_of_the_command():
    found = words(a_box())
    assert after(found, "--env") == "HF_TOKEN"
    assert not any("hf_secret_value" in word for word in found)


def test_docker_and_podman_are_told_of_cards_in_their_own_ways():
    assert after(words(a_box()), "--gpus") == "all"
    assert after(words(a_box(is_podman=True)), "--device") == "nvidia.com/gpu=all"
    assert not {"--gpus", "--device"} & set(words(a_box(), gpus=False))


def test_the_program_is_the_entry_point_and_the_rest_follows_the_image():
    found = words(a_box())
    assert after(found, "--entrypoint") == "vllm"
    assert found[found.index("vllm/vllm-openai:v0.24.0") :] == ("vllm/vllm-openai:v0.24.0", "serve", "/models/qwen")


@pytest.mark.parametrize(
    ("engine", "entry"),
    [
        ("llamacpp", ("/app/llama-server",)),
        ("vllm", ("vllm",)),
        ("sglang", ("python3", "-m", "sglang.launch_server")),
    ],
)
def test_each_engine_is_entered_as_its_card_says(engine: str, entry: tuple[str, ...]):
    assert container.entry_of(engine) == entry


def test_cores_are_named_only_where_a_container_can_be_held_to_them():
    assert after(words(a_box()), "--cpuset-cpus") == "0,2"
    assert "--cpuset-cpus" not in words(a_box(pins_cores=False))


def test_selinux_is_told_to_let_it_read_without_a_change_to_the_files():
    assert after(words(a_box(labels=True)), "--security-opt") == "label=disable"
    assert "--security-opt" not in words(a_box())


def test_a_path_with_commas_and_colons_is_one_mount():
    found = after(words(a_box(), mount=Mount(source="/a,b:c", target="/models/x")), "--mount")
    assert found == 'type=bind,"source=/a,b:c",target=/models/x,readonly'


def test_only_the_hubs_cache_can_be_written_to():
    assert container.mount_words(Mount(source="/c", target="/hub", writable=True)) == "type=bind,source=/c,target=/hub"


def test_a_token_is_handed_on_only_for_a_model_on_the_hub(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "x")
    monkeypatch.setenv("VLLM_USE_V1", "1")
    assert container.handed_on(str(tmp_path)).get("HF_TOKEN") is None
    assert container.handed_on(str(tmp_path))["VLLM_USE_V1"] == "1"
    assert container.handed_on("org/name")["HF_TOKEN"] == "x"


def test_dockers_words_about_itself_are_read(tmp_path: Path):
    box = look_at(a_docker(tmp_path, f"test $1 = info && echo '{json.dumps(DOCKER_INFO)}'"))
    assert (box.title, box.pins_cores, box.labels) == ("docker 28.2.2", True, False)


def test_podmans_words_about_itself_are_read(tmp_path: Path):
    box = look_at(a_docker(tmp_path, f"echo '{json.dumps(PODMAN_INFO)}'"))
    assert (box.title, box.pins_cores, box.labels) == ("podman 5.4.0", False, True)


def test_podman_behind_dockers_client_is_found_out(tmp_path: Path):
    script = (
        f"if [ $1 = info ]; then echo '{json.dumps(DOCKER_INFO)}'; else echo '[{{\"Name\":\"Podman Engine\"}}]'; fi"
    )
    assert look_at(a_docker(tmp_path, script)).is_podman


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "container-daemon-down"),
        (
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "container-permission",
        ),
        ("the moon is in the wrong phase", "container-refused"),
    ],
)
def test_a_daemon_that_does_not_serve_us_is_a_failure_with_its_cause(tmp_path: Path, said: str, cause: str):
    with pytest.raises(RunFailed) as caught:
        look_at(a_docker(tmp_path, f"echo '{said}' >&2; exit 1"))
    assert caught.value.failed.cause == cause
    assert caught.value.failed.advice


def test_a_container_engine_that_is_not_installed_is_a_failure_with_a_way_out(tmp_path: Path):
    with pytest.raises(RunFailed) as caught:
        look_at((str(tmp_path / "docker"),))
    assert caught.value.failed.cause == "container-engine-missing"
    assert "--container" in caught.value.failed.advice


def test_an_image_that_is_here_is_not_pulled(tmp_path: Path):
    told = json.dumps([{"Id": "sha256:1", "RepoDigests": ["x@sha256:2"]}])
    box = a_box(argv=a_docker(tmp_path, f"test $1 = image && echo '{told}'"))
    assert obtain(box, "x:1", folder=tmp_path, on_log=print) == Image(name="x:1", digest="sha256:2", id="sha256:1")
    assert "pull" not in (tmp_path / "said").read_text()


def test_an_image_that_is_not_here_is_pulled_and_its_progress_shown(tmp_path: Path):
    script = f"""
        case $1 in
            image) test -e {tmp_path}/here && echo '[{{"Id": "sha256:1"}}]' ;;
            pull) echo 'layer 1: Pull complete'; while ! test -e {tmp_path}/seen; do :; done; touch {tmp_path}/here ;;
        esac"""
    seen: list[str] = []

    def on_log(lines: object) -> None:
        seen.extend(lines)  # type: ignore[call-overload]
        if seen:
            (tmp_path / "seen").touch()

    image = obtain(a_box(argv=a_docker(tmp_path, script)), "x:1", folder=tmp_path, on_log=on_log)
    assert image == Image(name="x:1", digest=None, id="sha256:1")
    assert "layer 1: Pull complete" in seen


def test_a_pull_that_fails_is_told_from_its_words(tmp_path: Path):
    script = "test $1 = pull && echo 'Error response from daemon: manifest unknown' >&2; exit 1"
    with pytest.raises(RunFailed) as caught:
        obtain(a_box(argv=a_docker(tmp_path, script)), "x:1", folder=tmp_path, on_log=print)
    assert (caught.value.failed.stage, caught.value.failed.cause) == ("launch", "image-missing")


def test_podman_is_told_the_registry_that_docker_assumes():
    assert full_name("vllm/vllm-openai:v1") == "docker.io/vllm/vllm-openai:v1"
    assert full_name("ubuntu:24.04") == "docker.io/library/ubuntu:24.04"
    for whole in ("ghcr.io/a/b:1", "localhost/a:1", "registry:5000/a"):
        assert full_name(whole) == whole


def test_the_first_container_engine_on_path_is_taken_unless_one_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_container_engine(None) == "docker"
    (tmp_path / "podman").touch(mode=0o755)
    assert find_container_engine(None) == "podman"
    assert find_container_engine("docker") == "docker"


def test_what_a_killed_run_left_is_found_by_its_label_and_removed(tmp_path: Path):
    box = a_box(argv=a_docker(tmp_path, "test $1 = ps && echo 0123abcd; true"))
    container.write_note(tmp_path, box, "20261124-1")
    assert container.remove_left(tmp_path) == "its container was removed"
    assert (tmp_path / "said").read_text().splitlines() == [
        "ps --all --quiet --filter label=inference-arena=20261124-1",
        "rm --force --volumes 0123abcd",
    ]


def test_where_nothing_was_left_nothing_is_said(tmp_path: Path):
    assert container.remove_left(tmp_path) == ""
    container.write_note(tmp_path, a_box(argv=a_docker(tmp_path, "true")), "1")
    assert container.remove_left(tmp_path) == ""


def test_what_cannot_be_removed_is_said_with_the_way_to_do_it_by_hand(tmp_path: Path):
    container.write_note(tmp_path, a_box(argv=a_docker(tmp_path, "exit 1")), "1")
    assert "docker ps --all --filter label=inference-arena=1" in container.remove_left(tmp_path)
