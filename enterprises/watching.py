"""What people do to watch-lists: make one, put firms on it one by one or from a file, take them off, end it.

Each act is one line of the audit log. Raises UsageError with a Chinese sentence where something is lacking.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO

from sqlalchemy import Connection

from core.clock import as_utc, beijing
from core.errors import UsageError
from crawlers.attached.content import UnreadableFile
from crawlers.attached.sheets import book_sheets
from crawlers.charset import decode_page
from enterprises.match import Candidate
from store import audit
from store.users import ROLES
from store.watchlists import (
    Given,
    WatchedFirm,
    WatchList,
    add_firms,
    change_list,
    end_list,
    find_firms,
    insert_list,
    remove_firm,
)

MOST_ROWS = 20_000
LIKELY, MAYBE = 0.85, 0.7
"""Scores of the matcher: from LIKELY on the firm is proposed, below MAYBE it is not even shown."""
NEAR, NAMESAKES, NONE = "near", "namesakes", "none"
KINDS = {NEAR: "相近", NAMESAKES: "同名不止一家", NONE: "名录中没有"}
MOST_NAME, MOST_REASON = 120, 300
LONGEST = timedelta(days=366 * 3)
HEADS = {
    "name": ("企业", "企业名称", "名称", "单位名称", "统一社会信用代码", "信用代码", "编号", "name", "uscc", "id"),
    "why": ("理由", "原因", "事由", "reason"),
}
"""Words of a header, without blanks; a file without one has the names in its first column and reasons in its second."""


@dataclass(frozen=True)
class Resolved:
    """Rows held against the registry. given: what to put on the list.  unknown: names that no list has, kept as they
    are.  namesakes: names of more than one firm; kept as they are, too, until somebody says which.  twice: rows that
    name a firm a second time.
    """

    given: tuple[Given, ...]
    unknown: tuple[str, ...]
    namesakes: tuple[str, ...]
    twice: int


def make_list(db: Connection, one: WatchList, *, once: str) -> WatchList:
    """Make a list; the same form makes one."""
    _check(one)
    made, new = insert_list(db, one, once=once)
    if new:
        told = {"name": made.name, "territory": made.territory, "shared": made.shared, "level": made.level}
        audit.note(db, made.owner, "watchlist_add", made.id, at=made.created_at, details=told)
    return made


def amend_list(db: Connection, old: WatchList, new: WatchList, *, by: str, now: datetime) -> None:
    """Change name, purpose, level or who sees it. What was judged before stays as it was."""
    _check(new)
    pairs = {name: [getattr(old, name), getattr(new, name)] for name in ("name", "purpose", "shared", "level")}
    changed = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if changed:
        change_list(db, new)
        audit.note(db, by, "watchlist_change", old.id, at=now, details=changed)


def finish_list(db: Connection, one: WatchList, *, by: str, why: str, now: datetime) -> None:
    """End a list: from now on it makes no alerts."""
    if len(why.strip()) < 2:
        raise UsageError("须写明结束的理由")
    if not end_list(db, one.id, by=by, now=now):
        raise UsageError(f"{one.id} 已经结束")
    audit.note(db, by, "watchlist_end", one.id, at=now, details={"reason": why.strip()[:MOST_REASON]})


def put_on(
    db: Connection, one: WatchList, given: Sequence[Given], *, reason: str, by: str, now: datetime,
    until: datetime | None,
) -> tuple[int, int]:  # fmt: skip
    """Put firms on a list; (new ones, those that stood there already)."""
    if one.ended_at is not None:
        raise UsageError(f"{one.id} 已经结束，不能再列入")
    if not given:
        raise UsageError("没有企业可列入")
    if len(reason.strip()) < 2 and not all(len(each.why) >= 2 for each in given):
        raise UsageError("须写明列入的理由（至少 2 字）")
    if until is not None and not now < until <= now + LONGEST:
        raise UsageError("到期日须在今天之后、三年以内")
    added, there = add_firms(db, one.id, given, reason=reason.strip()[:MOST_REASON], by=by, now=now, until=until)
    told: dict[str, object] = {"rows": added, "reason": reason.strip()[:MOST_REASON]}
    if len(given) == 1:
        told["firm"] = given[0].name
    if until is not None:
        told["until"] = f"{beijing(until):%Y-%m-%d %H:%M}"
    audit.note(db, by, "watch_firm", one.id, at=now, details=told)
    return added, there


def take_off(db: Connection, row: WatchedFirm, *, by: str, why: str, now: datetime) -> None:
    """Take a firm off."""
    if len(why.strip()) < 2:
        raise UsageError("须写明移出的理由")
    if not remove_firm(db, row.number, by=by, why=why.strip()[:MOST_REASON], now=now):
        raise UsageError(f"{row.name} 已经移出")
    told = {"firm": row.name, "reason": why.strip()[:MOST_REASON]}
    audit.note(db, by, "unwatch_firm", row.list, at=now, details=told)


def end_of_day(text: str) -> datetime | None:
    """The moment a day typed as 2026-12-31 is over; None where nothing is typed."""
    if not text.strip():
        return None
    try:
        day = as_utc(datetime.fromisoformat(text.strip()[:10]))
        return day + timedelta(days=1)
    except (ValueError, OverflowError):
        raise UsageError(f"到期日 {text.strip()[:20]} 读不出。请写成 2026-12-31") from None


def resolve(db: Connection, rows: Sequence[tuple[str, str]]) -> Resolved:
    """rows: name, credit code or id, and a reason. A name of exactly one firm is that firm; others are kept."""
    found, several = find_firms(db, [text for text, _ in rows])
    given: dict[str, Given] = {}
    unknown, namesakes, twice = [], [], 0
    for text, why in rows:
        firm, name = found.get(text, (f"NIL:{text}", text))
        if firm in given:
            twice += 1
            continue
        if text in several:
            namesakes.append(text)
        elif text not in found:
            unknown.append(text)
        given[firm] = Given(firm, name, why)
    return Resolved(tuple(given.values()), tuple(unknown), tuple(namesakes), twice)


@dataclass(frozen=True)
class Weighed:
    """A row that a person decides. kind: near | namesakes | none.  candidates: the best first, with reasons.

    chosen: the id that stands first in the choice; "" is the name as it was given.
    """

    text: str
    why: str
    kind: str
    candidates: tuple[Candidate, ...]
    chosen: str = ""


@dataclass(frozen=True)
class Weighing:
    """Rows before they are taken. exact: of one registered firm, as (firm, reason).  left: not looked at yet."""

    exact: tuple[Given, ...]
    undecided: tuple[Weighed, ...]
    left: tuple[tuple[str, str], ...]
    twice: int


def weigh(
    db: Connection, rows: Sequence[tuple[str, str]], find: Callable[[str], Sequence[Candidate]], *, most: int
) -> Weighing:
    """Hold rows against the registry and writes nothing. find: the matcher, asked for at most `most` rows."""
    found, several = find_firms(db, [text for text, _ in rows])
    exact: dict[str, Given] = {}
    undecided: dict[str, Weighed] = {}
    left: dict[str, str] = {}
    twice = 0
    for text, why in rows:
        firm, name = found.get(text, ("", ""))
        if firm in exact or text in undecided or text in left:
            twice += 1
        elif firm:
            exact[firm] = Given(firm, name, why)
        elif len(undecided) < most:
            undecided[text] = _weighed(text, why, find(text), alike=text in several)
        else:
            left[text] = why
    return Weighing(tuple(exact.values()), tuple(undecided.values()), tuple(left.items()), twice)


def _weighed(text: str, why: str, found: Sequence[Candidate], *, alike: bool) -> Weighed:
    kept = tuple(one for one in found if one.score >= MAYBE)
    if alike or (kept and kept[0].namesakes):
        return Weighed(text, why, NAMESAKES, kept)
    if not kept:
        return Weighed(text, why, NONE, ())
    return Weighed(text, why, NEAR, kept, kept[0].id if kept[0].score >= LIKELY else "")


def read_rows(body: bytes) -> list[tuple[str, str]]:
    """The rows of a text, CSV or spreadsheet file: (name or code, reason)."""
    if body[:2] == b"PK" or body[:4] == b"\xd0\xcf\x11\xe0":
        try:
            sheets = book_sheets(body, max_rows=MOST_ROWS + 20)
        except UnreadableFile as problem:
            raise UsageError(f"表格读不出：{problem}") from problem
        rows = next((rows for _, rows in sheets if rows), [])
        return _named([list(row) for row in rows])
    return read_text(decode_page(body).text)


def read_text(text: str) -> list[tuple[str, str]]:
    """One firm a line; after a comma or tab its reason. What stands in quotes is one cell. Raises UsageError."""
    lines = [_MARKS.sub(_comma, line) for line in text.splitlines() if line.strip()]
    try:
        return _named([row for row in csv.reader(lines) if row])
    except csv.Error as problem:
        raise UsageError(f"读不出：有一格过长，可能引号没有闭合（{problem}）") from None


def write_row(text: str, why: str) -> str:
    """A line that `read_text` reads as it was, whatever commas stand in it."""
    out = StringIO()
    row = [text, why] if why else [text]
    if _MARKS.search(text + why):
        csv.writer(out, lineterminator="", quoting=csv.QUOTE_ALL).writerow(row)
    else:
        csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()


_MARKS = re.compile(r'"[^"]*"|[，\t]')


def _comma(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else ","


def _named(rows: list[list[str]]) -> list[tuple[str, str]]:
    head = ["".join(cell.split()) for cell in rows[0]] if rows else []
    place = next((at for at, cell in enumerate(head) if cell in HEADS["name"]), None)
    why = next((at for at, cell in enumerate(head) if cell in HEADS["why"]), None)
    if place is None:
        place, why = 0, 1
    else:
        rows = rows[1:]
    found = [(_cell(row, place)[:MOST_NAME], _cell(row, why)[:MOST_REASON]) for row in rows]
    found = [row for row in found if row[0]]
    if len(found) > MOST_ROWS:
        raise UsageError(f"一次至多 {MOST_ROWS:,} 行，这里有 {len(found):,} 行。请分几次导入")
    return found


def _cell(row: Sequence[str], place: int | None) -> str:
    return " ".join(str(row[place]).split()) if place is not None and place < len(row) else ""


def _check(one: WatchList) -> None:
    if not 2 <= len(one.name) <= 40:
        raise UsageError("名单名称须有 2 至 40 字")
    if one.shared and one.shared not in ROLES:
        raise UsageError(f"共享给 {one.shared!r} 不可识别（可选：{'、'.join(ROLES)}，空为不共享）")
    if not 0 <= one.level <= 4:
        raise UsageError("级别下限须为 0 至 4")
