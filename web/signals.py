"""Charts of risk signals on the desk, from the counts of alerts/slot_series.py and cut to the viewer's territory."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from alerts import slot_series
from alerts.slot_series import Point, Series, poisson_limit
from charts.svg import spark, trend
from core.clock import start_of_beijing_day
from core.records import Alert
from store.schema import documents
from web.access import Viewer


def points(
    db: Connection, viewer: Viewer, since: datetime, until: datetime, *, product: str = "", firms: Sequence[str] = ()
) -> list[Point]:
    """The signals of a span this viewer sees; product and firms narrow (a firm is enough)."""
    return slot_series.points(db, viewer.documents(), since, until, product=product, firms=firms)


def draw(series: Series, what: str, *, height: int = 150) -> str:
    """The trend with its band; a dot where the limit was crossed, in the colour of the gravest signal there."""
    crossed = series.crossed
    notes = [(crossed[-1], f"{series.seen[crossed[-1]]} 条")] if crossed else []
    marks = [(i, series.levels[i]) for i in crossed]
    return trend(
        series.seen, series.expected, series.upper, label=series.said(what), marks=marks, notes=notes, height=height,
        unit=" 条", ticks=series.ticks(),
    )  # fmt: skip


def sparks(db: Connection, viewer: Viewer, alerts: Sequence[Alert], now: datetime) -> dict[str, str]:
    """A small line for each alert: signals a day of its firm (or product) over the last 14 days. One query for all."""
    days = 14
    first = start_of_beijing_day(now) - timedelta(days=days - 1)
    firms = {firm for alert in alerts for firm in alert.enterprises}
    products = {product for alert in alerts for product in alert.products}
    if not firms and not products:
        return {}
    wanted = or_(documents.c.enterprise.in_(sorted(firms)), documents.c.product.in_(sorted(products)))
    query = select(documents.c.event_time, documents.c.enterprise, documents.c.product).where(
        documents.c.is_risk, documents.c.latest, documents.c.event_time >= first, wanted, viewer.documents()
    )
    rows = [((at - first).days, firm, product) for at, firm, product in db.execute(query)]
    drawn = {}
    for alert in alerts:
        counts = [0] * days
        for day, firm, product in rows:
            if 0 <= day < days and (firm in alert.enterprises or (not alert.enterprises and product in alert.products)):
                counts[day] += 1
        limit = poisson_limit(sum(counts[:-1]) / (days - 1))
        label = f"近 14 日信号，今日 {counts[-1]}，上限 {limit}"
        drawn[alert.id] = spark(counts, [limit] * days, alert.level, label=label)
    return drawn
