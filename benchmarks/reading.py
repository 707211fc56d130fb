"""How labelled texts are read: risk texts found, harmless ones left alone, level, product, firm and place.

    python -m benchmarks.reading                    the files the risk card learns from
    python -m benchmarks.reading FILE... --wrong    other files (gold, pack or training lines), with each wrong decision

Figures on files the card learned from are no promise; `python -m nlp.train_risk` prints their grouped folds.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.lexicon import load_lexicon, load_registry_csv
from core.records import Analysis
from nlp.analyze import Analyzer
from nlp.evaluation import analyze_row
from nlp.train_risk import FILES, PROJECT

_NAMES = {
    "product": "primary_product", "enterprise": "primary_enterprise", "jurisdiction": "jurisdiction_code",
}  # fmt: skip


@dataclass(frozen=True)
class Read:
    """A labelled text with its reading. truth: is_risk and level, others where the file labels them."""

    id: str
    truth: Mapping[str, Any]
    analysis: Analysis
    text: str


def truth_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The labels of a gold, pack or training line under one set of names."""
    truth = row.get("truth", row)
    labels = {"is_risk": bool(truth["is_risk"]), "level": int(truth["level"])}
    for name, gold in _NAMES.items():
        key = name if name in truth else gold
        if key in truth:
            labels[name] = truth[key]
    return labels


def read_file(path: Path, analyzer: Analyzer) -> Iterator[Read]:
    """Every line of a labelled file, read as `fengsui ingest` would."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        given = {"source_type": row.get("kind"), **row} if "truth" in row else row
        text = f"{row.get('title') or ''}｜{row.get('text') or ''}"
        yield Read(str(row["id"]), truth_of(row), analyze_row(given, analyzer), text)


def figures(reads: Sequence[Read]) -> dict[str, float]:
    """recall, left alone and level error over all; product, enterprise and jurisdiction over the risk texts found.

    An unlisted firm (NIL) is null in packs and counts as null.
    """
    answers: dict[str, list[float]] = defaultdict(list)
    for read in reads:
        truth, found = read.truth, read.analysis
        answers["recall" if truth["is_risk"] else "left alone"].append(float(found.is_risk == truth["is_risk"]))
        if not truth["is_risk"] or not found.is_risk:
            continue
        answers["level error"].append(abs(found.level - truth["level"]))
        for name, attribute in _NAMES.items():
            if name in truth:
                answers[name].append(float(_plain(truth[name]) == _plain(getattr(found, attribute))))
    return {name: sum(values) / len(values) for name, values in answers.items()}


def _plain(value: str | None) -> str | None:
    return None if value and value.startswith("NIL") else value


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, default=[PROJECT / name for name in FILES])
    parser.add_argument("--wrong", action="store_true", help="list each text whose decision or level is wrong")
    parser.add_argument("--registry", type=Path, default=PROJECT / "config/lexicons/enterprises_demo.csv")
    options = parser.parse_args(arguments)
    analyzer = Analyzer(load_lexicon(PROJECT / "config"), load_registry_csv(options.registry))
    for path in options.files:
        reads = list(read_file(path, analyzer))
        told = "  ".join(f"{name} {value:.3f}" for name, value in sorted(figures(reads).items()))
        print(f"{path.stem:<18} {len(reads):>4} texts  {told}")
        for read in reads if options.wrong else ():
            truth, found = read.truth["level"], read.analysis
            if truth != found.level:
                print(f"  {truth} read {found.level} ({found.score:.2f}) {read.id} {read.text[:160]!r}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
