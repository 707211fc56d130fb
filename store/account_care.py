"""Looking after other people's accounts: role and territory, closing, invitations, everybody's tokens."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, select, update

from core.errors import UsageError
from store.schema import tokens, users
from store.tokens import Token, create_token, token_of
from store.users import EVERYWHERE, ROLES, Role, end_everything, set_active

INVITE_LENGTH = timedelta(days=3)


def change_user(db: Connection, name: str, *, role: Role, territory: str, display_name: str) -> None:
    """Give an account another role, territory or name. Raises UsageError."""
    if role not in ROLES:
        raise UsageError(f"角色 {role!r} 不存在（可用：{'、'.join(ROLES)}）")
    if role != "admin" or territory != EVERYWHERE:
        _keep_an_admin(db, name)
    values = {"role": role, "territory": territory, "display_name": display_name or name}
    if db.execute(update(users).where(users.c.name == name).values(**values)).rowcount == 0:
        raise UsageError(f"账号 {name} 不存在")


def close_account(db: Connection, name: str) -> None:
    """Close an account: its sessions end. Raises UsageError."""
    _keep_an_admin(db, name)
    set_active(db, name, False)


def _keep_an_admin(db: Connection, name: str) -> None:
    """Raises UsageError where nobody but `name` could look after all accounts."""
    able = and_(users.c.role == "admin", users.c.territory == EVERYWHERE, users.c.active)
    names = set(db.execute(select(users.c.name).where(able)).scalars())
    if names == {name}:
        raise UsageError(f"{name} 是唯一管全部属地的管理员，先另设一个")


def invite(db: Connection, name: str, *, now: datetime, reset: bool) -> str:
    """The secret of a link that lets somebody set a password, once; earlier links of the account end.

    reset: the present password ends at once, and so do all sessions.
    """
    if reset:
        end_everything(db, name)
        db.execute(update(users).where(users.c.name == name).values(password="", failures=0, locked_until=None))
    earlier = and_(tokens.c.user == name, tokens.c.purpose == "invite", tokens.c.used_at.is_(None))
    db.execute(delete(tokens).where(earlier))
    return create_token(db, "invite", user=name, note="", now=now, expires_at=now + INVITE_LENGTH)


def list_all_tokens(db: Connection) -> list[Token]:
    """Everybody's living feed addresses and API tokens, newest first."""
    alive = and_(tokens.c.purpose.in_(("feed", "api", "wall")), tokens.c.revoked_at.is_(None))
    query = select(tokens).where(alive).order_by(tokens.c.created_at.desc())
    return [token_of(row) for row in db.execute(query).mappings()]
