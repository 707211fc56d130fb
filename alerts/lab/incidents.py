"""What should have been caught: official notices in the span, and alerts the desk found to be true.

A notice is one of a firm (with a product); several on the same firm and product within a month are one incident. An
alert catches it when it speaks of the same firm and product and opens within LEAD before it, or a day after it.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from alerts.cards import Card
from alerts.lab.replayed import LabAlert, Opened, Subject
from alerts.marks import Mark
from alerts.notices import notice_type
from core.records import Alert

LEAD = timedelta(days=90)
LATE = timedelta(days=1)
TOGETHER = timedelta(days=30)


@dataclass(frozen=True)
class Incident:
    """what: recall, failed_check or penalty; confirmed: an alert that the desk found true.  at: of the first notice, or
    when that alert opened.  documents: the notice, or what the alert rests on.  confirmed: the desk says so as well.
    """

    what: str
    at: datetime
    firm: str | None
    family: str | None
    documents: tuple[str, ...]
    confirmed: bool = False


@dataclass(frozen=True)
class Catch:
    """at: when the alert opened; None where none did.  lead: hours before the incident, negative after it."""

    incident: Incident
    at: datetime | None

    @property
    def lead(self) -> float | None:
        """Hours."""
        return None if self.at is None else (self.incident.at - self.at) / timedelta(hours=1)


class NoticeCollector:
    """Is shown every card that is read, and keeps the notices."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._end = start, end
        self._found: list[Incident] = []

    def __call__(self, card: Card) -> None:
        if card.voice != "official" or not card.is_origin or card.until is not None or card.firm is None:
            return
        what = notice_type(card.kind, card.issues, risk=card.risk)
        if what is not None and self._start <= card.at <= self._end:
            self._found.append(Incident(what, card.at, card.firm, card.family, (card.document,)))

    def incidents(self, confirmed: Iterable[Alert], family: Mapping[str, str | None]) -> list[Incident]:
        """All of the span, in order of time. confirmed: alerts.  family: of each product."""
        found = _brought_together(self._found)
        by_subject: defaultdict[Subject, list[int]] = defaultdict(list)
        for place, incident in enumerate(found):
            by_subject[incident.firm, incident.family].append(place)  # type: ignore[index]  # notices have a firm
        for alert in confirmed:
            if not self._start <= alert.first_at <= self._end:
                continue
            firm = next(iter(alert.enterprises), None)
            theirs = family.get(alert.products[0]) if alert.products else None
            near = [at for at in by_subject.get((firm or "", theirs), ()) if abs(found[at].at - alert.first_at) <= LEAD]
            if near:
                found[near[0]] = replace(found[near[0]], confirmed=True)
            else:
                found.append(Incident("confirmed", alert.first_at, firm, theirs, alert.documents, confirmed=True))
        return sorted(found, key=lambda incident: (incident.at, incident.documents))


def _brought_together(notices: Sequence[Incident]) -> list[Incident]:
    last: dict[tuple[str | None, str | None], tuple[int, datetime]] = {}
    found: list[Incident] = []
    for notice in notices:
        key = (notice.firm, notice.family)
        if key in last and notice.at - last[key][1] <= TOGETHER:
            last[key] = (last[key][0], notice.at)
            continue
        last[key] = (len(found), notice.at)
        found.append(notice)
    return found


def opened_of(alerts: Iterable[LabAlert]) -> list[Opened]:
    """Every moment at which the alerts of a replay spoke."""
    return [one for alert in alerts for one in alert.spoke]


def catches(incidents: Sequence[Incident], alerts: Sequence[Opened]) -> list[Catch]:
    """Which alert caught each incident first. Alerts of no firm catch by a document in common."""
    by_firm: defaultdict[str, list[tuple[datetime, str | None]]] = defaultdict(list)
    wanted = {document for incident in incidents for document in incident.documents}
    by_document: dict[str, datetime] = {}
    for alert in sorted(alerts, key=lambda alert: alert.at):
        for firm, family in alert.subjects:
            by_firm[firm].append((alert.at, family))
        for document in alert.documents:
            if document in wanted:
                by_document.setdefault(document, alert.at)
    return [Catch(incident, _first(incident, by_firm, by_document)) for incident in incidents]


def _first(
    incident: Incident, by_firm: Mapping[str, list[tuple[datetime, str | None]]], by_document: Mapping[str, datetime]
) -> datetime | None:
    start, end = incident.at - LEAD, incident.at + LATE
    theirs = by_firm.get(incident.firm or "", [])
    found = [by_document[name] for name in incident.documents if name in by_document]
    found = [at for at in found if start <= at <= end]
    for at, family in theirs[bisect_left(theirs, start, key=lambda each: each[0]) :]:
        if at > end:
            break
        if family is None or incident.family is None or family == incident.family:
            found.append(at)
            break
    return min(found, default=None)


@dataclass(frozen=True)
class Caught:
    """How many incidents were known and caught; ahead: before the notice.  median_lead: hours, of those caught."""

    known: int
    caught: int
    ahead: int
    median_lead: float | None

    @property
    def recall(self) -> float | None:
        """The share caught; None where nothing was known."""
        return self.caught / self.known if self.known else None


def caught_of(found: Sequence[Catch]) -> Caught:
    """The figures of some catches."""
    leads = [catch.lead for catch in found if catch.lead is not None]
    ahead = sum(lead > 0 for lead in leads)
    return Caught(len(found), len(leads), ahead, median(leads) if leads else None)


# --- what the desk said -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdicts:
    """Alerts by what the desk made of the ones that rest on the same documents; unmarked: it said nothing."""

    confirmed: int
    false: int
    duplicate: int
    unmarked: int


def verdicts(alerts: Iterable[Sequence[str]], marks: Mapping[str, Sequence[Mark]]) -> Verdicts:
    """alerts: documents of each.  marks: of the marked alerts that rest on a document. The most frequent one counts."""
    counts = {"confirmed": 0, "false": 0, "duplicate": 0, "": 0}
    for documents in alerts:
        said: list[str] = [mark for document in documents for mark in marks.get(document, ())]
        counts[max(sorted(set(said)), key=said.count) if said else ""] += 1
    return Verdicts(counts["confirmed"], counts["false"], counts["duplicate"], counts[""])
