"""The query in a rule's scope: read more strictly than on the search page, for a rule that is wrong is silent.

A field nobody knows and a name of nothing known are mistakes here. Dates that move with the clock are refused: a rule
judges each signal when it comes, and time belongs to its condition.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from config.lexicon import Lexicon
from config.regions import BY_DIGITS, Regions
from config.rules import Scope
from config.sources import SourceConfig
from core.records import RegistryEntry, Signal
from nlp.analyze import dictionary_words
from nlp.segment import Segmenter
from search.fields import KIND_WORDS, FieldType, field_named
from search.names import Names, NameTable
from search.query import NO_SYNONYMS, QueryError, Synonyms, parse_query, read_query, tree
from search.query.dates import read_span
from search.records import Row, entry_of, row_of
from search.text import Segmenter as Cut
from search.where import Everything, OneOf, Where

MOMENTS = (datetime(2000, 2, 29, 1, 2, 3, tzinfo=UTC), datetime(2031, 11, 23, 13, 47, 58, tzinfo=UTC))
"""Two moments with no part in common: a date that means the same at both does not move."""

KNOWN_NAMES = {"products": "产品", "issues": "风险问题", "regions": "地区", "territory": "属地", "kind": "类型"}
"""Fields whose values are all known: another one is a slip of the pen, or a name that a dictionary no longer has."""


@dataclass(frozen=True)
class RuleQueries:
    """Reads queries of rules. known: for a field of KNOWN_NAMES every value it may hold.  tiers, titles: of sources by
    key.  off: sources that are switched off.  regions: what lies in what.
    """

    names: Names
    synonyms: Synonyms
    words: Cut
    known: Mapping[str, frozenset[str]] = field(default_factory=dict)
    tiers: Mapping[str, int] = field(default_factory=dict)
    regions: Regions = BY_DIGITS
    titles: Mapping[str, str] = field(default_factory=dict)
    off: frozenset[str] = frozenset()

    def row(self, signal: Signal) -> Row:
        """The signal as the index would hold it."""
        return row_of(entry_of(signal, self.words, tier_of=self.tiers, regions=self.regions))

    def read(self, scope: Scope) -> Where:
        """What the query of a scope asks for. Raises QueryError with the column."""
        return self.read_text(scope.query, synonyms=scope.synonyms)

    def read_text(self, text: str, *, synonyms: bool = True) -> Where:
        """As read, of a query alone."""
        written = parse_query(text)
        for value in _fields(written):
            self._check_field(value)
        for leaf in _leaves(written):
            self._check_leaf(leaf)
        others = self.synonyms if synonyms else NO_SYNONYMS
        query = read_query(text, names=self.names, now=MOMENTS[0], synonyms=others)
        told = [warning for warning in query.warnings if "读作" not in warning]
        if told:
            raise QueryError(0, told[0])
        if text.strip() and isinstance(query.where, Everything):
            raise QueryError(0, "这个语句命中所有信号；请写出要预警的条件，如 产品:电动自行车 and 风险:起火")
        return query.where

    def check(self, text: str) -> str:
        """What is wrong with a query, as config files say it; empty where nothing is."""
        try:
            self.read_text(text)
        except QueryError as problem:
            return f"column {problem.column}: {problem.message}"
        return ""

    def _check_field(self, name: tree.Value) -> None:
        """A field's name, also one with wildcards (`*` stands for any)."""
        if name.wild or field_named(name.text) is not None:
            return
        *words, last = name.text.split() or [""]
        if words and not name.quoted and field_named(last) is not None:  # `起火 产品:电缆` reads as two conditions
            return
        raise QueryError(name.at, f"没有“{name.text}”这个字段。写法如 产品:电动自行车、风险:起火、正文:冒烟")

    def _check_leaf(self, leaf: "tree.Is | tree.Range") -> None:
        found = field_named(leaf.field.text.split()[-1]) if leaf.field and leaf.field.text.split() else None
        value = leaf.value
        if found is None or value.wild:
            return
        if found.type is FieldType.DATE:
            _check_date(value)
        elif isinstance(leaf, tree.Is) and found.name in self.known:
            where = read_query(f'{found.name}:"{_escaped(value.text)}"', names=self.names, now=MOMENTS[0]).where
            if isinstance(where, OneOf) and not set(map(str, where.values)) & self.known[found.name]:
                raise QueryError(value.at, f"没有“{value.text}”这个{KNOWN_NAMES[found.name]}，此规则永远不会触发")


