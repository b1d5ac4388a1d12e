"""What users do: arrivals, prompts, streamed requests, and the loop that drives them (the measuring core)."""

from inference_arena.load.again import exact_again, find_overhead, find_words, prompt_again, request_seed
from inference_arena.load.decode import decode
from inference_arena.load.files import Arrival, read_prompts, read_replay
from inference_arena.load.fleet import LoadFleet
from inference_arena.load.live import Heard, OnText, hear
from inference_arena.load.point_plan import PointPlan, Target, Wording
from inference_arena.load.process import Driven, LoadProcess, LoadProcessDied
from inference_arena.load.prompts import FIRST, first_words, vocabulary
from inference_arena.load.raw import read_raw
from inference_arena.load.requests import new_prompt
from inference_arena.load.self_test import self_test
from inference_arena.load.wire import connect_failure

__all__ = [
    "FIRST",
    "Arrival",
    "Driven",
    "Heard",
    "LoadFleet",
    "LoadProcess",
    "LoadProcessDied",
    "OnText",
    "PointPlan",
    "Target",
    "Wording",
    "connect_failure",
    "decode",
    "exact_again",
    "find_overhead",
    "find_words",
    "first_words",
    "hear",
    "new_prompt",
    "prompt_again",
    "read_prompts",
    "read_raw",
    "read_replay",
    "request_seed",
    "self_test",
    "vocabulary",
]
