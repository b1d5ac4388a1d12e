"""Files that people bring: what is wrong is said with file, line and field, and never with a prompt's text."""

import pytest

from inference_arena.errors import BadFileError
from inference_arena.load import read_prompts, read_replay


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes, name: str = "given.jsonl") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{"at_s": 0}\n{"at_s": -1}\n', 2, "'at_s'"),
        ('{"at_s": 0}\n{"at_s": true}\n', 2, "'at_s'"),
        ('{"at_s": 0}\n{"at_s": NaN}\n', 2, "'at_s'"),
        ('{"at_s": 0}\n{"input_tokens": 4}\n', 2, "'at_s'"),
        ('{"at_s": 0, "input_tokens": 1.5}\n', 1, "'input_tokens'"),
        ('{"at_s": 0, "output_tokens": 0}\n', 1, "'output_tokens'"),
        ('{"at_s": 0}\n\n{"at_s": \n', 3, "no JSON"),
        ("[1]\n", 1, "no JSON object"),
        ("[" * 100_000 + "\n", 1, "no JSON"),
    ],
)
def test_a_bad_trace_is_refused_with_its_line_and_field(written, text, line, said):
    with pytest.raises(BadFileError) as refused:
        read_replay(written(text))

    assert "given.jsonl" in refused.value.what
    assert f"line {line}" in refused.value.why
    assert said in refused.value.why


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,input_tokens\n1,2\n", "line 1: the first line must name the columns"),
        ("at_s,input_tokens\n1\n", "line 2: 1 cells under 2 columns"),
        ("at_s\n1\nsoon\n", "line 3, field 'at_s'"),
        ('at_s\n"1\n', "no CSV"),
        ("at_s\n1\n", "at least two"),
    ],
)
def test_a_bad_csv_trace_is_refused_with_its_line(written, text, said):
    with pytest.raises(BadFileError) as refused:
        read_replay(written(text, name="given.csv"))

    assert said in refused.value.why


def test_csv_and_json_lines_say_the_same(written):
    table = written("at_s,input_tokens,output_tokens\r\n1.5,10,20\r\n0.5,,7\r\n", name="t.csv")
    lines = written('{"at_s": 1.5, "input_tokens": 10, "output_tokens": 20}\n{"at_s": 0.5, "output_tokens": 7}\n')

    assert read_replay(table) == read_replay(lines)
    assert [arrival.at_s for arrival in read_replay(lines)] == [0.5, 1.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no prompt"),
        ('{"text": "hello"}\n', "line 1: must hold either"),
        ('{"prompt": "a", "messages": []}\n', "line 1: must hold either"),
        ('{"prompt": "   "}\n', "field 'prompt'"),
        ('{"messages": []}\n', "field 'messages'"),
        ('{"messages": [{"role": "robot", "content": "a"}]}\n', "field 'messages[0]'"),
        ('{"messages": [{"role": "user", "content": [1]}]}\n', "field 'messages[0]'"),
        ('{"messages": [{"role": "assistant", "content": "a"}]}\n', "the last message must be the user's"),
        ('{"prompt": "a"}\n{"prompt": "b", "output_tokens": "many"}\n', "line 2, field 'output_tokens'"),
        (b"\xff\xfe\x00", "no UTF-8"),
    ],
)
def test_bad_prompts_are_refused_with_their_line_and_field(written, text, said):
    with pytest.raises(BadFileError) as refused:
        read_prompts(written(text))

    assert said in refused.value.why


def test_what_is_refused_is_not_repeated_at_length(written):
    with pytest.raises(BadFileError) as refused:
        read_prompts(written('{"prompt": "a", "output_tokens": "' + "secret " * 50 + '"}\n'))

    assert "secret" not in str(refused.value)


def test_a_missing_file_is_said_by_its_path(tmp_path):
    with pytest.raises(BadFileError) as refused:
        read_replay(str(tmp_path / "nowhere.csv"))

    assert "nowhere.csv" in refused.value.what
