"""`arena doctor`: what this machine is, what is installed, what is missing; on request, what the load client costs."""

import json
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from inference_arena import __version__, units
from inference_arena.cli.output import wrapped
from inference_arena.errors import ArenaError
from inference_arena.facts import Fact, Host, packages

SELF_TEST_STREAMS: Final = (1, 8, 64, 128)
SELF_TEST_PACE_S: Final = 0.01


class Finding(Fact):
    """One thing that was looked at. `ok` None: neither good nor bad."""

    name: str
    ok: bool | None
    says: str
    advice: str = ""


def command(
    *,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Measure the load client against a server whose truth is known.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Say what this machine is, what is installed and what is missing.

    Exit code 1 when something that `arena run` needs is missing. For example: `arena doctor --self-test`.
    """
    from inference_arena.hardware import read_host  # noqa: PLC0415

    host = read_host()
    findings = [*_tool(), *_machine(host), *_readers(), *_engines(), *_home()]
    measured = _self_tests() if self_test else []
    if as_json:
        _print_json(host, findings, measured)
    else:
        _print_findings(findings)
        for line in measured:
            print(f"client test   {_spoken(line)}")
    return 1 if any(finding.ok is False for finding in findings) else 0


def _tool() -> list[Finding]:
    loop = "uvloop" if _installed("uvloop") else "asyncio (slower; uvloop does not install here)"
    return [
        Finding(name="arena", ok=None, says=f"{__version__} on Python {platform.python_version()}, event loop {loop}")
    ]


def _machine(host: Host) -> list[Finding]:
    cores = f"{host.cpu_cores} usable cores"
    machine = f"{host.cpu_model or 'unknown processor'}, {cores}, {units.gib(host.ram_bytes)} RAM, {host.os}"
    where = "" if host.virtualization in {None, "none"} else f", inside a {host.virtualization}"
    found = [Finding(name="machine", ok=None, says=machine + where)]
    for device in host.devices:
        memory = units.gib(device.memory_bytes)
        says = f"{device.name or device.vendor}, {memory}, driver {device.driver_version or units.DASH}"
        found.append(
            Finding(name="GPU", ok=None, says=says + (f" ({device.reason_unread})" if device.reason_unread else ""))
        )
    return found if host.devices else [*found, Finding(name="GPU", ok=None, says="none found")]


def _readers() -> list[Finding]:
    """What was only ever tested with outputs that others recorded should be read with care."""
    from inference_arena.hardware import TRIED  # noqa: PLC0415
    from inference_arena.report import readers_said  # noqa: PLC0415

    return [Finding(name="GPU readers", ok=None, says=readers_said(TRIED))]


def _engines() -> list[Finding]:
    """llama.cpp, which the arena's own test needs, and whatever else is here."""
    from inference_arena.run import here, programs_for  # noqa: PLC0415
    from inference_arena.store import open_home  # noqa: PLC0415

    home = open_home()
    found = [
        Finding(
            name=card.title.removesuffix(" serve"),
            ok=True,
            says=f"{one.program.name}, {one.program.version or 'version unknown'} ({one.where})",
        )
        for name, card in packages().items()
        for one in here(name, home=home)
    ]
    try:
        programs_for("llamacpp", home=home)
    except ArenaError as error:
        return [Finding(name="llama.cpp", ok=False, says=error.why, advice=error.try_), *found]
    return found


def _home() -> list[Finding]:
    from inference_arena.run import embedded_card  # noqa: PLC0415
    from inference_arena.store import check_writable, open_home, record_ids  # noqa: PLC0415

    home = open_home()
    try:
        check_writable(home)
    except ArenaError as error:
        return [Finding(name="home", ok=False, says=f"{error.what}: {error.why}", advice=error.try_)]
    card = embedded_card()
    here = (home.models / f"{card.name}.gguf").exists()
    free = units.size(shutil.disk_usage(home.root).free)
    return [
        Finding(name="home", ok=True, says=f"{home.root}, {len(record_ids(home))} records, {free} free"),
        Finding(
            name="model",
            ok=None,
            says=f"{card.title}: " + ("here" if here else "not here yet; the first `arena run` fetches 93 MB"),
        ),
    ]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _self_tests() -> list[dict[str, Any]]:
    """The client's own error at several loads, a few seconds each."""
    from inference_arena.load import LoadProcess, self_test  # noqa: PLC0415
    from inference_arena.metrics import self_test_summary  # noqa: PLC0415
    from inference_arena.plan import choose_cores  # noqa: PLC0415
    from inference_arena.run import usable_cores  # noqa: PLC0415

    cores = choose_cores(usable_cores(), threads=None)
    results: list[dict[str, Any]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        LoadProcess(log_path=Path(folder) / "load.log", cpu=cores.client) as load,
    ):
        for streams in SELF_TEST_STREAMS:
            print(f"client test with {streams} streams ...", file=sys.stderr)
            sample = self_test(
                load, streams=streams, token_interval_s=SELF_TEST_PACE_S, folder=Path(folder), cpus=cores.engine
            )
            summary = self_test_summary([sample])
            if summary is not None:
                results.append(summary.model_dump(mode="json"))
    return results


def _spoken(line: dict[str, Any]) -> str:
    p50, p99 = units.seconds(line["ttft_error_p50_s"]), units.seconds(line["ttft_error_p99_s"])
    lost = f", {line['tokens_lost']} tokens lost" if line["tokens_lost"] else ", no token lost"
    return f"{line['streams']:>3} streams: adds {p50} (p50), {p99} (p99) to TTFT{lost} (n {line['n']})"


def _print_findings(findings: list[Finding]) -> None:
    marks = {True: "ok", False: "missing", None: ""}
    for finding in findings:
        lines = [f"{finding.name:<13} {marks[finding.ok]:<8} {finding.says}"]
        lines += [f"{'':<13} {'':<8} try  {finding.advice}"] if finding.advice else []
        print(wrapped("\n".join(lines), stream=sys.stdout, hang=23))


def _print_json(host: Host, findings: list[Finding], measured: list[dict[str, Any]]) -> None:
    document = {
        "host": host.model_dump(mode="json"),
        "findings": [finding.model_dump(mode="json") for finding in findings],
        "self_test": measured,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))
