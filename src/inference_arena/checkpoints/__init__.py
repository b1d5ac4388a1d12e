"""What a model's files say: the header of a GGUF file, and the hash by which a file is known."""

from inference_arena.checkpoints.gguf import GgufHeader, read_gguf
from inference_arena.checkpoints.hashing import file_sha256

__all__ = ["GgufHeader", "file_sha256", "read_gguf"]
