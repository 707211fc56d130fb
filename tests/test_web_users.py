"""Accounts, sessions, tokens and the audit log."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from core.errors import UsageError
from store import tokens, users
from store.database import Store
from store.schema import sessions
from store.schema import tokens as token_table
from store.schema import users as user_table

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
GOOD = "烽火连三月，家书抵万金"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'desk.db'}")
    made.migrate()
    with made.write() as db:
        users.create_user(db, "desk-1", role="officer", territory="360700", display_name="一席", password=GOOD, now=NOW)
    yield made
    made.close()


def test_a_right_password_signs_in(store: Store) -> None:
    attempt = users.sign_in(store, "desk-1", GOOD, now=NOW)
    assert attempt.user is not None
    assert attempt.user.display_name == "一席"


def test_five_wrong_passwords_lock_and_a_right_one_does_not_open(store: Store) -> None:
    left = [users.sign_in(store, "desk-1", "wrong-password", now=NOW).left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    locked = users.sign_in(store, "desk-1", GOOD, now=NOW)
    assert locked.user is None
    assert locked.locked_until == NOW + users.LOCK


def test_a_guess_at_a_stolen_hash_is_dear(shipped_hasher: PasswordHasher) -> None:
    assert shipped_hasher.hash("correct horse").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_the_lock_ends_by_itself(store: Store) -> None:
    for _ in range(5):
        users.sign_in(store, "desk-1", "wrong-password", now=NOW)
    assert users.sign_in(store, "desk-1", GOOD, now=NOW + users.LOCK).user is not None


def test_guesses_in_parallel_cannot_outrun_the_lock(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        attempts = list(pool.map(lambda i: users.sign_in(store, "desk-1", f"guess-{i}-xx", now=NOW), range(12)))
    # Those that were looked at at all: five; the rest was refused before the password was read.
    assert sum(attempt.locked_until is None for attempt in attempts) == users.MAX_FAILURES - 1
    assert users.sign_in(store, "desk-1", GOOD, now=NOW).user is None


def test_a_right_sign_in_forgets_earlier_failures(store: Store) -> None:
    for _ in range(4):
        users.sign_in(store, "desk-1", "wrong-password", now=NOW)
    users.sign_in(store, "desk-1", GOOD, now=NOW)
    assert users.sign_in(store, "desk-1", "wrong-password", now=NOW).left == 4


def test_an_unknown_name_reads_like_a_wrong_password(store: Store) -> None:
    known, unknown = (users.sign_in(store, name, "wrong-password", now=NOW) for name in ("desk-1", "nobody"))
    assert (known.user, known.left) == (unknown.user, unknown.left)


@pytest.mark.parametrize("password", ["short", "x" * 300])
def test_passwords_have_a_length(password: str) -> None:
    with pytest.raises(UsageError, match="密码须为"):
        users.hash_password(password)


@pytest.mark.parametrize("name", ["", "Admin", "一席", "a b", "-x", "x" * 40])
def test_names_that_cannot_be_typed_are_refused(store: Store, name: str) -> None:
    with store.write() as db, pytest.raises(UsageError, match="不可用"):
        users.create_user(db, name, role="viewer", territory="360000", display_name="", password=None, now=NOW)


def test_a_name_is_given_once(store: Store) -> None:
    with store.write() as db, pytest.raises(UsageError, match="已存在"):
        users.create_user(db, "desk-1", role="viewer", territory="360000", display_name="", password=None, now=NOW)


def test_no_secret_lies_in_the_store(store: Store) -> None:
    with store.write() as db:
        cookie, _ = users.open_session(db, "desk-1", now=NOW)
        feed = tokens.create_token(db, "feed", user="desk-1", note="手机", now=NOW)
        rows = [str(row) for table in (user_table, sessions, token_table) for row in db.execute(table.select())]
    assert not [row for row in rows for secret in (GOOD, cookie, feed) if secret in row]


def test_a_session_ends_after_twelve_hours_and_after_three_idle_ones(store: Store) -> None:
    with store.write() as db:
        cookie, session = users.open_session(db, "desk-1", now=NOW)
        assert users.find_session(db, cookie, now=NOW + timedelta(hours=2)) is not None
        assert users.find_session(db, cookie, now=NOW + timedelta(hours=3, seconds=1)) is None
        users.touch_session(db, session.key, now=NOW + timedelta(hours=11))
        assert users.find_session(db, cookie, now=NOW + timedelta(hours=11, minutes=59)) is not None
        assert users.find_session(db, cookie, now=NOW + timedelta(hours=12)) is None


def test_a_new_password_ends_every_session(store: Store) -> None:
    with store.write() as db:
        cookie, _ = users.open_session(db, "desk-1", now=NOW)
        users.set_password(db, "desk-1", GOOD + "二")
        assert users.find_session(db, cookie, now=NOW) is None


def test_a_closed_account_is_out_at_once(store: Store) -> None:
    with store.write() as db:
        cookie, _ = users.open_session(db, "desk-1", now=NOW)
        users.set_active(db, "desk-1", False)
        assert users.find_session(db, cookie, now=NOW) is None
    assert users.sign_in(store, "desk-1", GOOD, now=NOW).user is None


def test_the_first_link_works_once_and_only_the_newest(store: Store) -> None:
    with store.write() as db:
        user_table_is_empty = db.execute(user_table.delete())
        assert user_table_is_empty.rowcount == 1
        old, new = users.first_admin_token(db, now=NOW), users.first_admin_token(db, now=NOW)
        assert old
        assert new
        assert tokens.spend_token(db, old, purpose="first_admin", now=NOW) is None
        spent = tokens.spend_token(db, new, purpose="first_admin", now=NOW)
        assert spent is not None
        assert spent.user == "admin"
        assert tokens.spend_token(db, new, purpose="first_admin", now=NOW) is None


def test_once_other_accounts_exist_nobody_gets_in_by_a_first_link(store: Store) -> None:
    with store.write() as db:
        assert users.first_admin_token(db, now=NOW) is None


def test_the_first_link_ends_with_a_password(store: Store) -> None:
    with store.write() as db:
        db.execute(user_table.delete())
        assert users.first_admin_token(db, now=NOW)
        users.set_password(db, "admin", GOOD)
        assert users.first_admin_token(db, now=NOW) is None


def test_a_revoked_feed_is_gone_and_nobody_revokes_another_ones(store: Store) -> None:
    with store.write() as db:
        secret = tokens.create_token(db, "feed", user="desk-1", note="手机", now=NOW)
        found = tokens.find_token(db, secret, purpose="feed", now=NOW)
        assert found is not None
        assert tokens.find_token(db, secret, purpose="api", now=NOW) is None
        assert not tokens.revoke_token(db, "other", found.key, now=NOW)
        assert tokens.revoke_token(db, "desk-1", found.key, now=NOW)
        assert tokens.find_token(db, secret, purpose="feed", now=NOW) is None
