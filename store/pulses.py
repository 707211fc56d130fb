"""How each source beats: its pace and when it is due, its last reads, and what its days brought."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, Insert, RowMapping, bindparam, case, select, update

from store.day_counts import put
from store.inserts import insert_into
from store.runs import OPEN
from store.schema import holds, runs, source_days, source_pulses

WELL = "ok"
SICK = ("failed", "blocked", "changed")
"""Ends of a run after which a source is read anew: no 304 can tell that it is well again."""

AHEAD = timedelta(minutes=5)
"""A run that ended so long after now was noted by a clock that was ahead."""

HELD = "积压让路"
"""How the reason of a turn begins that was put off because too much waits to be read."""


@dataclass(frozen=True)
class Pulse:
    """One source. every, pace: seconds.  See the comments of store.schema.source_pulses."""

    source: str
    every: float
    pace: float
    next_at: datetime
    why: str
    run_at: datetime
    first_read_at: datetime | None
    read_at: datetime | None
    ok_at: datetime | None
    news_at: datetime | None
    newest: datetime | None
    rows: int
    trouble: str
    trouble_why: str
    failures: int
    hours: tuple[float, ...]


@dataclass(frozen=True)
class SourceDay:
    """A Beijing day of a source. day: ordinal.  gap: seconds."""

    day: int
    found: int
    reads: int
    gap: float


_ONE = select(source_pulses).where(source_pulses.c.source == bindparam("key"))
_TROUBLE = select(source_pulses.c.trouble).where(source_pulses.c.source == bindparam("key"))


def find_pulse(db: Connection, source: str) -> Pulse | None:
    """The pulse of a source that was visited before."""
    row = db.execute(_ONE, {"key": source}).mappings().first()
    return _pulse(row) if row else None


def all_pulses(db: Connection) -> dict[str, Pulse]:
    """Every source that was ever visited."""
    return {row["source"]: _pulse(row) for row in db.execute(select(source_pulses)).mappings()}


def save_pulse(db: Connection, pulse: Pulse) -> None:
    """Put it in place of the one before."""
    values = {**asdict(pulse), "hours": list(pulse.hours)}
    put(db, source_pulses, {"source": values.pop("source")}, values)


def is_sick(db: Connection, source: str) -> bool:
    """Whether the last run that told something of this source went wrong."""
    return db.execute(_TROUBLE, {"key": source}).scalar_one_or_none() in SICK


def due_turns(db: Connection, now: datetime) -> list[tuple[str, datetime]]:
    """Sources whose turn it is and since when, longest ago first."""
    rows = select(source_pulses.c.source, source_pulses.c.next_at).where(source_pulses.c.next_at <= now)
    return [(row[0], row[1]) for row in db.execute(rows.order_by(source_pulses.c.next_at))]


def visited_ahead(db: Connection, now: datetime) -> list[Pulse]:
    """Sources whose last run lies ahead of now: their turn would come that much too late."""
    rows = select(source_pulses).where(source_pulses.c.run_at > now + AHEAD)
    return [_pulse(row) for row in db.execute(rows).mappings()]


def set_right(db: Connection, pulse: Pulse, now: datetime) -> None:
    """Take its last run for one of now: it is visited after its own pace."""
    turn = min(pulse.next_at, now + timedelta(seconds=pulse.pace))
    values = {"run_at": now, "next_at": turn, "why": "机器时钟曾超前，自现在起按其周期"}
    db.execute(update(source_pulses).where(source_pulses.c.source == pulse.source).values(**values))


def visited_of(db: Connection, sources: Collection[str]) -> set[str]:
    """Those of these sources that were ever visited."""
    if not sources:
        return set()
    return set(db.execute(select(source_pulses.c.source)).scalars()) & set(sources)


def not_to_visit(db: Connection, now: datetime) -> Mapping[str, datetime | None]:
    """Sources that are being visited (None), or want no visit before a time to come."""
    still = (runs.c.status == "waiting") | (runs.c.held_until >= now)
    open_now = select(runs.c.source).where(runs.c.status.in_(OPEN), still)
    held = select(holds.c.source, holds.c.until).where(holds.c.until > now)
    found: dict[str, datetime | None] = {row[0]: row[1] for row in db.execute(held)}
    return found | dict.fromkeys(db.execute(open_now).scalars())


def held_turns(db: Connection, now: datetime) -> list[str]:
    """Sources whose turn is put off because too much waits to be read."""
    held = select(source_pulses.c.source).where(source_pulses.c.next_at > now, source_pulses.c.why.like(f"{HELD}%"))
    return list(db.execute(held.order_by(source_pulses.c.source)).scalars())


def release_turns(db: Connection, now: datetime) -> int:
    """Those that were put off so are due now; how many."""
    held = update(source_pulses).where(source_pulses.c.next_at > now, source_pulses.c.why.like(f"{HELD}%"))
    return int(db.execute(held.values(next_at=now)).rowcount)


def move_turn(db: Connection, source: str, next_at: datetime, why: str) -> None:
    """Its turn comes at another time."""
    mine = source_pulses.c.source == source
    db.execute(update(source_pulses).where(mine).values(next_at=next_at, why=why))


def count_found(db: Connection, source: str, day: int) -> None:
    """A document was found that is dated on this day."""
    _add(db, source, day, found=1)


def count_read(db: Connection, source: str, day: int, gap: float) -> None:
    """A run read it on this day. gap: seconds since news came before the news of this run; 0: it brought none."""
    _add(db, source, day, reads=1, gap=gap)


def _add(db: Connection, source: str, day: int, *, found: int = 0, reads: int = 0, gap: float = 0.0) -> None:
    values = {"source": source, "day": day, "found": found, "reads": reads, "gap": gap}
    db.execute(_adding(db.dialect.name), values)


@cache
def _adding(dialect: str) -> Insert:
    new, old = insert_into(source_days, dialect), source_days.c
    longest = case((new.excluded.gap > old.gap, new.excluded.gap), else_=old.gap)
    summed = {"found": old.found + new.excluded.found, "reads": old.reads + new.excluded.reads, "gap": longest}
    written: Insert = new.on_conflict_do_update(index_elements=["source", "day"], set_=summed)
    return written


def days_since(db: Connection, sources: Iterable[str], day: int) -> dict[str, list[SourceDay]]:
    """The days of these sources from `day` on, oldest first; days without a row had neither read nor document."""
    wanted = list(sources)
    found: dict[str, list[SourceDay]] = {source: [] for source in wanted}
    for start in range(0, len(wanted), 500):
        some: Sequence[str] = wanted[start : start + 500]
        rows = select(source_days).where(source_days.c.source.in_(some), source_days.c.day >= day)
        for row in db.execute(rows.order_by(source_days.c.day)).mappings():
            found[row["source"]].append(SourceDay(row["day"], row["found"], row["reads"], row["gap"]))
    return found


def _pulse(row: RowMapping) -> Pulse:
    values = {name: row[name] for name in Pulse.__dataclass_fields__}
    return Pulse(**{**values, "hours": tuple(row["hours"])})
