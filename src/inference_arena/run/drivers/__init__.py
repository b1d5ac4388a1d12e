"""Other people's load generators: how each is told what to send, and where its report is then."""

from inference_arena.run.drivers.session import Driven, drive
from inference_arena.run.drivers.task import Driver, Prompt, Task
from inference_arena.run.drivers.tools import DRIVERS, find_driver

__all__ = ["DRIVERS", "Driven", "Driver", "Prompt", "Task", "drive", "find_driver"]
