"""Who else holds the cards, told before an engine is started beside them; and what a run tells another. Never kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from inference_arena import units

if TYPE_CHECKING:
    from inference_arena.facts import Host
    from inference_arena.hardware import Holder
    from inference_arena.run import Asked

_SHOWN: Final = 4
_ADVICE: Final = "end it, or wait for it: it moves the numbers, and the engine gets only what is left of the memory"


def held_cards(host: "Host") -> str:
    """A sentence for each program on a card, and what to do; empty where the cards are ours alone."""
    if not any(device.other_processes for device in host.devices):
        return ""
    from inference_arena.hardware import holders  # noqa: PLC0415 - asks the driver, which starts only where there is one

    return told(holders(named=host.virtualization != "container"), host)


def told(found: "tuple[Holder, ...]", host: "Host") -> str:
    sizes = {device.index: device.memory_bytes for device in host.devices}
    lines = [_sentence(one, of=sizes.get(one.device)) for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more; nvidia-smi lists them")
    return "\n".join([*lines, f"  try  {_ADVICE}"]) if lines else ""


def _sentence(holder: "Holder", *, of: int | None) -> str:
    who = holder.name or "a program that cannot be seen from here"
    since = f", since {holder.since}" if holder.since else ""
    amount = "an unknown part" if holder.memory_bytes is None else units.gib(holder.memory_bytes)
    total = "" if of is None else f" of {units.gib(of)}"
    arena = " for another arena" if holder.by_arena else ""
    return f"Card {holder.device}: {who} (pid {holder.pid}{since}) holds {amount}{total}{arena}."


def subject(asked: "Asked") -> str:
    """For another arena that waits."""
    model = "this machine" if asked.model is None else Path(asked.model).name
    return asked.url or " on ".join(part for part in (model, asked.engine) if part)
