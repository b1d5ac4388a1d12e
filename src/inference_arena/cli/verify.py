"""`arena verify`: does a record say what its raw traces say?"""

from typing import Annotated

import typer

from inference_arena.store import find_record, open_home, verify


def command(
    record: Annotated[
        str, typer.Argument(help="An id, its beginning or end, `last`, `last-failed`, or a folder.")
    ] = "last",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Recompute every number of a record from its raw traces, offline, and say which differ.

    Exit code 1 when something differs. For example: `arena verify last`.
    """
    verified = verify(find_record(open_home(), record))
    if as_json:
        print(verified.model_dump_json(indent=2))
        return 0 if verified.true else 1
    for problem in verified.broken_files:
        print(f"broken: {problem}")
    for difference in verified.differences:
        print(f"differs: {difference.field}: recorded {difference.recorded}, recomputed {difference.recomputed}")
    if verified.true:
        print(f"{verified.record}: all {verified.numbers} numbers follow from its {verified.traces} raw traces")
    elif verified.broken_files:
        print(f"{verified.record}: nothing was compared, because its raw files are not those that it was made with")
    else:
        print(f"{verified.record}: {len(verified.differences)} of {verified.numbers} numbers differ")
    return 0 if verified.true else 1
