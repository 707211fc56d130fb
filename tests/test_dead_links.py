"""A list may show a link before its page is there: it is tried again for a day, whatever the list answers."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crawlers.run import RunSummary
from pipelines.intake import StoreIntake
from store.database import Store
from tests.conftest import NOON
from tests.crawl_server import Asked, Bench, Reply, Site

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PAGE = Reply(f"<html><body><h1>通报</h1><p>{'通报的内容有很多字。' * 20}</p></body></html>")


class Desk:
    """A site whose list never changes, read into a store."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.site, self.now = Site(), NOON
        self.site.routes["/list"] = self._list
        self.site.routes["/a/1.html"] = PAGE
        self.bench = Bench(self.site, folder, StoreIntake(store, lambda: self.now), lambda: self.now)  # type: ignore[arg-type]
        self.source = self.bench.source("html_list", list_url=f"{self.site.base}/list", item="li", recheck_limit=0)

    def _list(self, asked: Asked) -> Reply:
        if asked.headers.get("If-None-Match") == '"1"':
            return Reply(status=304)
        rows = "<li><a href='/a/1.html'>第一篇通报</a></li><li><a href='/a/2.html'>第二篇通报</a></li>"
        return Reply(rows, headers={"ETag": '"1"'})

    def at(self, moment: datetime) -> RunSummary:
        """Read it at this moment."""
        self.now = moment
        return self.bench.crawl(self.source)

    def tried(self) -> int:
        """How often the second page was asked for."""
        return sum(asked.path == "/a/2.html" for asked in self.site.asked)


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(store, tmp_path)
    yield made
    made.site.close()


def test_a_page_that_comes_after_its_link_is_fetched_without_the_list_changing(desk: Desk) -> None:
    first = desk.at(NOON)
    assert (first.status, first.new) == ("ok", 1)
    assert any("dead link" in problem for problem in first.problems)
    early = desk.at(NOON + 5 * MINUTE)
    assert (early.not_modified, desk.tried()) == (1, 1)
    desk.site.routes["/a/2.html"] = PAGE
    second = desk.at(NOON + 11 * MINUTE)
    assert (second.status, second.new) == ("ok", 1)
    assert desk.at(NOON + 2 * HOUR).not_modified == 1, "nothing is left to be tried"


def test_a_link_that_stays_dead_is_tried_four_times_in_a_day_and_fails_no_run(desk: Desk) -> None:
    runs = [desk.at(NOON + number * 30 * MINUTE) for number in range(2 * 24 * 2)]
    assert {run.status for run in runs} == {"ok"}
    assert desk.tried() == 5
    assert sum(run.not_modified for run in runs) == len(runs) - 5
