"""What is true: cards with a source, and the frozen types that hold them."""

from inference_arena.facts.catalogue import (
    EMBEDDED,
    checkpoint,
    checkpoint_of_file,
    checkpoints,
    read_card,
    slo,
    slos,
    workload,
    workloads,
)
from inference_arena.facts.fact import Fact
from inference_arena.facts.host import Device, Host
from inference_arena.facts.model import Checkpoint, HubFile, Model, PackageFile
from inference_arena.facts.slo import Slo
from inference_arena.facts.workload import Workload

__all__ = [
    "EMBEDDED",
    "Checkpoint",
    "Device",
    "Fact",
    "Host",
    "HubFile",
    "Model",
    "PackageFile",
    "Slo",
    "Workload",
    "checkpoint",
    "checkpoint_of_file",
    "checkpoints",
    "read_card",
    "slo",
    "slos",
    "workload",
    "workloads",
]
