"""Rule files: what an inspector writes in config/rules/*.yml, read into frozen records.

Only the words of a rule live here; how a condition judges is in alerts/conditions/<type>.py.
"""

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from config.conditions import (
    CONDITIONS,
    LONGEST_QUERY,
    AnomalyCondition,
    AnyCondition,
    BlacklistCondition,
    ChainStep,
    Condition,
    FlatlineCondition,
    MirroredCondition,
    NewTermCondition,
    Scope,
    SeriesCondition,
    SingleCondition,
    SpikeCondition,
    WatchedCondition,
    WhitelistCondition,
    Words,
    parts_of,
)
from config.regions import Regions
from config.rule_yaml import read_yaml
from core.durations import Duration
from core.errors import ConfigError
from core.ids import digest, to_json
from core.records import LEVEL_IDS, Kind

Group = Literal["matter", "all", "firm", "product", "issue", "county", "prefecture", "source", "kind", "name"]
Level = Literal["blue", "yellow", "orange", "red"]

CheckQuery = Callable[[str], str]
"""What is wrong with a rule's query: `column 5: ...`; empty where nothing is. The language itself lies above config."""
CheckDetector = Callable[[AnomalyCondition], str]
"""What is wrong with a detector's parameters: `alpha: ...`; empty where nothing is. Detectors lie above config."""
SERIES_REACH = timedelta(days=1110)
"""So far back an anomaly rule reads its daily counts: three years and a fortnight."""

LISTED = ("blacklist", "whitelist")
DESK_RULE = "desk_"
"""How ids of rules made on the desk begin."""


MOST_OF_A_KIND = 5_000
LATEST_HOUR = 24 * 365 * 10


class ExampleDocument(Words):
    """One document of an example.

    jurisdiction: the home province where none is given.
    at: hours after the first one.  same: so many of its kind, an hour apart, each an origin of its own.
    days, every: the same again on so many days, `every` days apart: a long quiet history in one line.
    repost: it carries the text of the story's first document.  text: its body, for rules that ask for words; the title
    where none is given.  tier: of its source, for rules that ask for it.  watched: its firm stands on a watch-list with
    this level as its floor.  mirrored: a recall abroad that very likely means a firm of this region code, unconfirmed.
    """

    at: float = Field(default=0, ge=0, le=LATEST_HOUR)
    same: int = Field(default=1, ge=1, le=500)
    days: int = Field(default=1, ge=1, le=1100)
    every: int = Field(default=1, ge=1, le=365)
    repost: bool = False
    kind: Kind = Kind.NEWS
    source: str = "example"
    tier: int = Field(default=3, ge=1, le=4)
    title: str = "示例"
    text: str = ""
    product: str | None = None
    enterprise: str | None = None
    jurisdiction: str = ""
    issues: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    level: int = Field(default=1, ge=0, le=4)
    casualties: dict[str, int] = Field(default_factory=dict)
    watched: Level | None = None
    mirrored: str = ""

    @model_validator(mode="after")
    def _bounded(self) -> "ExampleDocument":
        if self.same * self.days > MOST_OF_A_KIND:
            raise ValueError(f"same x days: {self.same * self.days} documents (accepted: at most {MOST_OF_A_KIND})")
        return self


Story = Annotated[tuple[ExampleDocument, ...], Field(min_length=1, max_length=100)]


class Examples(Words):
    """Each entry of fires and quiet is one little story: the documents of it. `fengsui rules test` runs all of them."""

    fires: tuple[Story, ...] = Field(min_length=1)
    quiet: tuple[Story, ...] = Field(min_length=1)


