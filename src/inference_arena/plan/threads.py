"""Who computes where: the engine's threads and the load client's core, so that the two do not fight."""

from collections.abc import Sequence

from inference_arena.facts import Fact

# Two OpenMP threads of llama.cpp on two cores gave 53-95 tok/s alone but 2-9 tok/s with other work on the
# cores, where one thread gave 46: the load client is that other work, so it is left a core of its own.
CLIENT_CORES = 1


class ThreadChoice(Fact):
    threads: int
    reason: str


class CoreChoice(Fact):
    """Cores by number. None: not held to any."""

    client: int | None
    engine: tuple[int, ...] | None
    reason: str


def choose_threads(*, cores: int, physical_cores: int | None, asked: int | None) -> ThreadChoice:
    """Physical cores less one for the load client, at least one; what the user asks for wins."""
    if asked is not None:
        return ThreadChoice(threads=asked, reason="asked for")
    usable = min(cores, physical_cores or cores)
    threads = max(1, usable - CLIENT_CORES)
    spare = "one core is left to the load client" if usable > 1 else "there is only one core"
    return ThreadChoice(threads=threads, reason=f"{usable} usable cores, {spare}")


def choose_cores(usable: Sequence[int], *, threads: int | None) -> CoreChoice:
    """The last core is the client's; the engine keeps to the others unless it was given threads for all of them.

    A client that wakes on a core where the engine computes waits up to 3 ms for its turn, which would be read as
    the engine's latency: at 128 streams TTFT p99 was 3 ms off without this and 0.9 ms with it.
    """
    cores = sorted(usable)
    if len(cores) <= CLIENT_CORES:
        return CoreChoice(client=None, engine=None, reason="there is only one core to share")
    client, rest = cores[-1], tuple(cores[:-1])
    if threads is not None and threads > len(rest):
        return CoreChoice(client=client, engine=None, reason=f"load client on core {client}, engine on all")
    return CoreChoice(client=client, engine=rest, reason=f"load client on core {client}, engine on the others")
