"""Chinese words of the desk and their English: YAML files, one a page, `common.yml` for what several templates
say, `words.yml` for what code says.

pieces: what a template says between two tags, or in one string, with `{0}` for the figures inside:
    `共 {0} 条: "{0} row{0:s} in all"`; `{0:s}` is an s unless the figure is 1. An empty word leaves the piece out.
says: expressions of the template whose value is the desk's own word or sentence; its English is looked up when the
page is drawn. Everything else that a page prints is data and is never touched.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml
from markupsafe import Markup

from core.errors import ConfigError

FOLDER = Path(__file__).parent / "english"
HAN = re.compile(r"[\u3400-\u9fff]")
PLACE = re.compile(r"\{(\d)(:s)?\}")
EDGES = re.compile(r'([<>"])')
"""Neither a tag nor the value of an attribute goes over one of these."""
LONGEST = 1000
MOST_PARTS = 16
DEEPEST = 3
"""So many sentences stand in one another."""
MARKS_BETWEEN = "。；，：、"
SPLIT = re.compile(f"([{MARKS_BETWEEN}])")
EDGE_MARKS = " .,;:"
FEW, MANY = 2, 6
PLAIN = re.compile(r"[^。；，：、]+")
FIGURES = re.compile(r"[\d.,:%+/ –-]+")
MARKS = {
    "。": ". ", "，": ", ", "、": ", ", "；": "; ", "：": ": ", "（": " (", "）": ")", "？": "? ", "“": "“", "”": "”",
    "「": "“", "」": "”", "《": "“", "》": "”",
}  # fmt: skip


def plural(value: Any) -> str:
    """The ending of a word counted by `value`, as printed."""
    return "" if str(value) == "1" else "s"


def with_marks(text: str) -> str:
    """The punctuation of a Chinese text as an English one has it."""
    return "".join(MARKS.get(letter, letter) for letter in text)


@dataclass(frozen=True)
class Page:
    """The words of one template: its own first, then the common ones. says: expressions, as compile.py writes them."""

    pieces: Mapping[str, str]
    says: frozenset[str]

    def find(self, piece: str) -> str | None:
        """The English of a piece, None where there is none; a piece without Chinese has its marks changed."""
        found = self.pieces.get(piece)
        return found if found is not None or HAN.search(piece) else with_marks(piece)


NO_WORDS = Page({}, frozenset())


@dataclass(frozen=True)
class Pattern:
    """A sentence with figures: the literal texts around them, in order. weight: how many letters
    tell the sentence; where they are few, only figures may stand at the places, and no lists where they are not many.
    """

    literals: tuple[str, ...]
    numbers: tuple[int, ...]
    english: str
    weight: int

    def match(self, text: str) -> dict[int, str] | None:
        """What stands at each place; None for another sentence. Linear: each literal is taken where it first is."""
        first, *middle, last = self.literals
        if not (text.startswith(first) and text.endswith(last) and len(text) > len(first) + len(last)):
            return None
        at, end, found = len(first), len(text) - len(last), []
        for literal in middle:
            start = text.find(literal, at + 1, end)
            if start < 0:
                return None
            found.append(text[at:start])
            at = start + len(literal)
        found.append(text[at:end])
        form = FIGURES if self.weight < FEW else PLAIN if self.weight < MANY else None
        if at >= end or (form is not None and not all(map(form.fullmatch, found))):
            return None
        return dict(zip(self.numbers, found, strict=True))


class Catalogue:
    """All words. Raises ConfigError naming the file."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {path.stem: _read(path) for path in sorted(folder.glob("*.yml"))}
        self._common, self._spoken = (self._files.get(stem, NO_WORDS) for stem in ("common", "words"))
        self._sentences = tuple({**self._common.pieces, **self._spoken.pieces}.items())
        self._told = lru_cache(maxsize=4096)(self._tell)

    def page(self, template: str) -> Page:
        """The words of a template by its file's name."""
        own = self._files.get(template.removesuffix(".html"), NO_WORDS)
        return Page({**self._common.pieces, **own.pieces}, own.says | self._common.says)

    def told(self, value: Any) -> Any:
        """A word or sentence of the desk in English; what is no text, or has no English, as it is."""
        if not isinstance(value, str) or not HAN.search(value) or len(value) > LONGEST:
            return with_marks(value) if type(value) is str else value
        return self._told(value)

    def spoken(self, words: Any) -> Any:
        """Words of code in English: of a table its values, of a function what it answers."""
        if isinstance(words, str):
            return self.told(words)
        if isinstance(words, Mapping):
            return {key: self.spoken(word) for key, word in words.items()}
        if isinstance(words, tuple):
            return tuple(map(self.spoken, words))
        return (lambda *given, **named: self.told(words(*given, **named))) if callable(words) else words

    def drawn(self, value: Any) -> Any:
        """The same for each piece of a drawn chart."""
        return Markup("".join(str(self.told(part)) for part in EDGES.split(value))) if value else value

    def _tell(self, text: str, depth: int = 0) -> str:
        """Sentence by sentence, the longest known first; as it is where one is not known: it may be data."""
        parts = SPLIT.split(text)
        if len(parts) > 2 * MOST_PARTS:
            return text
        told, at = "", 0
        while at < len(parts):
            for end in range(len(parts), at, -2):
                said = self._known("".join(parts[at:end]), depth)
                if said is not None:
                    break
            else:
                return text
            told += said + with_marks("".join(parts[end : end + 1]))
            at = end + 1
        return told.strip()

    def _known(self, text: str, depth: int) -> str | None:
        key = text.strip()
        if HAN.search(key) is None:
            return with_marks(text)
        said = self._words.get(key)
        if said is None and depth < DEEPEST:
            said = next(filter(None, (self._filled(pattern, key, depth) for pattern in self._candidates(key))), None)
        return None if said is None else text.replace(key, said, 1)

    def _filled(self, pattern: Pattern, text: str, depth: int) -> str | None:
        places = pattern.match(text)
        if places is None:
            return None
        whole = {number: self._tell(value, depth + 1) for number, value in places.items()}
        return PLACE.sub(lambda hit: (plural if hit[2] else str)(whole.get(int(hit[1]), "")), pattern.english)

    @cached_property
    def _words(self) -> Mapping[str, str]:
        return {_bare(key): word.strip(EDGE_MARKS) for key, word in self._sentences if not PLACE.search(key)}

    @cached_property
    def _patterns(self) -> Mapping[tuple[str, str], list[Pattern]]:
        """By first and last letter, empty where a figure stands there; those with more letters first."""
        made = [_pattern(_bare(key), word.strip(EDGE_MARKS)) for key, word in self._sentences if PLACE.search(key)]
        found: dict[tuple[str, str], list[Pattern]] = defaultdict(list)
        for each in sorted(made, key=lambda each: -each.weight):
            found[each.literals[0][:1], each.literals[-1][-1:]].append(each)
        return found

    def _candidates(self, text: str) -> list[Pattern]:
        ends = ((text[0], text[-1]), (text[0], ""), ("", text[-1]), ("", ""))
        return sorted((each for pair in ends for each in self._patterns.get(pair, ())), key=lambda each: -each.weight)


