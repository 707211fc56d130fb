"""The rule type `flatline`: a key that was seen falls silent, by the documents' own time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerts.clockwork import Clockwork
from alerts.conditions.flatline import silences
from alerts.lifecycle import act, proposal_of
from alerts.rule_query import queries_of
from alerts.rule_words import rule_words
from alerts.setup import load_file_rules
from config.conditions import FlatlineCondition
from config.lexicon import Lexicon
from config.rules import Rule, read_rule
from core.errors import ConfigError
from core.records import AlertState, RegistryEntry
from store.alert_log import alert_details, history_of
from store.database import Store
from store.runs import hold_back
from tests.test_anomaly_rule import CONFIG, DAY, Desk, engine_with, told

A = {"kind": "news", "source": "a", "product": "cable", "level": 0}
B = {"kind": "news", "source": "b", "product": "cable", "level": 0}
HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def rule_with(condition: dict[str, Any], **more: Any) -> Rule:
    words = {"title": "信源断更", "why": "用于测试", "level": "blue", "group_by": ["source"], "scope": {"min_level": 0}}
    examples: dict[str, Any] = {"fires": [[{}]], "quiet": [[{}]]}
    told_rule = {**words, **more, "condition": {"type": "flatline", **condition}, "examples": examples}
    return read_rule(yaml.safe_dump(told_rule, allow_unicode=True), stem="unusual", name="rules/silent.yml")


MakeDesk = Callable[..., Desk]


@pytest.fixture
def desk_of(tmp_path: Path, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Iterator[MakeDesk]:
    """Desks of one rule each; off: sources that are switched off."""
    opened: list[Store] = []

    def make(rule: Rule, off: frozenset[str] = frozenset()) -> Desk:
        store = Store(f"sqlite:///{tmp_path / f'{len(opened)}.db'}", synchronous="NORMAL")
        store.migrate()
        opened.append(store)
        desk = Desk(store, engine_with(rule, lexicon, firms))
        desk.engine.flatlines.off = desk.engine.anomalies.off = off
        Clockwork(store, desk.engine).begin()
        return desk

    yield make
    for store in opened:
        store.close()


def test_a_silence_is_told_once_and_ends_with_the_next_document(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "24h"}))
    desk.tell({**A, "days": 4}, {**B, "days": 10})
    desk.pass_time()
    desk.pass_time()
    [finding] = desk.findings("a")
    assert finding.fired_at == told({**A, "at": 4 * DAY})[0].document.event_time
    assert finding.documents == ("example-0-1", "example-0-2", "example-0-3")
    assert "信源“a”24 小时内 0 篇（不多于 0 篇即为断更），最近一篇 03-05 09:00" in finding.reason
    [alert] = desk.alerts()
    assert alert.title == "信源“a”断更：信源断更"
    assert alert.territory == desk.engine.lexicon.regions.home
    assert desk.actions(alert) == ["opened"]
    desk.add("back", {**A, "at": 11 * DAY})
    assert desk.alerts()[0].state is AlertState.CLOSED
    assert desk.actions(alert) == ["opened", "cleared"]
    assert len(desk.findings("a")) == 1


def test_it_is_not_the_clock_that_tells_a_silence(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "24h"}))
    desk.tell({**A, "days": 4}, {**B, "days": 4})
    desk.now = NOON + timedelta(days=400)
    desk.pass_time()
    assert desk.findings("a") == [], "no document says that time has passed"


def test_a_source_nobody_has_seen_is_none_and_a_late_document_takes_a_silence_back(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "24h"}))
    desk.tell({**B, "days": 10})
    desk.pass_time()
    assert desk.alerts() == []
    desk.add("few", {**A, "at": 11 * DAY}, {**A, "at": 12.5 * DAY}, {**B, "at": 13 * DAY})
    desk.pass_time()
    assert [finding.fired_at for finding in desk.findings("a")] == [told({**A, "at": 12 * DAY})[0].document.event_time]
    desk.add("late", {**A, "at": 11.8 * DAY})
    assert desk.findings("a") == []
    assert [alert.state for alert in desk.alerts() if alert.subject.endswith("|a")] == [AlertState.DISMISSED]


def test_copies_and_texts_without_risk_are_signs_of_life(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "36h"}))
    desk.tell({**B, "at": 0}, {**A, "at": 1, "days": 5}, {**A, "at": 5.5 * DAY, "repost": True}, {**B, "days": 7})
    desk.pass_time()
    assert desk.findings("a") == []


def test_sources_switched_off_or_told_to_wait_do_not_count(desk_of: MakeDesk) -> None:
    story = ({**A, "days": 4}, {**B, "days": 10})
    off = desk_of(rule_with({"window": "24h"}), off=frozenset({"a"}))
    off.tell(*story)
    off.pass_time()
    assert off.findings("a") == []
    waiting = desk_of(rule_with({"window": "24h"}))
    with waiting.store.write() as db:
        hold_back(db, "a", until=NOON + timedelta(days=60), why="Retry-After")
    waiting.tell(*story)
    waiting.pass_time()
    assert waiting.findings("a") == []
    waiting.now = NOON + timedelta(days=61)
    waiting.add("on", {**B, "at": 10 * DAY + 2})
    waiting.pass_time()
    assert len(waiting.findings("a")) == 1, "the site may be visited again, and still says nothing"


def test_a_key_that_stays_silent_is_forgotten(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "24h", "forget_after": "5d"}))
    desk.tell({**A, "days": 4}, {**B, "days": 12})
    desk.pass_time()
    [alert] = desk.alerts()
    assert alert.state is AlertState.CLOSED
    desk.add("anew", {**A, "at": 13 * DAY}, {**B, "at": 15 * DAY})
    desk.pass_time()
    assert len(desk.findings("a")) == 2


def test_a_silence_is_ended_also_where_its_end_had_not_been_looked_at_when_later_texts_came(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "30h", "forget_after": "12d"}))
    desk.tell({**A, "at": 0}, {**B, "at": 5 * DAY})
    desk.pass_time()
    assert [alert.state for alert in desk.alerts()] == [AlertState.NEW]
    desk.add("back", {**A, "at": 20 * DAY}, {**B, "at": 21 * DAY})
    desk.add("late", {**A, "at": 18 * DAY})
    desk.pass_time()
    assert {alert.state for alert in desk.alerts() if alert.subject.endswith("|a")} == {AlertState.CLOSED}


def test_products_may_fall_silent_too(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "3d", "at_most": 1}, group_by=["product"], scope={}))
    risk = {"level": 1, "issues": ["fire"]}
    desk.tell({**A, **risk, "days": 8, "same": 2}, {**A, **risk, "at": 9 * DAY}, {**B, "days": 16})
    desk.pass_time()
    [finding] = desk.findings("cable")
    assert "3 天内 1 篇（不多于 1 篇即为断更）" in finding.reason


def test_what_source_is_slow_holds_the_watermark_back_and_a_dead_one_does_not(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "24h"}))
    for one in told({**A, "days": 4}, {**B, "days": 6}):
        late = one.document.event_time + 30 * HOUR if one.document.source == "b" else one.document.event_time
        desk.judge(replace(one, document=replace(one.document, stored_at=late)))
    desk.pass_time()
    assert desk.findings("a") == [], "the documents of the last 30 hours may be on their way"
    desk.add("on", {**B, "at": 6.3 * DAY})
    desk.pass_time()
    assert len(desk.findings("a")) == 1
    dead = {**A, "source": "dead", "days": 3}
    alone = desk_of(rule_with({"window": "24h"}))
    for one in told(dead):
        document = replace(one.document, stored_at=one.document.event_time + 70 * HOUR)
        alone.judge(replace(one, document=document))
    alone.add("rest", {**A, "days": 9}, {**B, "days": 12})
    alone.pass_time()
    assert len(alone.findings("a")) == 1, "a source that is silent for a week holds no time back"


# --- silences as such -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "hours", "expected"),
    [
        (0, [0, 10, 20], [(44, None)]),
        (0, [0, 10, 40], [(34, 40), (64, None)]),
        (0, [0, 24], [(48, None)]),  # the window that ends at 24 holds the second
        (0, [0, 0, 30], [(24, 30), (54, None)]),
        (1, [0, 10, 20], [(34, None)]),
        (1, [0, 50, 60], [(24, 60), (74, None)]),
        (2, [0], [(24, None)]),
    ],
)
def test_silences_by_hand(most: int, hours: list[float], expected: list[tuple[float, float | None]]) -> None:
    condition = FlatlineCondition(type="flatline", window=24 * HOUR, at_most=most)
    found = silences(condition, [NOON + hour * HOUR for hour in hours], NOON + 100 * HOUR)
    assert [((one.begin - NOON) / HOUR, one.end and (one.end - NOON) / HOUR) for one in found] == expected


def test_silences_are_those_that_every_moment_shows() -> None:
    import random

    for seed in range(200):
        chance = random.Random(seed)
        most, window = chance.choice((0, 0, 1, 3)), chance.choice((3, 7, 24))
        hours = sorted(chance.randrange(0, 200) for _ in range(chance.randrange(1, 40)))
        condition = FlatlineCondition(type="flatline", window=window * HOUR, at_most=most, forget_after=1000 * HOUR)
        found = silences(condition, [NOON + hour * HOUR for hour in hours], NOON + 220 * HOUR)
        for half in range(2 * (hours[0] + window), 440):
            moment = half / 2
            empty = sum(moment - window < hour <= moment for hour in hours) <= most
            said = any(
                (one.begin - NOON) / HOUR <= moment and (one.end is None or moment < (one.end - NOON) / HOUR)
                for one in found
            )
            assert empty == said, (seed, moment, hours, most, window)


# --- words and mistakes ---------------------------------------------------------------------------------------------


def test_a_rule_says_what_it_waits_for(lexicon: Lexicon) -> None:
    said = rule_words(rule_with({"window": "24h", "at_most": 2, "forget_after": "14d"}), lexicon)
    assert "按信源计，24 小时内不多于 2 篇（此前出现过的；停更满 14 天后不再跟踪）" in said


@pytest.mark.parametrize(
    ("condition", "more", "wrong"),
    [
        ({}, {}, "condition.window: is missing"),
        ({"window": "soon"}, {}, "condition.window: 'soon' is not a duration"),
        ({"window": "31d"}, {}, "window: must be shorter than forget_after"),
        ({"window": "0h"}, {}, "condition.window: Input should be greater than 0s"),
        ({"window": "1d", "at_most": -1}, {}, "condition.at_most: Input should be greater than or equal to 0"),
        ({"window": "1d", "at_least": 1}, {}, "condition.at_least: unknown key (accepted: type, window, at_most"),
        ({"window": "1d"}, {"group_by": ["matter"]}, "condition flatline needs group_by"),
    ],
)
def test_every_mistake_is_named(
    tmp_path: Path, lexicon: Lexicon, condition: dict[str, Any], more: dict[str, Any], wrong: str
) -> None:
    examples: dict[str, Any] = {"fires": [[{}]], "quiet": [[{}]]}
    words = {"title": "信源断更", "why": "用于测试", "level": "blue", "group_by": ["source"], **more}
    text = yaml.safe_dump({**words, "condition": {"type": "flatline", **condition}, "examples": examples})
    (tmp_path / "silent.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_file_rules(CONFIG, lexicon, queries_of(lexicon), folder=tmp_path)
    assert wrong in str(problem.value)


# --- a rule that is no longer there ---------------------------------------------------------------------------------


def take_away(desk: Desk) -> None:
    """The rule's file is deleted; another one is there."""
    other = desk.engine.rules[0].model_copy(update={"id": "another"})
    desk.engine = engine_with(other, desk.engine.lexicon, {})
    Clockwork(desk.store, desk.engine).begin()


