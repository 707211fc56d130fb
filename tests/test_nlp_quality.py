"""The figures of design section 7 on our gold texts stay above the pinned floors (tests/floors.json).

The risk card and the word weights were fitted on these very texts, so their risk figures here are a guard against
breaking things, not a promise; `python -m nlp.train_risk` prints figures on texts the model has not seen.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reading import figures, read_file
from config.lexicon import load_lexicon, load_registry_csv
from nlp.analyze import Analyzer
from nlp.evaluation import evaluate, evaluate_sample

PROJECT = Path(__file__).resolve().parent.parent
FLOORS = json.loads((PROJECT / "tests" / "floors.json").read_text(encoding="utf-8"))
CEILINGS = {"level_mae"}


def rows(*names: str) -> list[dict[str, Any]]:
    return [json.loads(line) for name in names for line in (PROJECT / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    config = PROJECT / "config"
    return Analyzer(load_lexicon(config), load_registry_csv(config / "lexicons" / "enterprises_demo.csv"))


@pytest.mark.parametrize(
    ("floor", "files"),
    [
        ("nlp_dev", ["tests/gold/dev.jsonl"]),
        ("nlp_dev_long", ["tests/gold/dev_long.jsonl"]),
        ("nlp_styles", ["tests/gold/styles.jsonl"]),
        ("nlp_styles_decisions", ["tests/gold/styles_decisions.jsonl"]),
        ("sample", ["demo/pack/part1.jsonl", "demo/pack/part2.jsonl"]),
        ("nlp_empty_registry", ["tests/gold/dev.jsonl", "tests/gold/dev_long.jsonl"]),
    ],
)
def test_quality_holds(analyzer, floor, files):
    judge = evaluate_sample if floor == "sample" else evaluate
    used = Analyzer(analyzer.lexicon, ()) if floor == "nlp_empty_registry" else analyzer
    values = judge(rows(*files), used).values
    broken = {
        name: (values[name], limit)
        for name, limit in FLOORS[floor].items()
        if (values[name] > limit if name in CEILINGS else values[name] < limit)
    }
    assert not broken


@pytest.mark.parametrize("name", ["lay", "press"])
def test_voices_and_press_are_read_with_their_levels(analyzer, name):
    values = figures(list(read_file(PROJECT / "training" / "texts" / f"{name}.jsonl", analyzer)))
    floors = FLOORS[f"texts_{name}"]
    assert values["recall"] >= floors["recall"]
    assert values["left alone"] >= floors["left alone"]
    assert values["level error"] <= floors["level error"]
