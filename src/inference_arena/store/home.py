"""The folder where everything of one user lives: records, journals, models, the index. Reads ARENA_HOME."""

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from inference_arena.errors import BadFileError, StorageError
from inference_arena.store.files import ANOTHER_PLACE, TEMPORARY, make_folder, storage, sync_folder, write_durably

_MACHINE = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Paths only; a folder is made when something is first written into it."""

    root: Path

    @property
    def records(self) -> Path:
        return self.root / "records"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def tools(self) -> Path:
        """Environments of other people's load generators."""
        return self.root / "tools"

    @property
    def journals(self) -> Path:
        return self.root / "journals"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def servers(self) -> Path:
        return self.root / "servers"

    @property
    def engines(self) -> Path:
        return self.root / "engines"

    @property
    def engines_lock_path(self) -> Path:
        return self.root / "engines.lock"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def index_path(self) -> Path:
        return self.root / "index.sqlite"

    @property
    def machine_path(self) -> Path:
        return self.root / "machine-id"

    @property
    def lock_path(self) -> Path:
        return self.root / "measuring.lock"


def open_home(path: Path | None = None) -> Home:
    """The path given, else ARENA_HOME, else the user's data folder. Writes nothing; a file in its place is an error."""
    named = path or os.environ.get("ARENA_HOME")
    root = Path(named).expanduser().absolute() if named else user_data_path("inference-arena", appauthor=False)
    with storage(f"the arena's home {root} cannot be used"):
        in_the_way = root.exists() and not root.is_dir()
    if in_the_way:
        raise StorageError(f"the arena's home {root} cannot be used", why="it is not a directory", try_=ANOTHER_PLACE)
    return Home(root=root)


def check_writable(home: Home) -> None:
    """Raises StorageError now rather than after a run that took ten minutes."""
    for folder in (home.records, home.journals):
        make_folder(folder)
        probe = folder / f"{TEMPORARY}{secrets.token_hex(6)}"
        with storage(f"the arena's home {home.root} cannot be written"):
            write_durably(probe, b"?")
            probe.unlink()


def machine_id(home: Home) -> str:
    """A random 128-bit pseudonym of this home, made on first use; says nothing about the machine or its owner."""
    if not home.machine_path.exists():
        _make_machine_id(home)
    with storage(f"{home.machine_path} could not be read"):
        text = home.machine_path.read_text("ascii", errors="replace").strip()
    if not _MACHINE.fullmatch(text):
        raise BadFileError(
            f"{home.machine_path} is damaged",
            why="it must hold 32 hexadecimal digits",
            try_=f"rm {home.machine_path}  (later records then count as another machine's)",
        )
    return text


def _make_machine_id(home: Home) -> None:
    make_folder(home.root)
    temporary = home.root / f"{TEMPORARY}{secrets.token_hex(6)}"
    with storage(f"{home.machine_path} could not be written"):
        try:
            write_durably(temporary, f"{secrets.token_hex(16)}\n".encode())
            _link_first(temporary, home.machine_path)
        finally:
            temporary.unlink(missing_ok=True)
        sync_folder(home.root)


def _link_first(source: Path, target: Path) -> None:
    """Of two processes the first wins, which a rename would not give; where links are unknown a rename must do."""
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return
    except OSError:
        source.replace(target)
