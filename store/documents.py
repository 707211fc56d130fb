"""Documents: arrival, revisions, the claims of the pipeline, and reading them back.

The table is the log of the pipeline: stage fetched > deduped > analysed > judged > indexed. A step claims rows of its
stage, works, and moves them on in the transaction that writes its result; a claim that is not finished runs out.
Two ends lie beside it: `quarantined` (no try could read it), `refused` (the index will never take it: index_queue.py).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    RowMapping,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    type_coerce,
    update,
)

from core.records import (
    CANARY,
    Analysis,
    ArchiveRef,
    AttachedFile,
    Document,
    Kind,
    Mention,
    MentionType,
    Signal,
    Table,
)
from store.processes import claims_of
from store.schema import TO_READ, documents
from store.wake import ANALYSIS, INDEX, wake

FETCHED, DEDUPED, ANALYSED, INDEXED, JUDGED = "fetched", "deduped", "analysed", "indexed", "judged"
QUARANTINED, REFUSED = "quarantined", "refused"
EXPIRING, EXPIRED = "expiring", "expired"
"""Its time of keeping is over: taken out of the index next; done. The row stays for who cites it, without its texts."""
READ = (JUDGED, INDEXED, REFUSED)
"""Read and judged, whatever the index made of it."""
UNSETTLED = (FETCHED, DEDUPED, ANALYSED, JUDGED)
"""On their way. Counting these asks an index for as many as wait; "not settled" would walk through all there are."""
SETTLED = (INDEXED, REFUSED, QUARANTINED, EXPIRING, EXPIRED)
"""Nothing is to be done any more."""
STAGES = (FETCHED, DEDUPED, ANALYSED, JUDGED, INDEXED)
# Rules judge before the index is written: a dead search cluster must not hold a warning back.
AT_ONCE, IN_TURN = 0, 1
"""Priorities: what may tell of people harmed is read before everything that waits."""
KEPT_FOR_TURNS = 5
"""Of so many places in a claim one is for what waits its turn, however much comes that is read at once."""
LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 3
SUSPECT = 3
"""Deaths after which a row is claimed alone, so that a text that kills its process takes no other along."""
MAX_DEATHS = 20  # kills are mostly not the text's fault: a batch that was cut short is given many tries
_WITHOUT_RAW = [column for column in documents.c if column.name != "raw"]
"""What was fetched is most of a row's weight, and no reading of it is asked for."""
# The claim goes, too: whoever writes the entry of before must not move the row on over what has changed meanwhile.
ANEW = {"stage": ANALYSED, "attempts": 0, "claimed_by": None, "claimed_until": None, "priority": IN_TURN}


@dataclass(frozen=True)
class Work:
    """A claimed row: what a step of the pipeline works on. stage: it is in.  analysis: what was read of it so far."""

    seq: int
    stage: str
    document: Document
    external_id: str
    raw: Mapping[str, Any]
    analysis: Analysis | None
    attempts: int


# The statements of each document's way are built once: putting one together costs more than running it.
_REVISION = select(documents.c.seq).where(
    documents.c.id == bindparam("id"), documents.c.revision == bindparam("revision")
)
_REPLACED = update(documents).where(documents.c.id == bindparam("document"), documents.c.latest).values(latest=False)
_NEW = documents.insert()


def add_revision(
    db: Connection, document: Document, *, external_id: str, raw: Mapping[str, Any], priority: int = IN_TURN
) -> bool:
    """Store `document` as a new revision in stage `fetched`. False when that revision is already there."""
    if db.execute(_REVISION, {"id": document.id, "revision": document.revision}).first() is not None:
        return False
    if document.revision > 1:
        db.execute(_REPLACED, {"document": document.id})
    more = {"external_id": external_id, "raw": dict(raw), "latest": True, "stage": FETCHED, "attempts": 0}
    more["priority"] = priority
    db.execute(_NEW, {**_columns(document), **more})
    wake(db, ANALYSIS)
    return True


