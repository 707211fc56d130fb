"""What a replay of hot-search topics came to: incidents alerted, how soon, and what ordinary weeks cost."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from core.clock import beijing, iso_beijing
from core.records import Alert

IN_TIME = timedelta(hours=6)
ABOVE = 2  # the lowest level above IV (一般, blue)
FEWEST_TIMED = 50  # topics with an hour on a day that counts as observed; a usual day has about 240
BUDGET = 5.0
CURVE = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True)
class Topic:
    """A hot-search topic at its first sighting. timed: the hour is known; else `at` is the end of its day."""

    title: str
    at: datetime
    day: date
    timed: bool


@dataclass(frozen=True)
class Incident:
    """A dated incident. product: False for a control.  note: not empty where it is weak or its start is unknown.

    first, third: when its first and third title were seen, by the file; else they are counted.
    """

    id: str
    name: str
    first_day: date
    last_day: date
    pattern: re.Pattern[str]
    product: bool
    note: str
    first: datetime | None = None
    third: datetime | None = None

    def holds(self, topic: Topic) -> bool:
        """Whether the topic is told of it."""
        return self.first_day <= topic.day <= self.last_day and bool(self.pattern.search(topic.title))


@dataclass(frozen=True)
class Snapshot:
    """An alert after a change. surest: the highest score (0-1) that the reading gave one of its documents."""

    at: datetime
    alert: str
    level: int
    state: str
    title: str
    rule: str
    documents: tuple[str, ...]
    surest: float

    @classmethod
    def of(cls, alert: Alert, at: datetime, surest: float) -> "Snapshot":
        """What the desk sees of an alert at that moment."""
        return cls(at, alert.id, alert.level, alert.state.value, alert.title, alert.rule, alert.documents, surest)


@dataclass(frozen=True)
class Found:
    """When an incident was alerted (None: never). loose: an alert held one of its topics.  most: more than half of an
    alert's documents were its topics.  The latter two of an alert above IV."""

    loose: datetime | None
    most: datetime | None
    loose_above: datetime | None
    most_above: datetime | None
    level: int
    alert: str


@dataclass(frozen=True)
class Row:
    """An incident and what was found of it. third: of its topics with a known hour; None where it has fewer.

    read: its topics that lie in an event, that is, were read as signals.  together: those in the event with most of
    them.  whole: all documents of that event.
    """

    incident: Incident
    topics: int
    first: datetime | None
    third: datetime | None
    last: datetime | None
    found: Found
    read: int = 0
    together: int = 0
    whole: int = 0

    @property
    def due(self) -> datetime | None:
        """Until when an alert is in time: six hours after the third topic, after the last where there are fewer."""
        start = self.third or self.last
        return start + IN_TIME if start else None

    def in_time(self, at: datetime | None) -> bool:
        """Whether an alert of that time came in time."""
        return at is not None and self.due is not None and at <= self.due


@dataclass(frozen=True)
class Result:
    """All figures. days: of ordinary weeks.  per_day: alerts a day there by highest level.  curve: (least score of the
    surest topic, share alerted in time above IV, alerts a day above IV)."""

    rows: tuple[Row, ...]
    days: int
    per_day: Mapping[int, float]
    busiest: int
    curve: tuple[tuple[float, float, float], ...]
    wide: tuple[float, float]
    false_alarms: tuple[tuple[str, int, str, tuple[str, ...]], ...]

    @property
    def above(self) -> float:
        """Alerts a day above IV in ordinary weeks."""
        return sum(share for level, share in self.per_day.items() if level >= ABOVE)

    def counted(self, *, year: int | None = None) -> list[Row]:
        """The incidents that count for the goal: of products, without a note."""
        rows = [row for row in self.rows if row.incident.product and not row.incident.note]
        return [row for row in rows if year is None or row.incident.first_day.year == year]

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "incidents": [_row_json(row) for row in self.rows],
            "in_time": {name: _share(self.counted(), name) for name in NAMES},
            "ordinary_days": self.days,
            "alerts_a_day": {str(level): round(share, 3) for level, share in self.per_day.items()},
            "alerts_a_day_above_iv": round(self.above, 3),
            "busiest_day_above_iv": self.busiest,
            "curve": [list(point) for point in self.curve],
            "any_level": list(self.wide),
            "ordinary_alerts": [
                {"day": day, "level": level, "rule": rule, "topics": list(titles)}
                for day, level, rule, titles in self.false_alarms
            ],
        }


NAMES = ("loose", "most", "loose_above", "most_above")


