"""The delivery log as the desk shows it: filters of the address, cut to what the viewer sees, why one still waits."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Select, select

from core.clock import BEIJING, as_utc, beijing
from store.alert_log import SETTLED
from store.ledger_list import entries_by_id
from store.processes import last_of, list_processes, stale
from store.schema import alerts, deliveries, delivery_attempts
from web.access import Viewer
from web.inbox import BadAddress
from web.names import DELIVERY_STATES
from web.times import short

PAGE_SIZE = 50
WINDOW = timedelta(days=30)
"""How far the list goes back where no day and no alert is asked for."""
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "sent": ("送达", "done"),
    "retry": ("未成，再试", "warn"),
    "refused": ("被拒", "bad"),
    "crashed": ("不知是否送达", "warn"),
}
FILTERS = {"state": "状态", "channel": "渠道", "day": "日期", "recipient": "收件人", "alert": "预警"}


@dataclass(frozen=True)
class Asked:
    """The filters of the address; empty: any."""

    state: str = ""
    channel: str = ""
    day: str = ""
    recipient: str = ""
    alert: str = ""
    page: int = 1

    def passes(self, row: "Brief", *, but: str = "") -> bool:
        """Whether a delivery has each value asked for. but: the filter that is left aside."""
        wanted = {name: value for name in FILTERS if name != but and (value := getattr(self, name))}
        return all(row.values[name] == value for name, value in wanted.items())


@dataclass(frozen=True)
class Brief:
    """What filters need to know of a delivery."""

    id: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Attempt:
    """One try. seconds: until it was answered."""

    number: int
    at: datetime
    outcome: str
    answer: str
    seconds: float


@dataclass(frozen=True)
class Line:
    """A delivery. latency: from being put into the outbox to being sent.  waits: why it was not sent yet, in words."""

    id: str
    channel: str
    recipient: str
    alert: str | None
    number: str
    subject: str
    state: str
    created_at: datetime
    sent_at: datetime | None
    attempts: tuple[Attempt, ...]
    waits: str
    entry: str | None = None
    receipt_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def returned(self) -> str:
        """What the other end said when it sent the mail back."""
        return str(self.details.get("bounced", ""))

    @property
    def delayed(self) -> str:
        """What the other end said of a mail that it could not pass on yet."""
        return str(self.details.get("delayed", ""))

    @property
    def by_hand(self) -> str:
        """Who had it sent again last."""
        return str(self.details.get("by_hand", ""))

    @property
    def again(self) -> bool:
        """Whether a person may have it sent again: nothing more becomes of it, or its next turn is to come."""
        return self.state in SETTLED or (self.state == "waiting" and bool(self.attempts))

    @property
    def settled(self) -> bool:
        """Whether nothing more becomes of it by itself."""
        return self.state in SETTLED

    @property
    def latency(self) -> float | None:
        """Seconds until it was sent."""
        return (self.sent_at - self.created_at).total_seconds() if self.sent_at else None


def read_asked(params: Mapping[str, str]) -> Asked:
    """Raises BadAddress for what the log does not know."""
    found = {name: params.get(name, "")[:200] for name in FILTERS}
    if found["state"] and found["state"] not in DELIVERY_STATES:
        raise BadAddress(f"地址中的 state={found['state'][:20]} 不存在。可用：{'、'.join(DELIVERY_STATES)}。")
    if found["day"]:
        _day(found["day"])
    page = params.get("page", "1")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:6]) <= 100_000):
        raise BadAddress("页码须为正整数。")
    return Asked(**found, page=int(page[:6]))


def _day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
        if not 2000 <= day.year < 2200:
            raise ValueError(text)
        return as_utc(datetime.combine(day, time(), BEIJING))
    except ValueError:
        raise BadAddress(f"地址中的日期 {text[:20]} 看不懂。写法：2026-11-23。") from None


class Log:
    """What one viewer sees of the log in the time asked for.

    Digests and tests, which are of neither alert nor entry: seen by who sees all, and by whose recipient it is.
    """

    def __init__(
        self,
        db: Connection,
        me: Viewer,
        asked: Asked,
        now: datetime,
        is_own: Callable[[str], bool] = lambda _address: False,
    ) -> None:
        self._db, self._now, self.asked = db, now, asked
        d = deliveries.c
        query = select(d.id, d.state, d.channel, d.created_at, d.recipient, d.alert, d.entry)
        query = _within(query, asked, now).order_by(d.created_at.desc(), d.id.desc())
        seen = None if me.everywhere else _seen(db, me)
        hazards: set[str] = set() if me.everywhere else _hazards(db, me)
        self.rows = [
            Brief(
                row.id,
                {
                    "state": row.state, "channel": row.channel, "recipient": row.recipient, "alert": row.alert or "",
                    "day": f"{beijing(row.created_at):%Y-%m-%d}",
                },
            )
            for row in db.execute(query)
            if seen is None or row.alert in seen or row.entry in hazards
            or (row.alert is None and row.entry is None and is_own(row.recipient))
        ]  # fmt: skip

    def found(self) -> list[str]:
        """Ids of what passes every filter, newest first."""
        return [row.id for row in self.rows if self.asked.passes(row)]

    def choices(self, name: str) -> list[tuple[str, int]]:
        """Values of a filter with what each leaves under the others, the most first; days newest first."""
        counts = Counter(row.values[name] for row in self.rows if self.asked.passes(row, but=name))
        ranked = counts.most_common(15)
        return sorted(ranked, reverse=True) if name == "day" else ranked

    def lines(self, ids: Sequence[str]) -> list[Line]:
        """The rows of one page."""
        d, a = deliveries.c, delivery_attempts.c
        tried: dict[str, list[Attempt]] = {}
        attempts = select(delivery_attempts).where(a.delivery.in_(ids)).order_by(a.delivery, a.number)
        for row in self._db.execute(attempts):
            tried.setdefault(row.delivery, []).append(Attempt(row.number, row.at, row.outcome, row.answer, row.seconds))
        query = (
            select(deliveries, alerts.c.number).outerjoin(alerts, alerts.c.id == d.alert).where(d.id.in_(ids))
            .order_by(d.created_at.desc(), d.id.desc())
        )  # fmt: skip
        waits = self._waiting()
        return [
            Line(
                row.id, row.channel, row.recipient, row.alert, row.number or "", row.subject, row.state, row.created_at,
                row.sent_at, tuple(tried.get(row.id, ())),
                waits(row.next_at, tried.get(row.id, [])) if row.state == "waiting" else "", row.entry,
                row.receipt_at, row.details,
            )
            for row in self._db.execute(query)
        ]  # fmt: skip

    def _waiting(self) -> Callable[[datetime, Sequence[Attempt]], str]:
        """Says why a delivery waits."""
        sender = last_of(list_processes(self._db), "sender")
        down = sender is None or stale(sender, self._now)

        def why(next_at: datetime, tried: Sequence[Attempt]) -> str:
            if down:
                return "发送进程没有在运行，用 fengsui run 启动后补发"
            if next_at > self._now:
                when = short(next_at, self._now)
                return (
                    f"第 {tried[-1].number} 次未成，{when} 再试" if tried else f"定于 {when} 发出（撤销时间或勿扰时段）"
                )
            return "已到时间，排队等发送"

        return why


def _within(query: Select[Any], asked: Asked, now: datetime) -> Select[Any]:
    d = deliveries.c
    if asked.alert:
        return query.where(d.alert == asked.alert)
    if asked.day:
        start = _day(asked.day)
        return query.where(d.created_at >= start, d.created_at < start + timedelta(days=1))
    return query.where(d.created_at > now - WINDOW)


def _hazards(db: Connection, me: Viewer) -> set[str]:
    """The ledger entries that were told of and that this viewer sees."""
    told = db.execute(select(deliveries.c.entry).where(deliveries.c.entry.is_not(None)).distinct()).scalars()
    return {entry.id for entry in entries_by_id(db, list(told)).values() if me.sees_entry(entry)}


def _seen(db: Connection, me: Viewer) -> set[str]:
    places = select(alerts.c.id, alerts.c.territory, alerts.c.territories)
    return {row[0] for row in db.execute(places) if any(me.sees_code(code) for code in (row[1], *row[2]))}
