"""Strict span figures, and five folds that split no group."""

from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

from nlp.recogniser import Recogniser
from training.examples import Example

FOLDS = 5
Train = Callable[[Sequence[Example]], Recogniser]


def fold_of(example: Example) -> int:
    """The fold of an example: the same in every run and for every candidate."""
    return crc32(example.group.encode()) % FOLDS


def figures(model: Recogniser, examples: Sequence[Example]) -> dict[str, float]:
    """Strict precision, recall and F1 of firm spans, over all and by source (`f1_pack`, ...)."""
    counts: dict[str, list[int]] = {}
    for example, found in zip(examples, model.find([example.text for example in examples]), strict=True):
        mine, gold = {(span.start, span.end) for span in found}, set(example.spans)
        for name in ("", f"_{example.source}"):
            count = counts.setdefault(name, [0, 0, 0])
            for place, amount in enumerate((len(mine & gold), len(mine), len(gold))):
                count[place] += amount
    values: dict[str, float] = {}
    for name, (right, given, wanted) in sorted(counts.items()):
        values[f"precision{name}"] = round(right / given, 4) if given else 1.0
        values[f"recall{name}"] = round(right / wanted, 4) if wanted else 1.0
        values[f"f1{name}"] = round(2 * right / (given + wanted), 4) if given + wanted else 1.0
    return values


def cross_validate(examples: Sequence[Example], train: Train, folds: Iterable[int] = range(FOLDS)) -> dict[str, float]:
    """Mean figures over folds, each read by a model that has not seen it."""
    rounds = []
    for fold in folds:
        model = train([example for example in examples if fold_of(example) != fold])
        rounds.append(figures(model, [example for example in examples if fold_of(example) == fold]))
    names = set.intersection(*(set(values) for values in rounds))
    return {name: round(sum(values[name] for values in rounds) / len(rounds), 4) for name in sorted(names)}
