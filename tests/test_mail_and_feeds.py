"""What leaves the house: mails once and with a reason when not, the digest, feeds that real readers read."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from html import unescape
from typing import Any

import feedparser
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr

from alerts.digest import build_digest
from alerts.feeds import FeedWriter
from alerts.mailing import MailPlanner
from alerts.notifiers.mail import MailNotifier
from alerts.sender import DOUBT, send_due
from config.lexicon import load_lexicon
from config.routes import Routes
from config.settings import PROJECT
from core.clock import fixed_clock
from core.records import Alert, AlertState, Notification
from store.alert_log import claim_delivery, delivery_log, note_handover, save_alert
from store.database import Store


class Inbox:
    """A real SMTP server's handler: keeps what comes in, or answers what it is told to."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answer = "250 OK"
        self.said: list[str] = []

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        self.said.append("EHLO")
        session.host_name = hostname
        return [*responses[:-1], "250-AUTH PLAIN LOGIN", responses[-1]]

    async def handle_AUTH(self, server: Any, *_rest: Any) -> Any:
        self.said.append("AUTH")

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.mails.append(envelope)
        return self.answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    handler = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Controller(handler, hostname="127.0.0.1", port=port)
    server.start()
    yield handler, f"smtp://127.0.0.1:{port}"
    server.stop()


@pytest.fixture
def alert(noon: datetime) -> Alert:
    return Alert(
        id="a1", number="YJ-2026-0001", subject="ENT0043", level=3, state=AlertState.NEW, first_at=noon,
        updated_at=noon, created_at=noon, title="云骓<电池>起火 & 爆炸", rule="fire", reason="3 个独立来源",
        products=("ebike_power",), enterprises=("ENT0043",), issues=("fire",), territory="360113",
        territories=("360113", "360100"), documents=(), findings=(),
    )  # fmt: skip


def planned(store: Store, alert: Alert, noon: datetime, *, to: tuple[str, ...] = ("desk@x.example",)) -> int:
    planner = MailPlanner(to, Routes(), "http://127.0.0.1:8000")
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


@pytest.mark.parametrize("what", ["lowered", "dismissed"])
def test_an_end_is_told_only_to_those_who_knew(store: Store, alert: Alert, noon: datetime, what: str) -> None:
    planned(store, alert, noon, to=("a@x.example",))
    planner = MailPlanner(("a@x.example", "new@x.example"), Routes(mail_from_level=2), "http://127.0.0.1:8000")
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
    message: EmailMessage = notifier.message_of(Notification("n1", "mail", "a@x.example", "起火\r\nBcc: e@x", "t", ""))
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
        told = build_digest(db, noon.date(), public_url="http://x.example", demo=False)
        quiet = build_digest(db, noon.date() + timedelta(days=5), public_url="http://x.example", demo=True)
    assert "新内部预警 1 条（橙 1）" in told.subject
    assert "云骓&lt;电池&gt;" in told.html
    assert "无新内部预警" in quiet.text
    assert quiet.subject.startswith("[演示]")
