"""One incident in a real Chromium, by clicks and forms: from the fetched page to the closed entry, and again."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from alerts.duty import Duty
from alerts.rule_judge import RuleJudge
from config.lexicon import load_registry_csv
from core.records import Analysis, ArchiveRef, Kind, RawDocument
from ledger.book import open_book
from ledger.watch import LedgerWatch
from nlp.subjects import Subjects, subjects_of
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from store import desk_rules, users
from tests.desk_server import CONFIG, NOW, Reader, RunningDesk, make_services, running_desk
from tests.desk_visits import PASSWORD
from tests.test_browser_desk import chromium, pytestmark
from tests.test_browser_ledger import Person
from web.services import Services

__all__ = ["chromium", "pytestmark"]  # fixtures and marks
FIRM, NAME = "ENT0005", "奉新县鹄鸣电动车有限公司"
TITLE = "楼道内电动自行车充电起火，一人烧伤"
PEOPLE = {
    "desk": ("officer", "360000", "李值班"),
    "county": ("officer", "360921", "王承办"),
    "other": ("officer", "360981", "丰城"),
    "vice": ("supervisor", "360000", "周带班"),
    "chief": ("supervisor", "360000", "陈带班"),
}


class Told:
    """Stands in for the analyzer: the dictionary reader, with the judgement of the test."""

    def __init__(self, services: Services) -> None:
        registry = load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")
        self.reader = Reader(services.lexicon, registry)

    def analyze(self, title: str, text: str, **_more: Any) -> Analysis:
        truth = {"is_risk": True, "level": 3, "product": "ebike", "enterprise": FIRM, "jurisdiction": "360921"}
        return self.reader.analysis(title, text, truth)

    def subjects(self, title: str, text: str) -> Subjects:
        return subjects_of(self.analyze(title, text))


def arrive(services: Services, title: str, text: str) -> None:
    """A page is fetched, and the pipeline carries it through: read, judged, made an alert."""
    assert services.rule_parts is not None
    judge = RuleJudge(services.store, services.rule_parts)
    worker = Pipeline(services.store, Told(services), judge, services.clock, "worker")  # type: ignore[arg-type]  # all that it calls
    raw = RawDocument(
        source="ganjiang_daily", kind=Kind.NEWS, url=f"http://daily.example/{len(title)}", title=title, text=text,
        fetched_at=services.clock(), published=services.clock(), archive=ArchiveRef("a.warc.gz", 17, 400, "ab" * 32),
    )  # fmt: skip
    StoreIntake(services.store, services.clock).save(raw)
    assert worker.drain()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    services = make_services(tmp_path_factory.mktemp("browser-walk"))
    rule = {
        "title": "楼道充电起火", "why": "飞线充电，易成灾", "level": "orange", "group_by": ["matter"],
        "condition": {"type": "any"}, "repeat_after": None, "scope": {"query": "起火 and 楼道", "min_level": 0},
    }  # fmt: skip
    with services.store.write() as db:
        desk_rules.create_rule(db, rule, actor="admin", territory="000000", now=NOW, once="walk")
        for name, (role, territory, called) in PEOPLE.items():
            who: dict[str, Any] = {"role": role, "territory": territory, "display_name": called}
            users.create_user(db, name, **who, password=PASSWORD, now=NOW - timedelta(days=1))
    with running_desk(services) as running:
        yield running
    services.store.close()


def test_one_incident_from_the_first_document_to_the_closed_entry_and_again(
    chromium: Browser, desk: RunningDesk
) -> None:
    officer = Person(chromium, desk, "desk")
    page = officer.page
    now = page.get_by_role("region", name="现在要办")
    expect(now.get_by_role("link", name=re.compile(NAME))).to_have_count(0)
    arrive(desk.services, TITLE, f"宜春市奉新县一楼道内，{NAME}生产的电动自行车充电时起火，一人烧伤送医。")

    page.goto(f"{desk.base}/")  # what has to be done now
    now.get_by_role("link", name=re.compile(NAME)).click()
    evidence = page.get_by_role("region", name="证据")
    expect(evidence.locator(".quote .m-issue").first).to_have_text("起火")
    evidence.get_by_role("link", name="原文存档").first.click()
    expect(page.get_by_role("region", name="存档凭证")).to_contain_text("a.warc.gz")
    page.go_back()
    page.get_by_role("button", name=re.compile("^受理")).click()
    expect(page.get_by_role("region", name="处置经过")).to_contain_text("受理，李值班")
    page.get_by_role("link", name="列入台账").click()
    expect(page.get_by_label("企业", exact=True)).to_have_value(NAME)
    page.get_by_role("button", name="列入台账").click()
    page.wait_for_url(re.compile("/ledger/YH-"))
    entry = page.url.partition("?")[0]
    number = entry.rpartition("/")[2]
    officer.does("dispatch", "派单", unit="360921", person="刘某", note="三日内查清流向")

    other = Person(chromium, desk, "other")  # a county sees its own and nothing else
    other.page.goto(f"{desk.base}/ledger")
    expect(other.page.get_by_role("link", name=number)).to_have_count(0)
    assert other.page.goto(entry).status == 404  # type: ignore[union-attr]

    county = Person(chromium, desk, "county")
    county.page.goto(f"{desk.base}/ledger")
    county.page.get_by_role("link", name=number, exact=True).click()
    county.does("receive", "签收")
    county.does("visit", "核查属实", note="现场查实，封存同批电池 40 组")
    county.does("rectify", "报告整改", note="停止销售，召回 112 组")
    county.does("recheck", "复查", first="王某", second="赵某", passed="yes")
    county.does("proof", "上传材料", kind="report")
    county.does("apply", "申请销号")
    expect(county.page.locator("#do-close")).to_have_count(0)  # not by an officer

    vice = Person(chromium, desk, "vice")  # not without proof, and not by who took part
    vice.page.goto(entry)
    expect(vice.page.get_by_role("button", name=re.compile("^销号（还差 . 项）"))).to_be_disabled()
    vice.does("waive", "免除静默条件", note="只有首发一条，已核对")
    for kind in ("recheck", "retest", "goods"):
        vice.does("proof", "上传材料", kind=kind)
    vice.step("close").get_by_role("button", name="销号").click()
    expect(vice.page.get_by_role("status").filter(has_text="须由另一人审核")).to_be_visible()

    chief = Person(chromium, desk, "chief")
    chief.page.goto(f"{desk.base}/ledger?view=ready")
    chief.page.get_by_role("link", name=number, exact=True).click()
    chief.does("close", "销号", note="经复查符合销号条件，予以销号")
    expect(chief.page.get_by_role("region", name="经过")).to_contain_text("销号，陈带班")

    arrive(desk.services, "又一起楼道起火", f"奉新县一居民楼楼道内，{NAME}生产的电动自行车起火，无人受伤，消防已扑灭。")
    services = desk.services
    book = open_book(services.ledger, Duty().is_workday, services.lexicon)
    assert LedgerWatch(services.store, book, services.lexicon.regions).tick(services.clock())["reopen"] == 1
    county.page.goto(f"{desk.base}/ledger")
    county.page.get_by_role("link", name=number, exact=True).click()
    history = county.page.get_by_role("region", name="经过")
    expect(history).to_contain_text("重新打开，系统")
    history.get_by_role("link", name="又一起楼道起火").click()
    expect(county.page.get_by_role("heading", level=1)).to_have_text("又一起楼道起火")
    for person in (officer, other, county, vice, chief):
        person.page.context.close()
