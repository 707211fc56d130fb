"""The files of a paper: its docx, and what goes along."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from reports.papers.layout import set_paper
from reports.papers.record import Content, form, para
from reports.papers.workbook import write_workbook

DOCX, XLSX, PACK = "paper.docx", "table.xlsx", "pack.zip"
RECEIPT = tuple(
    para(form(line))
    for line in (
        "今收到线索移交单及所附材料，经逐项核对，与材料目录一致。", "接收单位（盖章）：", "接收人：", "接收时间：",
        "退回材料及原因：",
    )
)  # fmt: skip
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
    if content.pack:
        found[PACK] = _pack(content, found, signed=signed)
    return found


def _pack(content: Content, files: Mapping[str, bytes], *, signed: bool) -> bytes:
    """One zip: the paper, its workbook, a receipt to be signed, and the SHA-256 of each."""
    receipt = replace(
        content, title="材料接收回执", sections=(), opening=RECEIPT, closing=(), annexes=(), leaves=(), pack=False,
        copies="", fields=(), evidence={}, to="",
    )  # fmt: skip
    title = re.sub(r'[\\/:*?"<>|]', "、", content.title)  # 热轧带肋/光圆钢筋 is no folder
    inside = {f"01_{title}.docx": files[DOCX], "03_材料接收回执.docx": set_paper(receipt, {}, signed=signed)}
    if XLSX in files:
        inside["02_时间线和电子证据清单.xlsx"] = files[XLSX]
    sums = "".join(f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(inside.items()))
    into = BytesIO()
    with ZipFile(into, "w", ZIP_DEFLATED) as made:
        for name, body in sorted({**inside, "SHA256SUMS": sums.encode()}.items()):
            made.writestr(ZipInfo(name, (2026, 1, 1, 0, 0, 0)), body, ZIP_DEFLATED)
    return into.getvalue()
