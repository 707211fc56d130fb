"""The delivery log: filters as links, each try with its answer, why one waits, cut to the territory."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient

from core.ids import short_id
from core.records import Notification
from store import alert_log, runs, users
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app
from web.services import Services

ALERT = short_id("a", "I1")
Browse = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("deliveries"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, territory in (("desk", "360000"), ("county", "360922")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
        for number in range(60):
            notice = Notification(f"m{number}", "mail", f"p{number % 3}@example.org", "信", "信", "", ALERT, 3)
            alert_log.add_delivery(db, notice, now=NOW - timedelta(minutes=number))
        claimed = alert_log.claim_delivery(db, who="sender", now=NOW)
        assert claimed is not None
        alert_log.settle_delivery(
            db, claimed.notification.id, attempt=1, outcome="retry", answer="451 <busy>", seconds=1.25, at=NOW,
            again=NOW + timedelta(minutes=8),
        )  # fmt: skip
        hook = Notification("w1", "webhook", "https://x.example", "推送", "x", "", ALERT, 3)
        alert_log.add_delivery(db, hook, now=NOW - timedelta(days=2))
        alert_log.add_delivery(db, Notification("old", "mail", "p@example.org", "旧", "x", "", ALERT, 3),
                               now=NOW - timedelta(days=40))  # fmt: skip
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    opened: dict[str, TestClient] = {}

    def sign_in(name: str) -> TestClient:
        if name not in opened:
            opened[name] = signed_in(create_app(services), name)
        return opened[name]

    yield sign_in
    for client in opened.values():
        client.close()


def total(page: str) -> int:
    found = re.search(r'<span class="dim">\d+–\d+ / ([\d,]+)</span>', page)
    return int(found[1].replace(",", "")) if found else 0


def test_every_link_of_a_filter_shows_as_many_as_it_says(browse: Browse) -> None:
    client = browse("desk")
    page = client.get("/deliveries").text
    links = re.findall(r'<a href="([^"]+)"[^>]*>[^<]+<span>(\d+)</span></a>', page.split('id="main"')[1])
    assert len(links) > 6
    for href, count in links:
        told = unescape(href)
        assert total(client.get(told if told.startswith("/") else f"/deliveries{told}").text) == int(count), href


def test_the_list_is_paged(browse: Browse) -> None:
    client = browse("desk")
    assert client.get("/deliveries").text.count('<tr class="delivery">') == 50
    assert "51–" in client.get("/deliveries?page=2").text
    assert client.get("/deliveries?page=0").status_code == 400


def test_an_attempt_says_when_how_long_and_what_was_answered(browse: Browse) -> None:
    page = browse("desk").get("/deliveries?state=waiting&page=2").text
    row = next(row for row in page.split('<tr class="delivery">') if "451" in row)
    assert "451 &lt;busy&gt;" in row
    assert "1.25 秒" in row
    assert "第 1 次未成，14:40 再试" in row


def test_what_is_due_says_what_it_waits_for(browse: Browse, services: Services) -> None:
    with services.store.write() as db:
        runs.beat(db, "sender", pid=1, now=NOW)
    assert "排队等发送" in browse("desk").get("/deliveries").text
    with services.store.write() as db:
        runs.beat(db, "sender", pid=1, now=NOW - timedelta(minutes=5))
    assert "发送进程没有在运行" in browse("desk").get("/deliveries").text


def test_what_is_old_is_found_by_its_day_or_its_alert(browse: Browse) -> None:
    client = browse("desk")
    assert ">旧</a>" not in client.get("/deliveries?page=2").text
    assert ">旧</a>" in client.get("/deliveries?day=2026-10-14").text
    assert ">旧</a>" in client.get(f"/deliveries?alert={ALERT}&page=2").text
    assert client.get("/deliveries?day=2026-13-40").status_code == 400


def test_only_deliveries_of_alerts_one_sees_are_shown(browse: Browse) -> None:
    page = browse("county").get("/deliveries?recipient=p1@example.org").text
    assert 'class="delivery"' not in page
    assert ALERT not in page