def _bare(key: str) -> str:
    return key.strip(MARKS_BETWEEN + " ")


@cache
def load_catalogue() -> Catalogue:
    """The words of the desk, read once in a process."""
    return Catalogue()


def _pattern(key: str, english: str) -> Pattern:
    parts = PLACE.split(key)
    return Pattern(tuple(parts[::3]), tuple(map(int, parts[1::3])), english, len(HAN.findall(key)))


def _read(path: Path) -> Page:
    try:
        known = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) or {}  # seven times as fast
    except yaml.YAMLError as trouble:
        raise ConfigError([f"{path.name}: no YAML: {trouble}"]) from trouble
    pieces, says = dict(known.get("pieces") or {}), frozenset(known.get("says") or ())
    if mistakes := list(_mistakes(known, pieces, says)):
        raise ConfigError([f"{path.name}: {mistake}" for mistake in mistakes])
    return Page(pieces, says)


def _mistakes(known: Mapping[str, Any], pieces: Mapping[Any, Any], says: Iterable[Any]) -> Iterator[str]:
    if odd := set(known) - {"pieces", "says"}:
        yield f"{sorted(odd)[0]}: unknown key (accepted: pieces, says)"
    for key, word in pieces.items():
        if not isinstance(key, str) or not isinstance(word, str):
            yield f"{key!r}: must be a text with a text (put it in quotes)"
        elif EDGES.search(word) and not EDGES.search(key):  # a key with edges is a string, and escaped
            yield f'{key!r}: < > " may not stand in a word: it goes into pages as it is'
        elif {hit[1] for hit in PLACE.finditer(word)} - {hit[1] for hit in PLACE.finditer(key)}:
            yield f"{key!r}: its English has a place that the Chinese lacks"
