"""What a hold may be put on, by what people call it: an id that nobody has would hold nothing, in silence."""

from dataclasses import dataclass

from sqlalchemy import Connection

from core.errors import UsageError
from store.alert_log import find_alert
from store.documents import find_document
from store.events import find_event
from store.holds import KINDS
from store.registry import find_entry

UNLISTED = "NIL:"
"""Begins the id of a firm that stands in no list; its name follows."""
WORDS = {"document": "文档", "alert": "预警", "event": "事件", "firm": "企业"}


@dataclass(frozen=True)
class Subject:
    """id: what the hold names.  title: for people."""

    kind: str
    id: str
    title: str


def subject_of(db: Connection, kind: str, text: str) -> Subject:
    """The thing of that id or number. Raises UsageError where there is none, or no such kind."""
    text = text.strip()
    if kind not in KINDS:
        raise UsageError(f"{kind!r} 不能设保全（可用：{'、'.join(KINDS)}）")
    if kind == "alert" and (alert := find_alert(db, text)) is not None:
        return Subject(kind, alert.number, alert.title)
    if kind == "event" and (event := find_event(db, text)) is not None:
        return Subject(kind, event.id, event.title)
    if kind == "firm" and text.startswith(UNLISTED) and len(text) > len(UNLISTED):
        return Subject(kind, text, text.removeprefix(UNLISTED))
    if kind == "firm" and (entry := find_entry(db, text)) is not None:
        return Subject(kind, entry.id, entry.name)
    if kind == "document" and (document := find_document(db, text)) is not None:
        return Subject(kind, document.id, document.title)
    raise UsageError(f"没有{WORDS[kind]} {text[:40]}：保全要写已有的编号")
