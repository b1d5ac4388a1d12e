"""Fits the factors of facts/calibration to measurements of servers, and says how well they do on cards left out.

The measurements and the models' configurations are read from a checkout of AIConfigurator (Apache-2.0):
`git clone https://github.com/ai-dynamo/aiconfigurator`, then `python -m benchmarks.fit_speed CHECKOUT vllm dense`.
"""

import argparse
import csv
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from inference_arena.facts import Checkpoint, Experts, Layers, Model
from inference_arena.plan.roofline import (
    AT_BEST,
    Factors,
    Rates,
    Work,
    decode_work,
    first_token_s,
    kernel_rate,
    prefill_work,
    step_s,
    token_s,
)

CORE = Path("aic-core/src/aiconfigurator_core")
CHECKED = date(2026, 11, 24)
CONFIGS = {
    "meta-llama/Llama-3.1-70B": "meta-llama--Meta-Llama-3.1-70B",
    "meta-llama/Llama-3.1-8B-Instruct": "meta-llama--Meta-Llama-3.1-8B",
    "nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama--Meta-Llama-3.1-8B",
    "Qwen/Qwen3-32B": "Qwen--Qwen3-32B",
    "MiniMaxAI/MiniMax-M2.5": "MiniMaxAI--MiniMax-M2.5",
    "Qwen/Qwen3-235B-A22B-FP8": "Qwen--Qwen3-235B-A22B-FP8",
    "openai/gpt-oss-120b": "openai--gpt-oss-120b",
    "moonshotai/Kimi-K2.5": "moonshotai--Kimi-K2.5",
    "deepseek-ai/DeepSeek-R1": "deepseek-ai--DeepSeek-R1",
    "deepseek-ai/DeepSeek-V3": "deepseek-ai--DeepSeek-V3",
    "zhipuai/GLM-5": "zai-org--GLM-5",
}
QUANTIZED: dict[str, dict[str, Any]] = {
    "": {"quantization": "none", "quantized": "nothing"},
    "bf16": {"quantization": "none", "quantized": "nothing"},
    "fp8": {"quantization": "fp8", "quantized": "linear", "bits": 8},
    "fp4": {"quantization": "nvfp4", "quantized": "linear", "bits": 4, "group_size": 16},
    "int4": {"quantization": "int4", "quantized": "experts", "bits": 4, "group_size": 32},
    "mxfp4": {"quantization": "mxfp4", "quantized": "experts", "bits": 4, "group_size": 32},
}
Spread = tuple[float, float, float]
Vector = list[float]
# shares of 0.85 and 0.6, 30 us a layer and 15 us an exchange, and how much the search is drawn to them: where the
# rows do not tell two factors apart, the usual one is taken
START = [1.7, 0.4, -10.4, -11.1]
PULL = 0.003


@dataclass(frozen=True)
class Measured:
    """One measured load. `weight` makes every pair of model and card count the same."""

    card: str
    model: str
    layers: int
    cards: int
    concurrency: int
    output_tokens: int
    rates: Rates
    decode: Work
    prefill: Work
    tpot_s: float
    ttft_s: float
    weight: float = 1.0


@dataclass(frozen=True)
class Fit:
    factors: Factors
    overhead_s: float
    queue: float


def model_of_config(name: str, config: dict[str, Any]) -> Model:
    """A model from its config.json; parameters are counted from the shapes of its layers."""
    c = config.get("text_config", config)
    hidden, count, vocab = c["hidden_size"], c["num_hidden_layers"], c["vocab_size"]
    layers, attention = (_latent if c.get("kv_lora_rank") else _grouped)(c)
    experts, feed_forward = _feed_forward(c)
    parameters = 2 * vocab * hidden + count * attention + feed_forward + (2 * count + 1) * hidden
    return Model(
        name=name,
        title=name,
        family="",
        hidden_size=hidden,
        vocab_size=vocab,
        layers=layers,
        experts=experts,
        tied_embeddings=False,
        parameters=parameters,
        context_tokens=c["max_position_embeddings"],
        source="its config.json",
        checked=CHECKED,
    )


