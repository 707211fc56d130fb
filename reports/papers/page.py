"""The page of a paper: margins, lines, page numbers, styles, and faces with what stands in for them.

方正小标宋简体, 仿宋_GB2312, 楷体_GB2312 and 黑体 are named, never shipped: the font table names what stands in.
The standard (GB/T 9704) itself was not read; sizes agree with public implementations of it.
"""

from collections.abc import Mapping

from docx.document import Document as Paper
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section as DocxSection
from docx.section import _Footer
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph as DocxParagraph
from docx.text.run import Run

from reports.paper import field_of, plain, set_fonts, without_border
from reports.papers.paragraphs import SIZE, indent, indent_of

TITLE_FONT, BODY, HEADING, SECOND, PAGE = "方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"
STANDS_IN: Mapping[str, tuple[str, str]] = {
    TITLE_FONT: ("华文中宋,STZhongsong,Noto Serif CJK SC", "auto"),
    BODY: ("仿宋,FangSong,STFangsong,Noto Serif CJK SC", "modern"),
    SECOND: ("楷体,KaiTi,STKaiti,AR PL UKai CN,Noto Serif CJK SC", "modern"),
    HEADING: ("SimHei,STHeiti,Noto Sans CJK SC", "auto"),
    PAGE: ("SimSun,STSong,Noto Serif CJK SC", "auto"),
}
"""Font: what stands in where it is missing, and its family."""
LINE, TITLE_SIZE, SMALL = 28.0, 22.0, 14.0
CLOSER = "-5"  # twips: 28 letters of 16 pt in 156 mm


def run_in(paragraph: DocxParagraph, text: str, *, ink: RGBColor | None = None) -> Run | None:
    """Words at the end of a paragraph; None for none."""
    if not text:
        return None
    run = paragraph.add_run(plain(text))
    if ink is not None:
        run.font.color.rgb = ink
    return run


def lay_out(section: DocxSection, doc: Paper, *, across: bool, form: str, head: str) -> None:
    """The page of a section. across: laid across.  head: what stands above each page, set with the first section."""
    first = section._sectPr is doc.sections[0]._sectPr
    if across:
        section.orientation = WD_ORIENT.LANDSCAPE
        section.page_width, section.page_height = Mm(297), Mm(210)
        section.top_margin, section.bottom_margin = Mm(28), Mm(26)
        section.left_margin = section.right_margin = Mm(25)
        section.footer_distance = Mm(14)
    else:
        section.orientation = WD_ORIENT.PORTRAIT
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.top_margin, section.bottom_margin = Mm(37), Mm(35)
        section.left_margin, section.right_margin = Mm(28), Mm(26)
        section.footer_distance = Mm(35 - 7 - 6)
    section.header_distance = Mm(15)
    _grid_of(section)
    section.different_first_page_header_footer = first and form == "B"
    if not first:
        return
    heads = [section.header, section.even_page_header, section.first_page_header]
    for header in heads:
        header.is_linked_to_previous = False
        line = header.paragraphs[0]
        line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        indent(line, 0)
        run = run_in(line, head)
        if run is not None:
            run.font.size = Pt(10.5)
    _page_number(section.footer, WD_ALIGN_PARAGRAPH.RIGHT)
    _page_number(section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)
    section.first_page_footer.is_linked_to_previous = False


def _page_number(footer: _Footer, align: WD_ALIGN_PARAGRAPH) -> None:
    footer.is_linked_to_previous = False
    paragraph = footer.paragraphs[0]
    paragraph.alignment = align
    indent(paragraph, 0)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Pt(SMALL)
    for text, name in (("— ", ""), ("", "PAGE"), (" —", "")):
        run = paragraph.add_run(text)
        run.font.size = Pt(SMALL)
        set_fonts(run._r.get_or_add_rPr(), PAGE, latin=PAGE)
        if name:
            field_of(run, name)


def set_styles(doc: Paper) -> None:
    """Text, title and headings."""
    normal = _style(doc, "Normal", BODY, SIZE)
    indent_of(normal, 200)
    closer = OxmlElement("w:spacing")
    closer.set(qn("w:val"), CLOSER)
    size = normal.element.get_or_add_rPr().find(qn("w:sz"))
    size.addprevious(closer)  # the order of the schema
    normal.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    title = _style(doc, "Title", TITLE_FONT, TITLE_SIZE)
    indent_of(title, 0)
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.line_spacing = Pt(34)
    title.paragraph_format.space_after = Pt(10)
    without_border(title)
    for level, font in ((1, HEADING), (2, SECOND)):
        style = _style(doc, f"Heading {level}", font, SIZE)
        style.paragraph_format.space_before = Pt(0)
        style.paragraph_format.keep_with_next = True
        indent_of(style, 200)


def _style(doc: Paper, name: str, font: str, size: float) -> ParagraphStyle:
    style = doc.styles[name]
    assert isinstance(style, ParagraphStyle)
    style.font.size, style.font.bold, style.font.italic = Pt(size), False, False
    style.font.color.rgb = RGBColor(0, 0, 0)
    form = style.paragraph_format
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(LINE)
    form.space_before = form.space_after = Pt(0)
    form.widow_control = True
    set_fonts(style.element.get_or_add_rPr(), font)
    return style


def set_font_table(doc: Paper) -> None:
    """The font table: what stands in for a face that is not installed."""
    part = next(one.target_part for one in doc.part.rels.values() if one.reltype.endswith("/fontTable"))
    told = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{instead}"/><w:charset w:val="86"/>'
        f'<w:family w:val="{family}"/></w:font>'
        for name, (instead, family) in STANDS_IN.items()
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    part._blob = f'{head}<w:fonts xmlns:w="{space}">{told}</w:fonts>'.encode()


def _grid_of(section: DocxSection) -> None:
    """22 lines on a page: 579 twips each. The 28 characters of a line come from letters set closer (`_styles`): where
    the grid counts characters too, LibreOffice gives a letter of 16 pt two of its cells of 15.79 pt."""
    properties = section._sectPr
    for old in properties.findall(qn("w:docGrid")):
        properties.remove(old)
    grid = OxmlElement("w:docGrid")
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), "579")
    properties.append(grid)  # type: ignore[arg-type]  # its stubs know no grids
