"""The daily digest: what has to be done, what is new with its evidence, what changed, and which sources are not well.

Each reader has one of the own territories, products and levels, and of nobody else's; it says everything since the
last one that went out to that reader, so that digests which never went out are folded into the next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, true

from alerts.day_series import day_of
from alerts.day_trend import HISTORY, Band, counts_by_day, fit
from alerts.digest_day import DayNews, DigestDesk, Record, read_day
from alerts.evidence import quoted
from alerts.figures import figures_in_mail
from alerts.mail_message import DIGEST
from alerts.mailing import environment
from charts.png import png_of, trend_svg
from config.regions import Regions
from config.routes import Recipient, channel_of
from core.clock import BEIJING, as_utc, beijing
from core.ids import short_id
from core.records import LEVEL_COLOURS, Alert, Kind, Notification
from store.alert_log import add_delivery, findings_of_alert
from store.database import Store
from store.documents import find_signals
from store.events import Event
from store.ledger import Entry
from store.ledger_list import Day, count_views, has, page_of, within
from store.mail_book import DigestRow, address_states, digests_of, keep_picture
from store.schema import documents, ledger_entries
from store.watch import replace_notice

LEVELS = (4, 3, 2, 1)
TO_DO, NEW, LINES, DAYS = 3, 3, 3, 14
LONGEST = timedelta(days=7)
"""How far back a digest reaches at most."""
PICTURE = "trend"


@dataclass(frozen=True)
class Digest:
    """One mail. pictures: PNG by the name it has in the HTML (cid:)."""

    day: date
    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes]


@dataclass(frozen=True)
class Reader:
    """Whose digest it is: what of the day is this recipient's."""

    one: Recipient
    regions: Regions

    @property
    def everywhere(self) -> bool:
        """The province desk sees all of it."""
        return self.regions.home in self.one.territories

    @cached_property
    def codes(self) -> frozenset[str]:
        """The region codes of the own territories, and of the bureaus the recipient is named with."""
        own = [*self.one.territories, *(code for code in self.one.orgs if code in self.regions)]
        return frozenset(
            one.code for one in self.regions if any(self.regions.is_within(mine, one.code) for mine in own)
        )

    def wants(self, product: str | None) -> bool:
        """Whether a matter of that product is to be told."""
        return not self.one.products or product in self.one.products

    def lies_here(self, code: str | None) -> bool:
        """Whether a place is the reader's."""
        return self.everywhere or code in self.codes

    def documents(self) -> ColumnElement[bool] | None:
        """Which documents count for the reader; None: none, for somebody without a territory."""
        mine: list[ColumnElement[bool]] = []
        if not self.everywhere and not self.codes:
            return None
        if not self.everywhere:
            mine.append(documents.c.jurisdiction.in_(sorted(self.codes)))
        if self.one.products:
            mine.append(documents.c.product.in_(self.one.products))
        return and_(*mine) if mine else true()

    def entries(self) -> list[ColumnElement[bool]]:
        """Which entries of the ledger are the reader's."""
        mine: list[ColumnElement[bool]] = [ledger_entries.c.level >= self.one.lowest]
        if not self.everywhere:
            mine.append(within(self.codes))
        if self.one.products:
            mine.append(or_(*(has("product", one) for one in self.one.products)))
        return mine


