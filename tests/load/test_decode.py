"""From the bytes of an answer to its trace: every way to count tokens, every failure by its name, no stranger's bytes
that could make it raise.
"""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_arena.load.clip import clip
from inference_arena.load.decode import Piece, count_tokens, decode, events
from inference_arena.load.messages import error_text
from inference_arena.load.raw import RawRequest
from inference_arena.record import RequestTrace

FIRST_READ_S = 1.0
READ_EVERY_S = 0.1
MOST_DETAIL = 200


def raw_request(reads: list[bytes], **fields) -> RawRequest:
    """An answer that came in these reads, 0.1 s apart from second 1 on."""
    given = {
        "request": 0,
        "point": 0,
        "scheduled_s": 0.0,
        "sent_s": 0.0,
        "connect_s": None,
        "headers_s": 0.9,
        "ended_s": 9.0,
        "status": 200,
        "content_type": "text/event-stream; charset=utf-8",
        "result": "ok",
        "failure": None,
        "detail": None,
        "asked_input_tokens": 8,
        "asked_output_tokens": 8,
        "prompt_sha256": "ab",
        "read_s": tuple(read_at(i) for i in range(len(reads))),
        "read_bytes": tuple(len(read) for read in reads),
        "body_bytes": sum(len(read) for read in reads),
    }
    return RawRequest(**{**given, **fields})


def read_at(read: int) -> float:
    return round(FIRST_READ_S + READ_EVERY_S * read, 6)


def decoded(*reads: bytes, **fields) -> RequestTrace:
    trace = decode(raw_request(list(reads), **fields), b"".join(reads))
    trace.model_dump_json()  # what cannot be written down is no trace
    return trace


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


def said(content: str | None = None, *, finish: str | None = None, **more) -> bytes:
    delta = {} if content is None else {"content": content}
    return event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})


def usage(completion: object, prompt: object = 8, **more) -> dict:
    return {"usage": {"prompt_tokens": prompt, "completion_tokens": completion, **more}}


ROLE = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]})
DONE = b"data: [DONE]\n\n"
LENGTH = said(finish="length")


def total(completion: object, **more) -> bytes:
    return event({"choices": [], **usage(completion, **more)})


# the event stream


def test_one_event_a_read_gives_one_token_a_read_at_the_readings_of_the_clock():
    trace = decoded(ROLE, said(" a"), said(" b"), said(" c"), LENGTH, total(3) + DONE)

    assert trace.result == "ok"
    assert trace.read_s == (1.1, 1.2, 1.3)
    assert trace.read_tokens == (1, 1, 1)
    assert trace.token_times == "per-delta"
    assert (trace.output_tokens, trace.output_tokens_source) == (3, "usage")
    assert (trace.input_tokens, trace.finish_reason, trace.answer_characters) == (8, "length", 6)


def test_lines_may_end_with_carriage_return_and_newline():
    reads = [part.replace(b"\n", b"\r\n") for part in (ROLE, said(" a"), said(" b"), LENGTH, total(2) + DONE)]

    trace = decoded(*reads)

    assert (trace.result, trace.read_s, trace.read_tokens) == ("ok", (1.1, 1.2), (1, 1))


def test_an_event_that_was_cut_belongs_to_the_read_that_completed_it():
    whole = said(" a")

    trace = decoded(ROLE, whole[:20], whole[20:] + said(" b"), LENGTH + total(2) + DONE)

    assert (trace.read_s, trace.read_tokens) == ((1.2,), (2,))


def test_an_event_cut_in_the_middle_of_a_character_loses_nothing():
    whole = said(" 漢🙂é")
    cut = next(i for i, byte in enumerate(whole) if byte > 0x7F) + 1

    trace = decoded(whole[:cut], whole[cut:], LENGTH + total(1) + DONE)

    assert (trace.result, trace.read_s, trace.answer_characters) == ("ok", (1.1,), 4)
    assert trace.answer_sha256 == decoded(whole, LENGTH + total(1) + DONE).answer_sha256


def test_several_events_in_one_read_are_several_tokens_of_one_read():
    trace = decoded(ROLE + said(" a") + said(" b"), said(" c") + LENGTH + total(3) + DONE)

    assert (trace.read_s, trace.read_tokens) == ((1.0, 1.1), (2, 1))


def test_comments_names_and_ids_between_events_are_no_data():
    noise = b": ping\n\nevent: message\nid: 7\nretry: 10\n"

    trace = decoded(noise + said(" a"), noise, LENGTH + total(1) + DONE)

    assert (trace.result, trace.read_tokens) == ("ok", (1,))


