"""Which month holds which signal, in which version: what makes many indices behave as one.

A revision may move a signal to another month, where the version of the old one is not known. So each write first takes
its place here, by compare and swap: an older one is turned away whichever month it would go to, for ever, and a newer
one learns where copies may lie. Each generation has its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from core.errors import SearchUnavailable
from search.backend import Refused
from search.elastic_bulk import Action, Answer, action, send
from search.elastic_client import Cluster, Json, missing
from search.elastic_names import IndexNames, month_of
from search.records import Row

ATTEMPTS = 20
"""Times a place is asked for while others take it."""
LOOKED_UP = 1_000
"""Ids a request."""


@dataclass(frozen=True)
class Place:
    """version: the highest written.  months: the one it is in, then those it was in.  gone: deleted at that version."""

    version: int
    months: tuple[str, ...]
    gone: bool = False

    @classmethod
    def from_json(cls, found: Json) -> Self:
        return cls(found["version"], tuple(found["months"]), found.get("gone", False))

    def as_json(self) -> Json:
        return {"version": self.version, "months": list(self.months), **({"gone": True} if self.gone else {})}


@dataclass(frozen=True)
class Seat:
    """A row that may be written: to `month`; copies of it in `others` are to go."""

    row: Row
    month: str
    others: tuple[str, ...]


class Places:
    """The places of one generation. Raises NotFoundError where its index is not there."""

    def __init__(self, cluster: Cluster, names: IndexNames, number: int) -> None:
        self._cluster = cluster
        self._index = names.places(number)
        self._door = names.places_door(number)

    def take(self, rows: Sequence[Row], *, rebuilt: bool = False) -> tuple[list[Seat], list[Refused]]:
        """Seats for those of `rows` that nothing newer is known of, and those with an impossible id. Ids are unique.

        rebuilt: the rows come from a rebuild, which must not bring back what was deleted meanwhile.
        """
        seats: list[Seat] = []
        refused: list[Refused] = []
        left = {row["id"]: row for row in rows}
        for attempt in range(ATTEMPTS):
            if not left:
                return seats, refused
            wanted: dict[str, Seat] = {}
            actions: list[Action] = []
            # A first version is mostly new: with a look at each, places would cost the server 200 µs a signal, not 55.
            held = self._held([known for known, row in left.items() if attempt or row["version"] > 1])
            for known in list(left):
                found = held.get(known)
                old = Place.from_json(found["_source"]) if found else None
                place = _next(old, left[known], rebuilt)
                if place is None:
                    del left[known]
                elif place == old:
                    seats.append(Seat(left.pop(known), place.months[0], place.months[1:]))
                else:
                    wanted[known] = Seat(left[known], place.months[0], place.months[1:])
                    actions.append(self._swap(known, place, found))
            for answer in self._sent(actions):
                if answer.conflict:
                    continue  # another process took it between our look and our step: look again
                del left[answer.id]
                if answer.hopeless:
                    refused.append(answer.refused())
                else:
                    seats.append(wanted[answer.id])
        raise SearchUnavailable(f"{len(left)} 条一直在被改写，稍后补写")

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The versions known of `ids`."""
        return {known: Place.from_json(found["_source"]).version for known, found in self._held(ids).items()}

    def leave(self, versions: Mapping[str, int]) -> dict[str, Place]:
        """Note these ids as deleted at these versions, or higher ones; where their copies may lie."""
        left = dict(versions)
        gone: dict[str, Place] = {}
        for _attempt in range(ATTEMPTS):
            if not left:
                return gone
            held = self._held(list(left))
            wanted: dict[str, Place] = {}
            for known, version in left.items():
                old = Place.from_json(held[known]["_source"]) if known in held else Place(version, ())
                wanted[known] = Place(max(version, old.version), old.months, gone=True)
            actions = [self._swap(known, place, held.get(known)) for known, place in wanted.items()]
            for answer in self._sent(actions):
                if answer.taken:
                    gone[answer.id] = wanted[answer.id]
                if not answer.conflict:
                    del left[answer.id]
        raise SearchUnavailable(f"{len(left)} 条一直在被改写，没有删掉")

    def _held(self, ids: Sequence[str]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for start in range(0, len(ids), LOOKED_UP):
            found |= self._cluster.documents(self._index, ids[start : start + LOOKED_UP])
        return found

    def _swap(self, known: str, place: Place, found: Json | None) -> Action:
        if found is None:
            return action("create", self._door, known, source=place.as_json(), require_alias=True)
        swap = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return action("index", self._door, known, source=place.as_json(), require_alias=True, **swap)

    def _sent(self, actions: Sequence[Action]) -> list[Answer]:
        answers = send(self._cluster, actions)
        if any(answer.missing for answer in answers):
            raise missing(self._index)
        return answers


def _next(old: Place | None, row: Row, rebuilt: bool) -> Place | None:
    """The place after `row` is written; None when it must not be."""
    version, month = row["version"], month_of(row["event_time"])
    if old is None:
        return Place(version, (month,))
    if old.version > version or (rebuilt and old.gone and old.version == version):
        return None
    return Place(version, (month, *(other for other in old.months if other != month)))