def score(
    snapshots: Sequence[Snapshot], topics: Mapping[str, Topic], incidents: Sequence[Incident], events: Mapping[str, str]
) -> Result:
    """The figures of a replay. topics: by document id.  events: of documents."""
    rows = tuple(_row(one, snapshots, topics, events) for one in incidents)
    ordinary = _ordinary_days(topics.values(), incidents)
    peaks = _peaks(snapshots, ordinary)
    per_day = {level: sum(level == peak.level for peak in peaks) / max(1, len(ordinary)) for level in (1, 2, 3, 4)}
    above = [peak for peak in peaks if peak.level >= ABOVE]
    busiest = max(Counter(beijing(peak.at).date() for peak in above).values(), default=0)
    curve = tuple(_point(least, rows, snapshots, topics, above, len(ordinary)) for least in CURVE)
    wide = (_share(_counted(rows), "most"), len(peaks) / max(1, len(ordinary)))
    samples = tuple(
        (
            beijing(peak.at).date().isoformat(),
            peak.level,
            peak.rule,
            tuple(topics[name].title for name in peak.documents),
        )
        for peak in sorted(peaks, key=lambda peak: (-peak.level, peak.alert))
    )
    return Result(rows, len(ordinary), per_day, busiest, curve, wide, samples)


def _counted(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.incident.product and not row.incident.note]


def _row(
    incident: Incident, snapshots: Sequence[Snapshot], topics: Mapping[str, Topic], events: Mapping[str, str]
) -> Row:
    mine = sorted((topic for topic in topics.values() if incident.holds(topic)), key=lambda topic: topic.at)
    told = Counter(events[name] for name, topic in topics.items() if name in events and incident.holds(topic))
    event, together = max(told.items(), key=lambda pair: pair[1], default=("", 0))
    timed = [topic.at for topic in mine if topic.timed]
    first, last = (timed[0], timed[-1]) if timed else (None, None)
    third = incident.third or (timed[2] if len(timed) > 2 else None)
    return Row(
        incident, len(mine), incident.first or first, third, last, _found(incident, snapshots, topics),
        read=told.total(), together=together, whole=sum(other == event for other in events.values()),
    )  # fmt: skip


def _found(incident: Incident, snapshots: Sequence[Snapshot], topics: Mapping[str, Topic], least: float = 0.0) -> Found:
    times: dict[str, Snapshot] = {}
    level = 0
    for shot in snapshots:
        share = sum(incident.holds(topics[name]) for name in shot.documents)
        if not share or shot.state == "dismissed":
            continue
        most = share * 2 > len(shot.documents)
        level = max(level, shot.level if most else 0)
        above = shot.level >= ABOVE and shot.surest >= least
        holds = {"loose": True, "most": most, "loose_above": above, "most_above": above and most}
        for name in (name for name in NAMES if holds[name]):
            times.setdefault(name, shot)
    best = times.get("most_above") or times.get("most") or times.get("loose")
    moments = {name: times[name].at if name in times else None for name in NAMES}
    return Found(**moments, level=level, alert=best.title if best else "")


def _ordinary_days(topics: Iterable[Topic], incidents: Sequence[Incident]) -> set[date]:
    """Days of ISO weeks that were observed whole and touch no incident's window."""
    timed = Counter(topic.day for topic in topics if topic.timed)
    observed = {day for day, count in timed.items() if count >= FEWEST_TIMED}
    weeks: dict[tuple[int, int], list[date]] = defaultdict(list)
    for day in observed:
        weeks[day.isocalendar()[:2]].append(day)
    busy = {day for one in incidents for day in _days(one)}
    return {day for days in weeks.values() if len(days) == 7 and not busy & set(days) for day in days}


def _days(incident: Incident) -> Iterator[date]:
    for number in range((incident.last_day - incident.first_day).days + 1):
        yield incident.first_day + timedelta(days=number)


def _peaks(snapshots: Sequence[Snapshot], days: set[date]) -> list[Snapshot]:
    """Of each alert that opened on one of the days the first snapshot at its highest level, with its last documents.

    One that was merged or dismissed later counts: people saw it.
    """
    peak: dict[str, Snapshot] = {}
    opened: dict[str, datetime] = {}
    for shot in snapshots:
        opened.setdefault(shot.alert, shot.at)
        if shot.alert not in peak or shot.level > peak[shot.alert].level:
            peak[shot.alert] = shot
    return [shot for name, shot in peak.items() if beijing(opened[name]).date() in days]


def _point(
    least: float, rows: Sequence[Row], snapshots: Sequence[Snapshot], topics: Mapping[str, Topic],
    above: Sequence[Snapshot], days: int,
) -> tuple[float, float, float]:  # fmt: skip
    counted = _counted(rows)
    caught = [row.in_time(_found(row.incident, snapshots, topics, least).most_above) for row in counted]
    alerts = sum(peak.surest >= least for peak in above) / max(1, days)
    return least, round(sum(caught) / max(1, len(caught)), 3), round(alerts, 3)


