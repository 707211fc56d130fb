"""What a grade was worth: of the hazards confirmed later, how many fell into C and D the day before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

from enterprises.grade import Grade

HIGH = ("C", "D")


@dataclass(frozen=True)
class Case:
    """A confirmed hazard and the grade of the day before. findings: reasons beside the product's own risk."""

    firm: str
    name: str
    day: date
    text: str
    grade: str
    points: float
    findings: int


@dataclass(frozen=True)
class Share:
    """The share of cases in C and D with the Wilson interval (95 %); 0 and the whole interval of no cases."""

    cases: int
    high: float
    interval: tuple[float, float]
    by_grade: Mapping[str, int]


def case_of(graded: Grade, name: str, day: date, text: str) -> Case:
    """A hazard of the day `day` beside the grade of the day before."""
    return Case(graded.firm, name, day, text, graded.grade, graded.points, findings(graded))


def share_of(cases: Sequence[Case]) -> Share:
    """How many of the cases fell into C and D."""
    high = sum(one.grade in HIGH for one in cases)
    share = high / len(cases) if cases else 0.0
    return Share(len(cases), share, wilson(high, len(cases)), dict(Counter(one.grade for one in cases)))


def findings(one: Grade) -> int:
    """How many reasons a grade has beside the risk of the product."""
    return sum(reason.row != "product" for reason in one.reasons)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share, which stays within 0 and 1 for few cases (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.975)
    share, wide = hits / total, z * z / total
    half = z * (share * (1 - share) / total + wide / (4 * total)) ** 0.5
    middle = share + wide / 2
    return (middle - half) / (1 + wide), (middle + half) / (1 + wide)
