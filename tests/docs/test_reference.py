"""The reference says what the code says: every field, metric, doubt, cause, verb and variable.

ARENA_GOLDEN=write makes the generated parts anew; meanings are then written by hand where a row is new.
"""

import ast
import json
import os
import re
from pathlib import Path
from types import ModuleType

import pytest
from jsonschema import Draft202012Validator

from inference_arena.hardware import TRIED
from inference_arena.record import SAMPLE, Failed, Finished, Interrupted, RequestTrace
from inference_arena.run import retry
from inference_arena.store import Home, iter_samples, iter_traces

WRITE = os.environ.get("ARENA_GOLDEN") == "write"
RECORD_TYPES = (
    "Record Arena Trial Settings Lengths Load Slo Host Device Link EngineUsed ModelUsed Startup Point Finished Failed "
    "Interrupted Evidence Prediction PredictedSpeed MemoryBudget Term Refusal Speed Interval "
    "RequestTrace HostSample CounterSample DeviceSample DeviceLinkSample ClientSample SelfTestSample"
).split()
METRIC_TYPES = (
    "Estimate Distribution Summary PointSummary SloResult ClientSummary HostSummary DeviceSummary EnergySummary Stall "
    "StallDevice LoadSummary SelfTestSummary Doubt"
).split()
MODEL_TYPES = "Model Layers Experts Score Checkpoint WeightParts WeightFile PackageFile HubFile Loss Family".split()


PAGES = ["record.md", "metrics.md", "failures.md", "cli.md", "gpus.md", "models.md", "engines.md"]


@pytest.mark.parametrize("page", PAGES)
def test_a_reference_page_is_what_the_code_makes_of_it(pages: ModuleType, page: str):
    before = pages.read_pages()
    made = pages.renewed(before[page], homes=pages.where_types_are(before), page=page)
    if WRITE:
        (pages.REFERENCE / page).write_text(made, "utf-8")
    assert (pages.REFERENCE / page).read_text("utf-8") == made, "run: ARENA_GOLDEN=write pytest tests/docs"


@pytest.mark.parametrize("name", ["record.schema.json", "requests.schema.json", "samples.schema.json"])
def test_a_published_schema_is_that_of_the_code(pages: ModuleType, name: str):
    path = pages.REFERENCE / name
    made = json.dumps(pages.schema(name, pages.meanings(pages.read_pages())), indent=2, ensure_ascii=False) + "\n"
    if WRITE:
        path.write_text(made, "utf-8")
    assert path.read_text("utf-8") == made, "run: ARENA_GOLDEN=write pytest tests/docs"


def test_every_field_of_a_record_and_of_its_summary_has_a_meaning(pages: ModuleType):
    said = pages.meanings(pages.read_pages())
    wanted = {(name, field) for name in RECORD_TYPES + METRIC_TYPES for field in pages.TYPES[name].model_fields}
    assert wanted - {key for key, meaning in said.items() if meaning} == set()


def test_every_type_that_a_schema_knows_is_in_the_reference(pages: ModuleType):
    said = pages.meanings(pages.read_pages())
    known = {name for schema in pages.SCHEMAS for name in pages.schema(schema, said).get("$defs", {})}
    assert known - set(RECORD_TYPES + METRIC_TYPES) == set()


def test_a_field_that_may_be_null_says_when(pages: ModuleType):
    silent = [
        f"{name}.{field}"
        for (name, field), meaning in pages.meanings(pages.read_pages()).items()
        if name in RECORD_TYPES + METRIC_TYPES and field in pages.TYPES[name].model_fields
        if pages.nullable(name, field) and "null" not in meaning.lower()
    ]
    assert silent == []


def test_every_field_of_a_model_and_of_a_checkpoint_has_a_meaning(pages: ModuleType):
    said = pages.meanings(pages.read_pages())
    wanted = {(name, field) for name in MODEL_TYPES for field in pages.TYPES[name].model_fields}
    assert wanted - {key for key, meaning in said.items() if meaning} == set()


@pytest.mark.parametrize("name", METRIC_TYPES)
def test_every_metric_has_a_row_in_the_metrics_page(pages: ModuleType, name: str):
    region = pages.regions(pages.read_pages()["metrics.md"])[f"fields {name}"]
    assert set(pages.TYPES[name].model_fields) <= set(pages.rows(region))


def test_every_doubt_has_a_row_with_its_threshold(pages: ModuleType):
    region = pages.rows(pages.regions(pages.read_pages()["metrics.md"])["doubts"])
    in_code = pages.doubts_in_code()
    assert in_code
    assert {code: bool(region.get(code, ("", "", ""))[2]) for code in in_code} == dict.fromkeys(in_code, True)


def test_every_doubt_that_a_real_summary_raises_is_known(pages: ModuleType, kept: Path):
    document = json.loads((kept / "record.json").read_text("utf-8"))
    raised = {doubt["code"] for doubt in document["summary"]["doubts"]}
    assert raised
    assert raised <= set(pages.doubts_in_code())


def test_every_cause_of_a_failure_is_in_the_page(pages: ModuleType):
    page = (pages.REFERENCE / "failures.md").read_text("utf-8")
    causes = pages.named_causes()
    assert {"never-ready", "connection-closed", "tls", "storage", "no-answer", "cut-short"} <= causes
    assert {cause for cause in causes if f"| `{cause}` |" not in page} == set()


