"""Records of strangers: taken byte for byte, or refused with nothing left behind."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile

import pytest

from inference_arena.errors import ArenaError, BadFileError, NotFoundError, StorageError
from inference_arena.exchange import export_archive, import_record
from inference_arena.store import load_record, open_home, record_ids

ID = "20261123-120101-aaaaaa"


@pytest.fixture
def record_path(builders, keep):
    return keep(builders.a_record(ID), log="started\n")


@pytest.fixture
def archive(record_path, tmp_path):
    export_archive(record_path, tmp_path / "it.arena.tar.gz")
    return tmp_path / "it.arena.tar.gz"


@pytest.fixture
def other_home(tmp_path):
    return open_home(tmp_path / "other")


@pytest.fixture
def contents(record_path):
    """Name and bytes of every member."""
    return {f"{ID}/{path.name}": path.read_bytes() for path in record_path.iterdir()}


@pytest.fixture
def refused(other_home, tmp_path):
    """Imports bytes or a directory and returns why it is refused, after seeing that nothing was kept."""

    def check(source, **options):
        if isinstance(source, bytes):
            (tmp_path / "hostile.tar.gz").write_bytes(source)
            source = tmp_path / "hostile.tar.gz"
        with pytest.raises(BadFileError) as caught:
            import_record(other_home, source, **options)
        assert list(other_home.records.iterdir()) == []
        assert ".tmp-" not in str(caught.value)
        return str(caught.value)

    return check


def packed(members, *, form=tarfile.USTAR_FORMAT):
    """An archive of (TarInfo or name, bytes) pairs."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=form) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def special(name, kind, *, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_a_record_travels_byte_for_byte(record_path, archive, other_home):
    assert import_record(other_home, archive) == (ID, True)

    arrived = other_home.records / ID
    assert {p.name: p.read_bytes() for p in arrived.iterdir()} == {
        p.name: p.read_bytes() for p in record_path.iterdir()
    }


def test_equal_records_make_equal_archives_whatever_the_times_of_the_files(record_path, archive, other_home, tmp_path):
    import_record(other_home, archive)
    export_archive(other_home.records / ID, tmp_path / "again")

    assert (tmp_path / "again").read_bytes() == archive.read_bytes()


def test_an_archive_opens_with_the_usual_tools_and_names_nobody(archive):
    with tarfile.open(archive) as tar:
        members = tar.getmembers()

    assert [member.name for member in members] == [
        f"{ID}/{name}" for name in ("record.json", "requests.jsonl.gz", "samples.jsonl.gz", "engine.log.gz")
    ]
    assert {(member.uname, member.uid, member.mtime, member.mode) for member in members} == {("", 0, 0, 0o644)}


def test_the_log_can_be_left_out(record_path, other_home, tmp_path):
    export_archive(record_path, tmp_path / "short", with_log=False)
    import_record(other_home, tmp_path / "short")

    assert not (other_home.records / ID / "engine.log.gz").exists()


def test_an_export_into_a_missing_folder_is_an_error_that_names_it(record_path, tmp_path):
    with pytest.raises(StorageError, match="could not be written"):
        export_archive(record_path, tmp_path / "no" / "such" / "folder.tar.gz")


def test_a_directory_is_imported_like_an_archive(record_path, other_home):
    assert import_record(other_home, record_path) == (ID, True)
    assert load_record(other_home.records / ID) == load_record(record_path)


def test_importing_twice_changes_nothing(archive, other_home):
    import_record(other_home, archive)

    assert import_record(other_home, archive) == (ID, False)
    assert record_ids(other_home) == [ID]
    assert len(list(other_home.records.iterdir())) == 1


