"""`arena explain`: any engine's log, whole or in pieces, of any size; and what is no log at all."""

import gzip
import json
import lzma
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.cli.explain import _lines
from inference_arena.cli.verbs import invoke
from inference_arena.engines import READERS, explain
from inference_arena.engines.pasted import BETWEEN, ENDS, digest

GOLDEN = Path(__file__).parents[1] / "golden"
SHARE = GOLDEN / "vllm-0.24.0" / "memory-share-above-free.log"
START = GOLDEN / "vllm-0.24.0" / "start-mistral-7b-graphs.log"
FOLDERS = ("vllm-0.24.0", "sglang-0.5.14", "llamacpp-b11549")
OURS = sorted(log for folder in FOLDERS for log in (GOLDEN / folder).glob("*.log"))
# of one line, which names no engine
NAMELESS = (("llamacpp-b11549", "unknown-flag"), ("llamacpp-b11549", "bad-flag"))
CHATTER = b"INFO chatter about vllm.engine nothing at all\n"


@pytest.fixture
def arena(home, capsys):
    def call(*arguments) -> tuple[int, str, str]:
        code = invoke(["explain", *map(str, arguments)])
        return code, *capsys.readouterr()

    return call


def piped(data: bytes) -> subprocess.CompletedProcess[bytes]:
    run = [sys.executable, "-m", "inference_arena", "explain", "-"]
    return subprocess.run(run, input=data, capture_output=True, timeout=60, check=False)


# what is told


def test_a_failure_is_told_with_its_engine_its_line_its_numbers_and_a_way_out(arena):
    code, out, err = arena(SHARE)

    assert (code, err) == (0, "")
    first, why, attempt, name = out.splitlines()
    assert first.startswith("vLLM 0.24.0, while getting hold of the card: it asks for 75.22 GiB")
    assert why.startswith("  why  line 62: ")
    assert attempt.startswith("  try  --gpu-memory-utilization 0.88")
    assert name == "  name memory-share-above-free"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            'docker: Error response from daemon: could not select device driver "" with capabilities: [[gpu]].',
            "gpu-passthrough-missing",
        ),
        (
            "docker: Error response from daemon: manifest for vllm/vllm-openai:v0 not found: manifest unknown.",
            "image-missing",
        ),
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "container-daemon-down"),
    ],
)
def test_what_docker_says_before_any_engine_began_is_told_as_its_own(arena, tmp_path, said, cause):
    log = tmp_path / "docker.log"
    log.write_text(said, "utf-8")
    code, out, _ = arena(log)
    assert code == 0
    assert out.startswith("The container engine: ")
    assert out.splitlines()[-1] == f"  name {cause}"
    assert json.loads(arena(log, "--json")[1])["engine"] == "container"


def test_the_line_that_is_named_is_that_line(arena):
    it = json.loads(arena(SHARE, "--json")[1])
    line = SHARE.read_text("utf-8").splitlines()[it["diagnosis"]["line"] - 1]

    assert "(70.15/79.18 GiB)" in line


def test_a_start_is_told_by_its_facts(arena):
    code, out, _ = arena(START)

    assert code == 0
    assert "started and took requests" in out
    table = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    assert table["weights_bytes"] == "13.50 GiB"
    assert table["kv_cache_tokens"] == "74,608"
    assert (table["graphs"], table["graphs_bytes"]) == ("yes", "0.98 GiB")


def test_json_is_one_document(arena):
    failed, started = json.loads(arena(SHARE, "--json")[1]), json.loads(arena(START, "--json")[1])

    assert (failed["engine"], failed["outcome"], started["outcome"]) == ("vllm", "failed", "started")
    assert failed["diagnosis"]["flags"] == ["--gpu-memory-utilization", "0.88"]
    assert started["diagnosis"] is None
    assert started["facts"]["kv_cache_tokens"] == 74608


def test_advice_that_nobody_tried_says_so(arena):
    _, out, _ = arena(GOLDEN / "reported" / "driver-too-old-image.log")

    assert "untested" in out
    assert "untested" not in arena(SHARE)[1]


