"""What the search costs: pages while signals arrive, indexing, size, cold start and the slope, ours beside SQLite FTS5
and plain Elasticsearch.

    python -m benchmarks.search STREAMS                                    all four at 200,000 signals
    python -m benchmarks.search STREAMS --backends embedded --slope 50000 200000 1000000 --short
    python -m benchmarks.search STREAMS --documents 20000 --seconds 10 --json figures.json

STREAMS: the folder of collected streams (weibo_hot, wechat_titles, zhihu_hot, xwlb); without it nothing is measured.
A page is what the desk asks for: the query read, 20 hits with marked title and snippet, seven facets, bars split by
level, the exact total. Pages are asked for one after the other from a process on one core; signals arrive from another
process on the other core (a server takes what it gets). Figures are wall-clock times; beside them (cpu) how long the
asking process itself was busy, which other users of the machine disturb less.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks.search_arrivals import Arrived, arriving
from benchmarks.search_corpus import NOW, Corpus, NoStreams, read_texts
from benchmarks.search_engines import Engine, Ours, elastic, embedded, forget_pages, server_cpu_ms
from benchmarks.search_fts5 import Fts5
from benchmarks.search_plain import Plain
from benchmarks.search_questions import QUESTIONS, Asking, Question
from config.lexicon import Lexicon, load_lexicon
from config.settings import PROJECT
from nlp.analyze import dictionary_words
from nlp.segment import Segmenter
from search.records import IndexEntry, entry_of
from tests.elasticsearch import NodeMissing, build, running_node

BACKENDS = ("embedded", "elasticsearch", "fts5", "plain")
LOAD = 5_000
"""Signals a write while the index is filled, as a rebuild does."""
HEAP = "1g"

Figures = dict[str, Any]


@cache
def lexicon() -> Lexicon:
    """The lexicon of the checkout."""
    return load_lexicon(PROJECT / "config")


@cache
def segmenter() -> Segmenter:
    """As the product cuts words."""
    return Segmenter(dictionary_words(lexicon(), ()))


@cache
def corpus(streams: Path, count: int, *, short: bool) -> Corpus:
    """The signals."""
    return Corpus(read_texts(streams), lexicon(), count=count, short=short)


def open_engine(backend: str, folder: Path, url: str) -> Engine:
    """The engine, on `folder` or the server."""
    words = segmenter().words
    if backend == "embedded":
        return embedded(folder / "index", words)
    if backend == "fts5":
        folder.mkdir(parents=True, exist_ok=True)
        return Fts5(folder / "fts5.db", words)
    return elastic(url, words) if backend == "elasticsearch" else Plain(url)


def open_arrivals(
    backend: str, folder: Path, url: str, streams: Path, count: int, *, short: bool
) -> tuple[Engine, Callable[[int], IndexEntry]]:
    """What the other process needs."""
    signals = corpus(streams, count, short=short)
    return open_engine(backend, folder, url), lambda number: entry_of(signals.signal(number), segmenter().words)


class Bench:
    """One backend, measured. core: where the measuring process runs; the other process runs on the next one."""

    def __init__(self, backend: str, folder: Path, url: str, options: argparse.Namespace) -> None:
        self.backend, self.folder, self.url, self.options = backend, folder, url, options
        self.engine = open_engine(backend, folder, url)
        self.loaded = 0
        self.text = 0

    def fill(self, count: int) -> Figures:
        """Write signals until there are `count`; what writing costs, making words left out and counted in."""
        signals = corpus(self.options.streams, max(self.options.slope or [self.options.documents]),
                         short=self.options.short)  # fmt: skip
        first, cutting, writing, busy, slowest = self.loaded, 0.0, 0.0, 0.0, 0.0
        served = server_cpu_ms(self.url) if self.url else 0.0
        while self.loaded < count:
            batch = [signals.signal(number) for number in range(self.loaded, min(count, self.loaded + LOAD))]
            self.text += sum(len((s.analysis.masked_title + s.analysis.masked_text).encode()) for s in batch)
            begun = time.perf_counter()
            entries = [entry_of(signal, segmenter().words) for signal in batch]
            cut, worked = time.perf_counter(), time.process_time()
            self.engine.load(entries)
            written = time.perf_counter()
            busy += time.process_time() - worked
            cutting, writing = cutting + cut - begun, writing + written - cut
            slowest = max(slowest, written - cut)
            self.loaded += len(batch)
            tell(f"{self.backend}: {self.loaded:,} of {count:,} written")
        begun = time.perf_counter()
        self.engine.settle()
        writing += time.perf_counter() - begun
        done = self.loaded - first
        return {
            "documents": done,
            "a_second_from_entries": round(done / writing),
            "a_second_from_signals": round(done / (writing + cutting)),
            "cpu_us_a_document_here": round(busy / done * 1e6),
            "server_cpu_ms_a_document": self._served(served, done),
            "slowest_write_s": round(slowest, 2),
        }

    def sizes(self) -> Figures:
        """Bytes on disk beside the UTF-8 bytes of title and body."""
        size = self.engine.size()
        return {"text_mb": round(self.text / 1e6, 1), "index_mb": round(size / 1e6, 1),
                "ratio": round(size / self.text, 2)}  # fmt: skip

    def tidied(self, engine: Ours) -> Figures:
        """The same after the nightly merge of the months that are over."""
        engine.backend.tidy()
        size, before = engine.size(), 0
        while size != before:
            time.sleep(10)
            size, before = engine.size(), size
        return self.sizes()

    def pages(self, *, arrivals: bool) -> Figures:
        """Every question again and again for the time given, while signals arrive or not."""
        asking = Asking(lexicon())
        if not arrivals:
            return self._ask(asking, Arrived())
        opener = partial(open_arrivals, self.backend, self.folder, self.url, self.options.streams, self.loaded,
                         short=self.options.short)  # fmt: skip
        other = self.options.core if self.options.same_core else 1 - self.options.core
        with arriving(opener, first=self.loaded, rate=self.options.rate, core=other) as arrived:
            figures = self._ask(asking, arrived)
        waits = [wait * 1000 for wait in arrived.waits]
        self.loaded, self.text = self.loaded + arrived.documents, self.text + arrived.text
        commits = {"documents": arrived.documents, "commits": len(waits), "late_s": round(arrived.late, 1)}
        return figures | {"arrivals": commits | spread(waits)}

    def _ask(self, asking: Asking, arrived: Arrived) -> Figures:
        cold: dict[Question, float] = {}
        warm: dict[Question, list[float]] = {question: [] for question in QUESTIONS}
        busy: list[float] = []
        totals = {}
        until, served = time.perf_counter() + self.options.seconds, server_cpu_ms(self.url) if self.url else 0.0
        while time.perf_counter() < until or not all(warm.values()):
            for question in QUESTIONS:
                begun, worked = time.perf_counter(), time.process_time()
                now = NOW + timedelta(seconds=arrived.documents)
                totals[question] = self.engine.page(asking.request(question, now))
                took = (time.perf_counter() - begun) * 1000
                if question in cold:
                    warm[question].append(took)
                    busy.append((time.process_time() - worked) * 1000)
                else:
                    cold[question] = took
            tell(f"{self.backend}: {sum(map(len, warm.values())):,} pages")
        kinds = dict.fromkeys(question.kind for question in QUESTIONS)
        every = [took for takes in warm.values() for took in takes]
        return {
            "pages": len(every),
            "warm_ms": spread(every),
            "cpu_ms": spread(busy),
            # With what arrives, merges and all: the mean of a page only where nothing arrives.
            "server_cpu_ms": round((server_cpu_ms(self.url) - served) / (len(every) + len(cold)), 1)
            if self.url
            else None,
            "first_ms": spread(list(cold.values())),
            "kinds_ms": {kind: spread([t for q, ts in warm.items() if q.kind == kind for t in ts]) for kind in kinds},
            "questions_ms": {
                f"{q.kind}: {q.name}": {"total": totals[q], "first": round(cold[q], 1), **spread(ts)}
                for q, ts in warm.items()
            },
        }

    def _served(self, before: float, count: int) -> float | None:
        """Milliseconds the server was busy for each of `count` pages or documents since `before`, all else included."""
        return round((server_cpu_ms(self.url) - before) / count, 2) if self.url else None

    def cold_start(self) -> Figures:
        """A new process that reads nothing from the page cache: import, open, one page. Milliseconds."""
        takes, searches = [], []
        for _ in range(3):
            forget_pages(self.folder)
            begun = time.perf_counter()
            command = [sys.executable, "-m", "benchmarks.search_cold", str(self.folder / "index"), NOW.isoformat()]
            answer = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT)
            takes.append((time.perf_counter() - begun) * 1000)
            searches.append(json.loads(answer.stdout))
        return {"process_ms": round(max(takes)), **{key: max(s[key] for s in searches) for key in searches[0]}}


def spread(values: Sequence[float]) -> Figures:
    """p50, p95 and max."""
    if not values:
        return {}
    ordered = sorted(values)
    return {"p50": round(statistics.median(ordered), 1), "p95": round(ordered[int(len(ordered) * 0.95)], 1),
            "max": round(ordered[-1], 1)}  # fmt: skip


def tell(text: str) -> None:
    """Progress, on one line."""
    print(f"\r{text:<78}", end="", file=sys.stderr, flush=True)


def measure(backend: str, folder: Path, url: str, options: argparse.Namespace) -> Figures:
    """All figures of one backend."""
    bench = Bench(backend, folder, url, options)
    figures: Figures = {}
    for count in options.slope or [options.documents]:
        part: Figures = {"filling": bench.fill(count), "size": bench.sizes()}
        if backend == "embedded":
            part["cold_start"] = bench.cold_start()
        part["quiet"] = bench.pages(arrivals=False)
        if not options.slope:
            part["busy"] = bench.pages(arrivals=True)
            part["size_after_arrivals"] = bench.sizes()
            if isinstance(bench.engine, Ours) and url:
                part["size_tidied"] = bench.tidied(bench.engine)
        figures[f"{count}"] = part
        print(f"\r{' ' * 78}\r{report(backend, count, part)}", flush=True)
    if isinstance(bench.engine, Plain):
        signals = corpus(options.streams, options.documents, short=options.short)
        single = [entry_of(signals.signal(10_000_000 + n), segmenter().words) for n in range(1_000)]
        figures["one_document_a_request"] = round(bench.engine.one_by_one(single))
        print(f"plain: one document a request: {figures['one_document_a_request']} a second")
    bench.engine.close()
    return figures


def report(backend: str, count: int, part: Figures) -> str:
    """A few lines a person reads."""
    filling, size = part["filling"], part["size"]
    lines = [
        f"{backend}, {count:,} signals",
        f"  writing      {filling['a_second_from_entries']:,} a second from entries, "
        f"{filling['a_second_from_signals']:,} from signals (words cut too), "
        f"slowest {LOAD:,} in {filling['slowest_write_s']} s, "
        f"cpu {filling['cpu_us_a_document_here']} µs a signal, server {filling['server_cpu_ms_a_document']} ms",
        f"  size         {size['index_mb']} MB for {size['text_mb']} MB of text: {size['ratio']}",
    ]
    if "cold_start" in part:
        lines.append(f"  cold start   {part['cold_start']}")
    for name in ("quiet", "busy"):
        if name in part:
            pages = part[name]
            lines.append(f"  pages {name:<6} {pages['pages']:,}: {pages['warm_ms']}, cpu {pages['cpu_ms']}")
            lines.append(f"    first time {pages['first_ms']}, server cpu {pages['server_cpu_ms']} a page")
            lines += [f"    {kind:<10} {found}" for kind, found in pages["kinds_ms"].items()]
    if "busy" in part:
        lines.append(f"  arrivals     {part['busy']['arrivals']}")
        lines.append(f"  size then    {part['size_after_arrivals']['ratio']}")
    if "size_tidied" in part:
        lines.append(f"  size tidied  {part['size_tidied']['ratio']}")
    return "\n".join(lines)


def compare(figures: dict[str, Figures], count: int) -> Iterator[str]:
    """Each backend's busy pages as a multiple of the embedded one's."""
    p95 = {name: found[f"{count}"]["busy"]["warm_ms"] for name, found in figures.items() if f"{count}" in found}
    if "embedded" in p95:
        for name, own in p95.items():
            base = p95["embedded"]
            yield f"{name:<14} p50 {own['p50'] / base['p50']:.1f} x, p95 {own['p95'] / base['p95']:.1f} x embedded"


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("streams", type=Path)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--backends", default=",".join(BACKENDS))
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement of pages")
    parser.add_argument("--rate", type=float, default=50, help="signals a second that arrive")
    parser.add_argument("--slope", type=int, nargs="+", help="several sizes instead of --documents, without arrivals")
    parser.add_argument("--short", action="store_true", help="bodies of 97 characters instead of 355")
    parser.add_argument("--core", type=int, default=0, choices=(0, 1), help="the measuring process runs on")
    parser.add_argument("--same-core", action="store_true", help="signals arrive on the same core")
    parser.add_argument("--folder", type=Path, help="keep the index there instead of in a temporary folder")
    parser.add_argument("--json", type=Path, help="write all figures there")
    return parser.parse_args()


def main() -> int:
    options = read_options()
    try:
        read_texts(options.streams)
    except NoStreams as reason:
        print(f"skipped: {reason}", file=sys.stderr)
        return 0
    os.sched_setaffinity(0, {options.core})
    wanted = options.backends.split(",")
    if unknown := set(wanted) - set(BACKENDS):
        print(f"--backends: {', '.join(sorted(unknown))} unknown (accepted: {', '.join(BACKENDS)})", file=sys.stderr)
        return 2
    figures: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as temporary:
        for backend in wanted:
            folder = (options.folder or Path(temporary)) / backend
            with ExitStack() as node:
                url = ""
                if backend in ("elasticsearch", "plain"):
                    try:
                        build()
                    except NodeMissing as reason:
                        print(f"{backend} skipped: {reason}", file=sys.stderr)
                        continue
                    os.sched_setaffinity(0, {0, 1})  # the server is not held to one core
                    url = node.enter_context(running_node(folder, heap=HEAP))
                figures[backend] = measure(backend, folder, url, options)
                if options.json:
                    options.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
            os.sched_setaffinity(0, {options.core})
    if not options.slope:
        print("\n".join(compare(figures, options.documents)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
