"""`arena run`: measure a model on an engine on this machine, or a server that runs already."""

from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from inference_arena.cli import load_options
from inference_arena.cli.asking import asked_of
from inference_arena.cli.holding import held_cards, subject
from inference_arena.cli.keeping import keep
from inference_arena.cli.output import READER_LEFT, complain, forget_output
from inference_arena.cli.run_words import count_retries, read_key, sampling_interval_s
from inference_arena.cli.shown import announcement, show
from inference_arena.errors import UsageError
from inference_arena.facts import slo

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference_arena.record import Record
    from inference_arena.report import Progress
    from inference_arena.run import Asked, Interrupts
    from inference_arena.store import Home

EXIT_CODES = {"finished": 0, "failed": 1, "interrupted": 130}
LOAD, LENGTHS, ENGINE, SERVER, OUTPUT = "Load", "Questions", "Engine", "Running server", "Output"


def command(
    model: Annotated[
        str | None,
        typer.Argument(
            help="A GGUF file, a folder, a catalogue name or a hub id. Without it, machine and tool are tested.",
            metavar="[MODEL]",
        ),
    ] = None,
    *,
    url: Annotated[str | None, typer.Option(help="Measure the OpenAI-compatible server at this address.")] = None,
    server_model: Annotated[
        str | None, typer.Option("--model", help="Which of the server's models; its first if not named.")
    ] = None,
    api_key_env: Annotated[
        str | None, typer.Option(help="Environment variable that holds the server's key.", metavar="NAME")
    ] = None,
    endpoint: Annotated[Literal["chat", "completions"], typer.Option(help="Which interface to use.")] = "chat",
    engine: Annotated[
        str | None,
        typer.Option(help="The engine to start: llamacpp, vllm, sglang, transformers, or a release: vllm==0.24.0."),
    ] = None,
    program: Annotated[
        str | None, typer.Option(help="The engine's program, or the folder of its environment.", metavar="PATH")
    ] = None,
    weights: Annotated[
        Literal["real", "dummy"],
        typer.Option(help="dummy: random numbers in the model's shape; its speed and memory before any download."),
    ] = "real",
    anyway: Annotated[bool, typer.Option("--anyway", help="Start it although the plan says it cannot run.")] = False,
    concurrency: Annotated[
        str | None, typer.Option(help="Closed load: requests in flight, one load point each.", metavar="1,2,4,8")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Open load: requests a second, one load point each.", metavar="0.5,1,2")
    ] = None,
    arrivals: Annotated[Literal["poisson", "constant"], typer.Option(help="How an open load arrives.")] = "poisson",
    input_tokens: Annotated[int | None, typer.Option(help="Prompt length.", min=1, max=1_000_000)] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Answer length.", min=1, max=1_000_000)] = None,
    exact: Annotated[bool, typer.Option(help="All prompts and answers of the same length, without jitter.")] = False,
    natural: Annotated[bool, typer.Option(help="Let the model end its answers.")] = False,
    duration: Annotated[str | None, typer.Option(help="Measured time of each load point.", metavar="30s")] = None,
    requests: Annotated[int | None, typer.Option(help="Measured requests of each load point.", min=1)] = None,
    warmup: Annotated[
        str | None,
        typer.Option(help="Warm-up at the target load; else until every stream had an answer.", metavar="5s"),
    ] = None,
    repeat: Annotated[int, typer.Option(help="Measure every load point so often.", min=1, max=100)] = 1,
    seed: Annotated[
        int | None,
        typer.Option(
            help="The same seed makes the same prompts, lengths and arrivals: 0 for an engine that is started, drawn "
            "for a running server, whose cache may know them.",
            min=0,
        ),
    ] = None,
    workload: load_options.Workload = None,
    spread: load_options.Spread = False,
    shape: load_options.Shape = None,
    trace: load_options.Trace = None,
    trace_speed: load_options.TraceSpeed = 1.0,
    data: load_options.DataFile = None,
    sessions: load_options.Talks = None,
    turns: load_options.Turns = None,
    think: load_options.Think = None,
    system_tokens: load_options.SystemTokens = None,
    patience: load_options.Patience = None,
    freeze: load_options.Freeze = None,
    leave: load_options.Leave = None,
    cache: load_options.CacheState = None,
    max_errors: load_options.MostErrors = None,
    client_processes: load_options.ClientProcesses = None,
    goal: Annotated[
        str | None,
        typer.Option("--slo", help="The latency goal that requests are judged by; else the workload's own."),
    ] = None,
    context: Annotated[
        int | None, typer.Option(help="Longest prompt and answer of a request, in tokens.", min=1)
    ] = None,
    parallel: Annotated[int | None, typer.Option(help="Requests that the engine works on at once.", min=1)] = None,
    threads: Annotated[int | None, typer.Option(help="Threads of an engine on the processor.", min=1)] = None,
    kv_cache_type: Annotated[str | None, typer.Option(help="Type of the KV cache, for instance q8_0.")] = None,
    gpu_layers: Annotated[int | None, typer.Option(help="Layers to put on the card.", min=0)] = None,
    tensor_parallel: Annotated[
        int | None, typer.Option(help="Cards that share each layer; as many as can if not said.", min=1)
    ] = None,
    replicas: Annotated[
        int | None, typer.Option(help="Whole copies of the model, each on cards of its own.", min=1)
    ] = None,
    flag: Annotated[
        list[str] | None,
        typer.Option(help="Any flag of the engine, passed on as it is; may be repeated.", metavar="--NAME=VALUE"),
    ] = None,
    driver: Annotated[
        Literal["arena", "guidellm"],
        typer.Option(help="Who sends the load: we, or GuideLLM, whose numbers become a report and no record."),
    ] = "arena",
    port: Annotated[
        int | None, typer.Option(help="Port of the engine; a free one if not named.", min=1, max=65535)
    ] = None,
    container: Annotated[
        bool, typer.Option("--container", help="Start the engine in a container, by docker or podman.")
    ] = False,
    image: Annotated[
        str | None, typer.Option(help="The container's image; else one for this driver.", metavar="NAME:TAG")
    ] = None,
    container_engine: Annotated[
        Literal["docker", "podman"] | None, typer.Option(help="Which of them; else the first on PATH.")
    ] = None,
    ready_timeout: Annotated[str, typer.Option(help="How long the engine may take to start.")] = "10m",
    request_timeout: Annotated[str, typer.Option(help="How long one answer may take.")] = "5m",
    retry_fixes: Annotated[
        bool, typer.Option("--retry-fixes", help="When it fails, change what the diagnosis advises and try again.")
    ] = False,
    retries: Annotated[
        int | None, typer.Option(help="How often --retry-fixes tries again; 3 if not named.", min=1, max=20)
    ] = None,
    sample_every: Annotated[
        str, typer.Option(help="Time between two readings of each GPU.", metavar="100ms")
    ] = "100ms",
    together: Annotated[bool, typer.Option(help="Measure although another run is measuring.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on a terminal.")] = False,
) -> int:
    """Measure this machine, a model on it, or a running server; keep what happened as a record.

    \b
    arena run                                          test machine and tool in about a minute
    arena run model.gguf --concurrency 1,4,16          a GGUF file of yours on llama.cpp
    arena run mistral-7b --engine vllm                 the engine fetches the model
    arena run mistral-7b --engine vllm --weights dummy its speed and memory without the download
    arena run mistral-7b --engine vllm --retry-fixes   change what its failure advises, and try again
    arena run mistral-7b --engine vllm --container     its image, for this machine's driver
    arena run --url http://127.0.0.1:8000/v1           a server that runs already
    arena run model.gguf --rate 0.5,1 --duration 60s   people who arrive by chance
    arena run model.gguf --sessions 4 --patience 10s   people who talk on, and leave when it takes too long
    """  # noqa: D301
    asked = asked_of(locals())
    refuse_contradictions(asked, model=model, server_model=server_model, api_key_env=api_key_env)
    how: dict[str, Any] = {
        "api_key": read_key(api_key_env),
        "together": together,
        "as_json": as_json,
        "plain": as_json or quiet,
    }
    if driver != "arena":
        from inference_arena.cli.guided import measure_with  # noqa: PLC0415 - start-up stays quick

        return measure_with(driver, asked, **how)
    interval_s = sampling_interval_s(sample_every, name="--sample-every")
    return measure(asked, sample_every_s=interval_s, retries=count_retries(retries, wanted=retry_fixes, url=url), **how)


