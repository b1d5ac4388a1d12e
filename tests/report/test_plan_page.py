"""The page of `arena plan`: every term with its bytes, the verdict with its number, commands to paste, other plans."""

import io
import shlex
from functools import partial

import pytest
from rich.console import Console

from inference_arena import units
from inference_arena.plan import Fit, Turned
from inference_arena.report import Page, PlanPage, plan_blocks
from inference_arena.report.blocks import Block, Heading, Lines, Pairs, Sentence
from inference_arena.report.pasted import continued
from planned import an_ask, on, planned

HOSTILE = "\x1b[2Jgone\nnew line \u202egnp " + "x" * 500
COMMAND = "vllm serve Qwen/Qwen3-4B --max-model-len 4096"
RUNS = planned("qwen3-4b-bf16", "vllm", on("RTX 3090"))
MISSES = planned("llama-3.3-70b-instruct-awq", "vllm", on("RTX 3090"))
TURNED = Turned(
    most_users=7,
    longest_context_tokens=12_345,
    smallest_card="l4",
    smallest_card_title="L4",
    smallest_card_checkpoint="Qwen3 4B, bf16",
)


def page(*fits: Fit, **fields: object) -> PlanPage:
    commands = {(fit.checkpoint, fit.engine): {"as a process": COMMAND} for fit in fits}
    return PlanPage(**{"ask": an_ask(on("RTX 3090")), "fits": fits, "commands": commands, **fields})


def blocks(made: PlanPage, kind: type[Block]) -> list[Block]:
    return [block for block in plan_blocks(made, width=120) if isinstance(block, kind)]


def drawn(made: PlanPage, *, width: int, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, color_system=None)
    console.print(Page(draft=partial(plan_blocks, made), width=width), end="", crop=False)
    file.seek(0)
    return file.read()


def test_every_term_is_named_with_its_bytes_below_a_bar():
    memory = blocks(page(RUNS), Lines)[0]

    assert len(memory.lines) == 1 + len(RUNS.budget.terms)
    for line, term in zip(memory.lines[1:], RUNS.budget.terms, strict=True):
        assert units.gib(term.bytes) in line


def test_the_verdict_has_the_number_that_decides_and_only_a_no_has_ways_out():
    yes, no = (" ".join(block.text for block in blocks(page(fit), Sentence)) for fit in (RUNS, MISSES))

    assert "requests of 4,096 tokens at once." in yes
    assert "What would change that" not in yes
    assert "GiB needed" in no
    assert "What would change that: a smaller quantization" in no


def test_a_command_is_shown_for_what_runs_and_none_for_what_does_not():
    shown = [line for block in blocks(page(RUNS), Lines) for line in block.lines]

    assert shown[-2:] == ["vllm serve Qwen/Qwen3-4B \\", "    --max-model-len 4096"]
    assert not [block for block in blocks(page(MISSES), Heading) if block.text.startswith("To paste")]


def test_explaining_gives_each_term_one_sentence_with_its_rule():
    explained = blocks(page(RUNS, explain=True), Pairs)[0]

    assert [name for name, _ in explained.rows] == [
        "weights", "KV cache", "activations", "graphs", "context", "reserve", "free",
    ]  # fmt: skip
    assert all("Rule: " in said for _, said in explained.rows)


def test_the_questions_turned_around_are_answered():
    rows = dict(blocks(page(RUNS, turned=TURNED), Pairs)[-1].rows)

    assert rows["most users"].startswith("7 at 4,096 tokens")
    assert "12,345 tokens" in rows["longest"]
    assert rows["smallest card"] == "L4, with Qwen3 4B, bf16"


def test_no_card_that_is_small_enough_is_said_so():
    none = TURNED.model_copy(update={"smallest_card_title": None})
    rows = dict(blocks(page(RUNS, turned=none), Pairs)[-1].rows)

    assert rows["smallest card"] == "no single card of the catalogue"


def test_what_gave_way_is_said():
    fit = planned("qwen2.5-32b-instruct-awq", "sglang", on("RTX 3090"))
    said = [block.text for block in blocks(page(fit), Sentence)]

    assert f"To make it fit, the plan takes {fit.gave_way[0]}." in said


def test_others_stand_in_a_table_in_their_order():
    table = next(block for block in blocks(page(RUNS, MISSES), Lines) if block.head)

    assert table.head == 1
    assert table.lines[1].startswith(MISSES.title)
    assert Heading(text="Alternatives") in plan_blocks(page(RUNS, MISSES), width=120)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_width_overflows_and_ascii_stays_ascii(width, encoding):
    made = page(RUNS, MISSES, explain=True, turned=TURNED)
    text = drawn(made, width=width, encoding=encoding)

    assert max(len(line) for line in text.splitlines()) <= width
    assert encoding != "ascii" or text.isascii()


@pytest.mark.parametrize("width", [40, 80, 160])
def test_hostile_names_and_words_from_files_are_shown_and_never_obeyed(width):
    terms = tuple(term.model_copy(update={"explained": HOSTILE}) for term in RUNS.budget.terms)
    budget = RUNS.budget.model_copy(update={"terms": terms})
    bad = RUNS.model_copy(
        update={
            "title": HOSTILE,
            "deciding": HOSTILE,
            "gave_way": (HOSTILE,),
            "budget": budget,
            "computes_with": (HOSTILE,),
        }
    )
    commands = {(bad.checkpoint, bad.engine): {HOSTILE: HOSTILE}}
    text = drawn(page(bad, bad, explain=True, notes=(HOSTILE,), commands=commands), width=width)

    assert all(line.isprintable() for line in text.splitlines())
    assert max(len(line) for line in text.splitlines() if "x" * 500 not in line) <= width  # commands are never cut


def test_a_command_is_neither_cut_nor_wrapped_on_a_narrow_terminal():
    long = "docker run --rm --entrypoint vllm vllm/vllm-openai:v0.33.0 serve /models/" + "x" * 80
    commands = {(RUNS.checkpoint, RUNS.engine): {"in a container": long}}
    lines = drawn(page(RUNS, commands=commands), width=60).splitlines()

    assert [line.strip() for line in lines[-5:]] == [
        "docker run \\",
        "--rm \\",
        "--entrypoint vllm \\",
        "vllm/vllm-openai:v0.33.0 \\",
        "serve /models/" + "x" * 80,
    ]


def test_a_pasted_command_is_the_same_to_a_shell_and_its_quoted_words_stay_whole():
    command = """docker run -v "$HOME/models:/models:ro" image serve m --kwargs '{"a": -1, "b": "it -x"}' --last"""

    lines = continued(command)

    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)
    assert """    --kwargs '{"a": -1, "b": "it -x"}' \\""" in lines


def test_what_a_command_needs_fetched_stands_before_it():
    key, line = (RUNS.checkpoint, RUNS.engine), "hf download Qwen/Qwen3-4B --local-dir ~/models/Qwen3-4B"
    shown = drawn(page(RUNS, downloads={key: {"as a process": ("get the files", line)}}), width=60)

    assert shown.index("get the files:") < shown.index(line) < shown.index("vllm serve")


@pytest.mark.parametrize(("gpu", "assumed"), [("RTX A5000", True), ("RTX 3090", False)])
def test_memory_that_nobody_has_read_off_such_a_card_is_said_to_be_assumed(gpu, assumed):
    fit = planned("qwen3-4b-bf16", "vllm", on(gpu))
    said = [block.text for block in blocks(page(fit, ask=an_ask(on(gpu))), Sentence)]

    assert any("is assumed: nobody has read it" in text for text in said) == assumed
