"""操作记录: who did what to what and when, cut to the territory of those who may look."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from core.clock import BEIJING, as_utc
from ledger.words import ACTION_WORDS
from store import audit, users
from web.names import AUDIT_WORDS
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
A_PAGE = 100
LOOKED_AT = 500
"""Rows of the chain that the page checks by itself; `fengsui audit verify` checks all."""
DAMAGE_WORDS = {"changed": "被改动", "missing": "起有缺失", "inserted": "是后来插入的", "rewritten": "被重写"}
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True)
class Asked:
    """What the address asks for. from_, to: days in Beijing, both included."""

    who: str
    what: str
    about: str
    from_: date | None
    to: date | None
    before: int | None

    @property
    def narrowed(self) -> bool:
        """Whether anything is left out."""
        return any((self.who, self.what, self.about, self.from_, self.to))


@router.get("/audit")
def show_audit(visit: Here) -> Response:
    """Rows, newest first, by who, what, about what and when."""
    if not visit.me.may("audit"):
        raise Refused(403, "操作记录由带班和管理员查看。")
    asked = _asked(visit)
    with visit.services.store.read() as db:
        known = users.list_users(db)
        lines = audit.search(
            db, actor=asked.who, action=asked.what, object=asked.about, since=_start(asked.from_),
            until=_start(asked.to + timedelta(days=1)) if asked.to else None, before=asked.before,
            within=visit.me.accounts(known), limit=A_PAGE + 1,
        )  # fmt: skip
        chain = audit.check_chain(db, last=LOOKED_AT) if visit.me.everywhere else None
    return visit.page(
        "audit.html", lines=lines[:A_PAGE], more=lines[A_PAGE - 1].number if len(lines) > A_PAGE else None,
        asked=asked, chain=chain, damage=DAMAGE_WORDS, people={one.name: one.display_name for one in known},
        STEPS=ACTION_WORDS, offered=sorted(one.name for one in known if visit.me.sees_account(one)),
    )  # fmt: skip


def _asked(visit: Visit) -> Asked:
    given = visit.request.query_params
    what = given.get("what", "")
    if what and what not in AUDIT_WORDS:
        raise Refused(400, f"地址中的 what={what[:40]} 不存在。请从“做了什么”中选。")
    before = given.get("before", "")
    if before and not (before.isdecimal() and len(before) < 16):
        raise Refused(400, f"地址中的 before={before[:20]} 不是序号。")
    who, about = given.get("who", "").strip()[:64], given.get("about", "").strip()[:200]
    return Asked(who, what, about, _day(given, "from"), _day(given, "to"), int(before) if before else None)


def _day(given: object, name: str) -> date | None:
    text = str(given.get(name, "")).strip()  # type: ignore[attr-defined]
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Refused(400, f"日期 {text[:20]} 不对。写成 2026-11-23。") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise Refused(400, f"日期 {text[:20]} 太远。请填 {FIRST_DAY:%Y} 至 {LAST_DAY:%Y} 年之间的日子。")
    return day


def _start(day: date | None) -> datetime | None:
    return as_utc(datetime.combine(day, time(), BEIJING)) if day else None
