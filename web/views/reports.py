"""报告: the weekly statistics table: which weeks are filled, one week, one column of it, its signature, its files."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.datastructures import FormData
from starlette.responses import Response

from config.weekly import TITLE, Column
from core.clock import beijing
from core.errors import UsageError
from ledger.proofs import CONTENT
from reports.figures import TOTAL
from reports.table import Sheet, change_of, editable
from reports.weekly import ACCEPTED, Faster, Filling, Office, Opened, WeeklyBook, places_of
from reports.weeks import Week, read_week, week_of
from store import audit
from store.weekly import SheetState, states_of
from web.access import ROLE_NAMES, Viewer
from web.history import people
from web.inbox import BadAddress
from web.report_items import KINDS, lines_of
from web.report_pages import GROUPS, State, much, progress, spans, state_of
from web.report_sheet import KIND_WORDS, csv_of, xlsx_of
from web.times import short
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
SHOWN_WEEKS, SHOWN_ITEMS, SHOWN_CHANGES = 12, 100, 10
RESTS = {"": "不动", "0": "记 0", "/": "记 /（不适用）", "—": "记 —（未报送）"}
SOURCES = {"system": "系统取数", "mixed": "系统草稿，人工确认", "manual": "人工填写"}
SAID = {
    "filled": "已记下。", "same": "没有改动。", "confirmed": "草稿已确认。", "sign": "已签发，表已封存。",
    "reopen": "已重新打开，原签发的表留存。",
}  # fmt: skip


@router.get("/reports")
def show_reports(visit: Here, before: str = "") -> Response:
    """The weeks, newest first, with how far each is."""
    office = _office(visit)
    newest = week_of(visit.now)
    weeks: list[Week] = []
    one = _week(visit, before).before if before else newest
    while len(weeks) < SHOWN_WEEKS and one.last >= visit.services.weekly.rules.since:
        weeks.append(one)
        one = one.before
    with visit.services.store.read() as db:
        states = states_of(db, [week.id for week in weeks], [office.territory])
        who = people(db)
    lines = [(week, _state(visit, week, states.get((week.id, office.territory)))) for week in weeks]
    due = newest.before if newest.before.last >= visit.services.weekly.rules.since else None
    return visit.page(
        "reports.html", lines=lines, office=office, people=who, newest=newest, due=due, TITLE=TITLE,
        due_state=next((state for week, state in lines if week == due), None),
        due_at=_due(visit, due) if due else None, acts={key[0]: state.act for key, state in states.items()},
        older=weeks[-1] if weeks and one.last >= visit.services.weekly.rules.since else None,
        dues=lambda week: _due(visit, week),
    )  # fmt: skip


@router.get("/reports/weekly/{week_id}")
def show_week(visit: Here, week_id: str, g: str = "", said: str = "") -> Response:
    """The table of a week."""
    return _week_page(visit, _asked(visit, week_id), group=g, said=SAID.get(said, ""))


@router.get("/reports/weekly/{week_id}/table.xlsx")
def download_xlsx(visit: Here, week_id: str) -> Response:
    """The whole table as a workbook."""
    opened, who, about = _to_export(visit, week_id, "xlsx")
    body = xlsx_of(opened.sheet, about, opened.history, lambda name: who.get(name, name))
    return _file(body, f"weekly-{opened.week.id}-{opened.office.territory}.xlsx", CONTENT["xlsx"])


@router.get("/reports/weekly/{week_id}/table.csv")
def download_csv(visit: Here, week_id: str) -> Response:
    """The whole table as CSV."""
    opened, _, about = _to_export(visit, week_id, "csv")
    body = csv_of(opened.sheet, about).encode()
    return _file(body, f"weekly-{opened.week.id}-{opened.office.territory}.csv", "text/csv; charset=utf-8")


@router.post("/reports/weekly/{week_id}/confirm")
def confirm_drafts(visit: Here, form: Posted, week_id: str) -> Response:
    """Confirm every draft of the table."""
    week, office = _mine(visit, week_id, "report_fill")
    return _deed(visit, week, office, form, "confirm", "confirmed")


@router.post("/reports/weekly/{week_id}/sign")
def sign_week(visit: Here, form: Posted, week_id: str) -> Response:
    """Sign and freeze it."""
    week, office = _mine(visit, week_id, "report_sign")
    return _deed(visit, week, office, form, "sign", "sign")


@router.post("/reports/weekly/{week_id}/reopen")
def reopen_week(visit: Here, form: Posted, week_id: str) -> Response:
    """Open a signed table again."""
    week, office = _mine(visit, week_id, "report_reopen")
    return _deed(visit, week, office, form, "reopen", "reopen")


@router.get("/reports/weekly/{week_id}/{column_id}")
def show_column(visit: Here, week_id: str, column_id: str, row: str = TOTAL, said: str = "") -> Response:
    """One column: every row with where its value comes from, and the rows that the chosen cell counts."""
    return _column_page(visit, _asked(visit, week_id), _column(visit, column_id), row=row, said=SAID.get(said, ""))


@router.post("/reports/weekly/{week_id}/{column_id}")
def fill_column(visit: Here, form: Posted, week_id: str, column_id: str) -> Response:
    """Write what was typed. What is wrong, or overtaken, is said above the form with all that was typed."""
    week, office = _mine(visit, week_id, "report_fill")
    column = _column(visit, column_id)
    filling = _filling(visit, column, form)
    try:
        with visit.services.store.write() as db:
            made = _book(visit).fill(db, week, office, filling)
            if made:
                told = {"column": column.name, "cells": made, "territory": office.territory}
                audit.note(db, visit.me.name, "report_fill", week.id, at=visit.services.clock(), details=told)
    except Faster as problem:
        return _column_page(visit, (week, office), column, wrong=_faster(visit, problem), filling=filling, status=409)
    except UsageError as problem:
        wrong = f"没有记下：{problem}。下面是您填的内容。"
        return _column_page(visit, (week, office), column, wrong=wrong, filling=filling, status=400)
    row = str(form.get("row", ""))[:40] or TOTAL
    return redirect(f"/reports/weekly/{week.id}/{column.id}?row={row}&said={'filled' if made else 'same'}")


# -- asked ---------------------------------------------------------------------------------------------------------


def _office(visit: Visit, territory: str = "") -> Office:
    """Whose table: the viewer's own, or one below. Raises Refused."""
    regions = visit.services.lexicon.regions
    own = regions.home if visit.me.everywhere else visit.me.user.territory
    code = territory or own
    if code not in regions or not visit.me.sees_code(code):
        raise Refused(404, f"没有属地 {code[:12]} 的报表，或不在您的属地之内。")
    return Office(code, Viewer(replace(visit.me.user, territory=code), regions).sees_code)