_WAITS = select(documents.c.seq).where(documents.c.stage.in_(bindparam("stages", expanding=True))).limit(1)


def waits(db: Connection, *stages: str) -> bool:
    """Whether any row is in one of the stages."""
    return db.execute(_WAITS, {"stages": stages}).first() is not None


_UNREAD = select(documents.c.seq).where(TO_READ, documents.c.stage == FETCHED).limit(bindparam("most"))


def count_unread(db: Connection, most: int) -> int:
    """How many texts came in and were not read yet; `most` where it is more: by an index, its cost is bounded."""
    return int(db.execute(select(func.count()).select_from(_UNREAD.subquery()), {"most": most}).scalar_one())


def _free(*more: ColumnElement[bool]) -> Select[Any]:
    """What is to be read next of a stage, by ix_documents_turn: the cost does not grow with what waits."""
    unclaimed = or_(documents.c.claimed_until.is_(None), documents.c.claimed_until < bindparam("now"))
    order = (documents.c.priority, documents.c.event_time, documents.c.seq)
    found = select(*order, documents.c.attempts).where(
        TO_READ, documents.c.stage == bindparam("stage"), unclaimed, *more
    )
    return found.order_by(*order).limit(bindparam("most")).with_for_update(skip_locked=True)


_NEXT, _IN_TURN = _free(), _free(documents.c.priority == IN_TURN)
_CLAIM = (
    update(documents)
    .where(documents.c.seq.in_(bindparam("free", expanding=True)))
    .values(claimed_by=bindparam("who"), claimed_until=bindparam("until"), attempts=documents.c.attempts + 1)
    .returning(documents)
)


def claim(
    db: Connection, *stages: str, who: str, now: datetime, limit: int, alone: bool = False, lease: timedelta = LEASE
) -> list[Work]:
    """Take up to `limit` rows of these stages for `who`; they are nobody else's for the lease.

    First what is to be read at once, then the oldest publication; the fifth place of a claim is never for the former
    while others wait. Given back are the oldest first.  alone: one that processes died on, where there is such; it is
    never taken together with others.
    """
    free = _first(db, _NEXT, stages, now, limit)
    kept = limit // KEPT_FOR_TURNS
    if kept and len(free) == limit and free[-kept].priority == AT_ONCE:
        waiting = _first(db, _IN_TURN, stages, now, kept)
        free = [*free[: limit - len(waiting)], *waiting]
    free = _without_suspects(free, alone=alone)
    if not free:
        return []
    asked = {"free": [row.seq for row in free], "who": who, "until": now + lease}
    return in_order(_work(row) for row in db.execute(_CLAIM, asked).mappings().all())


def _without_suspects(free: list[Row[Any]], *, alone: bool) -> list[Row[Any]]:
    """Those that no process died on; else, or where that is asked for, the one that fewest died on."""
    suspects = [row for row in free if row.attempts >= SUSPECT]
    if suspects and (alone or len(suspects) == len(free)):
        return [min(suspects, key=lambda row: row.attempts)]
    return [row for row in free if row.attempts < SUSPECT]


def _first(db: Connection, query: Select[Any], stages: Sequence[str], now: datetime, most: int) -> list[Row[Any]]:
    """The first `most` of all these stages, locked: (priority, event_time, seq, attempts)."""
    found = [row for stage in stages for row in db.execute(query, {"stage": stage, "now": now, "most": most})]
    return sorted(found, key=tuple)[:most]


def in_order(works: Iterable[Work]) -> list[Work]:
    """The oldest publication first."""
    return sorted(works, key=lambda work: (work.document.event_time, work.seq))


_MINE = and_(documents.c.seq == bindparam("work"), documents.c.claimed_by == bindparam("worker"))
_MOVE = update(documents).where(_MINE)


