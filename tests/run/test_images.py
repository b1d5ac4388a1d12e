"""Which image, by the rules of a plan."""

import pytest

from inference_arena.errors import NotFoundError
from inference_arena.facts import gpu, releases
from inference_arena.plan import Target, newest_release, target_of_card
from inference_arena.run.images import container_program, version_of


def program(engine="vllm", *, target=None, image=None, release=None):
    return container_program(engine, target=target, image=image, release=release, container_engine="podman")


def a_card(driver: str | None) -> Target:
    return target_of_card(gpu("geforce-rtx-3090"), driver=driver)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("vllm/vllm-openai:v0.24.0", "0.24.0"),
        ("vllm/vllm-openai:v0.21.0-cu129", "0.21.0"),
        ("registry:5000/x/sglang:v0.5.10.post1-cu130", "0.5.10.post1"),
        ("ghcr.io/ggml-org/llama.cpp:server-cuda-b10644", "b10644"),
        ("ghcr.io/ggml-org/llama.cpp:server-v0.5.0@sha256:0123", "0.5.0"),
        ("vllm/vllm-openai:latest", None),
        ("registry:5000/mine", None),
    ],
)
def test_a_tag_tells_the_release_where_it_names_one(image: str, version: str | None):
    assert version_of(image) == version


def test_an_image_that_is_named_is_taken_whatever_the_driver():
    chosen = program(image="mine/vllm:v0.9.0", target=a_card("470.57.02"))
    assert (chosen.form, chosen.image, chosen.version, chosen.argv) == (
        "container",
        "mine/vllm:v0.9.0",
        "0.9.0",
        ("podman",),
    )


def test_the_newest_release_whose_image_the_driver_accepts_is_chosen_and_why_is_said():
    target = a_card("570.124.06")
    expected = newest_release("vllm", target=target).image
    assert expected is not None
    chosen = program(target=target)
    assert chosen.version == expected.version
    assert chosen.image == f"vllm/vllm-openai:v{expected.version}"
    assert "driver 570.124.06 accepts" in chosen.why


def test_a_driver_that_no_image_accepts_is_told_what_it_lacks():
    with pytest.raises(NotFoundError) as caught:
        program(target=a_card("390.48"))
    assert "390.48" in caught.value.why
    assert "--image" in caught.value.try_


def test_a_release_that_is_asked_for_is_taken_in_the_image_that_the_driver_accepts():
    # 575.57.08 offers CUDA 12.9, and the usual image of 0.21.0 asks for 13
    chosen = program(release="0.21.0", target=a_card("575.57.08"))
    assert chosen.image == "vllm/vllm-openai:v0.21.0-cu129"
    assert chosen.version == "0.21.0"
    assert program(release="0.21.0", target=a_card("580.65.06")).image == "vllm/vllm-openai:v0.21.0"


def test_without_a_card_llama_cpp_has_an_image_for_the_processor():
    chosen = program("llamacpp")
    assert chosen.version == releases("llamacpp")[-1].version
    assert chosen.image == f"ghcr.io/ggml-org/llama.cpp:server-v{chosen.version}"
    assert program("llamacpp", release="b8840").image == "ghcr.io/ggml-org/llama.cpp:server-b8840"


def test_without_a_card_vllm_has_no_known_image():
    with pytest.raises(NotFoundError, match="no image of vLLM is known"):
        program("vllm")
