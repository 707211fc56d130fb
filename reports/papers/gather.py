"""What papers are written from: the records about one matter, cut to what the bureau may read, and the list of
evidence."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from config.laws import Article
from config.ledger import LedgerRules
from config.lexicon import Lexicon
from core.clock import beijing
from core.records import Alert, Kind, RegistryEntry
from enterprises.signals import Cut
from ledger.clocks import IsWorkday
from nlp.privacy import mask
from reports.paper import UNKNOWN, Evidence
from reports.papers.phrases import OFFICIAL, full_bureau, moment_words, outside, source_says, stamp, tight
from reports.papers.record import Content, Said, fact
from reports.papers.words import INFORMER, forbidden
from reports.weekly import Office, WeeklyBook
from store.registry import find_entries
from store.schema import documents

MOST = 400
"""Documents of one matter that are read; what is more is counted."""
UNOFFICIAL = (Kind.NEWS.value, Kind.SOCIAL.value, Kind.FORUM.value, Kind.HOTLIST.value)


@dataclass(frozen=True)
class Desk:
    """Who writes, from what. territory: whose paper.  cut: what that bureau may read.  sources: title by key.

    carriers: kind of each source.  running: sources that are switched on.
    casualty_days, fire_days: so long casualties stay open.
    rephrase: says marked paragraphs in other words; None: nobody does.
    """

    db: Connection
    lexicon: Lexicon
    cut: Cut
    territory: str
    now: datetime
    sources: Mapping[str, str]
    office: Office
    weekly: WeeklyBook
    ledger: LedgerRules
    is_workday: IsWorkday
    laws: Sequence[Article] = ()
    carriers: Mapping[str, str] = field(default_factory=dict)
    running: frozenset[str] = frozenset()
    rephrase: Callable[[Content], Content] | None = None
    casualty_days: int = 30
    fire_days: int = 7

    @property
    def bureau(self) -> str:
        """The name of the bureau whose paper it is."""
        return full_bureau(self.lexicon.regions, self.territory)

    @property
    def today(self) -> date:
        """In Beijing."""
        return beijing(self.now).date()

    def product(self, key: str) -> str:
        """A product in words."""
        return self.lexicon.product_name(key)

    def place(self, code: str) -> str:
        """A region in words."""
        return self.lexicon.regions.name_of(code) if code else "属地待核"

    def source(self, key: str) -> str:
        """A source in words."""
        name = tight(self.sources.get(key, key))
        return f"《{name}》" if forbidden(name) else name


@dataclass(frozen=True)
class Told:
    """A document as papers tell it. title: masked.  official: an authority of this country published it."""

    id: str
    kind: str
    source: str
    title: str
    text: str
    at: datetime
    repost: bool
    product: str
    firm: str
    place: str
    level: int
    issues: tuple[str, ...]
    casualties: Mapping[str, int]
    fetched: datetime

    @property
    def official(self) -> bool:
        """Whether an authority published it."""
        return self.kind in OFFICIAL


@dataclass(frozen=True)
class Matter:
    """What a paper is about. name: how its record calls it.  record: key of that record in the list of evidence.

    left: documents about it that this bureau may not read, or that are more than are read.
    """

    subject: str
    name: str
    record: str
    told: tuple[Told, ...]
    firms: Mapping[str, RegistryEntry]
    level: int = 0
    number: str = ""
    alert: Alert | None = None
    left: int = 0
    places: tuple[str, ...] = ()

    @property
    def first(self) -> Told:
        """The earliest one."""
        return self.told[0]

    @property
    def own(self) -> tuple[Told, ...]:
        """Without reposts."""
        return tuple(one for one in self.told if not one.repost)

    @property
    def origins(self) -> int:
        """Independent sources: publishers of texts that are no reposts."""
        return len({one.source for one in self.own})

    @property
    def official(self) -> tuple[Told, ...]:
        """What authorities published."""
        return tuple(one for one in self.told if one.official)

    @property
    def thin(self) -> bool:
        """Fewer than two independent sources and no official one."""
        return self.origins < 2 and not self.official

    @property
    def product(self) -> str:
        """What most of it is about."""
        found = Counter(one.product for one in self.told if one.product)
        return found.most_common(1)[0][0] if found else ""

    @property
    def firm_ids(self) -> tuple[str, ...]:
        """Firms, those named most first."""
        found = Counter(one.firm for one in self.told if one.firm)
        return tuple(key for key, _ in found.most_common())

    def firm_name(self, key: str) -> str:
        """As the registry has it, or as it was written."""
        entry = self.firms.get(key)
        return entry.name if entry else key.removeprefix("NIL:")

    @property
    def issues(self) -> tuple[str, ...]:
        """What it is about, most often told first."""
        found = Counter(issue for one in self.told for issue in one.issues)
        return tuple(key for key, _ in found.most_common())

    def ids(self, which: Iterable[Told] | None = None) -> tuple[str, ...]:
        """Ids of its documents."""
        return tuple(one.id for one in (self.told if which is None else which))


def read_matter(
    desk: Desk, ids: Iterable[str], *, subject: str, name: str, record: str, alert: Alert | None = None,
    level: int = 0, number: str = "",
) -> Matter:  # fmt: skip
    """The documents that this bureau may read, oldest first."""
    wanted = list(dict.fromkeys(ids))
    told = told_of(desk, wanted[:MOST])
    firms = find_entries(desk.db, sorted({one.firm for one in told if one.firm}))
    places = tuple(dict.fromkeys(one.place for one in told if one.place))
    return Matter(subject, name, record, told, firms, level, number, alert, left=len(wanted) - len(told), places=places)


def told_of(desk: Desk, ids: Sequence[str]) -> tuple[Told, ...]:
    """Documents by id, as this bureau may read them, oldest first."""
    d = documents.c
    columns = (d.id, d.kind, d.source, d.title, d.text, d.event_time, d.repost_of, d.product, d.enterprise,
               d.jurisdiction, d.level, d.analysis, d.fetched_at)  # fmt: skip
    found = []
    for start in range(0, len(ids), MOST):
        query = select(*columns).where(d.id.in_(ids[start : start + MOST]), d.latest, desk.cut.documents)
        for row in desk.db.execute(query.where(d.withdrawn_at.is_(None))):
            found.append(_told(row, carried=desk.carriers.get(row.source, "")))
    return tuple(sorted(found, key=lambda one: (one.at, one.id)))


def _told(row: Any, *, carried: str) -> Told:
    """carried: the kind of its source: a notice that a newspaper prints is told as what the newspaper reports."""
    analysis = row.analysis or {}
    said = tuple(analysis.get("issues", ())), analysis.get("casualties") or {}
    about = row.product or "", row.enterprise or "", row.jurisdiction or "", row.level or 0
    title, repost = mask(row.title) or "（无标题）", row.repost_of is not None
    kind = carried if row.kind in OFFICIAL and carried in UNOFFICIAL else row.kind
    return Told(row.id, kind, row.source, title, row.text, row.event_time, repost, *about, *said, row.fetched_at)


def evidence_of(desk: Desk, keys: Iterable[str], records: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """The list of evidence: documents from the store, records of this system as they were told."""
    wanted = list(dict.fromkeys(keys))
    found = {key: records[key] for key in wanted if key in records}
    ids = [key for key in wanted if key not in found]
    d = documents.c
    for start in range(0, len(ids), MOST):
        query = select(d.id, d.title, d.source, d.event_time, d.fetched_at, d.content_hash, d.archive, d.withdrawn_at)
        for row in desk.db.execute(query.where(d.id.in_(ids[start : start + MOST]), d.latest, desk.cut.documents)):
            kept = row.archive or {}
            state = "原页面已撤下" if row.withdrawn_at else UNKNOWN
            found[row.id] = Evidence(
                row.id, mask(row.title) or "（无标题）", desk.source(row.source), stamp(row.event_time),
                stamp(row.fetched_at), str(kept.get("sha256") or row.content_hash), state,
            )  # fmt: skip
    return found


def record_of(desk: Desk, key: str, title: str, sha256: str = "") -> Evidence:
    """A record of this system as evidence."""
    return Evidence(key, title, "本系统", stamp(desk.now), stamp(desk.now), sha256, "系统记录")


def quoted(one: Told, *, outward: bool = False) -> str:
    """Its title within “ ”, or that it is left out where it names who informed."""
    if outward and INFORMER in one.title:
        return "“（标题略）”"
    return outside(one.title)


def tells(desk: Desk, one: Told, *, outward: bool = False) -> Said:
    """「11月23日14时32分，据《××》报道，“……”。」"""
    before, behind = source_says(one.kind, desk.source(one.source))
    return fact(f"{moment_words(one.at)}，{before}{quoted(one, outward=outward)}{behind}。", one.id)


@dataclass(frozen=True)
class Records:
    """Records of this system that a paper rests on beside documents."""

    known: dict[str, Evidence] = field(default_factory=dict)

    def add(self, desk: Desk, key: str, title: str, sha256: str = "") -> str:
        """The key of a record."""
        self.known.setdefault(key, record_of(desk, key, mask(title), sha256))
        return key
