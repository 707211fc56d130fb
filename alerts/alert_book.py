"""Writes what replaying came to: findings, alerts that grow and merge, and a row of history for every step.

What people decided stays: the state they set, a level they chose (until the facts ask for a higher one).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from alerts.lateness import late_by
from alerts.notify import Notifier
from alerts.replay import Outcome, Step
from alerts.territory import territories_of
from alerts.wording import Names, main_issues, main_products, reason_of, title_of
from core.clock import beijing
from core.records import LEVEL_COLOURS, Alert, AlertEvent, AlertState, Finding
from store.alert_log import (
    add_finding,
    add_history,
    alert_details,
    alerts_of_subject,
    find_alert,
    findings_ever_of,
    findings_of_alert,
    next_alert_number,
    next_history_number,
    save_alert,
    update_finding,
    withdraw_finding,
)
from store.cards import alerts_resting_on

SYSTEM = "system"
OPEN_TO_SYSTEM = (AlertState.NEW, AlertState.ACCEPTED)
ENDED = (AlertState.CLOSED, AlertState.DISMISSED)
TOLD = ("opened", "raised", "reopened", "dismissed", "lowered", "grown", "cleared")


@dataclass(frozen=True)
class Change:
    """An alert that was opened, raised, changed, merged or dismissed. moved: documents that went into it or out."""

    alert: str
    what: str
    moved: tuple[str, ...] = ()


class AlertBook:
    """The writing half of the engine.

    ack_hours: hours to accept by level (orgs.yaml, alerts).  notifier: None sends nothing.
    """

    def __init__(
        self, names: Names, titles: Mapping[str, str], ack_hours: Mapping[int, float], notifier: Notifier | None
    ) -> None:
        self.names, self.titles, self.ack_hours, self.notifier = names, titles, ack_hours, notifier

    def settle(
        self,
        db: Connection,
        subject: str,
        outcomes: Sequence[Outcome],
        *,
        around: tuple[datetime, datetime],
        now: datetime,
    ) -> tuple[list[Change], list[Alert]]:
        """Make the alerts of a subject within `around` what the outcomes say.

        Also those of its alerts that no outcome continues: to be dropped once every subject is settled, when whoever
        takes their documents over holds them.
        """
        left = {
            alert.id: alert
            for alert in alerts_of_subject(db, subject)
            if alert.updated_at >= around[0] and alert.first_at <= around[1]
        }
        changes: list[Change] = []
        named = {_id_of(outcome) for outcome in outcomes if outcome.alone}
        for outcome in outcomes:
            documents = {card.document for card in outcome.ever}
            if outcome.alone:
                mine = self._continued(db, outcome, documents, {k: a for k, a in left.items() if k not in named})
            else:
                mine = self._claimed(db, subject, documents, left)
            for alert in mine:
                left.pop(alert.id, None)
            changes += self._write(db, outcome, mine, now)
        return changes, list(left.values())

    def drop(self, db: Connection, left: Iterable[Alert], now: datetime) -> list[Change]:
        """End those of `left` that nothing has changed since."""
        return [change for alert in left if find_alert(db, alert.id) == alert for change in self._drop(db, alert, now)]

    @staticmethod
    def _continued(db: Connection, outcome: Outcome, documents: set[str], free: Mapping[str, Alert]) -> list[Alert]:
        """The one alert that a finding continues: its own, else one of another reading of its documents."""
        own = find_alert(db, _id_of(outcome))
        if own is not None:
            return [own]
        shared = [a for a in free.values() if documents & set(a.documents) and not findings_of_alert(db, a.id)]
        return [min(shared, key=lambda alert: (alert.created_at, alert.number))] if shared else []

    def _claimed(self, db: Connection, subject: str, documents: set[str], left: Mapping[str, Alert]) -> list[Alert]:
        """The alerts this matter continues: its own, and those whose ground lies wholly in it. Oldest first."""
        found: dict[str, Alert] = {}
        for alert_id, theirs in alerts_resting_on(db, sorted(documents)):
            alert = left.get(alert_id) or find_alert(db, alert_id)
            if alert is None:
                continue
            # Only a matter takes others over: whether a crowd or they were settled last must not show.
            nameless = subject[:2] != "w:" and (theirs[:2] in ("p:", "m:", "d:") or theirs.startswith("f:NIL:"))
            if theirs == subject or (nameless and _ground(db, alert) <= documents):
                found[alert.id] = alert
        return sorted(found.values(), key=lambda alert: (alert.created_at, alert.number))

    def _write(self, db: Connection, outcome: Outcome, mine: Sequence[Alert], now: datetime) -> list[Change]:
        old = mine[0] if mine else find_alert(db, _id_of(outcome))
        details = alert_details(db, old.id) if old else {}
        before: set[str] = set(old.documents) if old and not details.pop("ground_lost", False) else set()
        details.pop("merged_into", None)
        shape = self._shape(db, outcome, old, _id_of(outcome), now)
        alert, what = self._state(shape, old, outcome, details, now)
        new_steps = self._unrecorded(details, outcome.steps)
        details |= self._details(outcome)
        if what == "same" and any(step.grown for step in new_steps) and alert.state not in ENDED:
            what = "grown"
        if old is not None and alert.level != old.level:
            details |= {"confirmed_by": None, "confirmed_too_by": None}
        changes = [self._merge(db, other, alert, now) for other in mine[1:]]
        for other in mine[1:] if not alert.subject.startswith("w:") else ():
            _withdraw_all(db, other.id, now)  # those that stand in the one matter, too, are written anew below
        if old == alert and not new_steps and not changes and what == "same":
            return changes
        save_alert(db, alert, details=details)
        self._write_findings(db, outcome, alert.id, now)
        self._write_steps(db, alert, old, new_steps, what, now)
        if what != "same" or old != alert:
            self._tell(db, alert, what, now)
        moved = tuple(sorted(before ^ set(alert.documents)))
        return [*changes, Change(alert.id, what if what != "same" else "changed", moved)]

    def _shape(self, db: Connection, outcome: Outcome, old: Alert | None, new_id: str, now: datetime) -> Alert:
        cards = outcome.cards or outcome.ever
        firm = outcome.matter.subject[2:] if outcome.matter.subject.startswith("f:") else None
        told = dict.fromkeys(f for card in cards for f in ([card.firm] if card.firm else card.firms) if f)
        regions = self.names.regions
        territories = (regions.home,) if outcome.home else territories_of(cards, regions)
        standing = [one.finding for one in outcome.held if one.lost_at is None] or [one.finding for one in outcome.held]
        return Alert(
            id=old.id if old else new_id,
            number=old.number if old else next_alert_number(db, beijing(now).year),
            subject=outcome.matter.subject,
            level=max(1, outcome.last.level),
            state=old.state if old else AlertState.NEW,
            first_at=outcome.steps[0].at,
            updated_at=max(card.at for card in cards),
            created_at=old.created_at if old else now,
            title=outcome.title or title_of(outcome, self.names),
            rule=outcome.last.rule or (old.rule if old else standing[0].rule),
            reason=reason_of(outcome),
            products=main_products(cards),
            enterprises=(firm,) if firm else tuple(told),
            issues=main_issues(cards),
            territory=territories[0],
            territories=territories,
            documents=tuple(dict.fromkeys(card.document for card in cards)),
            findings=tuple(finding.id for finding in standing),
            unconfirmed=outcome.last.unconfirmed,
            origins=len({card.document for card in cards if card.is_origin}),
            due_at=old.due_at if old else None,
            late=old.late if old else late_by(db, outcome.steps[0].at, outcome.grace, now),
        )

    def _state(
        self, shape: Alert, old: Alert | None, outcome: Outcome, details: dict[str, Any], now: datetime
    ) -> tuple[Alert, str]:
        """The alert with state, level and clock; and what happened to it (opened, raised, ... same)."""
        gone, cleared = outcome.last.level == 0, outcome.last.cleared
        ended = AlertState.CLOSED if cleared else AlertState.DISMISSED
        chosen = details.get("person_level")
        level = shape.level
        if chosen is not None and level <= details.get("system_level_then", 0):
            level = int(chosen)
        due = now + timedelta(hours=self.ack_hours.get(level, 24))
        if old is None:
            state = ended if gone else AlertState.NEW
            details["dismissed_by"] = SYSTEM if gone else None
            level = max(1, outcome.peak) if gone else level
            return replace(shape, level=level, state=state, due_at=None if gone else due), "opened"
        if gone:
            if old.state in OPEN_TO_SYSTEM or _ended_by_system(old, details, not_as=ended):
                details["dismissed_by"] = SYSTEM
                level = max(1, outcome.peak)
                what = "cleared" if cleared else "dismissed"
                return replace(shape, level=level, state=ended, due_at=None), what
            if cleared:
                return replace(shape, level=old.level), "same"
            same = old.state in ENDED or old.level == 1
            return replace(shape, level=old.level if same else 1), "same" if same else "lowered"
        if old.state in ENDED:
            by_system = details.get("dismissed_by") == SYSTEM
            if by_system or level > details.get("level_at_end", old.level):
                details["dismissed_by"] = None
                return replace(shape, level=level, state=AlertState.NEW, due_at=due), "reopened"
            return replace(shape, level=old.level), "same"
        if level == old.level:
            return shape if level == shape.level else replace(shape, level=level), "same"
        up = level > old.level
        clock = due if up and old.state is AlertState.NEW else old.due_at
        return replace(shape, level=level, due_at=clock), "raised" if up else "lowered"

    @staticmethod
    def _unrecorded(details: Mapping[str, Any], steps: Sequence[Step]) -> list[Step]:
        known = {tuple(row) for row in details.get("steps", ())}
        return [step for step in steps if _step_key(step) not in known]

    @staticmethod
    def _details(outcome: Outcome) -> dict[str, Any]:
        cards = outcome.cards
        hurt: dict[str, int] = {}
        for card in cards:
            if card.trusted:
                hurt = {name: max(count, hurt.get(name, 0)) for name, count in {**hurt, **card.hurt}.items()}
        voices: dict[str, int] = {}
        for card in cards:
            if card.is_origin:
                voices[card.voice] = voices.get(card.voice, 0) + 1
        return {
            "steps": [list(_step_key(step)) for step in outcome.steps],
            "whys": [step.why for step in outcome.steps],
            "voices": voices,
            "sources": len({card.source for card in cards}),
            "reposts": len({card.document for card in cards if not card.is_origin}),
            "hurt": hurt,
        }

    def _write_findings(self, db: Connection, outcome: Outcome, alert: str, now: datetime) -> None:
        known = findings_ever_of(db, alert)
        for held in outcome.held:
            finding, before = held.finding, known.pop(held.finding.id, None)
            if before is not None and before == (finding, held.lost_at):
                continue
            if not add_finding(db, finding, alert=alert, now=now):
                update_finding(db, finding, alert=alert)
            if held.lost_at is not None:
                withdraw_finding(db, finding.id, held.lost_at)
        if outcome.matter.subject.startswith("w:"):
            return  # a crowd that took a matter's alert over knows nothing of the matter's findings
        for finding, lost_at in known.values():
            if lost_at is None and finding.key[:2] != "w:":
                withdraw_finding(db, finding.id, now)

    def _write_steps(
        self, db: Connection, alert: Alert, old: Alert | None, steps: Sequence[Step], what: str, now: datetime
    ) -> None:
        level = 0
        for place, step in enumerate(steps):
            first = old is None and place == 0
            later = _action(step, level) if old is None else self._action_of(step, alert, old, what)
            action = "opened" if first else later
            level = step.level
            note = step.why if step.level or step.cleared else f"{step.why}，不再构成预警"
            state = alert.state if place == len(steps) - 1 else AlertState.NEW if old is None else old.state
            add_event(db, alert, step.at, action, step.level, state, note, now, document=step.document)
        if not steps and what in ("reopened", "dismissed", "cleared"):
            add_event(db, alert, alert.updated_at, what, alert.level, alert.state, alert.reason, now)

    @staticmethod
    def _action_of(step: Step, alert: Alert, old: Alert, what: str) -> str:
        if step.at < old.updated_at and what in ("same", "grown") and not step.cleared:
            return "backdated"
        if step.level == 0 or step.grown:
            return _action(step, alert.level)
        return (
            what
            if what not in ("same", "grown")
            else "confirmed"
            if not alert.unconfirmed and old.unconfirmed
            else "updated"
        )

    def _merge(self, db: Connection, other: Alert, into: Alert, now: datetime) -> Change:
        details = {**alert_details(db, other.id), "merged_into": into.id, "dismissed_by": SYSTEM}
        if other.state is not AlertState.DISMISSED or other.documents:
            gone = replace(other, state=AlertState.DISMISSED, documents=(), findings=(), due_at=None)
            save_alert(db, gone, details=details)
            note = f"同一事项，并入 {into.number}"
            add_event(db, gone, into.updated_at, "merged", other.level, gone.state, note, now)
        return Change(other.id, "merged", other.documents)

    def absorb(self, db: Connection, subject: str, finding: Finding, into: str, now: datetime) -> list[Change]:
        """The alert that stood on a finding is the echo of another one: merge it there."""
        holder = find_alert(db, into)
        own = [alert for alert in alerts_of_subject(db, subject) if set(alert.documents) & set(finding.documents)]
        return [self._merge(db, alert, holder, now) for alert in own] if holder else []

    def _drop(self, db: Connection, alert: Alert, now: datetime) -> list[Change]:
        """Nothing of the alert's ground is left, not even in the past: a new reading or a moved text."""
        details = alert_details(db, alert.id)
        told_over = _ended_by_system(alert, details, not_as=AlertState.DISMISSED)
        if details.get("merged_into") or details.get("ground_lost") or (alert.state in ENDED and not told_over):
            return []
        details["ground_lost"] = True
        heir = self._heir(db, alert)
        _withdraw_all(db, alert.id, now)
        if heir is not None and (alert.state in OPEN_TO_SYSTEM or told_over):
            return [self._merge(db, alert, heir, now)]
        note = "重新识别后依据不再成立"
        if alert.state in OPEN_TO_SYSTEM or told_over:
            gone = replace(alert, state=AlertState.DISMISSED, due_at=None)
            save_alert(db, gone, details={**details, "dismissed_by": SYSTEM})
            add_event(db, gone, alert.updated_at, "dismissed", alert.level, gone.state, note, now)
            return [Change(alert.id, "dismissed", alert.documents)]
        save_alert(db, alert, details=details)
        add_event(db, alert, alert.updated_at, "noted", alert.level, alert.state, f"{note}，由承办人处置", now)
        return [Change(alert.id, "changed", alert.documents)]

    @staticmethod
    def _heir(db: Connection, alert: Alert) -> Alert | None:
        """The alert that now holds most of what this one rested on; None where none does."""
        ground = _ground(db, alert)
        held = {
            other: len(ground & set(holder.documents))
            for other, subject in alerts_resting_on(db, sorted(ground))
            if other != alert.id and not subject.startswith("w:") and (holder := find_alert(db, other)) is not None
        }
        most = min(held, key=lambda other: (-held[other], other), default=None)
        return find_alert(db, most) if most else None

    def _tell(self, db: Connection, alert: Alert, what: str, now: datetime) -> None:
        if self.notifier is not None and what in TOLD:
            number = next_history_number(db, alert.id) - 1
            self.notifier.plan(db, alert, what=what, number=number, now=now)


