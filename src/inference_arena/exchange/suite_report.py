"""A suite's report as Markdown, as one HTML page and as a document: what ran, the numbers, what failed and why."""

import html
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

from inference_arena import units
from inference_arena.exchange.markdown import markdown_table
from inference_arena.record import LoadSummary, Record
from inference_arena.store import SuiteReport, SuiteRow

HEADINGS: Final = ("item", "load", "output tok/s", "tok/s per user", "TTFT p50", "TPOT p50", "failed", "doubts")
STYLE: Final = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); text-align: right }
th, td { padding: .3rem .6rem }
th:first-child, td:first-child, td:last-child, th:last-child { text-align: left }
.scroll { overflow-x: auto }
code { overflow-wrap: anywhere }
.failed { border-left: 4px solid #b3261e; padding-left: .8rem; margin: 1rem 0 }
svg { max-width: 100%; height: auto }
"""


def suite_document(report: SuiteReport) -> dict[str, Any]:
    """What a program reads; whole records are named, not held."""
    return {
        "suite": report.name,
        "title": report.title,
        "launches": report.launches,
        "items": [
            {
                "label": row.label,
                "command": shlex.join(("arena", "run", *row.argv)),
                "records": [record.id for record in row.records],
                "finished": len(row.finished),
                "failures": list(row.failures),
                "rows": [dict(zip(HEADINGS[1:], cells[1:], strict=True)) for cells in _cells(row)],
            }
            for row in report.rows
        ],
    }


def suite_markdown(report: SuiteReport) -> str:
    """A summary, then each record as `arena export --markdown` has it."""
    parts = [f"# {report.title}", "", *([report.about, ""] if report.about else []), *_table(report), ""]
    for row in report.rows:
        parts += [f"## {row.label}", "", f"`{shlex.join(('arena', 'run', *row.argv))}`", ""]
        parts += [f"- did not run: {failure}" for failure in row.failures]
        parts += ["", *(markdown_table(record) for record in row.records)]
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(report: SuiteReport) -> list[str]:
    rows = [cells for row in report.rows for cells in _cells(row)]
    return [_line(HEADINGS), _line(["---"] + ["---:"] * (len(HEADINGS) - 2) + ["---"]), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _cells(row: SuiteRow) -> Iterator[tuple[str, ...]]:
    """One line a load of the newest record that finished; one line with dashes where there is none."""
    if not row.finished:
        ended = row.records[-1].outcome.kind if row.records else "refused" if row.refused else "not run yet"
        yield (row.label, ended, *[units.DASH] * (len(HEADINGS) - 2))
        return
    record = row.finished[-1]
    doubts = " ".join(doubt.code for doubt in record.summary.doubts) if record.summary else ""
    for load in record.summary.loads if record.summary else ():
        yield (row.label, *_numbers(load), doubts or units.DASH)


def _numbers(load: LoadSummary) -> tuple[str, ...]:
    return (
        load.load.label,
        units.number(load.output_tokens_per_s.value if load.output_tokens_per_s else None),
        units.number(load.output_tokens_per_s_per_user),
        units.seconds(load.ttft_s.value if load.ttft_s else None),
        units.seconds(load.tpot_s.value if load.tpot_s else None),
        str(load.failed),
    )


def suite_html(report: SuiteReport, *, pictures: "dict[str, str] | None" = None) -> str:
    """One page that needs nothing else. `pictures`: SVG by record id, made elsewhere."""
    say = html.escape
    head = "".join(f"<th>{say(name)}</th>" for name in HEADINGS)
    lines = [cells for row in report.rows for cells in _cells(row)]
    body = "".join("<tr>" + "".join(f"<td>{say(cell)}</td>" for cell in cells) + "</tr>" for cells in lines)
    sections = "".join(_section(row, pictures or {}) for row in report.rows)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{say(report.title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
        f"<h1>{say(report.title)}</h1><p>{say(report.about)}</p>"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{sections}'
        "</body></html>\n"
    )


def _section(row: SuiteRow, pictures: dict[str, str]) -> str:
    say = html.escape
    command = say(shlex.join(("arena", "run", *row.argv)))
    failed = "".join(f'<p class="failed">{say(failure)}</p>' for failure in row.failures)
    drawn = "".join(pictures.get(record.id, "") for record in row.finished)
    doubts = "".join(_doubts(record) for record in row.finished[-1:])
    return f"<h2>{say(row.label)}</h2><p><code>{command}</code></p>{failed}{drawn}{doubts}"


def _doubts(record: Record) -> str:
    say = html.escape
    found = record.summary.doubts if record.summary else ()
    items = "".join(f"<li>{say(d.code)}: {say(d.evidence)}. {say(d.advice)}</li>" for d in found)
    return f"<p>Doubts of {say(record.id)}:</p><ul>{items}</ul>" if items else ""
