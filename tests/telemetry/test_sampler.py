"""The sampler against real processes, a real server, and a driver library that answers as told."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import psutil

from inference_arena.record import CounterSample, DeviceLinkSample, DeviceSample, HostSample, Sample
from inference_arena.telemetry import Counters, Sampler
from inference_arena.telemetry.machine import Machine, process_tree
from inference_arena.telemetry.sampler import _due_times
from nvml import Card, FakeNvml
from processes import until

PATIENCE_S = 60.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

# Two processes, each burning a core's time as far as it gets one; the parent waits for "stop" on its input
BURNING_TREE = """
import subprocess, sys, threading
burn = "while True: pass"
children = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(2)]
print("ready", flush=True)
sys.stdin.readline()
for child in children:
    child.kill()
    child.wait()
print("stopped", flush=True)
sys.stdin.readline()
"""


class Sink:
    """Keeps samples, and lets a test wait until enough of them are there."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._changed = threading.Condition()

    def __call__(self, samples: Sequence[Sample]) -> None:
        with self._changed:
            self.samples += samples
            self._changed.notify_all()

    def wait_for(self, enough: Callable[[list[Sample]], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.samples), timeout=PATIENCE_S)

    def of(self, kind: type) -> list:
        return [sample for sample in self.samples if isinstance(sample, kind)]


def no_driver() -> object:
    raise OSError("NVML Shared Library Not Found")


@contextmanager
def sampling(sink: Callable[[Sequence[Sample]], None], **told: object) -> Iterator[Sampler]:
    sampler = Sampler(**({"sink": sink, "now_s": monotonic, "nvml": no_driver} | told))  # type: ignore[arg-type]
    sampler.start()
    try:
        yield sampler
    finally:
        sampler.stop()


@contextmanager
def burning_tree() -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", BURNING_TREE]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        children = psutil.Process(parent.pid).children()
        try:
            yield parent
        finally:
            for child in children:
                if child.is_running():
                    child.kill()
            parent.kill()


def test_the_first_sample_has_no_share_and_later_ones_do() -> None:
    sink = Sink()
    with sampling(sink, host_interval_s=0.05) as sampler:
        sink.wait_for(lambda samples: sum(sample.cpu_share is not None for sample in samples) >= 2)

    first, *rest = sink.of(HostSample)
    assert first.cpu_share is None
    assert all(0 <= sample.cpu_share <= 1 for sample in rest if sample.cpu_share is not None)
    assert all(sample.ram_available_bytes > 0 for sample in rest)
    assert all(sample.engine_cpu_share is None and sample.engine_rss_bytes is None for sample in rest)
    assert sampler.error is None


def test_the_engines_memory_and_processor_time_are_in_the_samples() -> None:
    sink = Sink()
    with burning_tree() as engine, sampling(sink, engine_pid=lambda: engine.pid, host_interval_s=0.05):
        sink.wait_for(lambda samples: any(sample.engine_cpu_share is not None for sample in samples))

    assert all(sample.engine_rss_bytes > 10e6 for sample in sink.of(HostSample))


class Engine:
    """Samples of a process tree on a clock that the test sets, and what the kernel charged to the tree meanwhile."""

    def __init__(self, pid: int) -> None:
        self.now_s = 0.0
        self._process = psutil.Process(pid)
        self._machine = Machine(engine_pid=lambda: pid, now_s=lambda: self.now_s)
        self.charged_s: list[tuple[float, float]] = []

    def sample(self) -> HostSample:
        """One sample; `charged_s` gets the processor time just before it and just after."""
        before_s = self.used_s()
        (sample,) = self._machine.read()
        self.charged_s.append((before_s, self.used_s()))
        return sample

    def used_s(self) -> float:
        tree = (self._process, *self._process.children(recursive=True))
        return sum(sum(process.cpu_times()[:4]) for process in tree)

    def burn(self, *, cpu_s: float) -> None:
        until_s = self.used_s() + cpu_s
        until(lambda: self.used_s() >= until_s)

    def must_have_used(self, share: float | None, *, wall_s: float) -> None:
        """What the kernel charged between the first sample and the last, but for ticks; however busy the machine is."""
        (first_from_s, first_to_s), (last_from_s, last_to_s) = self.charged_s[0], self.charged_s[-1]
        ticks_s = 12 * TICK_S  # three processes, each with four counters
        assert share is not None
        assert last_from_s - first_to_s - ticks_s <= share * wall_s <= last_to_s - first_from_s + ticks_s


