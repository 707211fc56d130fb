"""The level of a signal: severity x likelihood x reach by the card of level_card.yaml, each with what told it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.level_card import FACTORS, Grade, LevelTable
from config.lexicon import Lexicon
from nlp.issues import IssueMention
from nlp.reading import Reading

COUNT_NAMES = {"dead": "死亡", "serious": "重伤", "injured": "受伤", "missing": "失联", "evacuated": "疏散"}
FACTOR_NAMES = {"severity": "严重性", "likelihood": "再发可能", "reach": "波及面"}
_TESTED_BEFORE = re.compile(r"(?:对|检验|检测|项目为|包括)[^，。；]{0,80}$")
_TESTED_AFTER = re.compile(r"[^，。；]{0,60}(?:项目|指标|参数)[^，。；]{0,6}(?:检验|检测|测试|抽查|试验)")
# A batch that the named maker disowns in a spot check is a failed batch first of all; whose it is, nobody knows yet.
_DISOWNED = re.compile(r"否认生产|(?:回函|否认|声称|表示|称)[^。；;]{0,14}(?:未(?:曾)?生产|非(?:其|本公司|我司)生产)")
_PASSED_AFTER = re.compile(r"[^。；]{0,16}(?<!不)合格(?!率)")
_MANY = 3  # poisoned people from which a case is grave (ANNOTATION.md, level)


@dataclass(frozen=True)
class Factor:
    """One factor of the level. why: the fact, empty where none raised it.  place: of the fact in the reading's text,
    None where there is none."""

    name: str
    grade: int
    why: str = ""
    place: int | None = None


@dataclass(frozen=True)
class Level:
    """The level of a signal (1-4), the three factors and the version of the card."""

    level: int
    factors: tuple[Factor, ...]
    version: int

    @property
    def why(self) -> str:
        """The fact of the factor with the highest grade, severity first."""
        told = [factor for factor in self.factors if factor.why]
        return max(told, key=lambda factor: factor.grade).why if told else "无人员伤亡的质量问题"


def _told_at(text: str, word: str) -> int:
    """Where the text says a word, but not in the list of what was tested (对气密等8个项目进行检验) or has passed
    (爆破压力、附着强度合格); -1 nowhere."""
    place = text.find(word)
    while place >= 0 and (_is_passed(text, place) or _is_listed(text, place)):
        place = text.find(word, place + 1)
    return place


def _is_passed(text: str, place: int) -> bool:
    passed = _PASSED_AFTER.match(text, place)
    return passed is not None and "不" not in passed.group()


def _is_listed(text: str, place: int) -> bool:
    before = _TESTED_BEFORE.search(text, max(0, place - 90), place)
    return before is not None and _TESTED_AFTER.match(text, place) is not None


def _is_customers(reading: Reading) -> bool:
    """Whether a customer tells it, not an authority."""
    return reading.genre.get("witness", 0.0) > reading.genre.get("authority", 0.0)


def _leads(issue: IssueMention, reading: Reading) -> bool:
    """Whether an issue stands in the title or in the first sentence of the body."""
    return issue.end <= max(reading.title_end, reading.clauses.sentence(reading.title_end + 1)[1])


class LevelCard:
    """Grades readings."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self.table: LevelTable = lexicon.level_card

    def grade(self, reading: Reading) -> Level:
        """The level of a reading that is a signal."""
        floors = self._floors(reading)
        key = any(self._is_key(product) for _, _, product in reading.products)
        factors = tuple(self._factor(name, reading, floors, key=key) for name in FACTORS)
        severity, likelihood, reach = (factor.grade for factor in factors)
        return Level(self.table.table.get((severity, likelihood, reach), 1), factors, self.table.version)

    def grade_name(self, factor: Factor) -> str:
        """What a grade means: 个案."""
        return self.table.names.get(factor.name, {}).get(factor.grade, "")

    def _factor(self, name: str, reading: Reading, floors: Mapping[str, int], *, key: bool) -> Factor:
        for grade in self.table.grades.get(name, ()):
            told = self._told(grade, reading, floors, key=key)
            if told:
                return Factor(name, grade.grade, *told)
        return Factor(name, 1)

    def _told(
        self, grade: Grade, reading: Reading, floors: Mapping[str, int], *, key: bool
    ) -> tuple[str, int | None] | None:
        """The first condition of the grade that holds, in words, and where the text tells it."""
        counts = reading.counts
        for kind, least in grade.people.items():
            if kind in counts and counts[kind].number >= least:
                return f"{COUNT_NAMES[kind]}{counts[kind].number}人", counts[kind].start
        recalled = counts["units"].number if "recall" in floors and key and "units" in counts else 0
        if grade.recalled and recalled >= grade.recalled:
            return f"召回{recalled}件重点产品", counts["units"].start
        leading = (
            set()
            if _is_customers(reading)
            else {issue.id for issue in reading.asserted if issue.id in grade.lead_issues and _leads(issue, reading)}
        )
        reached = [
            issue
            for issue, floor in floors.items()
            if (grade.floor and floor >= grade.floor) or issue in grade.issues or issue in leading
        ]
        if reached:
            worst = max(reached, key=lambda issue: self._lexicon.issues[issue].weight)
            place = next(issue.start for issue in reading.asserted if issue.id == worst)
            return self._lexicon.issue_name(worst), place
        for word in (*grade.words, *(grade.key_words if key else ())):
            place = _told_at(reading.text, word)
            if place >= 0:
                return f"文中有“{word}”", place
        for pattern in grade.patterns:
            match = pattern.search(reading.text)
            if match:
                return f"文中有“{match.group()}”", match.start()
        return None

    def _is_key(self, product: str) -> bool:
        known = self._lexicon.products.get(product)
        return bool(known and known.key)

    def _floors(self, reading: Reading) -> dict[str, int]:
        """The level that each asserted issue asks for in this text."""
        products = {product for _, _, product in reading.products}
        customer = _is_customers(reading)
        floors: dict[str, int] = {}
        for issue in reading.asserted:
            floor = self._lexicon.issues[issue.id].floor
            needed = self.table.needs_product.get(issue.id)
            if (needed and not products & set(needed)) or (customer and issue.id in self.table.witness_only):
                floor = min(floor, 1)
            few = 0 < reading.casualties.get("injured", 0) < _MANY and not reading.tells_several_cases
            if issue.id == "poison" and few:
                floor = min(floor, 2)
            if issue.id == "counterfeit" and _DISOWNED.search(reading.text):
                floor = min(floor, 1)
            if issue.id == "injury" and any(
                word in reading.text[issue.start : issue.end] for word in self.table.light_injury
            ):
                floor = 1
            floors[issue.id] = max(floor, floors.get(issue.id, 0))
        return floors
