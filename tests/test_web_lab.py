"""The rule lab, marks, the learnt order and the lead-time meter on the desk."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from fastapi.testclient import TestClient

from alerts.cards import card_of, keys_of, stored
from alerts.lab.report import as_json
from alerts.lab.run import LabAsk, run_lab
from alerts.lead_table import count_leads
from alerts.marks import mark_of
from alerts.rank_cases import Case, marked_cases
from alerts.reranking import train
from commands.lab_jobs import command_of
from core.records import AlertState
from store import users
from store.alert_log import list_alerts
from store.cards import save_card
from store.documents import risks_between
from store.lab_runs import end_lab_run, find_lab_run, lab_runs_of, last_result, next_lab_run, start_lab_run
from store.rankings import keep_ranking
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.services import Services

Browse = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("lab"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "000000"), ("county", "officer", "360981"), ("reader", "viewer", "360000"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    app, opened = create_app(services), dict[str, TestClient]()

    def sign_in(name: str) -> TestClient:
        if name not in opened:
            opened[name] = signed_in(app, name)
        return opened[name]

    yield sign_in
    for client in opened.values():
        client.close()


def send(client: TestClient, page: str, path: str, **fields: str) -> int:
    form = {"csrf": value_of(client.get(page).text, "csrf"), "once": f"once-{path}-{fields}"[:60], **fields}
    return client.post(path, data=form).status_code


def test_a_run_is_asked_for_on_the_desk_and_its_result_shown(services: Services, browse: Browse) -> None:
    rule, chief = services.rules[0], browse("chief")
    page = f"/rules/{rule.id}/lab"
    assert "还没有回放过" in chief.get(page).text
    assert send(chief, page, page, past="90d", budget="3", floor="80") == 303
    assert "已排队" in chief.get(page).text
    assert send(chief, page, page, past="30d") == 303  # one at a time for a rule: nothing more is put in line
    with services.store.write() as db:
        waiting = next_lab_run(db, now=NOW)
        assert waiting is not None
        assert len(lab_runs_of(db, rule.id)) == 1
        assert start_lab_run(db, waiting.id, now=NOW)
        assert not start_lab_run(db, waiting.id, now=NOW)
        assert next_lab_run(db, now=NOW) is None
    words = " ".join(command_of(services.settings, waiting))
    assert f"rules test {rule.id} --past 90d --run {waiting.id} --budget 3.0 --recall-floor 0.8" in words
    assert services.rule_parts is not None
    view = services.rule_parts.engine().view
    with services.store.write() as db:
        for _, signal in risks_between(db, NOW - timedelta(days=400), NOW, limit=500):
            card = card_of(signal, view)
            save_card(db, stored(card), keys_of(card, view), withdrawn_at=None)
    run = run_lab(services.store, rule, services.rule_parts, LabAsk(timedelta(days=90), budget=3, floor=0.8), now=NOW)
    told = as_json(run)
    with services.store.write() as db:
        end_lab_run(db, waiting.id, now=NOW, result=told)
    html = chief.get(page).text
    assert f"会发 <b>{told['alerts']['total']}</b> 条预警" in html
    assert "<svg" in html
    assert "比较了" in html or "建议" in html


def test_a_run_that_was_cut_off_is_said_to_have_failed(services: Services, browse: Browse) -> None:
    rule, chief = services.rules[1], browse("chief")
    page = f"/rules/{rule.id}/lab"
    send(chief, page, page, past="30d")
    with services.store.write() as db:
        waiting = next_lab_run(db, now=NOW)
        assert waiting is not None
        start_lab_run(db, waiting.id, now=NOW)
        assert next_lab_run(db, now=NOW + timedelta(hours=2)) is None
        found = find_lab_run(db, waiting.id)
    assert found is not None
    assert found.state == "failed"
    assert "最近一次没有做成：运行中断" in browse("chief").get(page).text


def test_who_may_not_make_rules_may_look_but_not_start(services: Services, browse: Browse) -> None:
    page = f"/rules/{services.rules[1].id}/lab"
    assert browse("reader").get(page).status_code == 200
    assert send(browse("reader"), page, page, past="30d") == 403
    assert send(browse("chief"), page, page, past="9y") == 400
    assert send(browse("chief"), page, page, past="30d", budget="many") == 400
    assert browse("chief").get("/rules/no_such_rule/lab").status_code == 404


def test_single_alerts_of_a_run_are_shown_only_to_who_sees_them_all(services: Services, browse: Browse) -> None:
    page = f"/rules/{services.rules[0].id}/lab"
    with services.store.read() as db:
        last = last_result(db, services.rules[0].id)
    assert last is not None
    assert last.result is not None
    assert ("最近会发的预警" in browse("chief").get(page).text) == bool(last.result["alerts"]["newest"])
    assert "最近会发的预警" not in browse("county").get(page).text


def test_an_alert_is_marked_with_one_click_and_the_rule_s_precision_follows(services: Services, browse: Browse) -> None:
    chief = browse("chief")
    with services.store.read() as db:
        alert = next(one for one in list_alerts(db) if one.state is AlertState.NEW and one.documents)
    page = f"/alerts/{alert.id}"
    assert send(chief, page, f"{page}/mark", mark="confirmed") == 303
    with services.store.read() as db:
        found = mark_of(db, alert.id)
    assert found is not None
    assert (found.mark, found.actor) == ("confirmed", "chief")
    assert "核实结果：<b>属实</b>" in chief.get(page).text
    assert "属实 1、误报 0" in chief.get("/rules").text
    assert send(chief, page, f"{page}/mark", mark="nonsense") == 400
    assert send(browse("reader"), page, f"{page}/mark", mark="false") == 403


def test_the_inbox_keeps_its_order_until_a_measured_one_is_switched_on(services: Services, browse: Browse) -> None:
    chief = browse("chief")
    before = chief.get("/alerts").text
    assert "把握" not in before
    with services.store.write() as db:
        cases = marked_cases(db)
        model = train([*cases, *(_turned(case) for case in cases)])
        assert model is not None
        keep_ranking(db, active=False, measured={"why": "不启用"}, model=model.as_json(), now=NOW)
    assert chief.get("/alerts").text.count("<li id=") == before.count("<li id=")
    assert "把握" not in chief.get("/alerts").text
    with services.store.write() as db:
        keep_ranking(db, active=True, measured={"why": "启用"}, model=model.as_json(), now=NOW)
    after = chief.get("/alerts").text
    assert "把握" in after
    assert after.count("<li id=") == before.count("<li id=")  # nothing is hidden
    assert "把握" not in chief.get("/alerts?sort=limit").text
    assert "预警排序：启用" in chief.get("/rules").text


def _turned(case: Case) -> Case:
    assert case.mark is not None
    return replace(case, mark=replace(case.mark, mark="false"), firm="F", level=1)


def test_the_lead_time_page_counts_every_notice(services: Services, browse: Browse) -> None:
    html = browse("chief").get("/leadtime?since=365d").text
    assert "提前量" in html
    assert "份通报" in html
    assert "每小时计算一次" not in html
    assert services.rule_parts is not None
    family = services.rule_parts.grouping.family_of
    count_leads(services.store, family=family, clock=services.clock, stop=Event())
    kept = browse("chief").get("/leadtime?since=365d").text
    assert "每小时计算一次，截至" in kept
    assert kept.count("<tr>") == html.count("<tr>")
    assert browse("chief").get("/leadtime?since=3y").status_code == 400
    assert browse("chief").get("/leadtime?product=nothing").status_code == 400