def advance(db: Connection, work: Work, *, who: str, to: str, at: datetime, keep: bool = False, **values: Any) -> bool:
    """Finish a claimed step: write its result and the next stage. False when the claim was lost to somebody else.

    keep: the row stays claimed, for who goes on with it; that is its first attempt of the next step.
    at: the machine's time, also where the pipeline runs on a story's clock.
    """
    moved: dict[str, Any] = {"stage": to, "moved_at": at, "attempts": int(keep), "error": None}
    if not keep:
        moved |= {"claimed_by": None, "claimed_until": None}
    if to == JUDGED:
        wake(db, INDEX)
    return db.execute(_MOVE, {**moved, **values, "work": work.seq, "worker": who}).rowcount == 1


def give_back(db: Connection, work: Work, *, who: str, error: str) -> str:
    """A step failed: free the row for another try, or set it aside after MAX_ATTEMPTS. Returns the row's stage.

    What was read of it before is kept.
    """
    spent = work.attempts >= MAX_ATTEMPTS
    values: dict[str, Any] = {"claimed_by": None, "claimed_until": None, "error": error[:2000], "stage": work.stage}
    if work.analysis is not None:
        values |= analysis_columns(work.analysis) | {"attempts": work.attempts}
    if spent:
        values["stage"] = QUARANTINED
    db.execute(_MOVE, {**values, "work": work.seq, "worker": who})
    wake(db, ANALYSIS)
    return QUARANTINED if spent else "retry"


# Locked: who gives it another origin meanwhile waits until it is judged, and sends it through again.
_CURRENT = select(documents.c.repost_of, documents.c.withdrawn_at, documents.c.latest).where(_MINE).with_for_update()


def current(db: Connection, work: Work, *, who: str) -> tuple[Document, bool] | None:
    """The document of a claimed row with what others may have written meanwhile (its origin, its withdrawal), and
    whether no newer revision is stored; None where it was swept away, or the claim was lost to somebody else."""
    row = db.execute(_CURRENT, {"work": work.seq, "worker": who}).first()
    if row is None:
        return None
    return replace(work.document, repost_of=row.repost_of, withdrawn_at=row.withdrawn_at), row.latest


def release_claims(db: Connection, who: str) -> int:
    """Free what `who` held before it died. Called when a process of that name starts again."""
    held = claims_of(documents.c.claimed_by, who)
    values = {"claimed_by": None, "claimed_until": None}
    spent = and_(held, documents.c.attempts >= MAX_DEATHS)
    aside = case((documents.c.stage == JUDGED, REFUSED), else_=QUARANTINED)
    db.execute(update(documents).where(spent).values(stage=aside, error="the process died on it", **values))
    return db.execute(update(documents).where(held).values(**values)).rowcount


def forgive(db: Connection, who: str) -> int:
    """Free what `who` holds, as if it had not been tried: the store itself was in trouble. How many rows."""
    tried = case((documents.c.attempts > 0, documents.c.attempts - 1), else_=0)
    mine = update(documents).where(documents.c.claimed_by == who)
    return int(db.execute(mine.values(claimed_by=None, claimed_until=None, attempts=tried)).rowcount)


