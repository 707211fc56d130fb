"""A desk on its first day, with nothing in its store: each page opens, says what is not there and what to do next."""

from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from config.settings import Settings
from search.open import open_backend
from store.database import Store
from tests.desk_pages import PAGES
from tests.desk_server import NOW, make_services, read_segmenter
from web.app import create_app, entry_path

NEEDS_SOMETHING = {
    "trace of a firm",
    "firm on a day",
    "watch-list",
    "paper",
    *("alert", "firm", "source", "missing", "why, kept", "event", "document", "rule", "rule versions", "an account"),
    *("changed rule", "hazard", "bad query", "new hazard", "why an alert", "help asked"),
}


class Reader(HTMLParser):
    """Counts panels and tables without a row."""

    def __init__(self) -> None:
        super().__init__()
        self.bare, self._rows = 0, -1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tbody":
            self._rows = 0
        elif tag == "tr" and self._rows >= 0:
            self._rows += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "tbody":
            self.bare += self._rows == 0
            self._rows = -1


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("empty")
    settings = Settings(profile="demo", data=folder)
    store = Store(settings.database)
    store.migrate()
    store.close()
    open_backend(settings, words=read_segmenter(), write=True).close()
    services = make_services(folder, clock=lambda: NOW, sources=(), rules=())
    with TestClient(create_app(services)) as opened:
        with services.store.write() as db:
            path = entry_path(db, services=services)
        opened.get(path)
        yield opened
    services.store.close()


@pytest.mark.parametrize("name", [name for name in PAGES if name not in NEEDS_SOMETHING])
def test_a_page_with_nothing_to_show_opens_and_teaches(client: TestClient, name: str) -> None:
    answer = client.get(PAGES[name])
    assert answer.status_code in ((403,) if name == "invited" else (404,) if name == "lab" else (200,))
    reader = Reader()
    reader.feed(answer.text)
    assert not reader.bare, "a table head over nothing"


@pytest.mark.parametrize("path", ["/alerts", "/events", "/search", "/enterprises", "/ledger", "/sources", "/rules",
                                  "/silences", "/deliveries", "/leadtime", "/changes", "/search/saved"])  # fmt: skip
def test_a_list_says_what_would_come_there_and_leads_on(client: TestClient, path: str) -> None:
    page = client.get(path).text
    start = page.index('class="empty"')
    said = page[start : page.index("</div>", start)]
    assert said.count("<p>") >= 2, said
    assert "<a " in said or "<code>" in said or "这里" in said, said
