"""What llama.cpp's log tells: its facts, how far it came, and why it did not start.

`startup` and `diagnose` are pure functions of the lines.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from inference_arena.engines.adapter import Diagnosis, FactValue, last_words
from inference_arena.engines.causes import Cause, find, stages
from inference_arena.engines.readings import Reading, mib, read, text, whole

TITLE: Final = "llama.cpp"
SIGNATURE: Final = r"\b(?:ggml|gguf|llama)_\w|\bllama-server\b|\bllama\.cpp\b|\b(?:srv|slot|main) +\w+: "
BEGINS: Final = r"\bbuild(?:_info)?: *b?\d"
READINGS: Final[tuple[Reading, ...]] = (
    Reading("slots", r"n_slots = (\d+)", whole),
    Reading("context_tokens_per_slot", r"n_ctx_slot = (\d+)", whole),
    Reading("kv_unified", r"kv_unified = '?(\w+)", text),
    Reading("threads", r"n_threads = (\d+)", whole),
    Reading("build", r"build(?:_info)?:\s*(b?\d+\S*)", text),
    Reading("gpu_layers_offloaded", r"offloaded (\d+)/\d+ layers to GPU", whole),
    Reading("kv_cache_bytes", r"KV (?:self |buffer )?size\s*=\s*([\d.]+) MiB", mib),
)
MILESTONES: Final = (
    ("config", BEGINS + r"|loaded meta data"),
    ("weights", r"loading model\b|load_tensors: |llm_load_tensors: "),
    ("memory", r"llama_context: constructing|llama_new_context_with_model|llama_kv_cache"),
    ("warm-up", r"initializing, n_slots|initializing slots|warming up the model"),
    ("serving", r"listening on http|server is listening"),
)


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    """What the server said about itself; a fact that it did not mention is absent."""
    return read(READINGS, log)


def started(log: Sequence[str]) -> bool:
    """It said where it listens, which it does when the model is loaded."""
    return any(re.search(r"listening on http|server is listening", line) for line in log)


_UNKNOWN: Final = r"unknown flag|invalid argument|unrecognized argument"
# the first that is found in the log is the cause
CAUSES: Final[tuple[Cause, ...]] = (
    Cause(
        cause="unknown-flag",
        stage="arguments",
        words=rf"(?:{_UNKNOWN}):? (?P<flag>-\S+)",
        what="llama.cpp does not know {flag}",
        advice="leave {flag} out, or look it up with: llama-server --help",
        drops="{flag}",
    ),
    Cause(
        cause="bad-flag",
        stage="arguments",
        words=r"error while handling argument \"?(?P<flag>-[\w-]+)\"?:?(?P<problem>.*)",
        what="llama.cpp cannot use what {flag} was given:{problem}",
        advice="correct it; llama-server --help tells what it takes",
        drops="{flag}",
        reproduced=False,
    ),
    Cause(
        cause="bad-flag",
        stage="arguments",
        words=r"error: (?P<flag>-[\w-]+) (?P<problem>takes .*|needs a value)",
        what="llama.cpp cannot use what {flag} was given: it {problem}",
        advice="correct it; llama-server --help tells what it takes",
        drops="{flag}",
    ),
    Cause(
        cause="unknown-flag",
        stage="arguments",
        words=_UNKNOWN,
        what="llama.cpp does not know a flag that it was given",
        advice="leave the flag out, or look it up with: llama-server --help",
        reproduced=False,
    ),
    Cause(
        cause="port-taken",
        words=r"couldn't bind|address already in use|port .* (taken|in use)",
        what="the port is taken by another program",
        advice="leave out --port and a free one is chosen",
    ),
    Cause(
        cause="architecture-unknown",
        words=r"unknown model architecture",
        what="this llama.cpp is older than the model's architecture",
        advice="use a newer llama-server, or another model",
    ),
    Cause(
        cause="out-of-memory",
        words=r"out of memory|cannot allocate memory|insufficient memory|failed to allocate|bad_alloc"
        r"|unable to allocate",
        what="there is not enough memory for the model and its context",
        advice="use --context with a smaller number, fewer --parallel slots, or a smaller quantization",
    ),
    Cause(
        cause="model-broken",
        words=r"invalid magic|not a gguf|tensor .* out of bounds|failed to read (magic|tensor)|corrupted or incomplete",
        what="the model file is damaged or no GGUF file",
        advice="download it again",
    ),
    Cause(
        cause="model-not-loaded",
        words=r"failed to load model|error loading model|unable to load model",
        what="llama.cpp could not load the model",
        advice="read the lines above: the first error names the reason",
    ),
    Cause(
        cause="engine-missing",
        words=r"No module named '?xllamacpp|inference-arena\[embedded\]",
        what="the built-in engine is not installed",
        advice='pip install "inference-arena[embedded]"',
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
    reached = stages(MILESTONES, log)
    return find(CAUSES, log, facts=startup(log), reached=reached) or _without_a_word(
        log, exit_code=exit_code, stage=reached[-1] if reached else None
    )


def _without_a_word(log: Sequence[str], *, exit_code: int | None, stage: str | None) -> Diagnosis:
    said = last_words(log)
    if exit_code is not None and exit_code in _SIGNALS:
        cause, what, advice = _SIGNALS[exit_code]
        why = f"it ended by signal {-exit_code}"
        return Diagnosis(cause=cause, what=what, why=why, advice=advice, evidence=said, stage=stage)
    ended = "it said nothing" if exit_code is None else f"it ended with exit code {exit_code}"
    return Diagnosis(
        cause="engine-died" if exit_code is not None else "unknown",
        what="llama.cpp did not work",
        why=f"{ended}: {said[-1]}" if said else ended,
        advice="its whole log is kept with the record",
        evidence=said,
        stage=stage,
    )
