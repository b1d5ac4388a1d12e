"""Reports of other tools: recognised by content, read whole or refused with file and field, never half kept."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference_arena.errors import ArenaError, BadFileError, NotFoundError
from inference_arena.exchange import import_reports, is_report, read_reports, report_csv, report_markdown, with_setup
from inference_arena.store import load_report, parse_report, report_ids, report_json

GOLDEN = Path(__file__).parent.parent / "golden" / "exchange"
FILES = sorted(path for path in GOLDEN.iterdir())


def read(name):
    (report,) = read_reports(GOLDEN / name)
    return report


def codes(report):
    return {doubt.code for doubt in report.doubts}


@pytest.fixture
def written(tmp_path):
    def write(content, name="some.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
        return path

    return write


@pytest.fixture
def guidellm():
    return json.loads((GOLDEN / "guidellm-0.8.1.json").read_text())


def test_there_are_real_reports_to_read():
    assert len(FILES) >= 8


@pytest.mark.parametrize(
    ("name", "tool", "version", "form", "level"),
    [
        ("guidellm-0.8.1.json", "guidellm", "0.8.1", "GuideLLM report 2", 2),
        ("guidellm-0.6.0.json", "guidellm", "0.6.0", "GuideLLM report 1", 2),
        ("guidellm-0.3.1.json", "guidellm", None, "GuideLLM report before format 1", 2),
        ("guidellm-0.8.1-poisson.json", "guidellm", "0.8.1", "GuideLLM report 2", 6),
        ("aiperf-0.13.0", "aiperf", "0.13.0", "AIPerf export 1.4", 2),
        ("vllm-0.33.0.json", "vllm", None, "vLLM bench serve", 2),
        ("vllm-0.33.0-plain.json", "vllm", None, "vLLM bench serve", 2),
        ("sglang.jsonl", "sglang", None, "SGLang bench_serving", 2),
    ],
)
def test_a_report_is_recognised_by_what_is_in_it(name, tool, version, form, level):
    report = read(name)

    assert (report.tool, report.tool_version, report.tool_format) == (tool, version, form)
    assert report.points[0].load.level == level
    assert report.points[0].figures


def test_the_same_server_gave_each_tool_nearly_the_same_medians():
    """A true 100 ms to the first token and 10 ms a token after it, as three tools saw it."""
    medians = {
        name: {figure.ours: figure.p50 for figure in read(name).points[0].figures if figure.ours}
        for name in ("guidellm-0.8.1.json", "aiperf-0.13.0", "vllm-0.33.0.json")
    }

    for name, told in medians.items():
        assert told["ttft_s"] == pytest.approx(100, abs=5), name
        assert told["tpot_s"] == pytest.approx(10, abs=0.3), name


def test_requests_keep_their_times_and_no_text(guidellm):
    report = read("guidellm-0.8.1.json")
    first = report.requests[0]

    assert len(report.requests) == 12
    assert first.first_token_s - first.sent_s == pytest.approx(0.1, abs=0.01)
    assert "left out" not in report_json(report).decode()


def test_an_early_guidellm_divides_by_n_and_the_figure_says_so():
    (tpot,) = [f for f in read("guidellm-0.3.1.json").points[0].figures if f.name == "time_per_output_token_ms"]

    assert tpot.mean == pytest.approx(9.51, abs=0.05)
    assert tpot.differs.startswith("before 0.4")


def test_what_numbers_cannot_say_is_said():
    assert {"unknown-setup", "their-client", "other-definitions", "no-token-times"} <= codes(
        read("guidellm-0.8.1.json")
    )
    assert "bunched-arrivals" in codes(read("guidellm-0.8.1-poisson.json"))
    assert "aggregates-only" in codes(read("vllm-0.33.0-plain.json"))
    assert "no-token-times" not in codes(read("vllm-0.33.0.json"))
    assert {"averaged-over-failures", "saturating-load", "aggregates-only"} <= codes(read("first-arena.json"))


def test_figures_that_the_files_own_requests_do_not_give_are_a_serious_doubt(guidellm, written):
    guidellm["benchmarks"][0]["metrics"]["time_to_first_token_ms"]["successful"]["mean"] = 50.0
    (report,) = read_reports(written(guidellm))

    (doubt,) = [doubt for doubt in report.doubts if doubt.code == "not-reproduced"]
    assert (doubt.weight, "time_to_first_token_ms" in doubt.evidence) == ("serious", True)
    assert "not-reproduced" not in codes(read("guidellm-0.8.1.json"))


def test_times_below_zero_are_impossible(guidellm, written):
    guidellm["benchmarks"][0]["metrics"]["time_to_first_token_ms"]["successful"]["min"] = -3.0
    (report,) = read_reports(written(guidellm))

    assert "impossible" in codes(report)


def test_zero_for_nothing_to_average_is_left_out(written):
    document = json.loads((GOLDEN / "vllm-0.33.0-plain.json").read_text())
    document |= {"completed": 0, "failed": 12, "mean_ttft_ms": 0.0, "median_ttft_ms": 0.0, "p99_ttft_ms": 0.0}
    (report,) = read_reports(written(document))

    assert "ttft" not in {figure.name for figure in report.points[0].figures}
    assert "failures" in codes(report)


def test_requests_of_aiperf_alone_give_the_figures(tmp_path):
    alone = tmp_path / "profile_export.jsonl"
    alone.write_bytes((GOLDEN / "aiperf-0.13.0" / "profile_export.jsonl").read_bytes())
    (report,) = read_reports(alone)
    whole = {figure.name: figure for figure in read("aiperf-0.13.0").points[0].figures}

    for figure in report.points[0].figures:
        if figure.n is not None:
            assert figure.mean == pytest.approx(whole[figure.name].mean, rel=1e-6)


def test_lines_of_results_are_one_report_each(written):
    line = (GOLDEN / "sglang.jsonl").read_text()
    reports = read_reports(written(line + line, "two.jsonl"))

    assert len({report.id for report in reports}) == 2


def test_importing_keeps_it_once_and_exporting_brings_it_to_another_home(home, tmp_path):
    (first,) = import_reports(home, GOLDEN / "guidellm-0.8.1.json")
    (second,) = import_reports(home, GOLDEN / "guidellm-0.8.1.json")
    assert (first.is_new, second.is_new, report_ids(home)) == (True, False, [first.report.id])

    exported = tmp_path / "exported.json"
    exported.write_bytes(report_json(load_report(home, first.report.id)))
    (again,) = read_reports(exported)
    assert again == first.report


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_nothing_is_lost_on_the_way_out_and_in_again(path):
    for report in read_reports(path):
        assert parse_report(report_json(report), name="exported") == report


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["metadata"].update(version=3), "metadata.version is 3"),
        (lambda d: d.update(benchmarks=[]), "benchmarks is empty"),
        (lambda d: d.update(benchmarks={}), "benchmarks must be a list"),
        (lambda d: d["benchmarks"][0].pop("metrics"), "has no 'metrics'"),
        (lambda d: d["benchmarks"][0].update(duration="long"), "benchmarks.0.duration must be a number"),
        (lambda d: d["benchmarks"][0].update(duration=1e300), "benchmarks.0.duration is too large"),
        (
            lambda d: d["benchmarks"][0]["requests"]["successful"][3]["info"]["timings"].update(request_start=True),
            "requests.successful.3.info.timings.request_start must be a number",
        ),
        (
            lambda d: d["benchmarks"][0]["metrics"]["time_to_first_token_ms"]["successful"].update(mean=float("nan")),
            "time_to_first_token_ms.successful.mean is no finite number",
        ),
    ],
)
def test_what_is_wrong_is_named_with_file_and_field(change, said, guidellm, home, written):
    change(guidellm)
    path = written(guidellm)

    with pytest.raises(BadFileError) as refused:
        import_reports(home, path)

    assert str(path) in refused.value.what
    assert said in refused.value.what
    assert report_ids(home) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("{", "line 1, column 2"),
        ('{"a": 1}\n{"b": ', "is not valid JSON"),
        ("[]", "is an empty list"),
        ('{"hello": 1}', "is no report that this arena reads"),
        ("[" * 100_000, "nested too deeply"),
        ('{"completed": ' + "9" * 6000 + "}", "not valid JSON"),
        ('"\\ud800"', "is no report that this arena reads"),
    ],
)
def test_files_that_are_no_report_are_refused(content, said, written):
    with pytest.raises(BadFileError) as refused:
        read_reports(written(content))

    assert said in str(refused.value)


def test_a_truncated_report_says_where_it_ends(written):
    text = (GOLDEN / "guidellm-0.8.1.json").read_text()

    with pytest.raises(BadFileError, match="line 1, column"):
        read_reports(written(text[: len(text) // 2]))


def test_a_line_of_many_that_is_broken_is_named(tmp_path):
    lines = (GOLDEN / "aiperf-0.13.0" / "profile_export.jsonl").read_text().splitlines()
    lines[4] = lines[4][:100]
    path = tmp_path / "profile_export.jsonl"
    path.write_text("\n".join(lines))

    with pytest.raises(BadFileError, match="line 5"):
        read_reports(path)


def test_arrays_of_different_lengths_are_refused(written):
    document = json.loads((GOLDEN / "vllm-0.33.0.json").read_text())
    document["itls"].pop()

    with pytest.raises(BadFileError, match="itls has 11 entries, but ttfts has 12"):
        read_reports(written(document))


def test_what_is_too_large_is_not_even_read(written):
    with pytest.raises(BadFileError, match="too large"):
        read_reports(written("x" * 100), limit_bytes=99)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(NotFoundError):
        read_reports(tmp_path / "none.json")


def test_an_archive_is_left_to_the_records(tmp_path):
    archive = tmp_path / "x.arena.tar.gz"
    archive.write_bytes(b"\x1f\x8b\x08")

    assert not is_report(archive)
    assert is_report(GOLDEN / "aiperf-0.13.0")


def test_hostile_texts_are_harmless_in_tables(written):
    document = json.loads((GOLDEN / "first-arena.json").read_text())
    document |= {"model_name": '=HYPERLINK("x")|<b>\x1b[31m', "hardware": "\ud800"}
    (report,) = read_reports(written(document))

    assert "'=HYPERLINK" in report_csv(report)
    assert "\x1b" not in report_markdown(report)
    assert "\\|\\<b\\>" in report_markdown(report)


def test_what_we_know_of_a_run_that_we_started_is_no_longer_missing():
    known = with_setup(read("guidellm-0.8.1.json"), engine="llamacpp", engine_version="b1", hardware="Some CPU")
    (doubt,) = [doubt for doubt in known.doubts if doubt.code == "unknown-setup"]

    assert known.engine == "llamacpp"
    assert not doubt.evidence.startswith("the file does not say: hardware")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(
    [
        ("metadata",), ("benchmarks",), ("benchmarks", 0), ("benchmarks", 0, "metrics"), ("benchmarks", 0, "requests"),
        ("benchmarks", 0, "config"), ("benchmarks", 0, "config", "strategy"), ("benchmarks", 0, "start_time"),
        ("benchmarks", 0, "metrics", "request_totals"), ("benchmarks", 0, "requests", "successful"),
        ("benchmarks", 0, "requests", "successful", 0), ("benchmarks", 0, "requests", "successful", 0, "info"),
        ("benchmarks", 0, "requests", "successful", 0, "output_tokens"),
        ("benchmarks", 0, "metrics", "time_to_first_token_ms"),
        ("benchmarks", 0, "metrics", "time_to_first_token_ms", "successful"),
    ]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(place=PLACES, value=JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused_in_words(place, value, tmp_path):
    document = json.loads((GOLDEN / "guidellm-0.8.1.json").read_text())
    at = document
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    path = tmp_path / "changed.json"
    path.write_text(json.dumps(document), "utf-8")

    with suppress(ArenaError):
        reports = read_reports(path)
        assert all(parse_report(report_json(report), name="again") == report for report in reports)
