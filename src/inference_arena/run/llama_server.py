"""llama.cpp's own HTTP server out of the xllamacpp wheel, under llama-server's flag names.

Run as `python -m inference_arena.run.llama_server --model FILE ...`, so that one command line drives either program.
The table knows which attribute of xllamacpp.CommonParams a flag sets; what a setting means is llama.cpp's affair.
Exit codes: 0 ended by a signal, 1 the engine would not start, 2 usage, 3 no xllamacpp.
"""

import importlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from inference_arena.errors import UsageError

MISSING = 'error: xllamacpp cannot be imported; try: pip install "inference-arena[embedded]"'
HIGHEST_PORT = 65535
THREADS, BATCH_THREADS = "cpuparams.n_threads", "cpuparams_batch.n_threads"
Parse = Callable[[str, Any], object]  # the word and the xllamacpp module; ValueError says what was expected


def string(word: str, _: Any) -> str:
    return word


def strings(word: str, _: Any) -> list[str]:
    return word.split(",")


def names(word: str, _: Any) -> set[str]:
    return set(word.split(","))


def truth(word: str, _: Any) -> bool:
    return word == "on"


def whole(word: str, _: Any) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError("a whole number") from None


def slots(word: str, _: Any) -> int:
    """The engine would start with 0 slots and never answer; -1 lets it choose."""
    count = whole(word, _)
    if count == 0:
        raise ValueError("a number of slots, or -1")
    return count


def positive(word: str, _: Any) -> int:
    """The engine aborts its process on a negative batch."""
    count = whole(word, _)
    if count < 1:
        raise ValueError("a number above 0")
    return count


def tcp_port(word: str, _: Any) -> int:
    """The engine itself would take 65536 more than it says."""
    port = whole(word, _)
    if not 0 <= port <= HIGHEST_PORT:
        raise ValueError(f"a port, 0 to {HIGHEST_PORT}")
    return port


def gpu_layers(word: str, x: Any) -> int:
    return {"auto": -1, "all": -2}.get(word) or whole(word, x)


def one_of(enum: str, members: Mapping[str, str]) -> Parse:
    def parse(word: str, x: Any) -> object:
        if word not in members:
            raise ValueError(f"one of {', '.join(members)}")
        return getattr(x, enum)[members[word]]

    return parse


kv_type = one_of(
    "ggml_type",
    {
        name: f"GGML_TYPE_{name.upper()}"
        for name in ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")
    },
)
flash = one_of(
    "llama_flash_attn_type",
    {
        "on": "LLAMA_FLASH_ATTN_TYPE_ENABLED",
        "off": "LLAMA_FLASH_ATTN_TYPE_DISABLED",
        "auto": "LLAMA_FLASH_ATTN_TYPE_AUTO",
    },
)
load_mode = one_of(
    "llama_load_mode",
    {
        "auto": "LLAMA_LOAD_MODE_AUTO",
        "none": "LLAMA_LOAD_MODE_NONE",
        "mmap": "LLAMA_LOAD_MODE_MMAP",
        "mlock": "LLAMA_LOAD_MODE_MLOCK",
        "mmap+mlock": "LLAMA_LOAD_MODE_MMAP_MLOCK",
        "dio": "LLAMA_LOAD_MODE_DIRECT_IO",
    },
)


@dataclass(frozen=True)
class Flag:
    spellings: str
    attribute: str
    parse: Parse
    fixed: str | None = None  # what a switch, which takes no value, stands for


FLAGS = (
    Flag("-m --model", "model.path", string),
    Flag("-a --alias", "model_alias", names),
    Flag("--host", "hostnames", strings),
    Flag("--port", "port", tcp_port),
    Flag("-c --ctx-size", "n_ctx", whole),
    Flag("-np --parallel", "n_parallel", slots),
    Flag("-t --threads", THREADS, whole),
    Flag("-tb --threads-batch", BATCH_THREADS, whole),
    Flag("-b --batch-size", "n_batch", positive),
    Flag("-ub --ubatch-size", "n_ubatch", positive),
    Flag("-ctk --cache-type-k", "cache_type_k", kv_type),
    Flag("-ctv --cache-type-v", "cache_type_v", kv_type),
    Flag("-fa --flash-attn", "flash_attn_type", flash),
    Flag("-ngl --gpu-layers --n-gpu-layers", "n_gpu_layers", gpu_layers),
    Flag("-s --seed", "sampling.seed", whole),
    Flag("-cram --cache-ram", "cache_ram_mib", whole),
    Flag("--cache-reuse", "n_cache_reuse", whole),
    Flag("--api-key", "api_keys", strings),
    Flag("-lm --load-mode", "load_mode", load_mode),
    Flag("--mlock", "load_mode", load_mode, "mmap+mlock"),  # older releases' spelling; b11549 has only --load-mode
    Flag("--no-mmap", "load_mode", load_mode, "none"),
    Flag("-cb --cont-batching", "cont_batching", truth, "on"),
    Flag("-nocb --no-cont-batching", "cont_batching", truth, "off"),
    Flag("-kvu --kv-unified", "kv_unified", truth, "on"),
    Flag("-no-kvu --no-kv-unified", "kv_unified", truth, "off"),
    Flag("--cache-prompt", "cache_prompt", truth, "on"),
    Flag("--no-cache-prompt", "cache_prompt", truth, "off"),
    Flag("--warmup", "warmup", truth, "on"),
    Flag("--no-warmup", "warmup", truth, "off"),
    Flag("--jinja", "use_jinja", truth, "on"),
    Flag("--no-jinja", "use_jinja", truth, "off"),
    Flag("--metrics", "endpoint_metrics", truth, "on"),
    Flag("--props", "endpoint_props", truth, "on"),
    Flag("--slots", "endpoint_slots", truth, "on"),
    Flag("--no-slots", "endpoint_slots", truth, "off"),
    Flag("--ui --webui", "ui", truth, "on"),
    Flag("--no-ui --no-webui", "ui", truth, "off"),
)
KNOWN = {spelling: flag for flag in FLAGS for spelling in flag.spellings.split()}
DEFAULTS: Mapping[str, object] = {
    "hostnames": ["127.0.0.1"],
    "port": 8080,
    "n_parallel": -1,  # llama-server's default: it chooses
    "endpoint_metrics": True,
    "endpoint_props": True,
    "endpoint_slots": True,
    "use_jinja": True,
    "ui": False,
}


