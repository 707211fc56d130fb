"""Two revisions of a document side by side: what was taken out, what was put in, by sentences and then by words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Literal

from rapidfuzz.distance import Indel

from core.records import Document, Table
from nlp.segment import Segmenter
from pipelines.page_noise import essential

Kind = Literal["same", "gone", "new"]
SENTENCE = re.compile(r"[^。！？；!?;\n]+[。！？；!?;]*\n?|[。！？；!?;]+\n?|\n")
ATOM = re.compile(r"\d[\d.,]*[%％‰]?|[A-Za-z0-9][A-Za-z0-9_-]*")
"""Numbers and codes change as a whole: half a figure says nothing."""
MOST_CELLS = 100_000_000
"""Pairs of pieces that are compared; beyond that the stretch counts as replaced. each takes a bit: 12 MB."""
ALIKE = 0.4
"""Share of equal characters below which a sentence was replaced rather than edited."""
REACH = 20
"""Old sentences among which the one is sought that a new sentence comes from."""
BRIDGE = 2
"""So few equal characters between two changes only make them harder to read."""


@dataclass(frozen=True)
class Piece:
    """A stretch of text that stands in both, only in the older, or only in the newer one."""

    kind: Kind
    text: str


Line = tuple[Piece, ...]
"""A paragraph."""


@dataclass(frozen=True)
class Part:
    """What is compared by itself: 标题, 正文, ... lines: empty where neither has any."""

    name: str
    lines: tuple[Line, ...]

    @property
    def changed(self) -> bool:
        """Whether anything differs."""
        return any(piece.kind != "same" for line in self.lines for piece in line)


@dataclass(frozen=True)
class Version:
    """A revision as people may read it: title and text masked."""

    document: Document
    title: str
    text: str


def compare_versions(old: Version, new: Version) -> tuple[Part, ...]:
    """The parts of a document, 标题 and 正文 always, others where they differ."""
    parts = (
        Part("标题", compare(old.title, new.title)),
        Part("正文", compare(essential(old.text), essential(new.text))),
        Part("字段", compare(_fields(old.document), _fields(new.document))),
        Part("表格", compare(_rows(old.document.tables), _rows(new.document.tables))),
        Part("附件", compare("\n".join(old.document.attachments), "\n".join(new.document.attachments))),
    )
    return tuple(part for part in parts if part.name in ("标题", "正文") or part.changed)


def compare(old: str, new: str) -> tuple[Line, ...]:
    """By lines; white space does not count. What is not `new`, joined, gives `old`; what is not `gone` gives `new`."""
    if old == new:
        return tuple((Piece("same", line),) for line in new.split("\n") if line)
    sentences = _steps(SENTENCE.findall(old), SENTENCE.findall(new))
    pieces: list[Piece] = []
    for changed, group in groupby(sentences, key=lambda piece: piece.kind != "same"):
        some = list(group)
        pieces += _words(some) if changed else some
    return tuple(_lines(_joined(pieces)))


def _steps(old: Sequence[str], new: Sequence[str]) -> list[Piece]:
    """The shortest way from one list of pieces to the other; of equal ones the newer spelling is shown."""
    if len(old) * len(new) > MOST_CELLS:
        return [Piece("gone", "".join(old)), Piece("new", "".join(new))]
    found = []
    for step in Indel.opcodes([_key(one) for one in old], [_key(one) for one in new]):
        if step.tag == "equal":
            found += [Piece("same", one) for one in new[step.dest_start : step.dest_end]]
        else:
            found += [Piece("gone", one) for one in old[step.src_start : step.src_end]]
            found += [Piece("new", one) for one in new[step.dest_start : step.dest_end]]
    return found


def _key(piece: str) -> str:
    return "".join(piece.split()) or piece


def _words(changed: Sequence[Piece]) -> list[Piece]:
    """A changed stretch: each new sentence by words beside the old one that it comes from, the others as a whole."""
    old, new = ([piece.text for piece in changed if piece.kind == kind] for kind in ("gone", "new"))
    found: list[Piece] = []
    at = 0
    for sentence in new:
        near = range(at, min(at + REACH, len(old)))
        alike, best = max(((_alike(old[place], sentence), -place) for place in near), default=(0.0, 0))
        best = -best
        if alike < ALIKE:
            found.append(Piece("new", sentence))
            continue
        found += [Piece("gone", text) for text in old[at:best]]
        found += _bridged(_joined(_steps(_cut(old[best]), _cut(sentence))))
        at = best + 1
    return found + [Piece("gone", text) for text in old[at:]]


def _alike(old: str, new: str) -> float:
    return Indel.normalized_similarity(old, new) if len(old) * len(new) <= MOST_CELLS else 0.0


def _cut(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    for atom in ATOM.finditer(text):
        found += [*_plain(text[at : atom.start()]), atom[0]]
        at = atom.end()
    return [*found, *_plain(text[at:])]


@cache
def _segmenter() -> Segmenter:
    return Segmenter()


def _plain(text: str) -> Iterator[str]:
    for number, line in enumerate(text.split("\n")):
        if number:
            yield "\n"
        yield from _segmenter().cut(line) if line else ()


def _bridged(pieces: list[Piece]) -> list[Piece]:
    """Without equal stretches of a character or two between changes; within a change the older text comes first."""
    found: list[Piece] = []
    for place, piece in enumerate(pieces):
        inside = 0 < place < len(pieces) - 1 and piece.kind == "same"
        if inside and len(piece.text) <= BRIDGE and "\n" not in piece.text and not ATOM.search(piece.text):
            found += [Piece("gone", piece.text), Piece("new", piece.text)]
        else:
            found.append(piece)
    return _joined(found)


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours of a kind as one; of each change first what is gone, then what is new."""
    found: list[Piece] = []
    for changed, group in groupby(pieces, key=lambda piece: piece.kind != "same"):
        some = list(group)
        for kind in ("gone", "new") if changed else ("same",):
            text = "".join(piece.text for piece in some if piece.kind == kind)
            if text:
                found.append(Piece(kind, text))
    return found


def _lines(pieces: Iterable[Piece]) -> Iterator[Line]:
    line: list[Piece] = []
    for piece in pieces:
        for number, text in enumerate(piece.text.split("\n")):
            if number and line:
                yield tuple(line)
                line = []
            if text:
                line.append(Piece(piece.kind, text))
    if line:
        yield tuple(line)


def _fields(document: Document) -> str:
    return "\n".join(f"{name}：{value}" for name, value in sorted(document.fields.items()))


def _rows(tables: Sequence[Table]) -> str:
    return "\n".join(" | ".join(row) for table in tables for row in table)
