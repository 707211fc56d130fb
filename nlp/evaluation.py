"""The quality figures of design.md section 7 over gold documents, counted as issue 4 says.

Spans: strict (start, end, type). Ids: the set of ids of a document, all unlisted firms count as one id, open links
are left out of precision. Negated mentions are not predictions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.clock import parse_published
from core.records import Analysis, Mention, MentionType, SourceType
from nlp.analyze import Analyzer
from nlp.reading import Reading

TYPES = ("product", "enterprise", "brand", "region", "issue")


@dataclass
class Tally:
    """Right, wrong and missed predictions."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def add(self, gold: set[Any], predicted: set[Any]) -> None:
        """Count one document."""
        self.right += len(gold & predicted)
        self.wrong += len(predicted - gold)
        self.missed += len(gold - predicted)

    @property
    def precision(self) -> float:
        """Share of predictions that are right; 1 without predictions."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Share of gold that was found; 1 without gold."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of the two."""
        total = 2 * self.right + self.wrong + self.missed
        return 2 * self.right / total if total else 1.0


@dataclass(frozen=True)
class Figures:
    """Named figures in the order they are printed; all are shares from 0 to 1 but level_mae and documents."""

    values: Mapping[str, float]

    def lines(self) -> list[str]:
        """One line a figure, for people."""
        return [
            f"{name:<28} {value:.3f}" if name != "documents" else f"{name:<28} {value:.0f}"
            for name, value in self.values.items()
        ]


@dataclass
class _Counts:
    spans: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in TYPES})
    ids: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in (*TYPES, "firm")})
    risk: Counter[tuple[bool, bool]] = field(default_factory=Counter)
    level_error: list[int] = field(default_factory=list)
    grave: list[bool] = field(default_factory=list)
    right: dict[str, list[bool]] = field(
        default_factory=lambda: {"primary_product": [], "primary_enterprise": [], "jurisdiction": []}
    )


def _arguments(row: Mapping[str, Any]) -> dict[str, Any]:
    published = row.get("published")
    return {
        "title": row.get("title") or "",
        "text": row.get("text") or "",
        "published": parse_published(published) if published else None,
        "tables": [tuple(tuple(map(str, line)) for line in table) for table in row.get("tables") or ()],
    }


def analyze_row(row: Mapping[str, Any], analyzer: Analyzer) -> Analysis:
    """The analysis of a gold or input line; `kind`, `tags` and `event_id` are never looked at."""
    source_type = row.get("source_type")
    known = SourceType(source_type) if source_type in set(SourceType) else None
    return analyzer.analyze(**_arguments(row), source_type=known)


def read_row(row: Mapping[str, Any], analyzer: Analyzer) -> Reading:
    """What was found in a gold or input line, before any decision."""
    return analyzer.read(**_arguments(row))[1]


def evaluate(gold_rows: Iterable[Mapping[str, Any]], analyzer: Analyzer) -> Figures:
    """The figures of `analyzer` on gold lines (ANNOTATION.md), or on labelled titles (`evaluate_headlines`).

    Lines without `mentions` are labelled for decisions only.
    """
    rows = list(gold_rows)
    if rows and all("relevant" in row for row in rows):
        return evaluate_headlines(rows, analyzer)
    counts = _Counts()
    for row in rows:
        analysis = analyze_row(row, analyzer)
        if "mentions" in row:
            _count_mentions(counts, row["mentions"], analysis.mentions)
        _count_decisions(
            counts, analysis, is_risk=row["is_risk"], level=row["level"], product=row["primary_product"],
            enterprise=row["primary_enterprise"], code=row["jurisdiction_code"],
        )  # fmt: skip
    return _figures(counts, mentions=any("mentions" in row for row in rows))


def evaluate_headlines(rows: Iterable[Mapping[str, Any]], analyzer: Analyzer) -> Figures:
    """Precision and recall on labelled titles {title, relevant: 1, 0 or null}; doubtful ones (null) are left out."""
    risk: Counter[tuple[bool, bool]] = Counter()
    for row in rows:
        if row["relevant"] is not None:
            risk[bool(row["relevant"]), analyzer.analyze(row["title"], "").is_risk] += 1
    return Figures({name: round(value, 4) for name, value in _risk_figures(risk).items()})


