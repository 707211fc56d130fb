"""Trains a small transformer, or fine-tunes one: `python -m training.transformer MATERIAL FOLDER [--base DIR]`.

Writes a Hugging Face token-classification folder; `training/convert.py` makes it a model folder of ours. Needs
training/requirements.txt. Without --base a BERT of 3 layers is trained from nothing; the characters of the
material are its vocabulary.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForTokenClassification,
    AutoTokenizer,
    BertConfig,
    BertForTokenClassification,
    BertTokenizer,
)

from nlp.recogniser.bio import to_bio
from training.examples import Example
from training.material import SEED, load

LABELS = ("O", "B-FIRM", "I-FIRM")
LAYERS, WIDTH, HEADS = 3, 128, 4
EPOCHS, BATCH, RATE, RATE_TUNING = 4, 48, 2e-3, 5e-5
IGNORED = -100
LONGEST = 200
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def fresh(examples: Sequence[Example]) -> tuple[Any, Any]:
    """An untrained model and its tokenizer: a token a character."""
    counts = Counter(char for example in examples for char in example.text if not char.isspace())
    words = [*SPECIAL, *sorted(char for char, count in counts.items() if count > 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocab.txt"
        path.write_text("\n".join(words) + "\n", encoding="utf-8")
        tokenizer = BertTokenizer(vocab=str(path), do_lower_case=False, strip_accents=False)
    config = BertConfig(
        vocab_size=len(words), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH, max_position_embeddings=512, **label_names(),
    )  # fmt: skip
    return BertForTokenClassification(config), tokenizer


def label_names() -> dict[str, Any]:
    """The two maps a Hugging Face config holds."""
    return {"id2label": dict(enumerate(LABELS)), "label2id": {label: at for at, label in enumerate(LABELS)}}


def train(examples: Sequence[Example], folder: Path, base: Path | None = None, epochs: int = EPOCHS) -> None:
    """Train and write the folder. base: a token-classification or plain BERT-like folder to start from."""
    torch.manual_seed(SEED)
    chance = random.Random(SEED)
    if base:
        tokenizer = AutoTokenizer.from_pretrained(base, use_fast=True)
        model = AutoModelForTokenClassification.from_pretrained(base, ignore_mismatched_sizes=True, **label_names())
    else:
        model, tokenizer = fresh(examples)
    batches = _batches(examples, tokenizer)
    steps = epochs * len(batches)
    rate = RATE_TUNING if base else RATE
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(steps, 2), pct_start=0.1)
    model.train()
    for _ in range(epochs):
        chance.shuffle(batches)
        for batch in batches:
            loss = model(**batch).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    model.eval()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _batches(examples: Sequence[Example], tokenizer: Any) -> list[dict[str, torch.Tensor]]:
    """Batches of like length."""
    ordered = sorted((example for example in examples if example.text), key=lambda example: len(example.text))
    return [_batch(ordered[at : at + BATCH], tokenizer) for at in range(0, len(ordered), BATCH)]


def _batch(examples: Sequence[Example], tokenizer: Any) -> dict[str, torch.Tensor]:
    coded = tokenizer(
        [example.text for example in examples], truncation=True, max_length=LONGEST, padding=True,
        return_offsets_mapping=True, return_tensors="pt",
    )  # fmt: skip
    offsets = coded.pop("offset_mapping")
    labels = torch.full(coded["input_ids"].shape, IGNORED)
    for row, example in enumerate(examples):
        tags = to_bio(len(example.text), example.spans)
        for place, (start, end) in enumerate(offsets[row].tolist()):
            if end > start:
                labels[row, place] = LABELS.index(tags[start])
    return {**coded, "labels": labels}


def main(arguments: Sequence[str]) -> None:
    """See the module."""
    base = Path(arguments[arguments.index("--base") + 1]) if "--base" in arguments else None
    train(load(Path(arguments[0])), Path(arguments[1]), base)


if __name__ == "__main__":
    main(sys.argv[1:])
