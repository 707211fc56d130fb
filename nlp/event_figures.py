"""How well events are told apart: BCubed over labelled documents, clustered online in memory."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from config.regions import Regions
from nlp.event_traits import Traits, keys_of, scenes_of
from nlp.events import REACH, Story, decide, joined

EACH_SIDE = 30  # as in the store, see store.events


@dataclass(frozen=True)
class BCubed:
    """Precision and recall averaged over documents."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def bcubed(truth: Mapping[str, Hashable], found: Mapping[str, Hashable]) -> BCubed:
    """BCubed of a clustering against the true one, over the documents that truth names (Bagga and Baldwin 1998).

    A document that `found` lacks stands alone.
    """
    wanted, mine = _groups(truth), _groups({doc: found.get(doc, ("alone", doc)) for doc in truth})
    if not truth:
        return BCubed(1.0, 1.0)
    precision = recall = 0.0
    for document in truth:
        shared = len(wanted[document] & mine[document])
        precision += shared / len(mine[document])
        recall += shared / len(wanted[document])
    return BCubed(precision / len(truth), recall / len(truth))


def _groups(labels: Mapping[str, Hashable]) -> dict[str, set[str]]:
    members: dict[Hashable, set[str]] = defaultdict(set)
    for document, label in labels.items():
        members[label].add(document)
    return {document: members[label] for document, label in labels.items()}


@dataclass
class Shelf:
    """Events in memory, for files and for measuring: what pipelines.events does in the store."""

    regions: Regions
    traits: dict[str, Traits] = field(default_factory=dict)
    event_of: dict[str, str] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    stories: dict[str, Story] = field(default_factory=dict)
    by_key: dict[str, list[tuple[datetime, str]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, mine: Traits) -> str | None:
        """Put a document into its event; returns the event, None for one that is no risk and follows none."""
        keys = keys_of(mine, self.regions)
        near = sorted({name for key in keys for name in self._near(key, mine.at)})
        pairs = [(self.traits[name], self.event_of[name]) for name in near]
        decision = decide(mine, pairs, self.stories)
        if decision.event is None and not mine.risk:
            return None
        event = decision.event or mine.document
        self.traits[mine.document] = mine
        for key in keys:
            insort(self.by_key[key], (mine.at, mine.document))
        self._join(event, mine)
        for other in decision.also:
            self.stories[event] = joined(self.stories[event], self.stories[other])
            for document in self.members.pop(other):
                self.event_of[document] = event
                self.members[event].append(document)
        for document in decision.moves:
            self.members[self.event_of[document]].remove(document)
            self._join(event, self.traits[document])
        return event

    def _near(self, key: str, at: datetime) -> list[str]:
        known = self.by_key.get(key, [])
        here = bisect_right(known, at, key=lambda one: one[0])
        some = known[max(0, here - EACH_SIDE) : here + EACH_SIDE]
        return [name for when, name in some if abs(when - at) <= REACH]

    def _join(self, event: str, mine: Traits) -> None:
        self.event_of[mine.document] = event
        self.members[event].append(mine.document)
        own = Story(event)
        if mine.risk:  # what only follows a story does not shape it
            firms = frozenset({mine.listed}) if mine.listed else frozenset[str]()
            own = Story(event, firms, frozenset(mine.accidents), frozenset(scenes_of(mine)))
        self.stories[event] = joined(self.stories[event], own) if event in self.stories else own


def clustered(documents: Iterable[Traits], regions: Regions) -> dict[str, str]:
    """The event of each document, read in the order given. Events are named after the document that began them."""
    shelf = Shelf(regions)
    for traits in documents:
        shelf.add(traits)
    return dict(shelf.event_of)
