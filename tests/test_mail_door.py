"""The links of mails: looking changes nothing, one click does, red is never turned off, nobody else's link opens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from alerts.mailing import MailPlanner
from config.routes import Recipient, Routes
from core.ids import short_id
from core.records import Notification
from store import audit
from store.alert_log import add_delivery, delivery_log, find_alert
from store.mail_book import address_states
from tests.desk_server import NOW, make_services
from web.app import create_app
from web.services import Services

ALERT = short_id("a", "I1")
DESK = "http://testserver"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("mail-door"), clock=lambda: NOW)
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services), follow_redirects=False) as opened:
        yield opened


def mailed(services: Services, to: str, *, level: int = 2, alert: str | None = ALERT, kind: str = "") -> Notification:
    details = {"kind": kind} if kind else {}
    made = short_id("n", to, str(level), kind)
    notice = Notification(made, "mail", to, "x", "x", "", alert, level, details=details, created_at=NOW)
    with services.store.write() as db:
        add_delivery(db, replace(notice, created_at=None), now=NOW)
    return notice


def path(address: str) -> str:
    return "/mail/" + address.partition("/mail/")[2]


def test_a_receipt_is_given_by_the_button_and_not_by_looking(services: Services, client: TestClient) -> None:
    notice = mailed(services, "reader@x.example")
    link = path(services.mail_links.receipt(notice))
    with services.store.read() as db:
        alert = find_alert(db, ALERT)
    assert alert is not None
    page = client.get(link).text
    assert alert.number in page
    assert alert.title not in page
    for _twice in range(2):
        assert "已回执，11-23 14:32" in client.post(link).text
    with services.store.read() as db:
        [line] = [line for line in delivery_log(db, limit=1000) if line.id == notice.id]
        told = audit.search(db, action="mail_receipt")
    assert line.receipt_at == NOW
    assert [(one.actor, one.object) for one in told] == [("reader@x.example", alert.number)]


def test_one_click_turns_the_digest_off_and_the_page_on_again(services: Services, client: TestClient) -> None:
    link = path(services.mail_links.off(mailed(services, "quiet@x.example", alert=None, level=0, kind="digest")))
    client.get(link)
    with services.store.read() as db:
        assert address_states(db, ["quiet@x.example"]) == {}
    assert client.post(link, data=ONE_CLICK).status_code == 200
    with services.store.read() as db:
        assert address_states(db, ["quiet@x.example"])["quiet@x.example"].no_digest_at == NOW
    assert "停收本邮箱的每日摘要" in client.post(link, data={"again": "on"}).text
    with services.store.read() as db:
        assert address_states(db, ["quiet@x.example"])["quiet@x.example"].no_digest_at is None


def test_mails_below_a_level_stop_and_red_ones_never(services: Services, client: TestClient) -> None:
    client.post(path(services.mail_links.off(mailed(services, "less@x.example", level=3))), data=ONE_CLICK)
    everybody = [Recipient.model_validate({"name": "x", "mail": "less@x.example", "territories": ["360000"]})]
    planner = MailPlanner(Routes(recipients=tuple(everybody)), services.lexicon.regions, DESK)
    with services.store.write() as db:
        alert = find_alert(db, ALERT)
        assert alert is not None
        for number, (level, what, planned) in enumerate(
            [(3, "raised", 0), (2, "opened", 0), (4, "raised", 1), (2, "dispatched", 1)]
        ):
            told = planner.mail(
                db, replace(alert, level=level), ["less@x.example"], what=what, number=900 + number, now=NOW
            )
            assert told == planned, what


@pytest.mark.parametrize("change", ["signature", "purpose", "delivery", "late"])
def test_a_link_that_is_not_ours_opens_nothing(services: Services, client: TestClient, change: str) -> None:
    notice = mailed(services, f"{change}@x.example")
    if change == "late":
        notice = replace(notice, created_at=NOW - timedelta(days=15))
    link = path(services.mail_links.receipt(notice))
    if change == "signature":
        link = link[:-1] + ("A" if link[-1] != "A" else "B")
    if change == "purpose":
        link = link.replace("/receipt/", "/off/")
    if change == "delivery":
        link = link.replace(notice.id, mailed(services, "other@x.example").id)
    answer = client.post(link)
    assert answer.status_code == 404
    assert "已过期" in answer.text
    with services.store.read() as db:
        assert not any(line.receipt_at for line in delivery_log(db, limit=1000) if line.id == notice.id)
