"""How many threads an engine on the processor gets, so that it and the load client do not fight."""

from inference_arena.facts import Fact

# Two OpenMP threads of llama.cpp on two cores gave 53-95 tok/s alone but 2-9 tok/s with other work on the
# cores, where one thread gave 46: the load client is that other work, so it is left a core of its own.
CLIENT_CORES = 1


class ThreadChoice(Fact):
    threads: int
    reason: str


def choose_threads(*, cores: int, physical_cores: int | None, asked: int | None) -> ThreadChoice:
    """Physical cores less one for the load client, at least one; what the user asks for wins."""
    if asked is not None:
        return ThreadChoice(threads=asked, reason="asked for")
    usable = min(cores, physical_cores or cores)
    threads = max(1, usable - CLIENT_CORES)
    spare = "one core is left to the load client" if usable > 1 else "there is only one core"
    return ThreadChoice(threads=threads, reason=f"{usable} usable cores, {spare}")
