"""The processor by what the kernel says of it: model, cores, and the instruction sets that engines care about."""

from collections.abc import Callable, Iterator
from pathlib import Path

from inference_arena.hardware.files import children, read_text

Sysctl = Callable[[str], str | None]

# The kernel's words for instruction sets that decide which kernels a CPU engine runs, and ours. Sources: x86 and arm64
# hwcap names in the kernel's cpufeatures.h and arm64 elf_hwcaps documentation; Apple's from `sysctl hw.optional.arm`.
_FEATURES = {
    **{word: word for word in ("avx", "avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "avx512_fp16")},
    **{word: word for word in ("amx_int8", "amx_bf16", "amx_tile", "bmi2", "f16c", "fma", "sse4_2")},
    **{word: word for word in ("neon", "bf16", "i8mm", "sve", "sve2", "sme")},
    "asimd": "neon",
    "asimddp": "dotprod",
    "asimdhp": "fp16",
    "avx1.0": "avx",
}
_APPLE_FEATURES = {"FEAT_BF16": "bf16", "FEAT_I8MM": "i8mm", "FEAT_DotProd": "dotprod", "FEAT_FP16": "fp16"}


def cpu_model(root: Path, sysctl: Sysctl) -> str | None:
    """The processor's name on one line, such as AMD Ryzen 9 7950X; None where the kernel does not say."""
    said = (_first(root, "model name"), _first(root, "Model"), _first(root, "Hardware"))
    known = (sysctl("machdep.cpu.brand_string"), read_text(root / "proc/device-tree/model"))
    name = next((text for text in (*said, *known) if text), None)
    return " ".join(name.split()) if name else None


def cpu_features(root: Path, sysctl: Sysctl) -> tuple[str, ...]:
    """Our names of the relevant instruction sets, sorted; empty where nothing is known."""
    words = (_first(root, "flags") or _first(root, "Features") or "").split()
    words += f"{sysctl('machdep.cpu.features') or ''} {sysctl('machdep.cpu.leaf7_features') or ''}".lower().split()
    apple = [ours for theirs, ours in _APPLE_FEATURES.items() if sysctl(f"hw.optional.arm.{theirs}") == "1"]
    apple += ["neon"] if sysctl("hw.optional.arm64") == "1" else []
    return tuple(sorted({_FEATURES[word] for word in words if word in _FEATURES} | set(apple)))


def physical_cores(root: Path, sysctl: Sysctl) -> int | None:
    """Cores that are more than a second thread of another; None where the kernel does not say."""
    pairs = {(core.get("physical id"), core["core id"]) for core in _cores(root) if "core id" in core}
    if pairs:
        return len(pairs)
    siblings = children(root / "sys/devices/system/cpu", "cpu[0-9]*/topology/thread_siblings_list")
    groups = {text for text in map(read_text, siblings) if text}
    counted = sysctl("hw.physicalcpu") or ""
    return len(groups) or (int(counted) if counted.isdecimal() else None)


def has_hypervisor_flag(root: Path) -> bool | None:
    """Whether an x86 processor says that it is virtual; None where processors of this kind do not say."""
    flags = _first(root, "flags")
    return None if flags is None else "hypervisor" in flags.split()


def _cores(root: Path) -> Iterator[dict[str, str]]:
    for block in (read_text(root / "proc/cpuinfo") or "").split("\n\n"):
        pairs = (line.partition(":") for line in block.splitlines())
        yield {key.strip(): value.strip() for key, _, value in pairs}


def _first(root: Path, key: str) -> str | None:
    return next((core[key] for core in _cores(root) if core.get(key)), None)
