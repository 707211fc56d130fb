"""A trace in words: names of lots, what an edge says, the rows of the table, where a firm lies."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from config.regions import Regions
from core.firms import TieKind
from core.told import Outcome, Part
from enterprises.trace import SAME_MODEL, Edge, Ground, Node, Sort, Trace

EDGES = {
    Part.MAKER: "生产",
    Part.CLIENT: "委托生产",
    Part.RECALLER: "召回",
    Part.IMPORTER: "进口、代理",
    Part.DISTRIBUTOR: "经销",
    Part.SELLER: "销售",
    Part.NAMED: "被提到",
    TieKind.GROUP: "属集团",
    TieKind.BRANCH: "是分支机构，属于",
    TieKind.BRAND_OWNER: "是品牌方，生产者为",
    TieKind.OEM: "代工，委托方为",
    TieKind.SUPPLIER: "供货给",
    TieKind.SELLER: "销售其产品，生产者为",
    TieKind.SHOP: "是店铺，平台为",
    SAME_MODEL: "同型号",
}
"""What the first end of an edge does with the second."""
OUTCOMES = {
    Outcome.FAILED: "抽查不合格",
    Outcome.RECALLED: "召回",
    Outcome.RECALLED_ABROAD: "境外召回",
    Outcome.PASSED: "抽查合格",
    Outcome.UNSAID: "结果未写明",
}
HIDDEN_LOT = "其他属地文书所载产品"
SELLING = (Part.SELLER, Part.DISTRIBUTOR, TieKind.SELLER, TieKind.SHOP)
HEADER = (
    "步数", "一方", "一方住所", "关系", "另一方或产品", "另一方住所", "型号", "批次", "结论", "自何时", "文书", "来源",
)  # fmt: skip
ProductWord = Callable[[str], str]


@dataclass(frozen=True)
class Place:
    """Where a firm lies. guessed: by its name, as no registry tells."""

    code: str = ""
    guessed: bool = False


def lot_name(node: Node, product_word: ProductWord) -> str:
    """A lot for people: product, models, batches."""
    if node.sort is Sort.FIRM:
        return node.name
    product = product_word(node.product) if node.product else ""
    if not (product or node.models or node.batches or any(not ground.hidden for ground in node.grounds)):
        return HIDDEN_LOT
    return " ".join(filter(None, (product, several(node.models), several(node.batches)))) or "未写明的产品"


def outcome_words(node: Node) -> str:
    """What is said of a lot; several documents may say different things."""
    return "、".join(OUTCOMES[outcome] for outcome in node.outcomes)


def several(texts: Sequence[str]) -> str:
    """The first three, and how many there are."""
    return "、".join(texts[:3]) + (f" 等 {len(texts)} 个" if len(texts) > 3 else "")


class Places:
    """Where firms lie, by the registry or by the place that a name begins with."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self._names = _beginnings(regions)
        self._lengths = sorted({len(name) for name in self._names}, reverse=True)
        self._known: dict[str, str] = {}

    def of(self, node: Node) -> Place:
        """The territory of a firm; none of a lot."""
        if node.territory or node.sort is not Sort.FIRM:
            return Place(node.territory)
        if node.name not in self._known:
            self._known[node.name] = self._in(node.name)
        code = self._known[node.name]
        return Place(code, guessed=bool(code))

    def words(self, node: Node) -> str:
        """The same for people."""
        where = self.of(node)
        return (
            f"{self.regions.full_name_of(where.code)}{'（按名称推定）' if where.guessed else ''}" if where.code else ""
        )

    def _in(self, text: str) -> str:
        found = ""
        while True:
            name, code = next(self._inside(text, found), ("", ""))
            if not name:
                return found
            found, text = code, text[len(name) :]

    def _inside(self, text: str, found: str) -> Iterator[tuple[str, str]]:
        """The places a text begins with that lie in `found`, long names first."""
        for length in self._lengths:
            for code in self._names.get(text[:length], ()):
                if not found or found in self.regions.chain(code)[1:]:
                    yield text[:length], code


def _beginnings(regions: Regions) -> dict[str, list[str]]:
    """Names and short names of regions to codes; short ones only where no other region is called so."""
    found: dict[str, list[str]] = {}
    for region in regions:
        short = (region.short_name,) if len(region.short_name) > 1 and not region.ambiguous_with else ()
        for name in dict.fromkeys((region.name, *short)):
            found.setdefault(name, []).append(region.code)
    return found


def table_rows(trace: Trace, places: Places, product_word: ProductWord) -> Iterator[tuple[object, ...]]:
    """One row an edge under HEADER; the same that the graph shows."""
    nodes = {node.id: node for node in trace.nodes}
    for edge in trace.edges:
        one, other = nodes[edge.one], nodes[edge.other]
        lot = other if other.sort is Sort.LOT else one if one.sort is Sort.LOT else None
        yield (
            max(one.steps, other.steps), lot_name(one, product_word), places.words(one), EDGES[edge.kind],
            lot_name(other, product_word), places.words(other),
            "、".join(lot.models) if lot else "", "、".join(lot.batches) if lot else "",
            outcome_words(lot) if lot else "", edge.since.isoformat() if edge.since else "",
            " ".join(ground.document for ground in edge.grounds if ground.document), "、".join(sources(edge.grounds)),
        )  # fmt: skip


def sources(grounds: Sequence[Ground]) -> tuple[str, ...]:
    """Who says so, each once."""
    said = (ground.source if not ground.hidden else "其他属地的文书" for ground in grounds)
    return tuple(dict.fromkeys(filter(None, said)))


def makes(edge: Edge) -> bool:
    """Whether the first end of an edge stands on the making side."""
    return edge.kind not in SELLING