def _week(visit: Visit, text: str) -> Week:
    """A week that began and lies in the campaign. Raises BadAddress."""
    try:
        week = read_week(text)
    except ValueError:
        raise BadAddress(f"地址中的周 {text[:20]} 看不懂。写法：{week_of(visit.now).id}。") from None
    if week.begins > visit.now or week.last < visit.services.weekly.rules.since:
        since = visit.services.weekly.rules.since
        raise BadAddress(f"只有 {since} 起、已开始的各周。本周是 {week_of(visit.now).id}。")
    return week


def _asked(visit: Visit, week_id: str) -> tuple[Week, Office]:
    return _week(visit, week_id), _office(visit, visit.request.query_params.get("territory", ""))


def _mine(visit: Visit, week_id: str, action: str) -> tuple[Week, Office]:
    """The viewer's own table, to be written into: nobody fills or signs that of another bureau. Raises Refused."""
    if not visit.me.may(action):
        lowest = ROLE_NAMES["officer" if action == "report_fill" else "supervisor"]
        raise Refused(403, f"这一步由{lowest}及以上角色操作。")
    return _week(visit, week_id), _office(visit)


def _column(visit: Visit, column_id: str) -> Column:
    column = visit.services.weekly.find(column_id)
    if column is None:
        raise Refused(404, f"统计表没有栏目 {column_id[:40]}。")
    return column


def _book(visit: Visit) -> WeeklyBook:
    parts = visit.services.rule_parts
    marks = visit.request.app.state.marks
    return WeeklyBook(visit.services.weekly, visit.services.lexicon, parts.ack_hours if parts else {}, marks)


def _filling(visit: Visit, column: Column, form: FormData) -> Filling:
    texts = {name: str(value) for name, value in form.items()}

    def of(prefix: str) -> dict[str, str]:
        return {name.removeprefix(prefix): text for name, text in texts.items() if name.startswith(prefix)}

    seen = {row: int(text) for row, text in of("seen_").items() if text.isascii() and text.isdigit() and len(text) < 7}
    rest = texts.get("rest", "")
    return Filling(
        column, typed=of("v_"), was=of("was_"), seen=seen, actor=visit.me.name, now=visit.now, once=once_of(form),
        reason=texts.get("reason", "").strip()[:500], confirm=texts.get("do") == "confirm",
        rest=rest if rest in RESTS else "",
    )  # fmt: skip


