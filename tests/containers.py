"""A real container engine for tests: podman with storage of its own, and an image that holds the embedded engine."""

import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

import inference_arena
from processes import until

IMAGE = "localhost/arena-test/llama.cpp:server-b11549"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LEFT_OUT = {"test", "tests", "idlelib", "site-packages", "dist-packages", "__pycache__", "tkinter", "ensurepip"}
# what the card of llama.cpp says is in its image; LLAMA_ARG_TEST asks it to behave badly
LAUNCHER = """#!{python} -B
import os, signal, sys, time
sys.path.insert(0, "/opt/engine")
if os.environ.get("LLAMA_ARG_TEST") == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("deaf", flush=True)
    time.sleep(600)
import llama_server
sys.exit(llama_server.main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Engine:
    """How to reach it: `program` is what the arena is told to use."""

    program: str
    folder: Path
    env: dict[str, str]

    def podman(self, *words: str) -> str:
        env = {**os.environ, **self.env}
        done = subprocess.run(["podman", *words], env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self) -> list[str]:
        return self.podman("ps", "--all", "--format", "{{.Names}}", "--filter", "label=inference-arena").split()


def why_not() -> str | None:
    """Why there can be no container engine here; None: there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux"
    if missing := [name for name in ("podman", "runc") if shutil.which(name) is None]:
        return f"{' and '.join(missing)} not installed (apt-get install podman runc)"
    if importlib.util.find_spec("xllamacpp") is None:
        return "the embedded engine is not installed"
    return None


def make_podman(folder: Path) -> Engine:
    """Limits and cgroups as they are allowed in a container or a small virtual machine too."""
    (folder / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\n'
    )
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    names = {"CONTAINERS_CONF": "containers.conf", "CONTAINERS_STORAGE_CONF": "storage.conf"}
    env = {name: str(folder / file) for name, file in names.items()}
    return Engine("podman", folder, {**env, "PATH": SYSTEM_PATH})


def make_docker(podman: Engine, bin_folder: Path) -> tuple[Engine, subprocess.Popen[bytes] | None]:
    """Docker's own client at podman's socket; without it, podman under docker's name. The second is its service."""
    real = shutil.which("docker", path=SYSTEM_PATH)
    if real is None:
        (bin_folder / "docker").symlink_to(shutil.which("podman", path=SYSTEM_PATH) or "podman")
        return Engine("docker", podman.folder, {**podman.env, "PATH": f"{bin_folder}:{SYSTEM_PATH}"}), None
    socket = podman.folder / "podman.sock"
    command = ["podman", "system", "service", "--time", "0", f"unix://{socket}"]
    service = subprocess.Popen(command, env={**os.environ, **podman.env}, stderr=subprocess.DEVNULL)
    until(socket.exists)
    return Engine("docker", podman.folder, {**podman.env, "DOCKER_HOST": f"unix://{socket}"}), service


def import_image(engine: Engine) -> None:
    tar = engine.folder / "image.tar"
    with tarfile.open(tar, "w") as archive:
        _fill(archive)
    engine.podman("import", str(tar), IMAGE)
    tar.unlink()


def _fill(archive: tarfile.TarFile) -> None:
    stdlib, python = Path(sysconfig.get_paths()["stdlib"]), Path(sys._base_executable).resolve()
    spec = importlib.util.find_spec("xllamacpp")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    programs = (python, *package.glob("*.so"), *(stdlib / "lib-dynload").glob("*.so"))
    for library in sorted({library for program in programs for library in _libraries(program)}):
        archive.add(Path(library).resolve(), os.path.normpath(library))
    archive.add(python, str(python))
    archive.add(stdlib, str(stdlib), filter=_wanted)
    archive.add(package, "opt/engine/xllamacpp", filter=_wanted)
    for described in package.parent.glob("xllamacpp-*.dist-info"):
        archive.add(described, f"opt/engine/{described.name}")
    ours = Path(inference_arena.__file__).parent
    for name in ("__init__.py", "errors.py"):
        archive.add(ours / name, f"opt/engine/inference_arena/{name}")
    archive.add(ours / "run" / "llama_server.py", "opt/engine/llama_server.py")
    launcher = LAUNCHER.format(python=python).encode()
    about = tarfile.TarInfo("app/llama-server")
    about.size, about.mode = len(launcher), 0o755
    archive.addfile(about, io.BytesIO(launcher))


def _libraries(program: Path) -> list[str]:
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    return re.findall(r"(/\S+) \(0x", done.stdout)


def _wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = info.name.split("/")
    return None if LEFT_OUT & set(parts) or any(part.startswith("config-") for part in parts) else info
