"""From pages to alerts through the whole pipeline; what a text says is told by the test, not read from it."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from alerts.engine import AlertEngine
from alerts.setup import build_engine
from config.lexicon import Lexicon
from config.settings import PROJECT
from core.records import (
    Alert,
    AlertState,
    Analysis,
    ArchiveRef,
    Finding,
    Gone,
    Kind,
    Mention,
    MentionType,
    RawDocument,
    RegistryEntry,
    Signal,
)
from crawlers.intake import Validators
from nlp.subjects import Subjects, subjects_of
from pipelines.intake import StoreIntake
from pipelines.stages import Pipeline
from store.alert_log import alert_details, findings_of_alert, history_of, list_alerts
from store.database import Store
from store.documents import find_signals
from store.schema import deliveries, findings

CONFIG = PROJECT / "config"
START = datetime.fromisoformat("2026-11-09T00:00:00+00:00")


@dataclass(frozen=True)
class Page:
    """A publication and what a reader makes of it. hours: after the story's beginning."""

    name: str
    hours: float
    kind: Kind = Kind.NEWS
    source: str = "daily"
    product: str | None = "rebar"
    firm: str | None = None
    place: str | None = "360313"
    issues: tuple[str, ...] = ("cutcorner",)
    level: int = 2
    hurt: Mapping[str, int] = field(default_factory=dict)
    clears: str | None = None
    address: str = ""
    body: str = ""

    @property
    def raw(self) -> RawDocument:
        at = START + timedelta(hours=self.hours)
        return RawDocument(
            source=self.source,
            kind=self.kind,
            url=f"http://{self.source}.example/{self.address or self.name}",
            title=self.name,
            text=self.body or _own_words(self.name),
            fetched_at=at,
            published=at,
            archive=ArchiveRef("a.warc.gz", 17, 400, "ab" * 32),
        )

    @property
    def analysis(self) -> Analysis:
        firm = self.clears or self.firm
        named = Mention(0, 2, self.name[:2], MentionType.ENTERPRISE, firm, negated=self.clears is not None)
        risk = self.level > 0
        return Analysis(
            is_risk=risk,
            level=self.level,
            score=0.9 if risk else 0.1,
            primary_product=self.product if risk else None,
            primary_enterprise=self.firm if risk else None,
            jurisdiction_code=self.place,
            mentions=(),
            title_mentions=(named,) if firm else (),
            issues=self.issues if risk else (),
            products=(self.product,) if self.product and risk else (),
            enterprises=(self.firm,) if self.firm and risk else (),
            regions=(self.place,) if self.place else (),
            reasons=("told by the test",),
            masked_title=self.name,
            masked_text=self.body or _own_words(self.name),
            casualties=self.hurt,
            stance="refutation" if self.clears else "none",
        )


def _own_words(name: str) -> str:
    """A text that is nobody else's: no two pages may be near-duplicates by accident."""
    chance = random.Random(name)
    return "。".join("".join(chr(chance.randint(0x4E00, 0x9000)) for _ in range(20)) for _ in range(4)) + "。"


@dataclass
class Told:
    """Stands in for the analyzer: a title's analysis is what its page says."""

    pages: dict[str, Page]

    def analyze(self, title: str, _text: str, **_more: Any) -> Analysis:
        return self.pages[title].analysis

    def subjects(self, title: str, text: str) -> Subjects:
        return subjects_of(self.analyze(title, text))


