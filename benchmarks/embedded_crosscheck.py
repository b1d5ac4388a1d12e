"""The embedded engine measured by `arena run --url`, and checked in two independent ways.

The engine's own timings of the very same requests, which the traces keep; and a second client that shares no code
with ours, at the same prompts, lengths and load, in turns with it on the same engine. A figure agrees when it lies
within the interval that our record prints. The engine counts predicted_ms from the first token, so its time a token
is predicted_ms / (predicted_n - 1); prompt_ms has no HTTP, no template and no queue in it, so it bounds TTFT from
below. Run `python -m benchmarks.embedded_crosscheck`.
"""

import gzip
import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from kit.engine import find_model, started
from kit.second_client import Run
from kit.table import Figure, finish, machine, number, parser, say, show_rows

from inference_arena.load.lengths import output_length
from inference_arena.load.prompts import prompt_text
from inference_arena.metrics.latency import tpot_s, ttft_s
from inference_arena.record import Estimate, LoadSummary, Point, Record, RequestTrace

INPUT_TOKENS, OUTPUT_TOKENS = 64, 48
Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One `arena run`: its record, and the traces of the requests that count."""

    record: Record
    traces: tuple[RequestTrace, ...]

    @property
    def point(self) -> Point:
        return self.record.points[0]

    @property
    def load(self) -> LoadSummary:
        assert self.record.summary is not None
        return self.record.summary.loads[0]


def arena_run(port: int, *, streams: int, seconds: float, seed: int, home: Path) -> Measured:
    """The command as a person would give it, with a home of its own."""
    argv = ["run", "--url", f"http://127.0.0.1:{port}/v1", "--concurrency", f"{streams}", "--duration", f"{seconds:g}s"]
    argv += ["--input-tokens", f"{INPUT_TOKENS}", "--output-tokens", f"{OUTPUT_TOKENS}", "--seed", f"{seed}", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "inference_arena", *argv, "--quiet", "--together"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ARENA_HOME": str(home)},
    )
    if done.returncode:
        raise SystemExit(f"arena run ended with {done.returncode}: {done.stderr.strip() or done.stdout[-500:]}")
    record = Record.model_validate_json(done.stdout)
    with gzip.open(home / "records" / record.id / "requests.jsonl.gz", "rt") as file:
        traces = tuple(RequestTrace.model_validate_json(line) for line in file)
    return Measured(record=record, traces=traces)


def counted(measured: Measured) -> list[RequestTrace]:
    """Ok requests that were scheduled inside the steady window, as the summary has them."""
    begin, end = measured.point.steady_from_s, measured.point.steady_to_s
    assert begin is not None
    assert end is not None
    return [t for t in measured.traces if t.point == 0 and t.result == "ok" and begin <= t.scheduled_s < end]


def words_of(measured: Measured) -> int:
    """How many words our prompts had: the run learned it from the server, and their hashes tell."""
    trace = measured.traces[0]
    for words in range(1, 4 * INPUT_TOKENS):
        prompt = prompt_text(words=words, seed=f"{measured.point.seed}/0/{trace.request}")
        if hashlib.sha256(prompt.encode()).hexdigest()[:32] == trace.prompt_sha256:
            return words
    raise SystemExit("our prompts could not be made again from the record: their hashes differ")


def same_bodies(measured: Measured) -> Callable[[int], Body]:
    """The same prompts and lengths in the same order, built here and not by the load process."""
    words, jitter = words_of(measured), measured.record.trial.lengths.output_jitter

    def body(request: int) -> Body:
        seed = f"{measured.point.seed}/0/{request}"
        return {
            "model": "m",
            "messages": [{"role": "user", "content": prompt_text(words=words, seed=seed)}],
            "max_tokens": output_length(tokens=OUTPUT_TOKENS, jitter=jitter, seed=seed),
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "ignore_eos": True,
        }

    return body


def engine_tpot_s(timings: Mapping[str, float]) -> float:
    return timings["predicted_ms"] / 1e3 / (timings["predicted_n"] - 1)


def agrees(value: float, interval: Estimate | None) -> str:
    """Yes, or by how much of our figure it lies outside."""
    if interval is None or interval.low is None or interval.high is None:
        return "no interval"
    if interval.low <= value <= interval.high:
        return "yes"
    away = max(interval.low - value, value - interval.high)
    return f"no, {away / interval.value * 100:.2g} % outside"


def row(name: str, ours: Estimate | None, value: float, *, scale: float) -> list[str]:
    if ours is None:
        return [name, "–", "–", number(value * scale, digits=4), "–", "no interval"]
    known = ours.low is not None and ours.high is not None
    ends = [number(end * scale, digits=4) for end in (ours.low or 0.0, ours.high or 0.0)]
    bounds = " to ".join(ends) if known else "–"
    apart = f"{(ours.value / value - 1) * 100:+.2f} %"
    shown = [number(one * scale, digits=4) for one in (ours.value, value)]
    return [name, shown[0], bounds, shown[1], apart, agrees(value, ours)]


def engine_rows(measured: Measured) -> list[list[str]]:
    """Our figures against the engine's own words on the same requests."""
    traces = [t for t in counted(measured) if t.engine_timings and len(t.read_s) > 1]
    timings = [t.engine_timings or {} for t in traces]
    own = median([engine_tpot_s(one) for one in timings])
    return [
        row("TPOT p50, ms: the engine's timings", measured.load.tpot_s, own, scale=1e3),
        row("TTFT p50, ms: the engine's prompt_ms", measured.load.ttft_s, prompt_s(timings), scale=1e3),
    ]