def test_every_cause_of_an_engine_is_in_the_how_to_about_engines_that_do_not_start(pages: ModuleType):
    page = (pages.DOCS / "how-to" / "my-engine-will-not-start.md").read_text("utf-8")
    known = pages.causes_of_engines()
    assert {cause for cause in known if f"`{cause}`" not in page} == set()
    bold = set(re.findall(r"\(`([a-z][a-z-]*)`[;,)]", page))
    assert bold - known == set(), "a name in brackets is that of a cause"


def test_every_cause_that_the_arena_mends_is_one_that_it_finds(pages: ModuleType):
    assert set(retry.FIXES) - pages.named_causes() - pages.causes_of_engines() == set()


def test_every_stage_is_in_the_failures_page(pages: ModuleType):
    page = (pages.REFERENCE / "failures.md").read_text("utf-8")
    stages = Failed.model_fields["stage"].annotation.__args__
    assert [stage for stage in stages if f"| `{stage}` |" not in page] == []


def test_every_verb_has_its_help_in_the_page(pages: ModuleType):
    assert {f"help {verb}" for verb in pages.verbs()} <= set(pages.regions(pages.read_pages()["cli.md"]))


def test_every_environment_variable_that_is_read_is_in_the_page(pages: ModuleType):
    read = {
        node.args[0].value
        for path in pages.SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if ast.unparse(node.func) in {"os.environ.get", "os.getenv"}
    }
    page = (pages.REFERENCE / "cli.md").read_text("utf-8")
    assert "ARENA_HOME" in read
    assert [name for name in sorted(read) if f"`{name}`" not in page] == []


def test_every_place_in_the_home_is_in_the_page(pages: ModuleType):
    home = Home(root=Path("home"))
    places = [getattr(home, name) for name, kind in vars(Home).items() if isinstance(kind, property)]
    page = (pages.REFERENCE / "cli.md").read_text("utf-8")
    assert [path.name for path in places if f"| `{path.name}` |" not in page] == []


# --- records against the published schemas


def _published(pages: ModuleType, name: str) -> Draft202012Validator:
    document = json.loads((pages.REFERENCE / name).read_text("utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def _errors(validator: Draft202012Validator, document: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(json.loads(document))]


def test_a_kept_record_is_valid_against_the_published_schema(pages: ModuleType, kept: Path):
    assert _errors(_published(pages, "record.schema.json"), (kept / "record.json").read_text("utf-8")) == []


@pytest.mark.parametrize(
    "outcome",
    [
        Finished(),
        Failed(stage="ready", cause="never-ready", what="a", why="b", advice="c", evidence=("d",)),
        Interrupted(stage="load", by="killed"),
    ],
)
def test_a_record_of_every_outcome_is_valid(pages: ModuleType, builders: ModuleType, outcome: object):
    record = builders.a_record(outcome=outcome, summary=None, points=())
    assert _errors(_published(pages, "record.schema.json"), record.model_dump_json()) == []


def test_every_raw_line_is_valid(pages: ModuleType, kept: Path):
    requests, samples = _published(pages, "requests.schema.json"), _published(pages, "samples.schema.json")
    traces, sampled = list(iter_traces(kept)), list(iter_samples(kept))
    assert [_errors(requests, trace.model_dump_json()) for trace in traces] == [[]] * len(traces)
    assert [_errors(samples, sample.model_dump_json(exclude_none=True)) for sample in sampled] == [[]] * len(sampled)
    assert {sample.kind for sample in sampled} == {"host", "counters", "device", "client", "self-test"}


def test_the_schemas_refuse_what_is_not_theirs(pages: ModuleType, kept: Path):
    document = json.loads((kept / "record.json").read_text("utf-8"))
    validator = _published(pages, "record.schema.json")
    assert _errors(validator, json.dumps({**document, "speed": 1}))
    assert _errors(validator, json.dumps({**document, "purpose": "advertisement"}))
    trace = json.loads(next(iter_traces(kept)).model_dump_json())
    assert _errors(_published(pages, "requests.schema.json"), json.dumps({**trace, "result": "fine"}))
    assert _errors(_published(pages, "samples.schema.json"), '{"kind": "weather", "t_s": 1.0}')


def test_the_fixture_says_every_field_of_a_request(kept: Path):
    """Else the schema's agreement would be with absent values."""
    seen = {name for trace in iter_traces(kept) for name, value in trace.model_dump().items() if value is not None}
    assert set(RequestTrace.model_fields) - seen == set()
    assert SAMPLE.validate_json('{"kind": "host", "t_s": 1.0}')


def test_every_notice_about_a_machine_is_in_the_page_with_its_weight(pages: ModuleType):
    tree = ast.parse((pages.SOURCE / "plan" / "notices.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Notice"]
    words = [{word.arg: getattr(word.value, "value", "") for word in call.keywords} for call in calls]
    page = (pages.REFERENCE / "hardware.md").read_text("utf-8")
    assert words
    assert [word["code"] for word in words if f"| `{word['code']}` | {word['weight']} |" not in page] == []


def test_no_reader_is_said_to_be_tried_that_was_not(pages: ModuleType):
    rows = pages.rows((pages.REFERENCE / "hardware.md").read_text("utf-8"))
    names = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}
    assert {vendor: rows[names[vendor]][1] for vendor in TRIED} == {v: tried or "not yet" for v, tried in TRIED.items()}


def test_no_page_holds_a_count_of_what_the_project_has(pages: ModuleType):
    """Counts rot: print them instead."""
    counting = re.compile(r"\b\d+ (engines|metrics|doubts|verbs|models|causes|tests)\b")
    found = [path.name for path in pages.DOCS.rglob("*.md") if counting.search(path.read_text("utf-8"))]
    assert found == []
