"""Drafts of 协查函 out of a trace: one for each territory that a firm lies in. Nothing is sent: a person signs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from core.told import Part
from enterprises.trace import Edge, Node, Sort, Trace
from enterprises.trace_words import EDGES, Places, ProductWord, lot_name, outcome_words

MOST_SENTENCES = 20
"""Of each part of a letter; what is more is counted in its last sentence."""
VERBS = {
    Part.MAKER: "由{firm}生产",
    Part.CLIENT: "系{firm}委托生产",
    Part.RECALLER: "由{firm}实施召回",
    Part.IMPORTER: "由{firm}进口或代理",
    Part.DISTRIBUTOR: "由{firm}经销",
    Part.SELLER: "由{firm}销售",
    Part.NAMED: "涉及{firm}",
}


@dataclass(frozen=True)
class Sentence:
    """documents: the ids it rests on.  sources: what else it rests on; a sentence that only asks has neither."""

    text: str
    documents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A draft. to: the bureau.  firms: that lie there.  guessed: those of them placed by their name only.

    left_out: sentences whose documents the asker may not read.
    """

    territory: str
    to: str
    title: str
    found: tuple[Sentence, ...]
    firms: tuple[Sentence, ...]
    asks: tuple[Sentence, ...]
    guessed: tuple[str, ...] = ()
    left_out: int = 0

    def text(self) -> str:
        """The whole draft, the grounds in brackets after each sentence."""
        parts = [self.title, f"{self.to}：", "一、查明情况", *map(_line, self.found), "二、你辖区涉及主体"]
        parts += [
            *map(_line, self.firms),
            "三、请协助事项",
            *map(_line, self.asks),
            "（草稿，未发送；须经核对、编号、签发）",
        ]
        return "\n".join(parts)


def letters(
    trace: Trace, *, places: Places, product_word: ProductWord, bureau: Callable[[str], str], today: date
) -> list[Letter]:
    """The drafts, by territory; none where no lot failed or was recalled. today: of the draft."""
    nodes = {node.id: node for node in trace.nodes}
    by_place: dict[str, list[Node]] = {}
    for node in trace.nodes:
        code = places.of(node).code
        if node.sort is Sort.FIRM and code:
            by_place.setdefault(code, []).append(node)
    made = []
    for code in sorted(by_place):
        letter = _letter(trace, nodes, by_place[code], code, places, product_word, bureau, today)
        if letter is not None:
            made.append(letter)
    return made


def _letter(
    trace: Trace, nodes: dict[str, Node], firms: Sequence[Node], code: str, places: Places, product_word: ProductWord,
    bureau: Callable[[str], str], today: date,
) -> Letter | None:  # fmt: skip
    mine = {firm.id for firm in firms}
    to_lots = [edge for edge in trace.edges if edge.one in mine and nodes[edge.other].grave]
    ties = [edge for edge in trace.edges if edge.kind not in VERBS and mine & {edge.one, edge.other}]
    ties = [edge for edge in ties if nodes[edge.one].sort is Sort.FIRM and nodes[edge.other].sort is Sort.FIRM]
    grave = list(dict.fromkeys(edge.other for edge in to_lots))
    if not grave:
        nearest = min((node.steps for node in trace.nodes if node.grave), default=None)
        grave = [node.id for node in trace.nodes if node.grave and node.steps == nearest]
        if not grave or not ties:
            return None
    found = [_of_lot(nodes[lot], product_word) for lot in grave]
    said = [_of_edge(edge, nodes, product_word) for edge in to_lots] + [_of_tie(edge, nodes) for edge in ties]
    kept_found, kept_said = _kept(found), _kept(said)
    left = len(found) + len(said) - len(kept_found) - len(kept_said)
    if not kept_found:
        return None
    subject = lot_name(nodes[grave[0]], product_word)
    subject += f"等 {len(grave)} 种产品" if len(grave) > 1 else ""
    listed = "、".join(dict.fromkeys(firm.name for firm in firms))
    return Letter(
        territory=code,
        to=bureau(code),
        title=f"关于协助核查{subject}有关情况的函（{today.isoformat()} 草稿）",
        found=_cut(kept_found),
        firms=_cut(kept_said) or (Sentence(f"{listed}。"),),
        asks=tuple(_asks(listed)),
        guessed=tuple(firm.name for firm in firms if places.of(firm).guessed),
        left_out=left,
    )


def _of_lot(node: Node, product_word: ProductWord) -> Sentence:
    days = sorted(ground.day for ground in node.grounds if ground.day and not ground.hidden)
    when = f"{days[0].isoformat()}，" if days else ""
    number = f"（{'、'.join(node.numbers[:3])}）" if node.numbers else ""
    items = f"，事由：{'、'.join(node.items[:3])}" if node.items else ""
    return _said(f"{when}{lot_name(node, product_word)}{number}：{outcome_words(node)}{items}。", node)


def _of_edge(edge: Edge, nodes: dict[str, Node], product_word: ProductWord) -> Sentence:
    verb = VERBS[Part(edge.kind)].format(firm=nodes[edge.one].name)
    return _said(f"{lot_name(nodes[edge.other], product_word)}{verb}。", edge)


def _of_tie(edge: Edge, nodes: dict[str, Node]) -> Sentence:
    since = f"（自 {edge.since.isoformat()}）" if edge.since else ""
    return _said(f"{nodes[edge.one].name}{EDGES[edge.kind]}{nodes[edge.other].name}{since}。", edge)


def _said(text: str, rests_on: Node | Edge) -> Sentence:
    documents = tuple(dict.fromkeys(ground.document for ground in rests_on.grounds if ground.document))
    sources = (ground.source for ground in rests_on.grounds if not ground.hidden and not ground.document)
    return Sentence(text, documents, tuple(dict.fromkeys(filter(None, sources))))


def _kept(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Those that rest on something the asker may read."""
    return list(dict.fromkeys(one for one in sentences if one.documents or one.sources))


def _cut(sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
    more = len(sentences) - MOST_SENTENCES
    return (*sentences[:MOST_SENTENCES], Sentence(f"另有 {more} 条，见追查表。")) if more > 0 else tuple(sentences)


def _asks(firms: str) -> Iterator[Sentence]:
    yield Sentence(f"核实{firms}与上述产品的关系，调取生产、进货、销售台账，查明数量和去向。")
    yield Sentence("核查同型号其他批次、同批次其他销售去向，督促停止销售、封存和召回。")
    yield Sentence("请函复核查情况并附材料，函复期限：____年__月__日（由发函人填写）。")


def _line(sentence: Sentence) -> str:
    grounds = [*(f"文书 {document}" for document in sentence.documents), *sentence.sources]
    return f"{sentence.text}〔依据：{'；'.join(grounds)}〕" if grounds else sentence.text
