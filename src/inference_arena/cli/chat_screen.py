"""A talk on the terminal: lines in, answers out as they come, numbers under them. Knows no servers, only one to ask."""

import json
import os
import re
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from inference_arena import units
from inference_arena.cli.output import complain
from inference_arena.errors import ArenaError, UsageError
from inference_arena.printable import passage, plain

if TYPE_CHECKING:
    from inference_arena.load import Target
    from inference_arena.run import Answered, Turn

DIM, USUAL = "\x1b[2m", "\x1b[0m"
LEAVING = frozenset({"/exit", "/quit", "/bye"})
PASTE_S = 0.05  # a pasted text's next line is there at once; nobody types so quickly
HELP = """\
/new    forget what was said and begin again
/help   this
/exit   leave; so does Ctrl-D
Ctrl-C stops an answer; once more, it leaves. A text of several lines can be pasted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Whom we talk to."""

    target: "Target"
    model: str
    title: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How it is asked; None leaves it to the server."""

    system: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        named = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {key: value for key, value in named.items() if value is not None}


@dataclass(slots=True)
class Printer:
    """Writes pieces as they come: reasoning dimmed, or marked where there is no colour."""

    out: TextIO
    colour: bool
    show_reasoning: bool = True
    _thinking: bool = field(default=False)
    _column_0: bool = field(default=True)

    def piece(self, answer: str, reasoning: str) -> None:
        if reasoning and self.show_reasoning:
            self._turn(thinking=True)
            self._write(passage(reasoning))
        if answer:
            self._turn(thinking=False)
            self._write(passage(answer))

    def end(self) -> None:
        self._turn(thinking=False)
        if not self._column_0:
            self._write("\n")

    def _turn(self, *, thinking: bool) -> None:
        if thinking == self._thinking:
            return
        self._thinking = thinking
        if self.colour:
            self._write(DIM if thinking else USUAL)
        if not thinking:
            self._write("\n\n" if self.colour else "\n[answer]\n")
        elif not self.colour:
            self._write("[reasoning]\n")

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()
        self._column_0 = text.endswith("\n")


def has_colour(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def numbers(answered: "Answered") -> str:
    """One line: how long until the first token, how fast after it, how many."""
    counted = {"usage": "by the server's count", "deltas": "counted by pieces"}.get(
        answered.output_tokens_source or "", ""
    )
    tokens = units.DASH if answered.output_tokens is None else f"{answered.output_tokens:,}"
    parts = [f"TTFT {units.seconds(answered.ttft_s)}", units.rate(answered.tokens_per_s_per_user)]
    parts.append(f"{tokens} tokens{f' ({counted})' if counted else ''}")
    if answered.input_tokens is not None:
        parts.append(f"{answered.input_tokens:,} read")
    if answered.stopped:
        parts.append("stopped")
    elif answered.finish_reason == "length":
        parts.append("cut at its longest")
    return "  ".join(parts)


def ask_once(party: Party, options: Options, *, as_json: bool) -> int:
    """One question from standard input, its answer on standard output, the numbers on standard error."""
    from inference_arena.run import Turn, speak  # noqa: PLC0415

    question = sys.stdin.read().strip()
    if not question:
        raise UsageError("there is no question on standard input", try_='echo "Why is the sky blue?" | arena chat')
    printer = Printer(sys.stdout, has_colour(sys.stdout), show_reasoning=sys.stdout.isatty())
    turns = [*_begin(options), Turn(role="user", content=question)]
    on_text: Callable[[str, str], None] = (lambda _answer, _reasoning: None) if as_json else printer.piece
    answered = speak(party.target, party.model, turns, options.parameters, on_text)
    if answered.failed is not None:
        printer.end()
        raise _error(answered)
    if as_json:
        document = {"model": party.model, **answered.model_dump(mode="json", exclude={"failed"})}
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        printer.end()
        complain(numbers(answered))
    return 130 if answered.stopped else 0


def talk(party: Party, options: Options) -> int:
    """Until the person leaves."""
    from inference_arena.run import Ended  # noqa: PLC0415

    with suppress(ImportError):
        import readline  # noqa: PLC0415  # gives `input` its line editing

        readline.parse_and_bind("set enable-bracketed-paste on")
    print(f"{plain(party.title)}\n/help says what else there is; Ctrl-D leaves.\n")
    try:
        _talk(party, options)
    except Ended:
        raise
    except KeyboardInterrupt:  # a second one while an answer was being stopped
        print()
    return 0


def _talk(party: Party, options: Options) -> None:
    from inference_arena.run import Turn  # noqa: PLC0415

    turns, pressed = _begin(options), False
    while (text := _next_text(pressed=pressed)) is not None and text.strip() not in LEAVING:
        pressed = False
        if re.fullmatch(r"/\w*", text.strip()):
            turns = _obey(text.strip(), turns, options)
        elif text.strip():
            turns, pressed = _exchange(party, options, [*turns, Turn(role="user", content=text)])


def _next_text(*, pressed: bool) -> str | None:
    """What the person says next; None where they leave. `pressed`: Ctrl-C was, just before."""
    from inference_arena.run import Ended  # noqa: PLC0415

    try:
        return read_text()
    except EOFError:
        print()
        return None
    except Ended:
        raise
    except KeyboardInterrupt:
        print("" if pressed else "\n(Ctrl-C once more leaves)")
        return None if pressed else _next_text(pressed=True)


def _begin(options: Options) -> "list[Turn]":
    from inference_arena.run import Turn  # noqa: PLC0415

    return [] if options.system is None else [Turn(role="system", content=options.system)]


def _obey(text: str, turns: "list[Turn]", options: Options) -> "list[Turn]":
    if text == "/new":
        print("(begun again)")
        return _begin(options)
    print(HELP if text == "/help" else f"there is no {plain(text)}\n{HELP}")
    return turns


def _exchange(party: Party, options: Options, turns: "list[Turn]") -> "tuple[list[Turn], bool]":
    """The turns from now on, and whether the answer was stopped. A question that failed is taken back."""
    from inference_arena.run import Turn, speak  # noqa: PLC0415

    colour = has_colour(sys.stdout)
    printer = Printer(sys.stdout, colour)
    try:
        answered = speak(party.target, party.model, turns, options.parameters, printer.piece)
    finally:
        printer.end()
    if answered.failed is not None:
        complain(str(_error(answered)))
        return turns[:-1], False
    line = numbers(answered)
    print(f"{DIM}{line}{USUAL}\n" if colour else f"{line}\n")
    return [*turns, Turn(role="assistant", content=answered.answer)], answered.stopped


def _error(answered: "Answered") -> ArenaError:
    failed = answered.failed
    assert failed is not None
    return ArenaError(failed.what, why=failed.why, try_=failed.advice)


def read_text() -> str:
    """What was typed; of a pasted text all its lines, also where the terminal does not say that it is one."""
    lines = [input("> ")]
    while _more_is_there():
        lines.append(input())
    return "\n".join(lines)


def _more_is_there() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], PASTE_S)
    return bool(ready)


def yes(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"", "y", "yes"}
    except EOFError:
        print()
        return False
