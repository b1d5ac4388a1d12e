"""The engine's own count of our words: what is taken from it, and what is not believed."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from inference_arena.load import FIRST, Wording
from inference_arena.load.prompts import exact_text, prompt_text, tokens_of, vocabulary
from inference_arena.record import RequestTrace
from inference_arena.run.first import EXACT_TOKENS, learn_counts
from inference_arena.run.tokenizer import counter, word_tokens


def by_letters(text: str) -> int:
    """A tokenizer: a token for every five letters of a word begun."""
    return sum(-(-len(word) // 5) for word in text.split())


@pytest.fixture
def table() -> dict[str, int]:
    counts = word_tokens(by_letters)
    assert counts is not None
    return counts


@pytest.mark.parametrize("tokens", [1, 7, 20, 64, 65, 300, 2000])
def test_prompts_have_exactly_the_wanted_tokens(table, tokens):
    texts = [exact_text(tokens=tokens, table=table, seed=seed) for seed in range(20)]

    assert {by_letters(text) for text in texts} == {tokens}
    assert texts == [exact_text(tokens=tokens, table=table, seed=seed) for seed in range(20)]


def test_every_word_of_a_prompt_is_in_the_table_but_page_numbers(table):
    words = {word for seed in range(50) for word in prompt_text(words=200, seed=seed).split()}

    assert {word for word in words if word not in table and not word[0].isdigit()} == set()
    assert all(tokens_of(word, table) == by_letters(word) for word in words)


def test_a_tokenizer_whose_words_do_not_add_up_is_not_believed():
    assert word_tokens(lambda text: by_letters(text) + len(text) // 50) is None


def test_a_tokenizer_that_falls_silent_is_not_believed():
    assert word_tokens(lambda _: None) is None
    assert word_tokens(lambda text: None if "page" in text else by_letters(text)) is None


# what a real request says of it


def answered(input_tokens: int | None, result: str = "ok") -> Callable[[Wording], RequestTrace]:
    return lambda _: RequestTrace(
        request=0, point=-1, scheduled_s=0.0, result=result, asked_input_tokens=EXACT_TOKENS, asked_output_tokens=4,
        input_tokens=input_tokens, prompt_sha256="ab",
    )  # fmt: skip


def test_the_chat_templates_tokens_are_what_a_real_request_has_more(table):
    learned = learn_counts(Wording(), table, answered(EXACT_TOKENS + 30))

    assert learned.word_tokens == table
    assert learned.overhead_tokens == 30


@pytest.mark.parametrize("ask", [answered(EXACT_TOKENS - 5), answered(None), answered(9000), answered(90, "failed")])
def test_counts_that_a_real_request_denies_are_left(table, ask):
    assert learn_counts(Wording(), table, ask) == Wording()
    assert learn_counts(Wording(), None, ask) == Wording()


# over HTTP


class Handler(BaseHTTPRequestHandler):
    shape = "count"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tokens = by_letters(asked["prompt"])
        said = {"count": {"count": tokens}, "tokens": {"tokens": [1] * tokens}, "odd": [tokens]}
        body = json.dumps(said[self.shape]).encode()
        self.send_response(200 if self.path == "/tokenize" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def served() -> Iterator[Callable[..., int | None]]:
    handler = type("Own", (Handler,), {})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()

        def count(text: str, *, shape: str = "count", path: str = "") -> int | None:
            handler.shape = shape
            root = f"http://127.0.0.1:{server.server_port}{path}"
            return counter(root, headers={}, model="m")(text)

        yield count
        server.shutdown()
        thread.join()


def test_both_shapes_of_an_answer_are_understood_and_others_are_not(served):
    assert served("two words") == 2
    assert served("two words", shape="tokens") == 2
    assert served("two words", shape="odd") is None
    assert served("two words", path="/elsewhere") is None


def test_the_first_words_of_prompts_are_counted_as_they_stand_there(table):
    assert table[f"{FIRST}Ada"] == 1
    assert len(vocabulary()) < 500
