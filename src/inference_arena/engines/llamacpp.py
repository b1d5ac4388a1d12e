"""llama.cpp's HTTP server: `llama-server`, or the same server from the xllamacpp wheel, which takes the same flags."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines.adapter import Command, Diagnosis, FactValue, last_words
from inference_arena.plan import Settings

NAME: Final = "llamacpp"
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


def command(*, program: Sequence[str], model: str, alias: str, settings: Settings, host: str, port: int) -> Command:
    """llama-server's flags. Its context is shared out among the slots, so ours, which is per request, is multiplied.

    A setting that is also passed through as a flag is left to the flag.
    """
    parallel = settings.parallel
    slots = _flag_number(settings.flags, ("--parallel", "-np")) or parallel or 1
    context = None if settings.context_tokens is None else settings.context_tokens * slots
    wanted: tuple[tuple[tuple[str, ...], str | int | None], ...] = (
        (("--ctx-size", "-c"), context),
        (("--parallel", "-np"), parallel),
        (("--threads", "-t"), settings.threads),
        (("--cache-type-k", "-ctk"), settings.kv_cache_type),
        (("--cache-type-v", "-ctv"), settings.kv_cache_type),
        (("--n-gpu-layers", "-ngl", "--gpu-layers"), settings.gpu_layers),
    )
    given = {flag.partition("=")[0] for flag in settings.flags}
    chosen = [
        part
        for names, value in wanted
        if value is not None and not given & set(names)
        for part in (names[0], str(value))
    ]
    fixed = ["--model", model, "--alias", alias, "--host", host, "--port", str(port), "--metrics"]
    return Command(argv=(*program, *fixed, *chosen, *settings.flags), env={})


def _flag_number(flags: Sequence[str], names: tuple[str, ...]) -> int | None:
    """The number given to one of these flags, the last time it was; None without, or when the engine is to choose."""
    words = [part for flag in flags for part in (flag.split("=", 1) if flag.startswith("-") else (flag,))]
    values = [value for name, value in pairwise(words) if name in names]
    return int(values[-1]) if values and values[-1].isdecimal() else None


_FACTS: Final[tuple[tuple[str, re.Pattern[str], type], ...]] = (
    ("slots", re.compile(r"n_slots = (\d+)"), int),
    ("context_tokens_per_slot", re.compile(r"n_ctx_slot = (\d+)"), int),
    ("kv_unified", re.compile(r"kv_unified = '?(\w+)"), str),
    ("threads", re.compile(r"n_threads = (\d+)"), int),
    ("build", re.compile(r"build(?:_info)?:\s*(b?\d+\S*)"), str),
    ("gpu_layers_offloaded", re.compile(r"offloaded (\d+)/\d+ layers to GPU"), int),
    ("kv_cache_mib", re.compile(r"KV (?:self |buffer )?size\s*=\s*([\d.]+) MiB"), float),
)


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    """What the server said about itself; a fact that it did not mention is absent."""
    facts: dict[str, FactValue] = {}
    for line in log:
        for name, pattern, kind in _FACTS:
            if name not in facts and (match := pattern.search(line)):
                facts[name] = kind(match[1])
    return facts


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
        line = next((line.strip() for line in log if re.search(words, line, re.IGNORECASE)), None)
        if line is not None:
            return Diagnosis(cause=cause, what=what, why=line, advice=advice, evidence=last_words(log))
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
