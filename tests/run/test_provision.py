"""Installing with a program that stands in for uv, and once with uv itself and a package made here."""

import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from inference_arena.errors import ArenaError, NotFoundError, StorageError
from inference_arena.facts import Build
from inference_arena.plan import Offer
from inference_arena.run.installed import environment_of, installed, unfinished, version_in
from inference_arena.run.provision import install, remove
from inference_arena.run.uv import find_uv
from inference_arena.store import Home
from processes import gone, until

BUILD = Build(
    places=("processor",),
    package="tiny-cpu",
    what="a tiny engine",
    versions=("0.8", "0.9", "1.0"),
    python=">=3.11",
    platforms=("linux-x86_64",),
    without=("triton",),
    constraints=("torch==2.0+cpu",),
    torch_backend="cpu",
    alias="vllm",
    source="this test",
    checked=date(2026, 11, 24),
)
OFFER = Offer(engine="vllm", title="vLLM", place="processor", build=BUILD, version="1.0")


class View:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.fetched: list[tuple[int, int | None]] = []

    def stage(self, name: str, detail: str = "") -> None:
        self.stages.append(name)

    def fetch(self, done_bytes: int, total_bytes: int | None) -> None:
        self.fetched.append((done_bytes, total_bytes))


class FakeUv:
    """The program in a folder of its own, with its mode and the list of its calls."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.argv = (sys.executable, str(shutil.copy(Path(__file__).with_name("fake_uv.py"), folder)))
        self.mode("ok")

    def mode(self, name: str) -> None:
        (self.folder / "mode").write_text(name)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def fake(tmp_path: Path) -> FakeUv:
    return FakeUv(tmp_path / "uv")


@pytest.fixture
def view() -> View:
    return View()


def test_an_engine_is_brought_whole_and_its_manifest_says_what_came(home: Home, fake: FakeUv, view: View) -> None:
    made = install(OFFER, home=home, view=view, argv=fake.argv)

    assert installed(home, "vllm") == (made,)
    assert (made.release, made.version, made.torch, made.packages) == ("1.0", "1.0", "2.0+cpu", 2)
    assert (made.asked, made.python, made.uv) == ("tiny-cpu==1.0", "3.11.7", "9.9.9")
    assert made.bytes > 0
    assert view.stages == ["make environment", "find packages", "fetch", "install", "check"]


def test_progress_is_told_in_bytes_and_ends_with_all(home: Home, fake: FakeUv, view: View) -> None:
    install(OFFER, home=home, view=view, argv=fake.argv)

    assert view.fetched[-1] == (10_000, 10_000)
    assert {total for _, total in view.fetched} == {10_000}


def test_an_engine_that_asks_for_itself_by_another_name_finds_it(home: Home, fake: FakeUv, view: View) -> None:
    install(OFFER, home=home, view=view, argv=fake.argv)

    assert version_in(environment_of(home, "vllm", "1.0"), ("vllm",)) == "1.0+cpu"


def test_what_does_harm_is_left_out_and_versions_are_kept_to(home: Home, fake: FakeUv, view: View) -> None:
    install(OFFER, home=home, view=view, argv=fake.argv)
    folder = home.engines / "vllm" / "1.0"

    assert (folder / "without.txt").read_text() == 'triton ; python_version < "0"\n'
    assert (folder / "constraints.txt").read_text() == "torch==2.0+cpu\n"


def test_a_second_time_nothing_is_brought(home: Home, fake: FakeUv, view: View) -> None:
    first = install(OFFER, home=home, view=view, argv=fake.argv)
    count = len(fake.calls)

    assert install(OFFER, home=home, view=view, argv=fake.argv) == first
    assert len(fake.calls) == count


def test_torchs_own_index_is_asked_only_where_the_usual_one_has_no_such_torch(
    home: Home, fake: FakeUv, view: View
) -> None:
    fake.mode("no-torch")
    install(OFFER, home=home, view=view, argv=fake.argv)

    first, second = (call for call in fake.calls if "pip compile" in call)
    assert "--torch-backend" not in first
    assert "--torch-backend cpu" in second


def test_a_release_that_the_index_lacks_is_said_with_the_nearest_and_leaves_nothing(
    home: Home, fake: FakeUv, view: View
) -> None:
    fake.mode("no-version")
    with pytest.raises(NotFoundError, match=r"no vLLM 1\.0 among the packages of tiny-cpu") as caught:
        install(OFFER, home=home, view=view, argv=fake.argv)

    assert "vllm==1.0" in caught.value.try_
    assert list(home.engines.glob("**/*")) == []


@pytest.mark.parametrize("version", ["../up", "1.0; rm -rf", "abc", ""])
def test_what_is_no_release_never_becomes_a_folder(version: str, home: Home, fake: FakeUv, view: View) -> None:
    with pytest.raises(NotFoundError):
        install(OFFER.model_copy(update={"version": version}), home=home, view=view, argv=fake.argv)

    assert not home.engines.exists()


def test_an_index_that_cannot_be_reached_is_said_without_secrets(home: Home, fake: FakeUv, view: View) -> None:
    fake.mode("offline")
    with pytest.raises(ArenaError, match="package index could not be reached") as caught:
        install(OFFER, home=home, view=view, argv=fake.argv)

    assert "secret" not in str(caught.value)
    assert "index.example" in caught.value.why
    assert list(home.engines.glob("**/*")) == []


def test_a_disk_that_fills_up_is_a_storage_error_and_the_release_does_not_count(
    home: Home, fake: FakeUv, view: View
) -> None:
    fake.mode("full")
    with pytest.raises(StorageError, match="no room left"):
        install(OFFER, home=home, view=view, argv=fake.argv)

    assert installed(home) == ()
    assert unfinished(home, "vllm") == ("1.0",)


def test_a_disk_too_small_is_said_before_anything_is_brought(home: Home, fake: FakeUv, view: View) -> None:
    vast = BUILD.model_copy(update={"installed_bytes": 2**60})
    with pytest.raises(StorageError, match=r"no room for vLLM 1\.0"):
        install(OFFER.model_copy(update={"build": vast}), home=home, view=view, argv=fake.argv)

    assert not any("pip sync" in call for call in fake.calls)


def test_where_nothing_is_offered_the_reason_is_the_error(home: Home, view: View) -> None:
    nothing = Offer(engine="sglang", title="SGLang", place="processor", why="no kernels", instead="another engine")
    with pytest.raises(NotFoundError, match="SGLang cannot be installed here") as caught:
        install(nothing, home=home, view=view)

    assert (caught.value.why, caught.value.try_) == ("no kernels", "another engine")


# interrupted

INSTALL = """
import sys
sys.path[:0] = [{tests!r}, {above!r}]
from test_provision import OFFER, View
from inference_arena.run.provision import install
from inference_arena.store import open_home
try:
    install(OFFER, home=open_home(), view=View(), argv={argv!r})
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def installing(home: Home, fake: FakeUv) -> Callable[[], subprocess.Popen[bytes]]:
    """Another process that installs and has come to the middle."""

    def start() -> subprocess.Popen[bytes]:
        fake.mode("hang")
        (fake.folder / "helper.pid").unlink(missing_ok=True)
        here = Path(__file__).parent
        text = INSTALL.format(tests=str(here), above=str(here.parent), argv=fake.argv)
        process = subprocess.Popen([sys.executable, "-c", text], env={**os.environ, "ARENA_HOME": str(home.root)})
        until(lambda: (fake.folder / "helper.pid").is_file() and bool((fake.folder / "helper.pid").read_text()))
        return process

    return start


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, -15)])
def test_whatever_ends_an_install_ends_all_of_it_and_it_goes_on_later(
    number: int, code: int, home: Home, fake: FakeUv, installing: Callable[[], subprocess.Popen[bytes]]
) -> None:
    process = installing()
    helper = int((fake.folder / "helper.pid").read_text())
    process.send_signal(number)
    assert process.wait(timeout=60) == code

    until(lambda: gone(helper))
    assert installed(home) == ()
    assert unfinished(home, "vllm") == ("1.0",)

    fake.mode("ok")
    compiled = sum("pip compile" in call for call in fake.calls)
    install(OFFER, home=home, view=View(), argv=fake.argv)
    assert [one.release for one in installed(home, "vllm")] == ["1.0"]
    assert sum("pip compile" in call for call in fake.calls) == compiled  # the list of packages was kept
    assert not list(environment_of(home, "vllm", "1.0").rglob("half.py"))