def pairs(argv: Sequence[str]) -> list[tuple[str, str]]:
    """Each flag as it was spelt, with its value; a switch has the value that it stands for."""
    found: list[tuple[str, str]] = []
    words = iter(argv)
    for word in words:
        spelling, glued, value = word.partition("=")
        flag = KNOWN.get(spelling)
        if flag is None:
            raise UsageError(f"unknown flag {spelling} (known: {' '.join(KNOWN)})")
        if glued and flag.fixed is not None:
            raise UsageError(f"{spelling} takes no value")
        given = flag.fixed or (value if glued else next(words, None))
        if given is None:
            raise UsageError(f"{spelling} needs a value")
        found.append((spelling, given))
    return found


def settings(found: Sequence[tuple[str, str]], x: Any) -> dict[str, object]:
    """Attribute and value; of two flags for one attribute the later counts."""
    wanted = dict(DEFAULTS)
    for spelling, word in found:
        flag = KNOWN[spelling]
        try:
            wanted[flag.attribute] = flag.parse(word, x)
        except ValueError as fault:
            raise UsageError(f"{spelling} takes {fault}, not {word!r}") from None
    if "model.path" not in wanted:
        raise UsageError("--model FILE is missing")
    if THREADS in wanted:  # llama-server does this while it reads its flags
        wanted.setdefault(BATCH_THREADS, wanted[THREADS])
    return wanted


def params(wanted: Mapping[str, object], x: Any) -> Any:
    made = x.CommonParams()
    for path, value in wanted.items():
        *parents, name = path.split(".")
        owner = made
        for parent in parents:
            owner = getattr(owner, parent)
        setattr(owner, name, value)
    return made


def reason(wanted: Mapping[str, Any]) -> str:
    """The engine says 'Failed to init server' whatever the matter is; look at the usual suspects ourselves."""
    path = Path(wanted["model.path"])
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                return f"the model file {path} is not a GGUF file"
    except OSError as fault:
        return f"the model file {path} cannot be read: {fault.strerror}"
    for host in wanted["hostnames"]:
        try:
            socket.create_server((host, wanted["port"]), family=family(host)).close()
        except OSError as fault:
            return f"port {wanted['port']} on {host} cannot be opened: {fault.strerror}"
    return f"llama.cpp refused {path} or these flags; its own lines above say more"


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def serve(wanted: Mapping[str, Any], x: Any) -> int:
    # While it loads, xllamacpp holds the GIL and no handler of ours could run: until then a signal ends us outright,
    # as it does llama-server.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # else an abort runs gdb, if there is one, for many seconds
    try:
        server = x.Server(params(wanted, x))
    except RuntimeError:
        print(f"error: {reason(wanted)}", file=sys.stderr, flush=True)
        return 1
    return wait_for_the_end(server.listening_address)


def wait_for_the_end(address: str) -> NoReturn:
    """A pipe, since the signal may reach one of llama.cpp's threads; then out at once, without its destructors."""
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    print(f"listening on {address}", flush=True)
    os.read(heard, 1)
    sys.stderr.flush()
    os._exit(0)


def main(argv: Sequence[str]) -> int:
    if "--list-flags" in argv:
        print("\n".join(KNOWN))
        return 0
    try:
        release = version("xllamacpp")
        if "--version" in argv:
            print(f"xllamacpp {release} (llama.cpp b{release.rpartition('.')[2]})")
            return 0
        found = pairs(argv)
        x = importlib.import_module("xllamacpp")
        return serve(settings(found, x), x)
    except UsageError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    except (PackageNotFoundError, ImportError) as fault:
        print(MISSING, f"({fault})", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
