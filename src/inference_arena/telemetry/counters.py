"""The engine's own counters, fetched as Prometheus text. Knows no engine: the names to look for are given.

One number for each of our names: samples of one name that differ in labels only (one a worker, say) are added, shares
of them averaged.
"""

import math
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from statistics import fmean

from prometheus_client.parser import text_string_to_metric_families

from inference_arena.errors import UsageError
from inference_arena.record import CounterSample

# A page of vLLM's is some 100 kB; a server that sends more than this is not telling counters
_MOST_BYTES = 8 * 1024**2
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Where an engine tells its counters, and what it calls those that we keep: our name -> its name."""

    url: str
    names: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise UsageError(f"not an address of counters: {self.url!r}", try_="http://127.0.0.1:8080/metrics")


def read_counters(counters: Counters, *, now_s: Callable[[], float], timeout_s: float = 2.0) -> Sequence[CounterSample]:
    """One sample, timed when the answer was complete; none where the engine did not answer, or not sensibly."""
    try:
        text = _fetch(counters.url, give_up_at_s=now_s() + timeout_s, now_s=now_s)
        t_s = now_s()
        values = parse_counters(text, names=counters.names)
    except (OSError, HTTPException, ValueError):
        return ()
    return (CounterSample(t_s=t_s, values=values),) if values else ()


def parse_counters(text: str, *, names: Mapping[str, str]) -> dict[str, float]:
    """Our names and their values; a name is absent where the text lacks it or gives no finite number."""
    wanted = set(names.values())
    # Only the wanted lines are parsed: a whole page of vLLM's would cost 20 ms of processor time every second
    lines = [line for line in text.splitlines() if _name_of(line) in wanted]
    found: defaultdict[str, list[float]] = defaultdict(list)
    for family in text_string_to_metric_families("\n".join([*lines, ""])):
        for sample in family.samples:
            found[sample.name].append(float(sample.value))
    told = {ours: _of_all(ours, found[theirs]) for ours, theirs in names.items() if theirs in found}
    return {ours: value for ours, value in told.items() if math.isfinite(value)}


def _of_all(name: str, values: Sequence[float]) -> float:
    """An engine may tell a number for each copy of the model: shares are averaged, counts added."""
    return fmean(values) if name.endswith(("_share", "_length")) else sum(values)


def _name_of(line: str) -> str:
    return line.partition("{")[0].split(maxsplit=1)[0] if line.strip() and line[0] not in "#{" else ""


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Made once: from Python 3.12 on, each new one reads the machine's certificates.

    A proxy of the environment is not asked: counters are read from where the engine's port is.
    """
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _fetch(url: str, *, give_up_at_s: float, now_s: Callable[[], float]) -> str:
    """The page's text. The time limit holds for the whole answer, not only for each read of it."""
    with _opener().open(url, timeout=max(0.001, give_up_at_s - now_s())) as answer:
        return b"".join(_bounded(answer.read1, give_up_at_s=give_up_at_s, now_s=now_s)).decode("utf-8")


def _bounded(read: Callable[[int], bytes], *, give_up_at_s: float, now_s: Callable[[], float]) -> Iterable[bytes]:
    seen_bytes = 0
    while chunk := read(_CHUNK_BYTES):
        seen_bytes += len(chunk)
        if seen_bytes > _MOST_BYTES or now_s() > give_up_at_s:
            raise TimeoutError(f"no end of {seen_bytes} bytes of counters")
        yield chunk
