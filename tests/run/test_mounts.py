"""Folders with links as people have them: what a container is shown of them, and where."""

from pathlib import Path

from inference_arena.run.mounts import Mount, show_hub_cache, show_model


def at(shown_at: str, mounts: tuple[Mount, ...]) -> str:
    """The file here that a path in the container leads to, by the longest mount that holds it."""
    holding = [m for m in mounts if Path(shown_at).is_relative_to(m.target)]
    best = max(holding, key=lambda mount: len(mount.target))
    return str(Path(best.source, Path(shown_at).relative_to(best.target)))


def a_snapshot(hub: Path) -> Path:
    """As the hub's own client lays it out: files under their hashes, and a folder of links to them."""
    repository = hub / "models--org--name"
    snapshot, blobs = repository / "snapshots" / "abc", repository / "blobs"
    (snapshot / "sub").mkdir(parents=True)
    blobs.mkdir()
    for name in ("one", "two"):
        (blobs / name).write_text(name)
    (snapshot / "config.json").symlink_to("../../blobs/one")
    (snapshot / "sub" / "more.json").symlink_to("../../../blobs/two")
    (snapshot / "plain.txt").write_text("plain")
    return snapshot


def test_a_file_is_shown_alone(tmp_path: Path):
    file = tmp_path / "model.gguf"
    file.touch()
    shown = show_model(file)
    assert shown.mounts == (Mount(source=str(file), target="/models/model.gguf"),)
    assert shown.model == "/models/model.gguf"


def test_a_split_file_is_shown_with_its_other_parts(tmp_path: Path):
    for name in ("m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "other-00001-of-00002.gguf"):
        (tmp_path / name).touch()
    shown = show_model(tmp_path / "m-00001-of-00002.gguf")
    assert [mount.target for mount in shown.mounts] == [
        "/models/m-00001-of-00002.gguf",
        "/models/m-00002-of-00002.gguf",
    ]


def test_a_folder_without_links_is_one_mount_under_its_own_name(tmp_path: Path):
    folder = tmp_path / "Qwen2.5"
    folder.mkdir()
    (folder / "config.json").touch()
    shown = show_model(folder)
    assert shown.mounts == (Mount(source=str(folder), target="/models/Qwen2.5"),)
    assert shown.model == "/models/Qwen2.5"


def test_links_of_a_hub_snapshot_lead_to_their_files_in_the_container_too(tmp_path: Path):
    shown = show_model(a_snapshot(tmp_path))
    assert shown.model == "/models/snapshots/abc"
    assert Path(at("/models/blobs/one", shown.mounts)).read_text() == "one"
    assert Path(at("/models/blobs/two", shown.mounts)).read_text() == "two"
    assert Path(at("/models/snapshots/abc/plain.txt", shown.mounts)).read_text() == "plain"


def test_nothing_beside_what_the_links_lead_to_is_shown(tmp_path: Path):
    snapshot = a_snapshot(tmp_path)
    (snapshot.parents[1] / "blobs" / "private").touch()
    sources = {mount.source for mount in show_model(snapshot).mounts}
    assert sources == {str(snapshot), *(str(snapshot.parents[1] / "blobs" / name) for name in ("one", "two"))}


def test_an_absolute_link_leads_to_the_same_path_in_the_container(tmp_path: Path):
    folder, store = tmp_path / "model", tmp_path / "store"
    folder.mkdir()
    store.mkdir()
    (store / "weights").write_text("w")
    (folder / "weights").symlink_to(store / "weights")
    shown = show_model(folder)
    assert shown.model == "/models/model"
    assert Path(at(str(store / "weights"), shown.mounts)).read_text() == "w"


def test_a_link_to_a_link_is_followed_to_the_file(tmp_path: Path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "file").write_text("f")
    (tmp_path / "hop").symlink_to("file")
    (folder / "weights").symlink_to("../hop")
    shown = show_model(folder)
    assert Path(at("/models/hop", shown.mounts)).read_text() == "f"


def test_a_broken_link_is_left_to_the_engine_to_miss(tmp_path: Path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").symlink_to("../nowhere")
    assert [mount.source for mount in show_model(folder).mounts] == [str(folder)]


def test_a_model_on_the_hub_is_fetched_into_this_machines_cache(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    shown = show_hub_cache("org/name")
    assert shown.mounts == (Mount(source=str(tmp_path / "hf"), target="/hub", writable=True),)
    assert shown.model == "org/name"
