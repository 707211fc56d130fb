"""The store on a real PostgreSQL: what its statements do there and not on SQLite. All tests of the store run on it with
`make test-postgresql`."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import StoreError
from core.records import Kind, Notification, RawDocument
from pipelines.intake import StoreIntake
from store.alert_log import add_delivery, claim_delivery
from store.database import Store, check_profile, part_of, set_fact, take_turn
from store.documents import FETCHED, claim
from store.index_queue import claim_waiting
from store.inserts import create_only, insert_into, wrote
from store.runs import ask_for_run, claim_run
from store.schema import documents, facts, metadata
from tests.conftest import NOON

MANY = 20


def full(team: Store) -> Store:
    """With MANY of everything that waits for somebody."""
    for number in range(MANY):
        url = f"http://a.example/{number}"
        raw = RawDocument("a", Kind.NEWS, url, f"第 {number} 篇", f"正文 {number}" * 20, NOON, published=NOON)
        StoreIntake(team, lambda: NOON).save(raw)
    with team.write() as db:
        for number in range(MANY):
            ask_for_run(db, f"s{number}", reason="schedule", now=NOON)
            notice = Notification(f"n{number}", "mail", "desk@x.example", "题", "文", "")
            add_delivery(db, notice, now=NOON)
    return team


def ours(name: str | None, _kind: str, _parents: object) -> bool:
    """The queues' tables are their package's."""
    return "procrastinate" not in (name or "")


def test_the_migrations_make_the_schema_that_the_program_knows(team: Store) -> None:
    with team.engine.connect() as db:
        context = MigrationContext.configure(db, opts={"compare_type": True, "include_name": ours})
        told = compare_metadata(context, metadata)
    steps = [step for one in told for step in (one if isinstance(one, list) else [one])]
    indexes = [step[1].name for step in steps if step[0] == "add_index"]
    assert indexes == ["ix_documents_title"]  # on SQLite alone: a title may be longer than an entry of an index here
    assert [step for step in steps if "comment" not in step[0] and step[0] != "add_index"] == []


def test_a_claim_takes_as_many_as_it_asks_for(team: Store) -> None:
    with full(team).write() as db:
        assert len(claim(db, FETCHED, who="w", now=NOON, limit=3)) == 3
        assert claim_run(db, who="w", now=NOON) is not None
        assert claim_delivery(db, who="w", now=NOON) is not None
        db.execute(documents.update().values(stage="judged", claimed_by=None, claimed_until=None))
        assert len(claim_waiting(db, who="w", now=NOON, limit=3)) == 3
        held = db.exec_driver_sql("select count(*) from documents where claimed_by is not null").scalar_one()
        sending = db.exec_driver_sql("select count(*) from deliveries where state = 'sending'").scalar_one()
        running = db.exec_driver_sql("select count(*) from runs where status = 'running'").scalar_one()
    assert (held, sending, running) == (3, 1, 1)


def test_workers_side_by_side_share_the_work_and_nothing_is_taken_twice(team: Store) -> None:
    full(team)

    def take(who: int) -> list[str]:
        taken: list[str] = []
        while True:
            with team.write() as db:
                some = claim(db, FETCHED, who=f"w{who}", now=NOON, limit=2, lease=timedelta(hours=1))
                one = claim_delivery(db, who=f"w{who}", now=NOON)
            taken += [work.document.id for work in some] + ([one.notification.id] if one else [])
            if not some and one is None:
                return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [name for theirs in pool.map(take, range(4)) for name in theirs]
    assert (len(taken), len(set(taken))) == (2 * MANY, 2 * MANY)


def test_what_is_there_is_not_written_again_and_that_is_known(team: Store) -> None:
    with team.write() as db:
        row = {"key": "k", "value": "a"}
        assert create_only(db, facts, row)
        assert not create_only(db, facts, row)
        again = insert_into(facts, db.dialect.name).values(**row).on_conflict_do_nothing(index_elements=["key"])
        assert not wrote(db, again)
        set_fact(db, "k", "b")
    with team.read() as db:
        assert db.exec_driver_sql("select value from facts where key = 'k'").scalar_one() == "b"


def test_a_turn_goes_with_the_part_that_was_undone_and_is_taken_once(team: Store) -> None:
    held = "select count(*) from pg_locks where locktype = 'advisory' and granted and pid = pg_backend_pid()"
    with team.write() as db:
        with suppress(ValueError), part_of(db):
            take_turn(db, 7)
            raise ValueError
        assert db.exec_driver_sql(held).scalar_one() == 0
        take_turn(db, 7)
        take_turn(db, 7)
        assert db.exec_driver_sql(held).scalar_one() == 1
    with team.write() as db:
        take_turn(db, 7)
        assert db.exec_driver_sql(held).scalar_one() == 1


def test_processes_that_start_together_on_an_empty_database_agree_on_its_profile(team: Store) -> None:
    first = Store(team.url)
    with first.write() as db:  # holds its word back until the other waits for it
        check_profile(db, "live")
        with ThreadPoolExecutor(1) as others:
            second = others.submit(_claim_profile, team.url, "live")
            while not db.exec_driver_sql("select count(*) from pg_locks where not granted").scalar_one():
                assert not second.done()
            db.commit()
            second.result(20)
    with pytest.raises(StoreError, match="demo"):
        _claim_profile(team.url, "demo")
    first.close()


def _claim_profile(url: str, profile: str) -> None:
    store = Store(url)
    with store.write() as db:
        check_profile(db, profile)
        set_fact(db, "started", profile)
    store.close()
