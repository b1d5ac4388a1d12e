"""Apple's chips, as macOS tells it. None of this was seen on real hardware here.

The shape of `system_profiler SPDisplaysDataType -json` is that of outputs others recorded on an M2 Max.
"""

import json
import sys
from pathlib import Path

import pytest
from machines import ram_of, sources

from inference_arena.facts import Device, Host
from inference_arena.hardware import read_host
from inference_arena.hardware.apple import METAL_QUESTION

PROFILE = {
    "SPDisplaysDataType": [
        {
            "_name": "Apple M2 Max",
            "spdisplays_mtlgpufamilysupport": "spdisplays_metal4",
            "spdisplays_ndrvs": [{"_name": "Color LCD", "spdisplays_online": "spdisplays_yes"}],
            "spdisplays_vendor": "sppci_vendor_Apple",
            "sppci_bus": "spdisplays_builtin",
            "sppci_cores": "30",
            "sppci_device_type": "spdisplays_gpu",
            "sppci_model": "Apple M2 Max",
        }
    ]
}
WORKING_SET = 55_662_788_608


def mac(root: Path, *, metal: str | None, cores: str | None = json.dumps(PROFILE), **sysctl: str) -> Host:
    answers = {(sys.executable, "-I", "-c", METAL_QUESTION): metal}
    answers[("system_profiler", "SPDisplaysDataType", "-json")] = cores
    said = {"machdep.cpu.brand_string": "Apple M2 Max", "iogpu.wired_limit_mb": "0"} | sysctl
    return read_host(
        sources(
            root,
            system=lambda: "Darwin",
            architecture=lambda: "arm64",
            ram=lambda: ram_of(64),
            sysctl=said.get,
            run=answers.get,
        )
    )


def gpu(host: Host) -> Device:
    (device,) = host.devices
    return device


def test_metal_says_how_much_of_the_ram_the_gpu_may_hold(tmp_path: Path) -> None:
    host = mac(tmp_path, metal=f"{WORKING_SET}\n")

    assert host.hw_class == "unified"
    assert (gpu(host).name, gpu(host).gpu_cores, gpu(host).unified) == ("Apple M2 Max", 30, True)
    assert (gpu(host).working_set_bytes, gpu(host).working_set_from) == (WORKING_SET, "metal")
    # the RAM is the host's, and is not told a second time as memory of the GPU
    assert (gpu(host).memory_bytes, gpu(host).free_bytes) == (None, None)


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [("iogpu.wired_limit_mb", "57344", 56 * 1024**3), ("debug.iogpu.wired_limit", f"{48 * 1024**3}", 48 * 1024**3)],
)
def test_a_limit_that_was_set_counts_where_metal_is_silent(name: str, value: str, limit: int, tmp_path: Path) -> None:
    device = gpu(mac(tmp_path, metal=None, **{name: value}))

    assert (device.working_set_bytes, device.working_set_from) == (limit, "wired-limit")


@pytest.mark.parametrize("metal", [None, "0\n", "", "Traceback"])
def test_no_share_of_the_ram_is_guessed(metal: str | None, tmp_path: Path) -> None:
    device = gpu(mac(tmp_path, metal=metal))

    assert (device.working_set_bytes, device.working_set_from) == (None, None)
    assert device.reason_unread == "Metal did not say how much of the RAM it may hold"


@pytest.mark.parametrize("profile", [None, "{}", "[]", '{"SPDisplaysDataType": [{"sppci_cores": "N/A"}]}'])
def test_cores_that_are_not_told_are_unknown(profile: str | None, tmp_path: Path) -> None:
    assert gpu(mac(tmp_path, metal="1", cores=profile)).gpu_cores is None


def test_the_question_for_metal_is_a_program_that_python_can_read() -> None:
    assert compile(METAL_QUESTION, "metal", "exec")
