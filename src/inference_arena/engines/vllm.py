"""vLLM: its command line `vllm serve MODEL`, where only names differ from ours; its counters.

vllm_log reads its log.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines import dials, vllm_log
from inference_arena.engines.adapter import LISTENS, Command, Lack
from inference_arena.engines.container import EVERYWHERE, INSIDE, contained
from inference_arena.engines.dials import Dial
from inference_arena.facts import EngineRelease
from inference_arena.plan import Settings

NAME: Final = "vllm"
TITLE: Final = vllm_log.TITLE
SIGNATURE: Final = vllm_log.SIGNATURE
BEGINS: Final = vllm_log.BEGINS
MILESTONES: Final = vllm_log.MILESTONES
startup = vllm_log.startup
started = vllm_log.started
diagnose = vllm_log.diagnose
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"
COUNTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requests_running": "vllm:num_requests_running",
        "requests_waiting": "vllm:num_requests_waiting",
        "kv_cache_used_share": "vllm:kv_cache_usage_perc",
        "preemptions_total": "vllm:num_preemptions_total",
        "prompt_tokens_total": "vllm:prompt_tokens_total",
        "prompt_tokens_cached_total": "vllm:prompt_tokens_cached_total",
        "prefix_cache_queries_total": "vllm:prefix_cache_queries_total",
        "prefix_cache_hits_total": "vllm:prefix_cache_hits_total",
        "output_tokens_total": "vllm:generation_tokens_total",
        "decode_steps_total": "vllm:iteration_tokens_total_count",
        "draft_tokens_total": "vllm:spec_decode_num_draft_tokens_total",
        "draft_tokens_accepted_total": "vllm:spec_decode_num_accepted_tokens_total",
    }
)
# those that are there only while it speculates
COUNTERS_OF_SPECULATION: Final = ("draft_tokens_total", "draft_tokens_accepted_total")
PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({"ignore_eos": True})
ASKED_AS: Final = "alias"
WITHOUT_CACHE: Final[Mapping[str, Any]] = MappingProxyType({})
EMPTY_CACHE_PATH: Final[str | None] = "/reset_prefix_cache"
IN_OTHER_UNITS: Final[tuple[str, ...]] = ()
PROGRAM: Final = ("vllm",)
FORMAT: Final = "safetensors"
REDUCED: Final[tuple[Lack, ...]] = ()
DUMMY: Final = ("--load-format", "dummy")
OWN_FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **LISTENS,
        "--model": "arena run MODEL",
        "--served-model-name": "leave it out",
        "--load-format": "arena run --weights dummy for random weights",
    }
)
# a measurement is no news for the makers, and their server's answers would be timed too
QUIET: Final[Mapping[str, str]] = MappingProxyType({"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"})
# config/cache.py of 0.24.0
KV_TYPES: Final = (
    *("auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc", "fp8_ds_mla", "nvfp4"),
    *("turboquant_k8v4", "turboquant_4bit_nc", "turboquant_k3v4_nc", "turboquant_3bit_nc"),
    *("int8_per_token_head", "fp8_per_token_head"),
)
DIALS: Final[tuple[Dial, ...]] = (
    Dial(setting="context_tokens", names=("--max-model-len",), kind="whole"),
    Dial(setting="parallel", names=("--max-num-seqs",), kind="whole"),
    Dial(setting="prefill_tokens", names=("--max-num-batched-tokens",), kind="whole"),
    Dial(setting="memory_share", names=("--gpu-memory-utilization", "--device-memory-utilization"), kind="share"),
    Dial(setting="kv_cache_bytes", names=("--kv-cache-memory-bytes",), kind="whole"),
    Dial(setting="graphs", off=("--enforce-eager",), names=("--no-enforce-eager",), kind="switch"),
    Dial(setting="dtype", names=("--dtype",), kind="text"),
    Dial(setting="quantization", names=("--quantization", "-q"), kind="text"),
    Dial(setting="tensor_parallel", names=("--tensor-parallel-size", "-tp"), kind="whole"),
    Dial(setting="replicas", names=("--data-parallel-size", "-dp"), kind="whole"),
    Dial(
        setting="prefix_caching",
        names=("--enable-prefix-caching",),
        off=("--no-enable-prefix-caching",),
        kind="switch",
    ),
    Dial(setting="kv_cache_type", names=("--kv-cache-dtype",), kind="text", choices=KV_TYPES),
)
# settings, and flags of other engines, that it has nothing for, and why
NOT_HERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "static_share": "vLLM's share is of the whole card, activations included: a plan works it out",
        "gpu_layers": "vLLM keeps all layers on the card; --cpu-offload-gb is its nearest",
        "threads": "vLLM chooses its threads by itself",
        "kv_cache_tokens": "vLLM takes bytes (--kv-cache-memory-bytes), not a number of tokens",
        "continuous_batching": "vLLM always lets requests join",
        "kv_cache_type": "vLLM keeps its cache in the model's type, or in 8 bits as fp8",
    }
)


def flags(settings: Settings, *, release: str) -> tuple[str, ...]:
    """The settings in this release's words; what it has no flag for is left out."""
    return dials.spell(DIALS, settings, engine=NAME, release=release)


def unspoken(settings: Settings, *, release: str) -> tuple[str, ...]:
    """The settings that this release has no flag for."""
    return dials.unspoken(DIALS, settings, engine=NAME, release=release)


def read_flags(flags: Sequence[str]) -> tuple[Settings, tuple[str, ...]]:
    """Known flags as settings, the rest as they are; raises UsageError for a value that cannot be meant."""
    found, rest = dials.read(DIALS, flags, engine=NAME)
    return Settings(**found), rest


def command(
    *,
    program: Sequence[str],
    model: str,
    alias: str,
    settings: Settings,
    host: str,
    port: int,
    release: str | None,
    dummy: bool = False,
) -> Command:
    """`vllm serve MODEL ...` by this program."""
    fixed = ("serve", model, "--served-model-name", alias, "--host", host, "--port", str(port))
    chosen = dials.spell(DIALS, settings, engine=NAME, release=release)
    return Command(argv=(*program, *fixed, *(DUMMY if dummy else ()), *chosen, *settings.flags), env=dict(QUIET))


def launch(*, release: EngineRelease, model: str, alias: str, settings: Settings, host: str, port: int) -> Command:
    """`vllm serve MODEL ...` on this machine, as a person would type it."""
    whole = command(
        program=PROGRAM, model=model, alias=alias, settings=settings, host=host, port=port, release=release.version
    )
    return whole.model_copy(update={"env": {}})


def container(
    *, release: EngineRelease, model: str, alias: str, settings: Settings, models_folder: str, port: int
) -> Command:
    """The same in its image. `model`: its path below `models_folder`."""
    inside = launch(
        release=release, model=f"{INSIDE}/{model}", alias=alias, settings=settings, host=EVERYWHERE, port=port
    )
    return contained(release=release, arguments=inside.argv[len(PROGRAM) :], models_folder=models_folder, port=port)
