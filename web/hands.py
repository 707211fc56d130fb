"""Who is on an alert: whose it is, who has it open now, who did something to it last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from store.alerts_at_hand import assignees, last_deeds
from web.history import SYSTEM, action_word
from web.visit import Visit


@dataclass(frozen=True)
class Hands:
    """owner: account it was given to, "" for nobody's; owner_name: as shown.  looking: shown names of others who have
    it open.  last: what a person did last, 李四 受理; empty for nothing yet.
    """

    owner: str = ""
    owner_name: str = ""
    looking: tuple[str, ...] = ()
    last: str = ""

    @property
    def words(self) -> str:
        """One line for lists."""
        owner = f"{self.owner_name} 负责" if self.owner else ""
        open_now = f"{'、'.join(self.looking[:3])} 正在看" if self.looking else ""
        return " · ".join(filter(None, (owner, open_now, self.last)))


def hands_on(db: Connection, visit: Visit, ids: Sequence[str], shown: Mapping[str, str]) -> Mapping[str, Hands]:
    """Of each of these alerts; a page of them. shown: names of accounts, as shown."""
    owners, deeds = assignees(db, ids), last_deeds(db, ids, SYSTEM)
    looking = visit.request.app.state.presence.looking(ids, but=visit.me.name)
    found = {}
    for alert in ids:
        deed, owner = deeds.get(alert), owners.get(alert, "")
        last = f"{shown.get(deed.actor, deed.actor)} {action_word(deed.action)}" if deed else ""
        names = tuple(shown.get(name, name) for name in looking.get(alert, ()))
        found[alert] = Hands(owner, shown.get(owner, owner), names, last)
    return found
