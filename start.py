"""One command for a fresh clone: sets everything up in .venv, then runs the main job, or the tests.

python3 start.py                 install, then `arena run`
python3 start.py run --help      any arguments of `arena run`
python3 start.py test            install with development tools, then every check and test, and where the time went

Needs Python 3.11 or newer and nothing else; a second start finds everything in place.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy",),
    ("lint-imports",),
    ("pytest", "-q", "--durations=15", "-m", "not real"),
    ("pytest", "-q", "--durations=15", "-m", "real", "tests/engines_real"),
)
CORE = len(CHECKS) - 1  # the last needs gigabytes: its engines are installed by the tests themselves


def main(argv: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036  # this file is also read by older versions, to say so
        return complain(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
    verb = argv[0] if argv and not argv[0].startswith("-") else "run"
    rest = argv[1:] if argv and argv[0] == verb else argv
    if verb not in {"run", "test"}:
        return complain(f"start.py knows `run` and `test`, not {verb!r}")
    began_s = time.monotonic()
    try:
        make_venv()
        install("requirements-dev.lock" if verb == "test" else "requirements.lock", editable=verb == "test")
    except subprocess.CalledProcessError as error:
        return complain(f"setting up failed: {' '.join(map(str, error.cmd))} ended with {error.returncode}")
    return check(rest, set_up_s=time.monotonic() - began_s) if verb == "test" else call("arena", "run", *rest)


def make_venv() -> None:
    if (BIN / "python").exists() or (BIN / "python.exe").exists():
        return
    print(f"setting up {VENV} ...", file=sys.stderr)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False, capture_output=True)
    if made.returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if uv is None:
        sys.exit(complain("this Python cannot make virtual environments; on Debian: apt install python3-venv"))
    subprocess.run([uv, "venv", "--quiet", "--seed", "--python", sys.executable, str(VENV)], check=True)


def install(lock: str, *, editable: bool) -> None:
    """Everything pinned by hash, then this project; skipped when nothing has changed since."""
    done = VENV / f".installed-{lock}"
    state = hashlib.sha256((HERE / lock).read_bytes() + (HERE / "pyproject.toml").read_bytes()).hexdigest()
    if done.exists() and done.read_text() == state and (editable or not newer_source(done)):
        return
    print("installing ...", file=sys.stderr)
    # compiling what is never imported would take longer than everything else
    pip = [str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-compile"]
    subprocess.run([*pip, "--require-hashes", "--requirement", str(HERE / lock)], check=True)
    subprocess.run(
        [*pip, "--no-deps", "--force-reinstall", *(["--editable"] if editable else []), str(HERE)], check=True
    )
    for other in VENV.glob(".installed-*"):
        other.unlink()
    done.write_text(state)


def newer_source(done: Path) -> bool:
    since = done.stat().st_mtime
    return any(path.stat().st_mtime > since for path in (HERE / "src").rglob("*") if path.is_file())


def check(pytest_arguments: list[str], *, set_up_s: float) -> int:
    """Every check, each even if an earlier one failed; the tests last, so that theirs is the last word.

    With arguments of pytest: the checks, and one pytest with these.
    """
    os.environ.setdefault("ARENA_REAL_ENGINES", "wanted")
    checks = CHECKS if not pytest_arguments else (*CHECKS[: CORE - 1], ("pytest", "-q", *pytest_arguments))
    spent = [("set up", set_up_s)]
    codes = []
    for number, command in enumerate(checks):
        began_s = time.monotonic()
        codes.append(call(*command))
        name = " ".join(command[:2]) if command[0] == "ruff" else command[0]
        spent.append(("real engines" if number == CORE else name, time.monotonic() - began_s))
    print_times(spent)
    return next((code for code in codes if code), 0)


def print_times(spent: list[tuple[str, float]]) -> None:
    core_s = sum(seconds for name, seconds in spent if name != "real engines")
    whole_s = sum(seconds for _, seconds in spent)
    print("\nwhere the time went")
    for name, seconds in (*spent, ("core: all but real engines", core_s), ("whole", whole_s)):
        print(f"  {name:<28}{int(seconds) // 60:>3} min {int(seconds) % 60:02} s")


def call(program: str, *arguments: str) -> int:
    """Run it here in the terminal; Ctrl-C is its own to answer."""
    try:
        return subprocess.call([str(BIN / program), *arguments], cwd=None if program == "arena" else HERE)
    except KeyboardInterrupt:
        return 130


def complain(text: str) -> int:
    print(text, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
