"""How text becomes tokens, the same for documents and queries and for both backends.

Two views of each text: words (from the injected segmenter) and grams (bigrams of Chinese characters, whole runs of
letters and digits), so that a name the segmenter cut wrong is still found. Tokens hold no white space: both backends
split on it and do nothing else.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

Segmenter = Callable[[str], Sequence[str]]
"""Cuts a text into words; everything it returns is folded and filtered here."""

MAX_TOKEN = 64
"""Longer runs (base64, addresses) are cut: no person searches for their tail, and Lucene splits at 255."""

EMPTY = "∅"
"""Stands in a view that would hold no token: engines count documents with and without a text differently, which would
rank hits differently. No query asks for it but `标题:*`."""

HAN = r"\u2e80-\uffff\U00020000-\U0003ffff"
RUNS = re.compile(rf"((?:(?![\W_])[{HAN}])+)|((?:(?![\W_{HAN}]).)+)")


@lru_cache(maxsize=65536)
def _fold_character(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    lowered = (plain if len(plain) == 1 else character).lower()
    return lowered if len(lowered) == 1 else character


def fold(text: str) -> str:
    """`text` with full-width forms narrowed and case folded, character by character: offsets stay valid."""
    return "".join(map(_fold_character, text))


def words_of(text: str, segmenter: Segmenter) -> list[str]:
    """The words of `text`: folded, without blanks and punctuation."""
    pieces = (piece for word in segmenter(fold(text)) for piece in fold(word).split())
    return [piece[:MAX_TOKEN] for piece in pieces if any(map(str.isalnum, piece))]


def grams_of(text: str) -> list[str]:
    """The grams of `text`: `起火3人` gives 起火 火 3 人. The last character of a run stands alone, so that every
    character starts a token and a prefix finds it. Punctuation leaves no gap."""
    grams: list[str] = []
    for run in RUNS.finditer(fold(text)):
        han, other = run.groups()
        if han:
            grams.extend(han[at : at + 2] for at in range(len(han)))
        else:
            grams.append(other[:MAX_TOKEN])
    return grams


@dataclass(frozen=True)
class TextTerm:
    """One thing to find in a text: a word, or a phrase.

    word: the token in the words view; None for a phrase.  grams: consecutive tokens in the grams view.
    open_end: the last gram is one Chinese character that may go on in the text: match it as a prefix.
    """

    word: str | None
    grams: tuple[str, ...]
    open_end: bool


def phrase_term(text: str) -> TextTerm | None:
    """`text` as consecutive grams; None when nothing in it can be searched."""
    runs = [match.groups() for match in RUNS.finditer(fold(text))]
    if not runs:
        return None
    grams, last_han = grams_of(text), runs[-1][0]
    if last_han and len(last_han) > 1:
        grams.pop()
    return TextTerm(None, tuple(grams), open_end=last_han is not None and len(last_han) == 1)


def word_terms(text: str, segmenter: Segmenter) -> tuple[TextTerm, ...]:
    """Every word of `text`, each once: all of them must be found."""
    terms = []
    for word in dict.fromkeys(words_of(text, segmenter)):
        phrase = phrase_term(word)
        terms.append(TextTerm(word, phrase.grams if phrase else (), phrase.open_end if phrase else False))
    return tuple(terms)
