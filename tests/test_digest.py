"""The daily digest: each reader's own, the newest and most urgent first, once, and honest about gaps."""

from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection

import alerts.digest
from alerts.digest import plan_digest
from alerts.digest_day import DayNews, DigestDesk
from alerts.digest_reader import Reader
from alerts.mail_message import MailWriter
from alerts.notifiers.mail import MailNotifier
from alerts.sender import send_due
from charts import png
from config.routes import Recipient
from core.clock import beijing, fixed_clock
from core.errors import FengsuiError, UsageError
from core.records import Alert, AlertEvent, AlertState, Kind
from store import ledger
from store.alert_log import add_history, delivery_log, find_delivery, save_alert
from store.database import Store
from store.ledger import Entry, HazardState
from store.mail_book import pictures_of, sweep_pictures, turn_off_digest
from store.schema import runs
from store.source_states import StateChange, add_change
from tests.digests import EVERYWHERE, digest_desk, digest_of, signal
from tests.mail_server import Inbox, inbox

__all__ = ["inbox"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def reader(mail: str, *places: str, **wishes: Any) -> Recipient:
    return Recipient.model_validate({"name": mail, "mail": mail, "territories": list(places), **wishes})


def alert(number: int, at: datetime, **more: Any) -> Alert:
    made = Alert(
        id=f"a{number}", number=f"YJ-2026-{number:04d}", subject=f"s{number}", level=3, state=AlertState.NEW,
        first_at=at, updated_at=at, created_at=at, title=f"第{number}桩<起火>", rule="fire", reason="3 个独立来源",
        products=("ebike_power",), enterprises=(), issues=("fire",), territory="360702", territories=("360702",),
        documents=(), findings=(),
    )  # fmt: skip
    return replace(made, **more)


def put(store: Store, *alerts: Alert) -> None:
    with store.write() as db:
        for one in alerts:
            save_alert(db, one, details={})


def told(store: Store, at: datetime, **more: Any) -> str:
    with store.read() as db:
        return digest_of(db, beijing(at).date(), **more).text


def fetched(store: Store, at: datetime) -> None:
    with store.write() as db:
        db.execute(
            runs.insert().values(
                id="r", source="s", status="ok", reason="schedule", asked_at=at, finished_at=at, problems=[]
            )
        )


def test_a_day_without_anything_is_one_line(store: Store, noon: datetime) -> None:
    fetched(store, noon + 2 * HOUR + timedelta(minutes=25))
    lines = [line for line in told(store, noon).splitlines() if line]
    assert lines[3] == "今日无新内部预警。各信源正常，最近一次采集14时25分。"
    assert len(lines) == 5


def test_that_all_sources_are_well_is_only_said_where_it_is_so(store: Store, noon: datetime) -> None:
    fetched(store, noon)
    with store.write() as db:
        add_change(db, StateChange("s", "well", "failed", noon - HOUR, "超时"))
    page = told(store, noon)
    assert "今日无新内部预警。" in page
    assert "各信源正常" not in page
    assert "s：失败，自 11-23 11:00。超时；最近一次采到 —" in page


def test_what_has_to_be_done_comes_first_then_what_is_new_then_what_changed(store: Store, noon: datetime) -> None:
    put(store, alert(1, noon - 2 * DAY, due_at=noon), alert(2, noon, level=4), alert(3, noon - DAY))
    signal(store, 1, noon, kind=Kind.RECALL, title="召回一批电池")
    with store.write() as db:
        ledger.insert_entry(
            db,
            Entry(
                "YH-2026-0001", HazardState.TO_CHECK, 3, "灭火器压力不足", "check", noon.date(), noon.date() - DAY,
                "360702", noon, noon,
            ),
        )  # fmt: skip
    page = told(store, noon)
    parts = ["● 要办的", "第1桩", "YH-2026-0001 灭火器压力不足，逾期 1 日", "● 新内部预警", "第2桩", "● 比前一日",
             "新内部预警 1 条（前一日 1，持平）", "● 召回和抽检（召回 1 条）", "召回一批电池"]  # fmt: skip
    places = [page.index(part) for part in parts]
    assert places == sorted(places)


def test_the_subject_carries_the_figures(store: Store, noon: datetime) -> None:
    put(store, alert(1, noon, level=4), alert(2, noon, due_at=noon + HOUR), alert(3, noon, level=1))
    with store.read() as db:
        made = digest_of(db, beijing(noon).date())
    assert made.subject == "烽燧每日摘要 11-23：新内部预警 3 条（红 1、橙 1、蓝 1），待受理 3，超时 1"


def test_each_is_told_of_his_own_and_of_no_other_reader(store: Store, noon: datetime) -> None:
    put(
        store,
        alert(1, noon), alert(2, noon, territory="360121", territories=("360121",)),
        alert(3, noon, products=("child_products",)), alert(4, noon, level=1),
    )  # fmt: skip
    readers = [
        reader("ganzhou@x.example", "360700", products=["ebike_power"], min_level="yellow"),
        reader("nanchang@x.example", "360100"),
        EVERYWHERE,
    ]
    with store.write() as db:
        turn_off_digest(db, EVERYWHERE.mail, noon)
    assert plan_digest(store, readers, digest_desk(), now=noon + HOUR) == 2
    with store.read() as db:
        mails = {line.recipient: find_delivery(db, line.id) for line in delivery_log(db)}
    assert set(mails) == {"ganzhou@x.example", "nanchang@x.example"}
    for address, other, own in (("ganzhou", "nanchang", "1"), ("nanchang", "ganzhou", "2")):
        found = mails[f"{address}@x.example"]
        assert found is not None
        whole = found[0].text + found[0].html + found[0].subject
        assert other not in whole
        assert {n for n in "1234" if f"第{n}桩" in whole} == {own}
        assert "&lt;起火&gt;" in found[0].html


def test_the_figures_of_the_last_whole_day_stand_beside_those_before(store: Store, noon: datetime) -> None:
    put(store, alert(1, noon - DAY))
    for number in range(8):
        signal(store, number, noon - (1 if number < 5 else 2) * DAY)
    with store.read() as db:
        made = digest_of(db, beijing(noon - DAY).date())
    assert "风险信号 5 条（前一日 3，+2）" in made.text
    assert "11-21 3，11-22 5" in made.text


def test_the_chart_lies_inside_the_mail_and_a_retry_has_the_same(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    handler, url = inbox
    put(store, alert(1, noon - DAY))
    for number in range(8):
        signal(store, number, noon - DAY)
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon)

    def pictures(names: Any) -> Any:
        with store.read() as db:
            return pictures_of(db, names)

    channels = {"mail": MailNotifier(SecretStr(url), "f@x.example", pictures)}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 1
    mail = message_from_bytes(handler.mails[0].content, policy=default)
    assert isinstance(mail, EmailMessage)
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    html, picture = list(mail.walk())[3:]
    assert 'src="cid:trend"' in html.get_content()
    assert picture["Content-ID"] == "<trend>"
    assert picture.get_content().startswith(b"\x89PNG")


def test_without_chinese_letters_the_numbers_stand_in_a_table(
    store: Store, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(png, "has_chinese", lambda: False)
    put(store, alert(1, noon - DAY))
    for number in range(8):
        signal(store, number, noon - DAY)
    with store.read() as db:
        made = digest_of(db, beijing(noon - DAY).date())
    assert made.pictures == {}
    assert "<img" not in made.html
    assert '<td style="padding-right:16px">11-22</td><td style="padding-right:16px" align="right">8</td>' in made.html


def test_digests_that_never_went_out_are_folded_into_the_next(store: Store, noon: datetime) -> None:
    put(store, alert(1, noon + HOUR), alert(2, noon + DAY + HOUR), alert(3, noon + 2 * DAY + HOUR))
    for days in range(4):
        for _twice in range(2):
            plan_digest(store, [EVERYWHERE], digest_desk(), now=noon + days * DAY)
    with store.read() as db:
        lines = delivery_log(db)
        assert [line.state for line in lines] == ["waiting", "replaced", "replaced", "replaced"]
        last = find_delivery(db, lines[0].id)
    assert last is not None
    assert "新内部预警 3 条" in last[0].subject
    assert all(f"第{n}桩" in last[0].text for n in (1, 2, 3))


def test_the_next_digest_begins_where_the_last_one_that_went_out_ended(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    put(store, alert(1, noon - HOUR))
    channels = {"mail": MailNotifier(SecretStr(inbox[1]), "f@x.example")}
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon)
    send_due(store, channels, clock=fixed_clock(noon), who="one")
    put(store, alert(2, noon + HOUR))
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon + DAY)
    with store.read() as db:
        first, second = (find_delivery(db, line.id) for line in reversed(delivery_log(db)))
    assert first is not None
    assert second is not None
    assert "（橙 1）" in first[0].subject
    assert "（橙 1）" in second[0].subject
    assert "第1桩" not in second[0].text.split("● 新内部预警")[1].split("● 比")[0]


def test_what_is_heard_of_after_a_digest_stands_in_the_next_however_old_its_story(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    channels = {"mail": MailNotifier(SecretStr(inbox[1]), "f@x.example")}
    put(store, alert(9, noon - 2 * DAY))
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon)
    send_due(store, channels, clock=fixed_clock(noon), who="one")
    signal(store, 1, noon - 12 * HOUR, kind=Kind.RECALL, title="联系 13800138000 的召回", stored_at=noon + HOUR)
    signal(store, 2, noon - 12 * HOUR, kind=Kind.RECALL, title="上一期的召回")
    put(store, alert(1, noon - 12 * HOUR, created_at=noon + HOUR), alert(2, noon - 60 * DAY, created_at=noon + HOUR))
    put(store, alert(8, noon - 2 * DAY, state=AlertState.DISMISSED))
    row = AlertEvent("a9", 1, noon + HOUR, noon - HOUR, "system", "raised", 3, AlertState.NEW, "", {})
    with store.write() as db:
        add_history(db, row)
        add_history(db, replace(row, alert="a8", action="dismissed", state=AlertState.DISMISSED))
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon + DAY)
    with store.read() as db:
        told = find_delivery(db, delivery_log(db)[0].id)
    assert told is not None
    assert "新内部预警 1 条（橙 1）" in told[0].subject
    assert "第1桩" in told[0].text.split("● 新内部预警")[1].split("● 比")[0]
    assert "续报　　[橙] 第9桩" in told[0].text
    assert "已办结　第8桩" in told[0].text
    assert "的召回" in told[0].text
    assert "13800138000" not in told[0].text
    assert "上一期的召回" not in told[0].text


