"""What an official paper says, as a frozen record: sections, sentences with what they rest on, tables, fields.

A sentence that tells a fact carries the ids it rests on: documents, or records of this system by name. A field is for a
person: P is written, C is drafted here and confirmed. It stands in a text as a blank, see `blank`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import TypeAdapter

from reports.paper import Evidence
from reports.papers.words import INFORMER

Form = Literal["A", "B", "C", "D"]
"""A internal material, B letters and notices, C facts beside an enforcement form, D public text."""
CORRECTION = "correction"
AFTER = "after"
"""Among the options of a paper of a series: the id of the signed one before it; empty: it is the first."""
HEAD = "代拟稿，未经审签不得外发"
BLANK = re.compile("\ue000([a-z_]+)\ue001")


@dataclass(frozen=True)
class Said:
    """A sentence. rests: ids of what it rests on.  tells: whether it states a fact; if so `rests` is not empty."""

    text: str
    rests: tuple[str, ...] = ()
    tells: bool = True


@dataclass(frozen=True)
class Paragraph:
    """rephrase: a local model may say it in other words (rephrase.py).  reworded: it did.  flush: without an indent."""

    said: tuple[Said, ...]
    rephrase: bool = False
    flush: bool = False
    reworded: bool = False
    sort: Literal["paragraph"] = "paragraph"


@dataclass(frozen=True)
class Blank:
    """The place of a field as paragraphs of its own."""

    key: str
    sort: Literal["blank"] = "blank"


@dataclass(frozen=True)
class Grid:
    """A table. rests: by row; shown in a last column where the paper shows numbers.  whole: what all of it rests on.
    widths: mm.  wide: on pages laid across."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...]
    rests: tuple[tuple[str, ...], ...] = ()
    caption: str = ""
    note: str = ""
    wide: bool = False
    whole: tuple[str, ...] = ()
    sort: Literal["grid"] = "grid"


@dataclass(frozen=True)
class Chart:
    """Counts a day as bars. steps: what stands under a bar, and the count; rest on `rests`."""

    steps: tuple[tuple[str, int], ...]
    caption: str
    rests: tuple[str, ...] = ()
    sort: Literal["chart"] = "chart"


Block = Paragraph | Blank | Grid | Chart


@dataclass(frozen=True)
class Section:
    """level: 1 一、 2 （一）; 0: no heading."""

    heading: str
    blocks: tuple[Block, ...]
    level: int = 1


@dataclass(frozen=True)
class Annex:
    """What stands behind the paper, on pages of its own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Cell:
    """A cell of a workbook. locked: the system's, not to be typed over.  mark: told beside it, such as 补报 or +5."""

    value: str
    locked: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Leaf:
    """A sheet of a workbook. groups: over the head, each with how many columns it spans.  hints: by column, what a
    person is told who goes into one of its cells.  pairs: each column is 本期 and 累计.  big: A3."""

    name: str
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    groups: tuple[tuple[str, int], ...] = ()
    hints: tuple[str, ...] = ()
    pairs: bool = False
    big: bool = False
    note: str = ""
    widths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Field:
    """sort: P a person writes it; C drafted here, confirmed by a person.  long: more than a line.

    draft: what C begins with.  lines: each sentence of the draft is a paragraph.
    """

    key: str
    label: str
    sort: Literal["P", "C"] = "P"
    draft: tuple[Said, ...] = ()
    long: bool = False
    lines: bool = False

    @property
    def drafted(self) -> str:
        """The draft as one text."""
        return ("\n" if self.lines else "").join(one.text for one in self.draft)


