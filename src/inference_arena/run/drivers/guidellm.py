"""GuideLLM as a driver: our task as its scenario file, its report as JSON. Knows its words, starts nothing.

One worker process: several draw the same gaps, so that its Poisson arrivals come in bunches, and each imports torch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from inference_arena.run.drivers.task import Order, Task

VERSION: Final = "0.8.1"
_PROMPTS, _SCENARIO, _REPORT = "prompts.jsonl", "scenario.json", "report.json"
_ENVIRONMENT: Final = {"GUIDELLM__MAX_WORKER_PROCESSES": "1", "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}


def order(task: Task, *, program: str, folder: Path, api_key: str | None) -> Order:
    """Writes its files into the folder, which is ours alone: the scenario may hold a key."""
    rows = ({"prompt": prompt.text, "output_tokens_count": prompt.output_tokens} for prompt in task.prompts)
    (folder / _PROMPTS).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    scenario = folder / _SCENARIO
    scenario.touch(mode=0o600)
    scenario.write_text(json.dumps({"spec": _spec(task, folder=folder, api_key=api_key)}), "utf-8")
    argv = (program, "run", "--config", str(scenario), "--disable-console")
    return Order(argv=argv, env=_ENVIRONMENT, report=folder / _REPORT)


def _spec(task: Task, *, folder: Path, api_key: str | None) -> dict[str, Any]:
    route = "/v1/chat/completions" if task.endpoint == "chat" else "/v1/completions"
    root, path = task.address.url.removesuffix(task.address.base_path), task.address.base_path.lstrip("/")
    return {
        "backend": {
            "kind": "openai_http",
            "target": root,
            "model": task.model,
            "request_format": route,
            "api_routes": {route: f"{path}/{route.removeprefix('/v1/')}"},
            "validate_backend": False,
            "extras": {"body": _body(task)},
            **({} if api_key is None else {"api_key": api_key}),
        },
        "profile": _profile(task),
        "constraints": _constraints(task),
        "data": [{"kind": "json_file", "path": str(folder / _PROMPTS)}],
        "outputs": [{"kind": "json", "path": str(folder / _REPORT)}],
    }


def _constraints(task: Task) -> list[Mapping[str, Any]]:
    most = {"kind": "max_requests", "count": len(task.prompts)}
    return [most] if task.duration_s is None else [most, {"kind": "max_duration", "seconds": task.duration_s}]


def _profile(task: Task) -> Mapping[str, Any]:
    if task.load.kind == "closed":
        return {"kind": "concurrent", "streams": [task.load.concurrency]}
    return {"kind": task.load.arrivals or "constant", "rate": [task.load.rate_per_s]}


def _body(task: Task) -> dict[str, Any]:
    """Its defaults, less what strict servers refuse. None takes a parameter out."""
    body: dict[str, Any] = {"temperature": 0, "stream_options": {"include_usage": True, "continuous_usage_stats": None}}
    if "stream_options" in task.dropped:
        body["stream_options"] = None
    if "temperature" in task.dropped:
        body["temperature"] = None
    if not task.ignore_eos or "ignore_eos" in task.dropped:
        body["ignore_eos"] = None
    return body
