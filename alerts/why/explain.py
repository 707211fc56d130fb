"""One question, one answer: what an address, an id, a number or a title means, and its stages."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Connection

from alerts.why.alert import AlertStages
from alerts.why.answer import Answer, Other, Stage
from alerts.why.document import DocumentStages
from alerts.why.uncrawled import not_crawled
from alerts.why.world import World
from core.errors import UsageError
from core.records import Alert
from crawlers.urls import canonical_url
from nlp.privacy import mask
from pipelines.clean import clean_text
from store.alert_log import alerts_of_document, find_alert, standing_alert
from store.documents import find_document
from store.journey import Hit, documents_at, documents_called

LONGEST = 2_000
MOST_OTHERS = 10
NUMBER = re.compile(r"(YJ|SJ|YH)-\d{4}-\d+", re.IGNORECASE)
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://|(javascript|vbscript|data|file|mailto|blob|about|tel):", re.IGNORECASE)
HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}", re.IGNORECASE)
NOT_HERE = {
    "SJ": "{} 是事件编号：请打开“事件”，用其中一篇的地址或标题再问",
    "YH": "{} 是台账编号：请打开“台账”，用所据预警的编号再问",
}

NOTHING = "库中没有这个编号、预警号或标题；可用原文地址再问"


@dataclass(frozen=True)
class Found:
    """What a question means: an alert, a document (the first of `hits`), an address without one, or nothing.

    called: the title or id that was asked for.
    """

    alert: Alert | None = None
    hits: tuple[Hit, ...] = ()
    address: str = ""
    called: str = ""

    @property
    def unclear(self) -> bool:
        """Whether documents of several titles fit and none of them has the very title or id that was asked for."""
        several = len({hit.title for hit in self.hits}) > 1
        return several and bool(self.called) and self.called not in (self.hits[0].id, self.hits[0].title)


def find(db: Connection, asked: str) -> Found:
    """What is meant. Raises UsageError for an empty question, one that is too long, an address no crawler opens."""
    text = " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cs") else c for c in asked).split())
    if not text or len(text) > LONGEST:
        raise UsageError("问什么：写地址、文档编号、预警号（YJ-…）或标题，至多 2000 字")
    alert = find_alert(db, text.upper() if NUMBER.fullmatch(text) else text)
    if alert is not None:
        return Found(alert=standing_alert(db, alert))
    address = _address(text)
    if address:
        return Found(hits=tuple(documents_at(db, _forms(address), limit=MOST_OTHERS + 1)), address=address)
    # A title stands in the store as it was cleaned and masked.
    title = mask(clean_text(text)) or text
    return Found(hits=tuple(documents_called(db, text, title, limit=MOST_OTHERS + 1)), called=title)


def _address(text: str) -> str:
    """The question as a web address, without a name and password in it; empty where it is none. Raises UsageError."""
    scheme = SCHEME.match(text)
    if scheme is None:
        host = text.split("/")[0]
        named = "/" in text and "." in host and host.isascii() and " " not in text
        return f"http://{text}" if named or HOST.fullmatch(text) else ""
    if (scheme[1] or scheme[2]).lower() not in ("http", "https"):
        raise UsageError(f"{scheme[0]} 开头的不是网页地址，信源只读 http 和 https。请用原文的网页地址或标题再问")
    try:
        parts = urlsplit(text)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that do not close, a port that is none
        whole = False
    if not whole:
        raise UsageError("这个地址不完整：缺少网站名，或端口不对。请从浏览器地址栏重新复制")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _forms(address: str) -> list[str]:
    """The canonical forms of an address: people leave the s of https away, or add it."""
    rest = address.split("://", 1)[-1]
    return list(dict.fromkeys(canonical_url(form) for form in (address, f"https://{rest}", f"http://{rest}")))


def explain(world: World, db: Connection, asked: str, now: datetime) -> Answer:
    """Why, or why not. Raises UsageError for a question that is none."""
    return answer(world, db, find(db, asked), asked, now)


def answer(world: World, db: Connection, found: Found, asked: str, now: datetime) -> Answer:
    """The answer to what was found."""
    if found.alert is not None:
        return of_alert(world, db, found.alert, asked, now)
    if found.hits:
        return of_document(world, db, found.hits, asked, now)
    if found.address:
        return Answer(asked, "address", "", found.address, (not_crawled(world, db, found.address),))
    number = NUMBER.fullmatch(asked.strip())
    other = NOT_HERE.get(number[1].upper()) if number else None
    told = other.format(asked.strip().upper()) if other else NOTHING
    stage = Stage("crawled", "抓取", "stopped", told)
    return Answer(asked, "nothing", "", asked, (stage,))


def of_alert(world: World, db: Connection, alert: Alert, asked: str, now: datetime) -> Answer:
    """Why this alert."""
    stages = tuple(AlertStages(world, db, alert, now).stages())
    return Answer(asked, "alert", alert.id, alert.title, stages, alert.number, (alert.number,))


def of_document(world: World, db: Connection, hits: Sequence[Hit], asked: str, now: datetime) -> Answer:
    """The stages of the first of these documents; the others are named."""
    document = find_document(db, hits[0].id)
    assert document is not None  # it was just found
    stages = tuple(DocumentStages(world, db, document, now).stages())
    numbers = [alert.number for alert in alerts_of_document(db, document.id) if world.sees(alert)]
    others = tuple(Other(hit.id, hit.title) for hit in hits[1:])
    title = document.title or document.url or document.id
    return Answer(asked, "document", document.id, title, stages, alerts=tuple(numbers), others=others)