def test_an_event_without_data_is_passed_over():
    assert decoded(b"data:\n\n", said(" a"), b"data: \n\n", LENGTH + total(1) + DONE).result == "ok"


def test_an_answer_without_a_final_newline_is_read_to_its_end():
    assert decoded(said(" a"), LENGTH + total(1) + b"data: [DONE]").result == "ok"
    assert decoded(said(" a"), said(" b", finish="length").rstrip()).read_tokens == (1, 1)


def test_the_space_behind_the_colon_may_be_missing():
    trace = decoded(said(" a").replace(b"data: ", b"data:"), LENGTH + DONE)

    assert (trace.result, trace.read_tokens) == ("ok", (1,))


def test_a_stream_with_a_finish_reason_needs_no_done_and_one_with_done_no_finish_reason():
    assert decoded(said(" a"), LENGTH).result == "ok"
    assert decoded(said(" a"), DONE).result == "ok"


@given(
    texts=st.lists(st.text(min_size=1, max_size=4).filter(str.isprintable), min_size=1, max_size=6),
    ending=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    data=st.data(),
)
def test_however_a_stream_is_cut_into_reads_its_tokens_and_text_are_the_same(texts, ending, data):
    events = [ROLE, *(said(text) for text in texts), LENGTH, total(len(texts)), DONE]
    body = b"".join(events).replace(b"\n", ending)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(body) - 1), max_size=12)))
    reads = [body[a:b] for a, b in pairwise([0, *cuts, len(body)])]

    trace, whole = decoded(*reads), decoded(body)

    assert trace.result == "ok"
    assert sum(trace.read_tokens) == len(texts)
    assert trace.answer_sha256 == whole.answer_sha256
    assert set(trace.read_s) <= {read_at(i) for i in range(len(reads))}
    assert list(trace.read_s) == sorted(set(trace.read_s))


def test_each_event_comes_with_the_offset_behind_its_line():
    body = b"data: {}\r\n\r\ndata: [DONE]"

    assert list(events(body)) == [(10, b"{}"), (len(body), b"[DONE]")]


# how many tokens


def test_a_running_usage_counts_the_tokens_of_each_piece():
    trace = decoded(
        event({"choices": [{"delta": {"role": "assistant", "content": ""}}], **usage(0)}),
        said(" one two", **usage(2)),
        said(" three four five", **usage(5)),
        said(finish="length", **usage(5)) + total(5) + DONE,
    )

    assert (trace.token_times, trace.read_tokens, trace.output_tokens) == ("server-count", (2, 3), 5)
    assert trace.read_s == (1.1, 1.2)


def test_llama_cpps_own_timings_count_the_tokens_of_each_piece():
    trace = decoded(
        said(" a", timings={"predicted_n": 1, "predicted_ms": 5.5}),
        said(" b c", timings={"predicted_n": 3, "predicted_ms": 16.5}),
        said(finish="length", timings={"predicted_n": 3, "predicted_ms": 16.5}) + total(3) + DONE,
    )

    assert (trace.token_times, trace.read_tokens) == ("server-count", (1, 2))
    assert trace.engine_timings == {"predicted_n": 3.0, "predicted_ms": 16.5}


def test_tokens_held_back_by_the_server_are_counted_with_the_piece_that_shows_them():
    trace = decoded(said(" a", **usage(1)), said("", **usage(2)), said(" 漢", **usage(3)), LENGTH + total(3) + DONE)

    assert (trace.read_s, trace.read_tokens) == ((1.0, 1.2), (1, 2))


def test_a_running_count_that_falls_back_takes_no_token_away():
    trace = decoded(said(" a", **usage(4)), said(" b", **usage(1)), said(" c", **usage(6)), LENGTH + total(6) + DONE)

    assert trace.read_tokens == (4, 2)
    assert sum(trace.read_tokens) == trace.output_tokens


def test_the_unseen_stop_token_counts_with_the_finish_reason():
    trace = decoded(ROLE, said(" a"), said(" b"), said(finish="stop"), total(3) + DONE)

    assert trace.token_times == "per-delta"
    assert (trace.read_s, trace.read_tokens) == ((1.1, 1.2, 1.3), (1, 1, 1))


