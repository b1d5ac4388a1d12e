"""An answer that is read while it comes: pieces in order, the same readings as a measurement's, bounded waits."""

from pathlib import Path

from inference_arena.load import Heard, Target, hear
from inference_arena.load.truth import Script, TruthServer, start_truth_server

BODY = {
    "model": "truth",
    "messages": [{"role": "user", "content": "two words"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}


def heard(server: TruthServer, *, silence_limit_s: float = 30.0) -> tuple[Heard, list[tuple[str, str]]]:
    pieces: list[tuple[str, str]] = []
    target = Target(host="127.0.0.1", port=server.port, path="/v1/chat/completions")
    found = hear(target, BODY, on_text=lambda *piece: pieces.append(piece), silence_limit_s=silence_limit_s)
    return found, pieces


def test_pieces_add_up_to_the_answer_and_times_are_those_of_the_server(tmp_path: Path):
    script = Script(tokens=12, reasoning_tokens=5, split="utf8", ttft_s=0.05, token_interval_s=0.005)
    with start_truth_server(script, log_path=tmp_path / "log") as server:
        found, pieces = heard(server)
        (sent,) = server.sent()
    assert "".join(answer for answer, _ in pieces) == found.answer != ""
    assert "".join(reasoning for _, reasoning in pieces) == found.reasoning != ""
    assert (found.trace.result, found.trace.output_tokens, found.trace.input_tokens) == ("ok", 12, 2)
    assert found.trace.sent_s is not None
    assert found.trace.sent_s <= sent.received_s
    assert sent.first_due_s is not None
    assert found.trace.read_s[0] >= sent.first_due_s


def test_a_server_that_falls_silent_is_given_up_and_what_came_is_kept(tmp_path: Path):
    script = Script(tokens=50, ttft_s=0.01, stall_every=1, stall_at_token=3, stall_s=60.0)
    with start_truth_server(script, log_path=tmp_path / "log") as server:
        found, pieces = heard(server, silence_limit_s=0.5)
    assert (found.trace.result, found.trace.failure) == ("failed", "timeout")
    assert len(pieces) == 3


def test_nobody_there_is_a_failure_with_its_name():
    target = Target(host="127.0.0.1", port=9, path="/v1/chat/completions")
    found = hear(target, BODY, on_text=lambda *_: None, silence_limit_s=1.0)
    assert (found.trace.result, found.trace.failure) == ("failed", "connection-refused")
    assert found.answer == ""
