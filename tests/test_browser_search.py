"""The search page in a real Chromium: completion by keys, fields and hits that open in place, the brush, no script."""

import json
import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from search.records import IndexEntry
from tests.desk_server import NOW, RunningDesk, make_services, running_desk
from tests.test_browser_desk import MODES, chromium, fresh_page, page, pytestmark, signed_in

__all__ = ["chromium", "page", "pytestmark", "signed_in"]  # fixtures and marks
SUGGESTIONS = [
    {"text": "电动自行车", "kind": "value", "label": "电动自行车", "note": "56 条"},
    {"text": "电线电缆", "kind": "value", "label": "电线电缆", "note": "69 条"},
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("browser-search"))
    with running_desk(services) as running:
        yield running
    services.store.close()


def answer(route: Route) -> None:
    """Stands in for the completion where what is offered must be known."""
    body = {"start": 3, "end": 5, "suggestions": SUGGESTIONS}
    route.fulfill(status=200, content_type="application/json", body=json.dumps(body))


def complete(page: Page, desk: RunningDesk) -> None:
    page.route("**/api/complete?*", answer)
    page.goto(f"{desk.base}/search?from=all")
    page.get_by_label("检索语句").press_sequentially("产品：电动")
    expect(page.locator("#suggest li")).to_have_count(2)


def test_a_value_is_completed_by_keys_alone(page: Page, desk: RunningDesk) -> None:
    complete(page, desk)
    box = page.get_by_role("combobox", name="检索语句")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#suggest li[aria-selected=true]")).to_contain_text("电线电缆")
    active = box.get_attribute("aria-activedescendant")
    assert page.locator(f"#{active}").inner_text().startswith("电线电缆")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Tab")
    expect(box).to_have_value("产品：电动自行车")
    expect(box).to_be_focused()


