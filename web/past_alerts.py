"""Alerts like this one, and how they ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from typing import Any

from sqlalchemy import Connection

from alerts.reasons import reason_word
from core.records import Alert, AlertState, Listed
from store.alert_log import find_alerts
from store.watch import details_of

MOST = 4
ENDED = {AlertState.CLOSED: "close", AlertState.DISMISSED: "dismiss"}


@dataclass(frozen=True)
class Past:
    """like: share of firms, products and risks that both name, 0-1.  outcome: why it ended.  took: 9 天办结."""

    alert: Alert
    like: float
    outcome: str = ""
    took: str = ""


def past_like(db: Connection, alert: Alert, others: Iterable[Listed]) -> list[Past]:
    """The nearest of `others`: those on the same firm first, then the more alike, ended ones before open ones."""
    firms, products, mine = frozenset(alert.enterprises), frozenset(alert.products), _facts(alert)
    same = [
        (other, len(mine & facts) / len(mine | facts))
        for other in others
        if not (firms.isdisjoint(other.enterprises) and products.isdisjoint(other.products))
        for facts in (_facts(other),)
    ]

    def far(pair: tuple[Listed, float]) -> tuple[bool, float, bool]:
        other, like = pair
        return firms.isdisjoint(other.enterprises), -round(like, 2), other.state not in ENDED

    nearest = [(other.id, like) for other, like in nsmallest(MOST, same, key=far)]
    whole = {one.id: one for one in find_alerts(db, [one for one, _ in nearest])}
    details = details_of(db, list(whole))
    return [_past(whole[one], like, details.get(one, {})) for one, like in nearest if one in whole]


def _facts(alert: Listed) -> frozenset[str]:
    return frozenset(
        (*alert.enterprises, *(f"p:{one}" for one in alert.products), *(f"i:{one}" for one in alert.issues))
    )


def _past(alert: Alert, like: float, details: Mapping[str, Any]) -> Past:
    action, ended = ENDED.get(alert.state), details.get("ended_at")
    if action is None:
        return Past(alert, like)
    code = details.get("end_reason")
    outcome = "情况已解除" if code == "all_clear" else reason_word(action, code) if code else ""
    days = (datetime.fromisoformat(ended) - alert.created_at).days if ended else None
    took = "" if days is None else "当日办结" if days < 1 else f"{days} 天办结"
    return Past(alert, like, outcome, took)