def test_a_second_install_is_told_who_is_at_it(
    home: Home, fake: FakeUv, view: View, installing: Callable[[], subprocess.Popen[bytes]]
) -> None:
    process = installing()
    try:
        with pytest.raises(ArenaError, match="another install or removal") as caught:
            install(OFFER, home=home, view=view, argv=fake.argv)
        with pytest.raises(ArenaError, match="another install or removal"):
            remove(home, "vllm", "1.0")
    finally:
        process.kill()
        process.wait()

    assert f"pid {process.pid} since" in caught.value.why


def test_what_is_being_thrown_away_does_not_count(home: Home, fake: FakeUv, view: View) -> None:
    """Its removal was cut off; the next one ends it."""
    install(OFFER, home=home, view=view, argv=fake.argv)
    folder = home.engines / "vllm" / "1.0"
    folder.rename(folder.with_name(".trash-0-1.0"))
    assert (installed(home), unfinished(home, "vllm")) == ((), ())

    install(OFFER, home=home, view=view, argv=fake.argv)
    assert [path.name for path in folder.parent.iterdir()] == ["1.0"]


def test_an_environment_whose_python_is_gone_is_made_anew(home: Home, fake: FakeUv, view: View) -> None:
    install(OFFER, home=home, view=view, argv=fake.argv)
    python = environment_of(home, "vllm", "1.0") / "bin" / "python"
    python.unlink()
    python.symlink_to("/no/such/python")
    assert installed(home) == ()

    install(OFFER, home=home, view=view, argv=fake.argv)
    assert python.resolve() == Path(sys.executable).resolve()


