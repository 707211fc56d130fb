"""A source tried once: fetched exactly as a crawl would, shown, and nothing of it kept.

What is read goes into an intake that forgets; pages lie in a folder of the caller's, who throws it away; files of a
drop folder are copied there first, so that the originals are neither moved nor marked.
"""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from config.sources import FileImportSource, SourceConfig, WebSource
from core.clock import Clock
from core.ids import content_hash
from core.records import Gone, HotLine, Kind, RawDocument
from crawlers.archive import ArchiveDamaged, read_record
from crawlers.base import SourceSpider
from crawlers.extract import ABSENT, extract_page
from crawlers.families import SPIDERS
from crawlers.files import matching
from crawlers.intake import Outcome, Validators
from crawlers.run import RunSummary
from crawlers.runner import CrawlEngine
from crawlers.urls import canonical_url

TELL_EVERY = 2.0
"""Seconds between two words of progress."""
SHORT_TEXT = 40
"""Characters below which a text without table or file is doubtful."""
BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass
class TrialIntake:
    """Takes documents and keeps them for a look.

    After `limit` different addresses every further one is said to be known: their rows are counted, their pages are
    not fetched. held: what the store was told of the source's wish to be left alone.
    """

    limit: int
    held: datetime | None = None
    documents: dict[str, RawDocument] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    passed_over: bool = False

    def save(self, raw: RawDocument) -> Outcome:
        key = raw.external_id or canonical_url(raw.url) or content_hash(raw.title, raw.text)
        outcome: Outcome = "unchanged" if key in self.documents else "new"
        self.documents.setdefault(key, raw)
        return outcome

    def known(self, source: str, address: str) -> bool:
        if address in self.asked:
            return False
        if len(self.asked) >= self.limit:
            self.passed_over = True
            return True
        self.asked.add(address)
        return False

    def held_until(self, source: str) -> datetime | None:
        return self.held

    def hot(self, lines: Sequence[HotLine]) -> None:
        """Nothing is kept."""

    def looked(self, source: str, url: str) -> None:
        """Nothing is kept."""

    def dead(self, source: str, url: str) -> None:
        """Nothing is kept."""

    def is_dead(self, source: str, url: str) -> bool:
        """Nothing is kept."""
        return False

    def dead_due(self, source: str) -> bool:
        """Nothing is kept."""
        return False

    def alive(self, source: str, url: str) -> None:
        """Nothing is kept."""

    def is_sick(self, source: str) -> bool:
        """Nothing is kept."""
        return False

    def gone(self, gone: Gone, **how: Any) -> Any:
        """Nothing is kept."""

    def validators(self, source: str, url: str) -> Validators | None:
        """Nothing is kept."""

    def remember(self, source: str, url: str, validators: Validators) -> None:
        """Nothing is kept."""

    def recheck(self, source: str, limit: int, **how: Any) -> list[Any]:
        """A trial looks at what is new only."""
        return []

    def hold_back(self, source: str, until: datetime, why: str) -> None:
        """Nothing is kept; the summary says it."""


@dataclass(frozen=True)
class Seen:
    """A document and what is doubtful about it (sentences in Chinese)."""

    document: RawDocument
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """What came of it. rows: the first documents, at most as many as asked for.  read: how many there were.

    well: a crawl would be a good one.  why: the reasons against, or the doubts, gravest first.  limited: there were
    more pages than were to be fetched.
    """

    source: SourceConfig
    summary: RunSummary
    rows: tuple[Seen, ...]
    read: int
    well: bool
    why: tuple[str, ...]
    limited: bool = False


@dataclass(frozen=True)
class Bench:
    """What a trial needs. folder: for what must not stay.  data: the data folder, of which only the inbox is read.

    tell: hears every two seconds how many seconds passed and how many documents were read.
    """

    folder: Path
    data: Path
    contact: str
    clock: Clock
    limit: int = 10
    held: datetime | None = None
    tell: Callable[[float, int], None] = lambda seconds, read: None
    backoff: timedelta = timedelta(seconds=5)


