"""kill -9 of worker and indexer at random points: afterwards store and index are as if nothing had happened."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config.settings import PROJECT
from core.clock import fixed_clock, parse_published
from core.records import Kind, RawDocument
from pipelines.intake import StoreIntake
from search.backend import SearchRequest
from search.embedded import EmbeddedBackend
from store.database import Store
from store.documents import count_by_stage
from store.schema import alerts, documents, findings
from tests.forked import start
from tests.running_system import until

KILLS = 8
DAY_ZERO = parse_published("2026-11-20T00:00:00")


def filled(folder: Path) -> Store:
    """A live-profile store that holds a part of the sample pack, fetched and not touched yet."""
    store = Store(f"sqlite:///{folder / 'fengsui.db'}")
    store.migrate()
    intake = StoreIntake(store, fixed_clock(DAY_ZERO + timedelta(days=1)))
    for line in (PROJECT / "demo" / "pack" / "part2.jsonl").read_text(encoding="utf-8").splitlines()[140:300]:
        row = json.loads(line)
        hour, minute = (int(part) for part in row["time"].split(":"))
        intake.save(
            RawDocument(
                source=row["source"],
                kind=Kind.NEWS,
                url=f"http://pack.example/{row['source']}/{row['revision_of'] or row['id']}",
                title=row["title"],
                text=row["text"],
                fetched_at=DAY_ZERO,
                published=DAY_ZERO + timedelta(days=row["day"], hours=hour, minutes=minute),
            )
        )
    return store


@contextmanager
def both(folder: Path) -> Iterator[None]:
    """A worker and an indexer, killed at the end, whatever they are doing. Named, as services are: who comes next under
    a name takes up at once what the killed one held."""
    where = ("--profile", "live", "--data", str(folder))
    processes = [start(name, *where, "--name", "one", log=folder / f"{name}.log") for name in ("worker", "indexer")]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def finish(store: Store, folder: Path) -> None:
    """Let them run until nothing waits."""

    def done() -> bool:
        with store.read() as db:
            return set(count_by_stage(db)) <= {"indexed", "quarantined"}

    with both(folder):
        until("everything read and indexed", done)


def what_is_known(store: Store) -> dict[str, Any]:
    """Everything that must not depend on kills.

    A text that processes died on waits behind others, so that alerts may be opened in another order: one may have been
    opened twice and merged (it holds no documents any more), and a level that was told is not taken back.
    """
    rows = select(documents.c.id, documents.c.revision, documents.c.stage, documents.c.level, documents.c.repost_of)
    standing = select(findings.c.id).where(findings.c.withdrawn_at.is_(None))
    told = select(alerts.c.subject, alerts.c.level, alerts.c.documents)
    with store.read() as db:
        return {
            "documents": sorted(db.execute(rows).all(), key=str),
            "findings": sorted(db.execute(standing).scalars()),
            "alerts": sorted((subject, found, level) for subject, level, found in db.execute(told) if found),
        }


def test_killed_again_and_again_it_ends_as_if_never_killed(tmp_path: Path) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    calm.mkdir()
    rough.mkdir()
    quiet_store, store = filled(calm), filled(rough)
    finish(quiet_store, calm)
    chance = random.Random(20261123)
    for _kill in range(KILLS):
        with both(rough):
            time.sleep(chance.uniform(0.3, 2.4))  # from where the lexicon is read to deep in the work
    finish(store, rough)
    left, expected = what_is_known(store), what_is_known(quiet_store)
    stands, told = left.pop("alerts"), expected.pop("alerts")
    assert left == expected
    assert [one[:2] for one in stands] == [one[:2] for one in told]
    assert all(one[2] >= other[2] for one, other in zip(stands, told, strict=True))
    with store.read() as db:
        assert set(count_by_stage(db)) == {"indexed"}
        known = set(db.execute(select(documents.c.id)).scalars())
    index = EmbeddedBackend(rough / "index", list)
    assert index.count() == len(known)
    assert {hit.id for hit in index.search(SearchRequest(size=1000)).hits} == known