def _latent(c: dict[str, Any]) -> tuple[tuple[Layers, ...], int]:
    hidden, heads, latent, queries = c["hidden_size"], c["num_attention_heads"], c["kv_lora_rank"], c["q_lora_rank"]
    nope, rope, value = c["qk_nope_head_dim"], c["qk_rope_head_dim"], c["v_head_dim"]
    down = hidden * (queries + latent + rope)
    up = heads * (queries * (nope + rope) + latent * (nope + value) + value * hidden)
    layers = Layers(
        kind="latent",
        count=c["num_hidden_layers"],
        heads=heads,
        latent_dim=latent,
        rope_dim=rope,
        nope_dim=nope,
        value_dim=value,
        query_latent_dim=queries,
    )
    return (layers,), down + up


def _grouped(c: dict[str, Any]) -> tuple[tuple[Layers, ...], int]:
    heads, kv_heads, count = c["num_attention_heads"], c["num_key_value_heads"], c["num_hidden_layers"]
    width = c.get("head_dim") or c["hidden_size"] // heads
    sliding = (c.get("layer_types") or []).count("sliding_attention")
    shape = {"heads": heads, "kv_heads": kv_heads, "key_dim": width, "value_dim": width}
    layers = [Layers(kind="full", count=count - sliding, **shape)]
    if sliding:
        layers.append(Layers(kind="sliding", count=sliding, window_tokens=c["sliding_window"], **shape))
    return tuple(layers), c["hidden_size"] * width * 2 * (heads + kv_heads)


def _feed_forward(c: dict[str, Any]) -> tuple[Experts | None, int]:
    hidden, count, dense_size = c["hidden_size"], c["num_hidden_layers"], c["intermediate_size"]
    experts = c.get("num_experts") or c.get("num_local_experts") or c.get("n_routed_experts")
    if not experts:
        return None, count * 3 * hidden * dense_size
    dense = c.get("first_k_dense_replace", 0)
    size = c.get("moe_intermediate_size") or dense_size
    shared = (c.get("n_shared_experts") or 0) * size
    layer = 3 * hidden * (experts * size + shared) + hidden * experts
    mixture = Experts(
        count=experts,
        active=c["num_experts_per_tok"],
        layers=count - dense,
        intermediate_size=size,
        shared_intermediate_size=shared,
    )
    return mixture, dense * 3 * hidden * dense_size + (count - dense) * layer


def card_rates(text: str) -> dict[str, float]:
    return {key: float(value) for key, value in re.findall(r"^\s+(mem_bw|\w+_tc_flops): (\d+)", text, re.MULTILINE)}


def load(checkout: Path, *, engine: str, kind: str) -> list[Measured]:
    """Single-node rows of one engine that are closed loads, each once."""
    core = checkout / CORE
    models = {
        name: model_of_config(name, json.loads((core / f"model_configs/{config}_config.json").read_text("utf-8")))
        for name, config in CONFIGS.items()
    }
    seen: set[tuple[str, ...]] = set()
    rows = []
    for row in _rows(core, engine):
        model = models.get(row["model_path"])
        key = tuple(value for name, value in row.items() if name not in {"id", "silicon_data_source"})
        if model is None or (model.experts is not None) != (kind == "moe") or key in seen:
            continue
        seen.add(key)
        rates = card_rates((core / f"systems/{row['system']}.yaml").read_text("utf-8"))
        rows.append(_measured(row, model, rates))
    kept = [row for row in rows if _is_load(row)]
    counts = Counter((row.model, row.card) for row in kept)
    return [
        Measured(**{**row.__dict__, "weight": len(kept) / len(counts) / counts[row.model, row.card]}) for row in kept
    ]


def _is_load(row: Measured) -> bool:
    """Whether it is the closed load that it says: no request waited for longer than an answer takes (then fewer were
    running than were sent), and nothing was faster than the card can be (then prompts came from a cache).
    """
    fastest, _ = predicted(row, Fit(AT_BEST, 0.0, 0.0))
    return row.ttft_s <= row.output_tokens * row.tpot_s and row.tpot_s >= fastest


