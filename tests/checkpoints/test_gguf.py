"""GGUF files written here by hand, so that what they hold is known before they are read."""

import hashlib
import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gguf_files import ARRAY, F32, F64, FORMS, STRING, U8, U16, U32, U64, Entry, Tensor, gguf, string
from inference_arena.checkpoints import GgufHeader, file_sha256, read_gguf
from inference_arena.errors import BadFileError, NotFoundError

ENTRIES: list[Entry] = [
    ("general.architecture", STRING, "llama"),
    ("general.name", STRING, "Small Test"),
    ("general.license", STRING, "apache-2.0"),
    ("general.file_type", U32, 3),
    ("llama.context_length", U32, 2048),
    ("llama.block_count", U64, 2),
    ("tokenizer.ggml.tokens", ARRAY, (STRING, ["<s>", "", "héllo"])),
    ("tokenizer.ggml.scores", ARRAY, (F32, [0.5, 1.5])),
    ("nested", ARRAY, (ARRAY, [(U8, [1, 2]), (STRING, ["x"])])),
    ("empty", ARRAY, (STRING, [])),
    *((f"kind.{kind}", kind, 1) for kind in FORMS),
    ("tokenizer.chat_template", STRING, "{% for m in messages %}{{ m }}{% endfor %}"),
]
TENSORS: list[Tensor] = [
    ("token_embd.weight", (64, 100), "q8_0"),
    ("blk.0.ffn.weight", (64, 200), "q4_1"),
    ("blk.0.norm.weight", (33,), "f32"),
]
WHOLE = gguf(ENTRIES, TENSORS)


def read(tmp_path: Path, data: bytes) -> GgufHeader:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return read_gguf(path)


@pytest.mark.parametrize("version", [2, 3])
def test_a_header_tells_what_was_written(version: int, tmp_path: Path) -> None:
    header = read(tmp_path, gguf(ENTRIES, TENSORS, version=version))

    assert (header.version, header.architecture, header.name) == (version, "llama", "Small Test")
    assert (header.quantization, header.license) == ("q4_1", "apache-2.0")
    assert (header.context_tokens, header.layers, header.has_chat_template) == (2048, 2, True)
    assert header.parameters == 64 * 100 + 64 * 200 + 33
    assert header.tensor_types == (("q4_1", 12800), ("q8_0", 6400), ("f32", 33))
    assert (header.tensors, header.files) == (3, 1)
    assert header.expected_bytes == header.file_bytes == len(WHOLE)


def test_an_alignment_of_its_own_is_kept_to(tmp_path: Path) -> None:
    header = read(tmp_path, gguf([*ENTRIES, ("general.alignment", U32, 256)], TENSORS, alignment=256))

    assert header.expected_bytes == header.file_bytes


def test_bytes_after_the_last_tensor_do_no_harm(tmp_path: Path) -> None:
    header = read(tmp_path, WHOLE + bytes(20))

    assert header.file_bytes == header.expected_bytes + 20


def test_what_a_file_does_not_say_is_unknown(tmp_path: Path) -> None:
    header = read(tmp_path, gguf([], [TENSORS[2]]))

    assert (header.architecture, header.name, header.license) == (None, None, None)
    assert (header.context_tokens, header.layers, header.has_chat_template) == (None, None, False)
    assert header.quantization == "f32"


def test_a_bare_vocabulary_has_no_quantization(tmp_path: Path) -> None:
    header = read(tmp_path, gguf(ENTRIES, []))

    assert (header.quantization, header.parameters) == (None, 0)
    assert header.expected_bytes == header.file_bytes


@pytest.mark.parametrize(
    ("file_type", "tensor_type", "expected"),
    [
        (15, "q4_k", "q4_k_m"),
        (14, "q4_k", "q4_k_s"),
        (3, "q4_k", "q4_k"),  # a name that its tensors do not bear out
        (9999, "q6_k", "q6_k"),
    ],
)
def test_the_quantization_is_the_files_word_if_its_tensors_bear_it_out(
    file_type: int, tensor_type: str, expected: str, tmp_path: Path
) -> None:
    entries: list[Entry] = [("general.file_type", U32, file_type)]
    header = read(tmp_path, gguf(entries, [("w", (256, 4), tensor_type), ("n", (8,), "f32")]))

    assert header.quantization == expected


def test_a_tensor_type_newer_than_our_table_still_counts_as_parameters(tmp_path: Path) -> None:
    data = gguf([], [("w", (64,), "f32")])
    newer = data.replace(struct.pack("<IQIQ", 1, 64, 0, 0), struct.pack("<IQIQ", 1, 64, 77, 0))
    header = read(tmp_path, newer)

    assert (header.parameters, header.quantization) == (64, "type-77")


def test_one_file_of_several_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, gguf([("split.count", U16, 3)], TENSORS)).files == 3


def test_named_chat_templates_count_too(tmp_path: Path) -> None:
    entry: Entry = ("tokenizer.chat_templates", ARRAY, (STRING, ["tool_use"]))

    assert read(tmp_path, gguf([entry], TENSORS)).has_chat_template


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git-LFS pointer"),
        (struct.pack("<Q", 100) + b'{"model.embed', "a safetensors file"),
        (b"PK\x03\x04\x14\x00", "a zip archive"),
        (b"tjgg\x03\x00\x00\x00", "before GGUF"),
        (b"hello", "it begins with b'hello'"),
        (b"GG", "it begins with b'GG'"),
    ],
)
def test_another_kind_of_file_is_called_by_its_name(start: bytes, word: str, tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="is not a GGUF file") as caught:
        read(tmp_path, start)

    assert word in caught.value.why
    assert caught.value.try_


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="is empty"):
        read(tmp_path, b"")


