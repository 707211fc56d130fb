"""What the weekly table counts: the records of one week and one territory, read once."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Text, case, func, not_, or_, select, type_coerce

from core.records import CANARY, Alert, Kind
from facts.spot_checks import UNQUALIFIED, spot_checks
from reports.weeks import Week
from store.alert_log import alerts_between
from store.ledger import ENDED, Entry, HazardState, entries_of_week, rows_of_action, rows_of_all
from store.schema import alert_history, documents, enterprises, event_documents, handed_in, ledger_rows

Sees = Callable[[str | None], bool]
"""Whether a matter of a region code belongs to the territory of the table."""
MARKED = ("talk", "penalty", "transfer", "opinion")
"""Issues that columns count."""
CHECKS_OF_SITES = "inspections"
HANDED = ("sampling", CHECKS_OF_SITES, "self_checks")
"""Kinds of rows of other systems (config/intake/) that columns count."""
CHECKS = (Kind.SPOTCHECK.value, Kind.NOTICE.value)
PRODUCTS = re.compile(r'"products":(\[[^\]]*\])')
SAMPLED = re.compile(r"抽[查检样测][^。；\d]{0,30}?(\d[\d,]{0,6})\s*(?:个)?(?:批次|批)")
FAILED = re.compile(r"(?:不合格|不符合)[^。；\d]{0,16}?(\d[\d,]{0,6})\s*(?:个)?(?:批次|批)|"
                    r"(\d[\d,]{0,6})\s*(?:个)?(?:批次|批)[^。；，\d]{0,10}(?:不合格|不符合)")  # fmt: skip


@dataclass(frozen=True)
class Paper:
    """A document of the week. late: it came after the week's end.  batches, failed: of a spot check.  filed: it says
    that a case was opened."""

    id: str
    kind: str
    source: str
    product: str
    firm: str
    risk: bool
    own: bool
    late: bool
    event: str = ""
    issues: frozenset[str] = frozenset()
    batches: int = 0
    failed: int = 0
    filed: bool = False


@dataclass(frozen=True)
class Firm:
    """A producer of the registry."""

    id: str
    products: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """A row that another system handed in. kind: sampling | inspections | self_checks.  firm: empty where not told.
    late: it came after the week's end.  scheme: licence of an inspected firm, xk | ccc | other, or empty.
    online, rural: None where it does not tell."""

    number: int
    kind: str
    product: str
    firm: str
    outcome: str = ""
    online: bool | None = None
    rural: bool | None = None
    site: str = ""
    scheme: str = ""
    found: int = 0
    fixed: int = 0
    done: bool = False
    late: bool = False


@dataclass(frozen=True)
class Records:
    """found, closed: ledger entries of the week.  open: those not ended at its end.  late: ids entered after it.

    talked, transferred: entries with that step in the week.  handed: the week's rows of other systems.
    accepted: of the week's alerts whose time to accept is over or that were accepted, whether that was in time.
    """

    papers: tuple[Paper, ...] = ()
    firms: tuple[Firm, ...] = ()
    alerts: tuple[Alert, ...] = ()
    accepted: Mapping[str, bool] = field(default_factory=dict)
    found: tuple[Entry, ...] = ()
    closed: tuple[Entry, ...] = ()
    open: tuple[Entry, ...] = ()
    late: frozenset[str] = frozenset()
    talked: tuple[Entry, ...] = ()
    transferred: tuple[Entry, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    handed: tuple[Row, ...] = ()


class Marks:
    """What the texts of documents and the entries of the registry say: read once and not for every look."""

    MOST = 100_000
    MOST_WEEKS = 8

    def __init__(self) -> None:
        self._handed: dict[tuple[date, date], tuple[int, tuple[tuple[str, Row], ...]]] = {}
        self._known: dict[tuple[int, str | None], dict[str, Any]] = {}
        self._producers: tuple[tuple[Any, ...], tuple[tuple[str, Firm], ...]] = (), ()

    def of(self, db: Connection, wanted: Iterable[tuple[int, str | None]]) -> Mapping[tuple[int, str | None], Any]:
        """Fields of Paper for each row and version of its reading."""
        asked = set(wanted)
        new = asked - self._known.keys()
        told = _read_marks(db, sorted(seq for seq, _ in new))
        if len(self._known) + len(new) > self.MOST:
            self._known = {key: value for key, value in self._known.items() if key in asked}
        self._known.update({key: told.get(key[0], {}) for key in new})
        return self._known

    def handed(self, db: Connection, week: Week) -> tuple[tuple[str, Row], ...]:
        """Territory and row of what was handed in of a week, read again only where something was handed in since."""
        stamp = db.execute(select(func.max(handed_in.c.number))).scalar() or 0
        key = week.first, week.last
        known = self._handed.get(key)
        if known is None or known[0] != stamp:
            if len(self._handed) >= self.MOST_WEEKS:
                self._handed.clear()
            known = self._handed[key] = stamp, _rows_handed(db, week)
        return known[1]

    def producers(self, db: Connection) -> tuple[tuple[str, Firm], ...]:
        """Region and firm of every producer, read again only where the registry has changed."""
        stamp = tuple(db.execute(select(func.count(), func.max(enterprises.c.updated_at))).one())
        if stamp != self._producers[0]:
            self._producers = stamp, _producers(db)
        return self._producers[1]


def read_records(
    db: Connection, week: Week, sees: Sees, *, now: datetime, ack_hours: Mapping[int, float], marks: Marks
) -> Records:
    """All that a table of a week rests on. sees: the cut of its territory.  ack_hours: time to accept by level."""
    here = cache(sees)
    papers = _papers(db, week, here, marks)
    alerts = tuple(
        alert for alert in alerts_between(db, week.begins, week.ends)
        if any(here(code) for code in (alert.territory, *alert.territories))
    )  # fmt: skip
    return Records(
        papers=papers,
        firms=tuple(firm for region, firm in marks.producers(db) if here(region)),
        alerts=alerts,
        accepted=_accepted(db, alerts, ack_hours, now),
        sizes=_sizes(db, {paper.event for paper in papers if paper.event}),
        handed=tuple(row for territory, row in marks.handed(db, week) if here(territory or None)),
        **_ledger(db, week, here),
    )


def _papers(db: Connection, week: Week, sees: Sees, marks: Marks) -> tuple[Paper, ...]:
    d = documents.c
    inside = [
        d.event_time >= week.begins, d.event_time < week.ends, d.latest, d.withdrawn_at.is_(None), d.source != CANARY,
    ]  # fmt: skip
    counted = or_(d.is_risk, d.kind.in_((*CHECKS, Kind.RECALL.value)))
    plain = (
        select(d.seq, d.analysis_version, d.id, d.kind, d.source, d.product, d.enterprise, d.jurisdiction, d.is_risk,
               d.repost_of, d.stored_at, d.revision, event_documents.c.event)
        .outerjoin(event_documents, event_documents.c.document == d.id)
        .where(*inside, counted)
        .order_by(d.event_time, d.id)
    )  # fmt: skip
    rows = [row for row in db.execute(plain) if sees(row.jurisdiction)]
    known = marks.of(db, ((row.seq, row.analysis_version) for row in rows))
    return tuple(
        Paper(
            row.id, row.kind, row.source, row.product or "", row.enterprise or "", bool(row.is_risk),
            row.repost_of is None, late=row.revision == 1 and row.stored_at >= week.ends, event=row.event or "",
            **known[row.seq, row.analysis_version],
        )
        for row in rows
    )  # fmt: skip


def _read_marks(db: Connection, rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What only the whole text tells: asked of the few documents that may have it."""
    d = documents.c
    analysis = type_coerce(d.analysis, Text)
    may = or_(d.kind.in_(CHECKS), *(analysis.contains(f'"{issue}"') for issue in MARKED))
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(rows), 500):
        these = d.seq.in_(rows[start : start + 500])
        for row in db.execute(select(d.seq, d.kind, d.title, d.text, d.tables, d.analysis).where(these, may)):
            issues = frozenset((row.analysis or {}).get("issues", ()))
            told: dict[str, Any] = {"issues": issues, "filed": "penalty" in issues and "立案" in row.title + row.text}
            if row.kind in CHECKS:
                told["batches"], told["failed"] = batches_of(row.tables or (), row.title, row.text)
            found[row.seq] = told
    return found


