"""The condition types of rule files: each with stories that fire and stories that do not, in any order of arrival."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sqlalchemy import select

from alerts.conditions.anomaly import Common, KeyDays, judge
from alerts.detectors.calendar_nb_factors import Pool
from alerts.rule_examples import ExampleRun, engine_of_one, run_examples, signals_of
from alerts.rule_words import rule_words
from config.calendar_classes import Calendar
from config.conditions import AnomalyCondition
from config.grouping import load_grouping
from config.lexicon import Lexicon
from config.rules import Rule, load_rules, read_rule
from config.settings import PROJECT
from core.errors import ConfigError
from core.records import RegistryEntry
from store.alert_log import list_alerts
from store.database import open_engine
from store.schema import findings, metadata

CONFIG = PROJECT / "config"
PRESS = {"kind": "news", "source": "paper", "tier": 2, "product": "cable", "enterprise": "ENT0140", "issues": ["fire"]}
SOCIAL = {**PRESS, "kind": "social", "source": "blog", "tier": 4}
COMPLAINT = {**PRESS, "kind": "complaint", "source": "12315"}
CHECK = {**PRESS, "kind": "spotcheck", "source": "amr", "tier": 1, "issues": ["nonconf"]}
RECALL = {**PRESS, "kind": "recall", "source": "dprc", "tier": 1, "issues": ["defect"]}
DAY = 24


def rule_text(condition: dict[str, Any], fires: Any, quiet: Any, **more: Any) -> str:
    told = {"title": "试验规则", "why": "用于测试", "condition": condition, "level": "yellow", **more}
    return yaml.safe_dump({**told, "examples": {"fires": fires, "quiet": quiet}}, allow_unicode=True)


CHAIN = {
    "type": "chained",
    "window": "90d",
    "steps": [
        {"scope": {"voices": ["complaint"]}, "at_least": 3, "window": "7d"},
        {"scope": {"kinds": ["spotcheck"], "issues": ["nonconf"]}},
        {"scope": {"kinds": ["recall"]}},
    ],
}
BURST = [{**COMPLAINT, "at": at} for at in (0, 30, 60)]
SCATTERED = [{**COMPLAINT, "at": at} for at in (0, 30, 240)]
BURST_AFTER = [{**COMPLAINT, "at": at} for at in (24, 54, 84)]
LOCAL = {**PRESS, "source": "county", "tier": 3}
MINOR = {**COMPLAINT, "issues": ["defect"]}
RULES: dict[str, str] = {
    "chained": rule_text(
        CHAIN,
        # across matters: eighty days with long silences between
        [[*BURST, {**CHECK, "at": 40 * DAY}, {**RECALL, "at": 80 * DAY}]],
        [
            [*BURST, {**RECALL, "at": 40 * DAY}, {**CHECK, "at": 80 * DAY}],  # in another order
            [*BURST, {**CHECK, "at": 40 * DAY}, {**RECALL, "at": 95 * DAY}],  # too late
            [*BURST, {**CHECK, "at": 40 * DAY}, {**RECALL, "at": 80 * DAY, "enterprise": "ENT0043"}],  # of another firm
            [
                *BURST[:2],
                {**COMPLAINT, "at": 10 * DAY},
                {**CHECK, "at": 40 * DAY},
                {**RECALL, "at": 80 * DAY},
            ],  # no burst
        ],
        group_by=["firm"],
    ),
    "chained_any_order": rule_text(
        {**CHAIN, "ordered": False},
        [[{**RECALL, "at": 0}, *BURST_AFTER, {**CHECK, "at": 40 * DAY}]],
        [[*BURST, {**CHECK, "at": 40 * DAY}]],
        group_by=["firm"],
    ),
    "resonance": rule_text(
        {"type": "resonance", "window": "3d", "origins": 3, "voices": 3, "sources": 3},
        [[SOCIAL, {**COMPLAINT, "at": 5}, {**PRESS, "at": 10}]],
        [
            [SOCIAL, {**COMPLAINT, "at": 5}, {**COMPLAINT, "at": 10}],
            [SOCIAL, {**COMPLAINT, "at": 5}, {**PRESS, "at": 10, "repost": True}],
            [{**SOCIAL, "same": 50}],
            [SOCIAL, {**COMPLAINT, "at": 5}, {**PRESS, "at": 80}],
        ],
    ),
    "tier_jump": rule_text(
        {"type": "tier_jump", "window": "7d", "start": ["social", "complaint"], "to": ["media"], "tier": 2},
        [
            [SOCIAL, {**PRESS, "at": 30}],
            [SOCIAL, {**LOCAL, "at": 20}, {**PRESS, "at": 30}],
        ],
        [
            [PRESS, {**SOCIAL, "at": 30}],
            [SOCIAL, {**LOCAL, "at": 30}],
            [SOCIAL, {**PRESS, "at": 8 * DAY}],
            [SOCIAL, {**PRESS, "at": 30, "repost": True}],
        ],
    ),
    "cardinality": rule_text(
        {"type": "cardinality", "window": "14d", "of": "firm", "at_least": 3},
        [[{**COMPLAINT, "at": at, "enterprise": f"NIL:厂{at}"} for at in (0, 50, 100)]],
        [
            [{**COMPLAINT, "at": at, "enterprise": f"NIL:厂{at % 100}"} for at in (0, 50, 100)],
            [{**COMPLAINT, "at": at, "enterprise": f"NIL:厂{at}"} for at in (0, 50, 400)],
        ],
        group_by=["product", "issue"],
    ),
    "ratio": rule_text(
        {"type": "ratio", "window": "7d", "at_least": 4, "part": {"issues": ["fire"]}, "share": 0.5},
        [
            [
                *({**COMPLAINT, "at": at, "issues": ["defect"]} for at in (0, 1)),
                *({**COMPLAINT, "at": at} for at in (2, 3)),
            ]
        ],
        [
            [{**MINOR, "same": 3}, {**COMPLAINT, "at": 3}],
            [{**COMPLAINT, "same": 3}],
        ],
        group_by=["product"],
    ),
    "metric": rule_text(
        {"type": "metric", "window": "30d", "of": "hurt", "how": "sum", "at_least": 5},
        [[{**PRESS, "at": at, "casualties": {"injured": 2}} for at in (0, 100, 200)]],
        [
            [{**PRESS, "at": at, "casualties": {"injured": 2}} for at in (0, 100)],
            [{**PRESS, "at": at, "casualties": {"injured": 2}} for at in (0, 100, 800)],
            [{**PRESS, "casualties": {"injured": 2}}, {**PRESS, "at": 1, "repost": True, "casualties": {"injured": 4}}],
        ],
        group_by=["product"],
    ),
    "change": rule_text(
        {"type": "change", "window": "30d", "of": "product"},
        [[COMPLAINT, {**COMPLAINT, "at": 50, "product": "helmet"}]],
        [[COMPLAINT, {**COMPLAINT, "at": 50}], [COMPLAINT, {**COMPLAINT, "at": 800, "product": "helmet"}]],
        group_by=["firm"],
    ),
    "blacklist": rule_text(
        {"type": "blacklist", "field": "firm", "values": ["ENT0140", "某某电缆厂"]},
        [[COMPLAINT], [{**COMPLAINT, "enterprise": "NIL:某某电缆厂"}]],
        [[{**COMPLAINT, "enterprise": "ENT0043"}], [{**COMPLAINT, "enterprise": None}]],
    ),
    "whitelist": rule_text(
        {"type": "whitelist", "field": "place", "values": ["360100", "360700"]},
        [[{**COMPLAINT, "jurisdiction": "360981"}]],
        [[{**COMPLAINT, "jurisdiction": "360111"}], [{**COMPLAINT, "jurisdiction": "360735", "places": ["360103"]}]],
    ),
    "first_pair": rule_text(
        {"type": "new_term", "window": "7d", "lookback": "365d"},
        [[COMPLAINT], [{**COMPLAINT, "product": "helmet"}, {**COMPLAINT, "at": 1}]],
        [[{**COMPLAINT, "enterprise": None}]],
        group_by=["firm", "product"],
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_stories_of_each_type_come_out(name: str, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> None:
    runs = run(read_rule(RULES[name], stem=name, name=name), lexicon, firms)
    assert [f"{one.expected} {one.number}: {one.told}" for one in runs if not one.passed] == []


def run(rule: Rule, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> list[ExampleRun]:
    return run_examples(rule, lexicon=lexicon, grouping=load_grouping(CONFIG), registry=firms.get)


@pytest.mark.parametrize("name", RULES)
def test_any_order_of_arrival_gives_the_same_findings(
    name: str, lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    rule = read_rule(RULES[name], stem=name, name=name)
    assert rule.examples is not None
    for story in (*rule.examples.fires, *rule.examples.quiet):
        told = signals_of(story)
        orders = [told, told[::-1], random.Random(3).sample(told, len(told))]
        found = [found_in(rule, order, lexicon, firms) for order in orders]
        assert found[0] == found[1] == found[2]


def found_in(rule: Rule, order: list[Any], lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Any:
    """The findings that stand, and the titles and levels of the alerts."""
    engine = engine_of_one(rule, lexicon=lexicon, grouping=load_grouping(CONFIG), registry=firms.get, queries=None)
    database = open_engine("sqlite://")
    try:
        with database.begin() as db:
            metadata.create_all(db)
            for signal in order:
                engine.judge(db, signal, now=max(one.document.event_time for one in order))
            rows = db.execute(select(findings).where(findings.c.withdrawn_at.is_(None))).mappings()
            standing = {(row["id"], row["fired_at"], row["reason"], tuple(row["documents"])) for row in rows}
            alerts = {(alert.title, alert.level, alert.first_at) for alert in list_alerts(db) if alert.due_at}
        return standing, alerts
    finally:
        database.dispose()


@pytest.mark.parametrize("name", RULES)
def test_each_type_says_in_words_what_it_waits_for(name: str, lexicon: Lexicon) -> None:
    words = rule_words(read_rule(RULES[name], stem=name, name=name), lexicon)
    assert words.endswith("。")
    assert "_" not in words, "an id where a name should stand"


def test_what_completes_a_rule_may_share_its_moment_with_others(
    lexicon: Lexicon, firms: dict[str, RegistryEntry]
) -> None:
    at_once = [[SOCIAL, {**PRESS, "at": 5}, {**SOCIAL, "at": 5, "source": "zz"}, {**COMPLAINT, "at": 5}]]
    jump = rule_text({"type": "tier_jump", "window": "7d"}, at_once, [[SOCIAL, SOCIAL]])
    changed = [[COMPLAINT, {**COMPLAINT, "at": 5, "product": "helmet"}, {**COMPLAINT, "at": 5, "product": "helmet"}]]
    change = rule_text({"type": "change", "window": "7d", "of": "product"}, changed, [[COMPLAINT]], group_by=["firm"])
    ended = [[{**CHECK}, {**RECALL, "at": 5}, {**CHECK, "at": 5, "source": "zz"}]]
    steps = [{"scope": {"kinds": ["spotcheck"]}}, {"scope": {"kinds": ["recall"]}}]
    chain = rule_text({"type": "chained", "window": "7d", "steps": steps}, ended, [[CHECK]], group_by=["firm"])
    for text in (jump, change, chain):
        assert all(one.passed for one in run(read_rule(text, stem="moment", name="moment"), lexicon, firms)), text


def test_a_chain_is_told_with_its_firm_and_its_steps(lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> None:
    rule = read_rule(RULES["chained"], stem="chained", name="chained")
    assert rule.examples is not None
    standing, alerts = found_in(rule, signals_of(rule.examples.fires[0]), lexicon, firms)
    [(_, _, reason, documents)] = standing
    assert "90 天内先后满足 3/3 步（第 1 步 3 个来源、第 2 步 1 个来源、第 3 步 1 个来源）" in reason
    assert len(documents) == 5
    assert firms["ENT0140"].name in next(iter(alerts))[0]
    assert "依次出现：“投诉评价，单篇定级" in rule_words(rule, lexicon)


# --- lists and mistakes ----------------------------------------------------------------------------------------------


def folder_with(folder: Path, text: str, listed: str | None) -> Path:
    (folder / "rules").mkdir()
    (folder / "rules" / "watch.yml").write_text(text, encoding="utf-8")
    if listed is not None:
        (folder / "lists").mkdir()
        (folder / "lists" / "firms.txt").write_text(listed, encoding="utf-8")
    return folder


LISTED = rule_text({"type": "blacklist", "field": "firm", "list": "firms"}, [[COMPLAINT]], [[SOCIAL]])


def test_a_list_is_read_from_its_file_and_a_change_of_it_is_a_new_version(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, LISTED, "# 重点企业\nENT0140\n\n某某电缆厂  # 曾用名\n")
    [before] = load_rules(folder)
    assert before.condition.type == "blacklist"
    assert before.condition.values == ("ENT0140", "某某电缆厂")
    (folder / "lists" / "firms.txt").write_text("ENT0140\n", encoding="utf-8")
    [after] = load_rules(folder)
    assert after.version != before.version


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"type": "blacklist", "field": "firm", "list": "nowhere"}, "condition.list: lists/nowhere.txt cannot be read"),
        ({"type": "blacklist", "field": "firm", "list": "../settings"}, "is not the name of a file of config/lists"),
        ({"type": "blacklist", "field": "firm", "list": "firms", "values": ["a"]}, "values and list say the same"),
        ({"type": "blacklist", "field": "firm"}, "condition: no values"),
        ({"type": "blacklist", "field": "colour", "values": ["a"]}, "condition.field: Input should be 'firm'"),
        ({"type": "blacklist", "field": "product", "values": ["kettle9"]}, "condition.values: 'kettle9' (accepted: "),
        (
            {"type": "chained", "window": "9d", "steps": [{"scope": {}}]},
            "condition.steps: List should have at least",
        ),
        (
            {"type": "chained", "window": "9d", "steps": [{"scope": {"product": ["cable"]}}, {"scope": {}}]},
            "condition.steps.0.scope.product: unknown key (accepted: products, issues",
        ),
        (
            {"type": "chained", "window": "9d", "steps": [{"scope": {}, "least": 3}, {"scope": {}}]},
            "condition.steps.0.least: unknown key (accepted: scope, at_least, window)",
        ),
        (
            {"type": "ratio", "window": "9d", "at_least": 3, "share": 0.5, "part": {"query": "起火"}},
            "condition.part: a part cannot have a query of its own",
        ),
        (
            {"type": "ratio", "window": "9d", "at_least": 3, "share": 0.5, "part": {"issues": ["burning"]}},
            "condition.part 1.issues: 'burning' (accepted: ",
        ),
        ({"type": "tier_jump", "window": "9d", "to": ["social"]}, "start and to need voices, and none in both"),
        ({"type": "resonance", "window": "9d", "origins": 3, "voices": 9}, "condition.voices: Input should be less"),
        (
            {"type": "metric", "window": "9d", "of": "hurt", "how": "median", "at_least": 1},
            "condition.how: Input",
        ),
    ],
)
def test_every_mistake_is_named_with_its_key(
    tmp_path: Path, lexicon: Lexicon, condition: dict[str, Any], told: str
) -> None:
    folder = folder_with(tmp_path, rule_text(condition, [[COMPLAINT]], [[SOCIAL]]), "ENT0140")
    with pytest.raises(ConfigError) as problem:
        load_rules(folder, products=frozenset(lexicon.products), issues=frozenset(lexicon.issues))
    assert str(problem.value).startswith("rules/watch.yml: condition")
    assert told in str(problem.value)


def test_a_list_condition_is_grouped_by_matter_only() -> None:
    text = rule_text(
        {"type": "blacklist", "field": "firm", "values": ["a"]}, [[COMPLAINT]], [[SOCIAL]], group_by=["firm"]
    )
    with pytest.raises(ConfigError, match="condition blacklist is grouped by \\[matter\\]"):
        read_rule(text, stem="watch", name="watch.yml")


def test_the_same_counts_are_judged_by_each_condition_and_history_anew() -> None:
    counts, day = np.array([1.0] * 60 + [6.0]), date(2026, 3, 11)
    wednesdays = np.array([1, 1, 6, 1, 1, 1, 1.0])
    calm, strict = (AnomalyCondition(type="anomaly", threshold=threshold) for threshold in (2.5, 9.9))

    def fires(condition: AnomalyCondition, **more: Any) -> bool:
        verdict = judge(condition, KeyDays(**{"counts": counts, "day": day, "calendar": Calendar(), **more}))
        return verdict is not None and verdict.fires

    for _again in range(2):
        assert fires(calm)
        assert not fires(strict)
        assert not fires(calm, cut=0.0)
        assert not fires(calm, counts=np.array([5.0] * 60 + [6.0]))
        assert not fires(calm, common=Common(Pool(wednesdays, np.ones(1))))
