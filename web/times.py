"""Times as the desk writes them: Beijing, minutes, absolute; only what is left or over is relative."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from core.clock import beijing, iso_beijing
from core.records import AlertState, Listed

WEEKDAYS = "一二三四五六日"
ZONE = "（北京时间）"
SOON = timedelta(hours=1)


def short(moment: datetime, now: datetime) -> str:
    """14:05 today, 11-22 21:40 this year, 2025-09-12 before."""
    here, today = beijing(moment), beijing(now)
    if here.date() == today.date():
        return f"{here:%H:%M}"
    return f"{here:%m-%d %H:%M}" if here.year == today.year else f"{here:%Y-%m-%d}"


def full(moment: datetime) -> str:
    """2026-11-23 14:32."""
    return f"{beijing(moment):%Y-%m-%d %H:%M}"


def stamp(moment: datetime | None, now: datetime, form: str = "short", *, zone: str = ZONE) -> Markup:
    """A <time> with zone and exact time; form: short | date (11-23 14:32, always with its day) | full."""
    if moment is None:
        return Markup('<span class="dim">—</span>')
    here = beijing(moment)
    text = _FORMS[form](moment, now)
    told = f"{here:%Y-%m-%d %H:%M:%S}{zone}"
    # Nothing of it comes from outside, and lists hold a thousand of them: Markup.format takes ten times as long.
    return Markup(f'<time datetime="{iso_beijing(moment)}" title="{told}">{text}</time>')


_FORMS: Mapping[str, Callable[[datetime, datetime], str]] = {
    "short": short,
    "date": lambda moment, now: f"{beijing(moment):%m-%d %H:%M}",
    "full": lambda moment, now: full(moment),
}


def day_head(now: datetime) -> str:
    """11 月 23 日 星期一."""
    here = beijing(now)
    return f"{here.month} 月 {here.day} 日 星期{WEEKDAYS[here.weekday()]}"


def span_in_words(span: timedelta) -> str:
    """3 时 07 分; 2 天 4 时; 47 分. Seconds never."""
    minutes = int(abs(span).total_seconds() // 60)
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} 天 {hours} 时"
    return f"{hours} 时 {rest:02d} 分" if hours else f"{rest} 分"


@dataclass(frozen=True)
class TimeLimit:
    """A running time limit. state: "" | soon | over | done. span: minutes it had in all."""

    name: str
    due: datetime | None
    state: str
    text: str
    span: int = 0

    @property
    def running(self) -> bool:
        """Whether the page should keep it going."""
        return self.due is not None and self.state != "done"


LIMIT_NAMES = {
    AlertState.NEW: "受理",
    AlertState.ACCEPTED: "派单",
    AlertState.DISPATCHED: "回应",
    AlertState.IN_HAND: "处置",
    AlertState.TO_CLOSE: "核销",
}
DONE = (AlertState.CLOSED, AlertState.DISMISSED)


ENDED = TimeLimit("办结", None, "done", "已办结")


def limit_of(alert: Listed, now: datetime) -> TimeLimit:
    """The time limit an alert is under."""
    if alert.state in DONE:
        return ENDED
    name = LIMIT_NAMES[alert.state]
    if alert.due_at is None:
        return TimeLimit(name, None, "", "未定时限")
    left = alert.due_at - now
    span = max(alert.due_at - alert.updated_at, timedelta(minutes=1))
    state = "over" if left < timedelta(0) else "soon" if left < max(span / 4, SOON) else ""
    text = f"{'超时' if state == 'over' else '剩'} {span_in_words(left)}"
    return TimeLimit(name, alert.due_at, state, text, int(span.total_seconds() // 60))


BANDS = ("已超时", "2 小时内", "今日", "明日及以后", "未定时限", "已办结")


def band_of(limit: TimeLimit, now: datetime) -> str:
    """The heading of the inbox a time limit falls under."""
    if limit.state == "done":
        return "已办结"
    if limit.due is None:
        return "未定时限"
    if limit.state == "over":
        return "已超时"
    if limit.due - now <= timedelta(hours=2):
        return "2 小时内"
    return "今日" if beijing(limit.due).date() == beijing(now).date() else "明日及以后"
