"""Command lines of vLLM, SGLang and llama.cpp: names by release, both ways, and nothing that a release lacks."""

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import facts
from inference_arena.engines import DIALECTS, ENGINES, translate
from inference_arena.errors import UsageError
from inference_arena.plan import Settings

HELP = Path(__file__).parents[1] / "golden" / "vllm-0.32.0" / "help.txt"
# what a person gave to vLLM on a 24 GB card
ARTICLE = (
    *("dtype=auto", "gpu-memory-utilization=0.95", "max-model-len=4096", "max-num-batched-tokens=512"),
    *("max-num-seqs=16", "kv-cache-dtype=auto", "swap-space=8", "enable-chunked-prefill", "enforce-eager"),
)
vllm, sglang, llamacpp = DIALECTS["vllm"], DIALECTS["sglang"], DIALECTS["llamacpp"]


def becomes(goal: str, release: str) -> dict[str, tuple[str, ...]]:
    made = translate(ARTICLE, source=vllm, goal=DIALECTS[goal], release=release)
    return {one.flag: one.becomes for one in made}


def reason(flag: str, goal: str, release: str) -> str | None:
    (one,) = translate([flag], source=vllm, goal=DIALECTS[goal], release=release)
    return one.reason


def test_the_table_holds_dialects_under_their_own_names_and_says_which_the_arena_starts():
    assert [dialect.NAME for dialect in DIALECTS.values()] == list(DIALECTS)
    assert set(DIALECTS) <= set(ENGINES)


def test_the_articles_flags_are_read_as_settings_and_the_rest_is_left_as_it_is():
    settings, rest = vllm.read_flags(ARTICLE)

    assert settings == Settings(
        dtype="auto", memory_share=0.95, context_tokens=4096, prefill_tokens=512, parallel=16, kv_cache_type="auto",
        graphs=False,
    )  # fmt: skip
    assert rest == ("swap-space=8", "enable-chunked-prefill")


def test_the_articles_flags_in_todays_vllm_are_all_there_but_the_swap_space():
    made = becomes("vllm", "0.33.0")

    assert made.pop("swap-space=8") == ()
    assert made == {
        "dtype=auto": ("--dtype", "auto"),
        "gpu-memory-utilization=0.95": ("--gpu-memory-utilization", "0.95"),
        "max-model-len=4096": ("--max-model-len", "4096"),
        "max-num-batched-tokens=512": ("--max-num-batched-tokens", "512"),
        "max-num-seqs=16": ("--max-num-seqs", "16"),
        "kv-cache-dtype=auto": ("--kv-cache-dtype", "auto"),
        "enable-chunked-prefill": ("--enable-chunked-prefill",),
        "enforce-eager": ("--enforce-eager",),
    }
    assert "0.17.0 was the last release" in (reason("swap-space=8", "vllm", "0.33.0") or "")


@pytest.mark.parametrize(("release", "kept"), [("0.17.0", ("--swap-space", "8")), ("0.18.0", ())])
def test_the_swap_space_ends_with_0_17(release, kept):
    assert becomes("vllm", release)["swap-space=8"] == kept


def test_the_articles_flags_in_sglang_are_translated_or_refused_one_by_one():
    assert becomes("sglang", "0.5.14") == {
        "dtype=auto": ("--dtype", "auto"),
        "gpu-memory-utilization=0.95": (),
        "max-model-len=4096": ("--context-length", "4096"),
        "max-num-batched-tokens=512": ("--chunked-prefill-size", "512"),
        "max-num-seqs=16": ("--max-running-requests", "16"),
        "kv-cache-dtype=auto": ("--kv-cache-dtype", "auto"),
        "swap-space=8": (),
        "enable-chunked-prefill": (),
        "enforce-eager": ("--disable-cuda-graph",),
    }
    assert "another share" in (reason("gpu-memory-utilization=0.95", "sglang", "0.5.14") or "")


def test_the_articles_flags_in_llama_cpp_are_translated_or_refused_one_by_one():
    made = becomes("llamacpp", "b8095")

    assert {flag: words for flag, words in made.items() if words} == {
        "max-model-len=4096": ("--ctx-size", "4096"),
        "max-num-batched-tokens=512": ("--ubatch-size", "512"),
        "max-num-seqs=16": ("--parallel", "16"),
    }