def _id_of(outcome: Outcome) -> str:
    """The id of an alert is that of its first finding."""
    first = min(outcome.held, key=lambda one: (one.finding.fired_at, one.finding.id)).finding
    return f"a{first.id[1:]}"


def _ended_by_system(alert: Alert, details: Mapping[str, Any], *, not_as: AlertState) -> bool:
    """Whether no person but the system ended it, and otherwise than so."""
    return alert.state in ENDED and alert.state is not not_as and details.get("dismissed_by") == SYSTEM


def _withdraw_all(db: Connection, alert: str, now: datetime) -> None:
    for finding, lost_at in findings_ever_of(db, alert).values():
        if lost_at is None:
            withdraw_finding(db, finding.id, now)


def _ground(db: Connection, alert: Alert) -> set[str]:
    """The documents that an alert's findings rest on; all it holds where none stands."""
    resting = {document for finding in findings_of_alert(db, alert.id) for document in finding.documents}
    return resting or set(alert.documents)


def _step_key(step: Step) -> tuple[str, int, bool]:
    return (step.at.isoformat(), step.level, step.unconfirmed)


def _action(step: Step, before: int) -> str:
    if step.level == 0:
        return "cleared" if step.cleared else "dismissed"
    if step.grown and step.level == before:
        return "grown"
    return "raised" if step.level > before else "lowered" if step.level < before else "confirmed"


def add_event(
    db: Connection,
    alert: Alert,
    story_at: datetime,
    action: str,
    level: int,
    state: AlertState,
    note: str,
    now: datetime,
    *,
    document: str = "",
) -> None:
    """Append one row by the system to an alert's history."""
    details = {"document": document} if document else {}
    event = AlertEvent(
        alert=alert.id,
        number=next_history_number(db, alert.id),
        at=now,
        story_at=story_at,
        actor=SYSTEM,
        action=action,
        level=level,
        state=state,
        note=note,
        details=details,
    )
    add_history(db, event)


def level_words(level: int) -> str:
    """`橙色`."""
    return f"{LEVEL_COLOURS[level]}色"
