"""Alerts as Atom 1.0, RSS 2.0 and JSON Feed 1.1. Same alerts, same bytes: the desk makes its ETag of them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from feedgen.feed import FeedGenerator
from sqlalchemy import Connection

from core.clock import iso_beijing
from core.records import LEVEL_COLOURS, Alert
from store.alert_log import alert_details
from store.database import get_fact

FeedKind = Literal["atom", "rss", "json"]
TITLE = "烽燧 内部预警"
MOST = 100
EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def renderer(public_url: str) -> "Renderer":
    """A renderer whose links point to the desk at `public_url`."""
    return Renderer(public_url.rstrip("/"))


class Renderer:
    """Called with an open transaction, the alerts (any order) and the kind; returns the feed as UTF-8."""

    def __init__(self, base: str) -> None:
        self.base = base

    def __call__(self, db: Connection, alerts: Sequence[Alert], kind: FeedKind) -> bytes:
        shown = [alert for alert in alerts if not alert_details(db, alert.id).get("merged_into")]
        shown = sorted(shown, key=lambda alert: (alert.updated_at, alert.id), reverse=True)[:MOST]
        demo = get_fact(db, "profile") == "demo"
        title = f"{TITLE}（演示数据）" if demo else TITLE
        return self._json(shown, title) if kind == "json" else self._xml(shown, title, kind)

    def _xml(self, alerts: Sequence[Alert], title: str, kind: FeedKind) -> bytes:
        feed = FeedGenerator()
        feed.id(f"{self.base}/alerts")
        feed.title(title)
        feed.description("按规则形成的内部预警，供值班席位使用")
        feed.link(href=f"{self.base}/alerts", rel="alternate")
        feed.language("zh-CN")
        feed.author({"name": "烽燧"})
        newest = max((alert.updated_at for alert in alerts), default=EPOCH)
        feed.updated(newest)
        feed.lastBuildDate(newest)
        for alert in reversed(alerts):
            entry = feed.add_entry()
            entry.id(self._id(alert))
            entry.guid(self._id(alert), permalink=False)
            entry.title(headline(alert))
            entry.link(href=self._link(alert))
            entry.published(alert.first_at)
            entry.updated(alert.updated_at)
            entry.summary(alert.reason)
            entry.category({"term": LEVEL_COLOURS[alert.level]})
        made: bytes = feed.atom_str(pretty=True) if kind == "atom" else feed.rss_str(pretty=True)
        return made

    def _json(self, alerts: Sequence[Alert], title: str) -> bytes:
        whole: dict[str, Any] = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": title,
            "home_page_url": f"{self.base}/alerts",
            "language": "zh-CN",
            "items": [
                {
                    "id": self._id(alert),
                    "url": self._link(alert),
                    "title": headline(alert),
                    "content_text": alert.reason,
                    "date_published": iso_beijing(alert.first_at),
                    "date_modified": iso_beijing(alert.updated_at),
                    "tags": [LEVEL_COLOURS[alert.level], *alert.products],
                }
                for alert in alerts
            ],
        }
        return json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8")

    def _link(self, alert: Alert) -> str:
        return f"{self.base}/alerts/{alert.id}"

    def _id(self, alert: Alert) -> str:
        return f"urn:fengsui:alert:{alert.id}"


def headline(alert: Alert) -> str:
    """`【橙】…（待核）`: level first, for readers who see only this line."""
    return f"【{LEVEL_COLOURS[alert.level]}】{alert.title}{'（待核）' if alert.unconfirmed else ''}"
