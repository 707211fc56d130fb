"""What documents say of single goods: which lot failed or is recalled, who made it, who sold it."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

NIL = "NIL:"
"""Before the name of a firm that is in no registry."""


class Outcome(StrEnum):
    """What is said of a lot."""

    FAILED = "failed"  # 抽查不合格
    RECALLED = "recalled"
    RECALLED_ABROAD = "recalled_abroad"
    PASSED = "passed"
    UNSAID = "unsaid"


SOMEBODY = "某"
"""In a name that was made unrecognisable: two of the same spelling need not be one firm, and none leads on."""
GRAVE = (Outcome.FAILED, Outcome.RECALLED, Outcome.RECALLED_ABROAD)


class Part(StrEnum):
    """What a firm did with a lot."""

    MAKER = "maker"
    CLIENT = "client"  # 委托方
    RECALLER = "recaller"
    IMPORTER = "importer"
    DISTRIBUTOR = "distributor"
    SELLER = "vendor"  # apart from TieKind.SELLER, as both stand on edges
    NAMED = "named"  # named, its part unsaid


@dataclass(frozen=True)
class Party:
    """A firm as a document names it. firm: its registry id where the reading knew it, else ""."""

    part: Part
    name: str
    firm: str = ""


@dataclass(frozen=True)
class Told:
    """One row of a spot-check list, or one recall.

    document, position: the document and the place of the row in it.  day: published.  models, batches: as written.
    items: what failed, or the hazard.  number: of the notice or recall.
    """

    document: str
    position: int
    outcome: Outcome
    day: date | None = None
    number: str = ""
    product: str = ""
    brand: str = ""
    models: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    items: str = ""
    source: str = ""
    parties: tuple[Party, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """What it can be looked up by."""
        known = [party for party in self.parties if party.firm or SOMEBODY not in party.name]
        named = {f"f:{party.firm}" if party.firm else f"n:{plain(party.name)}" for party in known}
        goods = {f"m:{plain(model)}" for model in self.models} | {f"b:{plain(batch)}" for batch in self.batches}
        return frozenset(key for key in (*named, *goods, f"#:{plain(self.number)}") if len(key) > 2)


def plain(text: str) -> str:
    """The form in which names, models and numbers compare: letters, digits and characters only, capitals."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).upper()[:120]
