"""Inserts that know conflicts: SQLite and PostgreSQL say them in the same words, each by a construct of its own."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import Table


def insert_into(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """dialect: the name that the connection's dialect has."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def wrote(db: Connection, statement: Insert, values: Mapping[str, Any] | None = None) -> bool:
    """Run an insert of one row that a conflict may leave out; whether the row was written."""
    # SQLAlchemy keeps the count of an insert only where it is asked to.
    counted = statement.execution_options(preserve_rowcount=True)
    return db.execute(counted, None if values is None else dict(values)).rowcount == 1


def create_only(db: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert unless a row with that key is there. True when this call wrote it."""
    return wrote(db, _insert_once(table, db.dialect.name), values)


@cache
def _insert_once(table: Table, dialect: str) -> Insert:
    """Built once: putting the statement together costs more than running it."""
    return insert_into(table, dialect).on_conflict_do_nothing()