def given_ids(db: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """For documents that came with ids of their own: those of all revisions, oldest first, by document id."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(ids), 500):
        wanted = documents.c.id.in_(list(ids[start : start + 500]))
        query = select(documents.c.id, documents.c.external_id, documents.c.flags).where(wanted)
        for document_id, external_id, flags in db.execute(query.order_by(documents.c.seq)):
            if "given_id" in flags:
                found.setdefault(document_id, []).append(external_id)
    return found


def find_document(db: Connection, document_id: str, revision: int | None = None) -> Document | None:
    """The latest (or a given) revision of a document."""
    which = documents.c.latest if revision is None else documents.c.revision == revision
    row = db.execute(select(documents).where(documents.c.id == document_id, which)).mappings().first()
    return _document(row) if row else None


def find_signal(db: Connection, document_id: str, revision: int | None = None) -> Signal | None:
    """A document with its analysis; None when it is unknown or not analysed yet."""
    which = documents.c.latest if revision is None else documents.c.revision == revision
    row = db.execute(select(documents).where(documents.c.id == document_id, which)).mappings().first()
    return _signal(row) if row and row["analysis"] is not None else None


def newest_revisions(db: Connection, ids: Sequence[str]) -> dict[str, int]:
    """The number of the newest revision of each of a few hundred documents at most."""
    query = select(documents.c.id, documents.c.revision).where(documents.c.id.in_(list(ids)), documents.c.latest)
    return {row.id: row.revision for row in db.execute(query)}


def arrival_number(db: Connection, document_id: str, revision: int) -> int | None:
    """The place of a revision in the order of arrival; None for one that is not stored."""
    return db.execute(_REVISION, {"id": document_id, "revision": revision}).scalar_one_or_none()


def last_arrival(db: Connection) -> int:
    """The place of what arrived last; 0 while nothing has."""
    return db.execute(select(func.max(documents.c.seq))).scalar_one_or_none() or 0


def last_stored(db: Connection) -> datetime | None:
    """When what arrived last was stored."""
    return db.execute(_LAST_STORED).scalar_one_or_none()


_LAST_STORED = select(documents.c.stored_at).order_by(documents.c.seq.desc()).limit(1)


def find_signals(db: Connection, ids: Sequence[str]) -> list[Signal]:
    """The analysed documents among `ids`, by event time."""
    found: list[Signal] = []
    for start in range(0, len(ids), 500):
        wanted = documents.c.id.in_(list(ids[start : start + 500]))
        found += _signals(db, select(documents).where(wanted, documents.c.latest))
    return sorted(found, key=lambda signal: (signal.document.event_time, signal.document.id))


def signals_of_revisions(db: Connection, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], Signal]:
    """The analysed ones of (id, revision), also those that were replaced since; at most a few hundred at once."""
    query = select(*_WITHOUT_RAW).where(documents.c.id.in_(sorted({document for document, _ in wanted})))
    found = {(row["id"], row["revision"]): row for row in db.execute(query).mappings()}
    return {key: _signal(found[key]) for key in wanted if key in found and found[key]["analysis"] is not None}


def texts_of_revisions(db: Connection, wanted: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Title and text, a line between them, of (id, revision); at most a few hundred at once."""
    columns = (documents.c.id, documents.c.revision, documents.c.title, documents.c.text)
    query = select(*columns).where(documents.c.id.in_(sorted({document for document, _ in wanted})))
    return {(row.id, row.revision): f"{row.title}\n{row.text}" for row in db.execute(query)}


def signals_between(
    db: Connection,
    start: datetime,
    end: datetime,
    *,
    product: str | None = None,
    enterprise: str | None = None,
    jurisdiction: str | None = None,
    risk_only: bool = True,
) -> list[Signal]:
    """Analysed latest revisions with start <= event_time < end, in order of event time.

    A key given narrows by an index, so the cost follows the window, not the corpus.
    """
    query = select(documents).where(
        documents.c.event_time >= start,
        documents.c.event_time < end,
        documents.c.latest,
        documents.c.analysis.is_not(None),
    )
    if risk_only:
        query = query.where(documents.c.is_risk)
    for column, value in (
        (documents.c.product, product),
        (documents.c.enterprise, enterprise),
        (documents.c.jurisdiction, jurisdiction),
    ):
        if value is not None:
            query = query.where(column == value)
    return _signals(db, query.order_by(documents.c.event_time, documents.c.seq))


def risks_between(
    db: Connection, start: datetime, end: datetime, *, limit: int, before: tuple[datetime, int] | None = None
) -> list[tuple[int, Signal]]:
    """Analysed latest revisions about a risk with start <= event_time < end, newest first, with their place in the
    order of arrival. before: (event_time, place) of the last one of the page before."""
    query = select(documents).where(
        documents.c.is_risk, documents.c.latest, documents.c.event_time >= start, documents.c.event_time < end
    )
    if before is not None:
        at, seq = before
        query = query.where(or_(documents.c.event_time < at, and_(documents.c.event_time == at, documents.c.seq < seq)))
    rows = db.execute(query.order_by(documents.c.event_time.desc(), documents.c.seq.desc()).limit(limit)).mappings()
    return [(row["seq"], _signal(row)) for row in rows.all() if row["analysis"] is not None]


def risks_arrived(db: Connection, after: int, up_to: int, *, within: timedelta, limit: int) -> list[tuple[int, Signal]]:
    """Analysed latest revisions about a risk that arrived at after < place <= up_to, of the last span `within` of what
    they tell, with their place, in the order of arrival."""
    arrived = and_(documents.c.seq <= up_to, documents.c.latest, documents.c.is_risk)
    newest = db.execute(select(func.max(documents.c.event_time)).where(arrived)).scalar_one_or_none()
    if newest is None:
        return []
    wanted = (arrived, documents.c.seq > after, documents.c.event_time > newest - within)
    rows = db.execute(select(documents).where(*wanted).order_by(documents.c.seq).limit(limit)).mappings().all()
    return [(row["seq"], _signal(row)) for row in rows if row["analysis"] is not None]


def sources_of(db: Connection, ids: Sequence[str]) -> dict[str, int]:
    """How many of these documents each source brought."""
    query = select(documents.c.source, func.count()).where(documents.c.id.in_(list(ids)), documents.c.latest)
    return {row[0]: row[1] for row in db.execute(query.group_by(documents.c.source).order_by(documents.c.source))}


def newest_judged(db: Connection) -> tuple[int, datetime | None]:
    """(place of the last arrival among what was judged, latest event time of it); (0, None) while nothing was."""
    judged = documents.c.stage.in_(READ)
    seq = db.execute(select(documents.c.seq).where(judged).order_by(documents.c.seq.desc()).limit(1)).scalar()
    at = db.execute(select(documents.c.event_time).where(judged).order_by(documents.c.event_time.desc()).limit(1))
    return seq or 0, at.scalar()


def judged_before(db: Connection, after: int, up_to: int, *, limit: int) -> list[tuple[int, Signal]]:
    """Judged latest revisions that arrived at after < place <= up_to, with their place, in the order of arrival."""
    judged = and_(documents.c.stage.in_(READ), documents.c.latest, documents.c.analysis.is_not(None))
    wanted = (judged, documents.c.seq > after, documents.c.seq <= up_to)
    rows = db.execute(select(documents).where(*wanted).order_by(documents.c.seq).limit(limit)).mappings().all()
    return [(row["seq"], _signal(row)) for row in rows]


def signals_after(db: Connection, seq: int, *, limit: int) -> list[tuple[int, Signal]]:
    """Analysed latest revisions after `seq` in order of arrival: pages for rebuilding the index."""
    query = select(documents).where(documents.c.seq > seq, documents.c.latest, documents.c.analysis.is_not(None))
    rows = db.execute(query.order_by(documents.c.seq).limit(limit)).mappings().all()
    return [(row["seq"], _signal(row)) for row in rows]


def tellers_after(db: Connection, seq: int, *, kinds: Sequence[str], limit: int) -> list[tuple[int, Signal]]:
    """Analysed latest revisions after `seq` that are of these kinds or have tables, in order of arrival."""
    wanted = or_(documents.c.kind.in_(list(kinds)), func.length(type_coerce(documents.c.tables, Text)) > len("[]"))
    query = select(*_WITHOUT_RAW).where(documents.c.seq > seq, documents.c.latest, documents.c.analysis.is_not(None))
    rows = db.execute(query.where(wanted).order_by(documents.c.seq).limit(limit)).mappings().all()
    return [(row["seq"], _signal(row)) for row in rows]


def recalls_behind(
    db: Connection, seq: int, *, kinds: Sequence[str], since: datetime | None, limit: int
) -> list[tuple[int, Signal]]:
    """Analysed latest revisions after `seq` of these kinds that were published since then, in order of arrival."""
    query = select(*_WITHOUT_RAW).where(documents.c.seq > seq, documents.c.latest, documents.c.analysis.is_not(None))
    query = query.where(documents.c.kind.in_(list(kinds)), documents.c.withdrawn_at.is_(None))
    if since is not None:
        query = query.where(documents.c.event_time >= since)
    rows = db.execute(query.order_by(documents.c.seq).limit(limit)).mappings().all()
    return [(row["seq"], _signal(row)) for row in rows]


def files_of(db: Connection, document: Document) -> tuple[AttachedFile, ...]:
    """The attached files of this revision, as they were fetched."""
    query = select(documents.c.raw).where(documents.c.id == document.id, documents.c.revision == document.revision)
    raw = db.execute(query).scalar_one_or_none() or {}
    return tuple(_file(values) for values in raw.get("files", ()))


def revisions_of(db: Connection, document_id: str) -> list[Document]:
    """Every stored revision, newest first."""
    query = select(documents).where(documents.c.id == document_id).order_by(documents.c.revision.desc())
    return [_document(row) for row in db.execute(query).mappings()]


def all_revisions(db: Connection, ids: Sequence[str]) -> Iterator[list[tuple[int, Signal]]]:
    """Every analysed revision of these documents with its place in the order of arrival: a list a document, the oldest
    revision first."""
    for start in range(0, len(ids), 500):
        wanted = documents.c.id.in_(list(ids[start : start + 500]))
        query = select(documents).where(wanted, documents.c.analysis.is_not(None))
        rows = db.execute(query.order_by(documents.c.id, documents.c.revision)).mappings()
        for _, theirs in groupby(rows, key=lambda row: str(row["id"])):
            yield [(row["seq"], _signal(row)) for row in theirs]


def raw_of(db: Connection, document: Document) -> tuple[str, Mapping[str, Any]]:
    """The source's own id and what was fetched of this revision, as `add_revision` was given them."""
    which = and_(documents.c.id == document.id, documents.c.revision == document.revision)
    row = db.execute(select(documents.c.external_id, documents.c.raw).where(which)).one()
    return row[0], row[1]


def reposts_of(db: Connection, document_id: str) -> list[Document]:
    """The documents attached to this origin, oldest first."""
    query = select(documents).where(documents.c.repost_of == document_id, documents.c.latest)
    return [_document(row) for row in db.execute(query.order_by(documents.c.event_time)).mappings()]


def find_by_address(db: Connection, source: str, external_id: str, canonical_url: str) -> Document | None:
    """What this source published before under that id; without one, or where none has it, at that address.

    The source's own id decides: a document with another one is another document, although it may share its address
    (the page of a list, a portal's front page).
    """
    if external_id:
        row = db.execute(_BY_NAME, {"source": source, "name": external_id}).mappings().first()
        if row is not None:
            return _document(row)
    if not canonical_url:
        return None
    for row in db.execute(_BY_ADDRESS, {"source": source, "address": canonical_url}).mappings():
        if not external_id or not row["external_id"] or "given_id" in row["flags"]:
            return _document(row)
    return None


def _by(same: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*_WITHOUT_RAW)
        .where(documents.c.source == bindparam("source"), same, documents.c.latest)
        .order_by(documents.c.seq)
    )


