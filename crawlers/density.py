"""The body of an article: the smallest node that holds most of the page's prose.

Prose is text outside links, with the punctuation of sentences. Each block of it counts for all its ancestors; from
<body> the walk goes down as long as one child holds nearly all. Figures: benchmarks/extraction.py.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.records import Table
from crawlers.markup import BLOCKS, CELLS, MAX_NODES, SILENT, SPACES, ancestors, node_text, tables_of

MOST = 0.7
"""Share of a node's prose that a child must hold for the walk to go on into it."""
LINKS_MOST = 0.45
"""A block with more of its text in links than this is a list of links."""
BARE = 0.25
"""Weight of a block without a single punctuation mark."""
PUNCTUATION = re.compile(r"[，。；！？：、,.;!?]")
FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:comments?|pinglun|footer?|foot|copyright|related|recommend\w*|sidebar|side|nav\w*|menu|crumbs?|breadcrumb|"
    r"share\w*|ad|ads|ad-slot|adv?erts?|hot\w*|rank\w*|toolbar|login|popup|dialog|disclaimer|statement|shengming|"
    r"tips?|qrcode|erweima|prev\w*|next\w*|page[rs]?|pagination|editor-info|article-tags?)(?:$|[\s_\d-])",
    re.IGNORECASE,
)
FURNITURE_TAGS = frozenset(("nav", "footer", "aside"))
CREDIT = re.compile(
    r"^[\s\[【（(]*(?:原标题|责任编辑|责编|编辑|本文来源|来源|文章来源|声明|免责声明|版权声明|特别声明|转载请注明|分享到|打印本页|关闭窗口|返回顶部|"
    r"上一篇|下一篇|相关阅读|相关新闻|相关链接|延伸阅读|推荐阅读|热门推荐|扫一扫|扫码|字号|点击进入专题|更多精彩|关键词|标签|附件)\s*(?:[:：】\])）丨|]|\d|$)"
)
FILES = re.compile(r"\.(?:xlsx?|xlsm|csv|docx?|wps|et|pdf|zip|rar|7z|ofd)(?:$|[?#])", re.IGNORECASE)
EMPTY_LABEL = re.compile(r"附件\s*\d{0,2}\s*[:：.、]?")
CREDIT_LENGTH = 60
TAIL = re.compile(r"^(?:相关阅读|相关新闻|相关报道|推荐阅读|热门推荐|延伸阅读|相关链接|猜你喜欢|精彩推荐)\s*[:：]?$")


@dataclass(frozen=True)
class Body:
    """text: a line a paragraph, without the cells of data tables, which stand in `tables`.  node: where it was."""

    text: str
    tables: tuple[Table, ...] = ()
    node: LexborNode | None = None


@dataclass
class _Block:
    node: LexborNode
    chars: int = 0
    links: int = 0
    marks: int = 0

    @property
    def score(self) -> float:
        if self.chars < 4 or self.links > LINKS_MOST * self.chars:
            return 0.0
        return (self.chars - self.links) * (1.0 if self.marks else BARE)


def find_body(tree: LexborHTMLParser, title: str = "") -> Body:
    """The article of a page. title: a first line that repeats it is left out."""
    root = tree.body
    if root is None:
        return Body("")
    furniture = _furniture(root)
    scores, nodes = _scores(root, furniture)
    total = scores.get(root.mem_id, 0.0)
    if total == 0:
        return Body("", (), None)
    node = _descend(root, scores, nodes)
    body = body_of([node])
    return replace(body, text=clean_lines(body.text, title))


def clean_lines(text: str, title: str = "") -> str:
    """Lines that are no part of the article cut: its title again, credits, and what follows `相关阅读`."""
    lines = text.split("\n")
    bare_title = "".join(title.split())
    while lines and bare_title and "".join(lines[0].split()) == bare_title:
        lines.pop(0)
    kept = []
    for place, line in enumerate(lines):
        if place and TAIL.match(line):
            break
        if len(line) > CREDIT_LENGTH or CREDIT.match(line) is None:
            kept.append(line)
    return "\n".join(kept)


