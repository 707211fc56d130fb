"""What people do to an alert: ends have a reason, red takes two persons, mistakes are told in words."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from alerts.lifecycle import act, confirmation_words
from alerts.reasons import REASONS
from core.errors import UsageError
from core.records import Alert, AlertState
from store.alert_log import alert_details, find_alert, history_of, save_alert
from store.database import Store


@pytest.fixture
def alert(store: Store, noon: datetime) -> Alert:
    made = Alert(
        id="a1",
        number="YJ-2026-0001",
        subject="f:ENT0190",
        level=4,
        state=AlertState.NEW,
        first_at=noon,
        updated_at=noon,
        created_at=noon,
        title="钢筋",
        rule="death",
        reason="规则",
        products=("rebar",),
        enterprises=("ENT0190",),
        issues=("collapse",),
        territory="360313",
        territories=("360313", "360300"),
        documents=("d1",),
        findings=(),
    )
    with store.write() as db:
        save_alert(db, made, details={})
    return made


def step(store: Store, noon: datetime, action: str, **more: Any) -> Alert:
    values = {"actor": "zhang", "note": "", "once": f"{action}-{more}", **more}
    with store.write() as db:
        return act(db, "a1", action, now=noon, **values)


@pytest.mark.usefixtures("alert")
def test_a_dismissal_says_why(store: Store, noon: datetime) -> None:
    with pytest.raises(UsageError, match="须选定理由"):
        step(store, noon, "dismiss")
    with pytest.raises(UsageError, match="须写明依据"):
        step(store, noon, "dismiss", reason="wrong_object")
    with pytest.raises(UsageError, match="没有“bored”这一理由（可用：not_quality、"):
        step(store, noon, "dismiss", reason="bored", note="累了")
    done = step(store, noon, "dismiss", reason="wrong_object", note="南康同名厂，非本案企业")
    assert done.state is AlertState.DISMISSED
    with store.read() as db:
        [row] = history_of(db, "a1")
        assert (row.details["reason"], row.note) == ("wrong_object", "南康同名厂，非本案企业")
        assert alert_details(db, "a1")["end_reason"] == "wrong_object"


@pytest.mark.usefixtures("alert")
def test_closing_says_what_came_of_it(store: Store, noon: datetime) -> None:
    step(store, noon, "dispatch")
    step(store, noon, "submit")
    with pytest.raises(UsageError, match="核销办结须选定理由"):
        step(store, noon, "close")
    assert step(store, noon, "close", reason="recalled").state is AlertState.CLOSED


@pytest.mark.usefixtures("alert")
def test_a_reason_belongs_to_an_end_only(store: Store, noon: datetime) -> None:
    with pytest.raises(UsageError, match="受理不用选理由"):
        step(store, noon, "accept", reason="other")


def test_red_takes_two_persons(store: Store, noon: datetime, alert: Alert) -> None:
    def words() -> str | None:
        with store.read() as db:
            found = find_alert(db, "a1")
            assert found is not None
            return confirmation_words(found, alert_details(db, "a1"))

    assert words() == "红色待两人确认"
    step(store, noon, "confirm")
    assert words() == "红色已由 zhang 确认，待另一人复核"
    with pytest.raises(UsageError, match="zhang 已确认过，须由另一人复核"):
        step(store, noon, "confirm", note="再一次")
    step(store, noon, "confirm", actor="li")
    assert words() == "红色已由 zhang、li 确认"
    with pytest.raises(UsageError, match="已由 zhang、li 两人确认"):
        step(store, noon, "confirm", actor="wang")
    assert confirmation_words(replace(alert, level=3), {}) is None


@pytest.mark.usefixtures("alert")
def test_another_level_has_to_be_confirmed_anew(store: Store, noon: datetime) -> None:
    step(store, noon, "confirm")
    step(store, noon, "level", level=3)
    with pytest.raises(UsageError, match="只有红色预警须确认，现为橙色"):
        step(store, noon, "confirm", actor="li")
    step(store, noon, "level", level=4, note="又有一人死亡")
    step(store, noon, "confirm", note="再次")
    with store.read() as db:
        assert alert_details(db, "a1")["confirmed_too_by"] is None


@pytest.mark.usefixtures("alert")
def test_an_undone_end_forgets_its_reason(store: Store, noon: datetime) -> None:
    step(store, noon, "dismiss", reason="duplicate", note="同 YJ-2026-0002")
    assert step(store, noon, "undo").state is AlertState.NEW
    with store.read() as db:
        assert alert_details(db, "a1")["end_reason"] is None


def test_every_reason_has_words() -> None:
    assert all(words for known in REASONS.values() for words in known.values())
