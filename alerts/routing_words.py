"""A route for people and for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from alerts.router import Notice
from alerts.routing import Route, Told
from core.records import LEVEL_COLOURS, Alert


def route_json(alert: Alert, route: Route, notices: Iterable[Notice], confirmation: str | None) -> dict[str, Any]:
    """What `fengsui route --json` prints. confirmation: who confirmed a red alert; None for another one."""
    return {
        "id": alert.id,
        "number": alert.number,
        "level": alert.level,
        "territory": alert.territory,
        "dispatch": route.dispatch,
        "no_dispatch": route.no_dispatch or None,
        "human_confirm": route.confirm,
        "confirmation": confirmation,
        "owner": _told(route.owner),
        "told": [_told(one) for one in route.told],
        "steps": [{"what": what, "found": found} for what, found in route.steps],
        "recipients": [
            {"name": one.recipient.name, "mail": one.recipient.mail, "told": one.told, "why": one.why}
            for one in notices
        ],
    }


def _told(one: Told) -> dict[str, Any]:
    return {
        "code": one.organisation.code,
        "name": one.organisation.name,
        "sort": one.organisation.sort,
        "role": one.role,
        "why": list(one.why),
        "how": one.how,
        "by_hand": one.by_hand,
    }


def route_lines(alert: Alert, route: Route, notices: Iterable[Notice], confirmation: str | None) -> Iterator[str]:
    """The same, to read."""
    yield f"{alert.number}  {LEVEL_COLOURS[alert.level]}  {alert.title}"
    for what, found in route.steps:
        yield f"  {what}：{found}"
    if route.no_dispatch:
        yield f"  不派单：{route.no_dispatch}"
    if route.confirm:
        yield f"  人工确认：{confirmation or '须人工确认'}"
    for one in route.everybody:
        yield f"{one.role}  {one.organisation.name}（{one.organisation.code}），{one.how}"
        yield from (f"      {why}" for why in one.why)
    yield "邮件（config/routes.yml）："
    listed = False
    for notice in notices:
        listed = True
        yield f"  {'发' if notice.told else '不发'}  {notice.recipient.name} <{notice.recipient.mail}>：{notice.why}"
    if not listed:
        yield "  没有收件人：在 routes.yml 写 recipients，或设 FENGSUI_MAIL_TO"
