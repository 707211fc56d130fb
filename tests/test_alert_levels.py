"""Levels through the engine: facts raise an open alert, only an authority or a person lowers one, ended ones wake."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from alerts.card_words import hurt_children
from alerts.engine import AlertEngine
from alerts.lifecycle import act
from alerts.setup import build_engine
from config.lexicon import Lexicon
from core.records import Alert, AlertState, Kind, RegistryEntry
from store.alert_log import alert_details, history_of
from store.database import Store
from tests.test_alert_engine import CONFIG, START, Desk, Page


@pytest.fixture
def engine_of(lexicon: Lexicon, firms: dict[str, RegistryEntry]) -> Callable[[], AlertEngine]:
    return lambda: build_engine(CONFIG, registry=firms.get, lexicon=lexicon)


@pytest.fixture
def desk(store: Store, engine_of: Callable[[], AlertEngine]) -> Desk:
    return Desk(store, engine_of)


PRESS = Page("记者调查：某厂电动自行车电池质量差", 1, product="ebike_power", firm="ENT0043", place="360111")
"""Opens a blue alert by itself."""
HURT = Page("云骓电池起火一人受伤", 5, source="evening", product="ebike_power", firm="ENT0043", place="360111",
            issues=("fire",), hurt={"injured": 1})  # fmt: skip
DEAD = replace(HURT, name="云骓电池起火致一人死亡", hours=9, source="daily2", hurt={"dead": 1}, level=3)
CHILD = replace(HURT, name="云骓电池起火烧伤孩子", body="一名男童在充电时被烧伤送医，伤情稳定。", source="city")
SCHOOL = replace(
    PRESS, name="某小学车棚里的云骓电池", hours=6, source="evening", body="该校车棚内停放的车辆多用此电池。"
)
ELSEWHERE = replace(PRESS, name="赣州也有人反映云骓电池", hours=7, source="gz", place="360702", issues=("defect",))
FAR_AND_HURT = replace(HURT, name="长沙云骓电池起火一人受伤", hours=8, source="hunan", place="430100")
NATIONAL = replace(PRESS, name="云骓电池质量调查", hours=8, source="新华社")
LOWER = replace(PRESS, name="云骓电池小毛病", hours=30, source="late", issues=("defect",), level=1)


def rows(desk: Desk, alert: Alert, action: str) -> list[tuple[int, str]]:
    with desk.store.read() as db:
        return [(row.level, row.details["reason"]) for row in history_of(db, alert.id) if row.action == action]


@pytest.mark.parametrize(
    ("fact", "level", "reason"),
    [
        (HURT, 2, None),  # a rule of its own says so
        (DEAD, 3, None),
        (CHILD, 3, "children"),
        (SCHOOL, 2, None),
        (ELSEWHERE, 2, "cross_region"),
        (FAR_AND_HURT, 3, "cross_region"),
        (NATIONAL, 2, "national_press"),
    ],
    ids=lambda value: value.name if isinstance(value, Page) else None,
)
def test_a_fact_that_comes_later_raises_the_alert_and_the_history_names_it(
    desk: Desk, fact: Page, level: int, reason: str | None
) -> None:
    desk.read(PRESS)
    before = desk.one()
    assert before.level == 1
    desk.read(fact)
    after = desk.one()
    assert (after.id, after.level) == (before.id, level)
    [(risen, why)] = rows(desk, after, "raised")
    assert risen == level
    assert reason is None or why == reason
    with desk.store.read() as db:
        raised = next(row for row in history_of(db, after.id) if row.action == "raised")
    [document] = [d for d in after.documents if d not in before.documents]
    assert raised.details["document"] == document


def test_more_deaths_raise_it_to_red(desk: Desk) -> None:
    desk.read(PRESS, HURT, DEAD, replace(DEAD, name="云骓起火已致三人死亡", hours=20, source="x", hurt={"dead": 3}))
    assert desk.one().level == 4
    assert rows(desk, desk.one(), "raised")[-1][0] == 4


@pytest.mark.parametrize("order", list(itertools.permutations((PRESS, CHILD, ELSEWHERE))), ids=lambda o: o[0].name)
def test_facts_in_any_order_come_to_the_same_level(desk: Desk, order: tuple[Page, ...]) -> None:
    desk.read(*order)
    assert desk.one().level == 3


def test_self_media_alone_raise_by_no_fact(desk: Desk) -> None:
    blog = replace(CHILD, name="听说烧伤孩子", kind=Kind.SOCIAL, source="blog", hours=2)
    desk.read(blog, replace(blog, name="又有人说烧伤孩子", body="邻居家男童被烧伤，住院了。", source="video", hours=3))
    assert desk.one().level <= 2
    assert desk.one().unconfirmed


# --- down ---------------------------------------------------------------------------------------------------------

REFUTED = Page("澄清：云骓电池与该起火无关", 40, Kind.NOTICE, "amr", level=0, clears="ENT0043", place="360113")
BY_THE_PRESS = replace(REFUTED, name="本报澄清：与云骓无关", kind=Kind.NEWS, source="other")
RUMOUR = replace(DEAD, kind=Kind.SOCIAL, source="blog", name="传云骓电池烧死一人", hours=2)


def test_a_lower_text_and_time_lower_nothing(desk: Desk) -> None:
    desk.read(PRESS, CHILD)
    assert desk.one().level == 3
    desk.read(LOWER, replace(LOWER, name="又一件小毛病", hours=200, source="later"))
    assert desk.one().level == 3
    assert rows(desk, desk.one(), "lowered") == []


def test_a_paper_that_takes_its_text_back_lowers_nothing_but_the_end_is_proposed(desk: Desk) -> None:
    desk.read(CHILD)
    assert desk.one().level == 3
    desk.gone(CHILD, 30)
    alert = desk.one()
    assert (alert.level, alert.state) == (3, AlertState.NEW)
    assert rows(desk, alert, "all_clear") == [(3, "withdrawn")]
    with desk.store.read() as db:
        assert alert_details(db, alert.id)["all_clear"]["reason"] == "withdrawn"


def test_an_authority_s_refutation_lowers_an_orange_alert_and_a_person_ends_it(desk: Desk) -> None:
    first = replace(CHILD, hours=5)
    desk.read(first, REFUTED)
    alert = desk.one()
    assert (alert.level, alert.state) == (1, AlertState.NEW)
    assert rows(desk, alert, "lowered") == [(1, "official_statement")]
    assert rows(desk, alert, "all_clear") == [(1, "official_statement")]
    with desk.store.write() as db:
        done = act(db, alert.id, "clear", actor="li", note="", now=desk.now, once="clear-once")
    assert done.state is AlertState.CLOSED


@pytest.mark.parametrize("late", [False, True])
def test_a_refutation_counts_whenever_it_comes_in(desk: Desk, late: bool) -> None:
    after = replace(CHILD, hours=5)
    desk.read(*([REFUTED, after] if late else [after, REFUTED]))
    assert {alert.level for alert in desk.alerts() if alert.state is AlertState.NEW} <= {1}


def test_an_authority_that_corrects_the_number_of_victims_lowers_the_alert(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = replace(HURT, name="通报：云骓起火一人轻伤，网传死亡不实", hours=30, kind=Kind.NOTICE, source="amr")
    told = Page.analysis.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Page, "analysis",
        property(lambda page: replace(told(page), stance="refutation") if page.kind is Kind.NOTICE else told(page)),
    )  # fmt: skip
    desk.read(DEAD)
    assert desk.one().level == 3
    desk.read(truth)
    [alert] = [alert for alert in desk.alerts() if alert.subject == "f:ENT0043"]
    assert alert.level == 2
    assert rows(desk, alert, "lowered") == [(2, "official_statement")]


def test_the_end_of_a_low_alert_nobody_accepted_is_the_system_s(desk: Desk) -> None:
    desk.read(PRESS, BY_THE_PRESS)
    assert desk.alerts()[0].state in (AlertState.NEW, AlertState.DISMISSED)
    desk.gone(PRESS, 60)
    assert desk.one().state is AlertState.DISMISSED
    assert rows(desk, desk.one(), "dismissed")[-1][1] in ("withdrawn", "refuted")


def test_an_accepted_one_is_left_to_its_person(desk: Desk) -> None:
    desk.read(PRESS)
    with desk.store.write() as db:
        act(db, desk.one().id, "accept", actor="li", note="", now=desk.now, once="accept-once")
    desk.gone(PRESS, 60)
    assert desk.one().state is AlertState.ACCEPTED
    assert rows(desk, desk.one(), "all_clear") == [(1, "withdrawn")]


def test_a_level_a_person_set_stays_until_the_facts_ask_for_more(desk: Desk) -> None:
    desk.read(PRESS, HURT)
    with desk.store.write() as db:
        act(db, desk.one().id, "level", actor="li", note="轻微", now=desk.now, once="level-once", level=1)
    desk.read(replace(HURT, name="云骓电池起火又一报道", hours=9, source="x"))
    assert desk.one().level == 1
    desk.read(DEAD)
    assert desk.one().level == 3


# --- awake again --------------------------------------------------------------------------------------------------


@pytest.fixture
def ended(desk: Desk) -> Alert:
    desk.read(PRESS, HURT)
    with desk.store.write() as db:
        for step in ("accept", "dispatch", "submit"):
            act(db, desk.one().id, step, actor="li", note="", now=desk.now, once=f"{step}-once")
        act(db, desk.one().id, "close", actor="li", note="", now=desk.now, once="close-once", reason="remedied")
    return desk.one()


LATER = replace(HURT, name="云骓电池再次起火", hours=80, source="third")


def test_new_evidence_from_the_press_reopens_a_closed_alert(desk: Desk, ended: Alert) -> None:
    desk.read(LATER)
    assert (desk.one().id, desk.one().state) == (ended.id, AlertState.NEW)
    assert rows(desk, ended, "reopened") == [(2, "new_evidence")]
    with desk.store.read() as db:
        row = next(row for row in history_of(db, ended.id) if row.action == "reopened")
    assert row.note == "办结后有 1 个新的独立来源，其中媒体或官方 1 个"


@pytest.mark.parametrize(
    "page",
    [
        replace(LATER, name="转载：云骓电池起火一人受伤", body=HURT.raw.text),
        replace(LATER, name=HURT.name, body=HURT.raw.text, source=HURT.source, address=HURT.name),
        replace(LATER, name="云骓被罚", issues=("penalty",), hurt={}),
        replace(LATER, name="投诉云骓电池", kind=Kind.COMPLAINT, hurt={}),
        replace(LATER, name="早先的一篇", hours=-40),
    ],
    ids=["a copy", "the same page", "the penalty", "one voice", "an old text that came late"],
)
def test_what_is_no_new_evidence_leaves_it_closed(desk: Desk, ended: Alert, page: Page) -> None:
    desk.read(page)
    mine = [alert for alert in desk.alerts() if alert.id == ended.id]
    assert [alert.state for alert in mine] == [AlertState.CLOSED]


def test_three_voices_that_are_not_the_press_reopen_it(desk: Desk, ended: Alert) -> None:
    voice = replace(LATER, kind=Kind.COMPLAINT, hurt={})
    for number in range(3):
        desk.read(
            replace(voice, name=f"第{number}位消费者投诉云骓电池起火", hours=80 + number, source=f"board{number}")
        )
    assert desk.one().state is AlertState.NEW
    assert rows(desk, ended, "reopened") == [(2, "new_evidence")]


# --- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hurt"),
    [
        ("一名男童被烧伤送医。", True),
        ("事故造成3名学生受伤。", True),
        ("两名未成年人在火灾中死亡。", True),
        ("造成6人受伤，其中2名儿童。", True),
        ("儿童玩具小零件易脱落，可能被幼儿误吞导致窒息。", False),
        ("42名学生有序转移，无人受伤。", False),
        ("目前未接到学生受伤报告。", False),
        ("儿童座椅检验不合格，一名工人受伤。", False),
        ("谨防孩子被烫伤。", False),
        ("孩子王商场举办活动。", False),
    ],
)
def test_a_hurt_child_is_read_and_a_possible_one_is_not(text: str, hurt: bool) -> None:
    assert hurt_children(text) is hurt


def test_every_row_of_the_engine_has_a_reason(desk: Desk, ended: Alert) -> None:
    desk.read(LATER, replace(DEAD, hours=90))
    with desk.store.read() as db:
        found: list[Any] = [row.details.get("reason") for row in history_of(db, ended.id)]
    assert all(found)
    assert desk.now > START
