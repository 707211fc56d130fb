"""The desk over HTTP: who gets in, who sees what, what a form may do, and that every count is true."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import feedparser
import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlalchemy import event as engine_event
from sqlalchemy import select

from alerts.figures import figures
from core.ids import short_id
from core.records import AlertState, Finding
from crawlers.archive import Archive
from store import alert_log, audit, users
from store.database import Store
from store.schema import documents as document_table
from tests.desk_server import NOW, STORIES, make_services
from tests.desk_visits import PASSWORD, sign_in, value_of
from web.app import create_app, entry_path
from web.services import Services
from web.times import limit_of
from web.views import search_export

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALERT = short_id("a", "I2")
PAGES = ("/", "/alerts", f"/alerts/{ALERT}", "/search", "/search/saved", "/enterprises", "/enterprises/ENT0140",
         "/sources", "/sources/gz_amr", "/status", "/deliveries", "/account", "/rules", "/help")  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("desk"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "000000"), ("county", "officer", "360981"), ("reader", "viewer", "360000"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


Browse = Callable[[str], TestClient]


@pytest.fixture
def browse(services: Services) -> Iterator[Browse]:
    """A signed-in browser of an account; of nobody for an empty name."""
    opened: list[TestClient] = []

    def opened_by(name: str) -> TestClient:
        client = TestClient(create_app(services), follow_redirects=False)
        opened.append(client)
        if name:
            sign_in(client, name)
        return client

    yield opened_by
    for client in opened:
        client.close()


def form_of(client: TestClient, path: str) -> dict[str, str]:
    """The hidden fields of the first form on a page."""
    html = client.get(path).text
    return {"csrf": value_of(html, "csrf"), "once": value_of(html, "once")}


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/live", "/api/alerts", "/api/openapi.json", "/documents/d1"])
def test_nobody_sees_anything_without_signing_in(browse: Browse, path: str) -> None:
    answer = browse("").get(path)
    assert answer.status_code in (303, 401)
    assert "YJ-2026" not in answer.text


def test_the_printed_address_signs_in_once_and_asks_for_a_password(tmp_path: Path) -> None:
    own = make_services(tmp_path, clock=lambda: NOW)
    with own.store.write() as db:
        path = entry_path(db, services=own)
    first, second = (TestClient(create_app(own), follow_redirects=False) for _ in range(2))
    answer = first.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "这个账号还没有密码" in first.get("/").text
    assert second.get(path).status_code == 403
    form = {**form_of(first, f"/alerts/{ALERT}"), "new": PASSWORD, "again": PASSWORD}
    assert first.post("/account/password", data=form).headers["location"] == "/account?said=password"
    assert first.get("/account").status_code == 200
    with own.store.write() as db:
        assert entry_path(db, services=own) == "/"
    own.store.close()


def test_signing_in_leads_back_to_the_page_that_was_wanted(browse: Browse) -> None:
    client = browse("")
    wanted = client.get("/alerts?view=all").headers["location"]
    page = client.get(wanted).text
    form = {"door": value_of(page, "door"), "next": value_of(page, "next"), "username": "chief", "password": PASSWORD}
    assert client.post("/signin", data=form).headers["location"] == "/alerts?view=all"


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example"]
)
def test_no_redirect_leaves_the_house(browse: Browse, wanted: str) -> None:
    client = browse("")
    page = client.get("/signin", params={"next": wanted}).text
    form = {"door": value_of(page, "door"), "next": wanted, "username": "chief", "password": PASSWORD}
    assert client.post("/signin", data=form).headers["location"] == "/"


def test_a_wrong_password_is_told_in_words_and_kept_in_the_audit_log(browse: Browse, services: Services) -> None:
    client = browse("")
    form = {"door": value_of(client.get("/signin").text, "door"), "username": "chief", "password": "wrong-password"}
    answer = client.post("/signin", data=form)
    assert answer.status_code == 401
    assert "账号或密码不对。还可再试 4 次" in answer.text
    with services.store.read() as db:
        assert audit.newest(db, 1)[0].action == "sign_in_refused"
        assert audit.verify(db) is None


def test_a_session_set_from_outside_is_never_taken_over(browse: Browse) -> None:
    client = browse("")
    client.cookies.set("fengsui_demo", "planted")
    page = client.get("/signin").text
    client.post("/signin", data={"door": value_of(page, "door"), "username": "chief", "password": PASSWORD})
    assert "planted" not in [cookie.value for cookie in client.cookies.jar if cookie.domain != ""]


def test_another_site_cannot_sign_a_visitor_in(browse: Browse) -> None:
    form = {"door": "guessed", "username": "chief", "password": PASSWORD}
    assert browse("").post("/signin", data=form).status_code == 403


def test_signing_out_ends_the_session(browse: Browse) -> None:
    client = browse("chief")
    stolen = dict(client.cookies)
    client.post("/signout", data=form_of(client, "/alerts"))
    again = browse("")
    again.cookies.update(stolen)
    assert again.get("/").status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts(browse: Browse) -> None:
    client = browse("")
    form = {"door": value_of(client.get("/signin").text, "door"), "username": "chief", "password": PASSWORD}
    cookies = client.post("/signin", data=form).headers.get_list("set-cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("fengsui_demo="))
    assert "HttpOnly" in session
    assert "samesite=lax" in session.lower()


# --- every answer -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/api/alerts", "/static/desk.css", "/signin"])
def test_every_answer_carries_the_policy(browse: Browse, path: str) -> None:
    headers = browse("chief").get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_says_that_it_is_sample_data(browse: Browse, path: str) -> None:
    page = browse("chief").get(path)
    assert page.status_code == 200
    assert page.text.count("演示数据：企业、媒体、事件均为虚构") == 3  # above, below, on paper


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_the_store_a_bounded_number_of_questions(browse: Browse, services: Services, path: str) -> None:
    client, asked = browse("chief"), []

    def count(*_: object) -> None:
        asked.append(1)

    engine_event.listen(services.store.engine, "before_cursor_execute", count)
    client.get(path)
    engine_event.remove(services.store.engine, "before_cursor_execute", count)
    assert len(asked) <= 40  # the dossier with its grade asks most: 36


@pytest.mark.parametrize("path", ["/nothing", "/alerts/none", "/documents/none", "/enterprises/none", "/sources/none"])
def test_what_is_not_there_is_said_in_chinese(browse: Browse, path: str) -> None:
    answer = browse("chief").get(path)
    assert answer.status_code == 404
    assert "没有" in answer.text


@pytest.mark.parametrize(
    "path", ["/alerts?view=x", "/alerts?page=0", "/alerts?level=9", "/search?from=x", "/search?by=x", "/search?level=x",
             "/search?page=9999", "/sources?s=x", "/deliveries?state=x"],
)  # fmt: skip
def test_a_mistyped_address_is_refused_not_guessed(browse: Browse, path: str) -> None:
    assert browse("chief").get(path).status_code == 400


def test_api_problems_are_problem_json(browse: Browse) -> None:
    answer = browse("chief").get("/api/alerts/none")
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["status"] == 404


# --- forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [f"/alerts/{ALERT}/accept", "/alerts/batch", "/sources/gz_amr/run", "/account/password", "/account/theme",
             "/account/feeds", "/account/feeds/revoke", "/signout"],
)  # fmt: skip
def test_a_form_without_its_token_does_nothing(browse: Browse, path: str) -> None:
    client = browse("chief")
    for form in ({}, {"csrf": "guessed", "once": "x" * 16}):
        answer = client.post(path, data=form)
        assert answer.status_code == 403
        assert "操作未生效" in answer.text


def test_another_session_s_token_is_no_token(browse: Browse) -> None:
    other = form_of(browse("chief"), f"/alerts/{ALERT}")
    assert browse("chief").post(f"/alerts/{ALERT}/accept", data=other).status_code == 403


def test_a_request_from_another_site_is_refused_even_with_the_token(browse: Browse) -> None:
    client = browse("chief")
    form = form_of(client, f"/alerts/{ALERT}")
    answer = client.post(f"/alerts/{ALERT}/accept", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_accepting_is_seen_in_the_history_once_however_often_the_button_is_pressed(
    browse: Browse, services: Services
) -> None:
    client = browse("chief")
    form = form_of(client, f"/alerts/{ALERT}")
    answers = [client.post(f"/alerts/{ALERT}/accept", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    page = client.get(answers[0].headers["location"]).text
    assert "已受理 YJ-2026-0002" in page
    assert "撤销" in page
    with services.store.read() as db:
        assert [event.action for event in alert_log.history_of(db, ALERT)] == ["opened", "accept"]
    undo = client.post(f"/alerts/{ALERT}/undo", data={**form, "once": "another-form"})
    assert undo.status_code == 303
    with services.store.read() as db:
        alert = alert_log.find_alert(db, ALERT)
    assert alert is not None
    assert alert.state is AlertState.NEW


def test_an_alert_is_handed_down_to_a_territory_it_concerns_and_to_no_other(browse: Browse, services: Services) -> None:
    client = browse("chief")
    page = client.get(f"/alerts/{ALERT}").text
    offered = re.findall(r'name="territory" value="(\d+)"', page)
    with services.store.read() as db:
        own = alert_log.find_alert(db, ALERT)
    assert own is not None
    assert "360000" in offered
    assert len(offered) == len(set(offered))
    form = form_of(client, f"/alerts/{ALERT}")
    wrong = client.post(f"/alerts/{ALERT}/dispatch", data={**form, "territory": "110000"})
    assert wrong.status_code == 409
    assert "不能派给 110000" in wrong.text
    form = form_of(client, f"/alerts/{ALERT}")
    assert client.post(f"/alerts/{ALERT}/dispatch", data={**form, "territory": offered[0]}).status_code == 303
    with services.store.read() as db:
        alert, last = alert_log.find_alert(db, ALERT), alert_log.history_of(db, ALERT)[-1]
    assert alert is not None
    assert (alert.state, alert.territory) == (AlertState.DISPATCHED, offered[0])
    assert own.territory in alert.territories
    assert last.note == f"派给{services.lexicon.regions.name_of(offered[0])}"
    assert client.post(f"/alerts/{ALERT}/undo", data={**form, "once": "take-it-back"}).status_code == 303
    with services.store.read() as db:
        assert alert_log.find_alert(db, ALERT) == own


def test_a_dismissal_asks_for_its_reason_and_shows_it(browse: Browse, services: Services) -> None:
    client = browse("chief")
    form = form_of(client, f"/alerts/{ALERT}")
    bare = client.post(f"/alerts/{ALERT}/dismiss", data={**form, "reason": "wrong_object", "note": ""})
    assert bare.status_code == 409
    assert "须写明依据" in bare.text
    told = {**form_of(client, f"/alerts/{ALERT}"), "reason": "wrong_object", "note": "同名厂，非本案企业"}
    done = client.post(f"/alerts/{ALERT}/dismiss", data=told)
    page = client.get(done.headers["location"]).text
    assert "张冠李戴，企业、产品或地点有误" in page
    assert "同名厂，非本案企业" in page
    assert client.post(f"/alerts/{ALERT}/undo", data={**form, "once": "not-dismissed"}).status_code == 303


def test_red_waits_for_two_persons(browse: Browse, services: Services) -> None:
    red = short_id("a", "I1")
    with services.store.write() as db:
        alert = alert_log.find_alert(db, red)
        assert alert is not None
        alert_log.save_alert(db, replace(alert, level=4), details=alert_log.alert_details(db, red))
        users.create_user(
            db, "second", role="supervisor", territory="000000", display_name="second", password=PASSWORD, now=NOW
        )
    confirm = f'action="/alerts/{red}/confirm"'
    first, second = browse("chief"), browse("second")
    assert "红色待两人确认" in first.get(f"/alerts/{red}").text
    assert first.post(f"/alerts/{red}/confirm", data=form_of(first, f"/alerts/{red}")).status_code == 303
    page = first.get(f"/alerts/{red}").text
    assert "红色已由 chief 确认，待另一人复核" in page
    assert confirm not in page
    assert confirm in second.get(f"/alerts/{red}").text
    assert second.post(f"/alerts/{red}/confirm", data=form_of(second, f"/alerts/{red}")).status_code == 303
    assert "红色已由 chief、second 确认" in second.get(f"/alerts/{red}").text


def test_whoever_comes_second_is_told_and_keeps_what_was_typed(browse: Browse) -> None:
    taken = short_id("a", "I3")
    client = browse("chief")
    form = form_of(client, f"/alerts/{taken}")
    answer = client.post(f"/alerts/{taken}/accept", data={**form, "note": "已电话核实"})
    assert answer.status_code == 409
    assert "本次操作未生效" in answer.text
    assert "已电话核实" in answer.text


def test_a_viewer_has_no_buttons_and_a_forged_press_is_refused(browse: Browse) -> None:
    client = browse("reader")
    page = client.get(f"/alerts/{ALERT}").text
    assert f'action="/alerts/{ALERT}/' not in page
    answer = client.post(f"/alerts/{ALERT}/accept", data={"csrf": value_of(page, "csrf"), "once": "x" * 16})
    assert answer.status_code == 403
    assert "值班员" in answer.text


def test_an_officer_may_not_change_a_level(browse: Browse) -> None:
    client = browse("county")
    form = {**form_of(client, f"/alerts/{ALERT}"), "level": "4"}
    assert client.post(f"/alerts/{ALERT}/level", data=form).status_code == 403


def test_run_now_asks_for_a_crawl_once(browse: Browse) -> None:
    client = browse("chief")
    form = {"csrf": value_of(client.get("/sources/samr_news").text, "csrf")}
    first, second = (client.post("/sources/samr_news/run", data=form) for _ in range(2))
    assert first.headers["location"].endswith("asked=1")
    assert second.headers["location"].endswith("asked=0")


# --- who sees what ------------------------------------------------------------------------------------------------


def test_a_county_sees_its_own_alerts_only_everywhere(browse: Browse, services: Services) -> None:
    county, chief = browse("county"), browse("chief")
    foreign = short_id("a", "I3")
    assert chief.get(f"/alerts/{foreign}").status_code == 200
    for path in (f"/alerts/{foreign}", f"/alerts/{foreign}?pane=1", f"/api/alerts/{foreign}"):
        assert county.get(path).status_code == 404
    assert county.post(f"/alerts/{foreign}/accept", data=form_of(county, f"/alerts/{ALERT}")).status_code == 404
    shown = {row["id"] for row in county.get("/api/alerts?view=all").json()["items"]}
    assert shown == {ALERT}
    assert foreign not in county.get("/alerts?view=all").text + county.get("/").text + county.get("/deliveries").text


def test_a_county_finds_its_own_documents_only(browse: Browse) -> None:
    county, chief = browse("county"), browse("chief")
    all_hits = chief.get("/api/search?from=all").json()
    own_hits = county.get("/api/search?from=all").json()
    assert 0 < own_hits["total"] < all_hits["total"]
    foreign = chief.get("/api/search?from=all&territory=360113").json()["hits"][0]["id"]
    assert county.get(f"/documents/{foreign}").status_code == 404
    assert county.get(f"/api/documents/{foreign}").status_code == 404
    assert county.get(f"/documents/{foreign}/archive").status_code == 404


def test_a_feed_is_cut_like_its_owner_s_desk_and_ends_when_revoked(browse: Browse) -> None:
    client, stranger = browse("county"), browse("")
    csrf = value_of(client.get("/account").text, "csrf")
    made = client.post("/account/feeds", data={"csrf": csrf, "note": "手机"}).text
    address = re.search(r"/feeds/([\w-]+)/alerts\.atom", made)
    assert address
    feed = stranger.get(f"/feeds/{address[1]}/alerts.atom")
    entries = feedparser.parse(feed.content).entries
    assert len(entries) == 1
    assert STORIES[1][1] in entries[0].title
    tag = {"If-None-Match": feed.headers["etag"]}
    assert stranger.get(f"/feeds/{address[1]}/alerts.atom", headers=tag).status_code == 304
    assert address[1] not in client.get("/account").text
    key = value_of(client.get("/account").text, "key")
    client.post("/account/feeds/revoke", data={"csrf": csrf, "key": key})
    assert stranger.get(f"/feeds/{address[1]}/alerts.atom").status_code == 404


# --- what pages say -----------------------------------------------------------------------------------------------


def test_every_count_of_the_inbox_equals_the_rows_its_link_shows(browse: Browse) -> None:
    client = browse("chief")
    page = client.get("/alerts?view=all").text
    links = re.findall(r'<a href="(\?[^"]*)"[^>]*>[^<]*<span>(\d+)</span></a>', page)
    assert len(links) > 10
    for href, count in links:
        shown = client.get(f"/alerts{unescape(href)}").text
        assert len(re.findall(r'<li id="a', shown)) == int(count), href


def test_the_inbox_is_in_order_of_its_clock_not_of_its_level(browse: Browse) -> None:
    page = browse("chief").get("/alerts").text
    bands = re.findall(r'<h2 class="band"><b>([^<]+)</b>', page)
    assert bands == ["已超时", "2 小时内", "今日"]
    assert page.index(STORIES[1][1]) < page.index(STORIES[0][1])


def test_evidence_is_marked_and_leads_to_its_archived_page(browse: Browse) -> None:
    page = browse("chief").get(f"/alerts/{ALERT}").text
    assert re.search(r'<span class="m-firm" title="江西光明线缆有限公司">', page)
    assert re.search(r'<a href="/documents/d[0-9a-f]{16}">原文存档</a>', page)
    assert re.search(r"独立来源 \d+", page)


def test_hostile_text_is_shown_not_run(browse: Browse, services: Services) -> None:
    client = browse("chief")
    found = client.get("/api/search?q=起火&from=all").json()["hits"][0]["id"]
    mine = document_table.c.id == found
    with services.store.read() as db:
        before = db.execute(document_table.select().where(mine)).mappings().one()
    bad = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    analysis = {**before["analysis"], "masked_title": bad, "masked_text": bad, "mentions": []}
    with services.store.write() as db:
        values = {"title": bad, "text": bad, "url": "javascript:alert(1)", "analysis": analysis}
        db.execute(document_table.update().where(mine).values(**values))
    page = client.get(f"/documents/{found}").text
    with services.store.write() as db:
        kept = {name: before[name] for name in values}
        db.execute(document_table.update().where(mine).values(**kept))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert 'href="javascript' not in page


def test_the_archived_page_is_shown_without_anything_that_acts(browse: Browse, services: Services) -> None:
    client = browse("chief")
    found = client.get("/api/search?from=all").json()["hits"][0]["id"]
    body = (
        '<html><script>alert(1)</script><body onload="x()"><p>电话 13912345678</p><a href="http://x">链接</a>'
        '<img src="http://x/y.png"><iframe src="http://x"></iframe></body></html>'
    ).encode("gb18030")
    writer = Archive(services.settings.data_dir / "archive", NOW)
    ref = writer.write_response("http://example.org/", 200, [("Content-Type", "text/html")], body, NOW)
    writer.close()
    values = {"file": ref.file, "offset": ref.offset, "length": ref.length, "sha256": ref.sha256}
    with services.store.write() as db:
        db.execute(document_table.update().where(document_table.c.id == found).values(archive=values))
    answer = client.get(f"/documents/{found}/archive")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert "链接" in answer.text
    for danger in ("<script", "alert(1)", "onload", "<img", "<iframe", "href", "13912345678"):
        assert danger not in answer.text
    assert ref.sha256 in client.get(f"/documents/{found}").text


def test_a_file_of_complaints_is_not_shown_behind_one_of_its_rows(browse: Browse, services: Services) -> None:
    client = browse("chief")
    found = client.get("/api/search?from=all").json()["hits"][0]["id"]
    writer = Archive(services.settings.data_dir / "archive", NOW + timedelta(minutes=2))
    ref = writer.write_file("file:import_12315/a.csv", "text/csv", "编号,投诉人\n1,张三丰\n2,李四光".encode(), NOW)
    writer.close()
    values = {"file": ref.file, "offset": ref.offset, "length": ref.length, "sha256": ref.sha256}
    mine = document_table.c.id == found
    with services.store.write() as db:
        before = db.execute(select(document_table.c.kind, document_table.c.archive).where(mine)).one()._asdict()
        db.execute(document_table.update().where(mine).values(archive=values, kind="complaint"))
    answer = client.get(f"/documents/{found}/archive")
    with services.store.write() as db:
        db.execute(document_table.update().where(mine).values(**before))
    assert answer.status_code == 404
    assert "整份文件含他人信息" in answer.text
    assert "李四光" not in answer.text


def test_a_query_that_cannot_be_read_names_the_column(browse: Browse) -> None:
    answer = browse("chief").get("/search", params={"q": "产品:电线电缆 and (起火 or"})
    assert answer.status_code == 400
    assert re.search(r"第 \d+ 字：", answer.text)


def test_every_hit_can_be_taken_along_as_a_file_and_it_is_logged(browse: Browse, services: Services) -> None:
    client = browse("chief")
    total = client.get("/api/search", params={"from": "all"}).json()["total"]
    answer = client.get("/search/export", params={"from": "all", "format": "csv"})
    assert answer.headers["content-disposition"].endswith('.csv"')
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][:2] == ["时间", "级别"]
    assert len(rows) - 1 == total > 20
    lines = client.get("/search/export", params={"from": "all", "format": "jsonl"}).text.splitlines()
    assert [json.loads(line)["编号"] for line in lines] == [row[-1] for row in rows[1:]]
    book = load_workbook(io.BytesIO(client.get("/search/export", params={"from": "all", "format": "xlsx"}).content))
    assert book["信号"].max_row == total + 1
    with services.store.read() as db:
        line = next(line for line in audit.newest(db, 9) if line.action == "export_search")
    assert (line.actor, line.details["hits"]) == ("chief", total)


def test_the_log_of_an_export_keeps_nobody_s_number(browse: Browse, services: Services) -> None:
    client = browse("chief")
    assert client.get("/search/export", params={"from": "all", "q": "起火 13912345678"}).status_code == 200
    assert client.get("/analytics/export?table=counts&from=all&q=13912345678").status_code == 200
    with services.store.read() as db:
        lines = audit.newest(db, 2)
    assert [line.action for line in lines] == ["export_figures", "export_search"]
    assert "起火 139********" in lines[1].object
    assert "13912345678" not in str(lines)


def test_an_export_holds_no_more_than_the_page_shows(browse: Browse) -> None:
    county = browse("county")
    total = county.get("/api/search?from=all").json()["total"]
    exported = county.get("/search/export?from=all&format=jsonl").text.splitlines()
    assert len(exported) == total < browse("chief").get("/api/search?from=all").json()["total"]
    assert county.get("/search/export?format=pdf").status_code in (400, 422)
    assert browse("chief").get("/search/export", params={"q": "(起火 or"}).status_code == 400


def test_a_cell_of_an_export_is_never_a_formula() -> None:
    rows = iter([("=1+1", "一般", "-x", " @SUM(A1)", "＝1", "起火=危险")])
    written = "".join(search_export.write_csv("abcdef", rows)).splitlines()
    assert written[1] == "'=1+1,一般,'-x,' @SUM(A1),'＝1,起火=危险"


def test_synonyms_widen_a_search_until_they_are_switched_off(browse: Browse) -> None:
    client = browse("chief")

    def total(word: str, **more: str) -> int:
        return int(client.get("/api/search", params={"q": word, "from": "all", **more}).json()["total"])

    exact = total("电瓶车", syn="0")
    assert exact == total('"电瓶车"')
    assert total("电瓶车") == total("电动自行车") > exact
    page = client.get("/search", params={"q": "电瓶车", "from": "all"}).text
    assert "同义词：开" in page
    assert "同义词：关" in client.get("/search", params={"q": "电瓶车", "from": "all", "syn": "0"}).text


def test_an_empty_search_says_which_condition_costs_the_hits(browse: Browse) -> None:
    page = browse("chief").get("/search", params={"q": "起火", "from": "all", "territory": "360300"}).text
    assert "去掉“属地：萍乡市”" in page


def test_facet_counts_equal_what_their_links_find(browse: Browse) -> None:
    client = browse("chief")
    page = client.get("/search", params={"q": "起火", "from": "all"}).text
    links = re.findall(r'<li><a href="(\?[^"]+)">[^<]*<span class="vh">，(\d+) 条</span></a>', page)
    assert len(links) > 10
    for href, count in links:
        assert client.get(f"/api/search{unescape(href)}").json()["total"] == int(count), href


def test_without_an_index_the_desk_goes_on_and_says_so(tmp_path: Path) -> None:
    own = make_services(tmp_path, clock=lambda: NOW, search=None)
    with own.store.write() as db:
        path = entry_path(db, services=own)
    client = TestClient(create_app(own), follow_redirects=False)
    client.get(path)
    assert "检索现在不可用" in client.get("/search").text
    assert client.get("/alerts").status_code == 200
    assert "检索索引不可用" in client.get("/").text
    own.store.close()


def test_a_firm_in_no_list_has_a_page(browse: Browse, services: Services) -> None:
    client = browse("chief")
    found = client.get("/api/search?q=起火&from=all").json()["hits"][0]["id"]
    with services.store.write() as db:
        values = {"enterprise": "NIL:无名厂", "is_risk": True}
        db.execute(document_table.update().where(document_table.c.id == found).values(**values))
    page = client.get("/enterprises/NIL:无名厂").text
    assert "未列入名录" in page
    assert found in page


def test_a_number_in_the_jump_box_opens_its_alert(browse: Browse) -> None:
    client = browse("chief")
    assert client.get("/jump", params={"q": "yj-2026-0002"}).headers["location"] == f"/alerts/{ALERT}"
    assert client.get("/jump", params={"q": "光明线缆"}).headers["location"].startswith("/enterprises?q=")


def test_the_clock_words_change_at_their_limits(services: Services) -> None:
    with services.store.read() as db:
        alert = alert_log.find_alert(db, short_id("a", "I4"))
    assert alert is not None
    assert alert.due_at is not None
    states = [limit_of(alert, alert.due_at - left).state for left in (-MINUTE, 59 * MINUTE, 5 * HOUR)]
    assert states == ["over", "soon", ""]


def test_the_store_is_untouched_by_reading(services: Services, browse: Browse) -> None:
    client = browse("chief")
    with services.store.read() as db:
        before = audit.count(db)
    for path in PAGES:
        client.get(path)
    with services.store.read() as db:
        assert audit.count(db) == before
    assert isinstance(services.store, Store)


def test_the_figures_of_an_alert_are_told_in_words_only() -> None:
    """A detector keeps thirty numbers with a finding; the page shows those that a word stands for."""
    numbers = {"score": 2.4163, "voices": 3.0, "count": 6.0, "p_3d": 0.0011, "short_history": 0.0, "level": 0.0213}
    finding = Finding("f", "unusual", "1", "cable", 1, NOW, NOW, NOW, "", (), numbers)
    assert figures(finding) == [("信号", "6"), ("得分", "2.4163"), ("渠道", "3")]
