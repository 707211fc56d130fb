"""Names of things in queries: 产品:电动自行车 means the id ebike, 地区:赣州市 the code 360700."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from search.text import visible


class Names(Protocol):
    """Knows what names stand for."""

    def resolve(self, field: str, text: str) -> tuple[str, ...]:
        """The ids that `text` names in `field` (products, enterprises, issues, regions, territory, source).

        Several for namesakes, none where nobody knows the name: the text is then taken as the id itself.
        """


class NameTable:
    """Names from tables: field, then folded name, then ids."""

    def __init__(self, rows: Mapping[str, Iterable[tuple[str, str]]]) -> None:
        """rows: for each field, pairs (name, id); a name may come with several ids."""
        self._ids: dict[str, dict[str, tuple[str, ...]]] = {}
        for field, pairs in rows.items():
            table = self._ids.setdefault(field, {})
            for name, known in pairs:
                key = visible(name)
                ids = table.get(key, ())
                if key and known not in ids:
                    table[key] = (*ids, known)

    def resolve(self, field: str, text: str) -> tuple[str, ...]:
        """As Names says."""
        return self._ids.get(field, {}).get(visible(text), ())


NO_NAMES = NameTable({})
"""Every text is an id."""
