"""The weekly table at work: opened for a week and a territory, filled cell by cell, signed, reopened."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from config.lexicon import Lexicon
from config.weekly import Column, WeeklyTable
from core.errors import UsageError
from reports.figures import TOTAL, Figure, Place, figures
from reports.records import Marks, Sees, read_records
from reports.table import (
    NOT_APPLICABLE,
    NOT_REPORTED,
    Cell,
    Sheet,
    build,
    editable,
    freeze,
    frozen_hash,
    plain,
    rows_of,
    same_value,
    thaw,
)
from reports.weeks import Week
from store import weekly
from store.weekly import CellRow, SheetAct

LONGEST = 2000
MOST = Decimal(10) ** 9
DECIMALS = {"count": 0, "percent": 1, "money": 2}
ACCEPTED = {"count": "非负整数", "percent": "0 至 100 的数，至多 1 位小数", "money": "非负数，至多 2 位小数"}


@dataclass(frozen=True)
class Office:
    """Whose table it is. sees: the cut of its territory."""

    territory: str
    sees: Sees


@dataclass(frozen=True)
class Opened:
    """A table as it stands. act: the last signature or reopening; None before the first."""

    week: Week
    office: Office
    sheet: Sheet
    history: tuple[CellRow, ...]
    acts: tuple[SheetAct, ...]

    @property
    def act(self) -> SheetAct | None:
        """The newest of its signatures and reopenings."""
        return self.acts[-1] if self.acts else None

    @property
    def signed(self) -> bool:
        """Whether it is closed."""
        return self.act is not None and self.act.action == "sign"


class Faster(UsageError):
    """Somebody wrote into a cell meanwhile. `.rows`: what they wrote."""

    def __init__(self, rows: Sequence[CellRow]) -> None:
        super().__init__("有人先改了")
        self.rows = tuple(rows)


@dataclass(frozen=True)
class Filling:
    """A form for one column. typed: text by row.  was: what stood there when the form was drawn; seen: the number of
    the newest row then.
    confirm: what was left as the system says is confirmed.  rest: what goes into cells that stay empty."""

    column: Column
    typed: Mapping[str, str]
    was: Mapping[str, str]
    seen: Mapping[str, int]
    actor: str
    now: datetime
    once: str
    reason: str = ""
    confirm: bool = False
    rest: str = ""


class WeeklyBook:
    """The tables with their rules."""

    def __init__(
        self, table: WeeklyTable, lexicon: Lexicon, ack_hours: Mapping[int, float], marks: Marks | None = None
    ) -> None:
        self.table, self._ack_hours, self._marks = table, ack_hours, marks or Marks()
        keys = [(one.id, one.name) for one in lexicon.products.values() if one.key]
        self._rows, self._named = rows_of(keys)

    def open(self, db: Connection, week: Week, office: Office, *, now: datetime) -> Opened:
        """The table of a week: as it was signed, or as it stands now."""
        acts = tuple(weekly.acts_of(db, week.id, office.territory))
        history = tuple(weekly.history_of(db, week.id, office.territory))
        if acts and acts[-1].action == "sign" and acts[-1].frozen is not None:
            return Opened(week, office, thaw(acts[-1].frozen), history, acts)
        told = self.told(db, week, office, now=now)
        return Opened(week, office, build(self.table, self._named, told, history), history, acts)

    def told(self, db: Connection, week: Week, office: Office, *, now: datetime) -> dict[Place, Figure]:
        """What the system says of a week, or of weeks in a row."""
        records = read_records(db, week, office.sees, now=now, ack_hours=self._ack_hours, marks=self._marks)
        return figures(records, self._rows, hot=self.table.rules.hot)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Id and name of each row, the total last."""
        return (*self._named, (TOTAL, "合计"))

    def fill(self, db: Connection, week: Week, office: Office, filling: Filling) -> int:
        """Write what a form changed; how many cells. Raises UsageError, Faster; then nothing is written."""
        weekly.take_turn(db)
        if weekly.was_written(db, filling.once):
            return 0
        opened = self._unsigned(db, week, office, filling.now)
        made = [
            row
            for name, _ in opened.sheet.rows
            if editable(filling.column, name)
            and (row := _written(filling, name, opened.sheet.cell(filling.column.id, name)))
        ]
        newest = {row.place: row for row in opened.history}
        mine = {row.row for row in made}
        overtaken = [
            row for (column, name), row in newest.items()
            if column == filling.column.id and name in mine and row.number > filling.seen.get(name, 0)
        ]  # fmt: skip
        if overtaken:
            raise Faster(overtaken)
        for row in made:
            weekly.add_cell(db, week.id, office.territory, row, once=filling.once)
        return len(made)

    def confirm(self, db: Connection, week: Week, office: Office, *, actor: str, now: datetime, once: str) -> int:
        """Confirm every draft as it stands; how many. Raises UsageError."""
        weekly.take_turn(db)
        if weekly.was_written(db, once):
            return 0
        opened = self._unsigned(db, week, office, now)
        columns = {column.id: column for column in opened.sheet.columns}
        drafts = [
            (place, cell) for place, cell in opened.sheet.cells.items()
            if cell.kind == "mix" and editable(columns[place[0]], place[1])
        ]  # fmt: skip
        for (column, row), cell in drafts:
            made = CellRow(column, row, cell.number + 1, now, actor, cell.value, cell.system, "")
            weekly.add_cell(db, week.id, office.territory, made, once=once)
        return len(drafts)

    def sign(
        self, db: Connection, week: Week, office: Office, *, actor: str, now: datetime, seen: str, once: str
    ) -> bool:
        """Freeze the table. seen: hash of the table that the person had before them. Raises UsageError."""
        weekly.take_turn(db)
        if weekly.was_written(db, once):
            return False
        opened = self._unsigned(db, week, office, now)
        if refusal := self.refusal(opened, actor=actor, now=now):
            raise UsageError(refusal)
        if seen != opened.sheet.hash:
            raise UsageError("表在您打开后有变动，请核对后再签发")
        frozen = freeze(opened.sheet)
        act = SheetAct(
            week.id, office.territory, len(opened.acts) + 1, now, actor, "sign", "", frozen, frozen_hash(frozen)
        )
        weekly.add_act(db, act, once=once)
        return True

    def reopen(
        self, db: Connection, week: Week, office: Office, *, actor: str, now: datetime, reason: str, once: str
    ) -> bool:
        """Take a signature back; the signed table stays. Raises UsageError."""
        weekly.take_turn(db)
        if weekly.was_written(db, once):
            return False
        acts = weekly.acts_of(db, week.id, office.territory)
        if not acts or acts[-1].action != "sign":
            raise UsageError("这一期没有签发，不必重新打开")
        if not 2 <= len(reason) <= 500:
            raise UsageError("须写明原因，2 至 500 字")
        act = SheetAct(week.id, office.territory, len(acts) + 1, now, actor, "reopen", reason, None, "")
        weekly.add_act(db, act, once=once)
        return True

    def refusal(self, opened: Opened, *, actor: str, now: datetime) -> str:
        """Why somebody may not sign it now; empty where they may."""
        rules = self.table.rules.sign
        if now < opened.week.ends:
            return f"周期到 {opened.week.last:%m-%d} 24:00 才结束，结束后再签发"
        lacking, drafts = opened.sheet.lacking(), opened.sheet.drafts()
        if rules.complete and (lacking or drafts):
            parts = [f"未填 {sum(lacking.values())} 格"] if lacking else []
            parts += [f"待确认草稿 {sum(drafts.values())} 格"] if drafts else []
            return f"还有{'、'.join(parts)}"
        if rules.other_than_filler and actor in {row.actor for row in opened.history}:
            return "填报和签发须是两个人，您填过本表"
        return ""

    def _unsigned(self, db: Connection, week: Week, office: Office, now: datetime) -> Opened:
        opened = self.open(db, week, office, now=now)
        if opened.signed:
            raise UsageError("这一期已签发，改动须先由带班重新打开")
        return opened


