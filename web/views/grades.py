"""风险分级: which firms stand in which grade, what moved, and the panel of a firm with every reason."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.grading import confirmed_of, grades_for, set_grade, take_back
from config.grades import GRADES, GradeTable, load_grades
from core.clock import beijing
from core.errors import UsageError
from enterprises.grade import Point
from enterprises.watching import end_of_day
from nlp.privacy import mask
from store.alert_log import find_alert
from store.firm_seats import seats_of
from store.grades import (
    Override,
    changes,
    last_reasons,
    list_grades,
    month_ends,
    newest_changes,
    overrides_of,
    shares,
    shares_before,
)  # fmt: skip
from store.ledger import find_entry as find_hazard
from web.access import ROLE_NAMES
from web.history import people
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
PAGE_SIZE, MOST_CHANGES = 50, 30
ELSEWHERE = {"ledger": "其他属地的隐患（无权查看）", "alerts": "其他属地的预警（无权查看）"}
PRODUCT_ONLY = "产品固有风险"
KINDS = {"override": "人工调整", "appeal": "企业申诉"}


@router.get("/grades")
def show_grades(visit: Here, grade: str = "", product: str = "", region: str = "", page: int = 1) -> Response:
    """The firms with a record, the most points first, cut to the viewer's territory."""
    grade, page = grade if grade in GRADES else "", max(1, min(page, 2_000))
    regions = visit.services.lexicon.regions
    within = visit.me.codes()
    if region and visit.me.sees_code(region):
        within = frozenset(code for code in (*regions.by_code,) if regions.is_within(region, code))
    now = visit.services.clock()
    with visit.services.store.read() as db:
        rows = list_grades(
            db, within=within, grade=grade, product=product[:40], start=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE + 1
        )
        counted = shares(db, within=within)
        months = month_ends(beijing(now).date())
        then = shares_before(db, months, counted, within=within)
        moved = newest_changes(db, within=within)
        why = last_reasons(db, [row.firm for row, _ in rows])
        set_by = overrides_of(db, [row.firm for row, _ in rows], now)
    return visit.page(
        "grades.html", rows=rows[:PAGE_SIZE], more=len(rows) > PAGE_SIZE, page=page, grade=grade, product=product,
        region=region, counted=counted, total=sum(counted.values()), set_by=set_by, GRADES=GRADES,
        why={firm: mask(said) for firm, said in why.items() if "；" in said or not said.startswith(PRODUCT_ONLY)},
        moved=moved,
        months=[_month(day, row) for day, row in zip(months, then, strict=True) if sum(row.values())],
        products=list(_table(visit.services.settings.config, tuple(visit.services.lexicon.products)).rows),
        places=[code for code in regions.children.get(regions.home, ()) if visit.me.sees_code(code)],
    )  # fmt: skip


def _month(day: date, row: Mapping[str, int]) -> tuple[date, list[int], float]:
    """A line of the drift: the day, the firms of each grade, the share of C and D."""
    counts = [row.get(grade, 0) for grade in GRADES]
    return day, counts, sum(counts[GRADES.index("C") :]) / sum(counts)


@router.post("/grades/set")
def set_one(visit: Here, form: Posted) -> Response:
    """Set another grade for a time, with a reason."""
    firm, grade, kind = (str(form.get(name, ""))[:200] for name in ("firm", "grade", "kind"))
    now = visit.services.clock()
    try:
        until = end_of_day(str(form.get("until", "")))
        if grade not in GRADES or kind not in KINDS or until is None:
            raise UsageError("等级、类别、到期日须填写")
        with visit.services.store.write() as db:
            _may(db, visit, firm)
            reason = str(form.get("reason", "")).strip()[:500]
            set_grade(db, Override(0, firm, grade, kind, reason, visit.me.name, now, until), once=once_of(form))
    except UsageError as problem:
        raise Refused(400, f"没有调整：{problem}。请返回填写。") from problem
    return redirect(f"/enterprises/{firm}#grade")


@router.post("/grades/unset")
def unset_one(visit: Here, form: Posted) -> Response:
    """The computed grade counts again."""
    firm, number = str(form.get("firm", ""))[:200], str(form.get("number", ""))
    try:
        with visit.services.store.write() as db:
            _may(db, visit, firm)
            standing = overrides_of(db, [firm], visit.services.clock()).get(firm)
            if standing is None or str(standing.number) != number:
                raise UsageError("这条调整已经结束")
            take_back(db, standing.number, firm, by=visit.me.name, now=visit.services.clock())
    except UsageError as problem:
        raise Refused(409, f"没有撤回：{problem}。") from problem
    return redirect(f"/enterprises/{firm}#grade")


def grade_panel(db: Connection, visit: Visit, firm: str, day: date) -> dict[str, Any]:
    """What the page of a firm shows: the grade of a day with every reason, its history, and what a person set."""
    services, now = visit.services, visit.services.clock()
    table = _table(services.settings.config, tuple(services.lexicon.products))
    [graded] = grades_for(db, [firm], table, day, confirmed_of(db, firm), as_said=True)
    shown = tuple(_shown(db, visit, one) for one in graded.reasons)
    lines = graded.changes
    for was, now_said in zip(graded.reasons, shown, strict=True):
        lines = tuple(line.replace(was.words, now_said.words) for line in lines)
    graded = replace(graded, reasons=shown, changes=lines)
    override = overrides_of(db, [firm], now).get(firm)
    mine = visit.me.sees_code(seats_of(db, [firm]).get(firm))
    return {
        "graded": graded,
        "grade_set": override,
        "grade_last": beijing(override.until - timedelta(seconds=1)).date() if override else None,
        "grade_history": [
            replace(one, why=mask(one.why) if mine else "")
            for one in changes(db, firm=firm, limit=MOST_CHANGES)
            if one.day <= day
        ],
        "grade_people": people(db) if override else {},
        "GRADE_KINDS": KINDS,
        "may_grade": visit.me.may("grade") and mine,
    }


def _shown(db: Connection, visit: Visit, one: Point) -> Point:
    """A reason as this person may read it: what a hazard or an alert of another territory says is left out."""
    kind, _, number = one.link.removeprefix("/").partition("/")
    if kind == "ledger":
        hazard = find_hazard(db, number)
        seen = hazard is not None and visit.me.sees_entry(hazard)
    elif kind == "alerts":
        alert = find_alert(db, number)
        seen = alert is not None and visit.me.sees_alert(alert)
    else:
        seen = True
    return replace(one, words=mask(one.words)) if seen else replace(one, words=ELSEWHERE[kind], link="")


@cache
def _table(config: Path, products: tuple[str, ...]) -> GradeTable:
    return load_grades(config, products=products)


def _may(db: Connection, visit: Visit, firm: str) -> None:
    if not visit.me.may("grade"):
        raise Refused(403, f"风险分级由{ROLE_NAMES['supervisor']}及以上角色调整。")
    if not visit.me.sees_code(seats_of(db, [firm]).get(firm)):
        raise Refused(403, "这家企业不在您的属地之内。")
