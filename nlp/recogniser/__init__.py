"""Firms that no list has, by a trained model. `load_recogniser` reads a model folder; nothing heavy before that."""

from nlp.recogniser.load import FirmSpan, ModelCard, Recogniser, load_recogniser, read_card

__all__ = ["FirmSpan", "ModelCard", "Recogniser", "load_recogniser", "read_card"]