@pytest.mark.parametrize("goal", [("vllm", "0.33.0"), ("sglang", "0.5.14"), ("llamacpp", "b8095")])
def test_what_becomes_of_nothing_has_its_reason(goal):
    for one in translate(ARTICLE, source=vllm, goal=DIALECTS[goal[0]], release=goal[1]):
        assert bool(one.becomes) != bool(one.reason)


@pytest.mark.parametrize(
    "flags",
    [
        ("--max-model-len", "4096", "--enforce-eager"),
        ("--max-model-len=4096", "--enforce-eager"),
        ("max-model-len=4096", "enforce-eager"),
        ("enforce-eager", "max-model-len=4096"),
        ("--max_model_len", "4k", "--no-enforce-eager=false"),
        ("--max-model-len", "1", "--max-model-len", "4096", "--enforce-eager"),
    ],
)
def test_a_flag_may_be_written_in_any_of_the_usual_ways(flags):
    settings, rest = vllm.read_flags(flags)

    assert settings.context_tokens in {4096, 4000}
    assert (settings.graphs, rest) == (False, ())


@pytest.mark.parametrize(
    "flags",
    [
        ("--max-model-len", "long"), ("--max-model-len",), ("--max-num-seqs=1.5",), ("--gpu-memory-utilization=95",),
        ("--gpu-memory-utilization", "nan"), ("--gpu-memory-utilization=0",), ("--enforce-eager=maybe",),
        ("--max-num-seqs=-4",), ("--max-num-seqs=٣",),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_meant_is_refused_by_its_flags_name(flags):
    with pytest.raises(UsageError, match=flags[0].split("=", maxsplit=1)[0]):
        vllm.read_flags(flags)


def test_llama_cpps_context_is_for_all_slots_and_ours_for_one():
    assert llamacpp.flags(Settings(context_tokens=2048, parallel=4), release="b8095")[:2] == ("--ctx-size", "8192")
    assert llamacpp.read_flags(("-c", "8192", "-np", "4"))[0] == Settings(context_tokens=2048, parallel=4)


def test_two_cache_types_that_differ_are_left_to_llama_cpp():
    flags = ("-ctk", "q8_0", "-ctv", "q4_0", "-t", "3")

    assert llamacpp.read_flags(flags) == (Settings(threads=3), ("-ctk", "q8_0", "-ctv", "q4_0"))


def test_a_setting_that_an_engine_has_nothing_for_is_named():
    assert sglang.unspoken(Settings(memory_share=0.9, parallel=2), release="0.5.14") == ("memory_share",)
    assert vllm.unspoken(Settings(kv_cache_bytes=1), release="0.10.0") == ("kv_cache_bytes",)
    assert vllm.unspoken(Settings(kv_cache_bytes=1), release="0.10.2") == ()
    assert llamacpp.unspoken(Settings(kv_cache_type="fp8"), release="b8095") == ("kv_cache_type",)
    assert all(set(dialect.NOT_HERE) & set(Settings.model_fields) for dialect in DIALECTS.values())


BOX = "docker run --rm --gpus all --ipc=host -p 127.0.0.1:8000:8000 -v '/my models:/models:ro' --entrypoint"
NAMED = "--served-model-name x"
AT = ("--host 127.0.0.1 --port 8000", "--host 0.0.0.0 --port 8000")
LLAMA_IMAGE = "ghcr.io/ggml-org/llama.cpp:server-cuda-v0.5.0"
SGLANG = "-m sglang.launch_server --model-path"
SEEN = "--enable-metrics --context-length 4096"
LAUNCHES = {
    ("vllm", "0.24.0"): (
        f"vllm serve /m/x {NAMED} {AT[0]} --max-model-len 4096",
        f"{BOX} vllm vllm/vllm-openai:v0.24.0 serve /models/x {NAMED} {AT[1]} --max-model-len 4096",
    ),
    ("sglang", "0.5.14"): (
        f"python {SGLANG} /m/x {AT[0]} {NAMED} {SEEN}",
        f"{BOX} python3 lmsysorg/sglang:v0.5.14 {SGLANG} /models/x {AT[1]} {NAMED} {SEEN}",
    ),
    ("llamacpp", "0.5.0"): (
        f"llama-server --model /m/x --alias x {AT[0]} --metrics --ctx-size 4096",
        f"{BOX} /app/llama-server {LLAMA_IMAGE} --model /models/x --alias x {AT[1]} --metrics --ctx-size 4096",
    ),
}


@pytest.mark.parametrize(("name", "version"), LAUNCHES)
def test_a_launch_has_a_process_and_a_container_form(name, version):
    process, container = LAUNCHES[name, version]
    release, settings = facts.release(name, version), Settings(context_tokens=4096)
    here = DIALECTS[name].launch(
        release=release, model="/m/x", alias="x", settings=settings, host="127.0.0.1", port=8000
    )
    boxed = DIALECTS[name].container(
        release=release, model="x", alias="x", settings=settings, models_folder="/my models", port=8000
    )

    assert shlex.join(here.argv) == process
    assert shlex.join(boxed.argv) == container


SETTINGS = st.builds(
    Settings,
    context_tokens=st.none() | st.integers(1, 10**6),
    parallel=st.none() | st.integers(1, 512),
    prefill_tokens=st.none() | st.integers(1, 65_536),
    threads=st.none() | st.integers(1, 64),
    memory_share=st.none() | st.floats(0.01, 1.0),
    static_share=st.none() | st.floats(0.01, 1.0),
    kv_cache_bytes=st.none() | st.integers(1, 10**12),
    graphs=st.none() | st.booleans(),
    dtype=st.none() | st.sampled_from(["auto", "float16", "bfloat16"]),
    quantization=st.none() | st.sampled_from(["awq", "fp8"]),
    tensor_parallel=st.none() | st.sampled_from([1, 2, 4]),
    prefix_caching=st.none() | st.booleans(),
    kv_cache_type=st.none() | st.sampled_from(["auto", "fp8", "q8_0", "f16"]),
    gpu_layers=st.none() | st.integers(0, 99),
)
RELEASES = st.sampled_from([row for name in DIALECTS for row in facts.releases(name)])


@given(settings=SETTINGS, release=RELEASES)
def test_every_flag_that_is_emitted_exists_in_that_release(settings, release):
    launch = DIALECTS[release.engine].launch(
        release=release, model="m", alias="m", settings=settings, host="127.0.0.1", port=1
    )
    names = [word for word in launch.argv if word.startswith("--")]

    assert names
    assert [name for name in names if not facts.has_flag(release.engine, release.version, name)] == []


@given(settings=SETTINGS, name=st.sampled_from(sorted(DIALECTS)))
def test_what_is_emitted_is_read_back_as_it_was_meant(settings, name):
    dialect, release = DIALECTS[name], facts.releases(name)[-1].version
    read, rest = dialect.read_flags(dialect.flags(settings, release=release))
    silent = set(dialect.unspoken(settings, release=release))

    assert rest == ()
    for field, value in read:
        asked = getattr(settings, field)
        if field in silent or value is None or field == "flags":
            assert field == "flags" or value is None
        elif field != "kv_cache_type":  # one word of ours may be another of theirs
            assert value == asked


@given(st.lists(st.text(max_size=8) | st.sampled_from(["--max-model-len", "4096", "=", "-q", "--", "a=b"]), max_size=6))
def test_no_words_make_reading_raise_anything_else(words):
    for dialect in DIALECTS.values():
        try:
            settings, rest = dialect.read_flags(words)
        except UsageError:
            continue
        assert isinstance(settings, Settings)
        assert set(rest) <= set(words)


# vLLM 0.32.0's own help, of its build for processors: its command line is the same


def real_names() -> set[str]:
    return set(re.findall(r"(?<![\w-])(--?[a-zA-Z][\w-]*)", HELP.read_text("utf-8")))


def test_every_flag_that_the_table_gives_vllm_0_32_0_is_in_its_own_help():
    table = {flag for flag in facts.flag_support("vllm") if facts.has_flag("vllm", "0.32.0", flag)}

    assert len(table) > 300
    assert table - real_names() == set()


def test_every_flag_in_that_help_that_a_line_begins_with_is_in_the_table():
    lines = set(re.findall(r"^  +(--[\w-]+)", HELP.read_text("utf-8"), re.MULTILINE))
    table = {flag for flag in facts.flag_support("vllm") if facts.has_flag("vllm", "0.32.0", flag)}

    assert lines - table == {"--json-arg"}  # an example in the help's own text


@given(settings=SETTINGS)
def test_every_flag_that_is_emitted_for_vllm_0_32_0_is_in_its_own_help(settings):
    launch = vllm.launch(
        release=facts.release("vllm", "0.32.0"), model="m", alias="m", settings=settings, host="::1", port=1
    )

    assert {word for word in launch.argv if word.startswith("--")} - real_names() == set()
