"""预警单: what happened, why it fired, is it credible, whose is it, what next."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.figures import figures
from alerts.lifecycle import confirmation_words, may_confirm, may_undo
from alerts.marks import MARK_WORDS, mark_of
from alerts.slot_series import chart_span, slots
from core.records import Alert, AlertEvent, Mention, Signal
from ledger.words import STATE_WORDS
from store import alert_log, documents
from store.alerts_at_hand import files_of, mark_read, reading_of
from store.events import events_of_documents
from store.ledger import entries_of_alert
from store.registry import find_entry
from web import signals
from web.evidence import Carried, Origin, origins_of, quotes
from web.hands import hands_on
from web.history import MOMENTS, action_word, people
from web.inbox import standing_lines
from web.mentions import colleagues
from web.mutes import mutes_of, proposed_end
from web.names import Names, firm_names
from web.outgoing import Outgoing, outgoing_of
from web.past_alerts import past_like
from web.presence import FROM_A_VISIT
from web.query_evidence import answered
from web.recipients import Recipients
from web.tiers import jumps
from web.times import limit_of
from web.trail import trail_of
from web.views.events import sees_event
from web.visit import Here, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
QUOTES, BRIEF_QUOTES = 8, 2
MOST_MOMENTS = 14


def open_alert(db: Connection, visit: Visit, alert_id: str) -> Alert:
    """The alert, if this viewer may see it: one that is hidden answers as if it were not there."""
    alert = alert_log.find_alert(db, alert_id)
    if alert is None or not visit.me.sees_alert(alert):
        raise Refused(404, f"没有预警 {alert_id[:40]}，或不在您的属地之内。")
    return alert


@router.get("/alerts/{alert_id}")
def show_alert(visit: Here, alert_id: str, pane: str = "", did: int = 0) -> Response:
    """The whole page, or with pane=1 what the inbox shows beside its list. Either way it has been read then."""
    with visit.services.store.read() as db:
        alert = open_alert(db, visit, alert_id)
        into = alert_log.alert_details(db, alert.id).get("merged_into")
        if isinstance(into, str) and into != alert.id:
            return redirect(f"/alerts/{into}")
        seen, newest = reading_of(db, visit.me.name, alert.id)
        answer: Response
        if pane:
            back = visit.request.query_params.get("back", "")[:600]
            answer = visit.page("alert_pane_alone.html", preview=load_alert(db, visit, alert, brief=True), back=back)
        else:
            answer = alert_page(db, visit, alert, did=did, seen=seen)
    if not pane:
        visit.request.app.state.presence.here(alert.id, visit.me.name, FROM_A_VISIT)
    if newest > (seen or 0):
        with visit.services.store.write() as db:
            mark_read(db, visit.me.name, alert.id, newest)
    return answer


def alert_page(
    db: Connection, visit: Visit, alert: Alert, *, did: int = 0, seen: int | None = None, refused: str = "",
    typed: str = "", status: int = 200,
) -> Response:  # fmt: skip
    """The whole page. did: the history row that was just written by this viewer.  seen: the newest row this viewer saw
    before.  refused: why a form did nothing."""
    shown = load_alert(db, visit, alert)
    within = visit.request.query_params.get("in", "")
    done = done_by(db, visit, alert, shown["history"], did)
    return visit.page(
        "alert.html", **shown, status=status, refused=bool(refused), typed=typed,
        said=refused or (done.words if done and not done.undo else ""), undo=done.words if done and done.undo else "",
        seen=seen, trail=trail_of(db, visit, alert, shown["standing"], within), within=within[:600],
    )  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What this viewer has just done to an alert, in words. undo: whether it can be taken back."""

    alert: Alert
    words: str
    undo: bool


def done_by(db: Connection, visit: Visit, alert: Alert, history: Sequence[AlertEvent], did: int) -> Done | None:
    """The row `did`, if it is the newest and this viewer's own."""
    last = history[-1] if history else None
    if last is None or last.number != did or last.actor != visit.me.name:
        return None
    sent = outgoing_of(db, visit.services, alert, last)
    words = f"已{action_word(last.action)} {alert.number}" + (f"。{_sent_words(sent)}" if sent else "")
    return Done(alert, words, may_undo(history, visit.me.name, visit.now) == last.number)


