"""Completion of a query for the bar of the desk, cut to what the person may see."""

from fastapi import APIRouter
from pydantic import BaseModel

from search.completion import Values, complete
from search.frequent import FrequentValues
from web.health import in_time
from web.visit import Here, Visit

router = APIRouter(prefix="/api", include_in_schema=False)
LONGEST_QUERY = 2000
"""Characters of the query that are read: what the bar takes."""


class SuggestionOut(BaseModel):
    """What could be put in place of [start, end). kind: field | operator | value | date | recent."""

    text: str
    kind: str
    label: str
    note: str
    count: int | None


class CompletionOut(BaseModel):
    """Suggestions, best first. start, end count code points of q."""

    start: int
    end: int
    suggestions: list[SuggestionOut]


@router.get("/complete")
def show_completion(visit: Here, q: str = "", at: int | None = None) -> CompletionOut:
    """q: the query as written so far.  at: the cursor, in code points; the end where it is not given."""
    text = q[:LONGEST_QUERY]
    cursor = len(text) if at is None else at
    found = complete(text, cursor, names=visit.services.query_names, values=_values(visit), now=visit.now)
    shown = [
        SuggestionOut(text=one.text, kind=one.kind, label=one.label, note=one.note, count=one.count)
        for one in found.suggestions
    ]
    return CompletionOut(start=found.start, end=found.end, suggestions=shown)


def _values(visit: Visit) -> Values:
    frequent: FrequentValues | None = visit.request.app.state.frequent
    if frequent is None:
        return lambda _field, _typed: ()
    counted = frequent.of(None if visit.me.everywhere else visit.me.user.territory)
    # Somebody is typing: names come at once, counts when the index has them.
    return lambda field, typed: in_time(lambda: counted(field, typed)) or ()
