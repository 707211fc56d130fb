"""How long things are kept: what is over goes everywhere, what a case rests on stays, counts stay what they were."""

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select, update
from warcio.archiveiterator import ArchiveIterator

from commands.backup import target_of
from config.keeping import KindRule, RetentionRules, load_keeping
from config.settings import PROJECT, Settings
from core.clock import beijing, system_clock
from core.records import ArchiveRef
from crawlers.archive import read_record
from crawlers.archive_blank import blank, is_blank
from crawlers.archive_members import members
from keeping.backup import Source, back_up
from keeping.check import Budget, check_kept
from keeping.restore import Restored, choose, restore_parts
from keeping.retention import Gone, Keeper
from store import documents as store_documents
from store.database import Store
from store.documents import find_document, tally
from store.events import add_move, merge_into, move_members, revive
from store.expiry import TITLE, changed_files, needed_offsets, note_change
from store.holds import add_hold, end_hold, holds_in_force, why_held
from store.schema import (
    alert_documents,
    alerts,
    deliveries,
    documents,
    event_documents,
    events,
    handed_in,
    sentence_hashes,
    signal_cards,
)
from tests.command_line import run_here
from tests.desk_server import NOW, make_services
from tests.kept_folder import add_pages, fill_folder
from web.app import create_app, entry_path
from web.services import Services

LATER = NOW + timedelta(days=400)
ALL = RetentionRules(documents=(KindRule(days=180),), raw=90, pages=200, closed_alerts=1000, deliveries=100, logs=100)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = make_services(fill_folder(tmp_path / "data"))
    yield made
    made.store.close()


def run(services: Services, *, rules: RetentionRules = ALL, dry: bool = False, now: datetime = LATER) -> Gone:
    return Keeper(services.store, services.settings.data_dir, rules, services.search, dry=dry).run(now)


def cited(store: Store) -> set[str]:
    """Documents that an alert which is not settled rests on."""
    open_ones = alerts.c.state.not_in(("closed", "dismissed"))
    query = select(alert_documents.c.document).join(alerts, alerts.c.id == alert_documents.c.alert).where(open_ones)
    with store.read() as db:
        return set(db.execute(query).scalars())


def expired(store: Store) -> set[str]:
    with store.read() as db:
        return set(db.execute(select(documents.c.id).where(documents.c.stage == "expired")).scalars())


def test_a_dry_run_tells_the_same_and_changes_nothing(services: Services) -> None:
    with services.store.read() as db:
        before = db.execute(select(documents).order_by(documents.c.seq)).all()
    told = run(services, dry=True)
    with services.store.read() as db:
        assert db.execute(select(documents).order_by(documents.c.seq)).all() == before
    did = run(services)
    assert (told.documents, told.kept, told.raw) == (did.documents, did.kept, did.raw)
    assert did.documents.total() > 100


def test_what_is_over_goes_from_store_index_and_archive_and_what_a_case_rests_on_stays(services: Services) -> None:
    store, data = services.store, services.settings.data_dir
    held = cited(store)
    assert held
    with store.read() as db:
        before, pages = tally(db).counts, db.execute(select(documents.c.id, documents.c.archive)).all()
    assert services.search is not None
    indexed = services.search.count()
    gone = run(services)
    went = expired(store)
    assert not went & held
    assert gone.kept["预警"] >= len(held)
    assert services.search.count() < indexed
    with store.read() as db:
        left = db.execute(select(documents).where(documents.c.id.in_(went))).mappings().all()
        assert {row["title"] for row in left} == {TITLE}
        assert {(row["text"], row["analysis"], row["archive"]) for row in left} == {("", None, None)}
        assert tally(db).counts == before
        for table in (sentence_hashes, signal_cards):
            assert db.execute(select(func.count()).where(table.c.document.in_(went))).scalar_one() == 0
        one = find_document(db, next(iter(held)))
    assert one is not None
    assert one.text
    assert any(kept and document in held for document, kept in pages)
    for document, kept in pages:
        if kept and document in held:
            assert read_record(data / "archive", ArchiveRef(**kept))[1]
    assert check_kept(store, data, Budget(), now=LATER).faults == []
    assert run(services).documents.total() == 0


