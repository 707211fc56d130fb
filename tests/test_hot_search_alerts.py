"""What hot-search topics may raise: yellow on one topic of a clear hazard, blue on talk, brands in the talk."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.engine import AlertEngine
from alerts.rule_examples import signals_of
from alerts.setup import build_engine
from config.grouping import load_grouping
from config.lexicon import load_lexicon
from config.rules import ExampleDocument
from config.settings import PROJECT
from core.records import AlertState, Kind, Signal
from nlp.analyze import Analyzer
from pipelines.events import EventKeeper
from store.alert_log import list_alerts
from store.database import Store


@pytest.fixture(scope="module")
def engine() -> AlertEngine:
    return build_engine(PROJECT / "config", registry=lambda _: None)


def topic(at: float, title: str, **more: Any) -> ExampleDocument:
    return ExampleDocument(kind=Kind.HOTLIST, source="hot", at=at, title=title, **{"level": 1, **more})


def alerts_of(engine: AlertEngine, store: Store, told: list[ExampleDocument]) -> list[Any]:
    for signal in signals_of(told):
        with store.write() as db:
            engine.judge(db, signal, now=signal.document.event_time)
    with store.read() as db:
        return [alert for alert in list_alerts(db) if alert.state is not AlertState.DISMISSED]


def test_one_topic_of_a_clear_hazard_is_yellow_and_marked_unconfirmed(engine: AlertEngine, store: Store) -> None:
    [alert] = alerts_of(engine, store, [topic(0, "连锁火锅店使用过期食材", issues=("lowq",))])
    assert (alert.level, alert.unconfirmed) == (2, True)


def test_one_post_of_a_single_source_stays_blue_at_most(engine: AlertEngine, store: Store) -> None:
    post = ExampleDocument(
        kind=Kind.SOCIAL, source="blog", same=6, product="cable", jurisdiction="360981", issues=("cutcorner",)
    )
    assert {alert.level for alert in alerts_of(engine, store, [post])} == {1}


def test_a_statement_is_blue_and_a_second_one_within_the_day_yellow(engine: AlertEngine, store: Store) -> None:
    first = topic(0, "某日化品牌致歉", enterprise="NIL:某日化", issues=("opinion",))
    second = topic(8, "某日化品牌发布情况说明", enterprise="NIL:某日化", issues=("opinion",))
    [alert] = alerts_of(engine, store, [first])
    assert alert.level == 1
    [alert] = alerts_of(engine, store, [first, second])
    assert (alert.level, len(alert.documents)) == (2, 2)


@pytest.mark.parametrize(("product", "level"), [("ebike", 2), ("child_toy", 2), (None, 2), ("fireworks", 1)])
def test_an_accident_at_a_works_waits_for_a_second_topic(
    engine: AlertEngine, store: Store, product: str | None, level: int
) -> None:
    told = [
        topic(0, "外省一地爆炸", product=product, jurisdiction="430200", issues=("explosion",), level=2),
        topic(5, "外省一地爆炸已造成多人受伤", product=product, jurisdiction="430200", issues=("explosion",), level=2),
    ]
    [alert] = alerts_of(engine, store, told[:1])
    assert alert.level == level
    assert {alert.level for alert in alerts_of(engine, store, told)} == {2}


@pytest.mark.parametrize(("days", "matters"), [(4, 1), (6, 2)])
def test_a_brand_in_the_talk_begins_a_new_matter_after_five_silent_days(
    engine: AlertEngine, store: Store, days: int, matters: int
) -> None:
    told = [
        topic(0, "某车企车主维权", enterprise="NIL:某车企", issues=("complaint",)),
        topic(24 * days, "某车企刹车失灵", enterprise="NIL:某车企", issues=("defect",)),
    ]
    assert len(alerts_of(engine, store, told)) == matters


def test_two_stories_about_food_in_one_town_stay_apart(engine: AlertEngine, store: Store) -> None:
    told = [
        topic(0, "一食堂吃出老鼠头", product="food", jurisdiction="360100", issues=("lowq",)),
        topic(3, "一超市面包发霉", product="food", jurisdiction="360100", issues=("lowq",)),
    ]
    assert len(alerts_of(engine, store, told)) == 2


def analysed(at: float, title: str, analyzer: Analyzer) -> Signal:
    """The signal of a topic as the real reading sees it."""
    [signal] = signals_of([topic(at, title)])
    document = replace(signal.document, id=f"t{at}")
    return Signal(document, analyzer.analyze(title, ""))


@pytest.mark.parametrize(
    ("titles", "hours", "alerts"),
    [
        (("晚会曝光土坑酸菜", "多家平台下架酸菜"), 3.0, 1),
        (("晚会曝光土坑酸菜", "多家平台下架酸菜"), 60.0, 2),  # the same word days later may be anything
        (("晚会曝光土坑酸菜", "超市面包发霉"), 3.0, 2),
    ],
)
def test_topics_about_one_dish_are_one_alert_and_one_event(
    engine: AlertEngine, store: Store, titles: tuple[str, ...], hours: float, alerts: int
) -> None:
    lexicon = load_lexicon(PROJECT / "config")
    keeper = EventKeeper(lexicon.regions, load_grouping(PROJECT / "config").family_of)
    analyzer = Analyzer(lexicon, ())
    events = set()
    for place, title in enumerate(titles):
        signal = analysed(place * hours, title, analyzer)
        with store.write() as db:
            engine.judge(db, signal, now=signal.document.event_time)
            events.add(keeper.place(db, signal, signal.document.event_time))
    with store.read() as db:
        assert len([alert for alert in list_alerts(db) if alert.state is not AlertState.DISMISSED]) == alerts
    assert len(events) == alerts
