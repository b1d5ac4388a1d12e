"""Three numbers a metric: which step explains where ours and theirs part."""

import pytest

from inference_arena.metrics import crosscheck, summarise
from inference_arena.plan import Load
from inference_arena.record import Point, ReportedRequest, RequestTrace, SelfTestSummary

LOAD = Load(kind="closed", concurrency=1, duration_s=100.0)
POINT = Point(index=0, repeat=0, load=LOAD, seed=1, started_s=0.0, steady_from_s=0.0, steady_to_s=100.0,
              ended_s=100.0, stopped_by="plan")  # fmt: skip
SELF_TEST = SelfTestSummary(streams=1, n=30, ttft_error_p50_s=0.0002, ttft_error_p99_s=0.002, tpot_error_share=0.001,
                            tokens_lost=0)  # fmt: skip
TOKENS = 20


def seen(number, *, ttft_s=0.1, pace_s=0.01, extra_s=0.0, cached=0):
    sent_s = float(number)
    first_s = sent_s + ttft_s + extra_s + 0.0001 * (number % 5)
    last_s = first_s + pace_s * (TOKENS - 1)
    return ReportedRequest(
        request=number, point=0, sent_s=sent_s, first_token_s=first_s, last_token_s=last_s, ended_s=last_s + 0.001,
        gaps_s=(pace_s,) * (TOKENS - 1), input_tokens=50, cached_input_tokens=cached, output_tokens=TOKENS, result="ok",
    )  # fmt: skip


@pytest.fixture
def point(builders):
    def trace(number):
        like = seen(number)
        reads = tuple(like.first_token_s + 0.01 * i for i in range(TOKENS))
        return RequestTrace(
            request=number, point=0, scheduled_s=like.sent_s, sent_s=like.sent_s, read_s=reads,
            read_tokens=(1,) * TOKENS, ended_s=like.ended_s, result="ok", asked_input_tokens=50,
            asked_output_tokens=TOKENS, input_tokens=50, output_tokens=TOKENS, output_tokens_source="usage",
            token_times="per-delta", prompt_sha256="ab" * 16,
        )  # fmt: skip

    traces = [trace(n) for n in range(60)]
    return summarise(trial=builders.TRIAL, points=[POINT], traces=traces, samples=(), cpu_cores=2).points[0]


def verdicts(point, theirs):
    ours = [seen(n) for n in range(60)]
    result = crosscheck("guidellm", point=point, ours=ours, theirs=theirs, self_test=SELF_TEST)
    return {parting.name: parting.verdict for parting in result.partings}, result


def test_equal_measurements_agree_and_only_another_definition_parts_them(point):
    told, _ = verdicts(point, [seen(n, extra_s=0.001) for n in range(60)])

    assert told["time_to_first_token_ms"] == "agree"
    assert told["inter_token_latency_ms"] == "agree"
    assert told["time_per_output_token_ms"] == "definition"


def test_a_slow_client_of_theirs_is_a_difference_of_measurement(point):
    told, _ = verdicts(point, [seen(n, extra_s=0.03) for n in range(60)])

    assert told["time_to_first_token_ms"] == "measurement"
    assert told["inter_token_latency_ms"] == "agree"


def test_too_few_of_their_requests_are_not_judged(point):
    told, result = verdicts(point, [seen(n) for n in range(3)])

    assert told["time_to_first_token_ms"] == "not-judged"
    assert result.their_requests == 2  # the first of each stream is left out


def test_a_cache_that_was_warm_for_them_is_said(point):
    _, result = verdicts(point, [seen(n, cached=40) for n in range(60)])

    assert [text for text in result.unlike if "cache" in text] == [
        "prompt tokens from the server's cache: 0% with us, 80% with it"
    ]


def test_answers_of_another_length_are_said(point):
    longer = [seen(n).model_copy(update={"output_tokens": 40}) for n in range(60)]
    _, result = verdicts(point, longer)

    assert result.unlike == ("output tokens per request: 20.0 with us, 40.0 with it",)
