"""Registry files into the store. A row that cannot be taken is reported, the others are.

Rows are written in batches, each a transaction of its own: the desk goes on while a million firms come in, and an
import that was cut short is simply done again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection

from config.registry_columns import FIRMS, Columns, plain_header
from core.clock import Clock
from core.errors import UsageError
from core.records import RegistryEntry
from enterprises.cells import CellMistake
from enterprises.entry_rows import Known, columns_by_field, entry_of_row, id_of, values_of
from enterprises.import_report import ImportReport, RefusedRow
from enterprises.table_rows import Cells, FileRows, batches, open_rows
from store.database import Store, get_fact, give_room, set_fact
from store.registry import Keys, Told, firms_with, load_entries, merge_entries

VERSION = "registry_version"
BATCH = 2000
"""Rows of a transaction: it holds the write lock for about half a second."""


@dataclass(frozen=True)
class ImportPlan:
    """How a file is read. given: header to field, as a person says it.  keep_bad_codes: see `entry_of_row`.

    refused: is told each refused row.  progress: is told how many rows are done.
    """

    columns: Columns
    known: Known = field(default_factory=Known)
    given: Mapping[str, str] = field(default_factory=dict)
    keep_bad_codes: bool = False
    refused: Callable[[RefusedRow], None] | None = None
    progress: Callable[[int], None] | None = None


def import_file(store: Store, path: Path, plan: ImportPlan, *, clock: Clock) -> ImportReport:
    """Write the firms of a file. Raises UsageError where it cannot be read as a whole: nothing is written then."""
    rows, places, report = open_mapped(path, plan)
    seen: set[int] = set()
    try:
        for batch in batches(read_rows(rows, places, plan, report), BATCH):
            with store.write() as db:
                give_room(db)
                told = _settled(db, batch, report, seen)
                merged = merge_entries(db, told, source=path.name, now=clock())
            report.new += merged.new
            report.updated += merged.changed
            report.unchanged += merged.unchanged
            if plan.progress is not None:
                plan.progress(report.rows)
    finally:
        if report.new or report.updated:
            with store.write() as db:
                set_fact(db, VERSION, clock().isoformat())
    return report


def open_mapped(path: Path, plan: ImportPlan) -> tuple[FileRows, dict[str, tuple[int, ...]], ImportReport]:
    """The rows of a file, the columns of each field, an empty report. Raises UsageError where no column names firms."""
    rows = open_rows(path, (*plan.columns.words, *map(plain_header, plan.given)), plain_header)
    mapped = plan.columns.map_header(rows.header, plan.given)
    places = columns_by_field(mapped)
    names = ("name",) if plan.columns.kind == FIRMS else ("firm_name", "firm_id", "firm_code")
    if not places.keys() & set(names):
        seen = "、".join(cell.strip() for cell in rows.header if cell.strip())[:300]
        raise UsageError(f"{path}：没有企业名称列（表头：{seen}）；请用 --map '表头={names[0]}' 说明是哪一列")
    unused = tuple(cell for place, cell in enumerate(rows.header) if cell.strip() and place not in mapped)
    told = {rows.header[place]: name for place, name in mapped.items()}
    report = ImportReport(plan.columns.kind, told, unused, rows.header, listener=plan.refused)
    for line, reason, text in rows.broken:
        report.rows += 1
        report.refuse(line, reason, (text,))
    return rows, places, report


@dataclass(frozen=True)
class Row:
    """A row that reads well. cells: as they stand in the file."""

    line: int
    told: Told
    cells: Cells


def read_rows(
    rows: FileRows, places: Mapping[str, Sequence[int]], plan: ImportPlan, report: ImportReport
) -> Iterator[Row]:
    """The firms of the rows that can be read; the others go into the report."""
    for line, cells in rows.rows:
        values = values_of(places, cells)
        if not values:
            continue
        report.rows += 1
        try:
            told, said = entry_of_row(values, plan.known, keep_bad_codes=plan.keep_bad_codes)
        except CellMistake as mistake:
            report.refuse(line, str(mistake), cells)
            continue
        if said:
            report.note(line, said)
        yield Row(line, told, cells)


class _Batch:
    """Whom the rows of a batch mean: the stored firms with their ids, codes and names, and each other."""

    def __init__(self, db: Connection, rows: Sequence[Row]) -> None:
        entries = [row.told.entry for row in rows]
        self.codes = firms_with(db, "uscc", (entry.uscc for entry in entries))
        self.names = firms_with(db, "name", (entry.name for entry in entries if not entry.id))

    def id_for(self, entry: RegistryEntry) -> str:
        """The id under which the firm is kept. Raises CellMistake where another one has its code."""
        owner = self.codes.get(entry.uscc, [None])[0] if entry.uscc else None
        if entry.id:
            if owner is not None and owner.id != entry.id:
                raise CellMistake(f"统一社会信用代码 {entry.uscc} 已属企业 {owner.id} {owner.name}，编号不同")
            return entry.id
        if owner is not None:
            return owner.id
        same = [firm for firm in self.names.get(entry.name, ()) if _may_be(firm, entry)]
        here = [firm for firm in same if entry.region_code and firm.region_code == entry.region_code]
        same = here if len(here) == 1 else same
        if len(same) > 1:
            raise CellMistake(f"名录中有 {len(same)} 家“{entry.name}”，请给出编号或统一社会信用代码")
        return same[0].id if same else id_of(entry)

    def take(self, entry: RegistryEntry) -> None:
        """The next rows know of this firm."""
        keys = Keys(entry.id, entry.uscc, entry.name, entry.region_code)
        if entry.uscc:
            self.codes.setdefault(entry.uscc, [keys])


def _may_be(firm: Keys, entry: RegistryEntry) -> bool:
    """Whether a stored firm of that name is the one: not two codes, not two places."""
    codes = not (firm.uscc and entry.uscc) or firm.uscc == entry.uscc
    return codes and (not (firm.region_code and entry.region_code) or firm.region_code == entry.region_code)


def _with_id(entry: RegistryEntry, known: str) -> RegistryEntry:
    """The entry under its id; `replace` asks each field again, which costs a tenth of an import."""
    made = RegistryEntry.__new__(RegistryEntry)
    made.__dict__.update(entry.__dict__, id=known)
    return made


def _settled(db: Connection, rows: Sequence[Row], report: ImportReport, seen: set[int]) -> list[Told]:
    """The rows with their ids; of two rows of one firm the first counts. seen: hashes of the ids so far, as they are
    small."""
    batch, found = _Batch(db, rows), list[Told]()
    for row in rows:
        try:
            entry = _with_id(row.told.entry, batch.id_for(row.told.entry))
            if hash(entry.id) in seen:
                raise CellMistake(f"同一企业（{entry.id}）在文件中重复")
        except CellMistake as mistake:
            report.refuse(row.line, str(mistake), row.cells)
            continue
        batch.take(entry)
        seen.add(hash(entry.id))
        found.append(Told(entry, row.told.fields))
    return found


def preview_file(path: Path, plan: ImportPlan, *, rows: int = 5) -> tuple[ImportReport, list[RegistryEntry]]:
    """How the first rows of a file would be read; nothing is written. Raises UsageError."""
    opened, places, report = open_mapped(path, plan)
    found: list[RegistryEntry] = []
    for row in read_rows(opened, places, plan, report):
        entry = row.told.entry
        found.append(entry if entry.id else replace(entry, id=id_of(entry)))
        if len(found) == rows:
            break
    return report, found


def version_of(store: Store) -> str:
    """Of the stored registry: it changes with every import; empty before the first."""
    with store.read() as db:
        return get_fact(db, VERSION) or ""


def registry_of(store: Store) -> tuple[tuple[RegistryEntry, ...], str]:
    """The stored registry and its version (it changes with every import)."""
    with store.read() as db:
        return load_entries(db), get_fact(db, VERSION) or ""
