"""Watch-lists (关注名单): which firms somebody wants to hear of. Entries are never changed, only taken off.

A signal is judged by the entries that stood when it was stored, so judging it again says the same.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, insert, or_, select, update

from core.clock import beijing, beijing_day
from store.schema import enterprises, users, watched_firms, watchlists
from store.users import EVERYWHERE

AT_ONCE = 400
MOST_HITS = 8
"""Entries of one signal that are told; the highest floors come first."""


@dataclass(frozen=True)
class WatchList:
    """territory: it acts on signals of this region and below, 000000 on all.  shared: the lowest role that sees it;
    empty: its owner alone.  level: floor of its alerts, 0 none.
    """

    id: str
    name: str
    purpose: str
    owner: str
    territory: str
    shared: str
    level: int
    created_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


@dataclass(frozen=True)
class WatchedFirm:
    """A firm on a list. firm: registry id or NIL:<name>.  name: as it was given.  until: None, or it counts before."""

    number: int
    list: str
    firm: str
    name: str
    reason: str
    added_by: str
    added_at: datetime
    until: datetime | None = None
    removed_at: datetime | None = None
    removed_by: str | None = None
    removed_why: str | None = None

    @property
    def last_day(self) -> str:
        """The last day it counts, `2026-12-31`; empty without an end."""
        return last_day(self.until)

    def stands_at(self, now: datetime) -> bool:
        """Whether it counted then."""
        ends = [moment for moment in (self.until, self.removed_at) if moment is not None]
        return self.added_at <= now and all(now < end for end in ends)


@dataclass(frozen=True)
class Hit:
    """An entry that a signal met. by: how people call the one who put it there.  floor: the list's level."""

    list: str
    list_name: str
    floor: int
    firm: str
    by: str
    added_at: datetime
    until: datetime | None
    reason: str


def last_day(until: datetime | None) -> str:
    """The Beijing day before `until` is reached."""
    return beijing_day(until - timedelta(seconds=1)) if until else ""


@dataclass(frozen=True)
class Given:
    """A firm to be put on a list, resolved. why: for this one; empty: the reason of the whole act."""

    firm: str
    name: str
    why: str = ""


# --- lists --------------------------------------------------------------------------------------------------------


def insert_list(db: Connection, one: WatchList, *, once: str) -> tuple[WatchList, bool]:
    """Write a list with the next number of its year (its id is not read), and whether it is new: a form writes one."""
    there = db.execute(select(watchlists).where(watchlists.c.once == once)).mappings().first()
    if there is not None:
        return _list(there), False
    prefix = f"GZ-{beijing(one.created_at).year}-"
    last = db.execute(
        select(func.max(watchlists.c.id)).where(watchlists.c.id.startswith(prefix), func.length(watchlists.c.id) == 12)
    ).scalar_one_or_none()
    values = {field.name: getattr(one, field.name) for field in fields(WatchList)}
    values["id"] = f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04d}"
    db.execute(insert(watchlists).values(**values, once=once))
    made = find_list(db, values["id"])
    assert made is not None
    return made, True


def change_list(db: Connection, one: WatchList) -> None:
    """Write its name, purpose, level and who sees it. What was judged before keeps the old ones."""
    values = {"name": one.name, "purpose": one.purpose, "level": one.level, "shared": one.shared}
    db.execute(update(watchlists).where(watchlists.c.id == one.id).values(**values))


def end_list(db: Connection, list_id: str, *, by: str, now: datetime) -> bool:
    """From now on it makes no alerts. False where it is over already."""
    mine = (watchlists.c.id == list_id, watchlists.c.ended_at.is_(None))
    return db.execute(update(watchlists).where(*mine).values(ended_at=now, ended_by=by)).rowcount == 1


def find_list(db: Connection, list_id: str) -> WatchList | None:
    """By its number."""
    row = db.execute(select(watchlists).where(watchlists.c.id == list_id.upper())).mappings().first()
    return _list(row) if row else None