def _sent_words(sent: Outgoing) -> str:
    if not sent.to:
        return "该属地没有登记邮件收件人，请电话通知后记一笔"
    to = f"{sent.to[0]}{f' 等 {len(sent.to)} 处' if len(sent.to) > 1 else ''}"
    return f"通知 30 秒后发往 {to}，此前撤销则不发" if sent.at else f"通知已发往 {to}"


def alert_that_changed(db: Connection, visit: Visit) -> Done | None:
    """For a list: what its address says this viewer has just done, `did=<alert>.<row>`."""
    name, _, number = visit.request.query_params.get("did", "").partition(".")
    alert = alert_log.find_alert(db, name) if name and number.isascii() and number.isdigit() else None
    if alert is None or not visit.me.sees_alert(alert):
        return None
    return done_by(db, visit, alert, alert_log.history_of(db, alert.id), int(number[:9]))


_OF_THE_CARD = re.compile(r"\d级：|(?:严重性|再发可能|波及面)\d（")


def load_alert(db: Connection, visit: Visit, alert: Alert, *, brief: bool = False) -> dict[str, Any]:
    """What both forms of the page show. brief: the preview."""
    found = documents.find_signals(db, alert.documents)
    firms = firm_names(db, [*alert.enterprises, *(m.id_or_norm or "" for s in found for m in s.analysis.mentions)])
    findings = alert_log.findings_of_alert(db, alert.id)
    details, shown = alert_log.alert_details(db, alert.id), people(db)
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
        "hands": hands_on(db, visit, [alert.id], shown)[alert.id],
        "people": shown,
        "route": visit.services.router.route(db, alert) if visit.services.router else None,
    }
    if brief:
        return shared
    tree, standing = origins_of(db, found), standing_lines(db, visit.me)
    events = [one for one in events_of_documents(db, alert.documents) if sees_event(visit, one)]
    return shared | {
        "standing": standing,
        "tiers": jumps(tree, visit.services.source_by_key),
        "events": events[:3],
        "story": story_of(tree, shared["history"]),
        "files": files_of(db, alert.id),
        "colleagues": colleagues(db, visit.me, alert) if visit.me.may("note") else [],
        "undo_row": may_undo(shared["history"], visit.me.name, visit.now) if visit.me.may("undo") else None,
        "most": visit.services.ledger.proofs,
        "answered": answered(visit.services, findings, found),
        "origins": tree,
        "reposts": sum(len(origin.reposts) for origin in tree),
        "voices": Counter(signal.document.kind.value for signal in found),
        "told": Recipients(visit.services, visit.me),
        "deliveries": alert_log.delivery_log(db, alert=alert.id),
        "hazards": [one for one in entries_of_alert(db, alert.id) if visit.me.sees_entry(one)],
        "HAZARDS": STATE_WORDS,
        "entry": find_entry(db, alert.enterprises[0]) if alert.enterprises else None,
        "alike": past_like(db, alert, (one for one in standing if one.id != alert.id)),
        "reasons": _reasons(found),
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
    span = chart_span(visit.now)
    found = signals.points(db, visit.me, *span, product=product, firms=alert.enterprises)
    return signals.draw(slots(found, visit.now), what, height=height)


@dataclass(frozen=True)
class Moment:
    """A line of the story: an independent origin, or what became of the alert. document: of an origin."""

    at: datetime
    origin: Carried | None = None
    step: AlertEvent | None = None


def story_of(tree: Sequence[Origin], history: Sequence[AlertEvent]) -> list[Moment]:
    """Origins and what the alert went through, oldest first; of a long story both ends."""
    told = [Moment(one.first.at, origin=one.first) for one in tree]
    told += [Moment(row.story_at, step=row) for row in history if row.action in MOMENTS]
    told.sort(key=lambda one: one.at)
    return told if len(told) <= MOST_MOMENTS else [*told[: MOST_MOMENTS // 2], *told[-MOST_MOMENTS // 2 :]]
