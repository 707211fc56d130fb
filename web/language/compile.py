"""Puts English words into a template when it is compiled: no page pays for it, and no template knows of it."""

import re
from collections.abc import Iterator
from typing import Any

from jinja2 import Environment, nodes

from web.language.catalogue import EDGES, HAN, MARKS, PLACE, Catalogue, Page, plural

LINK = re.compile(r"[ab](?:\s|$)")
INLINE = re.compile(r"(?:a|b|code|time|strong|span|kbd)(?:\s|$)")
WORD_FIRST = re.compile(r"[A-Za-z0-9(“]")
CLOSING = tuple(".,;:)")
"""No space stands before these, whatever the Chinese has there."""
Run = list[str | nodes.Expr]
"""What stands between two edges: texts and expressions."""


class EnglishEnvironment(Environment):
    """An environment whose templates speak English where the catalogue has the words."""

    catalogue: Catalogue

    def _generate(self, source: nodes.Template, name: str | None, filename: str | None, *more: Any, **how: Any) -> str:
        page = self.catalogue.page(name or "")
        _Spoken(page).of(source)
        return super()._generate(source, name, filename, *more, **how)


def runs_of(output: nodes.Output) -> Iterator[Run]:
    """An output cut at the edges of tags and attribute values; an edge is a run of its own."""
    run: Run = []
    for node in output.nodes:
        if not isinstance(node, nodes.TemplateData):
            run.append(node)
            continue
        for part in EDGES.split(node.data):
            if EDGES.fullmatch(part):
                yield run
                yield [part]
                run = []
            elif part:
                run.append(part)
    yield run


def key_of(run: Run) -> str:
    """`共 {0} 条` for a run."""
    places = iter(range(len(run)))
    text = "".join(part if isinstance(part, str) else f"{{{next(places)}}}" for part in run)
    return " ".join(text.split())


def written(node: nodes.Node) -> str:
    """An expression as `says` lists it: names, attributes, constant items; a call without what it is given."""
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Getattr():
            return f"{written(node.node)}.{node.attr}"
        case nodes.Getitem() if isinstance(node.arg, nodes.Const):
            return f"{written(node.node)}[{node.arg.value}]"
        case nodes.Getitem():
            return f"{written(node.node)}[]"
        case nodes.Call():
            return f"{written(node.node)}()"
        case nodes.Filter() if node.node is not None:
            return f"{written(node.node)}|{node.name}"
    return type(node).__name__


class _Spoken:
    """Changes the tree of one template."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def of(self, tree: nodes.Template) -> None:
        for const in constants_of(tree):
            const.value = self._constant(const.value)
        for output in list(tree.find_all(nodes.Output)):
            runs = list(runs_of(output))
            told = [_spaced(self._run(run), runs, at) for at, run in enumerate(runs)]
            output.nodes = _merged([part for run in told for part in run])

    def _constant(self, text: str) -> str:
        stripped = text.strip()
        said = self.page.find(stripped)
        return text if said is None else text.replace(stripped, said, 1) if stripped else text

    def _run(self, run: Run) -> Run:
        told: Run = [part if isinstance(part, str) else self._told(part) for part in run]
        text = "".join(part for part in run if isinstance(part, str))
        if not HAN.search(text) and not any(letter in MARKS for letter in text):
            return told
        said = self.page.pieces.get(key_of(run))
        if said is None:
            return [self._constant(part) if isinstance(part, str) else part for part in told]
        if not said.strip():
            return [said]
        before = "" if said.startswith(CLOSING) else _blank(run[0], r"^\s+")
        after = _blank(run[-1], r"\s+$")
        return [before, *_filled(said, [part for part in told if not isinstance(part, str)]), after]

    def _told(self, node: nodes.Expr) -> nodes.Expr:
        """An expression whose value is the desk's own word is looked up; the words of a choice one by one."""
        if written(node) in self.page.says:
            return nodes.Filter(node, "english", [], [], None, None)
        if isinstance(node, nodes.Filter) and node.name == "safe" and node.node is not None:
            return nodes.Filter(nodes.Filter(node.node, "drawn", [], [], None, None), "safe", [], [], None, None)
        if isinstance(node, nodes.CondExpr):
            node.expr1 = self._told(node.expr1)
            node.expr2 = self._told(node.expr2) if node.expr2 is not None else None
        elif isinstance(node, nodes.Or | nodes.And | nodes.Add):
            node.left, node.right = self._told(node.left), self._told(node.right)
        elif isinstance(node, nodes.Concat):
            node.nodes = [self._told(each) for each in node.nodes]
        return node


