"""What a record says of itself that another may say differently, and how heavily that weighs. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from inference_arena import units
from inference_arena.facts import Device, Fact
from inference_arena.record import Record

Weight = Literal["forbids", "careful", "fine"]


class Unlike(Fact):
    """One thing in which two sides differ, and what that means for the comparison."""

    field: str
    a: str
    b: str
    weight: Weight
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trait:
    """`read` puts one record's trait into words; None where the record does not say.

    `told_only`: a record that does not say, as one of a failed launch, differs from none.
    """

    field: str
    read: Callable[[Record], str | None]
    weight: Weight
    why: str
    of_the_machine: bool = False
    told_only: bool = False


def told(records: Iterable[Record], read: Callable[[Record], str | None]) -> str:
    """What the records say, each different thing once; a dash where they do not."""
    return "; ".join(dict.fromkeys(read(record) or units.DASH for record in records))


def _lengths(record: Record) -> str:
    lengths = record.trial.lengths
    spread = f" (± {units.percent(lengths.output_jitter)})" if lengths.output_jitter else ""
    spread = ", spread as observed" if lengths.input_spread or lengths.output_spread else spread
    ends = "forced" if lengths.ignore_eos else "natural end"
    return f"{lengths.input_tokens:,} in, {lengths.output_tokens:,} out{spread}, {ends}"


def _talks(record: Record) -> str:
    sessions = record.trial.sessions
    if sessions is None:
        return "single questions"
    system = f", {sessions.system_tokens:,} shared tokens" if sessions.system_tokens else ""
    return f"{sessions.turns} turns, {units.seconds(sessions.think_s)} between them{system}"


def _patience(record: Record) -> str:
    patience = record.trial.patience
    if patience is None:
        return "nobody"
    waits = (("without a word", patience.first_token_s), ("in a freeze", patience.freeze_s))
    said = [f"{why} after {units.seconds(after_s)}" for why, after_s in waits if after_s is not None]
    return ", ".join([*said, *([f"{units.percent(patience.leave_share)} by chance"] if patience.leave_share else [])])


def _own_prompts(record: Record) -> str:
    data = record.trial.data
    return "none" if data is None else f"{data.prompts:,}, sha256 {data.sha256[:8]}"


def _goal(record: Record) -> str:
    slo = record.trial.slo
    bounds = (("TTFT", slo.ttft_s), ("TPOT", slo.tpot_s))
    said = ", ".join(f"{name} {units.seconds(bound)}" for name, bound in bounds if bound is not None)
    return f"{slo.name} ({said})" if said else slo.name


def _form(record: Record) -> str:
    return "started for the run" if record.engine.form != "attached" else "ran already"


def _of_cards(read: Callable[[Device], str | None]) -> Callable[[Record], str | None]:
    def of_record(record: Record) -> str | None:
        said = [read(device) for device in record.host.devices]
        return ", ".join(dict.fromkeys(text for text in said if text is not None)) or None

    return of_record


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _number(value: float | None, unit: str = "") -> str | None:
    return None if value is None else f"{value:g}{unit}"


def _mhz(value: float | None) -> str | None:
    return None if value is None else f"{value / 1e6:.0f} MHz"


_WORK: Final = "the servers were not asked for the same work"
_PLACE: Final = "latencies hold the way there"
_PART: Final = "it may be the cause of a difference"
_STATE: Final = "the cards were not in the same state"

TRAITS: Final = (
    Trait(
        field="purpose",
        read=lambda record: record.purpose,
        weight="forbids",
        why="a self-test measures tool and machine, not a model",
    ),
    Trait(
        field="metrics version",
        read=lambda record: str(record.summary.metrics_version) if record.summary else None,
        weight="forbids",
        why="the same name stands for another arithmetic: measure again with one arena",
        told_only=True,
    ),
    Trait(field="endpoint", read=lambda record: record.trial.endpoint, weight="forbids", why=_WORK),
    Trait(field="lengths", read=_lengths, weight="forbids", why=_WORK),
    Trait(field="talks", read=_talks, weight="forbids", why=_WORK),
    Trait(field="people leave", read=_patience, weight="forbids", why=_WORK),
    Trait(field="own prompts", read=_own_prompts, weight="forbids", why=_WORK),
    Trait(
        field="prefix cache",
        read=lambda record: record.trial.cache or "as the engine has it",
        weight="forbids",
        why="what an engine has read before it need not read again",
    ),
    Trait(field="reached over", read=lambda record: record.engine.location, weight="forbids", why=_PLACE),
    Trait(field="goal", read=_goal, weight="careful", why="goodput and attainment are not compared"),
    Trait(field="server", read=_form, weight="careful", why="a server that ran already may be warm, or busy"),
    Trait(
        field="left out",
        read=lambda record: ", ".join(record.engine.dropped_parameters) or "nothing",
        weight="careful",
        why="a parameter that one server does not take may change its work",
    ),
    Trait(field="arena", read=lambda record: record.arena.version, weight="careful", why=_PART),
    Trait(field="driver", read=_of_cards(lambda d: d.driver_version), weight="careful", why=_PART, of_the_machine=True),
    Trait(
        field="runtime", read=_of_cards(lambda d: d.runtime_version), weight="careful", why=_PART, of_the_machine=True
    ),
    Trait(
        field="power limit",
        read=_of_cards(lambda d: _number(d.power_limit_w, " W")),
        weight="careful",
        why=_STATE,
        of_the_machine=True,
    ),
    Trait(
        field="most MHz",
        read=_of_cards(lambda d: _mhz(d.sm_clock_max_hz)),
        weight="careful",
        why=_STATE,
        of_the_machine=True,
    ),
    Trait(
        field="PCIe width",
        read=_of_cards(lambda d: _number(d.pcie_width)),
        weight="careful",
        why=_STATE,
        of_the_machine=True,
    ),
    Trait(field="ECC", read=_of_cards(lambda d: _yes(d.ecc)), weight="careful", why=_STATE, of_the_machine=True),
    Trait(field="MIG", read=_of_cards(lambda d: _yes(d.mig)), weight="careful", why=_STATE, of_the_machine=True),
    Trait(
        field="display",
        read=_of_cards(lambda d: _yes(d.display_attached)),
        weight="careful",
        why=_STATE,
        of_the_machine=True,
    ),
    Trait(
        field="others on card",
        read=_of_cards(lambda d: None if d.other_processes is None else _yes(d.other_processes > 0)),
        weight="careful",
        why="other programs held memory of the card, and may have used it",
        of_the_machine=True,
    ),
    Trait(
        field="runs inside",
        read=lambda record: record.host.virtualization,
        weight="careful",
        why=_PART,
        of_the_machine=True,
    ),
    Trait(
        field="kernel",
        read=lambda record: f"{record.host.os}, {record.host.kernel}",
        weight="careful",
        why=_PART,
        of_the_machine=True,
    ),
)
