"""What a private feed address shows: all of its owner's territory, or one view of the inbox."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection

from config.regions import Regions
from core.records import LEVEL_COLOURS, LEVEL_IDS, Alert
from store.pages import alerts_updated_behind
from store.tokens import Token
from store.watchlists import find_list, standing_on
from web.access import Viewer
from web.names import Names, firm_names

PAGE_SIZE = 50
AT_ONCE = 200
MOST_READ = 4000
"""Alerts that one page looks through at most: behind them the next page goes on."""


@dataclass(frozen=True)
class FeedView:
    """Which alerts. level: a key of LEVEL_IDS, it and above.  region: a code, it and below.  watchlist: number of a
    list, its firms alone.  Empty is any.
    """

    level: str = ""
    product: str = ""
    region: str = ""
    firm: str = ""
    rule: str = ""
    watchlist: str = ""

    @classmethod
    def read(cls, given: Mapping[str, object]) -> "FeedView":
        """The view of a form, an address or a token's details; what is not known of it is left out."""
        texts = {name: str(given.get(name, ""))[:200] for name in cls.__dataclass_fields__}
        return cls(**texts | {"level": texts["level"] if texts["level"] in LEVEL_IDS else ""})

    def as_json(self) -> dict[str, str]:
        """Its filters, those that are set."""
        return {name: value for name, value in asdict(self).items() if value}

    def open_to(self, db: Connection, viewer: Viewer) -> bool:
        """Whether the viewer may still read it: a view of a watch-list ends with the list, or with being shown it."""
        if not self.watchlist:
            return True
        one = find_list(db, self.watchlist)
        return one is not None and one.ended_at is None and viewer.sees_watchlist(one)

    def of(self, db: Connection, viewer: Viewer, alerts: Sequence[Alert], now: datetime) -> list[Alert]:
        """Those of the alerts that the viewer sees and that are in it."""
        found = [alert for alert in viewer.alerts(alerts) if self._shows(alert, viewer.regions)]
        if not self.watchlist:
            return found
        listed = standing_on(db, self.watchlist.upper(), {firm for one in found for firm in one.enterprises}, now)
        return [alert for alert in found if listed.intersection(alert.enterprises)]

    def _shows(self, alert: Alert, regions: Regions) -> bool:
        return (
            alert.level >= LEVEL_IDS.get(self.level, 0)
            and (not self.product or self.product in alert.products)
            and (not self.firm or self.firm in alert.enterprises)
            and (not self.rule or self.rule == alert.rule)
            and (
                not self.region or any(regions.is_within(self.region, c) for c in (alert.territory, *alert.territories))
            )
        )

    def words(self, db: Connection, names: Names) -> str:
        """The view in words; empty: everything."""
        parts = (
            f"{LEVEL_COLOURS[LEVEL_IDS[self.level]]}色及以上" if self.level else "",
            names.product(self.product) if self.product else "",
            names.region(self.region) if self.region else "",
            firm_names(db, [self.firm])[self.firm] if self.firm else "",
            names.rule(self.rule) if self.rule else "",
            _list_name(db, self.watchlist) if self.watchlist else "",
        )
        return "、".join(filter(None, parts))


def _list_name(db: Connection, number: str) -> str:
    one = find_list(db, number)
    return f"关注名单“{one.name}”" if one else f"关注名单 {number}"


def view_of(token: Token) -> FeedView:
    """The view of a feed's address."""
    view = token.details.get("view")
    return FeedView.read(view if isinstance(view, Mapping) else {})


def page_of(
    db: Connection, viewer: Viewer, view: FeedView, behind: tuple[datetime, str] | None, *, now: datetime
) -> tuple[list[Alert], tuple[datetime, str] | None]:
    """A page of a view, newest update first, and what the next one lies behind; None: there is none.

    now: which firms stand on a watch-list then.
    """
    found: list[Alert] = []
    read = 0
    while read < MOST_READ:
        some = alerts_updated_behind(db, behind, least=LEVEL_IDS.get(view.level, 0), limit=AT_ONCE)
        for alert in view.of(db, viewer, some, now):
            if len(found) == PAGE_SIZE:
                return found, (found[-1].updated_at, found[-1].id)
            found.append(alert)
        if len(some) < AT_ONCE:
            return found, None
        read += len(some)
        behind = (some[-1].updated_at, some[-1].id)
    return found, behind
