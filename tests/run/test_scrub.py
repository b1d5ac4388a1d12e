"""What must never be kept is taken out, and what helps stays."""

from pathlib import Path

import pytest

from inference_arena.run.scrub import HIDDEN, scrub_argv, scrub_text


@pytest.mark.parametrize(
    "argv",
    [
        ("--api-key", "SECRET123"),
        ("--api-key=SECRET123",),
        ("--hf-token", "SECRET123"),
        ("-hft", "SECRET123", "--admin-password", "SECRET123"),
    ],
)
def test_the_value_of_a_flag_that_names_a_secret_is_hidden(argv):
    assert "SECRET123" not in " ".join(scrub_argv(argv))


@pytest.mark.parametrize("flag", ["--max-tokens", "--max-num-batched-tokens", "--keep", "--tokenizer"])
def test_a_flag_that_only_sounds_like_a_secret_keeps_its_value(flag):
    assert scrub_argv((flag, "4096")) == (flag, "4096")


def test_a_known_secret_is_hidden_wherever_it_stands():
    assert scrub_argv(("--note=SECRET123",), secrets=["SECRET123"]) == (f"--note={HIDDEN}",)


def test_a_value_that_follows_a_hidden_one_is_seen_again():
    assert scrub_argv(("--api-key", "a-b-c", "--port", "8080")) == ("--api-key", HIDDEN, "--port", "8080")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("/home/janedoe/models/a.gguf", "a.gguf"),
        ("/Users/janedoe/a b", "b"),
        (f"{Path.home()}/.local/share/x.gguf", "x.gguf"),
        ("load_model: loading model '/home/janedoe/m.gguf' now", "m.gguf"),
        ("/srv/models/llama/m.gguf", "m.gguf"),
    ],
)
def test_a_path_keeps_its_last_part_alone(text, kept):
    scrubbed = scrub_text(text)
    assert kept in scrubbed
    assert "janedoe" not in scrubbed
    assert str(Path.home()) not in scrubbed


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/v1", "https://example.org/a/b"])
def test_an_address_is_no_path(url):
    assert scrub_text(url) == url


@pytest.mark.parametrize(
    "text",
    ["Authorization: Bearer abc.def-123", "api_key=abc.def-123", '"password": "abc.def-123"', "token hf_abcdefghijkl"],
)
def test_a_secret_inside_a_text_is_hidden(text):
    scrubbed = scrub_text(text)
    assert HIDDEN in scrubbed
    assert "abc.def-123" not in scrubbed
    assert "abcdefghijkl" not in scrubbed


def test_an_ordinary_line_of_a_log_is_left_alone():
    line = "0.01.182.585 I srv load_model: initializing, n_slots = 8, n_ctx_slot = 1024, kv_unified = 'false'"
    assert scrub_text(line) == line
