"""A rule in a real Chromium: from a search to the form, to an alert in the list once documents come."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from alerts.rule_judge import RuleJudge
from config.lexicon import load_registry_csv
from core.records import Analysis, ArchiveRef, Kind, RawDocument
from nlp.subjects import Subjects, subjects_of
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from store import desk_rules
from tests.desk_server import CONFIG, NOW, Reader, RunningDesk, make_services, running_desk
from tests.test_browser_desk import Looker, chromium, fresh_page, page, pytestmark, signed_in
from web.services import Services

__all__ = ["chromium", "page", "pytestmark", "signed_in"]  # fixtures and marks
PAGES = {
    "of a search": "/rules/new?q=起火 or 冒烟&product=ebike&not.kind=review&from=30d",
    "edit": "/rules/desk_1/edit",
    "versions": "/rules/desk_1/versions",
    "broken": "/rules/desk_2",
}
"""What tests/desk_pages.py has not: a trial that has run, several versions, a rule that cannot be read."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("browser-rules"))
    words = {
        "why": "用于测试",
        "level": "orange",
        "group_by": ["matter"],
        "condition": {"type": "any"},
        "repeat_after": None,
    }
    with services.store.write() as db:
        for number, query in enumerate(("起火 and 楼道", "产品:没有的东西")):
            definition = {**words, "title": f"第 {number + 1} 条", "scope": {"query": query, "min_level": 0}}
            desk_rules.create_rule(db, definition, actor="admin", territory="000000", now=NOW, once=f"browser-{number}")
    with running_desk(services) as running:
        yield running
    services.store.close()


@dataclass
class Told:
    """Stands in for the analyzer: the dictionary reader, with the judgement of the test."""

    reader: Reader

    def analyze(self, title: str, text: str, **_more: Any) -> Analysis:
        truth = {"is_risk": True, "level": 3, "product": "ebike", "enterprise": None, "jurisdiction": "360702"}
        return self.reader.analysis(title, text, truth)

    def subjects(self, title: str, text: str) -> Subjects:
        return subjects_of(self.analyze(title, text))


def come(services: Services, title: str, text: str) -> None:
    """A page is fetched and carried through by a worker that has just started."""
    assert services.rule_parts is not None
    reader = Reader(services.lexicon, load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))
    judge = RuleJudge(services.store, services.rule_parts)
    worker = Pipeline(services.store, Told(reader), judge, services.clock, "worker")  # type: ignore[arg-type]  # all that it calls
    raw = RawDocument(
        source="ganjiang_daily", kind=Kind.NEWS, url=f"http://daily.example/{abs(hash(title))}", title=title, text=text,
        fetched_at=services.clock(), published=services.clock(), archive=ArchiveRef("a.warc.gz", 17, 400, "ab" * 32),
    )  # fmt: skip
    StoreIntake(services.store, services.clock).save(raw)
    assert worker.drain()


def test_from_a_search_to_a_rule_to_an_alert(page: Page, desk: RunningDesk) -> None:
    come(desk.services, "早先一起阳台起火", "赣州市章贡区一住户阳台上的电动自行车起火，无人受伤。")
    page.goto(f"{desk.base}/search?q=阳台 and 起火&product=ebike&from=all")
    page.get_by_role("link", name="做成预警规则").click()
    expect(page.get_by_label("检索语句")).to_have_value("(阳台 and 起火) and 产品:电动自行车")
    trial = page.get_by_role("region", name="试算")
    expect(trial).to_contain_text("条信号命中")  # by itself, without a click
    expect(trial).to_contain_text("早先一起阳台起火")
    page.get_by_label("名称").fill("阳台充电起火")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_label("缘由")).to_be_focused()  # the browser asks for what is missing
    page.get_by_label("缘由").fill("飞线充电，易成灾")
    page.get_by_label("级别").select_option("orange")
    expect(page.get_by_label("时间窗口")).to_be_hidden()
    page.get_by_role("button", name="保存").click()
    page.wait_for_url(re.compile(r"/rules/desk_\d+\?said=created"))
    rule = page.url.split("?")[0]
    expect(page.get_by_role("status").filter(has_text="已新建")).to_be_visible()
    expect(page.get_by_role("region", name="触发的预警")).to_contain_text("还没有触发过")

    come(desk.services, "又一起阳台充电起火，两人送医", "赣州市章贡区一住户在阳台给电动自行车充电时起火，两人送医。")
    page.goto(f"{desk.base}/alerts?view=all&rule={rule.rsplit('/', 1)[1]}")
    expect(page.locator(".rows > li")).to_have_count(1)
    page.locator(".rows .what").dblclick()
    page.goto(desk.base + str(page.locator(".rows .what").get_attribute("href")))
    evidence = page.get_by_role("region", name="检索语句命中")
    expect(evidence).to_contain_text("(阳台 and 起火) and 产品:电动自行车")
    expect(evidence.locator("mark").first).to_have_text("阳台")
    evidence.get_by_role("link", name=re.compile("阳台充电起火")).first.click()
    expect(page.get_by_role("region", name="触发的预警").locator("li")).to_have_count(1)


def test_the_trial_follows_what_is_typed(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/rules/new?q=起火&from=all")
    trial = page.get_by_role("region", name="试算")
    expect(trial).to_contain_text("条信号命中")
    page.get_by_label("检索语句").fill("产吕:电动自行车")
    expect(trial).to_contain_text("有 1 处要改")
    page.get_by_label("检索语句").fill("产品:电动自行车")
    page.get_by_label("触发条件").select_option("frequency")
    expect(page.get_by_label("时间窗口")).to_be_visible()
    expect(page.get_by_label("达到平时的几倍")).to_be_hidden()
    expect(trial).to_contain_text("独立来源")


def test_an_edit_and_a_switch_are_told_in_the_versions(page: Page, desk: RunningDesk) -> None:
    page.goto(f"{desk.base}/rules/desk_1/edit")
    page.get_by_label("级别").select_option("red")
    page.get_by_label("改动缘由").fill("按会商意见升级")
    page.get_by_role("button", name="保存为第 2 版").click()
    versions = page.get_by_role("region", name="历次版本")
    expect(versions).to_contain_text("级别：橙色 → 红色")
    page.get_by_role("button", name="停用").click()
    expect(versions).to_contain_text("第 3 版 停用，管理员")
    page.get_by_role("button", name="启用").click()
    expect(versions).to_contain_text("第 4 版 启用，管理员")


def test_without_scripts_a_rule_is_tried_and_saved(
    chromium: Browser, signed_in: BrowserContext, desk: RunningDesk
) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.add_cookies(signed_in.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{desk.base}/rules/new?q=起火&from=all")
    page.get_by_role("button", name="试算").click()  # needs no reason yet
    expect(page.get_by_role("region", name="试算")).to_contain_text("条信号命中")
    page.get_by_label("缘由").fill("不靠脚本")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("起火")
    context.close()


def test_rules_are_easy_to_use_in_any_mode(chromium: Browser, signed_in: BrowserContext, desk: RunningDesk) -> None:
    looker = Looker(fresh_page(chromium, signed_in))
    for name, path in PAGES.items():
        looker.page.goto(desk.base + path)
        if path.endswith("edit") or "?" in path:
            expect(looker.page.get_by_role("region", name="试算")).to_contain_text("条信号命中")
        looker.look(name)
    looker.end()
