"""The layout's rules that no linter knows: doors, sizes, nothing that grows without notice."""

import ast
from collections.abc import Iterator
from pathlib import Path

import inference_arena

SOURCE = Path(inference_arena.__file__).parent
LONGEST_FUNCTION = 60
LONGEST_FILE = 300
# files that are one list of options, one a line
LONG_FUNCTIONS = {("cli/run.py", "command")}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        yield str(path.relative_to(SOURCE)), ast.parse(path.read_text("utf-8"))


def room_of(dotted: str) -> list[str]:
    return dotted.split(".")[1:]


def test_a_room_is_entered_by_its_door():
    past_the_door = [
        f"{name}:{node.lineno} imports {node.module}"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("inference_arena.")
        if len(room_of(node.module)) > 1 and room_of(node.module)[0] != name.split("/")[0]
    ]
    assert past_the_door == []


def test_no_function_is_too_long_to_hold_in_the_head():
    too_long = [
        f"{name}:{node.lineno} {node.name} has {node.end_lineno - node.lineno + 1} lines"
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
        if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION and (name, node.name) not in LONG_FUNCTIONS
    ]
    assert too_long == []


def test_no_file_is_too_long_to_read_at_a_sitting():
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines()) for path in SOURCE.rglob("*.py")
    }
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_every_module_says_what_it_knows():
    silent = [name for name, tree in modules() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_nothing_reads_the_clock_or_the_environment_when_imported():
    watched = {"monotonic", "time", "getenv", "environ", "urlopen", "now"}
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules()
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) and statement.value is not None
        for node in ast.walk(statement)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", "") in watched or getattr(node.func, "attr", "") in watched)
    ]
    assert found == []
