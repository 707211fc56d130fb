"""The search page over HTTP: what its address means, that every link keeps it, that pages stay, and who keeps what."""

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote

import feedparser
import httpx
import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from starlette.datastructures import QueryParams

from core.errors import SearchUnavailable
from search.backend import SearchBackend, SearchRequest, SearchResult
from search.fields import field_named
from search.records import IndexEntry
from store import audit, users
from store.searches import list_recent
from tests.desk_server import NOW, make_services, running_desk
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.search_asked import LABELS, PARAMETERS
from web.search_state import ANY, Filter, read_state
from web.services import Services

PEOPLE = (
    ("chief", "supervisor", "000000"), ("boss", "admin", "000000"), ("city", "officer", "360700"),
    ("county", "officer", "360703"), ("other", "officer", "360981"),
)  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("search"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in PEOPLE:
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


Browse = Callable[..., TestClient]


@pytest.fixture
def browse(services: Services) -> Iterator[Browse]:
    """A signed-in browser of an account, on these services or on others over the same store."""
    opened: list[TestClient] = []

    def sign_in(name: str, on: Services = services) -> TestClient:
        client = signed_in(create_app(on), name)
        opened.append(client)
        return client

    yield sign_in
    for client in opened:
        client.close()


def total_of(client: TestClient, address: str) -> int:
    """Hits of an address, asked of the API."""
    answer = client.get(f"/api/search{address if address.startswith('?') else '?' + address}")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"])


def links(html: str, pattern: str = "") -> list[str]:
    return [unescape(href) for href in re.findall(r'href="(\?[^"]*)"', html) if pattern in unescape(href)]


class Counting:
    """An index that counts what it is asked."""

    def __init__(self, inner: SearchBackend) -> None:
        self.inner, self.asked = inner, list[SearchRequest]()

    def search(self, request: SearchRequest) -> SearchResult:
        self.asked.append(request)
        return self.inner.search(request)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


class Failing(Counting):
    """Answers `good` times, then no more."""

    def __init__(self, inner: SearchBackend, good: int) -> None:
        super().__init__(inner)
        self.good = good

    def search(self, request: SearchRequest) -> SearchResult:
        if len(self.asked) >= self.good:
            raise SearchUnavailable("集群没有应答")
        return super().search(request)


# --- the address --------------------------------------------------------------------------------------------------


def read(address: str) -> list[Filter]:
    return list(read_state(QueryParams(address), NOW).filters)


def test_an_address_holds_several_values_left_out_ones_and_switched_off_ones() -> None:
    found = read("product=ebike&product=gas&not.product=cable&off.level=3&off.not.kind=review&firm=*&is_risk=True")
    assert found == [
        Filter("product", "ebike"), Filter("product", "gas"), Filter("product", "cable", negative=True),
        Filter("level", "3", off=True), Filter("kind", "review", negative=True, off=True), Filter("firm", ANY),
        Filter("is_risk", "true"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    ["q=起火&from=7d&product=ebike&not.kind=review&by=level&syn=0&view=table&cols=time%2Ctitle&split=kind&step=1d",
     "from=now-7d%2Fd&to=now-1d%2Fd&off.level=3", "from=2026-11-01T00%3A00&to=2026-11-02T00%3A00&open=none", ""],
)  # fmt: skip
def test_an_address_that_is_read_and_written_is_the_same(address: str) -> None:
    asked = read_state(QueryParams(address), NOW)
    assert parse_qsl(asked.link().removeprefix("?")) == parse_qsl(address)


def test_defaults_are_left_out_of_the_address() -> None:
    asked = read_state(
        QueryParams("q=&from=30d&by=&page=1&split=level&step=&open=level,kind,product,issue,territory"), NOW
    )
    assert asked.link() == "?"


@pytest.mark.parametrize(
    ("written", "start", "end"),
    [
        ("from=today", "2026-11-23T00:00", None),
        ("from=yesterday", "2026-11-22T00:00", "2026-11-23T00:00"),
        ("from=last-week", "2026-11-16T00:00", "2026-11-23T00:00"),
        ("from=month", "2026-11-01T00:00", None),
        ("from=now-7d/d&to=now-1d/d", "2026-11-16T00:00", "2026-11-23T00:00"),
        ("from=2026-11-01&to=2026-11-02", "2026-11-01T00:00", "2026-11-03T00:00"),
        ("from=2026-11-01T08:30&to=2026-11-02T09:00", "2026-11-01T08:30", "2026-11-02T09:00"),
        ("from=上周&to=上周", "2026-11-16T00:00", "2026-11-23T00:00"),
        ("from=now-2d&to=now-1d", "2026-11-21T14:32", "2026-11-22T14:32"),
        ("from=2026-11-01||%2B1d/d&to=2026-11", "2026-11-02T00:00", "2026-12-01T00:00"),
        ("to=2026-11-01T00:00", None, "2026-11-01T00:00"),
        ("from=all", None, None),
    ],
)  # fmt: skip
def test_a_time_is_read_in_beijing(written: str, start: str | None, end: str | None) -> None:
    window = read_state(QueryParams(written), NOW).window
    wanted = [datetime.fromisoformat(f"{each}+08:00") if each else None for each in (start, end)]
    assert [window.start, window.end] == wanted


@pytest.mark.parametrize(
    "address",
    ["from=x", "from=now-7x", "from=2026-11-02&to=2026-10-01", "level=9", "level=red", "is_risk=yes", "not.nothing=1",
     "off.x=1", "cols=nothing", "open=nothing", "after=x", "after=1&by=relevance", "page=501", "step=2h", "split=firm",
     "view=cards", "at=x", "since=x", "title=起火", "time=2026-11-01", "score=high", f"after={1 << 63}",
     "&".join(f"product=p{n}" for n in range(61))],
)  # fmt: skip
def test_what_does_not_exist_is_refused_with_the_way_out(browse: Browse, address: str) -> None:
    answer = browse("chief").get(f"/search?{address}")
    assert answer.status_code == 400
    assert re.search(r"可用|须|例|请", answer.text)


def test_a_form_with_empty_boxes_leads_to_the_short_address(browse: Browse) -> None:
    answer = browse("chief").get("/search?q=&from=&to=&product=ebike&level=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/search?product=ebike")


def test_conditions_of_one_field_widen_and_left_out_values_narrow(browse: Browse) -> None:
    client = browse("chief")
    both = total_of(client, "from=all&level=3&level=4")
    assert both == total_of(client, "from=all&level=3") + total_of(client, "from=all&level=4") > 0
    assert total_of(client, "from=all&not.level=3&not.level=4") == total_of(client, "from=all") - both
    assert total_of(client, "from=all&off.level=3") == total_of(client, "from=all")
    known, unknown = total_of(client, "from=all&firm=*"), total_of(client, "from=all&not.firm=*")
    assert known > 0 < unknown
    assert known + unknown == total_of(client, "from=all")


def test_a_condition_of_the_form_is_looked_up_by_its_name(browse: Browse) -> None:
    client = browse("chief")

    def add(**form: str) -> str:
        return str(client.get("/search/add", params={"from": "all", **form}).headers.get("location"))

    assert add(field="product", how="is", value="电线电缆") == "/search?from=all&product=cable"
    assert add(field="level", how="not", value="橙") == "/search?from=all&not.level=3"
    assert add(field="firm", how="none") == f"/search?from=all&not.firm={quote('*')}"
    assert client.get("/search/add", params={"field": "level", "value": "很高"}).status_code == 400


# --- the page -----------------------------------------------------------------------------------------------------


def test_a_page_asks_the_index_once_and_an_opened_field_once(browse: Browse, services: Services) -> None:
    assert services.search is not None
    counting = Counting(services.search)
    client = browse("chief", replace(services, search=counting))  # type: ignore[arg-type]
    for address in ("/search?from=all", "/search?q=起火&from=all&split=kind&open=level,kind,product,issue,firm,source",
                    "/search/field?name=firm&q=起火&from=all"):  # fmt: skip
        counting.asked.clear()
        assert client.get(address).status_code == 200
        assert len(counting.asked) == 1, address


@pytest.mark.parametrize("split", ["", "&split=kind"])
def test_a_bar_leads_to_as_many_documents_as_it_says(browse: Browse, split: str) -> None:
    client = browse("chief")
    page = client.get(f"/search?q=起火&from=2026-11-10T10:20&to=2026-11-20T09:10{split}").text
    bars = re.findall(r'<a href="(\?[^"]+)" aria-label="[^"]*，(\d+) 条"><title>', page)
    assert len(bars) > 3
    for href, count in bars:
        assert total_of(client, unescape(href)) == int(count), href
    legend = re.findall(r'<a href="(\?[^"]+)"><i class="[ls]\d"></i>\S+ (\d+)</a>', page)
    assert len(legend) > 1
    for href, count in legend:
        assert total_of(client, unescape(href)) == int(count), href


def test_the_bars_may_be_as_wide_as_one_likes(browse: Browse) -> None:
    client = browse("chief")
    day, week = (client.get(f"/search?from=all&step={step}").text.count('class="hit"') for step in ("1d", "1w"))
    assert day > week > 1


def test_values_of_a_field_in_use_say_that_they_widen(browse: Browse) -> None:
    client = browse("chief")
    page = client.get("/search?q=起火&from=all&product=ebike").text
    assert 'aria-label="也要 产品：电线电缆"' in page
    assert not re.search(r'product=cable[^"]*">电线电缆<span class="vh">', page)


def test_a_closed_field_opens_by_its_link_with_counts_that_hold(browse: Browse) -> None:
    client = browse("chief")
    page = client.get("/search?q=起火&from=all").text
    href = next(
        link
        for link in links(page, "open=")
        if parse_qs(link[1:])["open"] == ["level,kind,product,issue,territory,firm"]
    )
    opened = client.get(f"/search{href}").text
    values = re.findall(r'<a href="(\?[^"]*[?;]firm=[^"]*)">[^<]*<span class="vh">，(\d+) 条', opened)
    assert len(values) == 5
    for link, count in values:
        assert total_of(client, unescape(link)) == int(count)
    part = client.get("/search/field?name=firm&q=起火&from=all").text
    assert re.findall(r"，(\d+) 条</span>", part) == [count for _, count in values]


def test_a_pill_is_turned_round_switched_off_and_taken_out_by_links(browse: Browse) -> None:
    page = browse("chief").get("/search?from=all&product=ebike&not.kind=review").text
    found = set(links(page))
    for wanted in ("?from=all&not.product=ebike&not.kind=review", "?from=all&off.product=ebike&not.kind=review",
                   "?from=all&not.kind=review", "?from=all&product=ebike&kind=review",
                   "?from=all&product=ebike&off.not.kind=review"):  # fmt: skip
        assert wanted in found


def test_a_table_has_the_columns_that_were_chosen_in_their_order(browse: Browse) -> None:
    client = browse("chief")
    page = client.get("/search?from=all&view=table&cols=title&cols=firm&cols=revision").text
    heads = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', page)
    assert heads == ["标题", "企业", "版次", "更多"]


def test_every_field_of_a_hit_can_be_seen_and_asked_for(browse: Browse) -> None:
    client = browse("chief")
    hit = client.get("/api/search?q=起火&from=all&firm=*").json()["hits"][0]["id"]
    part = client.get(f"/search/hit/{hit}?q=起火&from=all").text
    assert "入库时间" in part
    assert hit in part
    only = next(link for link in links(part, "&firm=") if "not." not in link)
    assert total_of(client, only) > 0
    page = client.get(f"/search?q=起火&from=all&firm=*&show={hit}").text
    assert "入库时间" in page
    foreign = client.get("/api/search?from=all&territory=360113").json()["hits"][0]["id"]
    assert browse("other").get(f"/search/hit/{foreign}").status_code == 404


def test_texts_like_one_are_found_and_a_stranger_s_text_tells_nothing(browse: Browse) -> None:
    client = browse("chief")
    hit = client.get("/api/search?q=云骓&from=all&territory=360113").json()["hits"][0]["id"]
    page = client.get(f"/search?from=all&like={hit}&by=relevance").text
    assert "相似：含" in page
    assert f'id="{hit}"' not in page
    assert page.count("<li id=") > 1
    assert "不在您的属地之内" in browse("other").get(f"/search?from=all&like={hit}&by=relevance").text


def test_what_is_special_is_told_with_a_link_that_holds(browse: Browse) -> None:
    client = browse("chief")
    part = client.get("/search/special?q=云骓&from=all").text
    rows = re.findall(r'<a href="(\?[^"]+)">[^<]+<span class="vh">，[^，]+，(\d+) 条', part)
    assert 1 <= len(rows) <= 5
    for href, count in rows:
        assert total_of(client, unescape(href)) == int(count)
    assert "没有更大的范围可比" in client.get("/search/special?from=all").text


def test_an_error_is_marked_where_it_stands(browse: Browse) -> None:
    answer = browse("chief").get("/search", params={"q": "产品:电线电缆 and (起火 or"})
    assert answer.status_code == 400
    assert "<mark>此处</mark>" in answer.text
    middle = browse("chief").get("/search", params={"q": "级别:很高 and 起火"}).text
    assert re.search(r"级别:<mark>很</mark>高 and 起火", middle)


def test_hostile_values_in_the_address_are_shown_not_run(browse: Browse) -> None:
    bad = '"><script>alert(1)</script>'
    page = browse("chief").get("/search", params={"q": bad, "from": "all", "source": bad, "not.firm": bad, "like": bad})
    assert "<script>alert" not in page.text


# --- pages that stay ----------------------------------------------------------------------------------------------


@pytest.fixture
def growing(tmp_path: Path) -> Iterator[tuple[Services, TestClient, Callable[..., None]]]:
    """A desk whose clock is turned by hand, and a way to let signals arrive."""
    moment = [NOW + timedelta(minutes=30)]
    made = make_services(tmp_path, clock=lambda: moment[0])
    with made.store.write() as db:
        users.create_user(
            db, "chief", role="supervisor", territory="000000", display_name="c", password=PASSWORD, now=NOW
        )
    client = signed_in(create_app(made), "chief")

    def arrive(count: int, *, minutes: int, title: str = "新到起火") -> None:
        moment[0] += timedelta(minutes=minutes)
        assert made.search is not None
        made.search.index([arrival(f"d{title}{n}", title, moment[0] - timedelta(seconds=n)) for n in range(count)])
        moment[0] += timedelta(minutes=1)

    yield made, client, arrive
    client.close()
    made.store.close()


def arrival(known: str, title: str, at: datetime, **more: object) -> IndexEntry:
    words = tuple(title)
    values = {"source": "jx_amr_notice", "kind": "news", "url": "https://example.org/", "level": 2, "score": 0.9}
    fields = {"event_time": at, "stored_at": at, "is_risk": True, "title_words": words, "body_words": (), "body": ""}
    return IndexEntry(id=known, version=1, title=title, **{**values, **fields, **more})  # type: ignore[arg-type]


def shown_ids(html: str) -> list[str]:
    return re.findall(r'<li id="(d[^"]+)"', html)


Growing = tuple[Services, TestClient, Callable[..., None]]


@pytest.mark.parametrize("by", ["", "&by=relevance", "&by=level", "&by=oldest"])
def test_pages_neither_repeat_nor_skip_while_signals_arrive(growing: Growing, by: str) -> None:
    _, client, arrive = growing
    whole = client.get(f"/search/export?q=起火&from=all{by}&format=jsonl").text.splitlines()
    page = client.get(f"/search?q=起火&from=all{by}").text
    seen = shown_ids(page)
    for turn in range(9):
        arrive(7, minutes=3, title=f"又起火{turn}")
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            break
        page = client.get(f"/search{unescape(following[1])}").text
        seen += shown_ids(page)
    assert len(seen) == len(set(seen)) == len(whole)
    if "relevance" not in by:
        assert seen == [json.loads(line)["编号"] for line in whole]


def test_a_page_that_stays_says_how_many_came_since(growing: Growing) -> None:
    _, client, arrive = growing
    page = client.get("/search?q=起火&from=all").text
    following = unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])  # type: ignore[index]
    assert "条新结果" not in client.get(f"/search{following}").text
    arrive(3, minutes=2)
    later = client.get(f"/search{following}").text
    assert "有 3 条新结果" in later
    at = parse_qs(following[1:])["at"][0]
    assert client.get("/search/new", params={"q": "起火", "from": "all", "at": at}).json() == {"n": 3}
    newest = client.get("/search?q=起火&from=all").text
    assert shown_ids(newest)[:3] == [f"d新到起火{n}" for n in range(3)]