@dataclass(frozen=True)
class Trend:
    """Signals of each of the last days, the last one over. bands: of each; None: nothing is known of days before."""

    days: tuple[date, ...]
    counts: tuple[int, ...]
    bands: tuple[Band | None, ...]
    levels: tuple[int, ...]

    @property
    def odd(self) -> bool:
        """Whether the last day lies outside of its band."""
        band = self.bands[-1]
        return band is not None and not band.lower <= self.counts[-1] <= band.upper

    @property
    def said(self) -> str:
        """`11-22 风险信号 204 条，常态 121 至 168 条，高于上限`."""
        band, count = self.bands[-1], self.counts[-1]
        told = f"{self.days[-1]:%m-%d} 风险信号 {count} 条"
        if band is None:
            return f"{told}，此前数据不足，不作比较"
        over = "，高于上限" if count > band.upper else "，低于下限" if count < band.lower else ""
        return f"{told}，常态 {band.lower:.0f} 至 {band.upper:.0f} 条{over}"

    def picture(self) -> bytes | None:
        """As PNG; None where it cannot be drawn, and a table says the same."""
        known = [band or Band(0.0, 0.0, 0.0) for band in self.bands]
        over = [i for i, band in enumerate(self.bands) if band is not None and self.counts[i] > band.upper]
        last, band = f"{self.days[-1]:%m-%d} {self.counts[-1]} 条", self.bands[-1]
        count = len(self.days)
        return png_of(
            trend_svg(
                self.counts, [one.expected for one in known], [one.upper for one in known],
                [one.lower for one in known], label=self.said, marks=[(i, self.levels[i]) for i in over],
                note=f"{last}，常态 {band.lower:.0f} 至 {band.upper:.0f}" if band else last, unit=" 条",
                ticks=[(100 * (i + 0.5) / count, f"{self.days[i]:%m-%d}") for i in range(count - 1, -1, -3)],
            )
        )  # fmt: skip


def previous_day(now: datetime) -> date:
    """The Beijing day before the one `now` falls on."""
    return beijing(now).date() - timedelta(days=1)


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """A Beijing day, from 00:00 to 00:00."""
    start = as_utc(datetime(day.year, day.month, day.day, tzinfo=BEIJING))
    return start, start + timedelta(days=1)


