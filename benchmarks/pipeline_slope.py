"""What a document costs on its way through the whole pipeline as the store grows: CPU milliseconds.

    python -m benchmarks.pipeline_slope                       the sample pack eight times over: 5,400 documents
    python -m benchmarks.pipeline_slope --rounds 16           so many times

Each round is the pack again with other ids and addresses, a pack's length later, and with places moved on by one in
the list of regions, so that no text repeats another. A line is a round, as what a text costs hangs on what it tells.
Cleaning, duplicates, reading, rules, events and the clockwork are measured as `fengsui ingest` runs them, with the
shipped rules; the index is not.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.story import DAY_ZERO
from benchmarks.story import ingest_lines as pack_lines
from commands.assemble import build_indexer, build_pipeline, judge_of
from commands.knowledge import knowledge_of
from commands.options import settings_of
from commands.stores import open_store
from config.regions import Region, Regions
from core.clock import parse_published
from demo.story import PACK, read_pack
from pipelines.ingest import StoryClock, ingest_lines, read_lines

SPAN = timedelta(days=60)


def moved(regions: Regions, by: int) -> Callable[[str], str]:
    """Puts another place of the same level for each that a text names, `by` further in the list."""
    renamed: dict[str, str] = {}
    for level in ("county", "prefecture"):
        mine = [region for region in regions if region.level == level]
        for place, region in enumerate(mine):
            renamed |= _pairs(region, mine[(place + by) % len(mine)])
    pattern = re.compile("|".join(sorted(map(re.escape, renamed), key=len, reverse=True)))
    return lambda text: pattern.sub(lambda found: renamed[found[0]], text)


def _pairs(one: Region, other: Region) -> dict[str, str]:
    return {one.name: other.name, **({one.short_name: other.short_name} if len(one.short_name) > 1 else {})}


def round_of(lines: Sequence[Mapping[str, Any]], number: int, regions: Regions) -> Iterator[str]:
    """The lines as JSON, `number` pack's lengths later and as many places further."""
    elsewhere = moved(regions, number)
    for line in lines:
        at = parse_published(line["published"]) + number * SPAN
        told = {name: elsewhere(line[name]) for name in ("title", "text")}
        names = {name: f"{line[name]}-{number}" for name in ("id", "url") if line.get(name)}
        yield json.dumps({**line, **told, **names, "published": at.isoformat()}, ensure_ascii=False)


def measure(folder: Path, count: int) -> Iterator[tuple[int, float]]:
    """(documents so far, CPU milliseconds a document of this round), for each round."""
    settings = settings_of(folder, None, log_level="ERROR")
    store, clock = open_store(settings, synchronous="NORMAL"), StoryClock()
    known = knowledge_of(settings, store, None)
    judge = judge_of(settings, store, known, notify=False)
    pipeline = build_pipeline(settings, store, known, who="slope", clock=clock, notify=False, judge=judge)
    indexer = build_indexer(settings, store, known, who="slope")
    pack = list(pack_lines(read_pack(PACK), DAY_ZERO))
    for number in range(count):
        lines = read_lines(round_of(pack, number, known.lexicon.regions), file="pack")
        began = time.process_time()
        for counts in ingest_lines(lines, pipeline, indexer, clock, pass_time=judge.pass_time):
            if counts.total() == len(lines):
                break  # what is left is the index
        yield (number + 1) * len(lines), (time.process_time() - began) * 1000 / len(lines)
    store.close()


def main() -> int:
    """Print a line a round, and how much dearer the last ones are than the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    costs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for done, cost in measure(Path(folder), options.rounds):
            costs.append(cost)
            print(f"{done:>7} documents: {cost:6.1f} ms a document", flush=True)
    print(f"the last against the first: {costs[-1] / costs[0]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
