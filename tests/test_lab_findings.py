"""The rule lab finds what the engine finds: on random stories of every condition type, and on the sample pack."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from alerts.cards import View, card_from, card_of, keys_of, stored
from alerts.clockwork import Clockwork
from alerts.fired_windows import fire_windows
from alerts.lab.reading import asked_of
from alerts.lab.replayed import Replayed
from alerts.lab.replaying import Setting, replay_cards
from alerts.matters import Matter, Neighbourhood
from alerts.replay import replay
from alerts.setup import load_file_rules
from alerts.watermarks import story_time, watermark
from alerts.wording import Names
from benchmarks.sample_alerts import DAY_ZERO, arrivals
from config.rules import Rule
from config.settings import PROJECT
from core.records import Finding, Signal
from nlp.analyze import Analyzer
from store.alert_log import list_alerts
from store.cards import cards_with, save_card, seen_before, span_of_cards
from store.database import Store
from store.schema import findings, signal_keys
from tests.lab_stories import CONDITIONS, GROUPS, SINGLE, empty_store, rule_of, story, world

FAR = timedelta(days=5000)
CASES = [
    pytest.param(condition, groups, id=f"{number}-{condition['type']}-{'+'.join(groups)}")
    for number, condition in enumerate(CONDITIONS)
    for groups in GROUPS
    if condition["type"] not in SINGLE or groups == ["matter"]
]


def told(found: Sequence[Finding]) -> set[tuple[object, ...]]:
    return {(f.id, f.key, f.fired_at, tuple(f.documents), f.reason, tuple(sorted(f.numbers.items()))) for f in found}


def replayed(db: Connection, rule: Rule, last: Signal) -> Replayed:
    parts, _ = world()
    span = span_of_cards(db, last.document.event_time + FAR)
    assert span is not None
    names = Names(parts.lexicon, parts.registry)
    return replay_cards(db, Setting(asked_of(rule, parts), names, lambda *_: False, span[0], span[1]))


def keep(db: Connection, signals: Sequence[Signal], view: View) -> None:
    for signal in signals:
        card = card_of(signal, view)
        save_card(db, stored(card), keys_of(card, view), withdrawn_at=signal.document.withdrawn_at)


@pytest.mark.parametrize(("condition", "groups"), CASES)
def test_the_lab_finds_what_the_engine_wrote(condition: dict[str, object], groups: list[str]) -> None:
    parts, _ = world()
    for seed in (1,):
        rule = rule_of(condition, groups)
        engine = replace(parts, rules=(rule,)).engine()
        with empty_store() as db:
            signals = story(seed, 40, changes=False)
            for signal in signals:
                engine.judge(db, signal, now=signal.document.event_time)
            rows = db.execute(select(findings).where(findings.c.withdrawn_at.is_(None))).mappings()
            wrote = [Finding(**{name: row[name] for name in Finding.__dataclass_fields__}) for row in rows]
            assert told(replayed(db, rule, signals[-1]).findings) == told(wrote)


@pytest.mark.parametrize(("condition", "groups"), CASES)
def test_the_lab_finds_what_follows_from_the_store_when_pages_change(
    condition: dict[str, object], groups: list[str]
) -> None:
    """Held against the engine's own functions over all cards: what it would write if it judged everything again."""
    parts, _ = world()
    rule = rule_of(condition, groups)
    view = replace(parts, rules=(rule,)).engine().view
    for seed in (3,):
        with empty_store() as db:
            signals = story(seed, 60, changes=True)
            keep(db, signals, view)
            expected = _of_matters(db, rule, view) if rule.in_matter else _of_crowds(db, rule, view)
            assert told(replayed(db, rule, signals[-1]).findings) == told(expected)


def _of_crowds(db: Connection, rule: Rule, view: View) -> list[Finding]:
    if rule.condition.type == "new_term":
        pytest.skip("held against what the engine wrote")
    mine = signal_keys.c.key.startswith(f"w:{rule.id}|")
    keys = list(db.execute(select(signal_keys.c.key).distinct().where(mine)).scalars())
    found: list[Finding] = []
    for key, kept in cards_with(db, keys, *_all(db)).items():
        cards = [card for card in map(card_from, kept) if card.is_origin]
        found += [one.finding for one in fire_windows(rule, key, cards, view.regions) if one.lost_at is None]
    return found


def _of_matters(db: Connection, rule: Rule, view: View) -> list[Finding]:
    return _held(db, rule, view, _matters(db, view))


