"""Colleagues named in a note with @: by account name or by the name shown, and only who may see the alert."""

import re
from collections.abc import Sequence

from sqlalchemy import Connection

from core.errors import UsageError
from core.records import Alert
from store.users import ROLES, User, list_users
from web.access import Viewer

AT = re.compile(r"(?<![A-Za-z0-9._%+-])@(?P<word>[\w.-]+)")
"""What stands before it in a mail address is no mention."""
MOST = 20


def colleagues(db: Connection, me: Viewer, alert: Alert, *, least: str = "viewer") -> list[User]:
    """The accounts in use that may see an alert, by name. least: the lowest role among them."""
    found = (user for user in list_users(db) if user.active and ROLES.index(user.role) >= ROLES.index(least))
    return [user for user in found if Viewer(user, me.regions).sees_alert(alert)]


def mentioned(note: str, known: Sequence[User]) -> list[str]:
    """The accounts a note names. known: who may be named.

    A name ends where no longer one of a colleague goes on: `@张三请看` names 张三. Raises UsageError that tells which
    name nobody has here, and which one several have.
    """
    by_word: dict[str, set[str]] = {}
    for user in known:
        for word in (user.name, user.display_name):
            by_word.setdefault(word.casefold(), set()).add(user.name)
    found: list[str] = []
    for match in AT.finditer(note):
        # A shown name may hold blanks, which the pattern stops at.
        said = note[match.start("word") : match.start("word") + 80].casefold()
        word = max((word for word in by_word if word and _begins(said, word)), key=len, default="")
        if not word:
            raise UsageError(
                f"“@{match['word'][:32]}”不是能看到这条预警的账号。可用账号名或姓名：{_some(known)}；不是点名的，去掉 @"
            )
        if len(by_word[word]) > 1:
            raise UsageError(f"“@{word}”有 {len(by_word[word])} 人。请用账号名：{'、'.join(sorted(by_word[word]))}")
        found += by_word[word]
    if len(set(found)) > MOST:
        raise UsageError(f"一次至多点名 {MOST} 人")
    return list(dict.fromkeys(found))


def _begins(said: str, word: str) -> bool:
    """Whether a text begins with this name; one of Latin letters must end there: @li is not in @lisi."""
    if not said.startswith(word):
        return False
    after = said[len(word) : len(word) + 1]
    return not (word[-1].isascii() and after.isascii() and (after.isalnum() or after in ("_", "-")))


def _some(known: Sequence[User]) -> str:
    names = [user.name if user.name == user.display_name else f"{user.name}（{user.display_name}）" for user in known]
    return "、".join(names[:8]) + (f" 等 {len(names)} 人" if len(names) > 8 else "")
