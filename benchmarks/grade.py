"""What the risk grade is worth on the sample pack: of the hazards confirmed later, how many fell into C and D.

python -m benchmarks.grade [--level 1] [--json]

A hazard is confirmed by the first text of the pack in which an authority (spot check, recall, notice, recall abroad)
tells of a risk of a listed firm. Each firm is graded as of the day before that, with what is recorded until then; the
shares of all firms are those of the same days. What the pack's texts themselves tell is no record here, so that
nothing of a hazard is in the grade that is held against it.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from statistics import mean

from config.grades import GRADES, GradeTable, load_grades
from config.lexicon import load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.firms import FirmFact
from core.records import RegistryEntry
from demo.firm_facts import demo_facts
from demo.story import read_pack
from enterprises.grade import Grade, grade_of
from enterprises.grade_worth import HIGH, Case, Share, findings, share_of

ZERO = date(2026, 11, 23)
OFFICIAL = frozenset({"spotcheck", "recall", "notice", "recall_foreign"})
CHECKING = frozenset({"a2-0172"})  # 正在核实: the pack's README calls it no finding
Points = Mapping[tuple[str, date], Grade]


@dataclass(frozen=True)
class Worth:
    """Cases beside the firms without a hazard, on the same days.

    known: those of them with a finding of their own on that day.
    above: chance that a case had more points than another.
    """

    share: Share
    others_high: float
    known_high: float
    above: float


def hazards(level: int) -> dict[str, tuple[date, str]]:
    """The first official word on each listed firm: day and id of the text."""
    found: dict[str, tuple[date, str]] = {}
    for row in sorted(read_pack(), key=lambda row: (row["day"], row["time"])):
        told = row["truth"]
        official = row["kind"] in OFFICIAL and row["id"] not in CHECKING
        if official and told["enterprise"] and told["is_risk"] and told["level"] >= level:
            found.setdefault(told["enterprise"], (ZERO + timedelta(days=row["day"]), row["id"]))
    return found


def grade_all(entries: Sequence[RegistryEntry], table: GradeTable, days: Sequence[date]) -> Points:
    """The grade of every firm on each of the days."""
    facts: dict[str, list[FirmFact]] = {}
    for fact in demo_facts(entries, ZERO):
        facts.setdefault(fact.firm, []).append(fact)
    return {
        (entry.id, day): grade_of(entry.id, entry.products, facts.get(entry.id, ()), (), table, day)
        for entry in entries
        for day in days
    }


def worth(cases: Sequence[Case], graded: Points, firms: Sequence[str]) -> Worth:
    """Cases beside the firms that had no hazard, on the days of the cases."""
    hit = {one.firm for one in cases}
    eves = [one.day - timedelta(days=1) for one in cases]
    others = [[graded[firm, eve] for firm in firms if firm not in hit] for eve in eves]
    above = mean(
        mean(1.0 if case.points > one.points else 0.5 if case.points == one.points else 0.0 for one in row)
        for case, row in zip(cases, others, strict=True)
    )
    known = mean(_high([one for one in row if findings(one)]) for row in others)
    return Worth(share_of(cases), mean(_high(row) for row in others), known, above)


def _high(grades: Sequence[Grade]) -> float:
    return mean(one.grade in HIGH for one in grades) if grades else 0.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the cases and the shares."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--level", type=int, default=1, help="hazards from this level on (1 to 4)")
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args(arguments)
    config = PROJECT / "config"
    entries = load_registry_csv(config / "lexicons" / "enterprises_demo.csv")
    table = load_grades(config, products=load_lexicon(config).products)
    found = hazards(options.level)
    graded = grade_all(entries, table, sorted({day - timedelta(days=1) for day, _ in found.values()}))
    names = {entry.id: entry.name for entry in entries}
    cases = [
        Case(
            firm, names[firm], day, text, grade.grade, grade.points, sum(one.row != "product" for one in grade.reasons)
        )
        for firm, (day, text) in sorted(found.items(), key=lambda item: item[1])
        if (grade := graded[firm, day - timedelta(days=1)])
    ]
    known = [one for one in cases if one.findings]
    told = {"all": worth(cases, graded, list(names))}
    if known:
        told["with records"] = worth(known, graded, list(names))
    if options.json:
        shown = {"cases": [asdict(one) for one in cases], "worth": {name: asdict(one) for name, one in told.items()}}
        print(json.dumps(shown, ensure_ascii=False, default=str))
        return 0
    for one in cases:
        print(f"{one.day}  {one.text}  {one.grade}  {one.points:5.1f}  {one.findings} records  {one.name}")
    for name, figures in told.items():
        low, top = figures.share.interval
        share = " ".join(f"{grade} {figures.share.by_grade.get(grade, 0)}" for grade in GRADES)
        print(
            f"{name}: {figures.share.cases} hazards ({share}); "
            f"in C/D {figures.share.high:.3f} ({low:.3f} to {top:.3f}), "
            f"others {figures.others_high:.3f}, others with findings {figures.known_high:.3f}; "
            f"more points than another firm: {figures.above:.3f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
