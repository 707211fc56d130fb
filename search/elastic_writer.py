"""Writes to every generation that lives, whatever a rebuild does meanwhile."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import elasticsearch

from core.errors import SearchUnavailable
from search.backend import Refused
from search.elastic_bulk import Action, action, send
from search.elastic_client import Cluster, missing
from search.elastic_control import State
from search.elastic_generations import Generations
from search.elastic_names import IndexNames
from search.elastic_places import Places, Seat
from search.records import Row

T = TypeVar("T")

ATTEMPTS = 5
"""Times that what is missing is made, and times that the list of generations may change, before we give up."""


class Writer:
    """Raises the client's errors and SearchUnavailable: some may be written then, and writing again does no harm."""

    def __init__(self, cluster: Cluster, names: IndexNames, generations: Generations) -> None:
        self._cluster = cluster
        self._names = names
        self._generations = generations

    def write(self, rows: Sequence[Row]) -> tuple[Refused, ...]:
        """Write `rows` to every generation; those that are not taken."""
        refused: dict[str, Refused] = {}
        newest = newest_of(rows)

        def one(number: int, _state: State) -> None:
            refused.update({no.id: no for no in self.write_into(number, newest)})

        if newest:
            self._everywhere(one)
        return tuple(refused.values())

    def delete(self, ids: Iterable[str]) -> None:
        """Delete `ids` from every generation; neither a rebuild nor an older write brings them back."""
        unwanted = sorted(set(ids))

        def one(number: int, state: State) -> None:
            versions: dict[str, int] = {}
            for other in state.live:
                for known, version in self._made(other, lambda places: places.versions(unwanted)).items():
                    versions[known] = max(version, versions.get(known, version))
            left = self._made(number, lambda places: places.leave(versions))
            copies = [(month, known, place.version) for known, place in left.items() for month in place.months]
            self._remove(number, copies)

        if unwanted:
            self._everywhere(one)

    def _everywhere(self, one: Callable[[int, State], None]) -> None:
        """Do `one` with every generation, and with those that came up meanwhile.

        The list is read once more afterwards: a rebuild that began before we ended is seen then, and one that begins
        later reads what we wrote.
        """
        done: set[int] = set()
        for _attempt in range(ATTEMPTS):
            state = self._generations.ready()
            left = [number for number in state.live if number not in done]
            if not left:
                return
            for number in left:
                try:
                    self._generations.check_format(number)
                    one(number, state)
                except elasticsearch.NotFoundError:
                    break  # deleted between our look and our step: look again
                done.add(number)
        raise SearchUnavailable("索引一再被重建替换，请稍后再试")

    def write_into(self, number: int, rows: Sequence[Row], *, rebuilt: bool = False) -> list[Refused]:
        """Write rows, each id once, into one generation. Raises NotFoundError when it does not live any more.

        rebuilt: as Places.take.
        """
        left, refused = self._made(number, lambda places: places.take(rows, rebuilt=rebuilt))
        for _attempt in range(ATTEMPTS):
            written, absent, no = self._send(number, left)
            refused += no
            self._remove(number, [(month, seat.row["id"], seat.row["version"]) for seat, month in _moved(written)])
            if not absent:
                return refused
            if not self._generations.lives(number):
                raise missing(self._names.generation(number))
            for month in sorted({seat.month for seat in absent}):
                self._generations.open_month(number, month)
            left = absent
        raise SearchUnavailable("索引的月份一再消失，请检查是否有人在删除索引")

    def _send(self, number: int, seats: Sequence[Seat]) -> tuple[list[Seat], list[Seat], list[Refused]]:
        """Those written, those whose month is not there, those refused; what lost to a newer write is in none."""
        written, absent, refused = [], [], []
        answers = send(self._cluster, [self._action("index", number, seat.month, seat.row) for seat in seats])
        for seat, answer in zip(seats, answers, strict=True):
            if answer.taken:
                written.append(seat)
            elif answer.missing:
                absent.append(seat)
            elif answer.hopeless:
                refused.append(answer.refused())
        return written, absent, refused

    def _remove(self, number: int, copies: Sequence[tuple[str, str, int]]) -> None:
        """Delete copies (month, id, version) of that version or an older one; what is not there is no error."""
        if copies:
            rows = [(month, {"id": known, "version": version}) for month, known, version in copies]
            send(self._cluster, [self._action("delete", number, month, row) for month, row in rows])

    def _action(self, kind: str, number: int, month: str, row: Row) -> Action:
        versions = {"version": row["version"], "version_type": "external_gte"}
        source = row if kind == "index" else None
        door = self._names.door(number, month)
        return action(kind, door, row["id"], source=source, require_alias=True, **versions)

    def _made(self, number: int, step: Callable[[Places], T]) -> T:
        """`step` with the places of a generation; they are made where a process died before it did."""
        places = Places(self._cluster, self._names, number)
        try:
            return step(places)
        except elasticsearch.NotFoundError:
            if not self._generations.lives(number):
                raise
            self._generations.make(number)
            return step(places)


def newest_of(rows: Iterable[Row]) -> list[Row]:
    """Each id once: the highest version, of equal ones the last."""
    newest: dict[str, Row] = {}
    for row in rows:
        held = newest.get(row["id"])
        if held is None or row["version"] >= held["version"]:
            newest[row["id"]] = row
    return list(newest.values())


def _moved(seats: Iterable[Seat]) -> list[tuple[Seat, str]]:
    return [(seat, month) for seat in seats for month in seat.others]
