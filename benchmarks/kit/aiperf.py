"""AIPerf 0.13: its command line for a piece of work, and its per-request export.

Its `builtin` tokenizer is downloaded on first use, so where that cannot be had a byte-level one is made on the spot;
prompts are only counted in it, and answers are counted by the server's usage.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from kit.work import Seen, Work

RUNNER = Path(__file__).parent / "inside" / "aiperf_tokenizer.py"
PROMPTS = 500


def argv(programs: Path, work: Work, port: int, folder: Path) -> list[str]:
    tokenizer = folder / "tokenizer"
    subprocess.run([str(programs / "python"), str(RUNNER), str(tokenizer)], check=True, timeout=60)
    seconds = work.settle_s + work.duration_s + work.answer_s + 1.0
    options = {
        "--model": "truth",
        "--url": f"http://127.0.0.1:{port}",
        "--endpoint-type": "chat",
        "--tokenizer": str(tokenizer),
        "--benchmark-duration": f"{seconds:g}",
        "--benchmark-grace-period": f"{work.answer_s + 5:g}",
        "--isl": f"{work.input_tokens * 4}",  # bytes
        "--osl": f"{work.script.tokens}",
        "--num-dataset-entries": f"{PROMPTS}",
        "--export-level": "records",
        "--artifact-dir": str(folder / "report"),
        "--ui": "none",
        "--random-seed": "1",
        **_load(work),
    }
    switches = ["--streaming", "--use-server-token-count", "--no-gpu-telemetry", "--no-server-metrics"]
    words = [word for option in options.items() for word in option]
    return [str(programs / "aiperf"), "profile", *switches, *words]


def _load(work: Work) -> dict[str, str]:
    if work.load.kind == "closed":
        return {"--concurrency": f"{work.load.concurrency}"}
    return {"--request-rate": f"{work.load.rate_per_s:g}", "--arrival-pattern": work.load.arrivals or "poisson"}


def read(folder: Path, clock_s: float) -> tuple[Seen, ...]:
    lines = (folder / "report" / "profile_export.jsonl").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return tuple(_seen(entry, clock_s) for entry in entries if "time_to_first_token" in entry["metrics"])


def _seen(entry: dict[str, Any], clock_s: float) -> Seen:
    about, metrics = entry["metadata"], entry["metrics"]
    gap = metrics.get("inter_token_latency")
    chunks = metrics.get("inter_chunk_latency", {"value": []})["value"]
    return Seen(
        sent_s=about["request_start_ns"] / 1e9 - clock_s,
        ttft_s=metrics["time_to_first_token"]["value"] / 1e3,
        tpot_s=None if gap is None else gap["value"] / 1e3,
        longest_gap_s=max(chunks) / 1e3 if chunks else None,
        scheduled_s=about["credit_issued_ns"] / 1e9 - clock_s,
    )
