"""What the clock does to alerts: silences end, reminders go out, nobody answers, a matter falls silent.

A pass looks first and writes only where something is due; each alert is written in a transaction of its own, which
looks again. After a stop of days there is one reminder and one step, counted on from now. A clock that was set back
does not stop anything: what is due later than it could be is moved up.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from alerts.labels import labels_of
from alerts.lifecycle import OPEN, ended_details
from alerts.muting import Mute, Muting
from alerts.telling import Teller
from alerts.transitions import add_event
from core.clock import beijing
from core.records import Alert, AlertState
from store.alert_log import (
    alert_details,
    history_of,
    list_alerts,
    next_history_number,
    save_alert,
)
from store.cards import one_judge_at_a_time
from store.database import Store
from store.schema import alerts as alert_table
from store.schema import findings
from store.watch import (
    Watch,
    details_of,
    ended_unsaid,
    hold_alert,
    mails_told,
    save_watch,
    waiting_notices,
    watch_of,
    watches,
)

IN_WORK = (AlertState.NEW, AlertState.ACCEPTED, AlertState.DISPATCHED, AlertState.IN_HAND)
NEARLY = timedelta(minutes=1)
"""So long before a notice that waited is sent it is written anew."""
END_WORDS: Mapping[AlertState, str] = {AlertState.CLOSED: "closed", AlertState.DISMISSED: "dismissed"}


@dataclass(frozen=True)
class Seen:
    """What one look found: the open alerts with what mutes them and how long their matter may be silent."""

    alerts: Mapping[str, Alert]
    mutes: Mapping[str, Mute | None]
    windowed: frozenset[str]


@dataclass(frozen=True)
class Watcher:
    """The clock's hand. One `tick` does everything that is due now, and doing it again does nothing."""

    store: Store
    teller: Teller

    def tick(self, now: datetime) -> Counter[str]:
        """Returns how often each action was taken (silenced, repeated, escalated, ...)."""
        done: Counter[str] = Counter()
        with self.store.read() as db:
            due, ended = self.due(db, now), ended_unsaid(db)
        for alert_id in due:
            done += self._write(alert_id, now, self._go_on)
        for alert_id in ended:
            done += self._write(alert_id, now, self._end)
        return done

    def due(self, db: Connection, now: datetime) -> list[str]:
        """The open alerts for which something is due, the gravest first."""
        seen = self._look(db, now)
        known = watches(db, list(seen.alerts))
        details = details_of(db, list(seen.alerts))
        found = [
            alert
            for alert in seen.alerts.values()
            if self._has_work(db, alert, known.get(alert.id), details[alert.id], seen, now)
        ]
        return [alert.id for alert in sorted(found, key=lambda alert: (-alert.level, alert.created_at, alert.id))]

    def _look(self, db: Connection, now: datetime) -> Seen:
        alerts = list_alerts(db, states=OPEN)
        return self._seen(db, alerts, self.teller.muting(db, now, alerts), _windowed(db))

    def _seen(self, db: Connection, alerts: Sequence[Alert], muting: Muting, windowed: frozenset[str]) -> Seen:
        labels = labels_of(db, alerts, self.teller.lexicon)
        mutes = {alert.id: muting.of(alert, labels[alert.id]) for alert in alerts}
        return Seen({alert.id: alert for alert in alerts}, mutes, windowed)

    def _write(self, alert_id: str, now: datetime, do: Callable[..., Counter[str]]) -> Counter[str]:
        with self.store.write() as db:
            one_judge_at_a_time(db)
            alert = hold_alert(db, alert_id)
            if alert is None:
                return Counter()
            mine = [alert] if alert.state in OPEN else []
            return do(db, alert, now, self._seen(db, mine, self.teller.muting(db, now), _windowed(db, alert_id)))

    # --- an open alert ------------------------------------------------------------------------------------------

    def _has_work(
        self, db: Connection, alert: Alert, watch: Watch | None, details: Mapping[str, Any], seen: Seen, now: datetime
    ) -> bool:
        if watch is None or watch.ended or _marks(watch) != _wanted(seen.mutes[alert.id]):
            return True
        if not watch.muted and (watch.owed or watch.level != alert.level or self._moved_up(alert, watch, now) != watch):
            return True
        if not watch.muted and alert.state is AlertState.NEW and _ripe(watch, now):
            return True
        if any(now >= notice.next_at - NEARLY > notice.created_at for notice in waiting_notices(db, alert.id)):
            return self.teller.planner is not None
        if details.get("ends_itself"):
            return False
        return not details.get("all_clear") and alert.state in IN_WORK and self._silent(alert, seen, now)

    def _go_on(self, db: Connection, alert: Alert, now: datetime, seen: Seen) -> Counter[str]:
        if alert.id not in seen.alerts:
            return Counter()
        done: Counter[str] = Counter()
        watch = watch_of(db, alert.id) or Watch(alert.id)
        was_muted, before, was_ended = watch.muted, next_history_number(db, alert.id), watch.ended
        watch = self.teller.settle(db, alert, replace(watch, ended=False), seen.mutes[alert.id], now)
        done.update(row.action for row in history_of(db, alert.id) if row.number >= before)
        if was_ended:
            watch = self._tell_taken_back(db, alert, watch, now, done)
        if not watch.muted and (was_muted or watch.owed):
            done["told"] += self.teller.speak(db, alert, watch, now)
            watch = watch_of(db, alert.id) or watch
        if not watch.muted:
            watch = self._tell_level(db, alert, watch, now)
        watch = self._moved_up(alert, watch, now)
        if not watch.muted and alert.state is AlertState.NEW:
            watch = self._repeat(db, alert, watch, now, done)
            watch = self._escalate(db, alert, watch, now, done)
        save_watch(db, watch)
        if not watch.muted:
            self.teller.changed(db, alert)
        self._all_clear(db, alert, seen, now, done)
        return +done

    def _tell_taken_back(self, db: Connection, alert: Alert, watch: Watch, now: datetime, done: Counter[str]) -> Watch:
        """A person took an end back that was told: who heard of it hears that the alert is open again."""
        if watch.owed:
            return watch
        if watch.muted:
            return replace(watch, owed="reopened") if mails_told(db, alert.id) else watch
        number = max(row.number for row in history_of(db, alert.id) if row.action in ("reopen", "undo"))
        done["told"] += self.teller.opened_again(db, alert, number=number, now=now)
        return watch

    def _tell_level(self, db: Connection, alert: Alert, watch: Watch, now: datetime) -> Watch:
        """A person set another level: who is told of that level hears of it."""
        if watch.level in (0, alert.level):
            return replace(watch, level=alert.level)
        number = history_of(db, alert.id)[-1].number
        if alert.level > watch.level:
            self.teller.tell(db, alert, watch, what="raised", number=number, now=now)
        else:
            self.teller.lowered(db, alert, watch, number=number, now=now)
        return watch_of(db, alert.id) or watch

    def _repeat(self, db: Connection, alert: Alert, watch: Watch, now: datetime, done: Counter[str]) -> Watch:
        remind = self.teller.duty.book.of_level(alert.level).remind
        if watch.repeat_at is None or watch.repeat_at > now:
            return watch
        if watch.repeats >= remind.most or self._given_up(watch, now):
            return replace(watch, repeat_at=None)
        at = self.teller.duty.telling_time(alert.level, now)
        if at > now:
            return replace(watch, repeat_at=at)
        planner, number = self.teller.planner, next_history_number(db, alert.id)
        planned = 0
        if planner is not None and mails_told(db, alert.id):
            also = [person.mail for person in self.teller.duty.told_at_once(alert.level, now)]
            planned = planner.plan(db, alert, what="repeated", number=number, now=now, also=also, anew=True)
        if planned:
            add_event(db, alert, "repeated", "not_accepted", f"第 {watch.repeats + 1} 次提醒，{planned} 人", now)
            done["repeated"] += 1
        repeats = watch.repeats + 1
        following = now + remind.after(repeats) if repeats < remind.most else None
        return replace(watch, repeats=repeats, repeat_at=following)

    def _escalate(self, db: Connection, alert: Alert, watch: Watch, now: datetime, done: Counter[str]) -> Watch:
        duty, planner = self.teller.duty, self.teller.planner
        chain = duty.book.of_level(alert.level).chain
        if watch.step_at is None or watch.step_at > now:
            return watch
        if watch.steps + 1 >= len(chain) or self._given_up(watch, now):
            return replace(watch, step_at=None)
        at = duty.telling_time(alert.level, now)
        if at > now:
            return replace(watch, step_at=at)
        step, post = watch.steps + 1, duty.book.posts[chain[watch.steps + 1]]
        people = duty.on_duty(chain[step], now)
        if planner is not None:
            mails = [person.mail for person in people] or planner.province_desk
            number = next_history_number(db, alert.id)
            planner.mail(db, alert, mails, what="escalated", number=number, now=now)
        names = "、".join(person.name for person in people) or "未排人，告知省局值班席"
        since = f"自 {beijing(watch.since):%m-%d %H:%M} 告知" if watch.since else ""
        note = f"{since}逾期未受理，升至{post.title}（{names}）"
        add_event(db, alert, "escalated", "ack_overdue", note, now, more={"post": chain[step], "step": step})
        done["escalated"] += 1
        last = step + 1 >= len(chain)
        return replace(watch, steps=step, step_at=None if last else now + duty.ack(alert.level))

    def _given_up(self, watch: Watch, now: datetime) -> bool:
        return watch.since is None or now - watch.since > self.teller.duty.book.watch_for

    def _moved_up(self, alert: Alert, watch: Watch, now: datetime) -> Watch:
        """What is due later than it can be, since a clock was set back, is due as if the last step were now."""
        duty = self.teller.duty
        latest = duty.telling_time(alert.level, now)
        repeat = latest + duty.book.of_level(alert.level).remind.after(watch.repeats)
        step = latest + duty.ack(alert.level)
        return replace(
            watch,
            since=min(watch.since, latest) if watch.since else None,
            repeat_at=min(watch.repeat_at, repeat) if watch.repeat_at else None,
            step_at=min(watch.step_at, step) if watch.step_at else None,
        )

    # --- the end of a story -------------------------------------------------------------------------------------

    def _silent(self, alert: Alert, seen: Seen, now: datetime) -> bool:
        return now - max(alert.updated_at, alert.created_at) >= self._quiet_span(alert, seen)

    def _quiet_span(self, alert: Alert, seen: Seen) -> timedelta:
        spans = self.teller.life.all_clear
        return spans.statistical if alert.id in seen.windowed else spans.others

    def _all_clear(self, db: Connection, alert: Alert, seen: Seen, now: datetime, done: Counter[str]) -> None:
        """Propose the end of a silent matter; a low one that nobody accepted may be ended, where configured."""
        details = alert_details(db, alert.id)
        if (
            details.get("all_clear")
            or details.get("ends_itself")
            or alert.state not in IN_WORK
            or not self._silent(alert, seen, now)
        ):
            return
        woken = max((row.at for row in history_of(db, alert.id) if row.action in ("reopen", "reopened")), default=None)
        span = self._quiet_span(alert, seen)
        if woken is not None and now - woken < span:
            return
        worst = max(alert.level, int(details.get("worst", 1)))
        since = f"{beijing(alert.updated_at):%m-%d %H:%M} 以来没有新的信号（满 {span.days or 1} 日）"
        if alert.state is AlertState.NEW and self.teller.life.all_clear.may_close(worst, gone=False):
            closed = replace(alert, state=AlertState.CLOSED, due_at=None)
            save_alert(db, closed, details=details | ended_details(alert, now) | {"end_reason": "quiet"})
            number = add_event(db, closed, "closed", "quiet", f"{since}，按配置由系统办结", now)
            watch = watch_of(db, alert.id) or Watch(alert.id)
            self.teller.tell_end(db, closed, watch, what="closed", number=number or 0, now=now)
            done["closed"] += 1
            return
        save_alert(db, alert, details={**details, "all_clear": {"reason": "quiet", "at": now.isoformat()}})
        add_event(db, alert, "all_clear", "quiet", f"{since}，建议解除，由人决定", now)
        done["all_clear"] += 1

    def _end(self, db: Connection, alert: Alert, now: datetime, _seen: Seen) -> Counter[str]:
        watch = watch_of(db, alert.id)
        what = END_WORDS.get(alert.state)
        if watch is None or watch.ended or what is None:
            return Counter()
        if alert_details(db, alert.id).get("merged_into"):
            watch = replace(watch, silence=watch.silence or "merged")  # it goes on in another alert: nothing is told
        number = history_of(db, alert.id)[-1].number
        told = self.teller.tell_end(db, alert, watch, what=what, number=number, now=now)
        return +Counter(told=told)


def _marks(watch: Watch | None) -> tuple[str | None, str | None]:
    return (watch.silence, watch.under) if watch else (None, None)


def _wanted(mute: Mute | None) -> tuple[str | None, str | None]:
    silence = mute.silence.id if mute and mute.silence else None
    return silence, mute.under.id if mute and mute.under else None


def _ripe(watch: Watch, now: datetime) -> bool:
    return any(at is not None and at <= now for at in (watch.repeat_at, watch.step_at))


def _windowed(db: Connection, alert: str | None = None) -> frozenset[str]:
    """The alerts (or this one) whose deciding rule counts in windows: its findings have a beginning and an end."""
    query = select(alert_table.c.id).join(
        findings, (findings.c.alert == alert_table.c.id) & (findings.c.rule == alert_table.c.rule)
    )
    spans = findings.c.window_start < findings.c.window_end
    if alert is not None:
        query = query.where(alert_table.c.id == alert)
    return frozenset(db.execute(query.where(spans, findings.c.withdrawn_at.is_(None)).distinct()).scalars())
