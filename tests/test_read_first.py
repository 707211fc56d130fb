"""Under a backlog what may tell of people harmed is read first; what waits its turn is not left for ever."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text, update

from core.records import Kind, RawDocument
from nlp.first_reading import is_urgent
from pipelines.intake import StoreIntake
from pipelines.stages import bounded
from store.database import Store
from store.documents import FETCHED, Work, claim, mark_for_analysis
from store.schema import documents
from tests.conftest import NOON

QUIET, FIRE = "第三届赏花节举行", "一小区电动自行车起火致3人死亡"


def arrive(store: Store, titles: Sequence[str], at: datetime = NOON) -> None:
    """Documents published one a second from `at` on, all known since noon."""
    intake = StoreIntake(store, lambda: NOON + timedelta(hours=1))
    for number, title in enumerate(titles):
        address = f"http://news.example/{at:%d%H}/{number}"
        when = at + timedelta(seconds=number)
        intake.save(RawDocument("news", Kind.NEWS, address, title, f"正文{address}", NOON, published=when))


def taken(store: Store, limit: int, who: str = "worker@a/1") -> list[Work]:
    with store.write() as db:
        return claim(db, FETCHED, who=who, now=NOON, limit=limit)


def titles(works: Sequence[Work]) -> list[str]:
    return [str(work.raw["title"]) for work in works]


def test_an_accident_that_comes_last_is_taken_first(store: Store) -> None:
    arrive(store, [*[QUIET] * 30, FIRE])
    assert FIRE in titles(taken(store, 5))
    assert FIRE not in titles(taken(store, 50))


def test_given_back_are_the_oldest_first_whatever_was_taken_first(store: Store) -> None:
    arrive(store, [QUIET, QUIET, FIRE])
    assert titles(taken(store, 50)) == [QUIET, QUIET, FIRE]


def test_the_fifth_place_is_for_what_waits_its_turn(store: Store) -> None:
    arrive(store, [QUIET] * 3)
    arrive(store, [FIRE] * 30, NOON + timedelta(minutes=5))
    assert titles(taken(store, 10)) == [QUIET, QUIET, *[FIRE] * 8]
    assert titles(taken(store, 10, "worker@b/1")) == [QUIET, *[FIRE] * 9]
    assert titles(taken(store, 10, "worker@c/1")) == [FIRE] * 10


def test_two_claims_share_nothing_and_leave_nothing(store: Store) -> None:
    arrive(store, [QUIET, FIRE] * 10)
    first, second = taken(store, 15), taken(store, 15, "worker@b/1")
    assert sorted(work.seq for work in [*first, *second]) == sorted({work.seq for work in [*first, *second]})
    assert len(first) + len(second) == 20


def test_an_accident_of_last_week_waits_its_turn(store: Store) -> None:
    arrive(store, [FIRE], NOON - timedelta(days=7))
    arrive(store, [QUIET] * 3, NOON - timedelta(days=8))
    assert titles(taken(store, 3)) == [QUIET] * 3


def test_what_is_read_again_does_not_overtake_what_is_new(store: Store) -> None:
    arrive(store, [FIRE] * 3)
    with store.write() as db:
        db.execute(update(documents).values(stage="judged"))
        mark_for_analysis(db)
        db.execute(update(documents).values(stage=FETCHED))
    arrive(store, [FIRE.replace("3", "4")], NOON + timedelta(minutes=5))
    assert titles(taken(store, 1)) == ["一小区电动自行车起火致4人死亡"]


def test_a_claim_walks_an_index_and_sorts_nothing(store: Store) -> None:
    """Else the cost of a claim grows with what waits, just when much waits."""
    if store.engine.dialect.name != "sqlite":
        pytest.skip("SQLite's plan")
    asked = (
        "explain query plan select priority, event_time, seq from documents"
        " where stage IN ('fetched', 'deduped', 'analysed') and stage = 'fetched'"
        " and (claimed_until is null or claimed_until < 5) order by priority, event_time, seq limit 50"
    )
    with store.read() as db:
        plan = " ".join(str(row[3]) for row in db.execute(text(asked)))
    assert "ix_documents_turn" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("title", "body", "urgent"),
    [
        (FIRE, "", True),
        ("情况通报", "昨日一工厂发生爆炸，伤者已送医。", True),
        ("燃气灶爆燃致一家三口被困", "", True),
        (QUIET, "游客十万人次，秩序良好。", False),
        ("我市举行燃气泄漏应急演练", "模拟3人受伤", False),
        ("一花炮厂爆炸致3人死亡", "经查，该厂未按规定开展安全培训。", True),
        ("年度总结", "平稳" * 200 + "起火", False),
    ],
)
def test_the_first_reading(title: str, body: str, *, urgent: bool) -> None:
    assert is_urgent(title, body) is urgent


@pytest.mark.parametrize(("seconds", "most"), [(0.1, 50), (3.0, 50), (6.0, 25), (30.0, 10)])
def test_a_slow_machine_claims_fewer_at_once_so_that_an_accident_waits_no_longer(seconds: float, most: int) -> None:
    assert bounded(50, seconds) == most
