"""How fast a model answers on a card, as intervals: a roofline, corrected by what was measured of engine and card.

Knows bandwidths, rates and factors; knows no memory budget (whether it fits is asked elsewhere) and starts nothing.
"""

import math
from typing import NamedTuple

from inference_arena.errors import UsageError
from inference_arena.facts import Calibration, Checkpoint, Fact, Model, at_least, calibration
from inference_arena.plan.interval import Interval, bounds, per_second, seconds, span, throughput
from inference_arena.plan.kv_cache import element_bytes
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
from inference_arena.plan.target import Target

NO_BANDWIDTH = "the memory bandwidth of this card is unknown"
NO_FACTORS = "nobody has measured how near any engine comes to the best on cards of this kind"
NO_RATE = "the computing rate of this card is unknown, and reading prompts depends on it"
NO_SHARE = "nobody has measured what share of its computing rate a card of this kind reaches when it reads prompts"
NO_RAM = "part of the weights is in the machine's memory, whose bandwidth is unknown"
NO_HOST_PREFILL = "nobody has measured how fast prompts are read while part of the weights is in the machine's memory"


# steps without graphs were up to five times as slow as with them in the records that come with the project
UNKNOWN_EAGER = 5.0
# cards with tensor cores: what came before computes by other kernels
OLDEST_MEASURED = "7.0"


class Speed(Fact):
    """Speeds of a server that always has the same number of requests in flight; None: see `unknown`.

    decode_tokens_per_s_per_user: what one user sees while an answer comes. output_tokens_per_s: of all users, waiting
    for prompts included. tpot_s: seconds a token after the first. ttft_s: seconds until the first one.
    prefill_tokens_per_s: how fast one prompt is read when nothing else is.
    """

    decode_tokens_per_s_per_user: Interval | None
    output_tokens_per_s: Interval | None
    tpot_s: Interval | None
    ttft_s: Interval | None
    prefill_tokens_per_s: Interval | None
    unknown: tuple[str, ...] = ()


class _Load(NamedTuple):
    """What one card does for a step and for a prompt, and how many requests of which lengths there are."""

    decode: Work
    prefill: Work
    rates: Rates
    layers: int
    cards: int
    concurrency: int
    input_tokens: int
    output_tokens: int
    strange: bool
    eager: bool


class _Times(NamedTuple):
    """Seconds of one decoding step, of one prompt, a token and to the first one, with one set of factors."""

    step: float
    prefill: float
    token: float
    first: float


def speed(
    model: Model,
    checkpoint: Checkpoint,
    target: Target,
    *,
    engine: str,
    concurrency: int,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int = 0,
    kv_cache_type: str | None = None,
    tensor_parallel: int = 1,
    host_share: float = 0.0,
    eager: bool = False,
) -> Speed:
    """Speeds with `concurrency` requests in flight, each of `input_tokens` after `cached_tokens` that are known.

    `tensor_parallel`: cards that work on each layer together. `host_share`: share of the weights that stays in the
    machine's memory (llama.cpp). `eager`: steps are not recorded, and the processor starts each kernel. What
    depends on a figure that nobody knows is None, and `unknown` says which.
    """
    _check(concurrency, input_tokens, output_tokens, tensor_parallel)
    kind = "dense" if model.experts is None else "moe"
    measured = calibration(engine=engine, kind=kind, form=target.form)
    if target.bandwidth_bytes_per_s is None or measured is None:
        return _nothing(NO_BANDWIDTH if target.bandwidth_bytes_per_s is None else NO_FACTORS)
    if host_share > 0 and target.ram_bandwidth_bytes_per_s is None:
        return _nothing(NO_RAM)
    flops = _flops(checkpoint, target)
    reason = _why_no_prefill(flops, measured, host_share)
    if reason is not None and concurrency > 1:
        return _nothing(reason)
    element = element_bytes(kv_cache_type)
    decode = decode_work(
        model,
        checkpoint,
        requests=concurrency,
        context_tokens=cached_tokens + input_tokens + output_tokens // 2,
        element=element,
        cards=tensor_parallel,
        host_share=host_share,
        host_bandwidth=target.ram_bandwidth_bytes_per_s or math.inf,
    )
    prefill = prefill_work(
        model, checkpoint, tokens=input_tokens, cached_tokens=cached_tokens, element=element, cards=tensor_parallel
    )
    rates = Rates(bandwidth=target.bandwidth_bytes_per_s, flops=flops or math.inf)
    load = _Load(
        decode=decode,
        prefill=prefill,
        rates=rates,
        layers=model.layer_count,
        cards=tensor_parallel,
        concurrency=concurrency,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        strange=is_strange(target),
        eager=eager,
    )
    return _speed(load, measured, reason=reason)


def _check(*counts: int) -> None:
    if min(counts) < 1:
        raise UsageError(
            "there is no speed without a request, a prompt, an answer and a card", why="each must be 1 or more"
        )


