"""Words on a terminal are broken between words; a pipe gets them as they are."""

import io

from inference_arena.cli.output import wrapped


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


TEXT = "system      Debian GNU/Linux, inside a container"


def test_a_terminal_gets_lines_broken_between_words(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    assert wrapped(TEXT, stream=Terminal(), hang=12) == "system      Debian GNU/Linux, inside a\n            container"


def test_a_pipe_gets_the_lines_as_they_are(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    assert wrapped(TEXT, stream=io.StringIO(), hang=12) == TEXT
