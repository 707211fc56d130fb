"""A model folder: `recogniser.json` says what it is, the library that runs it is imported when it is first read."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import ConfigError

CARD = "recogniser.json"
Cut = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class FirmSpan:
    """text[start:end] of one sentence names a firm. score: probability of its least sure character, 0 to 1."""

    start: int
    end: int
    score: float


class ModelCard(BaseModel):
    """`recogniser.json`. labels: which entity types of the model are firms; threshold: least score that counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["crf", "onnx"]
    labels: tuple[str, ...] = Field(default=("FIRM",), min_length=1)
    threshold: float = Field(default=0.5, ge=0, le=1)
    title: str = ""
    seed: int | None = None
    figures: dict[str, float] = Field(default_factory=dict, description="measured at training, by name")


class Recogniser(Protocol):
    """Finds the firms of sentences. Safe to share between threads."""

    def find(self, sentences: Sequence[str]) -> list[list[FirmSpan]]:
        """For each sentence (normalised text) its firms in order, not overlapping."""
        ...


def read_card(folder: Path) -> ModelCard:
    """The card of a model folder. Raises ConfigError when there is none or it is wrong."""
    path = folder / CARD
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except OSError as problem:
        raise ConfigError([f"{path}: cannot be read ({problem.strerror}); a model folder has this file"]) from problem
    except ValidationError as problem:
        raise ConfigError([f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors()]) from None


def load_recogniser(folder: Path, cut: Cut) -> Recogniser:
    """The model of `folder`. cut: splits a sentence into words (a `Segmenter`'s). Raises ConfigError."""
    card = read_card(folder)
    reader = importlib.import_module(f"nlp.recogniser.{card.kind}")
    model: Recogniser = reader.load(folder, card, cut)
    return model
