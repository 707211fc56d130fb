"""Attachments: the tables of an item as a real xlsx, its text as a real pdf."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook

from demo.render.page import Reply, find
from demo.story import Item, paragraphs

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LINE = 34
"""Characters a line of a pdf page."""


def attachment(item: Item, kind: str) -> Reply | None:
    """The file of that kind, or None when the item has none. The same item gives the same bytes."""
    if kind not in item.attachments:
        return None
    if kind == "xlsx":
        return Reply(_xlsx(item), XLSX, item.published)
    return Reply(_pdf(item), "application/pdf", item.published)


def attached(items: Sequence[Item], token: str, kind: str) -> Reply | None:
    """The file of that kind of the item at `token`, or None."""
    item = find(items, token)
    return attachment(item, kind) if item else None


def _xlsx(item: Item) -> bytes:
    book = Workbook(write_only=False)
    for sheet in book.worksheets:
        book.remove(sheet)
    book.properties.created = book.properties.modified = LONG_AGO.replace(tzinfo=None)
    tables = item.tables or ((tuple(paragraphs(item.text)),),)
    for place, table in enumerate(tables, 1):
        sheet = book.create_sheet(f"附件{place}")
        sheet.append([item.title])
        sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=max(len(table[0]), 1))
        for row in table:
            sheet.append(list(row))
    draft = BytesIO()
    book.save(draft)
    return _without_dates(draft)


def _without_dates(draft: BytesIO) -> bytes:
    """The same zip with fixed times, so that its ETag holds still."""
    out = BytesIO()
    with ZipFile(draft) as source, ZipFile(out, "w", ZIP_DEFLATED) as target:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name == "docProps/core.xml":
                stamp = content.find(b"<dcterms:modified")
                end = content.find(b"</dcterms:modified>")
                content = content[:stamp] + content[end + len(b"</dcterms:modified>") :] if stamp >= 0 else content
            target.writestr(ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content, ZIP_DEFLATED)
    return out.getvalue()


def _pdf(item: Item) -> bytes:
    """One page, Chinese through the reader's own Song font (no font is embedded)."""
    lines = [item.title, *paragraphs(item.text), *("  ".join(row) for table in item.tables for row in table)]
    wrapped = [line[at : at + LINE] for line in lines for at in range(0, len(line), LINE)]
    shown = "".join(f"<{line.encode('utf-16-be').hex()}> Tj T*\n" for line in wrapped)
    stream = zlib.compress(f"BT /F1 12 Tf 16 TL 60 800 Td\n{shown}ET".encode("ascii"))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R"
        b" /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [5 0 R] >>",
        b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(stream), stream),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for place, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (place, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        out
        + b"xref\n0 7\n0000000000 65535 f \n%strailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n" % table
        + b"%d\n%%%%EOF\n" % len(out)
    )
