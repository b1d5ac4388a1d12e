"""Numbers and names as words for people: no more digits than the interval deserves, no character that acts."""

import math

from inference_arena import printable, units
from inference_arena.facts import checkpoints
from inference_arena.plan import Load
from inference_arena.record import Estimate, Record

UNNAMED = "unknown"  # the model of a server that failed before it named one
_SERVERS = {
    "same-host": "a server on this machine",
    "private-network": "a server in your network",
    "internet": "a server on the internet",
}
plain = printable.plain  # every page's words go through it


def half_width(estimate: Estimate) -> float | None:
    """Half of the interval, the longer side where it is lopsided; None where the interval is unknown."""
    if estimate.low is None or estimate.high is None:
        return None
    return max(estimate.high - estimate.value, estimate.value - estimate.low)


def deserved(value: float, *, half: float | None, most: int = 3) -> str:
    """The value with the digits its interval deserves, `most` at most: 2,490 for 2487 +- 130; two if unknown."""
    if half is None or value == 0:
        return units.number(value, digits=2)
    return _fixed(value, decimals=_decimals(value, half=half, most=most))


def spread(value: float, *, half: float | None) -> str:
    """The half-width at the same last digit as the value; empty where unknown."""
    if half is None or value == 0:
        return ""
    decimals = _decimals(value, half=half, most=3)
    return _fixed(max(half, 10.0**-decimals), decimals=decimals)


def measured(estimate: Estimate | None) -> str:
    """Value and interval: 95 ± 4."""
    if estimate is None:
        return units.DASH
    half = half_width(estimate)
    beside = spread(estimate.value, half=half)
    return deserved(estimate.value, half=half) + (f" ± {beside}" if beside else "")


def rate(estimate: Estimate | None) -> str:
    """Tokens per second with the interval in brackets: 95 tok/s (± 4)."""
    if estimate is None:
        return units.DASH
    half = half_width(estimate)
    beside = spread(estimate.value, half=half)
    return f"{deserved(estimate.value, half=half)} tok/s" + (f" (± {beside})" if beside else "")


def duration(value: float | None, *, half: float | None = None) -> str:
    """A latency with the digits it deserves, two at most: 2.5 s, 84 ms. Nobody feels the third."""
    if value is None:
        return units.DASH
    if not 0.001 <= value < 100:
        return units.seconds(value)
    scale, unit = (1000, "ms") if value < 1 else (1, "s")
    return f"{deserved(value * scale, half=None if half is None else half * scale, most=2)} {unit}"


def latency(estimate: Estimate | None) -> str:
    return units.DASH if estimate is None else duration(estimate.value, half=half_width(estimate))


def _decimals(value: float, *, half: float, most: int) -> int:
    """Decimals to print: one digit of the half-width, two where it starts with 1; at most `most` digits of the value.

    Digits before the point are only given up for the interval's sake: 2,487 +- 2 stays what it is.
    """
    whole = math.floor(math.log10(abs(value)))
    limit = max(0, most - 1 - whole)
    if half <= 0:
        return limit
    power = math.floor(math.log10(half))
    # two digits always: "40 ± 20" for 44 would contradict the 44 that lists and curves show
    return min(limit, max(1 - whole, -power + (1 if half / 10.0**power < 2 else 0)))


def _fixed(value: float, *, decimals: int) -> str:
    rounded = round(value, decimals)
    if rounded == 0:
        return "0"
    return units.number(rounded, digits=max(1, math.floor(math.log10(abs(rounded))) + 1 + decimals))


def with_load(load: Load) -> str:
    """The load in a sentence: with one user, with 8 at once, at 0.5 requests/s."""
    if load.kind == "open":
        return f"at {load.level:g} requests/s"
    if load.people:
        return "with one person" if load.concurrency == 1 else f"with {load.label}"
    return "with one user" if load.concurrency == 1 else f"with {load.concurrency} at once"


def for_load(load: Load) -> str:
    return with_load(load).replace("with ", "for ")


def up_to(load: Load) -> str:
    if load.kind == "open":
        return f"up to {load.level:g} requests/s"
    return "for one user" if load.concurrency == 1 else f"up to {load.concurrency} at once"


def model_name(record: Record) -> str:
    """The catalogue's title where the file is known by its hash; else the name it was given."""
    card = checkpoints().get(record.model.checkpoint or "")
    if card is not None:
        return plain(card.title.replace(",", ""))
    quantization = record.model.quantization
    known = quantization in (None, "none") or quantization.lower() in record.model.name.lower()
    return plain(record.model.name if known else f"{record.model.name} {quantization}")


def title(record: Record) -> str:
    """What ran on what. A server that never named its model is told by where it is: records hold no names of hosts."""
    if record.engine.form == "attached" and record.model.name == UNNAMED:
        return _SERVERS[record.engine.location]
    return f"{model_name(record)} on {engine_name(record)}"


def engine_name(record: Record) -> str:
    engine = record.engine
    return plain(" ".join(part for part in (engine.program or engine.name, engine.version) if part))


def gpu_names(record: Record) -> str:
    memory = [f" ({units.gib(d.memory_bytes)})" if d.memory_bytes else "" for d in record.host.devices]
    names = [
        f"{d.name or d.vendor + ' GPU ' + str(d.index)}{m}" for d, m in zip(record.host.devices, memory, strict=True)
    ]
    return plain(", ".join(names))


def gpu_unused(record: Record) -> bool:
    """True when a GPU is there and the engine says why it did without."""
    reason = record.engine.choices.get("gpu")
    if not record.host.devices or reason is None:
        return False
    # records of other engines once carried llama-server's reason, although they had used the card
    return record.trial.engine == "llamacpp" or "llama-server" not in reason


def machine_name(record: Record) -> str:
    """What computed: the GPU if it was used, else the processor."""
    if record.host.devices and not gpu_unused(record):
        return gpu_names(record)
    return plain(f"{record.host.cpu_cores}-core {record.host.cpu_model or 'processor'}")
