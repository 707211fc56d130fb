"""CSS selectors for nodes that are known: short ones that say what a person would, and match nothing else."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

from crawlers.extract import select_all
from crawlers.markup import ancestors

NAME = re.compile(r"[A-Za-z][\w-]*")
MADE = re.compile(r"\d{4,}|^[a-f0-9]{8,}$")
"""Ids and classes that a machine made: another page, or tomorrow's, has others."""
PASSING = frozenset((
    "odd", "even", "first", "last", "active", "on", "cur", "current", "hover", "selected", "top", "new", "hot", "line",
    "red", "bold", "clearfix", "fl", "fr", "cf",
))  # fmt: skip
"""Classes that tell a row's place or mood, not its form."""
MAX_DEPTH = 12
MANY = 50
MOST = 0.9
"""Share of the rows for which a selector inside the row must be right."""


def classes_of(node: LexborNode) -> list[str]:
    """Classes that are fit for a selector."""
    names = (node.attributes.get("class") or "").split()
    return [name for name in names if NAME.fullmatch(name) and not MADE.search(name) and name.lower() not in PASSING]


class Forms:
    """Numbers for chains of ancestors: nodes whose ancestors are called the same have the same number."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._numbers: dict[tuple[str, int], int] = {}

    def above(self, node: LexborNode) -> int:
        """The number of the chain above `node`; 0 at the top."""
        waiting: list[LexborNode] = []
        above = node.parent
        while above is not None and above.tag not in ("html", None) and above.mem_id not in self._known:
            waiting.append(above)
            above = above.parent
        number = self._known.get(above.mem_id, 0) if above is not None else 0
        for each in reversed(waiting):
            number = self._numbers.setdefault((_full_name(each), number), len(self._numbers) + 1)
            self._known[each.mem_id] = number
        return number


def row_selector(tree: LexborHTMLParser, rows: Sequence[LexborNode]) -> tuple[str | None, bool]:
    """The shortest selector with a name in it that matches these rows, and whether it matches no other row with a link.

    The rows share tag and ancestors' names (Forms).
    """
    wanted = {node.mem_id for node in rows}
    selector = _named(rows[0].tag or "li", _common_classes(rows))
    exact_without_name: str | None = None
    above = [node for node in ancestors(rows[0]) if node.tag not in ("body", "html")]
    for ancestor in [None, *above[:MAX_DEPTH]]:
        if ancestor is not None:
            selector = f"{_name(ancestor)} > {selector}"
        matched = select_all(tree, selector)
        others = [node for node in matched if node.mem_id not in wanted][:MANY]
        others = [node for node in others if node.tag == "a" or node.css_first("a[href]") is not None]
        if not wanted <= {node.mem_id for node in matched}:
            return (exact_without_name, True) if exact_without_name else (None, False)
        if not others:
            if "." in selector or "#" in selector:
                return selector, True
            exact_without_name = exact_without_name or selector
    if exact_without_name:
        return exact_without_name, True
    return selector, False


def inside_selector(pairs: Sequence[tuple[LexborNode, LexborNode]]) -> str | None:
    """A selector whose first match inside each row is the row's node (or an equal link); None when there is none."""
    candidates = Counter(selector for row, node in pairs for selector in set(_inside(row, node)))
    order = {selector: place for row, node in pairs[:1] for place, selector in enumerate(_inside(row, node))}
    for selector in sorted(candidates, key=lambda one: order.get(one, len(order))):
        if candidates[selector] < MOST * len(pairs):
            continue
        right = sum(1 for row, node in pairs if _hits(row, selector, node))
        if right >= MOST * len(pairs):
            return selector
    return None


def _hits(row: LexborNode, selector: str, node: LexborNode) -> bool:
    first = next(iter(select_all(row, selector)), None)
    return first is not None and first.mem_id == node.mem_id


def _inside(row: LexborNode, node: LexborNode) -> Iterator[str]:
    """Selectors for a node inside a row, plainest first."""
    tag = node.tag or "*"
    if node.mem_id == row.mem_id:
        yield _named(tag, classes_of(node)[:1])
        return
    names = [f"{tag}.{name}" for name in classes_of(node)]
    yield tag
    yield from names
    if node.attributes.get("title") is not None:
        yield f"{tag}[title]"
    for above in ancestors(node):
        if above.mem_id == row.mem_id:
            break
        for name in [f"{above.tag}.{one}" for one in classes_of(above)] or [above.tag or "*"]:
            yield f"{name} {tag}"
            yield from (f"{name} {own}" for own in names)
    yield f"{tag}:last-child"
    yield f"{tag}:last-of-type"
    place = 1
    before = node.prev
    while before is not None:
        place += before.tag == tag
        before = before.prev
    yield f"{tag}:nth-of-type({place})"


def _common_classes(rows: Sequence[LexborNode]) -> list[str]:
    """Classes that all rows have, the first one alone if there are several."""
    shared = set(classes_of(rows[0])).intersection(*(classes_of(row) for row in rows[1:]))
    return [name for name in classes_of(rows[0]) if name in shared][:2]


def _name(node: LexborNode) -> str:
    """`tag`, with its id or else its first class where that is fit for a selector."""
    own = node.attributes.get("id") or ""
    if NAME.fullmatch(own) and not MADE.search(own):
        return f"{node.tag}#{own}"
    return _named(node.tag or "*", classes_of(node)[:1])


def _full_name(node: LexborNode) -> str:
    return f"{node.tag}#{node.attributes.get('id') or ''}.{'.'.join(sorted(classes_of(node)))}"


def _named(tag: str, names: Sequence[str]) -> str:
    return ".".join([tag, *names])
