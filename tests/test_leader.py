"""Several schedulers: one leads, and one that has lost its seat writes nothing more."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import text

from config.settings import PROJECT
from core.clock import fixed_clock
from scheduler import schedule
from store.database import Store, get_fact, set_fact
from store.leader import LOCK, Leadership, NotLeading, SessionSeat, leadership_of, wait_to_lead
from store.processes import beat
from tests.conftest import NOON
from tests.postgresql import Database

LEADER = """
import sys
from core.clock import system_clock
from store.database import Store, set_fact
from store.leader import NotLeading, leadership_of
store = Store(sys.argv[1], kept=True)
mine = leadership_of(store, "scheduler@a/1", None)
print(mine.take(system_clock()), flush=True)
for line in sys.stdin:
    try:
        with store.write() as db:
            set_fact(db, "written", line.strip())
        print("wrote", flush=True)
    except NotLeading:
        print("lost", flush=True)
"""


@pytest.fixture
def team(postgresql: Database) -> Iterator[str]:
    """Address of an empty migrated store on PostgreSQL."""
    postgresql.empty()
    yield postgresql.url
    with postgresql.engine.begin() as db:  # what a test left leading
        db.execute(text("select pg_terminate_backend(pid) from pg_locks where objid = :key"), {"key": LOCK})


@contextmanager
def another(url: str) -> Iterator["subprocess.Popen[str]"]:
    """A leader in a process of its own."""
    command = [sys.executable, "-c", LEADER, url]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert answer(process) == "True"
        yield process
    finally:
        process.kill()
        process.wait()


def answer(process: "subprocess.Popen[str]", told: str = "") -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    if told:
        process.stdin.write(f"{told}\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def candidate(url: str, mark: str) -> Leadership:
    store = Store(url)
    return Leadership(store, f"scheduler@b/{mark}", SessionSeat(url))


def seconds_to_lead(one: Leadership) -> float:
    started = time.monotonic()
    assert wait_to_lead(one, clock=lambda: NOON, wait=Event().wait, beat=lambda: None)
    return time.monotonic() - started


def test_a_standby_takes_over_within_seconds_when_the_leader_is_killed(team: str) -> None:
    standby = candidate(team, "2")
    with another(team) as leader:
        assert not standby.take(NOON)
        assert answer(leader, "once") == "wrote"
        leader.kill()
        assert seconds_to_lead(standby) < 5
    standby.check()
    standby.give_up()


def test_a_leader_that_sleeps_is_cut_off_and_writes_nothing_when_it_wakes(team: str) -> None:
    standby = candidate(team, "2")
    with another(team) as leader:
        with standby.store.write() as db:
            beat(db, "scheduler@a/1", pid=1, now=NOON)
        leader.send_signal(signal.SIGSTOP)
        assert not standby.take(NOON + timedelta(seconds=20))  # it may be slow
        assert not standby.take(NOON + timedelta(seconds=40))  # cut off; its lock goes with its session
        assert seconds_to_lead(standby) < 5
        leader.send_signal(signal.SIGCONT)
        assert answer(leader, "after") == "lost"
        with standby.store.write() as db:
            assert get_fact(db, "written") is None
            set_fact(db, "written", "by the second")
    standby.give_up()


def test_who_takes_over_waits_for_what_the_leader_has_begun(team: str) -> None:
    first, second = candidate(team, "1"), candidate(team, "2")
    assert first.take(NOON)
    with ThreadPoolExecutor(1) as pool:
        with first.store.write() as db:
            set_fact(db, "written", "half")
            first.seat.give_up()  # its line broke in the middle
            taken = pool.submit(seconds_to_lead, second)
            with pytest.raises(TimeoutError):
                taken.result(timeout=0.3)
        taken.result(timeout=20)
    with pytest.raises(NotLeading, match=r"scheduler@b/2 接管"), first.store.write() as db:
        set_fact(db, "written", "late")
    with pytest.raises(NotLeading, match="连接断过"):
        first.check()
    second.give_up()


def test_a_leader_whose_line_broke_stops_at_once(team: str, store: Store) -> None:
    one = candidate(team, "1")
    assert one.take(NOON)
    one.check()
    with Store(team).write() as db:
        db.execute(text("select pg_terminate_backend(pid) from pg_locks where objid = :key"), {"key": LOCK})
    with pytest.raises(NotLeading):
        schedule(Event(), store, [], daily=[], clock=fixed_clock(NOON), check=one.check)


def test_on_one_machine_the_second_waits_for_the_first(store: Store, tmp_path: Path) -> None:
    if store.engine.dialect.name != "sqlite":
        pytest.skip("a lock of the file's folder")
    first, second = (leadership_of(store, f"scheduler@{mark}/{mark}", tmp_path) for mark in "ab")
    assert first.take(NOON)
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        if len(waited) == 3:
            first.give_up()
        return len(waited) > 5

    assert wait_to_lead(second, clock=lambda: NOON, wait=wait, beat=lambda: None)
    assert len(waited) == 3
    assert not wait_to_lead(first, clock=lambda: NOON, wait=lambda seconds: True, beat=lambda: None)
