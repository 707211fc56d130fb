"""Files of facts and relations into the store; their rows join firms that the registry knows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from config.registry_columns import TIES
from core.clock import Clock, beijing
from core.firms import FirmFact, FirmTie
from enterprises.cells import CellMistake
from enterprises.entry_rows import values_of
from enterprises.fact_rows import KIND_OF, FirmFinder, fact_of_row, tie_of_row
from enterprises.import_report import ImportReport
from enterprises.registry_import import BATCH, ImportPlan, open_mapped
from enterprises.table_rows import Cells, batches
from store.database import Store
from store.firm_facts import (
    fact_id,
    known_facts,
    known_ties,
    note_changes,
    note_tie_changes,
    save_facts,
    save_ties,
    tie_key,
)

Key = TypeVar("Key")
Thing = TypeVar("Thing", FirmFact, FirmTie)
Batch = Sequence[tuple[int, Cells]]


def import_facts(store: Store, path: Path, plan: ImportPlan, *, clock: Clock) -> ImportReport:
    """Write the facts or relations of a file; a known one is written over where it differs. Raises UsageError where the
    file as a whole cannot be read; then nothing is written."""
    rows, places, report = open_mapped(path, plan)
    for batch in batches(rows.rows, BATCH):
        with store.write() as db:
            now = clock()
            found = _read(db, batch, places, plan, report, path.name, beijing(now).date())
            if plan.columns.kind == TIES:
                ties = {tie_key(one): one for one in found if isinstance(one, FirmTie)}
                before = known_ties(db, list(ties.values()))
                other = _count(ties, before, report)
                save_ties(db, other, now=now)
                again = [(before[tie_key(one)], one) for one in other if tie_key(one) in before]
                note_tie_changes(db, again, now=now, source=path.name)
            else:
                facts = {fact_id(one): one for one in found if isinstance(one, FirmFact)}
                stored = known_facts(db, list(facts))
                changed = _count(facts, stored, report)
                save_facts(db, changed, now=now)
                pairs = [(stored[key], one) for one in changed if (key := fact_id(one)) in stored]
                note_changes(db, pairs, now=now, source=path.name)
        if plan.progress is not None:
            plan.progress(report.rows)
    return report


def preview_facts(
    store: Store, path: Path, plan: ImportPlan, *, clock: Clock, rows: int = 5
) -> tuple[ImportReport, list[FirmFact | FirmTie]]:
    """How the first rows of a file would be read; nothing is written. Raises UsageError."""
    opened, places, report = open_mapped(path, plan)
    found: list[FirmFact | FirmTie] = []
    with store.read() as db:
        for batch in batches(opened.rows, rows):
            found += _read(db, batch, places, plan, report, path.name, beijing(clock()).date())
            if len(found) >= rows or report.rows >= BATCH:
                break
    return report, found[:rows]


def _read(
    db: Connection,
    batch: Batch,
    places: Mapping[str, Sequence[int]],
    plan: ImportPlan,
    report: ImportReport,
    source: str,
    today: date,
) -> list[FirmFact | FirmTie]:
    filled = [(line, cells, values) for line, cells in batch if (values := values_of(places, cells))]
    finder = FirmFinder(db, [values for _line, _cells, values in filled])
    found: list[FirmFact | FirmTie] = []
    for line, cells, values in filled:
        report.rows += 1
        try:
            if plan.columns.kind == TIES:
                found.append(tie_of_row(finder, values, plan.known.products, source))
            else:
                firm = finder.find(values)
                found.append(fact_of_row(KIND_OF[plan.columns.kind], firm, values, plan.known.products, source, today))
        except CellMistake as mistake:
            report.refuse(line, str(mistake), cells)
    return found


def _count(given: Mapping[Key, Thing], before: Mapping[Key, Thing], report: ImportReport) -> list[Thing]:
    """What is new or says something else; that another file says the same changes nothing."""
    changed = [thing for key, thing in given.items() if key not in before or not _same(before[key], thing)]
    report.new += sum(key not in before for key in given)
    report.unchanged += len(given) - len(changed)
    report.updated = report.updated + len(changed) - sum(key not in before for key in given)
    return changed


def _same(before: Thing, now: Thing) -> bool:
    return replace(before, source=now.source) == now
