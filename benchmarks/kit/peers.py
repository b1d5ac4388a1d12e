"""GuideLLM and AIPerf at a piece of work, as they come: default workers, unpinned, in environments of their own."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inference_arena.load.truth import start_truth_server
from kit import aiperf, guidellm
from kit.environments import AIPERF, GUIDELLM, CannotMake, Tool, ensure
from kit.ours import cores
from kit.table import say
from kit.usage import Watch, watched
from kit.work import Fared, Seen, Work

# both take 10 to 20 s before the first request and after the last; more on a busy machine
SPARE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    """`argv` makes its command from the programs' folder, the work, the port and a scratch folder; `read` its report.

    `read` is also given what turns the peer's wall-clock stamps into monotonic readings when subtracted.
    """

    tool: Tool
    argv: Callable[[Path, Work, int, Path], list[str]]
    read: Callable[[Path, float], tuple[Seen, ...]]


PEERS: Mapping[str, Peer] = {
    "guidellm": Peer(tool=GUIDELLM, argv=guidellm.argv, read=guidellm.read),
    "aiperf": Peer(tool=AIPERF, argv=aiperf.argv, read=aiperf.read),
}


def chosen(option: str) -> tuple[str, ...]:
    """The peers asked for that can be had here; a line for each that cannot."""
    asked: Sequence[str] = {"none": (), "all": tuple(PEERS)}.get(option, (option,))
    there = []
    for name in asked:
        try:
            ensure(PEERS[name].tool)
        except CannotMake as error:
            say(f"{name} is left out: {error}")
        else:
            there.append(name)
    return tuple(there)


def fare(name: str, work: Work) -> Fared | None:
    """None, with a line that says why, when the peer did not get through."""
    peer = PEERS[name]
    server_cores, _ = cores()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with start_truth_server(work.script, log_path=folder / "truth", cpus=server_cores) as server:
            argv = peer.argv(ensure(peer.tool), work, server.port, folder)
            watch, trouble = _run(argv, folder=folder, limit_s=work.settle_s + work.duration_s + SPARE_S)
        try:
            seen = () if trouble else peer.read(folder, time.time() - time.monotonic())
        except (OSError, ValueError, KeyError) as error:
            seen, trouble = (), f"its report cannot be read ({type(error).__name__}: {error})"
        if not seen:
            say(f"{name} at {work.load.label}: no figures; {trouble or 'its report holds no finished request'}")
            return None
        return Fared(seen=seen, sent=server.sent(), usage=watch.usage, stolen=watch.stolen)


def _run(argv: Sequence[str], *, folder: Path, limit_s: float) -> tuple[Watch, str | None]:
    """The watch on its processor time, and what went wrong."""
    log_path = folder / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        with watched(process.pid) as watch:
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                return watch, f"it was not done after {limit_s:.0f} s"
            finally:
                _end(process)
    if process.returncode:
        words = log_path.read_text("utf-8", "replace").strip().splitlines()
        return watch, f"exit code {process.returncode}: {words[-1] if words else 'it said nothing'}"
    return watch, None


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever is left of its session, which is its process group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
