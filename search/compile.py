"""Where, as a query of any backend: what the language means is said here once, how a backend says it in its `Forms`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from search.text import Segmenter, TextTerm, phrase_term, word_terms
from search.where import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Exists,
    Fits,
    Not,
    Nothing,
    OneOf,
    Phrase,
    Where,
    Wild,
    WildText,
    Words,
)

Q = TypeVar("Q")


class Forms(Protocol[Q]):
    """A backend's own queries. Only `weighted` and what is built of it has a score."""

    def everything(self) -> Q:
        """Every entry."""

    def nothing(self) -> Q:
        """No entry."""

    def unscored(self, query: Q) -> Q:
        """The same entries with score 0."""

    def all(self, queries: Sequence[Q]) -> Q:
        """Entries in each of two or more; scores are added."""

    def any(self, queries: Sequence[Q]) -> Q:
        """Entries in one of two or more."""

    def best(self, queries: Sequence[Q]) -> Q:
        """As `any`, scored by the best of them."""

    def without(self, query: Q) -> Q:
        """All other entries."""

    def one_of(self, where: OneOf) -> Q:
        """The field holds one of the values."""

    def exists(self, where: Exists) -> Q:
        """The field holds something."""

    def between(self, where: Between) -> Q:
        """The field lies in the range."""

    def wild(self, view: str, parts: tuple[str, ...]) -> Q:
        """A word of the view is these parts with anything between them."""

    def fits(self, where: Fits) -> Q:
        """The field, a keyword, has a value of one of the forms."""

    def weighted(self, view: str, tokens: tuple[str, ...]) -> Q:
        """The words one after the other, scored by the view's weight (`weight_of`)."""


@dataclass(frozen=True)
class Compiler(Generic[Q]):
    """Compiles with the words of one segmenter into the forms of one backend."""

    forms: Forms[Q]
    segmenter: Segmenter

    def compile(self, where: Where) -> Q:
        """The query; only text is scored."""
        forms = self.forms
        match where:
            case Nothing():
                return forms.nothing()
            case Words(text, fields):
                return self._joined(forms.all, [self._term(term, fields) for term in word_terms(text, self.segmenter)])
            case Phrase(text, fields):
                term = phrase_term(text)
                return self._term(term, fields) if term else forms.nothing()
            case AllOf(parts):
                return self._joined(forms.all, [self.compile(part) for part in parts])
            case AnyOf(parts):
                return self._joined(forms.any, [self.compile(part) for part in parts])
            case _:
                return forms.unscored(self._unscored(where))

    def _unscored(self, where: Everything | WildText | Not | OneOf | Wild | Fits | Between | Exists) -> Q:
        forms = self.forms
        match where:
            case Everything():
                return forms.everything()
            case Not(part):
                return forms.without(self.compile(part))
            case WildText(parts, fields):
                return self._joined(forms.any, [forms.wild(f"{name}_words", parts) for name in fields])
            case Wild(field, parts):
                return forms.wild(field, parts)
            case OneOf():
                return forms.one_of(where)
            case Fits():
                return forms.fits(where)
            case Exists():
                return forms.exists(where)
            case Between():
                return forms.between(where)

    def _term(self, term: TextTerm, fields: tuple[str, ...]) -> Q:
        ways = []
        for name in fields:
            if term.word is not None:
                ways.append(self.forms.weighted(f"{name}_words", (term.word,)))
            if term.grams:
                ways.append(self.forms.weighted(f"{name}_grams", term.grams))
        return self.forms.best(ways)

    def _joined(self, join: Callable[[Sequence[Q]], Q], queries: Sequence[Q]) -> Q:
        if not queries:
            return self.forms.nothing()
        return queries[0] if len(queries) == 1 else join(queries)
