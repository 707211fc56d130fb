"""Conditions on one string as one regular expression, also what is *not* so: both engines match values by expressions,
and neither can turn one round. An automaton reads all patterns at once; it becomes an expression state by state.

The expressions use what Lucene (flags NONE), Rust and Python read alike: characters, classes, `.`, `|`, `*`, `?`, `()`.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Glob = tuple[str, ...]
"""A pattern as the text around each `*`."""

MOST_STATES = 400
OTHER = ""
"""Stands for every character that is in none of the patterns."""

_OUTSIDE = frozenset("\\.+*?()|[]{}^$#&-~")
_OPERATORS = _OUTSIDE - set("#&-~")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_INSIDE = frozenset("\\]^-[&~")
_State = tuple[frozenset[int], ...]


class TooManyStates(Exception):
    """The condition needs a larger expression than the engines take."""


@dataclass(frozen=True)
class _Form:
    """level: 0 stands alone, 1 is a sequence, 2 a choice."""

    text: str
    level: int = 0


_EMPTY = _Form("", 1)


def escape(text: str) -> str:
    """`text` as an expression that matches it only."""
    return "".join("\\" + one if one in _OUTSIDE else one for one in text)


def glob_form(parts: Glob) -> str:
    """The pattern as an expression."""
    return ".*".join(map(escape, parts))


def glob_at_once(parts: Glob, between: str = ".") -> str:
    """The pattern for Python alone: each part at the first place it fits, and no way back from there.

    Python tries all ways through `.*a.*a.*b` otherwise, for hours on a text of a thousand `a`.
    between: what `*` stands for.
    """
    if len(parts) == 1:
        return re.escape(parts[0])
    head, *middle, tail = map(re.escape, parts)
    return head + "".join(f"(?>{between}*?{part})" for part in middle) + f"{between}*{tail}"


def at_once(form: str) -> str:
    """A form of keys (`head:pattern`) for Python alone, as `glob_at_once`.

    One that is more than a pattern stays: it comes from an automaton, which leaves Python one way.
    """
    head, colon, pattern = form.partition(":")
    parts = pattern.split(".*")
    if not colon or any(_OPERATORS & set(_ESCAPED.sub("", part)) for part in parts):
        return form
    return f"{head}:{glob_at_once(tuple(_ESCAPED.sub(lambda found: found[0][1], part) for part in parts))}"


def form_where(accepts: Callable[[tuple[bool, ...]], bool], patterns: Sequence[Glob]) -> str | None:
    """The expression of the strings for which `accepts` holds, given which patterns they fit; None: there are none.

    Raises TooManyStates.
    """
    tokens = [_tokens(pattern) for pattern in patterns]
    letters = [*sorted({one for line in tokens for one in line if one is not None}), OTHER]
    moves, accepting = _automaton(tokens, letters, accepts)
    groups = _equal_states(moves, accepting)
    return _expression(groups, moves, accepting, letters)


def _tokens(parts: Glob) -> list[str | None]:
    """The characters of a pattern, None for each `*`."""
    found: list[str | None] = list(parts[0])
    for part in parts[1:]:
        found += [None, *part]
    return found


def _closed(places: set[int], line: list[str | None]) -> frozenset[int]:
    """The places with those that lie behind a `*` of them."""
    todo = list(places)
    while todo:
        at = todo.pop()
        if at < len(line) and line[at] is None and at + 1 not in places:
            places.add(at + 1)
            todo.append(at + 1)
    return frozenset(places)


def _step(places: frozenset[int], line: list[str | None], letter: str) -> frozenset[int]:
    after = {at if line[at] is None else at + 1 for at in places if at < len(line) and line[at] in (None, letter)}
    return _closed(after, line)


def _automaton(
    tokens: list[list[str | None]], letters: list[str], accepts: Callable[[tuple[bool, ...]], bool]
) -> tuple[list[list[int]], list[bool]]:
    """For each state where each letter leads, and whether it accepts; state 0 is the first."""
    first: _State = tuple(_closed({0}, line) for line in tokens)
    numbers: dict[_State, int] = {first: 0}
    order, moves = [first], []
    for state in order:
        row = []
        for letter in letters:
            after = tuple(_step(places, line, letter) for places, line in zip(state, tokens, strict=True))
            if after not in numbers:
                if len(numbers) == MOST_STATES:
                    raise TooManyStates
                numbers[after] = len(order)
                order.append(after)
            row.append(numbers[after])
        moves.append(row)
    fits = [tuple(len(line) in places for places, line in zip(state, tokens, strict=True)) for state in order]
    return moves, [accepts(fit) for fit in fits]


def _equal_states(moves: list[list[int]], accepting: list[bool]) -> list[int]:
    """A group number for each state: states of one group accept the same rests."""
    groups = [int(one) for one in accepting]
    while True:
        signs = [(groups[at], *(groups[to] for to in row)) for at, row in enumerate(moves)]
        numbers = {sign: number for number, sign in enumerate(dict.fromkeys(signs))}
        fresh = [numbers[sign] for sign in signs]
        if len(numbers) == len(set(groups)):
            return fresh
        groups = fresh


def _expression(groups: list[int], moves: list[list[int]], accepting: list[bool], letters: list[str]) -> str | None:
    """State after state is taken out; the ways through it become ways past it."""
    start, end = -1, -2
    ways: dict[int, dict[int, _Form]] = {start: {groups[0]: _EMPTY}}
    for at in range(len(moves)):
        leads: dict[int, set[str]] = {}
        for letter, to in zip(letters, moves[at], strict=True):
            leads.setdefault(groups[to], set()).add(letter)
        ways[groups[at]] = {to: _class(read, letters) for to, read in leads.items()}
        if accepting[at]:
            ways[groups[at]][end] = _EMPTY
    left = set(groups)
    while left:
        into = {state: [one for one in ways if one != state and state in ways[one]] for state in left}
        state = min(left, key=lambda one: (len(into[one]) * len(ways[one]), one))
        left.remove(state)
        out = ways.pop(state)
        again = _star(out.pop(state, None))
        for one in into[state]:
            head = _joined(ways[one].pop(state), again)
            for to, tail in out.items():
                way = _joined(head, tail)
                ways[one][to] = _either(ways[one][to], way) if to in ways[one] else way
    found = ways[start].get(end)
    return None if found is None else f"({found.text})" if found.level == 2 else found.text


def _class(read: set[str], letters: list[str]) -> _Form:
    if len(read) == len(letters):
        return _Form(".")
    if OTHER in read:
        return _Form(f"[^{_inside(one for one in letters if one not in read)}]")
    if len(read) == 1:
        return _Form(escape(next(iter(read))))
    return _Form(f"[{_inside(sorted(read))}]")


def _inside(letters: Iterable[str]) -> str:
    return "".join("\\" + one if one in _INSIDE else one for one in letters)


def _joined(left: _Form, right: _Form) -> _Form:
    if not left.text or not right.text:
        return left if left.text else right
    return _Form(_grouped(left, 1) + _grouped(right, 1), 1)


def _either(left: _Form, right: _Form) -> _Form:
    if left == right:
        return left
    if not left.text or not right.text:
        some = left if left.text else right
        return _Form(_grouped(some, 0) + "?", 1)
    return _Form(f"{left.text}|{right.text}", 2)


def _star(form: _Form | None) -> _Form:
    return _Form(_grouped(form, 0) + "*", 1) if form is not None and form.text else _EMPTY


def _grouped(form: _Form, level: int) -> str:
    return form.text if form.level <= level else f"({form.text})"
