"""预警单: what happened, why it fired, is it credible, whose is it, what next."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.lifecycle import confirmation_words, may_confirm
from alerts.marks import MARK_WORDS, mark_of
from core.records import Alert, Finding, Mention, Signal
from ledger.words import STATE_WORDS
from store import alert_log, documents
from store.ledger import entries_of_alert
from store.registry import find_entry
from web import signals
from web.evidence import origins_of, quotes
from web.history import action_word, people
from web.inbox import standing_alerts
from web.mutes import mutes_of, proposed_end
from web.names import Names, firm_names
from web.query_evidence import answered
from web.times import limit_of
from web.visit import Here, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
UNDOABLE = ("accept", "dispatch", "start", "dismiss", "level", "submit", "close", "clear", "hold")
QUOTES, BRIEF_QUOTES = 8, 2


def open_alert(db: Connection, visit: Visit, alert_id: str) -> Alert:
    """The alert, if this viewer may see it: one that is hidden answers as if it were not there."""
    alert = alert_log.find_alert(db, alert_id)
    if alert is None or not visit.me.sees_alert(alert):
        raise Refused(404, f"没有预警 {alert_id[:40]}，或不在您的属地之内。")
    return alert


@router.get("/alerts/{alert_id}")
def show_alert(visit: Here, alert_id: str, pane: str = "", did: int = 0) -> Response:
    """The whole page, or with pane=1 what the inbox shows beside its list."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
        into = alert_log.alert_details(db, alert.id).get("merged_into")
        if isinstance(into, str) and into != alert.id:
            return redirect(f"/alerts/{into}")
        if pane:
            return visit.page("alert_pane_alone.html", preview=load_alert(db, visit, alert, brief=True))
        return alert_page(db, visit, alert, did=did)


def alert_page(
    db: Connection, visit: Visit, alert: Alert, *, did: int = 0, refused: str = "", typed: str = "", status: int = 200
) -> Response:
    """The whole page. did: the history row that was just written by this viewer; refused: why a form did nothing."""
    shown = load_alert(db, visit, alert)
    last = shown["history"][-1] if shown["history"] else None
    undo, done = False, ""
    if last is not None and last.number == did and last.actor == visit.me.name:
        undo, done = last.action in UNDOABLE, f"已{action_word(last.action)} {alert.number}"
    return visit.page(
        "alert.html", **shown, status=status, refused=bool(refused), typed=typed,
        said=refused or ("" if undo else done), undo=done if undo else "",
    )  # fmt: skip


_OF_THE_CARD = re.compile(r"\d级：|(?:严重性|再发可能|波及面)\d（")


def load_alert(db: Connection, visit: Visit, alert: Alert, *, brief: bool = False) -> dict[str, Any]:
    """What both forms of the page show. brief: the preview."""
    found = documents.find_signals(db, alert.documents)
    firms = firm_names(db, [*alert.enterprises, *(m.id_or_norm or "" for s in found for m in s.analysis.mentions)])
    findings = alert_log.findings_of_alert(db, alert.id)
    details = alert_log.alert_details(db, alert.id)
    shared: dict[str, Any] = {
        "alert": alert,
        "confirmation": confirmation_words(alert, details),
        "to_confirm": may_confirm(alert, details, visit.me.name),
        "limit": limit_of(alert, visit.now),
        "mute": mutes_of(db, [alert], visit.services.clock()).get(alert.id),
        "proposal": proposed_end(details),
        "rule": visit.services.find_rule(alert.rule),
        "findings": findings,
        "numbers": figures(findings[-1]) if findings else [],
        "firms": firms,
        "chart": _chart(db, visit, alert, height=104 if brief else 150),
        "quotes": quotes(found, name_giver(visit.names, firms), BRIEF_QUOTES if brief else QUOTES),
        "documents": len(found),
        "history": alert_log.history_of(db, alert.id),
        "route": visit.services.router.route(db, alert) if visit.services.router else None,
    }
    if brief:
        return shared
    tree = origins_of(db, found)
    return shared | {
        "answered": answered(visit.services, findings, found),
        "origins": tree,
        "reposts": sum(len(origin.reposts) for origin in tree),
        "voices": Counter(signal.document.kind.value for signal in found),
        "deliveries": alert_log.delivery_log(db, alert=alert.id),
        "hazards": [one for one in entries_of_alert(db, alert.id) if visit.me.sees_entry(one)],
        "HAZARDS": STATE_WORDS,
        "entry": find_entry(db, alert.enterprises[0]) if alert.enterprises else None,
        "alike": _alike(db, visit, alert),
        "reasons": _reasons(found),
        "people": people(db),
        "mark": mark_of(db, alert.id),
        "MARKS": MARK_WORDS,
        "reposts_outside": len(tree) + sum(len(origin.reposts) for origin in tree) - len(found),
    }


