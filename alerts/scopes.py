"""Whether rules of a scope count a signal: asked of one scope, and of all scopes at once.

`in_scope` is the meaning. `ScopeIndex` says the same of hundreds of scopes, turned round: for each value of each fact
it holds which scopes take it, one bit a scope, so that a signal asks with its own few values, and what is left when all
facts have been asked is the answer. More rules make that hardly slower.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from config.regions import ABROAD, Regions
from config.rules import Scope
from nlp.dictionary import Dictionary

if TYPE_CHECKING:
    from alerts.cards import Card


def in_scope(card: "Card", scope: Scope, regions: Regions, key_products: frozenset[str], *, text: str) -> bool:
    """Whether a rule of this scope counts the signal; its query is asked elsewhere (alerts/query_hits.py)."""
    where = _places(card)
    checks = (
        card.level >= scope.min_level,
        not scope.kinds or card.kind in scope.kinds,
        not scope.voices or card.voice in scope.voices,
        not scope.products or _product_in(card.product, scope.products, key_products),
        not scope.issues or bool(set(scope.issues) & set(card.issues)),
        not scope.regions or any(regions.is_within(t, place) for t in scope.regions for place in where),
        not scope.text or any(word in text for word in scope.text),
        card.harmed >= scope.hurt,
        card.dead >= scope.dead,
        not scope.specific or _specific(card, regions),
        scope.maker is None or _made(card, scope.maker, regions),
    )
    return all(checks)


INDEXED = frozenset(
    {"min_level", "kinds", "voices", "products", "issues", "regions", "text", "hurt", "dead", "specific", "maker"}
)
"""The keys of a scope that both of them ask for."""
ELSEWHERE = frozenset({"query", "synonyms"})


class Axis:
    """Which of many askers take a value. One bit an asker; one that asks for nothing takes everything."""

    def __init__(self, wanted: Sequence[Iterable[object]]) -> None:
        """wanted: of each asker the values of which it takes any; none: it takes all."""
        self._open, self._by_value = 0, defaultdict[object, int](int)
        for place, values in enumerate(wanted):
            asked = set(values)
            self._open |= 0 if asked else 1 << place
            for value in asked:
                self._by_value[value] |= 1 << place

    @property
    def asked(self) -> bool:
        """Whether anybody asks for something."""
        return bool(self._by_value)

    def values(self) -> Iterator[object]:
        """Everything that is asked for."""
        yield from self._by_value

    def takers(self, values: Iterable[object]) -> int:
        """The bits of those that take one of the values."""
        found = self._open
        for value in values:
            found |= self._by_value.get(value, 0)
        return found


class Thresholds:
    """Which of many askers a number is enough for."""

    def __init__(self, least: Sequence[int]) -> None:
        self._least = sorted(set(least))
        self._takers = [sum(1 << place for place, one in enumerate(least) if one <= edge) for edge in self._least]

    def takers(self, value: int) -> int:
        """The bits of those that ask for this or less."""
        place = bisect_right(self._least, value)
        return self._takers[place - 1] if place else 0


class ScopeIndex:
    """Many scopes, asked at once. A scope's bit is its place."""

    def __init__(self, scopes: Sequence[Scope], regions: Regions, key_products: frozenset[str]) -> None:
        self._regions, self._key_products = regions, key_products
        self._all = (1 << len(scopes)) - 1
        self._level = Thresholds([scope.min_level for scope in scopes])
        self._hurt = Thresholds([scope.hurt for scope in scopes])
        self._dead = Thresholds([scope.dead for scope in scopes])
        self._kind = Axis([scope.kinds for scope in scopes])
        self._voice = Axis([scope.voices for scope in scopes])
        self._product = Axis([scope.products for scope in scopes])
        self._issue = Axis([scope.issues for scope in scopes])
        self._region = Axis([scope.regions for scope in scopes])
        self._specific = Axis([(True,) if scope.specific else () for scope in scopes])
        self._maker = Axis([(scope.maker,) if scope.maker else () for scope in scopes])
        self._text = Axis([scope.text for scope in scopes])
        self._words = Dictionary((str(word), str(word)) for word in self._text.values())

    def takers(self, card: "Card", text: str) -> int:
        """The bits of the scopes that count the signal. text: its title and body."""
        found = self._all & self._level.takers(card.level) & self._hurt.takers(card.harmed)
        found &= self._dead.takers(card.dead) & self._kind.takers((card.kind,)) & self._voice.takers((card.voice,))
        found &= self._product.takers(self._products_of(card)) & self._issue.takers(card.issues)
        if found and self._region.asked:
            found &= self._region.takers({code for place in _places(card) for code in self._regions.chain(place)})
        if found and self._specific.asked:
            found &= self._specific.takers((_specific(card, self._regions),))
        if found and self._maker.asked:
            found &= self._maker.takers(m for m in self._maker.values() if _made(card, str(m), self._regions))
        if found & ~self._text.takers(()):
            found &= self._text.takers(self._words_in(text))
        return found

    def _products_of(self, card: "Card") -> Iterator[str | None]:
        yield card.product
        if card.product in self._key_products:
            yield "key"

    def _words_in(self, text: str) -> set[str]:
        entries = self._words.entries
        return {"", *(entries[hit.word].word for hit in self._words.find_all(text))}


def places_of(bits: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _places(card: "Card") -> set[str]:
    return {card.jurisdiction, card.maker or card.jurisdiction, *card.places}


def _specific(card: "Card", regions: Regions) -> bool:
    return bool(card.firms or card.firm or card.labels or any(regions.county_of(code) for code in card.places))


def _product_in(product: str | None, wanted: Sequence[str], key_products: frozenset[str]) -> bool:
    return product in wanted or ("key" in wanted and product in key_products)


def _made(card: "Card", maker: str, regions: Regions) -> bool:
    if maker == "known":
        return card.firm is not None
    if maker == "listed":
        return card.firm is not None and not card.firm.startswith("NIL:")
    code = card.maker or card.jurisdiction
    if maker == "home":
        named = code != regions.home or card.firm is not None
        return named and regions.is_within(regions.home, code)
    return code != ABROAD
