"""Rules as a province's desk would have them in hundreds: one of a product, a place, a kind of harm; of every type.

The first of `rules_made_up(1000)` are those of `rules_made_up(10)`. About one in twelve is broad (a voice and a level,
no product and no place), as those that are shipped; every fourth has a query.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from config.lexicon import Lexicon
from config.rules import Rule

ISSUES = ("defect", "nonconf", "fire", "label", "injury", "sell_unlic", "cutcorner", "explosion", "poison", "shock")
WORDS = ("起火", "冒烟", "爆燃", "鼓包", "漏电", "断裂", "超标", "召回", "学校", "电池", "线缆", "异味", "灼伤", "停售")
FACTS = ("firm", "product", "issue", "source", "place")
BY_FACTS = (["firm"], ["product", "issue"], ["county"], ["prefecture"], ["product", "county"], ["all"])
GROUPS = (["matter"], ["matter"], *BY_FACTS)

Words = dict[str, Any]


def rules_made_up(
    count: int, lexicon: Lexicon, firms: Sequence[str], *, queries: bool = True, elsewhere: bool = False
) -> list[Rule]:
    """The first `count` rules. firms: ids that lists name.  queries: without them, rules of scopes alone.

    elsewhere: all of them are about other provinces, so that no document of ours meets one.
    """
    found = _made(count, lexicon, firms, queries)
    if elsewhere:
        home = lexicon.regions.home[:2]
        places = [place.code for place in lexicon.regions if not place.code.startswith(home) and place.parent_code]
        for number, one in found:
            one["scope"] = {**one["scope"], "regions": [places[number % len(places)]]}
    return [Rule.model_validate({"id": f"made_{n:04d}", **one}) for n, one in found]


def files_made_up(count: int, lexicon: Lexicon, firms: Sequence[str]) -> dict[str, Words]:
    """The same rules as the content of rule files, by name; the examples are those of any rule and are not run."""
    story = [[{"kind": "news", "level": 2}]]
    return {
        f"made_{n:04d}": {**one, "examples": {"fires": story, "quiet": story}}
        for n, one in _made(count, lexicon, firms, queries=True)
    }


def _made(count: int, lexicon: Lexicon, firms: Sequence[str], queries: bool) -> list[tuple[int, Words]]:
    found: list[tuple[int, Words]] = []
    types = list(CONDITIONS)
    for number in range(count):
        chance = random.Random(number)
        kind = types[number % len(types)]
        condition, group = CONDITIONS[kind](chance, firms), ["matter"]
        if kind not in ("any", "blacklist", "whitelist", "new_term"):
            group = list(chance.choice(BY_FACTS if kind in ("anomaly", "flatline") else GROUPS))
        scope = _scope(chance, lexicon, broad=number % 12 == 11, query=queries and number % 4 == 3)
        words = {"title": f"规则 {number}", "why": "测量", "level": chance.choice(("blue", "yellow", "orange"))}
        found.append((number, {**words, "scope": scope, "condition": {"type": kind, **condition}, "group_by": group}))
    return found


def _scope(chance: random.Random, lexicon: Lexicon, *, broad: bool, query: bool) -> Words:
    if broad:
        return {"voices": chance.sample(("official", "media", "complaint", "social"), 2), "min_level": 2}
    products = [product.id for product in lexicon.products.values()]
    counties = [place.code for place in lexicon.regions if place.code.startswith(lexicon.regions.home[:2])]
    scope: Words = {"min_level": chance.choice((1, 1, 2))}
    if chance.random() < 0.7:
        scope["products"] = chance.sample(products, chance.choice((1, 1, 2)))
    if chance.random() < 0.5 or "products" not in scope:
        scope["regions"] = [chance.choice(counties)]
    if chance.random() < 0.5:
        scope["issues"] = chance.sample(ISSUES, 2)
    if chance.random() < 0.3:
        scope["voices"] = chance.sample(("official", "media", "complaint", "social"), 2)
    if chance.random() < 0.2:
        scope["text"] = chance.sample(WORDS, 3)
    if chance.random() < 0.1:
        scope["maker"] = chance.choice(("known", "listed", "home", "china"))
    if chance.random() < 0.1:
        scope["specific"] = True
    if chance.random() < 0.05:
        scope["hurt"] = chance.choice((1, 3))
    if query:
        scope["query"] = _query(chance, lexicon)
    return scope


def _query(chance: random.Random, lexicon: Lexicon) -> str:
    one, two = chance.sample(WORDS, 2)
    product = chance.choice([product.name for product in lexicon.products.values()])
    return chance.choice((f"{one} or {two}", f"{one} and {two}", f'产品:"{product}" and not {one}', f'"{one}"'))


def _window(chance: random.Random) -> str:
    return chance.choice(("24h", "3d", "7d", "14d"))


def _chain(chance: random.Random, _firms: Sequence[str]) -> Words:
    steps = [{"scope": {"voices": ["complaint"]}, "at_least": 3}, {"scope": {"voices": ["official"]}}]
    return {"window": "90d", "steps": steps}


CONDITIONS: Mapping[str, Callable[[random.Random, Sequence[str]], Words]] = {
    "frequency": lambda c, _: {"window": _window(c), "at_least": c.randrange(3, 9), "sources": c.choice((1, 2))},
    "any": lambda c, _: {},
    "spike": lambda c, _: {"window": _window(c), "at_least": c.randrange(3, 7), "ratio": 3, "history": 5},
    "cardinality": lambda c, _: {"window": _window(c), "of": c.choice(FACTS), "at_least": c.randrange(3, 6)},
    "resonance": lambda c, _: {"window": _window(c), "origins": c.randrange(3, 6)},
    "blacklist": lambda c, firms: {"field": "firm", "values": c.sample(list(firms), min(20, len(firms)))},
    "new_term": lambda c, _: {"window": "7d", "lookback": "365d"},
    "tier_jump": lambda c, _: {"window": _window(c)},
    "ratio": lambda c, _: {"window": _window(c), "at_least": 4, "part": {"issues": ["fire", "injury"]}, "share": 0.5},
    "metric": lambda c, _: {"window": _window(c), "of": "hurt", "how": "sum", "at_least": 3},
    "change": lambda c, _: {"window": _window(c), "of": c.choice(("issue", "place"))},
    "chained": _chain,
    "anomaly": lambda c, _: {"budget": c.choice((0.1, 0.5, 1))},
    "flatline": lambda c, _: {"window": c.choice(("7d", "14d"))},
    "whitelist": lambda c, _: {"field": "issue", "values": list(ISSUES), "missing": False},
}