def test_the_engines_children_count_as_the_engine() -> None:
    with burning_tree() as tree:
        engine = Engine(tree.pid)
        assert engine.sample().engine_cpu_share is None
        engine.burn(cpu_s=0.5)
        engine.now_s = 10.0
        share = engine.sample().engine_cpu_share

    engine.must_have_used(share, wall_s=10.0)
    assert share > 0.03


def test_children_that_end_take_no_share_with_them_and_make_no_leap() -> None:
    with burning_tree() as tree:
        engine = Engine(tree.pid)
        engine.burn(cpu_s=0.5)
        engine.sample()
        assert len(process_tree(psutil.Process(tree.pid))) == 3
        assert tree.stdin is not None
        assert tree.stdout is not None
        tree.stdin.write("stop\n")
        tree.stdin.flush()
        assert tree.stdout.readline() == "stopped\n"
        engine.now_s = 10.0
        share = engine.sample().engine_cpu_share

        engine.must_have_used(share, wall_s=10.0)
        assert len(process_tree(psutil.Process(tree.pid))) == 1


def test_a_share_over_an_interval_that_is_short_against_the_clocks_ticks_is_none_and_the_interval_goes_on() -> None:
    with burning_tree() as tree:
        engine = Engine(tree.pid)
        shares = []
        for engine.now_s in (0.0, TICK_S, 29 * TICK_S, 31 * TICK_S, 32 * TICK_S):
            shares.append(engine.sample().engine_cpu_share)
            engine.burn(cpu_s=0.1)

    assert [share is None for share in shares] == [True, True, True, False, True]
    engine.charged_s.pop()
    engine.must_have_used(shares[3], wall_s=31 * TICK_S)
    assert shares[3] * 31 * TICK_S >= 0.3 - 12 * TICK_S


def test_an_engine_that_has_ended_has_no_figures() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as engine:
        machine = Machine(engine_pid=lambda: engine.pid, now_s=monotonic)
        (alive,) = machine.read()
        assert engine.stdin is not None
        engine.stdin.close()
        psutil.Process(engine.pid).wait(timeout=PATIENCE_S)
        (gone,) = machine.read()

    assert alive.engine_rss_bytes is not None
    assert (gone.engine_rss_bytes, gone.engine_cpu_share) == (None, None)


def test_samples_are_due_at_absolute_times_and_those_that_have_passed_are_left_out() -> None:
    now_s = 5.0
    due = _due_times(0.25, now_s=lambda: now_s)
    times = []
    for late_s in (0.0, 0.125, 0.0, 0.5625, 0.0, 0.0):
        times.append(next(due))
        now_s = times[-1] + late_s

    # the sample at 5.75 took until 6.3125, so 6.0 and 6.25 have passed; nothing else has moved
    assert times == [5.0, 5.25, 5.5, 5.75, 6.5, 6.75]


def test_every_sample_waits_until_it_is_due() -> None:
    sink, began_s = Sink(), monotonic()
    with sampling(sink, host_interval_s=0.1):
        sink.wait_for(lambda samples: len(samples) >= 6)

    assert monotonic() - began_s >= 0.5


