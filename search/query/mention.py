"""`提及:{...}`: what one mention must meet, turned into keys and forms of keys (search/mentions.py).

The inner formula is settled for each of the few shapes a mention can have; what is left of it speaks of the id alone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from search.mentions import (
    DENIED,
    FIRMS,
    INNER,
    INNER_BY_NAME,
    NO_ROLE,
    PLACES,
    ROLES,
    SHAPES,
    TYPES,
    WORDS,
    Shape,
    plain_id,
)
from search.names import Names
from search.query import tree
from search.query.errors import QueryError, quote
from search.query.forms import Glob, TooManyStates, escape, form_where, glob_form
from search.visible import visible
from search.where import AllOf, AnyOf, Everything, Fits, Not, Nothing, OneOf, Scalar, Where, Wild, either

FIELD = "mentions"
LONGEST_FORM = 1000
"""Characters: the `index.max_regex_length` of Elasticsearch."""
MOST_KEYS = 5_000
UNLISTED = "NIL:"
ACCEPTED = {"type": tuple(TYPES), "role": tuple(ROLES), "place": tuple(PLACES), "negated": tuple(DENIED)}
NAMED = {
    "product": "products", "enterprise": "enterprises", "brand": "enterprises", "issue": "issues",
    "region": "regions", "town": "regions",
}  # fmt: skip
"""Which names of the query's fields an id of a type goes by."""
REGION_CODE = re.compile(r"\d{6}")
EXAMPLE = "例如 提及:{类型:企业 and 角色:生产}"


@dataclass
class MentionBinder:
    """Binds what stands inside the braces. warn: takes a sentence for the reader."""

    names: Names
    warn: Callable[[str], None]

    def ask(self, node: tree.Node, at: int) -> Where:
        """The keys of mentions that meet `node`. at: where it stands, for errors. Raises QueryError."""
        return _asked(self._bind(node), at)

    def _bind(self, node: tree.Node) -> Where:
        match node:
            case tree.And(parts):
                return AllOf(tuple(self._bind(part) for part in parts))
            case tree.Or(parts):
                return AnyOf(tuple(self._bind(part) for part in parts))
            case tree.Not(part):
                return Not(self._bind(part))
            case tree.Nested(path, _):
                return self._unknown(path)
            case tree.Range(name, _, _):
                raise QueryError(name.at, f"提及里的字段不能比较大小，{EXAMPLE}")
            case tree.Is(name, value):
                return self._is(name, value)

    def _is(self, name: tree.Value | None, value: tree.Value) -> Where:
        if name is None or (name.anything and not name.quoted):
            return self._id(value)
        if name.wild and not name.quoted:
            form = re.compile(".*".join(map(re.escape, name.parts)))
            fields = [field for field in INNER if form.fullmatch(field)]
            return AnyOf(tuple(self._field(field, value) for field in fields)) if fields else self._unknown(name)
        field = INNER_BY_NAME.get(visible(name.text))
        return self._field(field, value) if field else self._unknown(name)

    def _unknown(self, name: tree.Value) -> Where:
        known = "、".join(more[0] for more in INNER.values())
        self.warn(f"提及里没有“{quote(name.text)}”这个字段，此条件不会命中；可用：{known}")
        return Nothing()

    def _field(self, field: str, value: tree.Value) -> Where:
        if field == "id":
            return self._id(value)
        accepted, words = ACCEPTED[field], WORDS[field]
        if value.anything and not value.quoted:
            return Not(OneOf("role", (NO_ROLE,))) if field == "role" else Everything()
        if value.wild:
            form = re.compile(".*".join(map(re.escape, value.parts)))
            found = {words.get(one, one) for one in (*accepted, *words) if form.fullmatch(one)}
            return OneOf(field, tuple(sorted(found)))
        text = visible(value.text)
        known = words.get(text, text)
        if known not in accepted:
            label, choices = INNER[field][0], "、".join(dict.fromkeys(words))
            raise QueryError(value.at, f"“{label}”没有“{quote(value.text)}”这个值，可用：{choices}；{EXAMPLE}")
        return OneOf(field, (known,))

    def _id(self, value: tree.Value) -> Where:
        """Bare text and 编号: the id, or a name of it as in the fields outside; a place finds what lies in it too."""
        if value.anything and not value.quoted:
            return Everything()
        patterns: dict[tuple[Glob, ...], list[str]] = {}
        for kind in TYPES:
            patterns.setdefault(self._patterns(str(kind), value), []).append(str(kind))
        return AnyOf(tuple(AllOf((OneOf("type", tuple(kinds)), _like(globs))) for globs, kinds in patterns.items()))

    def _patterns(self, kind: str, value: tree.Value) -> tuple[Glob, ...]:
        if value.wild:
            own = value.glob
            return (own, (UNLISTED + own[0], *own[1:])) if kind in FIRMS else (own,)
        ids = self.names.resolve(NAMED[kind], value.text) if kind in NAMED else ()
        if not ids:
            text = plain_id(value.text)
            ids = (text, UNLISTED + text) if kind in FIRMS else (text,)
        if NAMED.get(kind) == "regions":
            zones = (zone for known in ids for zone in self.names.within(known))
            return tuple(dict.fromkeys((*map(_below, ids), *((zone,) for zone in zones))))
        return tuple((known,) for known in ids)