def batches_of(tables: Sequence[Any], title: str, text: str) -> tuple[int, int]:
    """Batches sampled and failed that a notice tells of: the more of its sentence and its list."""
    listed = spot_checks(tuple(tuple(tuple(cells) for cells in rows) for rows in tables), title=title, text=text)
    failed = {(one.nominal_producer, one.product or one.sample, one.model, one.batch)
              for one in listed if one.result == UNQUALIFIED}  # fmt: skip
    whole = f"{title}。{text}"
    said, bad = _first(SAMPLED, whole), _first(FAILED, whole)
    return max(said, len(listed), bad, len(failed)), max(bad, len(failed))


def _first(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.search(text)
    return int(next(group for group in found.groups() if group).replace(",", "")) if found else 0


def _producers(db: Connection) -> tuple[tuple[str, Firm], ...]:
    """Region and firm of each producer that says what it makes."""
    entry = type_coerce(enterprises.c.entry, Text)
    query = select(enterprises.c.id, enterprises.c.region_code, entry).where(
        entry.contains('"role":"producer"'), not_(entry.contains('"products":[]'))
    )
    return tuple((row[1], Firm(row[0], _products_in(row[2]))) for row in db.execute(query))


def _products_in(entry: str) -> tuple[str, ...]:
    """The products of a registry entry, without reading the rest of it: there are thousands of entries."""
    found = PRODUCTS.search(entry)
    return _ids_in(found[1]) if found else ()


@cache
def _ids_in(listed: str) -> tuple[str, ...]:
    """Of a JSON list. Thousands of firms make the same few things."""
    return tuple(json.loads(listed))


def _accepted(
    db: Connection, alerts: Iterable[Alert], ack_hours: Mapping[int, float], now: datetime
) -> dict[str, bool]:
    by_id = {alert.id: alert for alert in alerts}
    first: dict[str, datetime] = {}
    for chunk in _chunks(sorted(by_id)):
        h = alert_history.c
        query = (
            select(h.alert, func.min(h.story_at))
            .where(h.alert.in_(chunk), h.action.in_(("accept", "dispatch", "dismiss", "start", "close")))
            .group_by(h.alert)
        )
        first |= {row[0]: row[1] for row in db.execute(query)}
    found = {}
    for alert in by_id.values():
        took, most = first.get(alert.id), ack_hours.get(alert.level, 24) * 3600
        spent = ((took or now) - alert.created_at).total_seconds()
        if took is not None or spent > most:
            found[alert.id] = took is not None and spent <= most
    return found


def _sizes(db: Connection, events: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in _chunks(sorted(events)):
        e = event_documents.c
        query = select(e.event, func.count()).where(e.event.in_(chunk)).group_by(e.event)
        found |= {row[0]: row[1] for row in db.execute(query)}
    return found


def _rows_handed(db: Connection, week: Week) -> tuple[tuple[str, Row], ...]:
    h, ends = handed_in.c, week.ends
    query = select(
        h.number, h.kind, h.territory, h.product, h.firm, h.outcome, h.online, h.rural, h.site, h.found, h.fixed,
        h.done, h.at, case((h.kind == CHECKS_OF_SITES, type_coerce(h.body, Text)), else_="").label("body"),
    ).where(h.kind.in_(HANDED), h.latest, h.day >= week.first, h.day <= week.last)  # fmt: skip
    return tuple(
        (row.territory, Row(
            row.number, row.kind, row.product, row.firm, row.outcome, row.online, row.rural, row.site,
            json.loads(row.body).get("scheme", "") if row.body else "", row.found, row.fixed, bool(row.done),
            late=row.at >= ends,
        ))
        for row in db.execute(query.order_by(h.number))
    )  # fmt: skip


def _ledger(db: Connection, week: Week, sees: Sees) -> dict[str, Any]:
    entries = {
        one.id: one
        for one in entries_of_week(db, week.first, week.last, week.begins, week.ends)
        if sees(one.territory) or (one.unit and sees(one.unit))
    }
    then = _states_then(db, entries, week)
    found = [one for one in entries.values() if one.found_on <= week.last and then[one.id] is not HazardState.EXCLUDED]
    of_week = [one for one in found if one.found_on >= week.first]

    def did(action: str) -> list[Entry]:
        rows = (row for row in rows_of_action(db, action, since=week.begins) if row.at < week.ends)
        return [entries[entry] for entry in dict.fromkeys(row.entry for row in rows) if entry in entries]

    return {
        "found": tuple(of_week),
        "closed": tuple(one for one in did("close") if then[one.id] is HazardState.CLOSED),
        "open": tuple(one for one in found if then[one.id] not in ENDED),
        "late": frozenset(one.id for one in of_week if one.created_at >= week.ends),
        "talked": tuple(did("talk")),
        "transferred": tuple(did("transfer")),
    }


def _states_then(db: Connection, entries: Mapping[str, Entry], week: Week) -> dict[str, HazardState]:
    """What each entry was at the end of the week: only those that changed since are looked up."""
    changed = set(db.execute(select(ledger_rows.c.entry).where(ledger_rows.c.at >= week.ends).distinct()).scalars())
    states = {entry: one.state for entry, one in entries.items()}
    for entry, rows in rows_of_all(db, sorted(changed & set(entries))).items():
        before = [row.state for row in rows if row.at < week.ends]
        states[entry] = before[-1] if before else rows[0].state
    return states


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + 500] for start in range(0, len(ids), 500))
