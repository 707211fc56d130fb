"""Writes what replaying came to: findings, alerts that grow and merge, and a row of history for every step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.claims import claims_of, ground_of, is_crowd, new_id
from alerts.lateness import late_by
from alerts.lifecycle import proposal_of
from alerts.notify import Notifier
from alerts.replay import Outcome, Step
from alerts.standing import (
    ENDED,
    OPEN_TO_SYSTEM,
    SYSTEM,
    Due,
    Turn,
    ended_by_system,
    gone_by,
    turn_of,
)
from alerts.territory import kept_where_dispatched, territories_of
from alerts.transitions import add_event
from alerts.wording import Names, main_issues, main_products, reason_of, title_of
from config.alert_life import AlertLife
from core.clock import beijing
from core.records import LEVEL_COLOURS, Alert, AlertState, Finding
from store.alert_log import (
    add_finding,
    alert_details,
    alerts_of_subject,
    find_alert,
    findings_ever_of,
    findings_of_alert,
    free_finding,
    next_alert_number,
    next_history_number,
    save_alert,
    update_finding,
    withdraw_finding,
)
from store.cards import alerts_resting_on

GONE = ("dismissed", "cleared")
"""Rows that tell how the system ended an alert."""


@dataclass(frozen=True)
class Change:
    """An alert that was opened, raised, changed, merged or dismissed. moved: documents that went into it or out."""

    alert: str
    what: str
    moved: tuple[str, ...] = ()


class AlertBook:
    """The writing half of the engine.

    due: until when an alert is to be accepted.  life: what may end and wake.  notifier: None sends nothing.
    """

    def __init__(
        self, names: Names, titles: Mapping[str, str], due: Due, notifier: Notifier | None, life: AlertLife
    ) -> None:
        self.names, self.titles, self.due, self.notifier, self.life = names, titles, due, notifier, life

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
        claims = claims_of(db, subject, outcomes, left)
        for alert in (one for mine in claims for one in mine):
            left.pop(alert.id, None)
        # What splits off goes first: the alert that it leaves sees that its documents rest elsewhere, and not nowhere.
        for outcome, mine in sorted(zip(outcomes, claims, strict=True), key=lambda claim: bool(claim[1])):
            changes += self._write(db, outcome, mine, now)
        if is_crowd(subject):  # one that was told before the stretch may reach into it: it rests on what was not judged
            left = {name: alert for name, alert in left.items() if not findings_of_alert(db, name)}
        return changes, list(left.values())

    def drop(self, db: Connection, left: Iterable[Alert], now: datetime) -> list[Change]:
        """End those of `left` that nothing has changed since."""
        return [change for alert in left if find_alert(db, alert.id) == alert for change in self._drop(db, alert, now)]

    def _write(self, db: Connection, outcome: Outcome, mine: Sequence[Alert], now: datetime) -> list[Change]:
        old = mine[0] if mine else None
        details = alert_details(db, old.id) if old else {}
        before: set[str] = set(old.documents) if old and not details.pop("ground_lost", False) else set()
        details.pop("merged_into", None)
        told = self._shape(db, outcome, old, old.id if old else new_id(db, outcome), now)
        shape = kept_where_dispatched(told, old)
        elsewhere = told.territory not in (shape.territory, details.get("territory_told"))
        details["territory_told"] = told.territory
        turn = turn_of(
            shape,
            _as_high_as(old, mine),
            outcome,
            details,
            now=now,
            due=self.due,
            life=self.life,
            elsewhere=lambda moved: _rest_elsewhere(db, shape.id, moved),
        )
        new_steps = self._unrecorded(details, outcome.steps)
        if turn.what == "same" and turn.alert.state not in ENDED and any(step.grown for step in new_steps):
            turn = replace(turn, what="grown", reason="new_signals")
        alert, what = turn.alert, turn.what
        details |= self._details(outcome) | {"worst": max(alert.level, int(details.get("worst", 0)))}
        if old is not None and alert.level != old.level:
            details |= {"confirmed_by": None, "confirmed_too_by": None}
        changes = [self._merge(db, other, alert, now) for other in mine[1:]]
        for other in mine[1:]:
            _withdraw_all(db, other.id, now)  # those that stand in the one matter, too, are written anew below
        if old == alert and not new_steps and not changes and what == "same" and not turn.proposed:
            return changes
        proposed = proposal_of(details)
        woken = bool(details.get("all_clear")) and outcome.last.level > 0
        woken = woken and (set(alert.documents) > before or proposed == "recovered")
        if turn.proposed:
            details["all_clear"] = {"reason": turn.proposed, "at": now.isoformat()}
        elif woken:
            details["all_clear"] = None
        save_alert(db, alert, details=details)
        self._write_findings(db, outcome, alert.id, now)
        number = self._write_steps(db, turn, old, outcome, new_steps, now)
        if elsewhere:
            add_event(db, alert, "noted", "dispatched", self._elsewhere(told.territory, alert.territory), now)
        if turn.proposed:
            why = outcome.last.why if outcome.last.cleared else "依据已不存在"
            add_event(db, alert, "all_clear", turn.proposed, f"{why}，建议解除，由人决定", now)
        elif woken and proposed:
            add_event(db, alert, "all_clear_off", "new_signals", "撤销解除建议", now)
        if self.notifier is not None and what != "same":
            self.notifier.plan(db, alert, what=what, number=number, now=now)
        elif self.notifier is not None:
            self.notifier.changed(db, alert)
        moved = tuple(sorted(before ^ set(alert.documents)))
        return [*changes, Change(alert.id, what if what != "same" else "changed", moved)]

    def _shape(self, db: Connection, outcome: Outcome, old: Alert | None, alert_id: str, now: datetime) -> Alert:
        cards = outcome.cards or outcome.ever
        firm = outcome.matter.subject[2:] if outcome.matter.subject.startswith("f:") else None
        told = dict.fromkeys(f for card in cards for f in ([card.firm] if card.firm else card.firms) if f)
        regions = self.names.regions
        territories = (regions.home,) if outcome.home else territories_of(cards, regions)
        standing = [one.finding for one in outcome.held if one.lost_at is None] or [one.finding for one in outcome.held]
        return Alert(
            id=alert_id,
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

    def _elsewhere(self, told: str, kept: str) -> str:
        name = self.names.regions.full_name_of
        return f"按现有信号属地为{name(told)}；已派给{name(kept)}，不自动改派，是否改派由人决定"

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
            **({"ends_itself": True} if outcome.alone else {}),
        }

    def _write_findings(self, db: Connection, outcome: Outcome, alert: str, now: datetime) -> None:
        known = findings_ever_of(db, alert)
        for held in outcome.held:
            finding, before = held.finding, known.pop(held.finding.id, None)
            if before is not None and before == (finding, held.lost_at):
                continue
            if before is not None or not add_finding(db, finding, alert=alert, now=now):
                update_finding(db, finding, alert=alert)
            if held.lost_at is not None:
                withdraw_finding(db, finding.id, held.lost_at)
        if is_crowd(outcome.matter.subject):
            return  # a crowd that took a matter's alert over knows nothing of the matter's findings
        for finding, lost_at in known.values():
            if lost_at is None and not is_crowd(finding.key):
                withdraw_finding(db, finding.id, now)

    def _write_steps(
        self, db: Connection, turn: Turn, old: Alert | None, outcome: Outcome, steps: Sequence[Step], now: datetime
    ) -> int:
        """A row for each new step. Returns the number of the row that tells what happened to the alert."""
        alert, told, level, number = turn.alert, False, 0, 0
        for place, step in enumerate(steps):
            last = place == len(steps) - 1
            if old is None:
                action, reason = ("opened", step.fact) if place == 0 else _action(step, level)
                if turn.proposed and last and place:
                    action, reason = "noted", turn.proposed
            else:
                action, reason = _action_of(step, turn, old)
            if action in GONE:
                reason = gone_by(step, outcome)
            level = step.level
            note = turn.note if action == turn.what and turn.note and last else step.why
            shown = step.level if step.level or action in GONE else alert.level
            state = alert.state if last else AlertState.NEW if old is None else old.state
            number = _write_row(db, alert, action, reason, note, now, step=step, level=shown, state=state)
            told = told or action == turn.what
        if turn.what not in ("same", "opened") and not told:
            note = turn.note or alert.reason
            number = _write_row(db, alert, turn.what, turn.reason, note, now, level=alert.level, state=alert.state)
        if turn.held is not None and steps:
            note = f"规则现为{LEVEL_COLOURS[turn.held]}色；级别只由人或官方声明调降，仍为{LEVEL_COLOURS[alert.level]}色"
            add_event(db, alert, "noted", "held", note, now, story_at=steps[-1].at)
        return number or next_history_number(db, alert.id) - 1

    def _merge(self, db: Connection, other: Alert, into: Alert, now: datetime) -> Change:
        details = {**alert_details(db, other.id), "merged_into": into.id, "dismissed_by": SYSTEM}
        if other.state is not AlertState.DISMISSED or other.documents:
            gone = replace(other, state=AlertState.DISMISSED, documents=(), findings=(), due_at=None)
            save_alert(db, gone, details=details)
            note = f"同一事项，并入 {into.number}"
            add_event(db, gone, "merged", "same_matter", note, now, story_at=into.updated_at)
            since = f"{other.number} 并入，它自 {beijing(other.first_at):%m-%d %H:%M} 起预警"
            began = int(next(iter(details.get("steps", ())), (None, other.level))[1])
            add_event(
                db, into, "took_over", "same_matter", since, now, story_at=other.first_at, level=began,
                once=f"{into.id} took over {other.id}",
            )  # fmt: skip
        return Change(other.id, "merged", other.documents)

    def absorb(self, db: Connection, subject: str, finding: Finding, into: str, now: datetime) -> list[Change]:
        """The alert that stood on a finding is the echo of another one: merge it there."""
        holder = find_alert(db, into)
        if holder is None:
            return []
        shared = [alert for alert in alerts_of_subject(db, subject) if set(alert.documents) & set(finding.documents)]
        own = [one for one in shared if all(other.id == finding.id for other in findings_of_alert(db, one.id))]
        top = max((alert for alert in own if alert.state not in ENDED), key=lambda alert: alert.level, default=holder)
        if top.level > holder.level and holder.state not in ENDED:  # merging lowers nothing
            holder = replace(holder, level=top.level)
            save_alert(db, holder, details=alert_details(db, holder.id))
            number = add_event(db, holder, "raised", "rule_fired", f"{top.number} 并入：{top.reason}", now)
            if self.notifier is not None and number is not None:
                self.notifier.plan(db, holder, what="raised", number=number, now=now)
        free_finding(db, finding.id)
        return [self._merge(db, alert, holder, now) for alert in own]

    def _drop(self, db: Connection, alert: Alert, now: datetime) -> list[Change]:
        """Nothing of the alert's ground is left, not even in the past: a new reading or a moved text."""
        details = alert_details(db, alert.id)
        told_over = ended_by_system(alert, details, not_as=AlertState.DISMISSED)
        if details.get("merged_into") or details.get("ground_lost") or (alert.state in ENDED and not told_over):
            return []
        details["ground_lost"] = True
        heir = self._heir(db, alert)
        _withdraw_all(db, alert.id, now)
        if heir is not None and (alert.state in OPEN_TO_SYSTEM or told_over):
            return [self._merge(db, alert, heir, now)]
        return [self._end_or_propose(db, alert, details, "reread", now, over=told_over)]

    def rule_gone(self, db: Connection, alert: Alert, now: datetime) -> list[Change]:
        """The rule whose series an alert follows is no longer there: nothing else will ever end it. Its finding stays:
        the rule did fire.
        """
        details = alert_details(db, alert.id)
        if alert.state in ENDED or details.get("all_clear"):
            return []
        return [self._end_or_propose(db, alert, details, "rule_gone", now)]

    def _end_or_propose(
        self, db: Connection, alert: Alert, details: dict[str, Any], reason: str, now: datetime, *, over: bool = False
    ) -> Change:
        """End a low alert that nobody accepted; propose the end of any other. over: the system had ended it already."""
        worst = max(alert.level, int(details.get("worst", 1)))
        may_close = alert.state is AlertState.NEW and self.life.all_clear.may_close(worst, gone=True)
        if over or may_close:
            gone = replace(alert, state=AlertState.DISMISSED, due_at=None)
            save_alert(db, gone, details={**details, "dismissed_by": SYSTEM})
            number = add_event(db, gone, "dismissed", reason, "", now, story_at=alert.updated_at)
            if self.notifier is not None and number is not None:
                self.notifier.plan(db, gone, what="dismissed", number=number, now=now)
            return Change(alert.id, "dismissed", alert.documents)
        save_alert(db, alert, details={**details, "all_clear": {"reason": reason, "at": now.isoformat()}})
        add_event(db, alert, "all_clear", reason, "建议解除，由人决定", now, story_at=alert.updated_at)
        return Change(alert.id, "changed", alert.documents)

    @staticmethod
    def _heir(db: Connection, alert: Alert) -> Alert | None:
        """The alert that now holds most of what this one rested on; None where none does."""
        ground = ground_of(db, alert)
        held = {
            other: len(ground & set(holder.documents))
            for other, subject in alerts_resting_on(db, sorted(ground))
            if other != alert.id and not subject.startswith("w:") and (holder := find_alert(db, other)) is not None
        }
        most = min(held, key=lambda other: (-held[other], other), default=None)
        return find_alert(db, most) if most else None


