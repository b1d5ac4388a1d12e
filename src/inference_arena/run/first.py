"""The first requests to a server that says it is ready: does it answer, what does it refuse, how long is a word.

They go through the same load process as the measurement, so what works here works there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inference_arena.engines import model_ids
from inference_arena.load import LoadFleet, LoadProcess, PointPlan, Target, Wording, decode, read_raw
from inference_arena.plan import Lengths, Load
from inference_arena.record import Failed, RepeatSample, RequestTrace, Stage
from inference_arena.run.address import Address
from inference_arena.run.failure import RunFailed, request_failed
from inference_arena.run.http import Reply, get
from inference_arena.run.job import Job
from inference_arena.run.scrub import mask

SHORT_WORDS: Final = 8
CACHE: Final = "cache_prompt"
# what a server may refuse that a measurement can do without, after the cache and what forces the length
OPTIONAL: Final = ("temperature", "stream_options")
REFUSALS: Final = frozenset({"http-400", "http-422", "http-500", "http-501"})
LISTING_TIMEOUT_S: Final = 10.0
TEXT_WORDS: Final = 120
EXACT_TOKENS: Final = 60
REPEAT_WORDS: Final = 12
REPEATED: Final = Lengths(input_tokens=REPEAT_WORDS, output_tokens=24, output_jitter=0.0)
MOST_OVERHEAD: Final = 2000  # of a chat template
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Acquainted:
    """What the first requests taught."""

    target: Target
    engine_name: str
    parameters: Mapping[str, Any]
    dropped: tuple[str, ...]
    wording: Wording
    first_request_s: float | None
    answer_s: float
    repeat: RepeatSample | None = None


def key_headers(api_key: str | None) -> Headers:
    return (("Authorization", f"Bearer {api_key}"),) if api_key else ()


def key_in(flags: Sequence[str]) -> str | None:
    """The key that a flag makes the launched engine ask for, which is then ours to send."""
    for flag, following in zip(flags, (*flags[1:], ""), strict=False):
        name, _, value = flag.partition("=")
        if name == "--api-key":
            return (value or following).split(",")[0] or None
    return None


def list_models(address: Address, *, headers: Headers) -> Reply:
    return get(f"{address.url}/models", headers=dict(headers), timeout_s=LISTING_TIMEOUT_S)


def choose_model(job: Job, reply: Reply) -> str:
    """The model to ask for: the one named, else the server's first. Raises RunFailed when there is none to choose."""
    return job.asked_model if job.asked_model is not None else _first_listed(reply)


def first_model(address: Address, *, headers: Headers) -> str:
    """The server's first model. Raises RunFailed when it names none."""
    return _first_listed(list_models(address, headers=headers))


def _first_listed(reply: Reply) -> str:
    offered = model_ids(reply.document())
    if reply.status == 200 and offered:
        return offered[0]
    if reply.status in {401, 403}:
        raise RunFailed(request_failed("probe", failure=f"http-{reply.status}", detail="asked for its list of models"))
    if reply.location is not None:
        raise RunFailed(_moved(reply))
    if reply.failure is not None:
        raise RunFailed(request_failed("probe", failure=reply.failure, detail=reply.error))
    why = reply.error or f"GET /models answered HTTP {reply.status}, {reply.content_type or 'no content type'}"
    raise RunFailed(
        Failed(
            stage="probe",
            cause="no-model-list",
            what="the server names no model to measure",
            why=why,
            advice="name it with --model, and check that --url names the API, for instance http://127.0.0.1:8000/v1",
        )
    )


def _moved(reply: Reply) -> Failed:
    return Failed(
        stage="probe",
        cause=f"http-{reply.status}",
        what="the server sends us elsewhere",
        why=f"GET /models answered HTTP {reply.status}, Location: {reply.location}",
        advice="name the address that it points to with --url",
    )


def get_acquainted(
    job: Job,
    *,
    load: LoadFleet | LoadProcess,
    target: Target,
    engine_name: str,
    model: str,
    extra: Mapping[str, Any],
    folder: Path,
    clock_zero_s: float,
    count_words: Callable[[], dict[str, int] | None] = lambda: None,
) -> Acquainted:
    """Two short requests, the second of the wanted length. Raises RunFailed when no answer comes of them.

    One more for each kind of text that is not plain, and one where the engine's tokenizer can count our words.
    """
    forcing = tuple(name for name in extra if name != CACHE)
    kept = extra if job.trial.lengths.ignore_eos else {name: extra[name] for name in extra if name == CACHE}
    wanted: dict[str, Any] = {"model": model, "temperature": 0, "stream_options": {"include_usage": True}, **kept}

    def ask(parameters: Mapping[str, Any], words: int, **fields: Any) -> RequestTrace:
        plan = _plan(job, target, parameters, words=words, raw_path=folder / "first.raw", clock_zero_s=clock_zero_s)
        return ask_once(load, plan.model_copy(update=fields))

    first, parameters, dropped = _without_what_is_refused(
        lambda sent: ask(sent, SHORT_WORDS), wanted, (CACHE, *forcing, *OPTIONAL)
    )
    words = Wording().words(job.trial.lengths.input_tokens)
    second = ask(parameters, words)
    _must_be_ok(second, "probe")
    wording = learn_wording(first, second, words=words)
    wording = learn_texts(wording, job, lambda texts: ask(parameters, TEXT_WORDS, texts=texts))
    wording = learn_counts(wording, count_words(), lambda exact: ask(parameters, EXACT_TOKENS, wording=exact))
    return Acquainted(
        target=target,
        engine_name=engine_name,
        parameters=parameters,
        dropped=dropped,
        wording=wording,
        first_request_s=_took(first),
        answer_s=estimate_answer_s(second, tokens=job.trial.lengths.output_tokens),
        repeat=None if job.address is None else asked_twice(lambda: ask(parameters, REPEAT_WORDS, lengths=REPEATED)),
    )


