"""One run of one source: what it counted, what went wrong, and how it is judged at its end."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from config.sources import SourceConfig
from core.clock import Clock
from core.durations import format_duration
from core.records import Gone, Kind, RawDocument
from crawlers.intake import Intake, Validators
from crawlers.records import UNREAD_DATE
from crawlers.urls import canonical_url

Status = Literal["ok", "failed", "blocked", "changed", "silent"]
"""changed: its lists or pages are not as they were.  silent: all was read, and its newest row is too old."""
MAX_PROBLEMS = 20
LEFT = ("failed", "left", "put_off")
"""Counts of what lists led to and is not saved: the next run must read them, whatever they answer."""
MAX_TITLE = 300
MAX_NAME = 200
MAX_FIELD = 20_000
"""Characters of a title, of a name (author, origin), of a fact that are kept."""
BLOCKED_FOR = timedelta(hours=24)
GONE_FOR_GOOD = 410
MISSING_FOR = timedelta(minutes=30)
PRIVATE_KINDS = frozenset((Kind.COMPLAINT, Kind.FORUM, Kind.SOCIAL, Kind.REVIEW))
"""Authors there are people; their names stop at the spider."""


@dataclass(frozen=True)
class RunSummary:
    """What came of a run. Zero rows is never ok, unless every list said that nothing changed.

    items: rows seen on the lists.  requests: pages asked for, robots.txt included.  newest: youngest dated row.
    not_modified: lists that answered 304 or the same bytes.  not_before: do not ask again earlier (Retry-After, a
    challenge page).  problems: what decided the status stands first.  leftover: labels nobody expected, with counts.
    """

    source: str
    status: Status
    started_at: datetime
    seconds: float
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    failed: int = 0
    gone: int = 0
    items: int = 0
    requests: int = 0
    not_modified: int = 0
    encoding_fixes: int = 0
    undated: int = 0
    newest: datetime | None = None
    not_before: datetime | None = None
    problems: tuple[str, ...] = ()
    leftover: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Run:
    """A run in progress. All writes to the intake go through here.

    anew: lists are asked for without what is known of them, so that the answer is read whatever it was last time.
    urgent: given title and text of a new row, whether it may tell of people harmed: it is taken first.  sparing: no
    other new row is taken now.  tries_again: links that were found dead are due for another try.
    """

    source: SourceConfig
    intake: Intake
    clock: Clock
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    leftover: Counter[str] = field(default_factory=Counter)
    status: Status = "ok"
    newest: datetime | None = None
    not_before: datetime | None = None
    anew: bool = False
    urgent: Callable[[str, str], bool] = lambda _title, _text: False
    sparing: bool = False
    tries_again: bool = False
    pending_lists: dict[str, Validators] = field(default_factory=dict)
    pending_pages: dict[str, Validators] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    led_from: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.started_at = self.clock()

    def save(self, raw: RawDocument) -> None:
        """Hand a document over; names of people are dropped here."""
        raw = _bounded(raw)
        if raw.kind in PRIVATE_KINDS and not self.source.keep_author:
            raw = replace(raw, author=None)
        if raw.published is None:
            self.counts["undated"] += 1
        if given := raw.fields.get(UNREAD_DATE):
            self.skip(f"a date that cannot be read or is not plausible (kept in {UNREAD_DATE})", given)
        self.leftover.update(raw.leftover.keys())
        self.counts[self.intake.save(raw)] += 1
        validators = self.pending_pages.pop(raw.url, None)
        if validators is not None:
            self.intake.remember(self.source.key, raw.url, validators)
        for asked in self.led_from.pop(raw.url, ()):
            self.intake.remember(self.source.key, canonical_url(asked), Validators())

    def row(self, published: datetime | None) -> None:
        """A row was seen on a list."""
        self.counts["items"] += 1
        if published is not None and (self.newest is None or published > self.newest):
            self.newest = published

    def is_known(self, url: str) -> bool:
        """Whether the page behind a row is stored already, be it under the address that the row's leads to."""
        address = canonical_url(url)
        return self.intake.known(self.source.key, address) or (
            self.intake.validators(self.source.key, address) is not None
        )

    def is_dead(self, url: str) -> bool:
        """Whether a link was found dead and is not to be tried again yet."""
        return self.intake.is_dead(self.source.key, url)

    def knows(self, raw: RawDocument) -> bool:
        """Whether a record is stored already, as it is or as it was."""
        name = raw.external_id or canonical_url(raw.url)
        return bool(name) and self.intake.known(self.source.key, name)

    def lives(self, url: str) -> None:
        """A page answered behind a link; where links were tried again, it may be one of them."""
        if self.tries_again:
            self.intake.alive(self.source.key, url)

    def led(self, asked: str, url: str) -> None:
        """A row's address led to another one: once that page is saved, both are known."""
        if canonical_url(asked) != canonical_url(url):
            self.led_from.setdefault(url, set()).add(asked)

    def leave(self, rows: int = 1) -> None:
        """Rows that are new and too many for one run: the list is read again by the next."""
        self.counts["left"] += rows

    def put_off(self, rows: int) -> None:
        """New rows that this run does not take: too much waits to be read."""
        self.counts["put_off"] += rows

    def skip(self, what: str, example: str = "") -> None:
        """One odd thing; how many there were, and the first of them, is told at the end."""
        if what not in self.skipped and example:
            self.examples[what] = example[:80]
        self.skipped[what] += 1

    def page_gone(self, url: str, status: int, why: str = "") -> None:
        """Nothing is behind a link any more: a withdrawal when the page was known, else a dead link, which is tried
        again for a day: lists show links before their pages are there.

        Servers in trouble say 404, too, so it takes two looks at some distance; 410 is said on purpose.
        """
        told = why or f"HTTP {status}"
        if not self.is_known(url):
            self.problem(f"dead link: {url}: {told}")
            if status != GONE_FOR_GOOD:
                self.intake.dead(self.source.key, url)
            return
        after = timedelta(0) if status == GONE_FOR_GOOD else self.missing_for
        if self.intake.gone(Gone(self.source.key, url, self.clock(), status, told), after=after):
            self.counts["gone"] += 1
        else:
            self.problem(f"{url} is missing ({told}): counted as withdrawn when it is missing at the next look, too")

    @property
    def missing_for(self) -> timedelta:
        """How far apart two looks are that find a page missing."""
        return MISSING_FOR if self.source.looks else timedelta(0)

    def never_there(self, url: str, why: str) -> None:
        """A page that no look has ever found: its link may be wrong, and nothing was taken down."""
        self.intake.looked(self.source.key, url)
        self.problem(f"{url}: {why}, and it was never seen otherwise: the link may be wrong")

    def page_unchanged(self, url: str, validators: Validators) -> None:
        """A page that was asked for again is as before."""
        self.counts["unchanged"] += 1
        self.intake.remember(self.source.key, url, validators)

    def page_watched(self, url: str) -> None:
        """A page whose text comes from elsewhere is still there."""
        validators = self.pending_pages.pop(url, None)
        if validators is not None:
            self.intake.remember(self.source.key, url, validators)

    def page_failed(self, url: str, why: str, *, changed: bool = False, again: bool = False) -> None:
        """One page could not be read; the run goes on. changed: it came, and is not laid out as it was.  again: a known
        one, of which nothing is lost."""
        if again:
            self.intake.looked(self.source.key, url)
        else:
            self.counts["failed"] += 1
            self.counts["misread"] += changed
        self.problem(f"{url}: {why}")

    def page_forbidden(self, why: str) -> None:
        """The site's robots.txt keeps one page from us: it is left out, the others are read."""
        self.skip("a page that robots.txt keeps from us was left out", why)
        self.counts["forbidden"] += 1

    def fail(self, why: str, status: Status = "failed") -> None:
        """The run as a whole has failed. The first verdict stays; a block outweighs a failure.

        What decided it stands first among the problems.
        """
        self.problem(why)
        if self.status == "ok" or (status == "blocked" and self.status == "failed"):
            self.status = status
            self.problems = [why[:500], *(one for one in self.problems if one != why[:500])][:MAX_PROBLEMS]

    def block(self, why: str, wait: timedelta = BLOCKED_FOR) -> None:
        """The site wants us gone: nothing is asked for `wait`."""
        self.not_before = max(self.not_before or self.clock(), self.clock() + wait)
        self.intake.hold_back(self.source.key, self.not_before, why[:500])
        self.fail(why, "blocked")

    def problem(self, what: str) -> None:
        """Something the desk should see, once each."""
        if what[:500] not in self.problems and len(self.problems) < MAX_PROBLEMS:
            self.problems.append(what[:500])

    def finish(self, *, complete: bool = True) -> RunSummary:
        """Judge the run; remember the lists only if all they led to is saved. complete: it was not cut short."""
        self._tell_counted()
        self._judge()
        if complete and self.status in ("ok", "silent") and not any(self.counts[one] for one in LEFT):
            for key, validators in self.pending_lists.items():
                self.intake.remember(self.source.key, key, validators)
        names = ("new", "changed", "unchanged", "failed", "gone", "items", "requests", "not_modified", "undated")
        return RunSummary(
            source=self.source.key,
            status=self.status,
            started_at=self.started_at,
            seconds=(self.clock() - self.started_at).total_seconds(),
            encoding_fixes=self.counts["encoding_fixes"],
            newest=self.newest,
            not_before=self.not_before,
            problems=tuple(self.problems),
            leftover=dict(self.leftover),
            **{name: self.counts[name] for name in names},
        )

    def _tell_counted(self) -> None:
        """What was counted on the way, as problems."""
        if left := self.counts["left"]:
            most = self.source.max_items
            self.problems.append(f"{left} new rows beyond max_items ({most}) are left: the next runs go on with them")
        if later := self.counts["put_off"]:
            self.problems.append(f"{later} new rows are left for later: too much waits to be read")
        for what, count in self.skipped.items():
            example = f", first {self.examples[what]!r}" if what in self.examples else ""
            self.problems.append(f"{count} × {what}{example}")

    def _judge(self) -> None:
        """Hold the run against what the source's file expects."""
        expect, items = self.source.expect, self.counts["items"]
        if self.status != "ok":
            return
        followed = self.counts["new"] + self.counts["changed"] + self.counts["failed"]
        if items and self.counts["forbidden"] * 2 > items:
            self.fail(f"robots.txt forbids {self.counts['forbidden']} of {items} pages", "blocked")
        elif self.counts["failed"] * 2 > followed:
            why: Status = "changed" if self.counts["misread"] * 2 > self.counts["failed"] else "failed"
            self.fail(f"{self.counts['failed']} of {followed} pages could not be read", why)
        elif items == 0 and self.counts["lists_read"]:
            self._without_rows()
        elif self.counts["not_modified"]:
            return
        elif items < expect.min_items:
            self.fail(f"{items} rows, at least {expect.min_items} expected", "changed")
        elif expect.newest_within and self.newest and self.clock() - self.newest > expect.newest_within:
            age = format_duration(self.clock() - self.newest)
            self.fail(f"newest row is {age} old, {format_duration(expect.newest_within)} expected", "silent")

    def _without_rows(self) -> None:
        """A list was read and held nothing; that others of this source are as last time is no excuse."""
        if self.source.expect.min_items:
            self.fail(f"0 rows, at least {self.source.expect.min_items} expected", "changed")
        else:
            self.problem("0 rows; expect.min_items allows that, and it proves nothing")


def _bounded(raw: RawDocument) -> RawDocument:
    """A page may call a whole book its title: what lists and mails show in one line is cut to one."""
    return replace(
        raw,
        title=cut(raw.title, MAX_TITLE),
        author=cut(raw.author, MAX_NAME) if raw.author else raw.author,
        origin=cut(raw.origin, MAX_NAME) if raw.origin else raw.origin,
        fields={cut(name, MAX_NAME): cut(value, MAX_FIELD) for name, value in raw.fields.items()},
    )


def cut(text: str, length: int) -> str:
    """`text`, its end replaced by an ellipsis where it is longer than `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"
