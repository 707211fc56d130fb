"""What a digest says of a day to one reader, as the templates read it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from alerts.day_series import start_of
from alerts.digest_day import DayNews, DigestDesk, Record
from alerts.digest_reader import Reader
from alerts.evidence import quoted
from alerts.figures import figures_in_mail
from core.clock import beijing
from core.records import LEVEL_COLOURS, Alert, Kind
from store.alert_log import findings_of_alert
from store.documents import find_signals
from store.ledger import Entry
from store.ledger_list import Day, count_views, page_of

LEVELS = (4, 3, 2, 1)
TO_DO, NEW, LINES, STORIES = 3, 3, 3, 2
"""Rows of each part: a digest is a page on a telephone, the desk has the rest."""


@dataclass(frozen=True)
class Sheet:
    """One reader's part of a day."""

    db: Connection
    desk: DigestDesk
    reader: Reader
    news: DayNews

    @property
    def facts(self) -> dict[str, Any]:
        """All of it. quiet: nothing came to pass."""
        parts = self._urgent() | self._changes() | self._stories() | self._records()
        listed = ("due", "entries", "owed", "new", "grown", "ended", "records")
        quiet = not any(parts[name] for name in (*listed, "events_new", "events_growing", "events_quiet"))
        sources, fetched = self.news.sources, self.news.fetched_at
        return parts | {
            "reader": self.reader.one.name,
            "whose": self.reader.said(self.desk),
            "since": self.news.since,
            "until": self.news.until,
            "sources": sources,
            "fetched_at": fetched,
            "well": not sources.ill and fetched is not None,
            "quiet": quiet,
            "colours": LEVEL_COLOURS,
            "base": self.desk.public_url.rstrip("/"),
            "demo": self.desk.demo,
        }

    def _urgent(self) -> dict[str, Any]:
        """What must be done: alerts due today or overdue, the ledger, what is owed to the office above."""
        news, today = self.news, self.news.last_day
        tomorrow = start_of(today.toordinal() + 1)
        due = sorted((one for one in self._waiting if one.due_at and one.due_at < tomorrow), key=_by_due)
        day, where = Day(today, start_of(today.toordinal())), self.reader.entries()
        late = page_of(self.db, "over", day, where, latest_first=False, most=LINES)
        entries = [*late, *page_of(self.db, "due", day, where, latest_first=False, most=LINES)][:LINES]
        own = sorted(self.reader.codes & set(self.reader.one.territories))
        return {
            "waiting_count": len(self._waiting),
            "over_count": sum(one.due_at is not None and one.due_at < news.until for one in due),
            **titled("due", due, TO_DO),
            "due": [self._item(one, evidence=False) for one in due[:TO_DO]],
            "entries": [(one, _late(one, today)) for one in entries],
            "entry_counts": count_views(self.db, ["over", "due"], day, where),
            **titled("owed", list(self.desk.owed(self.db, news.until, own)), LINES),
        }

    def _changes(self) -> dict[str, Any]:
        """New alerts with their evidence, those that went on, those that ended; against the time before."""
        news, told = self.news, self._told(self.news.alerts)
        new = sorted((one for one in told if news.is_new(one)), key=lambda one: (-one.level, one.first_at))
        grown = sorted((one for one in told if not news.is_new(one)), key=lambda one: (-one.level, one.updated_at))
        levels = Counter(one.level for one in new)
        return {
            "compared": "比前一日" if news.until - news.since < timedelta(hours=37) else "比前一期",
            "new_count": len(new),
            "levels": [(level, levels[level]) for level in LEVELS if levels[level]],
            "before_count": len(self._told(news.opened_before)),
            **titled("new", new, NEW),
            "new": [self._item(one, evidence=True) for one in new[:NEW]],
            **titled("grown", grown, LINES),
            **titled("ended", self._own(news.ended), LINES),
            "silenced": sum(one.id in news.silenced for one in self._own(news.alerts)),
        }

    def _stories(self) -> dict[str, Any]:
        """Events that are new, growing, quiet."""
        news, reader = self.news, self.reader
        heard = [one for one in news.pulses if reader.hears_of(one.event, self.desk)]
        fresh = [one for one in heard if news.is_new(one.event) and one.event.origins > 1]
        new = [replace(one, before=0, after=one.before + one.after) for one in fresh]
        growing = [one for one in heard if not news.is_new(one.event) and one.after > max(1, one.before)]
        quiet = [event for event in news.quiet if reader.hears_of(event, self.desk)]
        return {
            **titled("events_new", new, STORIES),
            **titled("events_growing", growing, STORIES),
            **titled("events_quiet", quiet, STORIES),
        }

    def _records(self) -> dict[str, Any]:
        """Recalls and spot checks."""
        reader = self.reader
        found = [one for one in self.news.records if reader.lies_here(one.place) and reader.wants(one.product)]
        told = titled("records", found, LINES)
        return {**told, "records": [_record(one) for one in found[:LINES]], "record_counts": _record_counts(found)}

    @cached_property
    def _waiting(self) -> list[Alert]:
        return self._told(self.news.waiting)

    def _own(self, found: Sequence[Alert]) -> list[Alert]:
        return self.reader.alerts(self.db, self.desk, self.news, found)

    def _told(self, found: Sequence[Alert]) -> list[Alert]:
        """Those of the reader's that no silence holds back."""
        return [one for one in self._own(found) if one.id not in self.news.silenced]

    def _item(self, alert: Alert, *, evidence: bool) -> dict[str, Any]:
        """An alert as a digest shows it."""
        names = self.desk.names
        findings = findings_of_alert(self.db, alert.id)
        signals = find_signals(self.db, alert.documents) if evidence else []
        firm = next((names.firm(one) for one in alert.enterprises), "")
        place = names.regions.name_of(alert.territory) if alert.territory else ""
        return {
            "alert": alert,
            "where": " · ".join(part for part in (firm if firm not in alert.title else "", place) if part),
            "limit": _limit(alert, self.news.until),
            "over": alert.due_at is not None and alert.due_at < self.news.until,
            "figures": figures_in_mail(findings[-1] if findings else None),
            "reposts": max(0, len(alert.documents) - alert.origins),
            "quotes": [(one, names.sources.get(one.source, one.source)) for one in quoted(signals, 1, chars=90)],
        }


def titled(name: str, whole: Sequence[Any], most: int) -> dict[str, Any]:
    """What is shown of a list, and how many are left out."""
    return {name: whole[:most], f"more_{name}": max(0, len(whole) - most)}


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