def name_giver(names: Names, firms: dict[str, str]) -> Callable[[Mention], str]:
    """What a marked span stands for, shown on hover."""
    kinds = {"product": names.product, "issue": names.issue, "region": names.region}

    def name_of(mention: Mention) -> str:
        norm = mention.id_or_norm
        if norm is None:
            said = "未定，有同名" if mention.candidates else mention.text
        else:
            said = firms.get(norm) or kinds.get(mention.type.value, str)(norm)
        return f"{said}（已否定，不计）" if mention.negated else said

    return name_of


FIGURES = {
    "count": "信号",
    "needed": "需达到",
    "at_most": "至多",
    "usual": "常态",
    "expected": "预期",
    "upper": "通常不超过",
    "days": "天数",
    "score": "得分",
    "threshold": "阈值",
    "sources": "信源",
    "places": "属地",
    "voices": "渠道",
    "before": "此前来源",
    "after": "此后来源",
    "part": "其中",
    "share": "占比",
    "metric": "数值",
    "values": "不同的值",
    "steps": "已满足步骤",
}


def figures(finding: Finding) -> list[tuple[str, str]]:
    """What the verdict compared, in words; what has none here (of a detector's thirty numbers) is for /why."""
    return [(word, f"{finding.numbers[name]:g}") for name, word in FIGURES.items() if name in finding.numbers]


def _reasons(found: Sequence[Signal]) -> list[tuple[str, int]]:
    """What the reading of the documents gave as reasons: the gravest one's level card, then the most frequent ones."""
    gravest = max(found, key=lambda signal: signal.analysis.level, default=None)
    card = [reason for reason in gravest.analysis.reasons if _OF_THE_CARD.match(reason)] if gravest else []
    others = Counter(reason for signal in found for reason in dict.fromkeys(signal.analysis.reasons))
    return [(reason, others[reason]) for reason in card] + [
        (reason, count) for reason, count in others.most_common() if not _OF_THE_CARD.match(reason)
    ][:6]


def _chart(db: Connection, visit: Visit, alert: Alert, *, height: int) -> str:
    if not alert.enterprises and not alert.products:
        return ""
    product = alert.products[0] if alert.products else ""
    what = "该企业风险信号" if alert.enterprises else f"{visit.names.product(product)}风险信号"
    span = signals.chart_span(visit.now)
    found = signals.points(db, visit.me, *span, product=product, firms=alert.enterprises)
    return signals.draw(signals.slots(found, visit.now), what, height=height)


def _alike(db: Connection, visit: Visit, alert: Alert) -> list[Alert]:
    """Other alerts on the same firms or products, those about the same firm first."""
    others = [other for other in standing_alerts(db, visit.me) if other.id != alert.id]
    firms, products = set(alert.enterprises), set(alert.products)
    same = [other for other in others if firms & set(other.enterprises) or products & set(other.products)]
    return sorted(same, key=lambda other: not firms & set(other.enterprises))[:4]
