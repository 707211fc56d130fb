"""The reporting calendar: what is due moves with holidays, ends with a signature or a mark, is told upwards once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from alerts.setup import duty_of
from config.lexicon import Lexicon
from config.reporting import PAPERS, Reporting, load_reporting
from config.routes import Recipient, Routes
from core.clock import BEIJING, as_utc, beijing
from core.errors import ConfigError
from reports.agenda import Agenda
from reports.calling import CallMail, ReportWatch
from reports.casualties import last_day
from reports.papers.kinds import KINDS
from reports.weeks import read_week
from store import users
from store.database import Store
from store.papers import add_paper
from store.schema import deliveries, papers
from store.weekly import SheetAct, add_act
from tests.desk_server import CONFIG, NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.services import Services


def at(day: date, hour: int = 9) -> datetime:
    return as_utc(datetime.combine(day, time(hour), BEIJING))


@pytest.fixture
def agenda(lexicon: Lexicon) -> Agenda:
    return Agenda(load_reporting(CONFIG, lexicon.regions), lexicon.regions, duty_of(CONFIG).is_workday)


def sign(store: Store, week: str, territory: str, when: datetime) -> None:
    with store.write() as db:
        act = SheetAct(week, territory, 1, when, "li", "sign", "", {"cells": []}, "x")
        add_act(db, act, once=f"{week}{territory}")


def test_a_signed_table_is_reported_and_one_signed_too_late_says_so(agenda: Agenda, store: Store) -> None:
    sign(store, "2026-W47", "360100", at(date(2026, 11, 25), 10))
    sign(store, "2026-W47", "360200", at(date(2026, 11, 26)))
    with store.read() as db:
        found = agenda.between(db, date(2026, 11, 25), date(2026, 11, 25))
    now = at(date(2026, 11, 26), 12)
    assert len(found) == 13  # the province, eleven prefectures, the new area
    assert {one.territory: one.state(now) for one in found if one.done_at} == {"360100": "done", "360200": "done"}
    assert [one.territory for one in found if one.late] == ["360200"]
    assert {one.state(now) for one in found if not one.done_at} == {"over"}
    assert found[0].week == read_week("2026-W47")


@pytest.mark.parametrize(
    ("item", "by_rule", "due"),
    [
        ("weekly", date(2025, 10, 1), date(2025, 10, 9)),  # the national holidays: after them
        ("stage_report", date(2027, 7, 31), date(2027, 7, 30)),  # a Saturday: the Friday before
        ("weekly", date(2026, 11, 25), date(2026, 11, 25)),
    ],
)
def test_holidays_move_what_is_due(agenda: Agenda, item: str, by_rule: date, due: date) -> None:
    found = agenda.plan.find(item)
    assert found is not None
    assert found.due_on(by_rule, agenda.is_workday) == due


def test_a_day_that_an_office_moved_counts(agenda: Agenda, store: Store) -> None:
    [item] = [one for one in agenda.plan.items if one.id == "annual_report"]
    moved = item.model_copy(update={"moved": {date(2026, 11, 10): date(2026, 11, 20)}})
    other = replace(agenda, plan=agenda.plan.model_copy(update={"items": (moved,)}))
    with store.read() as db:
        [one] = other.between(db, date(2026, 11, 15), date(2026, 11, 25), offices={"360000"})
        assert other.between(db, date(2026, 11, 8), date(2026, 11, 12), offices={"360000"}) == []
    assert (one.period, one.due_day) == (date(2026, 11, 10), date(2026, 11, 20))


def test_what_an_office_moved_by_months_is_due_on_the_new_day_alone(agenda: Agenda, store: Store) -> None:
    [item] = [one for one in agenda.plan.items if one.id == "stage_report"]
    moved = item.model_copy(update={"moved": {date(2027, 7, 31): date(2027, 9, 15)}})
    later = replace(agenda, plan=agenda.plan.model_copy(update={"items": (moved,)}))
    with store.read() as db:
        assert {one.period for one in later.between(db, date(2027, 9, 10), date(2027, 9, 20))} == {date(2027, 7, 31)}
        assert later.between(db, date(2027, 7, 20), date(2027, 8, 10)) == []


def test_a_digest_says_what_stands_and_who_below_is_late(agenda: Agenda, store: Store) -> None:
    for code in ("360100", "360200", "360300", "360400", "360500", "360600", "360700", "360800", "360900", "361000"):
        sign(store, "2026-W47", code, at(date(2026, 11, 25), 10))
    plan = agenda.plan.model_copy(update={"items": agenda.plan.items[:1]})
    only = replace(agenda, plan=plan, since=date(2026, 11, 18))
    with store.read() as db:
        lines = only.told(db, at(date(2026, 11, 25), 15), ["360000"])
        before = only.told(db, at(date(2026, 11, 25)), ["361100"])
        asleep = only.told(db, at(date(2026, 11, 23)), ["361100"])
    assert [line.text for line in lines] == [
        "工作周报和统计表 第 2026-W47 期：逾期，应于 11-25 12:00 报省局质量监督处",
        "工作周报和统计表 第 2026-W47 期：上饶市局、赣江新区局逾期未报",
    ]
    assert [(line.state, line.href) for line in before] == [("today", "/reports/weekly/2026-W47")]
    assert asleep == []


def test_what_is_late_is_told_to_the_office_above_once(agenda: Agenda, store: Store) -> None:
    sign(store, "2026-W47", "360100", at(date(2026, 11, 25), 10))
    plan = agenda.plan.model_copy(update={"items": agenda.plan.items[:1]})
    only = replace(agenda, plan=plan, since=date(2026, 11, 18))
    people = tuple(
        Recipient(name=name, mail=f"{name}@jx.example", territories=(code,))
        for name, code in (("sheng", "360000"), ("nanchang", "360100"))
    )
    watch = ReportWatch(store, only, CallMail(Routes(recipients=people), "https://desk.example"))
    assert watch.tick(at(date(2026, 11, 25), 18)) == {}, "due that day: a working day passes first"
    assert watch.tick(at(date(2026, 11, 26))) == {"called": 12, "told": 1}
    assert watch.tick(at(date(2026, 11, 27))) == {}
    with store.read() as db:
        [notice] = db.execute(select(deliveries)).mappings()
    assert notice["recipient"] == "sheng@jx.example"
    assert "12 个单位未报" in notice["subject"]
    assert "南昌" not in notice["text"], "it reported"


def test_what_is_long_past_is_not_told_when_a_desk_is_new(agenda: Agenda, store: Store) -> None:
    watch = ReportWatch(store, agenda)
    assert watch.tick(at(date(2027, 3, 2)))["called"] == 13, "the last week, not a year of them"
    with store.read() as db:
        assert all(one.period > date(2027, 1, 20) for one in agenda.between(db, date(2026, 1, 1), date(2027, 3, 2))
                   if one.told_at)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("items: [{id: a1, title: x}]", "needs one of every, day, dates"),
        ("items: [{id: a1, title: x, day: 13-01}]", "is no day of the year"),
        ("items: [{id: a1, title: x, day: 01-01, owes: [everybody]}]", "items.0.owes: 'everybody' (accepted: province"),
        ("items: [{id: a1, title: x, day: 01-01}, {id: a1, title: y, day: 01-02}]", "id 'a1' is given twice"),
        ("items: [{id: a1, title: x, day: 07-31, paper: yearly}]", "'yearly' is no kind of paper (accepted: stage"),
        ("items: [{id: a1, title: x, every: monday, paper: stage}]", "stage is no paper of a week"),
        ("items: [{id: a1, title: x, day: 07-31, drafts: '08:30'}]", "drafts needs paper"),
        (
            "items: [{id: a1, title: x, dates: [2026-07-31, 2026-11-10], paper: stage}]",
            "one paper of a year cannot stand for two days of it",
        ),
        ("items: [{id: a1, title: x, day: 07-31, moved: {2027-07-30: 2027-08-02}}]", "2027-07-30 is no day of a1"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, lexicon: Lexicon, text: str, said: str) -> None:
    (tmp_path / "reporting.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as problem:
        load_reporting(tmp_path, lexicon.regions)
    assert said in str(problem.value)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("calendar"), clock=lambda: NOW)
    with made.store.write() as db:
        people: tuple[tuple[str, users.Role, str], ...] = (
            ("sheng", "officer", "360000"), ("nan", "officer", "360100"), ("looks", "viewer", "360100"),
        )  # fmt: skip
        for name, role, territory in people:
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)
    yield made
    made.store.close()


def posted(client: TestClient, **fields: str) -> int:
    page = client.get("/calendar").text
    form = {"csrf": value_of(page, "csrf"), "once": "calendar-" + fields.get("proof", ""), "item": "annual_report",
            "period": "2026-11-10", "territory": "360100", **fields}  # fmt: skip
    return client.post("/calendar/mark", data=form).status_code


def test_a_person_marks_with_a_proof_and_takes_it_back(desk: Services) -> None:
    app = create_app(desk)
    nan, sheng, looks = (signed_in(app, name) for name in ("nan", "sheng", "looks"))
    assert "全年工作总结及报表" in nan.get("/").text
    assert posted(looks, proof="文号") == 403
    assert posted(nan, proof="x") == 400
    assert posted(sheng, proof="替他登记") == 404, "each office for itself"
    assert posted(nan, item="weekly", period="2026-11-25", proof="周报") == 400, "a table is signed, not marked"
    assert posted(nan, period="2026-11-11", proof="别的日子") == 400
    assert posted(nan, proof="洪市监〔2026〕12号 <b>") == 303
    page = nan.get("/calendar").text
    assert "洪市监〔2026〕12号 &lt;b&gt;" in page
    assert "迟报" in page
    assert "全年工作总结及报表" not in nan.get("/").text
    assert "下级逾期未报" in sheng.get("/").text
    assert posted(nan, proof="文号写错", do="undo") == 303
    assert "全年工作总结及报表" in nan.get("/").text


def test_nothing_is_asked_for_before_the_desk_began(lexicon: Lexicon, store: Store) -> None:
    plan = load_reporting(CONFIG, lexicon.regions).model_copy(update={"since": date(2026, 11, 20)})
    agenda = Agenda(Reporting.model_validate(plan.model_dump()), lexicon.regions, lambda day: True)
    with store.read() as db:
        found = agenda.standing(db, at(date(2026, 11, 23)))
    assert found == []
    assert timedelta(0) < plan.forget


def test_a_signed_paper_of_the_year_counts_as_reported(agenda: Agenda, store: Store) -> None:
    with store.write() as db:
        for kind, subject, signed in (("annual", "year:2026", True), ("stage", "year:2026", False)):
            made = add_paper(
                db, kind=kind, territory="360100", subject=subject, title="x", content={}, at=NOW, by="li",
                corrects=None, once=kind,
            )  # fmt: skip
            if signed:
                db.execute(update(papers).where(papers.c.id == made).values(signed_at=NOW, signed_by="wang"))
    with store.read() as db:
        found = agenda.between(db, date(2026, 11, 10), date(2026, 11, 10), offices={"360100", "360200"})
    done = {one.territory: (one.by, one.paper) for one in found if one.done_at and one.item.id == "annual_report"}
    assert list(done) == ["360100"]
    assert done["360100"][0] == "wang"
    assert done["360100"][1].startswith("GW-2026-")


def test_a_signed_paper_of_a_week_ticks_that_week_alone(store: Store, lexicon: Lexicon) -> None:
    plan = {"items": [{"id": "w1", "title": "周报", "every": "wednesday", "paper": "weekly", "holidays": "keep"}]}
    agenda = Agenda(Reporting.model_validate(plan), lexicon.regions, lambda day: True)
    with store.write() as db:
        made = add_paper(
            db, kind="weekly", territory="360000", subject="week:2026-W46", title="x", content={}, at=NOW, by="li",
            corrects=None, once="w",
        )  # fmt: skip
        draft = add_paper(
            db, kind="weekly", territory="360000", subject="week:2026-W45", title="x", content={}, at=NOW, by="li",
            corrects=None, once="v",
        )  # fmt: skip
        db.execute(update(papers).where(papers.c.id == made).values(signed_at=NOW, signed_by="wang"))
    with store.read() as db:
        found = agenda.between(db, date(2026, 11, 1), date(2026, 11, 25))
    told = {beijing(one.due).date(): (one.done_at is not None, one.paper, one.draft) for one in found}
    assert told == {
        date(2026, 11, 4): (False, "", ""),
        date(2026, 11, 11): (False, "", draft),
        date(2026, 11, 18): (True, made, ""),
        date(2026, 11, 25): (False, "", ""),
    }


def test_the_kinds_of_papers_owed_by_date_are_those_there_are() -> None:
    assert {name: KINDS[name].of for name in PAPERS} == {name: (span,) for name, span in PAPERS.items()}
    assert set(PAPERS) == {one.key for one in KINDS.values() if set(one.of) & {"week", "year"}}


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 12, 10), "伤亡核报至 12-12，还有 2 日，有变化须续报"),
        (date(2026, 12, 12), "伤亡核报至 12-12，今日届满，有变化须续报"),
        (date(2026, 12, 15), "伤亡核报期 12-12 已满，还没有终报"),
        (date(2026, 12, 25), ""),
    ],
)
def test_casualties_stay_open_until_their_day_and_end_with_the_last_report(
    agenda: Agenda, store: Store, day: date, said: str
) -> None:
    def signed(which: str, subject: str, when: datetime) -> None:
        options = [
            ["round", which],
            ["until", last_day(date(2026, 11, 13), fire=False, days=30, fire_days=7).isoformat()],
        ]
        with store.write() as db:
            made = add_paper(
                db, kind="flash", territory="360100", subject=subject, title="快报", content={"options": options},
                at=when, by="li", corrects=None, once=f"{which}{subject}",
            )  # fmt: skip
            db.execute(update(papers).where(papers.c.id == made).values(signed_at=when, signed_by="wang"))

    for subject in ("alert:a1", "alert:a2"):
        signed("first", subject, at(date(2026, 11, 14)))
    signed("last", "alert:a2", at(date(2026, 11, 20)))
    with store.read() as db:
        lines = [one.text for one in agenda.told(db, at(day), {"360100"}) if "快报" in one.text]
        assert not [one for one in agenda.told(db, at(day), {"360200"}) if "快报" in one.text]
    assert lines == ([f"重大情况快报：GW-2026-0001 {said}"] if said else [])
    assert last_day(date(2026, 11, 13), fire=True, days=30, fire_days=7) == date(2026, 11, 19)
