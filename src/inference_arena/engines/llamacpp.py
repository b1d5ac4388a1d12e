"""llama.cpp's HTTP server: `llama-server`, or the same server from the xllamacpp wheel, which takes the same flags."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines import dials
from inference_arena.engines.adapter import LISTENS, Command, Diagnosis, FactValue, Lack, last_words
from inference_arena.engines.container import EVERYWHERE, INSIDE, contained
from inference_arena.engines.dials import Dial
from inference_arena.engines.readings import Reading, mib, read, text, whole
from inference_arena.facts import EngineRelease
from inference_arena.plan import Settings

NAME: Final = "llamacpp"
TITLE: Final = "llama.cpp"
SIGNATURE: Final = r"\b(?:ggml|gguf|llama)_\w|\bllama-server\b|\bllama\.cpp\b|\b(?:srv|slot|main) +\w+: "
BEGINS: Final = r"\bbuild(?:_info)?: *b?\d"
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


READINGS: Final[tuple[Reading, ...]] = (
    Reading("slots", r"n_slots = (\d+)", whole),
    Reading("context_tokens_per_slot", r"n_ctx_slot = (\d+)", whole),
    Reading("kv_unified", r"kv_unified = '?(\w+)", text),
    Reading("threads", r"n_threads = (\d+)", whole),
    Reading("build", r"build(?:_info)?:\s*(b?\d+\S*)", text),
    Reading("gpu_layers_offloaded", r"offloaded (\d+)/\d+ layers to GPU", whole),
    Reading("kv_cache_bytes", r"KV (?:self |buffer )?size\s*=\s*([\d.]+) MiB", mib),
)


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    """What the server said about itself; a fact that it did not mention is absent."""
    return read(READINGS, log)


def started(log: Sequence[str]) -> bool:
    """It said where it listens, which it does when the model is loaded."""
    return any(re.search(r"listening on http|server is listening", line) for line in log)


# (words in the log, cause, sentence, advice); the first that is found wins
_CAUSES: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        r"unknown flag|invalid argument|unrecognized argument|error while handling argument",
        "unknown-flag",
        "llama.cpp does not know a flag that it was given",
        "leave the flag out, or look it up with: llama-server --help",
    ),
    (
        r"couldn't bind|address already in use|port .* (taken|in use)",
        "port-taken",
        "the port is taken by another program",
        "leave out --port and a free one is chosen",
    ),
    (
        r"unknown model architecture",
        "architecture-unknown",
        "this llama.cpp is older than the model's architecture",
        "use a newer llama-server, or another model",
    ),
    (
        r"out of memory|cannot allocate memory|failed to allocate|bad_alloc|unable to allocate",
        "out-of-memory",
        "there is not enough memory for the model and its context",
        "use --context with a smaller number, fewer --parallel slots, or a smaller quantization",
    ),
    (
        r"invalid magic|not a gguf|tensor .* out of bounds|failed to read (magic|tensor)|corrupted or incomplete",
        "model-broken",
        "the model file is damaged or no GGUF file",
        "download it again",
    ),
    (
        r"failed to load model|error loading model|unable to load model",
        "model-not-loaded",
        "llama.cpp could not load the model",
        "read the lines above: the first error names the reason",
    ),
    (
        r"No module named '?xllamacpp|inference-arena\[embedded\]",
        "engine-missing",
        "the built-in engine is not installed",
        'pip install "inference-arena[embedded]"',
    ),
)
_SIGNALS: Final[Mapping[int, tuple[str, str, str]]] = MappingProxyType(
    {
        -4: (
            "illegal-instruction",
            "this build of llama.cpp needs a processor that this machine does not have",
            "use a build for this processor, or the built-in engine: take the other llama-server off PATH",
        ),
        -9: (
            "killed",
            "something killed the engine (the system does that when memory runs out)",
            "use a smaller model or context, and look at the system's log for 'out of memory'",
        ),
        -11: ("crashed", "the engine crashed", "report it to the engine's makers with its log; try another build"),
        -6: ("crashed", "the engine gave up", "read the last lines of its log"),
    }
)


def diagnose(log: Sequence[str], *, exit_code: int | None) -> Diagnosis:
    """The first known cause in the log, else the signal that ended it, else its own last words."""
    for words, cause, what, advice in _CAUSES:
        found = next((at for at, line in enumerate(log) if re.search(words, line, re.IGNORECASE)), None)
        if found is not None:
            why, evidence = log[found].strip(), last_words(log)
            return Diagnosis(cause=cause, what=what, why=why, advice=advice, evidence=evidence, line=found + 1)
    if exit_code is not None and exit_code in _SIGNALS:
        cause, what, advice = _SIGNALS[exit_code]
        why = f"it ended by signal {-exit_code}"
        return Diagnosis(cause=cause, what=what, why=why, advice=advice, evidence=last_words(log))
    ended = "it said nothing" if exit_code is None else f"it ended with exit code {exit_code}"
    said = last_words(log)
    return Diagnosis(
        cause="engine-died" if exit_code is not None else "unknown",
        what="llama.cpp did not work",
        why=f"{ended}: {said[-1]}" if said else ended,
        advice="its whole log is kept with the record",
        evidence=said,
    )
