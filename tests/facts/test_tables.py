"""Tables: every row is sound and in order, versions compare as people mean them, and what is asked is answered."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import facts
from inference_arena.errors import BadFileError, NotFoundError, UsageError
from inference_arena.facts import CudaToolkit, at_least, is_within, version_key

TABLE = "version,title,linux_driver,source,checked\n12.4.1,12.4 Update 1,550.54.15,made up,2026-11-24\n"


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llamacpp"])
def test_every_release_says_where_it_is_from_and_they_are_in_order(engine):
    rows = facts.releases(engine)

    assert all(row.source and row.checked.year >= 2026 for row in rows)
    keys = [version_key(row.version) for row in rows]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("engine", ["vllm", "sglang", "llamacpp"])
def test_eras_follow_each_other_and_the_last_is_todays(engine):
    eras = facts.engines()[engine].eras

    assert eras[-1].last is None
    for earlier, later in pairwise(eras):
        assert earlier.last is not None
        assert version_key(earlier.first) <= version_key(earlier.last) < version_key(later.first)


def test_every_flag_has_stretches_that_do_not_overlap():
    for engine in ("vllm", "sglang", "llamacpp"):
        assert facts.flag_support(engine)
        for rows in facts.flag_support(engine).values():
            for earlier, later in pairwise(rows):
                assert earlier.last is not None
                assert version_key(earlier.last) < version_key(later.first)


def test_every_kernel_is_of_a_stretch_of_releases_and_of_cards():
    for engine in ("vllm", "sglang"):
        assert facts.kernels(engine)
        for row in facts.kernels(engine):
            assert row.last is None or version_key(row.first) <= version_key(row.last)
            if row.from_compute_capability and row.below_compute_capability:
                assert not at_least(row.from_compute_capability, row.below_compute_capability)


def test_a_release_that_was_not_read_gets_the_facts_of_the_one_before_and_says_so():
    found = facts.release("vllm", "0.24.1")

    assert (found.version, found.sampled, found.image_cuda) == ("0.24.1", "0.24.0", "13.0.2")
    assert facts.release("vllm", "0.24.0").sampled is None


def test_what_is_before_the_first_or_no_release_at_all_is_refused():
    with pytest.raises(NotFoundError, match=r"0\.0\.9"):
        facts.release("vllm", "0.0.9")
    with pytest.raises(UsageError, match="'new' is no version"):
        facts.release("vllm", "new")
    with pytest.raises(NotFoundError, match="'vLLM'"):
        facts.releases("vLLM")


def test_numbered_builds_of_llama_cpp_come_before_its_later_names():
    versions = ["0.5.0", "b10361", "b8095", "0.4.0", "b11549"]

    assert sorted(versions, key=version_key) == ["b8095", "b10361", "b11549", "0.4.0", "0.5.0"]
    assert version_key("0.4.6.post5") > version_key("0.4.6")


@pytest.mark.parametrize(
    ("version", "first", "last", "is_in"),
    [
        ("0.17.0", "0.1.3", "0.17.0", True),
        ("0.17.1", "0.1.3", "0.17.0", False),
        ("0.9.0", "0.10.0", None, False),
        ("9.9", "0.10.0", None, True),
    ],
)
def test_a_stretch_of_releases_has_its_ends_in_it(version, first, last, is_in):
    assert is_within(version, first=first, last=last) is is_in


@pytest.mark.parametrize(
    ("version", "least", "enough"),
    [("550.54.15", "550.54.14", True), ("550.40", "550.54.14", False), ("8.6", "8.0", True), ("10.0", "9.0", True)],
)
def test_drivers_and_capabilities_compare_number_by_number(version, least, enough):
    assert at_least(version, least) is enough


@given(st.lists(st.integers(0, 999), min_size=1, max_size=4))
def test_a_version_is_at_least_itself_and_trailing_zeros_change_nothing(parts):
    version = ".".join(map(str, parts))

    assert at_least(version, version)
    assert at_least(version, f"{version}.0")
    assert at_least(f"{version}.1", version)


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [("550.40", "12.4"), ("550.54.15", "12.4"), ("535.104.05", "12.2"), ("580.95.05", "13.0"), ("390.1", None)],
)
def test_all_drivers_of_a_branch_offer_the_cuda_version_that_it_came_with(driver, cuda):
    assert facts.driver_cuda(driver) == cuda


def test_an_architecture_is_found_by_either_of_its_names():
    by_class = facts.architecture_support("Qwen3MoeForCausalLM")

    assert by_class["vllm"].first == "0.8.4"
    assert facts.architecture_support("qwen3moe")["llamacpp"] == by_class["llamacpp"]
    assert facts.architecture_support("NobodyForCausalLM") == {}


def test_a_format_is_supported_by_the_releases_that_have_it():
    marlin = facts.quantization_support("vllm", "0.14.0", "awq_marlin")

    assert marlin is not None
    assert marlin.compute_capability == "7.5"
    assert facts.quantization_support("vllm", "0.13.0", "awq_marlin").compute_capability == "8.0"
    assert facts.quantization_support("vllm", "0.24.0", "gguf") is None


def test_a_row_that_is_wrong_is_named_with_its_line_and_column():
    assert facts.read_table(TABLE, CudaToolkit, name="x.csv")[0].windows_driver is None
    for wrong, says in (
        (TABLE.replace("2026-11-24", "soon"), "line 2: 'checked'"),
        (TABLE.replace("linux_driver", "linux"), "line 2: 'linux'"),
        (TABLE + "13.0,13.0,580.1,,2026-11-24\n", "line 3: 'source'"),
    ):
        with pytest.raises(BadFileError, match=r"x\.csv") as caught:
            facts.read_table(wrong, CudaToolkit, name="x.csv")
        assert says in caught.value.what


def era(version: str):
    eras = facts.engines()["vllm"].eras
    return next(one for one in eras if is_within(version, first=one.first, last=one.last))


@pytest.mark.parametrize(
    ("version", "architecture", "dense", "outside"),
    [
        # two real starts of 0.24.0 on an H100: Mistral 7B kept its graphs beside the budget, Qwen3-Coder 30B inside
        ("0.24.0", "MistralForCausalLM", True, True),
        ("0.24.0", "Qwen3MoeForCausalLM", False, False),
        ("0.24.0", "Qwen2ForCausalLM", True, False),
        ("0.25.0", "Qwen2ForCausalLM", True, True),
        ("0.25.0", "Qwen3MoeForCausalLM", False, False),
        ("0.33.0", "MistralForCausalLM", True, False),
    ],
)
def test_which_models_keep_their_graphs_beside_the_budget_depends_on_the_release(version, architecture, dense, outside):
    assert era(version).memory_rule == "vllm-profiled-graphs"
    assert era(version).leaves_graphs_outside(architecture, dense=dense) is outside


def test_graphs_are_taken_off_the_cache_since_0_20():
    assert era("0.19.0").memory_rule == "vllm-profiled"
    assert (era("0.19.0").memory_share, era("0.20.0").memory_share) == (0.9, 0.92)
