"""The page of `arena fit`: an order of what runs, what nearly does and why, and a next command that asks the same."""

import io
from functools import partial

import pytest
from rich.console import Console

from inference_arena import facts
from inference_arena.plan import PURPOSES, Candidate, Fit, best_plans, main_test, rank, score_of, survey
from inference_arena.report import FitPage, Page, fit_blocks
from inference_arena.report.blocks import Block, Heading, Lines, Sentence, Step
from inference_arena.report.planned import target_line
from planned import an_ask, catalogue, on, pair, planned

HOSTILE = "\x1b[2Jgone\nnew line \u202egnp " + "x" * 500

COMMAND = " " * 6 + "arena plan"


def candidates(*fits: Fit) -> tuple[Candidate, ...]:
    return rank(Candidate(fit=fit, parameters=8_000_000_000, score=None) for fit in fits)


def page(*fits: Fit, gpu: str = "RTX 3090", users: int = 1, **fields: object) -> FitPage:
    known = {"purpose": "chat", "test": None, "shown": 12}
    return FitPage(ask=an_ask(on(gpu), users=users), candidates=candidates(*fits), **{**known, **fields})


def whole_catalogue(gpu: str) -> FitPage:
    ask = an_ask(on(gpu))
    test = main_test(facts.models().values(), PURPOSES["chat"].task)
    found = best_plans(survey(ask, checkpoints=catalogue()))
    ranked = rank(
        Candidate(
            fit=fit,
            parameters=facts.model(fit.model).parameters,
            score=score_of(facts.model(fit.model), "chat", [test] if test else []),
        )
        for fit in found
    )
    return FitPage(ask=ask, candidates=ranked, purpose="chat", test=test, shown=12, again=("--gpu", gpu))


def drawn(made: FitPage, *, width: int, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, color_system=None)
    console.print(Page(draft=partial(fit_blocks, made), width=width), end="", crop=False)
    file.seek(0)
    return file.read()


def sentences(blocks: tuple[Block, ...]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Sentence | Heading)]


def rows(made: FitPage, *, width: int = 160) -> list[str]:
    (lines,) = [block for block in fit_blocks(made, width=width) if isinstance(block, Lines)]
    return list(lines.lines)


RUNS = planned("qwen3-8b-q4_k_m", "llamacpp", on("RTX 3090"))
MISSES = planned("llama-3.3-70b-instruct-awq", "vllm", on("RTX 3090"))
FAR = planned("llama-3.3-70b-instruct-bf16", "vllm", on("RTX 3090"))


def test_what_runs_is_a_table_and_what_nearly_does_a_sentence_with_its_reason_and_a_way_out():
    made = page(RUNS, MISSES)

    assert len(rows(made)) == 2
    assert "Qwen3 8B, Q4_K_M" in rows(made)[1]
    (said,) = [text for text in sentences(fit_blocks(made, width=160)) if text.startswith(MISSES.title)]
    assert "GiB needed" in said
    assert "Try: a smaller quantization" in said


def test_what_is_far_too_large_is_counted_and_not_called_nearly_fitting():
    said = sentences(fit_blocks(page(RUNS, FAR), width=160))

    assert "1 model of the catalogue is far too large for this card." in said
    assert "What nearly fits, and why it does not" not in said


def test_where_nothing_runs_everything_says_why():
    said = sentences(fit_blocks(page(FAR), width=160))

    assert "Nothing in the catalogue runs here as asked." in said
    assert any(text.startswith(FAR.title) for text in said)


def test_the_next_command_asks_for_the_same_card_and_wish():
    made = page(RUNS, again=("--gpu", "RTX 3090", "--users", "8"))
    (step,) = [block for block in fit_blocks(made, width=160) if isinstance(block, Step)]

    assert step.command == "arena plan qwen3-8b-q4_k_m --gpu 'RTX 3090' --users 8 --engine llamacpp"


def test_an_engine_that_was_named_is_not_named_twice():
    made = page(RUNS, named="qwen3-8b", again=("--engine", "llamacpp==b8095"))
    (step,) = [block for block in fit_blocks(made, width=160) if isinstance(block, Step)]

    assert step.command == "arena plan qwen3-8b --engine llamacpp==b8095"


def test_why_there_are_dashes_is_said_once():
    made = page(
        planned("qwen3-8b-q4_k_m", "llamacpp", on("GB10"), users=8),
        planned("qwen3-4b-q4_k_m", "llamacpp", on("GB10"), users=8),
        gpu="GB10",
        users=8,
    )
    said = [text for text in sentences(fit_blocks(made, width=160)) if text.startswith("Not known: ")]

    assert len(said) == len(set(said)) == 1