def test_another_record_under_the_same_id_is_refused_and_the_first_stays(home, archive, contents, tmp_path):
    before = (home.records / ID / "record.json").read_bytes()
    changed = json.loads(contents[f"{ID}/record.json"]) | {"notes": ["faster than it was"]}
    contents[f"{ID}/record.json"] = json.dumps(changed).encode()
    (tmp_path / "changed").write_bytes(packed(contents.items()))

    with pytest.raises(ArenaError, match="different content") as caught:
        import_record(home, tmp_path / "changed")

    assert f"arena rm {ID}" in caught.value.try_
    assert (home.records / ID / "record.json").read_bytes() == before


def test_a_missing_file_is_not_found(other_home, tmp_path):
    with pytest.raises(NotFoundError):
        import_record(other_home, tmp_path / "nothing")


@pytest.mark.parametrize(
    "name",
    [
        "../../escaped",
        f"{ID}/../../escaped",
        "/tmp/escaped",
        f"{ID}/sub/record.json",
        f"../{ID}/record.json",
        "record.json",
        f"{ID}/evil.py",
        f"{ID}/",
        f"{ID}/record.json\n",
    ],
)
def test_a_member_that_is_no_file_of_a_record_is_refused(refused, contents, tmp_path, name):
    assert "is no file of a record" in refused(packed([*contents.items(), (name, b"{}")]))
    assert not (tmp_path.parent / "escaped").exists()


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_LONGNAME],
)
def test_a_member_that_is_no_plain_file_is_refused(refused, kind):
    member = special(f"{ID}/engine.log.gz", kind, target="/etc/passwd")

    assert "is no plain file" in refused(packed([(member, b"")]))


def test_headers_that_rename_members_are_refused(refused, contents):
    info = tarfile.TarInfo(f"{ID}/record.json")
    info.pax_headers = {"path": "../../escaped"}

    assert "is no plain file" in refused(packed([(info, b"{}")], form=tarfile.PAX_FORMAT))


def test_a_member_that_comes_twice_is_refused(refused, contents):
    assert "comes twice" in refused(packed([*contents.items(), (f"{ID}/record.json", b"{}")]))


def test_members_of_two_records_are_refused(refused, contents):
    assert "more than one record" in refused(packed([*contents.items(), ("20261123-120102-bbbbbb/engine.log.gz", b"")]))


def test_a_small_file_that_unpacks_to_more_than_the_limit_is_refused(refused, contents):
    contents[f"{ID}/engine.log.gz"] = bytes(30 * 1024**2)
    bomb = packed(contents.items())

    assert len(bomb) < 100_000
    assert "over 20,000,000 bytes" in refused(bomb, limit_bytes=20_000_000)


def test_a_header_that_promises_more_than_there_is_is_refused(refused):
    info = tarfile.TarInfo(f"{ID}/requests.jsonl.gz")
    info.size = 8**11 - 1

    assert "ends too early" in refused(gzip.compress(info.tobuf(tarfile.USTAR_FORMAT) + b"short"))


def test_a_header_with_a_negative_size_is_refused(refused):
    info = tarfile.TarInfo(f"{ID}/requests.jsonl.gz")
    info.size = -512

    assert "is no plain file" in refused(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024)))


def test_a_record_json_over_its_limit_is_refused(refused, contents):
    contents[f"{ID}/record.json"] = b" " * (8 * 1024**2 + 1)

    assert "record.json is too large" in refused(packed(contents.items()))


def test_raw_traces_that_unpack_to_more_than_the_limit_are_refused(refused, contents, builders):
    line = builders.TRACES[0].model_dump_json().encode() + b"\n"
    bomb = gzip.compress(line * 30_000, mtime=0)
    members = reworded(contents, builders, requests=bomb)

    assert "over 10,000,000 bytes" in refused(packed(members.items()), limit_bytes=10_000_000)


def reworded(contents, builders, *, requests, **evidence):
    """The archive with other requests and a record that knows their hash."""
    document = json.loads(contents[f"{ID}/record.json"])
    document["evidence"] |= {"requests_sha256": hashlib.sha256(requests).hexdigest(), **evidence}
    return contents | {f"{ID}/record.json": json.dumps(document).encode(), f"{ID}/requests.jsonl.gz": requests}


