"""`vllm bench serve` as a driver, where vLLM is installed with its [bench] extra. Knows its words, starts nothing.

It counts tokens by a tokenizer before it sends, so it needs one: a folder, or the name of the model it serves.
"""

import json
from pathlib import Path
from typing import Final

from inference_arena.errors import UsageError
from inference_arena.run.drivers.task import Order, Task

_PROMPTS, _REPORT = "prompts.jsonl", "report.json"
_ENVIRONMENT: Final = {"VLLM_NO_USAGE_STATS": "1", "NO_COLOR": "1"}


def order(task: Task, *, program: str, folder: Path, api_key: str | None) -> Order:
    """Writes the prompts into the folder; a key goes into the environment, where no list of processes shows it."""
    rows = ({"prompt": prompt.text, "output_tokens": prompt.output_tokens} for prompt in task.prompts)
    (folder / _PROMPTS).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    chat = task.endpoint == "chat"
    argv = [program, "bench", "serve", "--backend", "openai-chat" if chat else "openai"]
    argv += ["--base-url", task.address.url.removesuffix(task.address.base_path)]
    argv += ["--endpoint", task.address.base_path + ("/chat/completions" if chat else "/completions")]
    argv += ["--model", task.model, "--dataset-name", "custom", "--dataset-path", str(folder / _PROMPTS)]
    argv += ["--custom-output-len", "-1", "--num-prompts", str(len(task.prompts)), "--no-oversample"]
    argv += ["--skip-chat-template", "--disable-shuffle", "--disable-tqdm", *_load(task), *_parameters(task)]
    argv += ["--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "90,95,99"]
    argv += ["--save-result", "--save-detailed", "--result-dir", str(folder), "--result-filename", _REPORT]
    argv += [] if task.tokenizer is None else ["--tokenizer", task.tokenizer]
    env = {**_ENVIRONMENT, **({} if api_key is None else {"OPENAI_API_KEY": api_key})}
    return Order(argv=tuple(argv), env=env, report=folder / _REPORT)


def _load(task: Task) -> list[str]:
    if task.load.kind == "closed":
        return ["--max-concurrency", str(task.load.concurrency)]
    if task.load.arrivals == "constant":
        return ["--request-rate", f"{task.load.rate_per_s:g}", "--burstiness", "inf"]
    return ["--request-rate", f"{task.load.rate_per_s:g}"]


def _parameters(task: Task) -> list[str]:
    if "stream_options" in task.dropped:
        raise UsageError(
            "vllm bench serve cannot measure this server",
            why="it always asks for the usage count with stream_options, which this server refuses",
            try_="--with guidellm",
        )
    words = [] if "temperature" in task.dropped else ["--temperature", "0"]
    return [*words, "--ignore-eos"] if task.ignore_eos and "ignore_eos" not in task.dropped else words
