"""How well events are told apart: BCubed over labelled documents, clustered online in memory."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from config.regions import Regions
from nlp.event_traits import Traits, keys_of, scenes_of
from nlp.events import Story, decide

MOST_NEAR = 60


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
    """Events in memory: what the pipeline does in the store, for measuring."""

    regions: Regions
    traits: dict[str, Traits] = field(default_factory=dict)
    event_of: dict[str, str] = field(default_factory=dict)
    by_key: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, mine: Traits) -> str | None:
        """Put a document into its event; returns the event, None for one that is no risk and follows none."""
        keys = keys_of(mine, self.regions)
        near: dict[str, None] = {}
        for key in keys:
            some = sorted(self.by_key[key], key=lambda name: abs(self.traits[name].at - mine.at))
            near |= dict.fromkeys(some[:MOST_NEAR])
        pairs = [(self.traits[name], self.event_of[name]) for name in near]
        stories = {event: self.story(event) for _, event in pairs}
        decision = decide(mine, pairs, stories)
        if decision.event is None and not mine.risk:
            return None
        for key in keys:
            self.by_key[key].append(mine.document)
        self.traits[mine.document] = mine
        event = decision.event or mine.document
        self.event_of[mine.document] = event
        for document, old in self.event_of.items():
            if old in decision.also or document in decision.moves:
                self.event_of[document] = event
        return event

    def story(self, event: str) -> Story:
        """What its members say of an event."""
        members = [self.traits[document] for document, of in self.event_of.items() if of == event]
        return Story(
            event,
            frozenset(one.listed for one in members if one.listed),
            frozenset(day for one in members for day in one.accidents),
            frozenset(scene for one in members for scene in scenes_of(one)),
        )


def clustered(documents: Iterable[Traits], regions: Regions) -> dict[str, str]:
    """The event of each document, in the order given."""
    shelf = Shelf(regions)
    for traits in documents:
        shelf.add(traits)
    return dict(shelf.event_of)
