"""kill -9 of any process of the running system, and of all of it, at random moments: nothing lost, nothing doubled.

The seed is printed with each failure; FENGSUI_KILL_SEED=n repeats it. Two systems read the same sample site with the
same clock, one in peace; afterwards their stores must say the same.
"""

import itertools
import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from commands.sample_site import SITE_PORT
from config.settings import PROJECT
from core.clock import beijing, system_clock
from core.records import CANARY
from crawlers.archive import read_record
from demo.story import DEFAULT_SPEED, LIVE_FROM, STATE_FILE
from store.database import Store, set_fact
from store.documents import REAL, count_by_stage, find_document
from store.runs import OPEN
from store.schema import alerts, counted_rules, documents, runs
from tests.elasticsearch import free_port
from tests.running_system import System, until

SEED = int(os.environ.get("FENGSUI_KILL_SEED", "20261124"))
ONE_BY_ONE = ["crawler"] * 2 + ["worker"] * 2 + ["indexer", "scheduler", "demo-site"]
WHOLE = 1
"""A few of each: tests/test_chaos.py kills again and again."""
SOURCES = (
    "complaint_board", "county_media", "export_12315", "hot_list", "jx_amr_spotcheck", "national_wire", "recall_centre",
)  # fmt: skip
"""A third of the sample's documents, of each family."""


def prepared(folder: Path, port: int) -> System:
    """A demo folder whose story has all been told since yesterday: what its sites show does not change any more."""
    folder.mkdir(parents=True)
    config = folder.parent / "config"
    shutil.copytree(PROJECT / "config", config, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for file in (config / "sources" / "demo").glob("*.yml"):
        if file.stem not in SOURCES:
            file.unlink()
    store = Store(f"sqlite:///{folder / 'fengsui.db'}")
    store.migrate()
    with store.write() as db:
        set_fact(db, "profile", "demo")
        set_fact(db, SITE_PORT, str(port))
    store.close()
    wall = system_clock() - timedelta(days=2)
    leg = {"wall": wall.isoformat(), "story_seconds": LIVE_FROM.total_seconds(), "speed": DEFAULT_SPEED}
    state = {"day_zero": beijing(wall).date().isoformat(), "legs": [leg]}
    (folder / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
    return System(folder, environment={"FENGSUI_CONFIG": str(config)})


def all_read(store: Store) -> bool:
    """Each source was read to its end, each document is through, and its day is judged."""
    with store.read() as db:
        done = set(db.execute(select(runs.c.source).where(runs.c.status == "ok")).scalars()) - {CANARY}
        return done == set(SOURCES) and set(count_by_stage(db)) == {"indexed"} and nothing_to_judge_again(db)


def nothing_to_judge_again(db: Connection) -> bool:
    """Days that changed behind what was told are judged anew by the clock, a little at a time."""
    again = select(counted_rules.c.rule).where(counted_rules.c.again_from.is_not(None))
    return db.execute(again).first() is None


def differences(known: dict[str, list[str]], expected: dict[str, list[str]]) -> list[str]:
    """What only one of the two knows, a line each: short enough to be read in a log."""
    return [
        f"{kind} {who}: {row}"
        for kind, rows in expected.items()
        for who, only in (("in peace", set(rows) - set(known[kind])), ("killed", set(known[kind]) - set(rows)))
        for row in sorted(only)
    ]


def what_is_known(store: Store) -> dict[str, list[str]]:
    """Everything that must not depend on kills. A kill changes the order in which sources are read, and by that order
    an alert whose ground was lost later is there or not, and one that was higher for a while stays so, killed or not:
    those that stand on their evidence only, at the level it has, and findings by way of them (test_kill.py holds the
    findings, for one order)."""
    columns = documents.c
    read = select(columns.id, columns.revision, columns.content_hash, columns.level, columns.repost_of).where(REAL)
    told = select(alerts.c.subject, alerts.c.documents, alerts.c.details).where(alerts.c.rule != CANARY)
    with store.read() as db:
        return {
            "documents": sorted(map(str, db.execute(read))),
            "alerts": sorted(
                str((alert.subject, alert.details["steps"][-1][1], alert.documents))
                for alert in db.execute(told)
                if alert.documents and not alert.details.get("ground_lost")
            ),
        }


def assert_evidence_is_whole(store: Store, folder: Path) -> None:
    with store.read() as db:
        for known in db.execute(select(documents.c.id)).scalars().all():
            document = find_document(db, known)
            assert document is not None
            assert document.archive is not None
            read_record(folder / "archive", document.archive)


def assert_one_run_at_a_time(store: Store) -> None:
    with store.read() as db:
        rows = db.execute(select(runs).where(runs.c.started_at.is_not(None)).order_by(runs.c.started_at)).all()
    for source in {row.source for row in rows}:
        mine = [row for row in rows if row.source == source]
        for before, after in itertools.pairwise(mine):
            assert before.status not in OPEN
            assert before.finished_at <= after.started_at, source


@contextmanager
def undisturbed(system: System) -> Iterator[Store]:
    system.start()
    store = system.store()
    try:
        system.address()
        until("everything read", lambda: all_read(store))
        yield store
    finally:
        system.clear()
        store.close()


def kill_one(system: System, name: str, wait: float) -> None:
    """Kill the process of this name `wait` seconds after it is there, and see it come back."""
    until(f"{name} starts", lambda: system.pid_of(name) is not None)
    time.sleep(wait)
    pid = system.pid_of(name)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(f"{name} comes back", lambda: system.pid_of(name) not in (None, pid))
    assert f"name={name}" in system.said() or f'"name": "{name}"' in system.said()


@pytest.mark.timeout(900)
def test_killed_anywhere_it_ends_as_if_never_killed(tmp_path: Path) -> None:
    port, chance = free_port(), random.Random(SEED)
    print(f"FENGSUI_KILL_SEED={SEED}")
    calm = prepared(tmp_path / "calm" / "data", port)
    with undisturbed(calm) as store:
        expected = what_is_known(store)
    rough = prepared(tmp_path / "rough" / "data", port)
    plan: list[str] = [*ONE_BY_ONE, *["run"] * WHOLE]
    chance.shuffle(plan)
    rough.start()
    try:
        for victim in plan:
            # Starting takes a process two to four seconds here: from its first line to deep in its work.
            wait = chance.uniform(0.0, 6.0)
            print(f"kill {victim} after {wait:.2f} s")
            if victim == "run":
                time.sleep(wait)
                seconds = rough.end(signal.SIGKILL)
                print(f"  its children ended within {seconds:.1f} s")
                rough.start()
            else:
                kill_one(rough, victim, wait)
        rough.address()
        store = rough.store()
        until("everything read", lambda: all_read(store))
        known = what_is_known(store)
        assert_one_run_at_a_time(store)
        assert_evidence_is_whole(store, rough.folder)
        store.close()
    finally:
        rough.clear()
    assert differences(known, expected) == []
