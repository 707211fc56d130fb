"""Copies of files that were handed in or dropped: kept for a time, and searched when a person is erased."""

import hashlib
import json
import os
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import IO

import pytest
from openpyxl import Workbook, load_workbook

from config.keeping import RetentionRules
from config.settings import Settings
from core.durable import sync_file
from crawlers.archive import Archive
from crawlers.attached.content import UnreadableFile
from keeping.erase import Eraser, Found
from keeping.handed_files import HandedPlaces
from keeping.packed_text import is_in, masked
from keeping.person import Person
from keeping.retention import Keeper
from store.database import Store
from store.runs import find_address, remember_address
from tests.command_line import run_here
from tests.desk_server import NOW

NAME, PHONE = "欧阳测试", "13912345678"
WHO = Person(NAME, PHONE)
CSV = f"编号,投诉人,电话\n1,{NAME},{PHONE}\n2,王五,13800000000\n"
OLD = "20260101-090000-"


@pytest.fixture
def store(filled: Store) -> Store:
    return filled


@pytest.fixture
def places(data: Path) -> HandedPlaces:
    made = HandedPlaces.of(Settings(profile="live", data=data))
    for folder in (*made.finished, *made.waiting, *(one.folder for one in made.dropped)):
        folder.mkdir(parents=True, exist_ok=True)
    return made


def book() -> bytes:
    """A workbook as other systems give it: the name as text, the phone as a number."""
    made, packed = Workbook(), BytesIO()
    sheet = made.active
    assert sheet is not None
    sheet.append(("编号", "投诉人", "电话"))
    sheet.append((1, NAME, int(PHONE)))
    sheet.append((2, "王五", 13800000000))
    made.save(packed)
    return packed.getvalue()


def zipped(name: str, body: bytes, *, also: tuple[str, bytes] | None = None) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, body)
        if also:
            archive.writestr(*also)
    return packed.getvalue()


def cells(body: bytes) -> list[tuple[object, ...]]:
    sheet = load_workbook(BytesIO(body)).active
    assert sheet is not None
    return list(sheet.iter_rows(values_only=True))


def test_a_workbook_opens_without_the_person_and_with_everybody_else() -> None:
    made = masked(WHO, book())
    head, first, second = cells(made)
    assert (head, second) == (("编号", "投诉人", "电话"), (2, "王五", 13800000000))
    assert (first[0], set(str(first[1])), first[2]) == (1, {"*"}, 0)
    assert is_in(WHO, book())
    assert not is_in(WHO, made)


def test_a_workbook_within_a_zip_is_searched_as_well() -> None:
    body = zipped("名单.xlsx", book())
    made = masked(WHO, body)
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert cells(archive.read("名单.xlsx"))[1][2] == 0
    other = zipped("a.txt", "别人".encode())
    assert masked(WHO, other) == other


@pytest.mark.parametrize(
    "body",
    [
        b"PK\x03\x04 broken", zipped("a.xml", b"0" * 100_000_000),
        zipped("b.txt", NAME.encode(), also=("c.xlsx", b"PK\x03\x04 broken")),
        zipped("a.zip", zipped("b.zip", zipped("c.txt", NAME.encode()))),
    ],
    ids=["broken", "bomb", "broken within", "too deep"],
)  # fmt: skip
def test_a_zip_that_cannot_be_searched_to_its_end_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableFile):
        is_in(WHO, body)


