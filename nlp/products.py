"""Products named in a text: dictionary words with context rules; the longest word wins, then the nearest context."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.lexicon import Lexicon
from nlp.dictionary import Dictionary, Hit, longest
from nlp.normalize import normalize_word

_STREET = ("路", "街", "大道", "镇", "村", "小学", "广场", "小区")
_NEAR = 14  # characters around a word that a `not_when` phrase without the word itself may stand in


@dataclass(frozen=True)
class _Form:
    """A word that needs context. inside: phrases that hold the word and mean something else."""

    inside: tuple[str, ...]
    near: tuple[str, ...]
    only_when: tuple[str, ...]


class ProductFinder:
    """Finds product mentions in normalised text."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._forms: dict[tuple[str, str], _Form] = {}
        pairs: list[tuple[str, str]] = []
        ordered = sorted(lexicon.products.values(), key=lambda product: not product.key)
        for product in ordered:
            for ambiguous in product.ambiguous:
                self._add_form(product.id, ambiguous.form, ambiguous.not_when, ambiguous.only_when)
            words = [word for word in (product.name, *product.terms, *product.colloquial) if word]
            for word in words:
                plain = normalize_word(word)
                if len(plain) > 1 or self._forms.get((product.id, plain), _Form((), (), ())).only_when:
                    pairs.append((plain, product.id))
        self._blocked = {phrase for form in self._forms.values() for phrase in form.inside}
        pairs += [(phrase, "") for phrase in self._blocked]
        self._dictionary: Dictionary[str] = Dictionary(pairs)

    def _add_form(self, product: str, form: str, not_when: tuple[str, ...], only_when: tuple[str, ...]) -> None:
        plain = normalize_word(form)
        known = self._forms.get((product, plain), _Form((), (), ()))
        phrases = [normalize_word(phrase) for phrase in not_when]
        self._forms[product, plain] = _Form(
            known.inside + tuple(phrase for phrase in phrases if plain in phrase and phrase != plain),
            known.near + tuple(phrase for phrase in phrases if plain not in phrase),
            known.only_when + tuple(normalize_word(phrase) for phrase in only_when),
        )

    @property
    def words(self) -> Iterable[str]:
        """Every product word, for the segmenter."""
        return (entry.word for entry in self._dictionary.entries)

    @property
    def heads(self) -> Iterable[str]:
        """The words that, behind a quoted name, make it a brand."""
        return (entry.word for entry in self._dictionary.entries if any(entry.meanings) and len(entry.word) > 1)

    def find(
        self, text: str, *, context: str = "", taken: Iterable[tuple[int, int]] = ()
    ) -> list[tuple[int, int, str]]:
        """Spans with product ids in order, none inside `taken` (firms, brands). context: title and text together."""
        blocked_by_start: dict[int, list[tuple[int, str]]] = {}
        hits: list[Hit] = []
        for hit in self._dictionary.find_all(text):
            word = self._dictionary.entries[hit.word].word
            if word in self._blocked:
                blocked_by_start.setdefault(hit.start, []).append((hit.end, word))
            if any(self._dictionary.entries[hit.word].meanings):
                hits.append(hit)
        if not hits:
            return []
        blocked = [(start, end, word) for start, ends in blocked_by_start.items() for end, word in ends]
        covered = sorted(taken)
        whole = context or text
        found: list[tuple[int, int, str]] = []
        usable = [
            hit
            for hit in hits
            if not any(start < hit.end and hit.start < end for start, end in covered)
            and self._meaning(hit, text, whole, blocked)
        ]
        for hit in longest(usable):
            product = self._meaning(hit, text, whole, blocked)
            if product:
                found.append((hit.start, hit.end, product))
        return found

    def _meaning(self, hit: Hit, text: str, whole: str, blocked: list[tuple[int, int, str]]) -> str | None:
        entry = self._dictionary.entries[hit.word]
        if text.startswith(_STREET, hit.end):
            return None
        for product in entry.meanings:
            if product and self._fits(product, entry.word, hit, text, whole, blocked):
                return product
        return None

    def _fits(
        self, product: str, word: str, hit: Hit, text: str, whole: str, blocked: list[tuple[int, int, str]]
    ) -> bool:
        form = self._forms.get((product, word))
        if form is None:
            return True
        if any(start <= hit.start and hit.end <= end and phrase in form.inside for start, end, phrase in blocked):
            return False
        if form.near:
            around = text[max(0, hit.start - _NEAR) : hit.end + _NEAR]
            if any(phrase in around for phrase in form.near):
                return False
        return not form.only_when or any(phrase in whole for phrase in form.only_when)


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
