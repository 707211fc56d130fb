"""What of a read document tells which story it belongs to, and the keys under which its like are found."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from config.regions import Regions
from core.clock import beijing
from core.records import NAMES_OF_FIRMS, Analysis, Document, Kind, Mention, MentionType

TRUSTED = frozenset({Kind.NEWS, Kind.NOTICE, Kind.SPOTCHECK, Kind.RECALL, Kind.RECALL_FOREIGN})
HARM = frozenset({"fire", "explosion", "leak", "poison", "shock", "injury", "death", "collapse"})
HAPPENING = frozenset({"fire", "explosion", "leak", "poison", "collapse", "death"})
"""Harm that has a day and a place of its own; an injury is told in every second complaint."""
DATED = HAPPENING - {"death"}  # the injured may die weeks later
HOW_TOLD = frozenset({"complaint", "opinion", "talk", "penalty", "order", "seize", "transfer"})
"""How a matter was taken up, not what is wrong."""
MOST_FIRMS, MOST_PLACES, MOST_TOWNS = 12, 6, 8
LIST_OF_FIRMS = 4  # a text that names so many accuses none of them alone
LABEL = re.compile(r"(?<![A-Z0-9-])(?=[A-Z0-9-]*\d{2})[A-Z]{1,5}-?\d{3,6}[A-Z]{0,3}(?![A-Z0-9])", re.IGNORECASE)
NO_LABEL = re.compile(
    r"(?:GB|GBT|ISO|IEC|EN|JB|QB|HG|DB|TSG|CCC|UN|FOR|UL|P|HRB|HPB|CRB|MFZ|BVR?|RVV|YJV)-?\d", re.IGNORECASE
)
TOWN = re.compile(r"(?<=[区县市])([\u4e00-\u9fff]{2,3})(?=镇|乡|街道|工业园|村)")
COURT = re.compile(r"法院|判决|一审|二审|宣判|审结|庭审")
SAMPLING = re.compile(r"抽查|抽检|监督抽样|风险监测|购样")
DAY = re.compile(r"(?<![\d年])(?:(\d{1,2})月)?(\d{1,2})日(?!报|内|前|起|至)|[“\"](\d{1,2})[·•.．](\d{1,2})[”\"]")
AGO = re.compile(r"(今[日天晨早]|今日凌晨)|(昨[日天晚夜])|(前[天晚])")
SENTENCE = re.compile(r"[^。！？!?\n]+")
SHORT = 200
FamilyOf = Callable[[str | None], str | None]
NamesOf = Callable[[str], tuple[str, ...]]
AFTERWARDS = re.compile(r"获悉|通报|发布|表示|回应|介绍|召开|赶到|出院|移送|抢救无效|接到|投诉|抽查|检查")
FARTHEST_BACK = timedelta(days=120)


@dataclass(frozen=True)
class Traits:
    """A document as events see it.

    firm: the one concerned, a registry id or `NIL:<name>`.  named: every firm it asserts.  places: codes of counties
    and prefectures, the jurisdiction first.  accidents: ordinal days on which it says, as press or authority, that
    something happened.  origin: the document whose text it carries, itself for an origin.  called: how press or
    authority call the firm concerned and the towns.  heard: the words of a short post that names no firm.
    """

    document: str
    at: datetime
    origin: str
    title: str
    trusted: bool
    level: int
    family: str | None
    firm: str | None
    named: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    towns: tuple[str, ...] = ()
    accidents: tuple[int, ...] = ()
    court: bool = False
    sampling: bool = False
    risk: bool = True
    called: tuple[str, ...] = ()
    heard: str = ""

    @property
    def name(self) -> str | None:
        """The firm concerned, or the first name in no list that is given to the goods."""
        return self.firm or next((name for name in self.named if name.startswith("NIL:")), None)

    @property
    def listed(self) -> str | None:
        """The firm of the registry that is concerned."""
        return self.firm if self.firm and not self.firm.startswith("NIL:") else None

    @property
    def harm(self) -> frozenset[str]:
        """What happened to people and things."""
        return HARM & set(self.issues)

    @property
    def wrong(self) -> frozenset[str]:
        """What is wrong, without how it was taken up."""
        return frozenset(self.issues) - HOW_TOLD


def traits_of(
    document: Document, analysis: Analysis, *, regions: Regions, family_of: FamilyOf, names_of: NamesOf = lambda _: ()
) -> Traits:
    """The traits of an analysed document. Reads masked text only. names_of: short names and brands of a firm."""
    title, text = analysis.masked_title or document.title, analysis.masked_text or document.text
    whole = f"{title}\n{text}"
    trusted = document.kind in TRUSTED
    return Traits(
        document=document.id,
        at=document.event_time,
        origin=document.repost_of or document.id,
        title=title[:200] or text[:40],
        trusted=trusted,
        level=analysis.level,
        family=family_in(analysis, family_of),
        firm=analysis.primary_enterprise,
        named=analysis.enterprises[:MOST_FIRMS],
        places=_places(analysis, regions),
        issues=analysis.issues,
        labels=_labels(whole, (*analysis.title_mentions, *analysis.mentions)),
        towns=tuple(dict.fromkeys(TOWN.findall(whole)))[:MOST_TOWNS],
        accidents=_accidents(title, text, analysis, document.event_time) if trusted else (),
        court=bool(COURT.search(whole)),
        sampling=bool(SAMPLING.search(whole)),
        risk=analysis.is_risk,
        called=_called(whole, analysis, names_of) if trusted else (),
        heard="" if trusted or analysis.primary_enterprise else whole[:SHORT],
    )


def family_in(analysis: Analysis, family_of: FamilyOf) -> str | None:
    """The family of the product concerned; where it is too wide to be one, `<product>:<its word in the title>`."""
    product = analysis.primary_product
    family = family_of(product)
    if product is None or family is not None:
        return family
    words = (m.text for m in analysis.title_mentions if m.type is MentionType.PRODUCT and m.id_or_norm == product)
    word = next(words, None)
    return f"{product}:{word}" if word else None


def _called(text: str, analysis: Analysis, names_of: NamesOf) -> tuple[str, ...]:
    firm, towns = analysis.primary_enterprise, TOWN.findall(text)
    if firm is None:
        return tuple(dict.fromkeys(towns))[:MOST_TOWNS]
    mentions = (*analysis.title_mentions, *analysis.mentions)
    said = [m.text for m in mentions if m.id_or_norm == firm and m.type in NAMES_OF_FIRMS]
    return tuple(dict.fromkeys(name for name in (*said, *names_of(firm), *towns) if 2 <= len(name) <= 6))[:12]


def _places(analysis: Analysis, regions: Regions) -> tuple[str, ...]:
    return regions.places_told(analysis.jurisdiction_code, analysis.regions)[:MOST_PLACES]


def _labels(text: str, mentions: Iterable[Mention]) -> tuple[str, ...]:
    marked = [mention.id_or_norm or mention.text for mention in mentions if mention.type is MentionType.MODEL]
    found = [*marked, *(match[0] for match in LABEL.finditer(text))]
    plain = (re.sub(r"[\s-]", "", label).upper() for label in found)
    return tuple(dict.fromkeys(label for label in plain if len(label) >= 5 and not NO_LABEL.match(label)))[:8]


def _accidents(title: str, text: str, analysis: Analysis, at: datetime) -> tuple[int, ...]:
    """Days named in a sentence that also tells of a fire, an explosion, a leak, a poisoning or a death."""
    today = beijing(at).date()
    days: dict[int, None] = {}
    for body, mentions in ((title, analysis.title_mentions), (text, analysis.mentions)):
        told = [m for m in mentions if m.type is MentionType.ISSUE and m.id_or_norm in DATED and not m.negated]
        for sentence in SENTENCE.finditer(body):
            starts = [m.start - sentence.start() for m in told if sentence.start() <= m.start < sentence.end()]
            for start, day in _days_in(sentence.group(), today) if starts else ():
                between = sentence.group()[start : max(starts)]
                if not AFTERWARDS.search(between):
                    days[day] = None
    return tuple(days)[:4]


def _days_in(sentence: str, today: date) -> Iterable[tuple[int, int]]:
    """(where it stands, ordinal day) of each day the sentence names."""
    for match in DAY.finditer(sentence):
        month, day, code_month, code_day = match.groups()
        found = _latest(int(month or code_month or today.month), int(day or code_day), today)
        if found:
            yield match.start(), found.toordinal()
    for match in AGO.finditer(sentence):
        back = 0 if match[1] else 1 if match[2] else 2
        yield match.start(), (today - timedelta(days=back)).toordinal()


def _latest(month: int, day: int, today: date) -> date | None:
    for year in (today.year, today.year - 1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found <= today + timedelta(days=1):
            return found if today - found <= FARTHEST_BACK else None
    return None


def keys_of(traits: Traits, regions: Regions) -> tuple[str, ...]:
    """Where its like are looked for. f: firm, n: name in no list, m: label number, p: product at a place,
    a: something happened at a place, u: product and nothing else, o: origin of the text."""
    firms = [traits.firm] if traits.firm else []
    if len(traits.named) < LIST_OF_FIRMS or not firms:
        firms += traits.named
    keys = [f"o:{traits.origin}", *(f"f:{firm}" for firm in firms)]
    keys += [f"m:{label}" for label in traits.labels]
    for prefecture in dict.fromkeys(filter(None, map(regions.prefecture_of, traits.places))):
        if traits.family:
            keys.append(f"p:{traits.family}|{prefecture}")
        keys += [f"a:{issue}|{prefecture}" for issue in sorted(traits.harm & HAPPENING)]
    lone = not traits.trusted and not traits.firm and not traits.places
    if traits.family and (lone or (traits.trusted and traits.risk and len(traits.named) < LIST_OF_FIRMS)):
        keys.append(f"u:{traits.family}")
    return tuple(dict.fromkeys(keys))


def to_json(traits: Traits) -> dict[str, Any]:
    """The traits as the store keeps them, without document and time."""
    facts = asdict(traits)
    del facts["document"], facts["at"]
    return facts


def from_json(document: str, at: datetime, facts: Mapping[str, Any]) -> Traits:
    """The traits that `to_json` wrote."""
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in facts.items()}
    return Traits(document=document, at=at, **known)


def scenes_of(traits: Traits) -> tuple[str, ...]:
    """Counties that a text which dates an accident names."""
    return tuple(code for code in traits.places if not code.endswith("00")) if traits.accidents else ()


def home_of(traits: Traits, regions: Regions) -> str:
    """The territory a document counts for: its first place, else the province."""
    return traits.places[0] if traits.places else regions.home
