"""SGLang's command line: `python -m sglang.launch_server`. Its share of the card is for weights and KV cache alone.

Its counters are there only with `--enable-metrics`. sglang_log reads its log.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines import dials, sglang_log
from inference_arena.engines.adapter import LISTENS, Command, Lack
from inference_arena.engines.container import EVERYWHERE, INSIDE, contained
from inference_arena.engines.dials import Dial
from inference_arena.facts import EngineRelease
from inference_arena.plan import Settings

NAME: Final = "sglang"
TITLE: Final = sglang_log.TITLE
SIGNATURE: Final = sglang_log.SIGNATURE
BEGINS: Final = sglang_log.BEGINS
MILESTONES: Final = sglang_log.MILESTONES
startup = sglang_log.startup
started = sglang_log.started
diagnose = sglang_log.diagnose
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"
COUNTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requests_running": "sglang:num_running_reqs",
        "requests_waiting": "sglang:num_queue_reqs",
        "kv_cache_used_share": "sglang:token_usage",
        "preemptions_total": "sglang:num_retracted_requests_total",
        "prompt_tokens_total": "sglang:prompt_tokens_total",
        "prompt_tokens_cached_total": "sglang:cached_tokens_total",
        "output_tokens_total": "sglang:generation_tokens_total",
        "prefix_cache_hit_share": "sglang:cache_hit_rate",
        "draft_accepted_share": "sglang:spec_accept_rate",
        "draft_accepted_length": "sglang:spec_accept_length",
    }
)
PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({"ignore_eos": True})
ASKED_AS: Final = "alias"
WITHOUT_CACHE: Final[Mapping[str, Any]] = MappingProxyType({})
EMPTY_CACHE_PATH: Final[str | None] = "/flush_cache"
IN_OTHER_UNITS: Final[tuple[str, ...]] = ()
PROGRAM: Final = ("python", "-m", "sglang.launch_server")
FORMAT: Final = "safetensors"
REDUCED: Final = (
    Lack("attention_backend", frozenset({"triton", "torch_native"}), "attention by {}, not by its own kernels"),
    Lack("graphs", frozenset({False}), "no recorded graphs"),
)
DUMMY: Final = ("--load-format", "dummy")
OWN_FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **LISTENS,
        **dict.fromkeys(("--model-path", "--model"), "arena run MODEL"),
        "--served-model-name": "leave it out",
        "--load-format": "arena run --weights dummy for random weights",
    }
)
DIALS: Final[tuple[Dial, ...]] = (
    Dial(setting="context_tokens", names=("--context-length",), kind="whole"),
    Dial(setting="parallel", names=("--max-running-requests",), kind="whole"),
    Dial(setting="prefill_tokens", names=("--chunked-prefill-size",), kind="whole"),
    Dial(setting="static_share", names=("--mem-fraction-static",), kind="share"),
    Dial(setting="graphs", off=("--disable-cuda-graph",), kind="switch"),
    Dial(setting="dtype", names=("--dtype",), kind="text"),
    Dial(setting="quantization", names=("--quantization",), kind="text"),
    Dial(setting="tensor_parallel", names=("--tp-size", "--tensor-parallel-size", "--tp"), kind="whole"),
    Dial(setting="replicas", names=("--dp-size", "--data-parallel-size", "--dp"), kind="whole"),
    Dial(setting="prefix_caching", off=("--disable-radix-cache",), kind="switch"),
    Dial(
        setting="kv_cache_type",
        names=("--kv-cache-dtype",),
        kind="text",
        choices=("auto", "fp8_e5m2", "fp8_e4m3", "bf16", "bfloat16", "fp4_e2m1"),
        words=(("fp8", "fp8_e4m3"),),
    ),
)
NOT_HERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "memory_share": "--mem-fraction-static is another share, of weights and KV cache alone: a plan works it out",
        "kv_cache_bytes": "SGLang takes a number of tokens (--max-total-tokens), not bytes",
        "gpu_layers": "SGLang keeps all layers on the card; --cpu-offload-gb is its nearest",
        "threads": "SGLang chooses its threads by itself",
        "kv_cache_tokens": "--max-total-tokens is its nearest",
        "continuous_batching": "SGLang always lets requests join",
        "kv_cache_type": "SGLang keeps its cache in the model's type, or in 8 bits as fp8_e4m3",
        "--swap-space": "SGLang keeps no swap space: what does not fit waits, and is computed again",
        "--enable-chunked-prefill": "SGLang reads prompts in chunks by itself (--chunked-prefill-size)",
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
    """The server by this program, with its counters, which are off by default."""
    fixed = ("--model-path", model, "--host", host, "--port", str(port))
    named = dials.where_it_has(NAME, release, "--served-model-name", alias)
    counters = dials.where_it_has(NAME, release, "--enable-metrics")
    chosen = dials.spell(DIALS, settings, engine=NAME, release=release)
    weights = DUMMY if dummy else ()
    return Command(argv=(*program, *fixed, *named, *counters, *weights, *chosen, *settings.flags), env={})


def launch(*, release: EngineRelease, model: str, alias: str, settings: Settings, host: str, port: int) -> Command:
    """`python -m sglang.launch_server ...` on this machine, as a person would type it."""
    return command(
        program=PROGRAM, model=model, alias=alias, settings=settings, host=host, port=port, release=release.version
    )


def container(
    *, release: EngineRelease, model: str, alias: str, settings: Settings, models_folder: str, port: int
) -> Command:
    """The same in its image. `model`: its path below `models_folder`."""
    inside = launch(
        release=release, model=f"{INSIDE}/{model}", alias=alias, settings=settings, host=EVERYWHERE, port=port
    )
    return contained(release=release, arguments=inside.argv[1:], models_folder=models_folder, port=port)