def _faster(visit: Visit, problem: Faster) -> str:
    with visit.services.store.read() as db:
        who = people(db)
    first = problem.rows[0]
    told = f"{who.get(first.actor, first.actor)} 于 {short(first.at, visit.now)}"
    return f"没有记下：{told} 先改了其中 {len(problem.rows)} 格。下面是您填的内容，核对后再保存。"


# -- deeds ---------------------------------------------------------------------------------------------------------


def _deed(visit: Visit, week: Week, office: Office, form: FormData, deed: str, said: str) -> Response:
    book, once = _book(visit), once_of(form)
    who: dict[str, Any] = {"actor": visit.me.name, "now": visit.now, "once": once}
    details: dict[str, Any] = {"territory": office.territory}
    try:
        with visit.services.store.write() as db:
            if deed == "confirm":
                made = details["cells"] = book.confirm(db, week, office, **who)
            elif deed == "sign":
                made = book.sign(db, week, office, seen=str(form.get("seen", "")), **who)
                act = book.open(db, week, office, now=visit.now).act
                details["hash"] = act.hash if act else ""
            else:
                details["why"] = str(form.get("reason", "")).strip()[:501]
                made = book.reopen(db, week, office, reason=details["why"], **who)
            if made:
                audit.note(db, visit.me.name, f"report_{deed}", week.id, at=visit.services.clock(), details=details)
    except UsageError as problem:
        typed = str(form.get("reason", ""))[:500]
        return _week_page(visit, (week, office), wrong=f"没有办：{problem}。", typed=typed, status=409)
    return redirect(f"/reports/weekly/{week.id}?said={said}")


# -- pages ---------------------------------------------------------------------------------------------------------


def _state(visit: Visit, week: Week, state: SheetState | None) -> State:
    asked = state is not None or week == week_of(visit.now).before  # a desk that is new owes nothing of long ago
    return state_of(state, late=asked and visit.now >= _due(visit, week))


def _due(visit: Visit, week: Week) -> Any:
    return week.due(visit.services.weekly.rules.due)


def _read(db: Connection, visit: Visit, asked: tuple[Week, Office]) -> tuple[Opened, Sheet]:
    """The table and that of the week before."""
    book, (week, office) = _book(visit), asked
    before = visit.request.app.state.week_before.sheet(book, db, week.before, office, now=visit.now)
    return book.open(db, week, office, now=visit.now), before


def _week_page(
    visit: Visit,
    asked: tuple[Week, Office],
    *,
    group: str = "",
    said: str = "",
    wrong: str = "",
    typed: str = "",
    status: int = 200,
) -> Response:
    if group not in GROUPS:
        raise BadAddress(f"地址中的 g={group[:20]} 不存在。可用：{'、'.join(key for key in GROUPS if key)}。")
    week, office = asked
    regions = visit.services.lexicon.regions
    below = regions.children.get(office.territory, ())
    with visit.services.store.read() as db:
        opened, before = _read(db, visit, asked)
        states = states_of(db, [week.id], [office.territory, *below])
        who = people(db)
    sheet = opened.sheet
    changes = {
        place: change
        for place, cell in sheet.cells.items()
        if (change := change_of(cell, before.cell(*place), visit.services.weekly))
    }
    own = office.territory == _office(visit).territory
    shown = [one for one in sheet.columns if not GROUPS[group][1] or one.group in GROUPS[group][1]]
    return visit.page(
        "weekly.html", status=status, week=week, office=office, opened=opened, sheet=sheet, shown=shown, group=group,
        groups=[
            (key, name, sum(not of or one.group in of for one in sheet.columns)) for key, (name, of) in GROUPS.items()
        ],
        spans=spans(shown), changes=changes, much=much(sheet, changes, before), said=said, wrong=wrong, typed=typed,
        state=_state(visit, week, states.get((week.id, office.territory))), due=_due(visit, week), people=who,
        below=[(code, _state(visit, week, states.get((week.id, code)))) for code in below],
        lacking=sheet.lacking(), drafts=sheet.drafts(), own=own, TITLE=TITLE, TOTAL=TOTAL, KIND_WORDS=KIND_WORDS,
        may_fill=own and visit.me.may("report_fill") and not opened.signed, rules=visit.services.weekly.rules.sign,
        refusal=_book(visit).refusal(opened, actor=visit.me.name, now=visit.now),
        recent=opened.history[::-1][:SHOWN_CHANGES], names_of=dict(sheet.rows), progress=progress(sheet),
        columns={one.id: one for one in sheet.columns}, at=_address(visit, office), latest=week_of(visit.now),
        first=visit.services.weekly.rules.since,
    )  # fmt: skip