def body_of(nodes: list[LexborNode]) -> Body:
    """The text and tables of boxes that a selector chose, without adverts and links to files in them."""
    inside = frozenset(found for node in nodes for found in (*_furniture(node), *_file_links(node)))
    texts = (node_text(node, tables=False, skip=inside) for node in nodes)
    lines = "\n".join(filter(None, texts)).split("\n")
    text = "\n".join(line for line in lines if EMPTY_LABEL.fullmatch(line) is None)
    return Body(text, tuple(table for node in nodes for table in tables_of(node)), nodes[0] if nodes else None)


def _file_links(root: LexborNode) -> set[int]:
    """Links to attached files: their names are no text; their addresses are kept as attachments."""
    return {link.mem_id for link in root.css("a[href]") if is_file(link.attributes.get("href"))}


def is_file(href: str | None) -> bool:
    """Whether an address ends like an attached file."""
    return FILES.search(href or "") is not None


def _furniture(root: LexborNode) -> set[int]:
    """mem_ids of boxes that say by name that they are no article, except those that hold half the page's text."""
    whole = len(root.text(deep=True)) or 1
    found: set[int] = set()
    for node in root.css("[class], [id], nav, footer, aside")[:MAX_NODES]:
        attributes = node.attributes
        name = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        named = node.tag in FURNITURE_TAGS or (
            FURNITURE.search(name) is not None and node.tag not in ("body", "article")
        )
        if named and len(node.text(deep=True)) < whole / 2:
            found.add(node.mem_id)
    return found


def _scores(root: LexborNode, furniture: set[int]) -> tuple[dict[int, float], dict[int, LexborNode]]:
    """Prose below each node, by mem_id, and the nodes."""
    blocks: dict[int, _Block] = {}
    for place, leaf in enumerate(root.traverse(include_text=True)):
        if place > MAX_NODES:
            break
        if leaf.tag == "-text":
            _count(leaf, blocks)
    scores: dict[int, float] = defaultdict(float)
    nodes: dict[int, LexborNode] = {root.mem_id: root}
    for block in blocks.values():
        score = block.score
        if score == 0.0:
            continue
        line = [block.node, *ancestors(block.node)]
        if any(node.mem_id in furniture or node.tag in SILENT for node in line):
            continue
        for node in line:
            scores[node.mem_id] += score
            nodes[node.mem_id] = node
    return scores, nodes


def _count(leaf: LexborNode, blocks: dict[int, _Block]) -> None:
    """Add a text node to the nearest block around it."""
    text = leaf.text_content or ""
    if not text or text.isspace():
        return
    length = len(SPACES.sub("", text).strip())
    in_link = False
    node = leaf.parent
    while node is not None and node.tag not in BLOCKS and node.tag not in CELLS:
        if node.tag in SILENT:
            return
        in_link = in_link or node.tag == "a"
        node = node.parent
    if node is None:
        return
    block = blocks.get(node.mem_id)
    if block is None:
        block = blocks[node.mem_id] = _Block(node)
    block.chars += length
    block.links += length if in_link else 0
    block.marks += 1 if PUNCTUATION.search(text) else 0


def _descend(root: LexborNode, scores: dict[int, float], nodes: dict[int, LexborNode]) -> LexborNode:
    """From the root down, while one child holds nearly all of the prose."""
    node = root
    for _ in range(200):
        best = max(node.iter(), key=lambda child: scores.get(child.mem_id, 0.0), default=None)
        if best is None or scores.get(best.mem_id, 0.0) < MOST * scores[node.mem_id]:
            return node
        if best.tag in ("p", "span", "li", "blockquote", "tr", "td") and best.tag != "td":
            return node
        node = best
    return node
