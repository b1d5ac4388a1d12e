"""`arena crosscheck`: the same prompts once more, sent by a tool of others; where do the numbers part, and why?"""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from inference_arena import units
from inference_arena.cli import paper
from inference_arena.cli.run_words import read_key
from inference_arena.errors import ArenaError, UsageError
from inference_arena.store import find_record, load_record, open_home, save_report

if TYPE_CHECKING:
    from inference_arena.record import Record
    from inference_arena.run import Address, Checked


def command(
    record: Annotated[str, typer.Argument(help="An id, its beginning or end, `last`, or a folder.")],
    *,
    url: Annotated[str | None, typer.Option(help="Where the record's server listens: it must be running.")] = None,
    tool: Annotated[
        Literal["guidellm", "vllm"],
        typer.Option("--with", help="GuideLLM is installed once, below the arena's home; vllm must be on PATH."),
    ] = "guidellm",
    at: Annotated[str | None, typer.Option(metavar="1,8", help="Only these loads of the record.")] = None,
    requests: Annotated[int, typer.Option(help="Send at most so many requests of each load.", min=6)] = 200,
    tokenizer: Annotated[
        str | None, typer.Option(help="For --with vllm: a folder with a tokenizer; else the model's name is one.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="Environment variable that holds the server's key.", metavar="NAME")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Replay a record with another tool: why do numbers part?

    The same prompts and lengths go to the same server. Each metric stands there three times: ours, ours in the tool's
    definition, and its own; so that a difference is one of definition or of measurement.

    The tool's own report is kept, as by `arena import`. Exit code 1 when a measurement differs by more than chance and
    the client's own error explain.

    For example: `arena crosscheck last --url http://127.0.0.1:8000/v1`, or `--with vllm --tokenizer ./model`.
    """
    home = open_home()
    path = find_record(home, record)
    kept = load_record(path)
    if url is None:
        raise UsageError(
            "where is the record's server?",
            why="a record keeps no addresses, and the same server must answer once more",
            try_=f"arena crosscheck {kept.id} --url http://127.0.0.1:8000/v1",
        )
    levels = units.parse_numbers(at, whole=False, name="--at") if at else ()
    checked = _checked(
        kept, path, url=url, tool=tool, levels=levels, requests=requests, tokenizer=tokenizer,
        api_key=read_key(api_key_env),
    )  # fmt: skip
    for each in checked:
        save_report(home, each.report)
    _print(kept, tool, checked, as_json=as_json)
    return int(any(p.verdict == "measurement" for each in checked for p in each.result.partings))


def _checked(
    record: "Record",
    path: Path,
    *,
    url: str,
    tool: Literal["guidellm", "vllm"],
    levels: tuple[float, ...],
    requests: int,
    tokenizer: str | None,
    api_key: str | None,
) -> "list[Checked]":
    from inference_arena.report import Progress  # noqa: PLC0415 - start-up stays quick
    from inference_arena.run import DRIVERS, Interrupts, crosscheck_record, find_driver, parse_address  # noqa: PLC0415

    address = parse_address(url)
    with Interrupts(), Progress(plain=False) as progress:
        progress.stage("find server")
        model = _model(record, address, api_key=api_key)
        program = find_driver(DRIVERS[tool], home=open_home(), progress=progress)
        return crosscheck_record(
            path,
            driver=DRIVERS[tool],
            program=program,
            address=address,
            model=model,
            levels=levels,
            most_requests=requests,
            api_key=api_key,
            tokenizer=tokenizer,
            progress=progress,
        )


def _model(record: "Record", address: "Address", *, api_key: str | None) -> str:
    """The record's model, when this server offers it: another model's numbers would say nothing."""
    from inference_arena.engines import model_ids  # noqa: PLC0415
    from inference_arena.run import key_headers, list_models  # noqa: PLC0415

    reply = list_models(address, headers=key_headers(api_key))
    offered = model_ids(reply.document())
    if reply.status != 200:
        raise ArenaError(
            f"no server answers at {address.url}",
            why=reply.error or f"GET /models answered HTTP {reply.status}",
            try_="start the server of the record, and name its address with --url",
        )
    if record.model.name not in offered:
        raise ArenaError(
            f"this server does not offer {record.model.name}",
            why=f"it offers {', '.join(offered) or 'no model'}; the record is of another one",
            try_="arena run --url measures this server; then crosscheck that record",
        )
    return record.model.name


def _print(record: "Record", tool: str, checked: "list[Checked]", *, as_json: bool) -> None:
    if as_json:
        points = [{**each.result.model_dump(mode="json"), "report": each.report.id} for each in checked]
        print(json.dumps({"record": record.id, "tool": tool, "points": points}, ensure_ascii=False, indent=2))
        return
    from inference_arena.report import crosscheck_blocks  # noqa: PLC0415

    results = [each.result for each in checked]
    paper.show(partial(crosscheck_blocks, record, tool, results, checked[0].report.doubts))