_BY_NAME = _by(documents.c.external_id == bindparam("name"))
_BY_ADDRESS = _by(documents.c.canonical_url == bindparam("address"))


def first_with_content(db: Connection, content_hash: str, *, before: Document) -> Document | None:
    """The earliest other document with exactly this text; none of its own source that is gone: the page has moved."""
    asked = {"hash": content_hash, "not": before.id, "source": before.source}
    row = db.execute(_SAME_CONTENT, asked).mappings().first()
    return _document(row) if row else None


_SAME_CONTENT = (
    select(*_WITHOUT_RAW)
    .where(documents.c.content_hash == bindparam("hash"), documents.c.id != bindparam("not"), documents.c.latest)
    .where(documents.c.repost_of.is_(None))
    .where(or_(documents.c.withdrawn_at.is_(None), documents.c.source != bindparam("source")))
    .order_by(documents.c.event_time, documents.c.seq)
    .limit(1)
)


def attach_repost(db: Connection, document_id: str, origin: str) -> None:
    """Make `document_id`, and all that hung on it, reposts of `origin`."""
    below = or_(documents.c.id == document_id, documents.c.repost_of == document_id)
    db.execute(update(documents).where(below, documents.c.id != origin).values(repost_of=origin))


def withdraw(db: Connection, document_id: str, at: datetime) -> bool:
    """The page is gone: remember since when, keep the copy, and let the document be indexed and judged again.

    Where its source shows the same text at another address, that one stands in its place for all copies.
    """
    mine = and_(documents.c.id == document_id, documents.c.latest, documents.c.withdrawn_at.is_(None))
    if db.execute(update(documents).where(mine).values(withdrawn_at=at)).rowcount == 0:
        return False
    mark_for_index(db, document_id)  # only now: who judges it at this moment has ended
    gone, copies = find_document(db, document_id), reposts_of(db, document_id)
    heir = next((one for one in copies if gone and _moved(gone, one)), None)
    if heir is not None:
        for copy in copies:
            attach_repost(db, copy.id, heir.id)
        db.execute(update(documents).where(documents.c.id == heir.id).values(repost_of=None))
        for copy in copies:
            mark_for_index(db, copy.id)
    return True


