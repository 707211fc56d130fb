"""Alerts that split, merge and grow: no document is lost between them, and none is told of twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from sqlalchemy import select

from alerts.lifecycle import act
from alerts.setup import build_engine
from config.lexicon import Lexicon
from config.rules import read_rule
from config.settings import PROJECT
from core.records import AlertState, Kind, RegistryEntry
from store.alert_log import history_of
from store.database import Store
from store.schema import alerts, findings
from tests.random_stories import engine_of
from tests.test_alert_engine import START, Desk, Page

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
    assert [desk.actions(alert) for alert in desk.alerts()] == [["opened", "noted", "dismissed"], ["opened"]]
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


# --- crowds: what is counted over many matters ----------------------------------------------------------------------


@pytest.fixture
def crowd_desk(store: Store, lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Callable[..., Desk]:
    """A desk of these rules alone."""

    def make(**rules: dict[str, Any]) -> Desk:
        examples: dict[str, Any] = {"fires": [[{}]], "quiet": [[{}]]}
        told = {"why": "用于测试", "level": "yellow", "examples": examples}
        read = [
            read_rule(
                yaml.safe_dump({"title": f"试验 {name}", **told, **rule}, allow_unicode=True), stem=name, name=name
            )
            for name, rule in rules.items()
        ]
        return Desk(store, lambda: engine_of(read, lexicon, firms))

    return make


def complaint(name: str, day: float, **more: Any) -> Page:
    values = {"firm": None, "place": "360113", "product": "helmet", "level": 1, "issues": ("defect",), **more}
    return press(name, day, **{"kind": Kind.COMPLAINT, **values})


def week(**more: Any) -> dict[str, Any]:
    """Three of a product within a week."""
    return {"condition": {"type": "frequency", "window": "7d", "at_least": 3}, "group_by": ["product"], **more}


def standing(desk: Desk) -> list[dict[str, Any]]:
    """The findings that stand, as they fired, each with the number of the alert it is in."""
    numbers = alerts.c.number
    query = select(findings, numbers).outerjoin(alerts, alerts.c.id == findings.c.alert)
    with desk.store.read() as db:
        rows = db.execute(query.where(findings.c.withdrawn_at.is_(None)).order_by(findings.c.fired_at)).mappings()
        return [dict(row) for row in rows]


def test_a_rule_that_may_fire_again_within_its_window_loses_and_doubles_nothing(
    crowd_desk: Callable[..., Desk],
) -> None:
    desk = crowd_desk(often=week(repeat_after="1d"))
    desk.read(*(complaint(f"头盔投诉{day}", day) for day in (0, 1, 2, 4, 6)))
    fired = [(row["fired_at"] - START) / timedelta(days=1) for row in standing(desk)]
    assert fired == [2, 4, 6]
    assert [desk.actions(alert) for alert in desk.alerts()] == [["opened"]] * 3
    assert [len(alert.documents) for alert in desk.alerts()] == [3, 4, 5]
    assert [row["number"] for row in standing(desk)] == [alert.number for alert in desk.alerts()]
    desk.read(complaint("头盔投诉七", 7))
    assert [desk.actions(alert) for alert in desk.alerts()] == [["opened"]] * 3, "nobody hears of them again"


GAS = {"condition": {"type": "any"}, "scope": {"issues": ["explosion"]}, "level": "blue"}


def test_a_crowd_that_becomes_an_echo_leaves_no_finding_in_a_merged_alert(crowd_desk: Callable[..., Desk]) -> None:
    desk = crowd_desk(often=week(), grave={**GAS, "level": "orange"})
    desk.read(*(complaint(f"头盔投诉{day}", day, firm="ENT0190") for day in (0, 1, 2)))
    crowd = desk.one()
    assert [row["number"] for row in standing(desk)] == [crowd.number]
    desk.read(press("头盔爆裂", 3, firm="ENT0190", product="helmet", issues=("explosion",)))
    assert desk.one().number != crowd.number, "the crowd is told of there"
    assert desk.findings(crowd) == []
    assert {row["number"] for row in standing(desk)} == {desk.one().number, None}


def test_a_crowd_takes_no_blue_alert_over_and_leaves_it_its_documents_when_it_becomes_an_echo(
    crowd_desk: Callable[..., Desk],
) -> None:
    desk = crowd_desk(often=week(), grave=GAS)
    blue = complaint("头盔爆裂一例", 0, place="361128", issues=("explosion",))
    desk.read(blue, *(complaint(f"头盔投诉{day}", day, firm="ENT0190") for day in (1, 2, 3)))
    assert {(alert.rule, alert.level) for alert in desk.alerts()} == {("grave", 1), ("often", 2)}
    desk.read(press("头盔爆裂伤人", 4, firm="ENT0190", product="helmet", issues=("explosion",)))
    held = [title for titles in grounds(desk) for title in titles]
    assert held.count(blue.name) == 1
    assert sorted(alert.rule for alert in desk.alerts()) == ["grave", "grave"]


def test_a_crowd_s_alert_stays_while_its_finding_stands_though_a_page_of_it_is_revised_later(
    crowd_desk: Callable[..., Desk],
) -> None:
    desk = crowd_desk(often=week())
    pages = [complaint(f"头盔投诉{day}", day) for day in (0, 1, 2)]
    desk.read(*pages)
    desk.read(replace(pages[2], name="头盔投诉（补充）", hours=18 * DAY, address=pages[2].name))
    desk.read(complaint("头盔投诉又一件", 19))
    assert desk.one().state is AlertState.NEW
    assert [row["number"] for row in standing(desk)] == [desk.one().number]


# --- whose an alert is ----------------------------------------------------------------------------------------------


def by_hand(desk: Desk, action: str, **more: Any) -> None:
    with desk.store.write() as db:
        act(db, desk.one().id, action, actor="li", note="核查", now=desk.now, once=f"{action}-{desk.now}", **more)


SITE = press("芦溪某工地钢筋偏细", 0, firm=None, place="360323")
NAMED = press("偏细钢筋出自红炉", 0.5, place="360300")


def test_a_dispatched_alert_stays_with_them_and_the_new_territory_is_proposed_once(desk: Desk) -> None:
    desk.read(SITE)
    by_hand(desk, "dispatch", territory="360302")
    desk.read(press("芦溪又一工地钢筋偏细", 0.25, firm=None, place="360323"))
    assert "noted" not in desk.actions(desk.one()), "who dispatched it knew that"
    desk.read(NAMED, press("红炉钢筋再现", 1, place="360300"))
    alert = desk.one()
    assert (alert.state, alert.territory) == (AlertState.DISPATCHED, "360302")
    assert {"360313", "360323"} <= set(alert.territories), "whose the documents say it is are told all the same"
    with desk.store.read() as db:
        noted = [row.note for row in history_of(db, alert.id) if row.details["reason"] == "dispatched"]
    assert noted == ["按现有信号属地为江西省萍乡市湘东区；已派给江西省萍乡市安源区，不自动改派，是否改派由人决定"]


def test_an_alert_that_nobody_works_on_yet_follows_its_documents(desk: Desk) -> None:
    desk.read(SITE)
    by_hand(desk, "accept")
    assert desk.one().territory == "360323"
    desk.read(NAMED)
    assert desk.one().territory == "360313"
