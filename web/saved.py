"""Searches under a name: who sees them, and what is new in those a person watches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams

from core.errors import SearchUnavailable
from search.query import QueryError
from store.searches import SavedSearch
from web.access import Viewer
from web.health import in_time
from web.search_state import LOOK, Asked, read_state, request_for
from web.services import Services
from web.visit import Refused


@dataclass(frozen=True)
class News:
    """A watched search. new: hits stored since the person last looked; None where it cannot be answered now.

    everything, only_new: paths of the search page.
    """

    search: SavedSearch
    new: int | None
    everything: str
    only_new: str


def may_see(viewer: Viewer, search: SavedSearch) -> bool:
    """One's own; a shared one where its owner's territory lies in the viewer's, or around it."""
    if search.owner == viewer.name:
        return True
    around = Viewer(replace(viewer.user, territory=search.territory), viewer.regions)
    return search.shared and (viewer.sees_code(search.territory) or around.sees_code(viewer.user.territory))


def may_change(viewer: Viewer, search: SavedSearch) -> bool:
    """Its owner, or an administrator of its owner's territory or of what lies above it."""
    return search.owner == viewer.name or (viewer.may("saved") and viewer.sees_code(search.territory))


def asked_of(search: SavedSearch, now: datetime) -> Asked | None:
    """The search of a kept address; None where the address says what no longer exists, such as a field."""
    try:
        return read_state(QueryParams(search.address), now)
    except Refused:
        return None


def same_search(search: SavedSearch, asked: Asked) -> bool:
    """Whether they ask the same, however it is shown. Kept addresses are in their one form: they are only compared."""
    return _question(parse_qsl(search.address)) == _question(asked.pairs(pages=False))


def _question(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(pair for pair in pairs if pair[0] not in (*LOOK, "by", "since"))


def news_of(services: Services, viewer: Viewer, searches: Sequence[SavedSearch], now: datetime) -> list[News]:
    """What is new in watched searches: a small question to the index each, all of them bounded in time."""
    seen = [search for search in searches if may_see(viewer, search)]
    found = in_time(lambda: [_news(services, viewer, search, now) for search in seen]) if seen else []
    return unread(viewer, seen) if found is None else found


def unread(viewer: Viewer, searches: Sequence[SavedSearch]) -> list[News]:
    """The same without asking the index."""
    return [News(each, None, _path(each), _path(each)) for each in searches if may_see(viewer, each)]


def _path(search: SavedSearch) -> str:
    return f"/search?{search.address}" if search.address else "/search"


def _news(services: Services, viewer: Viewer, search: SavedSearch, now: datetime) -> News:
    asked = asked_of(search, now)
    if asked is None or search.seen_at is None:
        return News(search, None, _path(search), _path(search))
    since = replace(asked, since=search.seen_at)
    return News(search, count_hits(services, viewer, since, now), _path(search), f"/search{since.link(show='')}")


def count_hits(services: Services, viewer: Viewer, asked: Asked, now: datetime) -> int | None:
    """How many hits a search has; None where it cannot be answered now."""
    if services.search is None:
        return None
    try:
        request, _ = request_for(services, viewer, asked, now)
        bare = replace(request, size=0, offset=0, after=None, facets={}, histogram=False, split=None)
        return services.search.search(bare).total
    except (QueryError, SearchUnavailable):
        return None
