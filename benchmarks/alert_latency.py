"""How long a document takes to an alert in the feed: the whole system as `fengsui run` starts it, 500 rules loaded.

    python -m benchmarks.alert_latency [--rules 500] [--documents 120] [--rate 2] [--dead-elasticsearch]

A feed on the loopback publishes documents at a steady rate, then as many again at ten times that rate; its source is
asked for twice a second, as the button on the desk does. Every second document tells of an accident of a firm of its
own and must become an alert; the others are everyday news. The desk's private JSON feed is read over HTTP five times a
second. Told are the seconds from the document's row in the store, and from its publication, until its alert stands in
the feed.
--dead-elasticsearch: an address is configured at which nobody answers.  --keep: leaves the folder for a look.
"""

import argparse
import csv
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml
from sqlalchemy import select

from benchmarks.answering import answering
from benchmarks.made_up_rules import files_made_up
from commands.stores import open_store
from config.lexicon import Lexicon, load_lexicon
from config.registry_columns import FIRMS, load_columns
from config.settings import PROJECT, Settings
from core.clock import system_clock
from core.ids import digest
from enterprises.registry_import import ImportPlan, import_file
from store.database import Store
from store.runs import ask_for_run
from store.schema import alert_documents, alerts, documents
from store.tokens import create_token
from store.users import create_user

SOURCE = "latency_feed"
ASK_SECONDS, LOOK_SECONDS, PATIENCE = 0.5, 0.2, 240.0
SHOWN = 200
"""Entries that the feed holds at a time: more than come between two runs."""
SYLLABLES = "云岭清泉宏达瑞丰金鼎华泰永兴嘉禾盛安博远恒信天成明辉广源锦程卓越腾飞"
GOODS = (
    ("电动自行车", "ebike_power"),
    ("燃气灶", "gas_appliance"),
    ("电线电缆", "cable"),
    ("电热水器", "small_appliance"),
)


@dataclass
class Publisher:
    """The site: what is published stands in its feed from that moment on."""

    entries: list[dict[str, str]] = field(default_factory=list)
    dropped: dict[str, float] = field(default_factory=dict)

    def publish(self, url: str, title: str, text: str) -> None:
        """Put one entry in front."""
        moment = datetime.now(UTC)
        entry = {"id": url, "url": url, "title": title, "content_text": text, "date_published": moment.isoformat()}
        self.dropped[url] = moment.timestamp()
        self.entries.insert(0, entry)

    def answer(self, path: str) -> tuple[str, bytes] | None:
        """Its feed; nothing else is there."""
        if path != "/feed.json":
            return None
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": self.entries[:SHOWN]}
        return "application/feed+json; charset=utf-8", json.dumps(feed, ensure_ascii=False).encode()


@dataclass
class FeedWatch:
    """Reads the desk's feed five times a second and notes when each entry was first there."""

    address: str
    seen: dict[str, float] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    slowest: float = 0.0

    def run(self) -> None:
        """Until `over` is set."""
        tag = ""
        with httpx.Client(timeout=30) as client:
            while not self.over.wait(LOOK_SECONDS):
                started = time.time()
                answer = client.get(self.address, headers={"If-None-Match": tag} if tag else {})
                self.slowest = max(self.slowest, time.time() - started)
                if answer.status_code == 200:
                    tag = answer.headers["etag"]
                    for item in answer.json()["items"]:
                        self.seen.setdefault(item["id"], time.time())


def firms(count: int, lexicon: Lexicon) -> list[tuple[str, str, str, str]]:
    """(name, county's code, what it makes, its product's id), each name another."""
    chance = random.Random(5)
    counties = [region for region in lexicon.regions if region.level == "county" and region.code.startswith("36")]
    found: dict[str, tuple[str, str, str, str]] = {}
    while len(found) < count:
        place, (goods, product) = chance.choice(counties), chance.choice(GOODS)
        name = f"{place.short_name}{''.join(chance.sample(SYLLABLES, 3))}{goods}有限公司"
        found[name] = (name, place.code, goods, product)
    return list(found.values())


