"""The daily digest of one Beijing day: what was alerted, what rose, what closed, and which sources were not well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from alerts.mailing import environment
from alerts.router import Router
from alerts.source_health.telling import news_of_sources
from config.regions import Regions
from config.routes import Recipient, channel_of
from config.settings import Settings
from config.sources import load_sources
from core.clock import BEIJING, as_utc, beijing
from core.ids import short_id
from core.records import LEVEL_COLOURS, Alert, Notification
from store.alert_log import add_delivery, alert_details, list_alerts
from store.database import Store
from store.watch import watches

LEVELS = (4, 3, 2, 1)


@dataclass(frozen=True)
class Digest:
    """One day's mail."""

    day: date
    subject: str
    text: str
    html: str


def previous_day(now: datetime) -> date:
    """The Beijing day before the one `now` falls on."""
    return beijing(now).date() - timedelta(days=1)


def build_digest(
    db: Connection,
    day: date,
    *,
    public_url: str,
    demo: bool,
    concerns: Callable[[Alert], bool] = lambda _alert: True,
    sources: Mapping[str, str] | None = None,
) -> Digest:
    """The digest of `day` (Beijing), from the store. A day without alerts says so in one line.

    concerns: whether an alert is its reader's matter.  sources: titles by key of those whose health is told; None: all.
    """
    start = as_utc(datetime(day.year, day.month, day.day, tzinfo=BEIJING))
    end = start + timedelta(days=1)
    found = [a for a in list_alerts(db, since=start) if a.first_at < end and concerns(a) and not _merged(db, a)]
    silenced = {one for one, watch in watches(db, [alert.id for alert in found]).items() if watch.silence}
    told = [alert for alert in found if alert.id not in silenced]
    new = sorted((a for a in told if a.first_at >= start), key=lambda a: (-a.level, a.first_at))
    grown = sorted((a for a in told if a.first_at < start), key=lambda a: (-a.level, a.updated_at))
    counts = "、".join(f"{LEVEL_COLOURS[n]} {k}" for n in LEVELS if (k := sum(a.level == n for a in new)))
    head = f"新内部预警 {len(new)} 条（{counts}）" if new else "无新内部预警"
    facts = {
        "day": f"{day:%Y-%m-%d}",
        "head": head,
        "new": new,
        "grown": grown,
        "silenced": len(silenced),
        "sources": news_of_sources(db, start, end, sources),
        "colours": LEVEL_COLOURS,
        "base": public_url.rstrip("/"),
        "demo": demo,
    }
    pages = environment()
    return Digest(
        day,
        f"{'[演示] ' if demo else ''}烽燧每日摘要 {day:%m-%d}：{head}，变化 {len(grown)} 条",
        pages.get_template("digest.txt").render(facts),
        pages.get_template("digest.html").render(facts),
    )


def plan_digest(
    store: Store,
    day: date,
    recipients: Sequence[Recipient],
    regions: Regions,
    *,
    settings: Settings,
    now: datetime,
    router: Router | None = None,
) -> int:
    """Put the digest of `day` into the outbox: to each recipient of his own territories and products, once.

    router: says what is routed to the organisations of a recipient. Returns how many rows are new.
    """
    demo, sources = settings.profile == "demo", titles_of_sources(settings)
    with store.write() as db:
        planned = 0
        for one in (each for each in recipients if channel_of(each.mail) == "mail"):

            def concerns(alert: Alert, one: Recipient = one) -> bool:
                if one.concerned(alert.territories, alert.products, regions):
                    return True
                mine = router is not None and one.orgs and (not one.products or set(one.products) & set(alert.products))
                return bool(mine and router and set(one.orgs) & set(router.route(db, alert).sent_by_machine))

            made = build_digest(db, day, public_url=settings.public_url, demo=demo, concerns=concerns, sources=sources)
            delivery = short_id("n", "digest", one.mail, made.day.isoformat())
            notice = Notification(
                delivery, "mail", one.mail, made.subject, made.text, made.html, details={"kind": "digest"}
            )
            planned += add_delivery(db, notice, now=now)
    return planned


def titles_of_sources(settings: Settings) -> dict[str, str]:
    """The sources whose health people are told of: the enabled ones."""
    return {one.key: one.title for one in load_sources(settings.config, settings.profile) if one.enabled}


def _merged(db: Connection, alert: Alert) -> bool:
    return bool(alert_details(db, alert.id).get("merged_into"))
