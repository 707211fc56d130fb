"""Several processes over one store: who they are, and that one which slept past its claim writes nothing."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from alerts.sender import send_due
from commands.system import called
from config.settings import Settings
from core.errors import DeliveryError, NameTaken, UsageError
from core.records import Analysis, Kind, Notification, RawDocument, Signal
from nlp.analyze import Analyzer
from nlp.subjects import Subjects, subjects_of
from pipelines.indexing import Indexer
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from pipelines.worker import note_halt
from store.alert_log import add_delivery
from store.database import Store, set_fact
from store.documents import attach_repost, count_by_stage, mark_for_index, release_claims, withdraw
from store.processes import (
    HOST,
    SILENT,
    Process,
    beat,
    forget_gone,
    leave,
    list_processes,
    missed,
    role_of,
    take_name,
    who_am_i,
)
from store.runs import ask_for_run, claim_run, find_runs, finish_run, renew_runs
from store.schema import delivery_attempts, documents, facts, processes
from tests.conftest import NOON
from tests.postgresql import Database

TEN_MINUTES = timedelta(minutes=10)
NOTHING = Analysis(False, 0, 0.0, None, None, None, (), (), (), (), (), (), (), "题", "文")


class Reader(Analyzer):
    """An analyzer that finds nothing, and during which anything may happen."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.meanwhile = meanwhile

    def analyze(self, *_text: Any, **_more: Any) -> Analysis:
        self.meanwhile()
        return NOTHING

    def subjects(self, *_text: str) -> Subjects:
        return subjects_of(NOTHING)


def pipeline(
    store: Store, who: str, now: datetime, reader: Reader, during: Callable[[], object] | None = None
) -> Pipeline:
    """A worker whose judge leaves a row of its own, so that what it wrote can be seen."""

    def judge(db: Connection, signal: Signal, at: datetime) -> None:
        set_fact(db, f"judged by {who}", signal.document.id)
        if during is not None:
            during()

    return Pipeline(store, reader, judge, lambda: now, who)


def give(store: Store, number: int = 1) -> None:
    text = f"第 {number} 篇正文，说的是另一件事。" * 3
    raw = RawDocument("a", Kind.NEWS, f"http://a.example/{number}", f"第 {number} 篇", text, NOON, published=NOON)
    StoreIntake(store, lambda: NOON).save(raw)


def judges(store: Store) -> list[str]:
    with store.read() as db:
        return list(db.execute(select(facts.c.key).where(facts.c.key.like("judged by %"))).scalars())


# A process that slept past its claim


def test_a_worker_that_slept_ten_minutes_judges_nothing_that_another_judged_meanwhile(store: Store) -> None:
    give(store)
    other = pipeline(store, "worker@b/2", NOON + TEN_MINUTES, Reader())
    sleeper = pipeline(store, "worker@a/1", NOON, Reader(other.drain))
    sleeper.drain()
    assert judges(store) == ["judged by worker@b/2"]
    with store.read() as db:
        assert count_by_stage(db) == {"judged": 1}


def test_two_workers_called_alike_never_finish_each_others_work(store: Store) -> None:
    give(store)

    def started_anew() -> None:
        with store.write() as db:
            assert release_claims(db, "worker@a/2") == 1
        pipeline(store, "worker@a/2", NOON, Reader()).drain()

    pipeline(store, "worker@a/1", NOON, Reader(started_anew)).drain()
    assert judges(store) == ["judged by worker@a/2"]


def test_what_is_being_judged_is_nobody_elses_though_its_claim_ran_out(postgresql: Database) -> None:
    postgresql.empty()
    store = Store(postgresql.url)
    other = pipeline(store, "worker@b/2", NOON + TEN_MINUTES, Reader())
    sleeper = pipeline(store, "worker@a/1", NOON, Reader(), other.drain)
    give(store, 1)
    sleeper.drain()
    assert judges(store) == ["judged by worker@a/1"]
    for number in (2, 3):  # these go through savepoints; the second is free while the first is judged
        give(store, number)
    sleeper.drain()
    assert sorted(judges(store)) == ["judged by worker@a/1", "judged by worker@b/2"]
    with store.read() as db:
        assert count_by_stage(db) == {"judged": 3}
        assert db.execute(select(documents.c.error).where(documents.c.error.is_not(None))).all() == []
    store.close()


def to_a_copy(db: Connection, document: str) -> None:
    """As cleaning does when an earlier text comes."""
    attach_repost(db, document, "earlier")
    mark_for_index(db, document)