def evaluate_sample(rows: Iterable[Mapping[str, Any]], analyzer: Analyzer) -> Figures:
    """The figures on sample pack lines, whose `truth` has is_risk, level, product, enterprise and jurisdiction.

    A null enterprise in the pack also stands for a firm in no list, so an unlisted name counts as null there.
    """
    counts = _Counts()
    for row in rows:
        truth = row["truth"]
        analysis = analyze_row({key: row.get(key) for key in ("title", "text", "tables")}, analyzer)
        _count_decisions(
            counts, analysis, is_risk=truth["is_risk"], level=truth["level"], product=truth["product"],
            enterprise=truth["enterprise"], code=truth["jurisdiction"], unlisted_is_none=True,
        )  # fmt: skip
    return _figures(counts, mentions=False)


def _count_mentions(counts: _Counts, gold: Sequence[Mapping[str, Any]], found: Sequence[Mention]) -> None:
    asserted = [
        mention
        for mention in found
        if mention.type.value in TYPES and not (mention.negated and mention.type is MentionType.ISSUE)
    ]
    for kind in TYPES:
        wanted = [m for m in gold if m["type"] == kind]
        mine = [m for m in asserted if m.type.value == kind]
        counts.spans[kind].add({(m["start"], m["end"]) for m in wanted}, {(m.start, m.end) for m in mine})
        counts.ids[kind].add(_ids(m["id_or_norm"] for m in wanted), _ids(m.id_or_norm for m in mine))
    firms = (MentionType.ENTERPRISE.value, MentionType.BRAND.value)
    counts.ids["firm"].add(
        _ids(m["id_or_norm"] for m in gold if m["type"] in firms),
        _ids(m.id_or_norm for m in asserted if m.type.value in firms),
    )


def _ids(norms: Iterable[str | None]) -> set[str]:
    return {"NIL" if norm.startswith("NIL:") else norm for norm in norms if norm}


def _count_decisions(
    counts: _Counts, analysis: Analysis, *, is_risk: bool, level: int, product: str | None, enterprise: str | None,
    code: str | None, unlisted_is_none: bool = False,
) -> None:  # fmt: skip
    counts.risk[is_risk, analysis.is_risk] += 1
    if not is_risk:
        return
    counts.level_error.append(abs(level - analysis.level))
    if level >= 3:
        counts.grave.append(analysis.level >= 3)
    mine = analysis.primary_enterprise
    if mine and mine.startswith("NIL:"):
        mine = None if unlisted_is_none else "NIL"
    counts.right["primary_product"].append(product == analysis.primary_product)
    counts.right["primary_enterprise"].append(enterprise == mine)
    counts.right["jurisdiction"].append(code == analysis.jurisdiction_code)


def _figures(counts: _Counts, *, mentions: bool) -> Figures:
    values: dict[str, float] = {}
    if mentions:
        for kind in TYPES:
            values[f"{kind}_span_f1"] = counts.spans[kind].f1
        for kind in (*TYPES, "firm"):
            values[f"{kind}_id_f1"] = counts.ids[kind].f1
        values["firm_id_precision"] = counts.ids["firm"].precision
    risk = _risk_figures(counts.risk)
    values = {"documents": risk.pop("documents"), **values, **risk}
    values["level_mae"] = _share(sum(counts.level_error), len(counts.level_error))
    values["grave_recall"] = _share(sum(counts.grave), len(counts.grave))
    for name, answers in counts.right.items():
        values[f"{name}_accuracy"] = _share(sum(answers), len(answers))
    return Figures({name: round(value, 4) for name, value in values.items()})


def _risk_figures(risk: Counter[tuple[bool, bool]]) -> dict[str, float]:
    hits, misses, alarms, quiet = (risk[key] for key in ((True, True), (True, False), (False, True), (False, False)))
    return {
        "documents": float(hits + misses + alarms + quiet),
        "risk_precision": _share(hits, hits + alarms),
        "risk_recall": _share(hits, hits + misses),
        "non_risk_left_alone": _share(quiet, quiet + alarms),
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