def test_the_unseen_stop_token_counts_with_a_running_count_too():
    trace = decoded(
        said(" a", timings={"predicted_n": 1}),
        said(" b", timings={"predicted_n": 2}),
        said(finish="stop", timings={"predicted_n": 3}) + total(3) + DONE,
    )

    assert (trace.token_times, trace.read_tokens, trace.output_tokens) == ("server-count", (1, 1, 1), 3)


def test_the_unseen_stop_token_of_an_answer_cut_by_length_is_not_invented():
    trace = decoded(said(" a"), said(" b"), said(finish="length"), total(3) + DONE)

    assert (trace.token_times, trace.read_s) == ("apportioned", (1.0, 1.1))


def test_a_count_that_differs_from_the_pieces_is_spread_by_characters():
    trace = decoded(said("aaaa"), said("bbbbbbbb"), said("cccc"), LENGTH + total(8) + DONE)

    assert (trace.token_times, trace.read_tokens, trace.output_tokens) == ("apportioned", (2, 3, 3), 8)


def test_a_short_first_piece_of_a_long_answer_still_tells_the_time_to_first_token():
    trace = decoded(said("I"), said(" would say that" * 20), LENGTH + total(60) + DONE)

    assert trace.token_times == "apportioned"
    assert trace.read_s == (1.0, 1.1)
    assert sum(trace.read_tokens) == 60


def test_fewer_tokens_than_pieces_still_begin_with_the_first_piece():
    trace = decoded(*(said("x") for _ in range(10)), LENGTH + total(2) + DONE)

    assert trace.read_s[0] == 1.0
    assert trace.read_tokens == (1, 1)


@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=40), total=st.integers(0, 500))
def test_apportioned_tokens_add_up_exactly_and_follow_the_text(sizes, total):
    pieces = [Piece(i, "x" * size, "", None, None) for i, size in enumerate(sizes)]
    carrying = sum(1 for size in sizes if size)

    counts, how = count_tokens(pieces, total=total)

    assert sum(counts) == (total if carrying else 0)
    assert all(count >= 0 for count in counts)
    assert all(count == 0 for count, size in zip(counts, sizes, strict=True) if not size)
    if how == "apportioned" and total >= carrying:
        assert all(count > 0 for count, size in zip(counts, sizes, strict=True) if size)
    if carrying and total:
        assert counts[next(i for i, size in enumerate(sizes) if size)] > 0


def test_without_usage_the_pieces_are_counted_and_the_trace_says_so():
    trace = decoded(ROLE, said(" a"), said(" b"), LENGTH + DONE)

    assert (trace.output_tokens, trace.output_tokens_source, trace.token_times) == (2, "deltas", "per-delta")
    assert (trace.input_tokens, trace.cached_input_tokens) == (None, None)


def test_the_role_chunk_is_never_a_token_not_even_when_the_server_counts_it():
    trace = decoded(event({"choices": [{"delta": {"role": "assistant"}}], **usage(1)}), said(" a", **usage(1)), DONE)

    assert (trace.read_s, trace.read_tokens) == ((1.1,), (1,))


def test_reasoning_counts_and_the_first_answer_comes_after_it():
    thought = [event({"choices": [{"delta": {name: " hm"}}]}) for name in ("reasoning_content", "reasoning")]

    trace = decoded(ROLE, *thought, said(" yes"), LENGTH + total(3) + DONE)

    assert (trace.read_s, trace.read_tokens) == ((1.1, 1.2, 1.3), (1, 1, 1))
    assert trace.first_answer_s == 1.3


def test_reasoning_given_under_both_names_is_counted_once():
    both = event({"choices": [{"delta": {"reasoning_content": " hm", "reasoning": " hm"}}]})

    assert decoded(both, LENGTH + DONE).answer_characters == 3


def test_an_answer_of_reasoning_alone_has_no_first_answer():
    trace = decoded(event({"choices": [{"delta": {"reasoning_content": " hm"}}]}), LENGTH + DONE)

    assert (trace.result, trace.first_answer_s) == ("ok", None)


def test_tool_calls_are_tokens():
    calls = [{"index": 0, "function": {"name": "look", "arguments": ""}}], [{"function": {"arguments": '{"a":1}'}}]

    trace = decoded(
        ROLE,
        *(event({"choices": [{"delta": {"tool_calls": call}}]}) for call in calls),
        said(finish="tool_calls") + total(2) + DONE,
    )

    assert (trace.result, trace.read_tokens, trace.answer_characters) == ("ok", (1, 1), 11)


