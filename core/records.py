"""The frozen records that cross from one package to the next. Times are aware UTC; offsets count code points."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

Table = tuple[tuple[str, ...], ...]
"""Rows of cells; the first row is the header. Spans are already expanded."""

CANARY = "canary"
"""Key of the source that serves synthetic events; nothing of it is counted, and no source file may be called so."""


class Kind(StrEnum):
    """What sort of publication a source or document is (design, section 4)."""

    NEWS = "news"
    NOTICE = "notice"
    SPOTCHECK = "spotcheck"
    RECALL = "recall"
    RECALL_FOREIGN = "recall_foreign"
    COMPLAINT = "complaint"
    SOCIAL = "social"
    FORUM = "forum"
    HOTLIST = "hotlist"
    REVIEW = "review"


class SourceType(StrEnum):
    """The collection class of the annotation standard (domain/ANNOTATION.md, source_type)."""

    REGULATOR = "regulator"
    NEWS = "news"
    SOCIAL = "social"
    COMPLAINT = "complaint"
    RECALL = "recall"
    FORUM = "forum"
    ECOMMERCE = "ecommerce"


SOURCE_TYPE_OF: Mapping[Kind, SourceType] = {
    Kind.NEWS: SourceType.NEWS,
    Kind.NOTICE: SourceType.REGULATOR,
    Kind.SPOTCHECK: SourceType.REGULATOR,
    Kind.RECALL: SourceType.RECALL,
    Kind.RECALL_FOREIGN: SourceType.RECALL,
    Kind.COMPLAINT: SourceType.COMPLAINT,
    Kind.SOCIAL: SourceType.SOCIAL,
    Kind.FORUM: SourceType.FORUM,
    Kind.HOTLIST: SourceType.SOCIAL,
    Kind.REVIEW: SourceType.ECOMMERCE,
}

KIND_OF: Mapping[SourceType, Kind] = {
    SourceType.REGULATOR: Kind.NOTICE,
    SourceType.NEWS: Kind.NEWS,
    SourceType.SOCIAL: Kind.SOCIAL,
    SourceType.COMPLAINT: Kind.COMPLAINT,
    SourceType.RECALL: Kind.RECALL,
    SourceType.FORUM: Kind.FORUM,
    SourceType.ECOMMERCE: Kind.REVIEW,
}

LEVEL_NAMES = ("无", "一般", "较大", "重大", "特别重大")
LEVEL_COLOURS = ("无", "蓝", "黄", "橙", "红")
LEVEL_ROMAN = ("", "Ⅳ级", "Ⅲ级", "Ⅱ级", "Ⅰ级")
LEVEL_IDS = {"blue": 1, "yellow": 2, "orange": 3, "red": 4}


@dataclass(frozen=True)
class ArchiveRef:
    """Where the page as fetched lies: a WARC record.

    file: name below <data>/archive.  offset: bytes to the record.  sha256: hex, of the payload (body) bytes.
    """

    file: str
    offset: int
    length: int
    sha256: str


@dataclass(frozen=True)
class AttachedFile:
    """A file that belongs to a document, as fetched.

    name: what the page calls it, else the end of its address; a member of a zip is `包.zip/名单.xls`.
    kind: what its bytes are (xls, xlsx, csv, docx, doc, pdf, zip, image, html, text, rar, other); "" was not fetched.
    size, sha256: of its bytes.  archive: where they lie; a member lies in its zip.
    chars: characters of its text that joined the document's.  tables: how many of the document's tables are its own;
    they stand behind those of the page, in the order of the files.  problem: why it is not (wholly) read, for people.
    """

    url: str
    name: str
    kind: str = ""
    size: int = 0
    sha256: str = ""
    archive: ArchiveRef | None = None
    chars: int = 0
    tables: int = 0
    problem: str = ""


@dataclass(frozen=True)
class RawDocument:
    """One publication as a crawler read it; nothing is cleaned but the markup.

    url: absolute; empty for a row of a file that has none.  external_id: the source's own id, raw.
    published: as the source says (None: it does not); date_source tells where from (item | page | url | list | none).
    fields: named facts (enterprise, product, hazard, units, ...), raw strings.
    text: the page's, then the text of each attached file behind a line `【附件：名称】`.  files: every attached file.
    body_kind: what the page itself says its matter with: text | table | image | attachment.
    leftover: labels the spider did not expect, reported by the run.
    """

    source: str
    kind: Kind
    url: str
    title: str
    text: str
    fetched_at: datetime
    external_id: str = ""
    published: datetime | None = None
    date_source: str = "none"
    author: str | None = None
    origin: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    attachments: tuple[str, ...] = ()
    files: tuple[AttachedFile, ...] = ()
    body_kind: str = "text"
    leftover: Mapping[str, str] = field(default_factory=dict)
    archive: ArchiveRef | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class HotLine:
    """Where a line of a hot list stood when it was seen. name: the title as two spellings share it.

    rank: 1 is the top.  heat: a number where the platform's text holds one.
    """

    platform: str
    name: str
    title: str
    url: str
    rank: int
    heat: int | None
    heat_text: str
    seen_at: datetime


@dataclass(frozen=True)
class Gone:
    """A page that was there and is not any more: the document is withdrawn, its copy stays.

    status: 404 or 410, or 200 where a page says so, or the site's front page comes instead.  why: in words.
    """

    source: str
    url: str
    seen_at: datetime
    status: int
    why: str = ""


@dataclass(frozen=True)
class Document:
    """One publication as stored: cleaned, masked, dated, hashed. `id` is stable; a changed page is a new revision.

    event_time: published, or stored_at where published is missing or over an hour ahead (flag "date_guessed").
    repost_of: the id of the earlier document that carries the same text (None: an origin of its own).
    """

    id: str
    source: str
    kind: Kind
    url: str
    canonical_url: str
    title: str
    text: str
    event_time: datetime
    published: datetime | None
    fetched_at: datetime
    stored_at: datetime
    revision: int
    content_hash: str
    author: str | None = None
    origin: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    attachments: tuple[str, ...] = ()
    archive: ArchiveRef | None = None
    repost_of: str | None = None
    withdrawn_at: datetime | None = None
    flags: tuple[str, ...] = ()


class MentionType(StrEnum):
    """What a span names."""

    PRODUCT = "product"
    ENTERPRISE = "enterprise"
    BRAND = "brand"
    REGION = "region"
    TOWN = "town"
    ISSUE = "issue"
    CASUALTY = "casualty"
    MODEL = "model"
    STANDARD = "standard"


NAMES_OF_FIRMS = (MentionType.ENTERPRISE, MentionType.BRAND)
"""Both lead to a firm by their id."""


@dataclass(frozen=True)
class Mention:
    """A span of the text and what it names: text[start:end].

    id_or_norm: an id, `NIL:<text>` for a firm in no list, or None with `candidates` where namesakes cannot be told
    apart.  negated: denied, hypothetical, drilled or advertised; shown, never counted.  rule: what found it.
    """

    start: int
    end: int
    text: str
    type: MentionType
    id_or_norm: str | None
    negated: bool = False
    role: str | None = None
    candidates: tuple[str, ...] = ()
    confidence: float = 1.0
    rule: str = ""


@dataclass(frozen=True)
class Analysis:
    """What the reading of one text found (ANNOTATION.md gives the meaning of each field).

    score: 0-1, how sure that it is a risk signal.  level: 0-4 by this text alone.
    issues: asserted issue ids, gravest first.  products, enterprises: asserted ids, the primary one first.
    reasons: sentences a person can check.  stance: none | denial | refutation | apology.
    """

    is_risk: bool
    level: int
    score: float
    primary_product: str | None
    primary_enterprise: str | None
    jurisdiction_code: str | None
    mentions: tuple[Mention, ...]
    title_mentions: tuple[Mention, ...]
    issues: tuple[str, ...]
    products: tuple[str, ...]
    enterprises: tuple[str, ...]
    regions: tuple[str, ...]
    reasons: tuple[str, ...]
    masked_title: str
    masked_text: str
    casualties: Mapping[str, int] = field(default_factory=dict)
    stance: str = "none"
    version: str = ""


@dataclass(frozen=True)
class Signal:
    """An analysed document, as rules and the index see it."""

    document: Document
    analysis: Analysis


@dataclass(frozen=True)
class Finding:
    """A rule fired on a window. Immutable; the id follows from rule, version, key and window start.

    key: the group_by values, `ebike_power|360113`.  fired_at: event time of the document that completed it.
    numbers: what the verdict compared (count, usual, needed, ...).
    """

    id: str
    rule: str
    rule_version: str
    key: str
    level: int
    window_start: datetime
    window_end: datetime
    fired_at: datetime
    reason: str
    documents: tuple[str, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)


class AlertState(StrEnum):
    """The states of an alert (design, section 6)."""

    NEW = "new"
    ACCEPTED = "accepted"
    DISPATCHED = "dispatched"
    IN_HAND = "in_hand"
    TO_CLOSE = "to_close"
    CLOSED = "closed"
    DISMISSED = "dismissed"


@dataclass(frozen=True)
class Alert:
    """Findings about one matter, with a state and an append-only history.

    territory: region code whose desk it is.  territories: all who must be told, the owner first.
    Times are event time (the story's); created_at is when this system wrote it.
    late: seconds from first_at until it was written, where that is too long (a halt, a late document); else 0.
    """

    id: str
    number: str
    subject: str
    level: int
    state: AlertState
    first_at: datetime
    updated_at: datetime
    created_at: datetime
    title: str
    rule: str
    reason: str
    products: tuple[str, ...]
    enterprises: tuple[str, ...]
    issues: tuple[str, ...]
    territory: str
    territories: tuple[str, ...]
    documents: tuple[str, ...]
    findings: tuple[str, ...]
    unconfirmed: bool = False
    origins: int = 0
    due_at: datetime | None = None
    late: int = 0


class Listed(Protocol):
    """What lists of alerts are sifted, counted and ordered by: an Alert has it, and an AlertLine."""

    @property
    def id(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def state(self) -> AlertState: ...
    @property
    def first_at(self) -> datetime: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime | None: ...
    @property
    def rule(self) -> str: ...
    @property
    def products(self) -> tuple[str, ...]: ...
    @property
    def enterprises(self) -> tuple[str, ...]: ...
    @property
    def issues(self) -> tuple[str, ...]: ...
    @property
    def territory(self) -> str: ...
    @property
    def territories(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class AlertLine:
    """An alert without its texts, documents and findings: thousands of them are read for the counts of one page."""

    id: str
    level: int
    state: AlertState
    first_at: datetime
    updated_at: datetime
    due_at: datetime | None
    rule: str
    products: tuple[str, ...]
    enterprises: tuple[str, ...]
    issues: tuple[str, ...]
    territory: str
    territories: tuple[str, ...]


@dataclass(frozen=True)
class AlertEvent:
    """One row of an alert's history: who changed what, when and why. Never changed afterwards."""

    alert: str
    number: int
    at: datetime
    story_at: datetime
    actor: str
    action: str
    level: int
    state: AlertState
    note: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Notification:
    """One delivery on one channel to one recipient. The id is its idempotency key. entry: of the ledger.

    details: of mails; pictures {name: sha256 of the PNG}, thread (the delivery it follows), from (first day, digests).
    created_at: when it was put into the outbox; None before that.
    """

    id: str
    channel: str
    recipient: str
    subject: str
    text: str
    html: str
    alert: str | None = None
    level: int = 0
    entry: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None


@dataclass(frozen=True)
class RegistryEntry:
    """A firm of the registry, the columns of domain/enterprises_demo.csv (lists are `;` separated there).

    role: producer | dealer | service.  region_code: county code where known.  uscc: GB 32100 credit code.
    person: legal representative.  What else is known of it: `core.firms`.
    """

    id: str
    name: str
    short_names: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    former_names: tuple[str, ...] = ()
    region_code: str = ""
    region_name: str = ""
    products: tuple[str, ...] = ()
    role: str = "producer"
    parent_id: str = ""
    uscc: str = ""
    licence_no: tuple[str, ...] = ()
    status: str = "存续"
    tags: tuple[str, ...] = ()
    english_names: tuple[str, ...] = ()
    address: str = ""
    person: str = ""
    industry: str = ""