def to_a_page_that_is_gone(db: Connection, document: str) -> None:
    assert withdraw(db, document, NOON)


@pytest.mark.parametrize("changed", [to_a_copy, to_a_page_that_is_gone])
def test_what_changes_while_a_text_is_judged_is_judged_afterwards(
    postgresql: Database, changed: Callable[[Connection, str], None]
) -> None:
    postgresql.empty()
    store, other = Store(postgresql.url), Store(postgresql.url)
    seen: list[tuple[str | None, datetime | None]] = []
    begun: list[Future[None]] = []

    def change(document: str) -> None:
        with other.write() as db:
            changed(db, document)

    def judge(db: Connection, signal: Signal, _at: datetime) -> None:
        seen.append((signal.document.repost_of, signal.document.withdrawn_at))
        if begun:
            return
        begun.append(pool.submit(change, signal.document.id))
        while not db.exec_driver_sql("select count(*) from pg_locks where not granted").scalar_one():
            if begun[0].done():
                break

    give(store)
    worker = Pipeline(store, Reader(), judge, lambda: NOON, "worker@a/1")
    with ThreadPoolExecutor(1) as pool:
        worker.drain()
        begun[0].result(20)
    worker.drain()
    assert seen == [(None, None), ("earlier", None) if changed is to_a_copy else (None, NOON)]
    for one in (store, other):
        one.close()


def test_what_a_slept_indexer_wrote_over_a_newer_entry_is_written_again(store: Store) -> None:
    written: list[str] = []

    class Index:
        def __init__(self, who: str, meanwhile: Callable[[], object] = lambda: None) -> None:
            self.who, self.meanwhile = who, meanwhile

        def index(self, entries: Any) -> tuple[Any, ...]:
            self.meanwhile()
            written.append(self.who)
            return ()

    def indexer(mark: str, now: datetime, meanwhile: Callable[[], object] = lambda: None) -> Indexer:
        index: Any = Index(mark, meanwhile)
        entry: Any = lambda signal: signal.document.id  # noqa: E731
        return Indexer(store, index, entry, f"indexer@{mark}/{mark}", lambda: now)

    give(store)
    pipeline(store, "worker", NOON, Reader()).drain()
    other = indexer("b", NOON + TEN_MINUTES)
    indexer("a", NOON, other.drain).step()
    assert written == ["b", "a"]
    other.drain()
    assert written == ["b", "a", "b"]
    with store.read() as db:
        assert count_by_stage(db) == {"indexed": 1}


def test_a_crawl_that_was_given_up_cannot_be_closed_or_kept(store: Store) -> None:
    with store.write() as db:
        ask_for_run(db, "s", reason="schedule", now=NOON)
        slept = claim_run(db, who="crawler@a/1", now=NOON)
        later = NOON + TEN_MINUTES
        assert ask_for_run(db, "s", reason="schedule", now=later)
        other = claim_run(db, who="crawler@b/1", now=later)
        assert slept is not None
        assert other is not None
        renew_runs(db, [slept.id], now=later)
        assert not finish_run(db, slept.id, status="ok", counts={"new": 9}, problems=[], now=later)
        assert finish_run(db, other.id, status="ok", counts={"new": 1}, problems=[], now=later)
        ended = find_runs(db, [slept.id, other.id])
    assert (ended[slept.id].status, ended[slept.id].new) == ("interrupted", 0)
    assert (ended[other.id].status, ended[other.id].new) == ("ok", 1)


@pytest.mark.parametrize(("fails", "over"), [(False, False), (True, False), (False, True), (True, True)])
def test_a_sender_that_slept_settles_nothing_that_was_settled(store: Store, fails: bool, over: bool) -> None:
    """over: it slept after handing the message over."""
    sent: list[str] = []

    class Mail:
        def __init__(self, who: str, meanwhile: Callable[[], object] = lambda: None) -> None:
            self.who, self.meanwhile = who, meanwhile

        def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
            if not over:
                self.meanwhile()
            handing_over()
            sent.append(self.who)
            if over:
                self.meanwhile()
            if fails and self.who == "slept":
                raise DeliveryError("no answer", retry=True)
            return "250"

    with store.write() as db:
        add_delivery(db, Notification("n", "mail", "desk@x.example", "题", "文", ""), now=NOON)

    def other() -> None:
        send_due(store, {"mail": Mail("other")}, clock=lambda: NOON + TEN_MINUTES, who="sender@b/1")

    send_due(store, {"mail": Mail("slept", other)}, clock=lambda: NOON, who="sender@a/1")
    assert sent == (["slept"] if over else ["other"])  # never twice
    with store.read() as db:
        tried = db.execute(select(delivery_attempts.c.number, delivery_attempts.c.outcome)).all()
        state = db.exec_driver_sql("select state from deliveries").scalar_one()
    outcome = ("failed", "crashed") if over else ("sent", "sent")
    assert (state, [row.outcome for row in tried]) == (outcome[0], [outcome[1]])


