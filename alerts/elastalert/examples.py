"""Examples for a rule that was carried over: a document that meets its query, as often as the rule asks for.

They are a proposal: whoever imports lets the engine run them and keeps only what comes out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from math import ceil
from typing import Any

from alerts.rule_query import RuleQueries
from config.conditions import CardinalityCondition, ChangeCondition, FlatlineCondition, MetricCondition
from config.lexicon import Lexicon
from config.regions import Regions
from config.rules import Examples, Rule
from core.records import Kind
from search.where import AllOf, AnyOf, Between, Everything, Exists, Not, OneOf, Phrase, Where, WildText, Words

MOST, MOST_APART = 500, 100
"""Documents an example may hold: alike, and each in its own words."""
HOUR, LONG, GRAVEST = timedelta(hours=1), timedelta.max, 4


@dataclass
class _Document:
    """A document on its way to meet a query. not_these: values by field that it must not have."""

    told: dict[str, Any]
    not_these: dict[str, set[Any]]


def propose(rule: Rule, queries: RuleQueries, lexicon: Lexicon) -> Examples | None:
    """Examples that should come out; None for a query of which no example can be made."""
    where = queries.read(rule.scope) if rule.scope.query else Everything()
    document = _Document({"kind": Kind.NEWS.value, "level": 2, "enterprise": "NIL:示例企业"}, dict(_excluded(where)))
    others = document.not_these
    document.told["product"] = next((one for one in lexicon.products if one not in others.get("products", ())), None)
    document.told["issues"] = [one for one in lexicon.issues if one not in others.get("issues", ())][:1]
    if not all(_add(document, part) for part in _wanted(where)):
        return None
    counties = list(_counties(lexicon.regions))
    if "county" in rule.group_by:
        document.told.setdefault("jurisdiction", counties[0])
    match rule.condition:
        case CardinalityCondition() | ChangeCondition():
            return _different(rule.condition, document.told, lexicon)
        case FlatlineCondition():
            return _silent(rule.condition, document.told)
        case MetricCondition():
            return _grave(rule.condition, document.told)
    most = getattr(rule.condition, "at_least", 1)
    sources, places = getattr(rule.condition, "sources", 1), getattr(rule.condition, "places", 1)
    if most > MOST or (most > MOST_APART and max(sources, places) > 1):
        return None
    span = getattr(rule.condition, "window", LONG)
    if most > 1 and span <= most * HOUR:
        return _close_together(document.told, most, span) if most <= MOST_APART and sources == places == 1 else None
    story: list[dict[str, Any]] = [document.told | {"same": most}]
    if max(sources, places) > 1:
        story = [document.told | {"at": float(place)} for place in range(most)]
        for place, one in enumerate(story):
            one |= {"source": f"source_{place}"} if sources > 1 else {}
            one |= {"places": [counties[place % len(counties)]]} if places > 1 else {}
    quiet = [document.told | {"same": most - 1}] if most > 1 else [document.told | {"level": 0}]
    return Examples.model_validate({"fires": [story], "quiet": [quiet]})


def _apart(told: dict[str, Any], many: int, span: timedelta) -> list[dict[str, Any]]:
    """So many of them within a span: `same` puts them an hour apart, which is too far for a short one."""
    step = min(HOUR, span / (many + 1))
    return [told | {"at": round(place * step / HOUR, 4)} for place in range(many)]


def _close_together(told: dict[str, Any], most: int, span: timedelta) -> Examples:
    return Examples.model_validate({"fires": [_apart(told, most, span)], "quiet": [_apart(told, most - 1, span)]})


def _silent(condition: FlatlineCondition, told: dict[str, Any]) -> Examples | None:
    """One document, and the next one (no signal) after the window; quiet: more than at_most, and none later."""
    if condition.at_most >= MOST_APART:
        return None
    later = told | {"at": condition.window / HOUR + 1, "level": 0}
    quiet = _apart(told, condition.at_most + 2, condition.window)
    return Examples.model_validate({"fires": [[told, later]], "quiet": [quiet]})


def _grave(condition: MetricCondition, told: dict[str, Any]) -> Examples | None:
    """Documents of the gravest level, as many as their sum asks for; quiet: a light one."""
    many = ceil(condition.at_least / GRAVEST) if condition.how == "sum" else 1
    if many > MOST_APART or condition.at_least / many > GRAVEST or condition.at_least <= 1:
        return None
    fires = _apart(told | {"level": GRAVEST}, many, condition.window)
    return Examples.model_validate({"fires": [fires], "quiet": [[told | {"level": 1}]]})


def _different(
    condition: CardinalityCondition | ChangeCondition, told: dict[str, Any], lexicon: Lexicon
) -> Examples | None:
    """Documents that differ in what the condition looks at; alike they are quiet."""
    most = condition.at_least if isinstance(condition, CardinalityCondition) else 2
    values: dict[str, tuple[str, list[Any]]] = {
        "firm": ("enterprise", [f"NIL:示例企业{place}" for place in range(most)]),
        "source": ("source", [f"source_{place}" for place in range(most)]),
        "product": ("product", list(lexicon.products)[:most]),
        "issue": ("issues", [[issue] for issue in list(lexicon.issues)[:most]]),
        "place": ("places", [[code] for code in islice(_counties(lexicon.regions), most)]),
    }
    field, different = values[condition.of]
    if len(different) < most or most > MOST_APART:
        return None
    fires = [told | {field: value, "at": float(place)} for place, value in enumerate(different)]
    quiet = [told | {field: different[0], "same": most}]
    return Examples.model_validate({"fires": [fires], "quiet": [quiet]})


def _wanted(where: Where) -> Iterator[Where]:
    """What must hold: of alternatives the first."""
    match where:
        case AllOf(parts):
            for part in parts:
                yield from _wanted(part)
        case AnyOf(parts):
            yield from _wanted(parts[0])
        case Not() | Everything():
            return
        case _:
            yield where


def _excluded(where: Where) -> Iterator[tuple[str, set[Any]]]:
    """Values that must not be there, by field."""
    match where:
        case AllOf(parts):
            found: dict[str, set[Any]] = {}
            for field, values in (one for part in parts for one in _excluded(part)):
                found.setdefault(field, set()).update(values)
            yield from found.items()
        case Not(OneOf(field, values)):
            yield field, set(values)


def _add(document: _Document, part: Where) -> bool:
    told = document.told
    match part:
        case Words(text) | Phrase(text):
            told["title"] = f"{told.get('title', '')} {text}".strip()
        case WildText(parts):
            told["title"] = f"{told.get('title', '')} {''.join(parts)}".strip()
        case OneOf(field, values):
            return _add_value(told, field, values[0])
        case Between("level", low, high, with_low, with_high):
            fitting = (one for one in range(1, 5) if _between(one, low, high, with_low, with_high))
            told["level"] = next(fitting, 2)
        case Exists("products" | "issues" | "enterprises" | "kind" | "source"):
            return True
        case _:
            return False
    return True


def _between(value: float, low: float | None, high: float | None, with_low: bool, with_high: bool) -> bool:
    above = low is None or value > low or (with_low and value == low)
    return above and (high is None or value < high or (with_high and value == high))


def _add_value(told: dict[str, Any], field: str, value: Any) -> bool:
    match field:
        case "products":
            told["product"] = value
        case "enterprises":
            told["enterprise"] = value
        case "issues":
            told["issues"] = [value]
        case "regions" | "territory":
            told["jurisdiction"] = value
        case "kind" | "source" | "level":
            told[field] = value
        case _:
            return False
    return True


def _counties(regions: Regions) -> Iterator[str]:
    for place in regions:
        if regions.is_within(regions.home, place.code) and regions.prefecture_of(place.code) not in (None, place.code):
            yield place.code