def all_lists(db: Connection) -> Sequence[WatchList]:
    """All of them, those in force first, newest first."""
    order = (watchlists.c.ended_at.is_not(None), watchlists.c.created_at.desc(), watchlists.c.id.desc())
    return [_list(row) for row in db.execute(select(watchlists).order_by(*order)).mappings()]


def sizes(db: Connection, lists: Collection[str], now: datetime) -> dict[str, int]:
    """How many firms stand on each of the lists."""
    query = select(watched_firms.c.list, func.count()).where(watched_firms.c.list.in_(lists), _standing(now))
    counted = {row[0]: row[1] for row in db.execute(query.group_by(watched_firms.c.list))}
    return {one: counted.get(one, 0) for one in lists}


# --- firms on them ------------------------------------------------------------------------------------------------


def add_firms(
    db: Connection, list_id: str, given: Iterable[Given], *, reason: str, by: str, now: datetime, until: datetime | None
) -> tuple[int, int]:
    """Put firms on a list; (how many are new, how many stood there already and stay as they are)."""
    wanted = {one.firm: one for one in given}
    there = _already(db, list_id, list(wanted), now)
    rows = [
        {
            "list": list_id, "firm": one.firm, "name": one.name, "reason": one.why or reason, "added_by": by,
            "added_at": now, "until": until,
        }
        for one in wanted.values()
        if one.firm not in there
    ]  # fmt: skip
    if rows:
        db.execute(insert(watched_firms), rows)
    return len(rows), len(there)


def _already(db: Connection, list_id: str, firms: Sequence[str], now: datetime) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(firms), AT_ONCE):
        mine = watched_firms.c.firm.in_(firms[start : start + AT_ONCE])
        query = select(watched_firms.c.firm).where(mine, watched_firms.c.list == list_id, _standing(now))
        found.update(db.execute(query).scalars())
    return found


def remove_firm(db: Connection, number: int, *, by: str, why: str, now: datetime) -> bool:
    """Take one off. False where it is off already."""
    mine = (watched_firms.c.number == number, watched_firms.c.removed_at.is_(None))
    changed = update(watched_firms).where(*mine).values(removed_at=now, removed_by=by, removed_why=why)
    return db.execute(changed).rowcount == 1


def find_watched(db: Connection, number: int) -> WatchedFirm | None:
    """By its number."""
    row = db.execute(select(watched_firms).where(watched_firms.c.number == number)).mappings().first()
    return _watched(row) if row else None


def firms_on(
    db: Connection,
    list_id: str,
    now: datetime,
    *,
    past: bool = False,
    named: str = "",
    before: int = 0,
    limit: int = 50,
) -> list[WatchedFirm]:
    """The firms that stand on a list (past: that did), the newest first. named: part of its name; before: number."""
    asked: list[ColumnElement[bool]] = [watched_firms.c.list == list_id]
    asked.append(~_standing(now) if past else _standing(now))
    if named:
        asked.append(watched_firms.c.name.contains(named, autoescape=True))
    if before:
        asked.append(watched_firms.c.number < before)
    query = select(watched_firms).where(*asked).order_by(watched_firms.c.number.desc()).limit(limit)
    return [_watched(row) for row in db.execute(query).mappings()]


def watched_as(db: Connection, firm: str, now: datetime) -> list[tuple[WatchList, WatchedFirm]]:
    """The lists in force that a firm stands on (at most 50), the newest entry first."""
    query = select(watched_firms).where(watched_firms.c.firm == firm, _standing(now))
    rows = [_watched(row) for row in db.execute(query.order_by(watched_firms.c.number.desc()).limit(50)).mappings()]
    lists = {one.id: one for one in _some_lists(db, {row.list for row in rows})}
    return [(lists[row.list], row) for row in rows if lists[row.list].ended_at is None]


