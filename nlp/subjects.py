"""What a text names: firms, goods, places. Offices and platforms write by a form: two notices that share all of their
wording but the firm are two cases, and to take the second for a reprint of the first would lose it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from core.records import NAMES_OF_FIRMS, Analysis, MentionType
from nlp.enterprises import FirmMention

_UNLISTED = "NIL:"


@dataclass(frozen=True)
class Subjects:
    """Names in a text. firms: registry ids, `NIL:` names, or all candidates of a mention.  regions: codes (GB/T
    2260)."""

    firms: frozenset[str]
    products: frozenset[str]
    regions: frozenset[str]

    def differ(self, other: "Subjects") -> bool:
        """Whether each names what the other does not: another firm or other goods, whatever both name beside them (who
        sold it, what the form warns of); or, where no firm is in both, another place. Names in only one of the two say
        nothing: a reprint is cut short, or has its paper's city on top."""
        mine, its = _unknown(self.firms, other.firms), _unknown(other.firms, self.firms)
        if (mine and its) or (self.products - other.products and other.products - self.products):
            return True
        if len(mine) < len(self.firms):  # one is in both
            return False
        here, there = _deepest(self.regions), _deepest(other.regions)
        return bool(_elsewhere(here, there) and _elsewhere(there, here))


def firms_of(found: Sequence[FirmMention]) -> frozenset[str]:
    """The firms and brands of mentions."""
    return frozenset(firm.id or "|".join(firm.candidates) for firm in found)


def subjects_of(analysis: Analysis) -> Subjects:
    """The names among what was read of a text."""
    mentions = (*analysis.title_mentions, *analysis.mentions)

    def named(*types: MentionType) -> frozenset[str]:
        return frozenset(one.id_or_norm for one in mentions if one.type in types and one.id_or_norm)

    return Subjects(named(*NAMES_OF_FIRMS), named(MentionType.PRODUCT), named(MentionType.REGION))


def _unknown(mine: Iterable[str], its: Iterable[str]) -> list[str]:
    """Those of `mine` that are none of `its`; one in no list may be called more or less fully."""
    names = [name.removeprefix(_UNLISTED) for name in its]
    owns = [own.removeprefix(_UNLISTED) for own in mine]
    return [own for own in owns if not any(name in own or own in name for name in names)]


def _deepest(codes: Collection[str]) -> list[str]:
    """Without those that only say in which province or prefecture another one lies: offices name theirs each time."""
    parts = [(code, _significant(code)) for code in codes]
    return [code for code, part in parts if not any(its != part and its.startswith(part) for _, its in parts)]


def _elsewhere(mine: Collection[str], its: Collection[str]) -> list[str]:
    """Those of `mine` that are neither in, nor above, nor below one of `its`."""
    others = [_significant(code) for code in its]
    own = ((code, _significant(code)) for code in mine)
    return [code for code, part in own if not any(part.startswith(one) or one.startswith(part) for one in others)]


def _significant(code: str) -> str:
    """Two digits of a province, four of a prefecture, six of a county."""
    return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
