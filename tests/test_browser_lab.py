"""The rule lab and the lead-time meter in a real browser: no accessibility or policy violation, no page too wide."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext

from alerts.lab.report import as_json
from alerts.lab.run import LabAsk, run_lab
from store.database import Store
from store.lab_runs import keep_lab_run
from tests.desk_server import NOW, RunningDesk, make_services, running_desk
from tests.lab_stories import rule_of, world
from tests.test_browser_desk import Looker, chromium, fresh_page, pytestmark, signed_in
from tests.test_lab import NOW as THEN
from tests.test_lab import STORY, keep, named

__all__ = ["chromium", "pytestmark", "signed_in"]  # fixtures and marks


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    folder = tmp_path_factory.mktemp("lab")
    services = make_services(folder / "desk")
    other = Store(f"sqlite:///{folder}/story.db")
    other.migrate()
    keep(other, named(STORY))
    spike = {"type": "spike", "window": "7d", "at_least": 3, "ratio": 2}
    rule = rule_of(spike, scope={"kinds": ["complaint"]}, id=services.rules[0].id)
    told = as_json(run_lab(other, rule, world()[0], LabAsk(timedelta(days=365), budget=1, floor=0.6), now=THEN))
    other.close()
    with services.store.write() as db:
        asked = {"past": "365d", "budget": 1.0, "recall_floor": 0.6}
        keep_lab_run(db, "l1", rule.id, asked, told, actor="admin", started=NOW, now=NOW)
    with running_desk(services) as running:
        yield running
    services.store.close()


def test_a_run_is_easy_to_use_in_any_mode(chromium: Browser, signed_in: BrowserContext, desk: RunningDesk) -> None:
    """A rule with a run, and where that run is told; the same pages without one stand in tests/desk_pages.py."""
    looker = Looker(fresh_page(chromium, signed_in))
    for path in (f"/rules/{desk.services.rules[0].id}/lab", "/leadtime?since=365d", "/rules"):
        looker.page.goto(desk.base + path)
        looker.look(path)
    looker.end()
