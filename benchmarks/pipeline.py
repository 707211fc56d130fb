"""The whole way of a document, beside what would be glued together today: same machine, same run, same pages.

    python -m benchmarks.pipeline [--documents 20000] [--glued 200] [--live 40] [--python PYTHON]

Both fetch the same pages of a site on the loopback, read them, write them into the same Elasticsearch node and warn.
Fengsui is `fengsui run` as it is shipped, with its rules. The other is benchmarks/glued.py (Scrapy, jieba with our
word lists, a 12-layer BERT by torch with random weights, bulk writes, rules that poll each minute), run by an
interpreter that has these packages (`--python`). It is given the first `--glued` of the documents: its cost for one
does not hang on how many there are.

throughput  all pages are out at once: documents a second of CPU time (of all processes, without the site and
            Elasticsearch), on the clock, and the largest sum of resident memory (PSS, each second)
delay       pages come out slowly, each an accident of another firm: seconds from the first request for the page to the
            alert
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, select

from benchmarks.alert_latency import firms, prepare, running
from benchmarks.meter import Meter
from benchmarks.paper_site import A_FEED, serving
from benchmarks.stream_texts import SHARED, Text, made
from config.lexicon import Lexicon, load_lexicon
from config.settings import PROJECT, Settings
from core.clock import system_clock
from store.database import Store
from store.documents import SETTLED, UNSETTLED
from store.runs import OPEN, ask_for_run
from store.schema import alert_documents, documents, runs
from tests.elasticsearch import running_node

POLL = 60.0
HOSTS = 200
ONLY = "paper_0000"
"""The source of the delay's part."""


@dataclass(frozen=True)
class Throughput:
    """What so many documents cost."""

    documents: int
    cpu: float
    seconds: float
    peak_mb: float

    def told(self, who: str) -> str:
        """A row."""
        a_core, clock = self.documents / self.cpu, self.documents / self.seconds
        return f"| {who} | {self.documents:,} | {a_core:.2f} | {clock:.2f} | {self.peak_mb:,.0f} |"


# --- Fengsui ------------------------------------------------------------------------------------------------------


