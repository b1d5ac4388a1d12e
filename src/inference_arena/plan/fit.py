"""Whether one checkpoint runs on one kind of card with one engine release: the verdict, and the number that decides."""

from typing import Literal

from inference_arena import units
from inference_arena.facts import Fact, Slo
from inference_arena.plan.budget import MemoryBudget, Refusal
from inference_arena.plan.choose import Chosen, Wish
from inference_arena.plan.interval import Interval
from inference_arena.plan.obstacle import Obstacle
from inference_arena.plan.question import Question
from inference_arena.plan.speed import Speed
from inference_arena.plan.trial import Settings

Level = Literal["fits", "tight", "partly", "unverified", "does-not-fit", "not-supported"]
# best first; what is behind "unverified" may run, what is behind it does not
LEVELS: tuple[Level, ...] = ("fits", "tight", "partly", "unverified", "does-not-fit", "not-supported")
# a home or a lab has no more in one machine
MOST_CARDS = 8
RUNS: frozenset[Level] = frozenset(("fits", "tight", "partly", "unverified"))


class Fit(Fact):
    """One verdict. `deciding` says in one sentence what decides it; `ways_out` what would change it.

    `budget` is per card. `offloaded`: some layers compute in the machine's memory. `meets_slo` is judged on both ends
    of the speed interval; None where they disagree, or where the speed is unknown.
    """

    checkpoint: str
    model: str
    title: str
    engine: str
    release: str
    target: str
    cards: int
    level: Level
    deciding: str
    ways_out: tuple[str, ...] = ()
    gave_way: tuple[str, ...] = ()
    settings: Settings
    budget: MemoryBudget
    obstacles: tuple[Obstacle, ...] = ()
    computes_with: tuple[str, ...] = ()
    offloaded: bool = False
    speed: Speed | None = None
    meets_slo: bool | None = None

    @property
    def runs(self) -> bool:
        return self.level in RUNS


def level_of(chosen: Chosen, obstacles: tuple[Obstacle, ...], wish: Wish) -> Level:
    """The worst of what stands in the way.

    partly: some layers compute in the machine's memory. tight: users must wait for each other, or the margin is thin.
    """
    if any(obstacle.severity == "blocks" for obstacle in obstacles):
        return "not-supported"
    if chosen.budget.refusal is not None:
        return "does-not-fit"
    if any(obstacle.severity == "unverified" for obstacle in obstacles):
        return "unverified"
    if is_partly(chosen):
        return "partly"
    return "tight" if is_tight(chosen.budget, wish) else "fits"


def is_partly(chosen: Chosen) -> bool:
    layers = chosen.budget.gpu_layers
    return layers is not None and layers < chosen.asked.model.layer_count


def is_tight(budget: MemoryBudget, wish: Wish) -> bool:
    """Not all users' full contexts fit at once, or less is left than such plans were off by.

    What an engine leaves free beside the share it was told to take is no help: its cache does not grow into it.
    """
    if budget.requests < wish.users:
        return True
    beside = budget.bytes_of("free") if budget.share is None else 0
    spare = budget.bytes_of("kv_cache") - budget.sequence_bytes * wish.users + beside
    return spare < budget.spread * (budget.memory_bytes - budget.bytes_of("free") - budget.bytes_of("kv_cache"))


def deciding(chosen: Chosen, obstacles: tuple[Obstacle, ...], wish: Wish) -> str:
    """The sentence with the number that decides."""
    blocking = next((one for one in obstacles if one.severity == "blocks"), None)
    if blocking is not None:
        return blocking.what
    budget, refusal = chosen.budget, chosen.budget.refusal
    if refusal is not None:
        return f"{refusal.what}: {units.gib(refusal.needed_bytes)} needed, {units.gib(refusal.available_bytes)} there"
    context = f"{chosen.asked.context_tokens:,} tokens"
    if is_partly(chosen):
        layers, beside = f"{budget.gpu_layers} of {chosen.asked.model.layer_count} layers", units.gib(budget.host_bytes)
        return f"{layers} on the card, the rest computes in the machine's memory and takes {beside} of it"
    if budget.requests < wish.users:
        held = counted(budget.requests)
        return f"the KV cache holds {held} of {wish.users} requests of {context} at once; the others wait"
    many = "1 request" if counted(budget.requests) == "1" else f"{counted(budget.requests)} requests"
    return f"the KV cache holds {many} of {context} at once"


