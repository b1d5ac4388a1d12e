"""From what a person asks for to a job: choices are made here, each with its reason, before anything is started."""

from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from inference_arena.checkpoints import GgufHeader, file_sha256, read_gguf
from inference_arena.engines import DIALECTS, ENGINES
from inference_arena.errors import UsageError
from inference_arena.facts import EMBEDDED, Checkpoint, Host, Slo, checkpoint, checkpoint_of_file
from inference_arena.plan import Lengths, Load, Settings, Trial, choose_threads
from inference_arena.record import EngineUsed, ModelUsed
from inference_arena.run.address import locate, parse_address
from inference_arena.run.asked import Asked
from inference_arena.run.job import Job, Limits, Program
from inference_arena.run.loads import make_loads as loads_of
from inference_arena.run.people import capacity_of, shorter
from inference_arena.run.questions import cards_of, slo_of, what_is_asked
from inference_arena.run.questions import make_lengths as lengths_of
from inference_arena.run.scrub import scrub_argv

TEMPLATE_TOKENS: Final = 96  # room for a chat template's own words around a prompt
MOST_SLOTS: Final = 64
OPEN_SLOTS: Final = 8  # for an open load, whose requests at once nobody knows beforehand
ENGINE_OPTIONS: Final = MappingProxyType(
    {
        "engine": "--engine",
        "context_tokens": "--context",
        "parallel": "--parallel",
        "threads": "--threads",
        "kv_cache_type": "--kv-cache-type",
        "gpu_layers": "--gpu-layers",
        "tensor_parallel": "--tensor-parallel",
        "replicas": "--replicas",
        "flags": "--flag",
        "port": "--port",
        "program": "--program",
        "container": "--container",
        "image": "--image",
        "container_engine": "--container-engine",
    }
)


def make_job(asked: Asked, *, host: Host, embedded: Path | None, programs: tuple[Program, ...]) -> Job:
    """The job. `embedded` is the embedded model's file when no model was named; raises UsageError or BadFileError."""
    return _attached(asked, host) if asked.url is not None else _launched(asked, host, embedded, programs)


def for_the_client(asked: Asked) -> dict[str, Any]:
    """For the load process alone: where a trace and prompts of one's own lie, and how many it is to be."""
    paths = {"trace_path": asked.trace, "data_path": asked.data}
    found = {name: str(Path(path).resolve()) for name, path in paths.items() if path is not None}
    return {**found, "client_processes": asked.client_processes}


def goal_of(asked: Asked) -> Slo:
    card, _ = max(cards_of(asked, self_test=is_self_test(asked)), key=lambda pair: pair[1])
    return slo_of(asked, card)


def is_self_test(asked: Asked) -> bool:
    """Nothing was named to measure: machine and tool are tested with the model that comes with the arena."""
    return asked.model is None and asked.url is None


def wants_embedded(asked: Asked) -> bool:
    """The embedded model is to be measured: nothing was named, or it was, by its catalogue name."""
    return is_self_test(asked) or (asked.url is None and asked.model == EMBEDDED and not Path(EMBEDDED).exists())


def _attached(asked: Asked, host: Host) -> Job:
    if given := [option for field, option in ENGINE_OPTIONS.items() if getattr(asked, field) not in {None, ()}]:
        options = ", ".join(given)
        raise UsageError(f"{options} cannot be set on a server that runs already", try_="leave it out with --url")
    assert asked.url is not None
    address = parse_address(asked.url)
    settings = Settings()
    return Job(
        purpose="measurement",
        trial=make_trial(asked, engine="openai", model=asked.model or "first listed", settings=settings),
        host=host,
        model=ModelUsed(name=asked.model or "unknown", weights="unknown"),
        engine=EngineUsed(name="openai", form="attached", location=locate(address.host), effective={}, choices={}),
        limits=Limits(ready_s=asked.ready_limit_s, request_s=asked.request_limit_s),
        address=address,
        asked_model=asked.model,
        **for_the_client(asked),
    )


def _launched(asked: Asked, host: Host, embedded: Path | None, programs: tuple[Program, ...]) -> Job:
    engine = asked.engine or "llamacpp"
    if engine not in ENGINES or engine == "openai":
        known = ", ".join(name for name in ENGINES if name != "openai")
        raise UsageError(f"no engine is called {engine!r}", try_=f"--engine {known}, or --url for a running server")
    refuse_own_flags(engine, asked.flags)
    if several := next((name for name in ("tensor_parallel", "replicas") if getattr(asked, name) is not None), None):
        raise UsageError(
            f"{ENGINE_OPTIONS[several]} has no counterpart in {ENGINES[engine].TITLE}",
            why=DIALECTS[engine].NOT_HERE[several],
            try_="leave it out",
        )
    if ENGINES[engine].FORMAT != "gguf":
        raise UsageError(
            f"{ENGINES[engine].TITLE} does not read GGUF files here",
            why="it is given folders with safetensors, or names on the hub",
            try_="--engine llamacpp, or name a folder or a model of the hub",
        )
    if asked.weights == "dummy":
        raise UsageError(
            f"{ENGINES[engine].TITLE} cannot fill a model with random weights",
            why="it reads its network from the file",
            try_="arena run MODEL --engine vllm --weights dummy",
        )
    path = Path(asked.model).expanduser() if asked.model is not None else embedded
    assert path is not None
    if embedded is not None and not path.exists():
        path = embedded
    header = read_gguf(path)
    sha256 = file_sha256(path)
    card = checkpoint_of_file(sha256)
    loads = make_loads(asked, self_test=is_self_test(asked))
    threads = choose_threads(cores=host.cpu_cores, physical_cores=host.cpu_physical_cores, asked=asked.threads)
    settings = _settings(asked, loads=loads, threads=threads.threads, header=header)
    trial = make_trial(asked, engine=engine, model=_name(path, card), settings=settings)
    return Job(
        purpose="self-test" if is_self_test(asked) else "measurement",
        trial=trial,
        host=host,
        model=_model(path, header, card, sha256=sha256),
        engine=_engine(engine, asked, settings=settings, reason=threads.reason, programs=programs),
        limits=Limits(ready_s=asked.ready_limit_s, request_s=asked.request_limit_s),
        programs=programs,
        model_path=str(path.resolve()),
        port=asked.port,
        **for_the_client(asked),
    )


