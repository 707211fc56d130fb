"""Alerts that split, merge and grow: no document is lost between them, and none is told of twice."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.setup import build_engine
from config.lexicon import Lexicon
from config.settings import PROJECT
from core.records import AlertState, RegistryEntry
from store.database import Store
from tests.test_alert_engine import Desk, Page

DAY = 24


@pytest.fixture
def desk(store: Store, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Desk:
    return Desk(store, lambda: build_engine(PROJECT / "config", registry=firms.get, lexicon=lexicon))


def press(name: str, day: float, **more: Any) -> Page:
    values: dict[str, Any] = {"source": f"paper-{name}", "firm": "ENT0190", "place": "360313", **more}
    return Page(name, day * DAY, **values)


def grounds(desk: Desk) -> list[list[str]]:
    """The titles that each open alert rests on, sorted."""
    return [sorted(desk.titles(alert)) for alert in desk.alerts() if alert.state is AlertState.NEW]


# --- a matter that falls apart --------------------------------------------------------------------------------------

EARLY, NAMER = press("红炉钢筋抽查五批不合格", 0), press("红炉钢筋又见负公差", 4)
BRIDGE, LATE = press("上栗一工地钢筋偏细", 7, firm=None), press("红炉钢筋流入安置房", 20)


@pytest.mark.parametrize("order", [(EARLY, NAMER, BRIDGE, LATE), (LATE, EARLY, NAMER, BRIDGE)], ids=["told", "late"])
def test_a_withdrawal_that_splits_a_matter_leaves_each_part_an_alert(desk: Desk, order: tuple[Page, ...]) -> None:
    desk.read(*order)
    assert set(desk.titles(desk.one())) == {page.name for page in order}
    desk.gone(NAMER, 21 * DAY)
    assert sorted(map(sorted, grounds(desk))) == sorted(
        sorted(page.name for page in part) for part in ((EARLY, NAMER), (BRIDGE,), (LATE,))
    )
    desk.read(press("红炉钢筋整改进展", 22))
    assert sorted([LATE.name, "红炉钢筋整改进展"]) in grounds(desk), "judged again they stay apart"
    assert sorted([EARLY.name, NAMER.name]) in grounds(desk)


def test_a_page_revised_after_long_silence_does_not_end_and_reopen_one_alert(desk: Desk) -> None:
    first = press("红炉钢筋一批不合格", 0, address="one")
    desk.read(first, replace(first, name="红炉钢筋两批不合格", hours=20 * DAY))
    assert [desk.actions(alert) for alert in desk.alerts()] == [["opened", "dismissed"], ["opened"]]
    desk.read(press("红炉钢筋三批不合格", 21))
    assert [desk.actions(alert) for alert in desk.alerts()] == [["opened", "dismissed"], ["opened"]]
    assert grounds(desk) == [sorted(["红炉钢筋两批不合格", "红炉钢筋三批不合格"])]


@pytest.mark.parametrize("firms_told", [("ENT0140", "ENT0190"), ("ENT0190", "ENT0140")], ids=["down", "up"])
def test_a_page_that_turns_out_to_be_about_another_firm_leaves_the_rest_its_alert(
    desk: Desk, firms_told: tuple[str, str]
) -> None:
    before, after = firms_told
    page = press("钢筋一批不合格", 0, firm=before, address="one")
    desk.read(page, press("那批钢筋已流入工地", 1, firm=before))
    desk.one()
    desk.read(replace(page, name="钢筋一批不合格（更正企业）", firm=after))
    held = {alert.subject: desk.titles(alert) for alert in desk.alerts() if alert.state is AlertState.NEW}
    assert held == {f"f:{before}": ["那批钢筋已流入工地"], f"f:{after}": ["钢筋一批不合格（更正企业）"]}
