"""What the desk made of alerts: marks out of the history, and how precise each rule was."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from alerts.lifecycle import act
from alerts.marks import mark_alert, mark_of, precision_of_rules, standing_marks, wilson
from core.errors import UsageError
from core.records import Alert
from store.alert_log import alert_details, history_of, list_alerts, save_alert
from store.database import Store
from tests.lab_stories import rule_of
from tests.test_lab import NOW, complaint, keep, named

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def db(tmp_path: object) -> Iterator[Connection]:
    store = Store(f"sqlite:///{tmp_path}/marks.db")
    store.migrate()
    rules = [rule_of({"type": "frequency", "window": "7d", "at_least": 2}, id="two", repeat_after="7d")]
    told = [complaint(30 * n + k, k, firm=firm) for n, firm in enumerate(("ENT0140", "ENT0050")) for k in range(3)]
    keep(store, named(told), rules)
    with store.write() as connection:
        yield connection
    store.close()


def step(db: Connection, alert: Alert, action: str, when: datetime = NOW, **more: str) -> None:
    act(db, alert.id, action, actor="li", note="情况如此", now=when, once=f"{action}-{alert.id}-{when}", **more)  # type: ignore[arg-type]


def say(db: Connection, alert: Alert, word: str, when: datetime = NOW) -> None:
    mark_alert(db, alert.id, word, actor="wang", note="", now=when, once=f"{word}-{alert.id}-{when}")


@pytest.mark.parametrize(
    ("action", "reason", "mark"),
    [
        ("close", "remedied", "confirmed"),
        ("close", "recalled", "confirmed"),
        ("close", "handed_over", "confirmed"),
        ("close", "no_fault", "false"),
        ("close", "other", None),
        ("dismiss", "duplicate", "duplicate"),
        ("dismiss", "old_news", "false"),
        ("dismiss", "other", "false"),
    ],
)
def test_the_reason_of_an_end_is_a_mark(db: Connection, action: str, reason: str, mark: str | None) -> None:
    alert = list_alerts(db)[0]
    if action == "close":
        for before in ("dispatch", "submit"):
            step(db, alert, before)
    step(db, alert, action, reason=reason)
    found = mark_of(db, alert.id)
    assert (found.mark if found else None) == mark
    assert set(standing_marks(db)) == ({alert.id} if mark else set())


def test_the_newest_word_counts_and_none_takes_it_back(db: Connection) -> None:
    alert = list_alerts(db)[0]
    say(db, alert, "confirmed")
    say(db, alert, "false", LATER)
    found = mark_of(db, alert.id)
    assert found is not None
    assert (found.mark, found.actor, found.at) == ("false", "wang", LATER)
    assert standing_marks(db, before=LATER)[alert.id].mark == "confirmed"
    say(db, alert, "none", LATER + timedelta(hours=1))
    assert mark_of(db, alert.id) is None
    assert [row.action for row in history_of(db, alert.id)][-3:] == ["mark"] * 3


def test_taking_back_or_opening_again_takes_the_mark_away(db: Connection) -> None:
    alert, other = list_alerts(db)
    step(db, alert, "dismiss", reason="refuted")
    step(db, alert, "undo", LATER)
    assert mark_of(db, alert.id) is None
    step(db, other, "dismiss", reason="refuted")
    step(db, other, "reopen", LATER)
    assert mark_of(db, other.id) is None


def test_undoing_another_step_leaves_the_mark(db: Connection) -> None:
    alert = list_alerts(db)[0]
    step(db, alert, "accept")
    say(db, alert, "confirmed")
    step(db, alert, "undo", LATER)  # of the acceptance
    found = mark_of(db, alert.id)
    assert found is not None
    assert found.mark == "confirmed"


def test_a_mark_keeps_the_state_and_the_same_form_marks_once(db: Connection) -> None:
    alert = list_alerts(db)[0]
    for _ in range(2):
        mark_alert(db, alert.number, "confirmed", actor="wang", note="现场核实", now=NOW, once="one-form")
    assert list_alerts(db)[0].state is alert.state
    rows = [row for row in history_of(db, alert.id) if row.action == "mark"]
    assert [row.note for row in rows] == ["属实：现场核实"]


def test_the_mark_of_an_alert_that_went_into_another_stands_there(db: Connection) -> None:
    gone, standing = list_alerts(db)[:2]
    save_alert(db, gone, details={**alert_details(db, gone.id), "merged_into": standing.id})
    say(db, gone, "confirmed")
    assert [row.action for row in history_of(db, gone.id)].count("mark") == 0
    marked = mark_of(db, standing.id)
    assert marked is not None
    assert marked.mark == "confirmed"


@pytest.mark.parametrize(("alert", "word", "said"), [("YJ-1", "false", "没有预警 YJ-1"), ("", "maybe", "没有“maybe”")])
def test_a_wrong_mark_is_named(db: Connection, alert: str, word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        mark_alert(db, alert or list_alerts(db)[0].id, word, actor="wang", note="", now=NOW, once="wrong")


def test_precision_counts_confirmed_among_the_judged(db: Connection) -> None:
    first, second = list_alerts(db)
    [line] = precision_of_rules(db, standing_marks(db))
    assert (line.rule, line.fired, line.judged, line.interval) == ("two", 2, 0, None)
    say(db, first, "confirmed")
    say(db, second, "duplicate")
    [line] = precision_of_rules(db, standing_marks(db), by_version=True)
    assert line.version == rule_of({"type": "frequency", "window": "7d", "at_least": 2}, repeat_after="7d").version
    assert (line.confirmed, line.false, line.duplicate) == (1, 0, 1)
    assert line.interval is not None
    assert line.interval[0] == 1


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"), [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0)]
)
def test_the_interval_is_wilson_s(hits: int, of: int, low: float, high: float) -> None:
    found = wilson(hits, of)
    assert found is not None
    assert found[1:] == pytest.approx((low, high), abs=1e-4)
    assert wilson(0, 0) is None
