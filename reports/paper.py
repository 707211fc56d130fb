"""Papers as docx: fonts, headings, sentences with their evidence, tables, page numbers; not what a paper says.

Body 仿宋, headings 黑体 and 楷体, title 小标宋, as papers of the bureau are set; A4. A sentence that states a fact
carries [1][2]; the numbers lead to the list of evidence that `close` puts at the end.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

LATIN = "Times New Roman"
BODY, HEADING, SECOND, TITLE = "仿宋", "黑体", "楷体", "方正小标宋简体"
RED = RGBColor(0xB0, 0x1E, 0x1E)
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
EVIDENCE_HEAD = ("序号", "材料", "发布者", "发布时间", "采集时间", "存档号", "SHA-256", "核实状态")
EVIDENCE_WIDTHS = (12, 52, 28, 28, 28, 33, 56, 16)  # mm: it stands on pages laid across
UNKNOWN = "待核"


@dataclass(frozen=True)
class Form:
    """How a paper is set. sizes in points, margins in mm (top, right, bottom, left); spacing: between lines, points."""

    size: float = 12
    spacing: float = 22
    margins: tuple[float, float, float, float] = (25, 22, 25, 22)
    table_size: float = 9
    list_size: float = 7.5


INTERNAL = Form()
OFFICIAL = Form(size=16, spacing=28, margins=(37, 26, 35, 28), table_size=10.5)
"""As letters that leave the house are set (GB/T 9704): 三号仿宋, 28 points between lines."""


@dataclass(frozen=True)
class Evidence:
    """A row of the list of evidence. key: a document id, or how a record of the registry is told."""

    key: str
    title: str
    publisher: str = ""
    published: str = ""
    fetched: str = ""
    sha256: str = ""
    state: str = UNKNOWN


class Paper:
    """A paper that is written from top to bottom. Texts may hold anything: what XML cannot carry is left out."""

    def __init__(self, *, title: str, head: str, form: Form = INTERNAL) -> None:
        """head: in the head of every page, for example 内部使用 or 代拟稿，未经审签不得外发."""
        self._form = form
        self._made = Document()
        self._numbers: dict[str, int] = {}
        self._room = 210 - form.margins[1] - form.margins[3]  # mm between the margins
        self._set_page(head)
        self._set_styles()
        self._made.core_properties.title = plain(title)
        self._made.core_properties.author = ""
        self._write(self._made.add_paragraph(style="Title"), plain(title))

    def subtitle(self, text: str) -> None:
        """A centred line under the title."""
        paragraph = self._made.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.first_line_indent = Pt(0)
        self._write(paragraph, plain(text))

    def heading(self, text: str, level: int = 1) -> None:
        """A heading; level 1 in 黑体, 2 in 楷体."""
        self._made.add_heading(plain(text), level)

    def sentence(self, text: str, evidence: Iterable[str] = (), *, grave: bool = False) -> None:
        """A paragraph of one sentence with what it rests on. grave: red and bold, and never by colour alone: say it."""
        paragraph = self._made.add_paragraph()
        run = self._write(paragraph, plain(text) + self.marks(evidence))
        if grave:
            run.bold = True
            run.font.color.rgb = RED

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names and values in two columns."""
        table = self._grid(len(rows), (32, 132))
        for line, (name, value) in zip(table.rows, rows, strict=True):
            self._fill(line.cells[0], name, bold=True)
            self._fill(line.cells[1], value)

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], note: str = "",
        *, size: float = 0,
    ) -> None:  # fmt: skip
        """A table whose head is repeated on each page. widths: mm.  note: under it.  size: of letters; 0: the usual."""
        table = self._grid(len(rows) + 1, widths)
        for cell, text in zip(table.rows[0].cells, head, strict=True):
            self._fill(cell, text, bold=True, size=size)
        repeat_head(table)
        for line, row in zip(table.rows[1:], rows, strict=True):
            for cell, text in zip(line.cells, row, strict=True):
                self._fill(cell, text, size=size)
        if note:
            paragraph = self._made.add_paragraph()
            paragraph.paragraph_format.first_line_indent = Pt(0)
            self._write(paragraph, plain(note)).font.size = Pt(self._form.table_size)

    def marks(self, evidence: Iterable[str]) -> str:
        """`[1][2]` for what a sentence or a cell rests on, numbered as they first come."""
        keys = dict.fromkeys(key for key in evidence if key)
        return "".join(f"[{self._numbers.setdefault(key, len(self._numbers) + 1)}]" for key in keys)

    @property
    def cited(self) -> list[str]:
        """What was cited so far, in the order of the numbers."""
        return list(self._numbers)

    def close(self, known: Mapping[str, Evidence]) -> bytes:
        """The paper with its list of evidence, as docx. What is cited and not known is listed as 待核 by its key."""
        self._lay_across()
        self.heading("依据清单")
        if self._numbers:
            rows = [_evidence_row(number, key, known.get(key)) for key, number in self._numbers.items()]
            self.table(EVIDENCE_HEAD, rows, EVIDENCE_WIDTHS, size=self._form.list_size)
        else:
            self.sentence("本件没有引用材料。")
        into = BytesIO()
        self._made.save(into)
        return into.getvalue()

    def _lay_across(self) -> None:
        """The pages from here on are wide; head and foot go on."""
        section = self._made.add_section(WD_SECTION.NEW_PAGE)
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
        section.top_margin = section.bottom_margin = Mm(20)
        section.left_margin = section.right_margin = Mm(22)
        self._room = 297 - 2 * 22

    def _set_page(self, head: str) -> None:
        section = self._made.sections[0]
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(210), Mm(297)
        top, right, bottom, left = self._form.margins
        section.top_margin, section.bottom_margin = Mm(top), Mm(bottom)
        section.left_margin, section.right_margin = Mm(left), Mm(right)
        line = section.header.paragraphs[0]
        line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self._write(line, plain(head)).font.size = Pt(9)
        foot = section.footer.paragraphs[0]
        foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
        for text, field in (("— ", ""), ("", "PAGE"), (" —", "")):
            run = self._write(foot, text)
            run.font.size = Pt(10.5)
            if field:
                field_of(run, field)

    def _set_styles(self) -> None:
        form = self._form
        normal = self._style("Normal", BODY, form.size)
        normal.paragraph_format.line_spacing = Pt(form.spacing)
        normal.paragraph_format.space_after = Pt(0)
        normal.paragraph_format.first_line_indent = Pt(2 * form.size)
        title = self._style("Title", TITLE, form.size + 6)
        title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
        title.paragraph_format.space_after = Pt(form.size)
        without_border(title)
        for level, font, more in ((1, HEADING, 1), (2, SECOND, 0)):
            style = self._style(f"Heading {level}", font, form.size + more)
            style.paragraph_format.space_before = Pt(form.size * 0.7)
            style.paragraph_format.keep_with_next = True

    def _style(self, name: str, font: str, size: float) -> ParagraphStyle:
        style = self._made.styles[name]
        assert isinstance(style, ParagraphStyle)
        style.font.size, style.font.bold = Pt(size), False
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.paragraph_format.first_line_indent = Pt(0)
        style.paragraph_format.line_spacing = Pt(max(self._form.spacing, size * 1.5))
        set_fonts(style.element.get_or_add_rPr(), font)
        return style

    def _grid(self, rows: int, widths: Sequence[float]) -> Table:
        table: Table = self._made.add_table(rows=rows, cols=len(widths), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        scale = min(1.0, self._room / sum(widths))
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width * scale)
        for line in table.rows:
            for cell, width in zip(line.cells, widths, strict=True):
                cell.width = Mm(width * scale)
            keep_whole(line._tr)
        return table

    def _fill(self, cell: _Cell, text: str, *, bold: bool = False, size: float = 0) -> None:
        points = size or self._form.table_size
        paragraph = cell.paragraphs[0]
        paragraph.paragraph_format.first_line_indent = Pt(0)
        paragraph.paragraph_format.line_spacing = Pt(points * 1.45)
        run = self._write(paragraph, plain(text) or "—")
        run.font.size, run.bold = Pt(points), bold

    def _write(self, paragraph: Paragraph, text: str) -> Run:
        return paragraph.add_run(text)


