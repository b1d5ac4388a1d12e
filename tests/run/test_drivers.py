"""Other tools as drivers: told the same prompts, ended whatever happens, their report read. A stand-in is run."""

import json
import os
import stat
import sys
from pathlib import Path

import psutil
import pytest

from inference_arena.errors import ArenaError, NotFoundError, UsageError
from inference_arena.load import new_prompt, request_seed
from inference_arena.load.again import prompt_hash
from inference_arena.load.point_plan import Wording
from inference_arena.load.truth import Script, start_truth_server
from inference_arena.metrics import summarise
from inference_arena.plan import Lengths, Load
from inference_arena.record import Evidence, Point, RequestTrace
from inference_arena.run import crosscheck_record, find_driver
from inference_arena.run.address import parse_address
from inference_arena.run.drivers import DRIVERS, Prompt, Task, drive
from inference_arena.store import REQUESTS_FILE, load_record, save_record, sha256_of, write_jsonl_gz

STAND_IN = Path(__file__).with_name("stand_in_guidellm.py")
SCRIPT = Script(tokens=8, ttft_s=0.05, token_interval_s=0.005)
LOAD = Load(kind="closed", concurrency=1, duration_s=5.0)


class Silent:
    def stage(self, name, detail=""):
        pass


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "guidellm"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {STAND_IN} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def server(tmp_path):
    with start_truth_server(SCRIPT, log_path=tmp_path / "truth.log") as truth:
        yield truth


def task(url, **changes):
    given = {
        "address": parse_address(url),
        "model": "truth",
        "endpoint": "chat",
        "prompts": tuple(Prompt(text=f"question {n}", output_tokens=8) for n in range(8)),
        "load": LOAD,
        "ignore_eos": True,
    }
    return Task(**{**given, **changes})


def left_over():
    return [p for p in psutil.process_iter(["cmdline"]) if STAND_IN.name in " ".join(p.info["cmdline"] or [])]


def test_a_tool_drives_and_its_report_is_read(program, server):
    driven = drive(DRIVERS["guidellm"], task(server.url), program=program)

    (point,) = driven.report.points
    assert (driven.report.tool, point.ok, len(driven.report.requests)) == ("guidellm", 8, 8)
    ttft = next(f for f in point.figures if f.name == "time_to_first_token_ms")
    assert 50 <= ttft.p50 < 200


def test_a_tool_that_fails_is_told_with_its_last_words_and_without_the_key(program, server):
    with pytest.raises(ArenaError) as failed:
        drive(DRIVERS["guidellm"], task(server.url, model="fails"), program=program, api_key="sk-very-secret")

    assert "left no report" in failed.value.what
    assert "is refused" in failed.value.why
    assert "sk-very-secret" not in str(failed.value)


def test_a_tool_that_hangs_is_ended_with_all_it_started(program, server):
    with pytest.raises(ArenaError, match="left no report"):
        drive(DRIVERS["guidellm"], task(server.url, model="hangs"), program=program, limit_s=1.0)

    assert left_over() == []


def test_a_program_that_is_not_there_is_said(server, tmp_path):
    with pytest.raises(ArenaError, match="did not start"):
        drive(DRIVERS["guidellm"], task(server.url), program=str(tmp_path / "none"))


def test_guidellm_is_told_prompts_lengths_load_and_what_the_server_refuses(tmp_path):
    asked = task("http://h:1/api/v1", dropped=("ignore_eos",), duration_s=5.0)
    order = DRIVERS["guidellm"].order(asked, program="guidellm", folder=tmp_path, api_key="sk-key")
    scenario = tmp_path / "scenario.json"
    spec = json.loads(scenario.read_text())["spec"]

    assert stat.S_IMODE(scenario.stat().st_mode) == 0o600
    assert "sk-key" not in " ".join(order.argv)
    assert spec["backend"]["target"] == "http://h:1"
    assert spec["backend"]["api_routes"] == {"/v1/chat/completions": "api/v1/chat/completions"}
    assert spec["backend"]["extras"]["body"]["ignore_eos"] is None
    assert spec["profile"] == {"kind": "concurrent", "streams": [1]}
    assert {c["kind"] for c in spec["constraints"]} == {"max_requests", "max_duration"}
    assert order.env["GUIDELLM__MAX_WORKER_PROCESSES"] == "1"
    assert len((tmp_path / "prompts.jsonl").read_text().splitlines()) == 8


@pytest.mark.parametrize(
    ("load", "words"),
    [
        (LOAD, "--max-concurrency 1"),
        (Load(kind="open", rate_per_s=2.5, arrivals="poisson"), "--request-rate 2.5"),
        (Load(kind="open", rate_per_s=2.5, arrivals="constant"), "--request-rate 2.5 --burstiness inf"),
    ],
)
def test_vllm_bench_is_told_the_load_and_the_key_only_in_its_environment(load, words, tmp_path):
    order = DRIVERS["vllm"].order(task("http://h:1/v1", load=load), program="vllm", folder=tmp_path, api_key="sk-key")
    line = " ".join(order.argv)

    assert words in line
    assert "--base-url http://h:1 --endpoint /v1/chat/completions" in line
    assert "sk-key" not in line
    assert order.env["OPENAI_API_KEY"] == "sk-key"


def test_vllm_bench_cannot_measure_a_server_that_refuses_stream_options(tmp_path):
    with pytest.raises(UsageError, match="cannot measure"):
        DRIVERS["vllm"].order(task("http://h:1", dropped=("stream_options",)), program="vllm", folder=tmp_path,
                              api_key=None)  # fmt: skip


def test_vllm_that_is_not_installed_is_said(home, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotFoundError, match="not installed"):
        find_driver(DRIVERS["vllm"], home=home, progress=Silent())


