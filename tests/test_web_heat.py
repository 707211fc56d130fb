"""The table of products and prefectures on the first page: every number is the number of hits its link leads to."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from fastapi.testclient import TestClient

from core.errors import SearchUnavailable
from search.backend import Health, SearchRequest, SearchResult
from search.frequent import FrequentValues
from store import users
from store.searches import save_search, watch_search
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in
from web import health
from web.app import create_app
from web.services import Services

CELL = re.compile(r'<td class="q\d"><a href="(/search[^"]+)">([\d,]+)</a>')


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("heat"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, territory in (("province", "360000"), ("everywhere", "000000")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
            )
    yield made
    made.store.close()


def sign_in(services: Services, name: str) -> TestClient:
    return signed_in(create_app(services), name)


@pytest.mark.parametrize("name", ["province", "everywhere"])
def test_every_number_is_what_its_link_finds(services: Services, name: str) -> None:
    client = sign_in(services, name)
    cells = [(unescape(href), int(count.replace(",", ""))) for href, count in CELL.findall(client.get("/").text)]
    assert cells
    for href, count in cells:
        assert client.get("/api" + href).json()["total"] == count, href


class Dead:
    """An index that does not answer."""

    def search(self, request: SearchRequest) -> SearchResult:
        raise SearchUnavailable("集群没有应答")

    def health(self) -> Health:
        raise SearchUnavailable("集群没有应答")


def test_a_dead_index_leaves_the_rest_of_the_page(services: Services) -> None:
    client = sign_in(services, "province")
    app_services = client.app.state.services  # type: ignore[attr-defined]
    client.app.state.services = replace(app_services, search=Dead())  # type: ignore[attr-defined]
    page = client.get("/")
    assert page.status_code == 200
    assert "这张表数不出来" in page.text
    assert "现在要办" in page.text


class Hanging(Dead):
    """An index that takes a question and never answers it."""

    def __init__(self) -> None:
        self.release, self.waited_out = threading.Event(), False

    def search(self, request: SearchRequest) -> SearchResult:
        self.waited_out = not self.release.wait(30)
        raise SearchUnavailable("集群没有应答")

    def health(self) -> Health:
        return Health(True, "elasticsearch", 1_000_000, "")


def test_an_index_that_hangs_holds_up_neither_the_first_page_nor_typing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.05)
    client, index = sign_in(services, "province"), Hanging()
    with services.store.write() as db:
        kept = save_search(db, "province", "召回", "q=召回", shared=False, now=NOW)
        watch_search(db, kept, "province", now=NOW)
    client.app.state.services = replace(services, search=index)  # type: ignore[attr-defined, arg-type]
    client.app.state.frequent = FrequentValues(index, services.clock)  # type: ignore[attr-defined, arg-type]
    try:
        for path in ("/", "/search/saved"):
            page = client.get(path)
            assert page.status_code == 200
            assert "读不出" in page.text
        found = client.get("/api/complete?q=产品:电动").json()["suggestions"]
        assert "电动自行车" in [one["text"] for one in found]
        assert not index.waited_out
    finally:
        index.release.set()