def is_strange(target: Target) -> bool:
    """Whether no card of its maker, or of its age, was among those measured."""
    if target.vendor == "nvidia":
        return target.compute_capability is not None and not at_least(target.compute_capability, OLDEST_MEASURED)
    return target.vendor not in {"apple", None}


def between(slow: Speed, fast: Speed, *, source: str) -> Speed:
    """Speeds of a machine of which only the two ends of a range are known; None where one end has none."""
    names = ("decode_tokens_per_s_per_user", "output_tokens_per_s", "tpot_s", "ttft_s", "prefill_tokens_per_s")
    pairs = {name: (getattr(slow, name), getattr(fast, name)) for name in names}
    spans = {name: None if None in pair else span(*pair, source=source) for name, pair in pairs.items()}
    return Speed(**spans, unknown=tuple(dict.fromkeys((*slow.unknown, *fast.unknown))))


def _nothing(reason: str) -> Speed:
    return Speed(
        decode_tokens_per_s_per_user=None,
        output_tokens_per_s=None,
        tpot_s=None,
        ttft_s=None,
        prefill_tokens_per_s=None,
        unknown=(reason,),
    )


def _flops(checkpoint: Checkpoint, target: Target) -> float | None:
    """Cards without tensor cores have no 16-bit rate of their own: they compute at their FP32 rate."""
    rate = kernel_rate(
        checkpoint.quantization,
        fp16=target.fp16_flops,
        fp8=target.fp8_flops,
        int8=target.int8_ops,
        fp4=target.fp4_flops,
    )
    return target.fp32_flops if rate is None else rate


def _why_no_prefill(flops: float | None, measured: Calibration, host_share: float) -> str | None:
    if flops is None:
        return NO_RATE
    if measured.compute_share is None:
        return NO_SHARE
    return NO_HOST_PREFILL if host_share > 0 else None


def _speed(load: _Load, measured: Calibration, *, reason: str | None) -> Speed:
    started_s = load.layers * (measured.eager_layer_s or 0.0) if load.eager else 0.0
    likely = _times(load, _factors(measured), overhead=measured.overhead_s, queue=measured.queue_share, least=started_s)
    best = _times(load, AT_BEST, overhead=0.0, queue=0.0, least=0.0)
    slower = _slower(load, measured)
    tpot = seconds(likely.token, best=best.token, within=bounds(measured.decode, source=measured.source, slower=slower))
    per_user = per_second(1.0, tpot)
    if reason is not None:
        return _nothing(reason).model_copy(update={"tpot_s": tpot, "decode_tokens_per_s_per_user": per_user})
    within = bounds(measured.prefill, source=measured.source, slower=slower)
    ttft = seconds(likely.first, best=best.first, within=within)
    return Speed(
        decode_tokens_per_s_per_user=per_user,
        output_tokens_per_s=throughput(
            requests=load.concurrency,
            tokens=load.output_tokens,
            first=ttft,
            each=tpot,
            most=load.concurrency / best.step,
        ),
        tpot_s=tpot,
        ttft_s=ttft,
        prefill_tokens_per_s=per_second(load.input_tokens, seconds(likely.prefill, best=best.prefill, within=within)),
    )


def _factors(measured: Calibration) -> Factors:
    """Where the share of the rate is unknown only one request is planned for, and computing is never its limit."""
    return Factors(
        memory=measured.memory_share,
        compute=measured.compute_share or 1.0,
        layer_s=measured.layer_s,
        exchange_s=measured.exchange_s or 0.0,
    )


def _slower(load: _Load, measured: Calibration) -> float:
    """How much further out the slow end lies where nobody measured: more requests at once than anybody tried, weights
    in the machine's memory, cards whose exchange is unknown (then a second card might gain nothing at all), and cards
    of other makers or another age; and steps without graphs of an engine whose own cost of starting them is unknown.
    """
    untried = load.concurrency > measured.most_concurrency or load.decode.host_s > 0
    apart = load.cards if load.cards > 1 and measured.exchange_s is None else 1
    started = UNKNOWN_EAGER if load.eager and measured.eager_layer_s is None else 1.0
    return (measured.beyond if untried else 1.0) * apart * started * (measured.other_makers if load.strange else 1.0)


def _times(load: _Load, factors: Factors, *, overhead: float, queue: float, least: float) -> _Times:
    """`least`: what any step takes at least, because the processor must start it."""
    step = max(least, step_s(load.decode, rates=load.rates, factors=factors, layers=load.layers, cards=load.cards))
    prefill = max(least, step_s(load.prefill, rates=load.rates, factors=factors, layers=load.layers, cards=load.cards))
    token = token_s(step=step, prefill=prefill, concurrency=load.concurrency, output_tokens=load.output_tokens)
    first = first_token_s(step=step, prefill=prefill, concurrency=load.concurrency, overhead=overhead, queue=queue)
    return _Times(step=step, prefill=prefill, token=token, first=first)