async def try_source(source: SourceConfig, bench: Bench) -> Trial:
    """Crawl `source` once and judge it. Raises nothing but what is wrong with the caller."""
    intake = TrialIntake(bench.limit, held=bench.held)
    drop = bench.folder / "drop"
    if isinstance(source, FileImportSource):
        copy_inbox(source, bench.data, drop)
    engine = CrawlEngine(
        sources={source.key: source},
        intake=intake,
        archive_dir=bench.folder / "archive",
        contact=bench.contact,
        drop_dir=drop,
        clock=bench.clock,
        backoff=bench.backoff,
        spiders={family: _sparing(spider, intake) for family, spider in SPIDERS.items()},
    )
    telling = asyncio.create_task(keep_telling(lambda seconds: bench.tell(seconds, len(intake.documents))))
    try:
        summary = await engine.crawl(source.key)
    finally:
        telling.cancel()
        await engine.stop()
    documents = list(intake.documents.values())
    rows = tuple(Seen(raw, tuple(_doubts(source, raw, bench))) for raw in documents[: bench.limit])
    return Trial(
        source, summary, rows, len(documents), *_verdict(source, summary, documents), limited=intake.passed_over
    )


async def keep_telling(tell: Callable[[float], None]) -> None:
    """Call `tell` with the seconds passed, every TELL_EVERY seconds, until cancelled."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        await asyncio.sleep(TELL_EVERY)
        tell(loop.time() - begun)


def inbox_of(source: FileImportSource) -> str:
    """Where its files are dropped, below the data folder."""
    return source.folder or f"inbox/{source.key}"


def copy_inbox(source: FileImportSource, data: Path, into: Path) -> None:
    """Copy what a source's pattern finds, times kept; a file beyond max_size becomes an empty one of its size."""
    inbox = data / inbox_of(source)
    if not inbox.resolve().is_relative_to(data.resolve()):
        return  # the crawl says so
    for path in matching(inbox, source.pattern) if inbox.is_dir() else ():
        copy = into / inbox_of(source) / path.relative_to(inbox)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.stat().st_size <= source.max_size:
            shutil.copy2(path, copy)
            continue
        with copy.open("wb") as file:
            file.truncate(path.stat().st_size)
        shutil.copystat(path, copy)


def _sparing(spider: type[SourceSpider[Any]], intake: TrialIntake) -> type[SourceSpider[Any]]:
    """The spider, fetching no attachments for documents beyond those that are shown."""

    async def with_attached(self: SourceSpider[Any], raw: RawDocument, *more: Any, **named: Any) -> RawDocument:
        if len(intake.documents) >= intake.limit:
            return raw
        return await spider.with_attached(self, raw, *more, **named)

    return type(spider.__name__, (spider,), {"with_attached": with_attached})


def _doubts(source: SourceConfig, raw: RawDocument, bench: Bench) -> list[str]:
    found = []
    if raw.published is None:
        found.append("没有日期")
    elif raw.date_source == "url":
        found.append("日期取自网址")
    if not raw.url and isinstance(source, WebSource):
        found.append("没有网址")
    bare = not raw.tables and not raw.attachments
    if bare and len(raw.text) < SHORT_TEXT and raw.kind is not Kind.HOTLIST:
        found.append(f"正文只有 {len(raw.text)} 字" if raw.text else "没有正文")
    if BROKEN in raw.title or BROKEN in raw.text:
        found.append("有乱码")
    if isinstance(source, WebSource) and source.follow and raw.archive is not None:
        with suppress(ArchiveDamaged):
            _, body = read_record(bench.folder / "archive", raw.archive)
            problems = extract_page(body, raw.url, source.detail, now=bench.clock()).problems
            found += [problem for problem in problems if problem not in ABSENT]  # what the row made up for
    return found


def _verdict(source: SourceConfig, summary: RunSummary, documents: list[RawDocument]) -> tuple[bool, tuple[str, ...]]:
    why = list(summary.problems)
    if not documents and summary.status == "ok":
        why.insert(0, _nothing(source, summary))
    if summary.status == "ok" and len(documents) >= 3:
        for what, values in (("标题", {raw.title for raw in documents}), ("正文", {raw.text for raw in documents})):
            if len(values) == 1 and values != {""}:
                why.append(f"{len(documents)} 条{what}完全相同，选择器可能取到了栏目名或版权栏")
    return summary.status == "ok" and bool(documents), tuple(why)


def _nothing(source: SourceConfig, summary: RunSummary) -> str:
    if isinstance(source, FileImportSource):
        patterns = "、".join(source.pattern)
        return f"数据目录下 {inbox_of(source)} 里没有可读的 {patterns}（2 秒内写过的文件要等它写完）"
    return f"列表 {summary.items} 行，一条也没有读出"
