"""What users do: arrivals, prompts, streamed requests, and the loop that drives them (the measuring core)."""

from inference_arena.load.again import find_words, prompt_again, request_seed
from inference_arena.load.decode import decode
from inference_arena.load.live import Heard, OnText, hear
from inference_arena.load.point_plan import PointPlan, Target, Wording
from inference_arena.load.process import Driven, LoadProcess, LoadProcessDied
from inference_arena.load.raw import read_raw
from inference_arena.load.requests import new_prompt
from inference_arena.load.self_test import self_test
from inference_arena.load.wire import connect_failure

__all__ = [
    "Driven",
    "Heard",
    "LoadProcess",
    "LoadProcessDied",
    "OnText",
    "PointPlan",
    "Target",
    "Wording",
    "connect_failure",
    "decode",
    "find_words",
    "hear",
    "new_prompt",
    "prompt_again",
    "read_raw",
    "request_seed",
    "self_test",
]