def test_completions_bring_their_text_without_a_delta():
    pieces = [event({"choices": [{"text": text, "finish_reason": None}]}) for text in (" a", " b")]
    last = event({"choices": [{"text": "", "finish_reason": "length"}]})

    trace = decoded(*pieces, last + total(2) + DONE)

    assert (trace.result, trace.read_tokens, trace.finish_reason) == ("ok", (1, 1), "length")


def test_cached_prompt_tokens_are_read_from_the_usage():
    trace = decoded(said(" a"), LENGTH + total(1, prompt_tokens_details={"cached_tokens": 5}) + DONE)

    assert trace.cached_input_tokens == 5


# failures by name


def failure(*reads: bytes, **fields) -> tuple[str | None, str | None]:
    trace = decoded(*reads, **fields)
    assert trace.result == "failed"
    return trace.failure, trace.detail


def test_a_refusal_has_its_status_as_name_and_the_servers_words():
    body = json.dumps({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}).encode()

    assert failure(body, status=401, content_type="application/json") == ("http-401", "Incorrect API key provided")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "model not found"}', "model not found"),
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"message": "slow down"}', "slow down"),
        (b"<html><head><style>p {}</style></head><body><h1>502</h1> Bad &amp; Gateway</body>", "502 Bad & Gateway"),
        (b"upstream\r\n\r\ntimed out", "upstream timed out"),
        (b"", ""),
    ],
)
def test_the_servers_words_are_found_in(body, words):
    assert error_text(body) == words


def test_a_web_page_is_not_a_stream():
    name, detail = failure(b"<!doctype html><title>Welcome</title><p>Not an API.", content_type="text/html")

    assert (name, detail) == ("not-a-stream", "text/html: Welcome Not an API.")


def test_a_whole_answer_where_a_stream_was_asked_for_is_not_a_stream():
    assert failure(b'{"choices": []}', content_type="application/json")[0] == "not-a-stream"


def test_an_answer_without_a_content_type_says_so():
    assert failure(b"", content_type="") == ("not-a-stream", "no content type:")


def test_broken_json_is_garbage_and_the_tokens_before_it_stay():
    trace = decoded(said(" a"), b'data: {"choices": [{"delta"\n\n', DONE)

    assert (trace.result, trace.failure, trace.read_tokens) == ("failed", "garbage", (1,))
    assert trace.detail == '{"choices": [{"delta"'


def test_an_error_inside_the_stream_is_a_stream_error_and_beats_what_follows():
    error = event({"error": {"message": "CUDA out of memory", "code": 500}})

    assert failure(said(" a"), error, b"data: {\n\n", DONE) == ("stream-error", "CUDA out of memory")


def test_a_stream_that_ends_without_a_finish_is_cut_short():
    assert failure(said(" a"), said(" b"))[0] == "cut-short"
    assert failure(b"")[0] == "cut-short"


def test_a_stream_without_a_token_is_an_empty_answer():
    assert failure(ROLE, LENGTH + DONE)[0] == "empty-answer"
    assert failure(DONE)[0] == "empty-answer"


def test_an_answer_of_nothing_but_the_unseen_stop_token_is_empty():
    assert failure(ROLE, said(finish="stop"), total(1) + DONE)[0] == "empty-answer"


@pytest.mark.parametrize("name", ["timeout", "connection-reset", "too-much-data"])
def test_a_failure_seen_on_the_wire_keeps_its_name(name):
    assert failure(said(" a"), result="failed", failure=name, detail="why") == (name, "why")
    assert failure(b"{}", status=500, result="failed", failure=name)[0] == name


@pytest.mark.parametrize("result", ["cancelled", "unfinished"])
def test_an_answer_that_we_left_is_no_failure_of_the_server(result):
    trace = decoded(said(" a"), b"data: {\n\n", result=result)

    assert (trace.result, trace.failure, trace.read_tokens) == (result, None, (1,))


def test_a_request_that_got_no_answer_has_no_reads():
    trace = decoded(status=None, result="failed", failure="connection-refused", headers_s=None, content_type="")

    assert (trace.result, trace.failure, trace.read_s, trace.output_tokens) == (
        "failed", "connection-refused", (), None,
    )  # fmt: skip


