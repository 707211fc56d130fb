"""The archive: what was fetched can be shown later, byte for byte."""

import json
import os
import subprocess
import sys
from base64 import b32encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.cli import main as warcio

from core.records import ArchiveRef
from crawlers.archive import Archive, ArchiveDamaged, read_record
from crawlers.archive_members import members
from crawlers.archive_mend import mend
from crawlers.warc import Sent, make_record, packed

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
    assert read[0][0] == "warcinfo"
    assert read[1:] == [("response", b"one"), ("response", b"two")]


def test_standard_tools_check_and_index_what_was_asked_and_answered(tmp_path: Path, capsys: Any) -> None:
    archive = Archive(tmp_path, started=NOON)
    sent = Sent("POST", [("User-Agent", "Fengsui"), ("AuthKey", "geheim")], b"page=1", "192.0.2.7")
    for body in (b"", "线缆".encode() * 900):
        ref = archive.write_response(URL, 200, [("Content-Type", "text/html"), ("X-牌", "值")], body, NOON, sent=sent)
    archive.write_file("file:sample/表.csv", "text/csv", b"a,b", NOON)
    archive.close()
    path = str(tmp_path / ref.file)
    with pytest.raises(SystemExit) as ended:
        warcio(["check", "-v", path])
    assert (ended.value.code, "fail" in capsys.readouterr().out) == (0, False)
    warcio(["index", "-f", "warc-type,offset,http:status,warc-payload-digest", path])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["warc-type"] for line in lines] == [
        "warcinfo",
        "response",
        "request",
        "response",
        "request",
        "resource",
    ]
    assert int(lines[3]["offset"]) == ref.offset
    assert lines[3]["warc-payload-digest"] == f"sha256:{b32encode(bytes.fromhex(ref.sha256)).decode()}"
    with (tmp_path / ref.file).open("rb") as file:
        asked = next(record for record in ArchiveIterator(file) if record.rec_type == "request")
    assert (asked.http_headers.get_header("AuthKey"), asked.content_stream().read()) == ("(withheld)", b"page=1")


def test_a_full_file_is_followed_by_another_whose_name_sorts_behind(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON, max_file=2000)
    refs = [archive.write_response(URL, 200, [], os.urandom(900), NOON) for _ in range(9)]
    files = list(dict.fromkeys(ref.file for ref in refs))
    assert len(files) == 5
    assert files == sorted(files)
    assert max((tmp_path / file).stat().st_size for file in files) < 2000 + 1500


def test_writers_of_one_moment_never_share_a_file(tmp_path: Path) -> None:
    archives = [Archive(tmp_path, started=NOON) for _ in range(3)]
    refs = [
        archive.write_response(URL, 200, [], bytes([n]), NOON) for _ in range(2) for n, archive in enumerate(archives)
    ]
    assert len({ref.file for ref in refs}) == 3
    assert [read_record(tmp_path, ref)[1] for ref in refs] == [b"\0", b"\1", b"\2"] * 2


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from crawlers.archive import Archive
archive = Archive(Path(sys.argv[1]), started=datetime(2026, 11, 23, 4, 0, tzinfo=UTC))
while True:
    ref = archive.write_response("https://a.example/", 200, [], b"kept", archive.started)
    print(ref.file, ref.offset, ref.length, ref.sha256, flush=True)
"""


def test_what_a_killed_writer_left_is_mended_at_the_next_start_and_a_living_one_is_let_be(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    told = [writer.stdout.readline().split() for _ in range(5)]
    assert mend(tmp_path) == []  # it lives
    writer.kill()
    told += [line.split() for line in writer.stdout.read().splitlines() if line.count(" ") == 3 and len(line) > 70]
    writer.wait()
    path = tmp_path / told[0][0]
    with path.open("ab") as file:
        file.write(packed_half())
    [said] = mend(tmp_path)
    assert "unfinished record cut off" in said
    assert mend(tmp_path) == []
    for name, offset, length, sha256 in told:
        assert read_record(tmp_path, ArchiveRef(name, int(offset), int(length), sha256))[1] == b"kept"
    with pytest.raises(SystemExit) as ended:
        warcio(["check", str(path)])
    assert ended.value.code == 0


def packed_half() -> bytes:
    raw = packed(make_record(URL, "resource", os.urandom(5000), NOON))
    return raw[: len(raw) // 2]


def test_what_is_behind_a_damaged_record_of_a_killed_writer_is_not_cut_off(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON)
    refs = [archive.write_response(f"https://a.example/{n}", 200, [], os.urandom(900), NOON) for n in range(6)]
    archive.close()
    path = tmp_path / refs[0].file
    damaged = bytearray(path.read_bytes())
    damaged[refs[1].offset + 300] ^= 0xFF
    damaged[refs[3].offset] ^= 0xFF
    path.write_bytes(bytes(damaged) + packed_half())
    path.with_name(f"{path.name}.open").touch()
    [said] = mend(tmp_path)
    assert "unfinished record cut off" in said
    assert path.stat().st_size == len(damaged)
    whole = [(ref.offset, ref.length) for ref in refs if ref not in (refs[1], refs[3])]
    assert list(members(path))[1:] == whole


FULL = """
import json, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from crawlers.archive import Archive, ArchiveFull, read_record
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
folder, noon = Path(sys.argv[1]), datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
archive = Archive(folder, started=noon)
first = archive.write_response("https://a.example/", 200, [], b"first", noon)
import os
try:
    archive.write_response("https://a.example/", 200, [], os.urandom(9000), noon)
    print("stored")
except ArchiveFull as problem:
    print(problem)
after = archive.write_response("https://a.example/", 200, [], b"after", noon)
print([read_record(folder, ref)[1].decode() for ref in (first, after)], first.file == after.file)
"""


def test_a_page_that_does_not_fit_is_refused_and_the_next_one_stands_where_it_should(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    refused, after = ended.stdout.splitlines()
    assert "the archive cannot be written" in refused
    assert "the page is not stored" in refused
    assert after == "['first', 'after'] True"


def test_a_new_day_opens_a_new_file(tmp_path: Path) -> None:
    archive = Archive(tmp_path, started=NOON)
    files = {archive.write_response(URL, 200, [], b"x", NOON + timedelta(days=day)).file for day in (0, 1)}
    assert len(files) == 2


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"offset": 3}, {"file": "nowhere.warc.gz"}, {"file": "../x"}])
def test_a_wrong_reference_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    ref = Archive(tmp_path, started=NOON).write_response(URL, 200, [], b"x", NOON)
    with pytest.raises(ArchiveDamaged):
        read_record(tmp_path, replace(ref, **change))  # type: ignore[arg-type]  # each case names its own field
