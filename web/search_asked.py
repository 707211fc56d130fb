"""A search as its address has it, and the links from it to others (web/search_state.py reads it)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from search.backend import Sort
from search.fields import FIELDS, Field, FieldType
from web.search_time import USUAL, Window, in_address

PAGE_SIZE = 20
MOST_FILTERS = 60
MOST_COLUMNS = 12
ANY = "*"
SORTS: Mapping[str, tuple[str, Sort]] = {
    "": ("新近在前", Sort.NEWEST),
    "relevance": ("相关在前", Sort.RELEVANCE),
    "level": ("级别高在前", Sort.LEVEL),
    "oldest": ("较早在前", Sort.OLDEST),
}
SPLITS: Mapping[str, str] = {"": "级别", "kind": "来源类别"}
STEPS: Mapping[str, str] = {
    "": "自动", "5m": "5 分", "15m": "15 分", "1h": "1 小时", "3h": "3 小时", "6h": "6 小时", "1d": "1 日",
    "1w": "1 周",
}  # fmt: skip
SHORT = {
    "products": "product", "enterprises": "firm", "issues": "issue", "regions": "region", "flags": "flag",
    "repost_of": "repost", "event_time": "time", "stored_at": "stored",
}  # fmt: skip
PARAMETERS: Mapping[str, Field] = {
    SHORT.get(field.name, field.name): field for field in FIELDS if field.type.value != "mentions"
}
"""Name in the address and field of the index; mentions are asked for in the query only."""
LABELS: Mapping[str, str] = {name: field.label for name, field in PARAMETERS.items()} | {
    "issue": "风险问题", "kind": "来源类别", "is_risk": "风险信号", "flag": "标记", "withdrawn": "已撤下",
}  # fmt: skip
LOOK = ("view", "cols", "split", "step", "open")
PAGES = ("page", "after", "at", "show")
_OFTEN = (
    "level",
    "kind",
    "product",
    "issue",
    "territory",
    "firm",
    "source",
    "tier",
    "region",
    "is_risk",
    "stance",
    "flag",
)
LISTED = tuple(name for name in _OFTEN if name in PARAMETERS)
"""Fields people ask for most, in their order on the page; the rest follows in the index's order."""
OPEN_AT_FIRST = ("level", "kind", "product", "issue", "territory")
PLAIN = frozenset({FieldType.TEXT, FieldType.DATE})
"""What has too many values for a condition of its own: asked for in the query, here only whether there is one."""


@dataclass(frozen=True)
class Filter:
    """One condition beside the query. value: as in the address; `*`: the field holds something.

    negative: left out instead of asked for.  off: kept on the page, not in force.
    """

    name: str
    value: str
    negative: bool = False
    off: bool = False

    @property
    def parameter(self) -> str:
        """Its name in the address."""
        return f"{'off.' if self.off else ''}{'not.' if self.negative else ''}{self.name}"


@dataclass(frozen=True)
class Asked:
    """A search as the address has it; times resolved."""

    text: str
    window: Window
    filters: tuple[Filter, ...] = ()
    sort: str = ""
    page: int = 1
    after: int | None = None
    at: datetime | None = None
    synonyms: bool = True
    like: str = ""
    since: datetime | None = None
    columns: tuple[str, ...] = ()
    view: str = ""
    split: str = ""
    step: str = ""
    open: tuple[str, ...] = OPEN_AT_FIRST
    show: str = ""

    @property
    def active(self) -> tuple[Filter, ...]:
        """The conditions in force."""
        return tuple(each for each in self.filters if not each.off)

    def pairs(self, *, look: bool = True, pages: bool = True) -> list[tuple[str, str]]:
        """The address as pairs, always in the same order, defaults left out.

        look: with how it is shown.  pages: with page, after, at and show: where one is in the hits.
        """
        head, tail = self._pairs
        filters = [(each.parameter, each.value) for each in self.filters]
        skipped = (() if look else LOOK) + (() if pages else PAGES)
        return [(name, value) for name, value in (*head, *filters, *tail) if name not in skipped]

    @cached_property
    def _pairs(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """What stands before the conditions and what behind them."""
        window, opened = self.window, "" if self.open == OPEN_AT_FIRST else ",".join(self.open) or "none"
        moments = {name: in_address(at) if at else "" for name, at in (("at", self.at), ("since", self.since))}
        head = {"q": self.text, "from": window.from_text, "to": window.to_text, "like": self.like}
        tail = {
            "by": self.sort, "syn": "" if self.synonyms else "0", "view": self.view, "cols": ",".join(self.columns),
            "split": self.split, "step": self.step, "open": opened, "page": str(self.page) if self.page > 1 else "",
            "after": "" if self.after is None else str(self.after), **moments, "show": self.show,
        }  # fmt: skip
        found = [[(name, value) for name, value in part.items() if value] for part in (head, tail)]
        return found[0], found[1]

    @property
    def address(self) -> str:
        """The parameters of this search as it is kept under a name: without moments."""
        return urlencode(replace(self, since=None).pairs(pages=False))

    def link(self, **changes: Any) -> str:
        """`?...` of this search with fields of Asked changed. Anything but the look starts again at the newest page."""
        look = changes.keys() <= {"columns", "view", "split", "step", "open", "show", "page", "after", "at"}
        fresh: dict[str, Any] = {} if look else {"page": 1, "after": None, "at": None, "show": ""}
        return "?" + urlencode(replace(self, **(fresh | changes)).pairs())

    def at_time(self, low: str, high: str = "") -> str:
        """The link to another time, as `from` and `to` write it."""
        low = "" if low == USUAL and not high else low
        return self.link(window=replace(self.window, from_text=low, to_text=high))

    def with_filter(self, name: str, value: str, *, negative: bool = False) -> str:
        """The link that adds a condition; the same one switched off or turned round gives way."""
        head, tail = self._ends  # a page has hundreds of these links
        rest = "".join(text for kept, text in self._filter_texts if kept != (name, value))
        return f"?{head}{rest}{urlencode([(Filter(name, value, negative).parameter, value)])}{tail}"

    @cached_property
    def _ends(self) -> tuple[str, str]:
        head, tail = self._pairs
        kept = [(name, value) for name, value in tail if name not in PAGES]
        return (f"{urlencode(head)}&" if head else ""), (f"&{urlencode(kept)}" if kept else "")

    @cached_property
    def _filter_texts(self) -> list[tuple[tuple[str, str], str]]:
        return [((each.name, each.value), f"{urlencode([(each.parameter, each.value)])}&") for each in self.filters]

    def with_changed(self, old: Filter, new: Filter | None) -> str:
        """The link with one condition changed in its place, or taken out."""
        changed = (new if each == old else each for each in self.filters)
        return self.link(filters=tuple(dict.fromkeys(each for each in changed if each)))

    def inverted(self, each: Filter) -> str:
        """The link that turns one condition round."""
        return self.with_changed(each, replace(each, negative=not each.negative))

    def switched(self, each: Filter) -> str:
        """The link that takes one condition out of force, or puts it in again."""
        return self.with_changed(each, replace(each, off=not each.off))

    def toggled(self, part: str, name: str) -> str:
        """The link that adds a field to `columns` or `open`, or takes it out."""
        names: tuple[str, ...] = getattr(self, part)
        return self.link(**{part: tuple(each for each in names if each != name) if name in names else (*names, name)})
