"""kill -9 again and again: a whole system on PostgreSQL under a stream of documents, and what is left of them.

    python -m tests.chaos [--runs 200] [--seed N] [--sqlite] [--calm]      (make chaos)

One system lives through all runs: two workers, crawler, indexer, sender, scheduler, desk, mails to a real SMTP server.
In each run a page on an accident of a firm of its own and one of everyday news are published, and at a random moment a
random process is killed -9, in one of ten runs two of them; in each fifteenth run the database crashes instead
(PostgreSQL ends all connections and recovers from its log). Every ten runs it is waited for: each page stored once and
judged, each accident with one alert, each mail that was sent there exactly once, no claim left. --calm kills nothing:
what all is compared with.
Ends with 1 and the seed when anything was lost or doubled. Kept processes start again after 0.3 s here, not after up to
30 as in `fengsui run`: else most runs would find nobody to kill.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import select, text

from benchmarks.alert_latency import Publisher, ask_always, firms, prepare, write_config
from benchmarks.answering import answering
from config.lexicon import load_lexicon
from config.settings import PROJECT, Settings
from store.database import Store
from store.documents import READ, REAL
from store.schema import alert_documents, deliveries, documents
from tests.mail_server import Inbox, free_port, listening
from tests.postgresql import running_postgresql
from tests.running_system import System

ROLES = ("worker", "worker", "crawler", "indexer", "sender", "scheduler", "desk")
TOGETHER, DATABASE = 0.1, 15
EACH = 10
DURABLE = ("fsync=off", "full_page_writes=off", "shared_buffers=64MB")
"""Commits wait for the log, as they do by default: without that a crash of the database forgets the last of them, and
a mail is sent twice (seen). fsync matters to a power cut only."""
PATIENCE = 420.0
"""Longer than the claim of a mail whose sender died: five minutes."""
EAGER = "import pipelines.supervisor as s; s.RESTART_SECONDS = (0.3,); from cli import main; raise SystemExit(main())"


@dataclass
class Eager(System):
    """A live system whose processes start again at once. workers: how many read."""

    workers: int = 2

    def start(self) -> None:
        """See System."""
        self._out, self._err = self.folder.parent / "run.out", self.folder.parent / "run.err"
        words = ["run", "--port", "0", "--profile", "live", "--workers", str(self.workers)]
        words += ["--data", str(self.folder)]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-c", EAGER, *words],
                cwd=PROJECT, env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip


@dataclass
class Counts:
    """What there is at a moment. lost, doubled: in words; empty when all is well."""

    documents: int = 0
    judged: int = 0
    alerts: int = 0
    told: Counter[str] = field(default_factory=Counter)
    mails: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


@dataclass
class Story:
    """What was published. accidents: the addresses that must become an alert each."""

    publisher: Publisher
    made: list[tuple[str, str, str, str]]
    accidents: list[str] = field(default_factory=list)

    def publish(self) -> None:
        """An accident of the next firm, and everyday news."""
        number = len(self.accidents)
        name, _code, goods, _product = self.made[number]
        url = f"http://news.example/accident/{number}"
        body = (
            f"本报讯 市场监管部门今日通报，{name}生产的{goods}在使用中突然起火，造成{number % 2 + 1}人受伤，"
            f"伤者已送医。起火产品编号为{number * 7919 + 1000}，原因正在调查。"
        )
        self.publisher.publish(url, f"{name}生产的{goods}起火致{number % 2 + 1}人受伤", body)
        quiet = f"第{number}届赏花节举行，游客{number * 31 + 5000}人次，秩序良好。"
        self.publisher.publish(f"http://news.example/quiet/{number}", f"第{number}届赏花节举行", quiet)
        self.accidents.append(url)


def counted(store: Store, story: Story, inbox: Inbox) -> Counts:
    """Look at everything once."""
    found, published = Counts(), set(story.publisher.dropped)
    with store.read() as db:
        rows = db.execute(
            select(documents.c.id, documents.c.url, documents.c.stage, documents.c.claimed_by).where(REAL)
        ).all()
        pairs = select(documents.c.url, alert_documents.c.alert).where(
            documents.c.id == alert_documents.c.document, REAL, documents.c.latest
        )
        of: dict[str, set[str]] = {}
        for url, alert in db.execute(pairs):
            of.setdefault(url, set()).add(alert)
        sent = db.execute(select(deliveries.c.id, deliveries.c.state, deliveries.c.alert, deliveries.c.channel)).all()
    stored = Counter(row.url for row in rows)
    found.documents, found.judged = len(rows), sum(row.stage in READ for row in rows)
    found.alerts = len({alert for some in of.values() for alert in some})
    mails = [line for line in sent if line.channel == "mail"]
    found.told = Counter(line.state for line in mails)
    by_id = inbox.by_id
    found.mails = sum(by_id.values())
    arrived = {name.strip("<>").split("@")[0].split(".")[0] for name in by_id}
    found.lost += [f"not stored: {url}" for url in sorted(published - set(stored))]
    found.lost += [f"in stage {row.stage}: {row.url}" for row in rows if row.stage not in READ]
    found.lost += [f"claimed still: {row.url}" for row in rows if row.claimed_by is not None]
    found.lost += [f"no alert: {url}" for url in story.accidents if not of.get(url)]
    told = {line.alert for line in mails}
    found.lost += [f"no mail on {alert}" for url in story.accidents for alert in of.get(url, ()) if alert not in told]
    found.lost += [f"mail {line.id} {line.state}" for line in mails if line.state in ("waiting", "sending", "handing")]
    found.lost += [
        f"mail {line.id} sent, not arrived" for line in mails if line.state == "sent" and line.id not in arrived
    ]
    found.doubled += [f"stored {count} times: {url}" for url, count in stored.items() if count > 1]
    found.doubled += [f"{len(some)} alerts: {url}" for url, some in of.items() if len(some) > 1]
    found.doubled += [f"arrived {count} times: {name}" for name, count in by_id.items() if count > 1]
    return found


def settled(store: Store, story: Story, inbox: Inbox) -> Counts:
    """Wait until nothing is missing any more, or patience is over."""
    end = time.monotonic() + PATIENCE
    while True:
        with suppress(Exception):  # the database may be recovering
            found = counted(store, story, inbox)
            if not found.lost or found.doubled or time.monotonic() > end:
                return found
        if time.monotonic() > end:
            raise SystemExit("the database does not answer any more")
        time.sleep(0.3)


def kill(system: System, role: str, chance: random.Random) -> bool:
    """One of the processes of a role, if one lives."""
    alive = [pid for pid, name in system.processes().items() if name.split("@")[0].split("-")[0] == role]
    if alive:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(alive), signal.SIGKILL)
    return bool(alive)


def crash_database(store: Store) -> bool:
    """A server process dies: PostgreSQL ends all others and recovers from its log."""
    if store.engine.dialect.name != "postgresql":
        return False
    with suppress(Exception), store.read() as db:
        os.kill(db.execute(text("select pg_backend_pid()")).scalar_one(), signal.SIGKILL)
    return True


@contextmanager
def database(folder: Path, *, sqlite: bool) -> Iterator[str | None]:
    """Address of an empty one; None: the data folder's own."""
    if sqlite:
        yield None
        return
    with running_postgresql(folder / "postgresql", DURABLE) as server:
        yield server.url


