"""The one place that says who sees what and who may do what: pages, API, feeds and streams all ask here.

A user sees the own territory and below. 000000 sees all; a province also sees what has no place or lies abroad.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, cast

from sqlalchemy import ColumnElement, or_, true

from config.regions import ABROAD, Regions
from core.records import Alert, Document, Listed
from store.events import Event
from store.ledger import Entry
from store.ledger_list import within
from store.schema import documents
from store.sensitive import Period
from store.users import EVERYWHERE, ROLES, Role, User
from store.watchlists import WatchList

OneListed = TypeVar("OneListed", bound=Listed)
MAY: dict[str, Role] = {
    "note": "officer",
    "file": "officer",
    "assign": "officer",
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
    "resend": "officer",
    "channel_test": "supervisor",
    "mail_address": "supervisor",
    "handover": "officer",
    "review": "officer",
    "silence": "officer",
    "silence_red": "supervisor",
    "clear": "supervisor",
    "mark": "officer",
    "watch": "officer",
    "sensitive": "officer",
    "grade": "supervisor",
    "keeping": "admin",
    "level": "supervisor",
    "confirm": "supervisor",
    "close": "supervisor",
    "reopen": "supervisor",
    "ledger_add": "officer",
    "ledger_amend": "officer",
    "ledger_import": "officer",
    "ledger_dispatch": "officer",
    "ledger_receive": "officer",
    "ledger_visit": "officer",
    "ledger_rectify": "officer",
    "ledger_recheck": "officer",
    "ledger_file": "officer",
    "ledger_proof": "officer",
    "ledger_apply": "officer",
    "ledger_extend": "officer",
    "ledger_talk": "officer",
    "ledger_transfer": "officer",
    "ledger_look_back": "officer",
    "ledger_note": "officer",
    "ledger_undo": "officer",
    "ledger_law": "officer",
    "ledger_spotcheck": "officer",
    "ledger_exclude": "supervisor",
    "ledger_close": "supervisor",
    "ledger_return": "supervisor",
    "ledger_reopen": "supervisor",
    "ledger_extend_yes": "supervisor",
    "ledger_extend_no": "supervisor",
    "ledger_waive": "supervisor",
    "ledger_supervise": "supervisor",
    "report_fill": "officer",
    "report_sign": "supervisor",
    "report_reopen": "supervisor",
    "report_mark": "officer",
    "sampling_target": "officer",
    "paper_draft": "officer",
    "paper_sign": "supervisor",
    "mirror": "officer",
    "evidence": "officer",
    "evidence_raw": "supervisor",
    "audit": "supervisor",
    "accounts": "admin",
    "index_retry": "admin",
    "saved": "admin",
}
"""The lowest role that may do a thing; what is not listed nobody may."""

SCOPES: dict[str, tuple[str, Role]] = {
    "read:alerts": ("查看预警及其历史、通知", "viewer"),
    "read:documents": ("查看文档，检索，分析", "viewer"),
    "read:events": ("查看事件", "viewer"),
    "read:enterprises": ("查看企业", "viewer"),
    "read:system": ("查看信源、规则、系统状态", "viewer"),
    "write:alerts": ("受理、派单等预警操作", "officer"),
    "write:intake": ("报送其他系统的数据（12315、抽查、检查等）", "officer"),
    "admin": ("查看审计记录", "admin"),
}
"""What a token may be good for, in words, and the lowest role that may make such a one."""
SCOPE_OF: dict[str, str] = {
    **dict.fromkeys(
        ("note", "accept", "dispatch", "start", "dismiss", "submit", "undo", "clear", "hold", "level", "confirm",
         "close", "reopen"), "write:alerts",
    ),
    "audit": "admin",
}  # fmt: skip
"""The scope a token needs to do a thing; what is not listed no token may do."""

ROLE_NAMES: dict[Role, str] = {"viewer": "查看", "officer": "值班员", "supervisor": "带班", "admin": "管理员"}


@dataclass(frozen=True)
class Viewer:
    """Somebody who is signed in, or a private feed address or API token of somebody.

    how: as Session has it; empty: by a token.
    scopes: of a token; None for a person, whom only the role binds.
    """

    user: User
    regions: Regions
    csrf: str = ""
    session: str = ""
    how: str = ""
    scopes: frozenset[str] | None = None

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

    def lacks_two_step(self, asked_of: Collection[str]) -> bool:
        """Whether the role must set up a second step first; who came by another house's sign-in did theirs there."""
        return self.user.role in asked_of and not self.user.two_step and self.how not in ("", "oidc")

    def may(self, action: str) -> bool:
        """Whether the role, and for a token its scopes, allow an action."""
        lowest = MAY.get(action)
        if self.scopes is not None and SCOPE_OF.get(action) not in self.scopes:
            return False
        return lowest is not None and self._has(lowest)

    def holds(self, scope: str) -> bool:
        """Whether what a scope stands for is open: to a person as to the role, to a token where it was given too."""
        return self._has(SCOPES[scope][1]) and (self.scopes is None or scope in self.scopes)

    def _has(self, lowest: Role) -> bool:
        return ROLES.index(self.user.role) >= ROLES.index(lowest)

    def sees_code(self, code: str | None) -> bool:
        """Whether a matter of that region code is this viewer's."""
        if self.everywhere:
            return True
        if not code or code == ABROAD:
            return self.user.territory.endswith("0000")
        return self.regions.is_within(self.user.territory, code)

    def sees_alert(self, alert: Listed) -> bool:
        """An alert is seen where it is owned and by those who must be told."""
        return any(self.sees_code(code) for code in (alert.territory, *alert.territories))

    def alerts(self, found: Iterable[OneListed]) -> list[OneListed]:
        """The alerts this viewer sees, in the order given."""
        if self.everywhere:
            return list(found)
        sees = cache(self.sees_code)  # thousands of alerts lie in a hundred places
        return [alert for alert in found if sees(alert.territory) or any(map(sees, alert.territories))]

    def sees_document(self, document: Document, jurisdiction: str | None, alerts: Iterable[Alert]) -> bool:
        """A document is seen in its jurisdiction, and by all who see an alert that rests on it."""
        return self.sees_code(jurisdiction) or any(self.sees_alert(alert) for alert in alerts)

    def sees_entry(self, entry: Entry) -> bool:
        """A ledger entry is seen where the hazard lies and where it is answered for."""
        return self.sees_code(entry.territory) or bool(entry.unit and self.sees_code(entry.unit))

    def entries(self) -> list[ColumnElement[bool]]:
        """The same cut as conditions on the ledger's entries; none where nothing is cut."""
        codes = self.codes()
        if codes is None:
            return []
        return [within(codes, abroad=ABROAD if self.user.territory.endswith("0000") else None)]

    def may_step(self, action: str, entry: Entry) -> bool:
        """Whether a step of the ledger is this viewer's: by role, and by whose entry it is."""
        return self.may(f"ledger_{action}") and self.sees_code(entry.unit or entry.territory)

    def accounts(self, known: Iterable[User]) -> frozenset[str] | None:
        """The names of the accounts of this viewer's territory; None: of all, also of names nobody has."""
        return None if self.everywhere else frozenset(one.name for one in known if self.sees_account(one))

    def sees_account(self, other: User) -> bool:
        """An account is seen from its territory and from above; one that sees all only by those who see all."""
        return self.everywhere or (other.territory != EVERYWHERE and self.sees_code(other.territory))

    def may_manage(self, other: User) -> bool:
        """Accounts are looked after by administrators of their territory and of what lies above it."""
        return self.may("accounts") and self.sees_account(other)

    def may_place(self, territory: str) -> bool:
        """Whether this viewer may give somebody that territory: none that reaches beyond the own one."""
        return self.may("accounts") and (self.everywhere or (territory != EVERYWHERE and self.sees_code(territory)))

    def codes(self) -> frozenset[str] | None:
        """The region codes this viewer sees; None: all of them."""
        return None if self.everywhere else codes_within(self.regions, self.user.territory)

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

    def sees_event(self, event: Event) -> bool:
        """An event is seen where one of its documents is."""
        return any(self.sees_code(code) for code in event.facts.get("territories", ()))

    def may_declare(self, codes: Iterable[str | None]) -> bool:
        """Whether this viewer may call what lies in these places sensitive."""
        return self.may("sensitive") and any(map(self.sees_code, codes))

    def sees_period(self, one: Period, codes: Iterable[str | None]) -> bool:
        """A sensitive period is seen where its subject lies, and from where it was declared."""
        return any(map(self.sees_code, (one.territory, *codes)))

    def may_end_period(self, one: Period) -> bool:
        """A sensitive period is ended by officers of the territory that declared it and of what lies above it."""
        inside = self.everywhere if one.territory == EVERYWHERE else self.sees_code(one.territory)
        return self.may("sensitive") and inside

    def sees_watchlist(self, one: WatchList) -> bool:
        """A list is seen by its owner; a shared one by the roles it is shared with, in and above its territory, and by
        those below, whose firms it may hold."""
        if one.owner == self.name:
            return True
        return bool(one.shared) and self._has(cast(Role, one.shared)) and self.sees_rule(one.territory)

    def may_change_watchlist(self, one: WatchList) -> bool:
        """A list is kept by its owner; a shared one also by officers of its territory and of what lies above it."""
        if not self.may("watch"):
            return False
        if one.owner == self.name:
            return True
        inside = self.everywhere if one.territory == EVERYWHERE else self.sees_code(one.territory)
        return bool(one.shared) and self.sees_watchlist(one) and inside

    def documents(self) -> ColumnElement[bool]:
        """The same cut as a condition on the documents table."""
        codes = self.codes()
        if codes is None:
            return true()
        inside = documents.c.jurisdiction.in_(sorted(codes))
        if self.user.territory.endswith("0000"):
            return or_(inside, documents.c.jurisdiction.is_(None), documents.c.jurisdiction == ABROAD)
        return inside


def codes_within(regions: Regions, territory: str) -> frozenset[str]:
    """A region and all below it."""
    found, todo = {territory}, [territory]
    while todo:
        below = [code for code in regions.children.get(todo.pop(), ()) if code not in found]
        found.update(below)
        todo.extend(below)
    return frozenset(found)
