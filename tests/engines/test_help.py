"""What the arena writes on an engine's command line, against the names in that release's own help.

flags.txt in a golden's folder: each name that a line of the help begins with. tests/engines_real asks the programs.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import facts
from inference_arena.engines import ENGINES
from inference_arena.plan import Settings

GOLDEN = Path(__file__).parents[1] / "golden"
HELPS = {"vllm-0.24.0": ("vllm", 300), "sglang-0.5.14": ("sglang", 400), "transformers-5.23.0": ("transformers", 25)}
# names that its source has and its help does not print
SAID_BY_SOURCE = {
    "sglang-0.5.14": {
        "--forward-pass-metrics-ipc-name",
        "--forward-pass-metrics-worker-id",
        "--speculative-dflash-draft-window-size",
    }
}
SETTINGS = st.builds(
    Settings,
    context_tokens=st.none() | st.integers(1, 10**6),
    parallel=st.none() | st.integers(1, 10**4),
    kv_cache_type=st.sampled_from([None, "auto", "fp8"]),
    prefill_tokens=st.none() | st.integers(1, 10**6),
    memory_share=st.none() | st.floats(0.01, 1),
    static_share=st.none() | st.floats(0.01, 1),
    kv_cache_bytes=st.none() | st.integers(1, 10**12),
    kv_cache_tokens=st.none() | st.integers(1, 10**7),
    graphs=st.none() | st.booleans(),
    dtype=st.sampled_from([None, "bfloat16"]),
    quantization=st.sampled_from([None, "awq", "bnb-4bit"]),
    tensor_parallel=st.none() | st.integers(1, 8),
    prefix_caching=st.none() | st.booleans(),
    continuous_batching=st.none() | st.booleans(),
)


def names(folder: str) -> set[str]:
    return set((GOLDEN / folder / "flags.txt").read_text("utf-8").split())


@pytest.mark.parametrize("folder", HELPS)
def test_a_kept_help_is_whole(folder):
    assert len(names(folder)) > HELPS[folder][1]


@pytest.mark.parametrize("folder", HELPS)
@given(settings=SETTINGS, dummy=st.booleans())
def test_every_flag_that_a_command_holds_is_in_that_releases_own_help(folder, settings, dummy):
    engine, release = ENGINES[HELPS[folder][0]], folder.partition("-")[2]
    made = engine.command(
        program=("it",), model="m", alias="a", settings=settings, host="::1", port=1, release=release,
        dummy=dummy and bool(engine.DUMMY),
    )  # fmt: skip

    assert {word for word in made.argv if word.startswith("--")} - names(folder) == set()


@pytest.mark.parametrize("folder", HELPS)
def test_every_name_that_an_adapter_knows_for_a_setting_is_in_some_releases_help(folder):
    """A misspelt name would silently never be read, or never be written."""
    engine, release = ENGINES[HELPS[folder][0]], folder.partition("-")[2]
    known = {name for dial in engine.DIALS for name in dial.all_names}
    of_others = {name for name in known if facts.flag_support(engine.NAME) and not _has(engine.NAME, release, name)}

    assert known - of_others - names(folder) == set()


def _has(engine: str, release: str, name: str) -> bool:
    return facts.has_flag(engine, release, name)


@pytest.mark.parametrize("folder", [name for name in HELPS if not name.startswith("transformers")])
def test_every_flag_that_the_table_gives_a_release_is_in_its_own_help(folder):
    engine, release = HELPS[folder][0], folder.partition("-")[2]
    table = {flag for flag in facts.flag_support(engine) if facts.has_flag(engine, release, flag)}

    assert table - names(folder) - SAID_BY_SOURCE.get(folder, set()) == set()
