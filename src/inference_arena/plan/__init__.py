"""What ought to work: trials, the choices behind them, and the memory that they take. Arithmetic only, no I/O."""

from inference_arena.plan.budget import MemoryBudget, Refusal, Term
from inference_arena.plan.choose import Chosen, Wish, choose
from inference_arena.plan.flag_rules import flag_obstacles
from inference_arena.plan.idle_gpu import idle_gpu
from inference_arena.plan.interval import Interval
from inference_arena.plan.memory import memory
from inference_arena.plan.newest import Newest, newest_release
from inference_arena.plan.notices import Notice, is_wsl, notices
from inference_arena.plan.question import Question, question
from inference_arena.plan.speed import Speed, speed
from inference_arena.plan.support import Obstacle, Support, support
from inference_arena.plan.target import Target, target_of_card, target_of_devices
from inference_arena.plan.threads import CoreChoice, ThreadChoice, choose_cores, choose_threads
from inference_arena.plan.trial import Lengths, Load, Settings, Trial

__all__ = [
    "Chosen",
    "CoreChoice",
    "Interval",
    "Lengths",
    "Load",
    "MemoryBudget",
    "Newest",
    "Notice",
    "Obstacle",
    "Question",
    "Refusal",
    "Settings",
    "Speed",
    "Support",
    "Target",
    "Term",
    "ThreadChoice",
    "Trial",
    "Wish",
    "choose",
    "choose_cores",
    "choose_threads",
    "flag_obstacles",
    "idle_gpu",
    "is_wsl",
    "memory",
    "newest_release",
    "notices",
    "question",
    "speed",
    "support",
    "target_of_card",
    "target_of_devices",
]
