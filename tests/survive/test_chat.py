"""`chat` with servers that say known tokens at known times: what it prints is what they did, and it leaves as asked."""

import json
from pathlib import Path

import pytest
from survival import ENDLESS, Arena, Done
from terminal import Terminal

from inference_arena.load.truth import Script, TruthServer, start_truth_server

# what a busy machine may add between a server's write and our reading of it
LATE_S = 0.3


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "truth.jsonl"


def asked(arena: Arena, server: TruthServer, *args: str, text: str = "Say something.") -> Done:
    return arena.run("chat", "--url", f"{server.url}/v1", *args, input=text)


def test_the_numbers_are_those_of_what_the_server_did(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(tokens=40, ttft_s=0.4, token_interval_s=0.02), log_path=log) as server:
        done = asked(arena, server, "--json")
        (sent,) = server.sent()
    assert done.code == 0, done.err
    answer = done.document
    assert (answer["output_tokens"], answer["output_tokens_source"]) == (40, "usage")
    assert answer["answer"]
    true_ttft_s = sent.sends[0][0] - sent.arrived_s
    assert 0.4 <= answer["ttft_s"] < true_ttft_s + LATE_S
    took_s = sent.sends[-1][0] - sent.sends[0][0]
    assert 39 / (took_s + LATE_S) < answer["tokens_per_s_per_user"] < 39 / (took_s - LATE_S)


def test_a_pipe_gets_the_answer_alone_and_the_numbers_beside_it(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(tokens=6), log_path=log) as server:
        done = asked(arena, server)
        document = asked(arena, server, "--json").document
    assert done.code == 0, done.err
    assert done.out == document["answer"] + "\n"
    assert "TTFT " in done.err
    assert "6 tokens (by the server's count)" in done.err


def test_tokens_are_counted_by_pieces_where_the_server_does_not_count(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(tokens=7, usage="missing"), log_path=log) as server:
        answer = asked(arena, server, "--json").document
    assert (answer["output_tokens"], answer["output_tokens_source"]) == (7, "deltas")


def test_reasoning_is_kept_apart_from_the_answer(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(tokens=10, reasoning_tokens=4), log_path=log) as server:
        answer = asked(arena, server, "--json").document
        terminal = Terminal(arena, "chat", "--url", f"{server.url}/v1")
        terminal.wait_for("> ")
        terminal.type("hello\n")
        terminal.wait_for("TTFT ")
        terminal.type("/exit\n")
        assert terminal.end() == 0
    assert answer["reasoning"]
    assert answer["answer"]
    assert f"\x1b[2m{answer['reasoning'][:8]}" in terminal.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [("status", "the server failed"), ("reset", "broke the connection off"), ("stream-error", "reported an error")],
)
def test_an_answer_that_fails_is_said_in_words(arena: Arena, log: Path, kind: str, words: str) -> None:
    with start_truth_server(Script(fail_every=1, fail_kind=kind), log_path=log) as server:  # type: ignore[arg-type]
        done = asked(arena, server)
    assert done.code == 1
    done.says(words)


def test_nothing_to_talk_to_and_nothing_to_ask(arena: Arena, log: Path) -> None:
    nobody = arena.run("chat", input="hello")
    assert nobody.code == 1
    assert "no server is kept running" in nobody.err
    assert "arena up " in nobody.err
    closed = arena.run("chat", "--url", "http://127.0.0.1:9/v1", input="hello")
    assert closed.code == 1
    closed.says("nothing listens at that address")
    with start_truth_server(Script(), log_path=log) as server:
        silent = asked(arena, server, text="  \n")
    assert silent.code == 2
    assert "there is no question" in silent.err


def test_ctrl_c_stops_the_answer_and_closes_its_connection_and_once_more_leaves(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(**ENDLESS), log_path=log) as server:  # type: ignore[arg-type]
        terminal = Terminal(arena, "chat", "--url", f"{server.url}/v1")
        terminal.wait_for("> ")
        terminal.type("go on for ever\n")
        terminal.wait_for(" ", times=30)  # of a question of four words and an answer
        terminal.type("\x03")
        terminal.wait_for("stopped")
        (sent,) = server.sent()
        assert sent.outcome == "client-left"
        terminal.wait_for("> ", times=2)
        terminal.type("\x03")
        assert terminal.end() == 0


def test_what_was_said_is_sent_along_until_it_is_begun_again(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(tokens=5), log_path=log) as server:
        terminal = Terminal(arena, "chat", "--url", f"{server.url}/v1", "--system", "be brief")
        terminal.wait_for("> ")
        for number, text in enumerate(("one", "two", "/new", "three"), start=1):
            terminal.type(f"{text}\n")
            terminal.wait_for("> ", times=number + 1)
        terminal.type("\x04")
        assert terminal.end() == 0
    # the truth server counts words: "be brief", the questions so far, and the answers of five tokens between
    counts = [int(line.partition("count)  ")[2].split()[0]) for line in terminal.text.splitlines() if "TTFT" in line]
    assert counts[1] > counts[0]
    assert counts[2] == counts[0]


def test_a_pasted_text_of_several_lines_is_one_question(arena: Arena, log: Path) -> None:
    with start_truth_server(Script(tokens=3), log_path=log) as server:
        terminal = Terminal(arena, "chat", "--url", f"{server.url}/v1")
        terminal.wait_for("> ")
        terminal.type("first line\nsecond line\nthird line\n")
        terminal.wait_for("TTFT ")
        terminal.type("\x04")
        assert terminal.end() == 0
        assert len(server.sent()) == 1


def test_a_server_that_the_talk_started_ends_with_it(faked: Arena) -> None:
    done = faked.run("chat", "--start", str(faked.model), input="hello")
    assert done.code == 0, done.err
    assert "which was started for this talk" in done.err
    faked.must_have_left_nothing()
    terminal = Terminal(faked, "chat", str(faked.model))
    terminal.wait_for("[Y/n] ")
    terminal.type("\n")
    terminal.wait_for("Ctrl-D leaves")
    terminal.close()
    faked.must_have_left_nothing()


def test_a_kept_server_is_talked_to_by_its_name_or_its_model_and_goes_on(faked: Arena) -> None:
    assert faked.run("up", str(faked.model), "--name", "mine").code == 0
    for who in ((), ("mine",), ("tiny",)):
        done = faked.run("chat", *who, "--json", input="hello")
        assert done.code == 0, done.err
        assert done.document["output_tokens"] == 8
    assert json.loads(faked.run("ps", "--json").out)["servers"][0]["state"] == "ready"
    assert faked.run("down").code == 0
