"""Prints the command-line flags that one engine release has, read out of its unpacked source.

    python scripts/refresh_flags.py vllm UNPACKED_SDIST
    python scripts/refresh_flags.py sglang UNPACKED_WHEEL
    python scripts/refresh_flags.py llamacpp SOURCE_TREE

With `--into FILE.csv --version X` the releases' table is brought up to date: a flag seen for the first time gets a row,
one that is gone gets its last release. Feed it releases oldest first. It runs nothing of what it reads.
"""

import argparse
import ast
import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

VLLM_FILES = ("engine/arg_utils.py", "entrypoints/openai/api_server.py", "entrypoints/**/cli_args.py")
COLUMNS = ("engine", "flag", "first", "last", "source", "checked")
SOURCES = {
    "vllm": "vllm sdists: vllm/engine/arg_utils.py and the server's cli_args.py",
    "sglang": "sglang wheels: sglang/srt/server_args.py and sglang/srt/arg_groups",
    "llamacpp": "llama.cpp sources: common/arg.cpp, options of the server",
}


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _flag_words(nodes: Iterable[ast.expr]) -> set[str]:
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {value for value in values if isinstance(value, str) and re.fullmatch(r"--[a-zA-Z][\w-]*", value)}


def added_arguments(tree: ast.AST) -> set[str]:
    """The long names in every `add_argument(...)`, and in lists that are gone through to add them."""
    adding = (call for call in _calls(tree) if getattr(call.func, "attr", "") == "add_argument")
    lists = (node.iter for node in ast.walk(tree) if isinstance(node, ast.For) and isinstance(node.iter, ast.List))
    named = {flag for call in adding for flag in _flag_words(call.args)}
    return named | {
        flag for each in lists for flag in _flag_words(n for n in ast.walk(each) if isinstance(n, ast.expr))
    }


def negatable(tree: ast.AST) -> set[str]:
    """The `--no-` forms of arguments that are switched both ways."""
    both = (call for call in _calls(tree) if "BooleanOptionalAction" in ast.unparse(call))
    flags = {
        flag for call in both if getattr(call.func, "attr", "") == "add_argument" for flag in _flag_words(call.args)
    }
    return {"--no-" + flag.removeprefix("--") for flag in flags}


def frontend_fields(tree: ast.AST) -> set[str]:
    """The server's own flags, in releases that make them out of a class of fields."""
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.endswith("FrontendArgs"))
    fields = (field for node in classes for field in node.body if isinstance(field, ast.AnnAssign))
    return {"--" + ast.unparse(field.target).replace("_", "-") for field in fields}


def switches(tree: ast.AST) -> set[str]:
    """The `--no-` forms of vLLM's fields of type bool, in releases that make flags out of typed fields."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.endswith("_kwargs"))
    if not any("BooleanOptionalAction" in ast.unparse(function) for function in functions):
        return set()
    classes = (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.endswith("EngineArgs"))
    fields = (field for node in classes for field in node.body if isinstance(field, ast.AnnAssign))
    names = {ast.unparse(field.target) for field in fields if is_switch(ast.unparse(field.annotation))}
    adding = (call for call in _calls(tree) if getattr(call.func, "attr", "") == "add_argument")
    typed = (call for call in adding if all(word.arg != "action" for word in call.keywords))
    flags = {flag for call in typed for flag in _flag_words(call.args)}
    return {"--no-" + name.replace("_", "-") for name in names if "--" + name.replace("_", "-") in flags}


def is_switch(annotation: str) -> bool:
    return bool(re.search(r"\bbool\b", annotation)) and not re.search(r"\bstr\b", annotation)


def annotated_fields(tree: ast.AST) -> set[str]:
    """Flags that are made from fields annotated with `A[type, Arg(...)]`, less those kept off the command line."""
    fields = (node for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name))
    found: set[str] = set()
    for field in fields:
        annotation = field.annotation
        if not (isinstance(annotation, ast.Subscript) and getattr(annotation.value, "id", "") == "A"):
            continue
        keywords = {word.arg: word.value for call in _calls(annotation) for word in call.keywords}
        if "no_cli" in keywords:
            continue
        own = keywords.get("cli_name")
        name = own.value if isinstance(own, ast.Constant) else "--" + ast.unparse(field.target).replace("_", "-")
        aliases = keywords.get("aliases")
        found |= {str(name)} | (_flag_words(aliases.elts) if isinstance(aliases, ast.List) else set())
    return found


def vllm_flags(root: Path) -> set[str]:
    files = {path for pattern in VLLM_FILES for path in (root / "vllm").glob(pattern)}
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    readers = (added_arguments, negatable, switches, frontend_fields)
    return {flag for tree in trees for reader in readers for flag in reader(tree)}


def sglang_flags(root: Path) -> set[str]:
    files = (root / "sglang/srt/server_args.py", *(root / "sglang/srt/arg_groups").rglob("*.py"))
    trees = [ast.parse(path.read_text("utf-8")) for path in files]
    return {flag for tree in trees for flag in added_arguments(tree) | annotated_fields(tree)}


def llamacpp_flags(root: Path) -> set[str]:
    """Options whose examples name the server, or none: those are common to all programs."""
    text = (root / "common/arg.cpp").read_text("utf-8")
    options = text.split("add_opt(common_arg(")[1:] or text.split("add_opt(llama_arg(")[1:]
    found: set[str] = set()
    for option in options:
        examples = re.search(r"set_examples\(\{([^}]*)\}", option)
        if examples and not re.search(r"EXAMPLE_(SERVER|COMMON)", examples[1]):
            continue
        names = re.match(r"\s*((?:\{[^{}]*\}\s*,?\s*){1,2})", option)
        found |= set(re.findall(r'"(--?[a-zA-Z][\w-]*)"', names[1])) if names else set()
    return found


READERS = {"vllm": vllm_flags, "sglang": sglang_flags, "llamacpp": llamacpp_flags}


def update(
    rows: list[dict[str, str]], *, engine: str, version: str, flags: set[str], newest: str | None, checked: str
) -> list[dict[str, str]]:
    """The table with one release more. `newest` is the release that was newest in it until now."""
    standing = {row["flag"] for row in rows if row["engine"] == engine and not row["last"]}
    gone = standing - flags
    kept = [
        {**row, "last": newest or ""} if row["engine"] == engine and row["flag"] in gone and not row["last"] else row
        for row in rows
    ]
    new = [
        dict(zip(COLUMNS, (engine, flag, version, "", SOURCES[engine], checked), strict=True))
        for flag in sorted(flags - standing)
    ]
    return [*kept, *new]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine", choices=READERS)
    parser.add_argument("source", type=Path)
    parser.add_argument("--into", type=Path, help="the table to bring up to date")
    parser.add_argument("--version", help="the release that the source is of")
    parser.add_argument("--newest", help="the release that was the newest in the table so far")
    parser.add_argument("--checked", help="today, as 2026-11-24")
    asked = parser.parse_args()
    flags = READERS[asked.engine](asked.source)
    if asked.into is None:
        print("\n".join(sorted(flags)))
        return
    with asked.into.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = update(
        rows, engine=asked.engine, version=asked.version, flags=flags, newest=asked.newest, checked=asked.checked
    )
    with asked.into.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: (row["engine"], row["flag"], row["first"])))


if __name__ == "__main__":
    main()
