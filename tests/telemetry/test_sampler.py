"""The sampler against real processes, a real server, and a driver library that answers as told."""

import errno
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from types import SimpleNamespace

import psutil
import pytest

from inference_arena.record import CounterSample, DeviceSample, HostSample, Sample
from inference_arena.telemetry import Counters, Sampler
from inference_arena.telemetry.machine import Machine, process_tree

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
            assert self._changed.wait_for(lambda: enough(self.samples), timeout=20)

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
        sink.wait_for(lambda samples: len(samples) >= 4)

    first, *rest = sink.of(HostSample)
    assert first.cpu_share is None
    assert all(0 <= sample.cpu_share <= 1 for sample in rest if sample.cpu_share is not None)
    assert any(sample.cpu_share is not None for sample in rest)
    assert all(sample.ram_available_bytes > 0 for sample in rest)
    assert all(sample.engine_cpu_share is None and sample.engine_rss_bytes is None for sample in rest)
    assert sampler.error is None


def test_the_engines_children_count_as_the_engine() -> None:
    sink = Sink()
    with burning_tree() as engine, sampling(sink, engine_pid=engine.pid, host_interval_s=0.3):
        used_before_s, began_s = tree_cpu_s(engine.pid), monotonic()
        sink.wait_for(lambda samples: len(samples) >= 5)
        mean = (tree_cpu_s(engine.pid) - used_before_s) / (monotonic() - began_s)

    shares = [sample.engine_cpu_share for sample in sink.of(HostSample)[1:]]
    # the truth is what the kernel charged to the tree meanwhile, however busy the machine is
    assert sum(shares) / len(shares) == pytest.approx(mean, rel=0.35)
    assert mean > 0.1
    assert all(sample.engine_rss_bytes > 10e6 for sample in sink.of(HostSample))


def tree_cpu_s(pid: int) -> float:
    parent = psutil.Process(pid)
    times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
    return sum(time.user + time.system for time in times)


def test_children_that_end_take_no_share_with_them_and_make_no_leap() -> None:
    with burning_tree() as engine:
        machine = Machine(engine_pid=engine.pid, now_s=monotonic)
        machine.read()
        assert len(process_tree(psutil.Process(engine.pid))) == 3
        assert engine.stdin is not None
        assert engine.stdout is not None
        engine.stdin.write("stop\n")
        engine.stdin.flush()
        assert engine.stdout.readline() == "stopped\n"
        (sample,) = machine.read()

        assert sample.engine_cpu_share is not None
        assert 0 <= sample.engine_cpu_share < 2 * psutil.cpu_count()
        assert len(process_tree(psutil.Process(engine.pid))) == 1


def test_an_engine_that_has_ended_has_no_figures() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as engine:
        machine = Machine(engine_pid=engine.pid, now_s=monotonic)
        (alive,) = machine.read()
        assert engine.stdin is not None
        engine.stdin.close()
        psutil.Process(engine.pid).wait(timeout=10)
        (gone,) = machine.read()

    assert alive.engine_rss_bytes is not None
    assert (gone.engine_rss_bytes, gone.engine_cpu_share) == (None, None)


def test_samples_come_at_absolute_times() -> None:
    sink = Sink()
    with sampling(sink, host_interval_s=0.1):
        sink.wait_for(lambda samples: len(samples) >= 8)

    times = [sample.t_s for sample in sink.of(HostSample)]
    steps = [round((t_s - times[0]) / 0.1) for t_s in times]
    assert steps == sorted(set(steps))
    # late by a busy machine now and then, but the lateness does not add up
    assert min(abs(t_s - times[0] - step * 0.1) for t_s, step in zip(times[4:], steps[4:], strict=True)) < 0.03


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


class FakeNvml:
    """Two cards; the second refuses to tell its power."""

    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1

    def __init__(self) -> None:
        self.shut_down = threading.Event()
        self.nvmlDeviceGetCount = lambda: 2
        self.nvmlDeviceGetHandleByIndex = lambda index: index
        self.nvmlDeviceGetMemoryInfo = lambda _card: SimpleNamespace(used=5 * 1024**3)
        self.nvmlDeviceGetUtilizationRates = lambda _card: SimpleNamespace(gpu=87)
        self.nvmlDeviceGetPowerUsage = lambda card: [301_500][card]
        self.nvmlDeviceGetTemperature = lambda _card, _sensor: 66
        self.nvmlDeviceGetClockInfo = lambda _card, _clock: 1695
        self.nvmlShutdown = self.shut_down.set


def test_every_device_is_sampled_in_base_units() -> None:
    sink, nvml = Sink(), FakeNvml()
    with sampling(sink, nvml=lambda: nvml, device_interval_s=0.05):
        sink.wait_for(lambda samples: sum(isinstance(sample, DeviceSample) for sample in samples) >= 2)

    first, second = sink.of(DeviceSample)[:2]
    assert first.model_dump(exclude={"t_s"}) == {
        "kind": "device",
        "device": 0,
        "memory_used_bytes": 5 * 1024**3,
        "utilization_share": 0.87,
        "power_w": 301.5,
        "temperature_c": 66.0,
        "sm_clock_hz": 1_695_000_000.0,
    }
    assert (second.device, second.power_w) == (1, None)
    assert nvml.shut_down.is_set()


def test_a_sink_that_fails_ends_the_sampling_and_its_error_is_kept() -> None:
    called = threading.Event()

    def full_disk(_samples: Sequence[Sample]) -> None:
        called.set()
        raise OSError(errno.ENOSPC, "No space left on device")

    with sampling(full_disk, host_interval_s=0.02) as sampler:
        assert called.wait(10)
        for thread in sampler._threads:
            thread.join(10)
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

    assert monotonic() - began_s < 2


def test_samples_survive_their_journey_through_json() -> None:
    sink = Sink()
    with sampling(sink, nvml=FakeNvml, host_interval_s=0.05, device_interval_s=0.05):
        sink.wait_for(lambda samples: {type(sample) for sample in samples} >= {HostSample, DeviceSample})

    assert all(type(sample).model_validate_json(sample.model_dump_json()) == sample for sample in sink.samples)


def test_the_vendors_library_has_every_name_that_the_fakes_have() -> None:
    pynvml = pytest.importorskip("pynvml")

    names = [name for name in (*vars(FakeNvml), *vars(FakeNvml())) if name.lower().startswith("nvml")]
    assert len(names) == 10
    assert all(hasattr(pynvml, name) for name in names)
