"""Alerts like this one, and how they ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from alerts.reasons import reason_word
from core.records import Alert, AlertState
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


def past_like(db: Connection, alert: Alert, others: Sequence[Alert]) -> list[Past]:
    """The nearest of `others`: those on the same firm first, then the more alike, ended ones before open ones."""
    mine = _facts(alert)
    near = [(other, len(mine & facts) / len(mine | facts)) for other in others if (facts := _facts(other)) & mine]
    firms, products = set(alert.enterprises), set(alert.products)
    same = [(one, like) for one, like in near if firms & set(one.enterprises) or products & set(one.products)]
    same.sort(key=lambda pair: (not firms & set(pair[0].enterprises), -round(pair[1], 2), pair[0].state not in ENDED))
    details = details_of(db, [one.id for one, _ in same[:MOST]])
    return [_past(one, like, details.get(one.id, {})) for one, like in same[:MOST]]


def _facts(alert: Alert) -> frozenset[str]:
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