@pytest.mark.parametrize("log", OURS, ids=lambda log: f"{log.parent.name}/{log.stem}")
def test_every_log_of_ours_is_explained_and_given_to_its_engine(log, arena):
    code, out, _ = arena(log, "--json")
    it = json.loads(out)

    assert code == 0
    assert it["outcome"] == ("started" if log.stem.startswith("start") else "failed")
    engine = None if (log.parent.name, log.stem) in NAMELESS else log.parent.name.split("-")[0]
    assert it["engine"] == engine


def test_standard_input_is_read_too():
    done = piped(SHARE.read_bytes())

    assert done.returncode == 0
    assert b"--gpu-memory-utilization 0.88" in done.stdout


def test_a_piece_that_names_no_engine_still_says_what_happened(arena, tmp_path):
    piece = tmp_path / "piece.txt"
    piece.write_text("RuntimeError: CUDA error: no kernel image is available for execution on the device\n")
    code, out, _ = arena(piece)

    assert code == 0
    assert "does not say whose it is" in out
    assert json.loads(arena(piece, "--json")[1])["engine"] is None


def test_the_engine_can_be_named(arena, tmp_path):
    piece = tmp_path / "piece.txt"
    piece.write_text("server: error: unrecognized arguments: --frobnicate\n")

    assert "release of SGLang does not know --frobnicate" in arena(piece, "--engine", "sglang")[1]
    assert arena(piece, "--engine", "enginex")[0] == 2


def test_of_several_starts_the_last_counts(arena, tmp_path):
    restarted, gone = tmp_path / "restarted.log", tmp_path / "gone.log"
    restarted.write_text(SHARE.read_text("utf-8") + START.read_text("utf-8"))
    gone.write_text(START.read_text("utf-8") + SHARE.read_text("utf-8"))

    assert json.loads(arena(restarted, "--json")[1])["outcome"] == "started"
    assert json.loads(arena(gone, "--json")[1])["diagnosis"]["cause"] == "memory-share-above-free"


def test_other_wrappings_of_the_same_lines_are_the_same_log(arena, tmp_path):
    text = SHARE.read_text("utf-8")
    wrapped = {
        "windows": text.replace("\n", "\r\n").encode(),
        "powershell": text.encode("utf-16"),
        "marked": text.encode("utf-8-sig"),
        "compose": "".join(f"vllm-1  | {line}\n" for line in text.splitlines()).encode(),
        "coloured": "".join(f"\x1b[1;31m{line}\x1b[0m\n" for line in text.splitlines()).encode(),
        "kubernetes": "".join(f"2026-11-24T09:00:00.0Z stderr F {line}\n" for line in text.splitlines()).encode(),
        "as a record keeps it": gzip.compress(text.encode()),
        "bad bytes": text.encode() + b"\xff\xfe\xc3(\n",
    }
    for name, data in wrapped.items():
        (tmp_path / name).write_bytes(data)
    told = {name: json.loads(arena(tmp_path / name, "--json")[1])["diagnosis"] for name in wrapped}

    assert {name: (it["cause"], it["line"]) for name, it in told.items()} == dict.fromkeys(
        wrapped, ("memory-share-above-free", 62)
    )


# what is not known, and what is no log


def test_a_log_with_nothing_known_says_so_and_shows_its_errors(arena, tmp_path):
    log = tmp_path / "odd.log"
    log.write_text("all is well\nMoonError: the moon is in the wrong phase\nbye\n")
    code, out, err = arena(log)

    assert (code, err) == (1, "")
    assert "no known failure is in it" in out
    assert "line 2: MoonError: the moon is in the wrong phase" in out


def test_a_text_that_is_no_log_says_so(arena, tmp_path):
    (tmp_path / "poem").write_text("roses are red\n")
    code, out, _ = arena(tmp_path / "poem")

    assert code == 1
    assert "nothing known is in it" in out


