"""The dossier of a firm as a paper: the page's facts, each with the documents it rests on. Internal material."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from config.lexicon import Lexicon
from core.clock import beijing
from core.records import LEVEL_COLOURS
from enterprises.axis import SPANS, Point
from enterprises.cited import Cited
from enterprises.neighbours import Alike, Beside
from enterprises.profile import Profile
from reports.paper import UNKNOWN, Evidence, Paper

MOST_ROWS, MOST_TIES, MOST_CHANGES = 120, 60, 30
ROLES: Mapping[str, str] = {"producer": "生产者", "dealer": "销售者", "service": "服务者"}
NOTHING = "截至该日，本系统没有这类记录。"


@dataclass(frozen=True)
class Around:
    """What stands beside the profile in the paper. names: of sources by key.  by: who has it made, for the head."""

    alikes: Sequence[Alike]
    at_address: Beside
    of_person: Beside
    cited: Mapping[str, Cited]
    names: Mapping[str, str]
    by: str
    territory: str


def documents_of(profile: Profile) -> list[str]:
    """The documents the paper cites."""
    rows = [key for point in profile.axis.points[:MOST_ROWS] for key in point.documents]
    return [
        *rows, *(fact.document for fact in profile.facts if fact.document),
        *(one.document for one in profile.relations if one.document),
    ]  # fmt: skip


def dossier_paper(profile: Profile, around: Around, lexicon: Lexicon) -> bytes:
    """The dossier as docx. The same facts in the same order as on the page; levels are internal ones and say so."""
    return _Dossier(profile, around, lexicon).write()


class _Dossier:
    def __init__(self, profile: Profile, around: Around, lexicon: Lexicon) -> None:
        self.profile, self.around, self.lexicon = profile, around, lexicon
        self.register = f"名录 {profile.entry.id}" if profile.entry else ""
        told = f"内部使用  {around.territory}  {around.by}  {beijing(profile.asked.now):%Y-%m-%d %H:%M} 生成"
        self.paper = Paper(title="企业质量安全档案", head=told)

    def write(self) -> bytes:
        profile, paper = self.profile, self.paper
        paper.subtitle(profile.name)
        paper.subtitle(f"档案截至 {profile.asked.day}")
        if not profile.entry:
            paper.sentence("名录中没有这家企业：名称取自原文，待核。未列入名录不等于没有登记。")
        if not profile.asked.is_today:
            paper.sentence(f"许可、认证为 {profile.asked.day} 当日状态，之后的记录不计入；台账按现状列出。")
        for number, (title, part) in enumerate(self._parts(), start=1):
            paper.heading(f"{'一二三四五六七八九十'[number - 1]}、{title}")
            part()
        return paper.close(self._evidence())

    def _parts(self) -> Sequence[tuple[str, Callable[[], None]]]:
        first = ("登记信息", self._entry) if self.profile.entry else ("由原文归集", self._mentions)
        return (
            first, ("许可与认证", self._papers), ("未销号隐患", self._ledger), ("记录", self._records),
            ("与同类比", self._trade), ("关系和相邻企业", self._relations),
        )  # fmt: skip

    def _entry(self) -> None:
        profile, entry = self.profile, self.profile.entry
        assert entry is not None
        office = profile.office
        rows = [
            ("企业名称", entry.name), ("信用代码", entry.uscc), ("角色", ROLES.get(entry.role, entry.role)),
            ("登记状态", entry.status), ("住所", entry.address), ("属地", entry.region_name),
            ("法定代表人", entry.person), ("简称、品牌", "、".join((*entry.short_names, *entry.brands))),
            ("曾用名", "、".join(entry.former_names)),
            ("产品", "、".join(self.lexicon.product_name(one.id) for one in profile.products)),
        ]  # fmt: skip
        if office:
            contacts = "；".join(f"{one.name} {one.mail}" for one in office.contacts)
            rows += [("监管单位", "；".join(part for part in (office.bureau, office.above, office.lead) if part))]
            rows += [("联系", contacts)]
        self.paper.facts(rows)
        self.paper.sentence("以上登记信息取自企业名录。", [self.register])
        for change in profile.changes[:MOST_CHANGES]:
            after = "（档案截至日之后）" if change.after else ""
            told = f"“{change.before or '未填'}”变为“{change.now or '未填'}”{after}。"
            told = f"{beijing(change.at):%Y-%m-%d} 再次导入名录，{change.word}由{told}"
            self.paper.sentence(told, [f"名录文件 {change.source}"])

    def _mentions(self) -> None:
        found = self.profile.mentions
        assert found is not None
        ids = [signal.id for signal in self.profile.signals[:5]]
        if found.first and found.last:
            told = f"{beijing(found.first):%Y-%m-%d} 至 {beijing(found.last):%Y-%m-%d}，"
            told += f"{found.sources} 个信源提到这一名称，待核实。"
            self.paper.sentence(told, ids)
        regions = self.lexicon.regions
        places = "、".join(f"{regions.name_of(code)} {count} 篇" for code, count in found.places)
        products = "、".join(f"{self.lexicon.product_name(key)} {count} 篇" for key, count in found.products)
        self.paper.sentence(f"涉及属地：{places or '未识别'}。涉及产品：{products or '未识别'}。", ids)
        for entry, why in found.maybe:
            told = f"名录中的{entry.name}（{entry.uscc or '信用代码未填'}）{why}，是否同一主体待核实。"
            self.paper.sentence(told, [f"名录 {entry.id}"])

    def _papers(self) -> None:
        for one in self.profile.bad_papers:
            thing = self.lexicon.product_name(one.fact.product) if one.fact.product else "未载明范围"
            told = f"{one.kind} {one.fact.number}（{thing}）在 {self.profile.asked.day} 不覆盖：{one.told}。"
            told += f"{one.later}。" if one.later else ""
            self.paper.sentence(told, self._rests(one.fact.document, one.fact.source), grave=True)
        rows = [
            (
                one.kind, one.fact.number, self.lexicon.product_name(one.fact.product) or "未载明",
                one.lasting or "未载明",
                one.told + self.paper.marks(self._rests(one.fact.document, one.fact.source)), one.later,
            )
            for one in self.profile.papers
        ]  # fmt: skip
        if rows:
            head = ("种类", "编号", "范围", "有效期", "当日状态", "其后")
            self.paper.table(head, rows, (18, 40, 28, 23, 34, 23))
        else:
            self.paper.sentence("名录中没有这家企业的许可或认证；没有记录不等于没有取得，待核。", [self.register])
        for product in self.profile.products:
            for need in (need for need in product.needs if need.missing):
                told = f"{self.lexicon.product_name(product.id)}需{need.word}，{need.told}。"
                self.paper.sentence(told, [self.register])

    def _rests(self, document: str, source: str) -> list[str]:
        return [document or (f"名录文件 {source}" if source else self.register)]

    def _ledger(self) -> None:
        rows = [
            (one.id, LEVEL_COLOURS[one.level], one.title, f"{one.found_on}", f"{one.due_on}")
            for one in self.profile.open_entries
        ]
        if not rows:
            self.paper.sentence("台账中没有这家企业未销号的隐患。")
            return
        self.paper.table(("台账编号", "级别", "隐患", "发现", "期限"), rows, (30, 12, 76, 24, 24))

    def _records(self) -> None:
        axis = self.profile.axis
        said = "、".join(f"{word} {count} 条" for _, word, count in axis.counts())
        start, span = beijing(axis.start).date(), SPANS[self.profile.asked.span][0]
        self.paper.sentence(
            f"{start} 至 {self.profile.asked.day}（{span}）共 {len(axis.points)} 条记录：{said or '无'}。"
        )
        rows = [self._record(point) for point in axis.points[:MOST_ROWS]]
        if not rows:
            self.paper.sentence(NOTHING)
            return
        left = len(axis.points) - len(rows)
        note = "注：级别为内部预警级别，不是事故等级；“—”为无级别。报道、投诉和网传内容未经核实。"
        note += f"列出最近 {MOST_ROWS} 条，另有 {left} 条见系统。" if left else ""
        self.paper.table(("日期", "类别", "摘要", "来源", "级别", "依据"), rows, (32, 17, 66, 26, 11, 14), note)

    def _record(self, point: Point) -> Sequence[str]:
        at = beijing(point.at)
        return (
            f"{at:%Y-%m-%d}" if point.whole_day else f"{at:%Y-%m-%d %H:%M}", point.kind,
            point.title + ("（转载）" if point.repost else ""), self._source(point.source) or "本系统",
            LEVEL_COLOURS[point.level] if point.level else "", self.paper.marks(point.documents or self._of(point)),
        )  # fmt: skip

    def _of(self, point: Point) -> list[str]:
        """What a row without a document rests on: the record of this system it names, else the register."""
        if point.lane in ("alert", "event", "ledger"):
            return [f"本系统 {point.title.split(' ')[0]}"]
        return self._rests("", point.source)

    def _trade(self) -> None:
        trade = self.profile.trade
        if trade is None:
            self.paper.sentence("近 12 个月没有同类产品的信号，不作比较。")
            return
        place = f"，居第 {trade.place} 位" if trade.place else ""
        self.paper.sentence(
            f"近 12 个月，{self.lexicon.product_name(trade.product)}的信号：本企业 {trade.total} 条{place}；"
            f"有这类信号的企业 {trade.firms} 家，每家平均 {trade.mean:.1f} 条，中位 {trade.middle:g} 条。",
            ["本系统信号统计"],
        )
        rows = [
            (month, str(own), f"{mean:.2f}")
            for month, own, mean in zip(trade.months, trade.own, trade.means, strict=True)
        ]
        self.paper.table(("月份", "本企业", "同类每家平均"), rows, (40, 40, 50))

    def _relations(self) -> None:
        rows = [
            (
                one.word + ("（当日已结束）" if one.over else "（当日之后）" if one.soon else ""), one.name,
                self.lexicon.regions.name_of(one.region) if one.region else "", self.lexicon.product_name(one.product),
                _lasting(one.since, one.until), self.paper.marks(self._rests(one.document, one.source)),
            )
            for one in self.profile.relations[:MOST_TIES]
        ]  # fmt: skip
        if rows:
            head = ("关系", "企业", "属地", "产品", "起止", "依据")
            self.paper.table(head, rows, (28, 48, 20, 28, 26, 16))
        else:
            self.paper.sentence("名录中没有这家企业与其他企业的关系。", [self.register])
        for alike in self.around.alikes:
            told = f"易混主体：{alike.entry.name}，相同：{alike.shared}；区别：{alike.apart}。"
            self.paper.sentence(told, [f"名录 {alike.entry.id}"])
        for word, beside in (("同一住所", self.around.at_address), ("同名法定代表人", self.around.of_person)):
            for entry in beside.firms:
                same = "；同名不等于同一人" if word == "同名法定代表人" else ""
                told = f"{word}：{entry.name}（{entry.uscc or '信用代码未填'}）{same}。"
                self.paper.sentence(told, [f"名录 {entry.id}"])

    def _source(self, key: str) -> str:
        return self.around.names.get(key, key)

    def _evidence(self) -> dict[str, Evidence]:
        found = {}
        for key in self.paper.cited:
            one = self.around.cited.get(key)
            if one is not None:
                state = "原页面已撤下" if one.withdrawn else UNKNOWN
                found[key] = Evidence(
                    key, one.title, self._source(one.source), _stamp(one.at), _stamp(one.fetched_at), one.sha256, state
                )
            elif key.startswith(("名录", "本系统")):
                word, _, rest = key.partition(" ")
                found[key] = Evidence(
                    rest or key, f"{word}记录" if word == "本系统" else word, "本系统", state="系统记录"
                )
        return found


def _stamp(moment: datetime) -> str:
    return f"{beijing(moment):%Y-%m-%d %H:%M}"


def _lasting(since: date | None, until: date | None) -> str:
    return f"{since or ''} 至 {until or ''}" if since or until else ""