def write_config(folder: Path, rules: int, base: str, lexicon: Lexicon) -> None:
    """The shipped configuration with one source, and with so many rules: the shipped ones and made-up ones."""
    shutil.copytree(PROJECT / "config", folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (folder / "sources" / "live").glob("*.yml"):
        path.unlink()
    source = {
        "title": "速报", "family": "feed", "kind": "news", "tier": 2, "list_url": f"{base}/feed.json", "every": "1h",
        "delay": 0, "autothrottle": False, "allow_private": ["127.0.0.1"], "max_items": SHOWN,
    }  # fmt: skip
    _write(folder / "sources" / "live" / f"{SOURCE}.yml", source)
    shipped = len(list((folder / "rules").glob("*.yml")))
    for name, content in files_made_up(max(0, rules - shipped), lexicon, [f"L{n:05d}" for n in range(50)]).items():
        _write(folder / "rules" / f"{name}.yml", content)


def _write(path: Path, content: object) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def prepare(settings: Settings, made: Sequence[tuple[str, str, str, str]]) -> tuple[Store, str]:
    """A store with the firms and an account; the secret of its feed."""
    settings.data_dir.mkdir(parents=True)
    file = settings.data_dir / "firms.csv"
    with (PROJECT / "config/lexicons/enterprises_demo.csv").open(encoding="utf-8") as like:
        columns = next(csv.reader(like))
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="")
        writer.writeheader()
        for number, (name, code, _goods, product) in enumerate(made):
            row = {"id": f"L{number:05d}", "name": name, "region_code": code, "products": product, "role": "producer"}
            writer.writerow({**row, "status": "存续"})
    store, now = open_store(settings), system_clock()
    import_file(store, file, ImportPlan(load_columns(settings.config)[FIRMS]), clock=system_clock)
    with store.write() as db:
        create_user(db, "desk", role="supervisor", territory="360000", display_name="", password=None, now=now)
        secret = create_token(db, "feed", user="desk", note="latency", now=now)
    return store, secret


@contextmanager
def running(settings: Settings, environment: dict[str, str]) -> Iterator[str]:
    """`fengsui run`; the address of its desk."""
    command = [sys.executable, "-m", "cli", "run", "--port", "0", "--profile", "live", "--data", str(settings.data_dir)]
    with (settings.data_dir / "run.err").open("wb") as err:
        process = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        if not line:
            raise SystemExit((settings.data_dir / "run.err").read_text(encoding="utf-8"))
        yield "/".join(line.split("/")[:3]).strip()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def ask_always(store: Store, over: threading.Event) -> None:
    """Ask for a run of the source, as somebody would who presses the button twice a second."""
    while not over.wait(ASK_SECONDS):
        with suppress(Exception), store.write() as db:
            ask_for_run(db, SOURCE, reason="hand", now=system_clock())


def tell(publisher: Publisher, made: Sequence[tuple[str, str, str, str]], rate: float, phase: str) -> list[str]:
    """Publish an accident of each firm and a piece of everyday news after it, `rate` a second; the accidents' urls."""
    told, began = [], time.monotonic()
    for number, (name, _code, goods, _product) in enumerate(made):
        url = f"http://news.example/{phase}/{number}"
        title = f"{name}生产的{goods}起火致{number % 3 + 1}人受伤"
        text = (
            f"本报讯 市场监管部门今日通报，{name}生产的{goods}在使用中突然起火，造成{number % 3 + 1}人受伤，"
            f"伤者已送医。初步调查，起火产品编号为{random.Random(url).randrange(10**9)}，原因正在调查。"
        )
        publisher.publish(url, title, text)
        told.append(url)
        time.sleep(max(0.0, began + (2 * number + 1) / rate - time.monotonic()))
        quiet = f"第{number}届赏花节在{phase}举行，游客{random.Random(number).randrange(10**5)}人次，秩序良好。"
        publisher.publish(f"{url}/quiet", quiet[:20], quiet * 5)
        time.sleep(max(0.0, began + (2 * number + 2) / rate - time.monotonic()))
    return told