class Rule(Words):
    """One file of config/rules, or a rule made on the desk. id: the file's stem.

    version: changes with everything that changes a verdict.  examples: every file has them; None on the desk.
    """

    id: str
    title: str = Field(min_length=2)
    why: str = Field(min_length=2)
    scope: Scope = Scope()
    condition: Condition
    group_by: tuple[Group, ...] = ("matter",)
    level: Level
    repeat_after: Duration | None = None
    examples: Examples | None = None

    @property
    def rank(self) -> int:
        """The level as a number, 1 to 4."""
        return LEVEL_IDS[self.level]

    @cached_property
    def version(self) -> str:
        """Eight hex digits over scope, condition, grouping and level. Every finding is told with it: told once."""
        parts = self.model_dump(mode="json", include={"scope", "condition", "group_by", "level", "repeat_after"})
        if not self.scope.query:  # came later: the findings of rules without it keep their ids
            del parts["scope"]["query"], parts["scope"]["synonyms"]
        return digest(to_json(parts))[:8]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Rule":
        """As pydantic's; what is changed is another version."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("version", None)
        return copied

    @property
    def in_matter(self) -> bool:
        """Whether the rule counts within one matter (else over all signals that share the group values)."""
        return "matter" in self.group_by

    @property
    def look_back(self) -> timedelta:
        """How far before a signal its windows reach."""
        match self.condition:
            case SpikeCondition(window=window, history=history):
                return window * (history + 1)
            case NewTermCondition(lookback=lookback):
                return lookback
            case (
                AnyCondition() | BlacklistCondition() | WhitelistCondition() | WatchedCondition() | MirroredCondition()
            ):
                return timedelta(0)
            case AnomalyCondition():
                return SERIES_REACH
            case FlatlineCondition(window=window, forget_after=forget):
                return window + forget
        return self.condition.window

    @field_validator("group_by")
    @classmethod
    def _grouped(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or len(set(value)) != len(value):
            raise ValueError("at least one value, each once")
        if "matter" in value and set(value) - {"matter", "issue"}:
            raise ValueError("matter goes alone or with issue")
        if "all" in value and len(value) > 1:
            raise ValueError("all goes alone: everything in scope is counted together")
        return value

    @model_validator(mode="after")
    def _fits(self) -> "Rule":
        if isinstance(self.condition, SingleCondition) and self.group_by != ("matter",):
            raise ValueError(f"condition {self.condition.type} is grouped by [matter]")
        if isinstance(self.condition, SeriesCondition) and self.in_matter:
            accepted = ", ".join(group for group in get_args(Group) if group != "matter")
            raise ValueError(f"condition {self.condition.type} needs group_by (accepted: any of {accepted})")
        return self


def load_rules(
    config_dir: Path,
    *,
    products: frozenset[str] | None = None,
    issues: frozenset[str] | None = None,
    regions: Regions | None = None,
    check_query: CheckQuery | None = None,
    check_detector: CheckDetector | None = None,
    folder: Path | None = None,
    needs_examples: bool = True,
) -> tuple[Rule, ...]:
    """The rules of <config_dir>/rules/*.yml, by id. products, issues, regions: to check scopes and examples against.

    check_query: reads the queries of scopes.  check_detector: reads the parameters of detectors.  folder: another one
    of rule files.  needs_examples: False for a rule that is only tried.
    Raises ConfigError with every mistake of every file: file, key, what is wrong, what is accepted.
    """
    rules: list[Rule] = []
    folder, known = folder or config_dir / "rules", _Known(products, issues, regions)
    mistakes = [
        f"rules/{path.name}: rule files end in .yml; rename it" for path in sorted(folder.glob("*.[yY][aA][mM][lL]"))
    ]
    for path in sorted(folder.glob("*.yml")):
        name = f"rules/{path.name}"
        try:
            text, lists = path.read_text(encoding="utf-8"), config_dir / "lists"
            rule = read_rule(text, stem=path.stem, name=name, lists=lists, needs_examples=needs_examples)
        except UnicodeDecodeError as error:
            mistakes.append(f"{name}: not UTF-8 at byte {error.start}")
            continue
        except ConfigError as error:
            mistakes += error.mistakes
            continue
        rules.append(rule)
        mistakes += _unknown_in_scopes(name, rule, known)
        mistakes += _unknown_in_examples(name, rule.examples or NO_EXAMPLES, known)
        wrong = check_query(rule.scope.query) if check_query and rule.scope.query else ""
        mistakes += [f"{name}: scope.query: {wrong}"] if wrong else []
        condition = rule.condition
        wrong = check_detector(condition) if check_detector and isinstance(condition, AnomalyCondition) else ""
        mistakes += [f"{name}: condition.parameters: {wrong}"] if wrong else []
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(rules)


def read_rule(text: str, *, stem: str, name: str, lists: Path | None = None, needs_examples: bool = True) -> Rule:
    """One rule from its YAML. lists: the folder of its lists. Raises ConfigError with all mistakes, each beginning
    with `name`.
    """
    shape = f"expected a mapping (accepted: {', '.join(_accepted(Rule))})"
    content = dict(read_yaml(text, name=name, shape=shape).content)
    if "id" in content:
        raise ConfigError([f"{name}: id: not written in the file, the file name is the id"])
    without = needs_examples and content.get("examples") is None
    mistakes = [f"{name}: examples: is missing"] if without else []
    if stem.startswith(DESK_RULE):
        mistakes.append(f"{name}: names that begin with {DESK_RULE} belong to rules made on the desk; rename the file")
    mistakes += _read_list(name, content, lists)
    try:
        rule = Rule(id=stem, **content)
    except ValidationError as error:
        mistakes = [*mistakes, *(_mistake(name, content, one) for one in _told_once(error))]
    if mistakes:
        raise ConfigError(mistakes)
    return rule


@dataclass(frozen=True)
class _Known:
    """The ids that dictionaries have; None: not asked."""

    products: frozenset[str] | None
    issues: frozenset[str] | None
    regions: Regions | None

    def wrong(self, where: str, field: str, values: tuple[str, ...], *, extra: str = "") -> list[str]:
        """What no dictionary has. field: product, issue or place; nothing is said of others."""
        if field == "place":
            unknown = [v for v in values if self.regions is not None and not self.regions.may_hold(v)]
            return [f"{where}: {value!r} (accepted: codes of lexicons/regions.csv)" for value in unknown]
        known = {"product": self.products, "issue": self.issues}.get(field)
        if known is None:
            return []
        accepted = sorted(known | ({extra} if extra else set()))
        return [f"{where}: {value!r} (accepted: {', '.join(accepted)})" for value in values if value not in accepted]


def _read_list(name: str, content: dict[str, Any], lists: Path | None) -> list[str]:
    """Puts the lines of the condition's list into its values. What is wrong with it."""
    condition = content.get("condition")
    if not isinstance(condition, dict) or not condition.get("list") or condition.get("type") not in LISTED:
        return []
    where, list_name = f"{name}: condition.list", condition["list"]
    if not isinstance(list_name, str) or not re.fullmatch(r"[\w-]{1,80}", list_name):
        return [f"{where}: {list_name!r} is not the name of a file of config/lists without its ending"]
    if "values" in condition:
        return [f"{where}: values and list say the same; give one of them"]
    try:
        lines = ((lists or Path("lists")) / f"{list_name}.txt").read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        return [f"{where}: lists/{list_name}.txt cannot be read: {getattr(problem, 'strerror', None) or 'not UTF-8'}"]
    values = [line.split("#")[0].strip() for line in lines]
    content["condition"] = {**condition, "values": [value for value in values if value]}
    return []


def _unknown_in_scopes(name: str, rule: Rule, known: _Known) -> list[str]:
    parts = [(f"condition.part {place + 1}", part) for place, part in enumerate(parts_of(rule.condition))]
    mistakes: list[str] = []
    for where, scope in [("scope", rule.scope), *parts]:
        mistakes += known.wrong(f"{name}: {where}.products", "product", scope.products, extra="key")
        mistakes += known.wrong(f"{name}: {where}.issues", "issue", scope.issues)
        mistakes += known.wrong(f"{name}: {where}.regions", "place", scope.regions)
    if isinstance(rule.condition, BlacklistCondition | WhitelistCondition):
        mistakes += known.wrong(f"{name}: condition.values", rule.condition.field, rule.condition.values)
    return mistakes


def _unknown_in_examples(name: str, examples: Examples, known: _Known) -> list[str]:
    mistakes: list[str] = []
    for what, stories in (("fires", examples.fires), ("quiet", examples.quiet)):
        for number, story in enumerate(stories):
            where = f"{name}: examples.{what}.{number}"
            for document in story:
                mistakes += known.wrong(f"{where}.product", "product", (document.product,) if document.product else ())
                mistakes += known.wrong(f"{where}.issues", "issue", document.issues)
                jurisdiction = (document.jurisdiction,) if document.jurisdiction else ()
                mistakes += known.wrong(f"{where}.jurisdiction", "place", jurisdiction)
                mistakes += known.wrong(f"{where}.places", "place", document.places)
    return mistakes


NO_EXAMPLES = Examples.model_construct(fires=(), quiet=())


def _told_once(error: ValidationError) -> list[dict[str, Any]]:
    """What is wrong inside a list makes it too short as well: only the first is told."""
    found = error.errors()

    def follows(one: ErrorDetails) -> bool:
        at, depth = one["loc"], len(one["loc"])
        return one["type"] == "too_short" and any(o["loc"][:depth] == at and len(o["loc"]) > depth for o in found)

    return [dict(one) for one in found if not follows(one)]


def _mistake(name: str, content: dict[str, Any], error: dict[str, Any]) -> str:
    first, *more = error["loc"] or ("rule",)
    place = [first, *(more[1:] if first == "condition" else more)]  # after `condition` comes its type
    key = ".".join(str(part) for part in place)
    if error["type"] == "extra_forbidden":
        return f"{name}: {key}: unknown key (accepted: {', '.join(_accepted(_model_at(place[:-1], content)))})"
    if error["type"] == "missing":
        return f"{name}: {key}: is missing"
    if error["type"].startswith("union_tag"):
        given = error["input"].get("type") if isinstance(error.get("input"), dict) else None
        return f"{name}: {key}.type: {given!r} (accepted: {', '.join(CONDITIONS)})"
    told = str(error["msg"]).removeprefix("Value error, ")
    for python, ours in (("valid tuple", "list"), ("Tuple", "List"), ("datetime.timedelta(0)", "0s")):
        told = told.replace(python, ours)
    got = "" if isinstance(error.get("input"), dict) else f" (got {textwrap.shorten(repr(error.get('input')), 120)})"
    return f"{name}: {key}: {told}{got}"


def _model_at(place: list[Any], content: dict[str, Any]) -> type[Words]:
    if not place:
        return Rule
    if place[0] == "scope":
        return Scope
    if place[0] == "condition":
        if place[-1] in ("scope", "part"):
            return Scope
        if "steps" in place:
            return ChainStep
        condition = content.get("condition")
        return CONDITIONS.get(condition.get("type", "") if isinstance(condition, dict) else "", AnyCondition)
    return Examples if len(place) == 1 else ExampleDocument


def _accepted(model: type[Words]) -> list[str]:
    return [field for field in model.model_fields if field != "id"]


__all__ = [
    "DESK_RULE",
    "LONGEST_QUERY",
    "CheckQuery",
    "Condition",
    "ExampleDocument",
    "Examples",
    "Group",
    "Rule",
    "Scope",
    "load_rules",
    "read_rule",
]
