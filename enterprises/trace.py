"""双向追查: from a failed or recalled lot to whoever made, ordered and sold it, and from a firm to its lots.

A walk in breadth over what is kept: lots that documents tell of (store.told), results and recalls of the registry
(firm_facts), relations of firms (firm_ties). It ends at a number of steps and of nodes, and tells what it left out.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from sqlalchemy import Connection, select

from core.firms import FactKind, FirmFact, FirmTie
from core.records import RegistryEntry
from core.told import GRAVE, NIL, Outcome, Part, Told, plain
from facts.models import join_key
from store.firm_facts import fact_of, facts_of, ties_of
from store.registry import entry_of
from store.schema import enterprises, firm_facts
from store.told import Kept, rows_with, told_rows

STEPS, MOST_STEPS = 3, 6
NODES, MOST_NODES = 60, 300
ROWS_OF_ONE = 40
"""Lots of one firm or model that are followed, failed and new ones first: a platform has thousands."""
TIES_OF_ONE = 40


class Sort(StrEnum):
    """What a node is."""

    FIRM = "firm"
    LOT = "lot"


@dataclass(frozen=True)
class Start:
    """Where a trace begins: a firm (id or NIL:name), or lots by model, batch and number; those given must all hold."""

    firm: str = ""
    model: str = ""
    batch: str = ""
    number: str = ""

    def __bool__(self) -> bool:
        return bool(self.firm or plain(self.model) or plain(self.batch) or plain(self.number))


@dataclass(frozen=True)
class Ground:
    """What an edge rests on. document: an id, or "" where the registry says it. source: a document's or a file's.

    day: since when, or when it was found.  hidden: there is a document, and the asker may not read it.
    """

    document: str
    source: str
    day: date | None
    hidden: bool = False


@dataclass(frozen=True)
class Node:
    """id: a registry id, NIL:<name>, or `lot:...`. steps: from the start. territory: a region code or "".

    name: of a firm; empty for a lot.  The rest is of a lot; several documents may tell of it, and of those that the
    asker may not read nothing is in it.
    """

    id: str
    sort: Sort
    name: str
    steps: int
    territory: str = ""
    listed: bool = False
    product: str = ""
    brand: str = ""
    models: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    items: tuple[str, ...] = ()
    grounds: tuple[Ground, ...] = ()

    @property
    def grave(self) -> bool:
        """Whether a lot failed or is recalled."""
        return any(outcome in GRAVE for outcome in self.outcomes)


@dataclass(frozen=True)
class Edge:
    """one stands to other as `kind` says: a Part of a lot (firm to lot), a TieKind (firm to firm), same_model."""

    one: str
    kind: str
    other: str
    product: str = ""
    until: date | None = None
    grounds: tuple[Ground, ...] = ()

    @property
    def since(self) -> date | None:
        """The earliest day any ground tells."""
        return min((ground.day for ground in self.grounds if ground.day), default=None)


@dataclass(frozen=True)
class Trace:
    """nodes: nearest first.  open_ends: nodes at the last step that were not followed.

    left_rows: lots beyond ROWS_OF_ONE, by node.  left_nodes: that did not fit.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    open_ends: int = 0
    left_rows: dict[str, int] = field(default_factory=dict)
    left_nodes: int = 0

    @property
    def documents(self) -> frozenset[str]:
        """The ids of all documents it rests on."""
        grounds = [*(node.grounds for node in self.nodes), *(edge.grounds for edge in self.edges)]
        return frozenset(ground.document for some in grounds for ground in some if ground.document)


SAME_MODEL = "same_model"


Sees = Callable[[Collection[str]], Collection[str]]
"""Those of these documents that the asker may read."""


def trace(db: Connection, start: Start, *, steps: int = STEPS, most: int = NODES, sees: Sees = frozenset) -> Trace:
    """Walk from `start`. steps: 1 to MOST_STEPS, most: up to MOST_NODES nodes. Empty where nothing is kept of it.

    A document that may not be read still leads on from firm to firm, but nothing it says of a lot comes out.
    """
    walk = _Walk(db, most=min(most, MOST_NODES), sees=sees)
    frontier = walk.begin(start)
    for step in range(1, min(steps, MOST_STEPS) + 1):
        frontier = walk.step(frontier, step)
    return walk.done(open_ends=len(frontier))


