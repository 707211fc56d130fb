"""企业档案: one firm as of a day. A firm in no list has one as well (NIL:<name>)."""

import re
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from sqlalchemy import Connection
from starlette.responses import Response

from core.clock import beijing
from core.firms import PaperState
from enterprises import relations, trade
from enterprises.axis import LANES, SPAN, SPANS, Point, drawn
from enterprises.cited import cited_of
from enterprises.mentions import Find
from enterprises.neighbours import COUNTED, NOBODY, look_alikes, same_address, same_person
from enterprises.profile import Profile
from ledger.clocks import due_words
from reports.dossier import Around, documents_of, dossier_paper
from store import audit
from store.sensitive import FIRM
from web.dossier import cut_of, dossier_of, find_of
from web.views.grades import grade_panel
from web.views.ledger import WORDS
from web.views.sensitive import firm_places, sensitive_part
from web.views.watchlists import watch_panel
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
UNSAFE = re.compile(r"[^\w（）()·-]+")
"""What no file system needs to see in a name."""
ROWS, OPEN_ROWS, FIRST_TIES, MOST_TIES = 30, 8, 10, 100
STATE_MARKS = {
    PaperState.VALID: "done",
    PaperState.LAPSED: "bad",
    PaperState.SUSPENDED: "bad",
    PaperState.WITHDRAWN: "bad",
    PaperState.NOT_YET: "warn",
    PaperState.UNKNOWN: "",
}


@router.get("/enterprises/{firm:path}/dossier.docx")
def hand_out(visit: Here, firm: str, asof: str = "", span: str = "") -> Response:
    """The dossier as a paper. Who took it along stands in the audit log."""
    services = visit.services
    with services.store.read() as db:
        profile = dossier_of(db, visit, firm, asof=asof, span=span)
        beside = _beside(db, profile, find_of(visit))
        cited = cited_of(db, cut_of(visit.me), documents_of(profile))
    sources = {point.source for point in profile.axis.points} | {one.source for one in cited.values()}
    around = Around(
        beside["alikes"], beside["at_address"], beside["of_person"], cited,
        {key: visit.names.source(key) for key in sources if key}, visit.me.user.display_name, visit.me.territory_name,
    )  # fmt: skip
    body = dossier_paper(profile, around, services.lexicon)
    with services.store.write() as db:
        audit.note(
            db, visit.me.name, "export_dossier", firm[:80], at=services.clock(), details={"day": str(profile.asked.day)}
        )
    day = profile.asked.day
    name = f"企业档案_{UNSAFE.sub('', profile.name)[:60] or '未具名'}_{day}.docx"
    told = f"attachment; filename=\"dossier-{day}.docx\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(body, media_type=DOCX, headers={"Content-Disposition": told})


@router.get("/enterprises/{firm:path}")
def show_firm(
    visit: Here,
    firm: str,
    asof: str = "",
    span: str = "",
    kind: str = "",
    page: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> Response:
    """The dossier. asof: as of the end of that day.  kind: of the rows listed, a key of LANES."""
    if kind not in ("", *LANES):
        raise Refused(400, f"地址中的 kind={kind[:20]} 不存在。可用：{'、'.join(LANES)}。")
    with visit.services.store.read() as db:
        profile = dossier_of(db, visit, firm, asof=asof, span=span)
        beside = _beside(db, profile, find_of(visit)) | watch_panel(db, visit, firm)
        beside |= grade_panel(db, visit, firm, profile.asked.day)
        beside |= sensitive_part(db, visit, FIRM, firm, firm_places(db, [firm]).get(firm, ()))
    return visit.page(
        "enterprise.html", **_axis_of(profile, kind, page), **_rest_of(profile), **_charts(visit, profile), **beside
    )


def _axis_of(profile: Profile, kind: str, page: int) -> dict[str, Any]:
    axis = profile.axis
    rows: Sequence[Point] = [point for point in axis.points if kind in ("", point.lane)]
    return {
        "chart": drawn(axis, today=profile.asked.is_today),
        "spans": [(key if key != SPAN else None, word, key == profile.asked.span) for key, (word, _) in SPANS.items()],
        "lanes": axis.counts(),
        "kind": kind,
        "rows": rows[(page - 1) * ROWS : page * ROWS],
        "total": len(rows),
        "page": page,
        "pages": max(1, -(-len(rows) // ROWS)),
        "from_day": f"{beijing(axis.start):%Y-%m-%d}",
        "day_of": lambda moment: f"{beijing(moment):%Y-%m-%d}",
    }


def _rest_of(profile: Profile) -> dict[str, Any]:
    return {
        "profile": profile,
        "firm": profile.asked.firm,
        "name": profile.name,
        "entry": profile.entry,
        "parent": profile.parent,
        "alerts": [alert for alert in profile.alerts if alert.first_at <= profile.asked.end],
        "marks": STATE_MARKS,
        "open_rows": profile.open_entries[:OPEN_ROWS],
        "due_of": lambda entry: due_words(entry.due_on, profile.asked.today),
        **WORDS,
    }


def _charts(visit: Visit, profile: Profile) -> dict[str, Any]:
    places = {one.region: visit.names.region(one.region) for one in profile.relations if one.region}
    return {
        "first_ties": FIRST_TIES,
        "most_ties": MOST_TIES,
        "graph": relations.drawn(profile.name, profile.relations, places),
        "against": trade.drawn(profile.trade) if profile.trade else "",
        "months": list(zip(profile.trade.months, profile.trade.own, profile.trade.means, strict=True))
        if profile.trade
        else [],
    }


def _beside(db: Connection, profile: Profile, find: Find) -> dict[str, Any]:
    entry = profile.entry
    return {
        "alikes": look_alikes(db, entry, find) if entry else [],
        "at_address": same_address(db, entry) if entry else NOBODY,
        "of_person": same_person(db, entry) if entry else NOBODY,
        "counted": COUNTED,
    }