def test_pages_go_on_beyond_ten_thousand_hits(growing: Growing) -> None:
    made, client, _ = growing
    assert made.search is not None
    start = NOW - timedelta(days=20)
    many = [arrival(f"dm{n}", "起火", start + timedelta(seconds=n), level=1) for n in range(10_100)]
    made.search.index(many)
    page, seen = client.get("/search?q=起火&from=all&page=499").text, set[str]()
    for _ in range(6):
        found = shown_ids(page)
        assert found
        assert not seen & set(found)
        seen |= set(found)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            break
        page = client.get(f"/search{unescape(following[1])}").text
    assert len(seen) >= 120
    assert "10,0" in page


# --- searches under a name ----------------------------------------------------------------------------------------


def save(client: TestClient, address: str, name: str, **more: str) -> str:
    """Keep a search; its id."""
    csrf = value_of(client.get("/search/saved").text, "csrf")
    answer = client.post("/search/saved", data={"csrf": csrf, "address": address, "name": name, **more})
    assert answer.status_code == 303, answer.text
    found = re.findall(r"/search/saved/(q[0-9a-f]+)/watch", client.get("/search/saved").text)
    listed = client.get("/search/saved").text
    return next(
        str(each) for each in found if re.search(rf"{re.escape(name)}</a>(?:(?!<tr>).)*{each}", listed, re.DOTALL)
    )