@dataclass
class Desk:
    """A store with the pipeline and the shipped rules over it."""

    store: Store
    engine_of: Callable[[], AlertEngine]
    told: Told = field(default_factory=lambda: Told({}))
    now: datetime = START
    engine: AlertEngine | None = None

    def __post_init__(self) -> None:
        self.engine = self.engine_of()

    def pipeline(self, who: str = "test") -> Pipeline:
        engine = self.engine
        assert engine is not None

        def judge(db: Connection, signal: Signal, now: datetime) -> None:
            engine.judge(db, signal, now=now)

        return Pipeline(
            store=self.store,
            analyzer=self.told,  # type: ignore[arg-type]  # only what the pipeline calls
            judge=judge,
            clock=lambda: self.now,
            who=who,
        )

    def put(self, page: Page) -> None:
        """The page is fetched; nothing has looked at it yet."""
        self.told.pages[page.name] = page
        self.now = max(self.now, START + timedelta(hours=page.hours))
        StoreIntake(self.store, lambda: self.now).save(page.raw)

    def read(self, *pages: Page) -> None:
        """Each page comes in and is carried through before the next one."""
        for page in pages:
            self.put(page)
            self.pipeline().drain()

    def gone(self, page: Page, hours: float) -> None:
        """The page answers 404."""
        self.now = START + timedelta(hours=hours)
        StoreIntake(self.store, lambda: self.now).gone(Gone(page.source, page.raw.url, self.now, 404))
        self.pipeline().drain()

    def alerts(self) -> list[Alert]:
        """The alerts that were not merged into another, oldest first."""
        with self.store.read() as db:
            kept = [one for one in list_alerts(db) if not alert_details(db, one.id).get("merged_into")]
        return sorted(kept, key=lambda alert: alert.first_at)

    def one(self) -> Alert:
        """The only alert."""
        [alert] = self.alerts()
        return alert

    def actions(self, alert: Alert) -> list[str]:
        with self.store.read() as db:
            return [row.action for row in history_of(db, alert.id)]

    def findings(self, alert: Alert) -> list[Finding]:
        with self.store.read() as db:
            return findings_of_alert(db, alert.id)

    def story(self) -> set[tuple[Any, ...]]:
        """What must be the same however the documents came in: no id of a row, no time of writing."""
        found = set()
        for alert in self.alerts():
            titles = tuple(sorted(self.titles(alert)))
            ended = alert.state is AlertState.DISMISSED
            standing = tuple(sorted(finding.id for finding in self.findings(alert)))
            where = (alert.subject, alert.territories, alert.enterprises)
            told = (alert.level, alert.title, alert.reason, alert.first_at, alert.updated_at, alert.origins)
            found.add((titles, ended, standing, *where, *told, alert.unconfirmed))
        return found

    def titles(self, alert: Alert) -> list[str]:
        with self.store.read() as db:
            return [signal.document.title for signal in find_signals(db, alert.documents)]