def _moved(gone: Document, copy: Document) -> bool:
    return (copy.source, copy.content_hash, copy.withdrawn_at) == (gone.source, gone.content_hash, None)


def mark_for_index(db: Connection, document_id: str) -> None:
    """Send a finished document through index and rules again (its origin or withdrawal changed)."""
    done = and_(documents.c.id == document_id, documents.c.latest, documents.c.stage.in_(READ))
    db.execute(update(documents).where(done).values(**ANEW))
    wake(db, ANALYSIS)


def mark_for_analysis(db: Connection, since: datetime | None = None) -> int:
    """Send every analysed document through the reading again: new dictionaries, new rules. What was set aside before it
    could be cleaned begins there."""
    done = and_(documents.c.stage.in_((ANALYSED, QUARANTINED, *READ)), documents.c.latest)
    if since is not None:
        done = and_(done, documents.c.event_time >= since)
    bare = and_(documents.c.stage == QUARANTINED, documents.c.title == "", documents.c.text == "")
    stage = case((bare, FETCHED), else_=DEDUPED)
    values = {"stage": stage, "attempts": 0, "claimed_by": None, "claimed_until": None, "priority": IN_TURN}
    wake(db, ANALYSIS)
    return db.execute(update(documents).where(done).values(**values)).rowcount


