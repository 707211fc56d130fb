"""The learnt order: trained on earlier marks only, measured against the order without, used only where it is better."""

import random
from datetime import UTC, datetime, timedelta

from alerts.marks import Mark, Marked
from alerts.rank_cases import Case
from alerts.reranking import FEATURES, Model, Past, features, reordered, train
from alerts.reranking_measure import ENOUGH, measure

START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = {1: 24.0, 2: 8.0, 3: 2.0, 4: 0.5}


def cases(count: int, *, telling: bool, seed: int = 5) -> list[Case]:
    """Marked alerts; telling: whether firm and origins say what becomes of them."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        at = START + timedelta(hours=5 * number)
        good = chance.random() < 0.4
        firm = f"F{chance.randrange(4) + (0 if good and telling else 4)}"
        origins = chance.randrange(3, 9) if good and telling else chance.randrange(1, 5)
        mark: Mark = "confirmed" if good else chance.choice(("false", "false", "duplicate"))
        voices = frozenset(["official"] if good and telling and chance.random() < 0.6 else ["social"])
        found.append(
            Case(
                alert=f"a{number:04d}",
                opened=at,
                level=chance.choice((1, 2, 2, 3)),
                rule=f"r{chance.randrange(3)}",
                product="cable",
                firm=firm,
                origins=origins,
                reposts=0,
                sources=min(origins, 3),
                voices=voices,
                hour=at.hour,
                mark=Marked(f"a{number:04d}", mark, at + timedelta(hours=3), at, "wang", 1),
            )
        )
    return found


def test_an_order_that_is_better_on_later_marks_is_switched_on() -> None:
    told, model = measure(cases(600, telling=True), HOURS)
    assert told.active
    assert model is not None
    assert told.interval is not None
    assert told.interval[0] > 0
    assert told.before is not None
    assert told.after is not None
    assert told.after.ndcg > told.before.ndcg
    assert told.after.rank < told.before.rank


def test_marks_that_say_nothing_leave_the_order_as_it_is() -> None:
    active = [measure(cases(600, telling=False, seed=seed), HOURS)[0].active for seed in range(8)]
    assert sum(active) <= 1  # an interval of 95 % lets one in forty through


def test_with_few_marks_nothing_is_switched_on_however_good_it_looks() -> None:
    told, _ = measure(cases(ENOUGH - 1, telling=True), HOURS)
    assert told.gain is not None
    assert told.gain > 0
    assert not told.active
    assert f"不足 {ENOUGH} 条" in told.why
    assert not measure([], HOURS)[0].active


def test_the_same_marks_give_the_same_model_and_figures() -> None:
    first, second = (measure(cases(300, telling=True), HOURS) for _ in range(2))
    assert first[0] == second[0]
    assert first[1] is not None
    assert second[1] is not None
    assert first[1].as_json() == second[1].as_json()


def test_later_marks_change_nothing_of_what_was_learnt_before() -> None:
    told = cases(300, telling=True)
    assert [features(case, Past()) for case in told[:5]] == [features(case, Past()) for case in told[:5]]
    early, whole = train(told[:200]), train(told)
    assert early is not None
    assert whole is not None
    assert early.past.marked == 200
    assert train(told[:200]).as_json() == early.as_json()  # type: ignore[union-attr]


def test_red_stays_first_and_nothing_is_hidden() -> None:
    told = cases(300, telling=True)
    model = train(told)
    assert model is not None
    dull = Case("red", START, 4, "r0", "cable", "F7", 1, 0, 1, frozenset({"social"}), 3)
    order = reordered([*told[:20], dull], model)
    assert order[0][0].alert == "red"
    assert order[0][1] < order[1][1]
    assert len(order) == 21


def test_a_model_comes_back_from_the_store_as_it_was_and_explains_itself() -> None:
    told = cases(300, telling=True)
    model = train(told)
    assert model is not None
    again = Model.of(model.as_json())
    assert again is not None
    assert [again.score(case) for case in told[:9]] == [model.score(case) for case in told[:9]]
    words = [name for name, _ in model.why(told[0])]
    assert words
    assert set(words) <= {
        "级别",
        "同规则往例",
        "同产品往例",
        "同企业往例",
        "独立来源数",
        "信源数",
        "有官方来源",
        "只有自媒体",
        "渠道类数",
        "夜间发生",
        "点名企业",
    }
    assert Model.of({**model.as_json(), "features": [*FEATURES, "weather"]}) is None


def test_one_sided_marks_teach_nothing() -> None:
    right = [case for case in cases(300, telling=True) if case.mark and case.mark.mark == "confirmed"]
    assert train(right) is None
