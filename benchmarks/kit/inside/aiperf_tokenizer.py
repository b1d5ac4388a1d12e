"""Makes a byte-level tokenizer, in AIPerf's own environment: python aiperf_tokenizer.py FOLDER."""

import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    tokenizers = importlib.import_module("tokenizers")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    bytes_level = tokenizers.pre_tokenizers.ByteLevel
    vocabulary = {character: number for number, character in enumerate(sorted(bytes_level.alphabet()))}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = bytes_level(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 100_000}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), "utf-8")


if __name__ == "__main__":
    main()
