"""Licences and certificates of a firm as they stood on a day, in words that do not need a colour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from core.firms import PAPERS, FactKind, FirmFact, PaperState

KINDS: Mapping[FactKind, str] = {
    FactKind.LICENCE: "生产许可",
    FactKind.CCC: "CCC 认证",
    FactKind.HAZCHEM: "危化品许可",
    FactKind.SAMPLING: "监督抽查",
    FactKind.CHECK: "现场检查",
    FactKind.PENALTY: "行政处罚",
    FactKind.RECALL: "召回",
    FactKind.COMPLAINTS: "投诉",
    FactKind.CREDIT: "信用",
}
BAD = frozenset({PaperState.LAPSED, PaperState.SUSPENDED, PaperState.WITHDRAWN})
SOON = 30  # days before the end from which it is said


@dataclass(frozen=True)
class Paper:
    """A licence or certificate on a day. told: how it stood.  later: what is known to have happened to it since.

    others: numbers of papers of the same kind and product that were valid on the day, where this one was not.
    """

    fact: FirmFact
    state: PaperState
    told: str
    later: str = ""
    others: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What sort of paper it is."""
        return KINDS[self.fact.kind]

    @property
    def bad(self) -> bool:
        """Whether it did not cover the day although it once was given."""
        return self.state in BAD

    @property
    def lasting(self) -> str:
        """From when until when, as the paper says."""
        if self.fact.day is None and self.fact.until is None:
            return ""
        return f"{self.fact.day or '未载明'} 至 {self.fact.until or '未载明'}"


def papers_on(
    facts: Iterable[FirmFact], day: date, today: date, said: Mapping[FirmFact, FirmFact] | None = None
) -> list[Paper]:
    """The papers among `facts` as of `day`, those that did not cover it first; those given after the day as well.

    said: what the registry said of a paper on the day, where a re-import has changed it since. A paper that by the
    registry of the day did not cover it is told so, whatever was made of it later; what was learnt later to its
    disadvantage counts, too.
    """
    said = said or {}
    papers = [worse(fact, said.get(fact), day) for fact in facts if fact.kind in PAPERS]
    valid = [fact for fact in papers if fact.state_on(day) is PaperState.VALID]
    now = {fact_key(then): fact for fact, then in said.items()}
    found = [_noted(_paper(fact, valid, day, today), now.get(fact_key(fact))) for fact in papers]
    return sorted(found, key=lambda one: (not one.bad, one.fact.kind, -(one.fact.until or date.max).toordinal()))


def fact_key(fact: FirmFact) -> tuple[str, str, str, str, str]:
    """What makes a paper the same paper."""
    return fact.kind, fact.number, fact.product, fact.model, fact.batch


def worse(fact: FirmFact, then: FirmFact | None, day: date) -> FirmFact:
    """What counts of a paper on a day: what the registry said then, where only by that it did not cover the day."""
    return then if then is not None and fact.state_on(day) not in BAD and then.state_on(day) in BAD else fact


def _noted(paper: Paper, now: FirmFact | None) -> Paper:
    """With what a re-import has made of it since, where the day's is shown."""
    if now is None or now == paper.fact:
        return paper
    told = f"其后名录改为有效期至 {now.until or '未载明'}"
    told += f"、{'暂停' if now.state == PaperState.SUSPENDED else '撤销'}" if now.state else ""
    return replace(paper, later="；".join(filter(None, (paper.later, told))))


def _paper(fact: FirmFact, valid: Sequence[FirmFact], day: date, today: date) -> Paper:
    state = fact.state_on(day)
    others = [one.number for one in valid if (one.kind, one.product) == (fact.kind, fact.product)]
    return Paper(
        fact, state, _told(fact, state, day), _later(fact, state, day, today), tuple(others) if state in BAD else ()
    )


def _told(fact: FirmFact, state: PaperState, day: date) -> str:
    match state:
        case PaperState.LAPSED if fact.until:
            return f"当日已过期 {(day - fact.until).days} 天"
        case PaperState.SUSPENDED:
            return _since("暂停", fact.state_since, day)
        case PaperState.WITHDRAWN:
            return _since("撤销", fact.state_since, day)
        case PaperState.NOT_YET if fact.day:
            return f"当日尚未生效，{(fact.day - day).days} 天后生效"
        case PaperState.VALID if fact.until is None:
            return "当日有效，到期日未载明"
        case PaperState.VALID if fact.until and (left := (fact.until - day).days) <= SOON:
            return f"当日有效，{left} 天后到期" if left else "当日有效，当日到期"
        case PaperState.VALID:
            return "当日有效"
    return "有效期未载明，待核"


def _since(word: str, since: date | None, day: date) -> str:
    if since is None:
        return f"当日已{word}，起始日未载明"
    return f"当日已{word} {(day - since).days} 天" if day > since else f"当日起{word}"


def _later(fact: FirmFact, state: PaperState, day: date, today: date) -> str:
    if fact.state and fact.state_since and day < fact.state_since <= today:
        return f"其后 {fact.state_since} 起{'暂停' if fact.state == PaperState.SUSPENDED else '撤销'}"
    if state is PaperState.VALID and fact.until and day <= fact.until < today:
        return f"其后 {fact.until} 到期"
    return ""


def bars_of(fact: FirmFact, start: date, end: date) -> list[tuple[date, date, bool]]:
    """The stretches between two days on which a paper was in force (True) or, once given, was not (False)."""
    cuts = {start, end}
    for cut in (fact.day, fact.state_since, _day_after(fact.until)):
        if cut and start < cut < end:
            cuts.add(cut)
    days = sorted(cuts)
    found = []
    for left, right in pairwise(days):
        state = fact.state_on(left)
        if state is PaperState.VALID or state in BAD:
            found.append((left, right, state is PaperState.VALID))
    return found


def _day_after(day: date | None) -> date | None:
    return date.fromordinal(day.toordinal() + 1) if day and day < date.max else None


SCHEMES: Mapping[str, tuple[FactKind, str]] = {
    "CCC": (FactKind.CCC, "CCC 认证"),
    "XK": (FactKind.LICENCE, "工业产品生产许可"),
    "WH": (FactKind.HAZCHEM, "危化品许可"),
}
"""What a product needs by the lexicon, as far as papers of the registry can show it."""


@dataclass(frozen=True)
class Need:
    """A paper a product needs, and what was seen of it on the day. missing: none in force was seen."""

    word: str
    told: str
    missing: bool


def needs_of(product: str, schemes: Sequence[str], papers: Sequence[Paper]) -> tuple[Need, ...]:
    """What the lexicon asks for a product, against the papers of the firm on the day."""
    found = []
    for kind, word in (SCHEMES[scheme] for scheme in schemes if scheme in SCHEMES):
        mine = [one for one in papers if one.fact.kind is kind and one.fact.product in (product, "")]
        valid = [one for one in mine if one.state is PaperState.VALID]
        told = "当日有效" if valid else "当日均无效" if any(one.bad for one in mine) else "未见有效的，待核"
        found.append(Need(word, told, not valid))
    return tuple(found)