# Names


def test_a_name_is_refused_while_its_bearer_lives_and_free_when_it_fell_silent(store: Store) -> None:
    with store.write() as db:
        take_name(db, "worker@a/1", now=NOON)
        elsewhere = processes.update().values(host="another-machine")
        db.execute(elsewhere)
    with store.write() as db, pytest.raises(NameTaken, match=r"worker@a 正由 another-machine 上的进程.*--name"):
        take_name(db, "worker@a/2", now=NOON + timedelta(seconds=20))
    with store.write() as db:
        take_name(db, "worker@a/2", now=NOON + SILENT + timedelta(seconds=1))
        with pytest.raises(NameTaken, match="接管"):
            beat(db, "worker@a/1", pid=1, now=NOON + timedelta(seconds=40))
        beat(db, "worker@a/2", pid=1, now=NOON + timedelta(seconds=40))


def test_a_process_that_died_on_this_machine_gives_its_name_at_once(store: Store) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with store.write() as db:
        take_name(db, "worker/1", now=NOON)
        db.execute(processes.update().values(pid=gone.pid))
        take_name(db, "worker/2", now=NOON)
        db.execute(processes.update().values(pid=os.getppid()))
        with pytest.raises(NameTaken, match=HOST):
            take_name(db, "worker/3", now=NOON)


def test_names_say_role_and_place_and_differ_by_themselves() -> None:
    first, second = who_am_i("worker"), who_am_i("worker", "office-2")
    assert first.startswith(f"worker@{HOST}-{os.getpid()}/")
    assert second.startswith("worker@office-2/")
    assert who_am_i("worker", "worker-2").startswith("worker-2/")
    assert who_am_i("worker", "w") != who_am_i("worker", "w")
    assert [role_of(name) for name in ("worker", "worker-2", "worker@host-7")] == ["worker"] * 3
    with pytest.raises(UsageError, match="--name"):
        who_am_i("worker", "a/b")


def test_run_names_its_processes_by_role_on_a_folder_and_by_machine_on_a_shared_database() -> None:
    alone, team = Settings(), Settings(database_url="postgresql+psycopg://db/fengsui")
    assert [called("worker", number, alone) for number in (1, 2)] == ["worker", "worker-2"]
    assert [called("worker", number, team) for number in (1, 2)] == [f"worker@{HOST}", f"worker@{HOST}-2"]


# Silence


@pytest.fixture
def four(store: Store) -> Iterator[Connection]:
    """Two placed workers of which one fell silent, a kept sender that did, and one that ended as asked."""
    with store.write() as db:
        for who, ago in (("worker@a/1", 0), ("worker@b/1", 300), ("sender", 300), ("indexer@a/1", 0)):
            beat(db, who, pid=1, now=NOON - timedelta(seconds=ago))
        leave(db, "indexer@a/1")
        yield db


def names(known: list[Process]) -> list[str]:
    return [one.name for one in known]


def test_silence_is_told_where_nobody_else_does_the_work(four: Connection) -> None:
    known = list_processes(four)
    assert names(known) == ["sender", "worker@a", "worker@b"]
    assert names(missed(known, NOON)) == ["sender"]
    assert names(missed(known, NOON - timedelta(seconds=220))) == ["sender", "worker@b"]  # just now: it is told
    assert names(missed(known, NOON + timedelta(minutes=9))) == names(known)


def test_who_is_gone_for_a_day_is_forgotten_but_never_the_last_of_its_role(four: Connection) -> None:
    assert forget_gone(four, now=NOON + timedelta(days=2)) == 1
    assert names(list_processes(four)) == ["sender", "worker@a"]


def test_only_a_time_in_which_no_worker_ran_is_an_outage(four: Connection) -> None:
    note_halt(four, NOON + timedelta(seconds=30))
    assert four.exec_driver_sql("select count(*) from outages").scalar_one() == 0
    note_halt(four, NOON + TEN_MINUTES)
    assert four.exec_driver_sql("select count(*) from outages").scalar_one() == 1
