"""Regular expressions that an operator writes: held to a bound before they are used.

Python's engine tries every way to match, and some patterns have more ways than there is time for. Two answers:
`linear` for patterns on whole pages and answers, whose length nobody bounds (RE2: time grows with the text, whatever
the pattern; no lookaround). `bounded` for patterns of lexicons, which need lookaround and Python's idea of a letter
beside Chinese: read as a tree before it is compiled, refused where one place of a text could be read in more than
MOST_WAYS ways.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import re2

LONGEST = 1000
"""Characters of a pattern."""
MOST_WAYS = 10_000
"""Ways to read one place of a text. The dearest pattern shipped has 7,700; the worst text of 20,000 characters that was
found for any shipped one takes it 0.15 s (docs/threat_model.md)."""
MEMORY = 1 << 20
"""Bytes one compiled pattern of RE2 may take."""
ANYTHING = "any"
ADVICE = "写明上限，如 [^。]{0,20}；重复里不再套重复"

_reader: Any = import_module("re._parser")
_names: Any = import_module("re._constants")


class PatternRefused(ValueError):
    """A pattern that is none, or that could take for ever; the message says which and what to write instead."""


@lru_cache(maxsize=1000)
def linear(pattern: str, flags: str = "") -> Any:
    """Compiled by RE2. flags: `s`: a dot is any character, `i`: without case. Raises PatternRefused."""
    _short_enough(pattern)
    options = re2.Options()
    options.max_mem, options.log_errors = MEMORY, False
    options.dot_nl, options.case_sensitive = "s" in flags, "i" not in flags
    try:
        return re2.compile(pattern, options)
    except UnicodeEncodeError:
        raise PatternRefused("正则表达式里有半个字符，写不成 UTF-8") from None
    except re2.error as problem:
        told = problem.args[0]
        why = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise PatternRefused(f"“{pattern[:40]}”不是可用的正则表达式（RE2 写法，没有前后断言）：{why[:80]}") from None


@lru_cache(maxsize=5000)
def bounded(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Compiled by Python's engine. Raises PatternRefused."""
    _short_enough(pattern)
    try:
        compiled = re.compile(pattern, flags)
        ways = ways_of(pattern, flags)
    except PatternRefused as problem:
        raise PatternRefused(f"“{pattern[:40]}”：{problem}") from None
    except (re.error, RecursionError, OverflowError) as problem:
        raise PatternRefused(f"“{pattern[:40]}”不是可用的正则表达式：{str(problem)[:80]}") from None
    if ways > MOST_WAYS:
        raise PatternRefused(f"“{pattern[:40]}”可能要找很久（同一处有 {min(ways, 10**9):,} 种读法）：{ADVICE}")
    return compiled


def first_found(pattern: str, text: str, flags: str = "") -> str | None:
    """What the first group of a linear pattern holds, all of the match where there is no group; None: nothing fits.

    Raises PatternRefused.
    """
    compiled = linear(pattern, flags)
    try:
        match = compiled.search(text)
    except UnicodeEncodeError:  # half a character of a broken page: RE2 reads UTF-8
        match = compiled.search(text.encode("utf-8", "replace").decode())
    if match is None:
        return None
    return (match[1] or "") if compiled.groups else str(match[0])


def ways_of(pattern: str, flags: int = 0) -> int:
    """In how many ways the pattern may read one place of a text, at most; over MOST_WAYS: it may be any number.

    Raises re.error, and PatternRefused for what has no bound: a repeat without an end before something else.
    """
    return _of_all(_reader.parse(pattern, flags), last=True)


def _short_enough(pattern: str) -> None:
    if len(pattern) > LONGEST:
        raise PatternRefused(f"“{pattern[:40]}…”过长：至多 {LONGEST} 个字符")


def _of_all(nodes: Sequence[Any], *, last: bool) -> int:
    """Of nodes one behind the other: each way of one with each of the next."""
    ways, many = 1, list(nodes)
    for place, node in enumerate(many):
        ways *= _of_one(node, last=last and place == len(many) - 1)
        if ways > MOST_WAYS:
            return ways
    return ways


def _of_one(node: Any, *, last: bool) -> int:
    kind, value = node
    if kind in (_names.MAX_REPEAT, _names.MIN_REPEAT):
        return _of_repeat(*value, last=last and kind is _names.MAX_REPEAT)
    if kind is _names.POSSESSIVE_REPEAT:
        return _of_all(value[2], last=False)
    if kind is _names.BRANCH:
        return _of_branches(value[1], last=last)
    if kind is _names.SUBPATTERN:
        return _of_all(value[-1], last=last)
    if kind is _names.ATOMIC_GROUP:
        return _of_all(value, last=False)
    if kind in (_names.ASSERT, _names.ASSERT_NOT):
        return _of_all(value[1], last=False)
    if kind in (_names.GROUPREF, _names.GROUPREF_EXISTS):
        raise PatternRefused("引用前面的组（\\1）没有上限：请改写")
    return 1


def _of_branches(branches: Sequence[Any], *, last: bool) -> int:
    """Of words that begin with different letters one alone can stand at a place; the rest could all stand there. Case
    makes no difference: the pattern may be read without."""
    by_letter: Counter[Any] = Counter()
    for one in branches:
        kind, value = one[0] if len(one) else (None, 0)
        by_letter[chr(value).upper().casefold()[0] if kind is _names.LITERAL else ANYTHING] += _of_all(one, last=last)
    return by_letter.pop(ANYTHING, 0) + max(by_letter.values(), default=0)


def _of_repeat(least: int, most: Any, body: Sequence[Any], *, last: bool) -> int:
    """A repeat of single characters ends at one of most - least + 1 places; of anything else, each round multiplies.

    Without an end it may only stand last: there it takes what there is and never comes back.
    """
    single = len(body) == 1 and body[0][0] in (_names.LITERAL, _names.NOT_LITERAL, _names.ANY, _names.IN)
    if most is _names.MAXREPEAT:
        if last and single:
            return 1
        raise PatternRefused(f"重复没有上限（* + {{n,}}）：{ADVICE}")
    if single:
        return int(most) - int(least) + 1
    each, ways = _of_all(body, last=False), 0
    for rounds in range(int(least), int(most) + 1):
        ways += each**rounds if each > 1 else 1
        if ways > MOST_WAYS:
            break
    return ways