def _share(rows: Sequence[Row], name: str) -> float:
    return sum(row.in_time(getattr(row.found, name)) for row in rows) / max(1, len(rows))


def _row_json(row: Row) -> dict[str, Any]:
    def told(at: datetime | None) -> str | None:
        return iso_beijing(at) if at else None

    moments = {name: told(getattr(row.found, name)) for name in NAMES}
    return {
        "id": row.incident.id, "product": row.incident.product, "note": row.incident.note, "topics": row.topics,
        "first": told(row.first), "third": told(row.third), "alerted": moments, "level": row.found.level,
        "in_time": {name: row.in_time(getattr(row.found, name)) for name in NAMES}, "alert": row.found.alert,
        "event": {"read": row.read, "together": row.together, "whole": row.whole},
    }  # fmt: skip


# --- telling ----------------------------------------------------------------------------------------------------


def render(result: Result, *, samples: int) -> str:
    """The tables people read."""
    lines = [
        f"{'incident':<25} {'topics':>6}  {'first':<16} {'third':<16} {'above IV':<16} {'from 1st':>8} "
        f"{'from 3rd':>9}  level event"
    ]
    lines += [_line(row) for row in result.rows]
    lines.append("event: topics in its largest event / topics read as signals / documents of that event")
    for year in sorted({row.incident.first_day.year for row in result.counted()}):
        lines.append(_shares(str(year), result.counted(year=year)))
    lines.append(_shares("all that count", result.counted()))
    noted = [row for row in result.rows if row.incident.product and row.incident.note]
    lines.append(_shares("with a note (apart)", noted))
    alarmed = [row.incident.id for row in result.rows if not row.incident.product and row.found.loose]
    lines.append(f"controls alarmed: {', '.join(alarmed) or 'none'}")
    rates = "  ".join(f"level {level}: {share:.2f}" for level, share in result.per_day.items())
    lines.append(f"alerts a day in {result.days} days of ordinary weeks: {rates}; above IV {result.above:.2f}")
    lines.append(f"busiest of these days: {result.busiest} above IV (goal: {BUDGET:g} a day)")
    lines.append("least score  alerted in time above IV  alerts a day above IV")
    lines += [f"{least:>11.2f}  {share:>24.0%}  {rate:>22.2f}" for least, share, rate in result.curve]
    lines.append(f"  any level  {result.wide[0]:>24.0%}  {result.wide[1]:>22.2f}")
    lines += _samples(result, samples)
    return "\n".join(lines)


def _line(row: Row) -> str:
    def told(at: datetime | None) -> str:
        return f"{beijing(at):%Y-%m-%d %H:%M}" if at else "-"

    def gap(since: datetime | None, until: datetime | None) -> str:
        return f"{(until - since) / timedelta(hours=1):+.1f} h" if since and until else "-"

    at = row.found.most_above
    kind = "" if row.incident.product else " (control)"
    mark = "ok" if row.in_time(at) else "late" if at else "never"
    told_of = f"{row.together}/{row.read}/{row.whole}"
    note = " note" if row.incident.note else ""
    return (
        f"{row.incident.id:<25} {row.topics:>6}  {told(row.first):<16} {told(row.third):<16} {told(at):<16} "
        f"{gap(row.first, at):>8} {gap(row.third, at):>9}  {row.found.level}     {told_of:<9} {mark}{kind}{note}"
    )


def _shares(name: str, rows: Sequence[Row]) -> str:
    told = ", ".join(f"{kind} {_share(rows, kind):.0%}" for kind in NAMES)
    delays = [
        (row.found.most_above - row.first) / timedelta(hours=1)
        for row in rows
        if row.first and row.found.most_above and row.found.most_above >= row.first
    ]
    middle = f"; median {median(delays):.1f} h from the first topic" if delays else ""
    return f"{name}: {len(rows)} incidents, alerted in time: {told}{middle}"


def _samples(result: Result, most: int) -> Iterator[str]:
    for title, levels in (("above IV", (2, 3, 4)), ("level IV", (1,))):
        rows = [row for row in result.false_alarms if row[1] in levels]
        step = max(1, len(rows) // max(1, most))
        yield f"alerts of ordinary weeks, {title} ({len(rows)}, every {step}th):"
        for day, level, rule, titles in rows[::step][:most]:
            yield f"  {day} L{level} {rule}: {' / '.join(titles[:4])}"