class Before:
    """Tables of the week before, which the page compares with: records may be a minute old, what people wrote not."""

    KEPT = timedelta(minutes=1)

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, int], tuple[datetime, Sheet]] = {}

    def sheet(self, book: WeeklyBook, db: Connection, week: Week, office: Office, *, now: datetime) -> Sheet:
        """The table of `week`."""
        written = len(weekly.history_of(db, week.id, office.territory)) + len(
            weekly.acts_of(db, week.id, office.territory)
        )
        key = week.id, office.territory, written
        held = self._held.get(key)
        if held is None or not timedelta(0) <= now - held[0] < self.KEPT:
            if len(self._held) > 200:
                self._held.clear()
            held = self._held[key] = now, book.open(db, week, office, now=now).sheet
        return held[1]


def _written(filling: Filling, row: str, cell: Cell) -> CellRow | None:
    """What the form changes in a cell; None: nothing. Raises UsageError."""
    column = filling.column
    value = canonical(filling.typed.get(row, ""), column)
    kept = value == canonical(filling.was.get(row, ""), column)
    if kept and value is None and filling.rest and cell.value is None:
        value, kept = canonical(filling.rest, column), False
    if kept and not (filling.confirm and cell.kind == "mix"):
        return None
    if kept and (cell.value is None or value is None or not same_value(value, cell.value)):
        raise UsageError(f"系统数在您打开后由 {value} 变为 {cell.value}，请核对后再确认")
    if value is None and not cell.by:
        return None  # the system's figure cannot be emptied, only changed
    as_told = cell.system is not None and value is not None and same_value(value, cell.system)
    if cell.system is not None and value is not None and not as_told and len(filling.reason) < 2:
        raise UsageError("改动系统数须写明原因")
    back = value is None or (column.source == "system" and as_told)
    return CellRow(
        column.id, row, cell.number + 1, filling.now, filling.actor, None if back else value, cell.system,
        "" if kept else filling.reason,
    )  # fmt: skip