def configured(folder: Path, port: int, feeds: int) -> None:
    """The shipped configuration with these feeds as its sources."""
    shutil.copytree(PROJECT / "config", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (folder / "sources" / "live").glob("*.yml"):
        path.unlink()
    for number in range(feeds):
        host = f"127.0.1.{number % HOSTS + 1}"
        source = {
            "title": f"日报{number}", "family": "feed", "kind": "news", "tier": 2, "every": "24h", "follow": True,
            "list_url": f"http://{host}:{port}/feed/{number}", "delay": 0, "autothrottle": False,
            "allow_private": [host], "max_items": A_FEED,
        }  # fmt: skip
        text = yaml.safe_dump(source, allow_unicode=True)
        (folder / "sources" / "live" / f"paper_{number:04d}.yml").write_text(text, encoding="utf-8")


@contextmanager
def fengsui(folder: Path, port: int, feeds: int, elasticsearch: str, made_firms: Sequence[Any]) -> Iterator[Store]:
    """The running system, once its desk answers, and its store."""
    configured(folder / "config", port, feeds)
    settings = Settings(profile="live", data=folder / "data", config=folder / "config")
    store, _secret = prepare(settings, made_firms)
    own = {
        "FENGSUI_CONFIG": str(settings.config), "FENGSUI_CONTACT": "desk@bureau.example.org",
        "FENGSUI_ELASTICSEARCH_URL": elasticsearch, "FENGSUI_LOG_LEVEL": "WARNING",
    }  # fmt: skip
    with running(settings, {**os.environ, **own}):
        yield store
    store.close()


def fengsui_throughput(folder: Path, texts: Sequence[Text], elasticsearch: str) -> Throughput:
    """All pages at once."""
    with serving(_written(folder, texts)) as port:
        began = time.monotonic()
        with fengsui(folder, port, -(-len(texts) // A_FEED), elasticsearch, ()) as store:
            with Meter.on(_child_of_ours()) as meter:
                _until(lambda: _at_rest(store))
                seconds = time.monotonic() - began
            return Throughput(_settled(store), meter.cpu, seconds, meter.peak_mb)


def fengsui_delay(
    folder: Path, texts: Sequence[Text], rate: float, elasticsearch: str, known: Sequence[Any]
) -> list[float]:
    """Seconds from request to alert, of each text."""
    seen: dict[str, float] = {}
    query = select(documents.c.url).join(alert_documents, alert_documents.c.document == documents.c.id)
    query = query.where(documents.c.source == ONLY)  # the canary raises an alert, too
    with serving(_written(folder, texts), rate) as port, fengsui(folder, port, 1, elasticsearch, known) as store:
        _get(port, "start")
        until = time.monotonic() + len(texts) / rate + 60

        def look() -> bool:
            with store.read() as db:
                for url in db.execute(query).scalars():
                    seen.setdefault(url, time.time())
            with store.write() as db:
                ask_for_run(db, ONLY, reason="hand", now=system_clock())
            return len(seen) >= len(texts) or time.monotonic() > until

        _until(look)
        return _delays(json.loads(_get(port, "times")), seen)


def _at_rest(store: Store) -> bool:
    """Whether all that was fetched has gone its way, and nothing is being fetched."""
    with store.read() as db:
        fetching = db.execute(select(func.count()).where(runs.c.status.in_(OPEN))).scalar_one()
        begun = db.execute(select(func.count()).select_from(documents)).scalar_one()
        under_way = db.execute(select(func.count()).where(documents.c.stage.in_(UNSETTLED))).scalar_one()
    return bool(begun) and not fetching and not under_way


def _settled(store: Store) -> int:
    with store.read() as db:
        return db.execute(select(func.count()).where(documents.c.stage.in_(SETTLED))).scalar_one()


def _child_of_ours() -> int:
    """The system that was started last."""
    mine = os.getpid()
    children = Path(f"/proc/{mine}/task/{mine}/children").read_text().split()
    return next(int(pid) for pid in reversed(children) if b"run" in Path(f"/proc/{pid}/cmdline").read_bytes())


def _until(done: Callable[[], bool]) -> None:
    while not done():
        time.sleep(0.2)


# --- the other ----------------------------------------------------------------------------------------------------


def job_of(folder: Path, lexicon: Lexicon, port: int, pages: int, elasticsearch: str, *, live: bool) -> Path:
    """The job file of benchmarks/glued.py."""
    things, issues = lexicon.products.values(), lexicon.issues.values()
    products = sorted({word for one in things for word in (one.name, *one.terms, *one.colloquial)})
    harms = sorted({word for one in issues for word in (one.name, *one.cues)})
    job = {
        "feeds": [f"http://127.0.1.1:{port}/feed/{n}" for n in range(-(-pages // A_FEED))], "pages": pages,
        "elasticsearch": elasticsearch, "products": products, "harms": harms, "alerts": str(folder / "alerts.jsonl"),
        "poll": POLL, "threads": 1, "bulk": 1 if live else 100, "live": live,
    }  # fmt: skip
    file = folder / "job.json"
    file.write_text(json.dumps(job, ensure_ascii=False), encoding="utf-8")
    return file


@contextmanager
def glued(python: str, part: str, job: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of it."""
    process = subprocess.Popen([python, str(PROJECT / "benchmarks" / "glued.py"), part, str(job)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def glued_throughput(
    folder: Path, texts: Sequence[Text], elasticsearch: str, python: str, lexicon: Lexicon
) -> Throughput:
    """All pages at once."""
    with serving(_written(folder, texts)) as port:
        job = job_of(folder, lexicon, port, len(texts), elasticsearch, live=False)
        began = time.monotonic()
        with glued(python, "rules", job) as rules, Meter.on(rules.pid) as polling, glued(python, "crawl", job) as crawl:
            with Meter.on(crawl.pid) as meter:
                while crawl.poll() is None:
                    time.sleep(0.1)
                seconds = time.monotonic() - began
            if crawl.returncode:
                raise SystemExit("the baseline failed; its reason is above")
            polling.look()
        return Throughput(len(texts), meter.cpu + polling.cpu, seconds, meter.peak_mb + polling.peak_mb)


def glued_delay(
    folder: Path, texts: Sequence[Text], rate: float, elasticsearch: str, python: str, lexicon: Lexicon
) -> list[float]:
    """Seconds from request to alert, of each text."""
    with serving(_written(folder, texts), rate) as port:
        job = job_of(folder, lexicon, port, len(texts), elasticsearch, live=True)
        with glued(python, "rules", job), glued(python, "crawl", job) as crawl:
            time.sleep(20)  # it loads
            _get(port, "start")
            while crawl.poll() is None:
                time.sleep(0.2)
            time.sleep(POLL + 5)
            lines = (folder / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
            told = {line["url"]: line["at"] for line in map(json.loads, lines)}
            return _delays(json.loads(_get(port, "times")), told)


# --- both ---------------------------------------------------------------------------------------------------------


def _written(folder: Path, texts: Sequence[Text]) -> Path:
    folder.mkdir(parents=True)
    file = folder / "texts.json"
    file.write_text(json.dumps([[one.title, one.text] for one in texts], ensure_ascii=False), encoding="utf-8")
    return file


def _get(port: int, what: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{what}") as answer:
        return str(answer.read().decode())


def _delays(times: dict[str, float], alerts: dict[str, float]) -> list[float]:
    by_page = {url.rpartition("/")[2]: at for url, at in alerts.items()}
    return [by_page[page] - at for page, at in times.items() if page in by_page]


def accidents(count: int, lexicon: Lexicon) -> tuple[list[Text], list[Any]]:
    """Texts, each of another firm, and the firms."""
    known = firms(count, lexicon)
    texts = [
        Text(
            f"{name}生产的{goods}起火致1人受伤",
            f"本报讯 市场监管部门今日通报，{name}生产的{goods}在使用中突然起火，造成1人受伤，伤者已送医。原因在查。",
        )
        for name, _code, goods, _product in known
    ]
    return texts, known


def main() -> None:
    """Run both, print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--glued", type=int, default=200)
    parser.add_argument("--live", type=int, default=40, help="accidents of the delay's part")
    parser.add_argument("--rate", type=float, default=0.25, help="of them a second")
    parser.add_argument(
        "--python", default="", help="interpreter with torch, transformers, jieba, scrapy, elasticsearch"
    )
    parser.add_argument("--shared", type=Path, default=SHARED)
    options = parser.parse_args()
    lexicon = load_lexicon(PROJECT / "config")
    texts, (told, known) = list(made(options.documents, options.shared)), accidents(options.live, lexicon)
    letters = statistics.fmean(len(one.title) + len(one.text) for one in texts)
    print(f"{len(texts):,} documents of {letters:.0f} characters on average; load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name, running_node(Path(name) / "node", heap="1g") as node:
        folder = Path(name)
        print("| | documents | a second of CPU | a second | peak MB |\n|---|---|---|---|---|", flush=True)
        print(fengsui_throughput(folder / "f", texts, node).told("Fengsui"), flush=True)
        delays = {"Fengsui": fengsui_delay(folder / "fd", told, options.rate, node, known)}
        if options.python:
            some = texts[: options.glued]
            print(glued_throughput(folder / "g", some, node, options.python, lexicon).told("glued"), flush=True)
            delays["glued"] = glued_delay(folder / "gd", told, options.rate, node, options.python, lexicon)
        print("\n| | alerts | p50 s | p95 s |\n|---|---|---|---|")
        for who, seconds in delays.items():
            cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else [0.0] * 99
            print(f"| {who} | {len(seconds)} of {len(told)} | {cuts[49]:.2f} | {cuts[94]:.2f} |")


if __name__ == "__main__":
    main()
