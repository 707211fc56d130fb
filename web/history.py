"""What was done to alerts, in words."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from core.records import Alert, AlertEvent, AlertState
from store.alert_log import find_alerts
from store.schema import alert_history, alerts, users
from web.access import Viewer

ACTIONS: Mapping[str, str] = {
    "opened": "发布预警",
    "created": "发布预警",
    "raised": "升级",
    "lowered": "降级",
    "grew": "并入新信号",
    "merged": "并入",
    "took_over": "接续",
    "noted": "依据变动",
    "backdated": "首发时间提前",
    "dismissed": "判为不构成风险",
    "ground_lost": "依据不再成立",
    "unfounded": "依据不再成立",
    "updated": "并入新信号",
    "repeated": "再次提醒",
    "grown": "件数翻倍",
    "cleared": "恢复平常，自动办结",
    "reopened": "重新打开",
    "withdrawn": "依据撤回",
    "confirmed": "得到证实",
    "unconfirmed": "待核",
    "accept": "受理",
    "dispatch": "派单",
    "assign": "指派",
    "file": "附上文件",
    "start": "开始处置",
    "dismiss": "判为不构成风险",
    "level": "调级",
    "submit": "提请核销",
    "close": "核销办结",
    "reopen": "重新打开",
    "note": "记录",
    "mark": "标记",
    "undo": "撤销",
    "confirm": "确认红色",
    "notify": "发出通知",
    "escalated": "逾期升级",
    "silenced": "静默",
    "unsilenced": "静默结束",
    "inhibited": "由上级预警统领",
    "released": "不再由上级预警统领",
    "deferred": "推迟告知",
    "all_clear": "解除建议",
    "all_clear_off": "撤销解除建议",
    "closed": "系统办结",
    "clear": "同意解除",
    "hold": "暂不解除",
    "corrected": "更正",
    "answered": "收到回应",
}
MOMENTS = (
    "opened",
    "raised",
    "lowered",
    "accept",
    "dispatch",
    "dismiss",
    "dismissed",
    "cleared",
    "close",
    "closed",
    "clear",
    "reopen",
    "reopened",
    "level",
)
"""Rows after which the alert is in another state or level: a filled dot."""
DID: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "new": ("发布预警", ("opened", "created")),
    "raised": ("升级", ("raised",)),
    "grew": ("并入新信号", ("grew", "grown", "updated", "merged")),
    "accept": ("受理", ("accept",)),
    "dispatch": ("派单", ("dispatch",)),
    "answer": ("收到回应", ("answered",)),
    "level": ("调级、降级", ("level", "lowered")),
    "closed": ("办结", ("close", "closed", "clear", "cleared", "dismiss", "dismissed")),
    "reopen": ("重新打开", ("reopen", "reopened")),
    "late": ("逾期升级", ("escalated",)),
    "withdrawn": ("依据撤回", ("withdrawn", "ground_lost", "unfounded")),
}
"""What a shift counts: address value, word, and the rows of histories it stands for."""
SYSTEM = ("system", "engine", "")


def action_word(action: str) -> str:
    """受理 for `accept`; an action nobody named yet stays as it is."""
    return ACTIONS.get(action, action)


def actor_name(actor: str) -> str:
    """系统 for the engine."""
    return "系统" if actor in SYSTEM else actor


@dataclass(frozen=True)
class Change:
    """A row of somebody's history, with its alert."""

    event: AlertEvent
    alert: Alert


def newest_changes(db: Connection, viewer: Viewer, *, limit: int) -> list[Change]:
    """The newest rows of all histories this viewer sees, newest first."""
    query = select(alert_history).order_by(alert_history.c.story_at.desc(), alert_history.c.number.desc())
    found = with_alerts(db, [_event(row) for row in db.execute(query.limit(limit * 8)).mappings()])
    return [change for change in found if viewer.sees_alert(change.alert)][:limit]


def rows_since(
    db: Connection, viewer: Viewer, since: datetime, until: datetime, actions: Collection[str] = ()
) -> list[AlertEvent]:
    """The rows of all histories this viewer sees, since < t <= until, newest first. actions: of these kinds only."""
    query = (
        select(alert_history, alerts.c.territory, alerts.c.territories)
        .join(alerts, alerts.c.id == alert_history.c.alert)
        .where(alert_history.c.story_at > since, alert_history.c.story_at <= until)
        .order_by(alert_history.c.story_at.desc(), alert_history.c.alert, alert_history.c.number.desc())
    )
    if actions:
        query = query.where(alert_history.c.action.in_(sorted(actions)))
    rows = db.execute(query).mappings()
    return [_event(row) for row in rows if any(map(viewer.sees_code, (row["territory"], *row["territories"])))]


def counted(rows: Iterable[AlertEvent]) -> list[tuple[str, str, int]]:
    """(key, word, rows) of each kind of DID that there is."""
    counts = Counter(row.action for row in rows)
    kinds = ((key, word, sum(counts[action] for action in actions)) for key, (word, actions) in DID.items())
    return [(key, word, count) for key, word, count in kinds if count]


def with_alerts(db: Connection, rows: Sequence[AlertEvent]) -> list[Change]:
    """Each row with its alert; a page of them, read in one query."""
    known = {one.id: one for one in find_alerts(db, sorted({row.alert for row in rows}), canaries=True)}
    return [Change(row, known[row.alert]) for row in rows if row.alert in known]


def _event(row: RowMapping) -> AlertEvent:
    values = {name: row[name] for name in AlertEvent.__dataclass_fields__ if name != "state"}
    return AlertEvent(**values, state=AlertState(row["state"]))


def people(db: Connection) -> dict[str, str]:
    """Display names by account."""
    return {row[0]: row[1] for row in db.execute(select(users.c.name, users.c.display_name))}


def last_own_action(history: list[AlertEvent], viewer: Viewer, now: datetime, *, within_minutes: int) -> int | None:
    """The number of the newest row if it is this viewer's own deed and fresh enough to be undone."""
    if not history:
        return None
    last = history[-1]
    fresh = (now - last.at).total_seconds() < within_minutes * 60
    return last.number if last.actor == viewer.name and fresh and last.action not in ("undo", "note") else None
