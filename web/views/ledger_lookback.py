"""回头看: closed entries that are to be looked at again, what came of those that were, and what a new signal opened."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from core.clock import beijing
from ledger.clocks import due_words
from store.documents import find_signals
from store.ledger_list import VIEWS, Day, count_steps, count_views, entries_by_id, looked_before, page_of, steps_of
from web.history import actor_name, people
from web.names import firm_names
from web.views.ledger import WORDS
from web.visit import Here

router = APIRouter(include_in_schema=False)
SHOWN = timedelta(days=365)
MOST = 100


@router.get("/ledger/lookback")
def show_lookback(visit: Here) -> Response:
    """What is due first; results and reopenings of a year, newest first."""
    cut, today, since = visit.me.entries(), beijing(visit.now).date(), visit.now - SHOWN
    day = Day(today, visit.now)
    with visit.services.store.read() as db:
        due = page_of(db, "look", day, cut, latest_first=False, most=MOST)
        late = count_views(db, ("look",), day, [VIEWS["look"](day), *cut, looked_before(today)])["look"]
        results = steps_of(db, ["look_back"], since, cut, most=MOST)
        woken = [row for row in steps_of(db, ["reopen"], since, cut, most=MOST) if row.details.get("document")]
        signals = {one.document.id: one for one in find_signals(db, [row.details["document"] for row in woken])}
        entries = entries_by_id(db, {row.entry for row in (*results, *woken)})
        return visit.page(
            "ledger_lookback.html", due=due, total=count_views(db, ("look",), day, cut)["look"], late=late,
            results=results, counted=count_steps(db, ["look_back"], since, cut).get("look_back", 0), woken=woken,
            signals=signals, entries=entries,
            clocks={one.id: due_words(one.look_on, today) for one in due if one.look_on},
            firms=firm_names(db, [one.firm for one in due]), people=people(db), actor_name=actor_name, today=today,
            **WORDS,
        )  # fmt: skip
