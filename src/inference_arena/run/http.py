"""Small questions to a server beside the load: is it there, what does it serve. Bounded in time and size."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from inference_arena.facts import Fact
from inference_arena.load import connect_failure

MOST_BYTES: Final = 1024 * 1024


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: followed, it would carry the key to whoever it names."""

    def redirect_request(self, *_: Any) -> None:
        return None


# loopback must be reached as it is, whatever proxy the environment names
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


class Reply(Fact):
    """A server's answer; `status` is None when none came and `error` says why."""

    status: int | None
    content_type: str = ""
    body: bytes = b""
    location: str | None = None  # where a redirect points
    error: str | None = None
    failure: str | None = None  # as the load client would name it

    def document(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def get(url: str, *, headers: Mapping[str, str], timeout_s: float) -> Reply:
    """GET it; never raises for what a server does."""
    return _ask(urllib.request.Request(url, headers=dict(headers)), timeout_s=timeout_s)  # noqa: S310  # checked on entry


def post(url: str, *, headers: Mapping[str, str], timeout_s: float, document: Any = None) -> Reply:
    """POST a JSON document, or nothing; never raises for what a server does."""
    body = b"" if document is None else json.dumps(document).encode()
    kind = {} if document is None else {"Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers={**headers, **kind}, method="POST")  # noqa: S310  # as above
    return _ask(request, timeout_s=timeout_s)


def _ask(request: urllib.request.Request, *, timeout_s: float) -> Reply:
    try:
        with _OPENER.open(request, timeout=timeout_s) as response:
            kind = response.headers.get("Content-Type") or ""
            return Reply(status=response.status, content_type=kind, body=response.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            kind = error.headers.get("Content-Type") or ""
            location = error.headers.get("Location")
            return Reply(status=error.code, content_type=kind, body=_rest(error), location=location)
    except TimeoutError:  # one before the connection comes inside a URLError
        return Reply(status=None, error=f"no answer within {timeout_s:g} s of the request", failure="silent")
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        failure = connect_failure(reason)[0] if isinstance(reason, OSError) else "not-http"
        return Reply(status=None, error=str(reason) or type(error).__name__, failure=failure)


def _rest(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read(MOST_BYTES)
    except (OSError, http.client.HTTPException):
        return b""
