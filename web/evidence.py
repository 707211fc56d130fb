"""Evidence: marked spans, the sentence that says most, and who carried whose text."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup, escape
from sqlalchemy import Connection, select

from alerts.evidence import KINDS, cut, gravity, telling_of
from core.records import Document, Mention, Signal
from nlp.privacy import mask
from pipelines.duplicates import overlaps
from pipelines.shown import shown_title
from store.schema import documents

CLASSES = {kind: f"m-{css}" for kind, css in KINDS.items()}

NameOf = Callable[[Mention], str]


def marked(text: str, mentions: Iterable[Mention], name_of: NameOf, start: int = 0, end: int | None = None) -> Markup:
    """text[start:end] escaped, each mention in its span; of two that overlap the first, longer one stays."""
    parts: list[Markup] = []
    for piece, mention in cut(text, mentions, start, len(text) if end is None else end):
        if mention is None:
            parts.append(escape(piece))
        else:
            css = "m-not" if mention.negated else CLASSES[mention.type]
            parts.append(Markup('<span class="{}" title="{}">{}</span>').format(css, name_of(mention), piece))
    return Markup("").join(parts)


def paragraphs(text: str, mentions: Sequence[Mention], name_of: NameOf) -> list[Markup]:
    """The text by lines, marked; empty lines left out."""
    found = []
    for line in re.finditer(r"[^\n]+", text):
        if line[0].strip():
            found.append(marked(text, mentions, name_of, line.start(), line.end()))
    return found


@dataclass(frozen=True)
class Quote:
    """A piece of evidence."""

    document: Document
    title: str
    text: Markup
    origin: int


def quotes(signals: Sequence[Signal], name_of: NameOf, limit: int) -> list[Quote]:
    """The telling sentence of each independent origin, oldest first; at most `limit`, the gravest kept.

    Where the body names nothing (a hot-list line), the title is the sentence.
    """
    origins = [signal for signal in signals if signal.document.repost_of is None]
    told = [(number, telling_of(signal)) for number, signal in enumerate(origins, start=1)]
    told.sort(key=lambda one: -gravity(one[1].weight, one[1].signal.analysis.level))
    kept = sorted(told[:limit], key=lambda one: one[1].signal.document.event_time)
    return [
        Quote(one.signal.document, one.title, marked(one.text, one.mentions, name_of, one.start, one.end), number)
        for number, one in kept
    ]


@dataclass(frozen=True)
class Carried:
    """A document in the tree of origins. overlap: the share of a repost's sentences that stand in its origin, 0-1."""

    id: str
    source: str
    title: str
    at: datetime
    withdrawn: bool
    overlap: float | None = None


@dataclass(frozen=True)
class Origin:
    """An independent origin and those that carried its text, in order of time."""

    first: Carried
    reposts: tuple[Carried, ...]


def origins_of(db: Connection, signals: Sequence[Signal]) -> list[Origin]:
    """The tree under an alert: every document of it, and every repost of its origins. One query."""
    roots: dict[str, Carried] = {}
    below: dict[str, dict[str, Carried]] = {}
    for signal in signals:
        document = signal.document
        node = Carried(
            document.id, document.source, shown_title(document, signal.analysis), document.event_time,
            document.withdrawn_at is not None,
        )  # fmt: skip
        if document.repost_of is None:
            roots[document.id] = node
        else:
            below.setdefault(document.repost_of, {})[document.id] = node
    for row in _reposts(db, list(roots)):
        below.setdefault(row[0], {})[row[1].id] = row[1]
    for origin, reposts in below.items():
        if origin not in roots:  # its origin is not part of the alert: the first of them stands for it
            first = min(reposts.values(), key=lambda node: node.at)
            roots[origin] = reposts.pop(first.id)
    shares = overlaps(db, {each: origin for origin, reposts in below.items() for each in reposts})
    tree = [
        Origin(
            node,
            tuple(
                replace(each, overlap=shares.get(each.id))
                for each in sorted(below.get(origin, {}).values(), key=lambda each: each.at)
            ),
        )
        for origin, node in roots.items()
    ]
    return sorted(tree, key=lambda each: each.first.at)


def _reposts(db: Connection, origins: list[str]) -> list[tuple[str, Carried]]:
    columns = (documents.c.repost_of, documents.c.id, documents.c.source, documents.c.title, documents.c.event_time)
    query = select(*columns, documents.c.withdrawn_at).where(documents.c.repost_of.in_(origins), documents.c.latest)
    return [
        (origin, Carried(found, source, mask(title) or "（无标题）", at, gone is not None))
        for origin, found, source, title, at, gone in db.execute(query.order_by(documents.c.event_time).limit(500))
    ]