def test_pages_show_that_a_text_is_gone(services: Services) -> None:
    run(services)
    with services.store.write() as db:
        door = entry_path(db, services=services)
    went = sorted(expired(services.store))
    with TestClient(create_app(services)) as client:
        client.get(door)
        page = client.get(f"/documents/{went[0]}")
        assert page.status_code == 200
        assert "按保存期限已删除（" in page.text
        assert "已随正文删除" in page.text
        for address in (
            "/",
            "/alerts",
            "/events",
            "/sources",
            f"/why?q={went[0]}",
            "/search?q=&from=all",
            "/analytics",
        ):
            assert client.get(address).status_code == 200, address
        with services.store.read() as db:
            closed = select(alerts.c.id).where(alerts.c.state.in_(("closed", "dismissed")))
            for alert in db.execute(closed).scalars().all():
                assert client.get(f"/alerts/{alert}").status_code == 200


def test_a_bundle_of_evidence_of_what_is_gone_says_so(services: Services, tmp_path: Path) -> None:
    run(services)
    gone = sorted(expired(services.store))[0]
    data = str(services.settings.data_dir)
    assert run_here("evidence", gone, "--out", str(tmp_path / "out.zip"), "--data", data).returncode == 0
    assert TITLE.encode() in b"".join(zipfile.ZipFile(tmp_path / "out.zip").read(name) for name in _texts(tmp_path))


def _texts(folder: Path) -> list[str]:
    return [name for name in zipfile.ZipFile(folder / "out.zip").namelist() if name.endswith((".txt", ".json"))]


def test_an_alert_that_was_settled_long_ago_holds_nothing_any_more(services: Services) -> None:
    with services.store.write() as db:
        db.execute(update(alerts).values(state="closed"))
    first = run(services)
    assert first.kept["预警"] > 0
    assert run(services, rules=ALL.model_copy(update={"closed_alerts": 30})).documents.total() == first.kept["预警"]


def test_a_hold_by_hand_keeps_until_it_is_ended(services: Services) -> None:
    free = sorted(set(_all_ids(services.store)) - cited(services.store))
    with services.store.write() as db:
        number = add_hold(db, "document", free[0], reason="行政复议", author="王", now=NOW, until=None)
    gone = run(services)
    assert gone.kept["保全"] == 1
    assert free[0] not in expired(services.store)
    with services.store.write() as db:
        end_hold(db, number, by="王", now=LATER)
    run(services)
    assert free[0] in expired(services.store)


def _all_ids(store: Store) -> list[str]:
    with store.read() as db:
        return sorted(set(db.execute(select(documents.c.id)).scalars()))


def test_a_text_that_is_being_worked_on_stays(services: Services) -> None:
    free = sorted(set(_all_ids(services.store)) - cited(services.store))
    with services.store.write() as db:
        db.execute(update(documents).where(documents.c.id == free[0]).values(stage="analysed"))
    run(services)
    assert free[0] not in expired(services.store)


def test_what_stays_loses_what_was_fetched_after_its_time(services: Services) -> None:
    with services.store.write() as db:
        db.execute(update(documents).values(raw={"title": "13912345678", "files": []}))
    gone = run(services, rules=RetentionRules(raw=90))
    with services.store.read() as db:
        raws = db.execute(select(documents.c.id, documents.c.raw)).all()
    held = cited(services.store)
    assert {str(raw) for document, raw in raws if document in held} == {"{'title': '13912345678', 'files': []}"}
    assert {str(raw) for document, raw in raws} == {"{}", "{'title': '13912345678', 'files': []}"}
    assert gone.raw > 100


def test_an_index_that_does_not_answer_is_caught_up_with(services: Services) -> None:
    class Down:
        def delete(self, ids: object) -> None:
            from core.errors import SearchUnavailable

            raise SearchUnavailable("没有应答")

    keeper = Keeper(services.store, services.settings.data_dir, ALL, Down(), dry=False)  # type: ignore[arg-type]
    assert "下次再移出" in keeper.run(LATER).note
    assert not expired(services.store)
    run(services)
    assert expired(services.store)


def test_a_blanked_record_leaves_the_others_where_they_are(tmp_path: Path) -> None:
    data = fill_folder(tmp_path / "data")
    store = Store(f"sqlite:///{data / 'fengsui.db'}")
    refs = add_pages(data, store, most=4)
    path = data / "archive" / refs[0].file
    size = path.stat().st_size
    blank(path, [(refs[1].offset, refs[1].length)], note="因期限删除", now=NOW)
    assert path.stat().st_size == size
    assert is_blank(path, refs[1].offset)
    assert [offset for offset, _ in members(path)][1:] == [ref.offset for ref in refs]
    for ref in (refs[0], refs[2], refs[3]):
        read_record(data / "archive", ref)
    kinds = [record.rec_type for record in ArchiveIterator(BytesIO(path.read_bytes()))]  # with other tools
    assert kinds == ["warcinfo", "response", "metadata", "response", "response"]


