"""Queues that wake who waits, on a real PostgreSQL: none is told too early, none is forgotten."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import Connection, text

from core.records import Kind, Notification, RawDocument
from pipelines.intake import StoreIntake
from pipelines.waking import Polling, Woken, waiting_for
from store.alert_log import add_delivery
from store.database import Store
from store.queue_schema import KEPT, keep_queues, sweep_jobs
from store.runs import ask_for_run
from store.wake import ANALYSIS, CRAWL, DELIVERY, INDEX, wake
from tests.conftest import NOON

LONG = 20.0


def jobs(db: Connection) -> list[tuple[str, str]]:
    rows = db.execute(text("select queue_name, status::text from procrastinate_jobs order by 1, 2"))
    return [(row[0], row[1]) for row in rows]


def give(store: Store, number: int) -> None:
    url = f"http://a.example/{number}"
    raw = RawDocument("a", Kind.NEWS, url, f"第 {number} 篇", f"正文 {number}" * 20, NOON, published=NOON)
    StoreIntake(store, lambda: NOON).save(raw)


@pytest.fixture
def woken(team: Store) -> Iterator[Woken]:
    """One that waits for texts, and listens."""
    waiting = Woken(team.url, ANALYSIS)
    with team.write() as db:
        wake(db, ANALYSIS)
    assert waiting.idle(Event(), LONG)
    idle(waiting)
    yield waiting
    waiting.close()


def idle(waiting: Woken) -> None:
    """Nothing is left to be done."""
    while waiting.idle(Event(), 0.0):
        continue


def test_each_kind_of_work_puts_one_job_into_its_queue_however_much_there_is(team: Store) -> None:
    for number in range(3):
        give(team, number)
    with team.write() as db:
        for number in range(3):
            ask_for_run(db, f"s{number}", reason="schedule", now=NOON)
            add_delivery(db, Notification(f"n{number}", "mail", "desk@x.example", "题", "文", ""), now=NOON)
        wake(db, INDEX)
    with team.read() as db:
        assert jobs(db) == [(queue, "todo") for queue in (ANALYSIS, CRAWL, DELIVERY, INDEX)]


def test_what_was_undone_wakes_nobody(team: Store) -> None:
    def undone() -> None:
        with team.write() as db:
            wake(db, ANALYSIS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    with team.write() as db:
        db.execute(text("select 1"))
    with team.read() as db:
        assert jobs(db) == []


def test_who_waits_is_woken_as_soon_as_the_row_can_be_seen(team: Store, woken: Woken) -> None:
    assert not woken.idle(Event(), 0.1)
    give(team, 1)
    assert woken.idle(Event(), LONG)
    with team.read() as db:
        assert jobs(db) == [(ANALYSIS, "doing")]  # held until nothing is left
    give(team, 2)
    with team.read() as db:
        assert jobs(db) == [(ANALYSIS, "doing"), (ANALYSIS, "todo")]  # the next one wakes another, or us again
    assert woken.idle(Event(), LONG)


def test_a_job_that_waits_is_not_taken_before_what_is_added_to_it_can_be_seen(team: Store) -> None:
    give(team, 1)
    waiting = None
    with team.engine.connect() as db, db.begin():
        db.execute(text("select fengsui_wake(array['analysis'])"))  # its rows are not committed yet
        waiting = Woken(team.url, ANALYSIS)
        assert not waiting.idle(Event(), 1.0)
    assert waiting.idle(Event(), LONG)
    waiting.close()


def test_many_writers_at_once_neither_wait_for_each_other_for_ever_nor_lose_a_job(team: Store) -> None:
    def write(number: int) -> None:
        with team.write() as db:
            for queue in (ANALYSIS, INDEX, CRAWL)[:: 1 if number % 2 else -1]:
                wake(db, queue)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(100)))
    with team.read() as db:
        assert jobs(db) == [(ANALYSIS, "todo"), (CRAWL, "todo"), (INDEX, "todo")]


def test_a_job_whose_process_died_is_swept_and_holds_nothing_up(team: Store) -> None:
    with team.write() as db:
        wake(db, ANALYSIS)
    with team.write() as db:
        db.execute(text("update procrastinate_jobs set status = 'doing'"))
        wake(db, ANALYSIS)
    with team.write() as db:
        assert sweep_jobs(db) == 1
        assert jobs(db) == [(ANALYSIS, "todo")]


def test_an_update_of_the_package_brings_its_tables_up_once(team: Store) -> None:
    with team.write() as db:
        assert keep_queues(db) == []
        last = db.execute(text("select value from facts where key = :key"), {"key": KEPT}).scalar_one()
        db.execute(text("update facts set value = '03.04.00_49 3.4.0' where key = :key"), {"key": KEPT})
        assert keep_queues(db) == [last.partition(" ")[0]]
        assert keep_queues(db) == []
        assert db.execute(text("select value from facts where key = :key"), {"key": KEPT}).scalar_one() == last


def test_on_sqlite_one_looks_by_oneself(tmp_path: object) -> None:
    store = Store("sqlite://")
    waiting = waiting_for(store, ANALYSIS, seconds=0.0)
    assert isinstance(waiting, Polling)
    assert waiting.idle(Event(), 1.0)
