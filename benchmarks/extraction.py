"""Extraction on saved Chinese pages and feeds nobody here wrote: `python benchmarks/extraction.py [DATA] [--others]`.

DATA holds html_zh/, feeds/ and feeds_zh/ (default ../shared/data). --others runs readability-lxml beside ours on the
same pages in the same run. Titles and dates must be equal; bodies are compared by the F1 of character bigrams.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from readability import Document as ReadabilityDocument

from core.clock import beijing
from crawlers.charset import decode_page
from crawlers.extract import extract_page
from crawlers.feed import read_feed
from crawlers.markup import html_to_text, one_line


def bigrams(text: str) -> Counter[str]:
    bare = "".join(text.split())
    return Counter(bare[at : at + 2] for at in range(len(bare) - 1))


def f1(expected: str, found: str) -> float:
    """Bigram F1, 0-1."""
    left, right = bigrams(expected), bigrams(found)
    both = sum((left & right).values())
    return 2 * both / (left.total() + right.total()) if both else 0.0


def ours(page: bytes) -> tuple[str, str, str]:
    found = extract_page(page)
    published = f"{beijing(found.published):%Y-%m-%d %H:%M:%S}" if found.published else ""
    return found.title, published, found.text


def readability(page: bytes) -> tuple[str, str, str]:
    document = ReadabilityDocument(decode_page(page).text)
    return one_line(document.short_title()), "", html_to_text(document.summary(html_partial=True))


def pages(folder: Path, name: str, extract: Callable[[bytes], tuple[str, str, str]]) -> None:
    gold = [json.loads(line) for line in (folder / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
    raw = [(folder / "pages" / row["file"]).read_bytes() for row in gold]
    start = time.process_time()
    found = [extract(page) for page in raw]
    seconds = time.process_time() - start
    titles = [(row["title"], got[0]) for row, got in zip(gold, found, strict=True) if row["title"]]
    dates = [(row["pub_time"], got[1]) for row, got in zip(gold, found, strict=True) if row["pub_time"]]
    bodies = [f1(row["body"], got[2]) for row, got in zip(gold, found, strict=True) if row["body"]]
    right = sum("".join(expected.split()) == "".join(got.split()) for expected, got in titles)
    dated = sum(got.startswith(expected) for expected, got in dates)
    print(
        f"{name:12} titles {right}/{len(titles)}  dates {dated}/{len(dates)}  "
        f"body F1 {sum(bodies) / len(bodies):.3f} (worst {min(bodies):.3f}, {len(bodies)} pages)  "
        f"{len(raw) / seconds:.0f} pages/s"
    )


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
        f"feeds        {sum(result.ok for result, _ in read)}/{len(read)} read, {same} with as many entries as the "
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
    parser.add_argument("--others", action="store_true")
    arguments = parser.parse_args()
    pages(arguments.data / "html_zh", "fengsui", ours)
    if arguments.others:
        pages(arguments.data / "html_zh", "readability", readability)
    feeds(arguments.data / "feeds", arguments.data / "feeds_zh")


if __name__ == "__main__":
    main()
