"""One trial, from launch to record."""

from inference_arena.run.ask import Asked, embedded_card, make_job, wants_embedded
from inference_arena.run.conduct import conduct, usable_cores
from inference_arena.run.interrupts import Ended, Interrupts
from inference_arena.run.job import Job, Program
from inference_arena.run.models import fetch_checkpoint
from inference_arena.run.pace import guess_s
from inference_arena.run.planned import Found, planned_job
from inference_arena.run.programs import llama_programs, programs_for
from inference_arena.run.retry import attempts
from inference_arena.run.salvage import Salvaged, salvage

__all__ = [
    "Asked",
    "Ended",
    "Found",
    "Interrupts",
    "Job",
    "Program",
    "Salvaged",
    "attempts",
    "conduct",
    "embedded_card",
    "fetch_checkpoint",
    "guess_s",
    "llama_programs",
    "make_job",
    "planned_job",
    "programs_for",
    "salvage",
    "usable_cores",
    "wants_embedded",
]
