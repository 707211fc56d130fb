"""English recall notices: product words, makers in pinyin and the Chinese city they are made in."""

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from config.lexicon import Lexicon
from core.records import RegistryEntry
from nlp.enterprises import FirmMention
from nlp.pinyin import phrases_given_back, spelt
from nlp.products import ForeignProducts
from nlp.reading import Reading
from nlp.spans import Cover

_MOST = 50_000
_COMPANY = re.compile(
    r"([A-Z][A-Za-z'’&.\-]{0,40}(?:[ ,][A-Z][A-Za-z'’&.\-]{0,40}){0,7}?),? "
    r"(?:Co\.?,? ?Ltd\.?|Company Limited|Limited|Factory|GmbH|Inc\.?)"
)
_MADE_IN = re.compile(r"[Mm]anufactur|[Mm]ade in|[Mm]aker|of origin|[Pp]roduced|[Ee]xport")
_CHINA = re.compile(r"\bChina\b|\bChinese\b")
_SYLLABLES = re.compile(r"[A-Z][a-z]+(?:['’][a-z]+)?(?: [A-Z][a-z]+(?:['’][a-z]+)?)?")


class ForeignReader:
    """Reads English notices with pinyin forms of the registry and of the regions."""

    def __init__(self, lexicon: Lexicon, registry: Collection[RegistryEntry]) -> None:
        self._products = ForeignProducts(lexicon.foreign)
        self._lexicon = lexicon
        # Pinyin of a million firms takes minutes: beyond this many, makers in Latin letters stay unlinked names.
        self._registry = registry if len(registry) <= _MOST else ()

    @cached_property
    def _spelt(self) -> tuple[Mapping[str, str], Mapping[str, Sequence[str]]]:
        """Regions and firms by pinyin: made for the first foreign notice, most of what is read is Chinese."""
        with phrases_given_back():
            return self._places(), self._names()

    def _places(self) -> Mapping[str, str]:
        places: dict[str, str] = {}
        home = self._lexicon.regions.home[:2]  # its own places first: others may be spelt alike
        for region in sorted(self._lexicon.regions, key=lambda region: not region.code.startswith(home)):
            if region.level in ("province", "prefecture", "county") and region.short_name:
                places.setdefault(spelt(region.short_name), region.code)
        return places

    def _names(self) -> Mapping[str, Sequence[str]]:
        """Short names and brands."""
        firms: dict[str, list[str]] = {}
        for entry in self._registry:
            for word in dict.fromkeys((*entry.short_names, *entry.brands)):
                if len(word) >= 2:
                    firms.setdefault(spelt(word), []).append(entry.id)
                if len(word) > 2:  # translators cut names: Nuandong for 暖冬居
                    firms.setdefault(spelt(word[:2]), []).append(entry.id)
        return firms

    def products(self, text: str) -> list[tuple[int, int, str]]:
        """Product spans by English words."""
        return self._products.find(text)

    def firms(self, text: str, known: Sequence[FirmMention]) -> list[FirmMention]:
        """Company names in Latin letters outside `known`, linked where the pinyin of a short name stands in them."""
        found: list[FirmMention] = []
        taken = Cover((firm.start, firm.end) for firm in known)
        for match in _COMPANY.finditer(text[:20_000]):
            words = re.sub(r"['’]", "", match.group(1)).lower().split()
            ids: Sequence[str] = ()
            for size in range(min(4, len(words)), 0, -1):
                for start in range(len(words) - size + 1):
                    ids = self._spelt[1].get("".join(words[start : start + size]), ())
                    if ids:
                        break
                if ids:
                    break
            if taken.overlaps(match.start(), match.end()):
                continue
            if len(set(ids)) == 1:
                found.append(FirmMention(match.start(), match.end(), False, ids[0], (), "pinyin of a short name", 0.8))
            else:
                name = f"NIL:{match.group()}"
                found.append(
                    FirmMention(match.start(), match.end(), False, name, (), "company name in Latin letters", 0.6)
                )
        return found

    def made_in(self, reading: Reading) -> str | None:
        """The code of the Chinese city in a sentence about the maker, the most specific one; None without China."""
        text = reading.text
        best: str | None = None
        if not _CHINA.search(text):
            return None
        for match in _SYLLABLES.finditer(text[:20_000]):
            code = self._spelt[0].get(re.sub(r"['’ ]", "", match.group()).lower())
            if code is None:
                code = self._spelt[0].get(re.sub(r"['’]", "", match.group().split()[0]).lower())
            start, end = reading.clauses.sentence(match.start())
            if code and _MADE_IN.search(text, max(0, start - 40), end) and (best is None or best.endswith("0000")):
                best = code
        return best
