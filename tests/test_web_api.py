"""The API over HTTP: who gets in, what a token may do, pages of lists, errors, actions, and how it is described."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from core.ids import short_id
from store import alert_log, audit, tokens, users
from store.documents import find_document
from store.handed_in import newest
from store.schema import tokens as token_table
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, sign_in, value_of
from web.access import SCOPES
from web.app import create_app
from web.bearer import PREFIX
from web.buckets import Buckets
from web.cursors import write_cursor
from web.services import Services

NEW = short_id("a", "I2")
FOREIGN = short_id("a", "I3")
KEY = {"Idempotency-Key": "0123456789abcdef"}
JSON = {"Content-Type": "application/json"}
Call = Callable[..., Response]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("desk"), clock=lambda: NOW)
    with made.store.write() as db:
        for name, role, territory in (
            ("boss", "admin", "000000"), ("chief", "supervisor", "000000"), ("county", "officer", "360981"),
            ("reader", "viewer", "360000"),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
            audit.note(db, "boss", "user_create", name, at=NOW)
    yield made
    made.store.close()


@pytest.fixture
def client(filled: Services) -> Iterator[TestClient]:
    with TestClient(create_app(filled), follow_redirects=False, raise_server_exceptions=False) as opened:
        yield opened


def token_of(services: Services, user: str, *scopes: str, **more: object) -> str:
    """A token of an account; with all scopes where none is named."""
    details = {"scopes": list(scopes or SCOPES)}
    with services.store.write() as db:
        return PREFIX + tokens.create_token(db, "api", user=user, note="试", now=NOW, details=details, **more)  # type: ignore[arg-type]


@pytest.fixture
def call(client: TestClient, filled: Services) -> Call:
    """call(user, path): a request with a fresh token of that account."""

    def ask(user: str, path: str, *scopes: str, method: str = "GET", **more: object) -> Response:
        headers = {"Authorization": f"Bearer {token_of(filled, user, *scopes)}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        answer: Response = client.request(method, f"/api{path}", headers=headers, **more)  # type: ignore[arg-type,assignment]
        return answer

    return ask


def act(call: Call, user: str, alert: str, key: str = KEY["Idempotency-Key"], **more: object) -> Response:
    headers = {"Idempotency-Key": key, **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
    return call(user, f"/alerts/{alert}/actions", method="POST", headers=headers, json=more)


# --- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_works_until_revoked_and_lies_nowhere_in_clear(
    client: TestClient, filled: Services
) -> None:
    sign_in(client, "county")
    csrf = value_of(client.get("/account/tokens").text, "csrf")
    form = {"csrf": csrf, "note": "日报", "days": "90", "scope": ["read:alerts", "write:alerts"]}
    page = client.post("/account/tokens", data=form).text
    secret = page.split("<code>" + PREFIX)[1].split("</code>")[0]
    bearer = {"Authorization": f"Bearer {PREFIX}{secret}"}
    client.cookies.clear()
    assert client.get("/api/alerts", headers=bearer).status_code == 200
    assert client.get("/api/documents/x", headers=bearer).status_code == 403
    with filled.store.read() as db:
        rows = [str(row) for row in db.execute(token_table.select())]
        logged = str(audit.newest(db, 20))
        mine = next(one for one in tokens.list_tokens(db, "county", purpose="api") if one.note == "日报")
    assert secret not in logged + "".join(rows)
    assert mine.used_at == NOW
    assert mine.expires_at == NOW + timedelta(days=90)
    sign_in(client, "county")
    listed = client.get("/account/tokens").text
    assert secret not in listed
    assert "日报" in listed
    revoke = {"csrf": value_of(listed, "csrf"), "key": mine.key}
    assert client.post("/account/tokens/revoke", data=revoke).status_code == 303
    client.cookies.clear()
    assert client.get("/api/alerts", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"note": ""}, "没有写用途"),
        ({"scope": []}, "没有选权限"),
        ({"scope": ["write:alerts"]}, "不能给出权限 write:alerts"),
        ({"scope": ["admin"]}, "不能给出权限 admin"),
        ({"days": "9999"}, "期限不对"),
    ],
)
def test_nobody_makes_a_token_that_may_more_than_they(client: TestClient, wrong: dict[str, object], said: str) -> None:
    sign_in(client, "reader")
    csrf = value_of(client.get("/account/tokens").text, "csrf")
    form = {"csrf": csrf, "note": "试", "days": "30", "scope": ["read:alerts"], **wrong}
    answer = client.post("/account/tokens", data=form)
    assert answer.status_code == 400
    assert said in answer.text
    assert PREFIX + "</code>" not in answer.text


def test_a_token_ends_with_its_time_with_its_account_and_with_its_role(client: TestClient, filled: Services) -> None:
    def status(secret: str, path: str = "/api/alerts") -> int:
        return int(client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code)

    assert status(token_of(filled, "chief", expires_at=NOW)) == 401
    with filled.store.write() as db:
        users.create_user(db, "gone", role="admin", territory="000000", display_name="", password=None, now=NOW)
    held = token_of(filled, "gone")
    assert status(held) == 200
    assert status(held, "/api/audit") == 200
    with filled.store.write() as db:
        users.set_active(db, "gone", False)
    assert status(held) == 401
    assert status(token_of(filled, "chief"), "/api/audit") == 403, "a scope gives no more than the role"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic YTpi", "", "Bearer fengsui_"])
def test_a_wrong_token_is_refused_even_beside_a_good_cookie(client: TestClient, header: str) -> None:
    sign_in(client, "chief")
    answer = client.get("/api/alerts", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_in_an_address_opens_nothing(client: TestClient, filled: Services) -> None:
    secret = token_of(filled, "chief")
    for name in ("token", "access_token", "authorization"):
        assert client.get(f"/api/status?{name}={secret}").status_code == 401


def test_no_token_comes_into_a_log(call: Call, filled: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    call("chief", "/alerts")
    call("chief", "/alerts/none")
    assert PREFIX not in caplog.text


def test_every_operation_wants_its_scope(call: Call, client: TestClient) -> None:
    described = call("boss", "/openapi.json").json()
    operations = [(path, method, one) for path, each in described["paths"].items() for method, one in each.items()]
    assert len(operations) > 15
    for path, method, one in operations:
        (scope,) = one["security"][0]["token"]
        others = [other for other in SCOPES if other != scope]
        address = path.removeprefix("/api").replace("{", "").replace("}", "")
        refused = call("boss", address, *others, method=method.upper(), headers=KEY, json={"action": "accept"})
        assert refused.status_code == 403, path
        assert scope in refused.json()["detail"]
        assert client.request(method.upper(), path).status_code == 401, path


def test_a_session_reads_but_does_not_write(client: TestClient) -> None:
    sign_in(client, "chief")
    assert client.get("/api/alerts").status_code == 200
    answer = client.post(f"/api/alerts/{NEW}/actions", json={"action": "accept"}, headers=KEY)
    assert answer.status_code == 403


def test_a_county_sees_its_own_only(call: Call) -> None:
    seen = {row["id"] for row in call("county", "/alerts?view=all").json()["items"]}
    assert seen == {NEW}
    for path in (f"/alerts/{FOREIGN}", f"/alerts/{FOREIGN}/history"):
        assert call("county", path).status_code == 404
        assert call("chief", path).status_code == 200
    assert act(call, "county", FOREIGN, action="note", note="记").status_code == 404
    assert {row["alert"] for row in call("county", "/deliveries").json()["items"]} == {NEW}


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/alerts/none", {}, 404),
        ("GET", "/nothing", {}, 404),
        ("DELETE", "/alerts", {}, 405),
        ("GET", "/alerts?limit=0", {}, 422),
        ("GET", "/alerts?levl=red", {}, 422),
        ("GET", "/alerts?cursor=AAAA", {}, 400),
        ("GET", "/search?q=(起火", {}, 400),
        ("GET", "/alerts?product=%00", {}, 400),
        ("POST", f"/alerts/{NEW}/actions", {"content": "x", "headers": KEY}, 415),
        ("POST", f"/alerts/{NEW}/actions", {"content": "{", "headers": {**KEY, **JSON}}, 422),
        ("POST", f"/alerts/{NEW}/actions", {"json": {"action": "close", "reason": "why"}, "headers": KEY}, 422),
        ("POST", f"/alerts/{NEW}/actions", {"json": {"action": "note"}}, 422),
        ("POST", f"/alerts/{NEW}/actions", {"content": b"x" * 1_100_000, "headers": KEY}, 413),
        ("POST", f"/alerts/{NEW}/actions",
         {"content": (b"x" * 99_000 for _ in range(12)), "headers": {**KEY, **JSON}}, 413),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_in_both_languages(
    call: Call, method: str, path: str, more: dict[str, object], status: int
) -> None:
    answer = call("chief", path, method=method, **more)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == status
    assert told["title"].isascii()
    assert any("\u4e00" <= char <= "\u9fff" for char in told["detail"])
    assert ("errors" in told) == (status == 422)


def test_a_wrong_value_is_named_and_not_repeated(call: Call) -> None:
    told = call("chief", "/alerts?level=<script>&limit=x").json()
    assert {one["where"] for one in told["errors"]} == {"query.level", "query.limit"}
    assert "script" not in json.dumps(told)


def test_what_breaks_inside_stays_inside(filled: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(filled)

    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError(f"secret of {__file__}")

    monkeypatch.setattr("web.views.api_alerts.alerts_behind", broken)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/api/alerts", headers={"Authorization": f"Bearer {token_of(filled, 'chief')}"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Internal Server Error"
    assert not [word for word in ("secret", "Traceback", "/", ".py") if word in answer.text.replace("about:blank", "")]


# --- lists --------------------------------------------------------------------------------------------------------


def all_pages(call: Call, path: str, limit: int) -> list[dict[str, object]]:
    found, cursor = [], ""
    for _ in range(400):
        page = call("boss", f"{path}{'&' if '?' in path else '?'}limit={limit}&cursor={cursor}").json()
        assert len(page["items"]) <= limit
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = page["next"]
    raise AssertionError("the list does not end")


@pytest.mark.parametrize("path", ["/alerts?view=all", "/deliveries", "/enterprises", "/events?view=single", "/audit"])
def test_pages_of_any_size_hold_the_same_rows(call: Call, path: str) -> None:
    whole = all_pages(call, path, 200)
    again = all_pages(call, path, 3 if path != "/enterprises" else 40)
    key = "number" if path == "/audit" else "id"
    assert [row[key] for row in again] == [row[key] for row in whole]
    assert len({row[key] for row in whole}) == len(whole)
    assert whole or path.startswith("/events")


def test_rows_that_come_while_pages_are_read_are_neither_doubled_nor_in_the_way(call: Call, filled: Services) -> None:
    before = [row["id"] for row in all_pages(call, "/alerts?view=all", 200)]
    first = call("boss", "/alerts?view=all&limit=2").json()
    with filled.store.write() as db:
        old = alert_log.find_alert(db, str(before[-1]))
        assert old is not None
        fresh = replace(old, id="a-fresh", number="YJ-2026-0999", subject="fresh", created_at=NOW, documents=())
        alert_log.save_alert(db, fresh, details={})
        alert_log.save_alert(db, replace(old, updated_at=NOW), details={})
    rest, cursor = [], first["next"]
    while cursor:
        page = call("boss", f"/alerts?view=all&limit=2&cursor={cursor}").json()
        rest += [row["id"] for row in page["items"]]
        cursor = page["next"]
    assert [row["id"] for row in first["items"]] + rest == before


def test_a_cursor_of_another_list_is_refused(call: Call) -> None:
    assert call("boss", f"/alerts?cursor={write_cursor('audit', 3)}").status_code == 400
    assert call("boss", f"/audit?cursor={write_cursor('audit', 1 << 70)}").status_code == 400


def test_a_search_goes_on_behind_its_page(call: Call) -> None:
    for order in ("", "&by=relevance", "&by=level"):
        path = f"/search?from=all&q=起火 or 不合格{order}"
        page = call("chief", path).json()
        found, total = [hit["id"] for hit in page["hits"]], page["total"]
        while page["next"]:
            page = call("chief", f"{path}&cursor={page['next']}").json()
            found += [hit["id"] for hit in page["hits"]]
        assert len(found) == len(set(found)) == total > 25


def test_what_did_not_change_is_not_sent_again(call: Call) -> None:
    first = call("chief", f"/alerts/{FOREIGN}")
    again = call("chief", f"/alerts/{FOREIGN}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    listed = call("chief", "/rules")
    assert call("chief", "/rules", headers={"If-None-Match": f"W/{listed.headers['etag']}"}).status_code == 304


def test_times_are_beijing_s_everywhere(call: Call) -> None:
    found = call("chief", "/search?from=all&q=起火").json()["hits"][0]
    document = call("chief", f"/documents/{found['id']}").json()
    times = [found["published"], document["fetched_at"], call("chief", f"/alerts/{NEW}").json()["first_at"]]
    times += [call("chief", f"/documents/{found['id']}/revisions").json()["items"][0]["stored_at"]]
    assert all(time.endswith("+08:00") for time in times)


def test_documents_and_notes_come_without_personal_data(call: Call, filled: Services) -> None:
    assert act(call, "chief", FOREIGN, key="masked-note-1", action="note", note="回电 13912345678").status_code == 200
    assert "13912345678" not in call("chief", f"/alerts/{FOREIGN}/history").text


# --- what is done to alerts ---------------------------------------------------------------------------------------


def test_an_action_is_done_once_and_who_comes_late_is_told_who_was_faster(call: Call) -> None:
    seen = call("county", f"/alerts/{NEW}")
    tag = {"If-Match": seen.headers["etag"]}
    done = act(call, "county", NEW, action="accept", state="new", note="核", headers=tag)
    assert done.status_code == 200
    assert done.json()["alert"]["state"] == "accepted"
    again = act(call, "county", NEW, action="accept", state="new", note="核", headers=tag)
    assert (again.status_code, again.json()["replayed"]) == (200, True)
    rows = call("county", f"/alerts/{NEW}/history").json()["items"]
    assert [row["action"] for row in rows].count("accept") == 1
    for more in ({"state": "new"}, {"headers": tag}, {}):
        late = act(call, "chief", NEW, key="another-key", action="accept", **more)
        assert late.status_code == 409
        current = late.json()["current"]
        assert (current["actor"], current["action"], current["state"]) == ("county", "accept", "accepted")
        assert current["at"].endswith("+08:00")
    fresh = {"If-Match": late.json()["current"]["etag"]}
    undone = act(call, "county", NEW, key="undo-key-1", action="undo", headers=fresh)
    assert undone.json()["alert"]["state"] == "new"
    assert undone.headers["etag"] == call("county", f"/alerts/{NEW}").headers["etag"]


def test_roles_bind_tokens_as_they_bind_people(call: Call) -> None:
    assert act(call, "reader", NEW, action="accept").status_code == 403
    assert act(call, "county", NEW, key="close-key-1", action="level", level=4).status_code == 403


# --- how fast -----------------------------------------------------------------------------------------------------


def test_a_bucket_empties_and_fills_evenly() -> None:
    buckets = Buckets(60)
    assert all(not buckets.take("a", NOW).wait for _ in range(60))
    assert buckets.take("a", NOW).wait == 1
    assert buckets.take("b", NOW).wait == 0
    assert buckets.take("a", NOW + timedelta(seconds=1)).wait == 0
    assert buckets.take("a", NOW + timedelta(seconds=1)).wait == 1
    assert buckets.take("a", NOW + timedelta(hours=1)).left == 59


def test_who_is_too_fast_is_told_how_long_to_wait(filled: Services) -> None:
    app = create_app(filled)
    app.state.buckets = Buckets(2)
    mine = {"Authorization": f"Bearer {token_of(filled, 'chief')}"}
    other = {"Authorization": f"Bearer {token_of(filled, 'chief')}"}
    with TestClient(app) as client:
        first = client.get("/api/rules", headers=mine)
        assert first.headers["ratelimit-policy"] == '"minute";q=2;w=60'
        assert first.headers["ratelimit"].startswith('"minute";r=1;')
        client.get("/api/rules", headers=mine)
        refused = client.get("/api/rules", headers=mine)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "30"
        assert client.get("/api/rules", headers=other).status_code == 200


# --- the description ----------------------------------------------------------------------------------------------


def test_the_description_is_valid_openapi_3_1(call: Call) -> None:
    described = call("reader", "/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    validate(described, cls=OpenAPIV31SpecValidator)
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_the_help_page_lists_every_operation(client: TestClient) -> None:
    sign_in(client, "reader")
    page = client.get("/help/api").text
    for path in ("/api/alerts/{alert_id}/actions", "/api/search", "/api/analytics", "/api/status"):
        assert path in page
    assert "uuidgen" in page


SAMPLE = {"抽样单编号": "NC1", "at": "2026-03-02", "product": "电线电缆", "抽样地": "丰城市", "检验结论": "不合格"}


def handed(call: Call, user: str, *rows: Mapping[str, object], kind: str = "sampling", **more: object) -> Response:
    return call(user, f"/intake/{kind}", method="POST", json={"rows": [dict(row) for row in rows], **more})


def test_rows_are_handed_in_once_by_the_callers_id(call: Call, filled: Services) -> None:
    first = handed(call, "county", SAMPLE)
    assert (first.status_code, first.json()["new"]) == (200, 1)
    assert handed(call, "county", SAMPLE).json()["unchanged"] == 1
    assert handed(call, "county", {**SAMPLE, "检验结论": "合格"}).json()["changed"] == 1
    assert handed(call, "county", SAMPLE, source="other").json()["new"] == 1
    with filled.store.read() as db:
        one = newest(db, "sampling", "ecqs", ["NC1"])["NC1"]
    assert (one.revision, one.actor, one.territory, one.product) == (2, "county", "360981", "cable")
    assert one.archive


def test_a_wrong_row_is_named_with_its_field_and_nothing_is_taken(call: Call, filled: Services) -> None:
    wrong: list[dict[str, object]] = [
        {**SAMPLE, "抽样单编号": "NC7"},
        {**SAMPLE, "at": "昨天", "没有的": 1, "抽样单编号": "NC8"},
        {**SAMPLE, "抽样单编号": "NC7"},
        {**SAMPLE, "抽样单编号": ["x"]},
    ]
    answer = handed(call, "county", *wrong)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    told = {one["where"]: one["what"] for one in answer.json()["errors"]}
    assert set(told) == {"body.rows.1.at", "body.rows.1.没有的", "body.rows.2.id", "body.rows.3.id"}
    assert "第 1 行" in told["body.rows.2.id"]
    with filled.store.read() as db:
        assert newest(db, "sampling", "ecqs", ["NC7"]) == {}


def test_a_token_hands_in_what_its_scope_and_territory_allow(call: Call) -> None:
    elsewhere = handed(call, "county", {**SAMPLE, "抽样地": "南昌市"})
    assert (elsewhere.status_code, elsewhere.json()["errors"][0]["where"]) == (422, "body.rows.0.territory")
    assert call("county", "/intake/sampling", "read:alerts", method="POST", json={"rows": [SAMPLE]}).status_code == 403
    assert handed(call, "reader", SAMPLE).status_code == 403
    assert handed(call, "county", SAMPLE, kind="nothing").status_code == 404
    assert handed(call, "boss", *({**SAMPLE, "抽样单编号": f"M{n}"} for n in range(501))).status_code == 413


def test_a_token_changes_no_row_of_another_territory(call: Call, filled: Services) -> None:
    theirs = {**SAMPLE, "抽样单编号": "F1", "抽样地": "南昌市"}
    assert handed(call, "boss", theirs).json()["new"] == 1
    answer = handed(call, "county", {**SAMPLE, "抽样单编号": "F2"}, {**SAMPLE, "抽样单编号": "F1"})
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.rows.1.id")
    with filled.store.read() as db:
        kept = newest(db, "sampling", "ecqs", ["F1", "F2"])
    assert {name: (one.revision, one.territory) for name, one in kept.items()} == {"F1": (1, "360100")}
    assert handed(call, "boss", {**theirs, "抽样地": "丰城市"}).json()["changed"] == 1


@pytest.mark.parametrize(
    ("more", "field"),
    [({"at": "一二三四年十十月"}, "at"), ({"产品名称": "电缆"}, "product"), ({"product": "\u202e"}, "product")],
)
def test_a_row_that_says_nothing_or_two_things_is_refused(call: Call, more: Mapping[str, object], field: str) -> None:
    answer = handed(call, "county", {**SAMPLE, **more})
    assert (answer.status_code, [one["where"] for one in answer.json()["errors"]]) == (422, [f"body.rows.0.{field}"])


def test_kinds_and_their_schemas_are_published(call: Call) -> None:
    kinds = {one["id"]: one for one in call("boss", "/intake").json()["items"]}
    assert set(kinds) == {"complaints_12315", "credit", "injuries", "inspections", "sampling", "self_checks"}
    schema = call("boss", "/intake/injuries/schema").json()
    assert schema["required"] == ["id", "at", "product", "content"]
    assert schema["properties"]["patient"]["writeOnly"]


def test_a_complaint_handed_in_waits_for_the_reader_like_a_crawled_one(call: Call, filled: Services) -> None:
    row = {"投诉编号": "TS1", "登记时间": "2026-11-20 09:30", "投诉内容": "电动自行车充电起火",
           "联系电话": "13907910001", "被投诉单位": "江西云骓智能科技有限公司", "区县": "丰城市"}  # fmt: skip
    answer = handed(call, "county", row, kind="complaints_12315").json()
    with filled.store.read() as db:
        document = find_document(db, answer["documents"][0])
    assert document is not None
    assert (document.source, document.title) == ("intake_12315", ""), "read, masked and judged by the worker"