@pytest.fixture
def engine_of(lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Callable[[], AlertEngine]:
    return lambda: build_engine(CONFIG, registry=firms.get, lexicon=lexicon)


@pytest.fixture
def desk(store: Store, engine_of: Callable[[], AlertEngine]) -> Desk:
    return Desk(store, engine_of)


VIDEO = Page("红炉轧钢的钢筋越做越细", 1, Kind.SOCIAL, "video", firm="ENT0190")
BLOG = Page("内部人说红炉钢筋负公差", 3, Kind.SOCIAL, "blog", firm="ENT0190")
REPOST = replace(BLOG, name="转一个：内部人说红炉钢筋负公差", source="forum", hours=4, body=VIDEO.raw.text)
WRONG = Page("有人爆料芦溪某厂钢筋", 2, Kind.SOCIAL, "video", firm="ENT0177")
WRONG_TOO = Page("芦溪那家厂的钢筋也缩水", 4, Kind.SOCIAL, "blog", firm="ENT0177")
CLEARED = Page("澄清：涉事钢筋与芦溪这家企业无关", 9, level=0, clears="ENT0177", place="360323")
PRESS = Page("记者调查：红炉钢筋八批五批不合格", 20, source="evening", firm="ENT0190", issues=("cutcorner", "nonconf"))
NOTICE = Page("关于红炉轧钢的抽查通报", 40, Kind.NOTICE, "amr", firm="ENT0190", issues=("nonconf",), level=3)
FIRST_COUNT = Page(
    "热水器中毒三人",
    2,
    product="gas_appliance",
    place="361128",
    issues=("poison",),
    hurt={"poisoned": 3},
    address="gas",
)
CORRECTED = replace(FIRST_COUNT, name="更正：热水器中毒一人", hours=6, hurt={"poisoned": 1})
LATER_GAS = replace(FIRST_COUNT, name="鄱阳热水器一人中毒已出院", hours=8, source="evening", hurt={}, address="gas2")
NOISE = Page("某地水泥抽查一批不合格", 5, Kind.SPOTCHECK, "amr", "cement", "ENT0101", "360500", ("nonconf",))
STORY = (VIDEO, WRONG, FIRST_COUNT, BLOG, WRONG_TOO, REPOST, NOISE, CORRECTED, LATER_GAS, CLEARED, PRESS, NOTICE)


def test_a_second_independent_voice_opens_the_alert(desk: Desk) -> None:
    desk.read(VIDEO)
    assert desk.alerts() == []
    desk.read(BLOG)
    alert = desk.one()
    assert (alert.level, alert.rule, alert.unconfirmed, alert.origins) == (2, "insider_report", True, 2)


def test_a_copy_is_no_second_voice(desk: Desk) -> None:
    desk.read(VIDEO, REPOST)
    assert desk.alerts() == []


def test_a_copy_that_came_in_before_its_original_ends_up_as_a_copy(desk: Desk) -> None:
    desk.read(REPOST, VIDEO, BLOG)
    assert (desk.one().origins, len(desk.one().documents)) == (2, 3)


def test_the_accusation_of_the_wrong_firm_ends_with_its_refutation(desk: Desk) -> None:
    desk.read(WRONG, WRONG_TOO)
    assert desk.one().state is AlertState.NEW
    desk.read(CLEARED)
    alert = desk.one()
    assert alert.state is AlertState.DISMISSED
    assert desk.actions(alert) == ["opened", "dismissed"]
    assert desk.findings(alert) == []


def test_a_withdrawn_text_takes_its_ground_away(desk: Desk) -> None:
    desk.read(PRESS)
    assert desk.one().state is AlertState.NEW
    desk.gone(PRESS, 30)
    assert desk.one().state is AlertState.DISMISSED
    assert "撤回" in desk.one().reason


def test_an_alert_s_history_tells_what_became_of_the_pages_it_rests_on(desk: Desk) -> None:
    desk.read(PRESS)
    alert = desk.one()
    desk.read(replace(PRESS, name=f"{PRESS.name}（改）", hours=PRESS.hours + 5, address=PRESS.name))
    desk.gone(replace(PRESS, address=PRESS.name), 30)
    desk.now = START + timedelta(hours=40)
    StoreIntake(desk.store, lambda: desk.now).remember(PRESS.source, PRESS.raw.url, Validators(etag="x"))
    desk.pipeline().drain()
    with desk.store.read() as db:
        told = [(row.details["reason"], row.note) for row in history_of(db, alert.id) if row.action == "noted"]
    assert [reason for reason, _ in told if reason.startswith("page_")] == ["page_changed", "page_gone", "page_back"]
    assert "存为第 2 版" in told[0][1]


def test_a_paper_s_own_correction_changes_the_same_alert_and_lowers_nothing(desk: Desk) -> None:
    desk.read(FIRST_COUNT)
    before = desk.one()
    assert before.level == 3
    desk.read(CORRECTED)
    after = desk.one()
    assert (after.id, after.number, after.level, after.documents) == (before.id, before.number, 3, before.documents)
    assert "lowered" not in desk.actions(after)


def test_an_authority_s_correction_of_its_own_figures_lowers_the_alert(desk: Desk) -> None:
    first = replace(FIRST_COUNT, kind=Kind.NOTICE, source="amr")
    desk.read(first)
    assert desk.one().level == 3
    desk.read(replace(CORRECTED, kind=Kind.NOTICE, source="amr"))
    assert desk.one().level == 2
    with desk.store.read() as db:
        [row] = [row for row in history_of(db, desk.one().id) if row.action == "lowered"]
    assert (row.actor, row.details["reason"]) == ("system", "official_statement")


def test_a_revision_still_counts_in_the_window_that_its_first_text_completed(desk: Desk) -> None:
    desk.read(VIDEO, BLOG)
    desk.read(replace(BLOG, name="内部人说红炉钢筋负公差（改）", hours=5, address=BLOG.name))
    assert (desk.one().level, desk.one().state) == (2, AlertState.NEW)


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_arrival_gives_the_same_alerts(
    desk: Desk, engine_of: Callable[[], AlertEngine], tmp_path: Any, seed: int
) -> None:
    desk.read(*STORY)
    other_store = Store(f"sqlite:///{tmp_path / 'other.db'}")
    other_store.migrate()
    other = Desk(other_store, engine_of, now=START + timedelta(hours=48))
    order = list(STORY)
    random.Random(seed).shuffle(order)
    if order.index(CORRECTED) < order.index(FIRST_COUNT):  # one page's revisions come in their order
        order.remove(CORRECTED)
        order.insert(order.index(FIRST_COUNT) + 1, CORRECTED)
    other.read(*order)
    assert other.story() == desk.story()
    assert len(desk.story()) == 4
    other_store.close()


def test_all_at_once_or_one_by_one_is_the_same(desk: Desk, engine_of: Callable[[], AlertEngine], tmp_path: Any) -> None:
    desk.read(*STORY)
    other_store = Store(f"sqlite:///{tmp_path / 'other.db'}")
    other_store.migrate()
    other = Desk(other_store, engine_of)
    for page in STORY:
        other.put(page)
    other.pipeline().drain()
    assert other.story() == desk.story()
    other_store.close()


def test_a_restart_between_any_two_documents_changes_nothing(
    desk: Desk, engine_of: Callable[[], AlertEngine], tmp_path: Any
) -> None:
    desk.read(*STORY)
    path = f"sqlite:///{tmp_path / 'other.db'}"
    Store(path).migrate()
    seen: Desk | None = None
    for place in range(len(STORY)):
        fresh = Store(path)
        seen = Desk(fresh, engine_of, Told({page.name: page for page in STORY}))
        seen.read(STORY[place])
        if place < len(STORY) - 1:
            fresh.close()
    assert seen is not None
    assert seen.story() == desk.story()
    seen.store.close()


def test_the_same_documents_again_are_nothing_new(desk: Desk) -> None:
    desk.read(*(page for page in STORY if page is not FIRST_COUNT))

    def all_rows() -> tuple[Any, ...]:
        with desk.store.read() as db:
            history = [row for alert in list_alerts(db) for row in history_of(db, alert.id)]
            return desk.alerts(), history, db.execute(select(findings)).all(), db.execute(select(deliveries)).all()

    before = all_rows()
    desk.read(*(page for page in STORY if page is not FIRST_COUNT))
    assert all_rows() == before


def test_judging_a_signal_again_changes_nothing(desk: Desk) -> None:
    desk.read(*STORY)
    before = (desk.story(), [desk.actions(alert) for alert in desk.alerts()])
    assert desk.engine is not None
    with desk.store.write() as db:
        ids = sorted({document for alert in list_alerts(db) for document in alert.documents})
        for signal in find_signals(db, ids):
            assert desk.engine.judge(db, signal, now=desk.now).changes == ()
    assert (desk.story(), [desk.actions(alert) for alert in desk.alerts()]) == before


def test_every_alert_shows_what_it_rests_on(desk: Desk) -> None:
    desk.read(*STORY)
    assert desk.engine is not None
    known = {rule.id: rule.version for rule in desk.engine.rules}
    for alert in desk.alerts():
        if alert.state is AlertState.DISMISSED:
            continue
        standing = desk.findings(alert)
        assert standing
        for finding in standing:
            assert known[finding.rule] == finding.rule_version
            assert finding.numbers["count"] >= 1
            assert set(finding.documents) <= set(alert.documents)
            assert finding.reason.startswith("规则「")
        with desk.store.read() as db:
            signals = find_signals(db, alert.documents)
        assert len(signals) == len(alert.documents)
        for signal in signals:
            assert signal.document.archive is not None
            for mention in signal.analysis.title_mentions:
                assert signal.document.title[mention.start : mention.end] == mention.text


def kettle(name: str, hours: float, kind: Kind, issues: tuple[str, ...], level: int = 1) -> Page:
    return Page(name, hours, kind, f"{kind}-{name[0]}", "small_appliance", "ENT0015", "360111", issues, level)


def test_a_chain_is_an_alert_of_its_own_until_the_firm_s_alert_stands_as_high(desk: Desk) -> None:
    complaints = [kettle(f"第{day}件水壶投诉", day * 24, Kind.COMPLAINT, ("defect",)) for day in (1, 2, 3)]
    check = kettle("抽查通报水壶不合格", 200, Kind.SPOTCHECK, ("nonconf",), 1)
    desk.read(*complaints, check)
    assert desk.alerts() == []
    desk.read(kettle("关于召回水壶的公告", 300, Kind.RECALL, ("recall",), 1))
    assert {(alert.rule, alert.level) for alert in desk.alerts()} == {
        ("recall_home", 1),
        ("complaints_check_recall", 2),
    }
    desk.read(kettle("水壶致多人触电重伤", 320, Kind.NEWS, ("shock", "injury"), 3))
    alert = desk.one()
    assert (alert.subject, alert.level) == ("f:ENT0015", 3)


def test_two_workers_at_once_open_one_alert(desk: Desk) -> None:
    pages = [replace(PRESS, name=f"红炉钢筋第{place}篇报道", hours=place, source=f"s{place}") for place in range(24)]
    for page in pages:
        desk.put(page)
    problems: list[BaseException] = []

    def work(who: str) -> None:
        try:
            desk.pipeline(who).drain()
        except BaseException as problem:  # noqa: BLE001 - a thread's failure must reach the test
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.pipeline().drain()
    assert problems == []
    assert len(desk.one().documents) == len(pages)
    assert desk.actions(desk.one()).count("opened") == 1
