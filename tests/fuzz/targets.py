"""What is fuzzed: each target takes bytes and raises nothing but what the reader it aims at says it raises."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alerts.bounces import bounces_in
from config.matchers import parse_matcher
from config.registry_columns import plain_header
from core.errors import UsageError
from crawlers.attached.read import read_file
from crawlers.charset import decode_page
from crawlers.dates import date_in_url, read_dated
from crawlers.extract import extract_page
from crawlers.feed import read_feed
from crawlers.markup import html_to_text
from crawlers.pick import json_of
from enterprises.table_rows import open_rows
from enterprises.watching import read_rows
from nlp.normalize import without_surrogates
from pipelines.clean import clean_text
from search.query import QueryError, read_query
from search.query.tree import tree_json

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
HEADERS = ("name", "企业名称", "统一社会信用代码")


def feed(data: bytes) -> None:
    """Whatever the bytes: entries, or a problem that is named."""
    found = read_feed(data, url="http://a.example/rss", now=NOW)
    assert found.ok or found.problems
    for entry in found.entries:
        without_surrogates(entry.title + entry.summary).encode()


def dates(data: bytes) -> None:
    """A date of an address or a text lies between 1990 and now, or is none."""
    text = data.decode("utf-8", "replace")
    for first in (False, True):
        found = read_dated(text, now=NOW, day_first=first)
        assert found is None or 1990 <= found.moment.year <= 2027
    date_in_url(f"http://a.example/{text}", now=NOW)


def charset(data: bytes) -> None:
    """Text that UTF-8 can carry."""
    decode_page(data).text.encode()
    decode_page(data, content_type=data[:60].decode("latin-1")).text.encode()


@cache
def _names() -> tuple[object, ...]:
    from tests.search_documents import NAMES, SYNONYMS

    return NAMES, SYNONYMS


def query(data: bytes) -> None:
    """Read, or refused at a column with a hint."""
    text = data.decode("utf-8", "replace")
    names, synonyms = _names()
    try:
        tree_json(read_query(text, names=names, now=NOW, synonyms=synonyms).tree)  # type: ignore[arg-type]
    except QueryError as refused:
        if not 1 <= refused.column <= len(text) + 1:
            raise AssertionError(f"column {refused.column}") from refused


def rows(data: bytes) -> None:
    """A registry file or a watch-list: rows, or a sentence."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.csv")
        path.write_bytes(data)
        with suppress(UsageError):
            for _, cells in open_rows(path, HEADERS, plain_header).rows:
                "".join(cells).encode()
    with suppress(UsageError):
        read_rows(data)


def bounce(data: bytes) -> None:
    """A mail that came back, or none."""
    bounces_in(data)


def page(data: bytes) -> None:
    """Title, text and tables of a page, and the text as the store would hold it."""
    text = decode_page(data).text
    found = extract_page(text, url="http://a.example/a.html", now=NOW)
    clean_text(found.text).encode("utf-8", "replace")
    html_to_text(text)


def attached(data: bytes) -> None:
    """A file of any kind: its text, or a problem."""
    json.dumps(read_file("a", data).problem)


def record(data: bytes) -> None:
    """The answer of an API."""
    with suppress(ValueError):
        json_of(data.decode("utf-8", "replace"))


def matchers(data: bytes) -> None:
    """What a silence is for, as people write it."""
    with suppress(ValueError):
        parse_matcher(data.decode("utf-8", "replace"))


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    one.__name__: one for one in (feed, dates, charset, query, rows, bounce, page, attached, record, matchers)
}
