"""Vendors' tools: real programs that answer, fail and are missing; answers of every kind."""

from pathlib import Path

import pytest

from inference_arena.hardware.names import amd_name, pci_name
from inference_arena.hardware.tools import amount, read_json, run_tool, words


def test_a_tool_that_is_there_is_heard_in_english() -> None:
    assert run_tool(("sh", "-c", "echo $LC_ALL; echo loud >&2")) == "C\n"


@pytest.mark.parametrize(
    "argv", [("no-such-tool-anywhere",), ("sh", "-c", "echo half; exit 3"), ("sh", "-c", "kill $$")]
)
def test_a_tool_that_is_missing_or_fails_says_nothing(argv: tuple[str, ...]) -> None:
    assert run_tool(argv) is None


def test_a_tool_that_waits_for_input_gets_none() -> None:
    assert run_tool(("cat",)) == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("warning: [x]\n[1]\n", [1]),
        ('note\n  {"a":\n 2}\ntail', {"a": 2}),
        ("{broken\n[3]", [3]),
        ("nothing", None),
        ("[" * 100_000, None),
        (None, None),
    ],
)
def test_the_answer_is_found_between_warnings(text: str | None, value: object) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(
    ("told", "number"),
    [
        (300, 300.0),
        ("300.5", 300.5),
        ({"value": 65520, "unit": "MB"}, 65520.0),
        ({"value": "N/A"}, None),
        ("N/A", None),
        (True, None),
        (-1, None),
        ("nan", None),
        ("inf", None),
        ([], None),
        (None, None),
    ],
)
def test_numbers_come_in_many_clothes(told: object, number: float | None) -> None:
    assert amount(told) == number


@pytest.mark.parametrize("told", ["N/A", "unknown", "", "  ", None, 3, {}])
def test_a_word_for_nothing_is_nothing(told: object) -> None:
    assert words(told) is None


def test_a_name_is_looked_up_below_its_own_vendor_only(tmp_path: Path) -> None:
    listed = tmp_path / "usr/share/hwdata/pci.ids"
    listed.parent.mkdir(parents=True)
    listed.write_text(
        "1002  AMD\n\t2204  Not this\n10de  NVIDIA\n# note\n\t1b80  GP104 [GeForce GTX 1080]\n\t2204  Bare\n"
    )

    assert pci_name(tmp_path, vendor="0x10de", device="0x1b80") == "GeForce GTX 1080"
    assert pci_name(tmp_path, vendor="0x10de", device="0x2204") == "Bare"
    assert pci_name(tmp_path, vendor="0x1002", device="0x1b80") is None
    assert pci_name(tmp_path, vendor="0x9999", device="0x2204") is None
    assert amd_name(tmp_path, device="0x744c", revision="0xc8") is None
