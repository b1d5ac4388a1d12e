"""Other tools' definitions over requests whose truth is known, and over what the tools themselves reported."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena.exchange import read_reports
from inference_arena.metrics import as_seen, figures, ours_in, summarise, views
from inference_arena.plan import Load
from inference_arena.record import Point, ReportedRequest, RequestTrace

GOLDEN = Path(__file__).parent.parent / "golden" / "exchange"
LOAD = Load(kind="closed", concurrency=1, duration_s=10.0)
POINT = Point(index=0, repeat=0, load=LOAD, seed=1, started_s=0.0, steady_from_s=0.0, steady_to_s=10.0, ended_s=10.0,
              stopped_by="plan")  # fmt: skip


def chunky(number: int, *, connect_s: float | None = None) -> RequestTrace:
    """Sent at its second: 4 tokens after 100 ms, then 4 every 40 ms, five times; the stream ends 50 ms later."""
    sent_s = float(number)
    reads = tuple(sent_s + 0.1 + 0.04 * i for i in range(5))
    return RequestTrace(
        request=number, point=0, scheduled_s=sent_s, sent_s=sent_s, connect_s=connect_s, read_s=reads,
        read_tokens=(4,) * 5, ended_s=reads[-1] + 0.05, result="ok", asked_input_tokens=8, asked_output_tokens=20,
        input_tokens=8, output_tokens=20, output_tokens_source="usage", token_times="server-count",
        prompt_sha256="ab" * 16,
    )  # fmt: skip


def means(tool: str, traces: list[RequestTrace]) -> dict[str, float]:
    (view,) = views(tool, points=[POINT], traces=traces)
    return {figure.name: figure.mean for figure in view.figures}


def test_guidellm_puts_the_first_wait_into_its_tpot_and_calls_tpot_itl():
    told = means("guidellm", [chunky(0), chunky(1)])

    assert told["time_to_first_token_ms"] == pytest.approx(100)
    assert told["inter_token_latency_ms"] == pytest.approx(160 / 19)  # a true 10 when four tokens come at a time
    assert told["time_per_output_token_ms"] == pytest.approx(260 / 20)
    assert told["request_latency"] == pytest.approx(0.31)  # to the end of the stream


def test_aiperf_ends_at_the_last_token_and_starts_before_a_new_connection():
    told = means("aiperf", [chunky(0, connect_s=0.02), chunky(1)])

    assert told["time_to_first_token"] == pytest.approx((120 + 100) / 2)
    assert told["request_latency"] == pytest.approx((280 + 260) / 2)
    assert told["inter_token_latency"] == pytest.approx(160 / 19)
    assert told["inter_chunk_latency"] == pytest.approx(40)
    assert told["time_to_second_token"] == pytest.approx(40)


def test_vllm_and_sglang_call_a_gap_between_chunks_itl_and_differ_in_where_an_answer_ends():
    vllm, sglang = means("vllm", [chunky(0)]), means("sglang", [chunky(0)])

    assert vllm["itl"] == sglang["itl"] == pytest.approx(40)
    assert vllm["tpot"] == pytest.approx(160 / 19)
    assert sglang["tpot"] == pytest.approx(210 / 19)  # to the end of the stream
    assert (vllm["e2el"], sglang["e2e_latency"]) == (pytest.approx(260), pytest.approx(310))


def test_rates_of_others_are_over_the_time_from_first_send_to_last_end():
    told = means("guidellm", [chunky(0), chunky(3)])

    assert told["requests_per_second"] == pytest.approx(2 / 3.31)
    assert told["output_tokens_per_second"] == pytest.approx(40 / 3.31)


def test_a_view_is_over_the_requests_that_our_own_latencies_are_over(builders):
    late = chunky(11)  # sent after the window
    failed = chunky(2).model_copy(update={"result": "failed", "failure": "http-500"})
    (view,) = views("vllm", points=[POINT], traces=[chunky(0), failed, late])

    assert view.requests == 1


def test_what_nobody_knows_is_left_out_where_the_tool_would_print_zero():
    (view,) = views("vllm", points=[POINT], traces=[])

    assert (view.requests, view.figures) == (0, ())


def test_ours_stands_beside_in_the_unit_of_the_tool(builders):
    traces = [chunky(n) for n in range(8)]
    summary = summarise(trial=builders.TRIAL, points=[POINT], traces=traces, samples=(), cpu_cores=2)
    (view,) = views("guidellm", points=[POINT], traces=traces)
    by_name = {figure.name: figure for figure in view.figures}

    assert ours_in(by_name["time_to_first_token_ms"], summary.points[0]) == pytest.approx(100)
    assert ours_in(by_name["inter_token_latency_ms"], summary.points[0]) == pytest.approx(10)
    assert ours_in(by_name["request_latency"], summary.points[0]) == pytest.approx(0.26)
    assert ours_in(by_name["time_per_output_token_ms"], summary.points[0]) is None


def test_every_figure_that_is_not_ours_says_how_it_differs():
    for tool in ("guidellm", "aiperf", "vllm", "sglang"):
        (view,) = views(tool, points=[POINT], traces=[chunky(0), chunky(1)])
        assert [figure.name for figure in view.figures if figure.ours is None and figure.differs is None] == []


@pytest.mark.parametrize(
    ("name", "tool", "same"),
    [
        ("guidellm-0.8.1.json", "guidellm", ("time_to_first_token_ms", "inter_token_latency_ms",
                                             "time_per_output_token_ms", "request_latency")),
        ("guidellm-0.6.0.json", "guidellm", ("time_to_first_token_ms", "inter_token_latency_ms",
                                             "time_per_output_token_ms", "request_latency")),
        ("aiperf-0.13.0", "aiperf", ("time_to_first_token", "inter_token_latency", "inter_chunk_latency",
                                     "request_latency", "time_to_second_token")),
        ("vllm-0.33.0.json", "vllm", ("ttft", "tpot", "itl", "e2el")),
    ],
)  # fmt: skip
def test_our_reading_of_a_definition_gives_the_numbers_that_the_tool_itself_printed(name, tool, same):
    """Real reports: what the tool summed up, made again from the requests that it kept, percentiles too."""
    (report,) = read_reports(GOLDEN / name)
    printed = {figure.name: figure for figure in report.points[0].figures}
    made = {figure.name: figure for figure in figures(tool, report.requests)}

    for metric in same:
        for place in ("mean", "p50", "p90", "p99", "std"):
            theirs, ours = getattr(printed[metric], place), getattr(made[metric], place)
            if theirs is not None:
                assert ours == pytest.approx(theirs, rel=1e-6), (metric, place)


def test_guidellms_percentile_is_a_value_and_not_between_two():
    requests = [
        ReportedRequest(request=i, point=0, sent_s=0.0, first_token_s=value, result="ok")
        for i, value in enumerate((0.1, 0.2, 0.3, 0.4))
    ]
    (ttft,) = [f for f in figures("guidellm", requests) if f.name == "time_to_first_token_ms"]
    (interpolated,) = [f for f in figures("aiperf", requests) if f.name == "time_to_first_token"]

    assert (ttft.p50, interpolated.p50) == (pytest.approx(200), pytest.approx(250))


@given(st.permutations(range(6)))
def test_the_order_of_requests_changes_no_figure(order):
    traces = [chunky(n) for n in range(6)]
    for tool in ("guidellm", "aiperf", "vllm", "sglang"):
        straight, mixed = means(tool, traces), means(tool, [traces[i] for i in order])
        assert mixed == pytest.approx(straight)


def test_the_readings_of_a_trace_are_its_own():
    seen = as_seen(chunky(1, connect_s=0.5), connecting=True)

    assert (seen.sent_s, seen.first_token_s, len(seen.gaps_s)) == (0.5, 1.1, 4)
    assert json.loads(seen.model_dump_json())["output_tokens"] == 20
