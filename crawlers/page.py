"""A page as lines of text in nested boxes, read in one walk over the tree: what title, date and body are found in.

Every element that is not silent is a box; a line is the text between two breaks (a block's edge, a cell's, a <br>).
Boxes know the span of their lines, so that later steps need not touch the tree again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from selectolax.lexbor import LexborNode

from crawlers.markup import BLOCKS, CELLS, MAX_NODES, SILENT, UNSEEN

PUNCTUATION = re.compile(r"[，。；！？：、,.;!?]")
HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
BREAKS = BLOCKS | CELLS
NAMING = frozenset(("class", "id", "itemprop", "data-testid"))
"""Attributes that tell what an element is for."""
PLAIN = frozenset(("span", "em", "i", "tbody", "u", "small", "o:p"))
"""Elements that say nothing without an attribute."""
STRONG = frozenset(("b", "strong", "font", "big", "center", *HEADINGS))
RELATIVE = re.compile(r"[前昨刚]|今天|ago\b|yesterday", re.IGNORECASE)
MOMENT = re.compile(r"\s*\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*")
WHOLE = r"\d*(?:[-_][-\w]*)?"

NEVER = 1
"""Navigation, footers, log-in bars: never an article's. They are not read."""
HARDLY = 2
"""Furniture, unless much of the page's prose is in it."""
INSERTED = 4
"""What is put into a body that a selector chose; a signature at the `right` is not."""
TITLE = 8
ORIGIN = 16
"""Who published it."""
WRITER = 32
NAMES = {
    NEVER: rf"(?:footer?|copyright|friend-?links?|nav\w*|menu|crumbs?|breadcrumb|login|toolbar){WHOLE}",
    HARDLY: r"(?:(?:[-\w]*[-_])?(?:comments?\w*|pinglun|related|relate|recommend\w*|share\w*|hot\w*|rank\w*|disclaimer|"
    r"statement|qrcode|prev\w*|next\w*)|sidebar|side|right|ads?|adv?erts?|popup|dialog|shengming|tips?|erweima|page[rs]?|pagination|editor\w*|"
    rf"cookie|banner|signature|sign|replies|reply){WHOLE}",
    INSERTED: rf"(?:related?|recommend\w*|share\w*|ads?|adv?erts?|qrcode|erweima|comments?){WHOLE}",
    TITLE: r"[-\w]*(?:title|headline|subject|biaoti|tit|bt|ttl)\d*(?:[-_][-\w]*)?",
    ORIGIN: r"(?:[-\w]*[-_])?(?:source|laiyuan|origin|media|author-?name|nick-?name|publisher|js_name|from)\d*",
    WRITER: r"(?:[-\w]*[-_])?(?:author|byline|writer|zuozhe)\d*",
}
"""Whole class names and ids, by what they say. None of the forms can run away on a long name."""
PATTERNS = [(role, re.compile(names, re.IGNORECASE)) for role, names in NAMES.items()]
FURNITURE_TAGS = frozenset(("nav", "footer", "aside"))
ARTICLES = frozenset(("body", "article", "html", "main"))


@dataclass(eq=False, slots=True)
class Box:
    """An element.  start, end: the span of its lines.  role: what its names say, a sum of the roles above;
    an inline element says what those around it say, up to its block.

    outer: the nearest block around an inline element, None for a block.  link: the <a> around it, or itself.
    chars, links, marks: of the text that stands directly in this block.  score: prose in it and below.
    """

    node: LexborNode
    tag: str
    parent: "Box | None"
    outer: "Box | None"
    start: int
    names: str
    role: int
    heading: int
    strong: bool
    hidden: bool
    link: "LexborNode | None"
    end: int = 0
    chars: int = 0
    links: int = 0
    marks: bool = False
    score: float = 0.0
    out: bool = False

    @property
    def block(self) -> "Box":
        return self.outer or self

    def above(self) -> "Iterator[Box]":
        """The boxes around this one, nearest first."""
        box = self.parent
        while box is not None:
            yield box
            box = box.parent


@dataclass(eq=False, slots=True)
class Line:
    """One line.  pieces: its texts, each with the innermost box it stands in.  text: tidy; empty where nothing is seen.

    linked: characters of it in links.  role, heading, strong: of the boxes it stands in, up to its block.
    prose: characters of sentences outside links, 0 for a label, a link, a name.
    """

    block: Box
    pieces: list[tuple[str, Box]]
    text: str = ""
    linked: int = 0
    role: int = 0
    heading: int = 0
    strong: bool = False
    prose: int = 0

    @property
    def spaced(self) -> str:
        """Its text with a space between what stands in different elements."""
        return " ".join(" ".join(piece for piece, _ in self.pieces).split()) if len(self.pieces) > 1 else self.text


