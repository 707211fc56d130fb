"""Faults of the machine under us: a full disk, a clock that jumps, names that do not resolve (all: docs/faults.md)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from core.errors import StoreError, StoreInTrouble
from core.records import Analysis, Kind, Notification, RawDocument, Signal
from nlp.subjects import Subjects, subjects_of
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from pipelines.worker import work_until
from store.alert_log import add_delivery, claim_delivery, free_deliveries, release_deliveries
from store.database import Store, get_fact, set_fact
from store.documents import MAX_DEATHS, count_by_stage, forgive
from tests.conftest import NOON
from tests.crawl_server import Bench, Reply, Site
from tests.postgresql import Database

DAY = timedelta(days=1)
NOTHING = Analysis(False, 0, 0.0, None, None, None, (), (), (), (), (), (), (), "题", "文")


class Reader:
    """Finds nothing."""

    def analyze(self, *_text: Any, **_more: Any) -> Analysis:
        return NOTHING

    def subjects(self, *_text: str) -> Subjects:
        return subjects_of(NOTHING)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    site = Site()
    yield Bench(site, tmp_path)
    site.close()


@contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """SQLite finds no room for a further page."""

    def limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count=1")  # at least as many as there are

    event.listen(store.engine, "connect", limit)
    store.engine.dispose()
    try:
        yield
    finally:
        event.remove(store.engine, "connect", limit)
        store.engine.dispose()


def page(number: int) -> RawDocument:
    body = "".join(f"第{number}篇第{part}句，说的是另一件事。" for part in range(3000))
    return RawDocument("a", Kind.NEWS, f"http://a.example/{number}", f"第{number}篇", body, NOON, published=NOON)


def stages(store: Store) -> dict[str, int]:
    with store.read() as db:
        return count_by_stage(db)


def test_a_full_disk_is_said_loses_nothing_and_work_goes_on_when_there_is_room(store: Store) -> None:
    if store.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL ends what does not fit in the same way")
    intake = StoreIntake(store, lambda: NOON)
    judged: list[str] = []

    def judge(db: Connection, signal: Signal, _at: datetime) -> None:
        set_fact(db, signal.document.id, "判" * 200_000)
        judged.append(signal.document.id)

    pipeline = Pipeline(store, Reader(), judge, lambda: NOON, "worker@a/1")  # type: ignore[arg-type]
    assert intake.save(page(1)) == "new"
    before = stages(store)
    with full_disk(store):
        with pytest.raises(StoreError, match="disk is full"):
            intake.save(page(2))
        assert stages(store) == before
    assert intake.save(page(2)) == "new"
    with full_disk(store), pytest.raises(StoreError, match="disk is full"):
        pipeline.drain()
    again = Pipeline(store, Reader(), judge, lambda: NOON + timedelta(hours=1), "worker@a/2")  # type: ignore[arg-type]
    again.drain()
    assert stages(store) == {"judged": 2}
    with store.read() as db:
        assert all(get_fact(db, document) for document in judged)


@pytest.mark.parametrize("many", [1, 3])
def test_a_full_disk_is_no_texts_fault_however_often_it_is_tried(postgresql: Database, many: int) -> None:
    """A single row has its own transaction, several go through savepoints."""
    postgresql.empty()
    store = Store(postgresql.url)
    for number in range(many):
        StoreIntake(store, lambda: NOON).save(page(number))
    full = [True]

    def judge(db: Connection, _signal: Signal, _at: datetime) -> None:
        if full[0]:  # what PostgreSQL says where a file cannot grow
            db.execute(text("do $$ begin raise exception 'could not extend file' using errcode = 'disk_full'; end $$"))

    pipeline = Pipeline(store, Reader(), judge, lambda: NOON, "worker@a/1")  # type: ignore[arg-type]
    for _try in range(MAX_DEATHS + 1):
        with pytest.raises(StoreInTrouble):
            pipeline.step()
        with store.write() as db:
            assert forgive(db, pipeline.who) == many
    full[0] = False
    pipeline.drain()
    assert stages(store) == {"judged": many}
    store.close()


def test_a_worker_lives_through_trouble_of_its_store(store: Store) -> None:
    assert StoreIntake(store, lambda: NOON).save(page(1)) == "new"
    judged: list[str] = []
    stop = Event()

    def judge(_db: Connection, signal: Signal, _at: datetime) -> None:
        judged.append(signal.document.id)
        if len(judged) == 1:
            raise StoreInTrouble("the disk is full")
        stop.set()

    pipeline = Pipeline(store, Reader(), judge, lambda: NOON, "worker@a/1")  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.worker.AGAIN_SECONDS", 0.0)
        work_until(stop, pipeline, refresh=lambda _pipeline: None, take_up=lambda _at: None)
    assert stages(store) == {"judged": 1}
    assert len(judged) == 2


def notice(number: int) -> Notification:
    return Notification(f"n{number}", "mail", "a@x.example", "题", "文", "", None, 2)


def test_mails_written_while_the_clock_was_ahead_leave_when_it_is_set_right(store: Store) -> None:
    with store.write() as db:
        add_delivery(db, notice(1), now=NOON + 3 * DAY)
        add_delivery(db, notice(2), now=NOON, at=NOON + timedelta(hours=8))  # put off, and no clock was wrong
        taken = claim_delivery(db, who="sender@a/1", now=NOON)
        assert taken is not None
        assert taken.notification.id == "n1"
        assert claim_delivery(db, who="sender@a/1", now=NOON) is None


def test_a_mail_whose_sender_died_while_the_clock_was_ahead_is_free_when_it_is_set_right(store: Store) -> None:
    with store.write() as db:
        add_delivery(db, notice(1), now=NOON)
        assert claim_delivery(db, who="sender@a/1", now=NOON + 3 * DAY) is not None
        assert free_deliveries(db, now=NOON) == 1
        assert claim_delivery(db, who="sender@a/2", now=NOON) is not None
        assert free_deliveries(db, now=NOON + timedelta(minutes=1)) == 0


def test_a_mail_whose_sender_was_killed_waits_for_its_successor_only(store: Store) -> None:
    with store.write() as db:
        add_delivery(db, notice(1), now=NOON)
        add_delivery(db, notice(2), now=NOON)
        assert claim_delivery(db, who="sender@a/1", now=NOON) is not None
        assert claim_delivery(db, who="sender@b/1", now=NOON) is not None
        assert release_deliveries(db, "sender@a/2", now=NOON) == 1  # the other machine's sender lives
        assert free_deliveries(db, now=NOON) == 1
        assert claim_delivery(db, who="sender@a/2", now=NOON) is not None
        assert claim_delivery(db, who="sender@a/2", now=NOON) is None


def test_a_clock_set_back_does_not_date_documents_before_those_that_are_there(store: Store) -> None:
    assert StoreIntake(store, lambda: NOON).save(page(1)) == "new"
    assert StoreIntake(store, lambda: NOON - DAY).save(page(2)) == "new"
    pipeline = Pipeline(store, Reader(), lambda *_all: None, lambda: NOON - DAY, "worker@a/1")  # type: ignore[arg-type]
    pipeline.drain()
    assert stages(store) == {"judged": 2}


def test_a_host_whose_name_is_not_found_fails_its_run_and_the_next_source_goes_on(bench: Bench) -> None:
    lost = bench.source("html_list", list_url="http://nobody.invalid/list", item="li")
    run = bench.crawl(lost)
    assert run.status == "failed"
    assert "nobody.invalid" in " ".join(run.problems)
    bench.site.routes["/list"] = Reply("<li><a href='/a.html'>某地通报一起产品质量案件</a></li>")
    bench.site.routes["/a.html"] = Reply(f"<html><body><h1>通报</h1><p>{'通报的内容有很多字。' * 20}</p></body></html>")
    good = bench.crawl(bench.source("html_list", list_url=f"{bench.site.base}/list", item="li"))
    assert (good.status, good.new) == ("ok", 1)
