"""Delivers what the outbox holds: claim, hand over, note the answer. A claim is taken once.

A sender that dies before the message itself went over the wire has sent nothing: the delivery is due again when its
claim runs out. One that dies between handing over and noting the answer leaves it in state `handing`; one whose
connection breaks there knows no more. Nobody can tell whether the mail went out, and nothing may be sent twice: it is
marked failed with the reason, and shown in the log. A mistake of ours with one delivery is noted there and tried
again as a refusal is: the others go on.

A channel whose other end is dead rests for a minute after each vain try, so that a queue of a thousand neither waits
for a thousand timeouts nor fills the log; then one is tried again. What was overtaken meanwhile is not sent.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from alerts.mail_message import DIGEST
from core.clock import Clock
from core.errors import DeliveryError
from core.logs import log_event
from core.measures import DELIVER, TRIES, count, took
from core.records import Notification
from core.traces import tell_span, tracing
from store.alert_log import (
    Delivery,
    claim_delivery,
    deliveries_in_doubt,
    drop_delivery,
    find_alert,
    free_deliveries,
    handed_over,
    note_handover,
    overtaken,
    settle_delivery,
)
from store.database import Store
from store.documents import newest_revisions
from store.mail_book import address_states, forget_failing, note_failing

logger = logging.getLogger(__name__)
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 120, 240))
GIVE_UP = timedelta(days=3)
MINUTE = timedelta(minutes=1)
MOST_TOLD = 20
"""Documents of an alert in whose traces a message about it is told: the newest ones."""
REST = MINUTE
"""How long a channel whose other end is dead is left alone."""
HELD_UP = timedelta(minutes=15)
"""From when on a notice that could have been sent counts as held up."""
STANDING = ("dispatched", "called_back")
"""Kinds of notices that nothing stands in for, nor they for others: a dispatch, and its end."""
DOUBT = "发送方在记下结果前中断，是否送达不明，不再重发"
BROKEN = "对方答复前连接中断，是否送达不明，不再重发"


class Channel(Protocol):
    """Delivers one notification once."""

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Returns the other end's answer. Raises DeliveryError.

        handing_over is called when only the message itself is left to send; what fails before has not arrived, and
        what fails afterwards without an answer is raised as `unsure`.
        """


@dataclass
class Flow:
    """What a sender remembers from one look to the next: which channels rest, and what it tried in the last minute.

    per_minute: how many of a channel at most, whichever sender sends them: what others sent stands in the store.  What
    is left out is bounded by its own notifier.
    """

    per_minute: Mapping[str, int] = field(default_factory=dict)
    _rests: dict[str, datetime] = field(default_factory=dict)
    _tried: dict[str, deque[datetime]] = field(default_factory=dict)

    def closed(self, now: datetime) -> list[str]:
        """The channels that take nothing now."""
        resting = [name for name, until in self._rests.items() if now < until <= now + REST]
        return [*resting, *(name for name in self.per_minute if self._full(name, now))]

    def closed_to_all(self, db: Connection, now: datetime) -> list[str]:
        """Those of which all senders together sent as many as may be sent in a minute."""
        return [name for name, most in self.per_minute.items() if handed_over(db, name, now - MINUTE, now) >= most]

    def rest(self, channel: str, now: datetime) -> None:
        """Its other end is dead."""
        self._rests[channel] = now + REST

    def count(self, channel: str, now: datetime) -> None:
        """One was tried."""
        self._tried.setdefault(channel, deque(maxlen=10_000)).append(now)

    def _full(self, channel: str, now: datetime) -> bool:
        tried = self._tried.get(channel, deque())
        while tried and not timedelta(0) <= now - tried[0] < MINUTE:
            tried.popleft()
        return len(tried) >= self.per_minute[channel]


def send_due(store: Store, channels: Mapping[str, Channel], *, clock: Clock, who: str, flow: Flow | None = None) -> int:
    """Deliver everything that is due now. Returns how many were handed over."""
    settle_doubts(store, clock=clock)
    sent, flow = 0, flow or Flow()
    while True:
        with store.write() as db:
            closed = {*flow.closed(clock()), *flow.closed_to_all(db, clock())}
            delivery = claim_delivery(db, who=who, now=clock(), but=closed)
            dropped = delivery is not None and _is_left_out(db, delivery, clock())
        if delivery is None:
            return sent
        if not dropped:
            sent += _deliver(store, delivery, channels, clock, flow)


def _is_left_out(db: Connection, delivery: Delivery, now: datetime) -> bool:
    """Whether a claimed delivery is not sent: overtaken, or a digest turned off by its reader while it waited."""
    if delivery.notification.details.get("by_hand"):  # a person wants it sent
        return False
    if _is_stale(db, delivery, now):
        drop_delivery(db, delivery, "replaced")
        return True
    if _is_off(db, delivery.notification):
        drop_delivery(db, delivery, "withdrawn")
        return True
    return False


