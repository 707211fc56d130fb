"""Signing in through another house: the way there and back, what is believed, whose account it is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from config.lexicon import load_lexicon
from config.settings import PROJECT
from config.signin import SignIn, load_sign_in
from core.errors import ConfigError
from store import audit, users
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD
from tests.oidc_provider import CLIENT, SECRET, Provider, running_provider
from web.app import create_app
from web.services import Services

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PUBLIC = "http://desk.example"
PERSON = {"sub": "4711", "preferred_username": "Li.Na", "name": "李娜", "groups": ["staff", "fengsui-officer"],
          "region_code": "360900"}  # fmt: skip
GRANTS = [
    {"claim": "groups", "value": "fengsui-admin", "role": "admin", "territory": "000000"},
    {"claim": "groups", "value": "fengsui-chief", "role": "supervisor", "territory": "360000"},
    {"claim": "groups", "value": "fengsui-officer", "role": "officer", "territory_from": "region_code"},
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("oidc"), clock=lambda: NOW)
    with made.store.write() as db:
        known: dict[str, Any] = {"role": "supervisor", "territory": "000000", "display_name": ""}
        users.create_user(db, "chief", **known, password=PASSWORD, now=NOW)
    yield made
    made.store.close()


@dataclass
class Desk:
    services: Services
    provider: Provider
    client: TestClient

    def sign_in(self, wanted: str = "") -> Any:
        """The whole way; the answer to the browser that comes back."""
        left = self.client.get("/signin/oidc", params={"next": wanted} if wanted else {})
        assert left.status_code == 303
        sent = httpx.get(left.headers["location"])
        assert sent.status_code == 302
        return self.come_back(sent.headers["location"])

    def come_back(self, address: str) -> Any:
        return self.client.get(address.removeprefix(PUBLIC))

    def as_new_browser(self) -> "Desk":
        return replace(self, client=TestClient(create_app(self.services), follow_redirects=False))

    def user(self, name: str) -> users.User | None:
        with self.services.store.read() as db:
            return users.find_user(db, name)


@pytest.fixture
def desk(base: Services) -> Iterator[Desk]:
    with running_provider(f"{PUBLIC}/signin/oidc/callback", NOW) as provider:
        # A provider of its own for each test: its people are others.
        provider.person = dict(PERSON)
        rules = {"title": "统一认证", "issuer": provider.issuer, "client_id": CLIENT, "grants": GRANTS}
        settings = base.settings.model_copy(update={"public_url": PUBLIC, "oidc_secret": SecretStr(SECRET)})
        sign_in = SignIn.model_validate({"oidc": rules, "two_step_for": ["officer"]})
        services = replace(base, settings=settings, sign_in=sign_in)
        made = Desk(services, provider, TestClient(create_app(services), follow_redirects=False))
        yield made
        made.client.close()


def test_somebody_known_elsewhere_gets_an_account_and_the_page_that_was_wanted(desk: Desk) -> None:
    desk.provider.person |= {"preferred_username": "Li.Na"}
    door = desk.client.get("/signin?next=/alerts%3Fview%3Dall").text
    assert "统一认证登录" in door
    assert 'href="/signin/oidc?next=/alerts%3Fview%3Dall"' in door
    answer = desk.sign_in("/alerts?view=all")
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts?view=all")
    # A second step is asked of officers, but that is the other house's to do.
    assert desk.client.get("/alerts").status_code == 200
    made = desk.user("li.na")
    assert made is not None
    assert (made.role, made.territory, made.display_name, made.outside) == ("officer", "360900", "李娜", True)
    account = desk.client.get("/account").text
    assert "由统一认证登录" in account
    assert "新密码" not in account
    assert "还没有密码" not in desk.client.get("/").text
    with desk.services.store.read() as db:
        assert [line.action for line in audit.search(db, object="li.na", limit=2)] == ["sign_in", "user_create"]


def test_role_and_territory_follow_at_the_next_sign_in(desk: Desk) -> None:
    desk.provider.person |= {"sub": "2", "preferred_username": "wang"}
    desk.sign_in()
    desk.provider.person |= {"groups": ["fengsui-chief"], "preferred_username": "renamed"}
    again = desk.as_new_browser()
    assert again.sign_in().status_code == 303
    followed = desk.user("wang")  # who it is says the subject, not the name
    assert followed is not None
    assert (followed.role, followed.territory) == ("supervisor", "360000")
    assert desk.user("renamed") is None
    with desk.services.store.read() as db:
        changed = audit.search(db, action="user_change", object="wang")[0]
        assert changed.details == {"role": "officer → supervisor", "territory": "360900 → 360000"}


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({"groups": ["staff"]}, "还没有分到本系统的角色"),
        ({"groups": "fengsui-officers"}, "还没有分到本系统的角色"),
        ({"region_code": None}, "还没有分到本系统的角色"),
        ({"region_code": "999999"}, "属地代码不在本系统内"),
        ({"preferred_username": "chief"}, "已是本系统的账号"),
    ],
)
def test_who_has_no_place_here_is_told_so(desk: Desk, person: dict[str, Any], said: str) -> None:
    desk.provider.person |= {"sub": "nobody", "preferred_username": "stranger", **person}
    answer = desk.sign_in()
    assert (answer.status_code, said in answer.text) == (403, True)
    assert desk.client.get("/alerts").status_code == 303
    assert desk.user("stranger") is None


def test_a_closed_account_stays_closed(desk: Desk) -> None:
    desk.provider.person |= {"sub": "3", "preferred_username": "zhao"}
    desk.sign_in()
    with desk.services.store.write() as db:
        users.set_active(db, "zhao", False)
    answer = desk.as_new_browser().sign_in()
    assert (answer.status_code, "已停用" in answer.text) == (403, True)


AFTER = int(NOW.timestamp())


@pytest.mark.parametrize(
    "lie",
    [
        {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["another", CLIENT]}, {"nonce": "other"},
        {"nonce": None}, {"exp": AFTER - 120}, {"exp": None}, {"sub": None}, {"iat": AFTER + 600},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_that_is_not_for_this_sign_in_is_not_believed(desk: Desk, lie: dict[str, Any]) -> None:
    desk.provider.lie = lie
    answer = desk.sign_in()
    assert answer.status_code == 403
    assert "身份令牌" in answer.text
    assert desk.client.get("/alerts").status_code == 303


@pytest.mark.parametrize("key", ["nothing", "secret", "another's"])
def test_a_token_nobody_of_theirs_signed_is_not_believed(desk: Desk, key: str) -> None:
    desk.provider.sign_with = key
    answer = desk.sign_in()
    assert (answer.status_code, "不可信" in answer.text) == (403, True)


def test_new_keys_of_the_provider_are_fetched(desk: Desk) -> None:
    desk.provider.person |= {"sub": "4", "preferred_username": "qian"}
    assert desk.sign_in().status_code == 303
    desk.client.cookies.clear()
    desk.provider.change_key()
    assert desk.sign_in().status_code == 303
    assert desk.provider.asked.count("/keys") == 2
    assert desk.provider.asked.count("/.well-known/openid-configuration") == 1


def test_an_answer_is_good_once_and_only_for_who_asked(desk: Desk) -> None:
    desk.provider.person |= {"sub": "5", "preferred_username": "sun"}
    sent = httpx.get(desk.client.get("/signin/oidc").headers["location"]).headers["location"]
    victim = desk.as_new_browser()
    assert "不是从这里开始的" in victim.come_back(sent).text  # somebody else's answer is put under
    wrong = sent.replace("state=", "state=x")
    assert desk.come_back(wrong).status_code == 403
    assert desk.come_back(sent).status_code == 403  # spent by the wrong one
    assert desk.sign_in().status_code == 303


def test_a_trip_that_took_too_long_begins_again(desk: Desk) -> None:
    now = [NOW]
    slow = replace(desk.services, clock=lambda: now[0])
    late = replace(desk, services=slow, client=TestClient(create_app(slow), follow_redirects=False))
    sent = httpx.get(late.client.get("/signin/oidc").headers["location"]).headers["location"]
    now[0] += timedelta(minutes=10, seconds=1)
    assert late.come_back(sent).status_code == 403


def test_a_refusal_over_there_is_told(desk: Desk) -> None:
    desk.provider.refuse = True
    answer = desk.sign_in()
    assert (answer.status_code, "没有让您进入" in answer.text) == (403, True)


def test_while_the_provider_is_down_local_accounts_still_sign_in(desk: Desk) -> None:
    desk.provider.down = True
    answer = desk.client.get("/signin/oidc")
    assert (answer.status_code, "可先用本地账号登录" in answer.text) == (503, True)
    door = answer.text.split('name="door" value="')[1].split('"')[0]
    form = {"door": door, "username": "chief", "password": PASSWORD}
    assert desk.client.post("/signin", data=form).status_code == 303


@pytest.mark.parametrize("field", ["issuer", "token_endpoint"])
def test_a_provider_that_describes_another_one_is_not_used(desk: Desk, field: str, monkeypatch: Any) -> None:
    told = {**desk.provider.discovery(), field: "http://evil.example/token"}
    monkeypatch.setattr(desk.provider, "discovery", lambda: told)
    assert desk.client.get("/signin/oidc").status_code == 503


def test_without_a_provider_there_is_no_button(base: Services) -> None:
    with TestClient(create_app(base), follow_redirects=False) as client:
        assert "/signin/oidc" not in client.get("/signin").text
        assert client.get("/signin/oidc").headers["location"] == "/signin"


def test_the_way_there_says_nothing_secret(desk: Desk) -> None:
    asked = parse_qs(urlsplit(desk.client.get("/signin/oidc").headers["location"]).query)
    assert set(asked) == {"response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
                          "code_challenge_method"}  # fmt: skip


RULES = "oidc:\n  title: 统一认证\n  issuer: {issuer}\n  client_id: fengsui\n  grants:\n    - {grant}\n"


@pytest.mark.parametrize(
    ("issuer", "grant", "mistake"),
    [
        ("http://id.example", "{claim: a, value: b, role: admin, territory: '360000'}", "oidc.issuer"),
        ("https://id.example", "{claim: a, value: b, role: admin}", "either territory or territory_from"),
        ("https://id.example", "{claim: a, value: b, role: king, territory: '360000'}", "oidc.grants.0.role"),
        ("https://id.example", "{claim: a, value: b, role: admin, territory: '369999'}", "'369999' is unknown"),
    ],
)
def test_mistakes_of_the_file_are_named(tmp_path: Path, issuer: str, grant: str, mistake: str) -> None:
    (tmp_path / "signin.yml").write_text(RULES.format(issuer=issuer, grant=grant), encoding="utf-8")
    with pytest.raises(ConfigError) as told:
        load_sign_in(tmp_path, regions=load_lexicon(PROJECT / "config").regions)
    assert mistake in str(told.value)