def _matters(db: Connection, view: View) -> list[Matter]:
    """All matters, as the cards of all documents lead to them, each once."""
    start, end = _all(db)
    keys = list(db.execute(select(signal_keys.c.key).distinct().where(signal_keys.c.key.startswith("d:"))).scalars())
    found: list[Matter] = []
    for kept in cards_with(db, keys, start, end).values():
        for card in map(card_from, kept):
            around = Neighbourhood(db, view, card.at)
            found += [one for one in around.matters(around.subject_of(card)) if one not in found]
    return found


def _held(db: Connection, rule: Rule, view: View, matters: Sequence[Matter]) -> list[Finding]:
    found: dict[str, Finding] = {}
    for matter in matters:
        outcome = replay(matter, {rule.id: rule}, view.regions, lambda *asked: seen_before(db, *asked))
        held = outcome.held if outcome else ()
        found |= {one.finding.id: one.finding for one in held if one.lost_at is None}
    return list(found.values())


def _all(db: Connection) -> tuple[datetime, datetime]:
    span = span_of_cards(db, story(1, 1, changes=False)[0].document.event_time + FAR)
    assert span is not None
    return span[0], span[1] + timedelta(seconds=1)


@cache
def pack() -> tuple[Signal, ...]:
    """The sample pack as the analyzer reads it, without its withdrawals."""
    parts, registry = world()
    analyzer = Analyzer(parts.lexicon, registry)
    found = []
    for arrival in arrivals(DAY_ZERO):
        if (document := arrival.document) is not None:
            read = analyzer.analyze(document.title, document.text, published=document.published, tables=document.tables)
            found.append(Signal(document, read))
    return tuple(found)


@cache
def shipped() -> dict[str, Rule]:
    parts, _ = world()
    rules = load_file_rules(PROJECT / "config", parts.lexicon, parts.queries)
    return {rule.id: rule for rule in rules if not rule.scope.query and not rule.scope.text}


def test_the_lab_finds_what_each_shipped_rule_finds_in_the_sample_pack() -> None:
    parts, _ = world()
    signals = pack()
    counted = 0
    view = replace(parts, rules=tuple(shipped().values())).engine().view
    with empty_store() as db:
        keep(db, signals, view)
        matters = _matters(db, view)
        for rule in shipped().values():
            if rule.condition.type in ("anomaly", "flatline"):  # judged by their series, not by a walk
                continue
            if rule.condition.type == "new_term" and not rule.in_matter:  # held against what the engine wrote, above
                continue
            expected = _held(db, rule, view, matters) if rule.in_matter else _of_crowds(db, rule, view)
            assert told(replayed(db, rule, signals[-1]).findings) == told(expected), rule.id
            counted += len(expected)
    assert counted > 100


SILENCES: Sequence[tuple[dict[str, object], list[str], int]] = (
    ({"type": "flatline", "window": "24h"}, ["source"], 0),
    ({"type": "flatline", "window": "3d", "at_most": 1, "forget_after": "9d"}, ["source"], 0),
    ({"type": "flatline", "window": "5d", "forget_after": "12d"}, ["product"], 1),
    ({"type": "flatline", "window": "2d", "at_most": 2, "forget_after": "20d"}, ["firm", "product"], 2),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("condition", "groups", "level"), SILENCES)
def test_the_lab_finds_the_silences_that_the_engine_wrote(
    tmp_path: Path, migrated: Path, condition: dict[str, object], groups: list[str], level: int, seed: int
) -> None:
    parts, _ = world()
    rule = rule_of(condition, groups, scope={"min_level": level})
    engine = replace(parts, rules=(rule,)).engine()
    store = Store(f"sqlite:///{shutil.copy(migrated, tmp_path / 'silent.db')}", synchronous="NORMAL")
    Clockwork(store, engine).begin()
    signals = story(seed, 80, changes=True)
    for signal in signals:
        with store.write() as db:
            engine.judge(db, signal, now=signal.document.event_time)
    Clockwork(store, engine).run(signals[-1].document.event_time)
    with store.read() as db:
        reached = watermark(db, story_time(db))
        assert reached is not None
        rows = db.execute(select(findings).where(findings.c.withdrawn_at.is_(None))).mappings()
        wrote = [Finding(**{name: row[name] for name in Finding.__dataclass_fields__}) for row in rows]
        opened = [(alert.first_at, alert.title, alert.level) for alert in list_alerts(db)]
        span = span_of_cards(db, reached)
        assert span is not None
        names = Names(parts.lexicon, parts.registry)
        lab = replay_cards(db, Setting(asked_of(rule, parts), names, lambda *_: False, span[0], reached))
    store.close()
    assert wrote
    assert told(lab.findings) == told(wrote)
    assert sorted((alert.first_at, alert.title, alert.level) for alert in lab.alerts) == sorted(opened)
