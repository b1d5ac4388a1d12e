"""A program that stands in for uv: makes real files, says uv's words, and fails in the ways that its mode names."""

import os
import subprocess
import sys
import time
from pathlib import Path

here = Path(__file__).parent
mode = (here / "mode").read_text()
words = sys.argv[1:]
with (here / "calls").open("a") as calls:
    calls.write(" ".join(words) + "\n")
if words[:1] == ["--directory"]:
    os.chdir(words[1])
    words = words[2:]

if words == ["--version"]:
    print("uv 9.9.9 (fake)")
elif words[0] == "venv":
    folder = Path(words[-1])
    (folder / "bin").mkdir(parents=True)
    (folder / "lib/python3.11/site-packages").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text("home = somewhere\nversion_info = 3.11.7\n")
elif words[:2] == ["pip", "compile"]:
    if mode == "no-version":
        sys.exit("error: No solution found\n  cause: Because there is no version of tiny-cpu==1.0 and you require it")
    if mode == "no-torch" and "--torch-backend" not in words:
        sys.exit("error: No solution found\n  cause: Because there is no version of torch{x == 'y'}==2.0+cpu and ...")
    if mode == "offline":
        sys.exit("error: Failed to fetch: `https://me:secret@index.example/simple/`\n  cause: dns error")
    asked = Path("asked.in").read_text().strip()
    name, _, version = asked.partition("==")
    Path(words[words.index("-o") + 1]).write_text(
        f'[[packages]]\nname = "{name.partition("[")[0]}"\nversion = "{version}"\n'
        'wheels = [{ url = "https://index.example/a.whl", size = 3000 }]\n'
        '[[packages]]\nname = "torch"\nversion = "2.0+cpu"\n'
        'wheels = [{ url = "https://index.example/b.whl", size = 7000 }]\n'
    )
elif words[:2] == ["pip", "sync"]:
    python = Path(words[words.index("--python") + 1])
    packages = python.parents[1] / "lib/python3.11/site-packages"
    print("Downloading torch (6.8KiB)\n Downloaded torch", file=sys.stderr, flush=True)
    if mode == "hang":
        helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        (packages / "half.py").write_text("half")
        (here / "helper.pid").write_text(str(helper.pid))
        time.sleep(1000)
    if mode == "full":
        sys.exit("error: Failed to install: failed to write: No space left on device (os error 28)")
    print("Prepared 2 packages in 1ms", file=sys.stderr, flush=True)
    for name, version in (("tiny_cpu", "1.0"), ("torch", "2.0+cpu")):
        info = packages / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n")
    (python.parent / "vllm").write_text("#!/bin/sh\necho started\n")
    (python.parent / "vllm").chmod(0o755)
    print("Installed 2 packages in 1ms", file=sys.stderr)
