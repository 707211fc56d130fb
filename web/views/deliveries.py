"""通知记录: what was sent to whom, each try with its answer, and why one waits; sending again, tests, addresses."""

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from config.routes import channel_of
from core.clock import iso_beijing
from core.ids import digest, short_id
from core.records import LEVEL_COLOURS, Notification
from store import audit
from store.alert_log import add_delivery, find_alert, find_delivery, send_again, send_anew
from store.ledger_list import entries_by_id
from store.mail_book import forget_failing, noted_addresses, turn_on
from web.access import MAY, ROLE_NAMES
from web.deliveries import FILTERS, OUTCOMES, PAGE_SIZE, Log, read_asked
from web.history import people
from web.names import DELIVERY_STATES
from web.recipients import Recipients
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
TEST = "test"
NOT_YOURS = "通知记录中没有这一条，或不在你的属地内。"


@router.get("/deliveries")
def show_deliveries(visit: Here) -> Response:
    """The log, of alerts this viewer sees, with its filters in the address."""
    asked, told = read_asked(visit.request.query_params), Recipients(visit.services, visit.me)
    with visit.services.store.read() as db:
        log = Log(db, visit.me, asked, visit.services.clock(), told.is_own)
        found = log.found()
        start = (asked.page - 1) * PAGE_SIZE
        lines = log.lines(found[start : start + PAGE_SIZE])
        choices = {name: log.choices(name) for name in FILTERS if name != "alert"}
        named = people(db)
        addresses = [one for one in noted_addresses(db) if told.is_own(one.address)]
    number = next((line.number for line in lines if line.alert == asked.alert), asked.alert)
    labels: Mapping[str, Callable[[str], str]] = {
        "state": lambda key: DELIVERY_STATES[key][0],
        "channel": told.channel,
        "recipient": told.told,
        "alert": lambda key: number,
    }
    return visit.page(
        "deliveries.html", asked=asked, lines=lines, total=len(found), all=len(log.rows), choices=choices,
        FILTERS=FILTERS, OUTCOMES=OUTCOMES, first_row=start + 1, last_row=start + len(lines),
        label=lambda name, value: labels[name](value) if name in labels else value,
        channel=told.channel, told=told.told, addresses=addresses, colours=LEVEL_COLOURS, people=named,
        tests=[(address, told.told(address), told.channel(channel_of(address))) for address in told.own],
    )  # fmt: skip


@router.post("/deliveries/{delivery}/again")
def again(visit: Here, form: Posted, delivery: str) -> Response:
    """Send one again: the very same message, or, where the person says so, a new one."""
    _needs(visit, "resend", "重发通知")
    anew, once, now = form.get("anew") == "on", once_of(form), visit.services.clock()
    with visit.services.store.write() as db:
        found = find_delivery(db, delivery)
        if found is None or not _sees(db, visit, found[0]):
            raise Refused(404, NOT_YOURS)
        notice = found[0]
        new_id = f"{notice.id.partition('-')[0]}-{int(digest(once)[:6], 16) % 1000}"
        done = (
            send_anew(db, notice.id, new_id, by=visit.me.name, now=now)
            if anew
            else send_again(db, notice.id, by=visit.me.name, now=now)
        )
        if done:
            more = {"recipient": notice.recipient, **({"as": new_id} if anew else {})}
            audit.note(db, visit.me.name, "resend", notice.id, at=now, details=more)
    if not done:
        raise Refused(409, "没有重发：这一条正在发送或已在排队。请刷新后看状态。")
    return redirect(f"/deliveries?{urlencode({'recipient': notice.recipient})}")


@router.post("/deliveries/test")
def test_message(visit: Here, form: Posted) -> Response:
    """Put a message that only says that messages arrive into the outbox, to a recipient of routes.yml."""
    _needs(visit, "channel_test", "发测试通知")
    to, once, now = str(form.get("to", "")), once_of(form), visit.services.clock()
    if to not in Recipients(visit.services, visit.me).own:
        raise Refused(400, "没有发出：收件人须是派送配置（routes.yml）中你属地内的一位。请返回选择。")
    at = iso_beijing(now)[:16].replace("T", " ")
    text = f"烽燧测试通知，{at}，由 {visit.me.user.display_name} 发出。收到说明这一渠道可用，不必回复。"
    demo = "[演示] " if visit.services.demo else ""
    made = short_id("n", TEST, to, once)
    notice = Notification(made, channel_of(to), to, f"{demo}[测试] 烽燧", text, "", details={"kind": TEST})
    with visit.services.store.write() as db:
        if add_delivery(db, notice, now=now, what=TEST):
            audit.note(db, visit.me.name, "channel_test", to, at=now, details={"delivery": made})
    return redirect(f"/deliveries?{urlencode({'recipient': to})}")


@router.post("/deliveries/address")
def settle_address(visit: Here, form: Posted) -> Response:
    """Take the mark of a failing address off, or send it again what its owner turned off."""
    _needs(visit, "mail_address", "处理邮件地址")
    address, now = str(form.get("address", ""))[:320], visit.services.clock()
    if not Recipients(visit.services, visit.me).is_own(address):
        raise Refused(403, NOT_YOURS)
    with visit.services.store.write() as db:
        if form.get("do") == "heal" and forget_failing(db, address):
            audit.note(db, visit.me.name, "mail_heal", address, at=now)
        if form.get("do") == "on" and turn_on(db, address):
            audit.note(db, visit.me.name, "mail_on", address, at=now)
    return redirect("/deliveries#addresses")


def _needs(visit: Visit, action: str, what: str) -> None:
    if not visit.me.may(action):
        raise Refused(403, f"{what}须{ROLE_NAMES[MAY[action]]}及以上角色。")


def _sees(db: Connection, visit: Visit, notice: Notification) -> bool:
    if visit.me.everywhere:
        return True
    if notice.alert is not None:
        alert = find_alert(db, notice.alert)
        return alert is not None and visit.me.sees_alert(alert)
    if notice.entry is not None:
        return any(map(visit.me.sees_entry, entries_by_id(db, [notice.entry]).values()))
    return Recipients(visit.services, visit.me).is_own(notice.recipient)
