"""Takes out of texts what must never be kept: secrets, names of people, their folders."""

import getpass
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

HIDDEN: Final = "***"
# by whom a variable is read: engines, their libraries, drivers
_SPOKEN: Final = (
    "VLLM_",
    "SGLANG_",
    "SGL_",
    "GGML_",
    "LLAMA_ARG_",
    "CUDA_",
    "NVIDIA_",
    "NCCL_",
    "HIP_",
    "ROCR_",
    "TORCH_",
    "PYTORCH_",
    "TORCHINDUCTOR_",
    "TRITON_",
    "FLASHINFER_",
    "OMP_",
    "HF_HUB_OFFLINE",
)
_SECRET_FLAG: Final = re.compile(r"--?[\w-]*(?:key|token|secret|password)[\w-]*$|-hft$", re.IGNORECASE)
_NOT_SECRET: Final = re.compile(r"tokens$|tokenizer", re.IGNORECASE)  # counts and names
_SECRET_IN_TEXT: Final = re.compile(
    r"(?i)\b(bearer\s+|(?:api[_-]?key|hf[_-]?token|password|secret)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;]+"
)
_KNOWN_TOKENS: Final = re.compile(r"\b(?:hf_|sk-|ghp_|gho_|xox[abp]-)[A-Za-z0-9_-]{8,}")
_HOME_LIKE: Final = re.compile(r"(?<![\w.])/(?:home|Users)/[^/\s\"':]+|(?<![\w.])/root(?=/|\b)")
_BELOW_HOME: Final = re.compile(r"~/(?:[^\s\"':,/]+/)*([^\s\"':,/]+)")
_ABSOLUTE: Final = re.compile(r"(?<![\w.:/~…])/(?:[^\s\"':,/]+/)+([^\s\"':,/]+)")


def scrub_text(text: str, *, secrets: Iterable[str] = ()) -> str:
    """One text without secrets, home folders and user name; other absolute paths keep their last part."""
    return scrubber(secrets=secrets)(text)


def scrubber(*, secrets: Iterable[str] = ()) -> Callable[[str], str]:
    """The same for many texts, such as the lines of a log: what depends on the machine is asked once."""
    long = [secret for secret in secrets if len(secret) > 3]  # a shorter one would tear words apart
    home, name = str(Path.home()), _user()
    user = re.compile(rf"\b{re.escape(name)}\b") if name else None

    def scrub(text: str) -> str:
        for secret in long:
            text = text.replace(secret, HIDDEN)
        text = _KNOWN_TOKENS.sub(HIDDEN, _SECRET_IN_TEXT.sub(rf"\g<1>{HIDDEN}", text))
        if "/" in text or "~" in text or home in text:
            text = _HOME_LIKE.sub("~", text.replace(home, "~"))
            text = _ABSOLUTE.sub(r"…/\1", _BELOW_HOME.sub(r"…/\1", text))
        return user.sub("user", text) if user else text

    return scrub


def mask(body: bytes, secrets: Iterable[str]) -> bytes:
    """A server may repeat the key that it refuses; the length stays, since reads are counted in bytes."""
    for secret in secrets:
        body = body.replace(secret.encode(), b"*" * len(secret.encode()))
    return body


def scrub_argv(argv: Sequence[str], *, secrets: Iterable[str] = ()) -> tuple[str, ...]:
    """A command line; the value after a flag that names a key, token or password is hidden whatever it is."""
    kept: list[str] = []
    hide_next = False
    for part in argv:
        flag, equals, _ = part.partition("=")
        secret = bool(_SECRET_FLAG.match(flag)) and not _NOT_SECRET.search(flag)
        if hide_next:
            kept.append(HIDDEN)
        else:
            kept.append(f"{flag}={HIDDEN}" if secret and equals else scrub_text(part, secrets=secrets))
        hide_next = secret and not equals and not hide_next
    return tuple(kept)


def spoken_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables by which engines, their kernels and their drivers are told something, without secrets and paths."""
    return {
        name: scrub_argv((f"--{name}={value}",))[0].partition("=")[2]
        for name, value in sorted(environment.items())
        if name.startswith(_SPOKEN)
    }


def _user() -> str | None:
    """A name that is too short or too common to be told apart from a word is not replaced."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return None
    return name if len(name) > 3 and name not in {"root", "user", "admin"} else None