def press(client: TestClient, path: str, **form: str) -> int:
    csrf = value_of(client.get("/search/saved").text, "csrf")
    return client.post(path, data={"csrf": csrf, **form}).status_code


def test_a_kept_search_stays_relative_and_forgets_the_page(browse: Browse) -> None:
    client = browse("chief")
    save(client, "q=起火&from=now-7d/d&page=3&at=2026-11-23T14:00&show=d1&product=ebike", "近七日起火")
    page = unescape(client.get("/search/saved").text)
    assert "/search?q=%E8%B5%B7%E7%81%AB&from=now-7d%2Fd&product=ebike" in page
    assert "已存为“近七日起火”" in client.get("/search?product=ebike&from=now-7d/d&q=起火&view=table").text


def test_a_taken_or_empty_name_is_said_and_nothing_is_lost(browse: Browse) -> None:
    client = browse("chief")
    save(client, "q=爆炸", "爆炸")
    csrf = value_of(client.get("/search/saved").text, "csrf")
    for name in ("爆炸", "  ", "长" * 61):
        answer = client.post("/search/saved", data={"csrf": csrf, "address": "q=冒烟", "name": name})
        assert answer.status_code == 400
        assert "没有存下" in answer.text
        assert value_of(answer.text, "address") == "q=%E5%86%92%E7%83%9F"


