"""专项进展: sampling against the floor, self checks, inspections, hazards by territory; what should be sampled next."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.responses import Response

from core.clock import beijing
from core.errors import UsageError
from ledger.words import STATE_WORDS
from reports.progress import PARTS, Asked, Progress, codes_of, conditions, hazard_conditions, progress
from reports.targets import Target, targets
from store import audit
from store.handed_in import listed
from store.ledger_list import entries_by_id
from store.progress import SAMPLING, Decision, decide
from store.schema import ledger_entries
from web.access import ROLE_NAMES
from web.agenda import own_office
from web.history import people
from web.inbox import BadAddress
from web.names import firm_names
from web.progress_sheet import DECISIONS, csv_of, xlsx_of
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
PAGE_SIZE = 50
KINDS = {"sampling": "抽查批次", "inspections": "现场检查", "self_checks": "企业自查", "ledger": "台账隐患"}
SAID = {"accept": "已采纳，列入抽样建议。", "decline": "已记为不采纳。"}
LONGEST_NOTE = 300
MOST_BEFORE = 1 << 53
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/progress")
def show_progress(visit: Here, region: str = "", year: str = "", said: str = "") -> Response:
    """The page."""
    return _page(visit, _asked(visit, region, year), said=SAID.get(said, ""))


@router.get("/progress.csv")
def download_csv(visit: Here, region: str = "", year: str = "") -> Response:
    """The table as CSV."""
    asked = _asked(visit, region, year)
    with visit.services.store.read() as db:
        found = _progress(db, visit, asked)
    _note(visit, asked, "csv")
    return _file(csv_of(found).encode(), f"progress-{asked.territory}-{asked.year}.csv", "text/csv; charset=utf-8")


@router.get("/progress.xlsx")
def download_xlsx(visit: Here, region: str = "", year: str = "") -> Response:
    """Table, suggested targets and how it is counted."""
    asked = _asked(visit, region, year)
    with visit.services.store.read() as db:
        found, suggested = _progress(db, visit, asked), _targets(db, visit, asked)
        firms = firm_names(db, (one.firm for one in suggested))
    name = visit.services.lexicon.regions.full_name_of(asked.territory)
    about = f"{name} 专项进展 {asked.first} 至 {asked.last}，{beijing(visit.now):%Y-%m-%d %H:%M} 导出，内部使用"
    _note(visit, asked, "xlsx")
    body = xlsx_of(found, suggested, visit.names, firms, about=about)
    return _file(body, f"progress-{asked.territory}-{asked.year}.xlsx", XLSX)


@router.get("/progress/records")
def show_records(
    visit: Here,
    kind: str = SAMPLING,
    of: str = "",
    region: str = "",
    year: str = "",
    own: bool = False,
    before: Annotated[int, Query(ge=0, le=MOST_BEFORE)] = 0,
) -> Response:
    """The records behind a number. own: of that territory itself, without those below."""
    asked = _asked(visit, region, year)
    if kind not in KINDS or of not in PARTS[kind]:
        raise BadAddress(f"地址中的 kind={kind[:20]}、of={of[:20]} 不存在。可用：{'、'.join(KINDS)}。")
    regions = visit.services.lexicon.regions
    codes = frozenset({asked.territory}) if own else codes_of(regions, asked.territory)
    with visit.services.store.read() as db:
        rows: list[Any]
        if kind == "ledger":
            rows = _hazards(db, of, asked, codes, before)
            firms = firm_names(db, (one.firm for one in rows if one.firm))
            older = before + PAGE_SIZE if len(rows) > PAGE_SIZE else 0
        else:
            where = conditions(kind, of, asked, codes, _key(visit))
            rows = listed(db, where, limit=PAGE_SIZE + 1, before=before)
            firms = firm_names(db, (one.firm for one in rows if one.firm))
            older = rows[PAGE_SIZE - 1].number if len(rows) > PAGE_SIZE else 0
    kept = {"kind": kind, "of": of, "region": asked.territory, "year": str(asked.year), "own": "1" if own else ""}
    address = urlencode({name: value for name, value in kept.items() if value})
    intake = visit.services.intake.kinds.get(kind)
    columns: Mapping[str, Any] = intake.fields if intake else {}
    return visit.page(
        "progress_records.html", asked=asked, kind=kind, of=of, own_only=own, rows=rows[:PAGE_SIZE], older=older,
        before=before, address=address, firms=firms, columns=columns, KINDS=KINDS, PARTS=PARTS,
        HAZARDS=STATE_WORDS, titles={name: field.title for name, field in columns.items() if not field.private},
    )  # fmt: skip


@router.post("/progress/targets")
def decide_target(visit: Here, form: Posted) -> Response:
    """A person takes a suggestion up, or does not."""
    if not visit.me.may("sampling_target"):
        raise Refused(403, f"抽样建议由{ROLE_NAMES['officer']}及以上角色决定。")
    do, once = ("decline" if form.get("do") == "decline" else "accept"), once_of(form)
    note, now = " ".join(str(form.get("note", "")).split()), visit.services.clock()
    product, territory, firm = (str(form.get(name, ""))[:200] for name in ("product", "territory", "firm"))
    asked = _asked(visit, "", "")
    try:
        if len(note) > LONGEST_NOTE or (do == "decline" and len(note) < 2):
            raise UsageError(f"不采纳须写明理由（2 至 {LONGEST_NOTE} 字）")
        if not territory or not visit.me.sees_code(territory):
            raise Refused(404, "这一建议不在您的属地之内。")
        with visit.services.store.write() as db:
            known = {one.key: one for one in _targets(db, visit, asked)}
            one = known.get((product, territory, firm))
            if one is None:
                raise UsageError("这一建议已不在列，可能已有新的抽样")
            reason = "；".join(f"{each.text} {each.points:+d}" for each in one.reasons)
            row = Decision(product, territory, firm, one.events[0][0], do, note, visit.me.name, now, own_office(visit),
                           reason)  # fmt: skip
            if decide(db, row, once=once):
                told = {"territory": territory, "reason": note, "product": product, "do": do}
                audit.note(db, visit.me.name, "sampling_target", row.event, at=now, details=told)
    except UsageError as problem:
        return _page(visit, asked, wrong=f"没有记下：{problem}。", status=400)
    return redirect(f"/progress?said={do}#targets")


# -- asked -----------------------------------------------------------------------------------------------------------


def _asked(visit: Visit, region: str, year: str) -> Asked:
    own, this = own_office(visit), beijing(visit.now).year
    code = region or own
    regions = visit.services.lexicon.regions
    if code not in regions or not visit.me.sees_code(code):
        raise Refused(404, f"没有属地 {code[:12]}，或不在您的属地之内。")
    if year and not (year.isascii() and year.isdigit() and len(year) == 4 and 0 <= this - int(year) <= 10):
        raise BadAddress(f"地址中的年份 {year[:8]} 不在近十年之内。")
    return Asked(code, int(year) if year else this, visit.now)


def _key(visit: Visit) -> frozenset[str]:
    return frozenset(one.id for one in visit.services.lexicon.products.values() if one.key)


def _progress(db: Connection, visit: Visit, asked: Asked) -> Progress:
    services = visit.services
    return progress(
        db, asked, services.lexicon.regions, services.progress, key=_key(visit), kept=visit.request.app.state.progress
    )


def _targets(db: Connection, visit: Visit, asked: Asked) -> list[Target]:
    codes = codes_of(visit.services.lexicon.regions, asked.territory)
    return targets(db, visit.services.progress.targets, visit.now, codes=codes, key=_key(visit))


def _hazards(db: Connection, of: str, asked: Asked, codes: frozenset[str], start: int) -> list[Any]:
    entry = ledger_entries.c
    query = select(entry.id).where(*hazard_conditions(of, asked, codes)).order_by(entry.found_on.desc(), entry.id)
    ids = list(db.execute(query.limit(PAGE_SIZE + 1).offset(start)).scalars())
    return list(entries_by_id(db, ids).values())


def _page(visit: Visit, asked: Asked, *, said: str = "", wrong: str = "", status: int = 200) -> Response:
    with visit.services.store.read() as db:
        found, suggested = _progress(db, visit, asked), _targets(db, visit, asked)
        firms = firm_names(db, (one.firm for one in suggested))
        who = people(db)
    regions = visit.services.lexicon.regions
    above = regions.chain(asked.territory)[1:2]
    return visit.page(
        "progress.html", status=status, asked=asked, found=found, suggested=suggested, firms=firms, people=who,
        said=said, wrong=wrong, may=visit.me.may("sampling_target"), DECISIONS=DECISIONS,
        above=[code for code in above if visit.me.sees_code(code) and code in regions],
        deeper={code for code in regions.children if regions.children[code]}, this_year=beijing(visit.now).year,
        rules=visit.services.progress.targets,
    )  # fmt: skip


def _note(visit: Visit, asked: Asked, kind: str) -> None:
    with visit.services.store.write() as db:
        told = {"format": kind, "territory": asked.territory}
        audit.note(db, visit.me.name, "export_progress", str(asked.year), at=visit.services.clock(), details=told)


def _file(body: bytes, name: str, kind: str) -> Response:
    return Response(body, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
