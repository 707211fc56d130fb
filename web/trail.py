"""Where an alert stands in the list somebody came from: the one before, the one after."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection

from core.records import Alert, Listed
from store.silences import silenced_alerts
from web import inbox
from web.visit import PASSING, Visit


@dataclass(frozen=True)
class Trail:
    """A list and a place in it. name: of its view.  place: from 1; 0 for an alert that is not (or no longer) in it.
    before, after: ids; empty at the ends. Of one that is not in the list, after is the list's first.
    """

    name: str
    total: int
    place: int
    before: str
    after: str
    query: str

    @property
    def list_address(self) -> str:
        """The list itself."""
        return f"/alerts?{self.query}" if self.query else "/alerts"

    def address(self, alert: str) -> str:
        """Another alert of the list, on the same trail."""
        return f"/alerts/{alert}?{urlencode({'in': self.query})}" if self.query else f"/alerts/{alert}"


def trail_of(db: Connection, visit: Visit, alert: Alert, seen: Sequence[Listed], within: str) -> Trail:
    """The place of an alert. seen: all alerts of the viewer.  within: the query of the list; what it has no use for is
    left out, and one that names nothing known is the list of all that waits.
    """
    given = {name: value for name, value in parse_qsl(within[:600]) if name not in PASSING}
    try:
        wanted = inbox.read_wanted(given)
    except inbox.BadAddress:
        given, wanted = {}, inbox.Wanted()
    now, silenced = visit.now, silenced_alerts(db, visit.services.clock())
    own = inbox.own_of(db, visit.me, unread=False) if wanted.view in ("mine", "at") else inbox.NOBODY
    found = inbox.matching(
        seen, wanted, regions=visit.services.lexicon.regions, now=now, silenced=silenced, own=own,
        without="unread",  # to have opened it is no reason to lose the place
    )  # fmt: skip
    placed = visit.request.app.state.ranking.placed(db, found, now)
    ids = [row.alert.id for row in inbox.rows_of(found, now=now, sort=wanted.sort, placed=placed)]
    at = ids.index(alert.id) if alert.id in ids else -1
    before = ids[at - 1] if at > 0 else ""
    after = ids[at + 1] if at + 1 < len(ids) else ""
    return Trail(inbox.VIEWS[wanted.view][0], len(ids), at + 1, before, after, urlencode(given))
