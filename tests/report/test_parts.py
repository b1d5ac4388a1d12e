"""Parts of a load and people who left, as a reader sees them."""

import pytest

from builders import a_record, estimate, point_summary, spread
from inference_arena.plan import Load
from inference_arena.record import GroupSummary, LeftSummary, Record, SloResult, Summary
from inference_arena.report.blocks import Heading, Lines, Sentence
from inference_arena.report.parts import parts


def a_group(by: str, name: str, **fields) -> GroupSummary:
    given = {
        "by": by,
        "name": name,
        "sent": 9,
        "ok": 7,
        "failed": 1,
        "cancelled": 1,
        "unfinished": 0,
        "ttft_s": spread(0.25),
        "tpot_s": None,
        "longest_gap_s": None,
        "e2e_s": None,
        "input_tokens": None,
        "output_tokens": None,
        "cached_input_share": None,
        "slo": SloResult(name="chat", attainment=estimate(0.5), goodput_per_s=None, met=None),
    }
    return GroupSummary(**{**given, **fields})


@pytest.fixture
def shown():
    """Texts of all blocks for one point with these changes."""

    def show(**changes) -> str:
        point = point_summary().model_copy(update=changes)
        record: Record = a_record()
        summary = Summary.model_validate(record.summary.model_copy(update={"points": (point,)}))
        blocks = parts(record.model_copy(update={"summary": summary}), width=78)
        texts = []
        for block in blocks:
            match block:
                case Heading(text=text) | Sentence(text=text):
                    texts.append(text)
                case Lines(lines=lines):
                    texts += lines
        assert all(len(line) <= 78 for block in blocks if isinstance(block, Lines) for line in block.lines)
        return "\n".join(texts)

    return show


def test_a_load_of_one_kind_where_nobody_left_has_no_parts(shown):
    assert shown() == ""


def test_kinds_and_turns_have_a_table_each_and_unknown_is_a_dash(shown):
    text = shown(
        groups=(a_group("kind", "chat"), a_group("kind", "batch", ttft_s=None), a_group("turn", "first question"))
    )

    assert "By kind of request, at 2 at once" in text
    assert "In conversations, at 2 at once" in text
    assert "250 ms" in text
    batch = next(line for line in text.splitlines() if line.startswith("batch"))
    assert "–" in batch


def test_people_who_left_are_told_with_their_reasons_and_the_engines_reaction(shown):
    left = LeftSummary(
        why={"by-chance": 1, "freeze": 2}, waited_s=spread(1.5), beyond_mean=2.5, beyond_max=4.0, samples=9
    )
    text = shown(left=left, sent=10)

    assert "3 of 10: 1 by chance, as asked for; 2 because the answer stood still." in text
    assert "2.5 requests that nobody waited for" in text


def test_an_engine_without_counters_leaves_its_reaction_unknown(shown):
    left = LeftSummary(why={"no-first-token": 1}, waited_s=None, beyond_mean=None, beyond_max=None, samples=0)

    assert "unknown" in shown(left=left)


def test_an_open_load_is_named_by_its_own_label(shown):
    load = Load(kind="open", rate_per_s=2.0, arrivals="spike", together=5, duration_s=10.0)

    assert "In the course of the load, at 2/s + 5" in shown(load=load, groups=(a_group("section", "in the spike"),))