def _address(visit: Visit, office: Office) -> Callable[..., str]:
    """Addresses of this table that keep whose it is."""
    other = "" if office.territory == _office(visit).territory else office.territory

    def at(path: str, **query: str) -> str:
        kept = {**query, **({"territory": other} if other else {})}
        told = "&".join(f"{name}={value}" for name, value in kept.items() if value)
        return f"/reports/weekly/{path}" + (f"?{told}" if told else "")

    return at


def _column_page(
    visit: Visit,
    asked: tuple[Week, Office],
    column: Column,
    *,
    row: str = TOTAL,
    said: str = "",
    wrong: str = "",
    filling: Filling | None = None,
    status: int = 200,
) -> Response:
    week, office = asked
    with visit.services.store.read() as db:
        opened, before = _read(db, visit, asked)
        sheet = opened.sheet
        if row not in dict(sheet.rows):
            raise Refused(404, f"统计表没有行 {row[:40]}。")
        chosen = sheet.cell(column.id, row)
        page = _page(visit)
        items = chosen.items[(page - 1) * SHOWN_ITEMS : page * SHOWN_ITEMS]
        lines = lines_of(db, items, visit.names)
        who = people(db)
    own = office.territory == _office(visit).territory
    history = places_of([one for one in opened.history if one.column == column.id])
    ids = [one.id for one in sheet.columns]
    place = ids.index(column.id) if column.id in ids else 0
    return visit.page(
        "weekly_column.html", status=status, week=week, office=office, opened=opened, sheet=sheet, column=column,
        row=row, row_name=dict(sheet.rows)[row], chosen=chosen, lines=lines, page_number=page, before=before,
        pages=-(-len(chosen.items) // SHOWN_ITEMS), changes={one: change_of(sheet.cell(column.id, one),
        before.cell(column.id, one), visit.services.weekly) for one, _ in sheet.rows}, history=history, people=who,
        editable=lambda one: editable(column, one), may_fill=own and visit.me.may("report_fill") and not opened.signed,
        typed=filling.typed if filling else {}, reason=filling.reason if filling else "", said=said, wrong=wrong,
        rest=filling.rest if filling else "", RESTS=RESTS, SOURCES=SOURCES, KIND_WORDS=KIND_WORDS, KINDS=KINDS,
        TOTAL=TOTAL, at=_address(visit, office), accepted=ACCEPTED.get(column.unit, ""), own=own,
        previous=sheet.columns[place - 1] if place else None,
        following=sheet.columns[place + 1] if place + 1 < len(ids) else None,
    )  # fmt: skip


def _page(visit: Visit) -> int:
    text = visit.request.query_params.get("page", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 100_000):
        raise BadAddress("页码须为正整数。")
    return int(text[:6])


def _to_export(visit: Visit, week_id: str, kind: str) -> tuple[Opened, dict[str, str], str]:
    week, office = _asked(visit, week_id)
    with visit.services.store.read() as db:
        opened = _book(visit).open(db, week, office, now=visit.now)
        who = people(db)
    act = opened.act
    state = "草稿，未经签发"
    if act is not None and opened.signed:
        state = f"{who.get(act.actor, act.actor)} 签发于 {beijing(act.at):%Y-%m-%d %H:%M}，{act.hash[:12]}"
    about = (
        f"{visit.names.bureau(office.territory)}，第 {week.id} 期（{week.first} 至 {week.last}），{state}，"
        f"{beijing(visit.now):%Y-%m-%d %H:%M} 导出，内部使用"
    )
    with visit.services.store.write() as db:
        told = {"format": kind, "territory": office.territory}
        audit.note(db, visit.me.name, "export_report", week.id, at=visit.services.clock(), details=told)
    return opened, who, about


def _file(body: bytes, name: str, kind: str) -> Response:
    return Response(body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
