"""敏感期: an event or firm is declared sensitive for some hours; its page then renews itself by the live stream."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.responses import Response

from alerts.sensitive import declare, end
from config.alert_life import AlertLife
from core.errors import UsageError
from store import events as book
from store.registry import find_entry
from store.schema import documents, enterprises
from store.sensitive import EVENT, FIRM, Period, find_period, running_of, running_periods
from web.access import ROLE_NAMES
from web.history import people
from web.names import NIL, firm_names
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
HOUR = timedelta(hours=1)
KINDS = {EVENT: "事件", FIRM: "企业"}


@dataclass(frozen=True)
class Line:
    """A running period as the first page lists it. href: of the page it is about."""

    period: Period
    name: str
    href: str


@router.post("/sensitive/start")
def start(visit: Here, form: Posted) -> Response:
    """Declare the event or firm of a page sensitive for some hours; back to that page."""
    kind, subject = str(form.get("kind", "")), str(form.get("subject", "")).strip()[:200]
    now, once = visit.services.clock(), once_of(form)
    hours, reason = str(form.get("hours", "")).strip(), " ".join(str(form.get("reason", "")).split())
    try:
        if not (hours.isascii() and hours.isdecimal() and len(hours) <= 4):
            raise UsageError("时长须填写整数小时")
        with visit.services.store.write() as db:
            subject, href = _subject(db, visit, kind, subject)
            until = now + int(hours) * HOUR
            one = Period(0, kind, subject, visit.me.user.territory, reason, visit.me.name, now, until)
            declare(db, one, longest=_longest(visit), once=once, now=now)
    except UsageError as problem:
        raise Refused(400, f"没有设为敏感期：{problem}。请返回填写。") from problem
    return redirect(f"{href}#sensitive")


@router.post("/sensitive/{number}/end")
def end_one(visit: Here, form: Posted, number: int) -> Response:
    """End one before its time; back to the page it is about."""
    try:
        with visit.services.store.write() as db:
            one = find_period(db, number)
            if one is None:
                raise Refused(404, "没有这段敏感期。")
            if not visit.me.may_end_period(one):
                raise Refused(403, f"这段敏感期由设定它的属地及以上的{ROLE_NAMES['officer']}及以上角色结束。")
            end(db, one, by=visit.me.name, now=visit.services.clock())
            href = _href(db, one)
    except UsageError as problem:
        raise Refused(409, f"没有结束：{problem}。") from problem
    return redirect(href)


def sensitive_part(
    db: Connection, visit: Visit, kind: str, subject: str, codes: Collection[str | None]
) -> dict[str, Any]:
    """What the page of an event or firm shows. codes: the region codes of its subject."""
    running = running_of(db, kind, subject, visit.services.clock())
    seen = running if running is not None and visit.me.sees_period(running, codes) else None
    return {
        "sensitive": seen,
        "sensitive_by": people(db).get(seen.author, seen.author) if seen else "",
        "sensitive_end": seen is not None and visit.me.may_end_period(seen),
        "sensitive_may": running is None and visit.me.may_declare(codes),
        "sensitive_of": (kind, subject),
        "sensitive_hours": int(_longest(visit) / HOUR),
    }


def sensitive_lines(db: Connection, visit: Visit) -> list[Line]:
    """The running periods of the viewer's territory, the one that ends first in front."""
    found = running_periods(db, visit.services.clock())
    if not found:
        return []
    firms = [one.subject for one in found if one.kind == FIRM]
    names, places = firm_names(db, firms), firm_places(db, firms)
    lines = []
    for one in found:
        event = book.find_event(db, one.subject) if one.kind == EVENT else None
        codes = event.facts.get("territories", ()) if event else places.get(one.subject, ())
        if visit.me.sees_period(one, codes):
            name = f"{event.number} {event.title}" if event else names.get(one.subject, one.subject)
            lines.append(Line(one, name, f"/events/{event.number}" if event else _firm_href(one.subject)))
    return lines


def firm_places(db: Connection, firms: Iterable[str]) -> dict[str, frozenset[str | None]]:
    """Where each of the firms is: as registered; one in no list is where its signals are."""
    ids = sorted(set(firms))
    query = select(enterprises.c.id, enterprises.c.region_code).where(enterprises.c.id.in_(ids))
    found: dict[str, frozenset[str | None]] = {row[0]: frozenset([row[1]]) for row in db.execute(query)}
    for firm in ids:
        if firm.startswith(NIL):
            mine = (documents.c.enterprise == firm, documents.c.latest, documents.c.is_risk)
            places = select(documents.c.jurisdiction).where(*mine).distinct()
            found[firm] = frozenset(db.execute(places).scalars())
    return found


def _subject(db: Connection, visit: Visit, kind: str, subject: str) -> tuple[str, str]:
    """Id and address of what is to be sensitive, if that is this person's to say. Raises Refused, UsageError."""
    codes: Collection[str | None]
    if kind == EVENT:
        event = book.find_event(db, subject)
        if event is None or not visit.me.sees_event(event):
            raise Refused(404, f"没有事件 {subject[:40]}，或不在您的属地之内。")
        subject, href, codes = event.id, f"/events/{event.number}", event.facts.get("territories", ())
    elif kind == FIRM and subject:
        codes, href = firm_places(db, [subject]).get(subject, frozenset()), _firm_href(subject)
        if not codes and (subject.startswith(NIL) or find_entry(db, subject) is None):
            raise Refused(404, f"没有企业 {subject.removeprefix(NIL)[:60]}：名录中没有，也没有信号提到它。")
    else:
        raise UsageError(f"须指明{'或'.join(KINDS.values())}")
    if not visit.me.may("sensitive"):
        raise Refused(403, f"敏感期由{ROLE_NAMES['officer']}及以上角色设定。")
    if not visit.me.may_declare(codes):
        raise Refused(403, f"这{'起' if kind == EVENT else '家'}{KINDS[kind]}不在您的属地之内。")
    return subject, href


def _href(db: Connection, one: Period) -> str:
    event = book.find_event(db, one.subject) if one.kind == EVENT else None
    return f"/events/{event.number}" if event else _firm_href(one.subject)


def _firm_href(firm: str) -> str:
    return f"/enterprises/{quote(firm, safe='')}"


def _longest(visit: Visit) -> timedelta:
    parts = visit.services.rule_parts
    return (parts.life if parts else AlertLife()).sensitive.longest
