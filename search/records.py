"""What is written into the index, and how a signal becomes it."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from config.regions import BY_DIGITS, Regions
from core.records import Signal
from search.fields import FIELDS
from search.mentions import mention_keys
from search.text import EMPTY, Segmenter, grams_of, words_of

MAX_BODY = 200_000
"""Characters of a body that are searched: longer texts are lists nobody reads to the end."""

MAX_KEYWORD = 2_000
HASH_BITS = 18
LATEST_MS = 1 << 42
USUAL_TIER = 3
"""Of a source that is not configured (documents read from a file): that of config/sources.py."""

Row = dict[str, Any]
"""A document as both backends store it: strings, numbers, booleans and lists of strings; times in ms UTC."""


@dataclass(frozen=True)
class IndexEntry:
    """One signal as the index knows it. The same id replaces; a lower `version` never replaces a higher one.

    title_words, body_words: tokens of search/text.py.  products, enterprises, issues: ids, the primary one first.
    regions, territory: region codes, each with all that contain it, so that a code finds itself and below.
    tier: of the source, 1 (recalls, spot checks) to 4 (weak signals).  mentions: keys of search/mentions.py.
    """

    id: str
    version: int
    title: str
    body: str
    title_words: tuple[str, ...]
    body_words: tuple[str, ...]
    source: str
    kind: str
    url: str
    event_time: datetime
    stored_at: datetime
    level: int
    score: float
    is_risk: bool
    products: tuple[str, ...] = ()
    enterprises: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    territory: tuple[str, ...] = ()
    repost_of: str | None = None
    withdrawn: bool = False
    revision: int = 1
    stance: str = "none"
    flags: tuple[str, ...] = ()
    tier: int = USUAL_TIER
    mentions: tuple[str, ...] = ()


def with_ancestors(codes: Iterable[str], regions: Regions = BY_DIGITS) -> tuple[str, ...]:
    """Region codes (GB/T 2260, 6 digits or longer) and all that contain them: 360703 gives 360000 360700 360703."""
    found: dict[str, None] = {}
    for code in codes:
        found.update(dict.fromkeys(reversed(regions.chain(code[:6]))))
        found[code] = None
    return tuple(found)


NO_TIERS: Mapping[str, int] = {}


def entry_of(
    signal: Signal,
    words: Segmenter,
    *,
    version: int | None = None,
    tier_of: Mapping[str, int] = NO_TIERS,
    regions: Regions = BY_DIGITS,
) -> IndexEntry:
    """The entry of `signal`: masked text and the rows of its tables, masked too, so that nothing private is indexed.

    version: the revision unless given; hand in a larger number to let a repeated analysis replace a newer-looking one.
    tier_of: source key to tier; the usual one where a source is missing.  regions: what lies in what, zones too.
    """
    document, analysis = signal.document, signal.analysis
    rows = ("｜".join(row) for table in document.tables for row in table)
    title, body = analysis.masked_title, "\n".join((analysis.masked_text, *rows)).strip()[:MAX_BODY]
    territory = [analysis.jurisdiction_code] if analysis.jurisdiction_code else []
    return IndexEntry(
        id=document.id,
        version=document.revision if version is None else version,
        title=title,
        body=body,
        title_words=tuple(words_of(title, words)),
        body_words=tuple(words_of(body, words)),
        source=document.source,
        kind=document.kind.value,
        url=document.canonical_url or document.url,
        event_time=document.event_time,
        stored_at=document.stored_at,
        level=analysis.level,
        score=analysis.score,
        is_risk=analysis.is_risk,
        products=_unique(analysis.primary_product, analysis.products),
        enterprises=_unique(analysis.primary_enterprise, analysis.enterprises),
        issues=_unique(None, analysis.issues),
        regions=with_ancestors(analysis.regions, regions),
        territory=with_ancestors(territory, regions),
        repost_of=document.repost_of,
        withdrawn=document.withdrawn_at is not None,
        revision=document.revision,
        stance=analysis.stance,
        flags=_unique(None, document.flags),
        tier=tier_of.get(document.source, USUAL_TIER),
        mentions=mention_keys(analysis),
    )


def _unique(first: str | None, rest: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((first, *rest) if first else rest))


def millis(moment: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware moment."""
    return round(moment.timestamp() * 1000)


def moment(value: float) -> datetime:
    """The moment of `millis`, aware, UTC."""
    return datetime.fromtimestamp(value / 1000, UTC)


def row_of(entry: IndexEntry) -> Row:
    """`entry` as a row: tokens joined by blanks, empty values left out, two numbers to sort by added.

    time_order: event time, then 18 bits of the id: one number, so that paging by it is stable and both backends agree.
    level_order: the same below the level.
    """
    row: Row = {}
    for field in fields(entry):
        value = getattr(entry, field.name)
        if isinstance(value, datetime):
            value = millis(value)
        elif isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, str) and field.name not in ("title", "body"):
            value = value[:MAX_KEYWORD]
        if value not in (None, "", []):
            row[field.name] = value
    for name in ("title", "body"):
        # Each word once: how often it stands there is left to the grams, and engines count the length of a text apart.
        row[f"{name}_words"] = " ".join(dict.fromkeys(getattr(entry, f"{name}_words"))) or EMPTY
        row[f"{name}_grams"] = " ".join(grams_of(getattr(entry, name))) or EMPTY
    tail = int.from_bytes(hashlib.sha256(entry.id.encode()).digest()[:4], "big") >> (32 - HASH_BITS)
    row["time_order"] = min(max(row["event_time"], 0), LATEST_MS - 1) << HASH_BITS | tail
    row["level_order"] = min(max(entry.level, 0), 7) << 60 | row["time_order"]
    return row


HIDDEN = frozenset(
    {"title_words", "title_grams", "body_words", "body_grams", "mentions", "time_order", "level_order", "version"}
)  # fmt: skip
"""Keys of a row that serve the index only."""


def shown(row: Row) -> Row:
    """The public fields of a stored row, times as aware UTC, every field present."""
    empty: Row = {field.name: [] if field.many else "" for field in FIELDS} | {"repost_of": None}
    values = {key: value for key, value in (empty | row).items() if key not in HIDDEN}
    for key in ("event_time", "stored_at"):
        values[key] = moment(values[key])
    return values
