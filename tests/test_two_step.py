"""The second step of signing in: time codes, recovery codes, what is asked of whom, and places that are signed in."""

import base64
import re
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

import cli
from config.signin import SignIn, load_sign_in
from core.errors import ConfigError, StoreError
from store import audit, second_factor, users
from store.database import Store
from store.schema import recovery_codes, second_factors
from store.second_factor import STEP_SECONDS, make_codes, step_of, time_code
from store.vault import FILE, Vault
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD, value_of
from web.app import create_app
from web.services import Services

NOW = datetime(2026, 11, 23, 6, 0, 10, tzinfo=UTC)
STEP = timedelta(seconds=STEP_SECONDS)
codes = cache(make_codes)


# RFC 6238, appendix B, SHA-1; the last six of its eight digits.
@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    secret = base64.b32encode(b"12345678901234567890").decode()
    assert time_code(secret, seconds // STEP_SECONDS) == code


# --- in the store ------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'fengsui.db'}")
    made.migrate()
    with made.write() as db:
        known: dict[str, Any] = {"role": "supervisor", "territory": "000000", "display_name": ""}
        users.create_user(db, "chief", **known, password=PASSWORD, now=NOW)
    yield made
    made.close()


def vault_of(store: Store) -> Vault:
    """The one of the desk over that store."""
    return Vault(Path(str(store.engine.url.database)).parent / FILE)


def set_up(store: Store, user: str = "chief") -> str:
    """Set a second step up long before NOW; its secret."""
    before = NOW - timedelta(days=1)
    with store.write() as db:
        secret = second_factor.begin(db, user, vault_of(store))
        assert second_factor.confirm(db, user, time_code(secret, step_of(before)), codes(), vault_of(store), now=before)
    return secret


def test_nothing_is_in_use_until_a_right_code_confirmed_it(store: Store) -> None:
    with store.write() as db:
        secret = second_factor.begin(db, "chief", vault_of(store))
        assert second_factor.begin(db, "chief", vault_of(store)) == secret
        wrong = f"{(int(time_code(secret, step_of(NOW))) + 1) % 10**6:06d}"
        assert not second_factor.confirm(db, "chief", wrong, codes(), vault_of(store), now=NOW - timedelta(days=9))
        user = users.find_user(db, "chief")
        assert user is not None
        assert not user.two_step
    assert not second_factor.check(store, "chief", time_code(secret, step_of(NOW)), vault_of(store), now=NOW).right


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_half_a_minute_off(store: Store, steps: int, right: bool) -> None:
    secret = set_up(store)
    assert (
        second_factor.check(store, "chief", time_code(secret, step_of(NOW) + steps), vault_of(store), now=NOW).right
        is right
    )


def test_a_code_works_once_also_when_two_bring_it_at_the_same_time(store: Store) -> None:
    code = time_code(set_up(store), step_of(NOW))
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda _: second_factor.check(store, "chief", code, vault_of(store), now=NOW).right, range(4))
        )
    assert sorted(found) == [False, False, False, True]


def test_an_earlier_code_does_not_pass_after_a_later_one(store: Store) -> None:
    secret = set_up(store)
    assert second_factor.check(store, "chief", time_code(secret, step_of(NOW)), vault_of(store), now=NOW).right
    assert not second_factor.check(store, "chief", time_code(secret, step_of(NOW) - 1), vault_of(store), now=NOW).right
    assert second_factor.check(
        store, "chief", time_code(secret, step_of(NOW) + 1), vault_of(store), now=NOW + STEP
    ).right


def test_five_wrong_codes_lock_and_a_right_password_does_not_open(store: Store) -> None:
    secret = set_up(store)
    attempts = [second_factor.check(store, "chief", "000000x", vault_of(store), now=NOW) for _ in range(5)]
    assert [one.left for one in attempts] == [4, 3, 2, 1, 0]
    assert users.sign_in(store, "chief", PASSWORD, now=NOW).user is not None
    code = time_code(secret, step_of(NOW))
    assert second_factor.check(store, "chief", code, vault_of(store), now=NOW).locked_until == NOW + users.LOCK
    later = NOW + users.LOCK
    assert second_factor.check(store, "chief", time_code(secret, step_of(later)), vault_of(store), now=later).right


