"""A driver's name finds its card or none; a person's words find one card or the names that could be meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import facts
from inference_arena.errors import NotFoundError
from inference_arena.facts import card_of, find_gpu

MIB = 1024**2
GIB = 1024**3


def found(name, mib=None, **more):
    card = card_of(name=name, memory_bytes=None if mib is None else mib * MIB, **more)
    return card and card.name


def answered(text):
    try:
        return find_gpu(text)
    except NotFoundError as error:
        return error


@pytest.mark.parametrize(
    ("name", "mib", "card"),
    [
        ("NVIDIA GeForce RTX 3090", 24576, "geforce-rtx-3090"),
        ("GeForce GTX 1080 Ti", 11178, "geforce-gtx-1080-ti"),
        ("NVIDIA GeForce RTX 4090", 24564, "geforce-rtx-4090"),
        ("NVIDIA GeForce RTX 5090", 32607, "geforce-rtx-5090"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16376, "geforce-rtx-4090-laptop"),
        ("NVIDIA H100 80GB HBM3", 81559, "h100-sxm5-80gb"),
        ("NVIDIA H100 PCIe", 81559, "h100-pcie-80gb"),
        ("NVIDIA H100 NVL", 95830, "h100-nvl-94gb"),
        ("NVIDIA H200", 143771, "h200-sxm-141gb"),
        ("NVIDIA B200", 183359, "b200"),
        ("NVIDIA A100-SXM4-80GB", 81920, "a100-sxm4-80gb"),
        ("NVIDIA A100-SXM4-40GB", 40960, "a100-sxm4-40gb"),
        ("NVIDIA A100-PCIE-40GB", 40960, "a100-pcie-40gb"),
        ("NVIDIA A100 80GB PCIe", 81920, "a100-pcie-80gb"),
        ("Tesla T4", 15360, "tesla-t4"),
        ("Tesla V100-SXM2-32GB", 32768, "tesla-v100-sxm2-32gb"),
        ("NVIDIA A10G", 23028, "a10g"),
        ("NVIDIA A10", 23028, "a10-pcie"),
        ("NVIDIA L4", 23034, "l4"),
        ("NVIDIA L40S", 46068, "l40s"),
        ("NVIDIA RTX A6000", 49140, "rtx-a6000"),
        ("NVIDIA RTX 6000 Ada Generation", 49140, "rtx-6000-ada-generation"),
        ("Quadro RTX 6000", 24576, "quadro-rtx-6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 97887, "rtx-pro-6000-blackwell"),
        ("NVIDIA GB10", None, "gb10-dgx-spark"),
        ("AMD Radeon RX 7900 XTX", 24560, "radeon-rx-7900-xtx"),
        ("Radeon RX 7900 XTX", 24560, "radeon-rx-7900-xtx"),
        ("AMD Radeon RX 9070 XT", 16304, "radeon-rx-9070-xt"),
        ("AMD Instinct MI300X", 196592, "radeon-instinct-mi300x"),
        ("AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", None, "ryzen-ai-max-395-radeon-8060s-strix-halo"),
        ("Intel(R) Arc(TM) A770 Graphics", 15473, "arc-a770"),
        ("Apple M1", 16384, "apple-m1"),
    ],
)
def test_what_drivers_say_finds_its_card(name, mib, card):
    assert found(name, mib) == card


def test_variants_of_one_name_are_told_apart_by_their_memory():
    assert found("NVIDIA GeForce RTX 3060", 12288) == "geforce-rtx-3060-12gb"
    assert found("NVIDIA GeForce RTX 3060", 8192) == "geforce-rtx-3060-8gb"
    assert found("NVIDIA GeForce RTX 4060 Ti", 16380) == "geforce-rtx-4060-ti-16gb"
    assert found("NVIDIA GeForce RTX 4060 Ti", 8188) == "geforce-rtx-4060-ti-8gb"


def test_a_name_that_several_sizes_share_has_no_card_without_memory():
    assert found("NVIDIA GeForce RTX 3060") is None
    assert found("NVIDIA GeForce RTX 3060 12GB") == "geforce-rtx-3060-12gb"


def test_variants_of_one_apple_chip_are_told_apart_by_their_cores():
    assert found("Apple M4 Max", 65536, cores=40) == "apple-m4-max-40-core-gpu"
    assert found("Apple M4 Max", 36864, cores=32) == "apple-m4-max-32-core-gpu"
    assert found("Apple M4 Max", 36864) is None
    assert found("Apple M4 Max", 65536, cores=32) is None


@pytest.mark.parametrize(
    ("name", "mib"),
    [
        ("NVIDIA GeForce RTX 4090", 49140),  # rebuilt with twice the memory
        ("NVIDIA GeForce RTX 3080", 20480),
        ("NVIDIA GeForce RTX 5090", 24463),
        ("Tesla V100-SXM2-16GB", 16384),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", 9856),
        ("NVIDIA A10G-12Q", 12288),
    ],
)
def test_a_wrong_memory_size_refuses_rather_than_guesses(name, mib):
    assert found(name, mib) is None


@pytest.mark.parametrize(
    ("name", "mib"),
    [
        ("NVIDIA GeForce RTX 2080 with Max-Q Design", 8192),
        ("NVIDIA GeForce RTX 3080 Laptop GPU", 10240),
        ("NVIDIA GeForce RTX 2070 Mobile", 8192),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 97887),
    ],
)
def test_a_part_for_laptops_or_with_less_power_is_never_the_full_card(name, mib):
    assert found(name, mib) is None


@pytest.mark.parametrize(
    "name",
    ["", "GPU", "NVIDIA", "NVIDIA Graphics Device", "AMD Radeon Graphics", "Voodoo 2", "NVIDIA GeForce RTX 5090 D"],
)
def test_an_unknown_name_has_no_card(name):
    assert found(name, 32607) is None


def test_a_vendor_that_does_not_make_it_has_no_such_card():
    assert found("NVIDIA L4", 23034, vendor="nvidia") == "l4"
    assert found("NVIDIA L4", 23034, vendor="amd") is None


@pytest.mark.parametrize("card", facts.gpus().values(), ids=lambda card: card.name)
def test_every_card_is_found_by_its_own_names(card):
    for name in (card.title, *card.reported_names):
        assert card_of(name=name, memory_bytes=card.memory_bytes, cores=card.cores) == card
    assert find_gpu(card.name) == card
    assert find_gpu(card.title) == card


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("RTX 3090", "geforce-rtx-3090"),
        ("3090", "geforce-rtx-3090"),
        ("rtx3090", "geforce-rtx-3090"),
        ("4070ti super", "geforce-rtx-4070-ti-super"),
        ("4090 laptop", "geforce-rtx-4090-laptop"),
        ("4090 Mobile", "geforce-rtx-4090-laptop"),
        ("4060 ti 16gb", "geforce-rtx-4060-ti-16gb"),
        ("h100 sxm", "h100-sxm5-80gb"),
        ("H200", "h200-sxm-141gb"),
        ("a10", "a10-pcie"),
        ("t4", "tesla-t4"),
        ("7900xtx", "radeon-rx-7900-xtx"),
        ("mi300x", "radeon-instinct-mi300x"),
        ("B580", "arc-b580"),
        ("m1", "apple-m1"),
        ("M4 Max 40-core", "apple-m4-max-40-core-gpu"),
        ("dgx spark", "gb10-dgx-spark"),
        ("strix halo", "ryzen-ai-max-395-radeon-8060s-strix-halo"),
    ],
)
def test_what_a_person_types_finds_the_card(text, card):
    assert find_gpu(text).name == card


@pytest.mark.parametrize(
    ("text", "cards"),
    [
        ("h100", {"h100-nvl-94gb", "h100-pcie-80gb", "h100-sxm5-80gb"}),
        ("M4 Max", {"apple-m4-max-32-core-gpu", "apple-m4-max-40-core-gpu"}),
        ("4060 ti", {"geforce-rtx-4060-ti-8gb", "geforce-rtx-4060-ti-16gb"}),
        ("RTX 6000", {"quadro-rtx-6000", "rtx-6000-ada-generation", "rtx-pro-6000-blackwell"}),
    ],
)
def test_words_that_fit_several_cards_list_them(text, cards):
    with pytest.raises(NotFoundError, match="may be several cards") as caught:
        find_gpu(text)

    assert set(caught.value.try_.removeprefix("one of: ").split(", ")) == cards


def test_a_slip_of_the_fingers_is_answered_with_the_nearest_names():
    with pytest.raises(NotFoundError, match="'rtx 3909'") as caught:
        find_gpu("rtx 3909")

    assert "geforce-rtx-3090" in caught.value.try_


def test_a_card_with_another_size_than_was_asked_for_is_not_found():
    with pytest.raises(NotFoundError):
        find_gpu("RTX 3090 48GB")


WORDS = st.lists(
    st.sampled_from("nvidia rtx 3090 4060 ti laptop max-q h100 80gb 40-core m4 max (tm) xt , - 9 w/".split())
)


@given(st.one_of(st.text(max_size=300), WORDS.map(" ".join)))
def test_no_text_makes_finding_raise_anything_else(text):
    answer = answered(text)

    assert answer.try_ if isinstance(answer, NotFoundError) else answer in facts.gpus().values()


@given(
    name=st.one_of(st.text(max_size=300), WORDS.map(" ".join)),
    memory_bytes=st.none() | st.integers(min_value=0, max_value=2**70),
    cores=st.none() | st.integers(),
)
def test_whatever_a_driver_says_a_card_that_is_found_has_that_memory(name, memory_bytes, cores):
    card = card_of(name=name, memory_bytes=memory_bytes, cores=cores)

    if card is not None and memory_bytes is not None:
        assert memory_bytes <= 1.01 * card.memory_bytes
        assert card.unified or memory_bytes >= 0.92 * card.memory_bytes
