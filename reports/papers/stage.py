"""阶段性总结 (end of July) and 全年总结 (by 10 November): the weekly tables added up, with the gaps."""

import re
from datetime import date

from sqlalchemy import func, select

from config.weekly import TITLE, Column
from core.errors import UsageError
from core.records import AlertState
from reports.figures import TOTAL
from reports.papers.columns import SHEETS, parts_of, ways_of
from reports.papers.cumulative import Sums, sums_of
from reports.papers.gather import Desk, Records, evidence_of
from reports.papers.phrases import day_words, note_of, share, stamp
from reports.papers.record import Annex, Blank, Block, Cell, Content, Field, Grid, Leaf, Said, Section, fact, para
from reports.papers.weekly import first_week
from reports.papers.words import our_word
from reports.table import Sheet
from reports.weeks import Span, Week, span_of, week_of
from store.alert_log import alerts_between
from store.ledger import HazardState, entries_between
from store.schema import documents

NAME = "重点工业产品质量安全隐患排查整治专项行动"
JULY, NOVEMBER = (7, 31), (11, 10)
MAIN = ("haz_found", "haz_closed", "haz_open", "sampling_batches", "nonconf_batches", "risk_info", "risk_alerts")
TOP = 8


def summary(desk: Desk, year: str, *, annual: bool) -> Content:
    """year: 2026. Up to the last week that ended by the day the notice names, or by now. Raises UsageError."""
    span = _span(desk, year, annual)
    sums = sums_of(desk.weekly, desk.db, span, desk.office, now=desk.now)
    records, fields = Records(), list[Field]()
    key = records.add(desk, f"统计表累计 {span.each[0].id}至{span.each[-1].id}", f"{TITLE}累计（{span.weeks}期）")
    word = "全年总结" if annual else "阶段性总结"
    fields += [
        Field("whole", "总体情况", "C", _whole(sums, key), long=True), Field("deeds", "做法和成效", long=True),
        Field("risks", "风险监测分析", "C", _risks(desk, span, records), long=True, lines=True),
        Field("cases", "典型案例（已公布的决定；未公布的不写名称）", long=True),
        Field("problems", "存在问题", long=True),
        Field("plans", "下一步打算", long=True), Field("advice", "建议", long=True),
    ]  # fmt: skip
    parts: list[tuple[str, tuple[Block, ...]]] = [
        ("总体情况", (Blank("whole"),)), ("做法和成效", (Blank("deeds"),)),
        ("数据", (para(*_basis(desk, sums, key)), _main(desk, sums, key))), ("风险监测分析", (Blank("risks"),)),
        ("典型案例", (Blank("cases"),)),
    ]  # fmt: skip
    if annual:
        fields.append(Field("lookback", "“回头看”情况", "C", _look_back(desk, span, records), long=True))
        parts.append(("“回头看”情况", (Blank("lookback"),)))
    parts += [("存在问题", (Blank("problems"),)), ("下一步打算", (Blank("plans"),)), ("建议", (Blank("advice"),))]
    sections = tuple(Section(f"{'一二三四五六七八九'[n]}、{name}", blocks) for n, (name, blocks) in enumerate(parts))
    content = Content(
        kind="annual" if annual else "stage", form="A", title=f"{NAME}{word}", sender=desk.bureau,
        day=day_words(desk.today), made=stamp(desk.now),
        subtitle=(f"（{day_words(span.first)}至{day_words(span.last)}）",), sections=sections,
        annexes=_annexes(desk, sums, key), fields=tuple(fields), cuts=("整治", "专项行动"), leaves=_leaves(desk, sums),
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def _span(desk: Desk, year: str, annual: bool) -> Span:
    if not re.fullmatch(r"20\d\d", year):
        raise UsageError(f"年份 {year[:10]} 看不懂，写法如 2026")
    first, now = first_week(desk), week_of(desk.now)
    end = date(int(year), *(NOVEMBER if annual else JULY))
    last = min(now.before, week_before(end), key=lambda one: one.first)
    if last.first < first.first:
        raise UsageError(f"{year} 年专项行动还没有结束的周，不能汇总")
    return span_of(first, last)


def week_before(day: date) -> Week:
    """The last week that ended by a day."""
    back = (day.isoweekday() - 2) % 7  # weeks end on a Tuesday
    return Week(date.fromordinal(day.toordinal() - back - 6))


def _basis(desk: Desk, sums: Sums, key: str) -> tuple[Said, ...]:
    """「数据由第×期至第×期周报累计，含补报×项、更正×项（附件3）。」 and the gaps."""
    told = f"数据由第1期至第{sums.span.weeks}期周报累计，含补报{sums.late}项、更正{len(sums.reopened)}项（附件3）。"
    said = [fact(told, key)]
    missing = sums.span.weeks - len(sums.signed)
    if missing:
        said.append(fact(f"其中{missing}期周报未签发，所含人工填报数未经签发。", key))
    gaps = sums.gaps(desk.weekly.table.columns)
    if gaps:
        named = "、".join(f"{our_word(column.short)}（缺{weeks}期）" for column, weeks in gaps[:8])
        more = f"等{len(gaps)}栏" if len(gaps) > 8 else ""
        said.append(fact(f"以下栏目有未报送的期，累计数不含：{named}{more}。", key))
    return tuple(said)


def _value(sums: Sums, column: str, row: str = TOTAL) -> str:
    value = sums.of(column, row).value
    return "—" if value is None else value


def _whole(sums: Sums, key: str) -> tuple[Said, ...]:
    found, closed, left = (_value(sums, one) for one in ("haz_found", "haz_closed", "haz_open"))
    alerts = _value(sums, "risk_alerts")
    return (
        fact(f"累计发现隐患{found}个、销号{closed}个，未销号{left}个。", key),
        fact(f"累计采集风险信息{_value(sums, 'risk_info')}条，形成内部预警{alerts}条。", key),
    )


def _main(desk: Desk, sums: Sums, key: str) -> Grid:
    columns = [one for one in desk.weekly.table.columns if one.id in MAIN]
    rows = tuple((name, *(_value(sums, one.id, row) for one in columns)) for row, name in desk.weekly.rows)
    head = ("产品", *(our_word(one.name) for one in columns))
    return Grid(head, rows, (36, *(18 for _ in columns)), note=note_of(desk.now), whole=(key,), caption="主要指标累计")


def _risks(desk: Desk, span: Span, records: Records) -> tuple[Said, ...]:
    """Products and places with most signals, and what became of the alerts."""
    key = records.add(desk, "信号统计", f"本系统信号统计（{span.first}至{span.last}）")
    d = documents.c
    inside = (d.latest, d.is_risk, d.repost_of.is_(None), d.withdrawn_at.is_(None), desk.cut.documents,
              d.event_time >= span.begins, d.event_time < span.ends)  # fmt: skip
    total = desk.db.execute(select(func.count()).select_from(documents).where(*inside)).scalar_one()
    said = []
    for column, word, name in ((d.product, "产品", desk.product), (d.jurisdiction, "属地", desk.place)):
        query = select(column, func.count()).where(*inside, column.is_not(None)).group_by(column)
        rows = desk.db.execute(query.order_by(func.count().desc(), column).limit(TOP)).all()
        parts = "、".join(f"{name(row[0])}{row[1]}条{_share(row[1], total)}" for row in rows)
        said.append(fact(f"按{word}，信号较多的是：{parts or '无'}。", key))
    alerts = [one for one in alerts_between(desk.db, span.begins, span.ends)
              if any(desk.cut.sees(code) for code in (one.territory, *one.territories))]  # fmt: skip
    false = sum(one.state is AlertState.DISMISSED for one in alerts)
    told = f"形成内部预警{len(alerts)}条，经核查排除{false}条{_share(false, len(alerts))}。"
    said.append(fact(told, records.add(desk, "预警统计", f"本系统预警统计（{span.first}至{span.last}）")))
    return tuple(said)


def _share(part: int, whole: int) -> str:
    told = share(part, whole)
    return f"（{told}）" if told else ""


def _look_back(desk: Desk, span: Span, records: Records) -> tuple[Said, ...]:
    """Closed entries that were looked at again, and those that came back."""
    entries = [one for one in entries_between(desk.db, span.first, span.last) if desk.cut.sees(one.territory)]
    closed = [one for one in entries if one.state is HazardState.CLOSED]
    again = [one for one in entries if one.state is HazardState.REOPENED]
    due = [one for one in closed if one.look_on is not None]
    key = records.add(desk, "隐患台账", f"隐患台账（截至{stamp(desk.now)}）")
    told = f"已销号{len(closed)}个，列入“回头看”{len(due)}个，重新打开{len(again)}个。"
    return (fact(told, key),)


# -- annexes ---------------------------------------------------------------------------------------------------------


def _annexes(desk: Desk, sums: Sums, key: str) -> tuple[Annex, ...]:
    sheet = Sheet(desk.weekly.table.columns, desk.weekly.rows)
    grids = tuple(_grid(desk, sums, columns, name, key) for name, columns in parts_of(sheet))
    reported = tuple(
        (week.id, f"{week.first}至{week.last}", "已签发" if week.id in sums.signed else "未签发")
        for week in sums.span.each
    )
    corrected = tuple((week, "签发后重新打开更正") for week in sums.reopened)
    late: Block = Grid(("期", "更正"), corrected, (40, 100), whole=(key,)) if corrected else para(
        fact(f"没有签发后更正的周报；补报{sums.late}项，计入所属期。", key))  # fmt: skip
    return (
        Annex(f"{TITLE}（累计）", grids),
        Annex("各期周报签发情况", (Grid(("期", "周期", "状态"), reported, (34, 70, 30), whole=(key,)),)),
        Annex("补报和更正清单", (late,)), Annex("口径", (ways_of(desk.weekly.table.columns),)),
    )  # fmt: skip


def _grid(desk: Desk, sums: Sums, columns: tuple[Column, ...], name: str, key: str) -> Grid:
    rows = tuple((label, *(_value(sums, one.id, row) for one in columns)) for row, label in desk.weekly.rows)
    head = ("产品", *(our_word(one.name) for one in columns))
    return Grid(head, rows, (34, *(20 for _ in columns)), caption=name, note=note_of(desk.now), wide=True, whole=(key,))


def _leaves(desk: Desk, sums: Sums) -> tuple[Leaf, ...]:
    found = []
    for number, (name, groups) in enumerate(SHEETS):
        columns = [one for one in desk.weekly.table.columns if one.group in groups and one.unit != "text"]
        rows = tuple(
            (Cell(label, locked=True), *(Cell(_value(sums, one.id, row), locked=True) for one in columns))
            for row, label in desk.weekly.rows
        )
        named = f"表{'一二三'[number]}"
        head = ("产品", *(our_word(one.name) for one in columns))
        widths = (24, *(9 for _ in columns))
        found.append(
            Leaf(named, f"{TITLE}（累计）　{named}：{name}", head, rows, note=note_of(desk.now), widths=widths)
        )
    return tuple(found)
