"""A CRF over characters: a file of weights that holds no code, read by CRFsuite."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pycrfsuite

from core.errors import ConfigError
from nlp.recogniser.bio import spans_of
from nlp.recogniser.features import features
from nlp.recogniser.load import Cut, FirmSpan, ModelCard, Recogniser

FILE = "model.crfsuite"
_MAGIC = b"lCRF"


class CrfRecogniser:
    """Reads about 50,000 characters a second. One sentence at a time: CRFsuite's tagger keeps state."""

    def __init__(self, path: Path, card: ModelCard, cut: Cut) -> None:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                raise ConfigError([f"{path}: not a CRFsuite model"])
        self._tagger = pycrfsuite.Tagger()
        self._tagger.open(str(path))
        self._card = card
        self._cut = cut
        self._lock = threading.Lock()

    def find(self, sentences: Sequence[str]) -> list[list[FirmSpan]]:
        """See `Recogniser.find`."""
        return [self._find(sentence) for sentence in sentences]

    def _find(self, sentence: str) -> list[FirmSpan]:
        if not sentence:
            return []
        rows = features(sentence, self._cut(sentence))
        with self._lock:
            self._tagger.set(pycrfsuite.ItemSequence(rows))
            tags = self._tagger.tag()
            scores = [1.0 if tag == "O" else self._tagger.marginal(tag, place) for place, tag in enumerate(tags)]
        return [span for span in spans_of(tags, scores, self._card.labels) if span.score >= self._card.threshold]


def load(folder: Path, card: ModelCard, cut: Cut) -> Recogniser:
    """The recogniser of a model folder. Raises ConfigError when the file is missing or none of CRFsuite's."""
    path = folder / FILE
    if not path.is_file():
        raise ConfigError([f"{path}: is missing; `fengsui model train` makes it"])
    return CrfRecogniser(path, card, cut)
