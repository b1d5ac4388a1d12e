"""One plan a model, and an order among models that a person can follow: score among what is fast enough."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cast import TODAY
from inference_arena import facts
from inference_arena.facts import Score
from inference_arena.plan import LEVELS, Candidate, Fit, best_plans, main_test, order_plans, rank, score_of
from planned import on, planned

BASE = planned("qwen3-8b-q4_k_m", "llamacpp", on("RTX 3090"))
ELO = "Arena text Elo"


def fit(**fields: object) -> Fit:
    return BASE.model_copy(update=fields)


def score(value: float, *, test: str = ELO, task: str = "chat") -> Score:
    return Score(task=task, test=test, value=value, source="this test", checked=TODAY)


def candidate(name: str, *, value: float | None = None, parameters: int = 8, **fields: object) -> Candidate:
    found = None if value is None else score(value)
    return Candidate(fit=fit(checkpoint=name, model=name, **fields), parameters=parameters, score=found)


def order(*candidates: Candidate) -> list[str]:
    return [one.fit.checkpoint for one in rank(candidates)]


def test_the_better_score_stands_first_however_small_the_model():
    assert order(candidate("large", value=1300, parameters=70), candidate("small", value=1310, parameters=8)) == [
        "small",
        "large",
    ]


def test_speed_beyond_the_goal_buys_no_rank():
    slow, quick = (
        planned("qwen3-8b-q4_k_m", "llamacpp", on("L4")),
        planned("qwen3-8b-q4_k_m", "llamacpp", on("H100 SXM5")),
    )
    assert slow.meets_slo is quick.meets_slo is True

    assert order(
        candidate("quick", value=1300, speed=quick.speed, meets_slo=True),
        candidate("slow", value=1301, speed=slow.speed, meets_slo=True),
    ) == ["slow", "quick"]


def test_what_is_too_slow_stands_behind_everything_that_may_be_fast_enough():
    assert order(
        candidate("late", value=1500, meets_slo=False),
        candidate("perhaps", value=1200, meets_slo=None),
        candidate("unknown", meets_slo=True),
    ) == ["perhaps", "unknown", "late"]


def test_a_speed_that_nobody_knows_stands_behind_what_is_fast_enough_and_before_what_is_too_slow():
    dark = planned("qwen3-8b-q4_k_m", "llamacpp", on("RTX 3090")).speed.model_copy(update={"tpot_s": None})
    assert order(
        candidate("late", value=1600, meets_slo=False),
        candidate("dark", value=1500, meets_slo=None, speed=dark),
        candidate("perhaps", value=1200, meets_slo=None),
        candidate("quick", value=1300, meets_slo=True),
    ) == ["quick", "perhaps", "dark", "late"]


def test_layers_in_ram_count_as_too_slow_unless_the_speed_is_known_to_do():
    assert order(
        candidate("offloaded", value=1500, offloaded=True, level="partly", meets_slo=None),
        candidate("whole", value=1200, meets_slo=None),
        candidate("offloaded and quick", value=1400, offloaded=True, level="partly", meets_slo=True),
    ) == ["offloaded and quick", "whole", "offloaded"]


def test_what_nobody_checked_stands_behind_what_surely_runs_and_before_what_is_too_slow():
    assert order(
        candidate("late", value=1500, meets_slo=False),
        candidate("unverified", value=1400, level="unverified", meets_slo=True),
        candidate("sure", value=1300, meets_slo=True),
    ) == ["sure", "unverified", "late"]


def test_an_unverified_plan_whose_layers_are_in_ram_is_never_near_the_top():
    assert order(
        candidate("both", level="unverified", offloaded=True, meets_slo=None, parameters=30),
        candidate("sure", meets_slo=None, parameters=1),
    ) == ["sure", "both"]


def test_unknown_scores_come_after_known_ones_larger_models_first():
    assert order(
        candidate("small unknown", parameters=4),
        candidate("large unknown", parameters=70),
        candidate("known", value=900),
    ) == ["known", "large unknown", "small unknown"]


def test_among_unknown_scores_what_is_years_older_than_the_newest_comes_last_whatever_its_size():
    def of(year: int, name: str, parameters: int, value: float | None = None) -> Candidate:
        one = candidate(name, value=value, parameters=parameters)
        return one.model_copy(update={"released": date(year, 1, 1)})

    known = of(2023, "old-but-known", 3, value=1000)

    assert order(of(2023, "old-large", 70), of(2026, "new", 8), known, of(2025, "recent-large", 32)) == [
        "old-but-known",
        "recent-large",
        "new",
        "old-large",
    ]


def test_among_what_does_not_fit_the_least_missing_stands_first():
    near = planned("qwen3-32b-bf16", "vllm", on("A100 SXM4 40GB"))
    far = planned("llama-3.3-70b-instruct-bf16", "vllm", on("A100 SXM4 40GB"))
    both = [Candidate(fit=one, parameters=1, score=score(1000)) for one in (far, near)]

    assert [one.fit.checkpoint for one in rank(both)] == [near.checkpoint, far.checkpoint]


LEVEL = st.sampled_from(LEVELS)
CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.text(min_size=1, max_size=4),
        value=st.none() | st.floats(500, 1500),
        parameters=st.integers(1, 10**12),
        level=LEVEL,
        offloaded=st.booleans(),
        meets_slo=st.sampled_from([True, False, None]),
    ),
    max_size=12,
)


@given(CANDIDATES)
def test_ranking_loses_nothing_and_puts_nothing_that_does_not_run_before_what_runs(candidates):
    ranked = rank(candidates)

    assert sorted(map(repr, ranked)) == sorted(map(repr, candidates))
    runs = [one.fit.runs for one in ranked]
    assert runs == sorted(runs, reverse=True)


@given(CANDIDATES)
def test_among_what_surely_runs_fast_enough_no_unknown_score_stands_before_a_known_one(candidates):
    sure = [
        one
        for one in rank(candidates)
        if one.fit.level in {"fits", "tight"} and not one.fit.offloaded and one.fit.meets_slo is not False
    ]
    known = [one.score is not None for one in sure]

    assert known == sorted(known, reverse=True)


@given(CANDIDATES, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_asking(candidates, random):
    shuffled = list(candidates)
    random.shuffle(shuffled)
    places = [(one.fit.runs, one.fit.level, one.score, one.parameters, one.fit.checkpoint) for one in rank(candidates)]
    again = [(one.fit.runs, one.fit.level, one.score, one.parameters, one.fit.checkpoint) for one in rank(shuffled)]

    assert [place[2:] for place in places] == [place[2:] for place in again]


# one plan a model


def best(*fits: Fit) -> Fit:
    (one,) = best_plans(fits)
    return one


def test_a_model_is_shown_by_its_best_plan():
    no = fit(checkpoint="no", level="does-not-fit")
    yes = fit(checkpoint="yes", level="tight")

    assert best(no, yes).checkpoint == "yes"


def test_what_surely_runs_is_taken_before_what_would_be_faster_if_it_ran():
    sure = fit(checkpoint="sure", level="fits", meets_slo=None)
    quick = fit(checkpoint="quick", level="unverified", meets_slo=True)

    assert best(quick, sure).checkpoint == "sure"


def test_of_plans_that_run_alike_the_one_with_the_least_loss_of_weights_is_taken():
    target = on("H100 SXM5")
    small, large = (planned(f"qwen3-8b-{kind}", "vllm", target) for kind in ("awq", "bf16"))

    assert best(small, large).checkpoint == "qwen3-8b-bf16"


def test_of_two_engines_with_the_same_weights_the_one_whose_speed_was_measured_is_taken():
    fits = [planned("gpt-oss-20b-mxfp4", engine, on("RTX 3090")) for engine in ("sglang", "vllm")]
    by_engine = {one.engine: one for one in fits}
    bases = {name: one.speed.tpot_s.basis for name, one in by_engine.items() if one.speed and one.speed.tpot_s}
    assert bases == {"sglang": "formula", "vllm": "calibrated"}

    assert best(*fits).engine == "vllm"


def test_of_plans_that_do_not_fit_the_smallest_is_taken():
    fits = [planned(f"llama-3.3-70b-instruct-{kind}", "vllm", on("RTX 3060 12GB")) for kind in ("bf16", "awq", "fp8")]

    assert best(*fits).checkpoint == "llama-3.3-70b-instruct-awq"


def test_plans_of_one_model_are_put_in_order_without_losing_any():
    fits = [
        planned("qwen3-8b-bf16", "vllm", on("RTX 3060 12GB")),
        planned("qwen3-8b-awq", "vllm", on("RTX 3060 12GB")),
        planned("qwen3-8b-q8_0", "llamacpp", on("RTX 3060 12GB")),
    ]

    ordered = order_plans(fits)

    assert {one.checkpoint for one in ordered} == {one.checkpoint for one in fits}
    assert [one.runs for one in ordered] == [True, True, False]


# scores


def test_a_score_is_of_the_asked_test_and_task_alone():
    model = facts.model("qwen3-8b").model_copy(
        update={"scores": (score(1200), score(50, test="GPQA", task="reasoning"))}
    )

    assert score_of(model, "chat", [ELO]) == score(1200)
    assert score_of(model, "chat", ["another test"]) is None
    assert score_of(model, "reasoning", [ELO]) is None
    assert score_of(model, None, [ELO]) is None


def test_models_are_ranked_by_the_test_that_most_of_them_took():
    of = facts.model("qwen3-8b").model_copy
    models = [
        of(update={"scores": (score(1200), score(70, test="rare"))}),
        of(update={"scores": (score(1100),)}),
        of(update={"scores": (score(9, test="reason", task="reasoning"),)}),
    ]

    assert main_test(models, "chat") == ELO
    assert main_test(models, "coding") is None
