"""Erasing a person: found in every spelling, masked everywhere but where a case holds it, the log tells nobody whom."""

import hashlib
import json
import shutil
import zlib
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from config.keeping import KindRule, RetentionRules
from core.errors import UsageError
from core.records import ArchiveRef
from crawlers.archive import Archive, read_record
from crawlers.archive_members import members
from keeping.check import Budget, check_kept
from keeping.erase import Eraser, Found
from keeping.manifest import backups
from keeping.person import Person
from keeping.retention import Keeper
from store import audit
from store.database import Store
from store.documents import DEDUPED, FETCHED, advance, claim, find_document
from store.holds import add_hold
from store.schema import alert_documents, alerts, documents, recent_queries, told_goods
from store.users import create_user
from tests.command_line import run_here
from tests.desk_server import NOW
from tests.kept_folder import copy_rows, files_of
from tests.postgresql import Database
from tests.test_backup import fengsui

NAME, PHONE, NUMBER = "欧阳测试", "13912345678", "36010219900307123X"
ALL = Person(NAME, PHONE, NUMBER)


@pytest.fixture
def store(filled: Store) -> Store:
    return filled


def eraser(store: Store, data: Path, person: Person = ALL, left_out: frozenset[str] = frozenset()) -> Eraser:
    return Eraser(store, data, person, 1095, left_out)


def free_and_held(store: Store) -> tuple[str, str]:
    """A document of no alert, one of an open alert."""
    with store.read() as db:
        held = select(alert_documents.c.document).join(alerts, alerts.c.id == alert_documents.c.alert)
        open_one = db.execute(held.where(alerts.c.state == "new").limit(1)).scalar_one()
        any_alert = select(alert_documents.c.document)
        free = db.execute(select(documents.c.id).where(documents.c.id.not_in(any_alert)).limit(1)).scalar_one()
    return free, open_one


def name_in(store: Store, data: Path, document: str, page: bytes) -> ArchiveRef:
    """Let a document, its original and its archived page name the person."""
    archive = Archive(data / "archive", started=NOW + timedelta(minutes=1))
    other = archive.write_response("https://x.example/other", 200, [("Content-Type", "text/html")], b"other", NOW)
    ref = archive.write_response("https://x.example/1", 200, [("Content-Type", "text/html")], page, NOW)
    archive.close()
    with store.write() as db:
        values = {
            "text": f"投诉人{NAME}，电话139*****678", "archive": vars(ref),
            "raw": {"text": f"投诉人{NAME}，电话{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}，证号{NUMBER.lower()}"},
        }  # fmt: skip
        db.execute(update(documents).where(documents.c.id == document).values(**values))
    assert other.file == ref.file
    return ref


@pytest.mark.parametrize("text", [
    NAME, PHONE, "139 1234 5678", "139-1234-5678", "１３９１２３４５６７８", NUMBER, NUMBER.lower(),
    "360102 19900307 123X", "+8613912345678", "008613912345678", "+86 139 1234 5678",
])  # fmt: skip
def test_every_spelling_is_masked_in_its_length(text: str) -> None:
    assert ALL.masked(f"前{text}后") == f"前{'*' * len(text)}后"
    assert any(spelling in text for spelling in ALL.spellings), "the database would not be asked for it"


@pytest.mark.parametrize("text", ["139123456789", "8613912345678901", "欧阳测", "1391234567"])
def test_what_is_only_alike_stays(text: str) -> None:
    assert Person(NAME, PHONE).masked(text) == text


@pytest.mark.parametrize("text", [
    "057187654321", "0571-87654321", "0571 87654321", "（0571）87654321", "(0571)87654321", "0571—87654321",
])  # fmt: skip
def test_a_landline_is_found_however_its_area_code_is_parted(text: str) -> None:
    person = Person(phone="057187654321")
    assert any(spelling in text for spelling in person.spellings)
    assert not set("12345678") & set(person.masked(text))