@pytest.mark.parametrize(("version", "word"), [(1, "version 1;"), (4, "version 4;"), (0x03000000, "big-endian")])
def test_other_versions_are_refused_by_number(version: int, word: str, tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="cannot be read") as caught:
        read(tmp_path, gguf([], TENSORS, version=version))

    assert word in caught.value.why


def test_a_download_that_broke_off_says_how_much_is_there(tmp_path: Path) -> None:
    whole = gguf(ENTRIES, [("w", (1024, 25000), "f32")])
    with pytest.raises(BadFileError, match="is incomplete") as caught:
        read(tmp_path, whole[: 40 * 1024**2])

    assert caught.value.why == "it holds 40 of 98 MiB: the download broke off"


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (gguf([], [], tensor_count=2**40), "tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63), "metadata entries"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**50), "a string of"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<I", 13), "a value of type 13"),
        (gguf([("general.alignment", U32, 0)], []), "an alignment of 0"),
        (gguf([("general.alignment", U32, 48)], []), "an alignment of 48"),
        (gguf([("general.alignment", U32, 2**30)], []), "an alignment of"),
        (gguf([("n", ARRAY, (ARRAY, [(ARRAY, [(ARRAY, [(ARRAY, [(U8, [])])])])]))], []), "nested too deeply"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + string("w") + struct.pack("<I", 5), "5 dimensions"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + string("w") + struct.pack("<IQIQ", 1, 2**62, 0, 0), "a f32 tensor"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + string("w") + struct.pack("<IQIQ", 1, 8, 0, 7), "offset 7"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + string("w") + struct.pack("<IQIQ", 1, 33, 3, 0), "a q4_1 tensor"),
    ],
)
def test_numbers_that_no_honest_file_holds_are_refused(data: bytes, word: str, tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="is damaged") as caught:
        read(tmp_path, data + bytes(64))

    assert word in caught.value.why


def test_an_array_that_claims_more_than_the_file_holds_is_no_array(tmp_path: Path) -> None:
    for kind in (U8, F64, STRING, ARRAY):
        claim = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + string("k") + struct.pack("<IIQ", ARRAY, kind, 2**61)
        with pytest.raises(BadFileError, match="ends within its header"):
            read(tmp_path, claim + bytes(100))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=400), with_magic=st.booleans(), version=st.sampled_from([2, 3]))
def test_any_bytes_are_a_header_or_a_bad_file(data: bytes, with_magic: bool, version: int, tmp_path: Path) -> None:
    start = b"GGUF" + struct.pack("<I", version) if with_magic else b""
    try:
        header = read(tmp_path, start + data)
    except BadFileError as error:
        assert error.what  # noqa: PT017 - either outcome is right; anything else raised is not
    else:
        assert header.expected_bytes <= header.file_bytes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_leaves_a_header_or_a_bad_file(place: int, byte: int, tmp_path: Path) -> None:
    data = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        header = read(tmp_path, data)
    except BadFileError as error:
        assert error.what  # noqa: PT017 - see above
    else:
        assert header.file_bytes == len(WHOLE)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(length=st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_short_anywhere_is_a_bad_file(length: int, tmp_path: Path) -> None:
    with pytest.raises(BadFileError):
        read(tmp_path, WHOLE[:length])


def test_a_missing_file_is_not_found_and_near_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "SmolLM2-135M.Q4_1.gguf").write_bytes(WHOLE)
    with pytest.raises(NotFoundError) as near:
        read_gguf(tmp_path / "SmolLM2-135M.Q4_0.gguf")
    with pytest.raises(NotFoundError) as nowhere:
        read_gguf(tmp_path / "no" / "such.gguf")

    assert near.value.try_ == str(tmp_path / "SmolLM2-135M.Q4_1.gguf")
    assert "does not" in nowhere.value.try_


def test_a_folder_is_no_model_and_the_files_in_it_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(WHOLE)
    with pytest.raises(BadFileError, match="is a folder") as caught:
        read_gguf(tmp_path)

    assert caught.value.try_ == str(tmp_path / "a.gguf")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(BadFileError, match="no regular file"):
        read_gguf(tmp_path / "pipe.gguf")


def test_a_hash_is_that_of_the_whole_file_and_progress_ends_at_its_size(tmp_path: Path) -> None:
    data = os.urandom(2 * 1024**2 + 17)
    (tmp_path / "file").write_bytes(data)
    told: list[tuple[int, int]] = []

    assert file_sha256(tmp_path / "file", lambda *seen: told.append(seen)) == hashlib.sha256(data).hexdigest()
    assert told[-1] == (len(data), len(data))
    assert file_sha256(tmp_path / "file") == hashlib.sha256(data).hexdigest()
    with pytest.raises(NotFoundError):
        file_sha256(tmp_path / "none")


@pytest.mark.engine
def test_the_shipped_model_says_what_its_card_says(embedded_gguf: Path) -> None:
    header = read_gguf(embedded_gguf)

    assert (header.parameters, header.quantization, header.context_tokens) == (134_515_008, "q4_1", 8192)
    assert (header.architecture, header.layers, header.license) == ("llama", 30, "apache-2.0")
    assert header.has_chat_template
    assert header.file_bytes == header.expected_bytes == 98_362_432
