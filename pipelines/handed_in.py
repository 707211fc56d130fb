"""Rows of other systems into the store: kept once by the caller's id, changed ones as a new revision.

What becomes a document goes the way of crawled ones (saved raw, then read, masked, indexed and judged by the worker);
what is a record is counted, and says of a firm of the register what it says. A batch is one transaction, so that
what was cut off is simply handed in again.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from config.intake import IntakeKind
from core.firms import FactKind, FirmFact
from core.ids import digest, document_id, to_json, to_pretty_json
from core.records import ArchiveRef, RawDocument
from nlp.privacy import mask
from pipelines.handed_rows import ReadRow
from pipelines.intake import save_raw
from store import handed_in
from store.database import Store
from store.firm_facts import drop_fact, save_facts
from store.handed_in import Handed
from store.registry import firms_with

BATCH = 200
KEPT_AS_THEY_ARE = frozenset(("id", "at", "territory", "firm_code", "outcome", "until"))
"""Fields without a person in them; everything else is masked, but the name of a firm of the register."""
FACTS: Mapping[str, FactKind] = {
    "sampling": FactKind.SAMPLING,
    "checks": FactKind.CHECK,
    "credit": FactKind.CREDIT,
}


@dataclass(frozen=True)
class HandedBy:
    """Who handed in what. source: the system.  archive: where all of it lies as it came; None: not archived.

    keep: puts bytes into the archive under a name. A document leads to its own row there and to nothing else: the file
    holds other people's rows and what is never shown.
    """

    source: str
    actor: str
    archive: ArchiveRef | None = None
    keep: Callable[[str, bytes], ArchiveRef] | None = None

    @property
    def place(self) -> str:
        """As the table has it."""
        ref = self.archive
        return f"{ref.file} {ref.offset} {ref.length}" if ref else ""


@dataclass
class Taken:
    """What became of the rows."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    documents: list[str] = field(default_factory=list)

    def add(self, other: "Taken") -> None:
        """Count another batch in."""
        self.new, self.changed = self.new + other.new, self.changed + other.changed
        self.unchanged += other.unchanged
        self.documents += other.documents


def take(store: Store, kind: IntakeKind, rows: Sequence[ReadRow], by: HandedBy, *, now: datetime) -> Taken:
    """Keep the rows, a batch a transaction. Of two rows with one id the later one counts."""
    taken = Taken()
    wanted = list({row.id: row for row in rows}.values())
    for start in range(0, len(wanted), BATCH):
        with store.write() as db:
            taken.add(take_batch(db, kind, wanted[start : start + BATCH], by, now=now))
    taken.unchanged += len(rows) - len(wanted)
    return taken


def take_batch(db: Connection, kind: IntakeKind, rows: Sequence[ReadRow], by: HandedBy, *, now: datetime) -> Taken:
    """The same inside an open transaction; each id at most once."""
    handed_in.take_turn(db)
    known = handed_in.newest(db, kind.id, by.source, [row.id for row in rows])
    firms = _firms(db, rows)
    taken, fresh = Taken(), []
    for row in rows:
        before, hashed = known.get(row.id), digest(to_json(dict(row.values)))
        if before is not None and before.hash == hashed:
            taken.unchanged += 1
            continue
        one = _handed(kind, row, by, firms[row.id], hashed=hashed, now=now)
        if before is not None:
            one = replace(one, revision=before.revision + 1)
            _forget(db, kind, before)
        if kind.into == "document":
            one = replace(one, document=_save_document(db, kind, row, by, now))
            taken.documents.append(one.document)
        _tell_firm(db, kind, one, now)
        fresh.append(one)
        taken.new, taken.changed = taken.new + (before is None), taken.changed + (before is not None)
    handed_in.add(db, fresh)
    return taken


def _handed(kind: IntakeKind, row: ReadRow, by: HandedBy, firm: str, *, hashed: str, now: datetime) -> Handed:
    registered = bool(firm) and not firm.startswith("NIL:")
    kept = KEPT_AS_THEY_ARE | {"firm_name"} if registered else KEPT_AS_THEY_ARE
    body = {name: text if name in kept else mask(text) for name, text in row.values.items()}
    return Handed(
        kind.id, by.source, row.id, 1, hashed, row.day, now, by.actor, by.place, body,
        territory=row.territory, product=row.product, firm=firm, outcome=row.outcome,
        online=_told(row.value("channel"), "online"), rural=_told(row.value("rural"), "是"), site=row.value("site"),
        found=row.found, fixed=row.fixed, done=row.value("done") == "是",
    )  # fmt: skip