def wait_until_read(store: Store, urls: Sequence[str]) -> None:
    """Until all of them are judged."""
    give_up = time.monotonic() + PATIENCE
    wanted = set(urls)
    while True:
        with store.read() as db:
            query = select(documents.c.url).where(documents.c.stage.in_(("judged", "indexed")))
            if wanted <= set(db.execute(query).scalars()):
                return
        if time.monotonic() > give_up:
            raise SystemExit(f"not all of {len(urls)} documents were judged within {PATIENCE:.0f} s")
        time.sleep(0.2)


def report(phase: str, store: Store, publisher: Publisher, watch: FeedWatch, urls: Sequence[str]) -> None:
    """A line from storing, one from publishing."""
    with store.read() as db:
        stored = {row.url: row for row in db.execute(select(documents.c.url, documents.c.id, documents.c.stored_at))}
        query = select(alert_documents.c.document, alerts.c.id, alerts.c.subject)
        query = query.join(alerts, alerts.c.id == alert_documents.c.alert)
        of_document: dict[str, list[str]] = {}
        for document, alert, subject in db.execute(query):
            if subject.startswith("f:"):
                of_document.setdefault(document, []).append(f"urn:fengsui:alert:{digest(alert)[:32]}")
    since_stored, since_dropped, missing = [], [], 0
    for url in urls:
        shown = [watch.seen[urn] for urn in of_document.get(stored[url].id, ()) if urn in watch.seen]
        if not shown:
            missing += 1
            continue
        since_stored.append(min(shown) - stored[url].stored_at.timestamp())
        since_dropped.append(min(shown) - publisher.dropped[url])
    print(f"{phase}: {len(urls)} accidents, {missing} without an alert in the feed")
    for what, seconds in (("stored to feed", since_stored), ("published to feed", since_dropped)):
        if len(seconds) > 1:
            cuts = statistics.quantiles(seconds, n=100, method="inclusive")
            print(
                f"    {what:<18} p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, p99 {cuts[98]:.2f} s, "
                f"worst {max(seconds):.2f} s"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", type=int, default=500)
    parser.add_argument("--documents", type=int, default=120, help="in each of the two phases")
    parser.add_argument("--rate", type=float, default=2.0, help="documents a second; then ten times as many")
    parser.add_argument("--dead-elasticsearch", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    lexicon = load_lexicon(PROJECT / "config")
    made = firms(options.documents, lexicon)
    folder = Path(tempfile.mkdtemp(prefix="latency-"))
    publisher, over = Publisher(), threading.Event()
    try:
        with answering(publisher.answer) as base:
            write_config(folder / "config", options.rules, base, lexicon)
            settings = Settings(profile="live", data=folder / "data", config=folder / "config")
            store, secret = prepare(settings, made)
            own = {"FENGSUI_CONFIG": str(settings.config), "FENGSUI_CONTACT": "desk@bureau.example.org"}
            environment = {**os.environ, **own}
            if options.dead_elasticsearch:
                environment["FENGSUI_ELASTICSEARCH_URL"] = f"http://127.0.0.1:{_nobodys_port()}"
            with running(settings, environment) as desk:
                rules = len(list((settings.config / "rules").glob("*.yml")))
                print(f"{rules} rules, index: {'a dead Elasticsearch' if options.dead_elasticsearch else 'embedded'}")
                watch = FeedWatch(f"{desk}/feeds/{secret}/alerts.json")
                for work in (watch.run, lambda: ask_always(store, over)):
                    threading.Thread(target=work, daemon=True).start()
                publisher.publish("http://news.example/first", "开篇", "开篇的话，没有别的。")
                wait_until_read(store, ["http://news.example/first"])
                half = len(made) // 2
                for phase, some, rate in (
                    ("steady", made[:half], options.rate),
                    ("tenfold", made[half:], options.rate * 10),
                ):
                    urls = tell(publisher, some, rate, phase)
                    wait_until_read(store, urls)
                    time.sleep(1.0)
                    report(f"{phase}, {rate:g} documents a second", store, publisher, watch, urls)
                over.set()
                watch.over.set()
                print(f"the feed itself answered within {watch.slowest:.2f} s")
            store.close()
    finally:
        if options.keep:
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _nobodys_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    raise SystemExit(main())
