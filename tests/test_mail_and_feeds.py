"""What leaves the house: mails once and with a reason when not, the digest, feeds that real readers read."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import feedparser
import pytest
from pydantic import SecretStr

from alerts.digest import plan_digest
from alerts.feeds import FeedWriter
from alerts.mailing import MailPlanner
from alerts.notifiers.mail import MailNotifier
from alerts.sender import BROKEN, DOUBT, send_due
from charts import png
from config.lexicon import load_lexicon
from config.routes import Recipient, Routes, load_routes
from config.settings import PROJECT
from core.clock import fixed_clock
from core.errors import ConfigError
from core.records import Alert, AlertState, Notification
from store.alert_log import claim_delivery, delivery_log, note_handover, save_alert
from store.database import Store
from tests.digests import digest_desk, digest_of, signal
from tests.mail_server import inbox

__all__ = ["inbox"]


@pytest.fixture
def alert(noon: datetime) -> Alert:
    return Alert(
        id="a1", number="YJ-2026-0001", subject="ENT0043", level=3, state=AlertState.NEW, first_at=noon,
        updated_at=noon, created_at=noon, title="云骓<电池>起火 & 爆炸", rule="fire", reason="3 个独立来源",
        products=("ebike_power",), enterprises=("ENT0043",), issues=("fire",), territory="360113",
        territories=("360113", "360100"), documents=(), findings=(),
    )  # fmt: skip


LEXICON = load_lexicon(PROJECT / "config")


def somebody(mail: str, **wishes: Any) -> Recipient:
    return Recipient.model_validate({"name": "值班", "mail": mail, "territories": ["360000"], **wishes})


def planner_for(*recipients: Recipient) -> MailPlanner:
    return MailPlanner(Routes(recipients=recipients), LEXICON.regions, "http://127.0.0.1:8000")


def planned(store: Store, alert: Alert, noon: datetime, *, to: tuple[str, ...] = ("desk@x.example",)) -> int:
    planner = planner_for(*map(somebody, to))
    with store.write() as db:
        save_alert(db, alert, details={})
        return planner.plan(db, alert, what="opened", number=1, now=noon)


def test_a_mail_reaches_each_recipient_once(store: Store, alert: Alert, noon: datetime, inbox: Any) -> None:
    handler, url = inbox
    assert planned(store, alert, noon, to=("a@x.example", "b@x.example")) == 2
    assert planned(store, alert, noon, to=("a@x.example", "b@x.example")) == 0
    channels = {"mail": MailNotifier(SecretStr(url), "fengsui@x.example")}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 2
    assert send_due(store, channels, clock=fixed_clock(noon), who="two") == 0
    assert sorted(mail.rcpt_tos[0] for mail in handler.mails) == ["a@x.example", "b@x.example"]
    assert all(len(mail.rcpt_tos) == 1 for mail in handler.mails)


def test_a_matter_of_several_days_has_its_chart_in_the_mail_and_a_fresh_one_has_none(
    store: Store, alert: Alert, noon: datetime, inbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, url = inbox
    channels = {"mail": MailNotifier(SecretStr(url), "fengsui@x.example")}
    lasting = replace(alert, id="a2", number="YJ-2026-0002", first_at=noon - timedelta(days=3))
    for number, place in enumerate(("360113", "360113", "360702")):
        signal(store, number, noon, enterprise="ENT0043", territory=place)
    planned(store, alert, noon)
    planned(store, lasting, noon)
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 2
    mails = {str(mail["Subject"]).rpartition("，")[2]: mail for mail in handler.read}
    fresh, course = mails["YJ-2026-0001）"], mails["YJ-2026-0002）"]
    assert [part.get_content_type() for part in fresh.walk()].count("image/png") == 0
    picture = next(part for part in course.walk() if part.get_content_type() == "image/png")
    assert picture.get_content().startswith(b"\x89PNG")
    plain, html = (part.get_content() for part in course.walk() if part.get_content_maintype() == "text")
    assert f"cid:{picture['Content-ID'].strip('<>')}" in html
    said = "该企业风险信号，近 14 日每 6 小时：末段 2 条，期望 0.0 条，1 段越过上限"
    assert said in html, "of the alert's own places"
    assert said in plain
    monkeypatch.setattr(png, "has_chinese", lambda: False)
    notice = Notification(
        "n9", "mail", "a@x.example", "s", said, '<img src="cid:course">', details={"drawn": {"course": "<svg/>"}}
    )
    bare = channels["mail"].writer.message_of(notice).as_string()
    assert "<img" not in bare


@pytest.mark.parametrize("what", ["lowered", "dismissed"])
def test_an_end_is_told_only_to_those_who_knew(store: Store, alert: Alert, noon: datetime, what: str) -> None:
    planned(store, alert, noon, to=("a@x.example",))
    planner = planner_for(somebody("a@x.example", min_level="yellow"), somebody("new@x.example", min_level="yellow"))
    with store.write() as db:
        assert planner.plan(db, replace(alert, level=1), what=what, number=2, now=noon) == 1
        told = {line.recipient for line in delivery_log(db)}
    assert told == {"a@x.example"}


def test_outside_text_is_escaped_in_the_mail(store: Store, alert: Alert, noon: datetime) -> None:
    planned(store, alert, noon)
    with store.write() as db:
        delivery = claim_delivery(db, who="x", now=noon)
    assert delivery is not None
    assert "云骓&lt;电池&gt;起火 &amp; 爆炸" in delivery.notification.html
    assert "[橙]" in delivery.notification.subject


def test_a_subject_cannot_smuggle_headers(alert: Alert) -> None:
    notifier = MailNotifier(SecretStr("smtp://127.0.0.1:1"), "fengsui@x.example")
    message: EmailMessage = notifier.writer.message_of(
        Notification("n1", "mail", "a@x.example", "起火\r\nBcc: e@x", "t", "")
    )
    assert message["Bcc"] is None


@pytest.mark.parametrize(("answer", "state"), [("451 later", "waiting"), ("550 no such box", "failed")])
def test_later_is_tried_again_and_never_is_not(
    store: Store, alert: Alert, noon: datetime, inbox: Any, answer: str, state: str
) -> None:
    handler, url = inbox
    handler.answer = answer
    planned(store, alert, noon)
    channels = {"mail": MailNotifier(SecretStr(url), "fengsui@x.example")}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 0
    with store.read() as db:
        [line] = delivery_log(db)
    assert (line.state, answer.split()[0] in line.answer) == (state, True)


def test_a_dead_server_loses_nothing_and_its_password_is_not_logged(store: Store, alert: Alert, noon: datetime) -> None:
    planned(store, alert, noon)
    channels = {"mail": MailNotifier(SecretStr("smtp://u:geheim@127.0.0.1:9"), "fengsui@x.example")}
    send_due(store, channels, clock=fixed_clock(noon), who="one")
    with store.read() as db:
        [line] = delivery_log(db)
    assert line.state == "waiting"
    assert line.next_at > noon
    assert "geheim" not in line.answer


def test_a_password_is_never_sent_without_tls(store: Store, alert: Alert, noon: datetime, inbox: Any) -> None:
    handler, url = inbox
    planned(store, alert, noon)
    channels = {"mail": MailNotifier(SecretStr(url.replace("//", "//u:geheim@")), "fengsui@x.example")}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 0
    with store.read() as db:
        [line] = delivery_log(db)
    assert handler.mails == []
    assert line.state == "waiting"
    assert "the password was not sent" in line.answer
    assert handler.said == ["EHLO"]


def test_a_sender_that_died_in_the_middle_does_not_send_twice(
    store: Store, alert: Alert, noon: datetime, inbox: Any
) -> None:
    handler, url = inbox
    planned(store, alert, noon)
    with store.write() as db:
        dead = claim_delivery(db, who="dead", now=noon)
        assert dead is not None
        assert note_handover(db, dead.notification.id, attempt=dead.attempts, now=noon)
    channels = {"mail": MailNotifier(SecretStr(url), "fengsui@x.example")}
    send_due(store, channels, clock=fixed_clock(noon + timedelta(hours=1)), who="next")
    with store.read() as db:
        [line] = delivery_log(db)
    assert handler.mails == []
    assert (line.state, line.answer) == ("failed", DOUBT)


def test_a_sender_that_died_before_handing_over_is_made_up_for(
    store: Store, alert: Alert, noon: datetime, inbox: Any
) -> None:
    handler, url = inbox
    planned(store, alert, noon)
    with store.write() as db:
        dead = claim_delivery(db, who="dead", now=noon)
    channels, later = {"mail": MailNotifier(SecretStr(url), "f@x.example")}, noon + timedelta(hours=1)
    assert send_due(store, channels, clock=fixed_clock(later), who="next") == 1
    with store.write() as db:
        assert dead is not None
        assert not note_handover(db, dead.notification.id, attempt=dead.attempts, now=later)
    assert len(handler.mails) == 1


def test_a_connection_lost_before_the_answer_is_not_sent_twice(
    store: Store, alert: Alert, noon: datetime, inbox: Any
) -> None:
    handler, url = inbox
    handler.drops = True
    planned(store, alert, noon)
    channels = {"mail": MailNotifier(SecretStr(url), "f@x.example")}
    for hours in range(3):
        assert send_due(store, channels, clock=fixed_clock(noon + timedelta(hours=hours)), who="one") == 0
    with store.read() as db:
        [line] = delivery_log(db)
    assert len(handler.mails) == 1
    assert line.state == "failed"
    assert line.answer.startswith(BROKEN)


def test_what_the_server_says_to_goodbye_changes_nothing(
    store: Store, alert: Alert, noon: datetime, inbox: Any
) -> None:
    handler, url = inbox
    handler.farewell = "421 closing"
    planned(store, alert, noon)
    channels = {"mail": MailNotifier(SecretStr(url), "f@x.example")}
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 1
    assert send_due(store, channels, clock=fixed_clock(noon + timedelta(hours=1)), who="one") == 0
    assert len(handler.mails) == 1


def test_two_senders_at_once_send_each_mail_once(store: Store, alert: Alert, noon: datetime, inbox: Any) -> None:
    handler, url = inbox
    to = tuple(f"desk{number}@x.example" for number in range(12))
    planned(store, alert, noon, to=to)
    channels = {"mail": MailNotifier(SecretStr(url), "f@x.example")}
    with ThreadPoolExecutor(2) as pool:
        sent = pool.map(lambda who: send_due(store, channels, clock=fixed_clock(noon), who=who), ("one", "two"))
        assert sum(sent) == len(to)
    assert sorted(mail.rcpt_tos[0] for mail in handler.mails) == sorted(to)


def test_each_is_told_of_his_own_places_products_and_levels(store: Store, alert: Alert, noon: datetime) -> None:
    planner = planner_for(
        somebody("city@x.example", territories=["360100"]),
        somebody("elsewhere@x.example", territories=["360700"]),
        somebody("ebikes@x.example", products=["ebike_power"]),
        somebody("toys@x.example", products=["child_products"]),
        somebody("grave@x.example", min_level="red"),
    )
    with store.write() as db:
        save_alert(db, alert, details={})
        planner.plan(db, alert, what="opened", number=1, now=noon)
        assert {line.recipient for line in delivery_log(db)} == {"city@x.example", "ebikes@x.example"}


def test_each_digest_tells_of_its_readers_own_places(store: Store, alert: Alert, noon: datetime) -> None:
    with store.write() as db:
        save_alert(db, alert, details={})
    to = [somebody("city@x.example", territories=["360100"]), somebody("else@x.example", territories=["360700"])]
    for _twice in range(2):
        plan_digest(store, to, digest_desk(), now=noon + timedelta(minutes=1))
    with store.read() as db:
        subjects = {line.recipient: line.subject for line in delivery_log(db)}
        assert len(delivery_log(db)) == 2
    assert "新内部预警 1 条" in subjects["city@x.example"]
    assert "无新内部预警" in subjects["else@x.example"]


@pytest.mark.parametrize(
    ("yaml", "mistake"),
    [
        ("recipients: [{name: a, mail: nobody, territories: ['360000']}]", "recipients.0.mail: is no mail address"),
        ("recipients: [{name: a, mail: a@x.example, territories: ['999999']}]", "territories.0: '999999' is no known"),
        ("recipients: [{name: a, mail: a@x.example, territories: ['360000'], products: [tea]}]", "'tea' is no known"),
        ("province_desk: {digest_at: 18:30}", "province_desk.digest_at: is no time of day"),
        ("recipients: [{name: a, mail: a@x.example}]", "recipients.0.territories: is missing"),
        ("mail: [a@x.example]", "mail: unknown key (accepted: notify_within, province_desk, recipients)"),
    ],
)
def test_a_mistake_in_the_routes_is_named(tmp_path: Path, yaml: str, mistake: str) -> None:
    (tmp_path / "routes.yml").write_text(yaml, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(mistake)):
        load_routes(tmp_path, regions=LEXICON.regions, products=LEXICON.products)


def test_the_address_of_the_environment_is_the_province_desk(tmp_path: Path) -> None:
    routes = load_routes(tmp_path, regions=LEXICON.regions, products=LEXICON.products, mail_to="a@x.example, b@x.org")
    assert [(one.mail, one.territories) for one in routes.recipients] == [
        ("a@x.example", ("360000",)),
        ("b@x.org", ("360000",)),
    ]
    with pytest.raises(ConfigError, match="FENGSUI_MAIL_TO: 'not one' is no mail address"):
        load_routes(tmp_path, regions=LEXICON.regions, products=LEXICON.products, mail_to="not one")


def test_an_old_story_is_not_mailed(store: Store, alert: Alert, noon: datetime) -> None:
    old = replace(alert, updated_at=noon - timedelta(days=30))
    assert planned(store, old, noon) == 0


@pytest.mark.parametrize("kind", ["atom", "rss"])
def test_a_feed_reader_reads_the_alerts(store: Store, alert: Alert, noon: datetime, kind: Any) -> None:
    writer = FeedWriter("http://127.0.0.1:8000", load_lexicon(PROJECT / "config"))
    with store.read() as db:
        body, again = writer(db, [alert], kind), writer(db, [alert], kind)
    read = feedparser.parse(body)
    assert not read.bozo
    assert "云骓<电池>起火 & 爆炸" in unescape(read.entries[0].title)
    assert read.entries[0].link.endswith("/alerts/a1")
    assert body == again


def test_the_json_feed_is_one(store: Store, alert: Alert) -> None:
    with store.read() as db:
        feed = json.loads(FeedWriter("http://x.example", load_lexicon(PROJECT / "config"))(db, [alert], "json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert len(feed["items"]) == 1


def test_the_digest_tells_the_day_and_a_quiet_one_too(store: Store, alert: Alert, noon: datetime) -> None:
    with store.write() as db:
        save_alert(db, alert, details={})
        told = digest_of(db, noon.date())
        quiet = digest_of(db, noon.date() + timedelta(days=5), demo=True)
    assert "新内部预警 1 条（橙 1）" in told.subject
    assert "云骓&lt;电池&gt;" in told.html
    assert "无新内部预警" in quiet.text
    assert quiet.subject.startswith("[演示]")