def _bad(folder: Path) -> dict[str, tuple[Path, str]]:
    made = {
        "empty": (b"", "is empty"),
        "binary": (bytes(range(256)) * 40, "no text"),
        "packed": (lzma.compress(b"x" * 1000), "packed"),
        "broken": (gzip.compress(os.urandom(5000))[:3000], "cannot be read"),
    }
    for name, (data, _) in made.items():
        (folder / name).write_bytes(data)
    files = {name: (folder / name, words) for name, (_, words) in made.items()}
    return {**files, "missing": (folder / "nope", "no file"), "folder": (folder, "is a folder")}


@pytest.mark.parametrize("kind", ["empty", "binary", "packed", "broken", "missing", "folder"])
def test_what_is_no_log_is_an_error_in_words(kind, arena, tmp_path):
    path, words = _bad(tmp_path)[kind]
    code, out, err = arena(path)

    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err
    assert "error" in json.loads(arena(path, "--json")[1])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read_is_an_error_in_words(arena, tmp_path):
    path = tmp_path / "secret.log"
    path.write_text("x")
    path.chmod(0)
    code, _, err = arena(path)

    assert code == 1
    assert "cannot be read" in err


def test_nothing_on_standard_input_is_an_error_in_words():
    done = piped(b"")

    assert done.returncode == 1
    assert b"standard input is empty" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_closed_standard_input_is_an_error_in_words():
    shell = f"exec {sys.executable} -m inference_arena explain - <&-"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, timeout=60, check=False)

    assert done.returncode == 1
    assert b"standard input is empty" in done.stderr


# size


class _Endless:
    """A file of that many bytes of chatter around one known failure."""

    def __init__(self, chunks: int, middle: bytes) -> None:
        self.left, self.at, self.middle = chunks, chunks // 2, middle

    def read(self, size: int) -> bytes:
        self.left -= 1
        if self.left < 0:
            return b""
        return self.middle if self.left == self.at else CHATTER * (size // len(CHATTER))


def test_a_huge_log_takes_bounded_memory_and_its_failure_is_found_in_the_middle():
    middle = b"ValueError: No available memory for the cache blocks. Try increasing\n"
    tracemalloc.start()
    it = explain(_lines(_Endless(20, middle), name="x"), readers=READERS, engine=None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert it.diagnosis is not None
    assert it.diagnosis.cause == "no-kv-cache-memory"
    assert it.lines > 400_000
    assert it.lines * 0.4 < it.diagnosis.line < it.lines * 0.6
    assert peak < 16 * 1024**2


def test_a_line_that_never_ends_takes_bounded_memory():
    class Long(_Endless):
        def read(self, size: int) -> bytes:
            self.left -= 1
            return b"x" * size if self.left >= 0 else b""

    tracemalloc.start()
    it = explain(_lines(Long(20, b""), name="x"), readers=READERS, engine=None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert it.outcome == "unknown"
    assert peak < 16 * 1024**2


@given(st.integers(0, 3 * ENDS + BETWEEN))
def test_what_is_kept_of_a_log_is_its_beginning_and_its_end_in_order(count):
    kept, lines = digest(f"error {number}" for number in range(1, count + 1))
    numbers = [line.number for line in kept]

    assert lines == count
    assert numbers == sorted(set(numbers))
    assert numbers[:ENDS] == list(range(1, min(count, ENDS) + 1))
    assert numbers[-1:] == ([count] if count else [])
    assert all(line.text == f"error {line.number}" for line in kept)
    assert len(kept) == min(count, 2 * ENDS + BETWEEN)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r", exclude_categories=("Cs",)), min_size=1)))
def test_lines_come_out_as_they_were_whatever_the_pieces(lines):
    data = "\n".join(lines).encode()

    class File:
        def __init__(self) -> None:
            self.at = 0

        def read(self, size: int) -> bytes:
            self.at += 7
            return data[self.at - 7 : self.at]

    if b"\0" not in data[:7] and not data.startswith((b"\x1f\x8b", b"PK\x03\x04", b"BZh", "\ufeff".encode())):
        assert list(_lines(File(), name="x")) == lines
