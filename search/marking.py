"""Where a hit shows what was asked for: done on the stored text, so that both backends mark the same places."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from search.text import MAX_TOKEN, Segmenter, fold, words_of
from search.where import Phrase, TextLeaf, Words

SNIPPET = 120
"""Characters of body shown below a title: three lines at 390 px."""
MOST_PIECES = 50
"""Pieces of a phrase that are marked: looking for hundreds of them at every place of a long text takes seconds."""
BEFORE = 30
"""Characters shown before the first mark."""


@dataclass(frozen=True)
class Marked:
    """A piece of text; spans are (start, end) in it, in order, apart from each other. Not escaped."""

    text: str
    spans: tuple[tuple[int, int], ...] = ()


def marker(leaves: Sequence[TextLeaf], field: str, segmenter: Segmenter) -> re.Pattern[str] | None:
    """Finds, in folded text, what the leaves ask of `field`; None when they ask nothing of it."""
    forms: dict[str, None] = {}
    for leaf in leaves:
        if field not in leaf.fields:
            continue
        if isinstance(leaf, Words):
            forms.update(dict.fromkeys(map(_spread, words_of(leaf.text, segmenter))))
        elif isinstance(leaf, Phrase):
            forms[_spread(fold(leaf.text))] = None
        else:
            forms[_word_form(leaf.parts)] = None
    kept = sorted((form for form in forms if form), key=len, reverse=True)
    return re.compile("|".join(kept)) if kept else None


def _spread(text: str) -> str:
    """A form of `text` that lets up to three other characters stand where it has a blank or punctuation."""
    pieces = re.findall(r"[^\W_]+", text)[:MOST_PIECES]
    return r"[\W_]{0,3}".join(map(re.escape, pieces))


def _word_form(parts: Sequence[str]) -> str:
    """A form of what is written of a word with wildcards: each part at the first place it fits, no further away than a
    word is long, so that a text of one sign over and over is read once."""
    head, *more = [re.escape(part) for part in parts if part] or [""]
    return head + "".join(rf"(?>\w{{0,{MAX_TOKEN}}}?{part})" for part in more)


def mark(text: str, pattern: re.Pattern[str] | None) -> Marked:
    """All of `text`, marked."""
    return Marked(text, _spans(text, pattern))


def snippet(text: str, pattern: re.Pattern[str] | None) -> Marked:
    """The part of `text` around the place with most marks, at most 120 characters, cut ends shown as …"""
    spans = _spans(text, pattern)
    start = 0
    if spans:
        starts = [begin for begin, _ in spans]
        ends = (bisect_left(starts, begin + SNIPPET - BEFORE) for begin in starts)
        best = max(range(len(starts)), key=[end - at for at, end in enumerate(ends)].__getitem__)
        start = max(0, min(starts[best] - BEFORE, len(text) - SNIPPET))
    end = min(len(text), start + SNIPPET)
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    piece = re.sub(r"\s", " ", text[start:end])
    shift = len(head) - start
    inside = tuple((max(s, start) + shift, min(e, end) + shift) for s, e in spans if s < end and e > start)
    return Marked(f"{head}{piece}{tail}", inside)


def _spans(text: str, pattern: re.Pattern[str] | None) -> tuple[tuple[int, int], ...]:
    """Every place in order; places that touch are one: 电动 and 自行车 mark 电动自行车."""
    spans: list[tuple[int, int]] = []
    for found in pattern.finditer(fold(text)) if pattern else ():
        start, end = found.span()
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        if end > start:
            spans.append((start, end))
    return tuple(spans)