@pytest.mark.parametrize("typed", ["1.0", "v1.0", "1", "1.0.0"])
def test_a_release_has_one_name_however_it_is_typed(typed: str, home: Home, fake: FakeUv, view: View) -> None:
    made = install(OFFER.model_copy(update={"version": typed}), home=home, view=view, argv=fake.argv)

    assert (made.release, made.asked) == ("1.0", "tiny-cpu==1.0")


# removed


def test_a_removed_release_is_gone_with_all_it_had(home: Home, fake: FakeUv, view: View) -> None:
    made = install(OFFER, home=home, view=view, argv=fake.argv)

    assert remove(home, "vllm", "1.0") >= made.bytes
    assert installed(home) == ()
    assert list(home.engines.iterdir()) == []


def test_what_an_interrupted_install_left_can_be_removed(home: Home, fake: FakeUv, view: View) -> None:
    fake.mode("full")
    with pytest.raises(StorageError):
        install(OFFER, home=home, view=view, argv=fake.argv)
    remove(home, "vllm", "1.0")

    assert unfinished(home, "vllm") == ()


def test_a_release_in_use_is_not_removed(home: Home, fake: FakeUv, view: View) -> None:
    install(OFFER, home=home, view=view, argv=fake.argv)
    python = environment_of(home, "vllm", "1.0") / "bin" / "python"
    words = [python, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        with pytest.raises(ArenaError, match="in use") as caught:
            remove(home, "vllm", "1.0")

    assert str(process.pid) in caught.value.why
    assert [one.release for one in installed(home)] == ["1.0"]


@pytest.mark.parametrize("release", ["2.0", "..", "."])
def test_only_a_release_that_is_there_is_removed(release: str, home: Home, fake: FakeUv, view: View) -> None:
    install(OFFER, home=home, view=view, argv=fake.argv)
    with pytest.raises(NotFoundError) as caught:
        remove(home, "vllm", release)

    assert caught.value.try_ == "one of: vllm==1.0"
    assert len(installed(home)) == 1


# with uv itself


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder with one wheel."""
    folder = tmp_path / "packages"
    folder.mkdir()
    info = "tiny_cpu-1.0.dist-info"
    files = {
        "tiny_cpu.py": "",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-cpu\nVersion: 1.0\nRequires-Dist: triton\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(folder / "tiny_cpu-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder


def test_uv_itself_brings_a_package_and_leaves_out_what_does_harm(
    home: Home, view: View, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"UV_NO_INDEX": "1", "UV_FIND_LINKS": packages, "UV_CACHE_DIR": tmp_path / "cache"}.items():
        monkeypatch.setenv(name, str(value))
    build = BUILD.model_copy(update={"constraints": (), "torch_backend": None})
    made = install(OFFER.model_copy(update={"build": build}), home=home, view=view, argv=find_uv())
    python = environment_of(home, "vllm", "1.0") / "bin" / "python"
    ask = "import tiny_cpu; from importlib.metadata import version; print(version('vllm'))"
    said = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout

    assert (made.version, made.packages, made.python) == ("1.0", 1, ".".join(map(str, sys.version_info[:3])))
    assert said == "1.0+cpu\n"


def test_a_python_that_is_nowhere_is_said(
    home: Home, view: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    build = BUILD.model_copy(update={"python": ">=3.98,<3.99"})
    with pytest.raises(NotFoundError, match="no Python that this release runs on"):
        install(OFFER.model_copy(update={"build": build}), home=home, view=view, argv=find_uv())

    assert list(home.engines.glob("**/*")) == []


def test_uv_itself_says_what_is_not_there_in_words_that_are_understood(
    home: Home, view: View, packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"UV_NO_INDEX": "1", "UV_FIND_LINKS": packages, "UV_CACHE_DIR": tmp_path / "cache"}.items():
        monkeypatch.setenv(name, str(value))
    build = BUILD.model_copy(update={"constraints": (), "torch_backend": None})
    asked = OFFER.model_copy(update={"build": build, "version": "3.0"})
    with pytest.raises(NotFoundError, match=r"no vLLM 3\.0 among the packages of tiny-cpu"):
        install(asked, home=home, view=view, argv=find_uv())

    assert list(home.engines.glob("**/*")) == []
