"""What ought to work: trials and the choices behind them. Arithmetic only, no I/O."""

from inference_arena.plan.idle_gpu import idle_gpu
from inference_arena.plan.notices import Notice, is_wsl, notices
from inference_arena.plan.threads import CoreChoice, ThreadChoice, choose_cores, choose_threads
from inference_arena.plan.trial import Lengths, Load, Settings, Trial

__all__ = [
    "CoreChoice",
    "Lengths",
    "Load",
    "Notice",
    "Settings",
    "ThreadChoice",
    "Trial",
    "choose_cores",
    "choose_threads",
    "idle_gpu",
    "is_wsl",
    "notices",
]