@dataclass(frozen=True)
class Living:
    """A system that lives, what is published for it, and where its mails arrive."""

    store: Store
    story: Story
    inbox: Inbox
    system: Eager


@contextmanager
def living(
    folder: Path, runs: int, *, url: str | None, environment: Mapping[str, str] | None = None, workers: int = 2
) -> Iterator[Living]:
    """A system in a folder of its own that reads what is published. runs: firms that may have an accident.  url: of its
    database; None: the data folder's own.  environment: more of it."""
    lexicon, publisher, inbox, over = load_lexicon(PROJECT / "config"), Publisher(), Inbox(), threading.Event()
    port, story = free_port(), Story(publisher, firms(runs, lexicon))
    with answering(publisher.answer) as base, listening(inbox, port):
        write_config(folder / "config", 0, base, lexicon)
        own = {
            "FENGSUI_CONFIG": str(folder / "config"),
            "FENGSUI_CONTACT": "desk@bureau.example.org",
            "FENGSUI_SMTP_URL": f"smtp://127.0.0.1:{port}",
            "FENGSUI_MAIL_TO": "desk@bureau.example.org",
            "FENGSUI_MAIL_PER_MINUTE": "10000",
            **({"FENGSUI_DATABASE_URL": url} if url else {}),
            **(environment or {}),
        }
        settings = Settings(profile="live", data=folder / "data", config=folder / "config")
        if url:
            settings = settings.model_copy(update={"database_url": SecretStr(url)})
        store, _secret = prepare(settings, story.made)
        system = Eager(settings.data_dir, profile="live", environment=own, workers=workers)
        system.start()
        try:
            system.address()
            threading.Thread(target=lambda: ask_always(store, over), daemon=True).start()
            yield Living(store, story, inbox, system)
        finally:
            over.set()
            system.clear()
            store.close()


def live_through(runs: int, seed: int, *, sqlite: bool, calm: bool) -> Counts:
    """All runs; the last counts."""
    chance, killed = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with database(folder, sqlite=sqlite) as url, living(folder, runs, url=url) as here:
            for run in range(1, runs + 1):
                here.story.publish()
                time.sleep(chance.uniform(0.1, 2.2))
                if not calm:
                    if run % DATABASE == 0 and crash_database(here.store):
                        killed["database"] += 1
                    else:
                        for role in chance.sample(ROLES, 2 if chance.random() < TOGETHER else 1):
                            killed[role] += kill(here.system, role, chance)
                if run % EACH == 0 or run == runs:
                    found = settled(here.store, here.story, here.inbox)
                    told(run, killed, here.story, found)
                    if found.lost or found.doubled:
                        break
    return found


def told(run: int, killed: Counter[str], story: Story, found: Counts) -> None:
    """One line of how it stands."""
    deaths = ", ".join(f"{name} {count}" for name, count in sorted(killed.items())) or "nobody"
    print(
        f"run {run}: killed {deaths}; published {len(story.publisher.dropped)}, stored {found.documents}, judged "
        f"{found.judged}; accidents {len(story.accidents)}, alerts {found.alerts}; mails {dict(found.told)}, arrived "
        f"{found.mails}; lost {len(found.lost)}, doubled {len(found.doubled)}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--sqlite", action="store_true", help="on a data folder alone, without PostgreSQL")
    parser.add_argument("--calm", action="store_true", help="kills nothing")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    found = live_through(options.runs, seed, sqlite=options.sqlite, calm=options.calm)
    for line in [*found.lost, *found.doubled][:40]:
        print(line)
    return int(bool(found.lost or found.doubled))


if __name__ == "__main__":
    raise SystemExit(main())
