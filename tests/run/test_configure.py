"""Which settings a server gets, and why it is said that it gets these."""

import socket

import pytest

from inference_arena.errors import ArenaError
from inference_arena.plan import Load, Settings
from inference_arena.record import EngineUsed, Record
from inference_arena.run import Asked, Job, Program
from inference_arena.run.best import Measured
from inference_arena.run.configure import check_port, free_port_from, order_for, settle
from inference_arena.run.job import Limits
from inference_arena.store import Home
from planned import on, planned

PROGRAMS = tuple(Program(name=name, argv=(name,), version=version, why="here") for name, version in
                 (("llama-server", "b2"), ("built-in", "b1")))  # fmt: skip


@pytest.fixture
def job(sample_record: Record) -> Job:
    settings = Settings(context_tokens=256, parallel=1, threads=3)
    return Job(
        purpose="measurement",
        trial=sample_record.trial.model_copy(update={"engine": "llamacpp", "settings": settings}),
        host=sample_record.host,
        model=sample_record.model.model_copy(update={"context_tokens": 6000}),
        engine=EngineUsed(name="llamacpp", form="process", location="same-host", effective={}, choices={}),
        limits=Limits(ready_s=1.0, request_s=1.0),
        programs=PROGRAMS,
        model_path="/model.gguf",
    )


def measured(**settings: object) -> Measured:
    return Measured(
        record="20261123-120101-aaaaaa",
        engine="llamacpp",
        release="b1",
        program="built-in",
        settings=Settings(**settings),
        load=Load(kind="closed", concurrency=4),
        goodput_per_s=2.0,
        ttft_p50_s=0.1,
        tokens_per_s_per_user=20.0,
        doubts=(),
        is_serious=False,
    )


FIT = planned("qwen2.5-7b-instruct-q4_k_m", "llamacpp", on("RTX 3090"), users=2, context=8192)


def test_without_a_measurement_the_plan_gives_the_room_and_its_sentence(job: Job):
    settings, reasons = settle(job, None, fit=FIT, asked=Settings())
    assert settings.context_tokens == 6000  # the model's own, which is less than planned for
    assert (settings.parallel, settings.threads) == (2, 3)
    assert reasons["context_tokens"] == FIT.deciding
    assert reasons["configuration"].startswith("nothing of this model was measured here yet")


def test_the_best_record_wins_over_the_plan_and_lends_all_but_a_short_context(job: Job):
    best = measured(context_tokens=256, parallel=4, threads=7, kv_cache_type="q8_0")
    settings, reasons = settle(job, best, fit=FIT, asked=Settings())
    assert (settings.parallel, settings.threads, settings.kv_cache_type) == (4, 7, "q8_0")
    assert settings.context_tokens == 6000
    assert reasons["context_tokens"].endswith("where the record had 256")
    assert reasons["parallel"] == "as in that record"
    assert reasons["configuration"] == best.words


def test_a_record_keeps_its_context_where_there_is_no_plan_or_no_more_room(job: Job):
    assert settle(job, measured(context_tokens=256), fit=None, asked=Settings())[0].context_tokens == 256
    assert settle(job, measured(context_tokens=9000), fit=FIT, asked=Settings())[0].context_tokens == 9000


def test_what_was_asked_for_wins_over_all_and_says_so(job: Job):
    asked = Settings(context_tokens=512, flags=("--mlock",))
    settings, reasons = settle(job, measured(context_tokens=256, parallel=4), fit=FIT, asked=asked)
    assert (settings.context_tokens, settings.parallel, settings.flags) == (512, 4, ("--mlock",))
    assert (reasons["context_tokens"], reasons["flags"]) == ("asked for", "asked for")


def test_the_program_that_measured_best_is_tried_first(job: Job, home: Home):
    order = order_for(job, measured(parallel=4), fit=None, asked=Asked(model="m"), name="m", home=home)
    assert [program.name for program in order.job.programs] == ["built-in", "llama-server"]
    assert order.record == "20261123-120101-aaaaaa"
    assert order_for(job, None, fit=None, asked=Asked(model="m"), name="m", home=home).job.programs == PROGRAMS


def test_a_port_that_is_taken_is_passed_over_or_refused_by_name():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port_from(port) != port
        with pytest.raises(ArenaError, match=f"port {port} is taken"):
            check_port(port)
