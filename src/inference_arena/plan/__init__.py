"""What ought to work: trials, the choices behind them, and the memory that they take. Arithmetic only, no I/O."""

from inference_arena.plan.budget import MemoryBudget, Refusal, Term, TermName
from inference_arena.plan.candidates import Candidate, best_plans, main_test, order_plans, rank, score_of
from inference_arena.plan.capacity import Capacity, People
from inference_arena.plan.choose import Chosen, Wish, choose
from inference_arena.plan.drivers import image_door, other_image
from inference_arena.plan.fit import LEVELS, Fit, Level, may_be_slow
from inference_arena.plan.flag_rules import flag_obstacles
from inference_arena.plan.idle_gpu import idle_gpu
from inference_arena.plan.interval import Interval
from inference_arena.plan.kv_cache import element_bytes, sequence_bytes
from inference_arena.plan.layouts import Layout, best_alone, best_together, layouts
from inference_arena.plan.load import Load, Replay, Shape
from inference_arena.plan.memory import memory
from inference_arena.plan.newest import Newest, newest_release
from inference_arena.plan.notices import Notice, is_wsl, notices
from inference_arena.plan.offer import Offer, offer, offer_of, package_card, versions_of
from inference_arena.plan.prediction import PredictedSpeed, Prediction, predict
from inference_arena.plan.profile import next_wanted, sections, streams_wanted
from inference_arena.plan.purposes import PURPOSES, Purpose
from inference_arena.plan.question import Question, question
from inference_arena.plan.requests import Cache, Data, Kind, Lengths, Patience, Prefix, Sessions, Spread, Texts
from inference_arena.plan.reverse import Turned, smallest_card, turned
from inference_arena.plan.speed import Speed, speed
from inference_arena.plan.support import Obstacle, Support, support
from inference_arena.plan.survey import Ask, default_releases, engines_for, plan_one, release_for, survey
from inference_arena.plan.target import Target, target_of_card, target_of_devices, target_of_processor, targets_of_host
from inference_arena.plan.threads import CoreChoice, ThreadChoice, choose_cores, choose_threads
from inference_arena.plan.trial import Settings, Trial

__all__ = [
    "LEVELS",
    "PURPOSES",
    "Ask",
    "Cache",
    "Candidate",
    "Capacity",
    "Chosen",
    "CoreChoice",
    "Data",
    "Fit",
    "Interval",
    "Kind",
    "Layout",
    "Lengths",
    "Level",
    "Load",
    "MemoryBudget",
    "Newest",
    "Notice",
    "Obstacle",
    "Offer",
    "Patience",
    "People",
    "PredictedSpeed",
    "Prediction",
    "Prefix",
    "Purpose",
    "Question",
    "Refusal",
    "Replay",
    "Sessions",
    "Settings",
    "Shape",
    "Speed",
    "Spread",
    "Support",
    "Target",
    "Term",
    "TermName",
    "Texts",
    "ThreadChoice",
    "Trial",
    "Turned",
    "Wish",
    "best_alone",
    "best_plans",
    "best_together",
    "choose",
    "choose_cores",
    "choose_threads",
    "default_releases",
    "element_bytes",
    "engines_for",
    "flag_obstacles",
    "idle_gpu",
    "image_door",
    "is_wsl",
    "layouts",
    "main_test",
    "may_be_slow",
    "memory",
    "newest_release",
    "next_wanted",
    "notices",
    "offer",
    "offer_of",
    "order_plans",
    "other_image",
    "package_card",
    "plan_one",
    "predict",
    "question",
    "rank",
    "release_for",
    "score_of",
    "sections",
    "sequence_bytes",
    "smallest_card",
    "speed",
    "streams_wanted",
    "support",
    "survey",
    "target_of_card",
    "target_of_devices",
    "target_of_processor",
    "targets_of_host",
    "turned",
    "versions_of",
]
