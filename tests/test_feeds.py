"""Private feeds: one view each, pages, conditional GET, a stream, CAP messages; real parsers read them."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import feedparser
import httpx
import pytest
from fastapi.testclient import TestClient
from lxml import etree

from alerts.cap import CapWriter
from core.ids import short_id
from core.records import Alert, AlertEvent, AlertState
from enterprises.watching import make_list, put_on
from store import alert_log, users
from store.watchlists import Given, WatchList, end_list
from tests.cap_rules import CAP, faults
from tests.desk_server import NOW, STORIES, make_services, running_desk
from tests.desk_visits import PASSWORD, sign_in, value_of
from web.app import create_app
from web.services import Services
from web.streams import OpenStreams
from web.visit import Refused

FIRE = short_id("a", "I1")
MANY = 120
Browse = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("feeds"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, territory in (("chief", "000000"), ("county", "360981")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
    yield made
    made.store.close()


@pytest.fixture
def browse(filled: Services) -> Iterator[Browse]:
    opened: list[TestClient] = []

    def visit(name: str) -> TestClient:
        client = TestClient(create_app(filled), follow_redirects=False)
        opened.append(client.__enter__())
        if name:
            sign_in(client, name)
        return client

    yield visit
    for client in opened:
        client.__exit__(None, None, None)


def address(client: TestClient, **view: str) -> str:
    """A new feed address, without its ending."""
    csrf = value_of(client.get("/account").text, "csrf")
    made = client.post("/account/feeds", data={"csrf": csrf, "note": "读", **view})
    found = re.search(r"(/feeds/[\w-]+/alerts)\.atom", made.text)
    assert found, made.text[:2000]
    return found[1]


def titles(body: bytes) -> list[str]:
    read = feedparser.parse(body)
    assert not read.bozo
    return [entry.title for entry in read.entries]


def test_a_feed_of_a_view_shows_that_view_alone_and_says_so(browse: Browse) -> None:
    chief, reader = browse("chief"), browse("")
    everything = titles(reader.get(f"{address(chief)}.atom").content)
    orange = reader.get(f"{address(chief, level='orange')}.atom")
    assert 0 < len(titles(orange.content)) < len(everything)
    assert all(re.match("【[橙红]】", title) for title in titles(orange.content))
    assert "橙色及以上" in feedparser.parse(orange.content).feed.title
    wires = titles(reader.get(f"{address(chief, product='cable', region='360900')}.atom").content)
    assert len(wires) == 1
    assert STORIES[1][1] in wires[0]
    csrf = value_of(chief.get("/account").text, "csrf")
    assert chief.post("/account/feeds", data={"csrf": csrf, "level": "purple"}).status_code == 400, "not a feed of all"
    assert "只含" not in chief.get("/account").text
    assert "橙色及以上" in chief.get("/account?level=orange").text


def test_a_view_opens_nothing_that_its_owner_does_not_see(browse: Browse) -> None:
    county, reader = browse("county"), browse("")
    own = titles(reader.get(f"{address(county)}.atom").content)
    assert titles(reader.get(f"{address(county, region='360100')}.atom").content) == []
    assert len(own) == 1
    assert reader.get(f"{address(county)}/{FIRE}.cap").status_code == 404


def test_the_pages_of_a_feed_hold_each_alert_once(filled: Services, browse: Browse) -> None:
    with filled.store.write() as db:
        first = alert_log.find_alert(db, FIRE)
        assert first is not None
        for number in range(MANY):
            at = NOW - timedelta(days=30, minutes=number // 3)  # three of each minute: ids decide
            alert_log.save_alert(
                db,
                replace(first, id=f"p{number}", number=f"YJ-2025-{number:04}", title=f"第{number}条", updated_at=at,
                        state=AlertState.CLOSED),
                details={},
            )  # fmt: skip
    chief, reader = browse("chief"), browse("")
    base = address(chief)
    for kind in ("atom", "rss"):
        seen = list(entries(reader, f"{base}.{kind}"))
        assert len(seen) == len(set(seen)) >= MANY
    items: list[str] = []
    path = f"{base}.json"
    while path:
        page = reader.get(path).json()
        items += [item["id"] for item in page["items"]]
        path = local(page.get("next_url", ""))
    assert sorted(items) == sorted(seen)
    assert reader.get(f"{base}.json?page=x").status_code == 400


def entries(reader: TestClient, path: str) -> Iterator[str]:
    """The ids of all pages from this one on."""
    first = path
    while path:
        read = feedparser.parse(reader.get(path).content)
        assert not read.bozo
        yield from (entry.id for entry in read.entries)
        links = {link.rel: link.href for link in read.feed.links}
        assert local(links["first"]) == first
        path = local(links.get("next", ""))


def local(url: str) -> str:
    return "/feeds" + url.partition("/feeds")[2] if url else ""


def test_a_second_parser_reads_the_same(browse: Browse) -> None:
    chief, reader = browse("chief"), browse("")
    base = address(chief)
    atom = ElementTree.fromstring(reader.get(f"{base}.atom").content)
    space = "{http://www.w3.org/2005/Atom}"
    ids = [entry.findtext(f"{space}id") for entry in atom.iter(f"{space}entry")]
    assert ids == [item["id"] for item in reader.get(f"{base}.json").json()["items"]]
    rss = ElementTree.fromstring(reader.get(f"{base}.rss").content)
    assert ids == [item.findtext("guid") for item in rss.iter("item")]


def test_who_has_it_gets_304_by_tag_or_by_time(browse: Browse) -> None:
    chief, reader = browse("chief"), browse("")
    at = f"{address(chief)}.rss"
    first = reader.get(at)
    assert reader.get(at, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    since = {"If-Modified-Since": first.headers["last-modified"]}
    assert reader.get(at, headers=since).status_code == 304
    assert reader.get(at, headers={**since, "If-None-Match": '"other"'}).status_code == 200
    assert reader.get(at, headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_the_message_of_an_alert_keeps_the_rules_of_cap(filled: Services, browse: Browse) -> None:
    chief, reader = browse("chief"), browse("")
    base = address(chief)
    links = feedparser.parse(reader.get(f"{base}.atom").content).entries[0].links
    offered = [link.href for link in links if link.type == "application/cap+xml"]
    assert len(offered) == 1
    for item in reader.get(f"{base}.json").json()["items"]:
        message = reader.get(local(item["_fengsui"]["cap"]))
        assert message.headers["content-type"].startswith("application/cap+xml")
        assert faults(message.content) == []
    own = chief.get(f"/alerts/{FIRE}/cap.xml")
    assert own.status_code == 200
    told = etree.fromstring(own.content)
    assert told.findtext(f"{CAP}scope") == "Restricted"
    assert told.findtext(f"{CAP}status") == "Exercise"  # the demo's data are invented
    assert told.findtext(f"{CAP}info/{CAP}category") == "Safety"


def test_a_change_is_an_update_and_a_dismissal_a_cancel_that_name_what_came_before(filled: Services) -> None:
    with filled.store.read() as db:
        alert = alert_log.find_alert(db, FIRE)
        history = alert_log.history_of(db, FIRE)
    assert alert is not None
    made, write = history[0], CapWriter("https://desk.example", filled.lexicon, "某局")
    raised = replace(made, number=2, level=4, at=made.at + timedelta(hours=1))
    noted = replace(raised, number=3, action="note", at=made.at + timedelta(hours=2))
    ended = replace(raised, number=4, state=AlertState.DISMISSED, at=made.at + timedelta(hours=3))

    def told(now: Alert, rows: list[AlertEvent]) -> tuple[str | None, str | None, int]:
        message = write(now, rows)
        assert faults(message) == []
        root = etree.fromstring(message)
        names = (root.findtext(f"{CAP}references") or "").split()
        return root.findtext(f"{CAP}msgType"), root.findtext(f"{CAP}identifier"), len(names)

    first = told(alert, [made])
    assert (first[0], first[2]) == ("Alert", 0)
    assert told(alert, [made, raised]) == told(alert, [made, raised, noted])  # a note is no message
    assert told(alert, [made, raised])[::2] == ("Update", 1)
    grown = replace(raised, number=3, action="grown", at=made.at + timedelta(hours=2))
    more = told(replace(alert, origins=99), [made, raised, grown])
    assert more[::2] == ("Update", 2), "what says more is no message that a receiver has already"
    assert more[1] != told(alert, [made, raised])[1]
    over = replace(alert, state=AlertState.DISMISSED)
    assert told(over, [ended])[0] == told(over, [])[0] == "Alert", "nothing was told that could be taken back"
    assert told(replace(alert, state=AlertState.DISMISSED), [made, raised, noted, ended])[::2] == ("Cancel", 2)


def test_an_alert_that_went_into_another_is_a_cancel_and_no_entry(filled: Services, browse: Browse) -> None:
    chief, reader = browse("chief"), browse("")
    base = address(chief)
    with filled.store.write() as db:
        alert = alert_log.find_alert(db, FIRE)
        assert alert is not None
        gone = replace(alert, id="gone", number="YJ-2026-7777", state=AlertState.DISMISSED)
        alert_log.save_alert(db, gone, details={"merged_into": FIRE})
        first = replace(alert_log.history_of(db, FIRE)[0], alert="gone")
        alert_log.add_history(db, first)
        alert_log.add_history(db, replace(first, number=2, action="merged", state=AlertState.DISMISSED))
    message = reader.get(f"{base}/gone.cap")
    assert message.status_code == 200
    assert etree.fromstring(message.content).findtext(f"{CAP}msgType") == "Cancel"
    assert "YJ-2026-7777" not in reader.get(f"{base}.json").text


def test_hostile_titles_break_no_message(filled: Services) -> None:
    with filled.store.read() as db:
        alert = alert_log.find_alert(db, FIRE)
        history = alert_log.history_of(db, FIRE)
    assert alert is not None
    write = CapWriter("https://desk.example", filled.lexicon, "某局")
    message = write(replace(alert, title="<b>\x00\x1b]]>&\ud800", reason="\x0b"), history)
    assert faults(message) == []


def test_a_stream_tells_what_comes_and_what_was_missed(tmp_path_factory: pytest.TempPathFactory) -> None:
    services = make_services(tmp_path_factory.mktemp("stream"))
    with running_desk(services) as desk:
        client = httpx.Client(base_url=desk.base, follow_redirects=True, timeout=30)
        client.get(desk.entry().removeprefix(desk.base))
        csrf = value_of(client.get("/account").text, "csrf")
        made = client.post("/account/feeds", data={"csrf": csrf, "note": "流", "level": "orange"}).text
        base = re.search(r"(/feeds/[\w-]+/alerts)\.sse", made)
        assert base
        before = services.story()
        with httpx.stream("GET", f"{desk.base}{base[1]}.sse", timeout=60) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 5000"
            with services.store.write() as db:
                assert services.act is not None
                services.act(db, FIRE, "note", actor="admin", note="看到了", now=services.clock(), once="stream-note")
            item = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
            assert item["_fengsui"]["number"] == "YJ-2026-0001"
            page = httpx.get(f"{desk.base}{base[1]}.json").json()["items"]
            assert item == next(one for one in page if one["id"] == item["id"]), "the same item, its CAP address too"
        missed = {"Last-Event-ID": before.isoformat()}
        with httpx.stream("GET", f"{desk.base}{base[1]}.sse", headers=missed, timeout=60) as stream:
            assert any("YJ-2026-0001" in line for line in stream.iter_lines() if line.startswith("data: "))
    services.store.close()


def test_nobody_holds_streams_without_number(browse: Browse, monkeypatch: pytest.MonkeyPatch) -> None:
    chief, reader = browse("chief"), browse("")
    base = address(chief)
    monkeypatch.setattr("web.streams.MOST_OPEN", 1)
    streams = OpenStreams()
    with streams.one_more("chief"):
        streams.refuse_more("county")
        with pytest.raises(Refused):
            streams.refuse_more("chief")
    streams.refuse_more("chief")
    monkeypatch.setattr("web.streams.MOST_OPEN", 0)
    for answer in (chief.get("/live"), reader.get(f"{base}.sse")):
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert "请先关闭不用的" in answer.text


def test_a_feed_of_a_watch_list_shows_its_firms_alone_and_ends_with_it(filled: Services, browse: Browse) -> None:
    with filled.store.read() as db:
        firm = alert_log.find_alert(db, FIRE).enterprises[0]  # type: ignore[union-attr]
    with filled.store.write() as db:
        one = make_list(db, WatchList("", "锂电重点", "", "chief", "000000", "", 0, NOW), once="feed-list")
        put_on(db, one, [Given(firm, "某企业")], reason="多次投诉", by="chief", now=NOW, until=None)
    chief, county, reader = browse("chief"), browse("county"), browse("")
    assert f"/account?watchlist={one.id}#feeds" in chief.get(f"/watchlists/{one.id}").text
    assert "锂电重点" in chief.get(f"/account?watchlist={one.id}").text
    base = address(chief, watchlist=one.id)
    read = reader.get(f"{base}.json").json()
    assert "关注名单“锂电重点”" in read["title"]
    with filled.store.read() as db:
        mine = [alert for alert in alert_log.list_alerts(db) if firm in alert.enterprises]
    assert {item["_fengsui"]["number"] for item in read["items"]} <= {alert.number for alert in mine}
    assert read["items"]
    csrf = value_of(county.get("/account").text, "csrf")
    assert county.post("/account/feeds", data={"csrf": csrf, "watchlist": one.id}).status_code == 404
    assert "锂电重点" not in county.get(f"/account?watchlist={one.id}").text
    with filled.store.write() as db:
        end_list(db, one.id, by="chief", now=NOW)
    assert reader.get(f"{base}.json").status_code == 404