def test_a_speed_is_called_doubtful_only_where_a_known_number_is():
    apple = planned("qwen3-4b-q4_k_m", "llamacpp", on("apple-m4-pro"))  # how fast it reads prompts is unknown
    slow = planned("qwen2.5-14b-instruct-q8_0", "llamacpp", on("apple-m4-pro"))

    shown = {
        title: row
        for row in rows(page(apple, slow, gpu="apple-m4-pro"))
        for title in (apple.title, slow.title)
        if title in row
    }

    assert "slow" not in shown[apple.title]
    assert "slow" in shown[slow.title]


def test_one_user_has_no_each():
    assert any("4,096 tokens of context." in text for text in sentences(fit_blocks(page(RUNS), width=160)))
    assert any("tokens of context each." in text for text in sentences(fit_blocks(page(RUNS, users=8), width=160)))


def test_a_chip_that_shares_memory_says_of_which_machine_it_speaks():
    said = sentences(fit_blocks(page(RUNS, gpu="apple-m4-pro"), width=160))

    assert any("--ram names another size" in text for text in said)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 160])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_whole_catalogue_never_overflows_and_keeps_to_the_encoding(width, encoding):
    text = drawn(whole_catalogue("RTX 3090"), width=width, encoding=encoding)

    assert max(len(line) for line in text.splitlines() if not line.startswith(COMMAND)) <= width
    assert encoding != "ascii" or text.isascii()


def test_the_narrower_the_terminal_the_fewer_columns_and_the_names_go_last():
    made = whole_catalogue("RTX 3090")
    heads = {width: rows(made, width=width)[0] for width in (160, 100, 80, 60, 40)}

    assert "memory" in heads[160]
    assert "memory" not in heads[80]
    assert all("model" in head for head in heads.values())
    assert [len(head.split()) for head in heads.values()] == sorted(
        (len(head.split()) for head in heads.values()), reverse=True
    )


@pytest.mark.parametrize("width", [40, 80, 160])
def test_hostile_names_are_shown_and_never_obeyed(width):
    bad = RUNS.model_copy(update={"title": HOSTILE, "checkpoint": HOSTILE})
    missing = MISSES.model_copy(update={"title": HOSTILE, "deciding": HOSTILE, "ways_out": (HOSTILE,)})
    text = drawn(page(bad, missing, named=HOSTILE, notes=(HOSTILE,)), width=width)

    assert all(line.isprintable() for line in text.splitlines())
    assert "\n".join(text.splitlines()) == text.rstrip("\n")
    assert max(len(line) for line in text.splitlines() if not line.startswith(COMMAND)) <= width


def test_a_model_that_was_named_is_not_said_to_be_ranked():
    said = sentences(fit_blocks(page(RUNS, named="qwen3-8b", test="a test"), width=160))

    assert not any(text.startswith("Ranked by") for text in said)
    assert pair("qwen3-8b-q4_k_m")[1].title == RUNS.title


def test_the_next_command_is_neither_cut_nor_wrapped_on_a_narrow_terminal():
    last = drawn(page(RUNS, again=("--gpu", "RTX 3090", "--users", "8", "--context", "8192")), width=60).splitlines()[
        -1
    ]

    assert last == f"{COMMAND} qwen3-8b-q4_k_m --gpu 'RTX 3090' --users 8 --context 8192 --engine llamacpp"


def test_eighty_columns_keep_what_decides_and_cut_the_names_instead():
    head, *models = rows(whole_catalogue("RTX 3090"), width=80)

    assert all(name in head for name in ("model", "engine", "verdict", "tok/s a user"))
    assert any("…" in row for row in models)
    assert all(" to " in row for row in models)


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_the_legend_is_there_only_where_the_bars_are(width):
    made = whole_catalogue("RTX 3090")
    explained = any("█ weights" in text for text in sentences(fit_blocks(made, width=width)))

    assert explained == ("memory" in rows(made, width=width)[0])


def test_no_name_is_cut_to_make_room_for_a_bar():
    made = whole_catalogue("RTX 3090")

    for width in range(80, 161, 4):
        head, *models = rows(made, width=width)
        assert "memory" not in head or not any("…" in row for row in models)


@pytest.mark.parametrize(
    ("count", "line"), [(1, "L4: 22.00 GiB for programs"), (2, "2 x L4: 22.00 GiB each for programs")]
)
def test_the_memory_of_several_cards_is_said_to_be_of_each(count, line):
    room = 22 * 2**30

    assert target_line("L4", count=count, memory_bytes=room, free_bytes=room, driver=None) == line
