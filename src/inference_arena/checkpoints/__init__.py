"""What a model's files say: a config.json, the headers of its weights, and the hash by which a file is known."""

from inference_arena.checkpoints.gguf import GgufHeader, read_gguf
from inference_arena.checkpoints.hashing import file_sha256
from inference_arena.checkpoints.hub import HubReader
from inference_arena.checkpoints.read import ReadModel, read_model

__all__ = ["GgufHeader", "HubReader", "ReadModel", "file_sha256", "read_gguf", "read_model"]