def refuse_own_flags(engine: str, flags: tuple[str, ...]) -> None:
    """Where the engine listens and what it loads is the arena's to say: it would wait elsewhere in vain."""
    own = ENGINES[engine].OWN_FLAGS
    names = [flag.partition("=")[0] for flag in flags]
    taken = next((name for name in names if name in own), None)
    if taken is not None:
        raise UsageError(f"--flag cannot set {taken}", why="the arena sets it itself", try_=own[taken])


def _engine(name: str, asked: Asked, *, settings: Settings, reason: str, programs: tuple[Program, ...]) -> EngineUsed:
    contained = next((program for program in programs if program.form == "container"), None)
    effective = {key: value for key, value in settings.model_dump().items() if value is not None and key != "flags"}
    choices = {
        "threads": reason,
        "parallel": "asked for" if asked.parallel else f"as many as requests at once, at most {MOST_SLOTS}",
        "context_tokens": "asked for" if asked.context_tokens else "the longest prompt and answer of this load",
        **({} if contained is None else {"program": contained.why}),
    }
    return EngineUsed(
        name=name,
        version=None if contained is None else contained.version,
        form="process" if contained is None else "container",
        image=None if contained is None else contained.image,
        location="same-host",
        effective=effective,
        choices=choices,
        user_flags=scrub_argv(asked.flags),
    )


def make_loads(asked: Asked, *, self_test: bool) -> tuple[Load, ...]:
    card, _ = max(cards_of(asked, self_test=self_test), key=lambda pair: pair[1])
    return loads_of(asked, card=card, self_test=self_test)


def _settings(asked: Asked, *, loads: tuple[Load, ...], threads: int, header: GgufHeader) -> Settings:
    lengths = make_lengths(asked)
    streams = max((load.concurrency or OPEN_SLOTS for load in loads), default=1)
    need = lengths.longest_tokens + TEMPLATE_TOKENS
    _refuse_longer_than_trained(asked, header)
    if header.context_tokens is not None and need > header.context_tokens:
        raise UsageError(
            f"prompt and answer come to {need} tokens, and the model was trained for {header.context_tokens}",
            try_=shorter(asked),
        )
    if asked.context_tokens is not None and asked.context_tokens < lengths.longest_tokens:
        raise UsageError(
            f"--context {asked.context_tokens} is less than prompt and answer, {lengths.longest_tokens} tokens",
            try_=f"--context {need}",
        )
    return Settings(
        context_tokens=asked.context_tokens or -(-need // 256) * 256,
        parallel=asked.parallel or min(MOST_SLOTS, streams),
        threads=threads,
        kv_cache_type=asked.kv_cache_type,
        gpu_layers=asked.gpu_layers,
        flags=asked.flags,
    )


def _refuse_longer_than_trained(asked: Asked, header: GgufHeader) -> None:
    """`--context` beyond the model's own: an engine may reserve memory for it for minutes before it gives up."""
    most, wanted = header.context_tokens, asked.context_tokens
    if most is not None and wanted is not None and wanted > most:
        raise UsageError(
            f"--context {wanted} is more than the model's own context, {most} tokens",
            why="the model was not trained for text that long",
            try_=f"--context {most}, or less",
        )


def make_lengths(asked: Asked) -> Lengths:
    """The workload's lengths, less what was named."""
    return lengths_of(asked, self_test=is_self_test(asked))


def make_trial(asked: Asked, *, engine: str, model: str, settings: Settings) -> Trial:
    self_test = is_self_test(asked)
    return Trial(
        engine=engine,
        model=model,
        endpoint=asked.endpoint,
        settings=settings,
        loads=make_loads(asked, self_test=self_test),
        repeats=asked.repeats,
        seed=asked.seed,
        capacity=capacity_of(asked),
        **what_is_asked(asked, self_test=self_test),
    )


def _name(path: Path, card: Checkpoint | None) -> str:
    return card.name if card is not None else path.stem


def _model(path: Path, header: GgufHeader, card: Checkpoint | None, *, sha256: str) -> ModelUsed:
    """What the file says, and the catalogue's name for it where its hash is known there."""
    return ModelUsed(
        name=_name(path, card),
        checkpoint=None if card is None else card.name,
        architecture=header.architecture,
        quantization=header.quantization,
        parameters=header.parameters,
        context_tokens=header.context_tokens,
        file_sha256=sha256,
        file_bytes=header.file_bytes,
        license=header.license,
        weights="real",
    )


def embedded_card() -> Checkpoint:
    return checkpoint(EMBEDDED)
