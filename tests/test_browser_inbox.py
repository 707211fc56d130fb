"""Keys of the inbox in a real Chromium: they act on the row one is at, and on nothing else."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desk_server import RunningDesk, make_services, running_desk
from tests.test_browser_desk import chromium, pytestmark

__all__ = ["chromium", "pytestmark"]  # fixtures and marks


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("inbox"))
    with running_desk(services) as running:
        yield running
    services.store.close()


@pytest.fixture
def page(chromium: Browser, desk: RunningDesk) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    context.set_default_timeout(30_000)
    opened = context.new_page()
    opened.goto(desk.entry())
    yield opened
    context.close()


def test_keys_act_on_the_row_one_is_at(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/alerts?sort=new")
    ids = [row.get_attribute("id") for row in page.locator("[data-list] li[id]").all()]
    page.keyboard.press("j")
    page.keyboard.press("a")  # the pane still shows the row before: nothing may be accepted yet
    expect(page.locator("[data-pane]")).to_have_attribute("data-pane", str(ids[1]))
    expect(page.locator(f"li[id='{ids[1]}'] .dot")).to_have_count(0)  # it has been read
    page.keyboard.press("l")
    expect(page.locator("[data-pane] details[data-key=l]")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator(".undo")).to_contain_text("已受理")
    assert "sort=new" in page.url
    expect(page.locator(f"li[id='{ids[0]}']")).to_be_visible()
    expect(page.locator(f"li[id='{ids[1]}']")).to_have_count(0)
    page.keyboard.press("z")
    expect(page.locator(f"li[id='{ids[1]}']")).to_be_visible()


def test_marked_rows_are_acted_on_together_and_taken_back_together(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/alerts")
    rows = page.locator("[data-list] li[id]").count()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("已选 2 条")
    page.keyboard.press("Escape")
    expect(page.locator("[data-picked]")).to_have_text("选中")
    page.locator("[data-all]").check()
    page.keyboard.press("a")
    expect(page.locator(".undo")).to_contain_text(f"已受理 {rows} 条")
    page.keyboard.press("z")
    expect(page.locator(".note[role=status]")).to_contain_text(f"已撤销 {rows} 条")
    expect(page.locator("[data-list] li[id]")).to_have_count(rows)


def test_keys_walk_alert_by_alert_and_esc_leads_back_but_not_while_an_input_method_composes(
    page: Page, desk: RunningDesk
) -> None:
    page.goto(f"{desk.base}/alerts?view=all&sort=new")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/alerts/a"))
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("k")
    page.wait_for_url(first)
    page.locator("#memo").focus()
    page.evaluate(
        """() => { for (const key of ['Escape', 'a', 'n']) document.activeElement.dispatchEvent(
        new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true})); }"""
    )
    expect(page.locator("#memo")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/alerts\?view=all&sort=new"))
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url(re.compile("/events$"))


def test_a_stream_that_goes_silent_is_said_after_half_a_minute(page: Page, desk: RunningDesk) -> None:
    page.clock.install()
    page.goto(f"{desk.base}/alerts")
    feed = page.locator(".feed")
    expect(feed.locator("time")).to_have_text(re.compile(r"14:3\d"))
    page.route("**/live*", lambda route: route.abort())
    page.evaluate("() => window.stop()")
    page.clock.run_for(20_000)
    expect(feed).to_have_attribute("data-state", "live")
    page.clock.run_for(14_000)
    expect(feed).to_contain_text("连接中断，正在重连；数据截至")
    page.unroute("**/live*")
    page.clock.run_for(40_000)
    expect(feed).to_have_attribute("data-state", "live")
