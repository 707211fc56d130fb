"""What could be written next at the cursor: fields, operators, values, dates, and how conditions are joined."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.clock import beijing
from search.cursor import Place, Wanted, place_of
from search.fields import BY_NAME, FIELDS, Field, FieldType, field_named
from search.mentions import INNER, INNER_BY_NAME, WORDS
from search.names import Names
from search.query.dates import read_span
from search.query.escape import literal_of
from search.visible import visible
from search.where import Scalar

Values = Callable[[str, str], Sequence[tuple[Scalar, int]]]
"""The most frequent values of a field and in how many signals they are, given what was typed of one."""

LIMIT = 12
MOST_NAMES = 40
"""Names looked at for one field: more would not be shown."""
UNLISTED = "NIL:"

USUAL = (
    "event_time", "level", "products", "enterprises", "issues", "territory", "regions", "source", "kind", "title",
    "body", "mentions", "is_risk", "tier", "score", "stance", "flags",
)  # fmt: skip
"""Fields in the order people ask for them; the others follow."""
NAMED = ("products", "issues", "territory", "source", "enterprises")
"""Fields whose names a bare word is looked up in."""
COMPARED = {FieldType.INTEGER, FieldType.NUMBER, FieldType.DATE}
COMPARING = tuple("<>=＜＞＝≥≤")
OPERATORS = ((":", "是"), (">=", "不小于"), ("<=", "不大于"), (">", "大于"), ("<", "小于"))
JOINS = (("and", "并且"), ("or", "或者"), ("and not", "并且不"))
DATES = (
    "今天", "昨天", "近24小时", "近7天", "近30天", "本周", "上周", "本月", "上月", "今年", "now-7d/d", "now-1d/d",
    "now/d", "now-1h",
)  # fmt: skip
PLACEHOLDER = {"id", "url", "repost_of", "score", "revision"}
"""Fields whose values nobody picks from a list."""


@dataclass(frozen=True)
class Suggestion:
    """text: to be put in place.  kind: field | operator | value | date | recent.  note: for people, Chinese."""

    text: str
    kind: str
    label: str
    note: str = ""
    count: int | None = None


@dataclass(frozen=True)
class Completion:
    """Suggestions, best first, for text[start:end]. Offsets count code points."""

    start: int
    end: int
    suggestions: tuple[Suggestion, ...]


def complete(
    text: str,
    cursor: int,
    *,
    names: Names,
    values: Values,
    now: datetime,
    limit: int = LIMIT,
    recent: Sequence[str] = (),
) -> Completion:
    """What could stand at `cursor`. recent: earlier queries of this person, newest first, offered for an empty bar."""
    place = place_of(text, cursor)
    if not text.strip() and recent:
        place = replace(place, start=0, end=len(text))
    found = _Finder(names, values, now, text, place, recent if not text.strip() else ()).all()
    unique = {suggestion.text: suggestion for suggestion in reversed(list(found))}
    return Completion(place.start, place.end, tuple(reversed(unique.values()))[:limit])


@dataclass(frozen=True)
class _Finder:
    names: Names
    values: Values
    now: datetime
    text: str
    place: Place
    recent: Sequence[str]

    def all(self) -> Iterator[Suggestion]:
        place = self.place
        match place.wanted:
            case Wanted.EXPRESSION:
                yield from (Suggestion(query, "recent", query, "最近的检索") for query in self.recent)
                yield from self._expression()
            case Wanted.OPERATOR:
                found = field_named(place.field)
                yield from _operators("", found) if found and not place.inner else ()
            case Wanted.VALUE:
                found_values = list(self._values_of(place.field))
                yield from found_values
                yield from self._joins_after(found_values)
            case Wanted.JOIN:
                yield from self._joins(place.typed, "" if self._blank_before(place.start) else " ")
                yield from self._joined_fields() if place.typed else ()

    def _blank_before(self, at: int) -> bool:
        return at == 0 or self.text[at - 1].isspace()

    def _joins(self, typed: str, before: str) -> Iterator[Suggestion]:
        for word, note in JOINS:
            if word.startswith(typed.lower()) and not (self.place.listed and word == "and not" and typed):
                yield Suggestion(f"{before}{word} ", "operator", word, note)

    def _joined_fields(self) -> Iterator[Suggestion]:
        """Fields of a next condition whose `and` was not written."""
        if not self.place.listed:
            yield from (replace(one, text=f"and {one.text}") for one in self._fields() if one.kind == "field")

    def _joins_after(self, found: Sequence[Suggestion]) -> Iterator[Suggestion]:
        """Behind a whole value: what joins the next condition; the value stays as it is written."""
        place = self.place
        if place.quoted or not place.typed:
            return
        written = self.text[place.start : place.end]
        if place.last > place.start:
            head, tail = self.text[place.start : place.last], self.text[place.last : place.end]
            for one in (*self._joins(tail, ""), *replace(self, place=replace(place, typed=tail))._joined_fields()):
                yield replace(one, text=head + one.text)
        elif any(visible(place.typed) in (visible(one.label), visible(one.note)) for one in found):
            for one in self._joins("", " "):
                yield replace(one, text=written + one.text)

    # the start of a condition

    def _expression(self) -> Iterator[Suggestion]:
        place = self.place
        if place.typed and not place.quoted and not self._begins(place.start):
            yield from self._joins(place.typed, "")
        if not place.quoted:
            yield from self._fields()
        if place.typed and not place.inner:
            yield from self._named()
        if not place.quoted and "not".startswith(place.typed.lower()):
            yield Suggestion("not ", "operator", "not", "不是")

    def _begins(self, at: int) -> bool:
        """Whether no word stands before `at` that the next condition would have to be joined to."""
        before = self.text[:at].rstrip()
        return not before or before[-1] in "({（｛" or before.split()[-1].lower() in ("and", "or", "not")

    def _fields(self) -> Iterator[Suggestion]:
        place, typed = self.place, visible(self.place.typed)
        if place.inner:
            yield from self._inner_fields(typed)
            return
        operator_follows = place.after in tuple(":：<>＜＞≥≤") and bool(place.after)
        exact = field_named(place.typed) if typed else None
        if exact and not operator_follows:
            yield from _operators(place.typed, exact)
        for found in _ranked(FIELDS, typed, lambda one: (one.label, *one.aliases, one.name)):
            name = _as_typed(typed, found)
            colon = "" if operator_follows else ":"
            note = f"{found.name}，例如 {found.label}:{found.example}"
            yield Suggestion(f"{name}{colon}", "field", name, note)

    def _inner_fields(self, typed: str) -> Iterator[Suggestion]:
        labels = {field: more[0] for field, more in INNER.items()}
        for field in _ranked(INNER, typed, lambda one: (labels[one], *INNER[one], one)):
            examples = "、".join(list(WORDS.get(field, {"ENT0001": ""}))[:4])
            yield Suggestion(f"{labels[field]}:", "field", labels[field], f"{field}，例如 {examples}")

    def _named(self) -> Iterator[Suggestion]:
        """A bare word that names a product, a firm, a place: the condition it could mean."""
        typed = self.place.typed
        for name in NAMED:
            found = BY_NAME[name]
            for named in self.names.find(name, typed, 3):
                value = self.names.label(name, named.ids[0]) or named.name
                text = f"{found.label}:{literal_of(value)}"
                yield Suggestion(text, "value", value, found.label)

    # values

    def _values_of(self, field: str) -> Iterator[Suggestion]:
        typed = visible(self.place.typed)
        if self.place.inner:
            yield from self._inner_values(INNER_BY_NAME.get(visible(field), ""), typed)
            return
        found = field_named(field)
        if found is None:
            return
        match found.type:
            case FieldType.DATE:
                yield from self._dates(typed)
            case FieldType.MENTIONS:
                yield Suggestion("{类型:", "operator", "{类型:企业 and 角色:生产}", "同一个提及要满足的条件")
                yield from self._inner_values("id", typed)
            case FieldType.TEXT:
                yield from (one for name in ("products", "issues") for one in self._by_name(name, typed, {}))
            case _ if found.name not in PLACEHOLDER:
                yield from self._frequent(found, typed)

    def _frequent(self, found: Field, typed: str) -> Iterator[Suggestion]:
        """The values of the index, the most frequent first, then words and names that are not in it."""
        counts = {str(value): count for value, count in self.values(found.name, self.place.typed)}
        shown = [(self._word(found, value), value, count) for value, count in counts.items()]
        fitting = [one for one in shown if typed in visible(one[0]) or typed in visible(one[1])]
        fitting.sort(key=lambda one: (not visible(one[0]).startswith(typed), -one[2], one[0]))
        for word, value, count in fitting:
            yield self._value(word, value if value != word else "", count)
        yield from self._other_words(found, typed, counts)
        if found.words is None:
            yield from self._by_name(found.name, typed, counts)
        if not typed and self.text[: self.place.start].rstrip()[-1:] not in COMPARING:
            yield Suggestion("*", "value", "*", "有值即可")

    def _other_words(self, found: Field, typed: str, counts: dict[str, int]) -> Iterator[Suggestion]:
        seen = set(counts)
        for word, value in (found.words or {}).items():
            if str(value) in seen or not visible(word).startswith(typed):
                continue
            seen.add(str(value))
            yield self._value(word, str(value), None)

    def _word(self, found: Field, value: str) -> str:
        """What people call a value: the field's own word, the name of an id, itself."""
        for word, known in (found.words or {}).items():
            if str(known).lower() == value.lower():
                return word
        return self.names.label(found.name, value) or value.removeprefix(UNLISTED)

    def _by_name(self, field: str, typed: str, counts: dict[str, int]) -> Iterator[Suggestion]:
        """Names that begin with what was typed, then names it stands in, then things with another such name."""
        found = []
        for named in self.names.find(field, typed, MOST_NAMES):
            if all(known in counts for known in named.ids):
                continue
            several = len(named.ids) > 1
            value = named.name if several else self.names.label(field, named.ids[0]) or named.name
            other = named.name if visible(value) != visible(named.name) else ""
            found.append((value, f"{len(named.ids)} 个同名" if several else other))
        found.sort(key=lambda one: (not visible(one[0]).startswith(typed), typed not in visible(one[0])))
        yield from (self._value(value, note, None) for value, note in found)

    def _inner_values(self, field: str, typed: str) -> Iterator[Suggestion]:
        if field == "id":
            yield from (one for name in NAMED if name != "source" for one in self._by_name(name, typed, {}))
        said: set[str] = set()
        for word, value in WORDS.get(field, {}).items():
            if (visible(word).startswith(typed) or value.startswith(typed)) and value not in said:
                said.add(value)
                yield self._value(word, value, None)

    def _value(self, word: str, note: str, count: int | None) -> Suggestion:
        """Quoted where it must be, and where the person has begun a quotation."""
        text = literal_of(word)
        if self.place.quoted and text == word:
            text = f'"{word}"'
        return Suggestion(text, "value", word, note, count)

    def _dates(self, typed: str) -> Iterator[Suggestion]:
        number = typed if typed.isdecimal() and len(typed) <= 3 else ""
        own = (f"近{number}天", f"{number}天前", f"近{number}小时", f"近{number}个月") if number else ()
        fitting = [form for form in DATES if typed in form]
        today = f"{beijing(self.now):%Y-%m-%d}"
        if typed and today.startswith(typed):
            fitting.insert(0, today)
        fitting.sort(key=lambda form: not form.startswith(typed))
        for form in (*own, *fitting):
            text = f'"{form}"' if self.place.quoted else form
            yield Suggestion(text, "date", form, self._span_words(form))

    def _span_words(self, form: str) -> str:
        try:
            span = read_span(form, self.now)
        except ValueError:  # a number of days beyond the calendar
            return ""
        return f"{beijing(span.start):%Y-%m-%d %H:%M} 起"


