"""The store's side of crawling: every document is saved before anything else happens to it."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection

from core.clock import Clock, beijing, iso_beijing
from core.ids import content_hash, document_id
from core.logs import log_event
from core.measures import STORED, count
from core.records import Document, Gone, HotLine, Kind, RawDocument
from core.traces import tell_arrival
from crawlers.intake import KnownPage, Validators
from crawlers.records import UNREAD_DATE
from crawlers.urls import canonical_url
from nlp.first_reading import is_urgent
from pipelines.page_news import tell_alerts
from pipelines.page_noise import same_page
from store.database import Store
from store.documents import (
    AT_ONCE,
    IN_TURN,
    add_revision,
    find_by_address,
    find_document,
    last_stored,
    raw_of,
    withdraw,
)
from store.hot_lines import see_line
from store.pulses import count_found, is_sick
from store.rechecks import (
    addresses_to_recheck,
    dead_due,
    forget_dead,
    is_dead_now,
    note_dead,
    note_looked,
    note_missing,
)
from store.runs import find_address, held_back, hold_back, remember_address

logger = logging.getLogger(__name__)
Outcome = Literal["new", "changed", "unchanged"]
AHEAD = timedelta(hours=1)  # a clock that is further ahead than this is wrong, not early
FRESH = timedelta(days=2)  # an accident of last week need not be read before everything else
SET_BACK = timedelta(days=2)  # the machine's clock may be set back by so much: the store's time does not follow it


@dataclass(frozen=True)
class StoreIntake:
    """Implements crawlers.intake.Intake on the store. Each call is one transaction."""

    store: Store
    clock: Clock

    def save(self, raw: RawDocument) -> Outcome:
        """Store a document, or a new revision of it, or nothing when it is as before."""
        now = self.clock()
        with self.store.write() as db:
            outcome = save_raw(db, raw, now=now)
            count(STORED, outcome)
            if outcome == "new":
                dated = raw.published if raw.published is not None and raw.published <= now + AHEAD else now
                count_found(db, raw.source, beijing(dated).toordinal())
            return outcome

    def gone(self, gone: Gone, *, after: timedelta = timedelta(0)) -> bool:
        """The page is not there: once that has been so for `after`, its document is withdrawn; the copy stays."""
        with self.store.write() as db:
            since = note_missing(db, gone.source, gone.url, gone.seen_at)
            known = find_by_address(db, gone.source, "", canonical_url(gone.url))
            if known is None or gone.seen_at - since < after:
                return False
            if not withdraw(db, known.id, gone.seen_at):
                return False
            tell_alerts(db, known, "page_gone", gone.seen_at)
            return True

    def hot(self, lines: Sequence[HotLine]) -> None:
        """Note where lines of a hot list stand now."""
        with self.store.write() as db:
            for line in lines:
                see_line(db, line)

    def validators(self, source: str, url: str) -> Validators | None:
        """What a conditional request may send."""
        with self.store.read() as db:
            seen = find_address(db, source, url)
        if seen is None:
            return None
        return Validators(etag=seen.etag, last_modified=seen.last_modified, body_sha256=seen.body_sha256)

    def remember(self, source: str, url: str, validators: Validators) -> None:
        """Note what the address answered; a withdrawn document whose page answers again is there again."""
        with self.store.write() as db:
            before = find_address(db, source, url)
            if before is not None and before.gone_at is not None:
                come_back(db, source, url, now=self.clock())
            remember_address(
                db,
                source,
                url,
                now=self.clock(),
                etag=validators.etag,
                last_modified=validators.last_modified,
                body_sha256=validators.body_sha256,
            )

    def looked(self, source: str, url: str) -> None:
        """It told nothing: what is known of it stays."""
        with self.store.write() as db:
            note_looked(db, source, url, self.clock())

    def dead(self, source: str, url: str) -> None:
        """A link of a list leads to no page yet."""
        with self.store.write() as db:
            note_dead(db, source, url, self.clock())

    def is_dead(self, source: str, url: str) -> bool:
        """Whether it did so, and is not to be tried again yet."""
        with self.store.read() as db:
            return is_dead_now(db, source, url, self.clock())

    def dead_due(self, source: str) -> bool:
        """Whether one of its links is to be tried again."""
        with self.store.read() as db:
            return dead_due(db, source, self.clock())

    def alive(self, source: str, url: str) -> None:
        """There is a page behind it now."""
        with self.store.write() as db:
            forget_dead(db, source, url)

    def known(self, source: str, address: str) -> bool:
        """Whether this external id or canonical URL of the source is stored already."""
        with self.store.read() as db:
            if find_by_address(db, source, address, "") is not None:
                return True
            return find_by_address(db, source, "", address) is not None

    def recheck(
        self, source: str, limit: int, *, within: timedelta, looks: Sequence[timedelta], missing_for: timedelta
    ) -> list[KnownPage]:
        """Pages published `within` that are due for a look: revisions and withdrawals show there."""
        now = self.clock()
        with self.store.read() as db:
            due = addresses_to_recheck(
                db, source, since=now - within, now=now, looks=looks, missing_for=missing_for, limit=limit
            )
            return [_known_page(db, document_id, url) for url, document_id in due]

    def hold_back(self, source: str, until: datetime, why: str) -> None:
        """The site wants no visit before `until`: kept over restarts."""
        with self.store.write() as db:
            hold_back(db, source, until=until, why=why)

    def held_until(self, source: str) -> datetime | None:
        """Until when this source is, or was, to be left alone."""
        with self.store.read() as db:
            return held_back(db, source)

    def is_sick(self, source: str) -> bool:
        """Whether its last run that told something went wrong."""
        with self.store.read() as db:
            return is_sick(db, source)


def _known_page(db: Connection, document_id: str, url: str) -> KnownPage:
    document = find_document(db, document_id)
    if document is None:
        return KnownPage(url)
    external_id, raw = raw_of(db, document)
    return KnownPage(
        url=url,
        title=raw["title"],
        published=document.published,
        external_id="" if "given_id" in document.flags else external_id,
        author=raw.get("author"),
        origin=raw.get("origin"),
        fields=raw["fields"],
    )


def save_raw(db: Connection, raw: RawDocument, *, now: datetime, given_id: str = "") -> Outcome:
    """Store `raw` inside an open transaction. `given_id` keeps an id that the document brought along."""
    raw, now = _storable(raw), not_before(last_stored(db), now)
    address = canonical_url(raw.url) if raw.url else ""
    hashed = content_hash(raw.title, _whole_text(raw))
    if raw.external_id or address:
        before = find_by_address(db, raw.source, raw.external_id, address)
    else:  # nothing but its text tells it from others
        before = find_document(db, document_id(raw.source, hashed))
    if before is not None and before.withdrawn_at is None and _as_before(db, before, hashed, raw):
        return "unchanged"
    document = _document(raw, address, hashed, now)
    if before is None:
        document = replace(document, id=given_id or document.id)
    else:
        document = replace(document, id=before.id, revision=before.revision + 1)
    if given_id:
        document = replace(document, flags=(*document.flags, "given_id"))
    priority = AT_ONCE if now - document.event_time <= FRESH and is_urgent(raw.title, raw.text) else IN_TURN
    add_revision(db, document, external_id=given_id or raw.external_id, raw=_kept(raw), priority=priority)
    log_event(
        logger,
        "document stored",
        document=document.id,
        revision=document.revision,
        source=document.source,
        fetched=iso_beijing(document.fetched_at),
    )
    tell_arrival(raw.url, document.id, document.revision, fetched=document.fetched_at, source=document.source)
    if before is None:
        return "new"
    tell_alerts(db, document, "page_changed" if before.withdrawn_at is None else "page_back", now)
    return "changed"


def come_back(db: Connection, source: str, url: str, *, now: datetime) -> bool:
    """Where the page of a withdrawn document answers as before: the same text as a new revision, read and judged anew.

    False where nothing was withdrawn, or a changed text has been stored already.
    """
    known = find_by_address(db, source, "", canonical_url(url))
    if known is None or known.withdrawn_at is None:
        return False
    again = replace(known, revision=known.revision + 1, withdrawn_at=None, fetched_at=now, stored_at=now)
    external_id, raw = raw_of(db, known)
    told = add_revision(db, again, external_id=external_id, raw=raw)
    if told:
        tell_alerts(db, again, "page_back", now)
    return told


def _as_before(db: Connection, before: Document, hashed: str, raw: RawDocument) -> bool:
    return before.content_hash == hashed or same_page(raw_of(db, before)[1], _kept(raw))


def not_before(last: datetime | None, now: datetime) -> datetime:
    """The time by which documents are stored: it never goes back by as much as a clock is usually set back by.

    Else a clock that is an hour or a day behind would take every document for one from the future, and date it anew.
    """
    return last if last is not None and now < last <= now + SET_BACK else now


def raw_from(kept: Mapping[str, Any]) -> tuple[str, str]:
    """Title and text as fetched, from what `save_raw` kept."""
    return kept["title"], kept["text"]


def _document(raw: RawDocument, address: str, hashed: str, now: datetime) -> Document:
    dated = raw.published is not None and raw.published <= now + AHEAD
    return Document(
        id=document_id(raw.source, raw.external_id or address or hashed),
        source=raw.source,
        kind=raw.kind,
        url=raw.url,
        canonical_url=address,
        title="",  # cleaned and masked text only ever stands here: see pipelines.stages.clean
        text="",
        event_time=raw.published if dated and raw.published else now,
        published=raw.published,
        fetched_at=raw.fetched_at,
        stored_at=now,
        revision=1,
        content_hash=hashed,
        author=raw.author,
        origin=raw.origin,
        fields={},
        tables=(),
        attachments=raw.attachments,
        archive=raw.archive,
        flags=tuple(_flags(raw, dated)),
    )


def _flags(raw: RawDocument, dated: bool) -> Iterator[str]:
    """What a reader should know of the document before its text: see `flag` in web/search_state.py."""
    if not dated:
        yield "date_guessed"
    if raw.body_kind != "text":
        yield f"body_{raw.body_kind}"
    if any(file.problem for file in raw.files):
        yield "file_unread"


def _kept(raw: RawDocument) -> dict[str, Any]:
    kept = asdict(raw)
    for name in ("fetched_at", "published", "archive", "kind"):
        kept.pop(name)
    return kept


def _storable(raw: RawDocument) -> RawDocument:
    """Half characters (lone surrogates) cannot be written as UTF-8: they become question marks."""
    files = tuple(replace(file, name=_plain(file.name), url=_plain(file.url)) for file in raw.files)
    whole = _plain(asdict(raw) | {"kind": raw.kind, "archive": raw.archive, "files": ()})
    return replace(RawDocument(**whole), files=files)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Kind):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_plain(part) for part in value)
    return value


def _whole_text(raw: RawDocument) -> str:
    cells = [cell for table in raw.tables for row in table for cell in row]
    facts = [value for name, value in raw.fields.items() if name != UNREAD_DATE]  # may be another one each time
    return "\n".join([raw.text, *facts, *cells])
