"""From the options of `arena run`, and of verbs that share them, to what is asked."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

from inference_arena import units
from inference_arena.cli import load_options
from inference_arena.cli.run_words import choose_seed, split_flags

if TYPE_CHECKING:
    from inference_arena.run import Asked

# fields of what is asked that are options by the same name and of the same type
_SAME = (
    "url", "weights", "anyway", "endpoint", "arrivals", "input_tokens", "output_tokens", "exact", "natural", "requests",
    "parallel", "threads", "kv_cache_type", "gpu_layers", "tensor_parallel", "replicas", "port", "program",
    "image", "container_engine",
)  # fmt: skip


def asked_of(said: Mapping[str, Any]) -> "Asked":
    """What the options say, by the parameters of `arena run`; raises UsageError for what cannot be read."""
    from inference_arena.run import Asked  # noqa: PLC0415  # heavy, and `arena --help` shows these verbs too

    name, _, release = (said["engine"] or "").partition("==")
    fields = {
        **{field: said[field] for field in _SAME},
        **load_options.people(**said),
        "model": said["server_model"] if said["url"] is not None else said["model"],
        "engine": name or None,
        "release": release or None,
        "container": any((said["container"], said["image"], said["container_engine"])) or None,
        "concurrency": _numbers(said["concurrency"], whole=True, name="--concurrency"),
        "rates": _numbers(said["rate"], whole=False, name="--rate"),
        "duration_s": _seconds(said["duration"]),
        "warmup_s": _seconds(said["warmup"]),
        "seed": choose_seed(said["seed"], url=said["url"]),
        "repeats": said["repeat"],
        "context_tokens": said["context"],
        "flags": split_flags(said["flag"] or ()),
        "slo": said["goal"],
        "ready_limit_s": units.parse_seconds(said["ready_timeout"]),
        "request_limit_s": units.parse_seconds(said["request_timeout"]),
    }
    return Asked(**fields)


def _numbers(text: str | None, *, whole: bool, name: str) -> tuple[float, ...]:
    return () if text is None else units.parse_numbers(text, whole=whole, name=name)


def _seconds(text: str | None) -> float | None:
    return None if text is None else units.parse_seconds(text)


def defaults_of(verb: Callable[..., Any]) -> dict[str, Any]:
    """What a verb's options are when nothing is said."""
    parameters = inspect.signature(verb).parameters.values()
    return {one.name: None if one.default is one.empty else one.default for one in parameters}


def with_options_of(
    verb: Callable[..., Any], names: Sequence[str]
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The decorated verb takes these options of another verb too, defined once, and gets them as keyword arguments."""

    def decorate(own: Callable[..., int]) -> Callable[..., int]:
        shared, mine = inspect.signature(verb).parameters, inspect.signature(own).parameters.values()
        kept = [one for one in mine if one.kind is not one.VAR_KEYWORD]
        added = [shared[name].replace(kind=inspect.Parameter.KEYWORD_ONLY) for name in names]

        @wraps(own)
        def both(**said: Any) -> int:
            return own(**said)

        first = [one for one in kept if one.kind is not one.KEYWORD_ONLY]
        last = [one for one in kept if one.kind is one.KEYWORD_ONLY]
        both.__signature__ = inspect.Signature([*first, *last, *added], return_annotation=int)  # type: ignore[attr-defined]
        both.__annotations__ = {one.name: one.annotation for one in (*kept, *added)} | {"return": int}
        del both.__wrapped__  # its signature would be looked at instead
        return both

    return decorate
