"""Whether a bare headline is a signal: something people buy, use, eat or visit, and something that happened to it.

A hot-search topic has a dozen characters, so one word in a thousand decides. Every word, pair and number stands in
config/lexicons/headlines.yaml; what speaks against a signal (war, sport, weather, a tip) is listed there too.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from config.lexicon import Lexicon
from config.regions import ABROAD
from nlp.dictionary import Dictionary, Hit, longest
from nlp.enterprises import FirmMention
from nlp.issues import IssueMention
from nlp.normalize import normalize_word
from nlp.reading import Reading
from nlp.segment import Segmenter
from nlp.spans import Cover

_WORD, _STRONG = 1.5, 2.5  # points of a word and of a strong one
_MOST_KINDS = 2  # further kinds of happening that add points
_SHORT = 2  # characters; such a subject does not count inside a longer word: 面包 in 面包车
_READ = 2000  # characters of an article in which a subject is looked for
_LONGEST = 80  # characters of a headline; the longest of 323,000 hot-search topics has 64


@dataclass(frozen=True)
class HeadlineVerdict:
    """score: 0-1.  issues: what happened, as issue mentions.  reasons: sentences, Chinese.

    firms: brands of the card that the headline of a signal names; in no registry, so `NIL:<name>`.
    products: its wares, where the reading found no product.
    """

    is_risk: bool
    score: float
    issues: tuple[IssueMention, ...]
    reasons: tuple[str, ...]
    firms: tuple[FirmMention, ...] = ()
    products: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True)
class _Found:
    """A word of the headline. part: subjects, happenings or against.  kind: its key there."""

    start: int
    end: int
    part: str
    kind: str
    points: float


@dataclass(frozen=True)
class _Pair:
    subject: _Found
    happening: _Found
    points: float


class HeadlineCard:
    """Judges headlines by headlines.yaml; without that file no text is a headline."""

    def __init__(self, lexicon: Lexicon, segmenter: Segmenter) -> None:
        card = lexicon.headlines
        self._segmenter = segmenter
        self._sides = {issue.id: issue.side for issue in lexicon.issues.values()}
        self._most_body = int(card.get("body", -1))
        self._threshold = float(card.get("threshold", 0.5))
        self._base = float(card.get("base", 0.0))
        self._more = float(card.get("more_happenings", 0.0))
        self._own_subjects = frozenset(card.get("own_subjects", ()))
        self._only_beside: Mapping[str, frozenset[str]] = {
            subject: frozenset(kinds) for subject, kinds in card.get("only_beside", {}).items()
        }
        self._wares: Mapping[str, str] = card.get("wares", {})
        self._named = frozenset(card.get("named", ()))
        self._owners = {normalize_word(word): name for name, words in card.get("names", {}).items() for word in words}
        self._with_regulator = float(card.get("with_regulator", 0.0))
        self._pairs: Mapping[str, frozenset[str]] = {
            kind: frozenset(subjects) for kind, subjects in card.get("pairs", {}).items()
        }
        self._happenings: Mapping[str, Mapping[str, Any]] = card.get("happenings", {})
        self._against: Mapping[str, Mapping[str, Any]] = card.get("against", {})
        self._products = {product: kind for kind, products in card.get("products", {}).items() for product in products}
        self._dictionary: Dictionary[tuple[str, str, float]] = Dictionary(_entries(card))

    def reads(self, reading: Reading) -> bool:
        """Whether the text is a title with hardly anything behind it."""
        if not 1 < reading.title_end <= _LONGEST:
            return False
        title, body = reading.text[: reading.title_end].strip(), reading.text[reading.title_end :].strip()
        return bool(title) and (body == title or sum(map(str.isalpha, body)) <= self._most_body)

    def names_subject(self, reading: Reading) -> bool:
        """Whether a text of any length names a ware, premises or equipment by a strong word."""
        return any(
            item.part == "subjects" and item.points == _STRONG and item.kind in self._own_subjects
            for item in self._words(reading.text[:_READ])
        )

    def judge(self, reading: Reading) -> HeadlineVerdict:
        """The decision on a headline, with the pair of words that made it."""
        found = self._found(reading)
        pairs = self._fitting(reading, found)
        telling = [p for p in pairs if p.happening.kind not in self._only_beside.get(p.subject.kind, ())]
        if not telling:
            return HeadlineVerdict(False, round(_squash(self._base), 4), (), ())
        best = max(telling, key=lambda pair: pair.points)
        kinds = {pair.happening.kind: pair.happening for pair in reversed(pairs)}
        told = {(item.start, item.end): item for item in kinds.values()}  # one word may be of two kinds
        points = self._base + best.points + self._more * min(_MOST_KINDS, len(told) - 1)
        points += self._with_regulator * any(
            item.kind == "regulator" and item.part == "subjects" and item != best.subject for item in found
        )
        score = _squash(points)
        is_risk = score >= self._threshold
        issues = tuple(
            IssueMention(start, end, str(self._happenings[item.kind]["issue"]), "")
            for (start, end), item in sorted(told.items())
            if item.kind in self._happenings
        )
        firms = self._firms(reading, found) if is_risk else ()
        wares = self._wares_of(reading, found, firms, issues) if is_risk and not reading.products else ()
        return HeadlineVerdict(is_risk, round(score, 4), issues, _reasons(reading.text, best, found), firms, wares)

    def _wares_of(
        self, reading: Reading, found: Sequence[_Found], firms: Sequence[FirmMention], issues: Sequence[IssueMention]
    ) -> tuple[tuple[int, int, str], ...]:
        """The wares of the headline, but for words that are a name or tell what happened."""
        names = [(firm.start, firm.end) for firm in (*firms, *reading.firms)]
        told = [(issue.start, issue.end) for issue in (*issues, *reading.issues)]
        taken = Cover([*names, *told, *((start, end) for start, end, _ in reading.regions)])
        spans = {(item.start, item.end): item.kind for item in found if item.kind in self._wares}
        return tuple((*span, self._wares[kind]) for span, kind in sorted(spans.items()) if not taken.overlaps(*span))

    def _firms(self, reading: Reading, found: Sequence[_Found]) -> tuple[FirmMention, ...]:
        """The brands of the card that no list of firms knows."""
        known = Cover((firm.start, firm.end) for firm in reading.firms)
        named = [
            item
            for item in found
            if item.kind in self._named and item.points == _STRONG and not known.overlaps(item.start, item.end)
        ]
        words = {(item.start, item.end): reading.text[item.start : item.end] for item in named}
        return tuple(
            FirmMention(start, end, True, f"NIL:{self._owners.get(normalize_word(word), word)}", (), "headline brand")
            for (start, end), word in sorted(words.items())
        )

    def _fitting(self, reading: Reading, found: Sequence[_Found]) -> list[_Pair]:
        """Subjects with a happening that says something about them, less what speaks against that happening."""
        denied = [issue for issue in reading.issues if issue.negated in ("negation", "metaphor", "title")]
        pairs = []
        for happening in (item for item in found if item.part == "happenings"):
            if any(happening.start < issue.end and issue.start < happening.end for issue in denied):
                continue
            pairs += [
                _Pair(
                    subject,
                    happening,
                    subject.points + happening.points - self._doubt(found, happening.kind, subject.kind),
                )
                for subject in found
                if subject.part == "subjects" and subject.kind in self._pairs.get(happening.kind, ())
            ]
        return pairs

    def _doubt(self, found: Sequence[_Found], happening: str, subject: str) -> float:
        kinds = {item.kind for item in found if item.part == "against"}
        rows = (self._against[kind] for kind in kinds)
        return sum(
            float(row["points"])
            for row in rows
            if happening in row.get("of", (happening,)) and subject not in row.get("except", ())
        )

    def _found(self, reading: Reading) -> list[_Found]:
        end = reading.title_end
        found = self._words(reading.text[:end])
        found += [
            _Found(span[0], span[1], "subjects", self._products.get(span[2], "goods"), _STRONG)
            for span in reading.products
            if span[1] <= end
        ]
        found += [
            _Found(issue.start, issue.end, "happenings", self._sides[issue.id], _STRONG)
            for issue in reading.asserted
            if issue.end <= end and self._sides[issue.id] in self._pairs
        ]
        found += [
            _Found(firm.start, firm.end, "subjects", "brand", _STRONG) for firm in reading.firms if firm.end <= end
        ]
        found += [
            _Found(start, stop, "subjects", "place", _WORD)
            for start, stop, code in reading.regions
            if stop <= end and code != ABROAD
        ]
        return found

    def _words(self, text: str) -> list[_Found]:
        """The listed words, of each part the longest at a place."""
        hits: dict[str, list[Hit]] = {}
        cuts = list(accumulate(map(len, self._segmenter.cut(text)), initial=0))
        for hit in self._dictionary.find_all(text):
            parts = {meaning[0] for meaning in self._dictionary.entries[hit.word].meanings}
            if hit.end - hit.start == _SHORT and _inside(cuts, hit):
                parts.discard("subjects")
            for part in parts:
                hits.setdefault(part, []).append(hit)
        return [
            _Found(hit.start, hit.end, *meaning)
            for part, own in hits.items()
            for hit in longest(own)
            for meaning in self._dictionary.entries[hit.word].meanings
            if meaning[0] == part
        ]


def _entries(card: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str, float]]]:
    for part in ("subjects", "happenings", "against"):
        for kind, row in card.get(part, {}).items():
            for key, points in (("words", _WORD), ("strong", _STRONG)):
                for word in row.get(key, ()):
                    yield normalize_word(str(word)), (part, kind, points)


def _reasons(text: str, best: _Pair, found: Sequence[_Found]) -> tuple[str, ...]:
    subject, happening = text[best.subject.start : best.subject.end], text[best.happening.start : best.happening.end]
    reasons = [f"标题说“{subject}”{'' if subject == happening else f'“{happening}”'}（{best.points:+.1f}）"]
    doubts = "、".join(dict.fromkeys(text[item.start : item.end] for item in found if item.part == "against"))
    return (*reasons, f"标题中的“{doubts}”减分") if doubts else tuple(reasons)


def _inside(cuts: Sequence[int], hit: Hit) -> bool:
    """Whether the hit is a part of one longer word. cuts: where words begin."""
    return not {hit.start, hit.end} <= set(cuts) and not any(hit.start < cut < hit.end for cut in cuts)


def _squash(points: float) -> float:
    return 1 / (1 + math.exp(-points))
