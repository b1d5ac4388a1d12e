"""How each engine is spoken to. One module an engine; the table is written by hand."""

from inference_arena.engines import llamacpp, openai
from inference_arena.engines.adapter import Command, Diagnosis, Engine
from inference_arena.engines.openai import identify, model_ids

ENGINES: dict[str, Engine] = {"llamacpp": llamacpp, "openai": openai}

__all__ = ["ENGINES", "Command", "Diagnosis", "Engine", "identify", "model_ids"]
