"""`arena` in this process, as `main` calls it, with every connection to the outside refused."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

from inference_arena.cli.verbs import invoke


@dataclass(frozen=True, slots=True)
class Done:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)


def _refuse(*_arguments: object, **_named: object) -> NoReturn:
    raise AssertionError("the network was touched")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, _refuse)
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)


@pytest.fixture
def offline_arena(home, no_network, capsys) -> Callable[..., Done]:
    def call(*words: object) -> Done:
        capsys.readouterr()
        code = invoke([str(word) for word in words])
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return call
