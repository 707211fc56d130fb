"""Inserts that know conflicts: SQLite and PostgreSQL say them in the same words, each by a construct of its own."""

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import Table


def insert_into(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """dialect: the name that the connection's dialect has."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
