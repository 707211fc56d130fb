"""What a registry knows of a firm beside its names: licences, results, penalties, relations, changes of its entry."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class FactKind(StrEnum):
    """What is recorded of a firm. PAPERS are valid from a day to a day; the others happened on a day."""

    LICENCE = "licence"  # 工业产品生产许可证, XK numbers
    CCC = "ccc"  # 强制性产品认证
    HAZCHEM = "hazchem"  # 危险化学品 licences
    SAMPLING = "sampling"  # 监督抽查 result
    CHECK = "check"  # inspection on the spot
    PENALTY = "penalty"
    RECALL = "recall"
    COMPLAINTS = "complaints"  # `count` of a period
    CREDIT = "credit"  # credit class or list of serious violations, `outcome` holds it


PAPERS = (FactKind.LICENCE, FactKind.CCC, FactKind.HAZCHEM)


class PaperState(StrEnum):
    """How a licence or certificate stands on a day."""

    VALID = "valid"
    NOT_YET = "not_yet"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"  # no date on it


@dataclass(frozen=True)
class FirmFact:
    """One licence, result, penalty, ... of a firm.

    day, until: validity of a paper (until is the last valid day), or the day it happened (and the end of a period).
    state: "" | suspended | withdrawn, since state_since.  outcome: passed | failed | a credit class | "".
    product: a product id of the lexicon or the words of the paper.  document: the document that says so, or "".
    source: where it came from (a file's name, a document's source).
    """

    firm: str
    kind: FactKind
    number: str = ""
    day: date | None = None
    until: date | None = None
    state: str = ""
    state_since: date | None = None
    product: str = ""
    model: str = ""
    batch: str = ""
    outcome: str = ""
    count: int = 1
    text: str = ""
    document: str = ""
    source: str = ""

    def state_on(self, day: date) -> PaperState:
        """How a paper stands on a day. A suspension or withdrawal without a day counts from the first."""
        if self.state and (self.state_since is None or self.state_since <= day):
            return PaperState(self.state)
        if self.day and day < self.day:
            return PaperState.NOT_YET
        if self.until and day > self.until:
            return PaperState.LAPSED
        return PaperState.VALID if self.day or self.until else PaperState.UNKNOWN


class TieKind(StrEnum):
    """How the first firm stands to the second."""

    GROUP = "group"  # is a member of the group
    BRANCH = "branch"  # is a branch of
    BRAND_OWNER = "brand_owner"  # owns the brand the other makes
    OEM = "oem"  # makes for (委托加工: the first is the maker)
    SUPPLIER = "supplier"  # supplies
    SELLER = "seller"  # sells what the other makes
    SHOP = "shop"  # is a shop on the platform


@dataclass(frozen=True)
class FirmTie:
    """A relation. one, other: registry ids or NIL:<name>.  product: what it is about, or ""."""

    one: str
    kind: TieKind
    other: str
    product: str = ""
    since: date | None = None
    until: date | None = None
    document: str = ""
    source: str = ""


@dataclass(frozen=True)
class EntryChange:
    """A re-import that changed an entry. changes: field to its text before and after."""

    firm: str
    at: datetime
    source: str
    changes: dict[str, tuple[str, str]]