@pytest.mark.parametrize("name", ["requests.jsonl.gz", "samples.jsonl.gz", "engine.log.gz"])
def test_a_file_with_another_hash_is_refused(refused, contents, name):
    contents[f"{ID}/{name}"] = gzip.compress(b"faster\n")

    assert f"{name} is not the file that the record describes" in refused(packed(contents.items()))


def test_a_log_that_the_record_does_not_know_is_refused(refused, builders, keep):
    path = keep(builders.a_record("20261123-120102-bbbbbb"))
    (path / "engine.log.gz").write_bytes(b"made up")

    assert "engine.log.gz is not the file" in refused(path)


@pytest.mark.parametrize("name", ["record.json", "requests.jsonl.gz", "samples.jsonl.gz"])
def test_a_missing_member_is_refused(refused, contents, name):
    del contents[f"{ID}/{name}"]

    assert "missing" in refused(packed(contents.items()))


def test_fewer_traces_than_the_record_tells_are_refused(refused, contents, builders):
    line = builders.TRACES[0].model_dump_json().encode() + b"\n"

    assert "not complete" in refused(packed(reworded(contents, builders, requests=gzip.compress(line)).items()))


def test_traces_with_unknown_fields_are_refused_with_their_line(refused, contents, builders):
    bad = gzip.compress(b'{"request": 1, "prompt": "secret"}\n')
    members = reworded(contents, builders, requests=bad, requests_lines=1)

    assert "requests.jsonl.gz, line 1" in refused(packed(members.items()))


def test_a_record_of_a_newer_arena_asks_to_upgrade(refused, contents):
    contents[f"{ID}/record.json"] = contents[f"{ID}/record.json"].replace(b'"format": 1', b'"format": 2')

    assert "upgrade" in refused(packed(contents.items()))


def test_a_record_whose_id_is_a_path_is_refused(refused, contents):
    contents[f"{ID}/record.json"] = contents[f"{ID}/record.json"].replace(ID.encode(), b"../../../escaped")

    assert "not a record id" in refused(packed(contents.items()))


@pytest.mark.parametrize("cut", [10, 200, -300, -5])
def test_a_truncated_archive_is_refused(refused, archive, cut):
    assert "no archive" in refused(archive.read_bytes()[:cut])


@pytest.mark.parametrize("data", [b"", b"plain text", gzip.compress(b"not a tar" * 100), gzip.compress(b"")])
def test_what_is_no_archive_is_refused(refused, data):
    assert "no archive" in refused(data)


def test_bytes_after_the_end_are_refused(refused, archive):
    data = gzip.compress(gzip.decompress(archive.read_bytes()) + b"hidden")

    assert "something follows" in refused(data)


def test_a_directory_with_links_or_strange_files_is_refused(refused, record_path, tmp_path):
    linked, strange = tmp_path / "linked", tmp_path / "strange"
    shutil.copytree(record_path, linked)
    shutil.copytree(record_path, strange)
    (linked / "engine.log.gz").unlink()
    (linked / "engine.log.gz").symlink_to("/etc/passwd")
    (strange / "run.sh").write_text("rm -r /")

    assert "no plain file" in refused(linked)
    assert "no file of a record" in refused(strange)
    assert "over 100 bytes" in refused(record_path, limit_bytes=100)


def test_html_and_escape_codes_in_a_record_are_kept_as_the_texts_they_are(builders, keep, home, other_home, tmp_path):
    name = "<script>alert(1)</script>\x1b[31m[red]"
    path = keep(builders.a_record(ID, model=builders.a_record().model.model_copy(update={"name": name})))
    export_archive(path, tmp_path / "it")

    import_record(other_home, tmp_path / "it")

    assert load_record(other_home.records / ID).model.name == name
