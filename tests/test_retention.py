"""How long things are kept: what is over goes everywhere, what a case rests on stays, counts stay what they were."""

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update
from warcio.archiveiterator import ArchiveIterator

from config.keeping import KindRule, RetentionRules, load_keeping
from config.settings import PROJECT
from core.records import ArchiveRef
from crawlers.archive import read_record
from crawlers.archive_blank import blank, is_blank
from crawlers.archive_members import members
from keeping.check import Budget, check_kept
from keeping.retention import Gone, Keeper
from store import documents as store_documents
from store.database import Store
from store.documents import find_document, tally
from store.expiry import TITLE, changed_files
from store.holds import add_hold, end_hold
from store.schema import alert_documents, alerts, deliveries, documents, sentence_hashes, signal_cards
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
        assert list(changed_files(db).values()) == [-1]
    assert "已恢复 0 个文件" in run_here("restore", str(to), "--data", str(data), "--only", "archive").stdout
    assert not list((data / "archive").glob("*/*.warc.gz"))


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