class _Walk:
    def __init__(self, db: Connection, *, most: int, sees: Sees) -> None:
        self.db, self.most, self.sees = db, most, sees
        self.readable: dict[str, bool] = {}
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str, str], Edge] = {}
        self.parties: dict[str, list[tuple[Part, str, Ground]]] = {}
        """Firms of each lot, which become nodes when the lot is followed."""
        self.names: dict[str, tuple[str, ...]] = {}
        """Each listed firm's names as documents may write them."""
        self.ids: dict[str, str] = {}
        """Plain name to the node's id."""
        self.kept: dict[str, Kept] = {}
        """The rows of each key that was looked up: lots of one model ask for the same."""
        self.left_rows: Counter[str] = Counter()
        self.turned_away: set[str] = set()

    def begin(self, start: Start) -> list[str]:
        if start.firm:
            self._firms([start.firm], 0)
            return [start.firm]
        rows = self._asked_for(start)
        facts = [fact for fact in _facts_asked_for(self.db, start) if fact.kind in (FactKind.SAMPLING, FactKind.RECALL)]
        self._resolve([party.name for one in rows for party in one.parties if not party.firm])
        return list(dict.fromkeys([self._lot(one, 0) for one in rows] + [self._lot_of_fact(fact, 0) for fact in facts]))

    def step(self, frontier: Sequence[str], step: int) -> list[str]:
        """Follow each node of the frontier; the new nodes."""
        before = len(self.nodes)
        firms = [one for one in frontier if one in self.nodes and self.nodes[one].sort is Sort.FIRM]
        lots = [one for one in frontier if one in self.nodes and self.nodes[one].sort is Sort.LOT]
        self._follow_lots(lots, step)
        self._follow_firms(firms, step)
        return list(self.nodes)[before:]

    def done(self, *, open_ends: int) -> Trace:
        kept = [edge for edge in self.edges.values() if edge.one in self.nodes and edge.other in self.nodes]
        grounds = [*(one.grounds for one in self.nodes.values()), *(one.grounds for one in kept)]
        self._look([ground.document for some in grounds for ground in some if ground.document])
        nodes = tuple(replace(one, grounds=self._shown(one.grounds)) for one in self.nodes.values())
        edges = tuple(replace(one, grounds=self._shown(one.grounds)) for one in kept)
        left = {node: count for node, count in self.left_rows.items() if count}
        return Trace(nodes, edges, open_ends, left, len(self.turned_away))

    def _look(self, documents: Iterable[str]) -> None:
        """Learn which of these documents may be read."""
        new = {document for document in documents if document not in self.readable}
        seen = set(self.sees(new)) if new else set()
        self.readable |= {document: document in seen for document in new}

    def _shown(self, grounds: Iterable[Ground]) -> tuple[Ground, ...]:
        may = (
            ground if not ground.document or self.readable[ground.document] else Ground("", "", ground.day, hidden=True)
            for ground in grounds
        )
        return tuple(dict.fromkeys(may))

    def _asked_for(self, start: Start) -> list[Told]:
        asked = [("m", start.model), ("b", start.batch), ("#", start.number)]
        keys = [f"{sort}:{plain(text)}" for sort, text in asked if plain(text)]
        found: list[set[tuple[str, int]]] = []
        for key in keys:
            kept = rows_with(self.db, key, limit=self.most * 5)
            found.append(set(kept.rows))
            self.left_rows[key] += kept.more
        both = set.intersection(*found) if found else set()
        found_rows = sorted(told_rows(self.db, sorted(both)), key=_grave_first)
        self._look([one.document for one in found_rows])
        rows = [one for one in found_rows if self.readable[one.document]]
        self.left_rows["start"] += max(0, len(rows) - self.most)
        return rows[: self.most]

    def _follow_lots(self, lots: Sequence[str], step: int) -> None:
        parties = [party for lot in lots for party in self.parties.get(lot, ())]
        self._firms([firm for _, firm, _ in parties], step)
        for lot in lots:
            for part, firm, ground in self.parties.get(lot, ()):
                self._edge(firm, part, lot, ground)
        wanted: list[tuple[str, tuple[str, int]]] = []
        for lot in lots:
            for key in {join_key(model) for model in self.nodes[lot].models[:5]} - {""}:
                wanted += [(lot, row) for row in self._rows(f"m:{key}", lot)]
        rows = {(one.document, one.position): one for one in self._told([row for _, row in wanted])}
        for lot, place in wanted:
            if place in rows:
                before = len(self.nodes)
                other = self._lot(rows[place], step)
                if other != lot and (len(self.nodes) > before or self._worth_saying(lot, other)):
                    self._edge(lot, SAME_MODEL, other, _ground(rows[place]))

    def _worth_saying(self, one: str, other: str) -> bool:
        """That two lots are of one model: not of those that were asked for, nor where their maker says so anyway."""
        if not (self.nodes[one].steps or other not in self.nodes or self.nodes[other].steps):
            return False
        makers = [{firm for part, firm, _ in self.parties[lot] if part is Part.MAKER} for lot in (one, other)]
        return not makers[0] & makers[1]

    def _follow_firms(self, firms: Sequence[str], step: int) -> None:
        wanted: list[tuple[str, int]] = []
        for firm in firms:
            named = self.names.get(firm, (firm.removeprefix(NIL),))
            keys = [f"f:{firm}", *(f"n:{plain(name)}" for name in named)]
            wanted += [row for key in dict.fromkeys(keys) for row in self._rows(key, firm)]
        mine = set(firms)
        for one in sorted(self._told(list(dict.fromkeys(wanted))), key=_grave_first):
            lot = self._lot(one, step)
            for part, firm, ground in self.parties.get(lot, ()):
                if firm in mine:
                    self._edge(firm, part, lot, ground)
        for firm, facts in facts_of(self.db, list(firms)).items():
            for fact in facts[:ROWS_OF_ONE]:
                if fact.kind in (FactKind.SAMPLING, FactKind.RECALL):
                    self._edge(firm, Part.NAMED, self._lot_of_fact(fact, step), _ground_of_fact(fact))
        self._follow_ties(mine, step)

    def _follow_ties(self, firms: set[str], step: int) -> None:
        found: dict[str, int] = Counter()
        ties: list[FirmTie] = []
        listed = sorted(firms)
        for start in range(0, len(listed), 400):
            for tie in ties_of(self.db, listed[start : start + 400]):
                near = tie.one if tie.one in firms else tie.other
                found[near] += 1
                if found[near] <= TIES_OF_ONE:
                    ties.append(tie)
        self.left_rows.update({firm: count - TIES_OF_ONE for firm, count in found.items() if count > TIES_OF_ONE})
        self._firms([end for tie in ties for end in (tie.one, tie.other)], step)
        for tie in ties:
            self._edge(tie.one, tie.kind, tie.other, Ground(tie.document, tie.source, tie.since), tie=tie)

    def _rows(self, key: str, node: str) -> Iterable[tuple[str, int]]:
        kept = self.kept.get(key)
        if kept is None:
            kept = self.kept[key] = rows_with(self.db, key, limit=ROWS_OF_ONE)
        if kept.more:
            self.left_rows[node] += kept.more
        return kept.rows

    def _told(self, wanted: Sequence[tuple[str, int]]) -> list[Told]:
        rows = told_rows(self.db, list(dict.fromkeys(wanted)))
        self._look([one.document for one in rows])
        self._resolve([party.name for one in rows for party in one.parties if not party.firm])
        return rows

    def _resolve(self, names: Iterable[str]) -> None:
        """Find the registry's firms of exactly these names; a name of two firms, or of none, stays a name."""
        unknown = sorted({name for name in names if plain(name) not in self.ids})
        written = sorted({way for name in unknown for way in _ways(name)})
        found: dict[str, set[str]] = {}
        for start in range(0, len(written), 400):
            query = select(enterprises.c.id, enterprises.c.name)
            for row in self.db.execute(query.where(enterprises.c.name.in_(written[start : start + 400]))):
                found.setdefault(plain(row.name), set()).add(row.id)
        for name in unknown:
            ids = found.get(plain(name), set())
            self.ids[plain(name)] = next(iter(ids)) if len(ids) == 1 else f"{NIL}{name}"

    def _firms(self, ids: Iterable[str], step: int) -> None:
        """Add the firms that are no nodes yet."""
        new = [firm for firm in dict.fromkeys(ids) if firm not in self.nodes]
        listed: dict[str, RegistryEntry] = {}
        known = [firm for firm in new if not firm.startswith(NIL)]
        for start in range(0, len(known), 400):
            query = select(enterprises.c.entry).where(enterprises.c.id.in_(known[start : start + 400]))
            listed |= {entry.id: entry for entry in map(entry_of, self.db.execute(query).scalars())}
        for firm in new:
            if not self._fits(firm):
                continue
            entry = listed.get(firm)
            name = entry.name if entry else firm.removeprefix(NIL)
            self.nodes[firm] = Node(
                firm, Sort.FIRM, name, step, entry.region_code if entry else "", listed=entry is not None
            )
            if entry:
                self.names[firm] = (entry.name, *entry.former_names)
                for written in self.names[firm]:
                    self.ids.setdefault(plain(written), firm)

    def _lot(self, one: Told, step: int) -> str:
        parties = [
            (party.part, party.firm or self.ids.get(plain(party.name), f"{NIL}{party.name}"), _ground(one))
            for party in one.parties
        ]
        made_by = next((firm for part, firm, _ in parties if part in (Part.MAKER, Part.RECALLER)), "")
        lot = _lot_id(made_by, one.models, one.batches, one.product or one.document)
        known = self.parties.setdefault(lot, [])
        known += [party for party in parties if party not in known]
        self._merge(
            Node(
                lot, Sort.LOT, "", step,
                product=one.product, brand=one.brand, models=one.models, batches=one.batches,
                numbers=_some(one.number), outcomes=(one.outcome,), items=_some(one.items), grounds=(_ground(one),),
            )
            if self.readable.get(one.document)
            else Node(lot, Sort.LOT, "", step, grounds=(_ground(one),))
        )  # fmt: skip
        return lot

    def _lot_of_fact(self, fact: FirmFact, step: int) -> str:
        outcome = {"failed": Outcome.FAILED, "passed": Outcome.PASSED}.get(fact.outcome, Outcome.UNSAID)
        outcome = Outcome.RECALLED if fact.kind is FactKind.RECALL else outcome
        models, batches = _some(fact.model), _some(fact.batch)
        lot = _lot_id(fact.firm, models, batches, fact.product or fact.number or f"{fact.kind}{fact.day}")
        ground = _ground_of_fact(fact)
        known = self.parties.setdefault(lot, [])
        if not any(firm == fact.firm for _, firm, _ in known):
            known.append((Part.NAMED, fact.firm, ground))
        self._merge(
            Node(
                lot, Sort.LOT, "", step,
                product=fact.product, models=models, batches=batches, numbers=_some(fact.number), outcomes=(outcome,),
                items=_some(fact.text), grounds=(ground,),
            )
        )  # fmt: skip
        return lot

    def _merge(self, new: Node) -> None:
        old = self.nodes.get(new.id)
        if old is None:
            if self._fits(new.id):
                self.nodes[new.id] = new
            return
        self.nodes[new.id] = replace(
            old,
            product=old.product or new.product,
            brand=old.brand or new.brand,
            models=old.models or new.models,
            batches=old.batches or new.batches,
            numbers=_joined(old.numbers, new.numbers),
            outcomes=tuple(dict.fromkeys((*old.outcomes, *new.outcomes))),
            items=_joined(old.items, new.items),
            grounds=tuple(dict.fromkeys((*old.grounds, *new.grounds))),
        )

    def _edge(self, one: str, kind: str, other: str, ground: Ground, *, tie: FirmTie | None = None) -> None:
        if kind == SAME_MODEL:
            one, other = sorted((one, other))
        key = (one, str(kind), other)
        old = self.edges.get(key)
        product, until = (tie.product, tie.until) if tie else ("", None)
        grounds = tuple(dict.fromkeys((*(old.grounds if old else ()), ground)))
        self.edges[key] = Edge(one, str(kind), other, product, until, grounds)

    def _fits(self, node: str) -> bool:
        if len(self.nodes) < self.most:
            return True
        self.turned_away.add(node)
        return False


