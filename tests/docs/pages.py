"""Makes the parts of docs/reference that the code knows. Meanings stay where they are written: in the pages.

A generated part stands between `<!-- begin: NAME -->` and `<!-- end -->`. In its tables the cells that the code cannot
know (a field's meaning, a doubt's threshold) are taken over from the page; a new row has them empty.
"""

import ast
import contextlib
import io
import os
import re
import tempfile
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from unittest.mock import patch

from pydantic import BaseModel, TypeAdapter

import inference_arena
from inference_arena import facts, plan, record, units
from inference_arena.cli.verbs import SUBVERBS, VERBS, invoke
from inference_arena.engines import (
    causes,
    container_causes,
    gpu_causes,
    llamacpp,
    llamacpp_log,
    readings,
    sglang,
    sglang_causes,
    sglang_log,
    transformers,
    transformers_causes,
    vllm,
    vllm_causes,
    vllm_log,
)
from inference_arena.metrics import device_doubts, doubts, load_doubts
from inference_arena.run import failure, retry

SOURCE = Path(inference_arena.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = DOCS / "reference"
PAGES = ("record.md", "metrics.md", "failures.md", "cli.md", "gpus.md", "models.md", "engines.md")
TYPES: Mapping[str, type[BaseModel]] = {
    name: kind
    for room in (facts, plan, record)
    for name, kind in vars(room).items()
    if isinstance(kind, type) and issubclass(kind, BaseModel)
}
WIDTH = 80

_REGION = re.compile(r"<!-- begin: (?P<name>[^\n]*?) -->\n(?P<body>.*?)<!-- end -->", re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")
Row = tuple[str, ...]


# --- pages


def renewed(text: str, *, homes: Mapping[str, str], page: str) -> str:
    """The page with every generated part made anew."""

    def part(match: re.Match[str]) -> str:
        name = match["name"]
        kind, _, about = name.partition(" ")
        made = _MAKERS[kind](about, rows(match["body"]), homes, page)
        return f"<!-- begin: {name} -->\n\n{made}\n\n<!-- end -->"

    return _REGION.sub(part, text)


def regions(text: str) -> dict[str, str]:
    return {match["name"]: match["body"] for match in _REGION.finditer(text)}


def rows(body: str) -> dict[str, Row]:
    """Rows of a table by their first cell without backquotes; heads and rulers do no harm."""
    lines = [line.strip() for line in body.splitlines() if line.startswith("|")]
    cells = [tuple(cell.strip() for cell in _CELL.split(line.strip("|"))) for line in lines]
    return {row[0].strip("`"): row for row in cells}


def where_types_are(pages: Mapping[str, str]) -> dict[str, str]:
    """Type name -> the page that has its fields."""
    return {
        name.removeprefix("fields "): page
        for page, text in pages.items()
        for name in regions(text)
        if name.startswith("fields ")
    }


def read_pages() -> dict[str, str]:
    return {page: (REFERENCE / page).read_text("utf-8") for page in PAGES}


def meanings(pages: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """(type, field) -> what the pages say of it."""
    return {
        (name.removeprefix("fields "), field): row[-1]
        for text in pages.values()
        for name, body in regions(text).items()
        if name.startswith("fields ")
        for field, row in rows(body).items()
    }


def table(head: Row, body: Iterable[Row]) -> str:
    lines = [head, tuple("---" for _ in head), *body]
    return "\n".join(f"| {' | '.join(cell or ' ' for cell in line)} |" for line in lines)


# --- fields


def _fields(about: str, old: Mapping[str, Row], homes: Mapping[str, str], page: str) -> str:
    body = [
        (f"`{name}`", spoken(field.annotation, homes, page), unit(name, field.annotation), old.get(name, ("",))[-1])
        for name, field in TYPES[about].model_fields.items()
    ]
    return table(("field", "type", "unit", "meaning"), body)


def spoken(kind: Any, homes: Mapping[str, str], page: str) -> str:
    """A type in words."""
    simple = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        date: "date",
        type(None): "null",
    }
    if kind in simple:
        return simple[kind]
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return spoken(inside[0], homes, page)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(spoken(one, homes, page) for one in inside)
    if origin is tuple:
        return f"list of {spoken(inside[0], homes, page)}"
    if origin is dict:
        return f"object: name to {spoken(inside[1], homes, page)}"
    there = homes.get(kind.__name__, page)
    return f"[{kind.__name__}]({'' if there == page else there}#{kind.__name__.lower()})"


# how a name ends -> the unit; the first that fits
_UNITS = (
    ("tokens_per_s_per_user", "tokens/s"),
    ("tokens_per_s", "tokens/s"),
    ("goodput_per_s", "requests/s"),
    ("rate_per_s", "1/s"),
    ("_bytes_per_s", "bytes/s"),
    ("_per_s", "requests/s"),
    ("_unix_s", "s"),
    ("_s", "s"),
    ("_bytes", "bytes"),
    ("_share", "share"),
    ("_share_mean", "share"),
    ("attainment", "share"),
    ("judged_at", "share"),
    ("jitter", "share"),
    ("_tokens", "tokens"),
    ("tokens_lost", "tokens"),
    ("tokens_sent", "tokens"),
    ("tokens_seen", "tokens"),
    ("tokens_per_chunk", "tokens"),
    ("_w", "W"),
    ("_j", "J"),
    ("joule_per_output_token", "J"),
    ("_c", "°C"),
    ("_hz", "Hz"),
    ("_p50_s", "s"),
)


def unit(name: str, kind: Any) -> str:
    """What the numbers of a field are counted in; empty for texts and plain counts."""
    if kind in (str, bool) or get_origin(kind) is Literal:
        return ""
    return next((word for end, word in _UNITS if name.endswith(end)), "")


def nullable(name: str, field: str) -> bool:
    return type(None) in get_args(TYPES[name].model_fields[field].annotation)


# --- what the code says of failures and doubts


def doubts_in_code() -> dict[str, tuple[str, str]]:
    """Code -> weight and advice, as written; what is filled in stands in braces."""
    found = {}
    room = sorted(Path(doubts.__file__).parent.glob("*.py"))
    for node in (node for file in room for node in ast.walk(ast.parse(file.read_text("utf-8")))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Doubt":
            words = {keyword.arg: _written(keyword.value) for keyword in node.keywords}
            found[words["code"]] = (words["weight"], words["advice"])
    return found


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"{{{ast.unparse(node.value)}}}"
    return f"{{{ast.unparse(node)}}}"


def _doubts(_about: str, old: Mapping[str, Row], *_: object) -> str:
    order = ("serious", "caution", "note")
    found = sorted(doubts_in_code().items(), key=lambda item: order.index(item[1][0]))
    body = [(f"`{code}`", weight, old.get(code, ("",))[-1], _cell(advice)) for code, (weight, advice) in found]
    # the threshold is written by hand and stands in the last cell of the source, in the third of a made table
    made = {code: row for code, row in old.items() if len(row) == 4 and row[1]}
    body = [(a, b, made[a.strip("`")][2] if a.strip("`") in made else c, d) for a, b, c, d in body]
    return table(("code", "weight", "raised when", "advice"), body)


def _doubt_constants(*_: object) -> str:
    known = vars(doubts) | vars(device_doubts) | vars(load_doubts)
    values = {name: value for name, value in known.items() if name.isupper() and isinstance(value, int | float)}
    return table(("constant", "value"), [(f"`{name}`", f"{value:,}") for name, value in values.items()])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _causes(found: Iterable[tuple[str, str, str]]) -> str:
    """Causes with what they mean and what to try; one that has several entries gets several rows."""
    return table(("cause", "what it means", "what to try"), [(f"`{c}`", _cell(m), _cell(a)) for c, m, a in found])


def _llama_causes(*_: object) -> str:
    return _rows(llamacpp_log.CAUSES, but=())


SHARED = (
    *gpu_causes.OUT_OF_MEMORY,
    *gpu_causes.OUT_OF_MEMORY_ANYHOW,
    *gpu_causes.QUANTIZATION,
    *gpu_causes.MODEL,
    *gpu_causes.MACHINE,
    *gpu_causes.PACKAGES,
)


def _vllm_causes(*_: object) -> str:
    return _rows((*vllm_causes.CAUSES, *vllm_causes.SILENT), but=SHARED)


def _sglang_causes(*_: object) -> str:
    return _rows(sglang_causes.CAUSES, but=SHARED)


def _transformers_causes(*_: object) -> str:
    return _rows(transformers_causes.CAUSES, but=SHARED)


def _gpu_causes(*_: object) -> str:
    return _rows(SHARED, but=())


def _rows(table_of: Sequence[causes.Cause], *, but: Sequence[causes.Cause]) -> str:
    """Causes of engines on GPUs. What is filled in from the log stands in braces."""
    body = [
        (f"`{row.cause}`", _cell(row.what), _cell(row.advice), "yes" if row.reproduced else "not reproduced")
        for row in table_of
        if row not in but
    ]
    return table(("cause", "what it means", "what to try", "seen here"), body)


def _retry_fixes(*_: object) -> str:
    """By cause, everything that is tried, the best first."""
    tried: dict[str, list[str]] = {}
    for row in (*vllm_causes.CAUSES, *sglang_causes.CAUSES, *llamacpp_log.CAUSES):
        tried.setdefault(row.cause, [])
        tried[row.cause] += [f"`{row.flags}`"] if row.flags else []
        tried[row.cause] += [f"leaves out {_cell(row.drops)}"] if row.drops else []
    for cause, proposals in retry.FIXES.items():
        tried.setdefault(cause, [])
        tried[cause] += [_phrase(one.__doc__ or "") for one in proposals]
    return table(
        ("cause", "what is changed, one at a time"),
        [
            (f"`{cause}`", "; or ".join(dict.fromkeys(fixes)) or "nothing: see what to try")
            for cause, fixes in tried.items()
        ],
    )


def _phrase(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def causes_of_engines() -> set[str]:
    """Every cause that an engine's log or its end may tell."""
    rows_of = (*vllm_causes.CAUSES, *vllm_causes.SILENT, *sglang_causes.CAUSES, *llamacpp_log.CAUSES)
    return {row.cause for row in rows_of} | {cause for cause, _, _ in causes._SIGNALS.values()} | {"never-ready"}


def _container_causes(*_: object) -> str:
    return _rows(container_causes.CAUSES, but=())


def _signals(*_: object) -> str:
    return _causes((cause, f"the engine {what}", advice) for cause, what, advice in causes._SIGNALS.values())


def _engine_stages(*_: object) -> str:
    return table(("stage", "the engine was"), [(f"`{name}`", doing) for name, doing in causes.STAGES.items()])


def _llama_signals(*_: object) -> str:
    return _causes(llamacpp_log._SIGNALS.values())


def _request_failures(*_: object) -> str:
    return _causes((name, *words) for name, words in failure._REQUEST_FAILURES.items())


def named_causes() -> set[str]:
    """Every cause and failure that stands as a text in the code, however it gets into a record."""
    return {
        name
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _names_in(node)
    }


def _names_in(node: ast.AST) -> Sequence[str]:
    if isinstance(node, ast.Call):
        given = [keyword.value for keyword in node.keywords if keyword.arg in {"cause", "failure"}]
        name = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
        at = {"fail": 0, "_failed": 1}.get(name)
        given += node.args[at : at + 1] if at is not None else []
        return [text for one in given for text in _texts(one)]
    if isinstance(node, ast.FunctionDef) and node.name == "connect_failure":
        answers = [n.value for n in ast.walk(node) if isinstance(n, ast.Return) and isinstance(n.value, ast.Tuple)]
        return [text for answer in answers for text in _texts(answer.elts[0])]
    if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "failure" for target in node.targets):
        return _texts(node.value)
    return ()


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


# --- what the code says of everything else


def _startup_facts(*_: object) -> str:
    tables = {"llama.cpp": llamacpp_log.READINGS, "vLLM": vllm_log.READINGS, "SGLang": sglang_log.READINGS,
              "transformers": transformers.READINGS}  # fmt: skip
    told: dict[str, list[str]] = {}
    printed: dict[str, list[str]] = {}
    for engine, rows_of in tables.items():
        for reading in rows_of:
            told[reading.fact] = list(dict.fromkeys([*told.get(reading.fact, []), engine]))
            digits = readings.RESOLUTIONS.get(reading.convert)
            printed[reading.fact] = list(dict.fromkeys([*printed.get(reading.fact, []), *filter(None, [digits])]))
    body = [
        (f"`{fact}`", unit(fact, int), ", ".join(engines), ", ".join(printed[fact])) for fact, engines in told.items()
    ]
    return table(("fact", "unit", "from the log of", "printed to"), body)


def _counters(*_: object) -> str:
    engines = (llamacpp, vllm, sglang)
    names = dict.fromkeys(ours for engine in engines for ours in engine.COUNTERS)
    body = [(f"`{ours}`", *(_name_of_counter(engine.COUNTERS.get(ours)) for engine in engines)) for ours in names]
    return table(("our name", *(f"{engine.TITLE}'s" for engine in engines)), body)


def _name_of_counter(theirs: str | None) -> str:
    return units.DASH if theirs is None else f"`{theirs}`"


def _slos(*_: object) -> str:
    body = [
        (f"`{s.name}`", s.title, units.seconds(s.ttft_s), units.seconds(s.tpot_s), f"{s.judged_at:.0%}", s.source)
        for s in facts.slos().values()
    ]
    return table(("goal", "stands for", "TTFT at most", "TPOT at most", "by", "source"), body)


def _behaviours(*_: object) -> str:
    body = [
        (
            f"`{b.name}`",
            b.title,
            f"{b.system_tokens:,}",
            f"{b.turn_tokens:,}",
            f"{b.output_tokens:,} ± {b.output_jitter:.0%}",
            str(b.turns),
            units.seconds(b.think_s) if b.think_s else "none",
            f"`{b.slo}`",
            b.source,
        )
        for b in facts.behaviours().values()
    ]
    head = ("behaviour", "who", "instructions", "a question adds", "answer tokens", "turns", "pause", "goal", "source")
    return table(head, body)


def _workloads(*_: object) -> str:
    body = [
        (
            f"`{w.name}`",
            w.title,
            f"{w.input_tokens:,}{_spread(w.input)}",
            f"{w.output_tokens:,} ± {w.output_jitter:.0%}{_spread(w.output)}",
            units.percent(w.shared_prefix_share),
            f"`{w.slo}`",
            "; ".join(dict.fromkeys((w.source, *(one.source for one in (w.input, w.output) if one)))),
        )
        for w in facts.workloads().values()
    ]
    return table(("workload", "what", "prompt tokens", "answer tokens", "shared beginning", "goal", "source"), body)


def _spread(lengths: facts.Distribution | None) -> str:
    return f"; p90 {lengths.p90_tokens:,}" if lengths is not None and lengths.p90_tokens is not None else ""


# --- cards


def _gpus(about: str, *_: object) -> str:
    head = ("card", "name", "architecture", "memory", "programs get", "GB/s", "TFLOP/s FP16", "FP8", "W")
    return table(head, [_gpu_row(card) for card in facts.gpus().values() if card.form == about])


def _gpu_row(card: facts.Gpu) -> Row:
    rates = (card.bandwidth_bytes_per_s, card.fp16_flops, card.fp8_flops, card.power_w)
    scaled = zip(rates, (1e9, 1e12, 1e12, 1.0), strict=True)
    kind = " ".join(word for word in (card.architecture, card.compute_capability) if word)
    memory = f"up to {card.memory_bytes // units.GIB} GB" if card.unified else f"{card.memory_bytes // units.GIB} GB"
    figures = [units.DASH if value is None else f"{value / scale:,.5g}" for value, scale in scaled]
    return (f"`{card.name}`", card.title, kind, memory, units.gib(card.visible_memory_bytes), *figures)


def _gpu_sources(*_: object) -> str:
    return table(("card", "source"), [(f"`{c.name}`", _cell(c.source)) for c in facts.gpus().values()])


# --- engines


def _releases(about: str, *_: object) -> str:
    """One row for each stretch of releases with equal needs."""
    stretches: list[list[facts.EngineRelease]] = []
    for release in facts.releases(about):
        if not stretches or _needs(stretches[-1][-1]) != _needs(release):
            stretches.append([])
        stretches[-1].append(release)
    head = ("releases", "from", "torch", "image CUDA", "its driver", "wheel CUDA", "may run from driver", "cards")
    return table(head, [_stretch(rows) for rows in stretches])


def _needs(release: facts.EngineRelease) -> tuple[object, ...]:
    cards = (release.compute_capabilities, release.ptx, release.oldest_compute_capability)
    return (release.torch, release.image_cuda, release.image_driver, release.wheel_cuda, release.compat_driver, *cards)


def _stretch(rows: Sequence[facts.EngineRelease]) -> Row:
    first, last = rows[0], rows[-1]
    span = first.version if first is last else f"{first.version} to {last.version}"
    built = " ".join(first.compute_capabilities) + (" and newer by PTX" if first.ptx else "")
    oldest = f"{first.oldest_compute_capability} and newer" if first.oldest_compute_capability else units.DASH
    told = (first.image_cuda, first.image_driver, first.wheel_cuda, first.compat_driver)
    torch = (first.torch or units.DASH).removeprefix("==").replace("<", "&lt;")
    return (span, str(first.released or units.DASH), torch, *(one or units.DASH for one in told), built or oldest)


def _eras(about: str, *_: object) -> str:
    head = ("releases", "memory rule", "share", "card from", "step", "at once", "graphs to", "graphs beside the rule")
    return table(head, [_era_row(era, row) for era in facts.engines()[about].eras for row in era.defaults])


def _era_row(era: facts.Era, row: facts.Defaults) -> Row:
    outside = ", ".join(f"`{name}`" for name in era.graphs_outside)
    dense = "all without experts" if era.graphs_outside_dense else ""
    size = f"{row.from_memory_bytes / units.GIB:.0f} GiB" if row.from_memory_bytes else "any"
    figures = [f"{value:,}" if value is not None else units.DASH for value in (row.parallel, row.graph_batch)]
    span = f"{era.first} to {era.last or 'today'}"
    less = f" (not {', '.join(row.but_not)})" if row.but_not else ""
    beside = "; ".join(word for word in (outside, dense) if word)
    share = units.DASH if era.memory_share is None else f"{era.memory_share:g}"
    return (span, f"`{era.memory_rule}`", share, size + less, f"{row.prefill_tokens:,}", *figures, beside)


def _kernels(about: str, *_: object) -> str:
    head = ("part", "format", "releases", "cards from", "below", "kernel", "how")
    body = [
        (
            row.part,
            row.method or "",
            f"{row.first} to {row.last or 'today'}",
            row.from_compute_capability or units.DASH,
            row.below_compute_capability or units.DASH,
            row.kernel,
            row.kind,
        )
        for row in facts.kernels(about)
    ]
    return table(head, body)


def _packages(*_: object) -> str:
    head = ("engine", "on", "package", "what", "releases", "platforms", "left out", "installed")
    body = [
        (
            f"`{card.name}`",
            ", ".join(build.places),
            f"`{build.package}`",
            build.what,
            _span(plan.versions_of(card.name, build)),
            ", ".join(build.platforms),
            ", ".join(f"`{name}`" for name in build.without),
            units.size(build.installed_bytes),
        )
        for card in facts.packages().values()
        for build in card.builds
    ]
    return table(head, body)


def _span(versions: Sequence[str]) -> str:
    return versions[0] if len(versions) == 1 else f"{versions[0]} to {versions[-1]}"


def _lacks(*_: object) -> str:
    body = [
        (f"`{card.name}`", lack.place, _cell(lack.why), _cell(lack.instead), _cell(lack.source))
        for card in facts.packages().values()
        for lack in card.lacks
    ]
    return table(("engine", "on", "why not", "instead", "source"), body)


def _toolkits(*_: object) -> str:
    head = ("CUDA", "Linux driver", "may run from driver", "oldest card it builds for")
    body = [
        (
            kit.title,
            *(one or units.DASH for one in (kit.linux_driver, kit.compat_linux_driver, kit.oldest_compute_capability)),
        )
        for kit in reversed(facts.toolkits())
    ]
    return table(head, body)


def _image_checks(*_: object) -> str:
    kits = dict.fromkeys(".".join(kit.version.split(".")[:2]) for kit in facts.toolkits())
    checks = [check for check in map(facts.image_check, kits) if check is not None]
    body = [(c.cuda, " ".join(c.branches), ", ".join(c.brands), _cell(c.source)) for c in checks]
    return table(("image CUDA", "branches of drivers let in", "for cards of the brands", "source"), body)


def _prices(*_: object) -> str:
    body = [
        (f"`{name}`", price.kind, _amount(price), price.seller or "", str(price.dated or ""), _cell(price.source))
        for name, card in facts.prices().items()
        for price in card.prices
    ]
    return table(("card", "what", "price", "seller", "held on", "source"), body)


def _amount(price: facts.Price) -> str:
    digits = 2 if price.kind == "rent" else 0
    top = f" to {price.highest:,.{digits}f}" if price.highest is not None else ""
    return f"{price.amount:,.{digits}f}{top} {price.currency.upper()}{' an hour' if price.kind == 'rent' else ''}"


def _models(*_: object) -> str:
    body = [
        (
            f"`{m.name}`",
            m.title,
            _count(m.parameters),
            _count(m.active_parameters),
            f"{m.context_tokens:,}",
            m.license or "",
        )
        for m in facts.models().values()
    ]
    return table(("model", "what", "parameters", "of them active", "context, tokens", "license"), body)


def _layers(*_: object) -> str:
    body = [
        (f"`{model.name}`", layers.kind, f"{layers.count}", f"{layers.heads}", _kept(layers))
        for model in facts.models().values()
        for layers in model.layers
    ]
    return table(("model", "kind", "layers", "heads", "what one layer keeps"), body)


def _kept(layers: facts.Layers) -> str:
    """Numbers of the cache of one layer, as the card has them."""
    if layers.kind == "latent":
        index = f" + {layers.index_dim} of the indexer" if layers.index_dim else ""
        return f"{layers.latent_dim} + {layers.rope_dim}{index} a token"
    if layers.kind == "linear":
        return f"{layers.conv_elements:,} + {layers.state_elements:,} a sequence"
    if layers.kind == "shared":
        return "nothing"
    window = f" of the last {layers.window_tokens:,}" if layers.window_tokens else ""
    return f"{layers.kv_heads} x ({layers.key_dim} + {layers.value_dim}) a token{window}"


def _checkpoints(*_: object) -> str:
    body = [
        (
            f"`{c.name}`",
            f"`{c.model}`",
            c.quantization,
            "" if c.bits is None else f"{c.bits:g}",
            c.quantized,
            "" if c.weight_bytes is None else units.size(c.weight_bytes),
            c.repository or "",
        )
        for c in facts.checkpoints().values()
    ]
    head = ("checkpoint", "model", "quantization", "bits", "covers", "weights, exact", "repository")
    return table(head, body)


def _scores(*_: object) -> str:
    found = [(s.task, s.test, m.name, s.value, s.source) for m in facts.models().values() for s in m.scores]
    found.sort(key=lambda row: (row[0], row[1], -row[3]))
    return table(
        ("task", "test", "model", "value", "source"), [(a, b, f"`{c}`", f"{v:g}", _cell(d)) for a, b, c, v, d in found]
    )


def _count(parameters: int | None) -> str:
    return "" if parameters is None else f"{parameters / 1e9:.2f} B"


def _help(about: str, *_: object) -> str:
    return f"```text\n{help_text(about)}\n```"


def help_text(verb: str) -> str:
    out = io.StringIO()
    with tempfile.TemporaryDirectory() as home:
        surroundings = {"ARENA_HOME": home, "COLUMNS": str(WIDTH), "TERM": "dumb", "NO_COLOR": "1"}
        with patch.dict(os.environ, surroundings), contextlib.redirect_stdout(out):
            code = invoke([*verb.split(), "--help"])
    assert code == 0, f"arena {verb} --help ended with {code}"
    return "\n".join(line.rstrip() for line in out.getvalue().strip().splitlines())


def verbs() -> tuple[str, ...]:
    return (*VERBS, *(f"{verb} {below}" for verb, names in SUBVERBS.items() for below in names))


_MAKERS: Mapping[str, Callable[..., str]] = {
    "fields": _fields,
    "packages": _packages,
    "lacks": _lacks,
    "doubts": _doubts,
    "doubt-constants": _doubt_constants,
    "llama-causes": _llama_causes,
    "llama-signals": _llama_signals,
    "vllm-causes": _vllm_causes,
    "transformers-causes": _transformers_causes,
    "sglang-causes": _sglang_causes,
    "gpu-causes": _gpu_causes,
    "container-causes": _container_causes,
    "signals": _signals,
    "retry-fixes": _retry_fixes,
    "engine-stages": _engine_stages,
    "request-failures": _request_failures,
    "startup-facts": _startup_facts,
    "counters": _counters,
    "slos": _slos,
    "workloads": _workloads,
    "behaviours": _behaviours,
    "gpus": _gpus,
    "releases": _releases,
    "eras": _eras,
    "kernels": _kernels,
    "toolkits": _toolkits,
    "image-checks": _image_checks,
    "gpu-sources": _gpu_sources,
    "prices": _prices,
    "models": _models,
    "layers": _layers,
    "checkpoints": _checkpoints,
    "scores": _scores,
    "help": _help,
}


# --- schemas

SCHEMAS: Mapping[str, tuple[Any, str]] = {
    "record.schema.json": (record.Record, "record.json of an Inference Arena record"),
    "requests.schema.json": (record.RequestTrace, "A line of requests.jsonl.gz of an Inference Arena record"),
    "samples.schema.json": (record.SAMPLE, "A line of samples.jsonl.gz of an Inference Arena record"),
}


def schema(name: str, said: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The JSON Schema that pydantic gives, with the pages' meanings as descriptions."""
    kind, title = SCHEMAS[name]
    adapter = kind if isinstance(kind, TypeAdapter) else TypeAdapter(kind)
    made: dict[str, Any] = adapter.json_schema()
    for owner, described in (*made.get("$defs", {}).items(), (getattr(kind, "__name__", ""), made)):
        for field, about in described.get("properties", {}).items():
            about["description"] = _bare(said[owner, field])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": title}


def _bare(text: str) -> str:
    """A meaning without links and marks."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "")


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", _bare(heading).strip().lower()).replace(" ", "-")
