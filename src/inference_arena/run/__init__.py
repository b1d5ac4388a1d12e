"""One trial, from launch to record."""

from inference_arena.run.address import Address, parse_address
from inference_arena.run.ask import Asked, embedded_card, make_job, wants_embedded
from inference_arena.run.conduct import conduct, usable_cores
from inference_arena.run.crosscheck import MOST_REQUESTS, Checked, crosscheck_record
from inference_arena.run.drivers import DRIVERS, find_driver
from inference_arena.run.first import key_headers, list_models
from inference_arena.run.guided import Guided, guide
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
    "DRIVERS",
    "MOST_REQUESTS",
    "Address",
    "Asked",
    "Checked",
    "Ended",
    "Found",
    "Guided",
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
    "crosscheck_record",
    "embedded_card",
    "fetch_checkpoint",
    "find_driver",
    "guess_s",
    "guide",
    "here",
    "install",
    "installed",
    "key_headers",
    "list_models",
    "make_job",
    "parse_address",
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
