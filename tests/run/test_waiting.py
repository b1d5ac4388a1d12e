"""The wait for an engine: what it tells meanwhile, and what it says of one that never gets ready."""

import sys
from pathlib import Path

import pytest

from inference_arena.engines import ENGINES
from inference_arena.run.address import Address
from inference_arena.run.failure import RunFailed
from inference_arena.run.process import free_port, start_engine
from inference_arena.run.server import Server
from inference_arena.run.waiting import wait_ready

GOLDEN = Path(__file__).parents[1] / "golden"
LOADING = "print('non-default args: x', flush=True); print('Starting to load model', flush=True)\n"
HANGS = LOADING + "import time; time.sleep(600)"
WORKS = LOADING + "while True: pass"
BUSY_HEALTH = """
import http.server
class Health(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Health.asked += 1
        self.send_response(200 if Health.asked > 30 else 503)
        self.end_headers()
    def log_message(self, *words): pass
import sys
print("non-default args: x", flush=True)
print("Starting to load model", flush=True)
print("Model loading took 1.0 GiB memory", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""


@pytest.fixture
def serve(tmp_path):
    started = []

    def begin(code: str, *args: str, engine: str = "vllm") -> Server:
        port = free_port()
        command = [sys.executable, "-c", code, str(port), *args]
        process = start_engine(command, env=None, log_path=tmp_path / "engine.log", grace_s=0.2)
        started.append(process)
        address = Address(host="127.0.0.1", port=port, tls=False, base_path="/v1")
        return Server(address=address, engine=ENGINES[engine], process=process)

    yield begin
    for process in started:
        process.stop(immediately=True)


def failure(server: Server, *, limit_s: float):
    with pytest.raises(RunFailed) as caught:
        wait_ready(server, limit_s=limit_s, on_log=lambda _: None)
    return caught.value.failed


def test_what_the_engine_does_is_told_while_it_is_waited_for(serve):
    stages: list[str] = []
    lines: list[tuple[str, ...]] = []

    ready_s = wait_ready(serve(BUSY_HEALTH), limit_s=60.0, on_log=lines.append, on_stage=stages.append)

    assert ready_s > 1.0
    assert stages[-1] == "finding out how much memory it needs"
    assert any("Model loading took 1.0 GiB memory" in said for said in lines)


def test_one_that_hangs_is_told_by_its_stage_its_last_line_and_its_idleness(serve):
    failed = failure(serve(HANGS), limit_s=3.0)

    assert (failed.stage, failed.cause, failed.engine_stage) == ("ready", "never-ready", "weights")
    assert failed.what == "the engine was not ready within 3 s: it was still loading the weights"
    assert "its health check still says" in failed.why
    assert "Starting to load model" in failed.why
    assert "use no processor time" in failed.why
    assert failed.advice.startswith("it hangs, or waits for something")


def test_one_that_still_works_is_to_be_given_longer(serve):
    failed = failure(serve(WORKS), limit_s=3.0)

    assert "processor cores busy" in failed.why
    assert failed.advice.startswith("it still works: give it longer with --ready-timeout")


def test_one_that_says_nothing_is_told_as_that(serve):
    failed = failure(serve("import time; time.sleep(600)"), limit_s=1.0)

    assert failed.what == "the engine was not ready within 1 s"
    assert "it has said nothing" in failed.why
    assert failed.evidence == ()


@pytest.mark.parametrize(("log", "engine"), [
    ("vllm-0.24.0/no-kv-cache-memory", "vllm"), ("reported/static-share-too-low-0.5.14", "sglang"),
])  # fmt: skip
def test_one_that_stays_after_it_failed_is_told_by_its_log(serve, log, engine):
    code = "import sys, time; print(open(sys.argv[2]).read(), flush=True); time.sleep(600)"
    failed = failure(serve(code, str(GOLDEN / f"{log}.log"), engine=engine), limit_s=2.0)

    assert failed.cause in log
    assert failed.flags
    assert "did not end by itself" in failed.what


def test_one_that_ends_is_not_waited_for(serve):
    code = "import sys; print(open(sys.argv[2]).read(), flush=True); sys.exit(1)"
    failed = failure(serve(code, str(GOLDEN / "vllm-0.24.0" / "kv-cache-too-small.log")), limit_s=60.0)

    assert failed.cause == "kv-cache-too-small"
