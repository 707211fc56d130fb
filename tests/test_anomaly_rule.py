"""The rule type `anomaly`: what it takes for unusual, how it says why, and how its alert lives."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.clockwork import Clockwork
from alerts.engine import AlertEngine
from alerts.rule_examples import engine_of_one, signals_of
from alerts.rule_query import queries_of
from alerts.rule_words import rule_words
from alerts.setup import load_file_rules
from config.calendar_classes import load_calendar
from config.grouping import load_grouping
from config.lexicon import Lexicon
from config.rules import ExampleDocument, Rule, read_rule
from config.settings import PROJECT
from core.errors import ConfigError
from core.records import Alert, AlertState, Finding, RegistryEntry, Signal
from store.alert_log import findings_of, history_of, list_alerts
from store.database import Store
from store.day_counts import days_of
from store.documents import add_revision, analysis_columns
from store.events import Member, open_event, put_member
from store.schema import alerts, documents

CONFIG = PROJECT / "config"
DAY = 24
FIRE = {"kind": "complaint", "source": "12315", "product": "cable", "enterprise": "ENT0140", "issues": ["fire"]}
USUAL = {"kind": "complaint", "source": "12315", "product": "ebike", "issues": ["defect"], "days": 100, "every": 3}
"""Another key, so that the rule knows a hundred days."""


def rule_with(condition: dict[str, Any], **more: Any) -> Rule:
    told = {"title": "异常增多", "why": "用于测试", "level": "yellow", "group_by": ["product", "issue"], **more}
    examples: dict[str, Any] = {"fires": [[{}]], "quiet": [[{}]]}
    text = yaml.safe_dump(
        {**told, "condition": {"type": "anomaly", **condition}, "examples": examples}, allow_unicode=True
    )
    return read_rule(text, stem="unusual", name="rules/unusual.yml")


@dataclass
class Desk:
    """A store, one rule over it, and its clockwork."""

    store: Store
    engine: AlertEngine
    now: datetime | None = None

    def tell(self, *story: dict[str, Any]) -> None:
        """Judge the documents in order of event time."""
        for signal in told(*story):
            self.judge(signal)

    def add(self, begin: str, *story: dict[str, Any]) -> None:
        """Go on with the story: more documents."""
        for signal in named(begin, *story):
            self.judge(signal)

    def judge(self, signal: Signal) -> None:
        self.now = max(filter(None, (self.now, signal.document.stored_at)))
        with self.store.write() as db:
            self.engine.judge(db, signal, now=self.now)

    def pass_time(self) -> None:
        assert self.now is not None
        Clockwork(self.store, self.engine).run(self.now)

    def findings(self, key: str = "cable|fire") -> list[Finding]:
        with self.store.read() as db:
            return findings_of(db, rule="unusual", key=f"w:unusual|{key}")

    def alerts(self) -> list[Alert]:
        with self.store.read() as db:
            return sorted(list_alerts(db), key=lambda alert: alert.first_at)

    def actions(self, alert: Alert) -> list[str]:
        with self.store.read() as db:
            return [row.action for row in history_of(db, alert.id)]


def told(*story: dict[str, Any]) -> list[Signal]:
    """The documents of a story, each named after where it stands in it."""
    return signals_of([ExampleDocument.model_validate(one) for one in story])


def named(begin: str, *story: dict[str, Any]) -> list[Signal]:
    """The same under other names, for a story that is told in parts."""
    return [replace(one, document=replace(one.document, id=f"{begin}-{one.document.id}")) for one in told(*story)]


def engine_with(rule: Rule, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> AlertEngine:
    """An engine of that rule alone, with the calendar of the checkout."""
    grouping, calendar = load_grouping(CONFIG), load_calendar(CONFIG)
    return engine_of_one(rule, lexicon=lexicon, grouping=grouping, registry=firms.get, queries=None, calendar=calendar)


MakeDesk = Callable[[Rule], Desk]


@pytest.fixture
def desk_of(tmp_path: Path, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Iterator[MakeDesk]:
    """Desks of one rule each."""
    opened: list[Store] = []

    def make(rule: Rule) -> Desk:
        store = Store(f"sqlite:///{tmp_path / f'{len(opened)}.db'}", synchronous="NORMAL")
        store.migrate()
        opened.append(store)
        engine = engine_with(rule, lexicon, firms)
        desk = Desk(store, engine)
        Clockwork(store, engine).begin()
        return desk

    yield make
    for store in opened:
        store.close()


# --- what is unusual ------------------------------------------------------------------------------------------------


def test_on_a_silent_key_one_is_no_alarm_and_three_in_a_week_are(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"threshold": 5}))
    desk.tell(USUAL, {**FIRE, "at": 80 * DAY})
    assert desk.findings() == []
    desk.add("second", {**FIRE, "at": 83 * DAY, "source": "shop"})
    assert desk.findings() == []
    desk.add("third", {**FIRE, "at": 86 * DAY})
    [finding] = desk.findings()
    assert "历史不足" in finding.reason, "a key that appeared this week has no history of its own"
    assert finding.numbers["score"] < 5, "the rule for rare keys, not the score"


def test_what_a_busy_key_always_has_is_none(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({}))
    desk.tell({**FIRE, "days": 90, "same": 3}, {**FIRE, "at": 90 * DAY, "same": 5, "source": "shop"})
    assert desk.findings() == []


def test_the_alarm_comes_with_the_document_that_makes_it_one_and_says_everything(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"windows": [1, 3]}))
    desk.tell({**FIRE, "days": 90, "same": 1})
    burst = told({**FIRE, "at": 90 * DAY, "same": 12, "source": "shop"})
    fired = None
    for number, signal in enumerate(burst, 1):
        desk.judge(replace(signal, document=replace(signal.document, id=f"burst-{number:02}")))
        if fired is None and desk.findings():
            fired = number
    assert fired is not None
    assert 3 < fired < 12
    [finding] = desk.findings()
    assert finding.fired_at == burst[fired - 1].document.event_time
    assert {f"burst-{number:02}" for number in range(1, 13)} <= set(finding.documents)
    needed = {"expected", "upper", "p", "threshold", "score", "p_1d", "p_3d", "count_1d", "expected_3d", "upper_1d"}
    assert needed <= finding.numbers.keys()
    assert finding.numbers["needed"] == fired
    assert finding.numbers["count"] > finding.numbers["upper"] > finding.numbers["expected"]
    assert all(words in finding.reason for words in ("预期", "通常不超过", "天一遇"))
    assert f"得分 {finding.numbers['score']:.2f}（阈值 2.50）" in finding.reason
    assert "预算：1 个序列，预计每天误报约 0.0032 次" in finding.reason


def test_a_young_rule_leans_on_the_parents_other_keys_and_says_so(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"threshold": 1.5}))
    busy = {**FIRE, "issues": ["defect"], "days": 20, "same": 4}
    desk.tell(busy, {**FIRE, "at": 19 * DAY, "same": 5})
    assert desk.findings() == [], "five where the product's other issue has four a day"
    alone = desk_of(rule_with({"threshold": 1.5}))
    alone.tell({**USUAL, "days": 20, "every": 1, "product": "helmet"}, {**FIRE, "at": 19 * DAY, "same": 5})
    [finding] = alone.findings()
    assert "历史不足" in finding.reason


def test_in_its_first_two_weeks_a_rule_judges_nothing(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({}))
    desk.tell({**FIRE, "days": 3}, {**FIRE, "at": 10 * DAY, "same": 20})
    assert desk.findings() == []


@pytest.mark.parametrize(
    ("detector", "parameters"),
    [
        ("ears_c1", {}), ("ears_c2", {"baseline": 14}), ("ears_c3", {}), ("bayes", {"alpha": 0.01}), ("cusum", {}),
        ("glr", {}), ("farrington_flexible", {"b": 8}), ("outbreak_p", {}),
    ],
)  # fmt: skip
def test_each_classic_detector_serves_a_rule(desk_of: MakeDesk, detector: str, parameters: dict[str, Any]) -> None:
    desk = desk_of(rule_with({"detector": detector, "parameters": parameters}))
    burst = {"same": 14, "source": "shop", "days": 3}  # C3 looks at the two days before
    desk.tell({**FIRE, "days": 50, "every": 2}, {**FIRE, **burst, "at": 101 * DAY})
    [finding] = desk.findings()
    assert finding.numbers["count"] >= finding.numbers["needed"] > 0
    assert detector in finding.reason or "件" in finding.reason
    assert not any(math.isnan(value) for value in finding.numbers.values())


def test_copies_do_not_count_and_sources_may_be_counted_instead_of_documents(desk_of: MakeDesk) -> None:
    many = {**FIRE, "at": 90 * DAY, "same": 12}
    desk = desk_of(rule_with({"count": "sources"}))
    desk.tell(USUAL, many)
    assert desk.findings() == [], "one source, however much it writes"
    copies = desk_of(rule_with({}))
    copies.tell({**FIRE, "at": 0}, USUAL, {**many, "repost": True})
    with copies.store.read() as db:
        assert sum(days_of(db, "w:unusual|cable|fire", 0, 10**6, different=False).values()) in (0, 1)
    assert copies.findings() == []


def test_events_are_counted_once_and_counted_anew_when_documents_change_theirs(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"count": "events"}))
    desk.tell({**USUAL, "days": 30}, {**FIRE, "at": 90 * DAY, "same": 9})
    [finding] = desk.findings()
    assert finding.numbers["count"] == 9
    with desk.store.write() as db:
        at = finding.fired_at
        event = open_event(db, "one", at, now=at)
        for name in finding.documents:
            put_member(db, Member(name, event, at, True, False, None, 0.0, (), {}), ())
    desk.pass_time()
    assert desk.findings() == [], "nine documents of one event are one"


# --- many keys ------------------------------------------------------------------------------------------------------


def test_a_budget_sets_the_threshold_by_the_number_of_keys(desk_of: MakeDesk) -> None:
    keys = [{**FIRE, "enterprise": f"NIL:厂{n:02}", "days": 4, "every": 25, "at": n % 7} for n in range(60)]
    desk = desk_of(rule_with({"budget": 0.06}, group_by=["firm"]))
    desk.tell(*keys, {**FIRE, "enterprise": "NIL:厂00", "at": 99 * DAY, "same": 9, "source": "shop"})
    [finding] = desk.findings("NIL:厂00")
    assert finding.numbers["keys"] == 60
    assert finding.numbers["threshold"] == pytest.approx(3.0)
    assert finding.numbers["false_alarms_a_day"] == pytest.approx(0.06)


def test_benjamini_hochberg_lets_the_same_score_through_where_many_keys_have_it(desk_of: MakeDesk) -> None:
    def standing(bursts: int) -> int:
        desk = desk_of(
            rule_with({"correct": "benjamini_hochberg", "false_share": 0.05, "at_least": 2}, group_by=["firm"])
        )
        keys = [{**FIRE, "enterprise": f"NIL:厂{n:02}", "days": 15, "every": 6, "at": n % 5} for n in range(12)]
        desk.tell(*keys)
        for n in range(bursts):
            desk.add(str(n), {**FIRE, "enterprise": f"NIL:厂{n:02}", "at": 90 * DAY, "same": 2})
        return len(desk.findings("NIL:厂00"))

    alone, together = standing(1), standing(8)
    assert (alone, together) == (0, 1)


# --- the life of its alert ------------------------------------------------------------------------------------------


def test_one_alert_grows_says_when_it_doubles_is_cleared_after_three_quiet_days_and_a_new_burst_is_a_new_one(
    desk_of: MakeDesk,
) -> None:
    desk = desk_of(rule_with({}))
    desk.tell({**FIRE, "days": 60, "every": 2, "source": "paper", "kind": "news"})
    for day, count in ((120, 6), (121, 6), (123, 8)):
        desk.add(str(day), {**FIRE, "at": day * DAY, "same": count, "source": "shop"})
    desk.pass_time()
    [alert] = desk.alerts()
    assert len(desk.findings()) == 1
    assert desk.actions(alert).count("opened") == 1
    assert "grown" in desk.actions(alert)
    assert alert.state is AlertState.NEW
    desk.add("then", {**USUAL, "days": 1, "at": 126 * DAY, "level": 0})
    desk.pass_time()
    assert desk.alerts()[0].state is AlertState.NEW, "the third quiet day has not passed"
    desk.add("later", {**USUAL, "days": 1, "at": 127 * DAY, "level": 0})
    desk.pass_time()
    [alert] = desk.alerts()
    assert alert.state is AlertState.CLOSED
    assert desk.actions(alert)[-1] == "cleared"
    desk.add("again", {**FIRE, "at": 131 * DAY, "same": 12, "source": "shop"})
    assert [one.state for one in desk.alerts()] == [AlertState.CLOSED, AlertState.NEW]


def test_the_end_of_an_alert_that_a_person_holds_is_told_once_whoever_comes_by(desk_of: MakeDesk) -> None:
    """Each worker has a clockwork of its own."""
    desk = desk_of(rule_with({}))
    desk.tell({**FIRE, "days": 60, "every": 2, "source": "paper", "kind": "news"})
    desk.add("120", {**FIRE, "at": 120 * DAY, "same": 8, "source": "shop"})
    with desk.store.write() as db:
        db.execute(alerts.update().values(state="in_hand"))
    desk.add("later", {**USUAL, "days": 1, "at": 127 * DAY, "level": 0})
    for _worker in range(3):
        desk.pass_time()
    [alert] = desk.alerts()
    assert alert.state is AlertState.IN_HAND
    assert desk.actions(alert) == ["opened", "noted", "all_clear"]


def test_a_document_of_a_closed_run_that_comes_late_opens_it_again(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({}))
    desk.tell(
        {**FIRE, "days": 60, "every": 2},
        {**FIRE, "at": 120 * DAY, "same": 8, "source": "shop"},
        {**USUAL, "days": 1, "at": 126 * DAY},
    )
    desk.pass_time()
    assert desk.alerts()[0].state is AlertState.CLOSED
    desk.add("late", {**FIRE, "at": 123 * DAY, "same": 9, "source": "shop"})
    [alert] = desk.alerts()
    assert alert.state is AlertState.NEW
    assert "reopened" in desk.actions(alert)
    assert len(desk.findings()[0].documents) == 17


# --- a rule that comes later, a rule that changes -------------------------------------------------------------------


OTHER = """
title: 别的规则
why: 用于测试
condition: {type: any}
scope: {issues: [explosion]}
level: blue
examples: {fires: [[{}]], quiet: [[{}]]}
"""


def stored(desk: Desk, *story: dict[str, Any]) -> None:
    """Documents that were judged before the rule came."""
    others = read_rule(OTHER, stem="other", name="other")
    before = engine_with(others, desk.engine.lexicon, {})
    with desk.store.write() as db:
        for signal in told(*story):
            before.judge(db, signal, now=signal.document.event_time)
            add_revision(db, signal.document, external_id="", raw={})
            mine = documents.c.id == signal.document.id
            db.execute(documents.update().where(mine).values(stage="indexed", **analysis_columns(signal.analysis)))


def test_a_new_rule_knows_what_came_before_it_and_fires_on_none_of_it(
    tmp_path: Path, lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    store = Store(f"sqlite:///{tmp_path / 'x.db'}", synchronous="NORMAL")
    store.migrate()
    engine = engine_with(rule_with({}), lexicon, firms)
    desk = Desk(store, engine)
    stored(desk, {**FIRE, "days": 50, "every": 2}, {**FIRE, "at": 90 * DAY, "same": 9, "source": "shop"})
    passes = Clockwork(store, engine)
    passes.begin()
    desk.now = told(FIRE)[0].document.event_time + timedelta(days=101)
    desk.pass_time()
    with store.read() as db:
        assert sum(days_of(db, "w:unusual|cable|fire", 0, 10**6, different=False).values()) == 59
    assert desk.findings() == []
    desk.add("new", {**FIRE, "at": 101 * DAY, "same": 9, "source": "shop"})
    [finding] = desk.findings()
    assert "历史不足" not in finding.reason
    store.close()


def test_with_other_words_a_rule_counts_anew(
    desk_of: MakeDesk, lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    desk = desk_of(rule_with({}))
    desk.tell({**FIRE, "days": 40})
    desk.engine = engine_with(rule_with({}, scope={"issues": ["poison"]}), lexicon, firms)
    Clockwork(desk.store, desk.engine).begin()
    with desk.store.read() as db:
        assert days_of(db, "w:unusual|cable|fire", 0, 10**6, different=False) == {}
        assert days_of(db, "t:unusual", 0, 10**6, different=False) == {}


# --- words and mistakes ---------------------------------------------------------------------------------------------


def test_a_rule_says_what_it_waits_for(lexicon: Lexicon) -> None:
    said = rule_words(rule_with({"budget": 0.5, "count": "sources", "at_least": 3}), lexicon)
    assert "按产品、问题计" in said
    assert "当日信源数高于该序列平日水平（低计数历法模型，误报预算每天 0.5 次，一周内至少 3 个）" in said
    assert "EARS C2" in rule_words(rule_with({"detector": "ears_c2"}, group_by=["source"]), lexicon)


@pytest.mark.parametrize(
    ("condition", "more", "wrong"),
    [
        ({"detector": "ears_c9"}, {}, "condition.detector: Input should be 'calendar_nb'"),
        ({"threshold": 0}, {}, "condition.threshold: Input should be greater than 0"),
        ({"threshold": 3, "budget": 1}, {}, "threshold, budget and correct each say what is an alarm"),
        ({"budget": 1, "correct": "benjamini_hochberg"}, {}, "give one of them"),
        ({"detector": "bayes", "threshold": 3}, {}, "threshold: goes with calendar_nb"),
        ({"detector": "glr", "correct": "benjamini_hochberg"}, {}, "correct: goes with calendar_nb"),
        ({"false_share": 0.2}, {}, "false_share: goes with correct"),
        ({"count": "copies"}, {}, "condition.count: Input should be 'origins', 'events' or 'sources'"),
        ({"windows": []}, {}, "condition.windows: List should have at least 1 item"),
        ({"windows": [0]}, {}, "condition.windows.0: Input should be greater than or equal to 1"),
        ({"window": "7d"}, {}, "condition.window: unknown key (accepted: type, detector, threshold"),
        ({"detector": "ears_c1", "parameters": {"alfa": 1}}, {}, "condition.parameters: alfa: no such parameter"),
        ({"detector": "ears_c1", "parameters": {"method": "C2"}}, {}, "condition.parameters: method: is said by"),
        ({"parameters": {"guard": 0}}, {}, "condition.parameters: guard: Input should be greater than or equal to 1"),
        ({"parameters": {"threshold": 3}}, {}, "condition.parameters: threshold: stands in the condition itself"),
        ({}, {"group_by": ["matter"]}, "condition anomaly needs group_by (accepted: any of all, firm, product"),
        ({}, {"group_by": ["colour"]}, "group_by.0: Input should be"),
    ],
)  # fmt: skip
def test_every_mistake_is_named(
    tmp_path: Path, lexicon: Lexicon, condition: dict[str, Any], more: dict[str, Any], wrong: str
) -> None:
    told_rule = {"title": "异常增多", "why": "用于测试", "level": "yellow", "group_by": ["product"], **more}
    examples: dict[str, Any] = {"fires": [[{}]], "quiet": [[{}]]}
    text = yaml.safe_dump(
        {**told_rule, "condition": {"type": "anomaly", **condition}, "examples": examples}, allow_unicode=True
    )
    (tmp_path / "unusual.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_file_rules(CONFIG, lexicon, queries_of(lexicon), folder=tmp_path)
    assert "rules/unusual.yml: " in str(problem.value)
    assert wrong in str(problem.value)


def test_a_long_history_in_one_line_is_bounded() -> None:
    with pytest.raises(ValueError, match="same x days: 110000 documents"):
        ExampleDocument.model_validate({"same": 100, "days": 1100})
    spread = told({"days": 3, "every": 7, "same": 2})
    begin = spread[0].document.event_time
    hours = [(one.document.event_time - begin) / timedelta(hours=1) for one in spread]
    assert hours == [0, 1, 168, 169, 336, 337]
