"""管理: accounts with invitation links, roles and territories, resets, tokens; who may, and that all is noted."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from core.errors import UsageError
from store import account_care, audit, second_factor, tokens, users
from store.database import Store
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD, sign_in, value_of
from web.app import create_app
from web.services import Services

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NEW = "白头搔更短，浑欲不胜簪"
PEOPLE = (
    ("root", "admin", "000000"), ("yichun", "admin", "360900"), ("gaoan", "officer", "360983"),
    ("ganzhou", "officer", "360700"), ("chief", "supervisor", "000000"),
)  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("settings"), clock=lambda: NOW)
    yield made
    made.store.close()


@pytest.fixture
def open_as(services: Services) -> Iterator[Callable[[str], TestClient]]:
    """A browser; signed in for a name. Accounts are as in PEOPLE again for each test."""
    opened: list[TestClient] = []
    with services.store.write() as db:
        for name, role, territory in PEOPLE:
            values: dict[str, Any] = {"role": role, "territory": territory, "display_name": name}
            if users.find_user(db, name) is None:
                users.create_user(db, name, **values, password=PASSWORD, now=NOW)
            account_care.change_user(db, name, **values)
            users.set_active(db, name, True)
            users.set_password(db, name, PASSWORD)
            second_factor.remove(db, name)

    def open_desk(name: str = "", password: str = PASSWORD) -> TestClient:
        client = TestClient(create_app(services), follow_redirects=False)
        opened.append(client)
        if name:
            sign_in(client, name, password=password)
        return client

    yield open_desk
    for client in opened:
        client.close()


def post(client: TestClient, path: str, **form: str) -> Any:
    return client.post(path, data={"csrf": value_of(client.get("/account").text, "csrf"), **form})


def link_in(html: str) -> str:
    found = re.search(r"(/invite\?token=[\w-]+)", html)
    assert found
    return found[1]


def set_through(client: TestClient, link: str, password: str = NEW, again: str = "") -> Any:
    page = client.get(link).text
    form = {"door": value_of(page, "door"), "token": value_of(page, "token")}
    return client.post("/invite", data={**form, "new": password, "again": again or password})


def last_note(services: Services) -> tuple[str, str, str]:
    with services.store.read() as db:
        line = next(line for line in audit.newest(db, 5) if not line.action.startswith("sign_"))
    return line.actor, line.action, line.object


def test_a_new_account_is_reached_by_a_link_that_works_once(
    open_as: Callable[..., TestClient], services: Services
) -> None:
    admin, guest, other = open_as("root"), open_as(), open_as()
    made = post(
        admin, "/settings/users/new", name="nanchang-1", display_name="南昌一席", role="officer", territory="360100"
    )
    assert made.status_code == 200
    assert last_note(services) == ("root", "user_create", "nanchang-1")
    assert "未设密码" in admin.get("/settings/users?view=waiting").text
    link = link_in(made.text)
    other.get(link)  # looking does not use it up
    assert "两次输入的新密码不同" in set_through(guest, link, again="else").text
    assert "密码须为" in set_through(guest, link, password="short").text
    assert set_through(guest, link).headers["location"] == "/"
    assert guest.get("/alerts").status_code == 200
    assert "已用过" in other.get(link).text
    assert open_as("nanchang-1", NEW).get("/account").status_code == 200


def test_a_link_ends_after_three_days_and_with_a_newer_one(
    open_as: Callable[..., TestClient], services: Services
) -> None:
    with services.store.write() as db:
        old = account_care.invite(db, "gaoan", now=NOW, reset=False)
        late = account_care.invite(db, "ganzhou", now=NOW - timedelta(days=3), reset=False)
        account_care.invite(db, "gaoan", now=NOW, reset=False)
    for secret in (old, late):
        assert open_as().get(f"/invite?token={secret}").status_code == 403


def test_a_reset_ends_the_old_password_and_what_was_open(
    open_as: Callable[..., TestClient], services: Services
) -> None:
    admin, theirs = open_as("root"), open_as("ganzhou")
    answer = post(admin, "/settings/users/ganzhou/invite")
    assert "原密码已作废" in answer.text
    assert last_note(services) == ("root", "user_invite", "ganzhou")
    assert theirs.get("/alerts").status_code == 303
    assert users.sign_in(services.store, "ganzhou", PASSWORD, now=NOW).user is None
    assert set_through(theirs, link_in(answer.text)).status_code == 303
    assert users.sign_in(services.store, "ganzhou", NEW, now=NOW).user is not None


def test_a_link_does_not_go_around_the_second_step(open_as: Callable[..., TestClient], services: Services) -> None:
    with services.store.write() as db:
        secret = second_factor.begin(db, "gaoan", services.vault)
        code = second_factor.time_code(secret, second_factor.step_of(NOW))
        second_factor.confirm(db, "gaoan", code, second_factor.make_codes(), services.vault, now=NOW)
    admin, guest = open_as("root"), open_as()
    assert (
        set_through(guest, link_in(post(admin, "/settings/users/gaoan/invite").text)).headers["location"] == "/signin"
    )
    assert guest.get("/alerts").status_code == 303
    assert post(admin, "/settings/users/gaoan/two-step-off").status_code == 303
    assert last_note(services) == ("root", "user_two_step_off", "gaoan")
    assert open_as("gaoan", NEW).get("/alerts").status_code == 200


def test_role_and_territory_change_at_once_and_the_log_says_from_what_to_what(
    open_as: Callable[..., TestClient], services: Services
) -> None:
    admin, theirs = open_as("root"), open_as("ganzhou")
    assert theirs.get("/audit").status_code == 403
    changed = {"display_name": "赣州带班", "role": "supervisor", "territory": "360700"}
    assert post(admin, "/settings/users/ganzhou", **changed).headers["location"].endswith("said=changed")
    assert theirs.get("/audit").status_code == 200
    with services.store.read() as db:
        assert audit.newest(db, 1)[0].details == {"role": "officer → supervisor", "name": "ganzhou → 赣州带班"}
    assert "officer → supervisor" in admin.get("/settings/users/ganzhou").text


def test_a_closed_account_is_out_and_comes_back_when_opened(
    open_as: Callable[..., TestClient], services: Services
) -> None:
    admin, theirs = open_as("root"), open_as("ganzhou")
    post(admin, "/settings/users/ganzhou/off")
    assert last_note(services) == ("root", "user_off", "ganzhou")
    assert theirs.get("/alerts").status_code == 303
    assert post(admin, "/settings/users/ganzhou/invite").status_code == 409
    post(admin, "/settings/users/ganzhou/on")
    assert open_as("ganzhou").get("/alerts").status_code == 200


@pytest.mark.parametrize("name", ["gaoan", "chief"])
@pytest.mark.parametrize("path", ["/settings", "/settings/users", "/settings/users/new", "/settings/tokens",
                                  "/settings/users/ganzhou"])  # fmt: skip
def test_only_administrators_look_after_accounts(open_as: Callable[..., TestClient], name: str, path: str) -> None:
    client = open_as(name)
    assert client.get(path).status_code == 403
    assert 'href="/settings"' not in client.get("/account").text


@pytest.mark.parametrize("what", ["", "/off", "/on", "/invite", "/two-step-off"])
@pytest.mark.parametrize(("name", "target", "status"), [("chief", "gaoan", 403), ("yichun", "ganzhou", 404),
                                                        ("yichun", "root", 404), ("root", "nobody", 404)])  # fmt: skip
def test_nobody_touches_what_is_not_theirs(
    open_as: Callable[..., TestClient], name: str, target: str, status: int, what: str
) -> None:
    form = {"role": "viewer", "territory": "360983", "display_name": "x"}
    assert post(open_as(name), f"/settings/users/{target}{what}", **form).status_code == status
    if target != "nobody":
        assert open_as(target).get("/alerts").status_code == 200


def test_a_prefecture_looks_after_its_own_and_gives_no_more_than_it_has(
    open_as: Callable[..., TestClient], services: Services
) -> None:
    admin = open_as("yichun")
    page = admin.get("/settings/users").text
    assert "gaoan" in page
    assert "ganzhou" not in page
    form = admin.get("/settings/users/new").text
    assert "360983" in form
    assert "360700" not in form
    assert "000000" not in form
    for territory in ("000000", "360000", "360700", ""):
        wrong = post(admin, "/settings/users/new", name="z1", display_name="z", role="admin", territory=territory)
        assert (wrong.status_code, "不能超出自己的属地" in wrong.text) == (400, True)
        moved = post(admin, "/settings/users/gaoan", display_name="z", role="officer", territory=territory)
        assert moved.status_code == 400
    with services.store.read() as db:
        assert users.find_user(db, "z1") is None


def test_nobody_raises_or_closes_themselves(open_as: Callable[..., TestClient]) -> None:
    admin = open_as("yichun")
    assert post(admin, "/settings/users/yichun/off").status_code == 409
    assert post(admin, "/settings/users/yichun/two-step-off").status_code == 409
    own = post(admin, "/settings/users/yichun", display_name="x", role="viewer", territory="360900")
    assert (own.status_code, "另一位管理员" in own.text) == (400, True)


def test_one_who_looks_after_all_is_always_left(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    store.migrate()
    with store.write() as db:
        for name, role in (("one", "admin"), ("two", "officer")):
            users.create_user(db, name, role=role, territory="000000", display_name="", password=None, now=NOW)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="唯一"):
            account_care.close_account(db, "one")
        with pytest.raises(UsageError, match="唯一"):
            account_care.change_user(db, "one", role="admin", territory="360700", display_name="")
        account_care.change_user(db, "two", role="admin", territory="000000", display_name="")
        account_care.close_account(db, "one")
    store.close()


def test_tokens_show_their_last_use_and_are_revoked(open_as: Callable[..., TestClient], services: Services) -> None:
    with services.store.write() as db:
        secret = tokens.create_token(db, "feed", user="gaoan", note="值班手机", now=NOW - timedelta(days=100))
        tokens.create_token(db, "api", user="ganzhou", note="数据平台", now=NOW)
    admin, reader = open_as("yichun"), open_as()
    page = admin.get("/settings/tokens").text
    assert "值班手机" in page
    assert "90 日未用" in page
    assert "数据平台" not in page
    assert secret not in page
    assert reader.get(f"/feeds/{secret}/alerts.atom").status_code == 200
    assert "未用过" not in admin.get("/settings/tokens").text
    key = value_of(admin.get("/settings/tokens").text, "key")
    post(open_as("chief"), "/settings/tokens/revoke", key=key)
    assert reader.get(f"/feeds/{secret}/alerts.atom").status_code == 200
    post(admin, "/settings/tokens/revoke", key=key)
    assert last_note(services) == ("yichun", "user_token_revoke", "gaoan")
    assert reader.get(f"/feeds/{secret}/alerts.atom").status_code == 404


def test_the_overview_counts_what_its_links_show(open_as: Callable[..., TestClient]) -> None:
    admin = open_as("yichun")
    page = admin.get("/settings").text
    assert re.search(r'<a href="/settings/users"><b>(\d+)</b>', page)[1] == "2"  # type: ignore[index]
    assert len(re.findall(r'<th scope="row"', admin.get("/settings/users").text)) == 2
