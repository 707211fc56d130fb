"""The learnt order of the inbox, where the newest measurement allowed it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.rank_cases import cases_of
from alerts.reranking import Model
from core.records import AlertState, Listed
from store.rankings import last_ranking, ranking_mark

MOST_PLACED = 2_000
"""Alerts that are weighed for one page; beyond them the order stays as it is."""


@dataclass(frozen=True)
class Placed:
    """share: how likely the alert is to be confirmed, 0 to 1.  why: what moved it most, in words."""

    share: float
    why: str


class Ranking:
    """The model in use, read again only when another one was kept. One instance serves one desk."""

    def __init__(self) -> None:
        self._mark = -1
        self._model: Model | None = None

    def model(self, db: Connection) -> Model | None:
        """None where none is in use."""
        mark = ranking_mark(db)
        if mark != self._mark:
            kept = last_ranking(db)
            self._model = Model.of(kept.model) if kept is not None and kept.active and kept.model else None
            self._mark = mark
        return self._model

    def placed(self, db: Connection, alerts: Sequence[Listed], now: datetime) -> dict[str, Placed]:
        """What the model says of the alerts that wait; nothing where none is in use."""
        model = self.model(db)
        waiting = [alert for alert in alerts if alert.state is AlertState.NEW]
        if model is None or not 0 < len(waiting) <= MOST_PLACED:
            return {}
        cases = cases_of(db, waiting, {alert.id: now for alert in waiting}, {})
        return {case.alert: Placed(model.score(case), _words(model.why(case))) for case in cases}


def _words(reasons: Sequence[tuple[str, float]]) -> str:
    return "、".join(f"{name}{'↑' if weight > 0 else '↓'}" for name, weight in reasons)
