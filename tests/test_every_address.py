"""Every address of the desk, in one table: what belongs to another territory is not there for a stranger, whatever the
role, and no form is taken that did not come from a page of ours."""

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from alerts.sensitive import declare
from core.errors import StoreError
from core.ids import short_id
from enterprises.watching import make_list, put_on
from ledger.supervision import supervise
from store import desk_rules, searches, tokens, users
from store import events as event_book
from store.database import Store
from store.sensitive import EVENT, Period
from store.silences import Silence, insert_silence
from store.supervisions import Supervision
from store.watchlists import Given, WatchList
from tests.desk_pages import ALERT, PAGES, fill_more
from tests.desk_server import NOW, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app
from web.pace import FILES
from web.services import Services

THEIRS, MINE = "360702", "360830"
"""Whose things they are, and whose desk the stranger keeps: nothing of the filled store lies there."""
DAY = timedelta(days=1)
LONG = "x" * 16


@dataclass(frozen=True)
class World:
    """A filled desk. ids: what stands in addresses, by the name of the parameter."""

    services: Services
    app: FastAPI
    file: Path
    ids: Mapping[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("desk")
    services = make_services(folder, clock=lambda: NOW)
    with services.store.write() as db:
        for name, role, territory in (
            ("chief", "admin", "000000"), ("theirs", "officer", THEIRS), ("stranger", "admin", MINE),
        ):  # fmt: skip
            users.create_user(db, name, role=role, territory=territory, display_name=name, password=PASSWORD, now=NOW)  # type: ignore[arg-type]
    pages = fill_more(services)
    with services.store.write() as db:
        ids = _more(db)
    ids["document_id"] = ids["document"] = pages["document"].rpartition("/")[2]
    app = create_app(services)
    with signed_in(app, "chief") as chief:
        ids |= _files(chief)
    yield World(services, app, folder / "fengsui.db", ids)
    services.store.close()


def _files(chief: TestClient) -> dict[str, str]:
    """A file of the alert; its number."""
    csrf = value_of(chief.get("/account").text, "csrf")
    body = {"file": ("a.pdf", b"%PDF-1.4 secret of Ganzhou", "application/pdf")}
    given = chief.post(f"/alerts/{ALERT}/file", data={"csrf": csrf, "once": LONG, "note": ""}, files=body)
    return {"number": given.headers["location"].rpartition("=")[2]}


RULE: Mapping[str, Any] = {
    "title": "外人看不到的规则", "why": "用于测试", "level": "orange", "group_by": ["matter"],
    "condition": {"type": "any"}, "repeat_after": None, "scope": {"query": "起火 and 楼道", "min_level": 0},
}  # fmt: skip


def _more(db: Connection) -> dict[str, str]:
    """One of each thing that an address names, of another territory."""
    theirs = desk_rules.create_rule(db, RULE, actor="theirs", territory=THEIRS, now=NOW, once="theirs-rule")
    muted = Silence("", ("level=yellow",), "检修", "theirs", THEIRS, NOW, NOW, NOW + DAY)
    silence, _ = insert_silence(db, muted, once="silence-one")
    secret = make_list(db, WatchList("", "不给外人看", "专项检查", "theirs", THEIRS, "", 2, NOW), once="list-secret")
    put_on(db, secret, [Given("ENT0043", "某企业")], reason="多次投诉", by="theirs", now=NOW, until=None)
    event = event_book.find_event(db, "SJ-2026-0001")
    assert event is not None
    asked = Period(0, EVENT, event.id, THEIRS, "有伤亡", "theirs", NOW, NOW + timedelta(hours=5))
    period = declare(db, asked, longest=DAY, once="period-one", now=NOW)
    listed = Supervision(
        "", "territory", "360700", "360700", "限期整改隐患", "赣市监〔2026〕1号", NOW.date(), (NOW + 30 * DAY).date(),
        "全部销号", ("YH-2026-0001",), "theirs", NOW,
    )  # fmt: skip
    supervised = supervise(db, listed, once="supervise-one")
    tokens.create_token(db, "api", user="theirs", note="", now=NOW, details={"scopes": ["read:alerts"]})
    search = searches.save_search(db, "theirs", "只给自己", "q=起火", shared=False, now=NOW)
    return {
        "alert_id": ALERT, "rule_id": theirs.rule, "silence_id": silence.id, "list_id": secret.id,
        "event": "SJ-2026-0001", "search_id": search, "entry_id": "YH-2026-0001", "paper_id": "GW-2026-0001",
        "delivery": short_id("n", "I1"), "period": str(period.number), "supervised": supervised.id,
        "token": tokens.list_tokens(db, "theirs", purpose="api")[0].key,
    }  # fmt: skip


def routes_of(app: FastAPI) -> list[APIRoute]:
    """All of them, those of routers in routers too."""
    found, todo = [], list(app.routes)
    while todo:
        one = todo.pop(0)
        if isinstance(one, APIRoute):
            found.append(one)
        elif router := getattr(one, "original_router", None):
            todo = [*router.routes, *todo]
    return found


def path_of(template: str, ids: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda name: ids[name[1]], template)


FOREIGN: Mapping[str, Mapping[str, str]] = {
    "/alerts/{alert_id}": {},
    "/alerts/{alert_id}/files/{number}": {},
    "/alerts/{alert_id}/evidence.zip": {},
    "/alerts/{alert_id}/cap.xml": {},
    "/events/{name}": {"name": "SJ-2026-0001"},
    "/search/hit/{document_id}": {},
    "/documents/{document_id}": {},
    "/documents/{document_id}/archive": {},
    "/documents/{document_id}/evidence.zip": {},
    "/rules/{rule_id}": {},
    "/rules/{rule_id}/lab": {},
    "/rules/{rule_id}/export": {},
    "/rules/{rule_id}/versions": {},
    "/rules/{rule_id}/edit": {},
    "/why/reviews/{number}": {"number": "1"},
    "/ledger/{entry_id}": {},
    "/ledger/{entry_id}/proofs/{number}": {"number": "1"},
    "/settings/users/{name}": {"name": "theirs"},
    "/papers/{paper_id}": {},
    "/papers/{paper_id}/{name}": {"name": "paper.docx"},
    "/watchlists/{list_id}": {},
    "/api/alerts/{alert_id}": {},
    "/api/alerts/{alert_id}/history": {},
    "/api/documents/{document_id}": {},
    "/api/documents/{document_id}/revisions": {},
    "/api/events/{name}": {"name": "SJ-2026-0001"},
}
"""Addresses of what belongs to a territory, and what stands in them beside World.ids."""
NO_OWNER = {
    "/documents/{document_id}/archive", "/ledger/{entry_id}/proofs/{number}", "/watchlists/{list_id}",
}  # fmt: skip
"""Of those, what even the highest account does not see here: no such file was kept, or the list is its owner's."""
OPEN = {
    "/enterprises/{firm:path}": "the registry is the province's",
    "/enterprises/{firm:path}/trace": "the registry is the province's; lots are cut by documents: tests/test_trace.py",
    "/enterprises/{firm:path}/dossier.docx": "as the page: tests/test_dossier_paper.py",
    "/api/enterprises/{firm:path}": "the registry is the province's",
    "/sources/{key}": "sources are everyone's",
    "/api/sources/{key}": "sources are everyone's",
    "/api/intake/{kind}/schema": "says how rows look",
    "/reports/weekly/{week_id}": "the own bureau's table, another's by TERRITORIES",
    "/reports/weekly/{week_id}/table.xlsx": "the own bureau's table, another's by TERRITORIES",
    "/reports/weekly/{week_id}/table.csv": "the own bureau's table, another's by TERRITORIES",
    "/reports/weekly/{week_id}/{column_id}": "the own bureau's table, another's by TERRITORIES",
    "/help/{screen}": "help",
    "/export/{what}.{form}": "cut by rows: tests/test_open_data.py",
    "/feeds/{secret}/alerts.sse": "the secret is the right: tests/test_feeds.py",
    "/feeds/{secret}/alerts.{kind}": "the secret is the right: tests/test_feeds.py",
    "/feeds/{secret}/alerts/{alert_id}.cap": "the secret is the right: tests/test_feeds.py",
    "/feeds/{secret}/search.atom": "the secret is the right: tests/test_feeds.py",
    "/wall/{secret}": "the secret is the right",
    "/mail/{purpose}/{token}": "the link of a mail is the right: tests/test_mail_door.py",
}
"""GET addresses with something in them that no territory owns, and why."""
TERRITORIES = (
    "/reports/weekly/2026-W47?territory={}", "/reports/weekly/2026-W47/table.xlsx?territory={}",
    "/reports/weekly/2026-W47/table.csv?territory={}", "/reports/weekly/2026-W47/remarks?territory={}",
    "/progress?region={}", "/progress.csv?region={}", "/progress.xlsx?region={}",
    "/progress/records?kind=sampling&of=key&region={}",
)  # fmt: skip
"""Addresses that name a territory behind the question mark."""
SECRETS = (
    "云骓牌电动自行车电池起火",
    "不给外人看",
    "只给自己",
    "外人看不到的规则",
    "电动自行车擅自解除限速",
    "没有抓到的一页",
)
"""What the things of another territory are called."""
LISTS = (
    "/api/alerts?view=all", "/api/events", "/api/search?from=all&q=起火", "/api/deliveries", "/api/rules", "/api/audit",
    "/api/export/alerts", "/api/export/events", "/export/alerts.csv", "/search/export?from=all&form=csv",
    "/ledger/export.xlsx", "/ledger/spotchecks.xlsx", "/trace.csv?model=MFZ", "/clusters.csv?days=365",
    "/search/field?from=all&field=title", "/search/special?from=all&q=起火", "/search/new?from=all",
    "/api/analytics?from=all",
)  # fmt: skip
DOORS = {
    "/signin": "nobody is signed in yet: its own token, tests/test_web_desk.py",
    "/signin/code": "half a sign-in: tests/test_two_step.py",
    "/invite": "the link is the right: tests/test_web_settings.py",
    "/mail/{purpose}/{token}": "the link of a mail is the right, and does nothing else: tests/test_mail_door.py",
}
"""Forms that a person who is not signed in sends."""
FORMS: Mapping[str, Mapping[str, str]] = {
    "/alerts/{alert_id}/mark": {"do": "star"},
    "/alerts/{alert_id}/file": {},
    "/alerts/{alert_id}/{action}": {"action": "accept"},
    "/events/{name}/merge": {"name": "SJ-2026-0001", "other": "SJ-2026-0002"},
    "/events/{name}/split": {"name": "SJ-2026-0001"},
    "/events/{name}/undo": {"name": "SJ-2026-0001"},
    "/recalls/mirror/{document}/{action}": {"action": "confirm", "firm": "ENT0043"},
    "/rules/{rule_id}/lab": {},
    "/rules/{rule_id}/edit": {},
    "/rules/{rule_id}/{action}": {"action": "stop"},
    "/search/saved/{search_id}/rename": {},
    "/search/saved/{search_id}/share": {"shared": "1"},
    "/search/saved/{search_id}/delete": {},
    "/search/saved/{search_id}/watch": {"watch": "1"},
    "/search/saved/{search_id}/feed": {},
    "/silences/{silence_id}/expire": {"why": "不再需要"},
    "/ledger/supervised/{number}/end": {"number": "DB-2026-0001", "why": "已完成整改"},
    "/ledger/{entry_id}/law": {"law": "产品质量法第二十六条", "applies": "yes"},
    "/ledger/{entry_id}/proof": {},
    "/ledger/{entry_id}/undo": {},
    "/ledger/{entry_id}/{action}": {"action": "receive"},
    "/settings/users/{name}": {"name": "theirs", "role": "viewer", "territory": MINE},
    "/settings/holds/{number}/end": {"number": "1", "why": "不再需要"},
    "/settings/users/{name}/off": {"name": "theirs"},
    "/settings/users/{name}/on": {"name": "theirs"},
    "/settings/users/{name}/invite": {"name": "theirs"},
    "/settings/users/{name}/two-step-off": {"name": "theirs"},
    "/papers/{paper_id}/fill": {},
    "/papers/{paper_id}/renew": {},
    "/papers/{paper_id}/sign": {},
    "/papers/{paper_id}/drop": {"why": "不再需要"},
    "/deliveries/{delivery}/again": {},
    "/watchlists/{list_id}": {"name": "改名"},
    "/watchlists/{list_id}/end": {"why": "不再需要"},
    "/watchlists/{list_id}/look": {"names": "某企业"},
    "/watchlists/{list_id}/add": {"names": "ENT0044", "reason": "多次投诉"},
    "/watchlists/{list_id}/remove/{number}": {"number": "1", "why": "不再需要"},
    "/sensitive/{number}/end": {"number": "1"},
}
"""Forms about a thing of another territory: what stands in their address beside World.ids, and in them."""
OWN_FORMS = {
    "/sources/{key}/run", "/reports/weekly/{week_id}/confirm", "/reports/weekly/{week_id}/sign",
    "/reports/weekly/{week_id}/reopen", "/reports/weekly/{week_id}/{column_id}",
}  # fmt: skip
"""Forms about what no territory owns; the weekly table's own rule: tests/test_web_weekly.py."""
NAMED_IN_FORM: Mapping[str, Mapping[str, str]] = {
    "/alerts/batch": {"do": "accept", "alert": "{alert_id}"},
    "/watchlists/watch": {"list": "{list_id}", "firm": "ENT0044", "reason": "多次投诉"},
    "/sensitive/start": {"kind": "event", "subject": "SJ-2026-0001", "reason": "有伤亡", "hours": "2"},
    "/grades/set": {"firm": "ENT0043", "grade": "A", "kind": "error", "until": "2026-12-01", "reason": "企业已停产"},
    "/settings/tokens/revoke": {"key": "{token}"},
    "/settings/holds/add": {"kind": "alert", "subject": "{alert_id}", "reason": "复议期间保全"},
    "/settings/erase/find": {"name": "某某某"},
    "/settings/erase/do": {"again": "某某某", "reason": "申请编号"},
    "/settings/erase/forget": {},
    "/account/tokens/revoke": {"key": "{token}"},
    "/account/feeds/revoke": {"key": "{token}"},
    "/ledger/new": {"alert": "{alert_id}", "territory": THEIRS, "title": "电池擅自改装", "product": "ebike"},
    "/progress/targets": {"territory": THEIRS, "product": "ebike", "firm": "", "do": "drop", "note": "不再抽"},
    "/calendar/mark": {"territory": THEIRS, "item": "weekly", "period": "2026-W47", "do": "done"},
    "/deliveries/address": {"address": "desk@example.org", "do": "heal"},
    "/deliveries/test": {"to": "desk@example.org"},
    "/settings/users/new": {"name": "newcomer", "role": "viewer", "territory": THEIRS, "display_name": "新"},
    "/papers/new": {"of": "alert:YJ-2026-0001", "kind": "flash"},
}
"""Forms that name a thing of another territory inside them."""


def test_every_address_with_something_in_it_stands_in_the_table(world: World) -> None:
    routes = [(method, route.path) for route in routes_of(world.app) for method in route.methods or ()]
    gets = {path for method, path in routes if method == "GET" and "{" in path}
    posts = {path for method, path in routes if method == "POST" and not path.startswith("/api/")}
    assert len(gets) > 40
    assert gets == {*FOREIGN, *OPEN}
    assert {path for path in posts if "{" in path} == {*FORMS, "/mail/{purpose}/{token}"} | OWN_FORMS
    assert posts >= {*NAMED_IN_FORM, *DOORS}
    assert {method for method, _ in routes} == {"GET", "POST"}


def test_what_is_another_territory_s_is_not_there_for_a_stranger_whatever_the_role(world: World) -> None:
    wrong = []
    with signed_in(world.app, "stranger") as stranger, signed_in(world.app, "chief") as chief:
        for template, more in FOREIGN.items():
            path = path_of(template, {**world.ids, **more})
            theirs, owner = stranger.get(path), chief.get(path)
            if theirs.status_code != 404 or (owner.status_code != 200 and template not in NO_OWNER):
                wrong.append((path, theirs.status_code, owner.status_code))
    assert wrong == [], "\n".join(map(str, wrong))


def test_no_list_page_or_file_tells_a_stranger_of_it(world: World) -> None:
    wrong: list[tuple[object, ...]] = []
    own = {f"/{path}".replace("//", "/") for path in PAGES.values()} | set(LISTS)
    with signed_in(world.app, "stranger") as stranger:
        for address in TERRITORIES:
            if (answer := stranger.get(address.format(THEIRS))).status_code != 404:
                wrong.append((address, answer.status_code))
        for address in own:
            answer = stranger.get(address.format(document=world.ids["document"]))
            told = [secret for secret in SECRETS if secret in answer.text]
            if told or answer.status_code >= 500:
                wrong.append((address, answer.status_code, *told))
    assert wrong == [], "\n".join(map(str, wrong))


@contextmanager
def untouched(world: World) -> Iterator[Callable[[], bool]]:
    """Whether nothing was written to the store since the last question."""
    with closing(sqlite3.connect(world.file)) as db:

        def version() -> int:
            return int(db.execute("PRAGMA data_version").fetchone()[0])

        last = [version()]

        def same() -> bool:
            before, last[0] = last[0], version()
            return before == last[0]

        yield same


def test_a_stranger_s_form_about_it_changes_nothing(world: World) -> None:
    wrong = []
    with signed_in(world.app, "stranger") as stranger:
        csrf = value_of(stranger.get("/account").text, "csrf")
        with untouched(world) as same:
            for template, more in {**FORMS, **NAMED_IN_FORM}.items():
                path = path_of(template, {**world.ids, **more})
                typed = {name: path_of(value, world.ids) for name, value in more.items()}
                answer = stranger.post(path, data={"csrf": csrf, "once": LONG, **typed})
                kept = same()
                refused = answer.status_code in (403, 404) or (template in NAMED_IN_FORM and answer.status_code < 500)
                if not kept or not refused:
                    wrong.append((path, answer.status_code, kept))
    assert wrong == [], "\n".join(map(str, wrong))


def test_no_form_is_taken_that_did_not_come_from_a_page_of_ours(world: World) -> None:
    wrong = []
    ids = {**world.ids, "name": "SJ-2026-0001", "action": "accept", "key": "gz_amr", "week_id": "2026-W47",
           "column_id": "remarks", "number": "1"}  # fmt: skip
    with signed_in(world.app, "chief") as chief:
        csrf = value_of(chief.get("/account").text, "csrf")
        paths = [one.path for one in routes_of(world.app) if "POST" in (one.methods or ()) and one.path not in DOORS]
        with untouched(world) as same:
            for template in paths:
                if template.startswith("/api/"):
                    continue
                path = path_of(template, {**ids, **FORMS.get(template, {})})
                form = {"once": LONG, **FORMS.get(template, {}), **NAMED_IN_FORM.get(template, {})}
                for data, headers in (
                    ({**form, "csrf": csrf[:-1]}, {}),
                    ({**form, "csrf": csrf}, {"Sec-Fetch-Site": "cross-site"}),
                ):
                    answer = chief.post(path, data=data, headers=headers)
                    if answer.status_code != 403 or not same():
                        wrong.append((path, data, answer.status_code))
    assert len(paths) > 80
    assert wrong == [], "\n".join(map(str, wrong))


def test_a_browser_s_session_writes_nothing_through_the_api(world: World) -> None:
    with signed_in(world.app, "chief") as chief, untouched(world) as same:
        for path in (f"/api/alerts/{ALERT}/actions", "/api/intake/sampling", "/api/match"):
            answer = chief.post(
                path, json={"action": "accept", "rows": [], "names": ["甲"]}, headers={"Idempotency-Key": LONG}
            )
            assert answer.status_code == 403 or path == "/api/match"
        assert same()


STRANGE = (
    "SJ-²-1",
    "SJ-2026-③",
    "SJ-99999999999999999999-1",
    "②",
    "9" * 4500,
    "%00",
    "..%2f..",
    "%ED%A0%80",
    "' or 1=1--",
    "-1",
)


def test_a_name_that_is_none_is_not_there_and_no_error_of_the_system(world: World) -> None:
    wrong = []
    with signed_in(world.app, "chief") as chief:
        for template in FOREIGN:
            for strange in STRANGE:
                given = dict.fromkeys(re.findall(r"\{(\w+)", template), strange)
                answer = chief.get(path_of(template, given))
                if answer.status_code not in (400, 404, 405, 422):
                    wrong.append((template, strange[:20], answer.status_code))
    assert wrong == [], "\n".join(map(str, wrong))


def test_a_feed_that_is_asked_too_fast_is_told_to_wait(world: World) -> None:
    with world.services.store.write() as db:
        secret = tokens.create_token(db, "feed", user="theirs", note="", now=NOW, details={})
    most = world.services.settings.api_per_minute
    with TestClient(world.app) as reader:
        asked = [reader.get(f"/feeds/{secret}/alerts.atom") for _ in range(most + 1)]
    assert {answer.status_code for answer in asked[:-1]} == {200}
    assert (asked[-1].status_code, asked[-1].headers["retry-after"]) == (429, "1")
    assert "稍后" in asked[-1].text or "秒" in asked[-1].text


EVERY = (
    "content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options", "permissions-policy",
    "cross-origin-opener-policy", "cross-origin-resource-policy",
)  # fmt: skip


def gets(world: World) -> Iterator[str]:
    """Every address that shows something."""
    for path in {f"/{path}".replace("//", "/") for path in PAGES.values()} | set(LISTS):
        yield path.format(document=world.ids["document"])
    names = {
        **world.ids, "key": "gz_amr", "firm": "ENT0043", "week_id": "2026-W47", "column_id": "remarks", "form": "csv",
        "screen": "search", "what": "alerts", "secret": "none", "purpose": "mute", "name": "none",
    }  # fmt: skip
    none: Mapping[str, str] = {}
    for template, more in {**dict.fromkeys(OPEN, none), **FOREIGN}.items():
        kind = "sampling" if template.startswith("/api/") else "atom"
        yield path_of(template, {**names, "kind": kind, **more})


def faults_of(client: TestClient, method: str, path: str, **more: Any) -> list[str]:
    """What an answer lacks of what keeps a browser safe; a file that is not counted as one."""
    answer = client.request(method, path, **more)
    lacking = [name for name in EVERY if name not in answer.headers]
    kept = answer.headers.get("cache-control", "")
    if not path.startswith("/static/") and "no-store" not in kept and "private" not in kept:
        lacking.append(f"cache-control: {kept}")
    file = answer.headers.get("content-disposition", "").startswith("attachment")
    if file and not FILES.fullmatch(path.partition("?")[0]) and not path.startswith("/api/") and "cap.xml" not in path:
        lacking.append("a file that web/pace.py does not count")
    return [f"{method} {path[:60]} {answer.status_code}: {one}" for one in lacking]


def test_every_answer_has_the_headers_that_keep_a_browser_safe(world: World) -> None:
    odd: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/static/desk.css", {}), ("GET", "/static/none.css", {}), ("GET", "/none", {}), ("PUT", "/alerts", {}),
        ("GET", "/healthz", {}), ("GET", "/metrics", {}), ("GET", "/api/none", {}), ("GET", "/api/alerts?limit=x", {}),
        ("POST", "/ledger/new", {"data": {"csrf": "no"}}), ("POST", "/api/match", {"content": b"{"}),
        ("POST", "/account", {"content": b"x" * ((1 << 20) + 1)}), ("GET", "/search?q=(((", {}),
    ]  # fmt: skip
    wrong = []
    with signed_in(world.app, "chief") as chief, TestClient(world.app, follow_redirects=False) as nobody:
        for path in gets(world):
            wrong += [*faults_of(chief, "GET", path), *faults_of(nobody, "GET", path)]
        for method, path, more in odd:
            wrong += [*faults_of(chief, method, path, **more), *faults_of(nobody, method, path, **more)]
        tag = chief.get("/api/sources").headers["etag"]
        seen = chief.get("/api/sources", headers={"If-None-Match": tag})
        assert seen.status_code == 304
        assert set(EVERY) <= set(seen.headers)
    assert wrong == [], "\n".join(wrong)