def test_a_person_goes_from_files_that_were_read_and_a_masked_one_is_not_read_again(
    store: Store, data: Path, places: HandedPlaces
) -> None:
    done = places.finished[0] / "complaints_12315"
    done.mkdir(parents=True)
    (done / f"{OLD}a.csv").write_text(CSV, encoding="gb18030")
    (done / f"{OLD}b.xlsx").write_bytes(book())
    (done / f"{OLD}c.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    source, folder = where(places)
    dropped, unread = folder / "d.csv", folder / "e.csv"
    dropped.write_text(CSV, encoding="utf-8")
    unread.write_text(f"{CSV}3,赵六,\n", encoding="utf-8")
    (places.waiting[0] / "f.csv").write_text(CSV, encoding="utf-8")
    os.utime(dropped, (1_700_000_000, 1_700_000_000))
    read(store, source, dropped, NOW)
    eraser = Eraser(store, data, WHO, 1095, places=places)
    shown = eraser.find(NOW)
    assert eraser.erase(NOW, by="li", reason="申请 1 号").files == shown.files
    assert (shown.files.masked, shown.files.waiting, dict(shown.files.unsearched)) == (
        3,
        ["f.csv", "e.csv"],
        {".xls": 1},
    )
    told = (done / f"{OLD}a.csv").read_text(encoding="gb18030")
    assert NAME not in told
    assert PHONE not in told
    assert "王五" in told
    assert cells((done / f"{OLD}b.xlsx").read_bytes())[2][1] == "王五"
    assert NAME not in dropped.read_text(encoding="utf-8")
    assert dropped.stat().st_mtime == 1_700_000_000  # its age is told by it
    assert known(store, source, dropped)
    assert NAME in unread.read_text(encoding="utf-8")  # reading it says what it is
    assert not list(folder.glob(".masking-*"))
    assert eraser.find(NOW).files.masked == 0


def test_a_workbook_in_the_archive_is_found_and_written_anew(store: Store, data: Path) -> None:
    archive = Archive(data / "archive", started=NOW + timedelta(minutes=1))
    archive.write_file("urn:fengsui:intake:x", "application/octet-stream", book(), NOW)
    page = archive.write_response("https://x.example/a.xlsx", 200, [("Content-Type", "application/x")], book(), NOW)
    archive.close()
    eraser = Eraser(store, data, WHO, 1095)
    assert eraser.find(NOW).pages == 2
    eraser.erase(NOW + timedelta(hours=1), by="li", reason="申请 1 号")
    assert eraser.find(NOW) == Found()
    made = [path for path in (data / "archive").glob("*/*.warc.gz") if path.name > Path(page.file).name]
    assert made, "the masked copies lie in a file of their own"


def test_files_go_when_their_time_is_over_and_only_when_they_were_read(
    store: Store, data: Path, places: HandedPlaces
) -> None:
    refused = places.finished[1] / "sampling"
    refused.mkdir(parents=True)
    names = (f"{OLD}a.csv", f"{OLD}a.csv.report.json", "20261101-090000-b.csv")
    for name in names:
        (refused / name).write_text(CSV, encoding="utf-8")
        os.utime(refused / name, (1_500_000_000, 1_500_000_000))  # copied with its old time
    source, folder = where(places)
    for name, at in (("old.csv", NOW - timedelta(days=300)), ("new.csv", NOW - timedelta(days=3)), ("never.csv", None)):
        (folder / name).write_text(f"{name}\n{CSV}", encoding="utf-8")
        os.utime(folder / name, (1_500_000_000, 1_500_000_000))
        if at is not None:
            read(store, source, folder / name, at)
    (places.waiting[0] / f"{OLD}c.csv").write_text(CSV, encoding="utf-8")
    rules = RetentionRules(handed=90)
    shown = Keeper(store, data, rules, places=places).run(NOW)
    assert shown.others["报送文件"] == 3
    assert len(list(refused.iterdir())) == 3
    assert Keeper(store, data, rules, NoIndex(), dry=False, places=places).run(NOW).others == shown.others  # type: ignore[arg-type]
    assert [path.name for path in refused.iterdir()] == [names[2]]
    assert sorted(path.name for path in folder.iterdir()) == ["never.csv", "new.csv"]
    assert (places.waiting[0] / f"{OLD}c.csv").exists()


def test_the_command_tells_of_files(data: Path, places: HandedPlaces) -> None:
    who = ("erase-person", "--name", NAME, "--data", str(data))
    (places.waiting[0] / "w.csv").write_text(CSV, encoding="utf-8")
    told = run_here(*who).stdout
    assert "读过的里面没有找到" in told
    assert "报送文件没有读：w.csv" in told
    (places.finished[0] / f"{OLD}a.csv").write_text(CSV, encoding="utf-8")
    (places.finished[0] / f"{OLD}b.xls").write_bytes(b"x")
    assert "报送文件 1 个" in run_here(*who).stdout
    files = json.loads(run_here(*who, "--json").stdout)["files"]
    assert files == {"masked": 1, "waiting": ["w.csv"], "unsearched": {".xls": 1}}


def test_a_zip_names_the_person_in_its_member_s_name_and_windows_names_stay_readable() -> None:
    body = zipped(f"{NAME}.txt", "别的".encode(), also=("XXXX.csv", b"1,2"))
    made = masked(WHO, body.replace(b"XXXX.csv", "投诉.csv".encode("gbk")))  # as Windows writes it
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert archive.namelist() == ["____.txt", "投诉.csv"]
    assert not is_in(WHO, made)


@pytest.mark.parametrize(("name", "body"), [
    ("a.json", f'{{"电话":{PHONE},"名":"{NAME}"}}'.encode()),
    ("b.csv", CSV.encode("utf-16")),
    (f"{NAME}投诉.csv", b"1,2"),
    (f"{'长' * 80}.csv", CSV.encode()),
])  # fmt: skip
def test_other_writings_of_a_file_are_masked_too(
    store: Store, data: Path, places: HandedPlaces, name: str, body: bytes
) -> None:
    (places.finished[0] / name).write_bytes(body)
    eraser = Eraser(store, data, WHO, 1095, places=places)
    assert eraser.erase(NOW, by="li", reason="申请 1 号").files.masked == 1
    [left] = places.finished[0].iterdir()
    assert NAME not in left.name
    if name == "a.json":
        assert json.loads(left.read_bytes()) == {"电话": 10_000_000_000, "名": "*" * 12}
    if name == "b.csv":
        assert "王五" in left.read_text(encoding="utf-16")
    assert eraser.find(NOW) == Found()


def test_a_file_that_is_another_by_now_is_neither_written_over_nor_removed(
    store: Store, data: Path, places: HandedPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = places.finished[0] / f"{OLD}a.csv"
    path.write_text(CSV, encoding="utf-8")

    def anew(file: IO[bytes]) -> None:
        sync_file(file)
        path.write_text(f"{CSV}3,赵六,\n", encoding="utf-8")

    monkeypatch.setattr("keeping.handed_files.sync_file", anew)
    found = Eraser(store, data, WHO, 1095, places=places).erase(NOW, by="li", reason="申请 1 号")
    assert (found.files.masked, found.files.waiting) == (0, [path.name])
    assert "赵六" in path.read_text(encoding="utf-8")


def test_what_hides_its_words_or_cannot_be_read_is_told_and_what_a_kill_left_is_cleared_away(
    store: Store, data: Path, places: HandedPlaces
) -> None:
    folder = places.finished[0]
    (folder / "locked.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 locked")
    (folder / "mixed.zip").write_bytes(zipped("b.txt", NAME.encode(), also=("c.xlsx", b"PK\x03\x04 broken")))
    (folder / ".masking-0123").write_text(CSV, encoding="utf-8")
    found = Eraser(store, data, WHO, 1095, places=places).erase(NOW, by="li", reason="申请 1 号")
    assert (found.files.masked, dict(found.files.unsearched)) == (0, {".xlsx": 1, ".zip": 1})
    assert sorted(path.name for path in folder.iterdir()) == ["locked.xlsx", "mixed.zip"]


def where(places: HandedPlaces) -> tuple[str, Path]:
    """A source that files are dropped for, and its folder."""
    [first, *_] = places.dropped
    return first.sources[0].key, first.folder


class NoIndex:
    """Nothing is to leave it."""

    def delete(self, ids: object) -> None:
        raise AssertionError(ids)


def read(store: Store, source: str, path: Path, at: datetime) -> None:
    with store.write() as db:
        remember_address(db, source, _key(path), now=at)


def known(store: Store, source: str, path: Path) -> bool:
    with store.read() as db:
        return find_address(db, source, _key(path)) is not None


def _key(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
