"""The hourly self-test: what a canary says, how it is judged, and the feed in which it must be seen.

It goes the way of every document: served by HTTP, fetched by the crawler, archived, cleaned, read, judged by the
worker, shown by what writes the real feeds. Only its alert is written without grouping, and no count sees it.
"""

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from lxml import etree
from sqlalchemy import Connection

from core.clock import iso_beijing
from core.records import CANARY, Alert, AlertState, Signal
from store.alert_log import find_alert, save_alert
from store.canaries import SUBJECT, Canary, alerted, find, under_way

Judge = Callable[[Connection, Signal, datetime], None]
ISSUE, LEVEL = "fire", 2
"""What the text is about; read as less, it raises no alert."""
ID = re.compile(r"\d{14}")


def write_source(canaries: Iterable[Canary], address: str) -> bytes:
    """The RSS feed that the crawler reads: the canaries under way. address: of the desk."""
    rss = etree.Element("rss", version="2.0")
    channel = etree.SubElement(rss, "channel")
    etree.SubElement(channel, "title").text = "烽燧链路自检"
    etree.SubElement(channel, "link").text = address
    for canary in canaries:
        item = etree.SubElement(channel, "item")
        etree.SubElement(item, "title").text = "自检：电动自行车充电时起火"
        etree.SubElement(item, "link").text = f"{address}/canary/{canary.id}"
        etree.SubElement(item, "guid", isPermaLink="false").text = f"canary-{canary.id}"
        etree.SubElement(item, "pubDate").text = iso_beijing(canary.planted_at)
        etree.SubElement(item, "description").text = _text(canary)
    body: bytes = etree.tostring(rss, xml_declaration=True, encoding="UTF-8")
    return body


def _text(canary: Canary) -> str:
    """No sentence of one is in another, or it would be taken for its repost."""
    mark = canary.planted_at.strftime("%m%d%H%M%S")
    event = "一辆电动自行车在车棚充电时起火，一人受伤送医。"
    return f"自检{mark}：{event}自检{mark}所述情形由系统每小时自动生成，不是真实事件。"


def judge_canary(db: Connection, signal: Signal, now: datetime) -> None:
    """Raise the alert of a canary; where it was not read as what it is, note that."""
    found = ID.search(signal.document.url[-14:])
    canary = find(db, found[0]) if found else None
    if canary is None or canary.reached_at or canary.failed_at:
        return
    read = signal.analysis
    if not read.is_risk or ISSUE not in read.issues or read.level < LEVEL:
        alerted(db, canary.id, now, note=f"读作{'、'.join(read.issues) or '非风险'}、{read.level} 级，没有预警")
        return
    alert = Alert(
        id=alert_id(canary.id),
        number=f"ZJ-{canary.id}",
        subject=SUBJECT + canary.id,
        level=LEVEL,
        state=AlertState.CLOSED,
        first_at=signal.document.event_time,
        updated_at=signal.document.event_time,
        created_at=now,
        title=signal.document.title,
        rule="canary",
        reason="链路自检",
        products=read.products,
        enterprises=(),
        issues=read.issues,
        territory="",
        territories=(),
        documents=(signal.document.id,),
        findings=(),
    )
    save_alert(db, alert, details={})
    alerted(db, canary.id, now)


def alert_id(canary: str) -> str:
    """Id of a canary's alert: what the watcher looks for in the feed."""
    return f"canary-{canary}"


def canary_alerts(db: Connection) -> list[Alert]:
    """The alerts of the canaries under way, for their feed."""
    found = (find_alert(db, alert_id(canary.id)) for canary in under_way(db))
    return [alert for alert in found if alert is not None]


def with_canary(judge: Judge) -> Judge:
    """The judge of documents, which lets no rule see a canary."""

    def judging(db: Connection, signal: Signal, now: datetime) -> None:
        (judge_canary if signal.document.source == CANARY else judge)(db, signal, now)

    return judging