def test_what_the_desk_completes_can_be_asked(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?from=all")
    page.get_by_label("检索语句").press_sequentially("产品：电线")
    page.locator("#suggest li").filter(has_text="电线电缆").first.click()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=%E4%BA%A7%E5%93%81%EF%BC%9A%E7%94%B5%E7%BA%BF%E7%94%B5%E7%BC%86&"))
    expect(page.locator(".hits > li")).to_have_count(20)
    expect(page.locator(".note.bad, .note.warn")).to_have_count(0)


def test_escape_closes_the_list_and_enter_asks_what_was_typed(page: Page, desk: RunningDesk) -> None:
    complete(page, desk)
    page.keyboard.press("Escape")
    expect(page.locator("#suggest")).to_be_hidden()
    expect(page.get_by_label("检索语句")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=%E4%BA%A7%E5%93%81%EF%BC%9A%E7%94%B5%E5%8A%A8&"))


def test_nothing_is_offered_while_an_input_method_composes(page: Page, desk: RunningDesk) -> None:
    complete(page, desk)
    box = page.get_by_label("检索语句")
    box.dispatch_event("compositionstart")
    expect(page.locator("#suggest")).to_be_hidden()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "complete" in request.url else None)
    box.press_sequentially("zi")
    box.evaluate(
        "box => box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    assert "/search?from=all" in page.url
    assert asked == []
    box.dispatch_event("compositionend")
    expect(page.locator("#suggest")).to_be_visible()


def test_an_empty_box_offers_what_was_asked_before(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?q=云骓&from=all")
    page.goto(f"{desk.base}/search?q=冒烟&from=all")
    page.goto(f"{desk.base}/search?from=all")
    page.get_by_label("检索语句").focus()
    expect(page.locator("#suggest li").first).to_contain_text("冒烟")
    page.locator("#suggest li").filter(has_text="云骓").click()
    page.wait_for_url(re.compile("q=%E4%BA%91%E9%AA%93"))


def test_the_box_of_firms_offers_leads_and_closes_alike(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/enterprises")
    box, first = page.get_by_label("企业名称或信用代码"), page.locator("#firm-list li").first
    box.press_sequentially("云骓")
    expect(first).to_contain_text("江西云骓智能科技有限公司")
    box.press("Escape")
    expect(page.locator("#firm-list")).to_be_hidden()
    box.press("ArrowDown")
    expect(first).to_be_visible()
    box.press("ArrowDown")
    box.press("Enter")
    page.wait_for_url("**/enterprises/ENT0043")


def test_a_field_opens_in_place_and_stays_open_on_the_way(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?q=起火&from=all")
    top = "row => row.offsetTop"
    before = page.locator(".hits > li").first.evaluate(top)
    page.locator("aside").get_by_role("link", name="企业", exact=True).click()
    opened = page.locator("aside details[data-opened=firm]")
    expect(opened.locator("li").first).to_be_visible()
    assert page.locator(".hits > li").first.evaluate(top) == before
    assert "open=level" in page.url
    page.get_by_role("link", name="相关在前").click()
    expect(page.locator("aside details[data-opened=firm] li").first).to_be_visible()


def test_what_is_special_opens_beside_the_hits(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?q=云骓&from=all")
    page.get_by_role("link", name="有何特别", exact=True).click()
    expect(page.locator("aside details").filter(has_text="有何特别").locator("li").first).to_contain_text("倍")


def test_the_slash_leads_to_the_query(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?from=all")
    page.keyboard.press("/")
    expect(page.get_by_label("检索语句")).to_be_focused()


def test_a_hit_opens_in_place_and_the_address_opens_it_again(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?q=起火&from=all")
    link = page.get_by_role("link", name="全部字段").nth(1)
    link.click()
    expect(page.locator(".every")).to_contain_text("入库时间")
    expect(link).to_have_attribute("aria-expanded", "true")
    page.reload()
    expect(page.locator(".hits > li").nth(1).locator(".every")).to_be_visible()
    page.get_by_role("link", name="全部字段").nth(1).click()
    expect(page.locator(".every")).to_have_count(0)


def test_a_drag_over_the_bars_narrows_the_time(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?from=2026-11-01T00:00&to=2026-11-21T00:00")
    box = page.locator("[data-brush] svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.275, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.475, box["y"] + 40, steps=4)
    expect(page.locator(".brushed")).to_be_visible()
    page.mouse.up()
    page.wait_for_url(re.compile(r"from=2026-11-06T00%3A00&to=2026-11-11T00%3A00"))


def test_the_brush_works_by_keys(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?from=2026-11-01T00:00&to=2026-11-21T00:00")
    bars = page.locator("[data-brush] a")
    bars.first.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("status").filter(has_text="选中 2026-11-01 00:00 至 2026-11-04 00:00")).to_be_attached()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"from=2026-11-01T00%3A00&to=2026-11-04T00%3A00"))


def test_a_plain_click_on_a_bar_follows_its_link(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?from=2026-11-01T00:00&to=2026-11-21T00:00")
    page.locator("[data-brush] a").nth(2).click()
    page.wait_for_url(re.compile(r"from=2026-11-03T00%3A00&to=2026-11-04T00%3A00"))


def test_new_hits_wait_behind_a_line_and_move_nothing(page: Page, desk: RunningDesk) -> None:
    page.clock.install(time=NOW)
    page.goto(f"{desk.base}/search?q=新到&from=7d")
    before = page.locator(".find").inner_text()
    now = desk.services.clock()
    fields = {"source": "jx_amr_notice", "kind": "news", "url": "", "level": 2, "score": 0.9, "is_risk": True}
    entry = IndexEntry(
        id="dnew", version=1, title="新到一条", body="", title_words=("新到",), body_words=(), event_time=now,
        stored_at=now, **fields,  # type: ignore[arg-type]
    )  # fmt: skip
    assert desk.services.search is not None
    desk.services.search.index([entry])
    page.clock.run_for(31_000)
    line = page.get_by_role("status").filter(has_text="有 1 条新结果")
    expect(line).to_be_visible()
    assert page.locator(".find").inner_text() == before
    line.get_by_role("link", name="显示").click()
    expect(page.locator("#dnew")).to_be_visible()


def test_a_search_is_kept_and_watched_from_its_page(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/search?q=充电&from=7d")
    page.get_by_text("存为检索、关注").click()
    page.get_by_label("名称").fill("近七日充电")
    page.get_by_role("button", name="存并关注").click()
    expect(page.get_by_role("link", name="已存为“近七日充电”")).to_be_visible()
    expect(page.get_by_role("button", name="取消关注")).to_be_visible()
    page.goto(f"{desk.base}/")
    expect(page.get_by_role("region", name="关注的检索")).to_contain_text("近七日充电")


def test_a_table_of_several_columns_fits_the_page(page: Page, desk: RunningDesk) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{desk.base}/search?q=起火&from=all&view=table&cols=time,title,firm,url,issue")
    box = page.get_by_role("region", name="命中表格")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") <= 0


def test_without_script_every_part_still_works(chromium: Browser, signed_in: BrowserContext, desk: RunningDesk) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(signed_in.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{desk.base}/search?from=all")
    page.get_by_label("检索语句").fill("起火")
    page.get_by_role("button", name="检索").click()
    page.locator("aside").get_by_role("link", name="企业", exact=True).click()
    page.locator("aside details[data-opened=firm] li a").first.click()
    expect(page.locator(".state .pill")).to_contain_text("企业：")
    page.get_by_role("link", name="全部字段").first.click()
    expect(page.locator(".every")).to_be_visible()
    page.locator("summary", has_text="不限时间").click()
    page.get_by_label("从").first.fill("2026-11-01T00:00")
    page.get_by_label("到").first.fill("2026-11-23T00:00")
    page.get_by_role("button", name="应用").first.click()
    assert "from=2026-11-01T00%3A00" in page.url
    page.locator("[data-brush] a").first.click()
    page.get_by_role("link", name="放宽").click()
    page.get_by_role("link", name="表格").click()
    expect(page.get_by_role("columnheader", name="标题")).to_be_visible()
    page.locator("summary", has_text=re.compile("^列$")).click()
    page.get_by_label("立场").check()
    page.locator("form.cols-m").get_by_role("button", name="应用").click()
    expect(page.get_by_role("columnheader", name="立场")).to_be_visible()
    context.close()


@pytest.mark.parametrize("mode", MODES)
def test_what_opens_breaks_no_rule_of_accessibility(
    chromium: Browser, signed_in: BrowserContext, desk: RunningDesk, mode: str
) -> None:
    page = fresh_page(chromium, signed_in, mode)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    complete(page, desk)
    states = [violations(page, "#ask")]
    page.keyboard.press("Escape")
    for number in range(page.locator("main details.menu").count()):
        page.locator("main details.menu > summary").nth(number).click()
        states.append(violations(page, "main details.menu[open]"))
        assert page.evaluate("document.documentElement.scrollWidth") <= MODES[mode][0], number
        page.keyboard.press("Escape")
    page.get_by_role("link", name="全部字段").first.click()
    expect(page.locator(".every")).to_be_visible()
    states.append(violations(page))
    page.context.close()
    assert [line for state in states for line in state] == []
    assert complaints == []


def violations(page: Page, within: str = "main") -> list[str]:
    """What axe finds in one part: what an open menu covers is no target."""
    rules = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, context=within, options={"runOnly": rules})
    return [
        f"{each['id']}: {node['html'][:160]}" for each in found.response["violations"] for node in each["nodes"][:3]
    ]
