"""The CRF beside the small transformer on the same five folds: `python -m training.compare DATA [LABEL] [EPOCHS]`.

Prints, fold by fold, strict-span precision, recall and F1 of each, the minutes of training and the characters a second
that each reads on one core (the transformer as ONNX int8, as it would run). Needs training/requirements.txt.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from nlp.recogniser import Recogniser, load_recogniser
from training import transformer
from training.convert import convert
from training.crf import segmenter, train_crf
from training.examples import Example, read_examples
from training.folds import FOLDS, figures, fold_of

Train = Callable[[Sequence[Example], Path], Recogniser]


def main(data: Path, label: str, epochs: int) -> None:
    """Compare and print."""
    torch.set_num_threads(1)
    cut = segmenter().cut
    examples = read_examples(data, (label,))

    def crf(part: Sequence[Example], folder: Path) -> Recogniser:
        return train_crf(part, folder, cut, title="fold")

    def small_transformer(part: Sequence[Example], folder: Path) -> Recogniser:
        transformer.train(part, folder / "torch", epochs=epochs)
        convert(folder / "torch", folder / "onnx")
        return load_recogniser(folder / "onnx", cut)

    sums: dict[str, list[float]] = {}
    for fold in range(FOLDS):
        for name, train in (("crf", crf), ("transformer", small_transformer)):
            row = _fold(examples, fold, train)
            print(f"fold {fold} {name}: " + "  ".join(f"{key} {value:,.3f}" for key, value in row.items()), flush=True)
            for key, value in row.items():
                sums.setdefault(f"{name} {key}", []).append(value)
    for key, values in sums.items():
        print(f"mean {key} {sum(values) / len(values):,.3f}")


def _fold(examples: Sequence[Example], fold: int, train: Train) -> dict[str, float]:
    unseen = [example for example in examples if fold_of(example) == fold]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.process_time()
        model = train([example for example in examples if fold_of(example) != fold], Path(folder))
        trained = time.process_time()
        told = figures(model, unseen)
        spent = time.process_time() - trained
    speed = sum(len(example.text) for example in unseen) / spent
    named = {key: told[key] for key in ("precision", "recall", "f1")}
    return {**named, "training minutes": (trained - begin) / 60, "characters a second": speed}


if __name__ == "__main__":
    told = dict(enumerate(sys.argv[1:]))
    main(Path(told[0]), told.get(1, "FIRM"), int(told.get(2, transformer.EPOCHS)))
