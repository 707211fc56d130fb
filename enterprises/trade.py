"""A firm against its trade: its signals a month beside those of all firms with signals of the same product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from statistics import median

from sqlalchemy import Connection, case, func, select

from charts.svg import Tick, trend
from core.clock import BEIJING, as_utc, beijing
from enterprises.signals import Cut
from store.schema import documents

MONTHS = 12


@dataclass(frozen=True)
class Trade:
    """Signals of a product by month, the oldest month first; the last one ends with the dossier's day.

    firms: with signals of the product in these months, this one among them if it has any.  place: of this one among
    them by signals, 1 is the most; 0: it has none.  means, highs: of a firm of the trade, mean and nine in ten.
    """

    product: str
    months: Sequence[str]
    own: Sequence[int]
    means: Sequence[float]
    highs: Sequence[int]
    firms: int
    middle: float
    place: int

    @property
    def total(self) -> int:
        """Signals of this firm in all months."""
        return sum(self.own)

    @property
    def mean(self) -> float:
        """Signals of a firm of the trade in all months."""
        return sum(self.means)


def trade_of(db: Connection, cut: Cut, firm: str, product: str, end: datetime) -> Trade | None:
    """The firm against its trade, of what the viewer sees; None where the product has no signal in a year."""
    starts = month_starts(beijing(end).date())
    moments = [as_utc(datetime.combine(start, time(), BEIJING)) for start in starts]
    month = case(
        *((documents.c.event_time >= moment, number) for number, moment in reversed(list(enumerate(moments)))), else_=0
    )
    query = (
        select(documents.c.enterprise, month.label("month"), func.count())
        .where(
            documents.c.product == product, documents.c.event_time >= moments[0], documents.c.event_time <= end,
            documents.c.latest, documents.c.is_risk, documents.c.enterprise.is_not(None), cut.documents,
        )
        .group_by(documents.c.enterprise, month)
    )  # fmt: skip
    counts: dict[str, list[int]] = {}
    for other, number, count in db.execute(query):
        counts.setdefault(other, [0] * len(starts))[number] = count
    if not counts:
        return None
    own = counts.get(firm, [0] * len(starts))
    totals = sorted((sum(months) for months in counts.values()), reverse=True)
    columns = list(zip(*counts.values(), strict=True))
    return Trade(
        product, [f"{start:%Y-%m}" for start in starts], own, [sum(column) / len(counts) for column in columns],
        [_high(column) for column in columns], len(counts), median(totals),
        totals.index(sum(own)) + 1 if sum(own) else 0,
    )  # fmt: skip


def month_starts(day: date) -> list[date]:
    """The first days of the last MONTHS months, the one of `day` last."""
    number = day.year * 12 + day.month - 1
    return [date(n // 12, n % 12 + 1, 1) for n in range(number - MONTHS + 1, number + 1)]


def _high(column: Sequence[int]) -> int:
    ranked = sorted(column)
    return ranked[min(len(ranked) - 1, int(0.9 * len(ranked)))]


def drawn(trade: Trade) -> str:
    """Own signals a month over the trade: dashed the mean, the band up to what nine firms in ten stay below."""
    label = (
        f"近 {MONTHS} 个月每月信号：本企业共 {trade.total} 条，同类 {trade.firms} 家平均 {trade.mean:.1f} 条、"
        f"中位 {trade.middle:g} 条"
    )
    ticks: list[Tick] = [(100 * (i + 0.5) / MONTHS, trade.months[i]) for i in range(0, MONTHS, 2)]
    return trend(trade.own, trade.means, [float(high) for high in trade.highs], label=label, ticks=ticks, unit=" 条")