def test_a_recovery_code_works_once_however_it_is_typed(store: Store) -> None:
    set_up(store)
    found = second_factor.check(store, "chief", codes().clear[3].upper().replace("-", " "), vault_of(store), now=NOW)
    assert (found.right, found.recovery) == (True, True)
    assert not second_factor.check(store, "chief", codes().clear[3], vault_of(store), now=NOW).right
    with store.read() as db:
        factor = second_factor.find_factor(db, "chief")
        assert factor is not None
        assert factor.left == 9
        rows = str(db.execute(recovery_codes.select()).all())
    assert not [code for code in codes().clear if code.replace("-", "") in rows]


# --- over HTTP ---------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    services: Services
    now: datetime = NOW
    opened: list[TestClient] = field(default_factory=list)

    def browser(self, agent: str = "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0") -> TestClient:
        client = TestClient(create_app(self.services), follow_redirects=False, headers={"user-agent": agent})
        self.opened.append(client)
        return client

    def password(self, client: TestClient, name: str) -> Any:
        form = {"door": value_of(client.get("/signin").text, "door"), "username": name, "password": PASSWORD}
        return client.post("/signin", data={**form, "next": "/alerts?view=all"})

    def code(self, client: TestClient, code: str) -> Any:
        page = client.get("/signin/code?next=/alerts").text
        return client.post("/signin/code", data={"door": value_of(page, "door"), "next": "/alerts", "code": code})

    def post(self, client: TestClient, path: str, **form: str) -> Any:
        return client.post(path, data={"csrf": value_of(client.get("/account").text, "csrf"), **form})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    made = make_services(tmp_path_factory.mktemp("two-step"), clock=lambda: NOW)
    yield made
    made.store.close()


@pytest.fixture
def make_desk(base: Services, request: pytest.FixtureRequest) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*asked_of: str) -> Desk:
        desk = Desk(base)
        desk.services = replace(base, clock=lambda: desk.now, sign_in=SignIn.model_validate({"two_step_for": asked_of}))
        made.append(desk)
        return desk

    with base.store.write() as db:
        for name in ("chief", "officer"):
            if users.find_user(db, name) is None:
                role = "supervisor" if name == "chief" else "officer"
                users.create_user(db, name, role=role, territory="000000", display_name="", password=PASSWORD, now=NOW)  # type: ignore[arg-type]
            second_factor.remove(db, name)
            users.end_sessions(db, name)
    yield make
    for client in [client for desk in made for client in desk.opened]:
        client.close()


