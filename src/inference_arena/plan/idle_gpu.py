"""Why a card that is there computed nothing, and what would change that."""

from inference_arena.facts import Host

ALL_LAYERS = 999  # more than any model has: llama.cpp takes as many as there are


def idle_gpu(host: Host, *, built_in: bool, gpu_layers: int | None, layers_on_gpu: int | None) -> dict[str, str]:
    """`gpu`: the reason, `gpu_command`: what would use the card; empty where there is none, or it was used."""
    if not host.devices or layers_on_gpu:
        return {}
    name = host.devices[0].name or f"the {host.devices[0].vendor} card"
    command = f"arena run --gpu-layers {ALL_LAYERS}"
    if built_in:
        return {
            "gpu": f"{name} was not used: the built-in llama.cpp is made for the processor only",
            "gpu_command": f"put a llama-server that is built for the card on PATH, then: {command}",
        }
    if gpu_layers == 0:
        return {"gpu": f"{name} was not used: --gpu-layers 0 was asked for", "gpu_command": command}
    return {"gpu": f"{name} was not used: llama-server put no layer of the model on it", "gpu_command": command}