def asked_twice(ask: Callable[[], RequestTrace]) -> RepeatSample | None:
    """The same short question again: whether somebody keeps answers. None where it was not answered both times."""
    first, again = ask(), ask()
    if first.result != "ok" or again.result != "ok":
        return None
    took = _took(first), _took(again)
    if took[0] is None or took[1] is None:
        return None
    same = first.answer_sha256 is not None and first.answer_sha256 == again.answer_sha256
    return RepeatSample(first_s=round(took[0], 6), again_s=round(took[1], 6), same_answer=same)


def _without_what_is_refused(
    ask: Callable[[Mapping[str, Any]], RequestTrace], parameters: Mapping[str, Any], optional: Sequence[str]
) -> tuple[RequestTrace, Mapping[str, Any], tuple[str, ...]]:
    """Drop optional parameters one by one while the server refuses the request; a refusal of the rest is final."""
    dropped: tuple[str, ...] = ()
    first = trace = ask(parameters)
    for name in optional:
        if trace.failure not in REFUSALS:
            break
        if name in parameters:
            parameters = {key: value for key, value in parameters.items() if key != name}
            dropped = (*dropped, name)
            trace = ask(parameters)
    if trace.result != "ok":
        _must_be_ok(first, "probe")
    return trace, parameters, dropped


def _must_be_ok(trace: RequestTrace, stage: Stage) -> None:
    if trace.result != "ok":
        raise RunFailed(request_failed(stage, failure=trace.failure or trace.result, detail=trace.detail))


def ask_once(load: LoadFleet | LoadProcess, plan: PointPlan) -> RequestTrace:
    """One request, measured like any other."""
    path = Path(plan.raw_path)
    secrets = [value.removeprefix("Bearer ") for _, value in plan.target.headers]
    try:
        load.drive(plan, on_tick=lambda _: None)
        traces = [decode(head, mask(body, secrets)) for head, body in read_raw(path)]
    finally:
        path.unlink(missing_ok=True)
    return min(traces, key=lambda trace: trace.request)


def _plan(
    job: Job, target: Target, parameters: Mapping[str, Any], *, words: int, raw_path: Path, clock_zero_s: float
) -> PointPlan:
    tokens = 4
    return PointPlan(
        point=-1,
        seed=job.trial.seed + words,
        target=target,
        endpoint=job.trial.endpoint,
        parameters=dict(parameters),
        load=Load(kind="closed", concurrency=1, warmup_s=0.0, requests=1),
        lengths=Lengths(input_tokens=words, output_tokens=tokens, output_jitter=0.0),
        wording=Wording(tokens_per_word=1.0),
        expected_requests=1,
        request_timeout_s=job.limits.request_s,
        warmup_limit_s=1.0,
        drain_limit_s=job.limits.request_s + 1.0,
        raw_path=str(raw_path),
        clock_zero_s=clock_zero_s,
    )


def learn_wording(first: RequestTrace, second: RequestTrace, *, words: int) -> Wording:
    """Tokens per word and the chat template's share, from two prompts; a guess where the server does not count."""
    if first.input_tokens is None or second.input_tokens is None or words <= SHORT_WORDS:
        return Wording()
    per_word = (second.input_tokens - first.input_tokens) / (words - SHORT_WORDS)
    if not 0.3 < per_word < 10:
        return Wording()
    overhead = max(0, round(first.input_tokens - SHORT_WORDS * per_word))
    return Wording(tokens_per_word=per_word, overhead_tokens=overhead)


def learn_texts(wording: Wording, job: Job, ask: Callable[[str], RequestTrace]) -> Wording:
    """Tokens per word of source files and of tools' results, where the load asks for such."""
    trial = job.trial
    wanted = {trial.texts, *(kind.texts for kind in trial.mix or ())} - {None, "notes"}
    told: dict[str, float] = {}
    for texts in sorted(text for text in wanted if text is not None):
        trace = ask(texts)
        per_word = None if trace.input_tokens is None else (trace.input_tokens - wording.overhead_tokens) / TEXT_WORDS
        if trace.result == "ok" and per_word is not None and 0.3 < per_word < 20:
            told[texts] = per_word
    return wording.model_copy(update={"other_texts": told}) if told else wording


def learn_counts(wording: Wording, counts: dict[str, int] | None, ask: Callable[[Wording], RequestTrace]) -> Wording:
    """Exact prompts where the engine's count of our words holds in a real request; else the wording as it was."""
    if counts is None:
        return wording
    trace = ask(Wording(tokens_per_word=1.0, word_tokens=counts))
    if trace.result != "ok" or trace.input_tokens is None:
        return wording
    overhead = trace.input_tokens - EXACT_TOKENS
    if not 0 <= overhead <= MOST_OVERHEAD:
        return wording
    return wording.model_copy(update={"word_tokens": counts, "overhead_tokens": overhead})


def _took(trace: RequestTrace) -> float | None:
    return trace.ended_s - trace.sent_s if trace.ended_s is not None and trace.sent_s is not None else None


def estimate_answer_s(trace: RequestTrace, *, tokens: int) -> float:
    """How long one answer of so many tokens takes alone: first token, then the rest at the pace seen."""
    took_s = _took(trace) or 1.0
    if len(trace.read_s) < 2 or trace.sent_s is None:
        return took_s
    pace_s = (trace.read_s[-1] - trace.read_s[0]) / max(1, sum(trace.read_tokens[1:]))
    return (trace.read_s[0] - trace.sent_s) + pace_s * tokens
