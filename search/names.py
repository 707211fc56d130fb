"""Names of things in queries: 产品:电动自行车 means the id ebike, 地区:赣州市 the code 360700."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from search.visible import visible


@dataclass(frozen=True)
class Named:
    """A name and the ids it stands for."""

    name: str
    ids: tuple[str, ...]


class Names(Protocol):
    """Knows what names stand for."""

    def resolve(self, field: str, text: str) -> tuple[str, ...]:
        """The ids that `text` names in `field` (products, enterprises, issues, regions, territory, source).

        Several for namesakes, none where nobody knows the name: the text is then taken as the id itself.
        """

    def label(self, field: str, known: str) -> str | None:
        """The name people know an id by."""

    def find(self, field: str, text: str, limit: int) -> tuple[Named, ...]:
        """Names that begin with `text`, then names that hold it, in the table's order; at most `limit`."""

    def within(self, place: str) -> tuple[str, ...]:
        """The codes of places in `place` whose digits do not tell it: zones have codes of our own."""


class NameTable:
    """Names from tables: field, then folded name, then ids."""

    def __init__(
        self, rows: Mapping[str, Iterable[tuple[str, str]]], within: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        """rows: for each field, pairs (name, id), the best known name of an id first; a name may have several ids.

        within: what lies in a place by code, as Names says.
        """
        self._within = within or {}
        self._ids: dict[str, dict[str, tuple[str, ...]]] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._lines: dict[str, str] = {}
        for field, pairs in rows.items():
            table, labels = self._ids.setdefault(field, {}), self._labels.setdefault(field, {})
            for name, known in pairs:
                key = visible(name)
                ids = table.get(key, ())
                if key and known not in ids:
                    table[key] = (*ids, known)
                    labels.setdefault(known, name)

    def resolve(self, field: str, text: str) -> tuple[str, ...]:
        """As Names says."""
        return self._ids.get(field, {}).get(visible(text), ())

    def label(self, field: str, known: str) -> str | None:
        """As Names says."""
        return self._labels.get(field, {}).get(known)

    def find(self, field: str, text: str, limit: int) -> tuple[Named, ...]:
        """As Names says. All names are one string with a line each: looking through those of a million firms takes
        some 10 ms, and what has many hits stops early."""
        table = self._ids.get(field, {})
        sought = visible(text)
        if field not in self._lines:
            self._lines[field] = "\n" + "\n".join(name.replace("\n", " ") for name in table) + "\n"
        lines, found = self._lines[field], dict[str, None]()
        for start in (f"\n{sought}", sought):
            for name in _holding(lines, start):
                if len(found) >= limit:
                    break
                found[name] = None
        return tuple(Named(self._shown(field, name), table[name]) for name in found if name in table)

    def within(self, place: str) -> tuple[str, ...]:
        """As Names says."""
        return self._within.get(place, ())

    def _shown(self, field: str, name: str) -> str:
        """The name as it was given where it is the id's own, else folded."""
        label = self._labels[field][self._ids[field][name][0]]
        return label if visible(label) == name else name


def _holding(lines: str, text: str) -> Iterator[str]:
    """The lines in which `text` stands."""
    at = lines.find(text)
    while at >= 0 and at < len(lines) - 1:
        start = lines.rfind("\n", 0, at + 1) + 1 if lines[at] != "\n" else at + 1
        end = lines.find("\n", start)
        yield lines[start:end]
        at = lines.find(text, end)


NO_NAMES = NameTable({})
"""Every text is an id."""