def test_a_file_of_the_archive_that_nothing_leads_to_goes_and_no_backup_brings_it_back(
    services: Services,
) -> None:
    data, to = services.settings.data_dir, services.settings.data_dir.parent / "backup"
    assert run_here("backup", str(to), "--data", str(data)).returncode == 0
    with services.store.write() as db:
        db.execute(update(documents).values(archive=None))
    gone = run(services)
    assert gone.files == 1
    assert not list((data / "archive").glob("*/*.warc.gz"))
    with services.store.read() as db:
        assert [one.records for one in changed_files(db).values()] == [-1]
    assert "已恢复 0 个文件" in run_here("restore", str(to), "--data", str(data), "--only", "archive").stdout
    assert not list((data / "archive").glob("*/*.warc.gz"))


def test_a_file_whose_old_records_are_gone_is_guarded_and_put_back_as_it_is_since(tmp_path: Path) -> None:
    data, to = fill_folder(tmp_path / "data"), tmp_path / "backup"
    store = Store(f"sqlite:///{data / 'fengsui.db'}")
    refs = add_pages(data, store, most=4)
    path, name = data / "archive" / refs[0].file, f"archive/{refs[0].file}"
    source = Source(store, data, PROJECT / "config", "demo", rewritten=frozenset([name]))
    back_up(source, to, now=datetime.now(UTC))
    with store.write() as db:
        note_change(db, refs[0].file, why="expired", records=1, now=datetime.now(UTC))
        [change] = changed_files(db).values()
    blank(path, [(refs[1].offset, refs[1].length)], note="因期限删除", now=NOW)
    whole = path.read_bytes()

    def spoil() -> None:
        path.write_bytes(whole[: refs[2].offset + 40] + b"\xff\x00\xff" + whole[refs[2].offset + 43 :])

    def mend() -> Restored:
        target = target_of(Settings(profile="demo", data=data))
        manifest = choose(to, None, target)
        return restore_parts(to, manifest, target, ["archive"], now=NOW, rewritten={name: change})

    spoil()
    told = mend().told  # the only backup is of before: it would bring back what had to go
    assert "按期限或按人删除之前的" in told[0]
    path.write_bytes(whole)
    assert back_up(source, to, now=datetime.now(UTC) + timedelta(days=2)).manifest.problems == ()
    spoil()
    assert "封存后被改动" in back_up(source, to, now=datetime.now(UTC) + timedelta(days=3)).manifest.problems[0]
    assert mend().files == 1
    assert path.read_bytes() == whole


def test_a_table_that_was_handed_in_goes_with_the_last_of_its_documents(services: Services) -> None:
    first, second = _all_ids(services.store)[:2]
    row = {
        "kind": "complaints", "source": "12315", "revision": 1, "latest": True, "hash": "", "day": NOW.date(),
        "territory": "", "product": "", "firm": "", "outcome": "", "site": "", "found": 0, "fixed": 0, "done": False,
        "body": {}, "at": NOW, "actor": "li", "archive": "202611/a.warc.gz 7 90",
    }  # fmt: skip
    with services.store.write() as db:
        for document in (first, second):
            db.execute(insert(handed_in).values(**row, external_id=document, document=document))
        for gone, needed in ((first, {7}), (second, set())):
            db.execute(update(documents).where(documents.c.id == gone).values(stage="expired", archive=None))
            assert needed_offsets(db, ["202611/a.warc.gz"])["202611/a.warc.gz"] == needed
        db.execute(insert(handed_in).values(**row, external_id="x", document=""))  # became none: nothing says its time
        assert needed_offsets(db, ["202611/a.warc.gz"])["202611/a.warc.gz"] == {7}


