"""The body of an article: the smallest node that holds most of the page's prose.

Prose is text outside links, with the punctuation of sentences. Each block of it counts for all its ancestors; from
<body> the walk goes down as long as one child holds nearly all. Figures: benchmarks/extraction.py.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

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
NEVER = re.compile(
    r"(?:footer?|copyright|friend-?links?|nav\w*|menu|crumbs?|breadcrumb|login|toolbar)(?:[-_]\w+)*\d*", re.I
)
"""Whole class names and ids that are never an article's."""
HARDLY = re.compile(
    r"(?:comments?|pinglun|related|relate|recommend\w*|sidebar|side|right|share\w*|ads?|adv?erts?|hot\w*|rank\w*|popup|dialog|"
    r"disclaimer|statement|shengming|tips?|qrcode|erweima|prev\w*|next\w*|page[rs]?|pagination|editor\w*)(?:[-_]\w+)*\d*",
    re.IGNORECASE,
)
"""Names of boxes that are furniture unless much of the page's prose is in them."""
INSERTED = re.compile(
    r"(?:related?|recommend\w*|share\w*|ads?|adv?erts?|qrcode|erweima|comments?)(?:[-_]\w+)*\d*", re.IGNORECASE
)
"""Names of what is put into a body that a selector chose; a signature at the `right` is not."""
MUCH = 0.25
FURNITURE_TAGS = frozenset(("nav", "footer", "aside"))
CREDIT = re.compile(
    r"^[\s\[【（(]*(?:原标题|责任编辑|责编|编辑|本文来源|来源|文章来源|声明|免责声明|版权声明|特别声明|转载请注明|分享到|打印本页|关闭窗口|返回顶部|"
    r"上一篇|下一篇|相关阅读|相关新闻|相关链接|延伸阅读|推荐阅读|热门推荐|扫一扫|扫码|字号|点击进入专题|更多精彩|关键词|标签|用微信扫码\w*|分享至\w*|举报)\s*(?:[:：】\])）丨|]|\d|$)"
)
FILES = re.compile(r"\.(?:xlsx?|xlsm|xlsb|csv|docx?|wps|et|ods|rtf|pdf|zip|rar|7z|ofd)(?:$|[?#&])", re.IGNORECASE)
EMPTY_LABEL = re.compile(r"附件\s*\d{0,2}\s*[:：.、]?")
CREDIT_LENGTH = 60
TAIL = re.compile(
    r"^(?:(?:相关阅读|相关新闻|相关报道|相关推荐|推荐阅读|热门推荐|延伸阅读|相关链接|猜你喜欢|精彩推荐|小编最近文章|大家都在看)\s*[:：]?$"
    r"|我要评论|全部评论|网友评论|热门评论|参与评论|用微信扫码|分享至好友|加载更多)"
)
TAIL_AFTER = 120
"""Characters of text that must stand before such a line for the rest to be cut."""


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
    line: list[LexborNode] = field(default_factory=list)

    @property
    def is_list_of_links(self) -> bool:
        return self.links > LINKS_MOST * self.chars and self.links >= 8

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
    blocks = _blocks(root)
    scores = _scores(blocks, frozenset())
    furniture = _furniture(root, scores, scores.get(root.mem_id, 0.0), HARDLY)
    scores = _scores(blocks, furniture)
    if not scores.get(root.mem_id):
        return Body("")
    node = _descend(root, scores)
    skip = furniture | {block.node.mem_id for block in blocks if block.is_list_of_links} | _file_links(node)
    text = _kept_lines([node], frozenset(skip - {node.mem_id}))
    return Body(clean_lines(text, title), tables_of(node), node)


def clean_lines(text: str, title: str = "") -> str:
    """Lines that are no part of the article cut: its title again, credits, and what follows `相关阅读`."""
    lines = text.split("\n")
    bare_title = "".join(title.split())
    while lines and bare_title and "".join(lines[0].split()) == bare_title:
        lines.pop(0)
    kept: list[str] = []
    length = 0
    for line in lines:
        if length >= TAIL_AFTER and TAIL.match(line):
            break
        if len(line) > CREDIT_LENGTH or CREDIT.match(line) is None:
            kept.append(line)
            length += len(line)
    return "\n".join(kept)


def body_of(nodes: list[LexborNode]) -> Body:
    """The text and tables of boxes that a selector chose, without adverts and links to files in them."""
    skip: set[int] = set()
    for node in nodes:
        blocks = _blocks(node)
        scores = _scores(blocks, frozenset())
        skip |= _furniture(node, scores, sum(block.score for block in blocks), INSERTED) | _file_links(node)
    skip -= {node.mem_id for node in nodes}
    tables = tuple(table for node in nodes for table in tables_of(node))
    return Body(_kept_lines(nodes, frozenset(skip)), tables, nodes[0] if nodes else None)


def _kept_lines(nodes: list[LexborNode], skip: frozenset[int]) -> str:
    texts = (node_text(node, tables=False, skip=skip) for node in nodes)
    lines = "\n".join(filter(None, texts)).split("\n")
    return "\n".join(line for line in lines if EMPTY_LABEL.fullmatch(line) is None)


def _file_links(root: LexborNode) -> set[int]:
    """Links to attached files: their names are no text; their addresses are kept as attachments."""
    return {link.mem_id for link in root.css("a[href]") if is_file(link.attributes.get("href"))}


def is_file(href: str | None) -> bool:
    """Whether an address ends like an attached file."""
    return FILES.search(href or "") is not None


def _furniture(root: LexborNode, prose: Mapping[int, float], total: float, unlikely: re.Pattern[str]) -> set[int]:
    """mem_ids of boxes that say by name that they are no article; `unlikely` names need to hold little prose, too."""
    found: set[int] = set()
    for node in root.css("[class], [id], nav, footer, aside")[:MAX_NODES]:
        if node.tag in ("body", "article", "html"):
            continue
        names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}".split()
        never = node.tag in FURNITURE_TAGS or any(NEVER.fullmatch(name) for name in names)
        hardly = prose.get(node.mem_id, 0.0) <= MUCH * total and any(unlikely.fullmatch(name) for name in names)
        if never or hardly:
            found.add(node.mem_id)
    return found


def _blocks(root: LexborNode) -> list[_Block]:
    """The blocks of text below `root`, in order."""
    blocks: dict[int, _Block] = {}
    for place, leaf in enumerate(root.traverse(include_text=True)):
        if place > MAX_NODES:
            break
        if leaf.tag == "-text":
            _count(leaf, blocks)
    for block in blocks.values():
        if block.score:
            block.line = [block.node, *ancestors(block.node)]
    return list(blocks.values())


def _scores(blocks: list[_Block], furniture: Collection[int]) -> dict[int, float]:
    """Prose below each node, by mem_id, outside furniture."""
    scores: dict[int, float] = defaultdict(float)
    for block in blocks:
        score = block.score
        if score == 0.0 or any(node.mem_id in furniture or node.tag in SILENT for node in block.line):
            continue
        for node in block.line:
            scores[node.mem_id] += score
    return scores


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


def _descend(root: LexborNode, scores: dict[int, float]) -> LexborNode:
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
