"""A desk with a teller, a watch and a clock that tests set: alerts come, the clock goes on, mails lie in the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.duty import Duty
from alerts.lifecycle import act
from alerts.mailing import MailPlanner
from alerts.sender import send_due
from alerts.silences import add_silence, draft_of, expire_silence
from alerts.telling import Teller
from alerts.transitions import add_event
from alerts.watch import Watcher
from config.alert_life import AlertLife
from config.duty import DutyBook
from config.lexicon import Lexicon
from config.routes import Recipient, Routes
from core.clock import parse_published
from core.records import Alert, AlertEvent, AlertState
from store.alert_log import delivery_log, find_alert, history_of, save_alert
from store.database import Store
from store.silences import Silence
from store.watch import watch_of

ACK = {1: 24.0, 2: 8.0, 3: 2.0, 4: 0.5}
MONDAY_NOON = parse_published("2026-11-23T12:00")
PEOPLE = {
    "posts": {
        "duty": {"title": "值班席", "min_level": "yellow", "people": ["zhang"]},
        "division": {"title": "质量监督处", "people": ["chen"]},
        "leader": {"title": "分管领导", "people": ["wu"]},
    },
    "people": {
        "zhang": {"name": "张三", "mail": "zhang@x.example"},
        "chen": {"name": "陈处", "mail": "chen@x.example"},
        "wu": {"name": "吴局", "mail": "wu@x.example"},
    },
}
LEVELS: Mapping[str, Any] = {
    "red": {
        "remind": {"every": "10m", "factor": 2, "longest": "2h", "most": 4},
        "chain": ["duty", "division", "leader"],
    },
    "orange": {
        "remind": {"every": "1h", "factor": 2, "longest": "8h", "most": 3},
        "chain": ["duty", "division", "leader"],
    },
    "yellow": {"tell": "working_hours", "remind": {"every": "4h", "most": 2}, "chain": ["duty", "division"]},
    "blue": {"tell": "digest", "chain": ["duty"]},
}


def alert_at(moment: datetime, *, level: int, number: int = 1, due_at: datetime | None = None) -> Alert:
    """An alert of three origins about a firm in Nanchang."""
    firm = f"ENT{number:04d}"
    return Alert(
        id=f"a{number}", number=f"YJ-2026-{number:04d}", subject=f"f:{firm}", level=level, state=AlertState.NEW,
        first_at=moment, updated_at=moment, created_at=moment, title="电动自行车起火", rule="fire",
        reason="3 个独立来源", products=("ebike_power",), enterprises=(firm,), issues=("fire",), territory="360113",
        territories=("360113",), documents=(), findings=(), origins=3, due_at=due_at,
    )  # fmt: skip


@dataclass
class Story:
    """One store, with the office's people. now: set by the test."""

    store: Store
    lexicon: Lexicon
    now: datetime = MONDAY_NOON
    life: AlertLife = field(default_factory=AlertLife)
    book: DutyBook = field(default_factory=lambda: DutyBook.model_validate({"levels": LEVELS, **PEOPLE}))
    count: int = 0

    @property
    def teller(self) -> Teller:
        routes = Routes(recipients=(Recipient(name="省局", mail="desk@x.example", territories=("360000",)),))
        planner = MailPlanner(routes, self.lexicon.regions, "http://127.0.0.1:8000")
        return Teller(Duty(self.book, ACK), self.life, self.lexicon, planner)

    @property
    def watcher(self) -> Watcher:
        return Watcher(self.store, self.teller)

    def opened(self, level: int = 3, **values: Any) -> Alert:
        """An alert that a rule opened now, with its row and its notices."""
        self.count += 1
        due = self.teller.duty.due_at(level, self.now)
        made = alert_at(self.now, level=level, number=self.count, due_at=due)
        alert = replace(made, **values)
        self._written(alert, "opened", "rule_fired")
        return alert

    def changed(self, alert: Alert, what: str, reason: str, **values: Any) -> Alert:
        """What the engine does when an alert rises, falls or ends."""
        now = find_of(self.store, alert.id)
        changed = replace(now, updated_at=self.now, **values)
        self._written(changed, what, reason)
        return changed

    def _written(self, alert: Alert, what: str, reason: str) -> None:
        with self.store.write() as db:
            save_alert(db, alert, details={})
            number = add_event(db, alert, what, reason, alert.reason, self.now)
            assert number is not None
            self.teller.plan(db, alert, what=what, number=number, now=self.now)

    def go(self, span: timedelta | str) -> dict[str, int]:
        """The clock goes on (or to a Beijing time) and the watch looks once."""
        self.now = parse_published(span) if isinstance(span, str) else self.now + span
        return dict(self.watcher.tick(self.now))

    def tick(self) -> dict[str, int]:
        return dict(self.watcher.tick(self.now))

    def act(self, alert: Alert, action: str, **more: Any) -> Alert:
        values = {"actor": "li", "note": "", "once": f"{action}-{self.now}-{more}", **more}
        with self.store.write() as db:
            return act(db, alert.id, action, now=self.now, **values)

    def silence(self, *matchers: str, hours: float = 8, **more: Any) -> Silence:
        values: dict[str, Any] = {"reason": "演练", "starts_at": self.now, "ends_at": self.now + timedelta(hours=hours)}
        draft = draft_of(
            matchers,
            now=self.now,
            longest=self.life.silence.longest,
            lexicon=self.lexicon,
            rules=("danger",),
            **{**values, **more},
        )
        with self.store.write() as db:
            made = add_silence(db, draft, author="li", now=self.now, once=f"s-{matchers}-{self.now}")
            self.teller.apply_silences(db, self.now)
        return made

    def expire(self, silence: Silence) -> None:
        with self.store.write() as db:
            expire_silence(db, silence.id, by="li", why="演练结束", now=self.now)

    # --- what can be seen ---------------------------------------------------------------------------------------

    def mails(self, alert: Alert | None = None, *, state: str | None = None) -> list[tuple[str, str]]:
        """(recipient, first words of the subject) of the notices that wait or went, oldest first."""
        with self.store.read() as db:
            lines = delivery_log(db, alert=alert.id if alert else None, limit=1000)
        kept = [line for line in lines if (line.state == state if state else line.state != "replaced")]
        order = sorted(kept, key=lambda line: (line.created_at, line.next_at, line.recipient))
        return [(line.recipient.split("@")[0], line.subject.split("：")[0]) for line in order]

    def send(self) -> list[tuple[str, str]]:
        """A sender takes what is due and delivers it: (recipient, subject up to the colon)."""
        taken: list[tuple[str, str]] = []

        class Channel:
            def send(self, notification: Any, handing_over: Any) -> str:
                handing_over()
                taken.append((notification.recipient.split("@")[0], notification.subject.split("：")[0]))
                return "250 OK"

        send_due(self.store, {"mail": Channel()}, clock=lambda: self.now, who="test")
        return sorted(taken)

    def rows(self, alert: Alert) -> list[AlertEvent]:
        with self.store.read() as db:
            return history_of(db, alert.id)

    def actions(self, alert: Alert) -> list[str]:
        return [row.action for row in self.rows(alert)]

    def reasons(self, alert: Alert) -> list[tuple[str, str]]:
        return [(row.action, row.details["reason"]) for row in self.rows(alert)]

    def alert(self, alert: Alert) -> Alert:
        return find_of(self.store, alert.id)

    def muted(self, alert: Alert) -> bool:
        with self.store.read() as db:
            watch = watch_of(db, alert.id)
        return bool(watch and watch.muted)


def find_of(store: Store, alert: str) -> Alert:
    with store.read() as db:
        found = find_alert(db, alert)
    assert found is not None
    return found