def _as_high_as(old: Alert | None, mine: Sequence[Alert]) -> Alert | None:
    """The alert that goes on, at the level of the highest open one that goes into it: merging lowers nothing."""
    if old is None:
        return None
    return replace(old, level=max(one.level for one in (old, *mine) if one is old or one.state not in ENDED))


def _rest_elsewhere(db: Connection, alert: str, documents: set[str]) -> bool:
    others = alerts_resting_on(db, sorted(documents))
    return any(other != alert for other, subject in others if not subject.startswith("w:"))


def _write_row(
    db: Connection,
    alert: Alert,
    action: str,
    reason: str,
    note: str,
    now: datetime,
    *,
    level: int,
    state: AlertState,
    step: Step | None = None,
) -> int:
    at, document = (step.at, step.document) if step else (alert.updated_at, "")
    number = add_event(db, alert, action, reason, note, now, story_at=at, level=level, state=state, document=document)
    assert number is not None  # without a key a row is always new
    return number


def _withdraw_all(db: Connection, alert: str, now: datetime) -> None:
    for finding, lost_at in findings_ever_of(db, alert).values():
        if lost_at is None:
            withdraw_finding(db, finding.id, now)


def _step_key(step: Step) -> tuple[str, int, bool]:
    return (step.at.isoformat(), step.level, step.unconfirmed)


def _action(step: Step, before: int) -> tuple[str, str]:
    """What a later step of a story that is told at once was, and why."""
    if step.level == 0:
        return ("cleared", "recovered") if step.cleared else ("dismissed", "withdrawn")
    if step.level > before:
        return "raised", step.fact
    if step.grown:
        return "grown", "new_signals"
    return ("lowered", "official_statement") if step.level < before else ("confirmed", "confirmed")


def _action_of(step: Step, turn: Turn, old: Alert) -> tuple[str, str]:
    """What a new step meant for an alert that was there, and why."""
    calm = turn.what in ("same", "grown")
    if step.at < old.updated_at and calm and not step.cleared:
        return "backdated", "late_document"
    if step.level == 0:
        ended = turn.alert.state in ENDED
        return _action(step, 0) if ended else ("noted", turn.proposed or turn.reason or "withdrawn")
    if step.grown:
        return "grown", "new_signals"
    if turn.what in GONE:  # what is over now began otherwise than was told
        return "updated", "new_signals"
    if not calm:
        return turn.what, turn.reason
    if old.unconfirmed and not turn.alert.unconfirmed:
        return "confirmed", "confirmed"
    return "updated", "new_signals"
