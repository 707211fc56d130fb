"""Asking all rules at once is asking each of them; judging a stretch anew is judging everything."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.cards import Card, card_from, card_of, grouped_by, key_of
from alerts.engine import AlertEngine
from alerts.fired_windows import fire_windows
from alerts.first_sights import sights_of
from alerts.held import Held
from alerts.rule_examples import ACK_HOURS, STORY_BEGINS, signals_of
from alerts.rule_query import RuleQueries, queries_of
from alerts.scopes import ELSEWHERE, INDEXED, ScopeIndex, in_scope, places_of
from alerts.setup import EngineParts
from benchmarks.made_up_rules import rules_made_up
from config.conditions import NewTermCondition, SeriesCondition, SingleCondition
from config.grouping import load_grouping
from config.lexicon import Lexicon
from config.rules import ExampleDocument, Rule, Scope
from config.settings import PROJECT
from core.records import Kind, RegistryEntry, Signal
from store.cards import cards_of
from store.database import Store
from store.schema import findings
from tests.search_documents import words

PRODUCTS = ("cable", "ebike_power", "gas_appliance", "furniture", "helmet")
ISSUES = ("fire", "injury", "label", "nonconf", "explosion")
PLACES = ("360000", "360100", "360121", "360700", "360703", "440300", "000000", "361128")
FIRMS = ("ENT0140", "ENT0190", "ENT0043", "ENT0001", "NIL:某某电池厂")
TEXTS = ("电池起火", "外壳冒烟", "GB17761 不符", "充电时爆炸，编号X7", "")


def random_scope(chance: random.Random) -> Scope:
    """Any mixture of what a scope can ask."""

    def some(values: Sequence[Any], most: int = 3) -> list[Any]:
        return chance.sample(list(values), chance.randint(1, min(most, len(values)))) if chance.random() < 0.3 else []

    return Scope.model_validate(
        {
            "products": some((*PRODUCTS, "key")),
            "issues": some(ISSUES),
            "kinds": some(list(Kind)),
            "voices": some(("official", "media", "complaint", "social")),
            "min_level": chance.choice((0, 1, 1, 2, 3)),
            "regions": some(PLACES),
            "text": some(("起火", "冒烟", "GB177", "编号X", "火", "从没出现")),
            "maker": chance.choice((None, None, None, "known", "listed", "home", "china")),
            "hurt": chance.choice((0, 0, 0, 1, 3)),
            "dead": chance.choice((0, 0, 0, 0, 1)),
            "specific": chance.random() < 0.1,
        }
    )


def random_signal(chance: random.Random, place: int, *, hours: float = 0) -> Signal:
    told = ExampleDocument(
        kind=chance.choice(list(Kind)),
        source=chance.choice(("daily", "video", "blog", "amr")),
        product=chance.choice((None, *PRODUCTS)),
        enterprise=chance.choice((None, None, *FIRMS)),
        jurisdiction=chance.choice(("", *PLACES)),
        issues=tuple(chance.sample(ISSUES, chance.randint(0, 3))),
        places=tuple(chance.sample(PLACES, chance.randint(0, 2))),
        level=chance.choice((0, 1, 2, 3, 4)),
        casualties={"injured": chance.choice((0, 0, 1, 5)), "dead": chance.choice((0, 0, 0, 1))},
        title=chance.choice(TEXTS) or "无题",
        text=chance.choice(TEXTS),
        at=hours,
    )
    [signal] = signals_of([told])
    return Signal(replace(signal.document, id=f"r{place:04d}"), signal.analysis)


@pytest.fixture(scope="module")
def queries(lexicon: Lexicon) -> RuleQueries:
    return queries_of(lexicon, words=words)


def engine_of(
    rules: Sequence[Rule], lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries
) -> AlertEngine:
    grouping = load_grouping(PROJECT / "config")
    return EngineParts(tuple(rules), lexicon, grouping, firms.get, ACK_HOURS, None, queries).engine()


def test_the_index_knows_every_key_of_a_scope() -> None:
    assert set(Scope.model_fields) == INDEXED | ELSEWHERE


def test_all_scopes_at_once_say_what_each_of_them_says(
    lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries
) -> None:
    chance = random.Random(20261125)
    scopes = [random_scope(chance) for _ in range(700)]
    view = engine_of([], lexicon, firms, queries).view
    index = ScopeIndex(scopes, view.regions, view.key_products)
    taken = 0
    for place in range(400):
        signal = random_signal(chance, place)
        card = card_of(signal, view)
        text = f"{signal.document.title}\n{signal.document.text}"
        plain = [
            n for n, scope in enumerate(scopes) if in_scope(card, scope, view.regions, view.key_products, text=text)
        ]
        assert list(places_of(index.takers(card, text))) == plain
        taken += len(plain)
    assert taken > 5_000, "scopes that nothing meets show nothing"


def test_no_scopes_take_nothing(lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries) -> None:
    view = engine_of([], lexicon, firms, queries).view
    card = card_of(random_signal(random.Random(1), 1), view)
    assert ScopeIndex([], view.regions, view.key_products).takers(card, "起火") == 0


def test_a_rule_alone_and_a_rule_among_five_hundred_count_the_same(
    lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries
) -> None:
    chance = random.Random(3)
    rules = rules_made_up(500, lexicon, sorted(firms))
    together = engine_of(rules, lexicon, firms, queries).view
    signals = [random_signal(chance, place) for place in range(60)]
    cards = [card_of(signal, together) for signal in signals]
    met = 0
    for rule in chance.sample(rules, 60):
        alone = engine_of([rule], lexicon, firms, queries).view
        names = {rule.id, f"{rule.id}#0", f"{rule.id}#1"}
        for signal, card in zip(signals, cards, strict=True):
            own = card_of(signal, alone)
            assert set(own.rules) == set(card.rules) & names
            met += rule.id in own.rules
    assert met > 20


@pytest.mark.parametrize("order", ["as told", "shuffled", "with revisions"])
def test_a_stretch_judged_anew_is_what_judging_everything_finds(
    order: str, lexicon: Lexicon, firms: dict[str, RegistryEntry], queries: RuleQueries, tmp_path: Path
) -> None:
    chance = random.Random(order)
    rules = [rule for rule in _narrow(rules_made_up(52, lexicon, sorted(firms), queries=False)) if not rule.in_matter]
    engine = engine_of(rules, lexicon, firms, queries)
    signals = [random_signal(chance, place, hours=place * chance.uniform(2, 9)) for place in range(120)]
    if order == "with revisions":
        signals += [_changed(signal, chance) for signal in chance.sample(signals, 30)]
    if order != "as told":
        chance.shuffle(signals)
    if order == "with revisions":  # of one document the older one first: as they are fetched
        signals.sort(key=lambda signal: signal.document.revision)
    store = Store(f"sqlite:///{tmp_path / 'crowds.db'}", synchronous="NORMAL")
    store.migrate()
    now = STORY_BEGINS + timedelta(days=120)
    for signal in signals:
        with store.write() as db:
            engine.judge(db, signal, now=now)
    with store.read() as db:
        kept = cards_of(db, sorted({signal.document.id for signal in signals}))
        rows = db.execute(select(findings).where(findings.c.withdrawn_at.is_(None), findings.c.key.startswith("w:")))
        found = {row["id"]: (row["fired_at"], tuple(row["documents"])) for row in rows.mappings()}
    cards = sorted(map(card_from, kept), key=lambda card: card.order)
    expected = {
        one.finding.id: (one.finding.fired_at, one.finding.documents)
        for rule in rules
        for one in _everything(rule, cards, engine)
        if one.lost_at is None
    }
    store.close()
    assert found == expected
    assert len(expected) > 40


def _narrow(rules: Sequence[Rule]) -> list[Rule]:
    """Rules of windows over the few products and firms of these tests, so that they fire."""
    found = []
    for number, rule in enumerate(rules):
        if isinstance(rule.condition, SingleCondition | SeriesCondition):
            continue
        scope = Scope.model_validate({"min_level": 1, "issues": list(ISSUES[: 1 + number % 5])})
        groups = (("firm",), ("product", "issue"), ("prefecture",), ("all",), ("county",))[number % 5]
        found.append(rule.model_copy(update={"scope": scope, "group_by": groups}))
    return found


def _changed(signal: Signal, chance: random.Random) -> Signal:
    document = signal.document
    later = document.event_time + timedelta(hours=chance.uniform(0, 60))
    analysis = replace(signal.analysis, issues=tuple(chance.sample(ISSUES, 2)), primary_product=chance.choice(PRODUCTS))
    return Signal(replace(document, revision=2, event_time=later), analysis)


def _everything(rule: Rule, cards: Sequence[Card], engine: AlertEngine) -> list[Held]:
    """What a rule finds over all cards there are, at once."""
    by_key: dict[str, list[Card]] = {}
    for card in cards:
        if card.counts_for(rule.id):
            for values in grouped_by(card, rule, engine.view.regions):
                by_key.setdefault(key_of(rule, values), []).append(card)
    held: list[Held] = []
    for key, theirs in by_key.items():
        if isinstance(rule.condition, NewTermCondition):
            held += sights_of(rule, rule.condition, key, theirs, lambda _start, _end: False)
        else:
            held += fire_windows(rule, key, [card for card in theirs if card.is_origin], engine.view.regions)
    return held
