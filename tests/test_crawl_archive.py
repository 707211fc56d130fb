"""The archive: what was fetched can be shown later, byte for byte."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawlers.archive import Archive, ArchiveDamaged, read_record

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
URL = "https://news.example/a.html"


def test_a_record_comes_back_with_its_headers(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON)
    refs = [
        archive.write_response(URL, 200, [("Content-Type", "text/html"), ("Content-Encoding", "gzip")], body, NOON)
        for body in (b"first", "第二".encode())
    ]
    headers, body = read_record(tmp_path, refs[1])
    assert body.decode() == "第二"
    assert headers["Content-Type"] == "text/html"
    assert headers["X-Archive-Orig-Content-Encoding"] == "gzip"
    assert (headers["WARC-Target-URI"], headers["WARC-Date"]) == (URL, "2026-11-23T04:00:00Z")
    assert refs[0].file == refs[1].file


def test_a_torn_tail_hurts_neither_readers_nor_the_next_writer(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON)
    kept = archive.write_response(URL, 200, [], b"kept", NOON)
    torn = archive.write_response(URL, 200, [], b"torn" * 1000, NOON)
    path = tmp_path / kept.file
    path.write_bytes(path.read_bytes()[: torn.offset + torn.length // 2])
    after = Archive(tmp_path, started=NOON + timedelta(seconds=1))
    new = after.write_response(URL, 200, [], b"new", NOON)
    assert new.file != kept.file
    assert [read_record(tmp_path, ref)[1] for ref in (kept, new)] == [b"kept", b"new"]
    with pytest.raises(ArchiveDamaged):
        read_record(tmp_path, torn)


def test_files_are_plain_warc(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON)
    for body in (b"one", b"two"):
        ref = archive.write_response(URL, 200, [("Content-Type", "text/plain")], body, NOON)
    with (tmp_path / ref.file).open("rb") as file:
        read = [(record.rec_type, record.content_stream().read()) for record in ArchiveIterator(file)]
    assert read == [("response", b"one"), ("response", b"two")]


def test_a_new_day_opens_a_new_file(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON)
    files = {archive.write_response(URL, 200, [], b"x", NOON + timedelta(days=day)).file for day in (0, 1)}
    assert len(files) == 2


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"offset": 3}, {"file": "nowhere.warc.gz"}, {"file": "../x"}])
def test_a_wrong_reference_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    ref = Archive(tmp_path, started=NOON).write_response(URL, 200, [], b"x", NOON)
    with pytest.raises(ArchiveDamaged):
        read_record(tmp_path, replace(ref, **change))  # type: ignore[arg-type]  # each case names its own field
