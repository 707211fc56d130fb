"""What people do to an alert: each act is one row of its history, done once, refused when somebody was faster."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from core.clock import beijing
from core.errors import UsageError
from core.records import LEVEL_COLOURS, Alert, AlertEvent, AlertState
from store.alert_log import add_history, alert_details, find_alert, history_of, save_alert
from store.schema import alert_history

S = AlertState
OPEN = (S.NEW, S.ACCEPTED, S.DISPATCHED, S.IN_HAND, S.TO_CLOSE)
ENDED = (S.CLOSED, S.DISMISSED)
UNDONE = "undo"


@dataclass(frozen=True)
class Step:
    """From which states an act is possible, and where it leads (None: the state stays)."""

    word: str
    before: tuple[AlertState, ...]
    after: AlertState | None


STEPS: Mapping[str, Step] = {
    "accept": Step("受理", (S.NEW,), S.ACCEPTED),
    "dispatch": Step("派单", (S.NEW, S.ACCEPTED), S.DISPATCHED),
    "start": Step("开始处置", (S.ACCEPTED, S.DISPATCHED), S.IN_HAND),
    "submit": Step("报请核销", (S.ACCEPTED, S.DISPATCHED, S.IN_HAND), S.TO_CLOSE),
    "close": Step("销号", (S.TO_CLOSE,), S.CLOSED),
    "dismiss": Step("认定不构成风险", OPEN, S.DISMISSED),
    "reopen": Step("重新打开", ENDED, S.ACCEPTED),
    "level": Step("调级", OPEN, None),
    "confirm": Step("确认", OPEN, None),
    "note": Step("批注", (*OPEN, *ENDED), None),
}


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
) -> None:
    """Do `action` (a key of STEPS, or undo) inside an open transaction.

    once: idempotency key of the form; the same key does nothing a second time.  level: 1-4, for action `level` only.
    Raises UsageError with a sentence for the desk: unknown alert or action, or somebody was faster (who and when).
    """
    alert = find_alert(db, alert_id)
    if alert is None:
        raise UsageError(f"没有预警 {alert_id}。")
    if db.execute(select(alert_history.c.number).where(alert_history.c.once == once)).first() is not None:
        return
    history = history_of(db, alert.id)
    changed = _undone(alert, history, actor) if action == UNDONE else _stepped(alert, history, action, note, level)
    save_alert(db, changed, details=alert_details(db, alert.id))
    number = history[-1].number + 1 if history else 1
    event = AlertEvent(alert.id, number, now, now, actor, action, changed.level, changed.state, note)
    if not add_history(db, event, once=once):
        raise UsageError("同一时刻另有人处理了该预警，未重复执行。请刷新后再看。")


def _stepped(alert: Alert, history: list[AlertEvent], action: str, note: str, level: int | None) -> Alert:
    step = STEPS.get(action)
    if step is None:
        raise UsageError(f"不认识的操作 {action}（可用：{'、'.join([*STEPS, UNDONE])}）。")
    if alert.state not in step.before:
        raise UsageError(f"未{step.word}：{_who_was_faster(history)}")
    if action == "note" and not note.strip():
        raise UsageError("批注是空的，没有保存。")
    if action == "level":
        if level not in (1, 2, 3, 4):
            raise UsageError("未调级：级别只有蓝、黄、橙、红四级。")
        if level == alert.level:
            raise UsageError(f"未调级：已经是{LEVEL_COLOURS[level]}色。")
        return replace(alert, level=level)
    return alert if step.after is None else replace(alert, state=step.after)


def _undone(alert: Alert, history: list[AlertEvent], actor: str) -> Alert:
    """As before the last act. Only one's own last act, and only while nothing followed it."""
    last = history[-1] if history else None
    if last is None or last.actor != actor or last.action in (UNDONE, "note"):
        raise UsageError(f"未撤销：{_who_was_faster(history)}")
    before = history[-2] if len(history) > 1 else None
    return replace(
        alert,
        state=before.state if before else S.NEW,
        level=before.level if before and last.action == "level" else alert.level,
    )


def _who_was_faster(history: list[AlertEvent]) -> str:
    if not history:
        return "该预警没有可撤销的操作。"
    last = history[-1]
    word = STEPS[last.action].word if last.action in STEPS else "处理"
    when = beijing(last.at).strftime("%m-%d %H:%M")
    who = "系统" if last.actor == "system" else last.actor
    return f"{who}已于 {when} {word}。"