def test_a_query_nobody_can_read_is_not_kept(browse: Browse) -> None:
    client = browse("chief")
    csrf = value_of(client.get("/search/saved").text, "csrf")
    answer = client.post("/search/saved", data={"csrf": csrf, "address": "q=(起火 and", "name": "半句"})
    assert answer.status_code == 400
    assert "没有存下：检索语句第" in answer.text
    assert ">半句</a>" not in answer.text


def test_the_list_of_kept_searches_tells_what_each_asks(browse: Browse) -> None:
    client = browse("chief")
    save(client, "q=冒烟&product=ebike", "车")
    assert "(冒烟) and 产品:电动自行车" in unescape(client.get("/search/saved").text)


def test_shared_searches_are_seen_up_and_down_the_territory_only(browse: Browse) -> None:
    county, city, other, chief = browse("county"), browse("city"), browse("other"), browse("chief")
    kept = save(county, "q=县里的", "县里的")
    seen = ("县里的" in client.get("/search/saved").text for client in (city, other, chief))
    assert not any(seen)
    assert press(city, f"/search/saved/{kept}/watch", watch="1") == 404
    assert press(county, f"/search/saved/{kept}/share", shared="1") == 303
    assert ["县里的" in client.get("/search/saved").text for client in (city, other, chief)] == [True, False, True]
    assert press(other, f"/search/saved/{kept}/watch", watch="1") == 404


