"""The ledger's rules at work, and a step as somebody asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from config.ledger import LedgerRules, at_least
from config.lexicon import Lexicon
from core.clock import beijing
from core.errors import UsageError
from ledger.clocks import DAY, IsWorkday, due_date, working_days_after
from ledger.conditions import Condition, Known, conditions_of, recheckers, workers
from ledger.quiet import last_new_signal
from store.ledger import Entry, EntryRow, Proof, proofs_of, rows_of, standing_rows


@dataclass(frozen=True)
class Deed:
    """A step as somebody asks for it. once: key of the form.  territory, called: of whoever asks, and the shown name.
    typed: what the form holds beyond note and reason, checked here.  proof: a file that is already in the data folder.
    """

    actor: str
    now: datetime
    once: str
    territory: str = ""
    called: str = ""
    note: str = ""
    reason: str = ""
    typed: Mapping[str, Any] = field(default_factory=dict)
    proof: Proof | None = None

    @property
    def today(self) -> date:
        """The day in Beijing."""
        return beijing(self.now).date()


@dataclass(frozen=True)
class Ledger:
    """The rules at work. is_key: whether a product id is one of the key products."""

    rules: LedgerRules
    is_workday: IsWorkday
    is_key: Callable[[str], bool]

    def conditions(self, db: Connection, entry: Entry, today: date) -> list[Condition]:
        """What closing it needs, and how much of it is there."""
        known = Known(self.is_key(entry.product), last_new_signal(db, entry), today)
        return conditions_of(entry, standing_rows(rows_of(db, entry.id)), proofs_of(db, entry.id), self.rules, known)

    def step_due(self, today: date, step: str) -> date:
        """Until when the next step (receive | visit | decide) is due."""
        return working_days_after(today, getattr(self.rules.step, step), self.is_workday)

    def due(self, level: int, since: date) -> date:
        """Until when a hazard that was found, or found again, on a day is to be put right."""
        return due_date(self.rules, level, since, self.is_workday)

    def latest_due(self, level: int, found_on: date, today: date) -> date:
        """The latest due date of an entry that is made today: counted from today where the one from its day is over."""
        due = self.due(level, found_on)
        return due if due >= today else self.due(level, today)

    def look_on(self, entry: Entry, today: date) -> date | None:
        """When a closed entry is to be looked at again: all grave ones, of the others a share by their number."""
        rules = self.rules.look_back
        drawn = int(entry.id.rpartition("-")[2]) * 61 % 100 < rules.share * 100
        return today + DAY * rules.after_days if at_least(entry.level, rules.from_level) or drawn else None

    def refuse_own(self, entry: Entry, rows: list[EntryRow], deed: Deed) -> None:
        """Raise UsageError where this person did the work, or a grave one is decided by the office that did it."""
        if deed.actor in workers(rows):
            raise UsageError(f"{deed.actor} 办理过或申请过本项，须由另一人审核")
        if any(person in (deed.actor, deed.called) for person in recheckers(rows)):
            raise UsageError(f"{deed.called or deed.actor} 是本项复查人，须由另一人审核")
        above = at_least(entry.level, self.rules.close.above_from)
        if above and entry.unit and deed.territory == entry.unit:
            raise UsageError("本级别由承办单位的上级审核，承办单位不能自行销号")


def open_book(rules: LedgerRules, is_workday: IsWorkday, lexicon: Lexicon) -> Ledger:
    """The ledger with the products of a lexicon."""
    return Ledger(rules, is_workday, lambda product: product in lexicon.products and lexicon.products[product].key)
