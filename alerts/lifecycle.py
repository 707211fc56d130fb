"""What people do to an alert: which step follows which, who was faster, and how to take a step back.

new → accepted → dispatched → in_hand → to_close → closed; dismissed from new or accepted; reopen leads back to
accepted. Where the system proposed to end one (a silent matter, a ground withdrawn), `clear` ends it and `hold` keeps
it open. Every step is a row of the history that is never changed; undo is one more row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from alerts.reasons import BY_HAND, REASONS
from core.clock import beijing
from core.errors import UsageError
from core.records import LEVEL_COLOURS, Alert, AlertEvent, AlertState
from store.alert_log import (
    add_history,
    alert_details,
    find_alert,
    history_of,
    history_row_of_form,
    next_history_number,
    save_alert,
)
from store.alerts_at_hand import assign, assignee_of
from store.watch import save_watch, take_back_notices, watch_of

S = AlertState
UNDO_WITHIN = timedelta(days=1)
STATE_WORDS: Mapping[AlertState, str] = {
    S.NEW: "待受理",
    S.ACCEPTED: "已受理",
    S.DISPATCHED: "已派单",
    S.IN_HAND: "处置中",
    S.TO_CLOSE: "待核销",
    S.CLOSED: "已办结",
    S.DISMISSED: "不构成风险",
}
ACTION_WORDS: Mapping[str, str] = {
    "accept": "受理",
    "dispatch": "派单",
    "start": "开始处置",
    "submit": "提请核销",
    "close": "核销办结",
    "dismiss": "判为不构成风险",
    "reopen": "重新打开",
    "clear": "同意解除",
    "hold": "暂不解除",
    "level": "调级",
    "confirm": "确认红色",
    "assign": "指派",
    "file": "附上文件",
    "note": "记录",
    "undo": "撤销",
    "mark": "标记",
}
OPEN = (S.NEW, S.ACCEPTED, S.DISPATCHED, S.IN_HAND, S.TO_CLOSE)


@dataclass(frozen=True)
class Step:
    """From where an action may be taken, and where it leads (None: the state stays)."""

    since: tuple[AlertState, ...]
    to: AlertState | None


STEPS: Mapping[str, Step] = {
    "accept": Step((S.NEW,), S.ACCEPTED),
    "dispatch": Step((S.NEW, S.ACCEPTED), S.DISPATCHED),
    "start": Step((S.ACCEPTED, S.DISPATCHED), S.IN_HAND),
    "submit": Step((S.DISPATCHED, S.IN_HAND), S.TO_CLOSE),
    "close": Step((S.TO_CLOSE,), S.CLOSED),
    "dismiss": Step((S.NEW, S.ACCEPTED), S.DISMISSED),
    "reopen": Step((S.CLOSED, S.DISMISSED), S.ACCEPTED),
    "clear": Step((S.NEW, S.ACCEPTED, S.DISPATCHED, S.IN_HAND), S.CLOSED),
    "hold": Step((S.NEW, S.ACCEPTED, S.DISPATCHED, S.IN_HAND), None),
    "level": Step(OPEN, None),
    "confirm": Step(OPEN, None),
    "assign": Step(OPEN, None),
    "note": Step(tuple(S), None),
    "file": Step(tuple(S), None),
}
QUIET = (
    "note", "file", "mark", "updated", "grown", "backdated", "confirmed", "noted", "notify", "silenced",
    "unsilenced", "inhibited",
    "released", "deferred", "repeated", "escalated", "all_clear", "all_clear_off",
)  # fmt: skip
"""Rows that leave state and level as they were: they do not stand in the way of an undo."""
UNDOABLE = ("accept", "assign", "dispatch", "start", "submit", "close", "dismiss", "reopen", "level", "clear", "hold")


def act(
    db: Connection,
    alert_id: str,
    action: str,
    *,
    actor: str,
    note: str,
    now: datetime,
    once: str,
    level: int | None = None,
    territory: str | None = None,
    reason: str | None = None,
    person: str | None = None,
) -> Alert:
    """Take one step in a write transaction; returns the alert as it is then.

    once: key of the form; the same form a second time changes nothing.  level: 1-4, for `level`.  territory: to whom,
    for `dispatch` (its own territory when not given).  reason: a code of REASONS, for `dismiss` and `close` (`other`
    when not given); with `note` it stands in the history.  person: the account it is given to, for `assign` (empty: to
    nobody); who accepts what is nobody's has it.
    Raises UsageError, in words for the desk, when the alert is unknown or the step does not follow from its state:
    then it says who did what and when.
    """
    alert = find_alert(db, alert_id)
    if alert is None:
        raise UsageError(f"没有预警 {alert_id[:40]}")
    if history_row_of_form(db, once) is not None:
        return alert
    if action == "undo":
        return _undo(db, alert, actor=actor, note=note, now=now, once=once)
    step = STEPS.get(action)
    if step is None:
        raise UsageError(f"没有“{action[:20]}”这一步（可用：{'、'.join(STEPS)}、undo）")
    if alert.state not in step.since:
        raise UsageError(_somebody_was_faster(db, alert, action))
    code = _reason(action, reason, note)
    details = alert_details(db, alert.id)
    kept = {name: details.get(name) for name in _REMEMBERED}
    changed = _changed(alert, action, step, details, actor=actor, level=level, territory=territory)
    if changed.state in (S.CLOSED, S.DISMISSED):
        details |= ended_details(alert, now)
        watch = watch_of(db, alert.id)
        if watch is not None:  # who has not heard of it yet hears nothing of it now
            save_watch(db, take_back_notices(db, watch))
    if changed.state in (S.CLOSED, S.DISMISSED) and code is not None:
        details["end_reason"] = code
    save_alert(db, changed, details=details)
    had = _give(db, alert, action, actor, person)
    before = {
        "assignee": had,
        "state": alert.state.value,
        "level": alert.level,
        "territory": alert.territory,
        "territories": alert.territories,
        "due_at": _iso(alert),
    }
    told: dict[str, Any] = {"before": before, "details_before": kept, "territories": changed.territories}
    told["reason"] = code or BY_HAND
    row = _row(db, changed, action, actor, note, now, told)
    add_history(db, row, once=once)
    return changed


def _give(db: Connection, alert: Alert, action: str, actor: str, person: str | None) -> str | None:
    """Let the alert be somebody's, where the step does that; returns whose it was. Raises UsageError."""
    had = assignee_of(db, alert.id)
    if action == "assign":
        if (person or None) == had:
            raise UsageError(f"已由 {had} 负责" if had else "本就没有负责人")
        assign(db, alert.id, person or None)
    elif action == "accept" and had is None:
        assign(db, alert.id, actor)
    return had


