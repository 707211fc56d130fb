"""The rule lab and the lead-time meter in a real browser: no accessibility or policy violation, no page too wide."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext

from alerts.lab.report import as_json
from alerts.lab.run import LabAsk, run_lab
from store.database import Store
from store.lab_runs import keep_lab_run
from tests.desk_pages import ALERT
from tests.desk_server import NOW, RunningDesk, make_services, running_desk
from tests.lab_stories import rule_of, world
from tests.test_browser_desk import MODES, axe_on, chromium, fresh_page, pytestmark, signed_in
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


def pages(desk: RunningDesk) -> list[str]:
    rules = [f"/rules/{rule.id}/lab" for rule in desk.services.rules[:2]]
    return [*rules, "/leadtime?since=365d", f"/alerts/{ALERT}", "/rules"]


@pytest.mark.parametrize("mode", MODES)
def test_no_accessibility_violation_and_no_policy_violation(
    chromium: Browser, signed_in: BrowserContext, desk: RunningDesk, mode: str
) -> None:
    page = fresh_page(chromium, signed_in, mode)
    complaints: list[str] = []
    found: list[str] = []
    page.on("console", lambda message: complaints.append(f"{page.url} {message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"{page.url} {error}"))
    for path in pages(desk):
        page.goto(desk.base + path)
        found += [f"{path}: {each}" for each in axe_on(page, mode)]
    page.context.close()
    assert not found, "\n".join(found)
    assert complaints == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_no_page_scrolls_sideways(chromium: Browser, signed_in: BrowserContext, desk: RunningDesk, width: int) -> None:
    page = fresh_page(chromium, signed_in)
    page.set_viewport_size({"width": width, "height": 844})
    for path in pages(desk):
        page.goto(desk.base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.context.close()
