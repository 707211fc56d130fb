"""What an import did, row by row where something was wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

KEPT = 1000
"""Refused rows that a report holds; all of them go to whoever listens."""


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not taken, or (`taken`) not as it stands. line: its number in the file."""

    line: int
    reason: str
    cells: tuple[str, ...] = ()
    taken: bool = False


@dataclass
class ImportReport:
    """Counts, and what was wrong. mapped: header to field.  unused: headers nothing is taken from."""

    kind: str
    mapped: dict[str, str]
    unused: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    rows: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    reasons: list[RefusedRow] = field(default_factory=list)
    notes: list[RefusedRow] = field(default_factory=list)
    listener: Callable[[RefusedRow], None] | None = None

    def refuse(self, line: int, reason: str, cells: tuple[str, ...]) -> None:
        """A row is not taken."""
        self.refused += 1
        row = RefusedRow(line, reason, cells)
        if len(self.reasons) < KEPT:
            self.reasons.append(row)
        if self.listener is not None:
            self.listener(row)

    def note(self, line: int, reason: str) -> None:
        """A row is taken without a part of it."""
        if len(self.notes) < KEPT:
            self.notes.append(RefusedRow(line, reason, taken=True))

    @property
    def taken(self) -> int:
        """Rows that are in the store now."""
        return self.new + self.updated + self.unchanged
