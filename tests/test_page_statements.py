"""A page asks no more of a store that holds more: three times the alerts, the same statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event

from store import alert_log, users
from store.ledger import Entry, HazardState, insert_entry
from tests.desk_server import NOW, make_services
from web.app import create_app
from web.security import cookie_name
from web.services import Services

PAGES = (
    "/", "/alerts", "/alerts?view=all", "/alerts?view=done", "/alerts?view=mine", "/alerts/{alert}", "/wall",
    "/handover", "/changes?since=30d", "/ledger?view=all", "/events?view=all", "/enterprises", "/sources", "/status",
    "/rules", "/deliveries", "/silences", "/leadtime", "/audit",
)  # fmt: skip
FEW, MANY = 30, 90
"""More than a page shows, and three times as many."""


@dataclass
class Asked:
    """What went to the database."""

    statements: int = 0


@contextmanager
def counting(services: Services) -> Iterator[Asked]:
    asked = Asked()

    def note(*_: Any) -> None:
        asked.statements += 1

    event.listen(services.store.engine, "after_cursor_execute", note)
    yield asked
    event.remove(services.store.engine, "after_cursor_execute", note)


def copies(db: Connection, start: int, end: int) -> None:
    """Every alert of the sample told again, in its own hour, with its history and an entry of the ledger."""
    first = alert_log.list_alerts(db)[-6:]
    for number in range(start, end):
        old = first[number % len(first)]
        at = old.updated_at - timedelta(minutes=number)
        name = f"copy{number}"
        alert = replace(old, id=name, number=f"YJ-2026-{9000 + number}", subject=name, updated_at=at, findings=())
        alert_log.save_alert(db, alert, details={})
        [opened, *_] = alert_log.history_of(db, old.id)
        alert_log.add_history(db, replace(opened, alert=alert.id, at=at, story_at=at))
        day, told = at.date(), f"隐患 {number}"
        entry = Entry("", HazardState.RECTIFYING, 2, told, "check", day, day, old.territory, at, at, alert=alert.id)
        insert_entry(db, entry)


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    """Of each page with few and with many alerts."""
    services = make_services(tmp_path_factory.mktemp("statements"), clock=lambda: NOW)
    with services.store.write() as db:
        users.create_user(db, "chief", role="admin", territory="000000", display_name="chief", password=None, now=NOW)
        secret, _ = users.open_session(db, "chief", now=NOW, how="password", address="", agent="")
        alert = alert_log.list_alerts(db)[0].id
    client = TestClient(create_app(services), follow_redirects=False)
    client.cookies.set(cookie_name(services.settings), secret)
    found: dict[str, list[int]] = {page: [] for page in PAGES}
    for start, end in ((0, FEW), (FEW, MANY)):
        with services.store.write() as db:
            copies(db, start, end)
        for page in PAGES:
            if start == 0:
                client.get(page.format(alert=alert))  # what is read once and kept is not what a look costs
            with counting(services) as asked:
                assert client.get(page.format(alert=alert)).status_code == 200, page
            found[page].append(asked.statements)
    client.close()
    services.store.close()
    return {page: (few, many) for page, (few, many) in found.items()}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_no_more_of_a_store_that_holds_more(page: str, statements: dict[str, tuple[int, int]]) -> None:
    few, many = statements[page]
    assert 0 < many <= few