@pytest.mark.parametrize("phone", ["139 1234 5678", "139-1234-5678", "１３９１２３４５６７８", "+86 13912345678"])
def test_what_is_looked_for_may_be_typed_in_any_way(phone: str) -> None:
    assert Person.typed(f"{NAME[:2]} {NAME[2:]}", phone, "360102 19900307 123Ｘ") == ALL


@pytest.mark.parametrize("text", [
    "139123456789", NAME, f"+86{PHONE}", "&#27431;&#38451;&#27979;&#35797;", "\\u6b27\\u9633\\u6d4b\\u8bd5",
    "\\u6B27\\u9633\\u6D4B\\u8BD5",
])  # fmt: skip
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_page_is_masked_in_its_length_and_a_longer_number_is_another_s(text: str, charset: str) -> None:
    page = f"<p>{text}</p>".encode(charset)
    told = Person(NAME, PHONE).masked_bytes(page)
    assert len(told) == len(page)
    assert (told == page) is (text == "139123456789") is (not Person(NAME, PHONE).is_in(page))


@pytest.mark.parametrize(("name", "phone", "number"), [
    ("", "", ""), ("张", "", ""), ("%", "", ""), ("a b", "", ""), ("", "110", ""), ("", "13x", ""), ("", "", "1"),
])  # fmt: skip
def test_what_could_hit_everything_is_refused(name: str, phone: str, number: str) -> None:
    with pytest.raises(UsageError):
        Person(name, phone, number)


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_person_is_masked_in_text_original_and_page(store: Store, data: Path, charset: str) -> None:
    free, _ = free_and_held(store)
    old = name_in(store, data, free, f"<p>{NAME} {PHONE}</p><p>别的</p>".encode(charset))
    with store.write() as db:
        values = {"document": free, "position": 0, "outcome": "failed", "number": "", "product": "", "brand": ""}
        rest = {"models": [], "batches": [], "items": f"{NAME}投诉", "source": "x", "parties": [["a", NAME, ""]]}
        db.execute(insert(told_goods).values(**values, **rest))
        user = create_user(db, "li", role="viewer", territory="000000", display_name="李", password=None, now=NOW).name
        db.execute(insert(recent_queries).values(user=user, text=f"{NAME} 火", asked_at=NOW))
    shown = eraser(store, data).find(NOW)
    assert (len(shown.documents), shown.pages, dict(shown.rows)) == (1, 1, {"told_goods": 1, "recent_queries": 1})
    assert eraser(store, data).erase(NOW + timedelta(hours=1), by="li", reason="申请 1 号") == shown
    with store.read() as db:
        one = find_document(db, free)
        raw = db.execute(select(documents.c.raw).where(documents.c.id == free)).scalar_one()
        stage = db.execute(select(documents.c.stage).where(documents.c.id == free)).scalar_one()
    assert one is not None
    assert one.text == "投诉人****，电话139*****678"
    assert raw["text"] == "投诉人****，电话*************，证号******************"
    assert stage == "judged"  # the index takes it as it is now
    assert one.archive is not None
    headers, body = read_record(data / "archive", one.archive)
    assert "别的".encode(charset) in body
    assert headers["X-Archive-Note"] == "personal data removed 2026-11-23"
    assert headers["WARC-Target-URI"] == "https://x.example/1"
    assert one.archive != old
    assert read_record(data / "archive", ArchiveRef(old.file, *_other(data, old)))[1] == b"other"
    assert nowhere(data, charset)
    assert check_kept(store, data, Budget(), now=NOW).faults == []
    assert eraser(store, data).find(NOW) == Found()


def _other(data: Path, ref: ArchiveRef) -> tuple[int, int, str]:
    """Where the record beside it lies."""
    spot = list(members(data / "archive" / ref.file))[1]
    return *spot, hashlib.sha256(b"other").hexdigest()


