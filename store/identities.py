"""People who sign in through another house: each is an account here, bound to what that house calls them for ever.

Role and territory follow the other house at each sign-in. An account with a password here is never entered this way,
whatever name the other house gives.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from core.errors import UsageError
from core.ids import short_id
from store import audit
from store.account_care import change_user
from store.schema import identities
from store.users import NAME_FORM, Role, User, create_user, find_user


@dataclass(frozen=True)
class Identity:
    """Who the other house says it is, and what that means here."""

    issuer: str
    subject: str
    name: str
    display_name: str
    role: Role
    territory: str


def arrive(db: Connection, who: Identity, *, by: str, now: datetime) -> User:
    """The account of somebody who was let in elsewhere, made or brought up to date. by: for the audit log.

    Raises UsageError where the account is closed or its name is taken.
    """
    bound = select(identities.c.user).where(identities.c.issuer == who.issuer, identities.c.subject == who.subject)
    known = db.execute(bound).scalar_one_or_none()
    return _make(db, who, by=by, now=now) if known is None else _follow(db, known, who, by=by, now=now)


def _make(db: Connection, who: Identity, *, by: str, now: datetime) -> User:
    name = who.name.strip().lower()
    if NAME_FORM.fullmatch(name) is None:
        name = short_id("u", who.issuer, who.subject)
    if find_user(db, name) is not None:
        raise UsageError(f"账号 {name} 已是本系统的账号，请管理员处理")
    create_user(db, name, role=who.role, territory=who.territory, display_name=who.display_name, password=None, now=now)
    db.execute(identities.insert().values(issuer=who.issuer, subject=who.subject, user=name, created_at=now))
    details = {"role": who.role, "territory": who.territory, "name": who.display_name}
    audit.note(db, by, "user_create", name, at=now, details=details)
    made = find_user(db, name)
    assert made is not None
    return made


def _follow(db: Connection, name: str, who: Identity, *, by: str, now: datetime) -> User:
    was = find_user(db, name)
    assert was is not None
    if not was.active:
        raise UsageError(f"账号 {name} 已停用")
    before: Mapping[str, str] = {"role": was.role, "territory": was.territory, "name": was.display_name}
    after = {"role": who.role, "territory": who.territory, "name": who.display_name or name}
    changed = {key: f"{before[key]} → {value}" for key, value in after.items() if before[key] != value}
    if not changed:
        return was
    change_user(db, name, role=who.role, territory=who.territory, display_name=who.display_name)
    audit.note(db, by, "user_change", name, at=now, details=changed)
    found = find_user(db, name)
    assert found is not None
    return found