def ended_details(alert: Alert, now: datetime) -> dict[str, Any]:
    """What is remembered of an end, so that a story that wakes is known to be new."""
    return {
        "level_at_end": alert.level,
        "ended_at": now.isoformat(),
        "documents_at_end": list(alert.documents),
        "all_clear": None,
    }


_REMEMBERED = (
    "person_level",
    "system_level_then",
    "dismissed_by",
    "level_at_end",
    "confirmed_by",
    "confirmed_too_by",
    "end_reason",
    "ended_at",
    "documents_at_end",
    "all_clear",
)


def _reason(action: str, reason: str | None, note: str) -> str | None:
    """The code of a closing or dismissing step; None for the others. Raises UsageError saying what is wanted."""
    known = REASONS.get(action)
    if known is None:
        if reason is not None:
            raise UsageError(f"{ACTION_WORDS[action]}不用选理由")
        return None
    code = reason or "other"
    if code not in known:
        raise UsageError(f"没有“{code[:20]}”这一理由（可用：{'、'.join(known)}）")
    if code == "other" and len(note.strip()) < 2:
        raise UsageError(f"{ACTION_WORDS[action]}须选定理由；选“其他”或未选的，须写明情况")
    if action == "dismiss" and not note.strip():
        raise UsageError("判为不构成风险须写明依据")
    return code


def confirmation_words(alert: Alert, details: Mapping[str, Any]) -> str | None:
    """Who confirmed a red alert, for the desk; None for one that is not red. details: alert_details of the store."""
    if alert.level < 4:
        return None
    first, second = details.get("confirmed_by"), details.get("confirmed_too_by")
    if first and second:
        return f"红色已由 {first}、{second} 确认"
    if first:
        return f"红色已由 {first} 确认，待另一人复核"
    return "红色待两人确认"


def proposal_of(details: Mapping[str, Any]) -> str | None:
    """The reason (alerts.reasons, all_clear) for which the system proposes to end an alert; None where it does not."""
    found = details.get("all_clear") or {}
    reason: str | None = found.get("reason")
    return reason


def may_confirm(alert: Alert, details: Mapping[str, Any], actor: str) -> bool:
    """Whether a red alert waits for this person's confirmation."""
    confirmed = (details.get("confirmed_by"), details.get("confirmed_too_by"))
    return alert.level == 4 and alert.state in OPEN and None in confirmed and actor not in confirmed