def test_only_the_owner_or_an_administrator_changes_a_search_and_it_is_logged(
    browse: Browse, services: Services
) -> None:
    chief, city, boss = browse("chief"), browse("city"), browse("boss")
    kept = save(chief, "q=共用", "共用的", shared="1")
    for path, form in (("rename", {"name": "改了"}), ("share", {"shared": "0"}), ("delete", {})):
        assert press(city, f"/search/saved/{kept}/{path}", **form) == 403
    assert press(boss, f"/search/saved/{kept}/rename", name="管理员改名") == 303
    assert "管理员改名" in chief.get("/search/saved").text
    assert press(chief, f"/search/saved/{kept}/delete") == 303
    assert "管理员改名" not in city.get("/search/saved").text
    with services.store.read() as db:
        lines = [(line.actor, line.action) for line in audit.newest(db, 3)]
    assert ("boss", "rename_search") in lines
    assert ("chief", "delete_search") in lines


@pytest.mark.parametrize("path", ["/search/saved", "/search/saved/q1/delete", "/search/saved/q1/watch",
                                  "/search/saved/seen", "/search/recent/clear"])  # fmt: skip
def test_a_form_without_its_token_changes_nothing(browse: Browse, path: str) -> None:
    assert browse("chief").post(path, data={"name": "x", "address": ""}).status_code == 403


