"""The one place that says who sees what and who may do what: pages, API, feeds and streams all ask here.

A user sees the own territory and below. 000000 sees all; a province also sees what has no place or lies abroad.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, true

from config.regions import ABROAD, Regions
from core.records import Alert, Document
from store.schema import documents
from store.users import EVERYWHERE, ROLES, Role, User

MAY: dict[str, Role] = {
    "note": "officer",
    "accept": "officer",
    "dispatch": "officer",
    "start": "officer",
    "dismiss": "officer",
    "submit": "officer",
    "undo": "officer",
    "run_source": "officer",
    "event": "officer",
    "rule": "officer",
    "hold": "officer",
    "handover": "officer",
    "review": "officer",
    "silence": "officer",
    "silence_red": "supervisor",
    "clear": "supervisor",
    "mark": "officer",
    "level": "supervisor",
    "confirm": "supervisor",
    "close": "supervisor",
    "reopen": "supervisor",
    "evidence": "officer",
    "evidence_raw": "supervisor",
    "audit": "admin",
    "index_retry": "admin",
    "saved": "admin",
}
"""The lowest role that may do a thing; what is not listed nobody may."""

ROLE_NAMES: dict[Role, str] = {"viewer": "查看", "officer": "值班员", "supervisor": "带班", "admin": "管理员"}


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in (or a private feed address of somebody)."""

    user: User
    regions: Regions
    csrf: str = ""
    session: str = ""

    @property
    def name(self) -> str:
        """The account's name: the actor in histories."""
        return self.user.name

    @property
    def everywhere(self) -> bool:
        """Whether nothing is cut."""
        return self.user.territory == EVERYWHERE

    @property
    def territory_name(self) -> str:
        """The territory in words."""
        return "全部属地" if self.everywhere else self.regions.name_of(self.user.territory)

    def may(self, action: str) -> bool:
        """Whether the role allows an action."""
        lowest = MAY.get(action)
        return lowest is not None and ROLES.index(self.user.role) >= ROLES.index(lowest)

    def sees_code(self, code: str | None) -> bool:
        """Whether a matter of that region code is this viewer's."""
        if self.everywhere:
            return True
        if not code or code == ABROAD:
            return self.user.territory.endswith("0000")
        return self.regions.is_within(self.user.territory, code)

    def sees_alert(self, alert: Alert) -> bool:
        """An alert is seen where it is owned and by those who must be told."""
        return any(self.sees_code(code) for code in (alert.territory, *alert.territories))

    def alerts(self, found: Iterable[Alert]) -> list[Alert]:
        """The alerts this viewer sees, in the order given."""
        return [alert for alert in found if self.sees_alert(alert)]

    def sees_document(self, document: Document, jurisdiction: str | None, alerts: Iterable[Alert]) -> bool:
        """A document is seen in its jurisdiction, and by all who see an alert that rests on it."""
        return self.sees_code(jurisdiction) or any(self.sees_alert(alert) for alert in alerts)

    def codes(self) -> frozenset[str] | None:
        """The region codes this viewer sees; None: all of them."""
        return None if self.everywhere else _codes_within(self.regions, self.user.territory)

    def sees_rule(self, territory: str) -> bool:
        """Whether a rule of that territory judges anything of this viewer's, or judges for them."""
        mine = self.user.territory
        return territory == EVERYWHERE or self.sees_code(territory) or self.regions.is_within(territory, mine)

    def may_change_rule(self, territory: str) -> bool:
        """A rule is changed by officers of its territory and of what lies above it."""
        return self.may("rule") and self.sees_code(territory)

    def may_silence(self, territory: str) -> bool:
        """A silence is ended by officers of its territory and of what lies above it."""
        return self.may("silence") and (self.everywhere if territory == EVERYWHERE else self.sees_code(territory))

    def documents(self) -> ColumnElement[bool]:
        """The same cut as a condition on the documents table."""
        codes = self.codes()
        if codes is None:
            return true()
        inside = documents.c.jurisdiction.in_(sorted(codes))
        if self.user.territory.endswith("0000"):
            return or_(inside, documents.c.jurisdiction.is_(None), documents.c.jurisdiction == ABROAD)
        return inside


def _codes_within(regions: Regions, territory: str) -> frozenset[str]:
    found, todo = {territory}, [territory]
    while todo:
        below = [code for code in regions.children.get(todo.pop(), ()) if code not in found]
        found.update(below)
        todo.extend(below)
    return frozenset(found)