def mark_one_for_analysis(db: Connection, document_id: str) -> None:
    """Send one finished document through the reading again."""
    done = and_(documents.c.id == document_id, documents.c.latest, documents.c.stage.in_((ANALYSED, *READ)))
    db.execute(update(documents).where(done).values(**{**ANEW, "stage": DEDUPED}))
    wake(db, ANALYSIS)


REAL = documents.c.source != CANARY


@dataclass(frozen=True)
class Tally:
    """All documents counted. stages: rows in each stage, every revision.  counts: documents, signals (risk), reposts,
    withdrawn, latest revisions only.  indexed: what the index has taken in, which holds a document in one revision.
    """

    stages: dict[str, int]
    counts: dict[str, int]
    indexed: int


def tally(db: Connection) -> Tally:
    """Count them, in one walk through ix_documents_counted."""
    # By source first, as the index has them: by stage alone, each row of the table would be read.
    parts = (documents.c.source, documents.c.latest, documents.c.stage)
    query = select(
        *parts[1:],
        func.count().label("documents"),
        func.count().filter(documents.c.is_risk).label("signals"),
        func.count(documents.c.repost_of).label("reposts"),
        func.count(documents.c.withdrawn_at).label("withdrawn"),
    )
    stages, counts = Counter[str](), Counter[str](dict.fromkeys(COUNTED, 0))
    indexed = 0
    for row in db.execute(query.where(REAL).group_by(*parts)).mappings():
        stages[row["stage"]] += row["documents"]
        if row["latest"]:
            counts.update({name: row[name] for name in COUNTED})
            indexed += row["documents"] if row["stage"] == INDEXED else 0
    return Tally(dict(stages), dict(counts), indexed)