@dataclass(frozen=True)
class Content:
    """A whole paper. day: as the paper dates itself, 2026年11月23日.  facts: what the next one of a series compares.

    to: 主送.  copies: whom it is copied to; copy_word: 抄送 or 抄报.  sender: whose paper.
    evidence: by key, all that is cited.
    made: when it was read from the records.  options: what was chosen when it was drafted.
    leaves: of the workbook that goes along.  cuts: words behind which the title may be broken.  signature: whether
    bureau and day stand below.  pack: all files go into one zip with a receipt.  one_page: headings run in, and letters
    are as small as it takes for the text to stand on one page.
    """

    kind: str
    form: Form
    title: str
    sender: str
    day: str
    made: str
    sections: tuple[Section, ...]
    subtitle: tuple[str, ...] = ()
    numbered: bool = False
    to: str = ""
    opening: tuple[Block, ...] = ()
    closing: tuple[Block, ...] = ()
    annexes: tuple[Annex, ...] = ()
    copies: str = ""
    fields: tuple[Field, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    leaves: tuple[Leaf, ...] = ()
    cuts: tuple[str, ...] = ()
    signature: bool = True
    copy_word: str = "抄送"
    pack: bool = False
    one_page: bool = False
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def marked(self) -> bool:
        """Whether sentences show [1][2]: papers that leave the house have the list alone."""
        return self.form == "A"

    def blocks(self) -> Iterator[Block]:
        """All blocks in the order they are printed."""
        yield from self.opening
        for section in self.sections:
            yield from section.blocks
        yield from self.closing
        for annex in self.annexes:
            yield from annex.blocks

    def said(self) -> Iterator[Said]:
        """All sentences, those of drafted fields where they stand."""
        by_key = {one.key: one for one in self.fields}
        for block in self.blocks():
            if isinstance(block, Paragraph):
                yield from block.said
            elif isinstance(block, Blank):
                yield from by_key[block.key].draft

    def cited(self) -> list[str]:
        """The keys of the list of evidence, as they first come."""
        by_key = {one.key: one for one in self.fields}
        found: list[str] = []
        for block in self.blocks():
            if isinstance(block, Paragraph):
                found += [key for one in block.said for key in one.rests]
            elif isinstance(block, Blank):
                found += [key for one in by_key[block.key].draft for key in one.rests]
            elif isinstance(block, Grid):
                found += [*block.whole, *(key for row in block.rests for key in row)]
            else:
                found += block.rests
        return list(dict.fromkeys(found))

    def with_evidence(self, evidence: dict[str, Evidence]) -> "Content":
        """The same paper with its list; one that leaves the house names no informer there either."""
        if self.form != "A":
            hidden = {key: replace(one, title="（标题略）") for key, one in evidence.items() if INFORMER in one.title}
            evidence = {**evidence, **hidden}
        return replace(self, evidence=evidence)


_CONTENT = TypeAdapter(Content)


def corrected(content: Content, paper: str, key: str) -> Content:
    """The paper as a correction of a signed one; what was wrong is a field. key: of the signed one as evidence."""
    note = Field(CORRECTION, "更正内容和原因（原第×项由×更正为×，原因：××）", long=True)
    lead = para(fact(f"本件更正{paper}。", key))
    return replace(content, opening=(lead, Blank(CORRECTION), *content.opening), fields=(note, *content.fields))


def to_plain(content: Content) -> dict[str, Any]:
    """As it is stored."""
    plain: dict[str, Any] = _CONTENT.dump_python(content, mode="json")
    return plain


def from_plain(plain: dict[str, Any]) -> Content:
    """Back from the store."""
    return _CONTENT.validate_python(plain)


def fact(text: str, *rests: str) -> Said:
    """A sentence that states something."""
    return Said(text, tuple(dict.fromkeys(key for key in rests if key)))


def form(text: str) -> Said:
    """A sentence of the form: it asks, orders or closes, and states nothing."""
    return Said(text, (), False)


def blank(key: str) -> str:
    """The place of a field within a text."""
    return f"\ue000{key}\ue001"


def para(*said: Said, rephrase: bool = False) -> Paragraph:
    """A paragraph of sentences."""
    return Paragraph(said, rephrase)


def filled(text: str, fields: dict[str, Field], values: dict[str, str]) -> str:
    """A text with its blanks filled in."""

    def of(found: re.Match[str]) -> str:
        one = fields.get(found[1])
        return shown(one, values) if one else ""

    return BLANK.sub(of, text)


def shown(one: Field, values: dict[str, str]) -> str:
    """What a field prints: what a person wrote or confirmed, the draft, or 【待填：…】."""
    return values.get(one.key) or one.drafted or f"【待填：{one.label}】"


def lacking(content: Content, values: dict[str, str]) -> list[Field]:
    """Fields that block signing: not written, or drafted and not confirmed."""
    return [one for one in content.fields if not values.get(one.key)]
