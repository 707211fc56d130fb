"""A transformer token classifier through ONNX Runtime and a `transformers` fast tokenizer; no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel
from transformers import AutoTokenizer

from core.errors import ConfigError
from nlp.recogniser.bio import spans_of
from nlp.recogniser.load import Cut, FirmSpan, ModelCard, Recogniser

FILE = "model.onnx"
BATCH = 16
LONGEST = 256  # tokens of a sentence that are read, unless the model can take fewer


class _Labels(BaseModel):
    """What we read of a Hugging Face config.json."""

    id2label: dict[int, str]


class OnnxRecogniser:
    """Reads batches of sentences of like length, on one core: a worker is a process. Safe to share between threads."""

    def __init__(self, folder: Path, card: ModelCard) -> None:
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(
                folder, use_fast=True, trust_remote_code=False, local_files_only=True
            )
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            self._session = onnxruntime.InferenceSession(
                str(folder / FILE), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as problem:  # either library raises classes of its own for a broken file
            raise ConfigError([f"{folder}: not a model this version can read ({str(problem)[:200]})"]) from problem
        self._inputs = [item.name for item in self._session.get_inputs()]
        self._longest = min(LONGEST, self._tokenizer.model_max_length)
        self._card = card
        self._names = _label_names(folder)

    def find(self, sentences: Sequence[str]) -> list[list[FirmSpan]]:
        """See `Recogniser.find`."""
        found: list[list[FirmSpan]] = [[] for _ in sentences]
        order = sorted((at for at, text in enumerate(sentences) if text), key=lambda at: len(sentences[at]))
        for first in range(0, len(order), BATCH):
            chosen = order[first : first + BATCH]
            for at, spans in zip(chosen, self._read([sentences[at] for at in chosen]), strict=True):
                found[at] = spans
        return found

    def _read(self, sentences: list[str]) -> list[list[FirmSpan]]:
        coded = self._tokenizer(
            sentences, padding=True, truncation=True, max_length=self._longest, return_offsets_mapping=True
        )
        tensors = {name: np.asarray(coded[name], dtype=np.int64) for name in self._inputs}
        (logits,) = self._session.run(["logits"], tensors)
        chances = _softmax(logits)
        return [
            self._spans(text, offsets, rows)
            for text, offsets, rows in zip(sentences, coded["offset_mapping"], chances, strict=True)
        ]

    def _spans(self, text: str, offsets: Sequence[tuple[int, int]], rows: NDArray[np.float32]) -> list[FirmSpan]:
        """A character gets its token's label; blanks inside a name belong to it."""
        tags, scores = ["O"] * len(text), [1.0] * len(text)
        best = rows.argmax(axis=1)
        before = 0
        for (start, end), label, row in zip(offsets, best.tolist(), rows, strict=True):
            tag = self._names[label]
            if start >= end or tag == "O":
                continue
            inside = f"I-{tag.partition('-')[2]}"
            if tag == inside and before and tags[before - 1] != "O" and not text[before:start].strip():
                tags[before:start] = [inside] * (start - before)
            tags[start:end] = [tag, *[inside] * (end - start - 1)]
            scores[start:end] = [float(row[label])] * (end - start)
            before = end
        found = spans_of(tags, scores, self._card.labels)
        return [span for span in found if span.score >= self._card.threshold]


def _label_names(folder: Path) -> list[str]:
    """Tags in the order of the logits; other schemes than BIO (E-, S-, M-, L-, U-) are read as B- and I-."""
    config = _Labels.model_validate_json((folder / "config.json").read_bytes())
    return [_as_bio(config.id2label[at]) for at in sorted(config.id2label)]


def _as_bio(label: str) -> str:
    prefix, dash, kind = label.partition("-")
    if not dash:
        return "O"
    return f"B-{kind}" if prefix in ("B", "S", "U") else f"I-{kind}"


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def load(folder: Path, card: ModelCard, cut: Cut) -> Recogniser:
    """The recogniser of a model folder; `cut` is not needed. Raises ConfigError when it cannot be read."""
    return OnnxRecogniser(folder, card)
