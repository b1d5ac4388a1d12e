"""Cards: all that ship are sound, and one that is not is named with its field."""

import math
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from inference_arena import facts
from inference_arena.errors import BadFileError, NotFoundError
from inference_arena.facts import Checkpoint, Distribution, Slo, Workload

SLO = """
name = "quick"
title = "somebody in a hurry"
ttft_s = 0.5
judged_at = 0.9
source = "made up"
checked = 2026-11-23
"""


def refused(text: str, kind: type = Slo) -> BadFileError:
    with pytest.raises(BadFileError) as caught:
        facts.read_card(text, kind, name="quick.toml")
    return caught.value


@pytest.mark.parametrize("cards", [facts.models, facts.checkpoints, facts.gpus, facts.workloads, facts.slos])
def test_every_card_that_ships_loads_is_named_like_its_file_and_says_where_it_is_from(cards):
    assert cards()
    for name, card in cards().items():
        assert card.name == name
        assert card.source
        assert card.checked.year >= 2026


def test_checkpoints_are_known_by_their_file_and_no_two_have_the_same():
    cards = [card for card in facts.checkpoints().values() if card.file is not None]

    assert len({card.known_file.sha256 for card in cards}) == len(cards) > 0
    for card in cards:
        assert facts.checkpoint_of_file(card.known_file.sha256) == card
        assert len(card.known_file.sha256) == 64
        assert card.known_file.package or card.known_file.hub
    assert facts.checkpoint_of_file("0" * 64) is None


def test_every_checkpoint_is_of_a_model_in_the_catalogue():
    for card in facts.checkpoints().values():
        assert facts.model(card.model).layer_count > 0


def test_the_built_in_model_is_in_the_catalogue():
    assert facts.checkpoint(facts.EMBEDDED).known_file.package is not None


def test_slos_and_workloads_can_be_met_and_sent():
    for slo in facts.slos().values():
        assert 0 < slo.judged_at <= 1
        assert all(bound is None or bound > 0 for bound in (slo.ttft_s, slo.tpot_s))
    for workload in facts.workloads().values():
        assert workload.input_tokens > 0 < workload.output_tokens
        assert 0 <= workload.output_jitter < 1
        assert facts.slo(workload.slo)
        assert workload.shared_prefix_share is None or 0 < workload.shared_prefix_share < 1


def test_a_workloads_middle_lengths_are_the_medians_of_its_distributions():
    spread = [workload for workload in facts.workloads().values() if workload.input and workload.output]

    assert {"code", "summarise", "rag-long-prompt", "batch"} <= {workload.name for workload in spread}
    for workload in spread:
        assert workload.input.median_tokens == workload.input_tokens
        assert workload.output.median_tokens == workload.output_tokens


def test_a_distribution_has_what_its_kind_needs_in_rising_order():
    workloads = facts.workloads().values()
    for lengths in (one for workload in workloads for one in (workload.input, workload.output) if one is not None):
        assert lengths.source
        stated = (lengths.least_tokens, lengths.median_tokens, lengths.p90_tokens, lengths.most_tokens)
        rising = [tokens for tokens in stated if tokens is not None]
        assert rising == sorted(rising)
        assert (lengths.p90_tokens is not None) == (lengths.kind in ("lognormal", "normal"))


def test_the_spread_of_lognormal_lengths_follows_from_their_median_and_90th_percentile():
    lengths = Distribution(kind="lognormal", median_tokens=100, p90_tokens=360, source="made up")

    # 90 % of a standard normal lie below 1.28155
    assert lengths.sigma == pytest.approx(math.log(3.6) / 1.28155, rel=1e-5)
    assert lengths.model_copy(update={"kind": "fixed"}).sigma is None
    assert lengths.model_copy(update={"p90_tokens": None}).sigma is None


@pytest.mark.parametrize("find", [facts.checkpoint, facts.workload, facts.slo])
def test_a_card_that_is_not_there_is_said_with_those_that_are(find):
    with pytest.raises(NotFoundError, match="'nothing'") as caught:
        find("nothing")

    assert caught.value.try_.startswith("one of: ")


def test_a_name_that_is_nearly_right_is_answered_with_names_like_it():
    with pytest.raises(NotFoundError) as caught:
        facts.model("Qwen3-8bb")

    assert "qwen3-8b" in caught.value.try_
    assert caught.value.try_.count(",") < 8


def test_a_good_card_is_read_and_a_missing_number_is_unknown():
    card = facts.read_card(SLO, Slo, name="quick.toml")

    assert (card.name, card.ttft_s, card.tpot_s, card.checked.isoformat()) == ("quick", 0.5, None, "2026-11-23")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("ttft_s = 0.5", 'ttft_s = "0.5"'), "ttft_s"),
        (("ttft_s = 0.5", "ttft_s = inf"), "ttft_s"),
        (("ttft_s = 0.5", "ttft_s = nan"), "ttft_s"),
        (("ttft_s = 0.5", "ttft = 0.5"), "ttft"),
        (("judged_at = 0.9", ""), "judged_at"),
        (("2026-11-23", '"yesterday"'), "checked"),
        (("2026-11-23", "07:32:00"), "checked"),
        (("2026-11-23", "2026-11-23T07:32:00Z"), "checked"),
        (('source = "made up"', "source = 1"), "source"),
    ],
)
def test_a_malformed_card_is_refused_with_file_and_field(change, field):
    error = refused(SLO.replace(*change))

    assert error.what == f"quick.toml: field '{field}' is wrong"
    assert error.why


def test_a_field_inside_a_part_is_named_with_its_part():
    place = resources.files("inference_arena.facts").joinpath("checkpoints", f"{facts.EMBEDDED}.toml")
    card = place.read_text("utf-8").replace("download_bytes = 92_871_040", 'download_bytes = "many"')

    assert refused(card, Checkpoint).what.endswith("'file.package.download_bytes' is wrong")


def test_what_is_no_toml_is_said():
    error = refused("name = \n")

    assert error.what == "quick.toml is not TOML"
    assert "line 1" in error.why


@given(st.text(max_size=60))
def test_no_text_makes_reading_raise_anything_else(text):
    with pytest.raises(BadFileError, match=r"x\.toml"):
        facts.read_card(text, Workload, name="x.toml")


def test_a_fact_is_frozen_strict_and_takes_nothing_unknown_or_infinite():
    slo = facts.slo("chat")

    with pytest.raises(ValidationError):
        slo.ttft_s = 1.0
    for wrong in ({"ttft_s": "1"}, {"ttft_s": float("inf")}, {"tpot": 1.0}):
        with pytest.raises(ValidationError):
            Slo(**{**slo.model_dump(), **wrong})
