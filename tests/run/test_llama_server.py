"""The launcher: its table of flags without the engine, and the engine's real ends with it."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from inference_arena.errors import UsageError
from inference_arena.run import llama_server
from inference_arena.run.process import free_port

COMMAND = [sys.executable, "-m", "inference_arena.run.llama_server"]
WITHOUT_XLLAMACPP = """
import sys, importlib.metadata
from inference_arena.run import llama_server
sys.modules["xllamacpp"] = None
sys.exit(llama_server.main(["--model", "x"]))
"""
ASKED_FOR = """
    --model --alias --host --port --ctx-size --parallel --threads --threads-batch --batch-size --ubatch-size
    --cache-type-k --cache-type-v --flash-attn --n-gpu-layers --cont-batching --no-cont-batching --kv-unified
    --cache-prompt --no-cache-prompt --cache-ram --metrics --slots --props --jinja --no-jinja --no-webui --no-ui
    --api-key --no-warmup --seed --mlock --no-mmap
    -m -a -c -np -t -tb -b -ub -ctk -ctv -fa -ngl -cb -nocb -kvu -cram -s
"""


def launch(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *flags], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def gguf(embedded_gguf: Path) -> str:
    return str(embedded_gguf)


@pytest.fixture
def x():
    return pytest.importorskip("xllamacpp")


Serve = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def serve(gguf: str, tmp_path: Path) -> Iterator[Serve]:
    running: list[subprocess.Popen[str]] = []

    def begin(*flags: str) -> tuple[subprocess.Popen[str], str]:
        with (tmp_path / "stderr").open("w") as stderr:
            command = [*COMMAND, "--model", gguf, "--ctx-size", "512", "-np", "2", "-t", "1", *flags]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        running.append(server)
        assert server.stdout
        line = server.stdout.readline()
        assert line.startswith("listening on "), (tmp_path / "stderr").read_text()
        return server, line.split()[-1]

    yield begin
    for server in running:
        server.kill()
        server.communicate()


def get(url: str, *, key: str = "") -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def test_every_flag_that_the_arena_uses_is_known():
    assert set(ASKED_FOR.split()) <= set(llama_server.KNOWN)


def test_no_spelling_stands_for_two_flags():
    spellings = [spelling for flag in llama_server.FLAGS for spelling in flag.spellings.split()]
    assert len(spellings) == len(set(spellings))


def test_the_flags_are_listed_one_a_line(capsys):
    assert llama_server.main(["--list-flags"]) == 0
    assert "--ctx-size" in capsys.readouterr().out.splitlines()


def test_an_unknown_flag_is_one_line_and_exit_code_2():
    ended = launch("--model", "x", "--foo", "1")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: unknown flag --foo (known: ")
    assert len(ended.stderr.splitlines()) == 1


def test_without_xllamacpp_the_extra_is_named_and_the_exit_code_is_3():
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_XLLAMACPP], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 3
    assert 'pip install "inference-arena[embedded]"' in ended.stderr


def test_a_flag_may_be_long_short_or_glued_to_its_value():
    found = llama_server.pairs(["-c", "512", "--ctx-size=1024", "--alias=", "--jinja"])
    assert found == [("-c", "512"), ("--ctx-size", "1024"), ("--alias", ""), ("--jinja", "on")]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--port"], "--port needs a value"),
        (["--jinja=yes"], "--jinja takes no value"),
        (["--port", "x"], "--port takes a whole number, not 'x'"),
        (["--port", "99999"], "--port takes a port, 0 to 65535, not '99999'"),
        (["-np", "0"], "-np takes a number of slots, or -1, not '0'"),
        (["-fa", "maybe"], "-fa takes one of on, off, auto, not 'maybe'"),
        (["--batch-size", "-5"], "--batch-size takes a number above 0, not '-5'"),
        ([], "--model FILE is missing"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(flags, complaint):
    with pytest.raises(UsageError) as caught:
        llama_server.settings(llama_server.pairs(flags), None)
    assert caught.value.what == complaint


def test_every_flag_sets_an_attribute_that_this_xllamacpp_has(x):
    samples = {llama_server.kv_type: "q8_0", llama_server.flash: "on", llama_server.load_mode: "dio"}
    for flag in llama_server.FLAGS:
        spelling, value = flag.spellings.split()[0], flag.parse(flag.fixed or samples.get(flag.parse, "7"), x)
        made = llama_server.params({flag.attribute: value}, x)
        for name in flag.attribute.split("."):
            made = getattr(made, name)
        assert made == value, spelling


def test_of_two_flags_for_one_setting_the_later_counts(x):
    found = llama_server.pairs(["-m", "f", "--slots", "--no-slots", "-c", "1", "-c", "2"])
    wanted = llama_server.settings(found, x)
    assert (wanted["endpoint_slots"], wanted["n_ctx"]) == (False, 2)


def test_threads_also_serve_batches_unless_told_otherwise(x):
    both = llama_server.settings(llama_server.pairs(["-m", "f", "-t", "3"]), x)
    assert both[llama_server.BATCH_THREADS] == 3
    own = llama_server.settings(llama_server.pairs(["-m", "f", "-tb", "5", "-t", "3"]), x)
    assert own[llama_server.BATCH_THREADS] == 5


@pytest.mark.usefixtures("x")
def test_the_version_names_the_llama_cpp_build():
    release = version("xllamacpp")
    assert launch("--version").stdout == f"xllamacpp {release} (llama.cpp b{release.split('.')[-1]})\n"


@pytest.mark.engine
def test_it_serves_health_metrics_slots_and_props_and_ends_with_0_on_sigterm(serve):
    port = free_port()
    server, address = serve("--port", str(port), "--alias", "smol", "--no-webui", "-ctk", "q8_0", "--seed=7")
    assert address == f"http://127.0.0.1:{port}"
    assert json.loads(get(f"{address}/health")) == {"status": "ok"}
    assert "llamacpp:prompt_tokens_total" in get(f"{address}/metrics")
    assert len(json.loads(get(f"{address}/slots"))) == 2
    props = json.loads(get(f"{address}/props"))
    assert (props["total_slots"], props["model_alias"]) == (2, "smol")
    assert props["default_generation_settings"]["params"]["seed"] == 7
    server.send_signal(signal.SIGTERM)
    assert server.wait(60) == 0


@pytest.mark.engine
def test_it_ends_with_0_on_sigint_in_the_middle_of_an_answer(serve):
    server, address = serve("--port", "0", "--api-key", "secret")
    body = json.dumps({"prompt": "Hello", "n_predict": 100_000, "ignore_eos": True, "stream": True}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer secret"}
    request = urllib.request.Request(f"{address}/completion", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.readline().startswith(b"data:")
        server.send_signal(signal.SIGINT)
        assert server.wait(60) == 0


@pytest.mark.engine
def test_a_taken_port_ends_at_once_and_is_named(gguf):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = launch("--model", gguf, "--port", str(port))
    assert ended.returncode == 1
    assert f"error: port {port} on 127.0.0.1 cannot be opened: " in ended.stderr


@pytest.mark.engine
@pytest.mark.usefixtures("x")
def test_a_missing_model_file_is_named(tmp_path):
    ended = launch("--model", str(tmp_path / "none.gguf"), "--port", "0")
    assert ended.returncode == 1
    assert f"{tmp_path}/none.gguf cannot be read: No such file" in ended.stderr
    assert "failed to load model" in ended.stderr


@pytest.mark.engine
@pytest.mark.usefixtures("x")
def test_a_file_of_another_kind_is_said_to_be_one(tmp_path):
    (tmp_path / "other").write_bytes(b"PK" * 1000)
    ended = launch("--model", str(tmp_path / "other"), "--port", "0")
    assert ended.returncode == 1
    assert "other is not a GGUF file" in ended.stderr


@pytest.mark.engine
@pytest.mark.parametrize("kept_bytes", [100, 1_000_000, 60_000_000])
def test_a_truncated_model_file_ends_with_the_engines_own_words(gguf, tmp_path, kept_bytes):
    with Path(gguf).open("rb") as whole:
        (tmp_path / "cut.gguf").write_bytes(whole.read(kept_bytes))
    ended = launch("--model", str(tmp_path / "cut.gguf"), "--port", "0")
    assert ended.returncode == 1
    assert "failed to load model" in ended.stderr
    assert "llama.cpp refused" in ended.stderr


@pytest.mark.engine
def test_flags_that_contradict_each_other_end_with_the_engines_own_words(gguf):
    ended = launch("--model", gguf, "--port", "0", "-c", "512", "-ctv", "q8_0", "-fa", "off")
    assert ended.returncode == 1
    assert "quantized V cache requires flash_attn" in ended.stderr
