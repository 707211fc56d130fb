"""Rules that judge daily counts and silences: what they come to does not depend on how the documents came in."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from config.lexicon import load_lexicon
from config.settings import PROJECT
from store.alert_log import history_of, list_alerts
from store.database import Store
from tests.random_stories import CONDITIONS, Arrival, arriving, delayed, found_in, halted, rules_of, story, tell

SERIES = tuple(name for name in CONDITIONS if name.startswith(("anomaly", "flatline")))
How = Callable[[random.Random, Arrival], datetime]
SEED = 7
LEXICON = load_lexicon(PROJECT / "config")


def told(order: list[Arrival], folder: Path, *, restarts: int = 0) -> Store:
    folder.mkdir()
    store = Store(f"sqlite:///{folder / 'fengsui.db'}", synchronous="NORMAL")  # no power cut is tried here
    store.migrate()
    tell(store, rules_of(SERIES), order, LEXICON, {}, restarts=restarts)
    return store


@pytest.fixture(scope="module")
def in_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The story as it came in, read by all tests and changed by none."""
    store = told(story(SEED), tmp_path_factory.mktemp("story") / "in_time")
    yield store
    store.close()


@pytest.mark.parametrize("how", [delayed(6), halted(18, 24)], ids=["delayed", "halted"])
def test_findings_and_alerts_are_the_same_in_whatever_order_the_documents_come(
    how: How, in_time: Store, tmp_path: Path
) -> None:
    otherwise = told(arriving(story(SEED), how, 1), tmp_path / "otherwise", restarts=3)
    one, other = found_in(in_time), found_in(otherwise)
    otherwise.close()
    assert one["findings"]
    assert one["findings"] == other["findings"]
    assert one["alerts"] == other["alerts"]


def test_what_is_over_is_closed_with_its_reason(in_time: Store) -> None:
    with in_time.read() as db:
        ended = [alert for alert in list_alerts(db) if alert.state.value == "closed"]
        rows = [row for alert in ended for row in history_of(db, alert.id) if row.action == "cleared"]
    assert ended
    assert {row.details["reason"] for row in rows} == {"recovered"}
    assert {row.state.value for row in rows} == {"closed"}
