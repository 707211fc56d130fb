"""Speed and memory of the reading, beside two baselines on the same texts: `python benchmarks/nlp.py`.

The baselines: jieba in pure Python with keyword rules, and a BERT of 12 layers (random weights: for timing only) that
reads every sentence through torch (`pip install -r training/requirements.txt`; left out where torch is missing).
The stream is made as section 6 of the quality goals asks: texts of about 900 characters, a tenth about risk. The rest
is everyday prose built from the gold texts that are no signal. `--registry N` measures with N generated firms too.
"""

import argparse
import gc
import importlib.util
import itertools
import json
import multiprocessing
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jieba

PROJECT = Path(__file__).resolve().parent.parent
# Run as a file, this folder would stand before the project and hide its package of the same name.
sys.path[:] = [str(PROJECT), *(place for place in sys.path if Path(place).resolve() != PROJECT / "benchmarks")]

from config.lexicon import load_lexicon, load_registry_csv
from config.recogniser import recogniser_folder
from core.records import RegistryEntry
from nlp.analyze import Analyzer
from nlp.registry_names import CompiledNames, compile_registry

LENGTH, SHARE = 900, 0.1
BERT_TEXTS = 10  # it reads about one document a second


def stream(count: int, seed: int = 1) -> list[tuple[str, str]]:
    """`count` (title, text), each text about 900 characters, a tenth of them told by risk texts."""
    rows = [json.loads(line) for name in ("dev", "dev_long") for line in _lines(f"tests/gold/{name}.jsonl")]
    chance = random.Random(seed)
    risky = [row for row in rows if row["is_risk"]]
    plain = [row for row in rows if not row["is_risk"]]
    made = []
    for number in range(count):
        pool = risky if number % round(1 / SHARE) == 0 else plain
        picked = [chance.choice(pool)]
        text = picked[0]["text"]
        while len(text) < LENGTH:
            text += "\n" + chance.choice(pool)["text"]
        made.append((picked[0]["title"], text[:LENGTH]))
    return made


def _lines(name: str) -> list[str]:
    return (PROJECT / name).read_text(encoding="utf-8").splitlines()


def keyword_rules(words: frozenset[str]) -> Callable[[str, str], bool]:
    """The usual baseline: cut with jieba (pure Python), a signal where two words of the lists occur."""
    jieba.initialize()

    def judge(title: str, text: str) -> bool:
        return len(words.intersection(jieba.cut(f"{title}\n{text}"))) > 1

    return judge


def bert_reader() -> Callable[[str, str], object]:
    """The heavy baseline: every sentence through a BERT base of 12 layers with a tag a character, one thread."""
    import torch
    from transformers import BertConfig, BertForTokenClassification

    torch.set_num_threads(1)
    model: Any = BertForTokenClassification(BertConfig(vocab_size=21128))
    model.eval()
    sentence = re.compile(r"[^。！？!?\n；;]+")

    def read(title: str, text: str) -> object:
        found = []
        with torch.inference_mode():
            for match in sentence.finditer(f"{title}\n{text}"):
                ids = torch.tensor([[ord(char) % 21128 for char in match.group()[:510]]])
                found.append(model(ids).logits.argmax(-1))
        return found

    return read


def measure(name: str, judge: Callable[[str, str], object], texts: list[tuple[str, str]], passes: int = 3) -> None:
    """Print documents a second of one process; the best of some passes, as the machine is shared."""
    best = float("inf")
    for _ in range(passes):
        start = time.process_time()
        for title, text in texts:
            judge(title, text)
        best = min(best, time.process_time() - start)
    print(f"{name:<34} {len(texts) / best:8.1f} documents/s a core")


def generated(count: int) -> tuple[RegistryEntry, ...]:
    """`count` firms with different full names, in the grammar of Chinese firm names."""
    places = ["赣州", "吉安", "上饶", "宜春", "抚州", "九江", "新余", "萍乡", "鹰潭", "景德镇"]
    trades = ["电子科技", "新能源", "线缆", "建材", "家具", "玩具", "化工", "机械", "照明", "食品"]
    signs = "安邦昌诚达丰光海恒宏华辉佳嘉金锦凯康隆茂明鹏祺荣瑞盛泰腾万祥鑫兴旭阳益永裕源远悦泽哲正志中卓"
    names = itertools.product(places, itertools.product(signs, repeat=3), trades)
    picked = itertools.islice(names, count)
    return tuple(
        RegistryEntry(f"E{number}", f"{place}{''.join(sign)}{trade}有限公司", ("".join(sign),))
        for number, (place, sign, trade) in enumerate(picked)
    )


def write_registry(file: Path, count: int) -> None:
    """Compile `count` generated firms, in a process of its own so that its memory does not count."""
    compile_registry(generated(count), file)


def peak() -> float:
    """Most memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--registry", type=int, default=0, help="measure with this many generated firms as well")
    options = parser.parse_args()
    lexicon = load_lexicon(PROJECT / "config")
    registry = load_registry_csv(PROJECT / "config" / "lexicons" / "enterprises_demo.csv")
    texts = stream(options.documents)
    words = frozenset(
        word
        for entry in (*lexicon.issues.values(), *lexicon.products.values())
        for word in (*getattr(entry, "cues", ()), *getattr(entry, "terms", ()))
    )
    measure("jieba (Python) + keyword rules", keyword_rules(words), texts)
    analyzer = Analyzer(lexicon, registry)
    measure(f"analyze, {len(registry)} firms", analyzer.analyze, texts)
    with_model = Analyzer(lexicon, registry, recogniser_folder(PROJECT / "config"))
    measure("the same with the recogniser", with_model.analyze, texts)
    print(f"{'memory so far':<34} {peak():8.0f} MB")
    if importlib.util.find_spec("torch"):
        measure("BERT, 12 layers, every sentence", bert_reader(), texts[:BERT_TEXTS], passes=1)
    else:
        print("BERT, 12 layers: left out, torch is not installed (training/requirements.txt)")
    if options.registry:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "registry.bin"
            writer = multiprocessing.Process(target=write_registry, args=(file, options.registry))
            writer.start()
            writer.join()
            del analyzer, with_model  # a machine reads with one
            gc.collect()
            before, start = peak(), time.perf_counter()
            names = CompiledNames(file)
            print(f"{f'registry of {options.registry} firms opened in':<34} {time.perf_counter() - start:8.2f} s")
            print(f"{'compiled file':<34} {file.stat().st_size / 1e6:8.0f} MB")
            measure(f"analyze, {options.registry} firms", Analyzer(lexicon, names).analyze, texts)
            print(f"{'memory at most (and before)':<34} {peak():8.0f} MB ({before:.0f})")


if __name__ == "__main__":
    main()