def test_after_ten_days_of_silence_a_digest_reaches_back_a_week(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon)
    channels = {"mail": MailNotifier(SecretStr(inbox[1]), "f@x.example")}
    send_due(store, channels, clock=fixed_clock(noon), who="one")
    put(store, alert(1, noon + 2 * DAY), alert(2, noon + 4 * DAY))
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon + 10 * DAY)
    with store.read() as db:
        told = find_delivery(db, delivery_log(db)[0].id)
    assert told is not None
    assert "新内部预警 1 条（橙 1）" in told[0].subject


def test_a_mail_whose_picture_was_swept_away_goes_without(store: Store, noon: datetime) -> None:
    put(store, alert(1, noon - DAY))
    for number in range(8):
        signal(store, number, noon - DAY)
    plan_digest(store, [EVERYWHERE], digest_desk(), now=noon)
    with store.write() as db:
        assert sweep_pictures(db, noon) == 0
        assert sweep_pictures(db, noon + DAY) == 1
        found = find_delivery(db, delivery_log(db)[0].id)
    assert found is not None
    mail = MailWriter("f@x.example", lambda _names: {}).message_of(found[0])
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]
    assert "<img" not in str(mail.get_body(("html",)))


def test_a_division_is_told_of_what_is_routed_to_it(store: Store, noon: datetime) -> None:
    put(store, alert(1, noon), alert(2, noon))
    router: Any = SimpleNamespace(
        route=lambda _db, one: SimpleNamespace(sent_by_machine={"zfjc": ""} if one.id == "a2" else {})
    )
    desk = replace(digest_desk(), router=router)
    division = Recipient.model_validate({"name": "执法稽查局", "mail": "zfjc@x.example", "orgs": ["zfjc"]})
    plan_digest(store, [division], desk, now=noon + HOUR)
    with store.read() as db:
        found = find_delivery(db, delivery_log(db)[0].id)
    assert found is not None
    assert "第2桩" in found[0].text
    assert "第1桩" not in found[0].text
    assert "\n    章贡区，独立来源 0\n" in found[0].text


