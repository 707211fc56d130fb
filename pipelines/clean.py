"""From text as fetched to text that may be shown: control characters out, white space tidied, personal data masked."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from core.records import Table
from nlp.privacy import mask, mask_said

MAX_TITLE = 300
MAX_TEXT = 200_000  # characters; the longest official notice seen is under 60,000
BLANKS = re.compile(r"[^\S\n]+")
TURNED = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")
"""Marks that turn the direction of writing: with them a text shows other than what it says."""
GAPS = re.compile(r"\s*\n\s*")


def clean_text(text: str) -> str:
    """Readable paragraphs: NFC, no control or lone surrogate characters, single blanks, one line a paragraph."""
    text = unicodedata.normalize("NFC", text[: MAX_TEXT * 2].encode("utf-8", "replace").decode("utf-8"))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cs"))
    text = TURNED.sub("", text)
    text = GAPS.sub("\n", BLANKS.sub(" ", text))
    return "\n".join(line.strip() for line in text.strip().split("\n"))[:MAX_TEXT]


def cleaned(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The columns title, text, fields and tables of a stored document, cleaned and masked."""
    return {
        "title": mask(clean_text(raw["title"]).replace("\n", " "))[:MAX_TITLE],
        "text": mask(clean_text(raw["text"])),
        "fields": {name: _cleaned_field(name, value) for name, value in raw["fields"].items()},
        "tables": [_cleaned_table(table) for table in raw["tables"]],
    }


def _cleaned_field(name: str, value: str) -> str:
    """Article numbers are nobody's telephone, though some have the length of one."""
    return clean_text(value) if name == "barcode" else mask_said(clean_text(value), name)


def _cleaned_table(table: Sequence[Sequence[str]]) -> Table:
    """What a cell says may be told by the head of its column, or by the cell before it."""
    rows = [[clean_text(cell) for cell in row] for row in table]
    return tuple(
        tuple(
            mask_said(cell, *row[max(place - 1, 0) : place], *rows[0][place : place + 1])
            for place, cell in enumerate(row)
        )
        for row in rows
    )
