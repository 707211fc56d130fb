"""What waits for the index: what is refused, what a change or a kill in between does, what people are told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import select, update

from core.clock import system_clock
from core.errors import SearchUnavailable
from core.records import Analysis, Document, Kind, Signal
from pipelines.indexing import MOST_CHARACTERS, Indexer
from search.backend import Refused
from search.records import IndexEntry, entry_of
from store.database import Store, alembic_config
from store.documents import (
    JUDGED,
    SUSPECT,
    add_revision,
    analysis_columns,
    count_by_stage,
    mark_for_index,
    release_claims,
    set_aside,
    withdraw,
)
from store.index_queue import backlog, claim_waiting, retry_refused, settle, write_again
from store.processes import beat
from store.schema import documents
from web.health import index_lag


@dataclass
class Shelf:
    """An index in memory that can be dead, and refuses what it is told to. batches: the ids of each write."""

    entries: dict[str, IndexEntry] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    dead: str = ""
    batches: list[list[str]] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def index(self, entries: Sequence[IndexEntry]) -> tuple[Refused, ...]:
        if self.dead:
            raise SearchUnavailable(self.dead)
        self.batches.append([entry.id for entry in entries])
        self.meanwhile()
        self.entries |= {entry.id: entry for entry in entries if entry.id not in self.refuses}
        return tuple(Refused(entry.id, self.refuses[entry.id]) for entry in entries if entry.id in self.refuses)


@dataclass
class Bench:
    store: Store
    shelf: Shelf
    now: datetime

    def __post_init__(self) -> None:
        self.indexer = Indexer(self.store, self.shelf, self.entry, "indexer", lambda: self.now)  # type: ignore[arg-type]

    @staticmethod
    def entry(signal: Signal) -> IndexEntry:
        if signal.document.title == "毒":
            raise ValueError("no entry can be made of this")
        return entry_of(signal, list)

    def judged(self, *ids: str, title: str = "标题", text: str = "起火", revision: int = 1) -> None:
        """Documents that the rules have just seen."""
        for known in ids:
            document = Document(
                id=known, source="s", kind=Kind.NEWS, url=f"http://s.example/{known}", canonical_url="",
                title=title, text=text, event_time=self.now, published=None, fetched_at=self.now,
                stored_at=self.now, revision=revision, content_hash=f"{known}{revision}",
            )  # fmt: skip
            analysis = Analysis(
                is_risk=True, level=1, score=0.9, primary_product=None, primary_enterprise=None,
                jurisdiction_code=None, mentions=(), title_mentions=(), issues=(), products=(), enterprises=(),
                regions=(), reasons=(), masked_title=title, masked_text=text, version="t",
            )  # fmt: skip
            with self.store.write() as db:
                add_revision(db, document, external_id=known, raw={})
                mine = (documents.c.id == known) & (documents.c.revision == revision)
                values = {**analysis_columns(analysis), "stage": JUDGED, "moved_at": self.now}
                db.execute(update(documents).where(mine).values(**values))

    def stages(self) -> dict[str, int]:
        with self.store.read() as db:
            return count_by_stage(db)


@pytest.fixture
def bench(store: Store, noon: datetime) -> Bench:
    return Bench(store, Shelf(), noon)


def test_what_the_index_refuses_is_set_aside_with_the_reason_and_may_be_tried_again(bench: Bench) -> None:
    bench.shelf.refuses = {"b": "mapper_parsing_exception: immense term"}
    bench.judged("a", "b", "c")
    assert bench.indexer.drain() == 3
    assert bench.stages() == {"indexed": 2, "refused": 1}
    with bench.store.read() as db:
        assert [(document.id, why) for document, why in set_aside(db, "refused")] == [
            ("b", "mapper_parsing_exception: immense term")
        ]
        assert set_aside(db) == []
    bench.shelf.refuses = {}
    with bench.store.write() as db:
        assert retry_refused(db, now=bench.now) == 1
    bench.indexer.drain()
    assert bench.stages() == {"indexed": 3}
    assert set(bench.shelf.entries) == {"a", "b", "c"}


def test_a_text_that_no_entry_can_be_made_of_holds_no_other_back(bench: Bench) -> None:
    bench.judged("bad", title="毒")
    bench.judged("good")
    bench.indexer.drain()
    assert bench.stages() == {"indexed": 1, "refused": 1}
    with bench.store.read() as db:
        [(_document, why)] = set_aside(db, "refused")
    assert why == "ValueError: no entry can be made of this"


def test_a_refused_document_that_changes_goes_through_again(bench: Bench) -> None:
    bench.shelf.refuses = {"a": "no", "b": "no"}
    bench.judged("a", "b")
    bench.indexer.drain()
    with bench.store.write() as db:
        mark_for_index(db, "a")
        assert withdraw(db, "b", bench.now)
    assert bench.stages() == {"analysed": 2}


def test_a_dead_index_loses_nothing_and_says_why(bench: Bench) -> None:
    bench.shelf.dead = "连不上"
    bench.judged("a", "b")
    for _again in range(30):  # far more tries than a text that fails is given
        assert bench.indexer.step() == 0
    assert bench.indexer.down == "连不上"
    assert bench.stages() == {"judged": 2}
    bench.shelf.dead = ""
    assert bench.indexer.drain() == 2
    assert bench.indexer.down == ""
    assert bench.stages() == {"indexed": 2}


def test_what_comes_in_while_an_outage_is_caught_up_is_written_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.indexing.BATCH", 2)
    bench.judged("old1", "old2", "old3")
    bench.indexer.step()
    bench.judged("new")
    bench.indexer.drain()
    assert bench.shelf.batches[1][0] == "new"
    assert len(bench.shelf.entries) == 4


def test_a_change_while_the_entry_is_written_is_not_lost(bench: Bench) -> None:
    def change() -> None:
        with bench.store.write() as db:
            mark_for_index(db, "a")

    bench.judged("a", "b")
    bench.shelf.meanwhile = change
    bench.indexer.step()
    assert bench.stages() == {"analysed": 1, "indexed": 1}


def test_the_entry_is_of_the_newest_revision_that_was_read(bench: Bench) -> None:
    bench.judged("a", text="一")
    bench.judged("a", text="二", revision=2)
    bench.indexer.drain()
    assert bench.shelf.entries["a"].body == "二"
    assert bench.stages() == {"indexed": 2}


def test_a_revision_that_nobody_has_read_hides_nothing(bench: Bench) -> None:
    bench.judged("a", text="一")
    bench.judged("a", text="二", revision=2)
    with bench.store.write() as db:
        unread = (documents.c.id == "a") & documents.c.latest
        db.execute(update(documents).where(unread).values(stage="quarantined", analysis=None))
    bench.indexer.drain()
    assert bench.shelf.entries["a"].body == "一"


def test_long_texts_are_written_in_portions(bench: Bench) -> None:
    bench.judged(*"abcde", text="长" * (MOST_CHARACTERS // 3))
    assert bench.indexer.step() == 5
    assert [len(batch) for batch in bench.shelf.batches] == [2, 2, 1]
    assert bench.stages() == {"indexed": 5}


def test_a_row_that_kills_its_process_takes_no_other_along(bench: Bench) -> None:
    bench.judged("a", "poison", "c")
    with bench.store.write() as db:
        suspect = documents.c.id == "poison"
        db.execute(update(documents).where(suspect).values(attempts=SUSPECT))
    bench.indexer.drain()
    assert bench.shelf.batches == [["c", "a"], ["poison"]]


def test_what_a_process_died_on_twenty_times_is_refused_and_not_read_again(bench: Bench) -> None:
    bench.judged("a")
    for _death in range(20):
        with bench.store.write() as db:
            assert claim_waiting(db, who="indexer", now=bench.now, limit=9)
            release_claims(db, "indexer")
    assert bench.stages() == {"refused": 1}
    with bench.store.read() as db:
        [(_document, why)] = set_aside(db, "refused")
    assert why == "the process died on it"


def test_a_lost_claim_settles_nothing(bench: Bench) -> None:
    bench.judged("a")
    with bench.store.write() as db:
        rows = claim_waiting(db, who="one", now=bench.now, limit=9)
        assert claim_waiting(db, who="two", now=bench.now, limit=9) == []
        late = bench.now + timedelta(hours=1)
        assert len(claim_waiting(db, who="two", now=late, limit=9)) == 1
        settle(db, rows, who="one", now=late)
    assert bench.stages() == {"judged": 1}


def test_only_what_was_written_since_is_written_again(bench: Bench) -> None:
    bench.judged("early")
    bench.indexer.drain()
    bench.now += timedelta(hours=1)
    bench.judged("late")
    bench.indexer.drain()
    with bench.store.write() as db:
        assert write_again(db, bench.now - timedelta(minutes=5), now=bench.now) == 1
        assert write_again(db, None, now=bench.now) == 1


# what people are told


def sentence(bench: Bench, later: float) -> str:
    with bench.store.read() as db:
        return index_lag(db, bench.now + timedelta(seconds=later)).sentence


def test_the_desk_says_how_far_behind_the_index_is_since_when_and_why(bench: Bench) -> None:
    assert sentence(bench, 60) == ""
    bench.judged("a", "b")
    assert sentence(bench, 2) == ""
    assert sentence(bench, 60) == "检索索引落后：2 件待写入，自 12:00（写索引的进程没有在运行）"
    with bench.store.write() as db:
        beat(db, "indexer", pid=1, now=bench.now + timedelta(seconds=50), note="连不上 Elasticsearch（es:9200）")
    assert sentence(bench, 60) == "检索索引落后：2 件待写入，自 12:00（连不上 Elasticsearch（es:9200））"
    with bench.store.write() as db:
        beat(db, "indexer", pid=1, now=bench.now + timedelta(seconds=50), note="")
    assert sentence(bench, 60).endswith("（正在补写）")
    assert sentence(bench, 60 + 86400).startswith("检索索引落后：2 件待写入，自 11-23 12:00")
    bench.indexer.drain()
    assert sentence(bench, 60) == ""


@pytest.fixture
def old_store(tmp_path: object) -> Iterator[Store]:
    """A database as the version before left it: nobody noted since when a document waits."""
    opened = Store(f"sqlite:///{tmp_path}/old.db")
    command.upgrade(alembic_config(opened.url), "0004")
    yield opened
    opened.close()


def test_what_waited_before_the_update_waits_since_it_came_in(old_store: Store, noon: datetime) -> None:
    texts = ("id", "source", "kind", "url", "canonical_url", "external_id", "title", "text", "raw", "fields",
             "tables", "attachments", "flags", "content_hash")  # fmt: skip
    values = {**dict.fromkeys(texts, "{}"), "revision": 1, "latest": True, "stage": JUDGED}
    times = dict.fromkeys(("event_time", "fetched_at", "stored_at"), noon)
    with old_store.write() as db:
        db.execute(documents.insert().values(**values, **times))
    old_store.migrate()
    with old_store.read() as db:
        assert (backlog(db).waiting, backlog(db).since) == (1, noon)
        assert db.execute(select(documents.c.moved_at)).scalar_one() is None


def test_a_claim_uses_the_machines_clock_not_the_storys(store: Store) -> None:
    assert Indexer(store, Shelf(), Bench.entry, "x").clock is system_clock  # type: ignore[arg-type]