def _is_off(db: Connection, notice: Notification) -> bool:
    if notice.details.get("kind") != DIGEST:
        return False
    off = address_states(db, [notice.recipient]).get(notice.recipient)
    return off is not None and off.no_digest_at is not None


def _is_stale(db: Connection, delivery: Delivery, now: datetime) -> bool:
    """Whether it was held up, and what it says was said again since. What comes in its time is never left out."""
    held_up = delivery.attempts > 1 or now - delivery.due_at > HELD_UP
    return held_up and overtaken(db, delivery, standing=STANDING)


def settle_doubts(store: Store, *, clock: Clock) -> int:
    """Close deliveries whose sender died in the middle; returns how many."""
    with store.write() as db:
        free_deliveries(db, now=clock())
        doubtful = deliveries_in_doubt(db, now=clock())
        for one in doubtful:
            settle_delivery(
                db,
                one.notification.id,
                attempt=one.attempts,
                outcome="crashed",
                answer=DOUBT,
                seconds=0.0,
                at=clock(),
                again=None,
            )
    return len(doubtful)


def _as_refusal(problem: Exception, delivery: Delivery, *, unsure: bool) -> DeliveryError:
    """What a delivery failed of. A mistake of ours is told by its kind and place alone: keys may stand in its words."""
    if isinstance(problem, DeliveryError):
        return problem
    trace = problem.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    kind = type(problem).__name__
    log_event(
        logger, "delivery_mistake", level=logging.ERROR, delivery=delivery.notification.id, problem=kind, where=where
    )
    return DeliveryError(f"程序出错（{kind}，{where}），请把这一行告诉维护人员", retry=True, unsure=unsure)


def _deliver(store: Store, delivery: Delivery, channels: Mapping[str, Channel], clock: Clock, flow: Flow) -> bool:
    notice = delivery.notification
    refused: DeliveryError | None = None
    flow.count(notice.channel, clock())
    started = time.monotonic()
    again: datetime | None = None
    handed = False

    def handing_over() -> None:
        nonlocal handed
        with store.write() as db:
            if not note_handover(db, notice.id, attempt=delivery.attempts, now=clock()):
                raise DeliveryError("another sender has taken this delivery over", retry=True)
        handed = True

    try:
        channel = channels.get(notice.channel)
        if channel is None:
            raise DeliveryError(f"channel {notice.channel} is not set up", retry=True)
        outcome, answer = "sent", channel.send(notice, handing_over)
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is this delivery's, and the others go on
        refused = problem = _as_refusal(problem, delivery, unsure=handed)
        if problem.about == "server":
            flow.rest(notice.channel, clock())
        young = clock() - delivery.created_at < GIVE_UP
        outcome = "crashed" if problem.unsure else "retry" if problem.retry and young else "refused"
        answer = f"{BROKEN}（{problem}）" if problem.unsure else str(problem)
        if outcome == "retry":
            again = clock() + (problem.after or BACKOFF[min(delivery.attempts - 1, len(BACKOFF) - 1)])
    seconds = time.monotonic() - started
    took(DELIVER, notice.channel, seconds)
    count(TRIES, outcome)
    answer = answer.replace("\0", "\ufffd")  # PostgreSQL takes no NUL
    with store.write() as db:
        settled = settle_delivery(
            db,
            notice.id,
            attempt=delivery.attempts,
            outcome=outcome,
            answer=answer,
            seconds=seconds,
            at=clock(),
            again=again,
        )
        if settled and notice.channel == "mail" and refused is None:
            forget_failing(db, notice.recipient, kinds=["refused"])
        elif settled and notice.channel == "mail" and refused is not None and refused.about == "address":
            note_failing(db, notice.recipient, "refused", answer=answer, delivery=notice.id, now=clock())
    if tracing() and notice.alert is not None:
        _tell_spans(store, notice, seconds, outcome)
    what = "delivery" if settled else "delivery settled without us"
    log_event(logger, what, delivery=notice.id, alert=notice.alert, outcome=outcome, attempt=delivery.attempts)
    return outcome == "sent"


def _tell_spans(store: Store, notice: Notification, seconds: float, outcome: str) -> None:
    """A message is a step of the way of each document that its alert rests on."""
    with store.read() as db:
        alert = find_alert(db, notice.alert or "")
        revisions = newest_revisions(db, alert.documents[-MOST_TOLD:] if alert else ())
    now = time.time()
    told = {"alert": notice.alert, "delivery": notice.id, "channel": notice.channel, "outcome": outcome}
    for document, revision in revisions.items():
        tell_span("deliver", document, revision, start=now - seconds, end=now, **told)
