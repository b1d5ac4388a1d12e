"""The wait for an engine that was started: bounded, told while it lasts, and explained when it was in vain."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final

from inference_arena.engines import STAGES, Diagnosis, further
from inference_arena.record import Failed
from inference_arena.run.failure import RunFailed, from_diagnosis
from inference_arena.run.follow import Followed
from inference_arena.run.http import get
from inference_arena.run.scrub import scrub_text
from inference_arena.run.server import Server, died
from inference_arena.telemetry import engine_cpu_share_of

ASK_EVERY_S: Final = 0.05
LOOK_EVERY_S: Final = 0.5
SHOWN_LINES: Final = 3
IDLE_SHARE: Final = 0.02  # of one core: an engine that loads, compiles or records takes far more
# what a diagnosis says where no known words are in the log
NO_CAUSE: Final = frozenset({"unknown", "never-ready", "engine-died"})
OnLog = Callable[[Sequence[str]], None]
OnStage = Callable[[str], None]


def no_stage(_doing: str) -> None:
    """Nobody asked."""


@dataclass(slots=True)
class _Seen:
    """What the log has told so far."""

    followed: Followed | None
    stage: str | None = None
    last: tuple[str, ...] = ()
    changed_s: float = field(default_factory=monotonic)

    def look(self, server: Server) -> bool:
        """True when the engine came to another stage."""
        new = self.followed.lines() if self.followed is not None else ()
        before = self.stage
        for line in new:
            self.stage = further(server.engine.MILESTONES, line, at=self.stage)
        if new:
            self.last, self.changed_s = (*self.last, *new)[-SHOWN_LINES:], monotonic()
        return self.stage != before


def wait_ready(server: Server, *, limit_s: float, on_log: OnLog, on_stage: OnStage = no_stage) -> float:
    """Seconds until the server says that it is ready. Raises RunFailed when it ends, or is not ready in time.

    `on_stage` is told what the engine does whenever that changes.
    """
    began = looked = monotonic()
    url = server.root + server.engine.HEALTH_PATH
    seen = _Seen(None if server.process is None else Followed(server.process.log_path))
    share = engine_cpu_share_of(lambda: server.pid)
    halfway = False
    while True:
        reply = get(url, headers={}, timeout_s=2.0)
        now = monotonic()
        if server.exit_code() is not None:
            raise died(server, stage="ready")
        if reply.status == 200:
            return now - began
        if now - looked >= LOOK_EVERY_S or now - began > limit_s:
            looked = now
            if seen.look(server) and seen.stage is not None:
                on_stage(STAGES[seen.stage])
            on_log(seen.last)
        if not halfway and now - began > limit_s / 2:
            halfway = True
            share()  # from here on it counts anew: what the first half did says nothing about the end
        if now - began > limit_s:
            raise _never_ready(
                server, seen, limit_s=limit_s, health=reply.error or f"HTTP {reply.status}", cores=share()
            )
        sleep(ASK_EVERY_S)


def _never_ready(server: Server, seen: _Seen, *, limit_s: float, health: str, cores: float | None) -> RunFailed:
    log = [scrub_text(line) for line in server.log()]
    diagnosis = server.engine.diagnose(log, exit_code=None)
    if diagnosis.cause not in NO_CAUSE:
        return RunFailed(_known(diagnosis, limit_s=limit_s))
    stage = seen.stage or diagnosis.stage
    doing = f": it was still {STAGES[stage]}" if stage is not None else ""
    last = tuple(scrub_text(line.strip()) for line in seen.last)
    return RunFailed(
        Failed(
            stage="ready",
            cause="never-ready",
            what=f"the engine was not ready within {limit_s:g} s{doing}",
            why="; ".join([f"its health check still says: {health}", _silence(seen, last), *_work(cores)]),
            advice=_advice(cores),
            evidence=last,
            engine_stage=stage,
        )
    )


def _known(diagnosis: Diagnosis, *, limit_s: float) -> Failed:
    """Some engines stay when a part of them has failed; their log tells why."""
    failed = from_diagnosis("ready", diagnosis)
    return failed.model_copy(update={"what": f"{failed.what} (it did not end by itself within {limit_s:g} s)"})


def _silence(seen: _Seen, last: Sequence[str]) -> str:
    if not last:
        return "it has said nothing"
    return f"its last line, {monotonic() - seen.changed_s:.0f} s ago: {last[-1]}"


def _work(cores: float | None) -> tuple[str, ...]:
    if cores is None:
        return ()
    if cores < IDLE_SHARE:
        return ("its processes use no processor time",)
    return (f"its processes keep {cores:.1f} processor cores busy",)


def _advice(cores: float | None) -> str:
    if cores is not None and cores < IDLE_SHARE:
        return (
            "it hangs, or waits for something: another program on the card, a download, a lock that an earlier start "
            "left behind; if you know that it only needs longer, --ready-timeout"
        )
    if cores is not None:
        return (
            "it still works: give it longer with --ready-timeout (a first start compiles kernels, a second is faster)"
        )
    return "give it longer with --ready-timeout, or start it by hand to see what it waits for"
