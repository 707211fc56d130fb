"""The analytics page: every number leads to exactly the documents it counts, for everybody who may look."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import QueryParams

from core.spreadsheet import csv_text
from search.backend import SearchRequest, SearchResult
from search.embedded import EmbeddedBackend
from search.records import IndexEntry
from store import users
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, Browse, visits
from tests.search_documents import entry
from web.access import Viewer
from web.app import create_app
from web.narrowing import Condition, Narrowing, Span
from web.search_state import read_state, request_for
from web.services import Services

EVIL = '=HYPERLINK("https://evil.example","看")'
SCRIPT = "<script>alert(1)</script>起火"


def odd_documents() -> Iterator[IndexEntry]:
    """What the pack does not have: hostile names, bars of 150 sources, places everywhere, several products."""

    def made(known: str, title: str, *, back: float = 0.5, **fields: Any) -> IndexEntry:
        at = NOW - timedelta(days=back)
        return entry(known, title, event_time=at, stored_at=at, **fields)

    yield made("evil", SCRIPT, enterprises=(f"NIL:{EVIL}",), products=("ebike",), issues=("fire",), is_risk=True)
    yield made("quote", '引号"与\\斜线', enterprises=('NIL:某"某\\厂',), products=("cable",), issues=("fire",))
    for at in range(150):
        yield made(f"many-{at}", "许多来源 电池", source=f"source-{at:03d}", back=2, kind="forum")
    for at, code in enumerate(("360700", "360703", "360000", "440100", "000000", "")):
        chain = tuple(dict.fromkeys((f"{code[:2]}0000", f"{code[:4]}00", code))) if code else ()
        for n in range(at + 1):
            both = ("ebike", "cable") if n % 2 else ("ebike_power",)
            yield made(f"place-{at}-{n}", "各地 电池", territory=chain, products=both, back=n * 3, level=n % 5)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("desk"), clock=lambda: NOW)
    assert made.search is not None
    made.search.index(list(odd_documents()))
    with made.store.write() as db:
        for name, territory in (("chief", "000000"), ("province", "360000"), ("city", "360700"), ("county", "360981")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    yield from visits(services)


def total_of(services: Services, name: str, address: str) -> int:
    """How many documents the search page finds at an address, for that person."""
    with services.store.read() as db:
        user = users.find_user(db, name)
    assert user is not None
    viewer = Viewer(user, services.lexicon.regions)
    asked = read_state(QueryParams(urlsplit(address).query), NOW)
    request, warnings = request_for(services, viewer, asked, NOW)
    assert warnings == () or asked.like
    assert services.search is not None
    return services.search.search(replace(request, size=0, facets={}, histogram=False)).total


COUNTED = re.compile(r'<a href="(/search\?[^"]*)">([\d,]+)</a>')
ADDRESSES = [
    "", "?from=all", "?by=region", "?by=region&from=all", "?by=issue&from=7d", "?by=tier", "?by=kind&from=90d",
    "?by=source", "?by=level&q=起火", "?by=firm", "?q=起火 or 召回&row=firm&column=issue", "?row=tier&column=source",
    "?row=region&column=kind", "?row=level&column=firm&from=all", "?product=ebike", "?product=ebike&product=cable",
    "?not.product=ebike&by=kind", "?territory=360700&by=region", "?territory=*&territory=360000&by=region",
    "?not.territory=360700&by=region", "?off.product=ebike&by=product", "?source=source-001&by=tier&row=tier",
    "?from=2026-11-20&to=2026-11-21", "?from=now-3d/d&to=now-1d/d&by=region", "?from=24h&by=issue", "?from=today",
    "?is_risk=true&from=month", "?q=电瓶车&syn=0", "?q=电瓶车", "?q=没有这样的词", "?q=没有这样的词&from=all",
    "?firm=NIL:某\"某\\厂&by=issue",
    "?since=2026-11-20T00:00&by=kind",
    "?at=2026-11-22T08:00&by=region", "?to=2026-11-10", "?level=3&level=4&by=level&row=level",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_number_leads_to_as_many_documents(services: Services, browse: Browse, address: str) -> None:
    page = browse("chief").get(f"/analytics{address}")
    assert page.status_code == 200
    links = {(unescape(href), int(count.replace(",", ""))) for href, count in COUNTED.findall(page.text)}
    assert links or "没有这样的词" in address
    wrong = [(href, count, found) for href, count in links if (found := total_of(services, "chief", href)) != count]
    assert wrong == []


@pytest.mark.parametrize("name", ["province", "city", "county"])
def test_everybody_counts_what_is_theirs(services: Services, browse: Browse, name: str) -> None:
    for address in ("", "?by=region&from=all", "?row=issue&from=90d"):
        page = browse(name).get(f"/analytics{address}")
        links = {(unescape(href), int(count.replace(",", ""))) for href, count in COUNTED.findall(page.text)}
        assert links
        assert all(total_of(services, name, href) == count for href, count in links)


def test_the_search_page_itself_shows_the_number(browse: Browse) -> None:
    client = browse("chief")
    for href, count in COUNTED.findall(client.get("/analytics?by=region&q=电池").text)[:12]:
        assert client.get(f"/api{unescape(href)}").json()["total"] == int(count.replace(",", ""))


def test_documents_like_one_are_counted_too(services: Services, browse: Browse) -> None:
    known = browse("chief").get("/api/search?q=起火&from=all").json()["hits"][0]["id"]
    page = browse("chief").get(f"/analytics?like={known}&from=all&by=kind")
    links = {(unescape(href), int(count.replace(",", ""))) for href, count in COUNTED.findall(page.text)}
    assert links
    assert all(total_of(services, "chief", href) == count for href, count in links)


def test_no_count_above_zero_is_without_its_link(browse: Browse) -> None:
    page = browse("chief").get("/analytics?by=region").text
    cells = re.findall(r'<td class="q\d"[^>]*>(.*?)</td>', page)
    assert len(cells) > 50
    assert [cell for cell in cells if cell.strip() != "0" and not COUNTED.search(cell)] == []


def test_documents_that_arrive_later_are_not_in_the_links(services: Services, browse: Browse) -> None:
    page = browse("chief").get("/analytics?q=各地")
    href, count = COUNTED.findall(page.text)[0]
    late = entry("late", "各地 电池", event_time=NOW - timedelta(days=1), stored_at=NOW + timedelta(seconds=5))
    assert services.search is not None
    services.search.index([late])
    try:
        assert total_of(services, "chief", unescape(href)) == int(count)
    finally:
        services.search.delete(["late"])


def figures(client: TestClient, address: str) -> dict[str, Any]:
    answer = client.get(f"/api/analytics{address}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("by", ["region", "tier", "kind", "level"])
@pytest.mark.parametrize("span", ["from=7d", "from=all"])
def test_groups_of_one_value_a_document_add_up(browse: Browse, by: str, span: str) -> None:
    found = figures(browse("chief"), f"?{span}&by={by}")
    whole, *groups = found["lines"]
    assert sum(line["now"]["count"] for line in groups) == whole["now"]["count"] == found["total"]["count"] > 0
    for at in range(len(found["bars"])):
        assert sum(line["bars"][at] for line in groups) == whole["bars"][at]
    for line in (whole, *groups):
        assert sum(line["bars"]) == line["now"]["count"]


def test_places_are_the_prefectures_and_what_lies_beyond(browse: Browse) -> None:
    lines = {
        line["label"]: line["now"]["count"] for line in figures(browse("chief"), '?by=region&q="各地 电池"')["lines"]
    }
    assert lines["赣州"] == 1 + 2
    assert lines["江西未分市"] == 3
    assert lines["省外"] == 4 + 5
    assert lines["属地待定"] == 6
    mine = [line["label"] for line in figures(browse("city"), "?by=region")["lines"]]
    assert "章贡" in "".join(mine)
    assert "省外" not in mine


def test_a_bar_of_more_parts_than_an_engine_counts_is_still_right(browse: Browse) -> None:
    found = figures(browse("chief"), "?by=source&q=许多来源")
    whole, *groups = found["lines"]
    assert whole["now"]["count"] == 150
    assert all(sum(line["bars"]) == line["now"]["count"] == 1 for line in groups)


def test_the_time_before_is_as_long_and_ends_where_this_one_begins(browse: Browse) -> None:
    found = figures(browse("chief"), "?from=2026-11-16&to=2026-11-18")
    before = {key: datetime.fromisoformat(value) for key, value in found["before"].items()}
    assert f"{before['start']:%m-%d %H:%M}–{before['end']:%m-%d %H:%M}" == "11-13 00:00–11-16 00:00"
    earlier = figures(browse("chief"), "?from=2026-11-13&to=2026-11-15")
    assert found["lines"][0]["before"]["count"] == earlier["total"]["count"]
    assert figures(browse("chief"), "?from=all")["before"] is None


def test_the_crossed_table_expects_what_unrelated_fields_would_give(browse: Browse) -> None:
    found = figures(browse("chief"), "?row=level&column=kind")
    crossed = found["crossed"]
    total = found["total"]["count"]
    for cell in crossed["cells"]:
        row, column = (crossed[side][cell[name]]["count"] for side, name in (("rows", "row"), ("columns", "column")))
        assert cell["expected"] == pytest.approx(row * column / total, abs=0.006)
    assert sum(cell["count"] for cell in crossed["cells"]) == total


def test_the_rows_of_the_crossed_table_are_those_with_most_documents_now(browse: Browse) -> None:
    totals = [row["count"] for row in figures(browse("chief"), "?from=7d")["crossed"]["rows"].values()]
    assert totals == sorted(totals, reverse=True)


def test_new_pairs_and_special_values_lead_to_their_documents(services: Services, browse: Browse) -> None:
    found = figures(browse("chief"), "?q=起火&from=7d")
    assert found["novel"]
    for pair in found["novel"]:
        assert total_of(services, "chief", pair["now"]["link"]) == pair["now"]["count"] > 0
    assert found["special"]
    for one in found["special"]:
        assert total_of(services, "chief", one["hits"]["link"]) == one["hits"]["count"] <= one["of_hits"]
        assert total_of(services, "chief", one["all"]["link"]) == one["all"]["count"] <= one["of_all"]
    assert {one["field"] for one in found["special"]} >= {"words"}
    assert figures(browse("chief"), "?from=all")["novel"] is None


# --- files --------------------------------------------------------------------------------------------------------


def test_a_table_as_csv_holds_no_formula(browse: Browse) -> None:
    answer = browse("chief").get("/analytics/export?table=counts&by=firm&q=起火")
    assert answer.headers["content-disposition"].startswith('attachment; filename="figures-counts-')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0] == ["企业", "本期", "上期", "倍数"]
    assert f"'{EVIL}" in [row[0] for row in rows]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]


@pytest.mark.parametrize("table", ["counts", "times", "heat", "novel", "special", "words"])
def test_each_table_can_be_taken_along(services: Services, browse: Browse, table: str) -> None:
    answer = browse("chief").get(f"/analytics/export?table={table}&q=起火&from=7d")
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1


def test_the_csv_has_the_numbers_of_the_page(browse: Browse) -> None:
    lines = figures(browse("chief"), "?by=kind")["lines"]
    text = browse("chief").get("/analytics/export?table=counts&by=kind").text
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))[1:]
    told = [[line["label"], str(line["now"]["count"])] for line in lines]
    assert [row[:2] for row in rows] == told


@pytest.mark.parametrize("cell", ["=1+1", "+7", "-3", "@x", "\t=1", "  =1", "＝1", "　=1"])
def test_a_cell_that_looks_like_a_formula_is_text(cell: str) -> None:
    [[kept, number]] = list(csv.reader(io.StringIO(csv_text(["a", "b"], [[cell, -3]]).split("\r\n", 1)[1])))
    assert kept == f"'{cell}"
    assert number == "-3"


# --- what goes wrong ----------------------------------------------------------------------------------------------


def test_names_from_outside_are_only_text(browse: Browse) -> None:
    page = browse("chief").get("/analytics?by=firm&q=起火").text
    assert "<script>alert" not in page
    assert "HYPERLINK(&#34;https" in page


@pytest.mark.parametrize(
    ("address", "status", "sentence"),
    [
        ("?by=colour", 400, "by=colour 不存在"),
        ("?row=product&column=product", 400, "交叉表的行和列都是“产品”"),
        ("?from=someday", 400, "时间 someday 看不懂"),
        ("?q=(起火", 400, "字："),
        ("?level=9", 400, "须为0 至 4"),
        ("?by=relevance", 200, ""),
        ("?page=3&after=5&cols=time", 200, ""),
    ],
)
def test_an_address_that_cannot_be_read_is_told(browse: Browse, address: str, status: int, sentence: str) -> None:
    page = browse("chief").get(f"/analytics{address}")
    assert page.status_code == status
    assert sentence in unescape(page.text)
    answer = browse("chief").get(f"/api/analytics{address}")
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert sentence in answer.json()["detail"]


def test_without_an_index_the_page_says_so(services: Services) -> None:
    bare = replace(services, search=None)
    client = TestClient(create_app(bare), follow_redirects=False)
    door = re.search(r'name="door" value="([^"]*)"', client.get("/signin").text)
    assert door
    client.post("/signin", data={"door": unescape(door[1]), "username": "chief", "password": PASSWORD})
    page = client.get("/analytics")
    assert page.status_code == 503
    assert "检索现在不可用" in page.text
    answer = client.get("/api/analytics")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_the_api_is_described(browse: Browse) -> None:
    described = browse("chief").get("/api/openapi.json").json()["paths"]["/api/analytics"]["get"]
    assert {one["name"] for one in described["parameters"]} == {"q", "by", "row", "column"}
    assert "200" in described["responses"]


def test_the_page_asks_the_index_a_bounded_number_of_times(
    services: Services, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SearchRequest] = []
    plain = EmbeddedBackend.search

    def search(backend: EmbeddedBackend, request: SearchRequest) -> SearchResult:
        asked.append(request)
        return plain(backend, request)

    monkeypatch.setattr(EmbeddedBackend, "search", search)
    browse("chief").get("/analytics?by=region&q=起火")
    assert len([one for one in asked if one.pairs or one.facets]) <= 14
    assert len(asked) <= 14 + 3 * 60 + 2 * 16 + 20


# --- links --------------------------------------------------------------------------------------------------------


def test_a_condition_on_a_field_that_has_one_is_added_to_the_query() -> None:
    asked = read_state(QueryParams("q=起火 or 爆炸&product=ebike"), NOW)
    address = Narrowing(asked, NOW).to(Condition("product", ("cable",)))
    found = dict(parse_qsl(urlsplit(address).query))
    assert (found["q"], found["product"]) == ('(起火 or 爆炸) and products:"cable"', "ebike")


def test_an_order_or_look_of_the_page_is_not_carried_along() -> None:
    asked = read_state(QueryParams("q=起火&by=level&view=table&split=kind&page=3"), NOW)
    found = dict(parse_qsl(urlsplit(Narrowing(asked, NOW).to(span=Span(NOW - timedelta(hours=1), None))).query))
    assert found == {"q": "起火", "from": "2026-11-23T13:32", "at": "2026-11-23T14:32"}


def test_a_query_too_long_to_be_read_gets_no_link() -> None:
    asked = read_state(QueryParams([("q", "起" * 1995), ("product", "ebike")]), NOW)
    assert Narrowing(asked, NOW).to(Condition("product", ("cable",))) == ""
    assert Narrowing(asked, NOW).to(Condition("kind", ("news",))) != ""