def _check_date(value: tree.Value) -> None:
    try:
        moves = read_span(value.text, MOMENTS[0]) != read_span(value.text, MOMENTS[1])
    except ValueError:
        return  # told by the binder, with a form that works
    if moves:
        raise QueryError(
            value.at,
            f"规则里不能用相对时间“{value.text}”：规则在信号到来时逐条判断，时间窗口写在触发条件里；固定日期可以用",
        )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _leaves(node: tree.Node) -> Iterator["tree.Is | tree.Range"]:
    match node:
        case tree.And(parts) | tree.Or(parts):
            for part in parts:
                yield from _leaves(part)
        case tree.Not(part):
            yield from _leaves(part)
        case tree.Is() | tree.Range():
            yield node


def _fields(node: tree.Node) -> Iterator[tree.Value]:
    match node:
        case tree.And(parts) | tree.Or(parts):
            for part in parts:
                yield from _fields(part)
        case tree.Not(part):
            yield from _fields(part)
        case tree.Nested(path, _):
            yield path
        case tree.Is(name, _) | tree.Range(name, _, _):
            if name is not None:
                yield name


def query_names(
    lexicon: Lexicon, registry: Iterable[RegistryEntry] = (), sources: Mapping[str, str] | None = None
) -> NameTable:
    """The names a query may use for ids. sources: key to title."""
    firms = [
        (name, entry.id)
        for entry in registry
        for name in (entry.name, *entry.short_names, *entry.brands, *entry.former_names)
    ]
    places = [(name, place.code) for place in lexicon.regions for name in (place.name, place.short_name)]
    return NameTable(
        {
            "products": [(name, p.id) for p in lexicon.products.values() for name in (p.name, *p.terms)],
            "issues": [(issue.name, issue.id) for issue in lexicon.issues.values()],
            "enterprises": firms,
            "regions": places,
            "territory": places,
            "source": [(title, key) for key, title in (sources or {}).items()],
        },
        lexicon.regions.zones,
    )


def queries_of(
    lexicon: Lexicon,
    registry: Sequence[RegistryEntry] = (),
    *,
    sources: Sequence[SourceConfig] = (),
    words: Cut | None = None,
) -> RuleQueries:
    """What reads queries with the words of a lexicon, the firms of a registry and the titles of sources.

    words: cuts texts, where that is at hand already.
    """
    codes = frozenset(place.code for place in lexicon.regions)
    known = {
        "products": frozenset(lexicon.products),
        "issues": frozenset(lexicon.issues),
        "regions": codes,
        "territory": codes,
        "kind": frozenset(map(str, KIND_WORDS.values())),
    }
    return RuleQueries(
        names=query_names(lexicon, registry, {source.key: source.title for source in sources}),
        synonyms=lexicon.synonyms,
        words=words or _words_when_asked(lexicon, registry),
        known=known,
        tiers={source.key: source.tier for source in sources},
        regions=lexicon.regions,
        titles={source.key: source.title for source in sources},
        off=frozenset(source.key for source in sources if not source.enabled),
    )


def _words_when_asked(lexicon: Lexicon, registry: Sequence[RegistryEntry]) -> Cut:
    """Loading a dictionary takes a second: only where a rule has a query."""

    @cache
    def segmenter() -> Segmenter:
        return Segmenter(dictionary_words(lexicon, registry))

    return lambda text: segmenter().words(text)
