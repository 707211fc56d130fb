"""A real Chromium before the real server: a shift's walk, reflow, accessibility, no policy violation, a prompt end."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.settings import PROJECT
from core.ids import short_id
from core.records import AlertState
from store import alert_log
from tests.desk_pages import ALERT, fill_more
from tests.desk_server import NOW, RunningDesk, make_services, running_desk

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        not CHROMIUM.exists() and not os.environ.get("CI"),
        reason=f"{CHROMIUM} is not there: apt-get install chromium fonts-noto-cjk",
    ),
]
expect.set_options(timeout=30_000)  # for all browser tests: three of them may share two cores with servers
MODES = {"wide": (1440, 900, "light"), "phone": (390, 844, "light"), "dark": (1440, 900, "dark")}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("browser"))
    with running_desk(services) as running:
        yield running
    services.store.close()


@pytest.fixture(scope="module")
def paths(desk: RunningDesk) -> dict[str, str]:
    return fill_more(desk.services)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, desk: RunningDesk) -> Iterator[BrowserContext]:
    context = chromium.new_context()
    context.new_page().goto(desk.entry())
    yield context
    context.close()


def fresh_page(chromium: Browser, signed_in: BrowserContext, mode: str = "wide") -> Page:
    width, height, scheme = MODES[mode]
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        has_touch=mode == "phone",
        locale="zh-CN",
    )
    context.add_cookies(signed_in.cookies())  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    return context.new_page()


@pytest.fixture
def page(chromium: Browser, signed_in: BrowserContext) -> Iterator[Page]:
    opened = fresh_page(chromium, signed_in)
    yield opened
    opened.context.close()


def test_the_printed_address_signs_in_at_once(chromium: Browser, desk: RunningDesk) -> None:
    page = chromium.new_page()
    page.goto(desk.entry())
    expect(page.get_by_role("navigation", name="主导航").get_by_role("link", name="今日")).to_have_attribute(
        "aria-current", "page"
    )
    expect(page.get_by_text("这个账号还没有密码")).to_be_visible()
    page.close()


def test_from_the_inbox_to_the_evidence_to_acceptance_and_back(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/alerts")
    row = page.locator(f"li[id='{ALERT}'] .what")
    row.click()  # wide: the preview fills, the page stays
    expect(page.locator("[data-pane] .id")).to_have_text("YJ-2026-0001")
    page.get_by_role("link", name=re.compile("打开全页")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("云骓")
    evidence = page.get_by_role("region", name="证据")
    expect(evidence.locator(".m-issue").first).to_be_visible()
    evidence.get_by_role("link", name="原文存档").first.click()
    expect(page.get_by_role("heading", name="存档凭证")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name=re.compile("受理")).click()
    expect(page.get_by_role("status").filter(has_text="已受理 YJ-2026-0001")).to_be_visible()
    expect(page.get_by_role("region", name="处置经过")).to_contain_text("受理，管理员")
    page.keyboard.press("z")
    expect(page.get_by_role("region", name="处置经过")).to_contain_text("撤销")
    expect(page.get_by_role("button", name=re.compile("受理"))).to_be_visible()


def test_the_key_of_a_dismissal_opens_its_question_first(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/alerts/{short_id('a', 'I4')}")
    page.keyboard.press("n")
    expect(page.get_by_label("理由")).to_be_focused()
    page.get_by_label("理由").select_option("refuted")
    page.get_by_label(re.compile("^依据")).fill("厂家已公布检测报告")
    page.get_by_role("button", name="不构成风险").click()
    history = page.get_by_role("region", name="处置经过")
    expect(history).to_contain_text("已辟谣或澄清")
    expect(history).to_contain_text("厂家已公布检测报告")
    page.keyboard.press("z")
    expect(history).to_contain_text("撤销")


def test_keys_walk_the_list(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/alerts")
    first = page.locator("li[aria-current]").get_attribute("id")
    page.keyboard.press("j")
    assert page.locator("li[aria-current]").get_attribute("id") != first
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/alerts/a"))


def test_a_search_is_narrowed_by_links_and_stays_in_the_address(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?from=all")
    page.get_by_label("检索语句").fill("起火")
    page.get_by_role("button", name="检索").click()
    before = page.locator(".hits > li").count()
    assert before
    page.get_by_role("link", name="仅风险信号").click()
    page.locator("aside").get_by_role("link", name=re.compile("^橙")).click()
    assert "level=3" in page.url
    assert "is_risk=true" in page.url
    assert page.locator(".hits > li .lv-3").count() == page.locator(".hits > li").count() > 0
    page.get_by_role("link", name="去掉条件：级别").click()
    page.wait_for_url(re.compile(r"^((?!level=).)*$"))


def test_a_new_alert_waits_behind_the_bar_and_moves_nothing(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/alerts")
    rows = page.locator(".rows > li").all_inner_texts()
    services = desk.services
    with services.store.write() as db:
        known = alert_log.find_alert(db, short_id("a", "I4"))
        assert known is not None
        now = services.clock() + timedelta(seconds=2)
        new = replace(known, id=short_id("a", "new"), number="YJ-2026-0099", subject="new", created_at=now)
        alert_log.save_alert(db, new, details={})
    bar = page.locator(".new")
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("有 1 条新预警（橙 1）")
    assert page.locator(".rows > li").all_inner_texts() == rows
    expect(page.locator(".nav i")).to_have_text("4")
    bar.get_by_role("link", name="显示").click()
    expect(page.locator(f"li[id='{new.id}']")).to_be_visible()
    with services.store.write() as db:
        alert_log.save_alert(db, replace(new, state=AlertState.DISMISSED), details={})


def test_the_wall_says_when_its_picture_is_old(page: Page, desk: RunningDesk) -> None:
    page.clock.install()
    page.goto(f"{desk.base}/wall")
    stale = page.get_by_text("画面停止更新")
    expect(stale).to_be_hidden()
    page.route("**/wall", lambda route: route.fulfill(status=200, body="<main class=door>登录</main>"))
    page.clock.run_for(21_000)
    expect(stale).to_be_visible()
    page.unroute("**/wall")
    page.clock.run_for(21_000)
    expect(stale).to_be_hidden()  # a fresh picture again


def test_the_wall_is_read_from_five_metres(page: Page, desk: RunningDesk) -> None:
    """26 px on a screen of 1.2 m are 17 mm: 12 minutes of arc at 5 m. Nothing is smaller, and all of it fits."""
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.goto(f"{desk.base}/wall")
    sizes = page.evaluate(
        """() => [...document.querySelectorAll('.wall *')].filter(e => e.getClientRects().length &&
        [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
        .map(e => parseFloat(getComputedStyle(e).fontSize))"""
    )
    assert min(sizes) >= 25
    bottom = page.evaluate(
        """() => Math.max(...[...document.querySelectorAll('.wall section > *')]
        .map(e => e.getBoundingClientRect().bottom))"""
    )
    assert bottom <= page.locator(".wall footer").bounding_box()["y"]  # type: ignore[index]


def test_the_clock_is_right_though_the_browser_is_an_hour_off(page: Page, desk: RunningDesk) -> None:
    page.clock.install(time=NOW + timedelta(hours=1))
    page.goto(f"{desk.base}/alerts")
    expect(page.locator(".feed time")).to_have_text(re.compile(r"14:3\d"))
    expect(page.locator(f"li[id='{ALERT}'] .clock")).to_have_text(re.compile(r"剩 4\d 分"))


def test_without_scripts_the_desk_still_works(chromium: Browser, signed_in: BrowserContext, desk: RunningDesk) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(signed_in.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{desk.base}/alerts")
    page.locator(f"li[id='{short_id('a', 'I4')}'] .what").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("热轧")
    page.get_by_label("记一笔").fill("已电话核实")
    page.get_by_role("button", name="记录").click()
    expect(page.get_by_role("region", name="处置经过")).to_contain_text("已电话核实")
    context.close()


RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""Rules of which dark may find more than light, and a phone no more than a wide screen: the slow half of axe."""
RUN_AXE = """async options => (await axe.run(document, {...options, resultTypes: ["violations"]})).violations.flatMap(
    each => each.nodes.slice(0, 3).map(node => each.id + ": " + node.html.slice(0, 160)))"""


def violations(page: Page, *, only: Sequence[str] = (), but: Sequence[str] = ()) -> list[str]:
    """What axe finds on the page as it is shown now. only, but: rules."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    of = {"type": "rule", "values": only} if only else {"type": "tag", "values": RULES}
    found: list[str] = page.evaluate(RUN_AXE, {"runOnly": of, "rules": {rule: {"enabled": False} for rule in but}})
    return found


class Looker:
    """A page that is shown in every way: nothing is fetched twice, nothing is judged twice."""

    def __init__(self, page: Page) -> None:
        self.page, self.touch = page, page.context.new_cdp_session(page)
        self.troubles: list[str] = []
        self._told: list[str] = []
        page.on("console", lambda message: self._told.append(f"{page.url} {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self._told.append(f"{page.url} {error}"))

    def look(self, name: str) -> None:
        """Show what is on the page wide, in the dark, at each width and by touch on a phone."""
        page = self.page
        self.troubles += [f"{name}: {each}" for each in violations(page)]
        page.emulate_media(color_scheme="dark")
        self.troubles += [f"{name}, dark: {each}" for each in violations(page, only=COLOURS)]
        page.emulate_media(color_scheme="light")
        for width in (1440, 1024, 768, 320, 390):
            page.set_viewport_size({"width": width, "height": 844})
            wide = page.evaluate("document.documentElement.scrollWidth")
            self.troubles += [f"{name}: {wide} px at {width}"] if wide > width else []
        self.touch.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        self.troubles += [f"{name}, phone: {each}" for each in violations(page, but=COLOURS)]
        self.touch.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        page.set_viewport_size({"width": 1440, "height": 900})

    def end(self) -> None:
        """Say what was found; pages that answer 404 or 400 on purpose are no trouble."""
        self.page.context.close()
        self.troubles += [line for line in self._told if "Failed to load resource" not in line]
        assert not self.troubles, "\n".join(self.troubles)


def test_no_page_is_hard_to_use_in_any_mode_or_breaks_the_policy(
    chromium: Browser, signed_in: BrowserContext, desk: RunningDesk, paths: dict[str, str]
) -> None:
    looker = Looker(fresh_page(chromium, signed_in))
    for name, path in paths.items():
        looker.page.goto(desk.base + path)
        looker.look(name)
    looker.end()


def test_the_server_ends_promptly_with_a_stream_open(tmp_path: Path, chromium: Browser) -> None:
    command = [sys.executable, "-m", "tests.desk_server", str(tmp_path), "0"]
    server = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().strip()
    page = chromium.new_page()
    with page.expect_response(lambda answer: "/live" in answer.url):
        page.goto(address)
    server.send_signal(signal.SIGTERM)
    server.wait(timeout=5)  # raises when the open stream keeps it
    page.close()
