"""How much one truth server can serve: tokens/s and requests/s into a trivial epoll client, in about six seconds.

Run `python benchmarks/truth_server.py`. The client is this process: it counts bytes' ends and parses nothing.
A server that is behind joins overdue tokens into one write, so writes/s shows its true ceiling.
"""

import json
import select
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from inference_arena.load.truth import Script, Sent, TruthServer, start_truth_server

CONNECTIONS = 64
SECONDS = 1.5
END = b"0\r\n\r\n"


def request_bytes() -> bytes:
    body = json.dumps({"messages": [{"role": "user", "content": "say it"}], "stream": True}).encode()
    return b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def drain(server: TruthServer, *, again_until_s: float) -> None:
    """Closed loop on every connection until that time; then waits for the answers under way."""
    request, epoll = request_bytes(), select.epoll()
    socks = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(CONNECTIONS)]
    by_fd = {sock.fileno(): sock for sock in socks}
    for fd, sock in by_fd.items():
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        epoll.register(fd, select.EPOLLIN)
        sock.send(request)
    open_answers = CONNECTIONS
    while open_answers:
        for fd, _ in epoll.poll():
            if not by_fd[fd].recv(262_144).endswith(END):
                continue
            if time.monotonic() < again_until_s:
                by_fd[fd].send(request)
            else:
                open_answers -= 1
    for sock in socks:
        sock.close()


def measure(script: Script, *, seconds: float) -> Sequence[Sent]:
    with tempfile.TemporaryDirectory() as folder:
        with start_truth_server(script, log_path=Path(folder) / "log") as server:
            drain(server, again_until_s=time.monotonic() + seconds)
        return server.sent()


def stream(*, offered_per_s: int) -> str:
    interval_s = CONNECTIONS / offered_per_s
    script = Script(tokens=int(SECONDS / interval_s), ttft_s=0.05, token_interval_s=interval_s)
    log = measure(script, seconds=0.0)
    times_s = sorted(at_s for sent in log for at_s, _ in sent.sends)
    late_s = sorted(late for sent in log for late in lateness_s(sent, interval_s=interval_s))
    spent_s = times_s[-1] - times_s[0]
    tokens_per_s, writes_per_s = sum(sent.tokens for sent in log) / spent_s, len(times_s) / spent_s
    p50_ms, p99_ms = (late_s[int(len(late_s) * share)] * 1e3 for share in (0.5, 0.99))
    return (
        f"offered {offered_per_s:>7,} tokens/s: {tokens_per_s:>8,.0f} tokens/s in {writes_per_s:>8,.0f} writes/s, "
        f"late by {p50_ms:.2f} ms (p50) {p99_ms:.2f} ms (p99)"
    )


def lateness_s(sent: Sent, *, interval_s: float) -> list[float]:
    assert sent.first_due_s is not None
    late, done = [], 0
    for at_s, tokens in sent.sends:
        late.append(at_s - sent.first_due_s - done * interval_s)
        done += tokens
    return late


def requests() -> str:
    log = measure(Script(tokens=1, ttft_s=0.0), seconds=SECONDS)
    times_s = [sent.ended_s for sent in log]
    return f"one-token answers, {CONNECTIONS} at once: {len(log) / (max(times_s) - min(times_s)):,.0f} requests/s"


def main() -> None:
    for offered_per_s in (6_400, 50_000, 200_000):
        print(stream(offered_per_s=offered_per_s))
    print(requests())


if __name__ == "__main__":
    main()
