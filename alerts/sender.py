"""Sends what lies in the outbox: claims, retries with growing pauses, logs every attempt.

Nothing is sent twice. A delivery is claimed by one conditional update; just before the message itself goes over the
wire the store is told (`handing`). A sender that dies earlier has sent nothing, and the delivery is tried again; one that
dies later leaves it `unsure`: the desk shows it and a person decides (store.alert_log.resend_unsure).
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from core.clock import Clock
from core.errors import DeliveryError
from core.logs import log_event
from core.records import Notification
from store.alert_log import Delivery, claim_delivery, note_handover, recover_deliveries, settle_delivery
from store.database import Store
from store.runs import beat

logger = logging.getLogger(__name__)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)


class Channel(Protocol):
    """A way to reach people, see alerts/notifiers."""

    def send(self, notification: Notification, *, at: datetime, handing_over: Callable[[], None]) -> str:
        """Deliver once and return the answer. Raises DeliveryError."""


def pause_after(attempt: int) -> timedelta:
    """How long to wait after the n-th failed attempt (from 1): 30 s, doubling, at most an hour."""
    doubled: timedelta = FIRST_PAUSE * 2 ** min(max(attempt, 1) - 1, 12)
    return min(doubled, LONGEST_PAUSE)


def send_due(store: Store, channels: Mapping[str, Channel], *, clock: Clock, who: str, limit: int = 200) -> int:
    """Send what is due, gravest first; returns how many were accepted. Safe to run in several processes at once."""
    with store.write() as db:
        retried, unsure = recover_deliveries(db, now=clock())
    if retried or unsure:
        log_event(logger, "deliveries recovered", level=logging.WARNING, retried=retried, unsure=unsure)
    sent = 0
    for _ in range(limit):
        with store.write() as db:
            delivery = claim_delivery(db, who=who, now=clock())
        if delivery is None:
            break
        sent += _send_one(store, channels, delivery, clock=clock, who=who)
    return sent


def _send_one(store: Store, channels: Mapping[str, Channel], delivery: Delivery, *, clock: Clock, who: str) -> bool:
    notification = delivery.notification
    started = time.monotonic()

    def handing_over() -> None:
        with store.write() as db:
            if not note_handover(db, notification.id, who=who, now=clock()):
                raise DeliveryError("另一个发送进程已接手", retry=True)

    outcome, again = "sent", None
    try:
        channel = channels.get(notification.channel)
        if channel is None:
            raise DeliveryError(f"渠道 {notification.channel} 未配置", retry=True)
        answer = channel.send(notification, at=delivery.created_at, handing_over=handing_over)
    except DeliveryError as error:
        answer, outcome = str(error), "retry" if error.retry else "refused"
        again = clock() + pause_after(delivery.attempts) if error.retry else None
    with store.write() as db:
        settle_delivery(
            db,
            notification.id,
            attempt=delivery.attempts,
            outcome=outcome,
            answer=answer,
            seconds=time.monotonic() - started,
            at=clock(),
            again=again,
        )
    log_event(logger, f"delivery {outcome}", delivery=notification.id[:12], alert=notification.alert, answer=answer)
    return outcome == "sent"


def send_until(
    stop: threading.Event, store: Store, channels: Mapping[str, Channel], *, clock: Clock, every: float = 2.0
) -> None:
    """The sender process: send what is due, look again every few seconds, until `stop` is set."""
    who = f"sender-{socket.gethostname()}-{os.getpid()}"
    while not stop.is_set():
        with store.write() as db:
            beat(db, "sender", pid=os.getpid(), now=clock())
        send_due(store, channels, clock=clock, who=who)
        stop.wait(every)
