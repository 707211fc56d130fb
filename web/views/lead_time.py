"""提前量: for each official notice the first signal and the first alert, per product and per source."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from fastapi import APIRouter
from starlette.responses import Response

from alerts.lab.text import hours
from alerts.lead_table import counted_at, kept_leads
from alerts.lead_time import BY, Lead, lead_times, line_of, lines_by
from alerts.notices import NOTICE_WORDS, NoticeType
from store.alert_log import find_alerts
from web.names import firm_names
from web.visit import Here, Refused, Visit

router = APIRouter(include_in_schema=False)
SPANS = {"30d": ("近 30 日", 30), "": ("近 90 日", 90), "365d": ("近一年", 365)}
MOST_NOTICES = 2_000
"""Of a page: the newest ones; all of them are counted by `fengsui leadtime`."""
MOST_SHOWN = 50


@router.get("/leadtime")
def show_lead_time(visit: Here, since: str = "", product: str = "", source: str = "") -> Response:
    """The figures, then the newest notices with what they are compared with."""
    if since not in SPANS:
        raise Refused(400, f"没有“{since[:20]}”这一时段。可用：{'、'.join(key for key in SPANS if key)}。")
    if product and product not in visit.services.lexicon.products:
        raise Refused(400, f"没有产品 {product[:40]}。")
    start = visit.now - timedelta(days=SPANS[since][1])
    parts = visit.services.rule_parts
    wanted: dict[str, Any] = {
        "since": start, "until": visit.now, "product": product or None, "source": source or None, "most": MOST_NOTICES,
    }  # fmt: skip
    family: dict[str, Any] = {"family": parts.grouping.family_of} if parts else {}
    with visit.services.store.read() as db:
        counted = counted_at(db)
        # Nothing is kept yet within the first minute of a desk.
        found = kept_leads(db, **wanted) if counted else lead_times(db, **wanted, **family)
        mine = [lead for lead in found if visit.me.sees_code(lead.notice.jurisdiction)]
        shown = mine[:MOST_SHOWN]
        firms = firm_names(db, (lead.firm for lead in shown if lead.firm))
        opened = {alert.id: alert for alert in find_alerts(db, sorted({lead.alert for lead in shown if lead.alert}))}
    return visit.page(
        "lead_time.html", leads=shown, total=len(mine), cut=len(found) == MOST_NOTICES, everything=line_of("", mine),
        by={name: lines_by(mine, key) for name, key in BY.items()}, SPANS=SPANS, since=since, product=product,
        source=source, counted=counted, hours=hours, NOTICES=NOTICE_WORDS, firms=firms, word=_word(visit),
        alerts={name: alert for name, alert in opened.items() if visit.me.sees_alert(alert)},
        documents={lead.signal.document for lead in shown if lead.signal and _seen(visit, lead)},
    )  # fmt: skip


def _seen(visit: Visit, lead: Lead) -> bool:
    return lead.signal is not None and visit.me.sees_code(lead.signal.jurisdiction)


def _word(visit: Visit) -> Callable[[str, str], str]:
    """What a line of a table is called."""
    names = visit.names

    def word(by: str, key: str) -> str:
        if not key:
            return "未识别"
        if by == "product":
            return names.product(key)
        return names.source(key) if by == "source" else NOTICE_WORDS[cast(NoticeType, key)]

    return word
