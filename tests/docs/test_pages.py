"""Links lead somewhere, the tutorial's commands run, and no page names what is nobody's business."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
OURS = sorted(path for path in DOCS.rglob("*.md") if "decisions" not in path.parts)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```sh runnable\n(.*?)^```", re.DOTALL | re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
# a doctor that finds no engine is right to say so
MAY_END_WITH = {"doctor": {0, 1}}


def _names(path: Path) -> str:
    return str(path.relative_to(DOCS))


def _headings(path: Path, pages: ModuleType) -> set[str]:
    lines = FENCED.sub("", path.read_text("utf-8")).splitlines()
    return {pages.slug(line.lstrip("#")) for line in lines if line.startswith("#")}


@pytest.mark.parametrize("page", OURS, ids=_names)
def test_every_relative_link_leads_somewhere(page: Path, pages: ModuleType):
    broken = []
    for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        if "://" in link:
            continue
        if not there.exists() or (anchor and anchor not in _headings(there, pages)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_index():
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.is_file() or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text("utf-8")) if "://" not in link)
        waiting += [(page.parent / link).resolve() for link in links if link]
    assert [str(page) for page in OURS if page not in reached] == []


@pytest.mark.parametrize("page", OURS, ids=_names)
def test_a_page_names_no_place_of_its_writers(page: Path):
    """Folders of one machine, hosts of package indexes, and the like."""
    private = re.compile(r"/root/|/home/\w|/tmp/|/Users/\w|pypi\.|pythonhosted|\bsession\b", re.IGNORECASE)
    assert private.findall(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", OURS, ids=_names)
def test_every_verb_and_option_that_a_page_shows_exists(page: Path, pages: ModuleType):
    shown = re.findall(r"^arena (.+)$", "\n".join(FENCED.findall(page.read_text("utf-8"))), re.MULTILINE)
    wrong = []
    for line in (line for line in shown if page.parent.name != "reference" or not line.startswith("run ")):
        verb, *rest = shlex.split(line, comments=True)
        below = f"{verb} {rest[0]}" if rest else verb
        known = pages.help_text(below if below in pages.verbs() else "" if verb.startswith("-") else verb)
        options = {part.partition("=")[0] for part, before in zip(rest, [verb, *rest], strict=False)
                   if part.startswith("--") and before != "--flag"}  # fmt: skip
        wrong += [f"{line}: {option}" for option in options if not re.search(rf"{option}\b", known)]
    assert wrong == []


def _commands() -> list[str]:
    blocks = BLOCK.findall((DOCS / "tutorial.md").read_text("utf-8"))
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_tutorial_has_commands_that_are_tried():
    verbs = {shlex.split(line)[1] for line in _commands()}
    assert {"--help", "doctor", "list", "show", "verify", "export"} <= verbs


@pytest.mark.usefixtures("kept")
def test_every_runnable_command_of_the_tutorial_runs(tmp_path: Path):
    for line in _commands():
        program, *arguments = shlex.split(line)
        assert program == "arena", f"only arena is tried, not {line!r}"
        done = subprocess.run(
            [sys.executable, "-m", "inference_arena", *arguments],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode in MAY_END_WITH.get(arguments[0], {0}), f"{line}: {done.stdout}{done.stderr}"
        assert done.stdout.strip(), f"{line} says nothing"
    assert (tmp_path / "run.csv").read_text("utf-8").startswith("record,")


def test_an_archive_made_as_the_tutorial_says_can_be_imported(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = [sys.executable, "-m", "inference_arena"]
    subprocess.run([*run, "export", "last"], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setenv("ARENA_HOME", str(tmp_path / "other"))
    archive = f"{kept.name}.arena.tar.gz"
    done = subprocess.run([*run, "import", archive], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, kept.name)
