"""One run of the rule lab: the rule replayed, held against incidents and marks, its thresholds weighed."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, select

from alerts.lab.compare import Difference, difference
from alerts.lab.curve import Curve, Proposal, Scale, Yardstick
from alerts.lab.incidents import (
    Catch,
    Incident,
    NoticeCollector,
    Verdicts,
    catches,
    opened_of,
    verdicts,
)
from alerts.lab.levels import by_level
from alerts.lab.reading import Progress, asked_of
from alerts.lab.replayed import LabAlert, Replayed
from alerts.lab.replaying import Setting, replay_cards
from alerts.lab.series import Detector
from alerts.marks import Mark, standing_marks
from alerts.setup import EngineParts
from alerts.wording import Names
from config.rules import Rule
from core.clock import beijing
from core.errors import UsageError
from core.records import Alert
from store.alert_log import list_alerts
from store.cards import seen_before, span_of_cards
from store.database import Store
from store.schema import alert_documents

LONGEST = timedelta(days=3660)


@dataclass(frozen=True)
class LabAsk:
    """past: how far back.  until: the end; None: the newest signal, at most now.  budget: alerts a shift, with floor:
    None proposes nothing.  curves: whether thresholds are weighed.
    """

    past: timedelta
    until: datetime | None = None
    budget: float | None = None
    floor: float = 0.0
    curves: bool = True


@dataclass(frozen=True)
class LabRun:
    """What a run came to. wanted: the start that was asked for; start: from when on there are signals.

    a_day: alerts by the Beijing day they open on and by level, every day of the span.  against: the other rule.
    """

    rule: Rule
    wanted: datetime
    start: datetime
    end: datetime
    replayed: Replayed
    alerts: tuple[LabAlert, ...]
    caught: tuple[Catch, ...]
    verdicts: Verdicts
    curves: tuple[Curve, ...]
    proposal: Proposal | None
    seconds: float
    detector: Detector | None = None
    against: "LabRun | None" = None
    difference: Difference | None = None

    @property
    def days(self) -> float:
        """The length of the span; a day at least."""
        return max(1.0, (self.end - self.start) / timedelta(days=1))

    @property
    def a_day(self) -> Mapping[date, Counter[int]]:
        """See above."""
        first, last = beijing(self.start).date(), beijing(self.end).date()
        counts = {first + timedelta(days=n): Counter[int]() for n in range((last - first).days + 1)}
        for alert in self.alerts:
            counts[beijing(alert.first_at).date()][alert.level] += 1
        return counts


def silent(what: str, count: int) -> None:
    """No words of progress."""


def run_lab(
    store: Store,
    rule: Rule,
    parts: EngineParts,
    ask: LabAsk,
    *,
    now: datetime,
    against: Rule | None = None,
    detector: Detector | None = None,
    progress: Progress = silent,
) -> LabRun:
    """Run a rule over what is stored; a detector, where one is given, on what the rule counts, by its keys.

    Raises UsageError where nothing is stored in the span, QueryError where its query cannot be read.
    """
    with store.read() as db:
        wanted, start, end = span_of(db, ask, now)
    run = _run(store, rule, parts, ask, (wanted, start, end), progress, detector)
    if against is None:
        return run
    without = LabAsk(ask.past, ask.until, curves=False)
    other = _run(store, against, parts, without, (wanted, start, end), progress)
    return replace(run, against=other, difference=difference(run.alerts, other.alerts))


def span_of(db: Connection, ask: LabAsk, now: datetime) -> tuple[datetime, datetime, datetime]:
    """(start asked for, start, end). Raises UsageError."""
    if not timedelta(0) < ask.past <= LONGEST:
        raise UsageError(f"--past: 须为 1 天至 {LONGEST.days} 天")
    held = span_of_cards(db, ask.until or now)
    if held is None:
        raise UsageError("还没有可回放的信号：先采集或 ingest，再试")
    first, last, _ = held
    end = ask.until or last
    wanted = end - ask.past
    start = max(wanted, first)
    if start > last:
        raise UsageError(f"这段时间（{beijing(wanted):%Y-%m-%d} 起）没有信号；最后一条在 {beijing(last):%Y-%m-%d}")
    return wanted, start, end


def _run(
    store: Store,
    rule: Rule,
    parts: EngineParts,
    ask: LabAsk,
    span: tuple[datetime, datetime, datetime],
    progress: Progress,
    detector: Detector | None = None,
) -> LabRun:
    began, (wanted, start, end) = time.perf_counter(), span
    notices = NoticeCollector(start, end)
    with store.read() as db:
        names, earlier = Names(parts.lexicon, parts.registry), partial(seen_before, db)
        setting = Setting(asked_of(rule, parts), names, earlier, start, end, detector)
        replayed = replay_cards(db, setting, also=notices, progress=progress)
        marks = standing_marks(db)
        confirmed = [alert for alert in _alerts(db, marks) if marks[alert.id].mark == "confirmed"]
        on_documents = _marks_of_documents(db, {name: one.mark for name, one in marks.items()})
    families = {product: parts.grouping.family_of(product) for product in parts.lexicon.products}
    yardstick = _yardstick(notices.incidents(confirmed, families), on_documents, start, end)
    alerts = tuple(alert for alert in replayed.alerts if start <= alert.first_at <= end)
    curves: tuple[Curve, ...] = ()
    proposal: Proposal | None = None
    if ask.curves:
        progress("阈值", 0)
        levels = {} if detector else by_level(rule, replayed, parts.lexicon.regions)
        scale = Scale(replayed, yardstick, levels)
        curves = tuple(scale.curves())
        proposal = scale.propose(ask.budget, ask.floor) if ask.budget is not None else None
    return LabRun(
        rule, wanted, start, end, replayed, alerts,
        caught=tuple(catches(yardstick.incidents, opened_of(alerts))),
        verdicts=verdicts((alert.rests_on for alert in alerts), on_documents),
        curves=curves, proposal=proposal, seconds=time.perf_counter() - began,
        detector=detector,
    )  # fmt: skip


def _yardstick(
    incidents: Sequence[Incident], marks: Mapping[str, Sequence[Mark]], start: datetime, end: datetime
) -> Yardstick:
    return Yardstick(incidents, marks, start, end, max(1.0, (end - start) / timedelta(days=1)))


def _alerts(db: Connection, marks: Mapping[str, object]) -> list[Alert]:
    return [alert for alert in list_alerts(db) if alert.id in marks]


def _marks_of_documents(db: Connection, marks: Mapping[str, Mark]) -> dict[str, list[Mark]]:
    """The marks of the alerts that rest on each document."""
    found: defaultdict[str, list[Mark]] = defaultdict(list)
    ids = sorted(marks)
    for first in range(0, len(ids), 400):
        some = ids[first : first + 400]
        query = select(alert_documents).where(alert_documents.c.alert.in_(some))
        for row in db.execute(query.order_by(alert_documents.c.alert, alert_documents.c.document)):
            found[row.document].append(marks[row.alert])
    return dict(found)
