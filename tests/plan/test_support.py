"""What stands between a model, a card and a release: right by the engines' own sources, each "no" with a way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_arena import facts
from inference_arena.plan import (
    Newest,
    Obstacle,
    Support,
    Target,
    flag_obstacles,
    newest_release,
    support,
    target_of_card,
)

OLD, BETA, TODAY = "550.54.15", "550.40", "580.95.05"


def card(name: str, driver: str | None = TODAY) -> Target:
    return target_of_card(facts.gpu(name), driver=driver)


def ask(checkpoint: str, engine: str, version: str, target: Target, **options) -> Support:
    chosen = facts.checkpoint(checkpoint)
    release = facts.release(engine, version)
    return support(model=facts.model(chosen.model), checkpoint=chosen, release=release, target=target, **options)


def rules(found: Support) -> dict[str, Obstacle]:
    return {obstacle.rule: obstacle for obstacle in found.obstacles}


def kernel(found: Support, part: str) -> str | None:
    return next((one.kernel for one in found.kernels if one.part == part), None)


# drivers


@pytest.mark.parametrize("driver", [OLD, BETA])
def test_todays_vllm_on_a_3090_with_an_old_driver_needs_a_newer_driver_and_no_other_card(driver):
    found = rules(ask("qwen2.5-32b-instruct-awq", "vllm", "0.33.0", card("geforce-rtx-3090", driver)))

    assert list(found) == ["driver-too-old"]
    assert found["driver-too-old"].severity == "blocks"
    assert "the card itself is not in the way" in found["driver-too-old"].what
    assert f"driver {driver} offers 12.4" in found["driver-too-old"].evidence


@pytest.mark.parametrize(("driver", "unsure"), [(OLD, ""), (BETA, ", unverified")])
def test_its_ways_out_are_an_older_image_older_wheels_and_a_newer_driver(driver, unsure):
    found = rules(ask("qwen2.5-32b-instruct-awq", "vllm", "0.33.0", card("geforce-rtx-3090", driver)))

    assert found["driver-too-old"].way_out == (
        f"vLLM 0.8.5, the newest whose image accepts this driver{unsure}",
        "vLLM 0.19.0, the newest whose wheels may run, unverified",
        "update the driver to >= 580.95.05",
    )


def brief(found: Newest) -> tuple[str | None, bool, str | None, bool, str | None]:
    image, wheels = (one.version if one else None for one in (found.image, found.wheels))
    return image, found.image_unverified, wheels, found.wheels_unverified, found.driver_needed


@pytest.mark.parametrize(
    ("driver", "answer"),
    [
        (OLD, ("0.8.5", False, "0.19.0", True, "580.95.05")),
        # a beta of the 550 branch offers CUDA 12.4 as the branch does; the toolkit is documented for 550.54.15
        (BETA, ("0.8.5", True, "0.19.0", True, "580.95.05")),
        ("575.57.08", ("0.19.0", False, "0.19.0", False, "580.95.05")),
        (TODAY, ("0.33.0", False, "0.33.0", False, None)),
        ("470.42.01", ("0.8.5", True, None, False, "580.95.05")),
    ],
)
def test_the_newest_release_for_a_driver_is_told_by_image_and_by_wheels(driver, answer):
    assert brief(newest_release("vllm", target=card("geforce-rtx-3090", driver))) == answer


def test_releases_that_do_not_know_the_model_are_no_way_out_of_an_old_driver():
    omni = facts.checkpoint("qwen3-omni-30b-a3b-instruct-bf16")
    model = facts.model(omni.model)
    found = newest_release("vllm", target=card("geforce-rtx-3090", OLD), model=model, checkpoint=omni)

    assert found.image is None  # 0.8.5 is older than the model
    assert found.wheels is not None
    assert found.wheels.version == "0.19.0"


def test_an_image_lets_data_centre_cards_in_on_branches_that_it_refuses_to_gaming_cards():
    gaming = newest_release("vllm", target=card("geforce-rtx-3090", "570.124.06"))
    server = newest_release("vllm", target=card("h100-sxm5-80gb", "570.124.06"))

    assert gaming.image is not None
    assert gaming.image.version == "0.11.0"
    assert server.image is not None
    assert (server.image.version, server.image_unverified) == ("0.33.0", True)


def test_a_release_whose_image_refuses_but_whose_wheels_may_run_is_unverified():
    found = rules(ask("qwen2.5-32b-instruct-awq", "vllm", "0.19.0", card("geforce-rtx-3090", OLD)))

    assert found["driver-unverified"].severity == "unverified"
    assert "its wheels in an environment of their own instead of the image" in found["driver-unverified"].way_out


def test_another_image_of_the_same_release_is_offered_where_it_accepts_the_driver():
    found = rules(ask("qwen2.5-32b-instruct-awq", "vllm", "0.30.0", card("geforce-rtx-3090", "575.57.08")))

    assert found["driver-too-old"].way_out[0] == "its image vllm/vllm-openai:v0.30.0-cu129"


def test_a_driver_that_nobody_told_is_no_obstacle():
    assert ask("qwen2.5-32b-instruct-awq", "vllm", "0.33.0", card("geforce-rtx-3090", None)).obstacles == ()


# architectures


def test_qwen3_omni_is_newer_than_vllm_0_6_0_and_upgrading_transformers_is_no_help():
    found = rules(ask("qwen3-omni-30b-a3b-instruct-bf16", "vllm", "0.6.0", card("a100-sxm4-80gb")))

    early = found["architecture-unknown"]
    assert early.severity == "blocks"
    assert early.evidence.startswith("first seen in 0.11.1; transformers has it since 4.57.0")
    assert "upgrading that is no help" in early.evidence
    assert early.way_out == ("vLLM 0.11.1 or newer", "SGLang 0.5.4 or newer")


def of_class(name: str):
    return facts.model("llama-3.1-8b-instruct").model_copy(update={"architecture": name})


def with_class(name: str, engine: str, version: str) -> dict[str, Obstacle]:
    plain = facts.checkpoint("llama-3.1-8b-instruct-bf16")
    release = facts.release(engine, version)
    return rules(support(model=of_class(name), checkpoint=plain, release=release, target=card("a100-sxm4-80gb")))


def test_an_architecture_that_was_dropped_has_a_last_release():
    assert with_class("BaichuanForCausalLM", "vllm", "0.23.0") == {}
    dropped = with_class("BaichuanForCausalLM", "vllm", "0.24.0")["architecture-removed"]

    assert dropped.evidence == "its last release with it is 0.23.0"
    assert dropped.way_out[0] == "vLLM 0.23.0"


def test_a_class_that_no_release_has_may_be_stood_in_for_by_transformers_where_the_release_can():
    assert with_class("NobodyForCausalLM", "vllm", "0.6.0")["architecture-unknown"].severity == "blocks"
    later = with_class("NobodyForCausalLM", "vllm", "0.24.0")["architecture-unknown"]

    assert later.severity == "unverified"
    assert later.way_out == ("--model-impl transformers, slower",)


# weights


def test_gpt_oss_in_mxfp4_runs_on_a_3090_with_marlin():
    found = ask("gpt-oss-20b-mxfp4", "vllm", "0.24.0", card("geforce-rtx-3090"))

    assert found.obstacles == ()
    assert kernel(found, "weights") == "Marlin MXFP4"
    assert kernel(found, "attention") == "FlashAttention"


def test_gpt_oss_in_mxfp4_has_no_kernel_on_turing():
    found = rules(ask("gpt-oss-20b-mxfp4", "vllm", "0.24.0", card("geforce-rtx-2080-ti")))

    assert found["quantization-unsupported"].severity == "blocks"
    assert found["quantization-unsupported"].evidence == "it needs compute capability 8.0; this card has 7.5"
    assert "llama.cpp with a GGUF file" in found["quantization-unsupported"].way_out


def test_fp8_weights_on_ampere_save_memory_and_no_time():
    found = ask("llama-3.1-8b-instruct-fp8", "vllm", "0.24.0", card("geforce-rtx-3090"))

    assert [(one.rule, one.severity) for one in found.obstacles] == [("quantization-slow", "costs")]
    assert found.is_clear
    assert kernel(found, "weights") == "Marlin FP8"


def test_fp8_weights_on_ada_are_multiplied_as_they_are():
    found = ask("llama-3.1-8b-instruct-fp8", "vllm", "0.24.0", card("geforce-rtx-4090"))

    assert found.obstacles == ()
    assert kernel(found, "weights") == "FP8 tensor cores"


def test_fp8_weights_came_to_turing_with_0_14():
    assert (
        "0.14.0"
        in rules(ask("llama-3.1-8b-instruct-fp8", "vllm", "0.12.0", card("geforce-rtx-2080-ti")))[
            "quantization-unsupported"
        ].way_out[0]
    )
    assert not ask("llama-3.1-8b-instruct-fp8", "vllm", "0.14.0", card("geforce-rtx-2080-ti")).blocks


@pytest.mark.parametrize(
    ("version", "weights", "attention"),
    [("0.8.5", "AWQ GEMM", "xFormers"), ("0.24.0", "Marlin", "Triton")],
)
def test_awq_runs_on_turing_with_the_kernel_of_its_time(version, weights, attention):
    found = ask("qwen2.5-32b-instruct-awq", "vllm", version, card("geforce-rtx-2080-ti"), dtype="float16")

    assert found.obstacles == ()
    assert (kernel(found, "weights"), kernel(found, "attention")) == (weights, attention)


def test_an_h100_runs_awq_with_machete_and_a_3090_with_marlin():
    assert kernel(ask("qwen2.5-32b-instruct-awq", "vllm", "0.24.0", card("h100-sxm5-80gb")), "weights") == "Machete"
    assert kernel(ask("qwen2.5-32b-instruct-awq", "vllm", "0.24.0", card("geforce-rtx-3090")), "weights") == "Marlin"


def test_gguf_left_vllm_for_a_plugin_with_0_24():
    assert not ask("gemma-2-9b-it-q4_k_m", "vllm", "0.23.0", card("geforce-rtx-3090")).blocks
    moved = rules(ask("gemma-2-9b-it-q4_k_m", "vllm", "0.24.0", card("geforce-rtx-3090")))["quantization-unsupported"]

    assert moved.evidence == "last seen in 0.23.0"
    assert moved.way_out[0] == "pip install vllm-gguf-plugin, which holds it since 0.24.0"


def test_bitsandbytes_left_vllm_for_a_plugin_with_0_28():
    chosen = facts.checkpoint("llama-3.1-8b-instruct-awq").model_copy(update={"quantization": "bitsandbytes"})
    model, target = facts.model(chosen.model), card("geforce-rtx-3090")
    before, after = (
        support(model=model, checkpoint=chosen, release=facts.release("vllm", version), target=target)
        for version in ("0.27.0", "0.28.0")
    )

    assert not before.blocks
    assert rules(after)["quantization-unsupported"].way_out[0].startswith("pip install vllm-bnb-plugin")


def test_llama_cpp_reads_gguf_alone():
    assert not ask("gemma-2-9b-it-q4_k_m", "llamacpp", "b8095", card("geforce-rtx-3090")).blocks
    assert (
        rules(ask("gemma-2-9b-it-bf16", "llamacpp", "b8095", card("geforce-rtx-3090")))["format"].severity == "blocks"
    )


# types and cards


def test_bf16_on_turing_becomes_float16_by_itself_since_0_9_and_must_be_asked_for_before():
    turing = card("geforce-rtx-2080-ti")

    assert rules(ask("llama-3.1-8b-instruct-bf16", "vllm", "0.24.0", turing))["dtype"].severity == "costs"
    before = rules(ask("llama-3.1-8b-instruct-bf16", "vllm", "0.8.5", turing))["dtype"]
    assert (before.severity, before.way_out) == ("blocks", ("dtype float16",))
    asked = ask("llama-3.1-8b-instruct-bf16", "vllm", "0.24.0", turing, dtype="bfloat16")
    assert rules(asked)["dtype"].severity == "blocks"
    assert ask("llama-3.1-8b-instruct-bf16", "vllm", "0.8.5", turing, dtype="float16").obstacles == ()


def test_gemma_2_cannot_take_float16_instead():
    found = rules(ask("gemma-2-9b-it-bf16", "vllm", "0.24.0", card("geforce-rtx-2080-ti")))["dtype"]

    assert (found.severity, found.way_out) == (
        "blocks",
        ("dtype float32, at twice the memory", "a GGUF file of it on llama.cpp"),
    )


def test_a_pascal_card_is_too_old_for_vllms_images_and_told_of_llama_cpp():
    found = rules(ask("llama-3.1-8b-instruct-awq", "vllm", "0.24.0", card("geforce-gtx-1080-ti")))

    assert found["compute-capability"].evidence.startswith("built for 7.5 8.0")
    assert "llama.cpp, which is built for older cards too" in found["compute-capability"].way_out


@pytest.mark.parametrize(
    ("name", "version", "runs"),
    [
        ("geforce-rtx-5090", "0.8.5", True),  # by its PTX, compiled at start
        ("geforce-rtx-5090", "0.9.2", True),
        ("geforce-rtx-3090", "0.33.0", True),
        ("geforce-rtx-4090", "0.19.0", True),
    ],
)
def test_code_for_a_smaller_minor_version_and_ptx_of_an_older_card_run(name, version, runs):
    found = rules(ask("llama-3.1-8b-instruct-awq", "vllm", version, card(name)))

    assert ("compute-capability" not in found) is runs


def test_apple_has_no_vllm_and_is_told_of_llama_cpp():
    found = rules(ask("llama-3.1-8b-instruct-bf16", "vllm", "0.24.0", card("apple-m4", None)))

    assert found["vendor"].severity == "blocks"
    assert found["vendor"].way_out == ("a GGUF file of it on llama.cpp, which has a build for this card",)


def test_amd_and_intel_are_told_of_the_engines_own_builds_for_them_too():
    found = rules(ask("llama-3.1-8b-instruct-bf16", "vllm", "0.24.0", card("radeon-rx-7900-xtx", None)))

    assert found["vendor"].severity == "blocks"
    assert found["vendor"].way_out[-1] == "vLLM's own build for this maker's cards"


# flags, and all of it


def test_a_flag_that_a_release_lacks_is_told_with_the_last_that_had_it():
    gone = list(flag_obstacles(("--swap-space", "--max-model-len"), facts.release("vllm", "0.33.0")))

    assert [(one.what, one.evidence) for one in gone] == [("vLLM 0.33.0 has no --swap-space", "last seen in 0.17.0")]
    assert list(flag_obstacles(("--swap-space",), facts.release("vllm", "0.8.5"))) == []
    foreign = list(flag_obstacles(("--gpu-memory-utilization",), facts.release("sglang", "0.5.14")))
    assert foreign[0].evidence == "never seen"


RELEASES = st.sampled_from([row for name in ("vllm", "sglang", "llamacpp") for row in facts.releases(name)])


@given(
    checkpoint=st.sampled_from(sorted(facts.checkpoints())),
    release=RELEASES,
    gpu=st.sampled_from(sorted(facts.gpus())),
    driver=st.sampled_from([None, "450.1", "525.60.13", BETA, OLD, "570.1", TODAY, "595.1"]),
)
def test_every_no_has_evidence_and_the_hardest_comes_first(checkpoint, release, gpu, driver):
    target = target_of_card(facts.gpu(gpu), driver=driver)
    found = ask(checkpoint, release.engine, release.version, target)
    order = ["blocks", "unverified", "costs"]

    assert [one.severity for one in found.obstacles] == sorted(
        (one.severity for one in found.obstacles), key=order.index
    )
    for one in found.obstacles:
        assert one.what
        assert one.evidence
        assert one.source
        assert one.way_out or one.severity != "blocks" or one.rule == "architecture-unknown"


@given(release=RELEASES, older=st.integers(450, 600), newer=st.integers(450, 600))
def test_a_newer_driver_is_never_a_worse_one_on_a_gaming_card(release, older, newer):
    older, newer = sorted((older, newer))
    names = ["blocks", "unverified", "clear"]

    def verdict(driver: int) -> int:
        target = card("geforce-rtx-3090", f"{driver}.999")
        found = ask("llama-3.1-8b-instruct-awq", release.engine, release.version, target)
        mine = [one.severity for one in found.obstacles if one.rule.startswith("driver")]
        return names.index(mine[0] if mine else "clear")

    # images of toolkits up to 12.4 list whole branches of older drivers as exceptions, and not those between
    if release.image_cuda is None or not release.image_cuda.startswith("12.4"):
        assert verdict(older) <= verdict(newer)
