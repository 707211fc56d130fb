"""Trains the CRF: `python -m training.crf MATERIAL FOLDER [--folds]`. Deterministic: L-BFGS starts from zero."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pycrfsuite

from config.lexicon import load_lexicon
from config.settings import PROJECT
from nlp.analyze import dictionary_words
from nlp.recogniser import ModelCard, Recogniser, load_recogniser
from nlp.recogniser.bio import to_bio
from nlp.recogniser.crf import FILE
from nlp.recogniser.features import features
from nlp.recogniser.load import CARD, Cut
from nlp.segment import Segmenter
from training.examples import Example
from training.folds import cross_validate
from training.material import SEED, load

OPTIONS = {"c1": 0.3, "c2": 0.01, "max_iterations": 80, "feature.minfreq": 2}
THRESHOLD = 0.5


def segmenter() -> Segmenter:
    """The words that texts are cut into when they are read: those of our dictionaries stay whole."""
    return Segmenter(dictionary_words(load_lexicon(PROJECT / "config"), ()))


def train_crf(
    examples: Sequence[Example], folder: Path, cut: Cut, *, title: str, figures: dict[str, float] | None = None
) -> Recogniser:
    """Train on `examples`, write the model folder and read it back."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(OPTIONS)
    for example in examples:
        if example.text:
            rows = pycrfsuite.ItemSequence(features(example.text, cut(example.text)))
            trainer.append(rows, to_bio(len(example.text), example.spans))
    folder.mkdir(parents=True, exist_ok=True)
    trainer.train(str(folder / FILE))
    card = ModelCard(kind="crf", threshold=THRESHOLD, title=title, seed=SEED, figures=figures or {})
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return load_recogniser(folder, cut)


def five_folds(examples: Sequence[Example], cut: Cut) -> dict[str, float]:
    """Mean figures of the CRF over five folds."""
    with tempfile.TemporaryDirectory() as folder:
        return cross_validate(examples, lambda part: train_crf(part, Path(folder), cut, title="fold"))


def main(material: Path, folder: Path, folds: bool) -> None:
    """Train, with the figures of the folds in the card where asked for."""
    cut = segmenter().cut
    examples = load(material)
    values = five_folds(examples, cut) if folds else {}
    train_crf(examples, folder, cut, title="烽燧 CRF", figures=values)
    for name, value in values.items():
        print(f"{name:<24} {value:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--folds" in sys.argv)
