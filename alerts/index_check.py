"""The rules of the pipeline checked on the index, every few minutes: a document that one of the two lost shows up.

What came of the last check is kept in the store, for the status page and `fengsui doctor`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from alerts.index_rules import Asker, Difference, RuleRun
from core.clock import iso_beijing
from store.database import Store, get_fact, set_fact
from store.index_queue import backlog

FACT = "index_check"
SPAN = timedelta(days=2)
"""So much event time is checked: a lost document shows within it, and 500 rules take seconds."""
MOST_TOLD = 20


@dataclass(frozen=True)
class Told:
    """A difference as people read it. documents: those that the index lacks, else those of the finding."""

    rule: str
    title: str
    at: str
    why: str
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Checked:
    """at: Beijing time.  asked: rules that the index can say, of `rules`.  lost: what the index should have and has
    not.  late: findings that `fengsui rules run --on-index` would add, for their signals came before the rule.
    """

    at: str
    rules: int
    asked: int
    findings: int
    lost: int
    late: int
    told: tuple[Told, ...] = ()


def check_on_index(asker: Asker, now: datetime) -> Checked | None:
    """Compare the findings of the last days; None while signals wait for the index. Raises SearchUnavailable.

    Writes nothing but what it found. A rule that differs is asked once more after a refresh: what was written a moment
    ago is not lost.
    """
    if _waiting(asker.store):
        return None
    runs = []
    for rule in asker.engine.rules:
        run = asker.run(rule, now - SPAN, now)
        if run.differences:
            asker.index.refresh()
            run = asker.run(rule, now - SPAN, now)
        runs.append(run)
    if _waiting(asker.store):  # what came meanwhile may be judged and not yet written
        return None
    checked = _summary(runs, now)
    with asker.store.write() as db:
        set_fact(db, FACT, json.dumps(asdict(checked), ensure_ascii=False))
    return checked


def last_check(store: Store) -> Checked | None:
    """What the last check found; None where there was none."""
    with store.read() as db:
        kept = get_fact(db, FACT)
    return _read(json.loads(kept)) if kept else None


def _waiting(store: Store) -> bool:
    with store.read() as db:
        return backlog(db).waiting > 0


def _summary(runs: list[RuleRun], now: datetime) -> Checked:
    asked = [run for run in runs if not run.why]
    lost = [(run, one) for run in asked for one in run.differences if one.grave]
    late = sum(one.side == "index" and not one.grave for run in asked for one in run.differences)
    return Checked(
        at=iso_beijing(now),
        rules=len(runs),
        asked=len(asked),
        findings=sum(len(run.findings) for run in asked),
        lost=len(lost),
        late=late,
        told=tuple(_told(run, one) for run, one in lost[:MOST_TOLD]),
    )


def _told(run: RuleRun, one: Difference) -> Told:
    documents = one.missing or one.finding.documents
    return Told(run.rule.id, run.rule.title, iso_beijing(one.finding.fired_at), one.why, documents[:MOST_TOLD])


def _read(kept: Mapping[str, object]) -> Checked:
    told = kept.get("told")
    rows = told if isinstance(told, list) else []
    values = {name: value for name, value in kept.items() if name in Checked.__dataclass_fields__}
    found = tuple(Told(**{**row, "documents": tuple(row["documents"])}) for row in rows)
    return Checked(**{**values, "told": found})  # type: ignore[arg-type]  # written by check_on_index
