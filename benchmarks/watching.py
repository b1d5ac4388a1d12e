"""What it costs to watch: processor time of the sampler as a share of one core. That is reading cards, machine and an
engine's counters, and writing them to a run's journal. And how well it keeps its pace.

Run `python -m benchmarks.watching`. Without a card the driver's library is made up, and each of its calls takes as long
as asked for; `--real` takes the machine's own and prints what each of its calls costs.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from kit.costly_nvml import CostlyNvml
from kit.table import Figure, finish, machine, parser, say, show, show_rows

from inference_arena.record import DeviceSample, Sample
from inference_arena.report.pulse import Pulse
from inference_arena.store import open_home, open_journal
from inference_arena.telemetry import Counters, Sampler, open_nvml

LIMIT_PERCENT = 1.0  # of one core, for one card at ten samples a second
EVERY_S = 0.1
CALLS_US = (0, 20, 50)
CARDS = (1, 8)
ASKED = 200
NAMES = {f"counter_{i}": f"vllm:counter_{i}_total" for i in range(12)}
PAGE = "".join(
    f'# TYPE vllm:counter_{i} counter\nvllm:counter_{i}_total{{engine="0",model_name="m"}} {i}\n' for i in range(400)
).encode()


class Page(BaseHTTPRequestHandler):
    """Counters of about the size of vLLM's page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@contextmanager
def counters() -> Iterator[Counters]:
    """In a process of its own: serving is the engine's work."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    pid = os.fork()
    if pid == 0:
        server.serve_forever()
        os._exit(0)
    try:
        yield Counters(url=f"http://127.0.0.1:{server.server_port}/metrics", names=NAMES)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        server.server_close()


def watched(nvml: Callable[[], Any], *, seconds: float, at: Counters) -> tuple[float, list[DeviceSample]]:
    """Share of one core, and the samples of the first card."""
    kept: list[Sample] = []
    pulse, held = Pulse(), threading.Lock()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_journal(open_home(Path(folder)), "20260101-000000-abcdef", {}) as journal,
    ):

        def keep(samples: Sequence[Sample]) -> None:
            journal.samples([sample.model_dump_json(exclude_none=True) for sample in samples])
            pulse.add(samples)
            with held:
                kept.extend(samples)

        # the engine is this process: its tree is read as a real one's would be
        sampler = Sampler(
            sink=keep, now_s=time.monotonic, engine_pid=os.getpid, counters=at, device_interval_s=EVERY_S, nvml=nvml
        )
        sampler.start()
        time.sleep(1.0)  # modules are read, files are opened
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        time.sleep(seconds)
        share = (time.process_time() - cpu_s) / (time.perf_counter() - wall_s)
        sampler.stop()
        assert sampler.error is None, sampler.error
    return share, [sample for sample in kept if isinstance(sample, DeviceSample) and sample.device == 0]


def gaps_ms(samples: Sequence[DeviceSample]) -> list[float]:
    return sorted((after.t_s - before.t_s) * 1e3 for before, after in pairwise(samples))


def figures(name: str, nvml: Callable[[], Any], *, seconds: float, limit: float | None, at: Counters) -> list[Figure]:
    say(f"{name} ...")
    share, samples = watched(nvml, seconds=seconds, at=at)
    found = [Figure(name=f"{name}: processor time, share of one core", unit="%", ours=share * 100, limit=limit)]
    if samples:
        gaps = gaps_ms(samples)
        p99 = gaps[int(0.99 * (len(gaps) - 1))]
        found += [
            Figure(name=f"{name}: time between samples, median", unit="ms", ours=median(gaps)),
            Figure(name=f"{name}: time between samples, p99", unit="ms", ours=p99),
        ]
    return found


def call_costs() -> list[list[str]]:
    """Each call of the real library on its first card: processor time and wall time, mean of many."""
    nvml = open_nvml()
    handle = nvml.nvmlDeviceGetHandleByIndex(0)
    sm, memory = nvml.NVML_CLOCK_SM, nvml.NVML_CLOCK_MEM
    calls: dict[str, Callable[[], Any]] = {
        "memory": lambda: nvml.nvmlDeviceGetMemoryInfo(handle),
        "utilization": lambda: nvml.nvmlDeviceGetUtilizationRates(handle),
        "power": lambda: nvml.nvmlDeviceGetPowerUsage(handle),
        "energy": lambda: nvml.nvmlDeviceGetTotalEnergyConsumption(handle),
        "temperature": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "SM clock": lambda: nvml.nvmlDeviceGetClockInfo(handle, sm),
        "memory clock": lambda: nvml.nvmlDeviceGetClockInfo(handle, memory),
        "reasons": lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle),
        "PCIe traffic": lambda: nvml.nvmlDeviceGetPcieThroughput(handle, nvml.NVML_PCIE_UTIL_RX_BYTES),
        "PCIe link": lambda: nvml.nvmlDeviceGetCurrPcieLinkWidth(handle),
        "processes": lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle),
    }
    rows = [["call", "processor time, us", "wall time, us"]]
    for name, call in calls.items():
        rows.append([name, *_cost(call)])
    nvml.nvmlShutdown()
    return rows


def _cost(call: Callable[[], Any]) -> list[str]:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - what a card refuses has no cost
        return ["–", str(error)]
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    for _ in range(ASKED):
        call()
    cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
    return [f"{cpu_s / ASKED * 1e6:.1f}", f"{wall_s / ASKED * 1e6:.1f}"]


def main(argv: Sequence[str] | None = None) -> int:
    options = parser(__doc__, peers=False)
    options.add_argument("--real", action="store_true", help="the driver's library of this machine")
    options.add_argument("--seconds", type=float, default=20.0, help="measured time of each row")
    asked = options.parse_args(argv)
    print(machine())
    with counters() as at:
        if asked.real:
            found = figures("this machine's cards", open_nvml, seconds=asked.seconds, limit=LIMIT_PERCENT, at=at)
            show_rows("What each call of the driver's library costs", call_costs())
        else:
            found = [
                figure
                for cards in CARDS
                for call_us in CALLS_US
                for figure in figures(
                    f"{cards} x {call_us} us a call",
                    partial(CostlyNvml, cards=cards, call_s=call_us / 1e6),
                    seconds=asked.seconds,
                    limit=LIMIT_PERCENT * cards,
                    at=at,
                )
            ]
    show("What watching costs", found)
    return finish(found, check=asked.check)


if __name__ == "__main__":
    sys.exit(main())
