"""What is kept how long: documents by kind and age, what was fetched, pages of the archive, texts of notices, files.

A night works for so many minutes and the next goes on behind it. What an open case rests on stays (store/holds.py).
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from config.keeping import RetentionRules
from core.clock import as_utc
from core.durable import sync_folder
from core.errors import SearchUnavailable
from crawlers.archive_blank import blank, finish_blanks, is_blank
from crawlers.archive_members import members
from keeping.folders import ARCHIVE, alone, is_open
from keeping.handed_files import NOWHERE, HandedPlaces, remove_aged
from search.backend import SearchBackend
from store.cards import one_judge_at_a_time
from store.database import Store, get_fact, set_fact
from store.expiry import (
    DONE,
    Aged,
    aged_after,
    drop_raw,
    expire,
    expiring,
    left_index,
    needed_offsets,
    note_change,
)
from store.holds import cited_in_papers, why_held
from store.sweeps import drop_sessions, empty_deliveries

FACT = "retention"
AT_ONCE = 500
EXAMPLES = 5
DAY = timedelta(days=1)
WEEK = 7 * 86_400 - 3600
NOTE = "record removed: its time of keeping is over"


@dataclass
class Gone:
    """What went, or would go. kept: reasons and how many documents they hold.  examples: a few of them, id and why."""

    documents: Counter[str] = field(default_factory=Counter)
    raw: int = 0
    pages: int = 0
    files: int = 0
    bytes: int = 0
    others: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, str]] = field(default_factory=list)
    finished: bool = True
    note: str = ""


@dataclass(frozen=True)
class Keeper:
    """index: None in a dry run.  dry: nothing is changed.  places: files handed in.  tick: seconds."""

    store: Store
    data_dir: Path
    rules: RetentionRules
    index: SearchBackend | None = None
    dry: bool = True
    places: HandedPlaces = NOWHERE
    tick: Callable[[], float] = time.monotonic

    def run(self, now: datetime, *, seconds: float = float("inf")) -> Gone:
        """Do what is due. Raises FengsuiError where somebody else removes things just now."""
        with nullcontext() if self.dry else alone(self.data_dir):
            return self._run(now, seconds)

    def _run(self, now: datetime, seconds: float) -> Gone:
        began, gone = self.tick(), Gone()

        def left() -> bool:
            return self.tick() - began < seconds

        if not self.dry:
            self._leave_index(gone)
        self._documents(now, left, gone)
        if not self.dry:
            self._leave_index(gone)
        self._archive(now, left, gone)
        self._others(now, gone)
        return gone

    def _documents(self, now: datetime, left: Callable[[], bool], gone: Gone) -> None:
        """Walk the rows in the order of arrival; the next night goes on where this one stopped."""
        if self.rules.least_days is None:
            return
        before, place = now - DAY * self.rules.least_days, 0 if self.dry else self._place("place")
        with self.store.read() as db:
            papers_of = cited_in_papers(db)
        while True:
            if not left():
                gone.finished = False
                break
            with self.store.read() as db:
                rows = aged_after(db, place, before=before, limit=AT_ONCE)
            if not rows:
                place = 0
                break
            self._slice(rows, now, papers_of, gone)
            place = rows[-1].seq
        if not self.dry:
            self._remember("place", place)

    def _slice(self, rows: Sequence[Aged], now: datetime, papers_of: Mapping[str, str], gone: Gone) -> None:
        due = {one.id: one for one in rows if one.latest and self._over(one, now)}
        raw_before = now - DAY * self.rules.raw if self.rules.raw is not None else None
        olds = [one for one in rows if raw_before and one.stored_at < raw_before and one.stage in DONE]
        closed_before = now - DAY * self.rules.closed_alerts
        ids = sorted({one.id for one in (*due.values(), *olds)})
        if not ids:
            return
        opened = self.store.read() if self.dry else self.store.write()
        with opened as db:
            if not self.dry:
                one_judge_at_a_time(db)  # no alert takes one of them up meanwhile
            held = why_held(db, ids, now=now, closed_before=closed_before, papers_of=papers_of)
            free = [one for one in due if one not in held]
            went = free if self.dry else expire(db, free, now=now)
            raws = [one.seq for one in olds if one.id not in held and one.id not in went]
            gone.raw += len(raws) if self.dry else drop_raw(db, raws)
        gone.documents.update(due[one].kind for one in went)
        for document in due:
            for why in held.get(document, ())[:1]:
                gone.kept[why.split()[0]] += 1
                gone.examples += [(document, why)] if len(gone.examples) < EXAMPLES else []

    def _over(self, one: Aged, now: datetime) -> bool:
        days = self.rules.days_of(one.kind, one.risk)
        return days is not None and one.stage in DONE and one.stored_at < now - DAY * days

    def _leave_index(self, gone: Gone) -> None:
        """Take what expired out of the index; where that does not answer, the next night does it."""
        assert self.index is not None
        while True:
            with self.store.read() as db:
                ids = expiring(db, limit=AT_ONCE)
            if not ids:
                return
            try:
                self.index.delete(ids)
            except SearchUnavailable as problem:
                gone.note = f"检索索引没有应答，{len(ids)} 件以上下次再移出：{problem}"
                return
            with self.store.write() as db:
                left_index(db, ids)

    def _archive(self, now: datetime, left: Callable[[], bool], gone: Gone) -> None:
        """Blank the records that nothing leads to any more in files that are old enough; whole files go. Once a week:
        every row is asked which page it needs."""
        if self.rules.pages is None or not (self.dry or self._place("archive") + WEEK <= now.timestamp()):
            return
        names = list(self._old_files(now - DAY * self.rules.pages))
        with self.store.read() as db:
            needed = needed_offsets(db, names) if names else {}
        for name in names:
            if not left():
                gone.finished = False
                return
            self._one_file(name, needed[name], now, gone)
        if not self.dry:
            self._remember("archive", int(now.timestamp()))

    def _old_files(self, before: datetime) -> Iterator[str]:
        """Names within the archive of the files that were closed before a moment."""
        root = self.data_dir / ARCHIVE
        for path in sorted(root.glob("*/*.warc.gz")):
            try:
                day = as_utc(datetime.strptime(path.name[:8], "%Y%m%d"))  # noqa: DTZ007 - Beijing, says as_utc
            except ValueError:
                continue
            if day < before - DAY and not is_open(path):
                yield path.relative_to(root).as_posix()

    def _one_file(self, name: str, needed: set[int], now: datetime, gone: Gone) -> None:
        path = self.data_dir / ARCHIVE / name
        size = path.stat().st_size
        if not needed:
            gone.files, gone.bytes = gone.files + 1, gone.bytes + size
            if not self.dry:
                with self.store.write() as db:
                    note_change(db, name, why="expired", records=-1, now=now)
                path.unlink()
                sync_folder(path.parent)
            return
        if not self.dry:
            finish_blanks(path)
        spots = list(members(path))
        idle = [(offset, length) for offset, length in spots[1:] if offset not in needed]  # the first is its warcinfo
        todo = [(offset, length) for offset, length in idle if not is_blank(path, offset)]
        if not todo:
            return
        gone.pages, gone.bytes = gone.pages + len(todo), gone.bytes + sum(length for _, length in todo)
        if not self.dry:
            with self.store.write() as db:
                note_change(db, name, why="expired", records=len(idle), now=now)
            blank(path, todo, note=NOTE, now=now)

    def _others(self, now: datetime, gone: Gone) -> None:
        rules = self.rules
        opened = self.store.read() if self.dry else self.store.write()
        with opened as db:
            if rules.deliveries is not None:
                gone.others["通知正文"] += empty_deliveries(db, now - DAY * rules.deliveries, dry=self.dry)
            if rules.sessions is not None:
                gone.others["过期的登录"] += drop_sessions(db, now - DAY * rules.sessions, dry=self.dry)
        if rules.handed is not None:
            before = now - DAY * rules.handed
            gone.others["报送文件"] += remove_aged(self.store, self.places, before, dry=self.dry)
        if rules.logs is not None:
            for path in sorted((self.data_dir / "logs").glob("*")):
                if path.is_file() and path.stat().st_mtime < (now - DAY * rules.logs).timestamp():
                    gone.others["日志文件"] += 1
                    if not self.dry:
                        path.unlink()

    def _place(self, key: str) -> int:
        with self.store.read() as db:
            kept = get_fact(db, FACT)
        return int(json.loads(kept).get(key, 0)) if kept else 0

    def _remember(self, key: str, place: int) -> None:
        with self.store.write() as db:
            kept = get_fact(db, FACT)
            set_fact(db, FACT, json.dumps({**(json.loads(kept) if kept else {}), key: place}))
