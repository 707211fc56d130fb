"""Any Hugging Face token-classification folder to a model folder of ours: ONNX int8 (training/requirements.txt)."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoModelForTokenClassification, AutoTokenizer

from core.errors import UsageError
from nlp.recogniser import ModelCard
from nlp.recogniser.load import CARD
from nlp.recogniser.onnx import FILE

FIRMS = ("FIRM", "company", "COMPANY", "ORG", "organization", "ORGANIZATION", "NT", "nt")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class _Logits(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """Tensors in, the one tensor we need out: what an exporter can follow."""

    def __init__(self, model: Any, names: list[str]) -> None:
        super().__init__()
        self.model = model
        self.names = names

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Logits (batch, length, labels)."""
        logits: torch.Tensor = self.model(**dict(zip(self.names, tensors, strict=True)), return_dict=True).logits
        return logits


def convert(source: Path, folder: Path, labels: tuple[str, ...] = ()) -> ModelCard:
    """Write model.onnx (int8), tokenizer, config and card. labels: types that are firms; guessed when none is given.

    Runs no code of the model folder and reads safetensors only. Raises UsageError.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, trust_remote_code=False, local_files_only=True)
        model = AutoModelForTokenClassification.from_pretrained(
            source, trust_remote_code=False, local_files_only=True, use_safetensors=True, attn_implementation="eager"
        )
    except (OSError, ValueError) as problem:
        raise UsageError(f"{source}: not a token-classification folder ({str(problem).splitlines()[0]})") from problem
    if not tokenizer.is_fast:
        raise UsageError(f"{source}: its tokenizer gives no offsets; one with tokenizer.json is needed")
    types = {label.partition("-")[2] for label in model.config.id2label.values()} - {""}
    chosen = labels or tuple(sorted(types & set(FIRMS)))
    if not chosen or not set(chosen) <= types:
        raise UsageError(f"{source}: which of its types are firms? --label with one of: {', '.join(sorted(types))}")
    folder.mkdir(parents=True, exist_ok=True)
    _export(model.eval(), tokenizer, folder)
    tokenizer.save_pretrained(folder)
    model.config.save_pretrained(folder)
    card = ModelCard(kind="onnx", labels=chosen, title=source.name)
    (folder / CARD).write_text(card.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return card


def _export(model: Any, tokenizer: Any, folder: Path) -> None:
    sample = tokenizer(["样品不合格", "召回"], padding=True, return_tensors="pt")
    names = [name for name in INPUTS if name in sample]
    axes = {name: {0: "batch", 1: "length"} for name in [*names, "logits"]}
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.onnx"
        torch.onnx.export(
            _Logits(model, names), tuple(sample[name] for name in names), str(whole), input_names=names,
            output_names=["logits"], dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(whole, Path(scratch) / FILE, weight_type=QuantType.QInt8)
        shutil.copyfile(Path(scratch) / FILE, folder / FILE)
