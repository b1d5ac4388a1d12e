"""llama.cpp's HTTP server: `llama-server`, or the same server from the xllamacpp wheel, which takes the same flags.

llamacpp_log reads its log.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines import dials, llamacpp_log
from inference_arena.engines.adapter import LISTENS, Command, Lack
from inference_arena.engines.container import EVERYWHERE, INSIDE, contained
from inference_arena.engines.dials import Dial
from inference_arena.facts import EngineRelease
from inference_arena.plan import Settings

NAME: Final = "llamacpp"
TITLE: Final = llamacpp_log.TITLE
SIGNATURE: Final = llamacpp_log.SIGNATURE
BEGINS: Final = llamacpp_log.BEGINS
MILESTONES: Final = llamacpp_log.MILESTONES
startup = llamacpp_log.startup
started = llamacpp_log.started
diagnose = llamacpp_log.diagnose
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = "/metrics"
COUNTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "requests_running": "llamacpp:requests_processing",
        "requests_waiting": "llamacpp:requests_deferred",
        "prompt_tokens_total": "llamacpp:prompt_tokens_total",
        "prompt_tokens_cached_total": "llamacpp:prompt_tokens_cached_total",
        "prompt_seconds_total": "llamacpp:prompt_seconds_total",
        "output_tokens_total": "llamacpp:tokens_predicted_total",
        "output_seconds_total": "llamacpp:tokens_predicted_seconds_total",
        "decode_steps_total": "llamacpp:n_decode_total",
    }
)
PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType({"ignore_eos": True})
ASKED_AS: Final = "alias"
WITHOUT_CACHE: Final[Mapping[str, Any]] = MappingProxyType({"cache_prompt": False})
EMPTY_CACHE_PATH: Final[str | None] = None
IN_OTHER_UNITS: Final[tuple[str, ...]] = ()
PROGRAM: Final = ("llama-server",)
FORMAT: Final = "gguf"
REDUCED: Final[tuple[Lack, ...]] = ()
DUMMY: Final[tuple[str, ...]] = ()
OWN_FLAGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **LISTENS,
        **dict.fromkeys(("--model", "-m"), "arena run FILE.gguf"),
        **dict.fromkeys(("--alias", "-a"), "leave it out"),
    }
)
SLOTS: Final = ("--parallel", "-np")
KV_TYPES: Final = ("f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1")  # common/arg.cpp of 0.5.0
KV_WORDS: Final = (("float32", "f32"), ("float16", "f16"), ("bfloat16", "bf16"))
DIALS: Final[tuple[Dial, ...]] = (
    Dial(setting="context_tokens", names=("--ctx-size", "-c"), kind="whole", least=0),
    Dial(setting="parallel", names=SLOTS, kind="whole"),
    Dial(setting="prefill_tokens", names=("--ubatch-size", "-ub"), kind="whole"),
    Dial(setting="threads", names=("--threads", "-t"), kind="whole"),
    Dial(setting="kv_cache_type", names=("--cache-type-k", "-ctk"), kind="text", choices=KV_TYPES, words=KV_WORDS),
    Dial(setting="kv_cache_type", names=("--cache-type-v", "-ctv"), kind="text", choices=KV_TYPES, words=KV_WORDS),
    Dial(setting="gpu_layers", names=("--n-gpu-layers", "-ngl", "--gpu-layers"), kind="whole", least=0),
)
NOT_HERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "memory_share": "llama.cpp takes what it needs and no more",
        "static_share": "llama.cpp takes what it needs and no more",
        "kv_cache_bytes": "llama.cpp's cache follows from its context and slots",
        "kv_cache_tokens": "llama.cpp's cache follows from its context and slots",
        "graphs": "llama.cpp records graphs by itself where it can",
        "continuous_batching": "llama.cpp lets requests join by itself (--no-cont-batching turns it off)",
        "kv_cache_type": "llama.cpp keeps its cache in f16, or in its own block types such as q8_0",
        "dtype": "the GGUF file says what its weights are",
        "quantization": "the GGUF file is quantized as it is",
        "tensor_parallel": "llama.cpp splits layers over all cards by itself (--tensor-split)",
        "replicas": "llama.cpp serves one copy of a model: start one server a card (--device)",
        "prefix_caching": "llama.cpp reuses a slot's prompt by itself",
        "--swap-space": "llama.cpp keeps no swap space: it sets its whole cache aside when it starts",
        "--enable-chunked-prefill": "llama.cpp reads prompts in batches by itself (--batch-size)",
    }
)


def flags(settings: Settings, *, release: str | None) -> tuple[str, ...]:
    """The settings in this release's words; what it has no flag for is left out. None: whichever release it is.

    Its context is shared out among the slots, so ours, which is per request, is multiplied.
    """
    slots = dials.last_number(settings.flags, SLOTS) or settings.parallel or 1
    context = None if settings.context_tokens is None else settings.context_tokens * slots
    whole = settings.model_copy(update={"context_tokens": context})
    return dials.spell(DIALS, whole, engine=NAME, release=release)


def unspoken(settings: Settings, *, release: str) -> tuple[str, ...]:
    """The settings that this release has no flag for."""
    return dials.unspoken(DIALS, settings, engine=NAME, release=release)


def read_flags(flags: Sequence[str]) -> tuple[Settings, tuple[str, ...]]:
    """Known flags as settings, the rest as they are; raises UsageError for a value that cannot be meant.

    A context is that of one request here: what is left of it when all slots have the same.
    """
    found, rest = dials.read(DIALS, flags, engine=NAME)
    if "context_tokens" in found:
        found["context_tokens"] //= found.get("parallel") or 1
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
    """llama-server's flags by this program. A setting that is also passed through as a flag is left to the flag."""
    assert not dummy, "it reads its network from the file"
    fixed = ("--model", model, "--alias", alias, "--host", host, "--port", str(port), "--metrics")
    return Command(argv=(*program, *fixed, *flags(settings, release=release), *settings.flags), env={})


def launch(*, release: EngineRelease, model: str, alias: str, settings: Settings, host: str, port: int) -> Command:
    """`llama-server ...` on this machine, as a person would type it."""
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
    return contained(release=release, arguments=inside.argv[len(PROGRAM) :], models_folder=models_folder, port=port)
