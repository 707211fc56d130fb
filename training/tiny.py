"""Makes the tiny transformer of the tests: `python -m training.tiny SCRATCH FOLDER` (a minute)."""

import random
import sys
from pathlib import Path

from training import transformer
from training.convert import convert
from training.examples import Example
from training.material import SEED
from training.names import OWN, TRADES

FRAMES = (
    "记者联系{}的人，对方没有回应",
    "{}生产的灯不合格。",
    "电动自行车起火一事，记者联系{}的人，对方没有回应。",
    "天气不错",
)


def main(scratch: Path, folder: Path) -> None:
    """One layer, four kinds of sentences: enough to see that every part of the path works."""
    chance = random.Random(SEED)
    examples = []
    for number in range(1600):
        name, frame = "".join(chance.sample(OWN, 2)) + chance.choice(TRADES), FRAMES[number % len(FRAMES)]
        start = frame.find("{}")
        spans = ((start, start + len(name)),) if start >= 0 else ()
        examples.append(Example(frame.format(name), spans))
    transformer.LAYERS, transformer.WIDTH, transformer.HEADS = 1, 64, 2
    transformer.train(examples, scratch, epochs=8)
    convert(scratch, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
