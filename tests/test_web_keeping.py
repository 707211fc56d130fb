"""The desk's pages of holds and of erasing a person: who sees them, what is shown first, what is asked before anything
is done, what is in the log."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from core.errors import UsageError
from keeping.erase import Eraser
from keeping.person import Person
from store import audit, users
from store.audit import AuditLine
from store.hold_subjects import subject_of
from store.holds import holds_in_force
from store.schema import alert_documents, documents
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.erasing import Erasures
from web.services import Services

NAME, PHONE = "张三丰", "13912345678"


def settle() -> None:
    """The thread that looks or erases has ended."""
    for thread in threading.enumerate():
        if thread.name == "erasing":
            thread.join(120)


@dataclass(frozen=True)
class Desk:
    """document: one that names the person and no case rests on."""

    services: Services
    app: FastAPI
    chief: TestClient
    document: str

    def post(self, path: str, **typed: str) -> Any:
        csrf = value_of(self.chief.get("/account").text, "csrf")
        return self.chief.post(path, data={"csrf": csrf, **typed})

    def log(self) -> list[AuditLine]:
        with self.services.store.read() as db:
            return [line for line in audit.newest(db, 20) if line.action.startswith(("hold", "erase"))]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    services = make_services(tmp_path_factory.mktemp("desk"), clock=lambda: NOW)
    with services.store.write() as db:
        users.create_user(db, "chief", role="admin", territory="000000", display_name="", password=PASSWORD, now=NOW)
        users.create_user(db, "county", role="admin", territory="360830", display_name="", password=PASSWORD, now=NOW)
        users.create_user(
            db, "boss", role="supervisor", territory="000000", display_name="", password=PASSWORD, now=NOW
        )
        held = select(alert_documents.c.document)
        query = select(documents.c.id).where(documents.c.id.not_in(held), documents.c.repost_of.is_(None)).limit(1)
        document = db.execute(query).scalar_one()
        values = {"title": f"投诉人{NAME}", "text": f"{NAME}，电话{PHONE}", "raw": {}}
        db.execute(update(documents).where(documents.c.id == document).values(**values))
    app = create_app(services)
    with signed_in(app, "chief") as chief:
        yield Desk(services, app, chief, document)
    services.store.close()


def test_both_pages_are_for_an_administrator_who_sees_everything(desk: Desk) -> None:
    for name in ("county", "boss"):
        with signed_in(desk.app, name) as client:
            csrf = value_of(client.get("/account").text, "csrf")
            for path in ("/settings/holds", "/settings/erase"):
                assert client.get(path).status_code == 403
            assert client.post("/settings/erase/find", data={"csrf": csrf, "name": NAME}).status_code == 403
    assert 'href="/settings/holds"' in desk.chief.get("/settings").text


def test_a_hold_is_put_with_a_reason_listed_and_lifted_with_a_reason(desk: Desk) -> None:
    add, subject = "/settings/holds/add", desk.document
    wrong = desk.post(add, kind="document", subject="d0", reason="行政复议 12 号")
    assert (wrong.status_code, "没有文档 d0" in wrong.text) == (400, True)
    assert "行政复议 12 号" in wrong.text  # what was typed is kept
    assert "理由至少" in desk.post(add, kind="alert", subject="YJ-2026-0001", reason="x").text
    assert "期限已过" in desk.post(add, kind="document", subject=subject, reason="行政复议", until="2020-01-01").text
    made = desk.post(add, kind="document", subject=subject, reason="行政复议 12 号", until="2027-01-31")
    assert made.headers["location"] == "/settings/holds?said=added"
    with desk.services.store.read() as db:
        (hold,) = holds_in_force(db, NOW)
    assert (hold.subject, hold.author) == (subject, "chief")
    page = desk.chief.get("/settings/holds").text
    assert f"/documents/{subject}" in page
    assert "行政复议 12 号" in page
    assert desk.post(f"/settings/holds/{hold.number}/end", why="").status_code == 400
    assert desk.post(f"/settings/holds/{hold.number}/end", why="复议已审结").status_code == 303
    assert desk.post(f"/settings/holds/{hold.number}/end", why="复议已审结").status_code == 404
    with desk.services.store.read() as db:
        assert holds_in_force(db, NOW) == []
    ended, added = desk.log()[:2]
    assert (added.action, added.object, added.details["reason"]) == ("hold_add", subject, "行政复议 12 号")
    assert (ended.action, ended.details["why"]) == ("hold_end", "复议已审结")
    assert "复议已审结" in desk.chief.get("/settings/holds").text


def test_what_a_hold_names_is_there_by_number_too(desk: Desk) -> None:
    with desk.services.store.read() as db:
        assert subject_of(db, "alert", "YJ-2026-0001").title.startswith("云骓")
        assert subject_of(db, "firm", "ENT0043").id == "ENT0043"
        assert subject_of(db, "firm", "NIL:甲公司").title == "甲公司"  # in no list
        with pytest.raises(UsageError, match="没有事件"):
            subject_of(db, "event", "SJ-2026-9999")


def test_a_person_is_found_shown_and_erased_once_the_name_is_typed_again(desk: Desk) -> None:
    do = "/settings/erase/do"
    assert "2 至 20 个汉字" in desk.post("/settings/erase/find", name="%").text
    assert desk.post("/settings/erase/find", name=NAME, phone="１３９ 1234-5678").status_code == 303  # as people type
    settle()
    page = desk.chief.get("/settings/erase").text
    assert f"/documents/{desk.document}" in page
    assert "投诉人***" in page
    assert NAME not in page  # whoever erases knows it; nobody reads it over a shoulder
    assert PHONE not in page
    assert "再次输入的与查找的不同" in desk.post(do, again="张三", reason="申请 8 号").text
    assert "依据至少" in desk.post(do, again=NAME, reason="8").text
    assert "不要写这个人的信息" in desk.post(do, again=NAME, reason=f"{NAME}申请").text
    assert desk.post(do, again="张 三丰", reason="申请 8 号").status_code == 303
    settle()
    assert "已掩去" in desk.chief.get("/settings/erase").text
    with desk.services.store.read() as db:
        text = db.execute(select(documents.c.text).where(documents.c.id == desk.document)).scalar_one()
    assert text == "***，电话***********"
    done, began = desk.log()[:2]
    assert (began.action, began.actor, began.details["reason"]) == ("erase_person", "chief", "申请 8 号")
    assert done.action == "erase_person_done"
    assert NAME not in str(began)
    desk.post("/settings/erase/forget")
    assert "至少填一项" in desk.chief.get("/settings/erase").text
    assert "已不在这里" in desk.post(do, again=NAME, reason="申请 8 号").text


def test_while_it_runs_the_page_says_how_far_it_is_and_another_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), threading.Event()

    def slow(self: Eraser, now: object, tell: object) -> object:
        tell(30, 100)  # type: ignore[operator]
        begun.set()
        assert go.wait(120)
        raise UsageError("磁盘读不到")

    monkeypatch.setattr(Eraser, "find", slow)
    desk.post("/settings/erase/find", name=NAME)
    assert begun.wait(120)
    page = desk.chief.get("/settings/erase")
    assert ("存档已读 30%" in page.text, page.headers["refresh"]) == (True, "3")
    assert "另一次按人删除正在进行" in desk.post("/settings/erase/find", name="李四光").text
    go.set()
    settle()
    assert "没有做成：磁盘读不到" in desk.chief.get("/settings/erase").text


def test_what_was_found_is_its_owner_s_and_forgotten_after_half_an_hour(desk: Desk) -> None:
    now = [NOW]
    erasures = Erasures(replace(desk.services, clock=lambda: now[0]))
    erasures.look("chief", Person("李四光"), frozenset())
    settle()
    assert erasures.of("chief") is not None
    assert erasures.of("boss") is None
    now[0] += timedelta(minutes=31)
    assert erasures.of("chief") is None
