"""Three incidents of the sample pack, read by the real analyzer, in several orders of arrival: the same alerts."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from alerts.setup import build_engine
from benchmarks.sample_alerts import DAY_ZERO, Arrival, arrivals, lines, run, same_story, shuffled
from config.lexicon import load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.records import Analysis, Document
from demo.story import read_pack
from nlp.analyze import Analyzer
from store.database import Store

CONFIG = PROJECT / "config"
INCIDENTS = ("I4", "I5", "I6")
Read = Callable[[Document], Analysis]


@pytest.fixture(scope="module")
def read() -> Read:
    analyzer = Analyzer(load_lexicon(CONFIG), load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))
    known: dict[tuple[str, int], Analysis] = {}

    def look(document: Document) -> Analysis:
        key = (document.id, document.revision)
        if key not in known:
            known[key] = analyzer.analyze(
                document.title, document.text, published=document.published, tables=document.tables
            )
        return known[key]

    return look


def alerts_after(order: Sequence[Arrival], read: Read, folder: Path) -> set[str]:
    store = Store(f"sqlite:///{folder / 'pack.db'}", synchronous="NORMAL")
    store.migrate()
    firms = {entry.id: entry for entry in load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")}
    run(order, read, build_engine(CONFIG, registry=firms.get), store)
    with store.read() as db:
        found = same_story(list(lines(db)))
    store.close()
    return found


def test_the_order_of_arrival_does_not_show_in_the_alerts(read: Read, tmp_path: Path) -> None:
    mine = {row["id"] for row in read_pack() if row["incident"] in INCIDENTS}
    order = [arrival for arrival in arrivals(DAY_ZERO) if arrival.group in mine]
    stories = []
    for seed in (None, 1, 4):
        folder = tmp_path / f"order-{seed}"
        folder.mkdir()
        stories.append(alerts_after(order if seed is None else shuffled(order, seed), read, folder))
    assert stories[0]
    assert stories[1] == stories[0]
    assert stories[2] == stories[0]


def test_a_matter_that_loses_its_texts_to_another_firm_s_is_merged_into_it(read: Read, tmp_path: Path) -> None:
    """Two texts without a name stand beside one firm of the place until the press names another one.

    A level that was shown stays until a person lowers it, so only what belongs together is compared.
    """
    mine = {row["id"] for row in read_pack() if row["incident"] == "I4"}
    order = [arrival for arrival in arrivals(DAY_ZERO) if arrival.group in mine]
    first = ["a2-0167", "a2-0148", "a2-0149"]
    turned = sorted(order, key=lambda arrival: first.index(arrival.group) if arrival.group in first else len(first))
    stories = []
    for name, arriving in (("as published", order), ("turned", turned)):
        (tmp_path / name).mkdir()
        told = map(json.loads, alerts_after(arriving, read, tmp_path / name))
        stories.append({(*row["documents"], "of", *row["enterprises"], "in", *row["territories"]) for row in told})
    assert stories[0] == stories[1]
