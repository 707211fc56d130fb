"""Accounts and sessions. Secrets are stored as hashes only; what a caller gets in clear is shown once.

Passwords: argon2id (argon2-cffi's defaults, RFC 9106 low-memory profile). An attempt is charged before the password is
looked at, so that parallel guesses cannot outrun the lock.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, delete, exists, func, select, update

from core.errors import UsageError
from core.ids import digest
from store.database import Store
from store.inserts import create_only
from store.schema import identities, second_factors, sessions, tokens, users
from store.tokens import create_token

Role = Literal["viewer", "officer", "supervisor", "admin"]
ROLES: tuple[Role, ...] = ("viewer", "officer", "supervisor", "admin")
EVERYWHERE = "000000"
"""The territory of a user who sees all."""

MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
SESSION_LENGTH = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=3)
SEEN_STEP = timedelta(minutes=1)
FIRST_LINK_LENGTH = timedelta(days=1)
MIN_PASSWORD = 10
MAX_PASSWORD = 256
NAME_FORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
FIRST_ADMIN = "admin"

PASSWORD_HASHER = PasswordHasher()
"""Its cost stands in each hash: one made with another cost is still checked."""


@dataclass(frozen=True)
class User:
    """An account. territory: region code, 000000 is all. has_password: False until one was set.

    two_step: a second step of signing in is in use (store/second_factor.py).  outside: signs in by OIDC, with no
    password here.
    """

    name: str
    role: Role
    territory: str
    display_name: str
    theme: str
    active: bool
    has_password: bool
    created_at: datetime
    locked_until: datetime | None
    details: Mapping[str, Any]
    signed_in_at: datetime | None = None
    two_step: bool = False
    outside: bool = False
    language: str = "zh"


@dataclass(frozen=True)
class Attempt:
    """The outcome of a sign-in. left: further tries before the lock; locked_until: set while locked."""

    user: User | None
    left: int = 0
    locked_until: datetime | None = None


@dataclass(frozen=True)
class Session:
    """A signed-in browser. key: the stored hash of its cookie.  how: password | code (and a password) | link | oidc.

    address, agent: what the browser told when it signed in.
    """

    key: str
    user: User
    csrf: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    how: str
    address: str
    agent: str


_TWO_STEP = (
    exists().where(second_factors.c.user == users.c.name, second_factors.c.confirmed_at.is_not(None)).label("two_step")
)
_OUTSIDE = exists().where(identities.c.user == users.c.name).label("outside")
_USERS = select(users, _TWO_STEP, _OUTSIDE)


# --- accounts ---------------------------------------------------------------------------------------------------


def create_user(
    db: Connection,
    name: str,
    *,
    role: Role,
    territory: str,
    display_name: str,
    password: str | None,
    now: datetime,
) -> User:
    """Make an account; without a password it is reached by a sign-in link only. Raises UsageError."""
    if NAME_FORM.fullmatch(name) is None:
        raise UsageError(f"账号 {name!r} 不可用：只用小写字母、数字、点和横线，至多 32 个字符")
    if role not in ROLES:
        raise UsageError(f"角色 {role!r} 不存在（可用：{'、'.join(ROLES)}）")
    values = {
        "name": name, "password": hash_password(password) if password is not None else "", "role": role,
        "territory": territory, "display_name": display_name or name, "active": True, "created_at": now,
        "theme": "auto", "failures": 0, "details": {},
    }  # fmt: skip
    if not create_only(db, users, values):
        raise UsageError(f"账号 {name} 已存在")
    made = find_user(db, name)
    assert made is not None
    return made


def find_user(db: Connection, name: str) -> User | None:
    """An account by name."""
    row = db.execute(_USERS.where(users.c.name == name)).mappings().first()
    return _user(row) if row else None


def list_users(db: Connection) -> list[User]:
    """All accounts, by name."""
    return [_user(row) for row in db.execute(_USERS.order_by(users.c.name)).mappings()]


def count_users(db: Connection) -> int:
    """How many accounts there are."""
    return db.execute(select(func.count()).select_from(users)).scalar_one()


def set_password(db: Connection, name: str, password: str) -> None:
    """Give an account a new password, end its sessions, lift its lock. Raises UsageError."""
    set_hashed_password(db, name, hash_password(password))


def set_hashed_password(db: Connection, name: str, hashed: str) -> None:
    """The same with a hash made before the transaction. Raises UsageError."""
    values = {"password": hashed, "failures": 0, "locked_until": None}
    if db.execute(update(users).where(users.c.name == name).values(**values)).rowcount == 0:
        raise UsageError(f"账号 {name} 不存在")
    end_everything(db, name)


def set_theme(db: Connection, name: str, theme: str) -> None:
    """Remember the look an account wants: auto, light or dark. Raises UsageError."""
    if theme not in ("auto", "light", "dark"):
        raise UsageError(f"外观 {theme!r} 不存在（可用：auto、light、dark）")
    db.execute(update(users).where(users.c.name == name).values(theme=theme))


def set_language(db: Connection, name: str, language: str) -> None:
    """Remember the language an account reads the desk in: zh or en. Raises UsageError."""
    if language not in ("zh", "en"):
        raise UsageError(f"语言 {language!r} 不存在（可用：zh、en）")
    db.execute(update(users).where(users.c.name == name).values(language=language))


def set_keys(db: Connection, name: str, on: bool) -> None:
    """Whether single letters are shortcuts for this account."""
    details = db.execute(select(users.c.details).where(users.c.name == name)).scalar_one_or_none() or {}
    changed = {key: value for key, value in details.items() if key != "keys"} | ({} if on else {"keys": "off"})
    db.execute(update(users).where(users.c.name == name).values(details=changed))


def set_active(db: Connection, name: str, active: bool) -> None:
    """Open or close an account; a closed one loses its sessions, and its tokens are not honoured."""
    db.execute(update(users).where(users.c.name == name).values(active=active))
    if not active:
        end_everything(db, name)


def end_everything(db: Connection, name: str) -> None:
    """Sessions end, and so do links and half-done sign-ins that would open new ones."""
    end_sessions(db, name)
    opening = and_(tokens.c.user == name, tokens.c.purpose.in_(("second_step", "invite")))
    db.execute(delete(tokens).where(opening, tokens.c.used_at.is_(None)))


def hash_password(password: str) -> str:
    """The argon2id hash. Raises UsageError for one that is too short or too long."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UsageError(f"密码须为 {MIN_PASSWORD} 至 {MAX_PASSWORD} 个字符")
    return hash_secret(password)