def build_digest(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> Digest:
    """One reader's digest. A time in which nothing came to pass is told in one line."""
    trend, facts = _trend(db, desk, reader, news), _facts(db, desk, reader, news)
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
    one tells what they would.  day: of that day alone (00:00 to 00:00, or until now).
    """
    planned, read = 0, dict[datetime, DayNews]()
    made_for = day or previous_day(now)
    for one in (each for each in recipients if channel_of(each.mail) == "mail"):
        delivery = short_id("n", "digest", one.mail, made_for.isoformat())
        # Reading and drawing takes a fifth of a second each: nobody who writes waits for it.
        with store.read() as db:
            past = digests_of(db, one.mail, since=now - LONGEST)
            off = address_states(db, [one.mail]).get(one.mail)
            if (off is not None and off.no_digest_at) or any(row.id == delivery for row in past):
                continue
            since, until = _span(past, now, day)
            if since not in read:
                read[since] = read_day(db, desk, since, until)
            made = build_digest(db, desk, Reader(one, desk.names.regions), read[since])
        told: dict[str, Any] = {"kind": DIGEST, "from": since.isoformat(), "to": until.isoformat()}
        with store.write() as db:
            if made.pictures:
                told["pictures"] = {name: keep_picture(db, png, now) for name, png in made.pictures.items()}
            notice = Notification(delivery, "mail", one.mail, made.subject, made.text, made.html, details=told)
            if add_delivery(db, notice, now=now, what=DIGEST):
                planned += 1
                for row in past:
                    if row.state == "waiting" and not day:
                        replace_notice(db, row.id)
    return planned


def _span(past: Sequence[DigestRow], now: datetime, day: date | None) -> tuple[datetime, datetime]:
    if day is not None:
        start, end = bounds_of(day)
        return start, min(end, max(now, start + timedelta(minutes=1)))
    went = [row.to for row in past if row.state in ("sent", "handing", "sending", "unsure") and row.to < now]
    start = bounds_of(previous_day(now))[0]
    unsent = [row.since for row in past if row.state == "waiting"]
    return max(now - LONGEST, max(went, default=min([start, *unsent]))), now


def titled(name: str, whole: Sequence[Any], most: int) -> dict[str, Any]:
    """What is shown of a list, and how many are left out."""
    return {name: whole[:most], f"more_{name}": max(0, len(whole) - most)}


def _facts(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> dict[str, Any]:
    mine = _mine(db, desk, reader, news)
    told = [one for one in mine(news.alerts) if one.id not in news.silenced]
    new = sorted((one for one in told if one.first_at >= news.since), key=lambda one: (-one.level, one.first_at))
    grown = sorted((one for one in told if one.first_at < news.since), key=lambda one: (-one.level, one.updated_at))
    waiting = [one for one in mine(news.waiting) if one.id not in news.silenced]
    today = news.last_day
    tomorrow = bounds_of(today)[1]
    due = sorted((one for one in waiting if one.due_at and one.due_at < tomorrow), key=_by_due)
    over = [one for one in due if one.due_at and one.due_at < news.until]
    ledger_day, where = Day(today, bounds_of(today)[0]), reader.entries()
    late = page_of(db, "over", ledger_day, where, latest_first=False, most=LINES)
    entries = [*late, *page_of(db, "due", ledger_day, where, latest_first=False, most=LINES)]
    ledger = count_views(db, ["over", "due"], ledger_day, where)
    owed = list(desk.owed(db, news.until, sorted(reader.codes & set(reader.one.territories))))
    records = [one for one in news.records if reader.lies_here(one.place) and reader.wants(one.product)]
    stories = _stories(desk, reader, news)
    ended = mine(news.ended)
    sources = news.sources
    busy = any([told, due, entries, owed, records, ended, *stories.values()])
    return {
        "reader": reader.one.name,
        "whose": _whose(desk, reader),
        "since": news.since,
        "until": news.until,
        "compared": "比前一日" if news.until - news.since < timedelta(hours=37) else "比前一期",
        "new_count": len(new),
        "levels": [(level, count) for level in LEVELS if (count := sum(one.level == level for one in new))],
        "before_count": len([one for one in mine(news.opened_before) if one.id not in news.silenced]),
        "waiting_count": len(waiting),
        "over_count": len(over),
        **titled("due", [_item(db, desk, one, news.until, evidence=False) for one in due[:TO_DO]], TO_DO),
        "more_due": max(0, len(due) - TO_DO),
        **titled("new", [_item(db, desk, one, news.until, evidence=True) for one in new[:NEW]], NEW),
        "more_new": max(0, len(new) - NEW),
        **titled("grown", grown, LINES),
        **titled("ended", ended, LINES),
        "silenced": len(news.silenced & {one.id for one in mine(news.alerts)}),
        **stories,
        "records": [_record(one) for one in records[:LINES]],
        "more_records": max(0, len(records) - LINES),
        "record_counts": _record_counts(records),
        "entries": [(one, _late(one, today)) for one in entries[:LINES]],
        "entry_counts": ledger,
        **titled("owed", owed, LINES),
        "sources": sources,
        "fetched_at": news.fetched_at,
        "well": not sources.ill and news.fetched_at is not None,
        "quiet": not busy,
        "colours": LEVEL_COLOURS,
        "base": desk.public_url.rstrip("/"),
        "demo": desk.demo,
    }


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


def _mine(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> Any:
    def is_mine(alert: Alert) -> bool:
        one = reader.one
        if alert.level < one.lowest:
            return False
        if one.concerned(alert.territories, alert.products, reader.regions):
            return True
        if desk.router is None or not one.orgs or (one.products and not set(one.products) & set(alert.products)):
            return False
        return bool(set(one.orgs) & news.routed(db, desk.router, alert))

    return lambda found: [alert for alert in found if is_mine(alert)]


def _item(db: Connection, desk: DigestDesk, alert: Alert, now: datetime, *, evidence: bool) -> dict[str, Any]:
    """An alert as a digest shows it."""
    findings = findings_of_alert(db, alert.id)
    signals = find_signals(db, alert.documents) if evidence else []
    firm = next((desk.names.firm(one) for one in alert.enterprises), "")
    place = desk.names.regions.name_of(alert.territory) if alert.territory else ""
    return {
        "alert": alert,
        "where": " · ".join(part for part in (firm if firm not in alert.title else "", place) if part),
        "limit": _limit(alert, now),
        "over": alert.due_at is not None and alert.due_at < now,
        "figures": figures_in_mail(findings[-1] if findings else None),
        "reposts": max(0, len(alert.documents) - alert.origins),
        "quotes": [(one, desk.names.sources.get(one.source, one.source)) for one in quoted(signals, 1, chars=90)],
    }


def _limit(alert: Alert, now: datetime) -> str:
    """`受理应于 15:19，剩 47 分`."""
    if alert.due_at is None:
        return ""
    here, left = beijing(alert.due_at), alert.due_at - now
    at = f"{here:%H:%M}" if here.date() == beijing(now).date() else f"{here:%m-%d %H:%M}"
    minutes = int(abs(left).total_seconds() // 60)
    days, hours = minutes // 1440, minutes % 1440 // 60
    span = f"{days} 天 {hours} 时" if days else f"{hours} 时 {minutes % 60:02d} 分" if hours else f"{minutes} 分"
    return f"受理应于 {at}，{'超时' if left < timedelta(0) else '剩'} {span}"


def _by_due(alert: Alert) -> tuple[datetime, int]:
    return alert.due_at or alert.first_at, -alert.level


def _stories(desk: DigestDesk, reader: Reader, news: DayNews) -> dict[str, Any]:
    """Events that are new, growing, quiet."""
    families = {desk.family_of(product) for product in reader.one.products}

    def mine(event: Event) -> bool:
        here = reader.everywhere or any(code in reader.codes for code in event.facts.get("territories", ()))
        return (
            here
            and event.level >= reader.one.lowest
            and (not families or bool(families & set(event.facts.get("families", ()))))
        )

    heard = [one for one in news.pulses if mine(one.event)]
    new = [one for one in heard if one.event.first_at >= news.since and one.event.origins > 1]
    growing = [one for one in heard if one.event.first_at < news.since and one.after > max(1, one.before)]
    return {
        **titled("events_new", new, 2),
        **titled("events_growing", growing, 2),
        **titled("events_quiet", [event for event in news.quiet if mine(event)], 2),
    }


def _record(one: Record) -> dict[str, Any]:
    return {"word": "抽检" if one.kind == Kind.SPOTCHECK else "召回", "title": one.title, "id": one.id, "at": one.at}


def _record_counts(records: Sequence[Record]) -> str:
    checks = sum(one.kind == Kind.SPOTCHECK for one in records)
    return "，".join(
        f"{word} {count} 条" for word, count in (("召回", len(records) - checks), ("抽检", checks)) if count
    )


def _late(entry: Entry, today: date) -> str:
    over = (today - entry.due_on).days
    return f"逾期 {over} 日" if over > 0 else "今日到期"


def _whose(desk: DigestDesk, reader: Reader) -> str:
    """`赣州市 · 锂电池 · 黄色以上`."""
    one, regions = reader.one, desk.names.regions
    places = "、".join(regions.name_of(code) for code in one.territories) or "派送本单位"
    products = "、".join(map(desk.names.product, one.products)) or "各类产品"
    floor = f"{LEVEL_COLOURS[one.lowest]}色以上" if one.lowest > 1 else "各级别"
    return " · ".join((places, products, floor))


def _trend(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> Trend | None:
    """The days that are over. None for somebody without a territory, or where there never was a signal."""
    where = reader.documents()
    if where is None:
        return None
    key = ("*" if reader.everywhere else "|".join(sorted(reader.codes)), *sorted(reader.one.products))
    if key not in news.trends:
        news.trends[key] = _read_trend(db, desk, where, news.until)
    found: Trend | None = news.trends[key]
    return found


def _read_trend(db: Connection, desk: DigestDesk, where: ColumnElement[bool], until: datetime) -> Trend | None:
    last = day_of(until) - 1
    end = bounds_of(date.fromordinal(last))[1] - timedelta(microseconds=1)
    counted = counts_by_day(db, last - HISTORY, end, where)
    if not counted:
        return None
    bands = fit({day: count for day, (count, _) in counted.items()}, last, desk.calendar)
    days = range(last - DAYS + 1, last + 1)
    shown = [counted.get(day, (0, 0)) for day in days]
    return Trend(
        tuple(map(date.fromordinal, days)),
        tuple(count for count, _ in shown),
        tuple(bands.get(day) for day in days),
        tuple(level for _, level in shown),
    )