def _facts_asked_for(db: Connection, start: Start) -> Iterator[FirmFact]:
    given = {"model": start.model.strip(), "batch": start.batch.strip(), "number": start.number.strip()}
    asked = [firm_facts.c[name] == value for name, value in given.items() if value]
    if asked:
        query = select(firm_facts).where(*asked).order_by(firm_facts.c.day.desc()).limit(ROWS_OF_ONE)
        yield from map(fact_of, db.execute(query).mappings())


def _ways(name: str) -> Iterator[str]:
    """A name with either sort of brackets: both are registered."""
    yield name
    yield name.translate(str.maketrans("()", "（）"))
    yield name.translate(str.maketrans("（）", "()"))


def _lot_id(firm: str, models: Sequence[str], batches: Sequence[str], otherwise: str) -> str:
    """The same lot in two documents is one: by its maker, models and batches; by its product where it has neither."""
    model, batch = ",".join(sorted(map(plain, models))), ",".join(sorted(map(plain, batches)))
    return f"lot:{firm}|{model}|{batch}" if model or batch else f"lot:{firm}|{plain(otherwise)}"


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _joined(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))[:12]


def _ground(one: Told) -> Ground:
    return Ground(one.document, one.source, one.day)


def _ground_of_fact(fact: FirmFact) -> Ground:
    return Ground(fact.document, fact.source, fact.day)


def _grave_first(one: Told) -> tuple[bool, int]:
    return one.outcome not in GRAVE, -(one.day.toordinal() if one.day else 0)
