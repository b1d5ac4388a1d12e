"""What ought to work: trials and the choices behind them. Arithmetic only, no I/O."""

from inference_arena.plan.idle_gpu import idle_gpu
from inference_arena.plan.interval import Interval
from inference_arena.plan.speed import Speed, speed
from inference_arena.plan.threads import CoreChoice, ThreadChoice, choose_cores, choose_threads
from inference_arena.plan.trial import Lengths, Load, Settings, Trial

__all__ = [
    "CoreChoice",
    "Interval",
    "Lengths",
    "Load",
    "Settings",
    "Speed",
    "ThreadChoice",
    "Trial",
    "choose_cores",
    "choose_threads",
    "idle_gpu",
    "speed",
]
