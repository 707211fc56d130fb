"""What the desk asks in a benchmark: every question is one page with facets, bars split by level, and marked hits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from config.lexicon import Lexicon
from search.backend import SearchRequest, Sort
from search.names import NameTable
from search.query import read_query
from search.records import HASH_BITS, millis


@dataclass(frozen=True)
class Question:
    """A query and how it is cut. days: only that many before now.  at: goes on where the signals of that many days ago
    begin, as after a walk through many pages."""

    kind: str
    text: str
    days: int | None = None
    territory: str | None = None
    sort: Sort = Sort.NEWEST
    offset: int = 0
    at: int | None = None

    @property
    def name(self) -> str:
        """How a report calls it."""
        cuts = [f"{self.days}d" if self.days else "", self.territory or "", (self.at and f"after {self.at}d") or ""]
        cuts.append("" if self.sort is Sort.NEWEST else self.sort.value)
        return " ".join([self.text or "(all)", *filter(None, cuts)])


QUESTIONS: tuple[Question, ...] = (
    Question("all", ""),
    Question("all", "", days=30),
    Question("all", "", days=1),
    Question("all", "", days=365),
    Question("words", "起火"),
    Question("words", "电动自行车"),
    Question("words", "电动自行车 起火"),
    Question("words", "不合格 抽查", days=30),
    Question("words", "记者"),
    Question("words", "燃气灶 召回", days=90),
    Question("words", "GB 17761"),
    Question("words", "火"),
    Question("phrase", '"电动自行车"'),
    Question("phrase", '"市场监督管理局"'),
    Question("phrase", '"无人员伤亡"'),
    Question("phrase", '标题:"不合格"'),
    Question("filter", "级别>=2"),
    Question("filter", "产品:ebike and 级别>=3", days=30),
    Question("filter", "kind:(complaint or social) and is_risk:true"),
    Question("filter", "enterprises:ENT0003 and issues:fire"),
    Question("filter", "products:*"),
    Question("range", "score>=0.5 and score<0.6"),
    Question("range", "时间>=2026-06-01 and 时间<2026-07-01"),
    Question("range", "level>=1 and 时间>=now-7d/d"),
    Question("wildcard", "电动*"),
    Question("wildcard", "source:source_0*", days=30),
    Question("wildcard", "url:*2026/05*"),
    Question("not", "起火 and not 爆炸"),
    Question("not", "not is_risk:true", days=30),
    Question("or", "电动自行车 or 电瓶车 or 电动车 or 助力车"),
    Question("or", "起火 or 着火 or 失火 or 火灾 or 自燃", days=90),
    Question("or", "(起火 or 爆炸) and (赣州 or 南昌 or 九江)"),
    Question("territory", "", days=30, territory="360700"),
    Question("territory", "起火", territory="360000"),
    Question("territory", "级别>=1", territory="360100"),
    Question("relevance", "电动自行车 起火", sort=Sort.RELEVANCE),
    Question("relevance", "不合格", sort=Sort.RELEVANCE, days=365),
    Question("relevance", "充电 or 电池 or 插座", sort=Sort.RELEVANCE),
    Question("level", "起火 or 爆炸", sort=Sort.LEVEL),
    Question("deep", "", at=200),
    Question("deep", "起火", at=400),
    Question("deep", "", offset=9_000),
    Question("deep", "不合格", sort=Sort.RELEVANCE, offset=1_000),
)
"""Forty-three; the desk's own usual ones among them (30 days, nothing asked)."""


class Asking:
    """Turns questions into requests, names and all, as the desk does."""

    def __init__(self, lexicon: Lexicon) -> None:
        places = [(name, place.code) for place in lexicon.regions for name in (place.name, place.short_name)]
        products = [(name, p.id) for p in lexicon.products.values() for name in (p.name, *p.terms)]
        self._names = NameTable({"products": products, "regions": places, "territory": places})

    def request(self, question: Question, now: datetime) -> SearchRequest:
        """One page: 20 hits, all facets of the desk, bars split by level."""
        return SearchRequest(
            where=read_query(question.text, names=self._names, now=now).where,
            from_=now - timedelta(days=question.days) if question.days else None,
            territory=question.territory,
            offset=question.offset,
            after=millis(now - timedelta(days=question.at)) << HASH_BITS if question.at else None,
            sort=question.sort,
            split="level",
        )
