"""What SGLang's log tells: its facts, how far it came, and why it did not start. It prints GB and means GiB.

`startup` and `diagnose` are pure functions of the lines.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from inference_arena.engines.adapter import Diagnosis, FactValue
from inference_arena.engines.causes import find, stages, without_a_word
from inference_arena.engines.readings import Reading, gib, no, number, read, text, whole
from inference_arena.engines.sglang_causes import CAUSES

TITLE: Final = "SGLang"
SIGNATURE: Final = (
    r"\bsglang\b|ServerArgs\(|Load weight (?:begin|end)|Memory pool end|max_total_num_tokens=|mem[-_]fraction[-_]static"
)
BEGINS: Final = r"server_args=ServerArgs\("
_STARTED: Final = r"The server is fired up and ready to roll"
_DIED: Final = r"Scheduler hit an exception|SIGQUIT received|Received sigquit from a child"
_SIZE: Final = r"(-?[\d.]+) Gi?B"

READINGS: Final[tuple[Reading, ...]] = (
    Reading("architecture", r"Load weight end\..* type=(\w+)", text),
    Reading("dtype", r"Load weight end\..* dtype=torch\.(\w+)", text),
    Reading("quantization", r"Load weight end\..* quant=(\w+)", text),
    Reading("quantization", r"server_args=.*[( ]quantization='([^']+)'", text),
    Reading("kv_cache_type", r"KV Cache is allocated\. dtype: torch\.(\w+)", text),
    Reading("static_share", r"server_args=.*\bmem_fraction_static=([\d.]+)", number),
    Reading("context_tokens", r"max_total_num_tokens=\d+, .*context_len=(\d+)", whole),
    Reading("prefill_tokens", r"max_total_num_tokens=\d+, .*chunked_prefill_size=(\d+)", whole),
    Reading("parallel", r"max_total_num_tokens=\d+, .*max_running_requests=(\d+)", whole),
    Reading("tensor_parallel", r"server_args=.*\btp_size=(\d+)", whole),
    Reading("graphs", r"server_args=.*\bdisable_cuda_graph=(True|False)", no),
    Reading("prefix_caching", r"server_args=.*\bdisable_radix_cache=(True|False)", no),
    Reading("attention_backend", r"server_args=.*[( ]attention_backend='(\w+)'", text),
    Reading("linear_kernel", r"Using (\w+) kernel", text),
    Reading("free_bytes", rf"Load weight begin\. avail mem={_SIZE}", gib),
    Reading("weights_bytes", rf"Load weight end\..* mem usage={_SIZE}", gib),
    Reading("load_s", r"Load weight end\. elapsed=([\d.]+) s", number),
    Reading("kv_cache_bytes", rf"KV Cache is allocated\..* K size: {_SIZE}, V size: {_SIZE}", gib),
    Reading("kv_cache_bytes", rf"KV Cache is allocated\..* KV size: {_SIZE}", gib),
    Reading("kv_cache_tokens", r"max_total_num_tokens=(\d+)", whole),
    Reading("kv_cache_tokens", r"KV Cache is allocated\..* #tokens: (\d+)", whole),
    Reading("graphs_bytes", rf"Capture .*graph end\..* mem usage={_SIZE}", gib),
    Reading("capture_s", r"Capture .*graph end\. (?:Time )?elapsed[:=] ?([\d.]+) s", number),
    Reading("free_at_ready_bytes", rf"max_total_num_tokens=\d+, .*available_gpu_mem={_SIZE}", gib),
)
MILESTONES: Final = (
    ("config", BEGINS),
    ("device", r"Init torch distributed begin"),
    ("weights", r"Load weight begin"),
    ("memory", r"Load weight end"),
    ("warm-up", r"Memory pool end|Capture .*graph begin"),
    ("serving", _STARTED),
)


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    """What the server said about itself, in base units; a fact that it did not mention is absent."""
    return read(READINGS, log)


def started(log: Sequence[str]) -> bool:
    """It took requests, and nothing says that it died since."""
    return _in(_STARTED, log) and not _in(_DIED, log)


def diagnose(log: Sequence[str], *, exit_code: int | None) -> Diagnosis:
    """The first known cause in the log, else the signal that ended it, else its own last error."""
    reached = stages(MILESTONES, log)
    return find(CAUSES, log, facts=startup(log), reached=reached) or without_a_word(
        TITLE, log, exit_code=exit_code, reached=reached, started=started(log)
    )


def _in(words: str, log: Sequence[str]) -> bool:
    return any(map(re.compile(words).search, log))
