"""Documents out of mapped records: one field map for JSON answers, XML reports and table files."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.source_parts import FieldMap
from config.sources import SourceConfig
from core.records import ArchiveRef, RawDocument
from crawlers.dates import date_in_url, read_date
from crawlers.markup import html_to_text, one_line, parse_html, tables_of
from crawlers.pick import pick_all, pick_one
from crawlers.urls import absolute_url, canonical_url

HEADLINE = 60
"""Characters of the text that stand for a missing title."""
UNREAD_DATE = "date_as_given"
"""The field that keeps a date which could not be read, or is no plausible one."""
MONTH_FIRST = re.compile(r"^\s*(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?!\d)")


@dataclass(frozen=True)
class Origin:
    """Where a record came from. url: of the answer, for relative links."""

    url: str
    fetched_at: datetime
    archive: ArchiveRef | None = None
    encoding: str | None = None


def read_record(
    source: SourceConfig, fields: FieldMap, record: Any, origin: Origin, *, now: datetime
) -> RawDocument | None:
    """The document that `fields` finds in `record`; None when it has neither title nor text."""
    markup = pick_one(fields.text, record)
    text = html_to_text(markup, tables=False)
    title = one_line(html_to_text(pick_one(fields.title, record))) or one_line(text)[:HEADLINE]
    if not title:
        return None
    has_table = "<table" in markup.lower()
    body = parse_html(markup).body if has_table else None
    url = own_address(pick_one(fields.url, record), origin)
    dated = one_line(pick_one(fields.published, record))
    published = date_of(source, dated, now=now)
    date_source = "item" if published else "none"
    if published is None and url:
        published = date_in_url(url, now=now)
        date_source = "url" if published else "none"
    facts = {name: html_to_text(pick_one(pick, record)) for name, pick in fields.fields.items()}
    if dated and date_source != "item":
        facts[UNREAD_DATE] = dated
    files = (absolute_url(origin.url, link) for link in pick_all(fields.attachments, record))
    return RawDocument(
        source=source.key,
        kind=source.kind,
        url=url,
        title=title,
        text=text,
        fetched_at=origin.fetched_at,
        external_id=pick_one(fields.id, record),
        published=published,
        date_source=date_source,
        author=one_line(pick_one(fields.author, record)) or None,
        origin=one_line(pick_one(fields.origin, record)) or None,
        fields={**source.facts, **{name: value for name, value in facts.items() if value}},
        tables=tables_of(body) if body is not None else (),
        attachments=tuple(link for link in files if link),
        archive=origin.archive,
        encoding=origin.encoding,
    )


def own_address(link: str, origin: Origin) -> str:
    """The address of the record's own page; empty where it names none, or only the answer it stands in."""
    url = absolute_url(origin.url, link) if link else None
    return url if url is not None and canonical_url(url) != canonical_url(origin.url) else ""


def date_of(source: SourceConfig, text: str | None, *, now: datetime) -> datetime | None:
    """A date as the source writes it, Beijing unless it says so."""
    if source.month_first and text:
        text = MONTH_FIRST.sub(r"\3-\1-\2", text)
    return read_date(text, now=now, day_first=source.day_first)
