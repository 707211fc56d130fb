"""A paper as docx, set after GB/T 9704: title, text, tables, 附件, 版记; not what it says. page.py sets the page."""

from collections.abc import Mapping, Sequence
from io import BytesIO

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import _Cell
from docx.text.paragraph import Paragraph as DocxParagraph
from docx.text.run import Run

from reports.paper import EVIDENCE_HEAD, UNKNOWN, keep_whole, plain, repeat_head, set_fonts
from reports.papers.bars import picture
from reports.papers.numbers import Numbers
from reports.papers.page import BODY, HEADING, LINE, SMALL, lay_out, run_in, set_font_table, set_styles
from reports.papers.paragraphs import SIZE, borders, hang, indent, indent_of, letters_wide, off_grid, small
from reports.papers.record import BLANK, HEAD, Annex, Blank, Block, Chart, Content, Field, Grid, Paragraph, shown
from reports.papers.title_lines import broken

TABLE_SIZE, LIST_SIZE = 12.0, 8.0
ACROSS = 297 - 2 * 25.0  # mm between the margins of a page laid across
ALONG = 156.0
HIGH = 225 * 72 / 25.4 - 8
"""Points of the text's height on a page along, without what is rounded away."""
FITTING = ((SIZE, LINE), (15.0, 25.0), (14.0, 22.0), (13.0, 20.0), (12.0, 18.0))
"""Letters and lines of a paper that is to stand on one page."""
BLANK_INK = RGBColor(0xA0, 0x1E, 0x1E)
SHORT, ON_ONE_PAGE, FEW = 9, 16, 6
"""A column whose cells are so short is centred; a table of so few rows is not cut, across and along."""
EVIDENCE_WIDTHS = (11.0, 52.0, 28.0, 21.0, 21.0, 30.0, 64.0, 20.0)


def set_paper(content: Content, values: Mapping[str, str], *, signed: bool = False) -> bytes:
    """The docx. values: of its fields.  signed: without the head that says it is a draft."""
    return _Setter(content, dict(values), signed=signed).made()