def test_a_watched_search_tells_what_came_since_it_was_looked_at(growing: Growing) -> None:
    _, client, arrive = growing
    save(client, "q=新到&from=7d", "盯着", watch="1")
    assert "无新" in client.get("/").text
    arrive(2, minutes=5)
    home = client.get("/").text
    assert re.search(r"<b>2</b> 条新", home)
    assert re.search(r"2 条新", client.get("/search/watched").text)
    only = unescape(re.search(r'href="(/search\?[^"]*since=[^"]*)"', home)[1])  # type: ignore[index]
    assert len(shown_ids(client.get(only).text)) == 2
    assert "无新" in client.get("/").text
    client.get("/search?from=all")
    arrive(1, minutes=5, title="再新到")
    assert re.search(r"<b>1</b> 条新", client.get("/").text)
    press(client, "/search/saved/seen")
    assert "无新" in client.get("/").text


def test_a_search_is_a_private_feed_that_opens_nothing_else(browse: Browse) -> None:
    client = browse("city")
    kept = save(client, "q=起火&from=all", "市里起火")
    csrf = value_of(client.get("/search/saved").text, "csrf")
    made = client.post(f"/search/saved/{kept}/feed", data={"csrf": csrf}).text
    secret = re.search(r"/feeds/([\w-]+)/search\.atom", made)[1]  # type: ignore[index]
    feed = client.get(f"/feeds/{secret}/search.atom")
    entries = feedparser.parse(feed.content).entries
    assert len(entries) == total_of(client, "q=起火&from=all") > 0
    assert (
        client.get(f"/feeds/{secret}/search.atom", headers={"If-None-Match": feed.headers["etag"]}).status_code == 304
    )
    assert client.get(f"/feeds/{secret}/alerts.atom").status_code == 404
    press(client, f"/search/saved/{kept}/delete")
    assert client.get(f"/feeds/{secret}/search.atom").status_code == 404


def test_what_was_asked_last_comes_first_and_what_cannot_be_read_is_not_kept(growing: Growing) -> None:
    made, client, arrive = growing
    for text in ("甲", "乙", "甲", "(坏", *(f"词{n}" for n in range(11))):
        client.get("/search", params={"q": text})
        arrive(0, minutes=1)
    with made.store.read() as db:
        assert list_recent(db, "chief") == [*(f"词{n}" for n in range(10, -1, -1)), "甲"]


def test_recent_queries_are_one_s_own_and_can_be_cleared(browse: Browse) -> None:
    city, chief = browse("city"), browse("chief")
    city.get("/search", params={"q": "乙"})
    assert 'data-recent="乙"' in city.get("/search").text
    assert 'data-recent="乙"' not in chief.get("/search").text
    assert press(city, "/search/recent/clear") == 303
    assert "data-recent" not in city.get("/search").text


# --- export -------------------------------------------------------------------------------------------------------


def test_an_export_has_the_page_s_columns_and_conditions(browse: Browse) -> None:
    client = browse("chief")
    address = "from=all&level=3&not.kind=news&cols=title,firm,is_risk"
    rows = list(csv.reader(io.StringIO(client.get(f"/search/export?{address}&format=csv").text.removeprefix("\ufeff"))))
    assert rows[0] == ["标题", "企业", "风险信号"]
    assert len(rows) - 1 == total_of(client, address) > 0
    book = load_workbook(io.BytesIO(client.get(f"/search/export?{address}&format=xlsx").content))
    assert next(list(row) for row in book["信号"].iter_rows(values_only=True)) == rows[0]


