"""Small questions to a server, over real sockets."""

import socket

from inference_arena.run.failure import request_failed
from inference_arena.run.http import get


def test_a_server_that_accepts_and_never_answers_is_told_from_one_that_cannot_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        reply = get(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/models", headers={}, timeout_s=0.2)

    assert (reply.status, reply.failure) == (None, "silent")
    failed = request_failed("probe", failure="silent", detail=reply.error)
    assert "accepted the connection but did not answer" in failed.what
    assert "0.2 s" in failed.why
    assert "loading its model" in failed.advice