def test_an_error_of_the_system_has_them_too_and_tells_nothing(world: World) -> None:
    app = create_app(world.services)

    def fails() -> None:
        raise RuntimeError("where the data lies")

    app.add_api_route("/fails", fails)
    app.add_api_route("/api/fails", fails)
    with TestClient(app, raise_server_exceptions=False) as client:
        for path in ("/fails", "/api/fails"):
            answer = client.get(path)
            assert answer.status_code == 500
            assert set(EVERY) <= set(answer.headers)
            assert "where the data lies" not in answer.text


def test_a_log_never_says_an_address_that_is_a_key(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secret = "S3CR3T-nobody-may-see"

    def damaged(self: Store) -> Any:
        raise StoreError("the database cannot be used")

    monkeypatch.setattr(Store, "read", damaged)
    paths = (f"/wall/{secret}", f"/mail/receipt/{secret}", f"/feeds/{secret}/alerts.atom")
    with TestClient(create_app(world.services), raise_server_exceptions=False) as client:
        assert {client.get(path).status_code for path in paths} == {503}
    logged = [str(record.__dict__) for record in caplog.records]
    assert sum("page_failed" in line for line in logged) == len(paths)
    assert not [line for line in logged if secret in line and "httpx" not in line]


@pytest.mark.parametrize(
    ("address", "days", "told"),
    [
        ("https://desk.example.org", 180, "max-age=15552000"),
        ("https://desk.example.org", 0, None),
        ("http://a", 180, None),
    ],
)
def test_a_desk_behind_tls_says_so(world: World, address: str, days: int, told: str | None) -> None:
    settings = world.services.settings.model_copy(update={"public_url": address, "hsts_days": days})
    with TestClient(create_app(replace(world.services, settings=settings)), follow_redirects=False) as client:
        for path in ("/signin", "/static/desk.css", "/none"):
            assert client.get(path).headers.get("strict-transport-security") == told


def test_one_account_takes_files_and_searches_at_the_pace_of_a_person(world: World) -> None:
    settings = world.services.settings.model_copy(update={"searches_per_minute": 3, "exports_per_minute": 2})
    app = create_app(replace(world.services, settings=settings))
    with signed_in(app, "chief") as chief, signed_in(app, "theirs") as other:
        files = [chief.get(f"/export/alerts.{form}").status_code for form in ("csv", "jsonl", "csv")]
        with signed_in(app, "chief") as again:  # another browser of the same account
            late = again.get("/search/export?from=all&form=csv")
        searches = [chief.get("/search?q=起火") for _ in range(4)]
        assert files == [200, 200, 429]
        assert (late.status_code, late.headers["retry-after"]) == (429, "30")
        assert "每分钟至多 2 次。请在 30 秒后再试" in late.text
        assert [one.status_code for one in searches] == [200, 200, 200, 429]
        assert chief.post("/rules/new", data={}).status_code == 429, "a trial of a rule counts as a search"
        assert other.post("/rules/new", data={}).status_code == 403
        assert other.get("/export/alerts.csv").status_code == 200
        assert chief.get("/alerts").status_code == 200