def _changed(
    alert: Alert,
    action: str,
    step: Step,
    details: dict[str, Any],
    *,
    actor: str,
    level: int | None,
    territory: str | None,
) -> Alert:
    state = step.to or alert.state
    if action == "level":
        if level is None or not 1 <= level <= 4:
            raise UsageError("级别须为 1 至 4")
        if level == alert.level:
            raise UsageError(f"已是{LEVEL_COLOURS[level]}色")
        details |= {"person_level": level, "system_level_then": max(level, alert.level)}
        details |= {"confirmed_by": None, "confirmed_too_by": None}  # what was confirmed is not what stands now
        return replace(alert, level=level)
    if action == "confirm":
        details |= _confirmed(alert, details, actor)
    if action in ("clear", "hold"):
        if not proposal_of(details):
            raise UsageError("系统没有提出解除建议；请按办理步骤核销")
        details |= {"end_reason": "all_clear"} if action == "clear" else {"all_clear": {"declined": actor}}
    if state in (S.CLOSED, S.DISMISSED):
        details["dismissed_by"] = actor if state is S.DISMISSED else None
    if action == "dispatch" and territory and territory != alert.territory:
        others = (code for code in alert.territories if code != territory)
        alert = replace(alert, territory=territory, territories=(territory, *others))
    return replace(alert, state=state, due_at=alert.due_at if state is S.NEW else None)


def _confirmed(alert: Alert, details: Mapping[str, Any], actor: str) -> dict[str, str]:
    """A red alert is confirmed by two different persons, one after the other."""
    if alert.level < 4:
        raise UsageError(f"只有红色预警须确认，现为{LEVEL_COLOURS[alert.level]}色")
    first, second = details.get("confirmed_by"), details.get("confirmed_too_by")
    if first and second:
        raise UsageError(f"已由 {first}、{second} 两人确认")
    if first == actor:
        raise UsageError(f"{actor} 已确认过，须由另一人复核")
    return {"confirmed_too_by": actor} if first else {"confirmed_by": actor}


def newest_step(history: Sequence[AlertEvent]) -> AlertEvent | None:
    """The newest row that changed something: the one that may be taken back. history: oldest first."""
    return next((row for row in reversed(history) if row.action not in QUIET), None)


def may_undo(history: Sequence[AlertEvent], actor: str, now: datetime) -> int | None:
    """The number of the row that this person may take back now."""
    last = newest_step(history)
    mine = last is not None and last.actor == actor and last.action in UNDOABLE and now - last.at <= UNDO_WITHIN
    return last.number if last is not None and mine else None


def _undo(db: Connection, alert: Alert, *, actor: str, note: str, now: datetime, once: str) -> Alert:
    """Take the newest step back, if it was this person's own and nothing happened since."""
    last = newest_step(history_of(db, alert.id))
    if last is None or last.action not in UNDOABLE or last.actor != actor:
        if last is not None and last.action == "undo" and last.actor == actor:
            raise UsageError("已撤销，无可再撤")
        who = f"：{_who_when(last)}" if last else ""
        raise UsageError(f"只能撤销自己刚做的一步，最近一步不是{who}")
    if now - last.at > UNDO_WITHIN:
        raise UsageError("已过一日，不再撤销；请按现状办理")
    before = last.details["before"]
    details = alert_details(db, alert.id) | last.details.get("details_before", {})
    due = datetime.fromisoformat(before["due_at"]) if before["due_at"] else None
    territory = before["territory"]
    # What the rules have added since stays; what the step itself added goes.
    added = set(last.details.get("territories", ())) - set(before.get("territories", ()))
    others = tuple(code for code in alert.territories if code != territory and code not in added)
    changed = replace(
        alert,
        state=AlertState(before["state"]),
        level=before["level"],
        territory=territory,
        territories=(territory, *others),
        due_at=due,
    )
    save_alert(db, changed, details=details)
    if "assignee" in before:  # rows of before there were any know nothing of it
        assign(db, alert.id, before["assignee"])
    words = f"撤销{ACTION_WORDS[last.action]}"
    row = _row(
        db,
        changed,
        "undo",
        actor,
        f"{words}：{note}" if note else words,
        now,
        {"undone": last.number, "reason": BY_HAND},
    )
    add_history(db, row, once=once)
    return changed


def _row(
    db: Connection, alert: Alert, action: str, actor: str, note: str, now: datetime, details: Mapping[str, Any]
) -> AlertEvent:
    return AlertEvent(
        alert=alert.id,
        number=next_history_number(db, alert.id),
        at=now,
        story_at=now,
        actor=actor,
        action=action,
        level=alert.level,
        state=alert.state,
        note=note,
        details=details,
    )


def _somebody_was_faster(db: Connection, alert: Alert, action: str) -> str:
    """`不能受理：由 zhang 已于 11-23 14:32 受理，现为已受理`."""
    told, before = "", S.NEW
    for row in history_of(db, alert.id):
        if row.state is not before and row.state is alert.state:
            told = f"{_who_when(row)}，"
        before = row.state
    return f"不能{ACTION_WORDS[action]}：{told}现为{STATE_WORDS[alert.state]}"


def _who_when(row: AlertEvent) -> str:
    who = "系统" if row.actor == "system" else f"由 {row.actor} "
    return f"{who}已于 {beijing(row.at):%m-%d %H:%M} {ACTION_WORDS.get(row.action, '变动')}"


def _iso(alert: Alert) -> str | None:
    return alert.due_at.isoformat() if alert.due_at else None