def _below(code: str) -> Glob:
    """A region and all below it: 360700 as 3607*."""
    if not REGION_CODE.fullmatch(code):
        return (code,)
    return (re.sub("(00){1,2}$", "", code), "")


def _like(globs: tuple[Glob, ...]) -> Where:
    exact = tuple(glob[0] for glob in globs if len(glob) == 1)
    wild = [Wild("id", glob) for glob in globs if len(glob) > 1]
    return AnyOf((OneOf("id", exact), *wild)) if exact else AnyOf(tuple(wild))


def _asked(where: Where, at: int) -> Where:
    shapes: dict[Where, list[str]] = {}
    for shape in SHAPES:
        shapes.setdefault(_settled(where, shape), []).append(shape.code)
    shapes.pop(Nothing(), None)
    try:
        found = either(_keys(rest, codes) for rest, codes in shapes.items())
    except TooManyStates:
        raise QueryError(at, f"提及里的条件太复杂：not 和 * 请少用几个，或拆成几个提及用 or 连接，{EXAMPLE}") from None
    return found


def _settled(where: Where, shape: Shape) -> Where:
    """What `where` still asks of the id of a mention of this shape: Everything, Nothing, or a formula."""
    match where:
        case OneOf(field, values) if field != "id":
            return Everything() if getattr(shape, field) in values else Nothing()
        case Not(part):
            rest = _settled(part, shape)
            if isinstance(rest, Everything | Nothing):
                return Nothing() if isinstance(rest, Everything) else Everything()
            return rest.part if isinstance(rest, Not) else Not(rest)
        case AllOf(parts):
            return _together(parts, shape, over=Nothing(), under=Everything(), join=AllOf)
        case AnyOf(parts):
            return _together(parts, shape, over=Everything(), under=Nothing(), join=AnyOf)
        case _:
            return where


def _together(
    parts: tuple[Where, ...], shape: Shape, *, over: Where, under: Where, join: Callable[[tuple[Where, ...]], Where]
) -> Where:
    """over: a part that decides alone.  under: a part that says nothing."""
    kept: dict[Where, None] = {}
    for part in parts:
        rest = _settled(part, shape)
        if rest == over:
            return over
        if rest != under:
            kept[rest] = None
    if len(kept) > 1:
        return join(tuple(kept))
    return next(iter(kept), under)


def _keys(rest: Where, codes: list[str]) -> Where:
    """The keys of `codes` whose id meets `rest`. Raises TooManyStates."""
    if isinstance(rest, Everything):
        return OneOf(FIELD, tuple(codes))
    if isinstance(rest, AnyOf):
        return either(_keys(part, codes) for part in rest.parts)
    globs = list(dict.fromkeys(_globs(rest)))
    ids = [glob[0] for glob in globs if len(glob) == 1]
    if len(ids) == len(globs) and not _holds(rest, dict.fromkeys(globs, False)):
        wanted = [known for known in ids if _holds(rest, {glob: glob == (known,) for glob in globs})]
        if len(wanted) * len(codes) > MOST_KEYS:
            raise TooManyStates
        keys: tuple[Scalar, ...] = tuple(f"{code}:{known}" for code in codes for known in wanted)
        return OneOf(FIELD, keys) if keys else Nothing()
    if isinstance(rest, Wild):
        form: str | None = glob_form(rest.parts)
    else:
        form = form_where(lambda fits: _holds(rest, dict(zip(globs, fits, strict=True))), globs)
    if form is None:
        return Nothing()
    whole = f"{_heads(codes)}:{form}"
    if len(whole) > LONGEST_FORM:
        raise TooManyStates
    return Fits(FIELD, (whole,))


def _globs(rest: Where) -> list[Glob]:
    match rest:
        case OneOf(_, values):
            return [(str(value),) for value in values]
        case Wild(_, parts):
            return [parts]
        case Not(part):
            return _globs(part)
        case AllOf(parts) | AnyOf(parts):
            return [glob for part in parts for glob in _globs(part)]
        case _:
            return []


def _holds(rest: Where, fits: dict[Glob, bool]) -> bool:
    """Whether `rest` holds for an id of which `fits` tells the patterns it has."""
    match rest:
        case OneOf(_, values):
            return any(fits[(str(value),)] for value in values)
        case Wild(_, parts):
            return fits[parts]
        case Not(part):
            return not _holds(part, fits)
        case AllOf(parts):
            return all(_holds(part, fits) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, fits) for part in parts)
        case _:
            return isinstance(rest, Everything)


def _heads(codes: list[str]) -> str:
    """The codes as an expression: a class a letter where they are all that the classes allow."""
    columns = [sorted(set(column)) for column in zip(*codes, strict=True)]
    size = 1
    for column in columns:
        size *= len(column)
    if size == len(codes):
        return "".join(column[0] if len(column) == 1 else f"[{''.join(column)}]" for column in columns)
    return "(" + "|".join(map(escape, codes)) + ")"
