"""What people have at hand beside an alert: whose it is, what each has read, who is named in notes, its files."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, and_, func, insert, select, update

from store.inserts import insert_into
from store.schema import alert_files, alert_history, alert_mentions, alert_reads, alerts

NO_NEWS = ("notify", "deferred", "silenced", "unsilenced", "inhibited", "released")
"""Rows of the history that tell nobody anything new of the matter."""
MOST_AMONG = 1_200
"""Alerts that are asked for by their ids; for more of them all are looked at."""


@dataclass(frozen=True)
class AlertFile:
    """A file beside an alert. number: that of the history row it came with.  type: by its bytes."""

    alert: str
    number: int
    name: str
    type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class LastDeed:
    """The newest thing a person did to an alert."""

    actor: str
    action: str
    at: datetime


# --- whose it is ------------------------------------------------------------------------------------------------


def assign(db: Connection, alert: str, person: str | None) -> None:
    """Let it be this account's; None: nobody's."""
    db.execute(update(alerts).where(alerts.c.id == alert).values(assignee=person))


def assignee_of(db: Connection, alert: str) -> str | None:
    """The account that works on it."""
    found: str | None = db.execute(select(alerts.c.assignee).where(alerts.c.id == alert)).scalar_one_or_none()
    return found


def assignees(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Whose each of these is, of those that are somebody's; a page of them."""
    query = select(alerts.c.id, alerts.c.assignee).where(alerts.c.id.in_(list(ids)), alerts.c.assignee.is_not(None))
    return {row.id: row.assignee for row in db.execute(query)}


def assigned_to(db: Connection, person: str) -> frozenset[str]:
    """The ids of the alerts that are this account's."""
    return frozenset(db.execute(select(alerts.c.id).where(alerts.c.assignee == person)).scalars())


def last_deeds(db: Connection, ids: Sequence[str], system: Collection[str]) -> dict[str, LastDeed]:
    """What a person did last to each of these; a page of them. system: actors that are no person."""
    mine = and_(alert_history.c.alert.in_(list(ids)), alert_history.c.actor.not_in(list(system)))
    newest = select(alert_history.c.alert, func.max(alert_history.c.number).label("number")).where(mine)
    last = newest.group_by(alert_history.c.alert).subquery()
    same = and_(alert_history.c.alert == last.c.alert, alert_history.c.number == last.c.number)
    rows = db.execute(select(alert_history).join(last, same)).mappings()
    return {row["alert"]: LastDeed(row["actor"], row["action"], row["at"]) for row in rows}


# --- what was read ----------------------------------------------------------------------------------------------


def unread_by(db: Connection, person: str, among: Sequence[str] | None = None) -> frozenset[str]:
    """The alerts that have a row of somebody else's this person has not seen. among: it is these that
    are asked about, others may be told of, too; None: of all."""
    if among is not None and len(among) <= MOST_AMONG:
        found: set[str] = set()
        for first in range(0, len(among), 400):
            query = _unread(person).where(alert_history.c.alert.in_(list(among[first : first + 400])))
            found |= set(db.execute(query).scalars())
        return frozenset(found)
    return frozenset(db.execute(_unread(person)).scalars())


def _unread(person: str) -> Select[str]:
    seen = and_(alert_reads.c.alert == alert_history.c.alert, alert_reads.c.user == person)
    return (
        select(alert_history.c.alert)
        .outerjoin(alert_reads, seen)
        .where(
            alert_history.c.number > func.coalesce(alert_reads.c.number, 0),
            alert_history.c.actor != person,
            alert_history.c.action.not_in(NO_NEWS),
        )
        .distinct()
    )


def reading_of(db: Connection, person: str, alert: str) -> tuple[int | None, int]:
    """The newest row this person has seen of an alert (None: none ever), and the newest there is."""
    mine = and_(alert_reads.c.user == person, alert_reads.c.alert == alert)
    seen = select(alert_reads.c.number).where(mine).scalar_subquery()
    newest = select(func.max(alert_history.c.number)).where(alert_history.c.alert == alert).scalar_subquery()
    row = db.execute(select(seen, newest)).one()
    return row[0], row[1] or 0


def mark_read(db: Connection, person: str, alert: str, number: int) -> None:
    """This person has seen the rows up to this one; 0: as if none had been seen."""
    new = insert_into(alert_reads, db.dialect.name).values(user=person, alert=alert, number=number)
    db.execute(new.on_conflict_do_update(index_elements=["user", "alert"], set_={"number": number}))


# --- who is named -----------------------------------------------------------------------------------------------


def add_mentions(db: Connection, alert: str, number: int, people: Iterable[str]) -> None:
    """A note names these accounts."""
    rows = [{"user": person, "alert": alert, "number": number} for person in sorted(set(people))]
    if rows:
        db.execute(insert(alert_mentions), rows)


def mentioning(db: Connection, person: str) -> frozenset[str]:
    """The alerts in whose notes this account is named."""
    return frozenset(db.execute(select(alert_mentions.c.alert).where(alert_mentions.c.user == person)).scalars())


# --- files ------------------------------------------------------------------------------------------------------


def add_file(db: Connection, file: AlertFile) -> None:
    """Write down a file that was kept."""
    db.execute(insert(alert_files).values(**vars(file)))


def files_of(db: Connection, alert: str) -> list[AlertFile]:
    """The files of an alert, in the order they came."""
    query = select(alert_files).where(alert_files.c.alert == alert).order_by(alert_files.c.number)
    return [AlertFile(**row) for row in db.execute(query).mappings()]
