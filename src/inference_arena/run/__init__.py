"""One trial, from launch to record."""

from inference_arena.run.ask import Asked, embedded_card, make_job, wants_embedded
from inference_arena.run.conduct import conduct, usable_cores
from inference_arena.run.interrupts import Ended, Interrupts
from inference_arena.run.job import Job
from inference_arena.run.models import fetch_checkpoint
from inference_arena.run.pace import guess_s
from inference_arena.run.programs import llama_programs
from inference_arena.run.salvage import Salvaged, salvage

__all__ = [
    "Asked",
    "Ended",
    "Interrupts",
    "Job",
    "Salvaged",
    "conduct",
    "embedded_card",
    "fetch_checkpoint",
    "guess_s",
    "llama_programs",
    "make_job",
    "salvage",
    "usable_cores",
    "wants_embedded",
]
