"""The first page: every number leads to exactly what it counts, and what changed is counted since one was away."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from alerts.day_trend import fit
from config.regions import Regions
from config.tiles import load_tiles
from core.errors import ConfigError
from core.ids import short_id
from store import users
from store.shift_log import add_row
from tests.desk_server import CONFIG, NOW, make_services, read_lexicon
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

ACCOUNTS = {"everywhere": "000000", "province": "360000", "county": "360981"}
LINK = re.compile(r'<a[^>]* href="([^"]+)"[^>]*>(.*?)</a>', re.S)
Browse = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("home"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, territory in ACCOUNTS.items():
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Browse:
    opened: dict[str, TestClient] = {}

    def sign_in(name: str) -> TestClient:
        if name not in opened:
            opened[name] = signed_in(create_app(services), name)
        return opened[name]

    return sign_in


def doors(page: str, start: str) -> list[tuple[str, int]]:
    """(address, number) of the links that begin with `start` and say a number."""
    found = []
    for href, inside in LINK.findall(page):
        said = re.findall(r"[\d,]+", re.sub(r"<[^>]+>", " ", inside))
        if unescape(href).startswith(start) and len(said) == 1:
            found.append((unescape(href), int(said[0].replace(",", ""))))
    return found


def rows(page: str) -> int:
    main = page.split("<main", 1)[1]
    return len(re.findall(r'class="what[ "]', main)) if 'aria-label="预警列表"' in main else main.count("<tr>") - 1


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_count_of_alerts_is_the_rows_its_link_shows(browse: Browse, name: str) -> None:
    client = browse(name)
    home = client.get("/").text
    found = doors(home, "/alerts?") + doors(home, "/alerts")
    asked = {href.split("?")[-1].split("=")[0] for href, _ in found}
    assert {"view"} <= asked
    for href, count in found:
        shown = client.get(href).text
        assert rows(shown) == count if count else "没有" in shown, href


@pytest.mark.parametrize("name", ACCOUNTS)
def test_every_count_of_changes_is_the_rows_its_link_shows(browse: Browse, name: str) -> None:
    client = browse(name)
    found = [(href, count) for href, count in doors(client.get("/").text, "/changes?since=") if "did=" in href]
    assert found
    for href, count in found:
        shown = client.get(href).text
        assert rows(shown) == count if count else "没有这样的经过" in shown, href


@pytest.mark.parametrize("name", ["everywhere", "province"])
def test_every_point_of_the_trend_leads_to_its_signals(browse: Browse, name: str) -> None:
    client = browse(name)
    chart = client.get("/").text.split('id="h-28"')[1].split("</section>")[0]
    points = re.findall(r'<a href="(/search[^"]+)" aria-label="[\d-]+ (\d+) 条', chart)
    assert len(points) > 10
    for href, count in points:
        assert client.get("/api" + unescape(href)).json()["total"] == int(count), href


def test_every_count_of_sources_is_the_rows_its_link_shows(browse: Browse) -> None:
    client = browse("everywhere")
    found = doors(client.get("/").text, "/sources")
    assert {href for href, _ in found} >= {"/sources?s=fine", "/sources?s=ill"}
    for href, count in found:
        shown = client.get(href).text.split('id="ls"')[1].split("</section>")[0]
        assert shown.count("<tr>") - 1 == count, href


def test_what_needs_me_stands_under_its_clock(browse: Browse) -> None:
    home = browse("everywhere").get("/").text
    order = [home.index(f"<b>{band}</b>") for band in ("已超时", "2 小时内", "今日", "明日及以后")]
    assert order == sorted(order)
    assert browse("everywhere").get("/alerts?due=never").status_code == 400


def test_changes_are_counted_since_one_left_before_this_shift(services: Services, browse: Browse) -> None:
    client = browse("province")
    assert "接班以来" in client.get("/").text
    left = NOW - timedelta(days=2, hours=1)
    with services.store.write() as db:
        add_row(db, "left", shift=left, office="360000", author="province", at=left, once="left-1")
        add_row(db, "left", shift=NOW, office="360000", author="province", at=NOW - timedelta(minutes=3), once="lunch")
    page = client.get("/").text
    assert "自 11-21 13:32 离开以来" in page
    assert "接班以来" in browse("everywhere").get("/").text  # of another person


def test_a_county_is_told_nothing_of_other_counties(browse: Browse) -> None:
    page = browse("county").get("/changes?since=30d").text
    assert short_id("a", "I2") in page
    assert short_id("a", "I1") not in page


@pytest.mark.parametrize(
    "address", ["/changes?since=gestern", "/changes?did=nothing", "/changes?page=0", "/sources?s=x"]
)
def test_an_address_that_asks_for_nothing_is_refused_in_words(browse: Browse, address: str) -> None:
    answer = browse("everywhere").get(address)
    assert answer.status_code == 400
    assert "可用" in answer.text or "页码" in answer.text


def test_tiles_stand_where_the_file_says(browse: Browse) -> None:
    page = browse("everywhere").get("/").text
    assert re.search(r'class="q\d tc2 tr6" href="/alerts\?view=open&amp;region=360700"', page)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"999999": [1, 1]', "999999: is no region"),
        ('"360100": [1, 99]', "360100: Input should be less than or equal to 10"),
        ('"360100": [1, 1]\n"360200": [1, 1]', r"360200: \[1, 1\] is taken twice"),
    ],
)
def test_a_wrong_place_on_the_map_is_named(tmp_path: Path, regions: Regions, text: str, said: str) -> None:
    (tmp_path / "tiles.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_tiles(tmp_path, regions)


@pytest.fixture(scope="module")
def regions() -> Regions:
    return read_lexicon().regions


def test_another_province_without_places_still_has_its_tiles(tmp_path: Path, regions: Regions) -> None:
    assert load_tiles(tmp_path, regions) == {}
    assert len(load_tiles(CONFIG, regions)) == 12


def test_the_expectation_follows_the_week(services: Services) -> None:
    """Mondays bring ten, other days two: the band of a Monday lies above that of a Sunday."""

    assert services.rule_parts is not None
    today = date(2026, 11, 23).toordinal()
    counts = {day: 10 if date.fromordinal(day).weekday() == 0 else 2 for day in range(today - 200, today)}
    bands = fit(counts, today, services.rule_parts.calendar)
    assert bands[today].expected > 2 * bands[today - 1].expected
    assert bands[today].lower <= bands[today].expected <= bands[today].upper
    assert bands[today - 7].upper < 30
