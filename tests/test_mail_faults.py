"""Mail servers that are dead, slow, refuse or hang up: what is sent, what waits, what is lost, what comes twice."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from email import message_from_string
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select

from alerts.bounces import read_bounces, take_bounces
from alerts.mail_links import MailLinks
from alerts.notifiers.mail import MailNotifier
from alerts.sender import Channel, Flow, send_due
from commands.mail import bounce_jobs
from config.mail_access import mail_mistakes
from config.settings import Settings
from core.clock import fixed_clock
from core.errors import UsageError
from core.ids import short_id
from core.records import Notification
from store.alert_log import add_delivery, delivery_log, send_again
from store.database import Store
from store.link_key import LinkKey
from store.mail_book import address_states, noted_addresses, turn_off_digest
from store.schema import delivery_attempts
from tests.certificates import make_authority
from tests.mail_server import Inbox, dripping, free_port, inbox, listening

__all__ = ["inbox"]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def mail(number: int, alert: str | None = None, *, to: str = "a@x.example", level: int = 2) -> Notification:
    made = short_id("n", str(number), to)
    return Notification(made, "mail", to, f"第 {number} 封", "正文", "<p>正文</p>", alert, level)


def put(store: Store, notice: Notification, at: datetime, what: str = "opened") -> None:
    with store.write() as db:
        assert add_delivery(db, notice, now=at, what=what)


def by_mail(url: str, **more: Any) -> Mapping[str, Channel]:
    return {"mail": MailNotifier(SecretStr(url), "fengsui@x.example", **more)}


def states(store: Store) -> Counter[str]:
    with store.read() as db:
        return Counter(line.state for line in delivery_log(db, limit=1000))


def test_a_server_dead_for_two_days_loses_none_and_floods_nobody(store: Store, noon: datetime) -> None:
    handler, port, flow = Inbox(), free_port(), Flow({"mail": 6})
    channels = by_mail(f"smtp://127.0.0.1:{port}")
    for number in range(16):  # one matter in three hours, that grows three times, told to one person
        begun = noon + 3 * number * HOUR
        with store.write() as db:
            for step, what in enumerate(("opened", "grown", "repeated", "grown")):
                add_delivery(db, mail(4 * number + step, f"a{number}"), now=begun + step * 10 * MINUTE, what=what)
        send_due(store, channels, clock=fixed_clock(begun + 40 * MINUTE), who="one", flow=flow)
    with store.read() as db:
        tried = db.execute(select(func.count()).select_from(delivery_attempts)).scalar_one()
    assert tried == 16  # a look, a try: not one for each that waits
    back = noon + 48 * HOUR
    with listening(handler, port):
        minutes = []
        for minute in range(10):
            minutes.append(send_due(store, channels, clock=fixed_clock(back + minute * MINUTE), who="one", flow=flow))
    found = states(store)
    print(f"dead two days: planned 64, sent {len(handler.mails)}, {dict(found)}, most a minute {max(minutes)}")
    assert max(minutes) <= 6
    assert found["sent"] + found["replaced"] == 64
    assert max(handler.by_id.values()) == 1
    told = Counter(str(one["Subject"]) for one in handler.read)
    assert all(told[f"第 {4 * number + 3} 封"] == 1 for number in range(16))  # the last of each matter


def test_two_senders_together_send_no_more_a_minute_than_one(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    handler, url = inbox
    for number in range(8):
        put(store, mail(number), noon)
    first, second = Flow({"mail": 5}), Flow({"mail": 5})
    for minute, sent in enumerate(((5, 0), (3, 0))):
        at, channels = fixed_clock(noon + minute * MINUTE), by_mail(url)
        found = [send_due(store, channels, clock=at, who=who, flow=flow) for who, flow in (("a", first), ("b", second))]
        assert tuple(found) == sent
    assert len(handler.mails) == 8


def test_what_was_overtaken_while_the_server_was_dead_is_not_sent(store: Store, noon: datetime) -> None:
    handler, port = Inbox(), free_port()
    channels = by_mail(f"smtp://127.0.0.1:{port}")
    put(store, mail(1, "a1"), noon)
    put(store, mail(2, "a1", to="b@x.example"), noon)
    put(store, mail(3, "a1"), noon, "dispatched")
    for minutes in (0, 3, 6):
        send_due(store, channels, clock=fixed_clock(noon + minutes * MINUTE), who="one")
    put(store, mail(4, "a1"), noon + HOUR, "grown")
    with listening(handler, port):
        send_due(store, channels, clock=fixed_clock(noon + 2 * HOUR), who="one")
    assert sorted(str(one["Subject"]) for one in handler.read) == ["第 2 封", "第 3 封", "第 4 封"]


def test_a_slow_server_gets_each_mail_once(store: Store, noon: datetime, inbox: tuple[Inbox, str]) -> None:
    handler, url = inbox
    handler.waits = 0.3
    for number in range(3):
        put(store, mail(number), noon)
    channels = by_mail(url, timeout=0.2, last_answer=5.0)
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 3
    assert max(handler.by_id.values()) == 1


@pytest.mark.parametrize(
    ("answer", "state", "marked"),
    [
        ("451 4.3.0 try later", "waiting", False),
        ("550 5.1.1 no such user", "failed", True),
        ("554 5.7.1 <gone@x.example>: Relay access denied", "waiting", False),
    ],
)
def test_an_address_that_is_refused_for_good_is_known_as_failing(
    store: Store, noon: datetime, inbox: tuple[Inbox, str], answer: str, state: str, marked: bool
) -> None:
    handler, url = inbox
    handler.rcpt["gone@x.example"] = answer
    put(store, mail(1, to="gone@x.example"), noon)
    put(store, mail(2), noon)
    assert send_due(store, by_mail(url), clock=fixed_clock(noon), who="one") == 1
    with store.read() as db:
        lines = {line.recipient: line for line in delivery_log(db)}
        failing = {one.address: one.failing_answer for one in noted_addresses(db)}
    assert lines["gone@x.example"].state == state
    assert lines["a@x.example"].state == "sent"
    assert failing == ({"gone@x.example": answer} if marked else {})


def test_an_address_that_takes_mail_again_is_not_failing(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    handler, url = inbox
    handler.rcpt["a@x.example"] = "550 5.1.1 no such user"
    put(store, mail(1), noon)
    send_due(store, by_mail(url), clock=fixed_clock(noon), who="one")
    handler.rcpt.clear()
    put(store, mail(2), noon)
    send_due(store, by_mail(url), clock=fixed_clock(noon), who="one")
    with store.read() as db:
        assert noted_addresses(db) == []


def test_a_password_that_is_refused_loses_nothing(store: Store, noon: datetime, inbox: tuple[Inbox, str]) -> None:
    put(store, mail(1), noon)
    channels = by_mail(inbox[1].replace("//", "//u:geheim@"))
    send_due(store, channels, clock=fixed_clock(noon), who="one")
    assert states(store) == {"waiting": 1}


@pytest.mark.parametrize(("known", "sent"), [(True, 1), (False, 0)])
def test_a_password_goes_over_tls_to_a_server_that_is_vouched_for(
    store: Store, noon: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool, sent: int
) -> None:
    authority, handler, port = make_authority(tmp_path), Inbox(), free_port()
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    put(store, mail(1), noon)
    with listening(handler, port, authority.server("127.0.0.1")):
        channels = by_mail(f"smtp://u:geheim@127.0.0.1:{port}")
        assert send_due(store, channels, clock=fixed_clock(noon), who="one") == sent
    assert (len(handler.mails), "AUTH" in handler.said) == (sent, known)
    assert states(store) == {"sent" if sent else "waiting": 1}


@pytest.mark.parametrize(("after", "state"), [(0, "waiting"), (5, "failed")])
def test_a_server_that_drips_bytes_holds_the_sender_no_longer_than_the_bound(
    store: Store, noon: datetime, after: int, state: str
) -> None:
    put(store, mail(1), noon)
    with dripping(after) as port:
        begun = time.monotonic()
        channels = by_mail(f"smtp://127.0.0.1:{port}", timeout=0.3, last_answer=0.3, whole=0.4)
        send_due(store, channels, clock=fixed_clock(noon), who="one")
        assert time.monotonic() - begun < 5
    with store.read() as db:
        line = delivery_log(db)[0]
    assert line.state == state
    assert ("是否送达不明" in line.answer) == (state == "failed")
    assert "too slow" in line.answer


def test_a_mistake_of_ours_is_noted_on_its_delivery_and_the_others_go_on(store: Store, noon: datetime) -> None:
    class Odd:
        def send(self, notice: Notification, handing_over: Callable[[], None]) -> str:
            if notice.id == mail(1).id:
                raise TypeError("key=SECRET")
            handing_over()
            if notice.id == mail(2).id:
                raise KeyError("SECRET")
            return "250 OK"

    for number in (1, 2, 3):
        put(store, mail(number), noon)
    assert send_due(store, {"mail": Odd()}, clock=fixed_clock(noon), who="one") == 1
    with store.read() as db:
        lines = {line.id: line for line in delivery_log(db)}
    first, second, third = (lines[mail(number).id] for number in (1, 2, 3))
    assert (first.state, second.state, third.state) == ("waiting", "failed", "sent")
    assert "TypeError" in first.answer
    assert "SECRET" not in first.answer + second.answer
    assert "是否送达不明" in second.answer, "it may have gone out: not sent a second time"


def test_a_digest_that_waits_when_its_reader_turns_it_off_is_not_sent(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    put(store, replace(mail(1), details={"kind": "digest"}), noon, "digest")
    put(store, replace(mail(2, to="b@x.example"), details={"kind": "digest"}), noon, "digest")
    with store.write() as db:
        turn_off_digest(db, "a@x.example", noon)
    assert send_due(store, by_mail(inbox[1]), clock=fixed_clock(noon), who="one") == 1
    assert [one["To"] for one in inbox[0].read] == ["b@x.example"]
    assert states(store) == {"sent": 1, "withdrawn": 1}


def test_a_connection_cut_before_the_mail_is_tried_again_and_one_cut_after_it_is_not(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    handler, url = inbox
    handler.drops_early = True
    put(store, mail(1), noon)
    send_due(store, by_mail(url), clock=fixed_clock(noon), who="one")
    assert states(store) == {"waiting": 1}
    handler.drops_early, handler.drops = False, True
    for hours in range(1, 4):
        send_due(store, by_mail(url), clock=fixed_clock(noon + hours * HOUR), who="one")
    assert states(store) == {"failed": 1}
    assert len(handler.mails) == 1


def test_claims_of_two_senders_on_a_bad_server_double_nothing(
    store: Store, noon: datetime, inbox: tuple[Inbox, str]
) -> None:
    handler, url = inbox
    handler.rcpt["r3@x.example"] = "451 later"
    for number in range(20):
        put(store, mail(number, to=f"r{number}@x.example"), noon)
    with ThreadPoolExecutor(2) as pool:
        sent = sum(
            pool.map(lambda who: send_due(store, by_mail(url), clock=fixed_clock(noon), who=who), ("one", "two"))
        )
    print(f"two senders: planned 20, sent {sent}, doubled {sum(n - 1 for n in handler.by_id.values())}")
    assert (sent, max(handler.by_id.values()), states(store)) == (19, 1, {"sent": 19, "waiting": 1})


def test_a_mail_that_is_sent_again_is_the_same_mail_to_the_byte(
    store: Store, noon: datetime, inbox: tuple[Inbox, str], tmp_path: Path
) -> None:
    handler, url = inbox
    channels = by_mail(url, links=MailLinks(LinkKey(tmp_path / "key"), "https://desk.example"))
    handler.answer = "451 later"
    seen: list[bytes] = []
    handler_data = handler.handle_DATA

    async def keep(server: Any, session: Any, envelope: Any) -> str:
        seen.append(envelope.content)
        return await handler_data(server, session, envelope)

    handler.handle_DATA = keep  # type: ignore[method-assign]
    put(store, mail(1, "a1"), noon)
    for hours in range(2):
        send_due(store, channels, clock=fixed_clock(noon + hours * HOUR), who="one")
    assert len(seen) == 2
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("notice", "header"),
    [
        (Notification("n1", "mail", "a@x.example", "橙", "t", "", "a1", 3), True),
        (Notification("n1", "mail", "a@x.example", "红", "t", "", "a1", 4), False),
        (Notification("n1", "mail", "a@x.example", "派单", "t", "", "a1", 3, details={"duty": "dispatched"}), False),
        (Notification("n1", "mail", "a@x.example", "摘要", "t", "", details={"kind": "digest"}), True),
    ],
)
def test_what_is_no_duty_can_be_turned_off_by_one_click(
    tmp_path: Path, noon: datetime, notice: Notification, header: bool
) -> None:
    links = MailLinks(LinkKey(tmp_path / "key"), "https://desk.example")
    writer = MailNotifier(SecretStr("smtp://x"), "f@x.example", links=links).writer
    made = writer.message_of(notice)
    assert (made["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click") is header
    assert str(made["List-Unsubscribe"] or "").startswith("<https://desk.example/mail/off/") is header


def test_later_mails_of_an_alert_follow_its_first(noon: datetime) -> None:
    writer = MailNotifier(SecretStr("smtp://x"), "f@x.example").writer
    made = writer.message_of(Notification("n2", "mail", "a@x.example", "s", "t", "", "a1", 2, details={"thread": "n1"}))
    assert (made["In-Reply-To"], made["References"]) == ("<n1@x.example>", "<n1@x.example>")


def returned(notice: Notification, *, action: str = "failed", to: str = "") -> bytes:
    """A delivery status notification as Postfix writes it, cut down."""
    status = (
        f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {to or notice.recipient}\n"
        f"Action: {action}\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n"
    )
    return (
        "From: MAILER-DAEMON@mx.example\nTo: fengsui@x.example\nSubject: Undelivered Mail Returned to Sender\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\nContent-Type: text/plain\n\nThis is the mail system.\n\n"
        f"--B\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--B\nContent-Type: text/rfc822-headers\n\nMessage-ID: <{notice.id}@x.example>\nSubject: x\n\n--B--\n"
    ).encode()


def test_a_mail_that_comes_back_marks_its_delivery_and_address_once(
    store: Store, noon: datetime, inbox: tuple[Inbox, str], tmp_path: Path
) -> None:
    notice = mail(1)
    put(store, notice, noon)
    send_due(store, by_mail(inbox[1]), clock=fixed_clock(noon), who="one")
    box = tmp_path / "bounces"
    box.mkdir()
    (box / "1").write_bytes(returned(notice))
    (box / "2").write_bytes(returned(notice, to="somebody-else@x.example"))
    reply = EmailMessage()
    reply.set_content(f"您好 <{notice.id}@x.example>")
    (box / "3").write_bytes(reply.as_bytes())
    read = read_bounces(box)
    with store.write() as db:
        first, again = take_bounces(db, read, noon), take_bounces(db, read, noon)
        known = address_states(db, [notice.recipient])[notice.recipient]
    assert (first.bounced, first.known, first.other, again.bounced) == (1, 1, 1, 0)
    assert states(store) == {"bounced": 1}
    assert (known.failing_kind, known.failing_answer) == ("bounced", "5.2.2 552 5.2.2 mailbox full")


def test_a_bounce_that_is_read_again_does_not_touch_a_mail_that_was_sent_again(
    store: Store, noon: datetime, inbox: tuple[Inbox, str], tmp_path: Path
) -> None:
    notice, later = mail(1), noon + HOUR
    put(store, notice, noon)
    send_due(store, by_mail(inbox[1]), clock=fixed_clock(noon), who="one")
    (tmp_path / "1.eml").write_bytes(returned(notice))
    read = read_bounces(tmp_path / "1.eml")
    with store.write() as db:
        assert take_bounces(db, read, noon).bounced == 1
        assert send_again(db, notice.id, by="somebody", now=later)
        assert take_bounces(db, read, later).bounced == 0
    assert send_due(store, by_mail(inbox[1]), clock=fixed_clock(later), who="one") == 1
    with store.write() as db:
        assert take_bounces(db, read, later).bounced == 0
    assert states(store) == {"sent": 1}


def test_the_scheduler_reads_the_mailbox_of_returned_mails_when_something_came(
    store: Store, noon: datetime, inbox: tuple[Inbox, str], tmp_path: Path
) -> None:
    for number in (1, 2):
        put(store, mail(number, to=f"{number}@x.example"), noon)
    send_due(store, by_mail(inbox[1]), clock=fixed_clock(noon), who="one")
    box = tmp_path / "Maildir"
    settings = Settings(profile="demo", mail_returns=box, data=tmp_path)
    (job,) = bounce_jobs(settings, store)
    with pytest.raises(UsageError, match="没有这个文件或文件夹"):
        job.do()
    for name in ("new", "cur", "tmp"):
        (box / name).mkdir(parents=True)
    assert job.do() == ""
    for number in (1, 2):
        (box / "new" / str(number)).write_bytes(returned(mail(number, to=f"{number}@x.example")))
        assert job.do() == "退信 1 条，延迟 0 条"
        assert job.do() == ""
    assert states(store) == {"bounced": 2}


def test_a_hostile_mail_among_the_bounces_does_not_keep_the_others_unread(store: Store, tmp_path: Path) -> None:
    notice = mail(1)
    nested = b"".join(
        b'%sContent-Type: multipart/report; boundary="b%d"\n\n' % (b"--b%d\n" % (i - 1) if i else b"", i)
        for i in range(2000)
    )
    (tmp_path / "box").write_bytes(b"From x\n" + nested + b"\nFrom y\n" + returned(notice))
    assert [len(one.bounces) for one in read_bounces(tmp_path / "box")] == [0, 1]


def test_what_the_server_says_with_a_nul_is_noted(store: Store, noon: datetime, inbox: tuple[Inbox, str]) -> None:
    inbox[0].rcpt["a@x.example"] = "550 5.1.1 no\0such user"
    put(store, mail(1), noon)
    send_due(store, by_mail(inbox[1]), clock=fixed_clock(noon), who="one")
    with store.read() as db:
        assert [one.failing_answer for one in noted_addresses(db)] == ["550 5.1.1 no\ufffdsuch user"]


def test_headers_that_programs_read_are_written_plainly_and_subjects_keep_their_blanks(
    tmp_path: Path, noon: datetime
) -> None:
    links, host = (
        MailLinks(LinkKey(tmp_path / "key"), "https://desk.gov.example"),
        "fengsui." + "long" * 15 + ".example",
    )
    writer = MailNotifier(SecretStr("smtp://x"), f"f@{host}", links=links).writer
    subject = "[红] 新预警：" + "某 A 品牌 😀 电动自行车 B2 充电器 " * 6 + "（YJ-2026-0001）"
    notice = Notification("n" + "2" * 16, "mail", "a@x.example", subject, "t", "", "a1", 3, details={"thread": "n1"})
    raw = writer.message_of(notice).as_bytes(policy=SMTP).decode("ascii")
    assert f"\r\nList-Unsubscribe: <{links.off(notice)}>\r\n" in raw
    assert f"\r\nReferences: <n1@{host}>\r\n" in raw
    assert message_from_string(raw, policy=default)["Subject"] == subject
    assert max(map(len, raw.partition("From:")[0].splitlines())) <= 78


def test_a_warning_goes_out_where_the_key_of_links_is_broken(
    store: Store, noon: datetime, inbox: tuple[Inbox, str], tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(b"\xff")
    put(store, mail(1, "a1"), noon)
    channels = by_mail(inbox[1], links=MailLinks(LinkKey(tmp_path / "key"), "https://desk.example"))
    assert send_due(store, channels, clock=fixed_clock(noon), who="one") == 1


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:none", "smtp://mail..example", "smtp://[::1"])
def test_an_address_of_a_server_that_cannot_be_keeps_mails_waiting(store: Store, noon: datetime, url: str) -> None:
    put(store, mail(1), noon)
    assert send_due(store, by_mail(url), clock=fixed_clock(noon), who="one") == 0
    assert states(store) == {"waiting": 1}


@pytest.mark.parametrize(
    ("url", "sender", "said"),
    [
        ("smtp://u:p@mail:587", "f@mail", ""),
        ("smtps://u:p%40%2F@mail.example", "f@x.example", ""),
        ("", "whoever", ""),
        ("mail.example:25", "f@x.example", "FENGSUI_SMTP_URL：须为 smtp:// 或 smtps:// 加主机"),
        ("smtp://mail.example:smtp", "f@x.example", "FENGSUI_SMTP_URL：主机或端口写得不对"),
        ("smtp://u:geh/eim@mail.example", "f@x.example", "FENGSUI_SMTP_URL：主机或端口写得不对"),
        ("smtp://u:%E5%AF%86@mail.example", "f@x.example", "FENGSUI_SMTP_URL：用户名和密码只能用 ASCII"),
        ("smtp://mail.example", "烽燧 <f@x.example>", "FENGSUI_MAIL_FROM：'烽燧 <f@x.example>' 不是邮件地址"),
    ],
)
def test_mistakes_of_the_mail_settings_are_named_before_anything_starts(url: str, sender: str, said: str) -> None:
    told = list(mail_mistakes(url, sender))
    assert [one.startswith(said) for one in told] == ([True] if said else [])
    assert not any("geh" in one or "密" in one.replace("密码", "") for one in told)


def test_a_mail_that_is_late_on_its_way_is_not_lost(store: Store, noon: datetime, tmp_path: Path) -> None:
    notice = mail(1)
    put(store, notice, noon)
    (tmp_path / "late.eml").write_bytes(returned(notice, action="delayed"))
    with store.write() as db:
        assert take_bounces(db, read_bounces(tmp_path / "late.eml"), noon).delayed == 1
        assert noted_addresses(db) == []
    assert states(store) == {"waiting": 1}
