"""The goods a document tells of: rows of spot-check lists, recalls, and a failed sample that only the prose names."""

import re
from collections.abc import Iterator

from core.clock import beijing
from core.facts import Recall, SpotCheck
from core.records import Analysis, Document, Kind
from core.told import NIL, Outcome, Part, Party, Told
from facts.models import models_in
from facts.recalls import recall_of
from facts.spot_checks import QUALIFIED, UNQUALIFIED, spot_checks

RECALLED = {Kind.RECALL: Outcome.RECALLED, Kind.RECALL_FOREIGN: Outcome.RECALLED_ABROAD}
OUTCOMES = {UNQUALIFIED: Outcome.FAILED, QUALIFIED: Outcome.PASSED, "": Outcome.UNSAID}
PARTS = {
    "manufacturer": Part.MAKER,
    "importer": Part.IMPORTER,
    "distributor": Part.DISTRIBUTOR,
    "retailer": Part.SELLER,
    "recaller": Part.RECALLER,
    "firm": Part.NAMED,
}
MOST = 2000
"""Rows of one document that are kept; the longest list seen had 1,100."""
OWN_STORE = re.compile(
    r"(?:(?:生产|受检|被抽样|该)?(?:企业|单位|厂家|公司|工厂|本厂|厂内))?(?:自有|待销)?(?:成品|产品|样品|销售|经营)?"
    r"(?:仓库|库房|库|仓|待销区|成品区|门店|店铺|现场|车间|柜台|场所)?(?:内|待检区)?"
)
READ = (Kind.RECALL, Kind.RECALL_FOREIGN, Kind.SPOTCHECK)


def tells(document: Document) -> bool:
    """Whether a document can tell of single goods at all."""
    return document.kind in READ or bool(document.tables)


def told_by(document: Document, analysis: Analysis | None = None) -> list[Told]:
    """What a cleaned document says of single goods, in its order. analysis: knows firms of the prose by id."""
    if document.kind in RECALLED:
        recall = recall_of(document)
        return [_recalled(document, recall, analysis)] if recall else []
    rows = spot_checks(document.tables, title=document.title, text=document.text)[:MOST]
    if rows:
        return [_checked(document, number, row) for number, row in enumerate(rows)]
    return list(_in_prose(document, analysis))


def _checked(document: Document, number: int, row: SpotCheck) -> Told:
    client = "" if row.client == row.nominal_producer else row.client  # it stands for a maker that is not named
    named = (
        (Part.MAKER, row.nominal_producer),
        (Part.CLIENT, client),
        (Part.IMPORTER, row.agent),
        (Part.SELLER, row.seller),
    )
    return Told(
        document=document.id,
        position=number,
        outcome=OUTCOMES.get(row.result, Outcome.UNSAID),
        day=beijing(document.event_time).date(),
        number=row.notice_no,
        product=row.product or row.sample,
        brand=row.brand,
        models=_one(row.model),
        batches=_one(row.batch),
        items="、".join(row.failed_items),
        source=document.source,
        parties=tuple(Party(part, name.strip()) for part, name in named if _is_firm(name.strip())),
    )


def _recalled(document: Document, recall: Recall, analysis: Analysis | None) -> Told:
    parties = [Party(PARTS[firm.role], firm.name) for firm in recall.firms if _is_firm(firm.name)]
    known = analysis.primary_enterprise if analysis else None
    if known and not known.startswith(NIL) and not any(party.part is Part.MAKER for party in parties):
        recallers = [party for party in parties if party.part in (Part.RECALLER, Part.NAMED)]
        parties = [Party(party.part, party.name, known) if party in recallers[:1] else party for party in parties]
        parties = parties if recallers else [*parties, Party(Part.NAMED, known, known)]
    return Told(
        document=document.id,
        position=0,
        outcome=RECALLED[document.kind],
        day=recall.recall_date or beijing(document.event_time).date(),
        number=recall.recall_no,
        product=recall.product_name,
        brand=recall.brand,
        models=recall.models,
        batches=recall.batches,
        items=recall.hazard_text or recall.defect[:200],
        source=document.source,
        parties=tuple(dict.fromkeys(parties)),
    )


def _in_prose(document: Document, analysis: Analysis | None) -> Iterator[Told]:
    """A spot-check notice without a list whose reading came to one firm."""
    if document.kind is not Kind.SPOTCHECK or analysis is None or not analysis.is_risk:
        return
    firm = analysis.primary_enterprise
    if not firm:
        return
    party = Party(Part.MAKER, firm.removeprefix(NIL)) if firm.startswith(NIL) else Party(Part.MAKER, firm, firm)
    yield Told(
        document=document.id,
        position=0,
        outcome=Outcome.FAILED,
        day=beijing(document.event_time).date(),
        product=analysis.primary_product or "",
        models=models_in(f"{document.title}\n{document.text}")[:12],
        source=document.source,
        parties=(party,),
    )


def _is_firm(name: str) -> bool:
    """Not the place of sampling only: 企业成品库 is the maker's own store, of any maker. （否认生产） is no name."""
    return len(name) > 1 and not name.startswith(("（", "(", "关于")) and OWN_STORE.fullmatch(name) is None


def _one(text: str) -> tuple[str, ...]:
    return (text.strip(),) if text.strip() else ()
