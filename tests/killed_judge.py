"""Processes that judge a story with the pipeline's own step and kill themselves at a given place in its transaction.

python -m tests.killed_judge        reads [folder, place, count] from each line and answers with the exit code of a
                                    process that dies, as if by kill -9, in the count-th call of place; 0: never

The lexicon is read once; each process is forked from there.
"""

import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import update

import alerts.alert_book
import alerts.anomalies
import alerts.clockwork
import alerts.engine
import alerts.flatlines
import store.day_counts
from alerts.clockwork import Clockwork
from config.lexicon import Lexicon, load_lexicon, load_registry_csv
from config.settings import PROJECT
from core.clock import fixed_clock
from core.records import RegistryEntry
from pipelines.stages import Pipeline
from store.database import Store
from store.documents import add_revision, analysis_columns, release_claims
from store.schema import documents
from tests.random_stories import Arrival, engine_of, rules_of, story

SEED = 11
PLACES: dict[str, tuple[Any, str]] = {
    "card saved": (alerts.engine, "save_card"),
    "day counted": (store.day_counts, "bump"),
    "key noted": (store.day_counts, "note_key"),
    "rule marked": (store.day_counts, "judge_again"),
    "finding written": (alerts.anomalies, "write_findings"),
    "silence written": (alerts.flatlines, "write_findings"),
    "alert saved": (alerts.alert_book, "save_alert"),
    "history written": (alerts.alert_book, "add_event"),
    "key judged again": (alerts.clockwork.Clockwork, "_again_page"),
    "silence looked at": (alerts.clockwork.Clockwork, "_silences_page"),
    "alert ended": (alerts.clockwork.Clockwork, "_end"),
}
"""Functions after which it dies: what they wrote is not committed yet, but by the clockwork's pages."""


def kill_after(place: str, count: int) -> None:
    """Let this process die as the function returns for the count-th time."""
    where, name = PLACES[place]
    before: Callable[..., Any] = getattr(where, name)
    called = 0

    @functools.wraps(before)
    def deadly(*args: Any, **more: Any) -> Any:
        nonlocal called
        result = before(*args, **more)
        called += 1
        if called == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(where, name, deadly)


def fill(folder: Path) -> None:
    """A store with the story's pages, read but not judged."""
    filled = Store(f"sqlite:///{folder / 'fengsui.db'}")
    filled.migrate()
    put_pages(filled)
    filled.close()


def put_pages(store: Store) -> None:
    """The story's pages, read but not judged."""
    with store.write() as db:
        for one in pages():
            add_revision(db, one.signal.document, external_id="", raw={})
            mine = (documents.c.id == one.signal.document.id, documents.c.revision == one.signal.document.revision)
            db.execute(update(documents).where(*mine).values(stage="analysed", **analysis_columns(one.signal.analysis)))


def pages() -> list[Arrival]:
    """The story without withdrawals: each page in one or two revisions."""
    return [one for one in story(SEED, pages=45) if one.signal.document.withdrawn_at is None]


def judge_all(folder: Path, lexicon: Lexicon, firms: Mapping[str, RegistryEntry]) -> None:
    """Judge until nothing waits."""
    opened = Store(f"sqlite:///{folder / 'fengsui.db'}")
    engine = engine_of(rules_of(), lexicon, firms)
    passes = Clockwork(opened, engine)
    passes.begin()
    with opened.write() as db:
        release_claims(db, "worker")
    now = pages()[-1].at
    pipeline = Pipeline(
        store=opened, analyzer=None, judge=lambda db, one, at: engine.judge(db, one, now=at) and None,  # type: ignore[arg-type]
        clock=fixed_clock(now), who="worker",
    )  # fmt: skip
    while pipeline.judge_signals():
        passes.run(now)
    passes.run(now)


def forked(work: Callable[[], None]) -> int:
    """The exit code of a child that does `work`; the negative signal where one ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    config = PROJECT / "config"
    firms = {entry.id: entry for entry in load_registry_csv(config / "lexicons" / "enterprises_demo.csv")}
    lexicon = load_lexicon(config)

    def work(folder: str, place: str, count: int) -> None:
        if count:
            kill_after(place, count)
        judge_all(Path(folder), lexicon, firms)

    for line in sys.stdin:
        print(forked(functools.partial(work, *json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
