"""Products named in a text: dictionary words with context rules; the longest word wins, then the nearest context."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.lexicon import Lexicon
from nlp.dictionary import Dictionary, Hit, longest
from nlp.normalize import normalize_word

_STREET = ("路", "街", "大道", "镇", "村", "小学", "广场", "小区")
_LIKE = re.compile(
    r"(?<![录图偶摄头音影雕塑肖佛画好])(?:像|宛如|仿佛|如同|好比|堪比|当成|似)(?:[一个台块只节把颗条床根桶是]|劣质|过充的|的){0,4}$"
)
"""In front of a word: it is a figure of speech (冷得像冰箱)."""
_NEAR = 14  # characters around a word that a `not_when` phrase without the word itself may stand in


@dataclass(frozen=True)
class _Form:
    """A word that needs context. inside: phrases that hold the word (and where) and mean something else."""

    inside: tuple[tuple[str, int], ...] = ()
    near: tuple[str, ...] = ()
    only_when: tuple[str, ...] = ()

    def fits(self, text: str, hit: Hit, told: dict[tuple[str, ...], bool]) -> bool:
        """Whether the word at `hit` names the product. told: answers about the whole text, kept between calls."""
        if any(hit.start >= place and text.startswith(phrase, hit.start - place) for phrase, place in self.inside):
            return False
        if self.near:
            around = text[max(0, hit.start - _NEAR) : hit.end + _NEAR]
            if any(phrase in around for phrase in self.near):
                return False
        if self.only_when and self.only_when not in told:
            told[self.only_when] = any(phrase in text for phrase in self.only_when)
        return not self.only_when or told[self.only_when]


class ProductFinder:
    """Finds product mentions in normalised text."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._forms: dict[tuple[str, str], _Form] = {}
        pairs: list[tuple[str, str]] = []
        for product in sorted(lexicon.products.values(), key=lambda product: not product.key):
            for ambiguous in product.ambiguous:
                self._add_form(product.id, ambiguous.form, ambiguous.not_when, ambiguous.only_when)
            for word in (product.name, *product.terms, *product.colloquial):
                plain = normalize_word(word)
                if len(plain) > 1 or self._forms.get((product.id, plain), _Form()).only_when:
                    pairs.append((plain, product.id))
        self._dictionary: Dictionary[str] = Dictionary(pairs)

    def _add_form(self, product: str, form: str, not_when: tuple[str, ...], only_when: tuple[str, ...]) -> None:
        plain = normalize_word(form)
        known = self._forms.get((product, plain), _Form())
        phrases = [normalize_word(phrase) for phrase in not_when]
        self._forms[product, plain] = _Form(
            known.inside + tuple((phrase, phrase.find(plain)) for phrase in phrases if plain in phrase),
            known.near + tuple(phrase for phrase in phrases if plain not in phrase),
            known.only_when + tuple(normalize_word(phrase) for phrase in only_when),
        )

    @property
    def words(self) -> Iterable[str]:
        """Every product word, for the segmenter and for what makes a quoted name before it a brand."""
        return (entry.word for entry in self._dictionary.entries if len(entry.word) > 1)

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Spans with product ids, in order, not overlapping."""
        told: dict[tuple[str, ...], bool] = {}
        meant: list[tuple[Hit, str]] = []
        for hit in self._dictionary.find_all(text):
            product = self._meaning(text, hit, told)
            if product:
                meant.append((hit, product))
        products = dict(meant)
        return [(hit.start, hit.end, products[hit]) for hit in longest(products)]

    def _meaning(self, text: str, hit: Hit, told: dict[tuple[str, ...], bool]) -> str | None:
        entry = self._dictionary.entries[hit.word]
        if text.startswith(_STREET, hit.end) or _LIKE.search(text, max(0, hit.start - 8), hit.start):
            return None
        for product in entry.meanings:
            form = self._forms.get((product, entry.word))
            if form is None or form.fits(text, hit, told):
                return product
        return None


class ForeignProducts:
    """English product words of foreign recall notices."""

    def __init__(self, words: Mapping[str, tuple[str, ...]]) -> None:
        self._dictionary: Dictionary[str] = Dictionary(
            (word.lower(), product) for product, forms in words.items() for word in forms
        )

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Spans with product ids; words are matched whole, in any case, with a plural s."""
        lower = text.lower()
        if len(lower) != len(text):
            lower = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
        hits = [hit for hit in self._dictionary.find_all(lower) if _whole_word(lower, hit)]
        return [(hit.start, hit.end, self._dictionary.entries[hit.word].meanings[0]) for hit in longest(hits)]


def _whole_word(text: str, hit: Hit) -> bool:
    before = text[hit.start - 1 : hit.start]
    after = text[hit.end : hit.end + 2]
    if before.isascii() and before.isalnum():
        return False
    if after.startswith("s"):
        after = after[1:]
    return not (after[:1].isascii() and after[:1].isalnum())