def _spaced(told: Run, runs: list[Run], at: int) -> Run:
    """Chinese needs no space between a sentence and a link in it; English does."""
    if not told or (told == runs[at] and told[-1:] in (["<"], [">"], ['"'])):
        return told
    spaced = [part for part in told if part != ""]
    if not spaced:
        return []
    if isinstance(spaced[0], str) and WORD_FIRST.match(spaced[0]) and _tag_before(runs, at).startswith("/"):
        spaced = [" ", *spaced]
    opened = _text(runs[at + 2]) if len(runs) > at + 2 and runs[at + 1] == ["<"] else ""
    if LINK.match(opened) or (isinstance(spaced[-1], str) and INLINE.match(opened)):
        spaced.append(_gap(spaced[-1]))
    return spaced


def _tag_before(runs: list[Run], at: int) -> str:
    """`/a` for the run after `</a>`; empty for other tags and for those with attributes."""
    if at < 3 or runs[at - 1] != [">"] or runs[at - 3] != ["<"]:
        return ""
    tag = _text(runs[at - 2])
    return tag if INLINE.match(tag.removeprefix("/")) else ""


def _text(run: Run) -> str:
    return run[0] if run and isinstance(run[0], str) else ""


def _gap(part: str | nodes.Expr) -> str:
    """What goes between this and a word."""
    return "" if isinstance(part, str) and (not part or part[-1].isspace() or part[-1] in "(“/") else " "


def constants_of(node: nodes.Node, *, quiet: bool = False) -> Iterator[nodes.Const]:
    """Strings that may reach a reader: not what is compared, looked up by, or the name of a test or block."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Const):
            if isinstance(child.value, str) and not quiet:
                yield child
        elif isinstance(child, nodes.Compare):
            continue
        elif isinstance(child, nodes.Pair):
            yield from constants_of(nodes.List([child.value]))
        elif isinstance(child, nodes.Getitem):
            yield from constants_of(nodes.List([child.node]))
        else:
            yield from constants_of(child)


def _blank(part: str | nodes.Expr, form: str) -> str:
    found = re.search(form, part) if isinstance(part, str) else None
    return found[0] if found else ""


def _filled(said: str, places: list[nodes.Expr]) -> Run:
    filled: Run = []
    at = 0
    for hit in PLACE.finditer(said):
        place = places[int(hit[1])]
        filled += [said[at : hit.start()], nodes.Filter(place, "plural", [], [], None, None) if hit[2] else place]
        at = hit.end()
    return [*filled, said[at:]]


def _merged(run: Run) -> list[nodes.Expr]:
    """Texts that follow each other as one."""
    merged: list[nodes.Expr] = []
    for part in run:
        if not isinstance(part, str):
            merged.append(part)
        elif merged and isinstance(merged[-1], nodes.TemplateData):
            merged[-1] = nodes.TemplateData(merged[-1].data + part)
        else:
            merged.append(nodes.TemplateData(part))
    return merged


def english_environment(catalogue: Catalogue, **how: Any) -> EnglishEnvironment:
    """An environment made like another one (`how`), with the words of `catalogue`."""
    made = EnglishEnvironment(**how)
    made.catalogue = catalogue
    made.filters |= {"english": catalogue.told, "drawn": catalogue.drawn, "plural": plural}
    return made
