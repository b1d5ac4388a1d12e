"""The whole search against a server whose limit is known: three places, each answer 0.26 s, so that whoever
comes fourth waits for some 0.09 s at least. A goal between that and nothing is met by three and missed by four.
"""

import math

import pytest

from inference_arena.facts import Slo
from inference_arena.hardware import read_host
from inference_arena.load.truth import Script, start_truth_server
from inference_arena.run import Asked, Interrupts, Sought, conduct, make_job
from inference_arena.run.tools import Progress
from inference_arena.store import open_home, verify

PLACES = 3
MOST = 8
SCRIPT = Script(slots=PLACES, tokens=25, ttft_s=0.02, token_interval_s=0.01)
GOAL = {"ttft_s": 0.075, "tpot_s": None}


class Silent(Progress):
    """Tells nobody."""

    def __init__(self) -> None:
        self.left_s: list[float] = []

    def stage(self, name, detail=""): ...
    def point(self, index, total, *, label, expected_s=None): ...
    def tick(self, **fields): ...
    def point_done(self, label, **fields): ...
    def log_tail(self, lines): ...
    def time_left(self, seconds):
        self.left_s.append(seconds)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The record of one search for requests at once and people who hardly think; its folder; what was told."""
    folder = tmp_path_factory.mktemp("capacity")
    with start_truth_server(SCRIPT, log_path=folder / "log") as server:
        asked = Asked(
            url=f"{server.url}/v1", concurrency=(MOST,), input_tokens=16, output_tokens=25, exact=True, duration_s=4.0,
            requests=40, warmup_s=1.0, slo="interactive",
            sought=Sought(most=MOST, most_people=8, behaviour="chat-person", think_s=0.26),
        )  # fmt: skip
        job = make_job(asked, host=read_host(), embedded=None, programs=())
        slo = Slo(**{**job.trial.slo.model_dump(), **GOAL})
        job = job.model_copy(update={"trial": job.trial.model_copy(update={"slo": slo})})
        progress = Silent()
        with Interrupts() as interrupts:
            record, path = conduct(job, home=open_home(folder / "home"), progress=progress, interrupts=interrupts,
                                   api_key=None)  # fmt: skip
    return record, path, progress


def test_the_known_limit_of_requests_at_once_is_found_in_at_most_half_as_many_probes_again_as_an_oracle(found):
    record, _, _ = found
    answer = record.summary.capacity.requests

    assert (answer.status, answer.lower, answer.upper) == ("located", PLACES, PLACES + 1)
    assert len({point.load for point in record.points if not point.load.people}) <= 1.5 * math.ceil(math.log2(MOST + 1))


def test_people_who_pause_are_more_than_the_places(found):
    answer = found[0].summary.capacity.people

    assert answer is not None
    assert answer.upper is None or answer.upper > PLACES
    if answer.status == "located":
        assert answer.upper == answer.lower + 1


def test_without_counters_nothing_is_claimed_of_the_cause(found):
    assert found[0].summary.capacity.requests.cause.code == "unknown"


def test_every_probe_is_a_load_point_of_one_record_that_can_be_checked(found):
    record, path, _ = found
    capacity = record.summary.capacity

    assert len(record.points) == capacity.requests.probes + capacity.people.probes
    assert verify(path).true


def test_the_time_left_is_told_before_each_load_point(found):
    record, _, progress = found

    assert len(progress.left_s) == len(record.points)
    assert all(seconds > 0 for seconds in progress.left_s)
