"""Runs one scenario, in GuideLLM's own environment: python guidellm_run.py SPEC.json. Knows nothing of the arena."""

import asyncio
import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    benchmark = importlib.import_module("guidellm.benchmark")
    spec = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    asyncio.run(benchmark.benchmark_generative_text(benchmark.BenchmarkScenario.model_validate(spec), progress=False))


if __name__ == "__main__":  # its workers are spawned and import this file again
    main()