def test_a_hold_on_an_event_goes_with_its_documents_wherever_they_are_put(services: Services) -> None:
    def held() -> set[str]:
        with services.store.read() as db:
            why = why_held(db, [first, second], now=LATER, closed_before=LATER, papers_of={})
        return {document for document, whys in why.items() if "保全 1" in whys}

    one, other, first, second = "e-one", "e-other", "d-first", "d-second"
    with services.store.write() as db:
        for event, document, serial in ((one, first, 9001), (other, second, 9002)):
            told = {"year": 2026, "serial": serial, "title": "", "level": 1, "documents": 1, "origins": 1, "facts": {}}
            times = {"first_at": NOW, "last_at": NOW, "created_at": NOW}
            db.execute(insert(events).values(id=event, **told, **times))
            member = {"at": NOW, "risk": True, "held": False, "points": 0, "why": {}, "traits": {}}
            db.execute(insert(event_documents).values(document=document, event=event, **member))
        add_hold(db, "event", one, reason="行政复议", author="王", now=NOW, until=None)
    assert held() == {first}
    with services.store.write() as db:  # as the machine does it when a text tells of both
        merge_into(db, one, other)
    assert held() == {first, second}
    with services.store.write() as db:
        revive(db, one)
        move_members(db, [first], one)
        add_move(db, "split", one, other, documents={first: False}, parted=False, actor="李", at=NOW)
        move_members(db, [first], other)
    assert first in held()


def test_a_hold_on_a_firm_keeps_what_names_it_beside_another(services: Services) -> None:
    free = sorted(set(_all_ids(services.store)) - cited(services.store))
    with services.store.write() as db:
        told = {"mentions": [{"text": "甲公司", "id": "ENT0043"}]}
        db.execute(update(documents).where(documents.c.id == free[0]).values(enterprise="ENT0001", analysis=told))
        add_hold(db, "firm", "ENT0043", reason="行政复议", author="王", now=NOW, until=None)
        why = why_held(db, free[:1], now=LATER, closed_before=LATER, papers_of={})
    assert why == {free[0]: ["保全 1"]}


def test_a_hold_until_a_day_holds_on_that_day(services: Services) -> None:
    data = services.settings.data_dir
    today = f"{beijing(system_clock()):%Y-%m-%d}"
    put = run_here("hold", "add", "firm", "NIL:甲公司", "--reason", "行政复议", "--until", today, "--data", str(data))
    assert put.returncode == 0, put.stderr
    with services.store.read() as db:
        assert len(holds_in_force(db, system_clock())) == 1


def test_texts_of_old_notices_go_and_their_rows_stay(services: Services) -> None:
    with services.store.write() as db:
        db.execute(update(deliveries).values(state="sent", html="<p>x</p>", text="x"))
        rows = db.execute(select(func.count()).select_from(deliveries)).scalar_one()
    run(services)
    with services.store.read() as db:
        closed = select(alerts.c.id).where(alerts.c.state.in_(("closed", "dismissed")))
        texts = dict(db.execute(select(deliveries.c.alert, deliveries.c.html)).all())
        assert {alert for alert, html in texts.items() if not html} == set(db.execute(closed).scalars())
        assert db.execute(select(func.count()).select_from(deliveries)).scalar_one() == rows


def test_time_runs_out_and_the_next_night_goes_on(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keeping.retention.AT_ONCE", 100)
    ticks = iter(range(1000))
    keeper = Keeper(
        services.store, services.settings.data_dir, ALL, services.search, dry=False, tick=lambda: float(next(ticks))
    )
    first = keeper.run(LATER, seconds=3)
    assert not first.finished
    total = first.documents.total() + run(services).documents.total()
    assert total == len(expired(services.store))
    assert total > first.documents.total() > 0


def test_the_command_shows_first_and_writes_it_down(services: Services) -> None:
    data = services.settings.data_dir
    shown = run_here("keep", "--data", str(data))
    assert shown.returncode == 0, shown.stderr
    assert "会删文档正文 0 件" in shown.stdout  # the demo is younger than any limit that ships
    assert "以上只是查看" in shown.stdout
    firm = ("hold", "add", "firm", "NIL:甲公司", "--reason", "行政复议", "--data", str(data))
    put = run_here(*firm, "--until", "2099-01-01")
    assert "已设保全 1" in put.stdout
    assert "行政复议" in run_here("hold", "list", "--data", str(data)).stdout
    assert "已解除保全 1" in run_here("hold", "end", "1", "--data", str(data)).stdout
    assert "没有在效的保全" in run_here("hold", "list", "--data", str(data)).stdout
    assert run_here(*firm, "--until", "gestern").returncode == 2
    assert "hold_add" in run_here("audit", "list", "--data", str(data)).stdout


def test_the_shipped_rules_delete_nothing_by_themselves_and_no_official_notice_ever() -> None:
    rules = load_keeping(PROJECT / "config").retention
    assert not rules.daily
    official = ("notice", "recall", "spotcheck")
    assert all(rules.days_of(kind, risk) is None for kind in official for risk in (True, False))
    assert rules.days_of("forum", False) == 180
    assert store_documents.EXPIRED in store_documents.SETTLED
