"""Fills the queue of recalls abroad, and says what a decision of a person means for firm and document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from config.regions import ABROAD, Regions
from core.clock import Clock
from core.facts import Recall
from core.firms import FactKind, FirmFact
from core.records import Analysis, RegistryEntry, Signal
from core.told import GRAVE, Outcome, Part
from enterprises.latin_names import LatinReader
from enterprises.mirror import Mirror, Mirrored, strong_one
from facts.models import join_key, models_in_title
from facts.recalls import recall_of
from nlp.pinyin import phrases_given_back
from store.database import Store
from store.documents import find_signals, mark_one_for_analysis
from store.mirror import CONFIRMED, NOBODY, NOT_OURS, OPEN, Candidate, MirrorItem, find_item, keep_item, unasked
from store.registry import entry_of, find_by_name, find_entry
from store.schema import enterprises
from store.told import rows_with, told_rows

MAKING = (Part.MAKER, Part.RECALLER, Part.NAMED)
AT_ONCE = 2000
ROWS_OF_A_MODEL = 20


@dataclass(frozen=True)
class Filled:
    """What a turn came to. asked: recalls looked at; chinese: of those that name China or a place in it."""

    asked: int = 0
    chinese: int = 0
    queued: int = 0
    exact: int = 0


def fill_queue(store: Store, regions: Regions, *, clock: Clock, again: bool = False) -> tuple[Filled, list[Mirrored]]:
    """Look at the recalls that came since. again: also at those nobody decided of, after a change of the registry."""
    with store.read() as db:
        wanted = unasked(db, again=again)
        found = mirrored(db, wanted, regions)
    if not found:
        return Filled(), []
    now = clock()
    with store.write() as db:
        for one in found:
            before = find_item(db, one.document)
            keep_item(db, _row(one, now))
            if _strong(before.candidates if before else ()) != _strong(one.candidates):
                mark_one_for_analysis(db, one.document)  # rules tell the territory, 待核
    queued = [one for one in found if one.candidates]
    told = Filled(len(found), sum(one.chinese for one in found), len(queued), sum(one.exact for one in queued))
    return told, found


def mirrored(db: Connection, wanted: list[str], regions: Regions) -> list[Mirrored]:
    """Who each of these documents may mean; goes through the registry once."""
    if not wanted:
        return []
    with phrases_given_back():
        mirror = Mirror(LatinReader(regions))
    asked = 0
    for signal in find_signals(db, wanted):
        recall = recall_of(signal.document)
        if recall is not None:
            mirror.ask(signal.document, recall, signal.analysis, _makers_of(db, _models(signal, recall)))
            asked += 1
    if asked:
        mirror.look_through(_registry(db))
    return mirror.answers()


def settle(db: Connection, state: str, firm: str, analysis: Analysis) -> Analysis:
    """The reading of a document after a person's decision: the confirmed firm and its place, or none of ours."""
    if state == NOT_OURS:
        return replace(analysis, primary_enterprise=None, enterprises=(), jurisdiction_code=ABROAD)
    entry = find_entry(db, firm) if state == CONFIRMED else None
    if entry is None:
        return analysis
    return replace(
        analysis,
        is_risk=True,
        level=max(1, analysis.level),
        primary_enterprise=entry.id,
        enterprises=tuple(dict.fromkeys((entry.id, *analysis.enterprises))),
        jurisdiction_code=entry.region_code or analysis.jurisdiction_code,
        reasons=(*analysis.reasons, f"境外召回的生产者经人确认为{entry.name}"),
    )


def fact_of_recall(item: MirrorItem, firm: str, signal: Signal | None) -> FirmFact:
    """What a confirmed match says of the firm."""
    return FirmFact(
        firm=firm,
        kind=FactKind.RECALL,
        number=item.number or item.document,
        day=item.day,
        product=item.product,
        model="、".join(item.models[:12]),
        text=f"境外召回，标称生产者：{item.maker}"[:300] if item.maker else "境外召回",
        document=item.document,
        source=signal.document.source if signal else "",
    )


def _strong(candidates: Sequence[Candidate]) -> str:
    one = strong_one(candidates)
    return one.firm if one else ""


def _models(signal: Signal, recall: Recall) -> tuple[str, ...]:
    """Those of the record, and tokens of its fields, title and text that look like one."""
    told = "\n".join((*recall.models, signal.document.title, signal.document.text[:5000]))
    return tuple(dict.fromkeys((*recall.models, *models_in_title(told))))


def _makers_of(db: Connection, models: tuple[str, ...]) -> dict[str, str]:
    """Registry firms that documents at home say to make one of these models."""
    found: dict[str, str] = {}
    for model in models[:12]:
        key = join_key(model)
        kept = rows_with(db, f"m:{key}", limit=ROWS_OF_A_MODEL) if key else None
        for told in told_rows(db, kept.rows if kept else ()):
            if told.outcome is Outcome.RECALLED_ABROAD or told.outcome not in (*GRAVE, Outcome.PASSED):
                continue
            for party in told.parties:
                firm = party.firm or (find_by_name(db, party.name) if party.part in MAKING else None)
                if firm and party.part in MAKING:
                    found.setdefault(firm, model)
    return found


def _registry(db: Connection) -> Iterator[RegistryEntry]:
    query = select(enterprises.c.entry)
    for row in db.execute(query, execution_options={"yield_per": AT_ONCE}).scalars():
        yield entry_of(row)


def _row(one: Mirrored, now: datetime) -> dict[str, object]:
    candidates = [[c.firm, c.name, c.region, c.score, list(c.reasons)] for c in one.candidates]
    return {
        "document": one.document,
        "day": one.day,
        "number": one.number,
        "maker": one.maker[:300],
        "product": one.product[:300],
        "models": list(one.models[:40]),
        "candidates": candidates,
        "score": one.candidates[0].score if one.candidates else 0.0,
        "exact": one.exact,
        "state": OPEN if one.candidates else NOBODY,
        "firm": "",
        "looked_at": now,
    }
