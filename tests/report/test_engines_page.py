"""The list of engines as text."""

from inference_arena.report import EngineRow, engines_page

ROWS = (
    EngineRow(
        name="vllm", title="vLLM", here=(), newest="0.32.0", is_here=False, notes=("not 0.33.0: " + "word " * 30,)
    ),
    EngineRow(name="sglang", title="SGLang", here=("0.5.14 (PATH)",), newest=None, is_here=False, notes=()),
    EngineRow(name="llamacpp", title="llama.cpp", here=("b1 (built-in)",), newest="b1", is_here=True, notes=()),
)


def page(width: int, *, ascii_only: bool = False) -> str:
    return engines_page(ROWS, machine="a card, driver 1", width=width, ascii_only=ascii_only)


def test_each_engine_says_what_is_here_and_how_the_newest_comes():
    rows = {line.split()[0]: line for line in page(120).splitlines() if line}

    assert rows["vllm"].endswith("arena engines install vllm")
    assert rows["sglang"].endswith("not installable here")
    assert rows["llamacpp"].endswith("is here")


def test_no_line_is_wider_than_a_terminal_of_80_columns():
    assert max(map(len, page(80).splitlines())) <= 80


def test_plain_text_needs_no_signs_beyond_ascii():
    assert page(100, ascii_only=True).isascii()
