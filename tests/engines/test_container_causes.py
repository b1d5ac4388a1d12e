"""Words and exit codes of docker and podman, told in one sentence. Words marked `seen` were produced here."""

import pytest

from inference_arena.engines import diagnose_container, signal_of
from inference_arena.engines.container_causes import CAUSES

# (exit code, words, cause)
SEEN = [
    (125, "docker: Cannot connect to the Docker daemon at unix:///x.sock. Is the docker daemon running?",
     "container-daemon-down"),
    (125, ('Error: initializing source docker://nosuch:1: pinging container registry: Get '
     '"https://registry-1.docker.io/v2/": dial tcp: lookup docker.io: no such host'), "registry-unreachable"),
    (125, 'Error: short-name "nosuch/image:1" did not resolve to an alias and no unqualified-search registries',
     "image-missing"),
    (127, ('Error: runc: runc create failed: unable to start container process: exec: "/nosuch": stat /nosuch: no such '
     "file or directory: OCI runtime attempted to invoke a command that was not found"), "image-without-engine"),
    (126, "Error: setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=all", "gpu-passthrough-missing"),
    (126, "Error: cannot listen on the TCP port: listen tcp4 127.0.0.1:18999: bind: address already in use",
     "port-taken"),
    (1, "unable to upgrade to tcp, received 409", "container-refused"),
]  # fmt: skip
REPORTED = [
    (125, 'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
     "gpu-passthrough-missing"),
    (127, ("nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please update your driver to a "
     "newer version, or use an earlier cuda container: unknown"), "driver-too-old"),
    (125, "docker: Error response from daemon: Bind for 127.0.0.1:8000 failed: port is already allocated.",
     "port-taken"),
    (125, "toomanyrequests: You have reached your pull rate limit.", "registry-limit"),
    (125, "write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "disk-full"),
    (125, "no matching manifest for linux/arm64/v8 in the manifest list entries", "image-wrong-platform"),
    (125, ("docker: Error response from daemon: pull access denied for nobody/x, repository does not exist or may "
     "require 'docker login'"), "image-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "said", "cause"), [*SEEN, *REPORTED])
def test_a_refusal_of_the_container_engine_has_its_cause(code: int, said: str, cause: str):
    found = diagnose_container(["a line of before", said], code=code)
    assert found is not None
    assert (found.cause, found.line) == (cause, 2)
    assert found.advice


def test_the_version_that_an_image_wants_is_named():
    found = diagnose_container([REPORTED[1][1]], code=127)
    assert found is not None
    assert "CUDA 12.8" in found.what


@pytest.mark.parametrize("code", [0, 1, 2, 134, 137, 143])
def test_the_end_of_the_engine_inside_is_left_to_the_engines_own_words(code: int):
    assert diagnose_container(["bind: address already in use"], code=code) is None


def test_no_answer_in_time_is_told_as_such():
    found = diagnose_container([], code=None)
    assert found is not None
    assert found.cause == "container-silent"


def test_unknown_words_are_quoted():
    found = diagnose_container(["the moon is in the wrong phase"], code=125)
    assert found is not None
    assert (found.cause, found.why) == ("container-refused", "the moon is in the wrong phase")


@pytest.mark.parametrize(("code", "process"), [(137, -9), (139, -11), (132, -4), (0, 0), (1, 1), (-9, -9), (255, 255)])
def test_an_exit_code_above_128_is_the_signal_that_ended_it(code: int, process: int):
    assert signal_of(code) == process


def test_while_it_runs_there_is_no_code():
    assert signal_of(None) is None


def test_what_was_only_read_of_is_marked_so():
    seen = {cause for *_, cause in SEEN} | {"container-engine-missing"}
    assert not {row.cause for row in CAUSES if row.reproduced} - seen