COUNTED = ("documents", "signals", "reposts", "withdrawn")


def count_by_stage(db: Connection) -> dict[str, int]:
    """As Tally.stages."""
    return tally(db).stages


def count_documents(db: Connection) -> dict[str, int]:
    """As Tally.counts."""
    return tally(db).counts


def set_aside(db: Connection, stage: str = QUARANTINED, limit: int = 50) -> list[tuple[Document, str]]:
    """Documents that no try could carry through (`quarantined`) or that the index refused (`refused`), newest first,
    each with the reason."""
    query = select(documents).where(documents.c.stage == stage).order_by(documents.c.seq.desc()).limit(limit)
    return [(_document(row), row["error"] or "") for row in db.execute(query).mappings()]


def analysis_columns(analysis: Analysis) -> dict[str, Any]:
    """The columns that hold an analysis: the searchable few and the whole."""
    return {
        "is_risk": analysis.is_risk,
        "level": analysis.level,
        "score": analysis.score,
        "product": analysis.primary_product,
        "enterprise": analysis.primary_enterprise,
        "jurisdiction": analysis.jurisdiction_code,
        "stance": analysis.stance,
        "analysis": asdict(analysis),
        "analysis_version": analysis.version,
    }


def analysis_from(stored: Mapping[str, Any]) -> Analysis:
    """The record that `analysis_columns` wrote."""
    known = {name: value for name, value in stored.items() if name in Analysis.__dataclass_fields__}
    for name, value in known.items():
        if name in ("mentions", "title_mentions"):
            known[name] = tuple(
                Mention(**{**m, "type": MentionType(m["type"]), "candidates": tuple(m["candidates"])}) for m in value
            )
        elif isinstance(value, list):
            known[name] = tuple(value)
    return Analysis(**known)


def _signals(db: Connection, query: Select[Any]) -> list[Signal]:
    return [_signal(row) for row in db.execute(query).mappings() if row["analysis"] is not None]


def _signal(row: RowMapping) -> Signal:
    return Signal(_document(row), analysis_from(row["analysis"]))


def _work(row: RowMapping) -> Work:
    analysis = analysis_from(row["analysis"]) if row["analysis"] else None
    return Work(row["seq"], row["stage"], _document(row), row["external_id"], row["raw"], analysis, row["attempts"])


def _columns(document: Document) -> dict[str, Any]:
    values = {name: getattr(document, name) for name in document.__dataclass_fields__}
    values["kind"] = document.kind.value
    values["fields"] = dict(document.fields)
    values["archive"] = asdict(document.archive) if document.archive else None
    return values


def _document(row: RowMapping) -> Document:
    archive = row["archive"]
    return Document(
        **{
            name: row[name]
            for name in Document.__dataclass_fields__
            if name not in ("kind", "tables", "attachments", "flags", "archive")
        },
        kind=Kind(row["kind"]),
        tables=tuple(_table(rows) for rows in row["tables"]),
        attachments=tuple(row["attachments"]),
        flags=tuple(row["flags"]),
        archive=ArchiveRef(**archive) if archive else None,
    )


def _file(values: Mapping[str, Any]) -> AttachedFile:
    archive = values["archive"]
    return AttachedFile(**{**values, "archive": ArchiveRef(**archive) if archive else None})


def _table(rows: Sequence[Sequence[str]]) -> Table:
    return tuple(tuple(cell for cell in row) for row in rows)
