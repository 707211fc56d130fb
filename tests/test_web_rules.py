"""Rules on the desk over HTTP: made of a search, tried, saved, changed; who may, and what is said when it is wrong."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qsl, urlencode

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import QueryParams

from alerts.rule_judge import RuleJudge
from config.rules import Scope
from core.records import Signal
from search.match import compile_match
from store import audit, desk_rules, documents, users
from store.schema import documents as table
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.access import Viewer
from web.app import create_app
from web.names import Names
from web.rule_search import search_text
from web.search_state import read_state, request_for
from web.services import Services

Browse = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("rules"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("chief", "supervisor", "000000"), ("second", "officer", "000000"), ("county", "officer", "360981"),
            ("other", "officer", "360702"), ("reader", "viewer", "360000"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def browse(services: Services) -> Iterator[Browse]:
    """The browser of an account, signed in."""
    app, opened = create_app(services), dict[str, TestClient]()

    def sign_in(name: str) -> TestClient:
        if name not in opened:
            opened[name] = signed_in(app, name)
        return opened[name]

    yield sign_in
    for client in opened.values():
        client.close()


@pytest.fixture
def unchanged(services: Services) -> Iterator[None]:
    """Nothing is written by the test."""
    with services.store.read() as db:
        before = desk_rules.last_change(db)
    yield
    with services.store.read() as db:
        assert desk_rules.last_change(db) == before


def fields(client: TestClient, path: str, **more: str) -> dict[str, str]:
    """The form of a page as a browser would send it, with some fields filled in."""
    html = client.get(path).text
    form = html[html.index("data-trial>") :]
    hidden = {"csrf": value_of(html, "csrf"), "once": value_of(form, "once"), "seen": value_of(form, "seen")}
    query = re.search(r'id="f-query"[^>]*>([^<]*)<', form)
    assert query
    usual = {
        "title": "楼道起火", "why": "用于测试", "query": unescape(query[1]), "synonyms": "1", "level": "orange",
        "type": "any", "window": "24h", "at_least": "3", "ratio": "3", "group": "matter", "repeat": "", "days": "30",
        "do": "save", "note": "收紧条件",
    }  # fmt: skip
    return {**usual, **hidden, **more}


def make(client: TestClient, query: str = "起火", **more: str) -> str:
    """The address of a new rule."""
    answer = client.post("/rules/new", data=fields(client, "/rules/new", query=query, **more))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].split("?")[0]


def all_signals(services: Services) -> list[Signal]:
    with services.store.read() as db:
        return [signal for _, signal in documents.signals_after(db, 0, limit=2000)]


# --- from the search --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "q=起火&from=all",
        "q=起火 or 冒烟&product=ebike&from=all",
        "q=起火&product=ebike&product=cable&not.kind=review&from=all",
        "not.kind=review&not.kind=social&from=all",
        "level=3&level=2&is_risk=true&from=all",
        "q=not 起火&territory=360700&from=all",
        "q=产品:电动自行车 and (起火 or 冒烟)&not.territory=360700&from=all",
        "firm=ENT0043&from=all",
        "firm=NIL:赣小伙&from=all",
        "q=电瓶车&syn=0&from=all",
        "q=电瓶车&from=all",
        "product=*&not.firm=*&from=all",
        "q=起火 产品:电动自行车&issue=fire&from=all",
        "source=microblog&off.level=4&from=all",
        "kind=news&kind=notice&not.is_risk=false&from=all",
        "q=“出租屋火灾” or 标题:热*&from=all",
        "q=&from=all",
    ],
)
def test_a_search_and_the_query_made_of_it_find_the_same(services: Services, address: str) -> None:
    asked = read_state(QueryParams(parse_qsl(address, keep_blank_values=True)), NOW)
    user = users.User("x", "admin", "000000", "x", "auto", True, True, NOW, None, {})
    request, _ = request_for(services, Viewer(user, services.lexicon.regions), asked, NOW)
    assert services.search is not None
    hits = services.search.search(replace(request, size=1000, facets={}, histogram=False)).hits
    made = search_text(asked, Names(services), services.query_names)
    parts = services.rule_parts
    assert parts is not None
    match = compile_match(parts.queries.read(Scope(query=made.query, synonyms=asked.synonyms)), parts.queries.words)
    met = {s.document.id for s in all_signals(services) if match(parts.queries.row(s))}
    assert met == {hit.id for hit in hits}
    assert met or "NIL" in address


def test_what_a_rule_cannot_ask_is_said(browse: Browse) -> None:
    client = browse("chief")
    html = client.get("/rules/new?q=起火&from=now-7d/d&off.level=4").text
    assert "时间范围没有带入" in html
    assert "停用的 1 个条件没有带入" in html
    assert "时间范围没有带入" not in client.get("/rules/new?q=起火&from=all").text


def test_names_people_know_stand_in_the_query(browse: Browse) -> None:
    html = browse("chief").get("/rules/new?q=起火 or 冒烟&product=ebike&not.kind=review&from=all").text
    assert ">(起火 or 冒烟) and 产品:电动自行车 and not 类型:评价</textarea>" in html


# --- wrong fields -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "told"),
    [
        ({"title": "x"}, "title", "名称须为 2 至 60 字，现为 1 字"),
        ({"why": ""}, "why", "缘由须为 2 至 300 字"),
        ({"query": ""}, "query", "检索语句不能为空"),
        ({"query": "起火 and 产吕:x"}, "query", "第 8 字：没有“产吕”这个字段"),
        ({"query": "时间>now-1d"}, "query", "第 4 字：规则里不能用相对时间“now-1d”"),
        ({"query": "起火) or (冒烟"}, "query", "第 3 字："),
        ({"level": "violet"}, "level", "没有“violet”这一项"),
        ({"type": "frequency", "at_least": "1"}, "at_least", "条数须为 2 至 10000 的整数"),
        ({"type": "frequency", "at_least": "三"}, "at_least", "条数须为 2 至 10000 的整数"),
        ({"type": "spike", "ratio": "1"}, "ratio", "倍数须大于 1"),
        ({"type": "spike", "window": "5y"}, "window", "没有“5y”这一项"),
        ({"type": "frequency", "group": "matter+county"}, "group", "请从列表中选"),
        ({"repeat": "2h"}, "repeat", "请从列表中选"),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_what_is_wrong_stands_beside_its_field(
    browse: Browse, changes: Mapping[str, str], field: str, told: str
) -> None:
    client = browse("chief")
    answer = client.post("/rules/new", data=fields(client, "/rules/new", **{"query": "起火", **changes}))
    assert answer.status_code == 400
    assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"[^>]*aria-describedby="e-{field}', answer.text)
    error = re.search(rf'id="e-{field}"[^>]*>([^<]*)<', answer.text)
    assert error
    assert told in unescape(error[1])


def test_what_was_typed_is_kept_and_never_run(browse: Browse) -> None:
    client = browse("chief")
    typed = '</textarea><script>alert("x")</script>'
    answer = client.post("/rules/new", data=fields(client, "/rules/new", query=typed, title=typed[:60]))
    assert answer.status_code == 400
    assert "<script>alert" not in answer.text
    assert "&lt;/textarea&gt;&lt;script&gt;" in answer.text


# --- trying and saving --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
def test_a_trial_shows_what_would_have_been_and_saves_nothing(browse: Browse) -> None:
    client = browse("chief")
    data = fields(client, "/rules/new", query="起火", do="try", title="", why="")
    answer = client.post("/rules/new", data=data)
    assert answer.status_code == 200
    assert re.search(r"<b>\d+</b> 条信号命中，会触发 <b>\d+</b> 次，发 <b>[1-9]\d*</b> 条预警", answer.text)
    assert "名称须为" not in answer.text
    assert value_of(answer.text[answer.text.index("data-trial>") :], "once") == data["once"]
    part = client.post("/rules/new?part=1", data=data).text
    assert part.lstrip().startswith("<section")
    assert "<html" not in part
    shown = re.findall(r'href="/documents/(d[0-9a-f]+)"', part)
    assert shown
    assert all(client.get(f"/documents/{document}").status_code == 200 for document in set(shown))


def test_a_double_click_makes_one_rule(browse: Browse, services: Services) -> None:
    client = browse("chief")
    data = fields(client, "/rules/new", query="起火")
    first, second = (client.post("/rules/new", data=data).headers["location"] for _ in range(2))
    assert first == second
    made = first.removeprefix("/rules/").split("?")[0]
    with services.store.read() as db:
        assert [(line.action, line.object) for line in audit.newest(db, 20)].count(("rule_created", made)) == 1
        assert audit.verify(db) is None


@pytest.mark.usefixtures("unchanged")
def test_a_form_of_another_site_makes_nothing(browse: Browse) -> None:
    client = browse("chief")
    data = fields(client, "/rules/new", query="起火")
    assert client.post("/rules/new", data={**data, "csrf": "made-up"}).status_code == 403
    assert client.post("/rules/new", data=data, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/rules/new", data={**data, "once": ""}).status_code == 400


def test_every_version_is_kept_with_who_and_what(browse: Browse, services: Services) -> None:
    chief, second = browse("chief"), browse("second")
    path = make(chief, "起火")
    data = fields(second, f"{path}/edit", query="起火 and 楼道", type="frequency", level="red", at_least="4")
    assert second.post(f"{path}/edit", data=data).headers["location"] == f"{path}?said=changed"
    html = unescape(second.get(path).text)
    assert "第 2 版" in html
    for words in ("检索语句：起火 → 起火 and 楼道", "级别：橙色 → 红色", "每一条命中都触发 → 一段时间内达到若干条"):
        assert words in html
    with services.store.read() as db:
        entry = audit.newest(db, 1)[0]
    assert (entry.actor, entry.action, entry.object) == ("second", "rule_changed", path.removeprefix("/rules/"))
    assert entry.details["version"] == 2
    assert "级别：橙色 → 红色" in entry.details["changed"]


def test_the_second_of_two_who_edit_keeps_what_was_typed(browse: Browse) -> None:
    chief, second = browse("chief"), browse("second")
    path = make(chief, "起火")
    mine, theirs = (
        fields(chief, f"{path}/edit", query="起火 and 电梯"),
        fields(second, f"{path}/edit", query="起火 and 楼道"),
    )
    assert second.post(f"{path}/edit", data=theirs).status_code == 303
    answer = chief.post(f"{path}/edit", data=mine)
    assert answer.status_code == 409
    assert "没有保存：second 刚刚修改了这条规则，现为第 2 版" in answer.text
    assert ">起火 and 电梯</textarea>" in answer.text
    again = {**mine, "seen": value_of(answer.text[answer.text.index("data-trial>") :], "seen"), "once": "another-form"}
    assert chief.post(f"{path}/edit", data=again).status_code == 303


def test_off_on_deleted(browse: Browse, services: Services) -> None:
    client = browse("chief")
    path = make(client, "起火")

    def press(action: str) -> str:
        html = client.get(path).text
        form = html[html.index(f'action="{path}/{action}"') :]
        data = {name: value_of(form, name) for name in ("csrf", "once", "seen")}
        assert client.post(f"{path}/{action}", data=data).status_code == 303
        return client.get(path).text

    assert "停用</span>" in press("off")
    assert "启用</span>" in press("on")
    gone = press("deleted")
    assert "已删除" in gone
    assert "历次版本" in gone
    assert f'action="{path}/' not in gone
    assert client.get(f"{path}/edit").status_code == 409
    assert "已删除" in client.get("/rules").text
    with services.store.read() as db:
        actions = [entry.action for entry in audit.newest(db, 10)]
    assert actions[:4] == ["rule_deleted", "rule_on", "rule_off", "rule_created"]


def test_a_rule_goes_out_as_a_file(browse: Browse) -> None:
    client = browse("chief")
    answer = client.get(f"{make(client, '起火 and 楼道')}/export")
    assert re.fullmatch(r'attachment; filename="desk_\d+\.yml"', answer.headers["content-disposition"])
    assert "query: 起火 and 楼道" in answer.text


# --- who may ------------------------------------------------------------------------------------------------------


def test_a_viewer_sees_rules_and_makes_none(browse: Browse) -> None:
    path = make(browse("chief"), "起火")
    reader = browse("reader")
    assert "楼道起火" in reader.get("/rules").text
    page = reader.get(path)
    assert page.status_code == 200
    assert f'action="{path}/' not in page.text
    assert ">修改</a><" not in page.text.replace("\n", "")
    assert "新建规则" not in reader.get("/rules").text
    csrf = value_of(reader.get("/account").text, "csrf")
    for address in ("/rules/new", f"{path}/edit", f"{path}/off", f"{path}/deleted"):
        answer = reader.post(address, data={"csrf": csrf, "once": "a-form-of-mine", "seen": "1"})
        assert answer.status_code == 403, address
    assert reader.get("/rules/new").status_code == 403


def test_a_county_s_rule_is_its_own(browse: Browse, services: Services) -> None:
    county, other, chief = browse("county"), browse("other"), browse("chief")
    assert "只判丰城市及以下的信号" in county.get("/rules/new").text
    path = make(county, "起火 or 不合格", title="丰城自己的规则")
    rule = services.find_rule(path.split("/")[-1])
    assert rule is not None
    assert rule.scope.query == "(起火 or 不合格) and 属地:360981"
    assert "丰城自己的规则" in chief.get("/rules").text
    assert "丰城自己的规则" not in other.get("/rules").text
    assert other.get(path).status_code == 404
    assert other.post(f"{path}/off", data={"csrf": "x"}).status_code == 403
    wide = make(chief, "起火", title="全省的规则")
    assert "全省的规则" in county.get("/rules").text
    assert county.get(f"{wide}/edit").status_code == 403
    data = fields(chief, f"{path}/edit", query="起火")
    assert chief.post(f"{path}/edit", data=data).status_code == 303
    rule = services.find_rule(path.split("/")[-1])
    assert rule is not None
    assert rule.scope.query == "(起火) and 属地:360981", "whoever edits it, it stays the county's"


def test_a_county_s_trial_shows_nothing_of_others(browse: Browse, services: Services) -> None:
    county = browse("county")
    data = fields(county, "/rules/new", query="起火 or 不合格", do="try", days="90")
    shown = set(re.findall(r'href="/documents/(d[0-9a-f]+)"', county.post("/rules/new", data=data).text))
    places = {s.document.id: s.analysis.jurisdiction_code for s in all_signals(services)}
    assert shown
    assert {places[document] for document in shown} == {"360981"}


# --- what becomes of it -------------------------------------------------------------------------------------------


def test_a_broken_rule_is_shown_as_broken(browse: Browse, services: Services) -> None:
    client = browse("chief")
    path = make(client, "产品:电动自行车")
    parts = services.rule_parts
    assert parts is not None
    lost = replace(parts.queries, known={**parts.queries.known, "products": frozenset()})
    after = replace(services, rule_parts=replace(parts, queries=lost))
    with TestClient(create_app(after), follow_redirects=False) as other:
        form = {"door": value_of(other.get("/signin").text, "door"), "username": "chief", "password": PASSWORD}
        other.post("/signin", data=form)
        for address in ("/rules", path):
            html = other.get(address).text
            assert "读不出</span>" in html
            assert "没有“电动自行车”这个产品" in html
        assert 'aria-invalid="true"' in other.get(f"{path}/edit").text
        assert other.get(f"{path}/export").status_code == 200


def test_its_alert_shows_the_query_and_where_it_is_met(browse: Browse, services: Services) -> None:
    client = browse("chief")
    path = make(client, "“出租屋火灾” or 正文:冒烟", title="出租屋火灾即报")
    parts = services.rule_parts
    assert parts is not None
    judge = RuleJudge(services.store, parts)
    wanted = [s for s in all_signals(services) if "出租屋火灾" in s.document.title and s.analysis.is_risk]
    signal = wanted[-1]
    with services.store.write() as db:
        new = replace(signal.document, id="dnew", url="https://new.example/1", canonical_url="https://new.example/1")
        documents.add_revision(db, new, external_id="dnew", raw={})
        row = table.c.id == "dnew"
        values = documents.analysis_columns(signal.analysis)
        db.execute(table.update().where(row).values(stage=documents.INDEXED, **values))
        judge(db, replace(signal, document=new), NOW)
    listed = client.get(f"/alerts?view=all&rule={path.split('/')[-1]}").text
    [alert] = re.findall(r'<li id="(a[0-9a-f]+)"', listed)
    html = unescape(client.get(f"/alerts/{alert}").text)
    evidence = html[html.index("检索语句命中") :]
    assert "“出租屋火灾” or 正文:冒烟" in evidence
    assert "<mark>出租屋火灾</mark>" in evidence
    assert f'href="{path}">规则：出租屋火灾即报，第 1 版' in evidence
    assert f'href="/alerts/{alert}"' in client.get(path).text


def test_the_address_of_a_search_leads_to_the_form(browse: Browse) -> None:
    client = browse("chief")
    address = urlencode({"q": "起火", "from": "all", "product": "ebike"})
    html = unescape(client.get(f"/search?{address}").text)
    found = re.search(r'href="(/rules/new\?[^"]+)"', html)
    assert found
    assert ">(起火) and 产品:电动自行车</textarea>" in client.get(found[1]).text


def test_a_search_that_is_no_query_is_shown_with_what_is_wrong(browse: Browse) -> None:
    client = browse("chief")
    data = fields(client, "/rules/new?q=(起火&from=all", do="try")
    assert data["query"] == "(起火"
    answer = client.post("/rules/new", data=data)
    assert answer.status_code == 200
    assert re.search(r'id="e-query"[^>]*>第 \d+ 字', answer.text)


# --- versions ---------------------------------------------------------------------------------------------------


def edit(client: TestClient, path: str, **more: str) -> int:
    return client.post(f"{path}/edit", data=fields(client, f"{path}/edit", **more)).status_code


def test_two_versions_are_compared_and_the_reason_of_a_change_is_kept(browse: Browse, services: Services) -> None:
    client = browse("chief")
    path = make(client)
    assert edit(client, path, query="起火 and 电梯", level="red", note="电梯里更危险") == 303
    page = client.get(f"{path}/versions?a=1&b=2").text
    assert page.count('<tr class="differs">') == 2
    assert "<del>起火</del>" in page
    assert "<ins>起火 and 电梯</ins>" in page
    assert "电梯里更危险" in page
    assert "缘由：电梯里更危险" in client.get(path).text
    with services.store.read() as db:
        assert any(line.details.get("why") == "电梯里更危险" for line in audit.newest(db))


def test_a_change_without_a_reason_is_not_saved(browse: Browse) -> None:
    client = browse("chief")
    path = make(client)
    answer = client.post(f"{path}/edit", data=fields(client, f"{path}/edit", query="起火 and 电梯", note=" "))
    assert answer.status_code == 400
    assert "写明为什么改" in answer.text
    assert "第 1 版" in client.get(path).text


def test_an_earlier_version_comes_back_as_a_new_one_through_the_same_form(browse: Browse, services: Services) -> None:
    client = browse("chief")
    path = make(client, "起火")
    edit(client, path, query="起火 and 电梯")
    form = client.get(f"{path}/edit?version=1").text
    assert re.search(r'id="f-query"[^>]*>起火</textarea>', form)
    assert "恢复第 1 版内容：" in form
    assert "试算" in form  # tried on the past before it is saved
    assert edit(client, f"{path}", query="起火", note="恢复第 1 版内容：电梯条件太窄") == 303
    rule = services.shelf.find(path.split("/")[-1])
    assert rule is not None
    assert [version.definition["scope"]["query"] for version in rule.versions] == ["起火", "起火 and 电梯", "起火"]
    assert "内容相同" in client.get(f"{path}/versions?a=1&b=3").text
    assert client.get(f"{path}/versions?a=9").status_code == 404
    assert client.get(f"{path}/edit?version=x").status_code == 404
