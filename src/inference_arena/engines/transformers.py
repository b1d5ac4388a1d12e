"""`transformers serve`: its command line and its log. It tells no counters, and is not planned for.

Requests must name the model as the command did. Whether requests may join while others are being answered is a flag,
off by default; the arena turns it on. Words and flags are those of 5.23.0.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from inference_arena.engines import dials
from inference_arena.engines.adapter import LISTENS, Command, Diagnosis, FactValue, Lack
from inference_arena.engines.causes import find, stages, without_a_word
from inference_arena.engines.dials import Dial
from inference_arena.engines.readings import Reading, read, text, yes
from inference_arena.engines.transformers_causes import CAUSES
from inference_arena.plan import Settings

NAME: Final = "transformers"
TITLE: Final = "transformers"
SIGNATURE: Final = r"^\[transformers\] (?:Loading \S+@|\[Request received\])|transformers/cli/serv|transformers serve"
BEGINS: Final = r"^\[transformers\] Loading \S+@"
HEALTH_PATH: Final = "/health"
METRICS_PATH: Final = None
COUNTERS: Final[Mapping[str, str]] = MappingProxyType({})
# it knows no ignore_eos; an end token that no model has does the same, with and without continuous batching
PARAMETERS: Final[Mapping[str, Any]] = MappingProxyType(
    {"generation_config": '{"eos_token_id": -1, "pad_token_id": 0}'}  # text: JSON within JSON
)
ASKED_AS: Final = "location"
WITHOUT_CACHE: Final[Mapping[str, Any]] = MappingProxyType({})
EMPTY_CACHE_PATH: Final[str | None] = None
FORMAT: Final = "safetensors"
DUMMY: Final[tuple[str, ...]] = ()
REDUCED: Final[tuple[Lack, ...]] = ()
OWN_FLAGS: Final[Mapping[str, str]] = MappingProxyType({**LISTENS, "--log-level": "leave it out: its log is read"})
DIALS: Final[tuple[Dial, ...]] = (
    Dial(
        setting="continuous_batching",
        names=("--continuous-batching",),
        off=("--no-continuous-batching",),
        kind="switch",
    ),
    Dial(setting="prefill_tokens", names=("--cb-max-batch-tokens",), kind="whole"),
    Dial(setting="memory_share", names=("--cb-max-memory-percent",), kind="share"),
    Dial(setting="graphs", names=("--cb-use-cuda-graph",), off=("--no-cb-use-cuda-graph",), kind="switch"),
    Dial(setting="dtype", names=("--dtype",), kind="text"),
    Dial(setting="quantization", names=("--quantization",), kind="text", choices=("bnb-4bit", "bnb-8bit")),
)
# settings that it takes in other units than ours
IN_OTHER_UNITS: Final = ("kv_cache_tokens",)
BLOCK: Final = 32
BLOCKS: Final = "--cb-num-blocks"
NOT_HERE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "context_tokens": "transformers reads as far as its cache and the model go",
        "parallel": "transformers takes as many requests at once as its cache has room for",
        "threads": "transformers chooses its threads by itself",
        "kv_cache_type": "transformers keeps its cache in the model's type",
        "gpu_layers": "transformers chooses by itself what is on the card (--device)",
        "static_share": "--cb-max-memory-percent is another share: of what is free beside the weights",
        "kv_cache_bytes": "transformers takes a number of blocks (--cb-num-blocks), not bytes",
        "tensor_parallel": "transformers serve runs on one card",
        "replicas": "transformers serves one copy of a model: start one server a card (--device)",
        "prefix_caching": "transformers decides by itself what it uses again",
    }
)


def read_flags(flags: Sequence[str]) -> tuple[Settings, tuple[str, ...]]:
    """Known flags as settings, the rest as they are; raises UsageError for a value that cannot be meant."""
    found, rest = dials.read(DIALS, flags, engine=NAME)
    return Settings(**found), rest


def command(
    *,
    program: Sequence[str],
    model: str,
    alias: str,  # noqa: ARG001  # it has no other name than its place
    settings: Settings,
    host: str,
    port: int,
    release: str | None,  # noqa: ARG001  # one is known
    dummy: bool = False,
) -> Command:
    """`transformers serve MODEL ...` by this program. At its info level, where it tells what type it computes in."""
    assert not dummy, "it reads its weights from the model"
    fixed = ("serve", model, "--host", host, "--port", str(port), "--log-level", "info")
    chosen = dials.spell(DIALS, settings, engine=NAME, release=None)
    return Command(argv=(*program, *fixed, *chosen, *_cache(settings), *settings.flags), env={})


def _cache(settings: Settings) -> tuple[str, ...]:
    """Whole blocks that hold so many tokens; only continuous batching has them."""
    tokens = settings.kv_cache_tokens
    if tokens is None or not settings.continuous_batching or any(flag.startswith(BLOCKS) for flag in settings.flags):
        return ()
    return ("--cb-block-size", str(BLOCK), BLOCKS, str(-(-tokens // BLOCK)))


READINGS: Final[tuple[Reading, ...]] = (
    Reading("architecture", r'^    "(\w+For\w+)",?$', text),
    Reading("dtype", r"Will use dtype=torch\.(\w+)", text),
    Reading("continuous_batching", r"\[Request received\] Model: .*, CB: (True|False)", yes),
)
MILESTONES: Final = (
    ("config", BEGINS),
    ("weights", r"loading weights file|Loading weights: "),
    ("warm-up", r"Started server process"),
    ("serving", r"Application startup complete"),
)


def startup(log: Sequence[str]) -> Mapping[str, FactValue]:
    """What the server said about itself; a fact that it did not mention is absent."""
    return read(READINGS, log)


def started(log: Sequence[str]) -> bool:
    """It listened: it says so only after it has bound its port."""
    return any(re.search(r"Uvicorn running on", line) for line in log)


def diagnose(log: Sequence[str], *, exit_code: int | None) -> Diagnosis:
    """The first known cause in the log, else the signal that ended it, else its own last error."""
    reached = stages(MILESTONES, log)
    return find(CAUSES, log, facts=startup(log), reached=reached) or without_a_word(
        TITLE, log, exit_code=exit_code, reached=reached, started=started(log)
    )