@pytest.mark.parametrize("level", ["blue", "orange"])
def test_the_open_alert_of_a_rule_that_is_gone_is_ended_or_its_end_proposed(desk_of: MakeDesk, level: str) -> None:
    desk = desk_of(rule_with({"window": "24h"}, level=level))
    desk.tell({**A, "days": 4}, {**B, "days": 10})
    desk.pass_time()
    [alert] = desk.alerts()
    take_away(desk)
    desk.pass_time()
    desk.pass_time()
    with desk.store.read() as db:
        last = history_of(db, alert.id)[-1]
        proposed = proposal_of(alert_details(db, alert.id))
    assert last.details["reason"] == "rule_gone"
    assert desk.actions(alert) == ["opened", "dismissed" if level == "blue" else "all_clear"]
    assert proposed == (None if level == "blue" else "rule_gone")
    assert len(desk.findings("a")) == 1, "the rule did fire"


def test_an_alert_somebody_kept_open_is_not_asked_about_again(desk_of: MakeDesk) -> None:
    desk = desk_of(rule_with({"window": "24h"}, level="orange"))
    desk.tell({**A, "days": 4}, {**B, "days": 10})
    desk.pass_time()
    take_away(desk)
    desk.pass_time()
    [alert] = desk.alerts()
    with desk.store.write() as db:
        act(db, alert.id, "hold", actor="li", note="", now=NOON, once="hold")
    desk.pass_time()
    assert desk.actions(alert) == ["opened", "all_clear", "hold"]
