"""Secrets that stand for somebody or open something once: links, feed addresses, API keys, walls, steps of signing in.

Stored as hashes only; the secret itself is shown once, where it is made.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, RowMapping, and_, or_, select, update

from core.ids import digest
from store.schema import tokens

Purpose = Literal["first_admin", "invite", "second_step", "oidc", "feed", "api", "wall"]
SINGLE_USE: tuple[Purpose, ...] = ("first_admin", "invite", "second_step", "oidc")
TOKEN_STEP = timedelta(hours=1)
"""How often, at most, it is noted that one is in use."""


@dataclass(frozen=True)
class Token:
    """A private address or API key. key: the stored hash of its secret."""

    key: str
    purpose: str
    user: str | None
    note: str
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None
    details: Mapping[str, Any]


def create_token(
    db: Connection,
    purpose: Purpose,
    *,
    user: str | None,
    note: str,
    now: datetime,
    expires_at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Make a token and return its secret: the only time it is seen."""
    secret = secrets.token_urlsafe(24)
    values = {"token_hash": digest(secret), "purpose": purpose, "user": user, "note": note[:200], "created_at": now}
    db.execute(tokens.insert().values(**values, expires_at=expires_at, details=dict(details or {})))
    return secret


def find_token(db: Connection, secret: str, *, purpose: str, now: datetime) -> Token | None:
    """The token of a secret, if it is for `purpose` and neither revoked, spent nor over."""
    alive = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now)
    mine = and_(tokens.c.token_hash == digest(secret), tokens.c.purpose == purpose, tokens.c.revoked_at.is_(None))
    row = db.execute(select(tokens).where(mine, alive)).mappings().first()
    if row is None or (purpose in SINGLE_USE and row["used_at"] is not None):
        return None
    return token_of(row)


def spend_token(db: Connection, secret: str, *, purpose: str, now: datetime) -> Token | None:
    """Use a single-use token: of two that try, one gets it."""
    found = find_token(db, secret, purpose=purpose, now=now)
    if found is None:
        return None
    unused = and_(tokens.c.token_hash == found.key, tokens.c.used_at.is_(None))
    return found if db.execute(update(tokens).where(unused).values(used_at=now)).rowcount == 1 else None


def list_tokens(db: Connection, user: str, *, purpose: str) -> list[Token]:
    """An account's living tokens of a purpose, newest first."""
    mine = and_(tokens.c.user == user, tokens.c.purpose == purpose, tokens.c.revoked_at.is_(None))
    query = select(tokens).where(mine).order_by(tokens.c.created_at.desc())
    return [token_of(row) for row in db.execute(query).mappings()]


def touch_token(db: Connection, key: str, *, now: datetime) -> None:
    """Note that a token is in use (the caller does so at most once per TOKEN_STEP)."""
    db.execute(update(tokens).where(tokens.c.token_hash == key).values(used_at=now))


def revoke_token(db: Connection, user: str, key: str, *, now: datetime) -> bool:
    """End one of an account's own tokens. True when this call did it."""
    mine = and_(tokens.c.token_hash == key, tokens.c.user == user, tokens.c.revoked_at.is_(None))
    return db.execute(update(tokens).where(mine).values(revoked_at=now)).rowcount == 1


def token_of(row: RowMapping) -> Token:
    """A row of the table as a record."""
    names = [name for name in Token.__dataclass_fields__ if name != "key"]
    return Token(key=row["token_hash"], **{name: row[name] for name in names})
