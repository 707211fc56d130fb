"""The schema goes forward: from every milestone with rows of then, never back, with programs of before beside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, MetaData, create_engine, text
from sqlalchemy.engine import make_url

from core.errors import StoreError
from core.records import Kind, RawDocument
from pipelines.intake import StoreIntake
from store.alert_log import delivery_log, find_alert, history_of
from store.database import WORKS_SINCE, Store, alembic_config, set_fact
from store.documents import FETCHED, advance, claim, find_document, last_arrival
from store.runs import list_jobs, recent_runs
from store.users import list_users
from tests.conftest import NOON
from tests.postgresql import Database

MILESTONES = ("0001", "0022", "0036", "0050")
"""No release is out yet: the steps that CHANGELOG tells of. A release adds its own here."""
ROWS: dict[str, dict[str, Any]] = {
    "documents": {
        "id": "d1", "revision": 1, "latest": True, "source": "a", "kind": "news", "url": "http://a.example/1",
        "canonical_url": "http://a.example/1", "external_id": "", "title": "小区起火", "text": "正文", "raw": {},
        "fields": {}, "tables": [], "attachments": [], "flags": [], "event_time": NOON, "fetched_at": NOON,
        "stored_at": NOON, "content_hash": "h", "stage": "judged",
    },
    "alerts": {
        "id": "a1", "number": "赣警2026-0001", "subject": "m:d1", "level": 2, "state": "new", "first_at": NOON,
        "updated_at": NOON, "created_at": NOON, "title": "起火", "rule": "r", "reason": "一条即触发", "products": [],
        "enterprises": [], "issues": [], "territory": "360000", "territories": ["360000"], "documents": ["d1"],
        "findings": [], "details": {},
    },
    "alert_history": {
        "alert": "a1", "number": 1, "at": NOON, "story_at": NOON, "actor": "系统", "action": "opened", "level": 2,
        "state": "new", "note": "", "details": {},
    },
    "deliveries": {
        "id": "n1", "channel": "mail", "recipient": "desk@x.example", "alert": "a1", "level": 2, "subject": "题",
        "text": "文", "html": "", "state": "waiting", "created_at": NOON, "next_at": NOON, "attempts": 0,
    },
    "runs": {"id": "r1", "source": "a", "status": "ok", "reason": "schedule", "asked_at": NOON, "problems": []},
    "jobs": {"id": "j1", "what": "摘要", "trigger": "每日 08:30", "misfires": 0},
    "users": {
        "name": "officer", "password": "x", "role": "officer", "territory": "360000", "display_name": "值班员",
        "active": True, "created_at": NOON, "details": {},
    },
}  # fmt: skip


def fill(engine: Engine) -> None:
    """Rows as a program of then wrote them."""
    then = MetaData()
    then.reflect(engine, only=lambda name, _: name in ROWS)
    with engine.begin() as db:
        for name, row in ROWS.items():
            table = then.tables[name]
            given = {key: _as_stored(value, engine.dialect.name) for key, value in row.items() if key in table.c}
            columns = ", ".join(f'"{key}"' for key in given)
            values = ", ".join(f":{key}" for key in given)
            db.execute(text(f'insert into "{name}" ({columns}) values ({values})'), given)


def _as_stored(value: Any, dialect: str) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, datetime) and dialect == "sqlite":
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


@contextmanager
def database(kind: str, tmp_path: Path, postgresql: Database | None) -> Iterator[str]:
    """Address of a database without any table; it goes with its server."""
    if postgresql is None:
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    server = create_engine(postgresql.url, isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        db.execute(text(f"create database {kind}"))
    server.dispose()
    yield make_url(postgresql.url).set(database=kind).render_as_string(hide_password=False)


@pytest.mark.parametrize(("dialect", "milestone"), [
    (dialect, one) for dialect in ("sqlite", "postgresql") for one in MILESTONES
])  # fmt: skip
def test_rows_of_then_are_read_by_the_program_of_now(
    dialect: str, milestone: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue("postgresql") if dialect == "postgresql" else None
    with database(f"old_{milestone}", tmp_path, server) as url:
        command.upgrade(alembic_config(url), milestone)
        engine = create_engine(url)
        fill(engine)
        engine.dispose()
        store = Store(url)
        store.migrate()
        with store.read() as db:
            document, alert = find_document(db, "d1"), find_alert(db, "a1")
            assert document is not None
            assert (document.title, document.event_time) == ("小区起火", NOON)
            assert alert is not None
            assert (alert.title, alert.level, list(alert.documents)) == ("起火", 2, ["d1"])
            assert [event.action for event in history_of(db, "a1")] == ["opened"]
            assert [line.recipient for line in delivery_log(db, alert="a1")] == ["desk@x.example"]
            assert [run.id for run in recent_runs(db)] == ["r1"]
            assert [job.id for job in list_jobs(db)] == ["j1"]
            assert [user.name for user in list_users(db)] == ["officer"]
            assert last_arrival(db) == 1
        store.close()


def test_the_schema_never_goes_back(store: Store) -> None:
    with pytest.raises(StoreError, match="恢复升级前的备份"):
        command.downgrade(alembic_config(store.url), "0050")
    with store.read() as db:
        assert db.execute(text("select count(*) from facts")).scalar_one() > 0


@pytest.fixture
def newer(store: Store) -> Iterator[Store]:
    """A store that the next release has migrated: a column and a table more."""
    with store.write() as db:
        db.execute(text("alter table documents add column of_tomorrow text"))
        db.execute(text("create table things_of_tomorrow (id text primary key)"))
        db.execute(text("update alembic_version set version_num = '9999'"))
    yield store
    with store.write() as db:  # PostgreSQL's stays for the next test
        db.execute(text("alter table documents drop column of_tomorrow"))
        db.execute(text("drop table things_of_tomorrow"))
        head = "update alembic_version set version_num = :head"
        db.execute(text(head), {"head": _head()})


def _head() -> str:
    from alembic.script import ScriptDirectory

    from store.database import MIGRATIONS

    return str(ScriptDirectory(str(MIGRATIONS)).get_current_head())


def test_a_worker_of_before_works_on_beside_a_new_one_where_things_were_only_added(newer: Store) -> None:
    newer.migrate()
    raw = RawDocument("a", Kind.NEWS, "http://a.example/9", "一篇", "正文" * 20, NOON, published=NOON)
    identity = StoreIntake(newer, lambda: NOON).save(raw)
    with newer.write() as db:
        [work] = claim(db, FETCHED, who="worker@old/1", now=NOON, limit=5)
        assert advance(db, work, who="worker@old/1", to="deduped", at=NOON)
        assert find_document(db, work.document.id) is not None
    assert identity


def test_a_program_that_cannot_know_the_schema_says_so_and_does_not_start(newer: Store) -> None:
    with newer.write() as db:
        set_fact(db, WORKS_SINCE, "9999")
    with pytest.raises(StoreError, match=r"9999.*update Fengsui"):
        newer.migrate()
    with newer.write() as db:
        set_fact(db, WORKS_SINCE, "0063")
