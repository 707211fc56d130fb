"""Alerts as Atom, RSS 2.0 and JSON Feed 1.1: stable ids, honest dates, masked text only, pages by RFC 5005.

The same alerts give the same bytes: nothing here asks the time.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from typing import Any, Literal

from lxml import etree
from sqlalchemy import Connection

from alerts.lateness import late_words
from alerts.lifecycle import STATE_WORDS
from config.lexicon import Lexicon
from core.clock import iso_beijing
from core.ids import digest
from core.records import LEVEL_COLOURS, LEVEL_NAMES, Alert
from store.alert_log import find_alert
from store.watch import watches

FeedKind = Literal["atom", "rss", "json"]
ATOM = "http://www.w3.org/2005/Atom"
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TITLE = "烽燧 产品质量安全预警"
FEED_STARTED = datetime(2026, 1, 1, tzinfo=UTC)
"""What an empty feed says it was updated."""


@dataclass(frozen=True)
class FeedPage:
    """Which page of which feed. id: of the feed, the same on each of its pages.

    here, first, next: addresses of this page, the first and the one behind it; empty: there is none.
    cap: what the addresses of the alerts' CAP messages begin with; empty: they are not offered.
    """

    id: str = "urn:fengsui:alerts"
    title: str = TITLE
    here: str = ""
    first: str = ""
    next: str = ""
    cap: str = ""

    def links(self) -> list[tuple[str, str]]:
        """Relation and address, as in RFC 5005, section 3."""
        pairs = (("self", self.here), ("first", self.first), ("next", self.next))
        return [(relation, address) for relation, address in pairs if address]

    def cap_of(self, alert: Alert) -> str:
        """The address of an alert's CAP message."""
        return f"{self.cap}{alert.id}.cap" if self.cap else ""


WHOLE = FeedPage()


