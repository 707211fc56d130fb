"""关注名单: whom somebody wants to hear of, why and until when; lists of one's own and shared ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from core.errors import UsageError
from enterprises.watching import (
    KINDS,
    Resolved,
    Weighing,
    amend_list,
    end_of_day,
    finish_list,
    make_list,
    put_on,
    read_rows,
    read_text,
    resolve,
    take_off,
    weigh,
    write_row,
)
from store import audit
from store.registry import find_entry
from store.watchlists import (
    Given,
    WatchList,
    all_lists,
    find_list,
    find_watched,
    firms_on,
    sizes,
    watched_as,
)
from web.access import ROLE_NAMES
from web.history import people
from web.names import NIL
from web.visit import Here, Posted, Refused, Uploaded, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
PAGE_SIZE, MOST_TRACES, MOST_TOLD = 50, 30, 50
MOST_LOOKED, MOST_UNDECIDED, MOST_TEXT = 2_000, 30, 400_000
"""Rows that the page holds against the registry; of them those that a person decides at once; characters of a field."""
Before = Annotated[int, Query(ge=0, le=1 << 53)]
FLOORS = {0: "不设", 1: "蓝色", 2: "黄色", 3: "橙色", 4: "红色"}
SHARED = {"": "仅本人", "viewer": "属地内所有账号", "officer": "属地内值班员及以上", "supervisor": "属地内带班及以上"}
TRACES = ("watchlist_add", "watchlist_change", "watchlist_end", "watch_firm", "unwatch_firm")


@dataclass(frozen=True)
class ListForm:
    """What stands in the fields of a list, as typed."""

    name: str = ""
    purpose: str = ""
    shared: str = ""
    level: str = "0"


@router.get("/watchlists")
def show_lists(visit: Here, said: str = "") -> Response:
    """The lists this person sees, with how many firms stand on each."""
    return _lists_page(visit, ListForm(), said=_said(said))


@router.post("/watchlists")
def new_list(visit: Here, form: Posted) -> Response:
    """Make a list. Wrong fields: the page again with what is wrong."""
    _may(visit)
    typed, now = _typed(form), visit.services.clock()
    territory = visit.me.user.territory
    one = WatchList("", typed.name, typed.purpose, visit.me.name, territory, typed.shared, int(typed.level), now)
    try:
        with visit.services.store.write() as db:
            made = make_list(db, one, once=once_of(form))
    except UsageError as problem:
        return _lists_page(visit, typed, wrong=str(problem), status=400)
    return redirect(f"/watchlists/{made.id}?said=added")


@router.post("/watchlists/watch")
def watch_firm(visit: Here, form: Posted) -> Response:
    """Put the firm of a page on a list; back to that page."""
    _may(visit)
    firm, now = str(form.get("firm", "")).strip()[:200], visit.services.clock()
    try:
        with visit.services.store.write() as db:
            one = _mine(db, visit, str(form.get("list", "")))
            entry = find_entry(db, firm)
            if entry is None and not firm.startswith(NIL):
                raise UsageError("没有这家企业")
            name = entry.name if entry else firm.removeprefix(NIL)
            put_on(
                db, one, [Given(firm, name)], reason=str(form.get("reason", "")), by=visit.me.name, now=now,
                until=end_of_day(str(form.get("until", ""))),
            )  # fmt: skip
    except UsageError as problem:
        raise Refused(400, f"没有列入：{problem}。请返回填写。") from problem
    return redirect(f"/watchlists/{one.id}?said=watched")


@router.get("/watchlists/{list_id}")
def show_list(
    visit: Here, list_id: str, q: str = "", past: bool = False, before: Before = 0, said: str = ""
) -> Response:
    """One list and its firms."""
    with visit.services.store.read() as db:
        one = _open(db, visit, list_id)
        return _list_page(db, visit, one, q=q.strip()[:60], past=past, before=max(0, before), said=_said(said))


@router.post("/watchlists/{list_id}")
def change_list(visit: Here, form: Posted, list_id: str) -> Response:
    """Change name, purpose, who sees it and the floor."""
    typed, now = _typed(form), visit.services.clock()
    try:
        with visit.services.store.write() as db:
            old = _mine(db, visit, list_id)
            new = replace(old, name=typed.name, purpose=typed.purpose, shared=typed.shared, level=int(typed.level))
            amend_list(db, old, new, by=visit.me.name, now=now)
    except UsageError as problem:
        raise Refused(400, f"没有改：{problem}。请返回填写。") from problem
    return redirect(f"/watchlists/{old.id}?said=changed")


@router.post("/watchlists/{list_id}/end")
def end_list(visit: Here, form: Posted, list_id: str) -> Response:
    """End a list."""
    try:
        with visit.services.store.write() as db:
            one = _mine(db, visit, list_id)
            finish_list(db, one, by=visit.me.name, why=str(form.get("why", "")), now=visit.services.clock())
    except UsageError as problem:
        raise Refused(409, f"没有结束：{problem}。") from problem
    return redirect("/watchlists?said=ended")


@router.post("/watchlists/{list_id}/look")
async def look(visit: Here, form: Uploaded, list_id: str) -> Response:
    """Hold rows against the registry and show what each came to; nothing is written."""
    given = form.get("file")
    body = await given.read() if isinstance(given, UploadFile) and given.filename else b""
    return await run_in_threadpool(_look, visit, form, list_id, body)


def _look(visit: Visit, form: FormData, list_id: str, body: bytes) -> Response:
    with visit.services.store.read() as db:
        one = _mine(db, visit, list_id)
        try:
            rows = read_text(str(form.get("names", ""))[:200_000]) + (read_rows(body) if body else [])
            if not rows:
                raise UsageError("没有企业可列入")
            if len(rows) > MOST_LOOKED:
                raise UsageError(
                    f"页面一次至多核对 {MOST_LOOKED:,} 行，这里有 {len(rows):,} 行。"
                    "请分几次，或用 fengsui watchlist import"
                )
            matcher = visit.services.matchers.matcher()
            weighed = weigh(db, rows, lambda name: matcher.match(name, limit=4), most=MOST_UNDECIDED)
        except UsageError as problem:
            return _list_page(db, visit, one, wrong=f"没有列入：{problem}。", status=400, typed=form)
        return _list_page(db, visit, one, weighed=weighed, typed=form)


@router.post("/watchlists/{list_id}/add")
async def add(visit: Here, form: Uploaded, list_id: str) -> Response:
    """Put firms on it: typed, one a line, and from a file."""
    given = form.get("file")
    body = await given.read() if isinstance(given, UploadFile) and given.filename else b""
    return await run_in_threadpool(_add, visit, form, list_id, body)


def _add(visit: Visit, form: FormData, list_id: str, body: bytes) -> Response:
    now = visit.services.clock()
    try:
        picked = [str(value)[:500] for name, value in form.multi_items() if name == "pick" and value]
        rows = read_text(str(form.get("names", ""))[:MOST_TEXT]) + read_text("\n".join(picked))
        rows += read_rows(body) if body else []
        with visit.services.store.write() as db:
            one = _mine(db, visit, list_id)
            met = resolve(db, rows)
            counted = put_on(
                db, one, met.given, reason=str(form.get("reason", "")), by=visit.me.name, now=now,
                until=end_of_day(str(form.get("until", ""))),
            )  # fmt: skip
    except UsageError as problem:
        with visit.services.store.read() as db:
            one = _open(db, visit, list_id)
            return _list_page(db, visit, one, wrong=f"没有列入：{problem}。", status=400, typed=form)
    rest = {
        "names": str(form.get("rest", "")),
        "reason": str(form.get("reason", "")),
        "until": str(form.get("until", "")),
    }
    with visit.services.store.read() as db:
        return _list_page(db, visit, one, met=met, counted=counted, typed=rest if rest["names"].strip() else None)


@router.post("/watchlists/{list_id}/remove/{number}")
def remove(visit: Here, form: Posted, list_id: str, number: int) -> Response:
    """Take a firm off."""
    try:
        with visit.services.store.write() as db:
            one, row = _mine(db, visit, list_id), find_watched(db, number)
            if row is None or row.list != one.id:
                raise Refused(404, f"{one.id} 上没有这一条。")
            take_off(db, row, by=visit.me.name, why=str(form.get("why", "")), now=visit.services.clock())
    except UsageError as problem:
        raise Refused(409, f"没有移出：{problem}。请返回填写。") from problem
    return redirect(f"/watchlists/{one.id}?said=removed")


def watch_panel(db: Connection, visit: Visit, firm: str) -> dict[str, Any]:
    """What the page of a firm shows: the lists it stands on that this person sees, and those it may be put on."""
    now, mine = visit.services.clock(), []
    if visit.me.may("watch"):
        mine = [one for one in all_lists(db) if one.ended_at is None and visit.me.may_change_watchlist(one)]
    seen = [(one, row) for one, row in watched_as(db, firm, now) if visit.me.sees_watchlist(one)]
    return {"watched": seen, "watch_choices": mine, "watch_people": people(db) if seen else {}}


def _lists_page(visit: Visit, typed: ListForm, *, said: str = "", wrong: str = "", status: int = 200) -> Response:
    now = visit.services.clock()
    with visit.services.store.read() as db:
        found = [one for one in all_lists(db) if visit.me.sees_watchlist(one)]
        counts, who = sizes(db, [one.id for one in found], now), people(db)
    return visit.page(
        "watchlists.html", status=status, lists=found, counts=counts, people=who, typed=typed, said=said, wrong=wrong,
        FLOORS=FLOORS, SHARED=SHARED,
    )  # fmt: skip


def _list_page(
    db: Connection, visit: Visit, one: WatchList, *, q: str = "", past: bool = False, before: int = 0, said: str = "",
    wrong: str = "", status: int = 200, met: Resolved | None = None, counted: tuple[int, int] = (0, 0),
    typed: Mapping[str, Any] | None = None, weighed: Weighing | None = None,
) -> Response:  # fmt: skip
    now = visit.services.clock()
    rows = firms_on(db, one.id, now, past=past, named=q, before=before, limit=PAGE_SIZE + 1)
    traces = [line for line in audit.search(db, object=one.id, limit=200) if line.action in TRACES][:MOST_TRACES]
    return visit.page(
        "watchlist.html", status=status, one=one, rows=rows[:PAGE_SIZE], q=q, past=past, said=said, wrong=wrong,
        older=rows[PAGE_SIZE - 1].number if len(rows) > PAGE_SIZE else 0, size=sizes(db, [one.id], now)[one.id],
        people=people(db), may_change=one.ended_at is None and visit.me.may_change_watchlist(one), met=met,
        counted=counted, most=MOST_TOLD, traces=traces, today=now, nil=NIL,
        typed={key: str(typed.get(key, "")) if typed else "" for key in ("names", "reason", "until")},
        FLOORS=FLOORS, SHARED=SHARED, weighed=weighed, line=write_row, WEIGHED=KINDS, named=_named(visit, weighed),
    )  # fmt: skip


def _named(visit: Visit, weighed: Weighing | None) -> dict[str, str]:
    """Where the candidates sit."""
    every = [one for row in (weighed.undecided if weighed else ()) for one in row.candidates]
    return {one.id: visit.names.region(one.region) if one.region else "属地不详" for one in every}


def _typed(form: FormData) -> ListForm:
    shared, level = str(form.get("shared", "")), str(form.get("level", "0"))
    return ListForm(
        name=" ".join(str(form.get("name", "")).split())[:80],
        purpose=str(form.get("purpose", "")).strip()[:300],
        shared=shared if shared in SHARED else "",
        level=level if level in {"0", "1", "2", "3", "4"} else "0",
    )


def _may(visit: Visit) -> None:
    if not visit.me.may("watch"):
        raise Refused(403, f"关注名单由{ROLE_NAMES['officer']}及以上角色设置。")


def _open(db: Connection, visit: Visit, list_id: str) -> WatchList:
    one = find_list(db, list_id[:40])
    if one is None or not visit.me.sees_watchlist(one):
        raise Refused(404, f"没有关注名单 {list_id[:40]}，或没有共享给您。")
    return one


def _mine(db: Connection, visit: Visit, list_id: str) -> WatchList:
    _may(visit)
    one = _open(db, visit, list_id)
    if not visit.me.may_change_watchlist(one):
        raise Refused(
            403, f"这个名单由{visit.names.region(one.territory)}及以上的{ROLE_NAMES['officer']}维护，只能查看。"
        )
    return one


def _said(code: str) -> str:
    return {
        "added": "名单已建。列入企业后，名单对之后入库的信号生效。",
        "changed": "已改；之前判断过的预警不变。",
        "watched": "已列入关注。",
        "removed": "已移出；之后入库的信号不再因它预警。",
        "ended": "名单已结束，不再产生预警。",
    }.get(code, "")