def nowhere(data: Path, charset: str) -> bool:
    """Whether no record of the archive and no row holds the person any more."""
    wanted = [text.encode(charset) for text in (NAME, PHONE)]
    for path in (data / "archive").glob("*/*.warc.gz"):
        for offset, length in members(path):
            body = zlib.decompressobj(31).decompress(path.read_bytes()[offset : offset + length])
            if any(one in body for one in wanted):
                return False
    return True


def test_what_a_case_rests_on_stays_and_is_told(store: Store, data: Path) -> None:
    _, held = free_and_held(store)
    ref = name_in(store, data, held, f"<p>{NAME}</p>".encode())
    with store.write() as db:
        db.execute(update(alerts).where(alerts.c.state == "new").values(reason=f"{NAME}反映"))
    found = eraser(store, data).erase(NOW, by="li", reason="申请 1 号")
    [hit] = found.documents
    assert hit.held[0].startswith("预警 YJ-")
    assert found.held_pages == 1
    assert found.pages == 0
    assert found.cases["alerts"] > 0
    with store.read() as db:
        one = find_document(db, held)
    assert one is not None
    assert NAME in one.text
    assert NAME.encode() in read_record(data / "archive", ref)[1]


def test_erasing_holds_and_times_of_keeping_are_the_same_on_postgresql(data: Path, postgresql: Database) -> None:
    postgresql.empty()
    lite, store = Store(f"sqlite:///{data / 'fengsui.db'}"), Store(postgresql.url)
    free, _ = free_and_held(lite)
    name_in(lite, data, free, f"<p>{NAME}</p>".encode())
    for kind, subject in (("event", "no such"), ("firm", "ENT0043"), ("alert", "YJ-2026-0001"), ("document", "d1")):
        with lite.write() as db:
            add_hold(db, kind, subject, reason="行政复议", author="王", now=NOW, until=None)
    copy_rows(lite.url, store)
    later = NOW + timedelta(days=400)
    rules = RetentionRules(documents=(KindRule(days=180),), raw=90, pages=200, deliveries=100)
    there, here = (vars(Keeper(one, data, rules).run(later)) for one in (store, lite))
    assert there == here
    assert eraser(store, data).find(NOW) == eraser(lite, data).find(NOW)
    [hit] = eraser(store, data).erase(NOW, by="li", reason="申请 1 号").documents
    assert hit.document == free
    assert eraser(store, data).find(NOW) == Found()
    store.close()
    lite.close()


def test_who_works_on_a_text_meanwhile_writes_nothing_of_what_it_read(store: Store, data: Path) -> None:
    free, _ = free_and_held(store)
    name_in(store, data, free, b"<p>nobody</p>")
    with store.write() as db:
        db.execute(update(documents).where(documents.c.id == free).values(stage=FETCHED))
        [work] = claim(db, FETCHED, who="worker/1", now=NOW, limit=5)
    assert NUMBER.lower() in work.raw["text"]
    eraser(store, data).erase(NOW, by="li", reason="申请 1 号")
    with store.write() as db:
        assert not advance(db, work, who="worker/1", to=DEDUPED, at=NOW, text=f"投诉人{NAME}")
        [again] = claim(db, FETCHED, who="worker/2", now=NOW, limit=5)
    assert again.raw["text"] == "投诉人****，电话*************，证号******************"


def test_what_is_only_alike_is_not_listed_and_numbers_of_ours_stay_numbers(store: Store, data: Path) -> None:
    free, _ = free_and_held(store)
    raw = {"text": "单号213912345678", "files": [{"name": "a.txt", "offset": 87654321}]}
    mine = documents.c.id == free
    with store.write() as db:
        db.execute(update(documents).where(mine).values(raw=raw))
    for phone in (PHONE, "87654321"):
        assert eraser(store, data, Person(phone=phone)).find(NOW).documents == []
    with store.write() as db:
        db.execute(update(documents).where(mine).values(raw={**raw, "text": "电话87654321"}))
    eraser(store, data, Person(phone="87654321")).erase(NOW, by="li", reason="申请 1 号")
    with store.read() as db:
        kept = db.execute(select(documents.c.raw).where(mine)).scalar_one()
    assert kept == {**raw, "text": "电话********"}