@dataclass(frozen=True)
class FeedWriter:
    """Writes feeds. public_url: address of the desk, for links; an alert's id does not depend on it.

    marks: what mutes an alert, by id.
    """

    public_url: str
    lexicon: Lexicon
    marks: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, db: Connection, alerts: Sequence[Alert], kind: FeedKind, page: FeedPage = WHOLE) -> bytes:
        """The feed of these alerts, newest update first; muted ones say what mutes them."""
        muted = replace(self, marks=_marks(db, alerts))
        writers: dict[FeedKind, Callable[[Sequence[Alert], FeedPage], bytes]] = {
            "atom": muted.atom,
            "rss": muted.rss,
            "json": muted.json,
        }
        ordered = sorted(alerts, key=lambda alert: (alert.updated_at, alert.id), reverse=True)
        return writers[kind](ordered, page)

    def atom(self, alerts: Sequence[Alert], page: FeedPage = WHOLE) -> bytes:
        """Atom 1.0 (RFC 4287)."""
        feed = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
        feed.set("{http://www.w3.org/XML/1998/namespace}lang", "zh-CN")
        _add(feed, "id", page.id)
        _add(feed, "title", page.title)
        _add(feed, "updated", iso_beijing(_newest(alerts)))
        _add(feed, "author").append(_text("name", "烽燧"))
        _add(feed, "link", href=self._url("/alerts"), rel="alternate", type="text/html")
        for relation, address in page.links():
            _add(feed, "link", href=address, rel=relation, type="application/atom+xml")
        for alert in alerts:
            feed.append(self._entry(alert, page))
        return _bytes(feed)

    def _entry(self, alert: Alert, page: FeedPage) -> etree._Element:
        entry = etree.Element(f"{{{ATOM}}}entry")
        _add(entry, "id", urn_of(alert))
        _add(entry, "title", self.headline(alert))
        _add(entry, "published", iso_beijing(alert.first_at))
        _add(entry, "updated", iso_beijing(alert.updated_at))
        _add(entry, "link", href=self._url(f"/alerts/{alert.id}"), rel="alternate", type="text/html")
        if page.cap:
            _add(entry, "link", href=page.cap_of(alert), rel="related", type="application/cap+xml")
        for name in self.categories(alert):
            _add(entry, "category", term=name)
        _add(entry, "content", self.body(alert), type="text")
        return entry

    def rss(self, alerts: Sequence[Alert], page: FeedPage = WHOLE) -> bytes:
        """RSS 2.0; the addresses of its pages as Atom links (RFC 5005, section 3)."""
        rss = etree.Element("rss", nsmap={"atom": ATOM}, version="2.0")
        channel = etree.SubElement(rss, "channel")
        for name, text in (
            ("title", page.title),
            ("link", self._url("/alerts")),
            ("description", "按产品、企业和属地归并的风险预警，内部使用"),
            ("language", "zh-cn"),
            ("lastBuildDate", format_datetime(_newest(alerts))),
        ):
            etree.SubElement(channel, name).text = cleaned(text)
        for relation, address in page.links():
            _add(channel, "link", href=address, rel=relation, type="application/rss+xml")
        for alert in alerts:
            item = etree.SubElement(channel, "item")
            etree.SubElement(item, "title").text = cleaned(escape(self.headline(alert)))
            etree.SubElement(item, "link").text = self._url(f"/alerts/{alert.id}")
            etree.SubElement(item, "guid", isPermaLink="false").text = urn_of(alert)
            etree.SubElement(item, "pubDate").text = format_datetime(alert.updated_at)
            for name in self.categories(alert):
                etree.SubElement(item, "category").text = cleaned(name)
            etree.SubElement(item, "description").text = cleaned(escape(self.body(alert)).replace("\n", "<br>"))
        return _bytes(rss)

    def json(self, alerts: Sequence[Alert], page: FeedPage = WHOLE) -> bytes:
        """JSON Feed 1.1."""
        links = dict(page.links())
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": page.title,
            "home_page_url": self._url("/alerts"),
            **({"feed_url": links["self"]} if "self" in links else {}),
            **({"next_url": links["next"]} if "next" in links else {}),
            "language": "zh-CN",
            "items": [self.item(alert, page) for alert in alerts],
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode("utf-8", "replace")

    def item(self, alert: Alert, page: FeedPage = WHOLE) -> dict[str, Any]:
        """An alert as an item of a JSON Feed."""
        more = {
            "number": alert.number,
            "level": alert.level,
            "state": alert.state.value,
            "territory": alert.territory,
            "late_seconds": alert.late,
        }
        return {
            "id": urn_of(alert),
            "url": self._url(f"/alerts/{alert.id}"),
            "title": self.headline(alert),
            "content_text": self.body(alert),
            "date_published": iso_beijing(alert.first_at),
            "date_modified": iso_beijing(alert.updated_at),
            "tags": self.categories(alert),
            "_fengsui": {**more, "cap": page.cap_of(alert)} if page.cap else more,
        }

    def items(self, db: Connection, alerts: Sequence[Alert], page: FeedPage = WHOLE) -> list[dict[str, Any]]:
        """Items of a JSON Feed in the given order; muted ones say what mutes them."""
        muted = replace(self, marks=_marks(db, alerts))
        return [muted.item(alert, page) for alert in alerts]

    def headline(self, alert: Alert) -> str:
        """`【橙】云骓…起火（疑似）`."""
        muted = "（静默）" if self.marks.get(alert.id, "").startswith("静默") else ""
        notes = "、".join([*(["待核"] if alert.unconfirmed else []), *(["补判"] if alert.late else [])])
        return f"【{LEVEL_COLOURS[alert.level]}】{alert.title}{f'（{notes}）' if notes else ''}{muted}"

    def categories(self, alert: Alert) -> list[str]:
        """Level, products and territory in words."""
        products = [self.lexicon.product_name(product) for product in alert.products]
        return [f"{LEVEL_COLOURS[alert.level]}色", *products, self.lexicon.regions.name_of(alert.territory)]

    def body(self, alert: Alert) -> str:
        """What the alert says, a line each."""
        regions = self.lexicon.regions
        colour = f"{LEVEL_COLOURS[alert.level]}色"
        told = "、".join(regions.name_of(code) for code in alert.territories)
        return "\n".join(
            [
                f"{alert.number} {colour}（{LEVEL_NAMES[alert.level]}，内部预警），{STATE_WORDS[alert.state]}",
                alert.reason,
                f"独立来源 {alert.origins} 个，文档 {len(alert.documents)} 篇",
                f"通知属地：{told}",
                *(["仅有自媒体信息，未经证实"] if alert.unconfirmed else []),
                *([self.marks[alert.id]] if alert.id in self.marks else []),
                *([f"补判：{late_words(alert.late)}"] if alert.late else []),
            ]
        )

    def _url(self, path: str) -> str:
        return f"{self.public_url.rstrip('/')}{path}"


def _marks(db: Connection, alerts: Sequence[Alert]) -> dict[str, str]:
    """What mutes each alert, in words; without times, so that the same alerts give the same bytes."""
    found: dict[str, str] = {}
    for alert_id, watch in watches(db, [alert.id for alert in alerts]).items():
        ruler = find_alert(db, watch.under) if watch.under else None
        if watch.silence:
            found[alert_id] = f"静默（{watch.silence}），不另行告知"
        elif ruler is not None:
            found[alert_id] = f"由 {ruler.number} 统领，不另行告知"
    return found


def urn_of(alert: Alert) -> str:
    """The id of an alert wherever it is told: always the same, tells nothing."""
    return f"urn:fengsui:alert:{digest(alert.id)[:32]}"


def _newest(alerts: Sequence[Alert]) -> datetime:
    return max((alert.updated_at for alert in alerts), default=FEED_STARTED)


def cleaned(text: str) -> str:
    """Text without the characters that no XML may hold."""
    return NOT_XML.sub("�", text)


def _text(name: str, text: str) -> etree._Element:
    element = etree.Element(f"{{{ATOM}}}{name}")
    element.text = cleaned(text)
    return element


def _add(parent: etree._Element, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}", {key: cleaned(value) for key, value in attributes.items()})
    if text is not None:
        element.text = cleaned(text)
    return element


def _bytes(root: etree._Element) -> bytes:
    body: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return body
