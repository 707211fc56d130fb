"""The signed links of mails: a receipt, and turning mails off. They need no sign-in: the link is the key.

Looking changes nothing, for mail scanners look too; a POST does, with one click (RFC 8058) or by the button. The page
names the alert by its number and says nothing else of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from alerts.mail_message import may_be_turned_off
from core.clock import beijing
from core.errors import StoreError
from core.records import LEVEL_COLOURS, Notification
from store import audit
from store.alert_log import find_alert, find_delivery
from store.link_key import Purpose
from store.mail_book import address_states, note_receipt, turn_off_below, turn_off_digest, turn_on
from web.security import address_of
from web.services import Services
from web.views.signin import TOO_MANY, at_the_door

router = APIRouter(include_in_schema=False)
GONE = "这个链接已过期，或地址抄漏了。最近一封邮件中有新的链接。"


@dataclass(frozen=True)
class Asked:
    """What a link stands for. done_at: when it was done before; None: it was not.  off: what it turns off."""

    notice: Notification
    number: str
    done_at: datetime | None
    off: Literal["digest", "below"] | None

    @property
    def below(self) -> int:
        """Mails of alerts below this level are turned off."""
        return min(self.notice.level + 1, 4)


@router.get("/mail/{purpose}/{token}")
def show_link(request: Request, purpose: Purpose, token: str) -> Response:
    """What the button would do."""
    services: Services = request.app.state.services
    with services.store.read() as db:
        asked = _asked(db, services, purpose, token)
    return _page(request, purpose, token, asked)


@router.post("/mail/{purpose}/{token}")
async def follow_link(request: Request, purpose: Purpose, token: str) -> Response:
    """Do it; doing it again changes nothing."""
    form = await request.form(max_files=0, max_fields=10)
    return await run_in_threadpool(_do, request, purpose, token, form.get("again") == "on")


def _do(request: Request, purpose: Purpose, token: str, back: bool) -> Response:
    services: Services = request.app.state.services
    now = services.clock()
    if not request.app.state.mail_throttle.allows(address_of(request), now):
        return _page(request, purpose, token, None, problem=TOO_MANY, status=429)
    with services.store.write() as db:
        asked = _asked(db, services, purpose, token)
        if asked is not None:
            _note(db, asked, purpose, back, now)
            asked = _asked(db, services, purpose, token)
    return _page(request, purpose, token, asked)


def _note(db: Connection, asked: Asked, purpose: Purpose, back: bool, now: datetime) -> None:
    address, told = asked.notice.recipient, {"delivery": asked.notice.id}
    if purpose == "receipt":
        if note_receipt(db, asked.notice.id, now):
            audit.note(db, address, "mail_receipt", asked.number, at=now, details=told)
    elif back:
        if turn_on(db, address):
            audit.note(db, address, "mail_on", address, at=now, details=told)
    elif asked.off == "digest":
        if turn_off_digest(db, address, now):
            audit.note(db, address, "mail_off", address, at=now, details={**told, "what": "digest"})
    elif turn_off_below(db, address, asked.below, now):
        audit.note(db, address, "mail_off", address, at=now, details={**told, "below": asked.below})


def _asked(db: Connection, services: Services, purpose: Purpose, token: str) -> Asked | None:
    try:
        delivery = services.mail_links.key.delivery_of(purpose, token[:200], services.clock())
    except (StoreError, OSError):  # no key, no link of ours
        return None
    row = find_delivery(db, delivery) if delivery else None
    if row is None:
        return None
    notice, receipt_at = row
    alert = find_alert(db, notice.alert) if notice.alert else None
    off = may_be_turned_off(notice)
    known = address_states(db, [notice.recipient]).get(notice.recipient)
    if purpose == "receipt":
        return Asked(notice, alert.number, receipt_at, off) if alert else None
    if off is None:
        return None
    done = None
    if known is not None and off == "digest":
        done = known.no_digest_at
    elif known is not None and known.lowest > notice.level:
        done = known.lowest_at
    return Asked(notice, alert.number if alert else "", done, off)


def _page(
    request: Request, purpose: Purpose, token: str, asked: Asked | None, *, problem: str = "", status: int = 0
) -> Response:
    return at_the_door(
        request, "mail_door.html", status=status or (200 if asked else 404), purpose=purpose, token=token, asked=asked,
        clock=lambda moment: f"{beijing(moment):%m-%d %H:%M}",
        problem=problem or ("" if asked else GONE), colour=LEVEL_COLOURS[asked.below] if asked else "",
    )  # fmt: skip
