"""A record as a Markdown text for an issue or a forum post: what ran, the numbers, and the doubts beside them."""

import re
from collections.abc import Sequence

from inference_arena import units
from inference_arena.record import Doubt, Failed, Finished, Interrupted, LoadSummary, Outcome, Record, Summary

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|&#~$])")
_HEADINGS = ("load", "requests", "failed", "output tok/s", "tok/s per user", "TTFT p50", "TTFT p90", "TPOT p50", "SLO")


def markdown_table(record: Record) -> str:
    """Heading, what ran, one row a load, doubts. Texts of the record are escaped: they may be a stranger's."""
    engine = f"{record.engine.name} {record.engine.version or ''}".strip()
    lines = [f"### {plain(record.model.name)} on {plain(engine)}", "", *_what_ran(record), ""]
    if record.summary:
        lines += [*_numbers(record.summary), *_doubts(record.summary.doubts)]
    return "\n".join(lines).rstrip("\n") + "\n"


def plain(text: str) -> str:
    visible = "".join(c if c.isprintable() else " " for c in text)
    return _SPECIAL.sub(r"\\\1", visible)


def _what_ran(record: Record) -> list[str]:
    devices = ", ".join(device.name or device.vendor for device in record.host.devices)
    facts = {
        "record": f"{record.id}, {record.started_at}",
        "machine": ", ".join(
            part for part in (devices, record.host.cpu_model, units.gib(record.host.ram_bytes)) if part
        ),
        "quantization": record.model.quantization or units.DASH,
        "workload": f"{record.trial.workload or 'own lengths'}: {_lengths(record)}",
        "SLO": record.trial.slo.name,
        "outcome": _outcome(record.outcome),
    }
    return [f"- {name}: {plain(fact)}" for name, fact in facts.items()]


def _lengths(record: Record) -> str:
    lengths = record.trial.lengths
    return f"{lengths.input_tokens} tokens in, {lengths.output_tokens} out"


def _outcome(outcome: Outcome) -> str:
    match outcome:
        case Finished():
            return "finished"
        case Failed():
            return f"failed at {outcome.stage}: {outcome.what} ({outcome.cause}); {outcome.why}"
        case Interrupted():
            return f"interrupted at {outcome.stage} by {outcome.by}"


def _numbers(summary: Summary) -> list[str]:
    return [
        _row(_HEADINGS),
        _row(["---"] + ["---:"] * (len(_HEADINGS) - 1)),
        *(_row(_load(x)) for x in summary.loads),
        "",
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _load(load: LoadSummary) -> list[str]:
    return [
        load.load.label,
        str(load.requests),
        str(load.failed),
        units.number(load.output_tokens_per_s.value if load.output_tokens_per_s else None),
        units.number(load.output_tokens_per_s_per_user),
        units.seconds(load.ttft_s.value if load.ttft_s else None),
        units.seconds(load.ttft_p90_s),
        units.seconds(load.tpot_s.value if load.tpot_s else None),
        {True: "met", False: "missed", None: units.DASH}[load.slo_met],
    ]


def _doubts(doubts: Sequence[Doubt]) -> list[str]:
    return [f"- {doubt.weight} **{plain(doubt.code)}**: {plain(doubt.evidence)}" for doubt in doubts]
