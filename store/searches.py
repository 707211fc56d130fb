"""Searches people keep under a name, who watches which since when, and what each person asked last.

What is kept is the address of the search page, so relative times stay relative. A search is its owner's; shared ones
are also seen by those whose territory lies around the owner's or within it (web/saved.py decides).
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import category

from sqlalchemy import Connection, Row, Select, and_, delete, or_, select, update

from core.errors import UsageError
from store.inserts import create_only
from store.schema import recent_queries, saved_searches, users, watches

MOST_SAVED = 100
MOST_WATCHED = 20
MOST_RECENT = 12
LONGEST_NAME = 60
LONGEST_ADDRESS = 6_000


@dataclass(frozen=True)
class SavedSearch:
    """A search under a name. address: parameters of /search.  territory: its owner's.

    seen_at: since when the asking person watches for news; None: not watched.
    """

    id: str
    owner: str
    owner_name: str
    territory: str
    name: str
    address: str
    shared: bool
    updated_at: datetime
    seen_at: datetime | None = None


def save_search(db: Connection, owner: str, name: str, address: str, *, shared: bool, now: datetime) -> str:
    """Keep an address; the id. Raises UsageError for a bad or taken name, an address too long, or too many."""
    name = checked_name(name)
    if len(address) > LONGEST_ADDRESS:
        raise UsageError(f"这个检索太长（{len(address)} 字符，最多 {LONGEST_ADDRESS}），请减少条件再存")
    if len(_own(db, owner)) >= MOST_SAVED:
        raise UsageError(f"已存 {MOST_SAVED} 个检索，请先删去不用的")
    made = f"q{secrets.token_hex(8)}"
    values = {"id": made, "owner": owner, "name": name, "address": address, "shared": shared}
    if not create_only(db, saved_searches, {**values, "created_at": now, "updated_at": now}):
        raise UsageError(f"已有名为“{name}”的检索，请换一个名称")
    return made


def checked_name(name: str) -> str:
    """The name as it is kept: without what is not seen, such as marks that turn the direction. Raises UsageError."""
    name = " ".join("".join(char for char in name if char.isspace() or category(char)[0] != "C").split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise UsageError(f"名称须为 1 至 {LONGEST_NAME} 个字")
    return name


def _own(db: Connection, owner: str) -> list[str]:
    return list(db.execute(select(saved_searches.c.id).where(saved_searches.c.owner == owner)).scalars())


def rename_search(db: Connection, search: str, name: str, *, now: datetime) -> None:
    """Give it another name. Raises UsageError for a bad or taken one."""
    name = checked_name(name)
    mine = select(saved_searches.c.owner).where(saved_searches.c.id == search).scalar_subquery()
    taken = and_(saved_searches.c.owner == mine, saved_searches.c.name == name, saved_searches.c.id != search)
    if db.execute(select(saved_searches.c.id).where(taken)).first():
        raise UsageError(f"已有名为“{name}”的检索，请换一个名称")
    db.execute(update(saved_searches).where(saved_searches.c.id == search).values(name=name, updated_at=now))


def share_search(db: Connection, search: str, shared: bool, *, now: datetime) -> None:
    """Show it to colleagues or to its owner alone; others no longer watch what they no longer see."""
    db.execute(update(saved_searches).where(saved_searches.c.id == search).values(shared=shared, updated_at=now))
    if not shared:
        owner = select(saved_searches.c.owner).where(saved_searches.c.id == search).scalar_subquery()
        db.execute(delete(watches).where(watches.c.search == search, watches.c.user != owner))


def delete_search(db: Connection, search: str) -> None:
    """Take it and all watches of it away."""
    db.execute(delete(watches).where(watches.c.search == search))
    db.execute(delete(saved_searches).where(saved_searches.c.id == search))


def find_search(db: Connection, search: str, *, user: str) -> SavedSearch | None:
    """A search by id, with the watch of `user`. Whether they may see it is for the caller to say."""
    row = db.execute(_searches(user).where(saved_searches.c.id == search)).first()
    return _search(row) if row else None


def list_searches(db: Connection, user: str) -> list[SavedSearch]:
    """The searches of `user` and all shared ones, own ones first, by name."""
    seen = or_(saved_searches.c.owner == user, saved_searches.c.shared)
    found = [_search(row) for row in db.execute(_searches(user).where(seen).order_by(saved_searches.c.name))]
    return sorted(found, key=lambda each: each.owner != user)


def watched_searches(db: Connection, user: str) -> list[SavedSearch]:
    """The searches `user` watches, in the order they began to."""
    query = _searches(user).where(watches.c.user.is_not(None)).order_by(watches.c.created_at)
    return [_search(row) for row in db.execute(query)]


def watch_search(db: Connection, search: str, user: str, *, now: datetime) -> None:
    """Tell `user` of what is stored from now on; nothing changes when they watch it already. Raises UsageError."""
    if len(watched_searches(db, user)) >= MOST_WATCHED:
        raise UsageError(f"已关注 {MOST_WATCHED} 个检索，请先取消不用的")
    create_only(db, watches, {"search": search, "user": user, "created_at": now, "seen_at": now})


def unwatch_search(db: Connection, search: str, user: str) -> None:
    """Tell them no more."""
    db.execute(delete(watches).where(watches.c.search == search, watches.c.user == user))


def mark_seen(db: Connection, searches: Iterable[str], user: str, *, now: datetime) -> None:
    """`user` has looked at the hits as of `now`: what was stored until then is no news. Never goes back."""
    mine = and_(watches.c.search.in_(list(searches)), watches.c.user == user, watches.c.seen_at < now)
    db.execute(update(watches).where(mine).values(seen_at=now))


def note_query(db: Connection, user: str, text: str, *, now: datetime) -> None:
    """Remember what was asked; the oldest beyond the newest few are forgotten."""
    mine = recent_queries.c.user == user
    values = {"user": user, "text": text, "asked_at": now}
    if not create_only(db, recent_queries, values):
        db.execute(update(recent_queries).where(mine, recent_queries.c.text == text).values(asked_at=now))
    kept = select(recent_queries.c.text).where(mine).order_by(recent_queries.c.asked_at.desc()).limit(MOST_RECENT)
    db.execute(delete(recent_queries).where(mine, recent_queries.c.text.not_in(list(db.execute(kept).scalars()))))


def list_recent(db: Connection, user: str) -> list[str]:
    """What `user` asked last, newest first."""
    query = select(recent_queries.c.text).where(recent_queries.c.user == user)
    return list(db.execute(query.order_by(recent_queries.c.asked_at.desc()).limit(MOST_RECENT)).scalars())


def forget_recent(db: Connection, user: str) -> None:
    """Clear the history of `user`."""
    db.execute(delete(recent_queries).where(recent_queries.c.user == user))


_COLUMNS = (
    saved_searches.c.id, saved_searches.c.owner, users.c.display_name.label("owner_name"), users.c.territory,
    saved_searches.c.name, saved_searches.c.address, saved_searches.c.shared, saved_searches.c.updated_at,
    watches.c.seen_at,
)  # fmt: skip


def _searches(user: str) -> Select[Any]:
    mine = and_(watches.c.search == saved_searches.c.id, watches.c.user == user)
    joined = saved_searches.join(users, users.c.name == saved_searches.c.owner).outerjoin(watches, mine)
    return select(*_COLUMNS).select_from(joined)


def _search(row: Row[Any]) -> SavedSearch:
    return SavedSearch(**row._mapping)