def _told(value: str, yes: str) -> bool | None:
    """None: the row does not tell."""
    return value == yes if value else None


def _firms(db: Connection, rows: Sequence[ReadRow]) -> dict[str, str]:
    """The firm of each row by the caller's id: of the register by code or the only one of its name, else NIL:<name>."""
    codes = firms_with(db, "uscc", {row.value("firm_code") for row in rows} - {""})
    names = firms_with(db, "name", {row.value("firm_name") for row in rows} - {""})
    found: dict[str, str] = defaultdict(str)
    for row in rows:
        code, name = row.value("firm_code"), row.value("firm_name")
        same = codes.get(code, []) or names.get(name, [])
        found[row.id] = same[0].id if len(same) == 1 else f"NIL:{mask(name)}" if name else ""
    return found


# --- documents ------------------------------------------------------------------------------------------------------


def _save_document(db: Connection, kind: IntakeKind, row: ReadRow, by: HandedBy, now: datetime) -> str:
    external = f"{by.source}:{row.id}"
    said = defaultdict(str, row.values)
    ref = None
    if by.keep is not None:
        told = {
            kind.fields[name].title: row.place if name == "territory" else text for name, text in row.values.items()
        }
        body = to_pretty_json(told).encode()
        ref = by.keep(archive_uri(kind.id, hashlib.sha256(body).hexdigest()), body)
    lines = [text for name in kind.text if (text := _line(kind, name, row))]
    raw = RawDocument(
        source=kind.source, kind=kind.kind, url="", title=kind.headline.format_map(said), text="\n".join(lines),
        fetched_at=now, external_id=external, published=min(row.at, now), date_source="item",
        fields={kind.fields[name].title: text for name, text in row.values.items() if name not in kind.text},
        archive=ref,
    )  # fmt: skip
    save_raw(db, raw, now=now)
    return document_id(kind.source, external)


def _line(kind: IntakeKind, name: str, row: ReadRow) -> str:
    """The first text stands alone, the others behind their title; what is kept as a code is told by its word."""
    column, text = kind.fields[name], row.value(name)
    if column.type == "region":
        text = row.place
    elif column.type == "choice" and text:
        text = column.values[text][0]
    return f"{kind.fields[name].title}：{text}" if text and name != kind.text[0] else text


def archive_uri(kind: str, sha256: str) -> str:
    """What a handed-in file, request or row is called in the archive."""
    return f"urn:fengsui:intake:{kind}:{sha256}"


# --- firms ----------------------------------------------------------------------------------------------------------


def _fact(kind: IntakeKind, one: Handed) -> FirmFact | None:
    """What the row says of a firm of the register."""
    if kind.fact is None or not one.firm or one.firm.startswith("NIL:"):
        return None
    body = one.body
    until = body.get("until")
    return FirmFact(
        one.firm, FACTS[kind.fact], number=one.external_id, day=one.day,
        until=datetime.fromisoformat(until).date() if until else None, product=one.product or body.get("product", ""),
        model=body.get("model", ""), batch=body.get("batch", ""), outcome=one.outcome or _word(kind, body),
        text=body.get("failed_items") or body.get("content") or body.get("reason", ""), source=one.source,
    )  # fmt: skip


def _word(kind: IntakeKind, body: Mapping[str, str]) -> str:
    """The list somebody was put on, in words."""
    code = body.get("list", "")
    return kind.fields["list"].values[code][0] if code else ""


def _tell_firm(db: Connection, kind: IntakeKind, one: Handed, now: datetime) -> None:
    fact = _fact(kind, one)
    if fact is not None:
        save_facts(db, [fact], now=now)


def _forget(db: Connection, kind: IntakeKind, before: Handed) -> None:
    """What an earlier revision said of a firm is taken back."""
    fact = _fact(kind, before)
    if fact is not None:
        drop_fact(db, fact)
