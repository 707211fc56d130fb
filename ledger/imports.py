"""Rows of a sheet read into the ledger: what each would do, and why some are refused. Nothing is written here."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from config.lexicon import Lexicon
from core.clock import beijing
from core.errors import UsageError
from core.records import LEVEL_COLOURS
from ledger.demands import refuse_days
from ledger.words import ORIGINS, STATE_WORDS
from store.ledger import Entry, HazardState

READ: Mapping[str, str] = {
    "编号": "id",
    "来源": "origin",
    "发现日": "found_on",
    "产品": "product",
    "型号批次": "model",
    "企业": "firm",
    "信用代码": "uscc",
    "属地": "territory",
    "责任人": "person",
    "隐患": "title",
    "问题类型": "issue",
    "级别": "level",
    "措施": "measures",
    "期限": "due_on",
    "备注": "remark",
}
"""Columns that are read, and the field of an entry each is; the others are what steps decide."""
MOST = {"title": 200, "model": 200, "firm": 120, "uscc": 18, "person": 40, "measures": 1000, "remark": 1000}
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+00:00(?::00)?)?")


@dataclass(frozen=True)
class SheetRow:
    """A row as it was read. line: its number in the file; cells: by column name, what the file has of READ."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Planned:
    """What a row would do. kind: new | changed | same | refused.  draft, due_on: of a new one.  changes: by field."""

    line: int
    kind: str
    title: str
    entry: str = ""
    why: str = ""
    draft: Entry | None = None
    due_on: date | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Importer:
    """entries: those this person sees.  sees: whether a territory is theirs.  firm: a firm's id by name.
    refuses: why this person may not change an entry, or its level (empty: may).  check: raises UsageError for a new
    entry, with its due date as typed, that would not be entered."""

    lexicon: Lexicon
    entries: Sequence[Entry]
    sees: Callable[[str], bool]
    firm: Callable[[str], str]
    refuses: Callable[[Entry, Mapping[str, Any]], str]
    check: Callable[[Entry, date | None], None]

    def plan(self, rows: Sequence[SheetRow], now: datetime) -> list[Planned]:
        """One outcome a row, in their order. A number twice: the second one is refused."""
        by_id = {entry.id: entry for entry in self.entries}
        by_matter = {_matter(entry): entry for entry in self.entries if entry.open}
        seen: set[str] = set()
        added: dict[tuple[Any, ...], int] = {}
        found = []
        for row in rows:
            title = row.cells.get("隐患", "")[:60] or row.cells.get("编号", "")[:20]
            try:
                planned = self._plan(row, title, by_id, by_matter, seen, now)
                if planned.draft is not None:
                    first = added.setdefault(_matter(planned.draft), row.line)
                    if first != row.line:
                        raise UsageError(f"与第 {first} 行是同一项（隐患、企业、属地、发现日相同）")
                found.append(planned)
            except UsageError as problem:
                found.append(Planned(row.line, "refused", title, row.cells.get("编号", "")[:20], str(problem)))
        return found

    def _plan(
        self, row: SheetRow, title: str, by_id: Mapping[str, Entry], by_matter: Mapping[Any, Entry], seen: set[str],
        now: datetime,
    ) -> Planned:  # fmt: skip
        values = self._values(row)
        number = str(values.pop("id", "")).upper()
        if number and number not in by_id:
            raise UsageError(f"台账中没有编号 {number[:20]}，或不在您的属地之内；新隐患请把编号留空")
        there = by_id[number] if number else by_matter.get(_matter_of(values))
        if there is None:
            return self._new(row.line, title, values, now)
        if there.id in seen:
            raise UsageError(f"{there.id} 在表中出现两次")
        seen.add(there.id)
        changes = {name: value for name, value in values.items() if getattr(there, name) != value}
        if not changes:
            return Planned(row.line, "same", title, there.id)
        if not there.open:
            raise UsageError(f"{there.id} {STATE_WORDS[there.state][0]}，不再更正")
        if changes.get("due_on", there.due_on) > there.due_on:
            raise UsageError(f"期限 {changes['due_on']} 晚于现期限 {there.due_on}，须申请延期并经批准")
        refuse_days(there, changes, beijing(now).date())
        if why := self.refuses(there, changes):
            raise UsageError(why)
        return Planned(row.line, "changed", title, there.id, changes=changes)

    def _new(self, line: int, title: str, values: dict[str, Any], now: datetime) -> Planned:
        lacking = [
            word
            for word, name in READ.items()
            if name in ("title", "level", "territory", "found_on") and name not in values
        ]
        if lacking:
            raise UsageError(f"新隐患须填：{'、'.join(lacking)}")
        due_on = values.pop("due_on", None)
        draft = Entry(
            id="", state=HazardState.TO_CHECK, level=values.pop("level"), title=values.pop("title"),
            origin=values.pop("origin", "check"), found_on=values["found_on"], due_on=values.pop("found_on"),
            territory=values.pop("territory"), created_at=now, updated_at=now,
        )  # fmt: skip
        draft = replace(draft, **values)
        self.check(draft, due_on)
        return Planned(line, "new", title, draft=draft, due_on=due_on)

    def _values(self, row: SheetRow) -> dict[str, Any]:
        """What is filled in, by field; an empty cell leaves things as they are. Raises UsageError."""
        found: dict[str, Any] = {}
        for word, text in row.cells.items():
            name = READ[word]
            if not text:
                continue
            if name in MOST and len(text) > MOST[name]:
                raise UsageError(f"{word}过长，至多 {MOST[name]} 字")
            found[name] = self._read(name, word, text)
        return found

    def _read(self, name: str, word: str, text: str) -> Any:
        if name in ("found_on", "due_on"):
            return _day(word, text)
        if name == "level":
            return _one({LEVEL_COLOURS[level]: level for level in (4, 3, 2, 1)}, text.removesuffix("色"), word)
        if name == "origin":
            return _one({origin: code for code, origin in ORIGINS.items()}, text, word)
        if name == "product":
            return _one({one.name: one.id for one in self.lexicon.products.values()}, text, word)
        if name == "issue":
            return _one({one.name: one.id for one in self.lexicon.issues.values()}, text, word)
        if name == "territory":
            return self._territory(text)
        return self.firm(text) if name == "firm" else text

    def _territory(self, text: str) -> str:
        regions = self.lexicon.regions
        home = regions.name_of(regions.home)
        asked = text.removeprefix(home) or text
        found = [
            place.code for place in regions
            if regions.is_within(regions.home, place.code)
            and asked in (place.code, place.name, place.short_name, regions.full_name_of(place.code).removeprefix(home))
        ]  # fmt: skip
        mine = [code for code in dict.fromkeys(found) if self.sees(code)]
        if len(mine) == 1:
            return mine[0]
        if mine:
            raise UsageError(f"属地“{text[:20]}”有 {len(mine)} 处，请写明设区市")
        raise UsageError(f"属地“{text[:20]}”不在您的属地之内" if found else f"没有属地“{text[:20]}”")


def _one(known: Mapping[str, Any], text: str, word: str) -> Any:
    if text not in known:
        some = "、".join(list(known)[:6])
        raise UsageError(f"{word}“{text[:20]}”不在列表中（如：{some}）")
    return known[text]


def _day(word: str, text: str) -> date:
    match = DAY.fullmatch(text.strip())
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise UsageError(f"{word}“{text[:20]}”须写成 2026-11-23 这样的日期")


def _matter(entry: Entry) -> tuple[str, str, str, date]:
    """By what a row without a number is known again."""
    return entry.title, entry.firm, entry.territory, entry.found_on


def _matter_of(values: Mapping[str, Any]) -> tuple[Any, ...]:
    return values.get("title"), values.get("firm", ""), values.get("territory"), values.get("found_on")
