"""Delivers what the outbox holds: claim, hand over, note the answer. A claim is taken once.

A sender that dies before the message itself went over the wire has sent nothing: the delivery is due again when its
claim runs out. One that dies between handing over and noting the answer leaves it in state `handing`; one whose
connection breaks there knows no more. Nobody can tell whether the mail went out, and nothing may be sent twice: it is
marked failed with the reason, and shown in the log.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import DeliveryError
from core.logs import log_event
from core.records import Notification
from store.alert_log import (
    Delivery,
    claim_delivery,
    deliveries_in_doubt,
    free_deliveries,
    note_handover,
    settle_delivery,
)
from store.database import Store

logger = logging.getLogger(__name__)
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 30, 60, 120, 240))
GIVE_UP = timedelta(days=3)
DOUBT = "发送方在记下结果前中断，是否送达不明，不再重发"
BROKEN = "对方答复前连接中断，是否送达不明，不再重发"


class Channel(Protocol):
    """Delivers one notification once."""

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Returns the other end's answer. Raises DeliveryError.

        handing_over is called when only the message itself is left to send; what fails before has not arrived, and
        what fails afterwards without an answer is raised as `unsure`.
        """


def send_due(store: Store, channels: Mapping[str, Channel], *, clock: Clock, who: str) -> int:
    """Deliver everything that is due now. Returns how many were handed over."""
    settle_doubts(store, clock=clock)
    sent = 0
    while True:
        with store.write() as db:
            delivery = claim_delivery(db, who=who, now=clock())
        if delivery is None:
            return sent
        sent += _deliver(store, delivery, channels, clock)


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


def _deliver(store: Store, delivery: Delivery, channels: Mapping[str, Channel], clock: Clock) -> bool:
    notice = delivery.notification
    started = time.monotonic()
    again: datetime | None = None

    def handing_over() -> None:
        with store.write() as db:
            if not note_handover(db, notice.id, attempt=delivery.attempts, now=clock()):
                raise DeliveryError("another sender has taken this delivery over", retry=True)

    try:
        channel = channels.get(notice.channel)
        if channel is None:
            raise DeliveryError(f"channel {notice.channel} is not set up", retry=True)
        outcome, answer = "sent", channel.send(notice, handing_over)
    except DeliveryError as problem:
        young = clock() - delivery.created_at < GIVE_UP
        outcome = "crashed" if problem.unsure else "retry" if problem.retry and young else "refused"
        answer = f"{BROKEN}（{problem}）" if problem.unsure else str(problem)
        if outcome == "retry":
            again = clock() + (problem.after or BACKOFF[min(delivery.attempts - 1, len(BACKOFF) - 1)])
    with store.write() as db:
        settle_delivery(
            db,
            notice.id,
            attempt=delivery.attempts,
            outcome=outcome,
            answer=answer,
            seconds=time.monotonic() - started,
            at=clock(),
            again=again,
        )
    log_event(logger, "delivery", delivery=notice.id, alert=notice.alert, outcome=outcome, attempt=delivery.attempts)
    return outcome == "sent"
