"""From what people type after --url to where requests go."""

import ipaddress
import socket
from typing import Literal
from urllib.parse import urlsplit

from inference_arena.errors import UsageError
from inference_arena.facts import Fact
from inference_arena.load import Target

Location = Literal["same-host", "private-network", "internet"]


class Address(Fact):
    """A server's API, without its trailing slash: http://host:port/v1."""

    host: str
    port: int
    tls: bool
    base_path: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{self.base_path}"

    def target(self, endpoint: Literal["chat", "completions"], headers: tuple[tuple[str, str], ...]) -> Target:
        last = "/chat/completions" if endpoint == "chat" else "/completions"
        return Target(host=self.host, port=self.port, tls=self.tls, path=self.base_path + last, headers=headers)


def parse_address(text: str) -> Address:
    """The API behind a URL; a missing scheme is http, a missing path is /v1. Raises UsageError."""
    example = "--url http://127.0.0.1:8000/v1"
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
    except ValueError as error:
        raise UsageError(f"not an address: {text!r}", why=str(error), try_=example) from error
    if parts.scheme not in {"http", "https"}:
        raise UsageError(f"--url takes http or https, not {parts.scheme!r}", try_=example)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"not an address: {text!r}", why=str(error), try_=example) from error
    if parts.username or parts.password:
        raise UsageError("--url must not hold a name or password", try_="--api-key-env NAME for a key")
    if not host or any(c.isspace() for c in text):
        raise UsageError(f"not an address: {text!r}", try_=example)
    tls = parts.scheme == "https"
    path = parts.path.rstrip("/").removesuffix("/completions").removesuffix("/chat")
    return Address(host=host, port=port or (443 if tls else 80), tls=tls, base_path=path or "/v1")


def locate(host: str) -> Location:
    """How far away a host is; one whose name cannot be resolved counts as the internet."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
        addresses = [ipaddress.ip_address(str(address).partition("%")[0]) for address in found]
    except (OSError, ValueError):
        return "internet"
    if addresses and all(address.is_loopback for address in addresses):
        return "same-host"
    return "private-network" if addresses and all(address.is_private for address in addresses) else "internet"
