"""One trial, from launch to record; and servers that are kept running."""

from inference_arena.run.address import Address, parse_address
from inference_arena.run.alive import is_alive, wait_for_end
from inference_arena.run.ask import embedded_card, make_job, wants_embedded
from inference_arena.run.asked import Asked, Sought
from inference_arena.run.conduct import conduct, usable_cores
from inference_arena.run.configure import check_port, measured_best, named_settings, order_for
from inference_arena.run.crosscheck import MOST_REQUESTS, Checked, crosscheck_record
from inference_arena.run.drivers import DRIVERS, find_driver
from inference_arena.run.first import first_model, key_headers, list_models
from inference_arena.run.guided import Guided, guide
from inference_arena.run.images import container_program
from inference_arena.run.installed import Installed, installed, unfinished
from inference_arena.run.interrupts import Ended, Interrupts
from inference_arena.run.job import Job, Program
from inference_arena.run.keeper import Order
from inference_arena.run.models import fetch_checkpoint
from inference_arena.run.pace import guess_s
from inference_arena.run.planned import Found, planned_job
from inference_arena.run.process import log_since
from inference_arena.run.programs import Here, here, programs_for
from inference_arena.run.provision import View, install, remove
from inference_arena.run.retry import attempts
from inference_arena.run.salvage import Salvaged, salvage
from inference_arena.run.scrub import scrub_argv
from inference_arena.run.suite import Item, Suite, read_suite, shipped
from inference_arena.run.talk import Answered, Turn, speak
from inference_arena.run.untellable import refuse_to_tell
from inference_arena.run.up import (
    Look,
    all_standing,
    as_it_stands,
    ask_server,
    await_ready,
    choose_serving,
    refuse_beside_servers,
    refuse_second,
    running,
    start_keeper,
    stop,
    wait_until,
)
from inference_arena.run.watching import Seen, Watching

__all__ = [
    "DRIVERS",
    "MOST_REQUESTS",
    "Address",
    "Answered",
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
    "Look",
    "Order",
    "Program",
    "Salvaged",
    "Seen",
    "Sought",
    "Suite",
    "Turn",
    "View",
    "Watching",
    "all_standing",
    "as_it_stands",
    "ask_server",
    "attempts",
    "await_ready",
    "check_port",
    "choose_serving",
    "conduct",
    "container_program",
    "crosscheck_record",
    "embedded_card",
    "fetch_checkpoint",
    "find_driver",
    "first_model",
    "guess_s",
    "guide",
    "here",
    "install",
    "installed",
    "is_alive",
    "key_headers",
    "list_models",
    "log_since",
    "make_job",
    "measured_best",
    "named_settings",
    "order_for",
    "parse_address",
    "planned_job",
    "programs_for",
    "read_suite",
    "refuse_beside_servers",
    "refuse_second",
    "refuse_to_tell",
    "remove",
    "running",
    "salvage",
    "scrub_argv",
    "shipped",
    "speak",
    "start_keeper",
    "stop",
    "unfinished",
    "usable_cores",
    "wait_for_end",
    "wait_until",
    "wants_embedded",
]