def plain(text: str) -> str:
    """A text that XML can carry."""
    return NOT_XML.sub("", text)


def _evidence_row(number: int, key: str, one: Evidence | None) -> Sequence[str]:
    if one is None:
        return (f"[{number}]", UNKNOWN, "", "", "", key, "", UNKNOWN)
    sha256 = "\n".join(one.sha256[at : at + 32] for at in range(0, len(one.sha256), 32))
    told = (one.title, one.publisher, one.published, one.fetched, one.key, sha256, one.state)
    return (f"[{number}]", *told)


def set_fonts(properties: object, font: str, *, latin: str = LATIN) -> None:
    """Of a run's or a style's properties: Chinese letters in `font`, the others in `latin`."""
    fonts = properties.get_or_add_rFonts()  # type: ignore[attr-defined]
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    for name, value in (("ascii", latin), ("hAnsi", latin), ("eastAsia", font)):
        fonts.set(qn(f"w:{name}"), value)


def field_of(run: Run, name: str) -> None:
    """A field that the reader's program fills in, such as the number of the page."""
    for kind, text in (("begin", ""), ("", name), ("end", "")):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = text
        run._r.append(part)  # type: ignore[arg-type]  # its stubs know no fields


def repeat_head(table: Table) -> None:
    """The first row stands on each page."""
    head = OxmlElement("w:tblHeader")
    table.rows[0]._tr.get_or_add_trPr().append(head)  # type: ignore[arg-type]  # as above


def keep_whole(row: object) -> None:
    """A row is not cut at the end of a page."""
    row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))  # type: ignore[attr-defined]


def without_border(style: ParagraphStyle) -> None:
    """Of a style of the template that has a rule below."""
    properties = style.element.get_or_add_pPr()
    for border in properties.findall(qn("w:pBdr")):
        properties.remove(border)
