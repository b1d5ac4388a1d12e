"""Engines of several processes that misbehave: an environment whose interpreter is a script of ours. Knows no test.

The script checks its command line and replays what a real engine printed, or serves as the truth server does.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from survival import SCRIPT, Arena, write_program

GOLDEN = Path(__file__).parents[1] / "golden"
VERSIONS = {"vllm": "0.24.0", "sglang": "0.5.14"}
CONFIG = {
    "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 64, "intermediate_size": 128,
    "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "vocab_size": 512,
    "max_position_embeddings": 32768, "torch_dtype": "bfloat16",
}  # fmt: skip

INTERPRETER = """#!{python}
import http.server, json, os, signal, subprocess, sys, threading, time
if sys.argv[1] == "-c":
    print("version: {version}")
    sys.exit(0)
words = [part for word in sys.argv for part in word.split("=", 1)]
port = words[words.index("--port") + 1]


def holds(wanted):
    return " ".join(wanted.split("=")) in " ".join(words)


def say(*lines):
    for line in lines:
        print(line, flush=True)


for act in json.loads(os.environ.get("FAKE_ACTS", "[]")):  # the first that applies
    if not all(map(holds, act.get("has", []))) or any(map(holds, act.get("lacks", []))):
        continue
    if "log" in act:
        sys.stdout.write(open(act["log"], encoding="utf-8").read())
        sys.stdout.flush()
        sys.exit(act.get("code", 1))
mode = os.environ.get("FAKE_MODE", "serve")
say("INFO vLLM API server version {version}", "INFO non-default args: made up", "Resolved architecture: Mistral")
if "leaves children" in mode:  # as engines do with workers in sessions of their own, one of which ignores SIGTERM
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    for code in ("import time; time.sleep(600)", deaf):
        subprocess.Popen([{python!r}, "-c", code], start_new_session=True)
if "prints gigabytes" in mode:
    say("Starting to load model")
    chatter = b"chatter about nothing at all, again and again and again\\n" * 2000
    for _ in range(300):
        os.write(1, chatter)
if "ignores SIGTERM" in mode:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "hangs while loading" in mode:
    say("Starting to load model /m...")
    time.sleep(600)
if "core dies, parent stays" in mode:
    sys.stdout.write(open(os.environ["FAKE_LOG"], encoding="utf-8").read())
    sys.stdout.flush()
    time.sleep(600)
if "health alone" in mode:

    class Health(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_POST(self):
            time.sleep(600)

        def log_message(self, *words):
            pass

    say("Application startup complete.")
    http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Health).serve_forever()
serve = [{python!r}, "-m", "inference_arena.load.truth_server", "--no-stdin", "--port", port,
         "--script", os.environ.get("FAKE_SCRIPT", json.dumps({script})), "--log", os.devnull]
if "ignores SIGTERM" in mode or "leaves children" in mode:
    sys.exit(subprocess.call(serve))
os.execv({python!r}, serve)
"""


def write_environment(arena: Arena, engine: str = "vllm") -> Path:
    """The interpreter of an environment that holds the engine, as `--program` takes it."""
    folder = arena.folder / f"env-{engine}"
    (folder / "bin").mkdir(parents=True)
    text = INTERPRETER.format(python=sys.executable, version=VERSIONS[engine], script=SCRIPT)
    return write_program(folder / "bin" / "python", text)


def write_model(arena: Arena) -> Path:
    """A folder as a hub holds it, without weights."""
    folder = arena.folder / "tiny-mistral"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    return folder


def acts(*steps: Mapping[str, Any]) -> dict[str, str]:
    return {"FAKE_ACTS": json.dumps(steps)}


def failing(log: str, *, has: Sequence[str] = (), lacks: Sequence[str] = ()) -> Mapping[str, Any]:
    """Prints that golden log and ends, while its command line has all of these words and none of those."""
    path = GOLDEN / f"{log}.log"
    assert path.exists(), path
    return {"log": str(path), "has": list(has), "lacks": list(lacks)}
