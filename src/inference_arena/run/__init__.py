"""One trial, from launch to record."""

from inference_arena.run.ask import Asked, embedded_card, make_job, wants_embedded
from inference_arena.run.conduct import conduct, usable_cores
from inference_arena.run.images import container_program
from inference_arena.run.installed import Installed, installed, unfinished
from inference_arena.run.interrupts import Ended, Interrupts
from inference_arena.run.job import Job, Program
from inference_arena.run.models import fetch_checkpoint
from inference_arena.run.pace import guess_s
from inference_arena.run.planned import Found, planned_job
from inference_arena.run.programs import Here, here, programs_for
from inference_arena.run.provision import View, install, remove
from inference_arena.run.salvage import Salvaged, salvage
from inference_arena.run.suite import Item, Suite, read_suite, shipped

__all__ = [
    "Asked",
    "Ended",
    "Found",
    "Here",
    "Installed",
    "Interrupts",
    "Item",
    "Job",
    "Program",
    "Salvaged",
    "Suite",
    "View",
    "conduct",
    "container_program",
    "embedded_card",
    "fetch_checkpoint",
    "guess_s",
    "here",
    "install",
    "installed",
    "make_job",
    "planned_job",
    "programs_for",
    "read_suite",
    "remove",
    "salvage",
    "shipped",
    "unfinished",
    "usable_cores",
    "wants_embedded",
]
