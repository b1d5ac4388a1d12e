"""How each engine is spoken to. One module an engine; the tables are written by hand.

`ENGINES` are those that the arena starts or measures; `DIALECTS` those whose command line it knows, so that a plan can
be printed as a command. An engine that is only in the second is started by hand and measured by its URL. `READERS` are
those whose log and counters it understands, whoever started them.
"""

from inference_arena.engines import llamacpp, openai, sglang, transformers, vllm
from inference_arena.engines.adapter import Command, Diagnosis, Dialect, Engine, FactValue, Lack, Readable, lacking
from inference_arena.engines.causes import STAGES, further
from inference_arena.engines.container import image_of
from inference_arena.engines.container_causes import diagnose_container, explain_container, signal_of
from inference_arena.engines.mend import given, names_of, with_flags, with_settings, without_flags
from inference_arena.engines.openai import identify, model_ids
from inference_arena.engines.pasted import CONTAINER, Explanation, explain, gist
from inference_arena.engines.translate import Translated, translate

ENGINES: dict[str, Engine] = {
    "llamacpp": llamacpp,
    "vllm": vllm,
    "sglang": sglang,
    "transformers": transformers,
    "openai": openai,
}
DIALECTS: dict[str, Dialect] = {"vllm": vllm, "sglang": sglang, "llamacpp": llamacpp}
READERS: dict[str, Readable] = {"vllm": vllm, "sglang": sglang, "llamacpp": llamacpp, "transformers": transformers}

__all__ = [
    "CONTAINER",
    "DIALECTS",
    "ENGINES",
    "READERS",
    "STAGES",
    "Command",
    "Diagnosis",
    "Dialect",
    "Engine",
    "Explanation",
    "FactValue",
    "Lack",
    "Readable",
    "Translated",
    "diagnose_container",
    "explain",
    "explain_container",
    "further",
    "gist",
    "given",
    "identify",
    "image_of",
    "lacking",
    "model_ids",
    "names_of",
    "signal_of",
    "translate",
    "with_flags",
    "with_settings",
    "without_flags",
]
