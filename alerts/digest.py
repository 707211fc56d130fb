"""The daily digest: what has to be done, what is new with its evidence, what changed, and which sources are not well.

Each reader has one of the own territories, products and levels, and of nobody else's; it says everything since the
last one that went out to that reader, so that digests which never went out are folded into the next.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from alerts.digest_day import DayNews, DigestDesk, read_day
from alerts.digest_facts import Sheet
from alerts.digest_reader import Reader
from alerts.digest_trend import trend_of
from alerts.mail_message import DIGEST
from alerts.mailing import environment
from config.routes import Recipient, channel_of
from core.clock import BEIJING, as_utc, beijing
from core.errors import FengsuiError, UsageError
from core.ids import short_id
from core.records import LEVEL_COLOURS, Notification
from store.alert_log import add_delivery
from store.database import Store
from store.mail_book import DigestRow, address_states, digests_of, keep_picture
from store.watch import replace_notice

logger = logging.getLogger(__name__)
LONGEST = timedelta(days=7)
"""How far back a digest reaches at most."""
REMEMBERED = timedelta(days=60)
"""How long ago the last one may have gone out that is known: after that a reader counts as new."""
PICTURE = "trend"


@dataclass(frozen=True)
class Digest:
    """One mail. pictures: PNG by the name it has in the HTML (cid:)."""

    day: date
    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes]


def previous_day(now: datetime) -> date:
    """The Beijing day before the one `now` falls on."""
    return beijing(now).date() - timedelta(days=1)


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """A Beijing day, from 00:00 to 00:00."""
    start = as_utc(datetime(day.year, day.month, day.day, tzinfo=BEIJING))
    return start, start + timedelta(days=1)


def build_digest(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> Digest:
    """One reader's digest. A time in which nothing came to pass is told in one line."""
    trend, facts = trend_of(db, desk, reader, news), Sheet(db, desk, reader, news).facts
    facts["quiet"] = facts["quiet"] and not (trend and trend.odd)
    picture = trend.picture() if trend and not facts["quiet"] else None
    day = news.last_day
    facts |= {
        "day": f"{day:%Y-%m-%d} 星期{'一二三四五六日'[day.weekday()]}",
        "trend": trend,
        "picture": PICTURE if picture else "",
    }
    pages = environment()
    return Digest(
        day,
        f"{'[演示] ' if desk.demo else ''}烽燧每日摘要 {day:%m-%d}：{_subject(facts)}",
        pages.get_template("digest.txt").render(facts),
        pages.get_template("digest.html").render(facts),
        {PICTURE: picture} if picture else {},
    )


def plan_digest(
    store: Store, recipients: Sequence[Recipient], desk: DigestDesk, *, now: datetime, day: date | None = None
) -> int:
    """Put a digest into the outbox for each recipient who wants one, once a day. Returns how many rows are new.

    It tells of everything since the last one that went out, a week at most. Those that still wait are taken back: this
    one tells what they would.  day: of that day alone (00:00 to 00:00), beside the daily ones. Raises UsageError where
    it is not over, and, when all others have theirs, FengsuiError with the readers whose digest could not be made.
    """
    if day is not None and day > previous_day(now):
        raise UsageError(f"{day} 还没有结束，不能发这一天的摘要；最近可发 {previous_day(now)}，当天的用 --preview 看")
    planned, read, failed = 0, dict[datetime, DayNews](), list[str]()
    for one in (each for each in recipients if channel_of(each.mail) == "mail"):
        try:
            planned += _plan_one(store, one, desk, now=now, day=day, read=read)
        except Exception as problem:  # whatever one reader's digest fails of: the others have theirs
            failed.append(f"{one.mail}（{type(problem).__name__}：{problem}）")
            logger.exception("digest of %s", one.mail)
    if failed:
        raise FengsuiError(f"{planned} 封已放入待发，{len(failed)} 人的摘要没有做成：{'；'.join(failed)}")
    return planned


def _plan_one(
    store: Store, one: Recipient, desk: DigestDesk, *, now: datetime, day: date | None, read: dict[datetime, DayNews]
) -> bool:
    """One reader's. read: news by their beginning, those of readers before."""
    daily = short_id("n", "digest", one.mail, (day or previous_day(now)).isoformat())
    delivery = daily if day is None else short_id("n", "digest", one.mail, day.isoformat(), "alone")
    # Reading and drawing takes a fifth of a second each: nobody who writes waits for it.
    with store.read() as db:
        past = digests_of(db, one.mail, since=now - REMEMBERED)
        off = address_states(db, [one.mail]).get(one.mail)
        if (off is not None and off.no_digest_at) or any(row.id in (daily, delivery) for row in past):
            return False
        since, until = _span([row for row in past if not row.alone], now, day)
        if since not in read:
            read[since] = read_day(db, desk, since, until)
        made = build_digest(db, desk, Reader(one, desk.names.regions), read[since])
    told: dict[str, Any] = {"kind": DIGEST, "from": since.isoformat(), "to": until.isoformat()}
    if day is not None:
        told["alone"] = True
    with store.write() as db:
        if made.pictures:
            told["pictures"] = {name: keep_picture(db, png, now) for name, png in made.pictures.items()}
        notice = Notification(delivery, "mail", one.mail, made.subject, made.text, made.html, details=told)
        new = add_delivery(db, notice, now=now, what=DIGEST)
        for row in past if new and day is None else ():
            if row.state == "waiting" and not row.alone:
                replace_notice(db, row.id)
    return new


def _span(past: Sequence[DigestRow], now: datetime, day: date | None) -> tuple[datetime, datetime]:
    if day is not None:
        return bounds_of(day)
    went = [row.to for row in past if row.state in ("sent", "handing", "sending", "unsure") and row.to < now]
    start = bounds_of(previous_day(now))[0]
    unsent = [row.since for row in past if row.state == "waiting"]
    return max(now - LONGEST, max(went, default=min([start, *unsent]))), now


def _subject(facts: Mapping[str, Any]) -> str:
    levels = "、".join(f"{LEVEL_COLOURS[level]} {count}" for level, count in facts["levels"])
    parts = [f"新内部预警 {facts['new_count']} 条（{levels}）" if facts["new_count"] else "无新内部预警"]
    if facts["waiting_count"]:
        parts.append(f"待受理 {facts['waiting_count']}")
    if facts["over_count"]:
        parts.append(f"超时 {facts['over_count']}")
    if facts["entry_counts"]["over"]:
        parts.append(f"台账逾期 {facts['entry_counts']['over']}")
    return "，".join(parts)