def _rows(core: Path, engine: str) -> Iterator[dict[str, str]]:
    with (core / "systems/silicon_sample.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            one_server = row["mode"] == "agg" and row["pp_size"] == "1" and row["attention_dp_size"] in {"", "1"}
            if row["backend"] == engine and one_server and int(row["tp_size"]) <= 8:
                yield row


def _measured(row: dict[str, str], model: Model, rates: dict[str, float]) -> Measured:
    format_ = "mxfp4" if "gpt-oss" in row["model_path"] else row["precision"]
    described: dict[str, Any] = {
        "name": "x",
        "title": "x",
        "model": "x",
        "format": "safetensors",
        "source": "x",
        "checked": CHECKED,
    }
    checkpoint = Checkpoint(**described, **QUANTIZED[format_])
    named = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"])
    concurrency = int(named[1] if named else row["batch_size"])
    prompt, answer, cards = int(row["isl"]), int(row["osl"]), int(row["tp_size"])
    flops = kernel_rate(
        checkpoint.quantization,
        fp16=rates["bfloat16_tc_flops"],
        fp8=rates["fp8_tc_flops"],
        int8=rates["int8_tc_flops"],
        fp4=rates.get("fp4_tc_flops"),
    )
    decode = decode_work(
        model, checkpoint, requests=concurrency, context_tokens=prompt + answer // 2, element=2.0, cards=cards
    )
    return Measured(
        card=row["system"],
        model=row["model_path"],
        layers=model.layer_count,
        cards=cards,
        concurrency=concurrency,
        output_tokens=answer,
        rates=Rates(bandwidth=rates["mem_bw"], flops=flops or math.nan),
        decode=decode,
        prefill=prefill_work(model, checkpoint, tokens=prompt, cached_tokens=0, element=2.0, cards=cards),
        tpot_s=float(row["silicon_tpot_ms"]) / 1000,
        ttft_s=float(row["silicon_ttft_ms"]) / 1000,
    )


def predicted(row: Measured, fit: Fit) -> tuple[float, float]:
    """Seconds a token and to the first token."""
    step = step_s(row.decode, rates=row.rates, factors=fit.factors, layers=row.layers, cards=row.cards)
    prefill = step_s(row.prefill, rates=row.rates, factors=fit.factors, layers=row.layers, cards=row.cards)
    token = token_s(step=step, prefill=prefill, concurrency=row.concurrency, output_tokens=row.output_tokens)
    first = first_token_s(
        step=step,
        prefill=prefill,
        concurrency=row.concurrency,
        overhead=fit.overhead_s,
        queue=fit.queue,
    )
    return token, first


def fit_rows(rows: Sequence[Measured]) -> Fit:
    """The four factors that make the weighted mean |log error| of TPOT least, then the two of TTFT likewise."""

    def decode_loss(v: Vector) -> float:
        fit = Fit(_factors(v), 0.0, 0.0)
        errors = sum(row.weight * abs(math.log(row.tpot_s / predicted(row, fit)[0])) for row in rows) / len(rows)
        return errors + PULL * sum((a - b) ** 2 for a, b in zip(v, START, strict=True))

    found = _factors(descend(decode_loss, START, size=0.6, steps=160))

    def first_loss(v: Vector) -> float:
        fit = Fit(found, math.exp(v[0]), math.exp(v[1]))
        return sum(row.weight * abs(math.log(row.ttft_s / predicted(row, fit)[1])) for row in rows)

    overhead, queue = descend(first_loss, [-3.5, -2.5], size=0.7, steps=80)
    return Fit(found, math.exp(overhead), math.exp(queue))


def _factors(v: Vector) -> Factors:
    """Shares between 0 and 1, times above 0 (and never so large that exp overflows)."""
    share = [1 / (1 + math.exp(-max(-20.0, min(20.0, x)))) for x in v[:2]]
    return Factors(share[0], share[1], *(math.exp(max(-20.0, min(0.0, x))) for x in v[2:]))


def descend(loss: Callable[[Vector], float], start: Vector, *, size: float, steps: int) -> Vector:
    """The minimum by the simplex of Nelder and Mead (1965)."""
    corners = [list(start), *([x + size * (i == j) for j, x in enumerate(start)] for i in range(len(start)))]
    scored = sorted((loss(corner), corner) for corner in corners)
    for _ in range(steps):
        worst_loss, worst = scored[-1]
        centre = [sum(c[i] for _, c in scored[:-1]) / len(start) for i in range(len(start))]
        best_try = min(_tries(loss, centre=centre, worst=worst, to_beat=scored[0][0]))
        if best_try[0] < worst_loss:
            scored = sorted([*scored[:-1], best_try])
            continue
        first = scored[0][1]
        shrunk = [[(a + b) / 2 for a, b in zip(first, c, strict=True)] for _, c in scored[1:]]
        scored = sorted([scored[0], *((loss(c), c) for c in shrunk)])
    return scored[0][1]


def _tries(
    loss: Callable[[Vector], float], *, centre: Vector, worst: Vector, to_beat: float
) -> Iterator[tuple[float, Vector]]:
    def at(reach: float) -> tuple[float, Vector]:
        corner = [c + reach * (c - w) for c, w in zip(centre, worst, strict=True)]
        return loss(corner), corner

    reflected = at(1.0)
    yield reflected
    yield at(2.0) if reflected[0] < to_beat else at(-0.5)


def quantiles(pairs: Sequence[tuple[float, float]]) -> Spread:
    """10 %, 50 % and 90 % of weighted values."""
    total, passed = sum(weight for _, weight in pairs), 0.0
    found: list[float] = []
    for value, weight in sorted(pairs):
        passed += weight
        while len(found) < 3 and passed >= (0.1, 0.5, 0.9)[len(found)] * total:
            found.append(value)
    return found[0], found[1], found[2]


def left_out(rows: Sequence[Measured], by: Literal["card", "model"]) -> Iterator[tuple[str, Fit, list[Measured]]]:
    """For each card or model: the fit without it, and its rows."""
    names = sorted({getattr(row, by) for row in rows})
    for name in names if len(names) > 1 else []:
        without = [row for row in rows if getattr(row, by) != name]
        yield name, fit_rows(without), [row for row in rows if getattr(row, by) == name]


def ratios(rows: Sequence[Measured], fit: Fit, which: int) -> list[tuple[float, float]]:
    """Measured over predicted with each row's weight; `which`: 0 for TPOT, 1 for TTFT."""
    return [((row.tpot_s, row.ttft_s)[which] / predicted(row, fit)[which], row.weight) for row in rows]


def held_out_spread(rows: Sequence[Measured], which: int) -> Spread:
    """Of all cards, each predicted without it; with one card alone, of the fit itself."""
    pairs = [pair for _, fit, those in left_out(rows, "card") for pair in ratios(those, fit, which)]
    return quantiles(pairs or ratios(rows, fit_rows(rows), which))


def coverage(rows: Sequence[Measured], which: int) -> float:
    """Share of the rows of a card that lie in the interval which the other cards alone give."""
    inside = total = 0.0
    for name, fit, those in left_out(rows, "card"):
        low, _, high = held_out_spread([row for row in rows if row.card != name], which)
        total += sum(row.weight for row in those)
        inside += sum(weight for ratio, weight in ratios(those, fit, which) if low <= ratio <= high)
    return inside / total


def report(rows: Sequence[Measured]) -> None:
    fit = fit_rows(rows)
    print(len(rows), "rows", dict(Counter((row.model, row.card) for row in rows)))
    print(fit)
    for which, name in enumerate(("TPOT", "TTFT")):
        low, middle, high = quantiles(ratios(rows, fit, which))
        mean = sum(abs(1 / r - 1) * w for r, w in ratios(rows, fit, which)) / len(rows)
        print(f"{name}: in sample p10 {low:.3f} median {middle:.3f} p90 {high:.3f}, mean error {mean:.1%}")
        for by in ("card", "model"):
            for left, without, those in left_out(rows, by):
                spread = quantiles(ratios(those, without, which))
                print(f"  without {left}: p10 {spread[0]:.3f} median {spread[1]:.3f} p90 {spread[2]:.3f}")
        print(f"  left-out cards pooled: {held_out_spread(rows, which)}, covered {coverage(rows, which):.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("engine", choices=["vllm", "sglang"])
    parser.add_argument("kind", choices=["dense", "moe"])
    asked = parser.parse_args()
    report(load(asked.checkout, engine=asked.engine, kind=asked.kind))