def hash_secret(secret: str) -> str:
    """The argon2id hash of anything."""
    return PASSWORD_HASHER.hash(secret)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return PASSWORD_HASHER.hash(secrets.token_urlsafe(16))


def sign_in(store: Store, name: str, password: str, *, now: datetime) -> Attempt:
    """Check a password. Takes the store, not a transaction: hashing must not keep other writers waiting."""
    with store.write() as db:
        stored, left, locked_until = _charge(db, name, now)
    if locked_until is not None and left < 0:
        return Attempt(None, 0, locked_until)
    right = matches(stored or _nobodys_hash(), password[:MAX_PASSWORD]) and stored is not None
    if not right:
        return Attempt(None, max(left, 0), locked_until)
    with store.write() as db:
        db.execute(update(users).where(users.c.name == name).values(failures=0, locked_until=None))
        return Attempt(find_user(db, name), MAX_FAILURES)


def _charge(db: Connection, name: str, now: datetime) -> tuple[str | None, int, datetime | None]:
    """Count an attempt: (stored hash, tries left, locked until). left < 0: refused, it was locked already."""
    row = db.execute(select(users).where(users.c.name == name, users.c.active)).mappings().first()
    if row is None or not row["password"]:
        return None, MAX_FAILURES - 1, None
    if row["locked_until"] is not None and row["locked_until"] > now:
        return None, -1, row["locked_until"]
    failures = 1 if row["locked_until"] is not None else row["failures"] + 1
    locked_until = now + LOCK if failures >= MAX_FAILURES else None
    values = {"failures": failures, "locked_until": locked_until}
    db.execute(update(users).where(users.c.name == name).values(**values))
    return row["password"], MAX_FAILURES - failures, locked_until


def matches(stored: str, password: str) -> bool:
    """Whether an argon2 hash is that of `password`."""
    try:
        return PASSWORD_HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


# --- sessions ---------------------------------------------------------------------------------------------------