def canonical(text: str, column: Column) -> str | None:
    """What a cell keeps of a typed text; None for an empty one. Raises UsageError."""
    if column.unit == "text":
        kept = "\n".join(line.rstrip() for line in text.strip().splitlines())
        if len(kept) > LONGEST:
            raise UsageError(f"{column.short}至多 {LONGEST} 字，现有 {len(kept)} 字")
        return kept or None
    plain_text = text.strip().replace(",", "").replace("，", "").translate(_NARROW)
    if not plain_text:
        return None
    if plain_text in (NOT_APPLICABLE, NOT_REPORTED, "-"):
        return NOT_REPORTED if plain_text == "-" else plain_text
    decimals = DECIMALS[column.unit]
    if not re.fullmatch(r"\d{1,10}" + (rf"(?:\.\d{{1,{decimals}}})?" if decimals else ""), plain_text):
        wanted = f"须填{ACCEPTED[column.unit]}，或 /（不适用）、—（未报送）"
        raise UsageError(f"{column.short}{wanted}；不能是“{text.strip()[:20]}”")
    number = Decimal(plain_text)
    if number > (100 if column.unit == "percent" else MOST):
        raise UsageError(f"{column.short}填的 {plain_text} 太大")
    return plain(number)


_NARROW = str.maketrans("０１２３４５６７８９．／－", "0123456789./-")


def places_of(rows: Sequence[CellRow]) -> dict[Place, list[CellRow]]:
    """The history of each cell, oldest first."""
    found: dict[Place, list[CellRow]] = {}
    for row in rows:
        found.setdefault(row.place, []).append(row)
    return found
