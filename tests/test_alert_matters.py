"""Matters that never end and days that never quieten: what is read for one document stays bounded."""

import random
from datetime import timedelta
from typing import Any

import pytest

from alerts.cards import Card, card_of, keys_of, stored
from alerts.engine import AlertEngine
from alerts.matters import EPOCH, MONTH, MOST_A_DAY, Neighbourhood, Track, chapters, thinned
from alerts.rule_examples import STORY_BEGINS, signals_of
from alerts.setup import build_engine
from config.lexicon import load_registry_csv
from config.rules import ExampleDocument
from config.settings import PROJECT
from core.records import Kind, Signal
from store.alert_log import list_alerts
from store.cards import save_card
from store.database import Store

CONFIG = PROJECT / "config"


@pytest.fixture(scope="module")
def engine() -> AlertEngine:
    firms = {entry.id: entry for entry in load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")}
    return build_engine(CONFIG, registry=firms.get)


def complaints(count: int, *, hours: float) -> list[Signal]:
    """Complaints about one firm, evenly spread."""
    told = [
        ExampleDocument(
            kind=Kind.COMPLAINT, product="cable", enterprise="ENT0140", jurisdiction="360981", at=place * hours
        )
        for place in range(count)
    ]
    return signals_of(told)


def judged(engine: AlertEngine, store: Store, signals: list[Signal]) -> set[tuple[Any, ...]]:
    for signal in signals:
        with store.write() as db:
            engine.judge(db, signal, now=signal.document.event_time)
    with store.read() as db:
        return {(a.subject, a.level, a.state, a.documents, a.findings, a.first_at) for a in list_alerts(db)}


def test_a_span_names_one_firm_several_or_none() -> None:
    hours = [STORY_BEGINS + timedelta(hours=hour) for hour in range(6)]
    track = Track(list(zip(hours, ("A", "A", "B", "B", "A"), strict=False)))
    spans = {(0, 1): "A", (0, 2): None, (2, 3): "B", (3, 4): None, (4, 5): "A"}
    for (first, last), firm in spans.items():
        assert track.firm(hours[first], hours[last]) == (True, firm)
    assert track.firm(hours[5], hours[5]) == (False, None)
    assert Track([]).firm(hours[0], hours[5]) == (False, None)


def test_a_matter_without_silence_goes_on_in_chapters(engine: AlertEngine, store: Store) -> None:
    alerts = judged(engine, store, complaints(260, hours=24))
    *months, longest = sorted(len(alert[3]) for alert in alerts)
    assert 60 <= longest <= 90  # the first goes on to the end of a month
    assert set(months[1:]) == {30}  # then a month each; the last one is not over yet
    held = [document for alert in alerts for document in alert[3]]
    assert len(held) == len(set(held)) == 260
    last = STORY_BEGINS + timedelta(days=259)
    with store.read() as db:
        around = Neighbourhood(db, engine.view, last)
        assert sum(len(matter.cards) for matter in around.matters("f:ENT0140")) < 180


def test_what_was_over_long_ago_is_not_read_again(engine: AlertEngine, store: Store) -> None:
    bursts = [place for place in complaints(700, hours=24) if (place.document.event_time - STORY_BEGINS).days % 30 < 10]
    with store.write() as db:
        for signal in bursts:
            card = card_of(signal, engine.view)
            save_card(db, stored(card), keys_of(card, engine.view), withdrawn_at=None)
    with store.read() as db:
        around = Neighbourhood(db, engine.view, bursts[-1].document.event_time)
        sizes = [len(matter.cards) for matter in around.matters("f:ENT0140")]
        assert sizes == [10, 10, 10]  # of 24: each whole, also the one that ends where the look back begins


def test_chapters_are_the_same_in_any_order(engine: AlertEngine, store: Store, tmp_path: Any) -> None:
    signals = complaints(130, hours=24)
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    other.migrate()
    mixed = list(signals)
    random.Random(3).shuffle(mixed)
    in_order = {(a[0], a[1], a[3], a[5]) for a in judged(engine, store, signals)}
    assert {(a[0], a[1], a[3], a[5]) for a in judged(engine, other, mixed) if a[2] != "dismissed"} == in_order
    other.close()


def card(place: int, hours: float, voice: str = "social") -> Card:
    at = EPOCH + timedelta(hours=hours)
    facts: dict[str, Any] = {"product": None, "family": None, "firm": None, "firms": (), "issues": (), "places": ()}
    name = f"c{place:04d}"
    return Card(name, 1, at, None, "s", "k", voice, "t", True, 1, **facts, jurisdiction="360000", origin=name)


def test_a_day_of_noise_keeps_what_press_and_authorities_say() -> None:
    noise = [card(place, place * 0.1) for place in range(MOST_A_DAY * 3)]
    late = card(9999, 23, "official")
    kept = thinned([*noise, late, card(10_000, 25)])
    assert len(kept) == MOST_A_DAY + 1
    assert late in kept
    assert kept == sorted(kept, key=lambda one: one.order)


def test_a_chapter_begins_where_it_is_cut() -> None:
    days = [card(place, place * 24) for place in range(60)]
    parts = chapters(days, timedelta(days=5), [EPOCH + MONTH])
    assert [len(part) for part in parts] == [30, 30]
