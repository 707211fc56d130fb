"""Extraction on saved pages and feeds: `python -m benchmarks.extraction [DATA] [--others] [--pages FOLDER ...]`.

DATA holds html_zh/, feeds/ and feeds_zh/ (default ../shared/data). FOLDER holds gold.jsonl and pages/, as html_zh does
(tests/pages are pages written for this project). --others reads the same pages in the same run with a density walk
of thirty lines, readability-lxml, trafilatura and GNE. The last two are not among the requirements; to have them:

    python -m venv ../others && ../others/bin/pip install trafilatura gne -r requirements.txt
    ../others/bin/python -m benchmarks.extraction --others

Titles must be equal, dates agree as far as the reference tells them, sources and authors be equal; bodies are compared
by the F1 of character bigrams; `no text` counts pages whose matter is in pictures or files and that gave none.
Times are CPU seconds of one process.
"""

import argparse
import json
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.extractors import Extractor, Read, guarded, installed, ours
from crawlers.feed import read_feed

GOOD = 0.96
"""Body F1 that a page should reach."""


def bigrams(text: str) -> Counter[str]:
    bare = "".join(text.split())
    return Counter(bare[at : at + 2] for at in range(len(bare) - 1))


def f1(expected: str, found: str) -> float:
    """Bigram F1, 0-1."""
    left, right = bigrams(expected), bigrams(found)
    both = sum((left & right).values())
    return 2 * both / (left.total() + right.total()) if both else 0.0


def pages(folder: Path, extractors: dict[str, Extractor]) -> None:
    """One row of the table for each extractor."""
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    raw = [(folder / "pages" / row["file"]).read_bytes() for row in gold]
    print(f"\n{folder.name}: {len(gold)} pages")
    heads = ("titles", "dates", "source", "author", "body F1", f">= {GOOD}", "no text", "pages/s")
    print(" " * 18, *(f"{head:>8}" for head in heads))
    for name, extractor in extractors.items():
        start = time.process_time()
        found = [extractor(page, row.get("url") or "", _moment(row)) for page, row in zip(raw, gold, strict=True)]
        seconds = time.process_time() - start
        print(f"{name:18} {_scores(gold, found)} {len(raw) / seconds:8.0f}", flush=True)


def _moment(row: dict[str, Any]) -> datetime | None:
    return datetime.fromisoformat(row["read_at"]) if row.get("read_at") else None


def _scores(gold: list[dict[str, Any]], found: list[Read]) -> str:
    both = list(zip(gold, found, strict=True))
    same = [
        _share([("".join(row[key].split()), "".join(getattr(got, name).split())) for row, got in both if row.get(key)])
        for key, name in (("title", "title"), ("source", "source"), ("author", "author"))
    ]
    dates = [(row["pub_time"], got.date.replace("/", "-")) for row, got in both if row["pub_time"]]
    dated = (
        f"{sum(_agrees(expected, got) for expected, got in dates)}/{len(dates)}"
        if any(got for _, got in dates)
        else "-"
    )
    bodies = [f1(row["body"], got.body) for row, got in both if row["body"]]
    bare = [not got.body.strip() for row, got in both if row["body"] == ""]
    good = f"{sum(value >= GOOD for value in bodies)}/{len(bodies)}"
    return (
        f"{same[0]:>8} {dated:>8} {same[1]:>8} {same[2]:>8} {sum(bodies) / len(bodies):8.3f} {good:>8} "
        f"{f'{sum(bare)}/{len(bare)}' if bare else '-':>8}"
    )


def _share(pairs: list[tuple[str, str]]) -> str:
    told = any(got for _, got in pairs)
    return f"{sum(expected == got for expected, got in pairs)}/{len(pairs)}" if told else "-"


def _agrees(expected: str, got: str) -> bool:
    """Equal as far as both tell, at least the day."""
    both = min(len(expected), len(got))
    return both >= 10 and expected[:both] == got[:both]


def feeds(folder: Path, chinese: Path) -> None:
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted: list[tuple[bytes, Any]] = [
        ((folder / row["file"]).read_bytes(), row["ref"]) for row in rows if row["role"] == "feed"
    ]
    start = time.process_time()
    read = [(read_feed(data), ref) for data, ref in wanted]
    seconds = time.process_time() - start
    same = sum(len(result.entries) == ref["entries"] for result, ref in read)
    more = sum(len(result.entries) > ref["entries"] for result, ref in read)
    print(
        f"\nfeeds        {sum(result.ok for result, _ in read)}/{len(read)} read, {same} with as many entries as the "
        f"reference, {more} with more; {len(read) / seconds:.0f} feeds/s"
    )
    real = [read_feed(path.read_bytes()) for path in sorted(chinese.rglob("*")) if path.suffix in (".xml", ".gz")]
    entries = [entry for result in real for entry in result.entries]
    print(
        f"feeds_zh     {sum(result.ok for result in real)}/{len(real)} read, {len(entries)} entries, "
        f"{sum(entry.published is not None for entry in entries)} dated, "
        f"{sum('�' in entry.title + entry.content for entry in entries)} with broken characters"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--others", action="store_true", help="read with other extractors, too, where installed")
    parser.add_argument("--pages", nargs="+", type=Path, metavar="FOLDER", help="these pages only, and no feeds")
    arguments = parser.parse_args()
    extractors: dict[str, Extractor] = {"fengsui": ours}
    if arguments.others:
        others, missing = installed()
        extractors |= {name: guarded(extractor) for name, extractor in others.items()}
        if missing:
            print(f"not installed, left out: {', '.join(missing)} (--help tells how to have them)")
    for folder in arguments.pages or [arguments.data / "html_zh"]:
        pages(folder, extractors)
    if not arguments.pages:
        feeds(arguments.data / "feeds", arguments.data / "feeds_zh")


if __name__ == "__main__":
    main()