@contextmanager
def counting_engine() -> Iterator[str]:
    """Serves a counter that grows by one with each look at it; the second look fails."""
    looks = iter(range(1, 1000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            look = next(looks)
            self.send_response(503 if look == 2 else 200)
            self.end_headers()
            self.wfile.write(f"# TYPE engine_looks_total counter\nengine_looks_total {look}\n".encode())

        def log_message(self, *_words: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_engines_counters_are_sampled_and_a_failing_look_is_no_sample() -> None:
    sink = Sink()
    with counting_engine() as url:
        counters = Counters(url=url, names={"looks": "engine_looks_total"})
        with sampling(sink, counters=counters, counters_interval_s=0.05):
            sink.wait_for(lambda samples: sum(isinstance(sample, CounterSample) for sample in samples) >= 3)

    values = [sample.values["looks"] for sample in sink.of(CounterSample)]
    assert values[:3] == [1.0, 3.0, 4.0]


def test_every_device_is_sampled_in_base_units() -> None:
    sink = Sink()
    nvml = FakeNvml(Card(reasons=0x4 | 0x20), Card(refuses=frozenset({"nvmlDeviceGetPowerUsage"})))
    with sampling(sink, nvml=lambda: nvml, device_interval_s=0.05):
        sink.wait_for(lambda samples: sum(isinstance(sample, DeviceSample) for sample in samples) >= 2)

    first, second = sink.of(DeviceSample)[:2]
    assert first.model_dump(exclude={"t_s"}) == {
        "kind": "device",
        "device": 0,
        "memory_used_bytes": 5 * 1024**3,
        "memory_total_bytes": 24 * 1024**3,
        "utilization_share": 0.87,
        "power_w": 301.5,
        "energy_j": 7000.0,
        "temperature_c": 66.0,
        "sm_clock_hz": 1_695_000_000.0,
        "memory_clock_hz": 9_501_000_000.0,
        "slowed_by": ("power-cap", "heat-software"),
    }
    assert (second.device, second.power_w, second.slowed_by) == (1, None, ())
    assert nvml.shut_down.is_set()


def test_traffic_and_users_of_a_device_are_sampled_apart_because_the_driver_takes_its_time_for_them() -> None:
    sink, nvml = Sink(), FakeNvml(Card(processes=[(os.getpid(), 3 * 1024**3), (1, 2**20)]))
    with sampling(sink, nvml=lambda: nvml, engine_pid=os.getpid, link_interval_s=0.05, device_interval_s=None):
        sink.wait_for(lambda samples: any(isinstance(sample, DeviceLinkSample) for sample in samples))

    assert sink.of(DeviceSample) == []
    assert sink.of(DeviceLinkSample)[0].model_dump(exclude={"t_s"}) == {
        "kind": "device-link",
        "device": 0,
        "pcie_rx_bytes_per_s": 1_200_000.0,
        "pcie_tx_bytes_per_s": 300_000.0,
        "pcie_generation": 4,
        "pcie_width": 16,
        "engine_processes": 1,
        "engine_bytes": 3 * 1024**3,
        "others_processes": 1,
        "others_bytes": 2**20,
    }


def test_fast_readings_never_ask_what_takes_the_driver_twenty_milliseconds() -> None:
    sink, nvml = Sink(), FakeNvml()
    with sampling(sink, nvml=lambda: nvml, device_interval_s=0.01, link_interval_s=None):
        sink.wait_for(lambda samples: sum(isinstance(sample, DeviceSample) for sample in samples) >= 3)

    assert "nvmlDeviceGetPcieThroughput" not in nvml.calls
    assert "nvmlDeviceGetComputeRunningProcesses" not in nvml.calls


def test_a_sink_that_fails_ends_the_sampling_and_its_error_is_kept() -> None:
    called = threading.Event()

    def full_disk(_samples: Sequence[Sample]) -> None:
        called.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    with sampling(full_disk, host_interval_s=0.02) as sampler:
        assert called.wait(PATIENCE_S)
        for thread in sampler._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    assert isinstance(sampler.error, OSError)
    assert sampler.error.errno == errno.ENOSPC


def test_stop_may_come_twice_or_without_a_start_and_nothing_follows_it() -> None:
    sink = Sink()
    with sampling(sink, host_interval_s=0.01) as sampler:
        sampler.start()
        sink.wait_for(lambda samples: len(samples) >= 3)
        sampler.stop()
        count = len(sink.samples)
        sampler.stop()
        sampler.start()
    never = Sampler(sink=sink, now_s=monotonic, nvml=no_driver)
    never.stop()
    never.start()

    assert len(sink.samples) == count
    assert not any(thread.is_alive() for thread in sampler._threads)
    assert never._threads == []


def test_stopping_does_not_wait_for_the_next_sample() -> None:
    sink = Sink()
    with sampling(sink, host_interval_s=60.0):
        sink.wait_for(lambda samples: len(samples) >= 1)
        began_s = monotonic()

    assert monotonic() - began_s < 30


def test_samples_survive_their_journey_through_json() -> None:
    sink = Sink()
    kinds = {HostSample, DeviceSample, DeviceLinkSample}
    with sampling(sink, nvml=FakeNvml, host_interval_s=0.05, device_interval_s=0.05, link_interval_s=0.05):
        sink.wait_for(lambda samples: {type(sample) for sample in samples} >= kinds)

    assert all(type(sample).model_validate_json(sample.model_dump_json()) == sample for sample in sink.samples)
