"""What the clock does to ledger entries: overdue ones are told upwards, new signals open closed ones again.

A pass looks first and writes only where something is due; each entry is written in a transaction of its own, which
looks again. After a stop of days there is one row, for the highest step that is due.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from config.regions import Regions
from core.clock import beijing
from ledger.book import Deed, Ledger
from ledger.demands import received
from ledger.escalation import EscalationMail
from ledger.quiet import last_new_signal
from ledger.steps import act
from ledger.words import bureau_of
from store.database import Store
from store.ledger import (
    Entry,
    EntryRow,
    HazardState,
    add_row,
    closed_with_signals,
    find_entry,
    rows_of,
    rows_of_all,
    standing_rows,
)
from store.ledger_list import entries_by_id, late_ids

SYSTEM = "system"


@dataclass(frozen=True)
class LedgerWatch:
    """The ledger's rules over a store. mail: tells people of what is overdue; None where no mail is set up."""

    store: Store
    book: Ledger
    regions: Regions
    mail: EscalationMail | None = None

    def tick(self, now: datetime) -> Counter[str]:
        """Do what is due; counts of rows written by action."""
        done: Counter[str] = Counter()
        with self.store.read() as db:
            late, woken = self._late(db, now), self._woken(db)
        for entry_id in late:
            with self.store.write() as db:
                done += self._tell(db, entry_id, now)
        for entry_id in woken:
            with self.store.write() as db:
                done["reopen"] += self._open_again(db, entry_id, now)
        return +done

    def due(self, now: datetime) -> list[str]:
        """The entries for which something is due."""
        with self.store.read() as db:
            return [*self._late(db, now), *self._woken(db)]

    def _late(self, db: Connection, now: datetime) -> list[str]:
        today = beijing(now).date()
        entries = entries_by_id(db, late_ids(db, today))
        rows = rows_of_all(db, entries)
        return [one.id for one in entries.values() if self._rows_due(one, standing_rows(rows[one.id]), today, now)]

    def _tell(self, db: Connection, entry_id: str, now: datetime) -> Counter[str]:
        entry = find_entry(db, entry_id, hold=True)
        if entry is None or not entry.open:
            return Counter()
        due = self._rows_due(entry, standing_rows(rows_of(db, entry.id)), beijing(now).date(), now)
        for row in due:
            written = add_row(db, row)
            if self.mail is not None:
                self.mail.plan(db, entry, written, now=now)
        return Counter(row.action for row in due)

    def _rows_due(self, entry: Entry, rows: list[EntryRow], today: date, now: datetime) -> list[EntryRow]:
        found = []
        days = entry.days_over(today)
        step = max((place for place, after in enumerate(self.book.rules.overdue.steps, 1) if days >= after), default=0)
        due_on = entry.due_on.isoformat()
        told = [row.details["step"] for row in rows if row.action == "overdue" and row.details["due_on"] == due_on]
        if step > max(told, default=0):
            to = self._above(entry, step)
            details = {"due_on": due_on, "days": days, "step": step, "to": to}
            note = f"整改期限 {entry.due_on}，逾期 {days} 日，报{bureau_of(self.regions, to)}"
            found.append(EntryRow(entry.id, 0, now, SYSTEM, "overdue", entry.state, note=note, details=details))
        if entry.step_due_on is not None and entry.step_due_on < today:
            until, to = entry.step_due_on.isoformat(), self._above(entry, 1)
            if not any(row.action == "step_late" and row.details["until"] == until for row in rows):
                note = f"{_step(entry, rows)}期限 {until} 已过，报{bureau_of(self.regions, to)}"
                details = {"until": until, "to": to}
                found.append(EntryRow(entry.id, 0, now, SYSTEM, "step_late", entry.state, note=note, details=details))
        return found

    def _above(self, entry: Entry, step: int) -> str:
        """The office so many steps above the one that answers, the province's at most."""
        home = self.regions.home
        chain = [
            code for code in self.regions.chain(entry.unit or entry.territory) if self.regions.is_within(home, code)
        ]
        return chain[min(step, len(chain) - 1)] if chain else home

    @staticmethod
    def _woken(db: Connection) -> list[str]:
        """Closed entries on whose firm and product something new was told since."""
        found = []
        for entry_id in closed_with_signals(db):
            entry = find_entry(db, entry_id)
            signal = last_new_signal(db, entry) if entry else None
            if entry and signal and entry.closed_at and signal.at > entry.closed_at:
                found.append(entry_id)
        return found

    def _open_again(self, db: Connection, entry_id: str, now: datetime) -> int:
        entry = find_entry(db, entry_id, hold=True)
        signal = last_new_signal(db, entry) if entry else None
        if entry is None or entry.state is not HazardState.CLOSED or signal is None or entry.closed_at is None:
            return 0
        if signal.at <= entry.closed_at:
            return 0
        note = f"销号后出现新信号：{signal.title[:100]}（{beijing(signal.at):%Y-%m-%d}）"
        once = f"ledger:{entry.id}:{signal.document}"
        deed = Deed(SYSTEM, now, once, note=note, reason="signal", typed={"signal": signal.document})
        return int(act(self.book, db, entry.id, "reopen", deed).state is HazardState.REOPENED)


def _step(entry: Entry, rows: list[EntryRow]) -> str:
    if entry.unit and not received(entry, rows):
        return "签收"
    return "审核" if entry.state is HazardState.TO_CLOSE else "核查"
