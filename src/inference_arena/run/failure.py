"""A run that did not work, as an exception inside `run` and as an outcome in the record."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from inference_arena.engines import Diagnosis
from inference_arena.errors import ArenaError
from inference_arena.record import Failed, Stage


class RunFailed(ArenaError):  # noqa: N818  # reads as what happened
    """Ends the run; the record keeps it. `worth_another_program`: this build, not the model, may be at fault."""

    def __init__(self, failed: Failed, *, worth_another_program: bool = False) -> None:
        super().__init__(failed.what, why=failed.why, try_=failed.advice)
        self.failed = failed
        self.worth_another_program = worth_another_program


def from_diagnosis(stage: Stage, diagnosis: Diagnosis) -> Failed:
    return Failed(
        stage=stage,
        cause=diagnosis.cause,
        what=diagnosis.what,
        why=diagnosis.why,
        advice=diagnosis.advice,
        evidence=diagnosis.evidence,
        flags=diagnosis.flags,
        drops=diagnosis.drops,
        engine_stage=diagnosis.stage,
        reproduced=diagnosis.reproduced,
    )


# failure of a request -> (what it means, what to try)
_REQUEST_FAILURES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "connection-refused": ("nothing listens at that address", "start it, or correct host and port in --url"),
        "unknown-host": ("the host name is not known", "correct the host in --url"),
        "connect-timeout": ("no connection came about in time", "check that the address is reachable from here"),
        "silent": (
            "the server accepted the connection but did not answer in time",
            "see whether the engine is still loading its model, and run again when it is ready",
        ),
        "connect-failed": ("no connection came about", "check that the address is reachable from here"),
        "too-many-connections": (
            "this machine cannot hold so many connections at once",
            "lower the load, or allow more open files: ulimit -n",
        ),
        "no-answer": (
            "no request of the measured time was answered",
            "give each point more time with --duration, or another load",
        ),
        "connection-reset": ("the server broke the connection off", "look at the server's log"),
        "connection-closed": ("the server closed the connection without an answer", "look at the server's log"),
        "tls": (
            "no safe connection came about",
            "http:// in --url for a server without TLS; SSL_CERT_FILE=FILE for a certificate of your own",
        ),
        "timeout": (
            "the server accepted the request and never finished it",
            "look at the server's log, or raise --request-timeout",
        ),
        "not-http": ("what answers there does not speak HTTP", "correct the port in --url"),
        "not-a-stream": (
            "what answers there is no OpenAI-compatible stream",
            "--url must name the API, for instance http://127.0.0.1:8000/v1",
        ),
        "garbage": ("the stream holds lines that are no JSON", "check that the address is an OpenAI-compatible server"),
        "stream-error": ("the server reported an error while it answered", "look at the server's log"),
        "empty-answer": ("the answer ended without a single token", "try the model by hand; name another with --model"),
        "cut-short": ("the answer ended without a finish reason", "look at the server's log"),
        "too-much-data": ("the answer never ended", "check that the address is an OpenAI-compatible server"),
        "http-400": ("the server refused the request", "try another --endpoint or --model"),
        "http-401": ("the server wants a key", "name the environment variable that holds it: --api-key-env NAME"),
        "http-403": ("the server refuses this key", "check the key behind --api-key-env"),
        "http-404": ("the server does not have that address or model", "check --url (ends in /v1) and --model"),
        "http-422": ("the server refused the request", "read its words above"),
        "http-429": ("the server limits requests", "wait, or lower the load; a limited server cannot be measured"),
    }
)  # fmt: skip


def request_failed(stage: Stage, *, failure: str, detail: str | None) -> Failed:
    """A failed request said in a sentence; an unknown kind keeps its name."""
    server_fault = ("the server failed", "look at the server's log")
    fallback = server_fault if failure.startswith("http-5") else (f"the request failed: {failure}", server_fault[1])
    what, advice = _REQUEST_FAILURES.get(failure, fallback)
    why = failure if not detail else f"{failure}: {detail}"
    return Failed(stage=stage, cause=failure, what=what, why=why, advice=advice)
