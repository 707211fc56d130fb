"""What a rule would have done on the stored signals: judged by the engine itself in a database that is thrown away.

Bounded in time: the newest signals first, as far back as it comes; the answer says how far that was.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select

from alerts.cards import card_of
from alerts.engine import AlertEngine
from alerts.setup import EngineParts
from config.rules import Rule
from core.clock import beijing
from core.records import Alert, Finding, Signal
from store.alert_log import list_alerts
from store.database import Store, open_engine
from store.documents import risks_between
from store.schema import findings, metadata

PAGE = 200
MOST_HITS = 400
"""Signals that are judged: 5 to 15 ms each (measured on the sample pack, one of two busy cores)."""
LONGEST = timedelta(days=90)


@dataclass(frozen=True)
class Trial:
    """What would have been since `start` (since `wanted`, where time and number of hits allowed) up to `end`.

    cut_short: judging came no further than `end`.  seen: risk signals looked at.  hits: those the rule counts, newest
    first.  alerts: newest first; ids and numbers are those of the trial.
    """

    wanted: datetime
    start: datetime
    end: datetime
    cut_short: bool
    seen: int
    hits: tuple[Signal, ...]
    findings: tuple[Finding, ...]
    alerts: tuple[Alert, ...]

    @property
    def whole(self) -> bool:
        """Whether reading went back as far as was asked for."""
        return self.start <= self.wanted

    @property
    def days(self) -> float:
        """So many days were tried; one at least."""
        return max(1.0, (self.end - self.start) / timedelta(days=1))

    @property
    def a_day(self) -> Mapping[date, Counter[int]]:
        """Alerts by the Beijing day they would have begun on, and by level; every day of the span."""
        first, last = beijing(self.start).date(), beijing(self.end).date()
        counts = {first + timedelta(days=n): Counter[int]() for n in range((last - first).days + 1)}
        for alert in self.alerts:
            counts[beijing(alert.first_at).date()][alert.level] += 1
        return counts


def try_rule(store: Store, rule: Rule, parts: EngineParts, *, now: datetime, days: int, seconds: float = 2.0) -> Trial:
    """Try a rule on the last days. seconds: about so long for reading, and for judging. Raises QueryError where its
    query cannot be read."""
    engine = replace(parts, rules=(rule,), notifier=None).engine()
    wanted = now - min(timedelta(days=days), LONGEST)
    found = _read_back(store, engine, rule, wanted - rule.look_back, now, until=time.monotonic() + seconds)
    start = wanted if found.whole else min(now, max(wanted, found.reached + rule.look_back))
    end, fired, alerts = _judge(engine, found.hits, now, until=time.monotonic() + seconds)
    return Trial(
        wanted=wanted,
        start=start,
        end=end,
        cut_short=end < now,
        seen=found.seen,
        hits=tuple(signal for signal in found.hits if start <= signal.document.event_time <= end),
        findings=tuple(finding for finding in fired if finding.fired_at >= start),
        alerts=tuple(alert for alert in alerts if alert.first_at >= start),
    )


@dataclass(frozen=True)
class _Found:
    """hits: newest first.  reached: event time of the last signal looked at.  whole: none was left."""

    hits: list[Signal]
    seen: int
    reached: datetime
    whole: bool


def _read_back(
    store: Store, engine: AlertEngine, rule: Rule, first: datetime, end: datetime, *, until: float
) -> _Found:
    """The signals that the rule counts."""
    hits: list[Signal] = []
    seen, before, reached = 0, None, end
    while True:
        with store.read() as db:
            page = risks_between(db, first, end, limit=PAGE, before=before)
        for number, signal in page:
            if len(hits) >= MOST_HITS or time.monotonic() > until:
                return _Found(hits, seen, reached, whole=False)
            seen, reached = seen + 1, signal.document.event_time
            before = (reached, number)
            if rule.id in card_of(signal, engine.view).rules:
                hits.append(signal)
        if len(page) < PAGE:
            return _Found(hits, seen, first, whole=True)


def _judge(
    engine: AlertEngine, hits: Sequence[Signal], end: datetime, *, until: float
) -> tuple[datetime, list[Finding], list[Alert]]:
    """Tell the story from its beginning. (how far it came, findings that stand, alerts newest first)."""
    scratch = open_engine("sqlite://")
    try:
        with scratch.begin() as db:
            metadata.create_all(db)
            for signal in reversed(hits):
                if time.monotonic() > until:
                    end = signal.document.event_time
                    break
                engine.judge(db, signal, now=signal.document.event_time)
            alerts = [alert for alert in list_alerts(db) if alert.documents]
            return end, _standing(db), sorted(alerts, key=lambda alert: alert.first_at, reverse=True)
    finally:
        scratch.dispose()


def _standing(db: Connection) -> list[Finding]:
    query = select(findings).where(findings.c.withdrawn_at.is_(None)).order_by(findings.c.fired_at)
    rows = db.execute(query).mappings()
    return [Finding(**{name: row[name] for name in Finding.__dataclass_fields__}) for row in rows]