def counted(requests: float) -> str:
    """Cut, never rounded up: 1, 1.5, 9.9, 37."""
    tenths = int(requests * 10 + 1e-6)
    return f"{tenths // 10}" if tenths >= 100 or tenths % 10 == 0 else f"{tenths / 10:.1f}"


def ways_out(chosen: Chosen, obstacles: tuple[Obstacle, ...]) -> tuple[str, ...]:
    """What would change a "no": by the obstacles themselves; where none blocks, what would make room too."""
    from_rules = tuple(way for one in obstacles if one.severity != "costs" for way in one.way_out)
    refusal = chosen.budget.refusal
    if refusal is None or any(one.severity == "blocks" for one in obstacles):
        return tuple(dict.fromkeys(from_rules))
    return (*dict.fromkeys((*from_rules, *room_for(chosen.asked, chosen.budget, refusal))),)


def room_for(asked: Question, budget: MemoryBudget, refusal: Refusal) -> tuple[str, ...]:
    """Ways to make room, the gentlest first."""
    longest = budget.longest_context_tokens
    if refusal.cause == "context-too-long" and longest >= 1024:
        return (f"a context of {longest:,} tokens or less", "a KV cache in 8 bits, where the engine has it")
    if refusal.cause == "share-too-large":
        return ("free the card of other programs", f"a share of at most {fitting_share(asked):.2f}")
    missing = units.gib(max(0, refusal.needed_bytes - refusal.available_bytes))
    if asked.target.unified:
        return ("a smaller quantization", f"{missing} more that the chip may hold")
    cards = cards_needed(asked)
    more = f"{missing} more on the card" + (f", or {cards} such cards" if cards <= MOST_CARDS else "")
    offload = () if budget.gpu_layers is not None else ("llama.cpp, which puts layers into the machine's memory",)
    return ("a smaller quantization", more, *offload)


def fitting_share(asked: Question) -> float:
    """The largest share, cut to hundredths, that is free on the card."""
    return int((asked.target.free_bytes - asked.context_bytes) / asked.target.memory_bytes * 100) / 100


def cards_needed(asked: Question) -> int:
    """Cards of this kind, a power of two, that hold the weights with a fifth left for the rest."""
    cards = 1
    while asked.held_bytes / cards > 0.8 * asked.target.memory_bytes:
        cards *= 2
    return max(cards, asked.cards * 2 if cards <= asked.cards else cards)


def meets(speed: Speed | None, slo: Slo | None) -> bool | None:
    """True where even the slow end of the interval meets the bounds, False where not even the fast end does.

    None between the two, and where the speed or a goal is unknown.
    """
    if speed is None or slo is None:
        return None
    verdicts = {_within(speed.tpot_s, slo.tpot_s), _within(speed.ttft_s, slo.ttft_s)}
    return False if False in verdicts else None if None in verdicts else True


def may_be_slow(speed: Speed | None, slo: Slo | None) -> bool:
    """Whether a speed that is known is not surely within its bound. What nobody knows is no reason to doubt."""
    if speed is None or slo is None:
        return False
    pairs = ((speed.tpot_s, slo.tpot_s), (speed.ttft_s, slo.ttft_s))
    return any(value is not None and _within(value, bound) is not True for value, bound in pairs)


def _within(value: Interval | None, bound: float | None) -> bool | None:
    if bound is None:
        return True
    if value is None:
        return None
    return True if value.high <= bound else False if value.low > bound else None
