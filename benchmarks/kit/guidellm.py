"""GuideLLM 0.8.1: its scenario for a piece of work, and its report. `guidellm_run` is what runs in its environment."""

import json
from pathlib import Path
from typing import Any

from inference_arena.load.prompts import prompt_text
from kit.work import Seen, Work

RUNNER = Path(__file__).parent / "inside" / "guidellm_run.py"
# it ends when the prompts run out; each is said again and again, which the truth server does not mind
PROMPTS, MOST_PROMPTS = 500, 20_000
# more than any run of it has shown
MOST_REQUESTS_PER_S = 1_000.0


def argv(programs: Path, work: Work, port: int, folder: Path) -> list[str]:
    spec_path, report_path = folder / "spec.json", folder / "report.json"
    spec_path.write_text(json.dumps({"spec": _spec(work, port, report_path)}), "utf-8")
    return [str(programs / "python"), str(RUNNER), str(spec_path)]


def _spec(work: Work, port: int, report_path: Path) -> dict[str, Any]:
    seconds = work.settle_s + work.duration_s + work.answer_s + 1.0
    body = {
        "max_tokens": work.script.tokens,
        # what it sends by default and strict servers refuse; with it every chunk is bigger, so left out for all
        "stream_options": {"include_usage": True, "continuous_usage_stats": None},
    }
    return {
        "backend": {
            "kind": "openai_http",
            "target": f"http://127.0.0.1:{port}",
            "model": "truth",
            "http2": False,
            "extras": {"body": body},
        },
        "profile": _profile(work),
        "constraints": [{"kind": "max_duration", "seconds": seconds}],
        # in-memory prompts need no tokenizer
        "data": [{"kind": "in_memory_item_list", "data": _prompts(work, seconds), "column_name": "prompt"}],
        "outputs": [{"kind": "json", "path": str(report_path)}],
    }


def _prompts(work: Work, seconds: float) -> list[str]:
    per_s = work.load.rate_per_s or (work.load.concurrency or 1) / max(work.answer_s, 0.001)
    wanted = min(MOST_PROMPTS, int(1.2 * seconds * min(per_s, MOST_REQUESTS_PER_S)) + PROMPTS)
    told = [prompt_text(words=int(work.input_tokens / 1.3), seed=number) for number in range(PROMPTS)]
    return [told[number % PROMPTS] for number in range(wanted)]


def _profile(work: Work) -> dict[str, Any]:
    if work.load.kind == "closed":
        return {"kind": "concurrent", "streams": [work.load.concurrency]}
    return {"kind": work.load.arrivals or "poisson", "rate": [work.load.rate_per_s]}


def read(folder: Path, clock_s: float) -> tuple[Seen, ...]:
    report = json.loads((folder / "report.json").read_text("utf-8"))
    requests = [request for benchmark in report["benchmarks"] for request in benchmark["requests"]["successful"]]
    return tuple(_seen(request, clock_s) for request in requests if request["time_to_first_token_ms"] is not None)


def _seen(request: dict[str, Any], clock_s: float) -> Seen:
    gap_ms = request["inter_token_latency_ms"]
    targeted = request["info"]["timings"]["targeted_start"]
    return Seen(
        sent_s=request["request_start_time"] - clock_s,
        ttft_s=request["time_to_first_token_ms"] / 1e3,
        tpot_s=None if gap_ms is None else gap_ms / 1e3,
        scheduled_s=None if targeted is None else targeted - clock_s,
    )
