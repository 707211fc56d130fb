"""Waking who waits for work, on PostgreSQL: a job in a queue of Procrastinate beside the rows it is about.

The rows are the truth of the work; a job only says "there is something". It is written in the transaction of the rows,
at its end, so that locks are held for a moment and always in one order. At most one job waits in a queue (its queueing
lock): whoever takes it takes up what is there until nothing is left. On SQLite who waits looks by himself.
"""

from sqlalchemy import Connection, text

CRAWL, ANALYSIS, INDEX, DELIVERY = QUEUES = ("crawl", "analysis", "index", "delivery")
TASK = "take_up"
_NOTED = "to_wake"
_WAKE = text("select fengsui_wake(:queues)")


def wake(db: Connection, queue: str) -> None:
    """Let who waits at this queue know when the transaction ends."""
    if db.dialect.name == "postgresql":
        db.info.setdefault(_NOTED, set()).add(queue)


def forget_wakes(db: Connection) -> None:
    """At the begin of a transaction: what was noted on this connection was undone."""
    db.info.pop(_NOTED, None)


def wake_noted(db: Connection) -> None:
    """At the end of a transaction."""
    if noted := db.info.pop(_NOTED, None):
        db.execute(_WAKE, {"queues": sorted(noted)})
