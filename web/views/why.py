"""漏报追查: one question, the stages of a document or an alert in order, where it stopped to count, what would have
caught it; and the reviews that were kept."""

from collections import Counter
from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from alerts.why.answer import Answer, answer_json
from alerts.why.explain import LONGEST, Found, answer, find
from alerts.why.proposal import Proposal, proposals
from alerts.why.world import World
from core.errors import UsageError
from nlp.privacy import mask
from store import audit
from store.documents import find_signal
from store.journey import Hit
from store.reviews import LONGEST_NOTE, Review, add_review, find_review, newest_reviews, review_of_form
from web.access import ROLE_NAMES
from web.history import people
from web.inbox import links_of
from web.shift import office
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
MOST_REVIEWS = 200


@router.get("/why")
def show_why(visit: Here, q: str = "") -> Response:
    """The question alone without `q`; below it what was reviewed before."""
    with visit.services.store.read() as db:
        kept = [one for one in newest_reviews(db, limit=MOST_REVIEWS) if visit.me.sees_code(one.office)]
        shown: dict[str, Any] = {
            "asked": q[:LONGEST].strip(), "answer": None, "refused": "", "longest": LONGEST, "changes": (),
            "choices": (), "reviews": kept, "lost": _lost(kept), "people": people(db), "stage_name": _stage_name,
            "longest_note": LONGEST_NOTE,
        }  # fmt: skip
        if not shown["asked"]:
            return visit.page("why.html", **shown)
        try:
            found = _seen(db, visit, find(db, q))
            if found.unclear:
                shown["choices"] = found.hits
            else:
                shown["answer"], shown["changes"] = _answered(db, visit, found, q)
        except UsageError as problem:
            return visit.page("why.html", **{**shown, "refused": str(problem)}, status=400)
    return visit.page("why.html", **shown)


@router.post("/why/register")
def register(visit: Here, form: Posted) -> Response:
    """Keep a review as it is told now: stages, evidence, proposals, and what the officer says of it."""
    if not visit.me.may("review"):
        raise Refused(403, f"登记由{ROLE_NAMES['officer']}及以上角色操作。")
    once, asked = str(form.get("once", ""))[:80], str(form.get("q", ""))[:LONGEST].strip()
    note = str(form.get("note", "")).strip()
    if not once or len(note) > LONGEST_NOTE:
        raise Refused(400, f"没有登记：说明至多 {LONGEST_NOTE} 字。请返回改短，或刷新后再试。")
    try:
        with visit.services.store.write() as db:
            found, changes = _answered(db, visit, _seen(db, visit, find(db, asked)), asked)
            values = {
                "at": visit.now, "author": visit.me.name, "office": office(visit), "asked": mask(asked),
                "document": found.id if found.about == "document" else "", "title": mask(found.title)[:500],
                "stage": found.stop.key if found.stop else "", "note": note,
                "answer": {**answer_json(found), "proposals": [vars(one) for one in changes]},
            }  # fmt: skip
            if add_review(db, values, once=once):
                audit.note(db, visit.me.name, "review_missed", found.id or "-", at=visit.services.clock())
            kept = review_of_form(db, once)
    except UsageError as problem:
        raise Refused(400, f"没有登记：{problem}。") from problem
    assert kept is not None  # it was just written
    return redirect(f"/why/reviews/{kept.number}")


@router.get("/why/reviews/{number}")
def show_review(visit: Here, number: int) -> Response:
    """A review as it was told then."""
    with visit.services.store.read() as db:
        review = find_review(db, number) if 0 < number < 1 << 62 else None
        if review is None or not visit.me.sees_code(review.office):
            raise Refused(404, "没有这次漏报追查。")
        return visit.page("why_review.html", review=review, people=people(db))


def _answered(db: Connection, visit: Visit, found: Found, asked: str) -> tuple[Answer, tuple[Proposal, ...]]:
    """The answer, and what would have to change. asked: as it was written."""
    told = answer(_world(visit), db, found, asked, visit.now)
    return told, proposals(told, find_signal(db, told.id) if told.about == "document" else None)


def _lost(reviews: list[Review]) -> list[tuple[str, int]]:
    """At which stages events were lost, the most frequent first."""
    counts = Counter(_stage_name(review) for review in reviews if review.stage)
    return counts.most_common()


def _stage_name(review: Review) -> str:
    return next((one["name"] for one in review.answer["stages"] if one["stage"] == review.stage), review.stage)


def _seen(db: Connection, visit: Visit, found: Found) -> Found:
    """Without what is hidden from this viewer: that answers as if it were not there."""
    if found.alert is not None:
        return found if visit.me.sees_alert(found.alert) else Found()
    hits = tuple(hit for hit in found.hits if _shown(db, visit, hit))
    return replace(found, hits=hits, address="" if found.hits else found.address)


def _shown(db: Connection, visit: Visit, hit: Hit) -> bool:
    signal = find_signal(db, hit.id)
    code = signal.analysis.jurisdiction_code if signal else None
    return visit.me.sees_code(code) or bool(links_of(db, visit.me, [hit.id]))


def _world(visit: Visit) -> World:
    parts = visit.services.rule_parts
    if parts is None:
        raise Refused(503, "现在说明不了：规则部分没有装上。请告知管理员。")
    desk = tuple(visit.services.shelf.rules().values())
    return World(
        engine=parts.engine(desk),
        desk=desk,
        sources=visit.services.sources,
        profile=visit.services.settings.profile,
        handed_in=visit.services.handed_in_titles,
        router=visit.services.router,
        routes=visit.services.routes,
        duty=parts.duty,
        sees=visit.me.sees_alert,
    )
