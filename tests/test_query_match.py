"""A query judges a row as it arrives exactly as the index would find it later."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.records import Mention, MentionType
from search.backend import SearchRequest
from search.embedded import EmbeddedBackend
from search.match import MatchRow, compile_match
from search.mentions import keys_of
from search.query import read_query
from search.records import row_of
from search.where import Where
from tests.search_documents import NAMES, NOW, SYNONYMS, entries, entry, words

QUERIES: list[str] = [
    json.loads(line)
    for line in (Path(__file__).parent / "search_queries.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBackend]:
    backend = EmbeddedBackend(tmp_path_factory.mktemp("index"), words)
    backend.index(entries())
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def rows() -> list[MatchRow]:
    return [MatchRow(row_of(one)) for one in entries()]


def found_by(index: EmbeddedBackend, where: Where) -> set[str]:
    result = index.search(SearchRequest(where, size=0, facets={"id": len(entries())}, histogram=False))
    return {str(found.value) for found in result.facets["id"]}


@pytest.mark.parametrize("text", QUERIES)
def test_the_rows_that_match_are_the_rows_that_are_found(
    index: EmbeddedBackend, rows: list[MatchRow], text: str
) -> None:
    for where in {read_query(text, names=NAMES, now=NOW, synonyms=others).where for others in ({}, SYNONYMS)}:
        match = compile_match(where, words)
        matched = {str(next(iter(row.values("id")))) for row in rows if match(row)}
        assert matched == found_by(index, where)


def test_a_plain_row_is_judged_as_well() -> None:
    match = compile_match(read_query("电池 and 级别>=2", names=NAMES, now=NOW).where, words)
    assert match(row_of(entry("a", "电池起火", level=2)))
    assert not match(row_of(entry("b", "电池起火", level=1)))
    assert not match(row_of(entry("c", "起火", level=3)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("网址:*a*a*a*a*a*a*b*", False),
        ("网址:https*a*a*a*a*a*a", True),
        ("*a*a*a*a*a*a*a*a*a*a*a*a*b", False),
        ("*a*a*a*a*a*a*a*a*a*a*a*a*", True),
        ("提及:{编号:*a*a*a*a*a*a*b*}", False),
        ("提及:{编号:*a*a*a*a*a*a*a}", True),
    ],
)
def test_many_wildcards_on_a_text_of_one_sign_are_judged_at_once(text: str, found: bool) -> None:
    """A judge that tries all ways through such a value would stand still for years."""
    mentions = keys_of([("title", Mention(0, 1, "", MentionType.MODEL, "a" * 200))])
    row = row_of(entry("long", "a" * 64, "a" * 1000, url=f"https://{'a' * 1900}", mentions=mentions))
    assert compile_match(read_query(text, names=NAMES, now=NOW).where, words)(row) is found