def _operators(name: str, found: Field) -> Iterator[Suggestion]:
    if found.type is FieldType.MENTIONS:
        yield Suggestion(f"{name}:{{", "operator", f"{name}:{{", "同一个提及")
        return
    for sign, note in OPERATORS if found.type in COMPARED else OPERATORS[:1]:
        yield Suggestion(f"{name}{sign}", "operator", f"{name}{sign}", f"{found.label}{note}")


def _as_typed(typed: str, found: Field) -> str:
    """The English name where that is what the person is typing."""
    fits = [name for name in (found.name, *found.aliases) if name.isascii() and name.lower().startswith(typed)]
    return fits[0] if typed and typed.isascii() and fits else found.label


def _ranked(items: Iterable[str] | Iterable[Field], typed: str, names: Callable[..., tuple[str, ...]]) -> list:  # type: ignore[type-arg]
    """Those one of whose names has `typed` in it: at its beginning first, usual ones first."""

    def rank(item: str | Field) -> tuple[bool, int]:
        starts = any(visible(name).startswith(typed) for name in names(item))
        key = item.name if isinstance(item, Field) else item
        return not starts, USUAL.index(key) if key in USUAL else len(USUAL)

    def fits(name: str) -> bool:
        return name.startswith(typed) or (typed in name and (len(typed) > 1 or not typed.isascii()))

    return sorted((item for item in items if any(fits(visible(name)) for name in names(item))), key=rank)