def test_a_log_line_that_names_the_person_stays_and_is_told(store: Store, data: Path) -> None:
    with store.write() as db:
        audit.note(db, "li", "export_search", f"{NAME} 火", at=NOW)
    assert eraser(store, data).erase(NOW, by="li", reason="申请 1 号").cases["audit"] == 1
    with store.read() as db:
        assert audit.check_chain(db).broken is None


def test_a_mistyped_folder_is_told_not_searched(tmp_path: Path) -> None:
    for words in (("erase-person", "--name", NAME), ("keep",), ("hold", "list")):
        done = run_here(*words, "--data", str(tmp_path / "typo"))
        assert (done.returncode, "里没有库" in done.stderr) == (2, True)
    assert not (tmp_path / "typo").exists()


def test_a_namesake_s_documents_are_left_out(store: Store, data: Path) -> None:
    free, _ = free_and_held(store)
    ref = name_in(store, data, free, f"<p>{NAME}</p>".encode())
    eraser(store, data, left_out=frozenset((free,))).erase(NOW, by="li", reason="申请 1 号")
    with store.read() as db:
        one = find_document(db, free)
    assert one is not None
    assert NAME in one.text
    assert NAME.encode() in read_record(data / "archive", ref)[1]


def test_the_command_lists_first_and_the_log_does_not_tell_whom(store: Store, data: Path) -> None:
    free, _ = free_and_held(store)
    name_in(store, data, free, f"<p>{NAME}</p>".encode())
    who = ("erase-person", "--name", NAME, "--phone", PHONE, "--data", str(data))
    shown = fengsui(*who).stdout
    assert "会掩去文档 1 件，存档页 1 页" in shown
    assert "以上只是列出" in shown
    assert run_here(*who, "--do").returncode == 2
    assert "不要写" in fengsui(*who, "--do", "--reason", f"{NAME}申请", ends=2).stderr
    to = data.parent / "backup"
    fengsui("backup", to, "--data", data)
    assert json.loads(fengsui(*who, "--do", "--reason", "申请 7 号", "--json").stdout)["pages"] == 1
    with store.read() as db:
        [line] = audit.search(db, action="erase_person")
    assert line.details["reason"] == "申请 7 号"
    assert NAME not in str(line.details)
    assert PHONE not in str(line.details)
    assert Person(NAME, PHONE).is_of(line.details["of"])
    assert not Person(NAME, "13912345679").is_of(line.details["of"])
    assert "没有找到" in fengsui(*who).stdout
    first = fengsui("backup", to, "--data", data).stdout
    assert "封存后被改动" not in first
    kept = files_of(data / "archive")
    fengsui("restore", to, "--data", data, "--only", "archive")  # brings nothing back that was erased
    assert files_of(data / "archive") == kept
    shutil.rmtree(data)
    told = fengsui("restore", to, "--name", backups(to)[0], "--data", data).stdout
    assert "之后有 1 次按人删除，恢复后须再做" in told


def test_an_attached_file_that_names_the_person_is_written_anew_and_found_again(store: Store, data: Path) -> None:
    free, _ = free_and_held(store)
    ref = name_in(store, data, free, f"名单：{NAME}".encode())
    with store.write() as db:
        raw = {"files": [{"name": "a.txt", "archive": vars(ref)}]}
        mine = documents.c.id == free
        db.execute(update(documents).where(mine).values(archive=None, raw=raw, attachments=["a.txt"]))
    eraser(store, data).erase(NOW + timedelta(hours=1), by="li", reason="申请 1 号")
    with store.read() as db:
        kept = db.execute(select(documents.c.raw).where(documents.c.id == free)).scalar_one()["files"][0]["archive"]
    assert kept != vars(ref)
    assert read_record(data / "archive", ArchiveRef(**kept))[1] == "名单：".encode() + b"*" * 12
