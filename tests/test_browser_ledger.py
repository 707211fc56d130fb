"""The ledger in a real Chromium: one incident from its alert to the closed entry, each by whom it belongs to."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from core.ids import short_id
from demo.tour_pictures import opened_step, step
from store import users
from tests.desk_server import NOW, RunningDesk, make_services, running_desk
from tests.desk_visits import PASSWORD
from tests.test_browser_desk import Looker, chromium, pytestmark

__all__ = ["chromium", "pytestmark"]  # fixtures and marks
ALERT = short_id("a", "I1")
PEOPLE = {
    "desk": ("officer", "360000", "李值班"),
    "county": ("officer", "{county}", "王承办"),
    "chief": ("supervisor", "360000", "陈带班"),
}
PDF = {"name": "盖章扫描件.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 scan"}
PAGES = {
    "list": "/ledger",
    "nothing found": "/ledger?view=closed&level=blue",
    "supervised": "/ledger/supervised",
    "alert": f"/alerts/{ALERT}",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("browser-ledger"))
    with running_desk(services) as running:
        with services.store.write() as db:
            for name, (role, territory, called) in PEOPLE.items():
                who: dict[str, Any] = {"role": role, "territory": territory.format(county="360702")}
                users.create_user(db, name, **who, display_name=called, password=PASSWORD, now=NOW - timedelta(days=1))
        yield running
    services.store.close()


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, chromium: Browser, desk: RunningDesk, name: str) -> None:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        context.set_default_timeout(30_000)
        self.page, self.base = context.new_page(), desk.base
        self.page.goto(f"{desk.base}/signin")
        self.page.get_by_label("账号").fill(name)
        self.page.get_by_label("密码", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        expect(self.page.get_by_role("navigation", name="主导航")).to_be_visible()

    def step(self, action: str) -> Locator:
        """The form of a step, opened."""
        return opened_step(self.page, action)

    def does(self, action: str, word: str, **fields: str) -> None:
        """Fill a step's form and send it; the page says that it was taken."""
        step(self.page, action, word, **fields)


def test_one_incident_from_the_alert_to_the_closed_entry(chromium: Browser, desk: RunningDesk) -> None:
    officer, county, chief = (Person(chromium, desk, name) for name in ("desk", "county", "chief"))
    page = officer.page
    page.goto(f"{desk.base}/alerts/{ALERT}")
    page.get_by_role("button", name=re.compile("受理")).click()
    page.get_by_role("link", name="列入台账").click()
    expect(page.get_by_label("隐患", exact=True)).to_have_value(re.compile("云骓牌电动自行车电池起火"))
    page.get_by_label("属地", exact=True).select_option("360702")
    page.get_by_role("button", name="列入台账").click()
    expect(page.get_by_role("status").filter(has_text="已列入台账 YH-2026-0001")).to_be_visible()
    entry = page.url.split("?")[0]
    officer.does("dispatch", "派单", unit="360702", person="刘某", note="三日内查清流向")

    county.page.goto(f"{desk.base}/ledger")
    county.page.get_by_role("link", name="YH-2026-0001").click()
    county.does("receive", "签收")
    county.does("visit", "核查属实", note="现场查实，封存同批电池 40 组")
    county.does("rectify", "报告整改", note="停止销售，召回 112 组")
    county.does("recheck", "复查", first="王某", second="赵某", passed="yes")
    for kind in ("report", "recheck"):
        county.does("proof", "上传材料", kind=kind)
    county.does("apply", "申请销号")
    expect(county.page.locator("#do-close")).to_have_count(0)  # not by who did the work

    chief.page.goto(f"{desk.base}/ledger?view=ready")
    chief.page.get_by_role("link", name="YH-2026-0001").click()
    expect(chief.page.get_by_role("button", name="销号（还差 3 项）")).to_be_disabled()
    chief.does("return", "退回补正", reason="lacking", note="缺复检报告和流向材料")

    county.page.goto(entry)
    for kind in ("retest", "goods"):
        county.does("proof", "上传材料", kind=kind)
    county.does("apply", "申请销号")
    with county.page.expect_download() as download:
        county.page.get_by_role("region", name="佐证材料").get_by_role("link").first.click()
    assert download.value.suggested_filename == "盖章扫描件.pdf"

    chief.page.goto(entry)
    chief.does("waive", "免除静默条件", note="新信号均为同一批次的转述，已核对")
    chief.does("close", "销号", note="经复查符合销号条件，予以销号")
    expect(chief.page.get_by_role("region", name="销号条件")).to_contain_text("已齐")
    history = chief.page.get_by_role("region", name="经过")
    for told in ("销号，陈带班", "申请销号，王承办", "退回补正，陈带班", "派给章贡区局", "列入台账，李值班"):
        expect(history).to_contain_text(told)
    chief.page.goto(f"{desk.base}/ledger?view=closed")
    expect(chief.page.locator("tbody tr")).to_have_count(1)
    page.goto(f"{desk.base}/alerts/{ALERT}")
    expect(page.get_by_role("region", name="台账")).to_contain_text("已销号")
    for person in (officer, county, chief):
        person.page.context.close()


def open_page(page: Page, desk: RunningDesk, path: str) -> None:
    page.goto(desk.base + path)
    for box in page.locator("details.step").all():
        box.evaluate("el => { el.open = true }")


def test_the_ledger_is_easy_to_use_in_any_mode(chromium: Browser, desk: RunningDesk) -> None:
    """As a supervisor meets it, with every form opened; the other pages stand in tests/desk_pages.py."""
    page = Person(chromium, desk, "chief").page
    page.goto(f"{desk.base}/ledger/new")
    page.get_by_label("隐患", exact=True).fill("罐体焊缝渗漏，须停用检修")
    page.get_by_label("级别").select_option("3")
    page.get_by_label("属地", exact=True).select_option("361002")
    page.get_by_role("button", name="列入台账").click()
    page.wait_for_url(re.compile("/ledger/YH-"))
    looker, entry = Looker(page), page.url.split("?")[0].removeprefix(desk.base)
    for name, path in {**PAGES, "entry": entry}.items():
        open_page(page, desk, path)
        looker.look(name)
    looker.end()
