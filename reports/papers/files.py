"""The files of a paper: its docx, and what goes along."""

from collections.abc import Mapping

from reports.papers.layout import set_paper
from reports.papers.record import Content
from reports.papers.workbook import write_workbook

DOCX, XLSX, PACK = "paper.docx", "table.xlsx", "pack.zip"
TYPES: Mapping[str, str] = {
    DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    PACK: "application/zip",
}


def files_for(content: Content, values: Mapping[str, str], *, signed: bool) -> dict[str, bytes]:
    """Every file of a paper, by name."""
    found = {DOCX: set_paper(content, values, signed=signed)}
    if content.leaves:
        found[XLSX] = write_workbook(content, signed=signed)
    return found
