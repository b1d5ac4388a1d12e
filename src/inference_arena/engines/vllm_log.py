"""What vLLM's log tells: its facts, how far it came, and why it did not start. Its own words, from 0.6 to 0.32,
on cards and on processors.

`startup` and `diagnose` are pure functions of the lines. Lines at DEBUG level tell more, and are not needed.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from inference_arena.engines.adapter import Diagnosis, FactValue
from inference_arena.engines.causes import error_lines, find, stages, without_a_word
from inference_arena.engines.readings import Reading, gib, no, number, read, text, whole, yes
from inference_arena.engines.vllm_causes import CAUSES, SILENT

TITLE: Final = "vLLM"
SIGNATURE: Final = (
    r"\bvllm[/.:]|\bvLLM\b|\bVllm[A-Z]|\((?:APIServer|EngineCore)\S* pid=\d+\)|\[v1/(?:engine|worker|core)/|vllm: error"
)
BEGINS: Final = r"non-default args: |vLLM API server version"
_STARTED: Final = r"Application startup complete"
_DIED: Final = r"EngineCore encountered|EngineDeadError|Engine loop is not running|Engine process failed"
_TOLD_TO_STOP: Final = r"\[shutdown\] (?:EngineCore: trigger|API server: shutdown)|Shutting down FastAPI HTTP server"
_SIZE: Final = r"(-?[\d.]+) ?Gi?B"


def _first_runner(_found: Sequence[str]) -> str:
    """Only the second says its name; the first is known by its file."""
    return "V1"


READINGS: Final[tuple[Reading, ...]] = (
    Reading("engine_version", r"LLM engine \(v([^)]+)\)", text),
    Reading("engine_version", r"vLLM API server version (\d\S*)", text),
    Reading("engine_version", r"█\s+version (\d\S*)", text),
    Reading("model_runner", r"Using (V2) Model Runner", text),
    Reading("model_runner", r"using the (V1) model runner", text),
    Reading("model_runner", r"\b(?:g|c)pu_model_runner\.py:\d", _first_runner),
    Reading("device", r"\bdevice_config=(\w+)", text),
    Reading("architecture", r"Resolved architectures?: (\w+)", text),
    Reading("dtype", r"\bdtype=torch\.(\w+), max_seq_len", text),
    Reading("quantization", r" quantization=(?!None)([\w-]+)", text),
    Reading("kv_cache_type", r"\bkv_cache_dtype='?(\w+)", text),
    Reading("context_tokens", r"\bmax_seq_len=(\d+)", whole),
    Reading("context_tokens", r"Using max model len (\d+)", whole),
    Reading("prefill_tokens", r"max_num_batched_tokens=(\d+)", whole),
    Reading("prefill_tokens", r"Defaulting max_num_batched_tokens to (\d+)", whole),
    Reading("parallel", r"'max_num_seqs': (\d+)", whole),
    Reading("parallel", r"Defaulting max_num_seqs to (\d+)", whole),
    Reading("tensor_parallel", r"\btensor_parallel_size=(\d+)", whole),
    Reading("graphs", r"\benforce_eager=(\w+)", no),
    Reading("prefix_caching", r"\benable_prefix_caching=(True|False)", yes),
    Reading("memory_share", r"Requested memory: ([\d.]+) \(util\)", number),
    Reading("memory_share", r"'gpu_memory_utilization': ([\d.]+)", number),
    Reading("memory_share", r"current --gpu-memory-utilization=([\d.]+)", number),
    Reading("card_bytes", rf"init memory snapshot: .*total_memory={_SIZE}", gib),
    Reading("free_bytes", rf"init memory snapshot: .*free_memory={_SIZE}", gib),
    Reading("requested_bytes", rf"requested memory: {_SIZE}", gib),
    Reading("requested_bytes", rf"Requested memory: [\d.]+ \(util\), {_SIZE}", gib),
    Reading("attention_backend", r"Using (\w+) attention backend", text),
    Reading("attention_backend", r"Using (Flash Attention|FlashInfer|XFormers|Triton) backend", text),
    Reading("linear_kernel", r"Using (\w+Kernel) for ", text),
    Reading("moe_kernel", r"Using ([\w ]+?) (?:Unquantized |\w+ )?MoE backend", text),
    Reading("weights_bytes", rf"[Ll]oading (?:model weights )?took {_SIZE}", gib),
    Reading("load_s", r"Loading weights took ([\d.]+) seconds", number),
    Reading("load_s", r"[Ll]oading (?:model weights )?took [\d.]+ ?Gi?B (?:memory )?and ([\d.]+) sec", number),
    Reading("activation_bytes", rf"torch peak memory increase: {_SIZE}", gib),
    Reading("activation_bytes", rf"PyTorch activation peak memory takes {_SIZE}", gib),
    Reading("non_torch_bytes", rf"non-torch forward increase memory: {_SIZE}", gib),
    Reading("non_torch_bytes", rf"non_torch_memory takes {_SIZE}", gib),
    Reading("not_kv_cache_bytes", rf"Total non KV cache memory: {_SIZE}", gib),
    Reading("graphs_estimated_bytes", rf"Estimated CUDA graph memory: {_SIZE}", gib),
    Reading("kv_cache_bytes", rf"Available KV cache memory: {_SIZE}", gib),
    Reading("kv_cache_bytes", rf"reserved for KV Cache is {_SIZE}", gib),
    Reading("kv_cache_bytes", r"(?:Explicitly|Auto) set \(([\d.]+)/[\d.]+\) GiB for KV cache", gib),
    Reading("kv_cache_tokens", r"(?:GPU|CPU) KV cache size: ([\d,]+) tokens", whole),
    Reading("requests_at_full_context", r"Maximum concurrency for [\d,]+ tokens per request: ([\d.]+)x", number),
    Reading("compile_s", r"torch\.compile (?:took|takes) ([\d.]+) s", number),
    Reading("graphs_bytes", rf"Graph capturing finished in [\d.]+ secs, took {_SIZE}", gib),
    Reading("capture_s", r"Graph capturing finished in ([\d.]+) secs", number),
    Reading("initialize_s", r"init engine \([^)]*\) took ([\d.]+) s", number),
)
MILESTONES: Final = (
    ("config", BEGINS + r"|Resolved architecture"),
    ("device", r"Initializing an? (?:V\d )?LLM engine"),
    ("weights", r"Starting to load model|Loading model from scratch|Loading weights on"),
    ("memory", r"[Ll]oading (?:model weights )?took |GiB for KV cache on node"),
    ("warm-up", r"(?:GPU|CPU) KV cache size|# (?:GPU|CUDA) blocks|Capturing CUDA graph"),
    ("serving", _STARTED),
)


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    """What the server said about itself, in base units; a fact that it did not mention is absent."""
    return read(READINGS, log)


def started(log: Sequence[str]) -> bool:
    """It took requests, and nothing before it was told to stop says that it died."""
    alive = _until_told_to_stop(log)
    return _in(_STARTED, alive) and not _in(_DIED, alive)


def diagnose(log: Sequence[str], *, exit_code: int | None) -> Diagnosis:
    """The first known cause in the log, else the signal that ended it, else its own last error."""
    alive = _until_told_to_stop(log)
    reached = stages(MILESTONES, alive)
    table = CAUSES if error_lines(alive) else (*CAUSES, *SILENT)
    return find(table, alive, facts=startup(alive), reached=reached) or without_a_word(
        TITLE, alive, exit_code=exit_code, reached=reached, started=started(log)
    )


def _until_told_to_stop(log: Sequence[str]) -> Sequence[str]:
    """An engine that is ended reports its own processes' end as errors."""
    stop = re.compile(_TOLD_TO_STOP)
    return log[: next((number for number, line in enumerate(log) if stop.search(line)), len(log))]


def _in(words: str, log: Sequence[str]) -> bool:
    return any(map(re.compile(words).search, log))