def fake_uv(folder, *, fails=False):
    """Makes an environment whose program is there, or says why not."""
    uv = folder / "uv"
    uv.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/calls\n'
        + ('case "$*" in *compile*) echo "error: no route to the index"; exit 2;; esac\n' if fails else "")
        + 'if [ "$1" = venv ]; then for last; do :; done; mkdir -p "$last/bin"; touch "$last/bin/guidellm"; fi\n'
    )
    uv.chmod(0o755)
    return (str(uv),)


def test_an_environment_of_its_own_is_made_once(home, tmp_path):
    uv = fake_uv(tmp_path)
    first = find_driver(DRIVERS["guidellm"], home=home, progress=Silent(), argv=uv)
    second = find_driver(DRIVERS["guidellm"], home=home, progress=Silent(), argv=uv)

    assert first == second
    assert Path(first).is_relative_to(home.tools / "guidellm" / "0.8.1")
    calls = (tmp_path / "calls").read_text().splitlines()
    steps = [next(step for step in ("venv", "compile", "sync") if step in call) for call in calls]
    assert steps == ["venv", "compile", "sync"]
    assert (home.tools / "guidellm" / "0.8.1" / "asked.in").read_text() == "guidellm==0.8.1\n"


def test_an_install_that_fails_says_why_and_leaves_nothing(home, tmp_path):
    with pytest.raises(ArenaError) as failed:
        find_driver(DRIVERS["guidellm"], home=home, progress=Silent(), argv=fake_uv(tmp_path, fails=True))

    assert "no route to the index" in failed.value.why
    assert not (home.tools / "guidellm" / "0.8.1").exists()


LENGTHS = Lengths(input_tokens=24, output_tokens=8, output_jitter=0.0)
POINT = Point(index=0, repeat=0, load=LOAD, seed=7, started_s=0.0, steady_from_s=0.0, steady_to_s=60.0, ended_s=60.0,
              stopped_by="plan")  # fmt: skip


def trace(number, *, ttft_s):
    prompt, length = new_prompt(lengths=LENGTHS, wording=Wording(), seed=request_seed(seed=7, point=0, request=number))
    sent_s = float(number)
    reads = tuple(sent_s + ttft_s + 0.0002 * (number % 4) + 0.005 * i for i in range(8))
    return RequestTrace(
        request=number, point=0, scheduled_s=sent_s, sent_s=sent_s, read_s=reads, read_tokens=(1,) * 8,
        ended_s=reads[-1], result="ok", asked_input_tokens=24, asked_output_tokens=length, input_tokens=24,
        output_tokens=8, output_tokens_source="usage", token_times="per-delta", prompt_sha256=prompt_hash(prompt),
    )  # fmt: skip


@pytest.fixture
def kept(builders, home, tmp_path):
    """A record of twenty requests to a server whose first token comes after 50 ms."""
    traces = [trace(n, ttft_s=0.0505) for n in range(20)]
    requests = write_jsonl_gz(tmp_path / REQUESTS_FILE, traces)
    samples = write_jsonl_gz(tmp_path / "samples.jsonl.gz", ())
    trial = builders.TRIAL.model_copy(update={"lengths": LENGTHS, "loads": (LOAD,)})
    record = builders.a_record().model_copy(
        update={
            "trial": trial,
            "points": (POINT,),
            "summary": summarise(trial=trial, points=[POINT], traces=traces, samples=(), cpu_cores=2),
            "evidence": Evidence(requests_sha256=requests.sha256, requests_lines=20, samples_sha256=samples.sha256,
                                 samples_lines=0),
        }
    )  # fmt: skip
    assert sha256_of(tmp_path / REQUESTS_FILE) == requests.sha256
    return save_record(home, record, requests_gz=tmp_path / REQUESTS_FILE, samples_gz=tmp_path / "samples.jsonl.gz",
                       log_gz=None)  # fmt: skip


def checked(kept, program, url, **options):
    return crosscheck_record(kept, driver=DRIVERS["guidellm"], program=program, address=parse_address(url),
                             progress=Silent(), **{"model": "truth", **options})  # fmt: skip


def test_the_same_prompts_go_to_the_same_server_and_a_late_clock_is_found(kept, program, server):
    (late,) = checked(kept, program, server.url, model="late")
    verdicts = {parting.name: parting.verdict for parting in late.result.partings}

    assert late.result.their_requests == 19
    assert verdicts["time_to_first_token_ms"] == "measurement"  # its clock is set to be 50 ms late
    assert verdicts["inter_token_latency_ms"] != "not-judged"


def test_prompts_that_are_not_the_records_are_never_sent(kept, program, server, builders, home):
    strange = kept.parent / builders.IDS[1]
    kept.rename(strange)
    record = load_record(strange)
    other = record.model_copy(update={"points": (POINT.model_copy(update={"seed": 8}),)})
    (strange / "record.json").write_bytes(other.model_dump_json().encode())

    with pytest.raises(ArenaError, match="cannot be made again"):
        checked(strange, program, server.url)
    assert server.log_path.exists() is False or server.log_path.read_text() == ""


def test_a_load_that_the_record_does_not_have_is_refused(kept, program, server):
    with pytest.raises(UsageError, match="no such load point"):
        checked(kept, program, server.url, levels=(16.0,))


def test_nothing_of_a_task_stays_behind(program, server):
    before = set(Path(os.environ.get("TMPDIR", "/tmp")).glob("arena-driver-*"))
    drive(DRIVERS["guidellm"], task(server.url), program=program)

    assert set(Path(os.environ.get("TMPDIR", "/tmp")).glob("arena-driver-*")) <= before
