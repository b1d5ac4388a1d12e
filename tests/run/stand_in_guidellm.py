"""Stands in for GuideLLM: takes its scenario, sends real requests one after the other, writes a report of format 2."""

import http.client
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit


def one(spec, row, *, late_s):
    target = urlsplit(spec["backend"]["target"])
    route = spec["backend"]["api_routes"][spec["backend"]["request_format"]]
    body = {"model": spec["backend"]["model"], "stream": True, "max_tokens": row["output_tokens_count"],
            "stream_options": {"include_usage": True},
            "messages": [{"role": "user", "content": row["prompt"]}]}  # fmt: skip
    connection = http.client.HTTPConnection(target.hostname, target.port)
    connection.connect()
    start, first, last, usage = time.time(), None, None, {}
    connection.request("POST", f"/{route}", json.dumps(body), {"Content-Type": "application/json"})
    for line in connection.getresponse():
        if not line.startswith(b"data: {"):
            continue
        event = json.loads(line[6:])
        usage = event.get("usage") or usage
        if event.get("choices") and event["choices"][0]["delta"].get("content"):
            last = time.time() + late_s
            first = first or last
    connection.close()
    timings = {"targeted_start": start, "request_start": start, "first_token_iteration": first,
               "last_token_iteration": last, "request_end": last}  # fmt: skip
    return {"info": {"timings": timings}, "prompt_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"]}  # fmt: skip


def main():
    config = Path(sys.argv[sys.argv.index("--config") + 1])
    spec = json.loads(config.read_text())["spec"]
    model = spec["backend"]["model"]
    if model == "fails":
        sys.exit("ValueError: the key sk-very-secret is refused")
    if model == "hangs":
        time.sleep(600)
    rows = [json.loads(line) for line in Path(spec["data"][0]["path"]).read_text().splitlines()]
    done = [one(spec, row, late_s=0.05 if model == "late" else 0.0) for row in rows]
    start = min(each["info"]["timings"]["request_start"] for each in done)
    benchmark = {
        "config": {"strategy": {"type_": "concurrent", "streams": spec["profile"]["streams"][0], "worker_count": 1}},
        "start_time": start,
        "duration": max(each["info"]["timings"]["request_end"] for each in done) - start,
        "metrics": {"request_totals": {"successful": len(done), "errored": 0, "incomplete": 0}},
        "requests": {"successful": done, "errored": [], "incomplete": []},
    }
    report = {"metadata": {"version": 2, "guidellm_version": "0.8.1"}, "benchmarks": [benchmark]}
    Path(spec["outputs"][0]["path"]).write_text(json.dumps(report))


if __name__ == "__main__":
    main()