@dataclass(frozen=True)
class Page:
    """boxes: outer ones before inner ones.  lines: in reading order."""

    top: Box
    boxes: dict[int, Box]
    lines: list[Line]


def read_page(root: LexborNode) -> Page:
    """The lines and boxes of a <body>, in one bounded walk."""
    parent = top = Box(root, "body", None, None, 0, "", 0, 0, False, False, None)
    boxes = {root.mem_id: top}
    lines: list[Line] = []
    current: Line | None = None
    waiting: list[tuple[LexborNode | None, Box]] = []
    node = root.first_child
    for _ in range(MAX_NODES):
        while node is None and waiting:
            node, parent = waiting.pop()
        if node is None:
            break
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_content or ""
            if not text or text.isspace():
                if current is not None:
                    current.pieces.append((" ", parent))
            else:
                block = parent.outer or parent
                if current is None or current.block is not block:
                    current = Line(block, [])
                    lines.append(current)
                _add(current, _moment_behind(node, text), parent, block)
        elif tag == "br":
            current = None
        elif tag not in SILENT and tag[:1] not in "-!":
            box = _box(node, tag, node.attributes, parent, len(lines))
            if box is not None:
                if box is not parent:
                    boxes[node.mem_id] = box
                    if box.outer is None:
                        current = None
                waiting.append((node.next, parent))
                node, parent = node.first_child, box
                continue
        node = node.next
    return _finished(top, boxes, lines)


def _moment_behind(node: LexborNode, text: str) -> str:
    """`前天 09:21` of a forum as the moment that its element's title says; other text as it is."""
    if len(text) > 30 or RELATIVE.search(text) is None or node.parent is None:
        return text
    told = node.parent.attributes.get("title") or ""
    return told if MOMENT.fullmatch(told) else text


def is_list_of_links(box: Box) -> bool:
    """A block with nearly half of its text in links."""
    return box.links > 0.45 * box.chars and box.links >= 8


def _box(node: LexborNode, tag: str, attributes: dict[str, str | None], parent: Box, at: int) -> Box | None:
    """The box of an element; its parent's where it says nothing of its own, None where it is not to be read."""
    names, role, hidden = "", 0, parent.hidden
    if attributes:
        style = attributes.get("style")
        names = " ".join([value for key, value in attributes.items() if key in NAMING and value])
        if names:
            role = roles_of(names)
        if style is not None and HIDDEN.search(style) is not None:
            hidden = True
        hidden = hidden or "hidden" in attributes
    elif tag in PLAIN:
        return parent
    if tag in FURNITURE_TAGS:
        return None
    if tag in ARTICLES:
        role &= ~(NEVER | HARDLY | INSERTED)
    elif role & NEVER:
        return None
    outer = None if tag in BREAKS else parent.outer or parent
    if outer is not None:
        role |= parent.role
    heading = HEADINGS.get(tag) or parent.heading
    strong = parent.strong or tag in STRONG
    link = node if tag == "a" else parent.link
    return Box(node, tag, parent, outer, at, names, role, heading, strong, hidden, link)


@lru_cache(maxsize=4096)
def roles_of(names: str) -> int:
    """What class names and ids, separated by white space, say."""
    found = 0
    for name in names[:400].split():
        for role, pattern in PATTERNS:
            if pattern.fullmatch(name):
                found |= role
    return found


def _add(line: Line, text: str, box: Box, block: Box) -> None:
    line.pieces.append((text, box))
    length = len("".join(text.split()))
    block.chars += length
    if box.link is not None:
        block.links += length
        line.linked += length
    elif not block.marks:
        block.marks = PUNCTUATION.search(text) is not None
    line.heading = line.heading or box.heading
    line.strong = line.strong or box.strong
    line.role |= box.role


def _finished(top: Box, boxes: dict[int, Box], lines: list[Line]) -> Page:
    """Lines tidied, spans closed. A line of invisible characters keeps its place and stays empty."""
    for place, line in enumerate(lines):
        pieces = line.pieces
        joined = pieces[0][0] if len(pieces) == 1 else "".join([piece for piece, _ in pieces])
        line.text = text = " ".join(UNSEEN.sub("", joined).split())
        line.block.end = place + 1
        if len(text) >= 12 and line.linked <= 0.45 * len(text) and PUNCTUATION.search(text) is not None:
            line.prose = len(text) - line.linked
    for box in reversed(boxes.values()):
        if box.end > box.start:
            if box.parent is not None and box.parent.end < box.end:
                box.parent.end = box.end
        else:
            box.end = box.start
    return Page(top, boxes, lines)