def prompt_s(timings: Sequence[Mapping[str, float]]) -> float:
    return median([one["prompt_ms"] / 1e3 for one in timings])


def second_rows(measured: Measured, run: Run) -> list[list[str]]:
    answers = run.measured()
    ttft, tpot = median([a.ttft_s for a in answers]), median([a.tpot_s for a in answers])
    return [
        row("TTFT p50, ms: second client", measured.load.ttft_s, ttft, scale=1e3),
        row("TPOT p50, ms: second client", measured.load.tpot_s, tpot, scale=1e3),
        row("output tokens/s: second client", measured.load.output_tokens_per_s, run.tokens_per_s(), scale=1.0),
    ]


def quantiles(values: Sequence[float]) -> str:
    ordered = sorted(values)
    return f"p50 {ordered[len(ordered) // 2]:.3f}, worst {max(ordered, key=abs):.3f}"


def request_lines(measured: Measured, run: Run) -> list[str]:
    """Request by request, where no sampling error blurs it."""
    traces = [t for t in counted(measured) if t.engine_timings and len(t.read_s) > 1]
    timings = [t.engine_timings or {} for t in traces]
    tpot = [((tpot_s(t) or 0) / engine_tpot_s(one) - 1) * 100 for t, one in zip(traces, timings, strict=True)]
    more = [(ttft_s(t) or 0) * 1e3 - one["prompt_ms"] for t, one in zip(traces, timings, strict=True)]
    theirs = [a.ttft_s * 1e3 - a.timings["prompt_ms"] for a in run.measured() if a.timings]
    miscounted = sum(one["predicted_n"] != t.output_tokens for t, one in zip(traces, timings, strict=True))
    cached = sum(one.get("cache_n", 0) for one in timings)
    return [
        f"request by request, {len(tpot)}: TPOT against the engine's {quantiles(tpot)} %",
        f"answers whose token count differs: {miscounted}; prompt tokens from a cache: {cached:.0f}",
        f"TTFT beyond prompt_ms: ours {quantiles(more)} ms; second client {quantiles(theirs)} ms",
    ]


def tpot_apart(measured: Measured) -> float:
    """Our TPOT against the engine's, request by request: the median's size, in percent."""
    traces = [t for t in counted(measured) if t.engine_timings and len(t.read_s) > 1]
    return abs(median([((tpot_s(t) or 0) / engine_tpot_s(t.engine_timings or {}) - 1) * 100 for t in traces]))


def main() -> int:
    options = parser(__doc__, peers=False)
    options.add_argument("--model", type=Path, help="a GGUF file; else the first in the arena's data folder")
    options.add_argument("--streams", type=int, default=1)
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--rounds", type=int, default=2, help="turns of both clients")
    given = options.parse_args()
    model = find_model(given.model)
    if model is None:
        say("no GGUF file was found; name one with --model, or run `arena run` once, which brings one")
        return 1 if given.check else 0
    print(machine())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with started(model, slots=given.streams, log_path=folder / "engine.log") as port:
            figures = [
                one_round(port, turn, streams=given.streams, seconds=given.seconds, home=folder)
                for turn in range(given.rounds)
            ]
    return finish(figures, check=given.check)


def one_round(port: int, turn: int, *, streams: int, seconds: float, home: Path) -> Figure:
    say(f"round {turn + 1}: arena run ...")
    measured = arena_run(port, streams=streams, seconds=seconds, seed=turn, home=home)
    say(f"round {turn + 1}: second client ...")
    run = Run(port=port, streams=streams, seconds=seconds, body=same_bodies(measured))
    run.go()
    head = ["figure: checked by", "ours", "our 95 % interval", "check", "ours against it", "within our interval"]
    title = f"Round {turn + 1}, streams: {streams}, requests: {len(counted(measured))} and {len(run.measured())}"
    show_rows(title, [head, *engine_rows(measured), *second_rows(measured, run)])
    print("\n" + "\n".join(request_lines(measured, run)), flush=True)
    return Figure(name=f"TPOT against the engine's, round {turn + 1}", unit="%", ours=tpot_apart(measured), limit=1.0)


if __name__ == "__main__":
    sys.exit(main())
