"""The clock and the ledger: overdue is told upwards once a step, new signals open a closed entry again."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from config.ledger import LedgerRules
from config.lexicon import load_lexicon
from config.routes import Routes
from config.settings import PROJECT
from core.clock import BEIJING, as_utc
from ledger.escalation import EscalationMail
from ledger.watch import LedgerWatch
from store.alert_log import delivery_log
from store.database import Store
from store.ledger import HazardState, find_entry, rows_of
from tests.test_ledger import DRAFT, Office, signal, store

__all__ = ["store"]  # a fixture
RULES = LedgerRules.model_validate({"close": {"quiet_days": 0}, "rectify": {"yellow": {"days": 4}}})


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store, RULES)


@pytest.fixture
def watch(office: Office) -> LedgerWatch:
    return LedgerWatch(office.store, office.book, load_lexicon(PROJECT / "config").regions)


def at(day: int, month: int = 11) -> datetime:
    return as_utc(datetime(2026, month, day, 9, tzinfo=BEIJING))


def told(office: Office, entry: str) -> list[tuple[str, str]]:
    with office.store.read() as db:
        return [(row.action, row.note) for row in rows_of(db, entry) if row.actor == "system"]


def test_overdue_is_told_upwards_once_a_step(office: Office, watch: LedgerWatch) -> None:
    entry = office.add()  # due on Friday, 27 November
    office.act(entry, "dispatch", "desk", unit="360702")
    office.act(entry, "receive", "county")
    office.act(entry, "visit", "county", note="查实", on="2026-11-23")
    assert watch.tick(at(27)) == {}
    assert watch.due(at(28)) == [entry.id]
    assert watch.tick(at(28)) == {"overdue": 1}
    assert watch.tick(at(28)) == {}
    assert watch.tick(at(30)) == {}
    assert watch.tick(at(2, 12)) == {"overdue": 1}
    assert [note for _, note in told(office, entry.id)] == [
        "整改期限 2026-11-27，逾期 1 日，报赣州市局",
        "整改期限 2026-11-27，逾期 5 日，报省局",
    ]


def test_after_a_stop_there_is_one_row_for_the_highest_step(office: Office, watch: LedgerWatch) -> None:
    entry = office.add()
    office.act(entry, "dispatch", "desk", unit="360702")
    office.act(entry, "receive", "county")
    office.act(entry, "visit", "county", note="查实", on="2026-11-23")
    assert watch.tick(at(20, 12)) == {"overdue": 1}
    assert told(office, entry.id)[-1][1].endswith("逾期 23 日，报省局")


def test_an_extension_starts_the_steps_anew(office: Office, watch: LedgerWatch) -> None:
    entry = office.add()
    assert watch.tick(at(28)) == {"overdue": 1}
    office.act(entry, "extend", "county", to="2026-12-04", note="设备到货晚")
    office.act(entry, "extend_yes", "chief")
    assert watch.tick(at(1, 12)) == {}
    assert watch.tick(at(5, 12)) == {"overdue": 1}


def test_nobody_signing_for_it_is_told_once(office: Office, watch: LedgerWatch) -> None:
    entry = office.add()
    office.act(entry, "dispatch", "desk", unit="360702")
    assert watch.tick(at(24)) == {}
    assert watch.tick(at(25)) == {"step_late": 1}
    assert watch.tick(at(25)) == {}
    assert told(office, entry.id) == [("step_late", "签收期限 2026-11-24 已过，报赣州市局")]


def test_a_new_signal_opens_a_closed_entry_again_under_its_number(office: Office, watch: LedgerWatch) -> None:
    entry = office.act(office.put_right(office.add()), "close", "chief")
    signal(office.store, office.now - timedelta(days=1))  # told of before it was closed
    signal(office.store, office.now + timedelta(hours=1), issues=("penalty",))
    assert watch.tick(at(24)) == {}
    signal(office.store, office.now + timedelta(hours=2))
    assert watch.tick(at(24)) == {"reopen": 1}
    assert watch.tick(at(24)) == {}
    with office.store.read() as db:
        again = find_entry(db, entry.id)
    assert again is not None
    assert (again.state, again.due_on) == (HazardState.REOPENED, date(2026, 11, 30))  # the 28th is a Saturday
    assert told(office, entry.id) == [("reopen", "销号后出现新信号：又一起（2026-11-23）")]


def test_ended_ones_and_those_of_other_firms_stay(office: Office, watch: LedgerWatch) -> None:
    office.act(office.put_right(office.add(replace(DRAFT, firm="NIL:别家"))), "close", "chief")
    signal(office.store, office.now + timedelta(hours=2))
    assert watch.tick(at(20, 12)) == {}


def with_mail(office: Office, *people: tuple[str, str, str]) -> LedgerWatch:
    regions = load_lexicon(PROJECT / "config").regions
    recipients = [
        {"name": mail, "mail": mail, "territories": [code], "min_level": level} for mail, code, level in people
    ]
    routes = Routes.model_validate({"recipients": recipients})
    return LedgerWatch(office.store, office.book, regions, EscalationMail(routes, regions, "https://desk.example"))


def mails(office: Office) -> list[tuple[str, str]]:
    with office.store.read() as db:
        return sorted((line.recipient, line.subject) for line in delivery_log(db))


def test_an_overdue_entry_is_mailed_once_a_step_to_the_office_above_and_to_nobody_else(office: Office) -> None:
    people = (
        ("ganzhou@a.example", "360700", "blue"), ("zhanggong@a.example", "360702", "blue"),
        ("jiujiang@a.example", "360400", "blue"), ("desk@a.example", "360000", "blue"),
    )  # fmt: skip
    entry = office.add()
    office.act(entry, "dispatch", "desk", unit="360702")
    office.act(entry, "receive", "county")
    office.act(entry, "visit", "county", note="查实", on="2026-11-23")
    with_mail(office, *people).tick(at(28))
    subject = f"[黄] 逾期上报：{entry.id} {entry.title}"
    assert mails(office) == [("ganzhou@a.example", subject)]
    with_mail(office, *people).tick(at(28))  # as after a restart
    assert mails(office) == [("ganzhou@a.example", subject)]
    with_mail(office, *people).tick(at(2, 12))
    assert mails(office) == [("desk@a.example", subject), ("ganzhou@a.example", subject)]


def test_where_nobody_of_the_office_wants_such_mails_the_next_one_above_hears(office: Office) -> None:
    entry = office.add()
    office.act(entry, "dispatch", "desk", unit="360702")
    watch = with_mail(office, ("ganzhou@a.example", "360700", "red"), ("desk@a.example", "360000", "blue"))
    assert watch.tick(at(25)) == {"step_late": 1}
    assert mails(office) == [("desk@a.example", f"[黄] 逾期未办：{entry.id} {entry.title}")]
