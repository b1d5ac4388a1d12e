"""The embedded GGUF as a folder that vLLM and transformers read: safetensors in bfloat16, config and tokenizer.

Runs where transformers is: to_safetensors.py FILE.gguf FOLDER. transformers refuses to save what it
read from a GGUF as it stands, so the numbers are copied into a fresh model of the same shape.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM


def main(source: Path, target: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
    read = AutoModelForCausalLM.from_pretrained(str(source.parent), gguf_file=source.name, dtype=torch.float32)
    dressed = ("quantization_config", "_name_or_path", "_model_name_or_path")
    config = LlamaConfig(**{key: value for key, value in read.config.to_dict().items() if key not in dressed})
    config.dtype, config.architectures = torch.bfloat16, ["LlamaForCausalLM"]
    plain = LlamaForCausalLM(config).to(torch.bfloat16)
    plain.load_state_dict({key: value.to(torch.bfloat16) for key, value in read.state_dict().items()})
    plain.tie_weights()
    plain.generation_config = read.generation_config
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)
    add_older_keys(target / "config.json")


def add_older_keys(path: Path) -> None:
    """Readers of before transformers 5 look for rope_theta at the top."""
    config = json.loads(path.read_text("utf-8"))
    config.setdefault("rope_theta", config["rope_parameters"]["rope_theta"])
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
