"""What ought to work: trials and the choices behind them. Arithmetic only, no I/O."""

from inference_arena.plan.threads import ThreadChoice, choose_threads
from inference_arena.plan.trial import Lengths, Load, Settings, Trial

__all__ = ["Lengths", "Load", "Settings", "ThreadChoice", "Trial", "choose_threads"]