# strangers

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**15, 10**30)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "choices usage timings error delta content text reasoning_content reasoning tool_calls function name arguments "
    "finish_reason completion_tokens prompt_tokens prompt_tokens_details cached_tokens predicted_n message detail"
).split()
TYPICAL = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
CHUNK = st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "delta": TYPICAL | st.fixed_dictionaries({}, optional={"content": TYPICAL, "tool_calls": TYPICAL}),
                    "text": TYPICAL,
                    "finish_reason": TYPICAL,
                },
            ),
            max_size=2,
        )
        | TYPICAL,
        "usage": TYPICAL | st.fixed_dictionaries({"completion_tokens": TYPICAL}, optional={"prompt_tokens": TYPICAL}),
        "timings": TYPICAL | st.dictionaries(st.text(st.characters(codec=None), max_size=4), TYPICAL, max_size=2),
        "error": TYPICAL,
    },
)


def sane(trace: RequestTrace) -> None:
    assert (trace.failure is not None) == (trace.result == "failed")
    assert trace.detail is None or (len(trace.detail) <= MOST_DETAIL and trace.detail.isprintable())
    assert trace.finish_reason is None or (
        len(trace.finish_reason) <= MOST_DETAIL and trace.finish_reason.isprintable()
    )
    assert len(trace.read_s) == len(trace.read_tokens)
    assert all(tokens > 0 for tokens in trace.read_tokens)
    assert RequestTrace.model_validate_json(trace.model_dump_json()) == trace


@settings(max_examples=60)
@given(st.lists(CHUNK, max_size=5), st.booleans())
def test_no_stream_of_json_makes_it_raise(chunks, escaped):
    reads = [b"data: " + json.dumps(chunk, ensure_ascii=escaped).encode("utf-8", "surrogatepass") + b"\n\n"
             for chunk in chunks]  # fmt: skip

    sane(decoded(*reads, said(" a") + LENGTH + DONE))


@given(TYPICAL, st.sampled_from([200, 400, 500]), st.sampled_from(["application/json", "text/html", "", "text/\x07\n"]))
def test_no_refusal_makes_it_raise(body, status, content_type):
    sane(decoded(json.dumps(body).encode(), status=status, content_type=content_type))


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_no_bytes_make_it_raise(reads):
    sane(decoded(*(b"data: " + read + b"\n\n" for read in reads)))
    sane(decoded(*reads, status=500))


def test_deep_nesting_is_taken_without_a_word():
    """Around the interpreter's own limit too, where parsing still works and printing might not."""
    for depth in (*range(900, 1005), 100_000):
        for opened, closed in ((b"[", b"]"), (b'{"message":', b"}")):
            nested = opened * depth + b"1" + closed * depth
            sane(decoded(b'data: {"error": ' + nested + b"}\n\n", said(" a") + LENGTH + DONE))
            sane(decoded(b'{"error": ' + nested + b"}", status=500))


def test_names_given_by_a_stranger_are_kept_short_and_clean():
    timings = {"predicted_n": 1, "x" * 1000: 2, "a\n": 3, "\ud800": 4}

    trace = decoded(
        b"data: "
        + json.dumps(
            {"choices": [{"delta": {"content": "a"}, "finish_reason": "\ud800\n" + "x" * 1000}], "timings": timings}
        ).encode()
        + b"\n\n"
    )

    assert trace.engine_timings == {"predicted_n": 1.0}
    sane(trace)


@pytest.mark.parametrize("value", ["9" * 5000, "1e999", "NaN", "-Infinity", "-1", "true", '"7"', "10000000000"])
def test_a_count_that_cannot_be_one_is_unknown(value):
    trace = decoded(
        said(" a"), b'data: {"choices": [], "usage": {"completion_tokens": %s}}\n\n' % value.encode(), LENGTH
    )

    assert trace.output_tokens in {1, None}
    assert trace.input_tokens is None
    sane(trace)


def test_a_hostile_error_page_costs_no_time_worth_mention():
    """Each took over half a second a page when the search was quadratic; a thousand of them come to minutes."""
    for _ in range(20):
        error_text(b"<" * 20_000)
        error_text(b"<script" * 2_900)


def test_a_detail_is_one_clean_line():
    line = clip("a\x00b\r\n\tc\x1b[31m \u202ered\u2028 \ud800" + "x" * 1000)

    assert line.startswith("a b c [31m red x")
    assert (len(line), line[-1]) == (MOST_DETAIL, "…")
    assert line.isprintable()


@given(st.text(st.characters(codec=None), max_size=400))
def test_every_detail_is_one_clean_line(text):
    line = clip(text)

    assert len(line) <= MOST_DETAIL
    assert line.isprintable()
    assert line == " ".join(line.split())
