"""The lead-time meter: for each official notice the first signal, the first alert, and hours between."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest

from alerts.lead_table import count_leads, counted_at, kept_leads
from alerts.lead_time import BY, Lead, lead_times, lines_by, span_of
from cli import main
from core.records import Kind
from store.database import Store
from store.events import Member, open_event, put_member
from store.schema import documents
from tests.lab_stories import rule_of
from tests.test_lab import FIRM, NOW, OTHER, complaint, keep, named, notice

TOLD = [
    *(complaint(10 + n, n) for n in range(3)),
    notice(15),
    complaint(40, 0, firm=OTHER, product="ebike_power", kind=Kind.RECALL, source="samr", issues=("recall",), level=2),
    complaint(41, 1, firm=OTHER, product="ebike_power"),
    notice(100, firm="ENT0050"),
    complaint(110, 0, firm="ENT0050", product="toy_plastic"),  # another product of the firm
    complaint(150, 1, firm="ENT0050"),  # too late
    complaint(200, 2, enterprise=None, product="ebike"),
    complaint(201, 0, enterprise=None, product="ebike", kind=Kind.NOTICE, source="samr", issues=("penalty",), level=2),
]


@pytest.fixture
def store(tmp_path: object) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/fengsui.db")
    made.migrate()
    rules = [
        rule_of({"type": "frequency", "window": "7d", "at_least": 2}, id="two"),
        rule_of({"type": "any"}, id="one", scope={"kinds": ["recall"]}),
    ]
    signals = named(TOLD)
    keep(made, signals, rules)
    with made.write() as db:  # the two of no firm tell one event
        first, second = (signal.document for signal in signals[-2:])
        event = open_event(db, first.id, first.event_time, now=NOW)
        for one in (first, second):
            put_member(db, Member(one.id, event, one.event_time, True, False, None, 1.0, (), {}), [])
    yield made
    made.close()


def by_day(store: Store) -> dict[int, Lead]:
    with store.read() as db:
        start = named([complaint(0, 0)])[0].document.event_time
        return {round((lead.notice.at - start) / timedelta(days=1)): lead for lead in lead_times(db)}


def test_signal_and_alert_before_the_notice_are_a_positive_lead(store: Store) -> None:
    lead = by_day(store)[15]
    assert (lead.type, lead.firm, lead.product) == ("failed_check", FIRM, "cable")
    assert (lead.signal_lead, lead.alert_lead) == (5 * 24, 4 * 24)


def test_what_comes_after_the_notice_is_a_negative_lead(store: Store) -> None:
    lead = by_day(store)[40]
    assert lead.type == "recall"
    assert lead.signal_lead == -24
    assert lead.alert_lead == 0  # the notice itself was alerted on


def test_another_product_or_a_far_signal_is_no_lead(store: Store) -> None:
    lead = by_day(store)[100]
    assert lead.signal is None
    assert lead.alert is None


def test_a_notice_without_a_firm_is_matched_by_its_event(store: Store) -> None:
    lead = by_day(store)[201]
    assert (lead.type, lead.firm) == ("penalty", None)
    assert lead.signal_lead == 24


def test_notices_without_anything_are_counted_and_not_left_out(store: Store) -> None:
    with store.read() as db:
        found = lead_times(db)
    lines = {line.key: line for line in lines_by(found, BY["product"])}
    assert lines["cable"].notices == 2
    assert (lines["cable"].signal.ahead, lines["cable"].signal.none) == (1, 1)
    assert sum(line.notices for line in lines_by(found, BY["source"])) == len(found) == 4


def test_quartiles_lie_between_the_nearest_values() -> None:
    told = span_of([1.0, 2.0, 3.0, 4.0, None, -5.0])
    assert (told.count, told.ahead, told.behind, told.none) == (5, 4, 1, 1)
    assert (told.lower, told.median, told.upper) == (1.0, 2.0, 3.0)
    assert span_of([None]).median is None


SPAN: dict[str, Any] = {"since": NOW - timedelta(days=3000), "until": NOW + timedelta(days=3000), "source": None}


COUNTED = NOW - timedelta(days=100)  # within a year of the first notice


def count(store: Store, at: datetime = COUNTED) -> int:
    return count_leads(store, family=lambda product: product, clock=lambda: at, stop=Event())


def test_what_is_kept_for_the_page_is_what_was_counted(store: Store) -> None:
    with store.read() as db:
        assert counted_at(db) is None
        said = lead_times(db)
    assert count(store) == len(said) == 4
    with store.read() as db:
        assert kept_leads(db, **SPAN, product=None, most=10) == said
        assert kept_leads(db, **SPAN, product="cable", most=1) == [one for one in said if one.product == "cable"][:1]
        assert counted_at(db) == COUNTED


def test_a_notice_that_changed_or_was_withdrawn_is_kept_so_at_the_next_count(store: Store) -> None:
    count(store)
    first, second = by_day(store)[15], by_day(store)[40]
    assert first.signal is not None
    with store.write() as db:
        own = documents.c.id
        db.execute(documents.update().where(own == second.notice.document).values(withdrawn_at=NOW))
        db.execute(documents.update().where(own == first.signal.document).values(title="改过的标题"))
    count(store, COUNTED + timedelta(hours=1))
    with store.read() as db:
        assert len(kept_leads(db, **SPAN, product=None, most=10)) == 4  # of half a year ago: looked at once a day
    count(store, COUNTED + timedelta(days=1))
    with store.read() as db:
        kept = {lead.notice.document: lead for lead in kept_leads(db, **SPAN, product=None, most=10)}
    assert second.notice.document not in kept
    signal = kept[first.notice.document].signal
    assert signal is not None
    assert signal.title == "改过的标题"


def test_the_command_prints_each_notice_and_the_summary(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store.url.removeprefix("sqlite:///").rpartition("/")[0]
    with pytest.raises(SystemExit) as ended:
        main(["leadtime", "--json", "--data", folder])
    assert ended.value.code == 0
    *lines, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert len(lines) == 4
    assert summary["summary"]["notices"] == 4
    assert {line["key"] for line in summary["by_type"]} == {"failed_check", "recall", "penalty"}
    with pytest.raises(SystemExit):
        main(["leadtime", "--product", "cables", "--data", folder])
    assert "--product: 'cables' is no product" in capsys.readouterr().err
