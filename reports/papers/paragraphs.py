"""What paragraphs, styles and cells of a docx have besides words: indents in characters, lines off the grid, edges."""

from collections.abc import Mapping

from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.styles.style import ParagraphStyle
from docx.table import _Cell
from docx.text.paragraph import Paragraph as DocxParagraph

SIZE = 16.0
"""Points of the text: 三号."""


def indent(paragraph: DocxParagraph, characters: int) -> None:
    """First line, in hundredths of a character."""
    indent_in(paragraph._p.get_or_add_pPr(), characters)


def hang(paragraph: DocxParagraph, left: float, back: float) -> None:
    """Points: where later lines begin, and how far before them the first one does."""
    indent = paragraph._p.get_or_add_pPr().get_or_add_ind()
    for name, value in (("left", left), ("hanging", back)):
        indent.set(qn(f"w:{name}"), str(int(value * 20)))
    for name in ("firstLine", "firstLineChars"):
        indent.attrib.pop(qn(f"w:{name}"), None)
    indent.set(qn("w:hangingChars"), "0")
    indent.set(qn("w:firstLineChars"), "0")


def indent_of(style: ParagraphStyle, characters: int, size: float = SIZE) -> None:
    """The first line of a style, in hundredths of a character."""
    indent_in(style.element.get_or_add_pPr(), characters, size)


def letters_wide(text: str) -> float:
    """In Chinese letters."""
    return sum(1.0 if ord(letter) > 0x2E7F or letter in "“”—…" else 0.55 for letter in text)


def indent_in(properties: object, characters: int, size: float = SIZE) -> None:
    """The same among the properties of a paragraph or style."""
    indent = properties.get_or_add_ind()  # type: ignore[attr-defined]  # its stubs know no indents in characters
    indent.set(qn("w:firstLineChars"), str(characters))
    indent.set(qn("w:firstLine"), str(int(characters / 100 * size * 20)))


def off_grid(properties: object) -> None:
    """Of a paragraph or style whose lines are closer than those of the page."""
    snap = OxmlElement("w:snapToGrid")
    snap.set(qn("w:val"), "0")
    spacing = properties.find(qn("w:spacing"))  # type: ignore[attr-defined]  # its stubs know no properties
    if spacing is not None:
        spacing.addprevious(snap)


def small(paragraph: DocxParagraph, size: float) -> None:
    """Letters of so many points, and lines closer where that is less than the text has."""
    for run in paragraph.runs:
        run.font.size = Pt(size)
    if size < SIZE:
        paragraph.paragraph_format.line_spacing = Pt(size * 1.4)
        off_grid(paragraph._p.get_or_add_pPr())


def borders(cell: _Cell, edges: Mapping[str, int]) -> None:
    """edges: eighths of a point."""
    properties = cell._tc.get_or_add_tcPr()
    borders = OxmlElement("w:tcBorders")
    for name in ("top", "left", "bottom", "right"):
        edge = OxmlElement(f"w:{name}")
        edge.set(qn("w:val"), "single" if name in edges else "nil")
        if name in edges:
            edge.set(qn("w:sz"), str(edges[name]))
        borders.append(edge)
    properties.append(borders)  # type: ignore[arg-type]  # as above
