"""What notices say of a firm's lots as records of its grade, beside what the registry's files say of them.

Only failed samples and recalls of official lists and notices (spot checks, recalls), and only for whom the notice
names as maker, client or recaller: who sold a lot is no maker of it. A lot that an imported record has counts once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, select

from core.firms import FactKind, FirmFact
from core.records import Kind
from core.told import NIL, Outcome, Part, Told, plain
from store.registry import AT_ONCE, firms_with
from store.schema import documents, told_goods
from store.told import rows_with, told_rows

OFFICIAL = (Kind.SPOTCHECK, Kind.RECALL)
MAKES = (Part.MAKER, Part.CLIENT, Part.RECALLER)
AS_FACT: Mapping[Outcome, tuple[FactKind, str]] = {
    Outcome.FAILED: (FactKind.SAMPLING, "failed"),
    Outcome.RECALLED: (FactKind.RECALL, ""),
}
MOST = 40
"""Rows of a firm that are looked at, failed and recalled ones first, the newest first."""
ONE_CHECK = timedelta(days=90)
"""Within these a lot without model and batch is taken for the one that is known already."""


def told_facts(db: Connection, facts: Mapping[str, Sequence[FirmFact]]) -> dict[str, list[FirmFact]]:
    """For each firm what notices say of its lots and its facts do not, the newest first. facts: of each firm asked for.

    A firm is meant by its id, or by its full name where no other firm of the registry has it.
    """
    names = _own_names(db, facts)
    rows = {firm: list(_rows(db, firm, names.get(firm, ""))) for firm in facts}
    official = _official(db, {one.document for told in rows.values() for one in told})
    return {
        firm: list(_new(firm, (one for one in told if one.document in official), facts[firm]))
        for firm, told in rows.items()
    }


def told_of_late(db: Connection, since: date) -> set[str]:
    """The firms of the registry of whose lots notices since a day say that they failed or are recalled."""
    goods = told_goods.c
    query = select(goods.parties).where(goods.outcome.in_(list(AS_FACT)), goods.day >= since)
    parties = [party for told in db.execute(query).scalars() for party in told if party[0] in MAKES]
    named = firms_with(db, "name", {name for _part, name, firm in parties if not firm})
    return {firm for _part, _name, firm in parties if firm} | {
        firms[0].id for firms in named.values() if len(firms) == 1
    }


def _own_names(db: Connection, firms: Iterable[str]) -> dict[str, str]:
    """The full name of each firm that no other has."""
    listed = firms_with(db, "id", (firm for firm in firms if not firm.startswith(NIL)))
    known = {firm: same[0].name for firm, same in listed.items()}
    alone = {name for name, same in firms_with(db, "name", known.values()).items() if len(same) == 1}
    return {firm: name for firm, name in known.items() if name in alone}


def _rows(db: Connection, firm: str, name: str) -> Iterator[Told]:
    keys = [f"n:{plain(firm.removeprefix(NIL))}"] if firm.startswith(NIL) else [f"f:{firm}"]
    keys += [f"n:{plain(name)}"] if name else []
    wanted = [place for key in keys for place in rows_with(db, key, limit=MOST).rows]
    asked = {key[2:] for key in keys}
    for one in told_rows(db, list(dict.fromkeys(wanted))):
        mine = (party for party in one.parties if party.part in MAKES)
        if one.outcome in AS_FACT and any(party.firm == firm or plain(party.name) in asked for party in mine):
            yield one


def _official(db: Connection, ids: set[str]) -> set[str]:
    """Those of the documents that stand and are lists or notices of an authority."""
    found, wanted, its = set[str](), sorted(ids), documents.c
    for start in range(0, len(wanted), AT_ONCE):
        some = its.id.in_(wanted[start : start + AT_ONCE])
        query = select(its.id).where(some, its.latest, its.withdrawn_at.is_(None), its.kind.in_(OFFICIAL))
        found |= set(db.execute(query).scalars())
    return found


def _new(firm: str, told: Iterable[Told], known: Sequence[FirmFact]) -> Iterator[FirmFact]:
    """What is not known yet: several notices may tell of one lot."""
    kept = list(known)
    for one in sorted(told, key=lambda one: (one.day or date.max, one.document, one.position)):
        fact = _fact(firm, one)
        if not any(_same_lot(fact, other) for other in kept):
            kept.append(fact)
            yield fact


def _fact(firm: str, one: Told) -> FirmFact:
    kind, outcome = AS_FACT[one.outcome]
    return FirmFact(
        firm, kind, number=one.number, day=one.day, product=one.product, model="、".join(one.models),
        batch="、".join(one.batches), outcome=outcome, text=one.items, document=one.document, source=one.source,
    )  # fmt: skip


def _same_lot(one: FirmFact, other: FirmFact) -> bool:
    if one.kind is not other.kind or one.outcome != (other.outcome if one.kind is FactKind.SAMPLING else one.outcome):
        return False
    if one.number and one.number == other.number and one.model == other.model:
        return _share(one.batch, other.batch)
    near = one.day is None or other.day is None or abs(one.day - other.day) <= ONE_CHECK
    if (one.batch and other.batch) or (one.model and other.model):
        return near and _share(one.batch, other.batch) and _share(one.model, other.model)
    return near


def _share(one: str, other: str) -> bool:
    """Whether two lists of models or batches have one in common; what is not told contradicts nothing."""
    mine, its = ({plain(part) for part in text.split("、")} - {""} for text in (one, other))
    return not mine or not its or bool(mine & its)