def refuse_contradictions(
    asked: "Asked", *, model: str | None, server_model: str | None, api_key_env: str | None
) -> None:
    if asked.url is not None and model is not None:
        raise UsageError("a file and --url cannot both be measured", try_=f"--url {asked.url} --model NAME")
    if asked.url is None and (server_model is not None or api_key_env is not None):
        raise UsageError("--model and --api-key-env go with --url", try_="arena run MODEL.gguf for a file")
    if asked.container and asked.program is not None:
        raise UsageError("--program and --container exclude each other", try_="--image NAME:TAG names what is run")
    if asked.slo is not None:
        slo(asked.slo)
    load_options.refuse_bad_files(asked)
    if asked.duration_s is not None and asked.duration_s <= 0:
        raise UsageError("--duration must be above 0", try_="--duration 30s")


def ending(record: "Record") -> int:
    return EXIT_CODES[record.outcome.kind]


def measure(
    asked: "Asked",
    *,
    api_key: str | None,
    sample_every_s: float,
    together: bool,
    as_json: bool,
    plain: bool,
    retries: int = 0,
    exit_code: "Callable[[Record], int]" = ending,
    shown: "Callable[..., None]" = show,
) -> int:
    """Run, keep, show; the exit code says how it ended."""
    from inference_arena.report import Progress  # noqa: PLC0415
    from inference_arena.run import Interrupts, refuse_beside_servers  # noqa: PLC0415
    from inference_arena.store import check_writable, measuring_lock, open_home  # noqa: PLC0415

    home = open_home()
    check_writable(home)
    with ExitStack() as stack:
        interrupts = stack.enter_context(Interrupts())
        stack.enter_context(nullcontext() if together else measuring_lock(home, what=subject(asked)))
        if not together:
            refuse_beside_servers(home, url=asked.url)
        with Progress(plain=plain) as progress:
            record, path = _measured(
                asked, home, progress, interrupts, api_key=api_key, sample_every_s=sample_every_s, retries=retries
            )
        keep(home, record, asked, sample_every_s=sample_every_s)
        try:
            shown(record, path, as_json=as_json)
        except READER_LEFT:
            forget_output()
    return EXIT_CODES["interrupted"] if interrupts.by is not None else exit_code(record)


def _measured(
    asked: "Asked",
    home: "Home",
    progress: "Progress",
    interrupts: "Interrupts",
    *,
    api_key: str | None,
    sample_every_s: float,
    retries: int,
) -> "tuple[Record, Path]":
    from inference_arena.cli.launching import prepare  # noqa: PLC0415
    from inference_arena.hardware import read_host  # noqa: PLC0415
    from inference_arena.run import attempts, conduct  # noqa: PLC0415

    progress.stage("look at machine")
    host = read_host()
    job = prepare(asked, host=host, home=home, progress=progress)
    complain(announcement(job))
    if job.address is None and (held := held_cards(host)):
        complain(held)
    run = partial(
        conduct, home=home, progress=progress, interrupts=interrupts, api_key=api_key, sample_every_s=sample_every_s
    )
    if not retries:
        return run(job)
    return attempts(job, retries=retries, run=run, tell=complain, ended=lambda: interrupts.by is not None)