def test_an_error_for_one_reader_leaves_the_others_theirs(
    store: Store, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Recipient(name="乙", mail="odd@x.example", territories=("360700",))
    last = Recipient(name="丙", mail="last@x.example", territories=("360100",))
    made = alerts.digest.build_digest

    def breaks(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> alerts.digest.Digest:
        if reader.one is odd:
            raise RuntimeError("坏了")
        return made(db, desk, reader, news)

    monkeypatch.setattr(alerts.digest, "build_digest", breaks)
    with pytest.raises(FengsuiError, match="2 封已放入待发，1 人的摘要没有做成：odd@"):
        plan_digest(store, [EVERYWHERE, odd, last], digest_desk(), now=noon)
    with store.read() as db:
        assert {line.recipient for line in delivery_log(db)} == {EVERYWHERE.mail, last.mail}


def test_a_digest_of_one_day_by_hand_leaves_the_daily_ones_as_they_are(store: Store, noon: datetime) -> None:
    today = beijing(noon).date()
    with pytest.raises(UsageError, match="还没有结束"):
        plan_digest(store, [EVERYWHERE], digest_desk(), now=noon, day=today)
    put(store, alert(1, noon - 2 * DAY), alert(2, noon - HOUR))
    older = today - timedelta(days=2)
    assert [plan_digest(store, [EVERYWHERE], digest_desk(), now=noon, day=older) for _ in range(2)] == [1, 0]
    yesterday = today - timedelta(days=1)
    assert plan_digest(store, [EVERYWHERE], digest_desk(), now=noon, day=yesterday) == 1
    assert plan_digest(store, [EVERYWHERE], digest_desk(), now=noon) == 1, "the daily one of that day goes too"
    with store.read() as db:
        lines = delivery_log(db)
        daily = [found for line in lines if (found := find_delivery(db, line.id)) and "alone" not in found[0].details]
    assert [line.state for line in lines] == ["waiting"] * 3
    assert daily[0][0].details["to"] == noon.isoformat()
    assert "第2桩" in daily[0][0].text