def test_an_export_that_breaks_off_says_so_in_its_last_line_and_ends_the_connection(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services.search is not None
    monkeypatch.setattr("web.views.search_export.PAGE", 100)
    for kind, status in (("csv", 200), ("jsonl", 200), ("xlsx", 503)):
        failing = replace(services, search=Failing(services.search, good=3), stopping=threading.Event())  # type: ignore[arg-type]
        with running_desk(failing) as desk, httpx.Client(base_url=desk.base) as client:
            door = value_of(client.get("/signin").text, "door")
            client.post("/signin", data={"door": door, "username": "chief", "password": PASSWORD})
            got, whole = b"", False
            with client.stream("GET", f"/search/export?from=all&format={kind}") as answer:
                try:
                    for piece in answer.iter_bytes():
                        got += piece
                    whole = True
                except httpx.RemoteProtocolError:
                    pass
        assert (answer.status_code, whole) == (status, status != 200)
        assert "只导出了前 300 条" in (got.decode().splitlines()[-1] if status == 200 else got.decode())
    with services.store.read() as db:
        assert audit.newest(db, 1)[0].action == "export_broken"


def test_what_the_page_calls_a_field_a_query_may_call_it() -> None:
    for name, field in PARAMETERS.items():
        assert field_named(LABELS[name]) is field_named(name) is field, name


def test_the_moment_of_a_page_is_in_milliseconds() -> None:
    asked = read_state(QueryParams("at=2026-11-23T14:00:05.123"), NOW)
    assert asked.at == datetime(2026, 11, 23, 6, 0, 5, 123_000, tzinfo=UTC)
    assert "at=2026-11-23T14%3A00%3A05.123" in asked.link(page=2)


@pytest.mark.parametrize("page", ["/search", "/analytics", "/search/special", "/rules/new"])
def test_times_at_the_ends_of_the_calendar_are_answered_in_words(browse: Browse, page: str) -> None:
    """No sum of them leaves the calendar: what cannot be reckoned with is refused, the last that can is answered."""
    client = browse("chief")
    refused = ["from=0001", "to=9999-12-30", "from=now/w-99999w", "at=9999-12-31T23:59", "since=0001-01-02", "to=2201"]
    for address in refused:
        answer = client.get(f"{page}?{address}")
        assert answer.status_code == 400, address
        assert "看不懂" in answer.text
    for address in ("from=1900-01-01", "from=1900&to=2199", "at=2199-12-31T23:59"):
        assert client.get(f"{page}?{address}").status_code == 200, address


def test_the_relative_times_begin_with_the_time_that_is_shown(browse: Browse) -> None:
    client = browse("chief")
    for address, written in (("", "now-30d"), ("?from=week", "now/w"), ("?from=2026-11-01", "now-7d/d")):
        assert f'id="r-from" name="from" value="{written}"' in client.get(f"/search{address}").text


@pytest.mark.parametrize(
    "address",
    ["tier=99999999999999999999", "not.revision=-9223372036854775809", "page=0000000019999", "score=nan", "score=inf",
     "firm=" + "长" * 3_000],
)  # fmt: skip
def test_values_no_engine_holds_are_answered_in_words(browse: Browse, address: str) -> None:
    for page in ("/search", "/search/export"):
        assert browse("chief").get(f"{page}?{address}").status_code == 400


def test_what_nobody_sees_gets_into_no_name_and_no_address(browse: Browse) -> None:
    client = browse("chief")
    for address in ("/search?q=a%00b", "/search?firm=%00", "/search/hit/%00", "/analytics?q=%00"):
        assert client.get(address).status_code == 400, address
    form = {"csrf": value_of(client.get("/search").text, "csrf"), "name": "\u202e起火\u200b", "address": "q=起火"}
    assert client.post("/search/saved", data=form).status_code == 303
    assert ">起火</a>" in client.get("/search/saved").text
    assert client.post("/search/saved", data={**form, "name": "起\0火"}).status_code == 400