def open_session(
    db: Connection, user: str, *, now: datetime, how: str = "password", address: str = "", agent: str = ""
) -> tuple[str, Session]:
    """Start a session: (cookie value, session). Old sessions of anybody that ran out are swept away."""
    secret = secrets.token_urlsafe(32)
    db.execute(delete(sessions).where(sessions.c.expires_at < now))
    db.execute(delete(tokens).where(tokens.c.purpose.in_(("second_step", "oidc")), tokens.c.expires_at < now))
    values = {
        "token_hash": digest(secret), "user": user, "csrf": secrets.token_urlsafe(24), "created_at": now,
        "seen_at": now, "expires_at": now + SESSION_LENGTH, "how": how,
        "address": address[:60], "agent": agent[:300],
    }  # fmt: skip
    db.execute(sessions.insert().values(**values))
    db.execute(update(users).where(users.c.name == user).values(signed_in_at=now))
    found = find_session(db, secret, now=now)
    assert found is not None
    return secret, found


def find_session(db: Connection, secret: str, *, now: datetime) -> Session | None:
    """The living session of a cookie: not over, not idle for too long, of an open account."""
    query = _SESSIONS.where(sessions.c.token_hash == digest(secret), *_alive(now))
    row = db.execute(query).mappings().first()
    return _session(row) if row else None


def list_sessions(db: Connection, user: str, *, now: datetime) -> list[Session]:
    """An account's living sessions, last used first."""
    query = _SESSIONS.where(sessions.c.user == user, *_alive(now)).order_by(sessions.c.seen_at.desc())
    return [_session(row) for row in db.execute(query).mappings()]


_SESSIONS = select(
    sessions,
    *(column.label(f"u_{column.name}") for column in users.c),
    _TWO_STEP.element.label("u_two_step"),
    _OUTSIDE.element.label("u_outside"),
).join(users, users.c.name == sessions.c.user)


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return sessions.c.expires_at > now, sessions.c.seen_at >= now - SESSION_IDLE, users.c.active


def _session(row: RowMapping) -> Session:
    user = _user({name.removeprefix("u_"): value for name, value in row.items() if name.startswith("u_")})
    names = [name for name in Session.__dataclass_fields__ if name not in ("key", "user")]
    return Session(key=row["token_hash"], user=user, **{name: row[name] for name in names})


def touch_session(db: Connection, key: str, *, now: datetime) -> None:
    """Note that a session is in use (the caller does so at most once per SEEN_STEP)."""
    db.execute(update(sessions).where(sessions.c.token_hash == key).values(seen_at=now))


def end_session(db: Connection, key: str) -> None:
    """Sign one browser out."""
    db.execute(delete(sessions).where(sessions.c.token_hash == key))


def end_own_session(db: Connection, user: str, key: str) -> bool:
    """Sign one of an account's own browsers out. True when this call did it."""
    mine = and_(sessions.c.user == user, sessions.c.token_hash == key)
    return db.execute(delete(sessions).where(mine)).rowcount == 1


def end_sessions(db: Connection, user: str, *, but: str = "") -> None:
    """Sign an account out everywhere, except for the session `but`."""
    db.execute(delete(sessions).where(sessions.c.user == user, sessions.c.token_hash != but))


# --- the first administrator ------------------------------------------------------------------------------------


def first_admin_token(db: Connection, *, now: datetime) -> str | None:
    """A fresh single-use sign-in secret for the first administrator; None once that account has a password.

    Earlier links that nobody opened are revoked, so that one printed address works at a time.
    """
    if count_users(db) == 0:
        create_user(db, FIRST_ADMIN, role="admin", territory=EVERYWHERE, display_name="管理员", password=None, now=now)
    admin = find_user(db, FIRST_ADMIN)
    if admin is None or admin.has_password or not admin.active:
        return None
    open_links = and_(tokens.c.purpose == "first_admin", tokens.c.used_at.is_(None))
    db.execute(update(tokens).where(open_links).values(revoked_at=now))
    return create_token(
        db, "first_admin", user=FIRST_ADMIN, note="首次登录", now=now, expires_at=now + FIRST_LINK_LENGTH
    )


def _user(row: RowMapping | Mapping[str, Any]) -> User:
    names = [name for name in User.__dataclass_fields__ if name != "has_password"]
    return User(**{name: row[name] for name in names}, has_password=bool(row["password"]))
