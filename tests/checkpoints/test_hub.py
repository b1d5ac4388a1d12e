"""The model hub, played by a server on loopback that speaks its paths and answers range requests."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from inference_arena.checkpoints import HubReader, read_model
from inference_arena.errors import ArenaError, NotFoundError
from safetensors_files import llama_config, write_model

TODAY = date(2026, 11, 24)
PARAMETERS = 2 * 512 * 64 + 64 + 2 * (2 * 64 * 64 + 2 * 16 * 64 + 3 * 64 * 96 + 2 * 64)


class Hub:
    """Serves the folders below `root` as repositories; `asked` are paths with the bytes that each was given."""

    def __init__(self, root: Path) -> None:
        self.root, self.asked, self.stalls = root, [], False
        self.address = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.stalls:
            threading.Event().wait(5)
        owner, name, _, _, file = handler.path.strip("/").split("/", 4)
        folder, path = self.root / owner / name, self.root / owner / name / file
        code = None if folder.is_dir() else "RepoNotFound"
        if name == "gated":
            code = "GatedRepo"
        elif code is None and not path.is_file():
            code = "EntryNotFound"
        if code is not None:
            handler.send_response(403 if code == "GatedRepo" else 404)
            handler.send_header("X-Error-Code", code)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        self.send(handler, path.read_bytes(), wanted=handler.headers.get("Range"))

    def send(self, handler: BaseHTTPRequestHandler, data: bytes, *, wanted: str | None) -> None:
        whole = len(data)
        if wanted:
            first, last = wanted.removeprefix("bytes=").split("-")
            data = data[int(first) : int(last) + 1]
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {first}-{int(first) + len(data) - 1}/{whole}")
        else:
            handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        self.asked.append((handler.path, len(data)))


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    hub = Hub(root)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(tmp_path / "hub") as found:
        yield found


def reader(hub: Hub, tmp_path: Path, **options: float) -> HubReader:
    return HubReader(cache_dir=tmp_path / "cache", today=TODAY, endpoint=hub.address, **options)


@pytest.mark.parametrize("shards", [1, 3])
def test_a_name_on_the_hub_is_read_by_headers_only(shards, hub, tmp_path):
    folder = write_model(hub.root / "owner" / "Small", shards=shards)
    # weights so large that reading them would be seen
    for path in folder.glob("*.safetensors"):
        path.write_bytes(path.read_bytes() + bytes(2 * 1024**2))
    found = read_model("owner/Small", hub=reader(hub, tmp_path), today=TODAY)

    assert (found.model.name, found.model.parameters) == ("small", PARAMETERS)
    assert found.checkpoint.weight_bytes == 2 * PARAMETERS
    assert found.checkpoint.repository == "owner/Small"
    assert max(size for path, size in hub.asked if path.endswith(".safetensors")) <= 100_001


def test_a_second_reading_needs_no_hub(hub, tmp_path):
    write_model(hub.root / "owner" / "small")
    first = read_model("owner/small", hub=reader(hub, tmp_path), today=TODAY)
    asked = len(hub.asked)
    gone = HubReader(cache_dir=tmp_path / "cache", today=date(2027, 1, 1), endpoint="http://127.0.0.1:9")

    assert read_model("owner/small", hub=gone, today=TODAY) == first
    assert len(hub.asked) == asked
    assert "2026-11-24" in first.model.source


def test_a_copy_that_is_damaged_is_fetched_anew(hub, tmp_path):
    write_model(hub.root / "owner" / "small")
    first = read_model("owner/small", hub=reader(hub, tmp_path), today=TODAY)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-9])

    assert read_model("owner/small", hub=reader(hub, tmp_path), today=TODAY) == first


def test_a_repository_without_safetensors_is_known_by_its_config(hub, tmp_path):
    folder = hub.root / "owner" / "bare"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(llama_config()))
    found = read_model("owner/bare", hub=reader(hub, tmp_path), today=TODAY)

    assert (found.model.parameters, found.checkpoint.weight_bytes) == (PARAMETERS, None)
    assert any("computed" in note for note in found.notes)


def test_what_is_not_there_is_said_with_what_to_try(hub, tmp_path):
    (hub.root / "owner" / "files").mkdir(parents=True)
    (hub.root / "owner" / "gated").mkdir(parents=True)
    asked = reader(hub, tmp_path)

    for name, error, word in (
        ("owner/none", NotFoundError, "no owner/none"),
        ("owner/files", NotFoundError, r"no config\.json"),
        ("owner/gated", ArenaError, "gated"),
    ):
        with pytest.raises(error, match=word) as caught:
            read_model(name, hub=asked, today=TODAY)
        assert caught.value.try_
    assert not (tmp_path / "cache").exists()


def test_a_hub_out_of_reach_is_one_clear_error(tmp_path):
    gone = HubReader(cache_dir=tmp_path, today=TODAY, endpoint="http://127.0.0.1:9")
    with pytest.raises(ArenaError, match="could not be read off the model hub") as caught:
        read_model("owner/small", hub=gone, today=TODAY)

    assert "network" in caught.value.try_


def test_a_hub_that_does_not_answer_is_given_up(hub, tmp_path):
    write_model(hub.root / "owner" / "small")
    hub.stalls = True
    with pytest.raises(ArenaError, match="could not be read"):
        read_model("owner/small", hub=reader(hub, tmp_path, timeout_s=0.3), today=TODAY)


def test_a_hostile_config_on_the_hub_is_a_bad_file_too(hub, tmp_path):
    folder = write_model(hub.root / "owner" / "small")
    (folder / "config.json").write_text(json.dumps(llama_config(num_hidden_layers=10**9)))
    with pytest.raises(ArenaError, match="num_hidden_layers"):
        read_model("owner/small", hub=reader(hub, tmp_path), today=TODAY)