def _some_lists(db: Connection, ids: Collection[str]) -> list[WatchList]:
    return [_list(row) for row in db.execute(select(watchlists).where(watchlists.c.id.in_(ids))).mappings()]


# --- what a signal meets ------------------------------------------------------------------------------------------


def hits(db: Connection, firms: Collection[str], codes: Collection[str], at: datetime, *, whole: bool) -> list[Hit]:
    """The entries that stood at `at` for one of the firms, on lists of one of these region codes.

    codes: where the signal lies and what contains it.  whole: lists of a whole province take it as well, since it has
    no place or lies abroad. Found by the index of firms: what else stands on the lists costs nothing.
    """
    near: ColumnElement[bool] = watchlists.c.territory.in_([*codes, EVERYWHERE])
    if whole:
        near = or_(near, watchlists.c.territory.endswith("0000"))
    entry, name = watched_firms.c, func.coalesce(users.c.display_name, watched_firms.c.added_by).label("by")
    columns = (entry.list, watchlists.c.name.label("list_name"), watchlists.c.level.label("floor"), entry.firm, name)
    query = (
        select(*columns, entry.added_at, entry.until, entry.reason)
        .join(watchlists, watchlists.c.id == entry.list)
        .outerjoin(users, users.c.name == entry.added_by)
        .where(entry.firm.in_(firms), _standing(at), near)
        .where(or_(watchlists.c.ended_at.is_(None), watchlists.c.ended_at > at))
        .order_by(watchlists.c.level.desc(), entry.number)
        .limit(MOST_HITS)
    )
    return [Hit(**row) for row in db.execute(query).mappings()]


def _standing(at: datetime) -> ColumnElement[bool]:
    entry = watched_firms.c
    return and_(
        entry.added_at <= at,
        or_(entry.until.is_(None), entry.until > at),
        or_(entry.removed_at.is_(None), entry.removed_at > at),
    )


def standing_on(db: Connection, list_id: str, firms: Collection[str], now: datetime) -> set[str]:
    """Those of the firms that stand on a list, also under the registered name that somebody put there before."""
    asked, found = sorted(firms), set[str]()
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        names = select(enterprises.c.id, enterprises.c.name).where(enterprises.c.id.in_(some))
        known = {firm: firm for firm in some} | {f"NIL:{name}": firm for firm, name in db.execute(names)}
        query = select(watched_firms.c.firm).where(watched_firms.c.list == list_id, _standing(now))
        for part in (some, sorted(known.keys() - set(some))):
            found |= {known[firm] for firm in db.execute(query.where(watched_firms.c.firm.in_(part))).scalars()}
    return found


# --- names ----------------------------------------------------------------------------------------------------------


def find_firms(db: Connection, texts: Sequence[str]) -> tuple[dict[str, tuple[str, str]], set[str]]:
    """(id, registered name) of each text that is an id, a credit code or a registered name of exactly one firm; and the
    texts that are those of several.
    """
    met: dict[str, dict[str, str]] = {}
    for start in range(0, len(texts), AT_ONCE):
        some = list(dict.fromkeys(texts[start : start + AT_ONCE]))
        by_code = {text.upper(): text for text in some}
        for column, asked in (
            (enterprises.c.id, some),
            (enterprises.c.uscc, list(by_code)),
            (enterprises.c.name, some),
        ):
            query = select(column, enterprises.c.id, enterprises.c.name).where(column.in_(asked))
            for text, found_id, name in db.execute(query):
                met.setdefault(by_code.get(text, text), {})[found_id] = name
    found = {text: next(iter(firms.items())) for text, firms in met.items() if len(firms) == 1}
    return found, met.keys() - found.keys()


def _list(row: RowMapping) -> WatchList:
    return WatchList(**{field.name: row[field.name] for field in fields(WatchList)})


def _watched(row: RowMapping) -> WatchedFirm:
    return WatchedFirm(**{field.name: row[field.name] for field in fields(WatchedFirm)})
