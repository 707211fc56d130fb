"""The delivery log: filters as links, each try with its answer, why one waits, cut to the territory."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.routes import Recipient, Routes
from core.ids import short_id
from core.records import Notification
from store import alert_log, audit, mail_book, users
from store.processes import beat
from store.schema import deliveries
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, Browse, value_of, visits
from web.services import Services

ALERT = short_id("a", "I1")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("deliveries"), clock=lambda: NOW)
    group = Recipient.model_validate({"name": "值班群", "channel": "group", "territories": ["360000"]})
    made = replace(made, routes=Routes(recipients=(group,)), channels={"group": "值班群"})
    with made.store.write() as db:
        accounts: list[tuple[str, users.Role, str]] = [
            ("desk", "officer", "360000"), ("county", "officer", "360922"), ("chief", "supervisor", "360000"),
        ]  # fmt: skip
        for name, role, territory in accounts:
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)
        for number in range(60):
            notice = Notification(f"m{number}", "mail", f"p{number % 3}@example.org", "信", "信", "", ALERT, 3)
            alert_log.add_delivery(db, notice, now=NOW - timedelta(minutes=number))
        claimed = alert_log.claim_delivery(db, who="sender", now=NOW)
        assert claimed is not None
        alert_log.settle_delivery(
            db, claimed.notification.id, attempt=1, outcome="retry", answer="451 <busy>", seconds=1.25, at=NOW,
            again=NOW + timedelta(minutes=8),
        )  # fmt: skip
        hook = Notification("w1", "webhook", "https://x.example", "推送", "x", "", ALERT, 3)
        alert_log.add_delivery(db, hook, now=NOW - timedelta(days=2))
        alert_log.add_delivery(db, Notification("old", "mail", "p@example.org", "旧", "x", "", ALERT, 3),
                               now=NOW - timedelta(days=40))  # fmt: skip
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    yield from visits(services)


def total(page: str) -> int:
    found = re.search(r'<span class="dim">\d+–\d+ / ([\d,]+)</span>', page)
    return int(found[1].replace(",", "")) if found else 0


def test_every_link_of_a_filter_shows_as_many_as_it_says(browse: Browse) -> None:
    client = browse("desk")
    page = client.get("/deliveries").text
    links = re.findall(r'<a href="([^"]+)"[^>]*>[^<]+<span>(\d+)</span></a>', page.split('id="main"')[1])
    assert len(links) > 6
    for href, count in links:
        told = unescape(href)
        assert total(client.get(told if told.startswith("/") else f"/deliveries{told}").text) == int(count), href


def test_the_list_is_paged(browse: Browse) -> None:
    client = browse("desk")
    assert client.get("/deliveries").text.count('<tr class="delivery">') == 50
    assert "51–" in client.get("/deliveries?page=2").text
    assert client.get("/deliveries?page=0").status_code == 400


def test_an_attempt_says_when_how_long_and_what_was_answered(browse: Browse) -> None:
    page = browse("desk").get("/deliveries?state=waiting&page=2").text
    row = next(row for row in page.split('<tr class="delivery">') if "451" in row)
    assert "451 &lt;busy&gt;" in row
    assert "1.25 秒" in row
    assert "第 1 次未成，14:40 再试" in row


def test_what_is_due_says_what_it_waits_for(browse: Browse, services: Services) -> None:
    with services.store.write() as db:
        beat(db, "sender", pid=1, now=NOW)
    assert "排队等发送" in browse("desk").get("/deliveries").text
    with services.store.write() as db:
        beat(db, "sender", pid=1, now=NOW - timedelta(minutes=5))
    assert "发送进程没有在运行" in browse("desk").get("/deliveries").text


def test_what_is_old_is_found_by_its_day_or_its_alert(browse: Browse) -> None:
    client = browse("desk")
    assert ">旧</a>" not in client.get("/deliveries?page=2").text
    assert ">旧</a>" in client.get("/deliveries?day=2026-10-14").text
    assert ">旧</a>" in client.get(f"/deliveries?alert={ALERT}&page=2").text
    assert client.get("/deliveries?day=2026-13-40").status_code == 400


def test_only_deliveries_of_alerts_one_sees_are_shown(browse: Browse) -> None:
    page = browse("county").get("/deliveries?recipient=p1@example.org").text
    assert 'class="delivery"' not in page
    assert ALERT not in page


def row_of(page: str, subject: str) -> str:
    return next(row for row in page.split('<tr class="delivery">') if subject in row)


def press(client: TestClient, page: str, action: str, **fields: str) -> Any:
    once = fields.pop("once", "") or value_of(page, "once")
    return client.post(action, data={"csrf": value_of(page, "csrf"), "once": once, **fields})


@pytest.fixture
def refused(services: Services) -> str:
    """A notice that was refused for good; its address is known as failing."""
    made = short_id("n", "refused", secrets.token_hex(4))
    notice = Notification(made, "mail", "gone@example.org", f"没收到的信 {made}", "x", "", ALERT, 4)
    with services.store.write() as db:
        alert_log.add_delivery(db, notice, now=NOW + timedelta(minutes=1))
        taken = {"state": "sending", "claimed_by": "sender"}
        db.execute(deliveries.update().where(deliveries.c.id == made).values(taken))
        alert_log.settle_delivery(
            db, made, attempt=0, outcome="refused", answer="550 no such user", seconds=0.4, at=NOW, again=None
        )
        mail_book.note_failing(db, "gone@example.org", "refused", answer="550 no such user", delivery=made, now=NOW)
    return made


@pytest.mark.parametrize("anew", [False, True])
def test_a_person_has_it_sent_again_as_the_same_mail_or_a_new_one(
    browse: Browse, services: Services, refused: str, anew: bool
) -> None:
    client = browse("desk")
    page = client.get("/deliveries?recipient=gone@example.org").text
    form = {"anew": "on"} if anew else {}
    once = value_of(page, "once")
    answers = [press(client, page, f"/deliveries/{refused}/again", once=once, **form) for _twice in range(2)]
    assert answers[0].status_code == 303
    with services.store.read() as db:
        lines = {line.id: line for line in alert_log.delivery_log(db, alert=ALERT, limit=500) if refused in line.id}
        told = audit.search(db, action="resend", object=refused)
    states = sorted(line.state for line in lines.values())
    assert states == (["failed", "waiting"] if anew else ["waiting"])
    assert [(one.actor, one.object) for one in told] == [("desk", refused)]
    assert "由 desk 重发" in client.get("/deliveries?recipient=gone@example.org").text


def test_what_one_does_not_see_one_does_not_send(browse: Browse, services: Services, refused: str) -> None:
    client = browse("county")
    page = client.get("/account").text
    answer = press(client, page, f"/deliveries/{refused}/again", once="123456789")
    assert answer.status_code == 404
    with services.store.read() as db:
        found = alert_log.find_delivery(db, refused)
    assert found is not None
    assert "by_hand" not in found[0].details


def test_an_address_that_takes_no_mail_is_told_and_settled_by_a_supervisor(
    browse: Browse, services: Services, refused: str
) -> None:
    assert "拒收" in browse("desk").get("/deliveries").text
    assert "gone@example.org" not in browse("county").get("/deliveries").text
    chief = browse("chief")
    page = chief.get("/deliveries").text
    form = {"address": "gone@example.org", "do": "heal"}
    assert (
        press(browse("desk"), browse("desk").get("/deliveries").text, "/deliveries/address", **form).status_code == 403
    )
    assert press(chief, page, "/deliveries/address", **form).status_code == 303
    assert "收不到或停收的地址" not in chief.get("/deliveries").text


def test_a_test_goes_to_a_recipient_of_the_own_territory_only(browse: Browse, services: Services) -> None:
    chief = browse("chief")
    page = chief.get("/deliveries").text
    assert "值班群（值班群）" in page
    assert press(chief, page, "/deliveries/test", to="stranger@example.org").status_code == 400
    assert press(chief, page, "/deliveries/test", to="channel:group").status_code == 303
    with services.store.read() as db:
        [line] = [line for line in alert_log.delivery_log(db, limit=500) if line.channel == "group"]
    assert line.subject == "[演示] [测试] 烽燧"
    listed = chief.get("/deliveries?channel=group").text
    assert "值班群" in row_of(listed, "[测试] 烽燧")
    assert ">channel:group<" not in listed
