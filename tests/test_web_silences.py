"""The desk page of silences: made with a preview, ended with a reason, by role and territory; marks on alerts."""

import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient

from core.ids import short_id
from store import alert_log, audit, users
from store.silences import list_silences, silenced_alerts
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.services import Services

ALERT = short_id("a", "I2")
Browse = Callable[[str], TestClient]


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("silences"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "000000"), ("officer", "officer", "000000"), ("county", "officer", "360981"),
            ("reader", "viewer", "000000"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


@pytest.fixture
def browse(services: Services) -> Iterator[Browse]:
    opened: list[TestClient] = []

    def sign_in(name: str) -> TestClient:
        client = signed_in(create_app(services), name)
        opened.append(client)
        return client

    yield sign_in
    for client in opened:
        client.close()


def filled(client: TestClient, **values: str) -> dict[str, str]:
    page = client.get("/silences/new").text
    form = {"csrf": value_of(page, "csrf"), "once": value_of(page, "once"), "replaces": "", "span": "8h"}
    return form | {"do": "save", "reason": "检修期间", **values}


def number_of(services: Services) -> str:
    with services.store.read() as db:
        alert = alert_log.find_alert(db, ALERT)
    assert alert is not None
    return alert.number


def test_a_silence_is_tried_then_saved_and_shown_where_it_mutes(browse: Browse, services: Services) -> None:
    client, number = browse("officer"), number_of(services)
    tried = client.post("/silences/new", data=filled(client, match=f"alert={number}", do="try")).text
    assert "会静默 1 条" in tried
    assert "没有保存" in tried
    with services.store.read() as db:
        assert list_silences(db) == []
    form = filled(client, match=f"alert={number}\n")
    assert client.post("/silences/new", data=form).status_code == 303
    assert client.post("/silences/new", data=form).status_code == 303  # a second click
    with services.store.read() as db:
        [silence] = list_silences(db)
        assert [line.action for line in audit.newest(db, 3)].count("silence_add") == 1
        assert alert_log.history_of(db, ALERT)[-1].action == "silenced"
    assert "现静默预警 1 条" in client.get("/silences").text
    assert "静默至 11-23 22:32" in client.get("/alerts?view=open&muted=1").text
    page = client.get(f"/alerts/{ALERT}").text
    assert "不再告知：检修期间（officer）" in page
    assert "静默规则" in page
    assert f"/silences#{silence.id}" in page


def rows_in(page: str) -> int:
    return len(re.findall(r'<li id="a', page))


def test_silenced_alerts_are_folded_behind_one_line_and_counted_apart(browse: Browse, services: Services) -> None:
    client, number = browse("officer"), number_of(services)
    before = client.get("/alerts?view=open").text
    bar = re.compile(r"<i[^>]*>(\d+)</i><span class=\"vh\">条待受理")
    waiting = int(bar.findall(client.get("/alerts").text)[0])
    assert "已静默" not in before
    silence = filled(client, match=f"alert={number}")
    assert client.post("/silences/new", data=silence).status_code == 303
    page = client.get("/alerts?view=open").text
    assert rows_in(page) == rows_in(before) - 1
    assert "另有 1 条已静默，显示" in page
    link = re.search(r'<a href="([^"]*muted=1[^"]*)">另有', page)
    assert link
    folded = client.get(f"/alerts{unescape(link[1])}").text
    assert rows_in(folded) == 1
    assert number in folded
    assert "只看已静默" in folded
    assert "另有" not in folded
    assert int(bar.findall(client.get("/alerts").text)[0]) == waiting - 1
    for href, count in re.findall(r'<a href="(\?[^"]*)"[^>]*>[^<]*<span>(\d+)</span></a>', page):
        assert rows_in(client.get(f"/alerts{unescape(href)}").text) == int(count), href
    home = client.get("/").text
    assert "另有 1 条已静默，显示" in home
    assert f"全部未办结 {rows_in(page)}" in home


def test_a_silence_that_is_over_folds_nothing_though_the_watch_has_not_looked(
    browse: Browse, services: Services
) -> None:
    client, number = browse("officer"), number_of(services)
    assert client.post("/silences/new", data=filled(client, match=f"alert={number}", span="1h")).status_code == 303
    with services.store.read() as db:
        later = list_silences(db)[0].ends_at
        assert silenced_alerts(db, NOW) == {ALERT}
        assert silenced_alerts(db, later) == frozenset()


def test_mistakes_are_said_beside_what_was_typed(browse: Browse) -> None:
    client = browse("officer")
    answer = client.post("/silences/new", data=filled(client, match="colour=red\nlevel=blue", reason="演练"))
    assert answer.status_code == 400
    assert "没有“colour”这一标签" in answer.text
    assert "colour=red\nlevel=blue" in answer.text
    answer = client.post("/silences/new", data=filled(client, match="level=blue", reason=""))
    assert "须写明静默的理由" in answer.text
    hostile = client.post("/silences/new", data=filled(client, match="firm=~<script>(", reason="x")).text
    assert "<script>(" not in hostile


def test_red_is_silenced_by_a_supervisor_only(browse: Browse) -> None:
    refused = browse("officer")
    answer = refused.post("/silences/new", data=filled(refused, match="level=red"))
    assert (answer.status_code, "红色预警的静默由带班及以上角色设置" in answer.text) == (400, True)
    chief = browse("chief")
    assert chief.post("/silences/new", data=filled(chief, match="level=red")).status_code == 303


def test_an_officer_silences_his_own_territory_and_a_viewer_nothing(browse: Browse, services: Services) -> None:
    county = browse("county")
    assert county.post("/silences/new", data=filled(county, match="level!=red")).status_code == 303
    with services.store.read() as db:
        [silence] = list_silences(db)
    assert silence.territory == "360981"
    assert browse("reader").get("/silences/new").status_code == 403
    assert silence.id in browse("reader").get("/silences").text
    officer = browse("officer")
    assert officer.post("/silences/new", data=filled(officer, match="level=blue")).status_code == 303
    with services.store.read() as db:
        [wide] = [one for one in list_silences(db) if one.territory == "000000"]
    page = county.get("/silences").text
    form = {"csrf": value_of(page, "csrf"), "why": "不归我管"}
    assert county.post(f"/silences/{wide.id}/expire", data=form).status_code == 403


def test_a_silence_is_ended_with_a_reason_and_replaced_not_changed(browse: Browse, services: Services) -> None:
    client = browse("officer")
    client.post("/silences/new", data=filled(client, match="level=blue"))
    with services.store.read() as db:
        [first] = list_silences(db)
    page = client.get(f"/silences/new?replaces={first.id}").text
    assert "level=blue" in page
    form = filled(client, match="level=yellow", replaces=first.id)
    assert client.post("/silences/new", data=form).status_code == 303
    with services.store.read() as db:
        old, new = sorted(list_silences(db), key=lambda one: one.id)
    assert (old.expired_why, new.replaces) == (f"改为 {new.id}", old.id)
    form = {"csrf": value_of(page, "csrf"), "why": ""}
    assert client.post(f"/silences/{new.id}/expire", data=form).status_code == 400
    assert client.post(f"/silences/{new.id}/expire", data={**form, "why": "检修完毕"}).status_code == 303
    assert client.post(f"/silences/{new.id}/expire", data={**form, "why": "再一次"}).status_code == 409
    assert "检修完毕" in client.get("/silences").text


def test_a_proposed_end_is_shown_and_decided_on_the_page(browse: Browse, services: Services) -> None:
    with services.store.write() as db:
        alert = alert_log.find_alert(db, ALERT)
        assert alert is not None
        details = alert_log.alert_details(db, ALERT) | {"all_clear": {"reason": "quiet", "at": NOW.isoformat()}}
        alert_log.save_alert(db, alert, details=details)
    assert "同意解除" not in browse("officer").get(f"/alerts/{ALERT}").text
    chief = browse("chief")
    page = chief.get(f"/alerts/{ALERT}").text
    assert "系统建议解除：事项已静默" in page
    form = {"csrf": value_of(page, "csrf"), "once": "clear-this-alert"}
    assert chief.post(f"/alerts/{ALERT}/clear", data=form).status_code == 303
    assert "已办结" in chief.get(f"/alerts/{ALERT}").text