class _Setter:
    def __init__(self, content: Content, values: dict[str, str], *, signed: bool) -> None:
        self.content, self.values = content, values
        self.fields: dict[str, Field] = {one.key: one for one in content.fields}
        self.numbers = Numbers(content.cited(), shown=content.marked)
        self.doc = Document()
        self.across = False
        self._cells: dict[str, ParagraphStyle] = {}
        self._lead = ""
        self._head = ("内部使用" if content.form == "A" else "") if signed else HEAD
        set_styles(self.doc)
        lay_out(self.doc.sections[0], self.doc, across=False, form=content.form, head=self._head)
        self.doc.settings.odd_and_even_pages_header_footer = True
        self.doc.core_properties.title = plain(content.title)
        self.doc.core_properties.author = ""

    def made(self) -> bytes:
        content = self.content
        if content.numbered:
            self._line("××〔" + content.day[:4] + "〕　号", align=WD_ALIGN_PARAGRAPH.RIGHT)
        self._title(content.title)
        for line in content.subtitle:
            self._line(line, align=WD_ALIGN_PARAGRAPH.CENTER)
        if content.subtitle:
            self._line("")
        if content.to:
            self._line(f"{content.to}：")
        for block in content.opening:
            self._block(block)
        for section in content.sections:
            self._heading(section.heading, section.level)
            for block in section.blocks:
                self._block(block)
        for block in content.closing:
            self._block(block)
        if content.form != "D":
            self._listed_annexes()
        if content.signature:
            self._signature()
        if content.copies:
            self._imprint()
        if content.one_page:
            self._fit()
        self._annex_pages(content.annexes)
        set_font_table(self.doc)
        into = BytesIO()
        self.doc.save(into)
        return into.getvalue()

    # -- parts --------------------------------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        if isinstance(block, Paragraph):
            text = "".join(one.text + self.numbers.of(one.rests) for one in block.said)
            self._text(text, flush=block.flush)
        elif isinstance(block, Blank):
            one = self.fields[block.key]
            rests = [key for said in one.draft for key in said.rests]
            told = self.values.get(one.key, "")
            if told == one.drafted or not told:
                parts = [said.text + self.numbers.of(said.rests) for said in one.draft] or [shown(one, {})]
                parts = parts if one.lines else ["".join(parts)]
                for number, part in enumerate(parts, start=1):
                    self._text(part, waits=one if not told and number == len(parts) else None)
            else:
                lines = [line for line in told.splitlines() if line.strip()]
                for number, line in enumerate(lines, start=1):
                    self._text(line + (self.numbers.of(rests) if number == len(lines) else ""))
        else:
            if self._lead:
                self.doc.add_heading(plain(self._lead), 1)
                self._lead = ""
            if isinstance(block, Grid):
                self._grid(block)
            else:
                self._chart(block)

    def _text(self, text: str, *, flush: bool = False, waits: Field | None = None) -> None:
        """A paragraph. waits: the field it is the unconfirmed draft of."""
        paragraph = self.doc.add_paragraph()
        if flush:
            indent(paragraph, 0)
        if self._lead:
            lead = self._run(paragraph, f"{self._lead}。")
            assert lead is not None
            set_fonts(lead._r.get_or_add_rPr(), HEADING)
            self._lead = ""
        at = 0
        for found in BLANK.finditer(text):
            self._run(paragraph, text[at : found.start()])
            one = self.fields.get(found[1])
            value = self.values.get(found[1]) if one else None
            told = value or (shown(one, {}) if one else "")
            self._run(paragraph, told, ink=None if value else BLANK_INK)
            at = found.end()
        rest = text[at:]
        self._run(paragraph, rest, ink=BLANK_INK if waits is not None and not waits.draft else None)
        if waits is not None and waits.draft:
            self._run(paragraph, "【待确认】", ink=BLANK_INK)

    def _heading(self, text: str, level: int) -> None:
        if text and self.content.one_page:
            self._lead = text
        elif text:
            self.doc.add_heading(plain(text), level)

    def _title(self, text: str) -> None:
        paragraph = self.doc.add_paragraph(style="Title")
        for number, line in enumerate(broken(text, self.content.cuts)):
            run = self._run(paragraph, line)
            if number and run is not None:
                run._r.insert(1 if run._r.rPr is not None else 0, OxmlElement("w:br"))  # type: ignore[arg-type]

    def _line(self, text: str, *, align: WD_ALIGN_PARAGRAPH | None = None, font: str = "") -> DocxParagraph:
        """A line without an indent."""
        paragraph = self.doc.add_paragraph()
        indent(paragraph, 0)
        if align is not None:
            paragraph.alignment = align
        run = self._run(paragraph, text)
        if font and run is not None:
            set_fonts(run._r.get_or_add_rPr(), font)
        return paragraph

    def _grid(self, grid: Grid) -> None:
        if grid.wide != self.across:
            self._turn(across=grid.wide)
        marked = self.content.marked and any(grid.rests)
        head = (*grid.head, "依据") if marked else grid.head
        widths = (*grid.widths, 14.0) if marked else grid.widths
        if grid.caption:
            caption = self._line(
                grid.caption + self.numbers.of(grid.whole), align=WD_ALIGN_PARAGRAPH.CENTER, font=HEADING
            )
            caption.paragraph_format.keep_with_next = True
        rests = (*grid.rests, *((),) * (len(grid.rows) - len(grid.rests)))
        rows = [(*row, self.numbers.of(of)) if marked else row for row, of in zip(grid.rows, rests, strict=True)]
        size = TABLE_SIZE if len(head) <= 7 else 10.5 if len(head) <= 10 else 9.0
        self._table(head, rows, widths, size)
        if grid.note:
            paragraph = self._line(grid.note)
            small(paragraph, 10.5)
            paragraph.paragraph_format.space_before = Pt(3)
        else:
            small(self._line("　"), 6)  # two tables without anything between would become one

    def _table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float], size: float
    ) -> None:  # fmt: skip
        table = self.doc.add_table(rows=len(rows) + 1, cols=len(head), style="Table Grid")
        table.alignment, table.autofit = WD_TABLE_ALIGNMENT.CENTER, False
        scale = (ACROSS if self.across else ALONG) / sum(widths)
        for column, width in zip(table.columns, widths, strict=True):
            column.width = Mm(width * scale)
        lines = [head, *rows]
        whole = len(rows) <= (ON_ONE_PAGE if self.across else FEW)
        middle = [all(len(row[place]) <= SHORT for row in rows) for place in range(len(head))]
        for place, (line, texts) in enumerate(zip(table.rows, lines, strict=True)):
            keep_whole(line._tr)
            line.height = Pt(size * 1.8)
            for cell, text, width, centred in zip(line.cells, texts, widths, middle, strict=True):
                cell.width = Mm(width * scale)
                cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
                style = self._cell(
                    size, head=place == 0, middle=centred or place == 0, keep=whole and place < len(rows)
                )
                self._fill(cell, text, style)
        repeat_head(table)

    def _cell(self, size: float, *, head: bool, middle: bool, keep: bool) -> ParagraphStyle:
        """The style of a cell's paragraph: thousands of cells would each cost what a style costs once."""
        name = f"{'表头' if head else '表格'} {size:g}{' 居中' if middle else ''}{' 与下行同页' if keep else ''}"
        if name not in self._cells:
            style = self.doc.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            assert isinstance(style, ParagraphStyle)
            style.base_style = self.doc.styles["Normal"]
            style.font.size = Pt(size)
            indent_of(style, 0)
            style.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
            style.paragraph_format.line_spacing = Pt(size * 1.35)
            style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER if middle else WD_ALIGN_PARAGRAPH.LEFT
            style.paragraph_format.keep_with_next = keep
            off_grid(style.element.get_or_add_pPr())
            set_fonts(style.element.get_or_add_rPr(), HEADING if head else BODY)
            self._cells[name] = style
        return self._cells[name]

    def _fill(self, cell: _Cell, text: str, style: ParagraphStyle) -> None:
        paragraph = cell.paragraphs[0]
        paragraph._p.get_or_add_pPr().get_or_add_pStyle().val = style.style_id
        told = BLANK.sub(lambda found: self._value(found[1]), text)
        self._run(paragraph, told or "—", ink=BLANK_INK if "【待" in told else None)

    def _value(self, key: str) -> str:
        one = self.fields.get(key)
        return shown(one, self.values) if one else ""

    def _chart(self, chart: Chart) -> None:
        paragraph = self.doc.add_paragraph()
        indent(paragraph, 0)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
        paragraph.paragraph_format.keep_with_next = True
        paragraph.add_run().add_picture(BytesIO(picture(chart)), width=Mm(150))
        self._line(chart.caption + self.numbers.of(chart.rests), align=WD_ALIGN_PARAGRAPH.CENTER)

    def _listed_annexes(self) -> None:
        """`附件：1.××` one line below the text."""
        names = [*(one.title for one in self.content.annexes), "依据清单"]
        for paragraph in self.doc.paragraphs[-1:]:
            paragraph.paragraph_format.keep_with_next = True
        if self.content.signature:
            self._line("").paragraph_format.keep_with_next = True
        for number, name in enumerate(names, start=1):
            paragraph = self.doc.add_paragraph()
            lead = "附件：" if number == 1 else ""
            self._run(paragraph, f"{lead}{number}.{name}" if len(names) > 1 else f"附件：{name}")
            hang(paragraph, SIZE * 5.75, SIZE * (3.75 if number == 1 else 0.75))

    def _signature(self) -> None:
        """Whose it is and of which day, never alone on a page; a letter leaves room for the seal."""
        for paragraph in self.doc.paragraphs[-3 - len(self.content.annexes) :]:
            paragraph.paragraph_format.keep_with_next = True
        self._line("").paragraph_format.keep_with_next = True
        name = self._line(self.content.sender, align=WD_ALIGN_PARAGRAPH.RIGHT)
        day = self._line(self.content.day, align=WD_ALIGN_PARAGRAPH.RIGHT)
        sealed = self.content.form in ("B", "C")
        spare = max(0.0, (len(self.content.day) * 0.75 - len(self.content.sender)) / 2)
        name.paragraph_format.right_indent = Pt(SIZE * (4 + spare if sealed else 2))
        day.paragraph_format.right_indent = Pt(SIZE * 4)
        name.paragraph_format.keep_with_next = True

    def _annex_pages(self, annexes: Sequence[Annex]) -> None:
        every = len(annexes) + 1
        for number, annex in enumerate(annexes, start=1):
            wide = bool(annex.blocks) and isinstance(annex.blocks[0], Grid) and annex.blocks[0].wide
            self._turn(across=wide)
            self._line(f"附件{number}", font=HEADING)
            self._annex_title(annex.title)
            for block in annex.blocks:
                self._block(block)
        self._turn(across=True)
        if self.content.form != "D":
            self._line(f"附件{every}" if every > 1 else "附件", font=HEADING)
        self._annex_title("依据清单（内部留存，不随文发布）" if self.content.form == "D" else "依据清单")
        rows = [self._evidence(place, key) for place, key in enumerate(self.content.cited(), start=1)]
        if rows:
            self._table(EVIDENCE_HEAD, rows, EVIDENCE_WIDTHS, LIST_SIZE)
        else:
            self._text("本件没有引用材料。")

    def _annex_title(self, text: str) -> None:
        paragraph = self.doc.add_paragraph(style="Title")
        self._run(paragraph, text)
        small(paragraph, 18)

    def _evidence(self, place: int, key: str) -> Sequence[str]:
        one = self.content.evidence.get(key)
        number = f"[{place}]" if self.content.marked else str(place)
        if one is None:
            return (number, UNKNOWN, "", "", "", key, "", UNKNOWN)
        sha256 = "\n".join(one.sha256[at : at + 32] for at in range(0, len(one.sha256), 32))
        return (number, one.title, one.publisher, one.published, one.fetched, one.key, sha256, one.state)

    def _imprint(self) -> None:
        """版记: whom it is copied to, who prints it and when."""
        self._line("")
        table = self.doc.add_table(rows=2, cols=1)
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        for line, text, edges in (
            (table.rows[0], f"{self.content.copy_word}：{self.content.copies}。", {"top": 8, "bottom": 6}),
            (table.rows[1], "", {"bottom": 8}),
        ):
            cell = line.cells[0]
            keep_whole(line._tr)
            borders(cell, edges)
            paragraph = cell.paragraphs[0]
            indent(paragraph, 0)
            paragraph.paragraph_format.keep_with_next = bool(text)  # its two lines stay together
            paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Pt(SMALL)
            if text:
                self._run(paragraph, text)
            else:
                paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(ALONG) - Pt(3 * SMALL), alignment=2)
                self._run(paragraph, f"{self.content.sender}\t{self.content.day}印发")
            small(paragraph, SMALL)
            paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(2)

    def _fit(self) -> None:
        """Letters and lines of the text as small as one page takes; the smallest where none is enough."""
        size, line = next((one for one in FITTING if self._height(*one) <= HIGH), FITTING[-1])
        if size == SIZE:
            return
        for name in ("Normal", "Heading 1"):
            style = self.doc.styles[name]
            assert isinstance(style, ParagraphStyle)
            style.font.size, style.paragraph_format.line_spacing = Pt(size), Pt(line)
            indent_of(style, 200, size)
            off_grid(style.element.get_or_add_pPr())

    def _height(self, size: float, line: float) -> float:
        """Points that the text takes, told from its letters."""
        high = 0.0
        for paragraph in self.doc.paragraphs:
            if paragraph.style is not None and paragraph.style.name == "Title":
                high += 34 * (1 + paragraph.text.count("\n")) + 10
            else:
                high += line * max(1, -(-(2 + letters_wide(paragraph.text)) * size // (ALONG * 72 / 25.4)))
        for table in self.doc.tables:
            for row in table.rows:
                each = [(letters_wide(cell.text) * TABLE_SIZE, (cell.width or Mm(ALONG)).pt - 11) for cell in row.cells]
                high += TABLE_SIZE * 1.35 * max(-(-long // wide) for long, wide in each) + 5
        return high

    def _turn(self, *, across: bool) -> None:
        """The pages from here on."""
        self.across = across
        section = self.doc.add_section(WD_SECTION.NEW_PAGE)
        lay_out(section, self.doc, across=across, form=self.content.form, head=self._head)

    def _run(self, paragraph: DocxParagraph, text: str, *, ink: RGBColor | None = None) -> Run | None:
        return run_in(paragraph, text, ink=ink)
