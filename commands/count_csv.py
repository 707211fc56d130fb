"""Count series from a CSV: time,count or key,time,count, with or without a head."""

import csv
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

Time = int | datetime
MISSING_WORDS = ("", "na", "nan", "null")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the CSV: its number, its time as written and as read, the count (None where missing)."""

    line: int
    written: str
    time: Time
    count: float | None

    def given(self) -> int | str:
        """The time as it stood there, for JSON."""
        return int(self.written) if isinstance(self.time, int) else self.written


def read_csv(file: Path) -> dict[str | None, list[Row]]:
    """The rows of each key in order of time. Raises ValueError naming file and line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = [(number, cells) for number, cells in enumerate(csv.reader(stream), start=1) if any(cells)]
    except (csv.Error, UnicodeDecodeError) as wrong:
        raise ValueError(f"{file}: not a CSV in UTF-8 ({wrong})") from None
    if lines and not _is_count(lines[0][1][-1]):
        lines = lines[1:]
    if not lines:
        raise ValueError(f"{file}: no counts in it")
    width = len(lines[0][1])
    by_key: dict[str | None, list[Row]] = {}
    for number, cells in lines:
        if len(cells) != width or width not in (2, 3):
            raise ValueError(f"{file}: line {number}: {len(cells)} columns (accepted: time,count or key,time,count)")
        row = _row(number, cells[-2].strip(), cells[-1].strip(), f"{file}: line {number}")
        by_key.setdefault(cells[0] if width == 3 else None, []).append(row)
    return {key: _in_order(rows, f"{file}: {key or 'time'}") for key, rows in by_key.items()}


def _row(line: int, written: str, count: str, where: str) -> Row:
    time = read_time(written)
    if time is None:
        raise ValueError(f"{where}: time: {written!r} is neither an ISO date or time nor a whole number")
    if not _is_count(count):
        raise ValueError(f"{where}: count: {count!r} is not a number >= 0 (a missing one is left empty)")
    return Row(line, written, time, None if count.lower() in MISSING_WORDS else float(count))


def _in_order(rows: list[Row], where: str) -> list[Row]:
    kinds = {(type(row.time), isinstance(row.time, datetime) and row.time.tzinfo is not None) for row in rows}
    if len(kinds) > 1:
        raise ValueError(f"{where}: times are of different kinds (whole numbers, times with or without a zone)")
    ordered = sorted(rows, key=lambda row: row.time)
    for earlier, later in pairwise(ordered):
        if earlier.time == later.time:
            raise ValueError(f"{where}: {later.written} is there twice")
    return ordered


def read_time(written: str) -> Time | None:
    """A whole number, or an ISO date or time (also 2026-W03-1); None for anything else."""
    text = written.strip()
    if text.lstrip("+-").isdecimal():
        return int(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _is_count(text: str) -> bool:
    if text.strip().lower() in MISSING_WORDS:
        return True
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False


def first_from(rows: list[Row], since: str | None, file: Path, key: str | None) -> int:
    """The place of the first row at --from or later. Raises ValueError where there is none or the kinds differ."""
    if since is None:
        return 0
    time = read_time(since)
    if time is None or isinstance(time, int) != isinstance(rows[0].time, int):
        raise ValueError(f"--from: {since!r} is not a time like those of {file} ({rows[0].written})")
    if isinstance(time, datetime) and isinstance(rows[0].time, datetime):
        time = (
            time.replace(tzinfo=time.tzinfo or rows[0].time.tzinfo)
            if rows[0].time.tzinfo
            else time.replace(tzinfo=None)
        )
    for place, row in enumerate(rows):
        if row.time >= time:  # type: ignore[operator]
            return place
    raise ValueError(f"--from: {since} is after the last time point ({rows[-1].written}) of {key or file}")
