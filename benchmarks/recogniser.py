"""Cost and use of the recogniser: `python -m benchmarks.recogniser [--model FOLDER]`.

Prints what the model reads a second on one core, what `analyze` costs with and without it on the sample pack, and the
strict span F1 of firms on the gold texts with an EMPTY register: name grammar alone, then with the model.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.lexicon import load_lexicon
from config.recogniser import recogniser_folder
from config.settings import PROJECT
from core.errors import ConfigError
from nlp.analyze import Analyzer
from nlp.evaluation import evaluate
from nlp.recogniser import load_recogniser

GOLD = ("tests/gold/dev.jsonl", "tests/gold/dev_long.jsonl")
PACK = ("demo/pack/part1.jsonl", "demo/pack/part2.jsonl")


def rows(*names: str) -> list[dict[str, Any]]:
    """The JSON lines of project files."""
    return [json.loads(line) for name in names for line in (PROJECT / name).read_text(encoding="utf-8").splitlines()]


def seconds(analyzer: Analyzer, documents: Sequence[dict[str, Any]]) -> float:
    """Processor time for all documents."""
    begin = time.process_time()
    for document in documents:
        analyzer.analyze(document["title"] or "", document["text"] or "")
    return time.process_time() - begin


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    folder = (
        Path(arguments[arguments.index("--model") + 1])
        if "--model" in arguments
        else recogniser_folder(PROJECT / "config")
    )
    if folder is None:
        raise ConfigError(["no model is chosen in config/models/recogniser.yml"])
    lexicon = load_lexicon(PROJECT / "config")
    analyzers = {"grammar alone": Analyzer(lexicon, ()), "with the model": Analyzer(lexicon, (), folder)}
    documents = rows(*PACK)
    sentences = [line for row in documents for line in (row["text"] or "").split("\n") if line]
    model = load_recogniser(folder, analyzers["grammar alone"].segmenter.cut)
    model.find(sentences[:50])
    begin = time.process_time()
    model.find(sentences)
    print(f"model alone: {sum(map(len, sentences)) / (time.process_time() - begin):,.0f} characters a second")
    for name, analyzer in analyzers.items():
        seconds(analyzer, documents[:20])
        print(f"{name}: {len(documents) / seconds(analyzer, documents):,.0f} documents of the pack a second")
        for gold in GOLD:
            values = evaluate(rows(gold), analyzer).values
            print(f"  {gold}: enterprise_span_f1 {values['enterprise_span_f1']:.3f} (empty register)")


if __name__ == "__main__":
    main(sys.argv[1:])