def test_a_password_alone_does_not_open_what_has_a_second_step(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    secret, client = set_up(desk.services.store), desk.browser()
    answer = desk.password(client, "chief")
    assert answer.headers["location"] == "/signin/code?next=%2Falerts%3Fview%3Dall"
    assert client.get("/alerts").status_code == 303
    wrong = desk.code(client, "12345")
    assert (wrong.status_code, "还可再试 4 次" in wrong.text) == (401, True)
    code = time_code(secret, step_of(NOW))
    assert desk.code(client, code).headers["location"] == "/alerts"
    assert client.get("/alerts").status_code == 200
    other = desk.browser()
    desk.password(other, "chief")
    assert desk.code(other, code).status_code == 401  # seen over a shoulder: it was used already
    with desk.services.store.read() as db:
        actions = [line.action for line in audit.search(db, actor="chief", limit=3)]
        assert actions == ["two_step_refused", "sign_in", "two_step_refused"]


def test_the_code_must_come_soon_after_the_password(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    secret, client = set_up(desk.services.store), desk.browser()
    desk.password(client, "chief")
    page = client.get("/signin/code").text
    desk.now += timedelta(minutes=5, seconds=1)
    form = {"door": value_of(page, "door"), "next": "/", "code": time_code(secret, step_of(desk.now))}
    answer = client.post("/signin/code", data=form)
    assert (answer.status_code, "从密码重新开始" in answer.text) == (403, True)
    assert desk.browser().get("/signin/code").headers["location"] == "/signin"


def test_it_is_set_up_on_the_account_page(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    client = desk.browser()
    desk.password(client, "officer")
    assert desk.post(client, "/account/two-step/begin").headers["location"] == "/account/two-step"
    page = client.get("/account/two-step").text
    secret = re.search(r'class="secret">([^<]*)<', page)
    assert secret
    assert "<svg" in page
    bare = secret[1].replace(" ", "")
    assert f"secret={bare}&amp;issuer" in page
    wrong = desk.post(client, "/account/two-step/confirm", code="1")
    assert (wrong.status_code, "动态码不对" in wrong.text) == (400, True)
    done = desk.post(client, "/account/two-step/confirm", code=time_code(bare, step_of(NOW)))
    codes = re.findall(r"<li><code>([^<]*)<", done.text)
    assert len(codes) == 10
    assert bare not in client.get("/account").text
    assert client.get("/account/two-step").status_code == 303
    other = desk.browser()
    desk.password(other, "officer")
    assert desk.code(other, codes[0]).status_code == 303
    assert "备用码还有 9 个" in other.get("/account").text
    assert desk.post(other, "/account/two-step/change", do="off", code=codes[1]).status_code == 303
    assert desk.password(desk.browser(), "officer").headers["location"] == "/alerts?view=all"


def test_roles_that_must_have_it_see_nothing_else_before(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk("supervisor", "admin")
    chief, officer = desk.browser(), desk.browser()
    desk.password(chief, "chief")
    desk.password(officer, "officer")
    assert officer.get("/alerts").status_code == 200
    assert chief.get("/alerts").headers["location"] == "/account#two-step"
    assert [chief.get(path).status_code for path in ("/api/alerts", "/live")] == [403, 403]
    assert chief.get("/wall").headers["location"] == "/account#two-step"
    assert "须先设置两步验证" in chief.get("/account").text
    token = {"note": "报表", "days": "90", "scope": "read:alerts"}
    for path, form in (("/account/tokens", token), ("/account/feeds", {}), ("/account/walls", {})):
        assert desk.post(chief, path, **form).headers["location"] == "/account#two-step", path
    assert chief.get("/account/tokens").headers["location"] == "/account#two-step"
    desk.post(chief, "/account/two-step/begin")
    with desk.services.store.read() as db:
        factor = second_factor.find_factor(db, "chief")
    assert factor is not None
    secret = vault_of(desk.services.store).open("chief", factor.sealed)
    desk.post(
        chief,
        "/account/two-step/confirm",
        code=time_code(secret, step_of(NOW)),
    )
    assert chief.get("/alerts").status_code == 200
    desk.now += 2 * STEP
    off = desk.post(
        chief,
        "/account/two-step/change",
        do="off",
        code=time_code(secret, step_of(desk.now)),
    )
    assert off.status_code == 409


def test_other_places_are_listed_and_signed_out(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    here, phone, third = desk.browser(), desk.browser("Mozilla/5.0 (iPhone) Safari/604"), desk.browser()
    for client in (here, phone, third):
        desk.password(client, "officer")
    page = here.get("/account").text
    assert "Chrome · Windows" in page
    assert "Safari · iPhone" in page
    phones = re.search(r'name="key" value="([^"]*)"><button[^>]*aria-label="退出 Safari', page)
    assert phones
    desk.post(here, "/account/sessions/end", key=phones[1])
    assert phone.get("/alerts").status_code == 303
    assert third.get("/alerts").status_code == 200
    desk.post(here, "/account/sessions/end", key="others")
    assert third.get("/alerts").status_code == 303
    assert here.get("/alerts").status_code == 200


def test_nobody_signs_out_somebody_else(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    chief, officer = desk.browser(), desk.browser()
    desk.password(chief, "chief")
    desk.password(officer, "officer")
    with desk.services.store.read() as db:
        key = users.list_sessions(db, "chief", now=NOW)[0].key
    desk.post(officer, "/account/sessions/end", key=key)
    assert chief.get("/alerts").status_code == 200


def test_a_new_password_ends_other_places_and_half_done_sign_ins(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk()
    secret, half, here = set_up(desk.services.store), desk.browser(), desk.browser()
    desk.password(half, "chief")
    desk.password(here, "chief")
    desk.code(here, time_code(secret, step_of(NOW)))
    form = {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD}
    assert desk.post(here, "/account/password", **form).status_code == 303
    assert here.get("/alerts").status_code == 200
    assert half.get("/signin/code").status_code == 303


def test_a_lost_phone_is_taken_off_by_hand_and_noted(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(store)
    with pytest.raises(SystemExit, match="0"):
        cli.main(["user", "two-step-off", "chief", "--data", str(tmp_path)])
    with store.read() as db:
        assert second_factor.find_factor(db, "chief") is None
        assert audit.newest(db, 1)[0].action == "user_two_step_off"
    with pytest.raises(SystemExit, match="2"):
        cli.main(["user", "two-step-off", "chief", "--data", str(tmp_path)])
    assert "没有设置两步验证" in capsys.readouterr().err


def test_a_wrong_role_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "signin.yml").write_text("two_step_for: [chief]", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"signin\.yml: two_step_for\.0: 'chief' is not one of"):
        load_sign_in(tmp_path)


# --- encrypted where it lies ---------------------------------------------------------------------------------------


def stored(store: Store) -> str:
    with store.read() as db:
        return str(db.execute(select(second_factors.c.secret)).scalar_one())


def test_the_secret_lies_encrypted_under_a_key_that_only_its_owner_reads(store: Store) -> None:
    secret = set_up(store)
    assert secret not in stored(store)
    assert stat.S_IMODE(vault_of(store).path.stat().st_mode) == 0o600
    assert [path.name for path in vault_of(store).path.parent.glob(f"{FILE}*")] == [FILE]


def test_without_the_key_the_error_names_the_remedy_and_a_recovery_code_still_works(store: Store) -> None:
    secret = set_up(store)
    vault_of(store).path.unlink()
    with pytest.raises(StoreError, match=r"不在。请从备份恢复.*two-step-off"):
        second_factor.check(store, "chief", time_code(secret, step_of(NOW)), vault_of(store), now=NOW)
    with store.write() as db:
        users.create_user(db, "next", role="viewer", territory="000000", display_name="", password=PASSWORD, now=NOW)
        with pytest.raises(StoreError, match="不在"):  # a second key would hide that the first one is lost
            second_factor.begin(db, "next", vault_of(store))
    assert second_factor.check(store, "chief", codes().clear[5], vault_of(store), now=NOW).right


def test_another_key_or_another_accounts_row_does_not_open(store: Store) -> None:
    set_up(store)
    with pytest.raises(StoreError, match="不是当初那一把"):
        Vault(Path("unused"), base64.b64encode(bytes(32)).decode()).open("chief", stored(store))
    with pytest.raises(StoreError, match="打不开账号 next"):
        vault_of(store).open("next", stored(store))
    with pytest.raises(StoreError, match=r"FENGSUI_SECOND_FACTOR_KEY：须为 32 字节的 base64"):
        Vault(Path("unused"), "short").open("chief", stored(store))


def test_a_secret_stored_plain_before_works_and_is_encrypted_at_the_next_start(store: Store) -> None:
    secret = set_up(store)
    with store.write() as db:
        db.execute(update(second_factors).values(secret=secret))
    assert second_factor.check(store, "chief", time_code(secret, step_of(NOW)), vault_of(store), now=NOW).right
    with store.write() as db:
        assert second_factor.seal_plain(db, vault_of(store)) == 1
        assert second_factor.seal_plain(db, vault_of(store)) == 0
    assert secret not in stored(store)
    later = NOW + STEP
    assert second_factor.check(store, "chief", time_code(secret, step_of(later)), vault_of(store), now=later).right
