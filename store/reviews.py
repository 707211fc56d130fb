"""Reviews of missed events: what was asked, where it was lost, what was proposed. As told then; never altered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from store.inserts import create_only
from store.schema import missed_reviews

LONGEST_NOTE = 2000


@dataclass(frozen=True)
class Review:
    """One row. office: region code of the desk.  document: empty where it never came in.  stage: key of the stage where
    it was lost, empty where it was not.  answer: sentence, stages and proposals.
    """

    number: int
    at: datetime
    author: str
    office: str
    asked: str
    document: str
    title: str
    stage: str
    answer: Mapping[str, Any]
    note: str


def add_review(db: Connection, values: Mapping[str, Any], *, once: str) -> bool:
    """Keep one: the fields of Review but its number. The same `once` keeps nothing a second time."""
    return create_only(db, missed_reviews, {**values, "once": once})


def newest_reviews(db: Connection, *, limit: int) -> list[Review]:
    """The newest first."""
    query = select(missed_reviews).order_by(missed_reviews.c.number.desc()).limit(limit)
    return [_review(row) for row in db.execute(query).mappings()]


def find_review(db: Connection, number: int) -> Review | None:
    """By its number."""
    row = db.execute(select(missed_reviews).where(missed_reviews.c.number == number)).mappings().first()
    return _review(row) if row else None


def review_of_form(db: Connection, once: str) -> Review | None:
    """The one that a form made."""
    row = db.execute(select(missed_reviews).where(missed_reviews.c.once == once)).mappings().first()
    return _review(row) if row else None


def _review(row: RowMapping) -> Review:
    return Review(**{name: row[name] for name in Review.__dataclass_fields__})
