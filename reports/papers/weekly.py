"""工作周报: the week's work and risk monitoring, with the statistics table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from config.weekly import TITLE, Column
from core.records import LEVEL_COLOURS, Alert
from ledger.words import bureau_of
from reports.figures import GRAVE, TOTAL
from reports.papers.columns import SHEETS, parts_of, ways_of
from reports.papers.cumulative import Sums, sums_of
from reports.papers.gather import Desk, Records, evidence_of, told_of
from reports.papers.phrases import day_words, level_words, moment_words, note_of, outside, short_day, stamp
from reports.papers.record import (
    Annex,
    Blank,
    Cell,
    Content,
    Field,
    Grid,
    Leaf,
    Paragraph,
    Said,
    Section,
    blank,
    fact,
    form,
    para,
)
from reports.papers.said import ENDINGS
from reports.papers.sources import WELL, sources_said
from reports.papers.words import our_word
from reports.table import Cell as Figured
from reports.table import Sheet, change_of
from reports.weekly import Opened
from reports.weeks import WEDNESDAY, Week, span_of
from store.alert_log import find_alerts
from store.ledger import entries_by_id
from store.registry import find_entries
from store.weekly import states_of

NAME = "重点工业产品质量安全隐患排查整治工作周报"
WORK: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("自查自改", "work_self", (("self_check_done", "完成自查自改企业{}家"), ("self_found", "自查发现隐患{}个"),
                           ("self_fixed", "完成整改{}个"))),
    ("企业检查", "work_check", (("insp_ent", "检查生产企业{}家次"), ("insp_dealer", "检查销售单位{}家次"),
                            ("insp_coverage", "全覆盖检查进度{}%"))),
    ("监督抽查", "work_sample", (("sampling_batches", "监督抽查{}批次"), ("nonconf_batches", "不合格{}批次"),
                             ("nonconf_rate", "不合格率{}%"))),
)  # fmt: skip
"""Heading, field and the columns whose figures draft it."""
CASES = (
    ("talks", "约谈企业{}家"), ("case_filed", "立案{}件"), ("penalties", "行政处罚{}件"), ("fine_amount", "罚没{}万元"),
    ("transferred", "移送司法机关、公安机关{}件"),
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What the week's paper is written from. before: the table of the week before, where that one is signed."""

    desk: Desk
    opened: Opened
    sums: Sums
    before: Sheet | None
    alerts: tuple[Alert, ...]

    @property
    def week(self) -> Week:
        """The week of the paper."""
        return self.opened.week

    @property
    def sheet(self) -> Sheet:
        """Its table."""
        return self.opened.sheet

    def cell(self, column: str, row: str = TOTAL) -> Figured:
        """One cell of it."""
        return self.sheet.cell(column, row)

    @property
    def key(self) -> str:
        """The table as evidence."""
        return f"统计表 {self.week.id}"


def weekly_report(desk: Desk, week: Week) -> Content:
    """The paper of a week, ended or not. Reads the records of the week and those since the campaign began."""
    return compose(read_report(desk, week))


def read_report(desk: Desk, week: Week) -> Report:
    """What it is written from."""
    book, db = desk.weekly, desk.db
    opened = book.open(db, week, desk.office, now=desk.now)
    before = book.open(db, week.before, desk.office, now=desk.now)
    sums = sums_of(book, db, span_of(first_week(desk), week), desk.office, now=desk.now)
    ids = [item.id for item in opened.sheet.cell("risk_alerts", TOTAL).items]
    alerts = tuple(sorted(find_alerts(db, ids), key=lambda one: (-one.level, one.first_at)))
    return Report(desk, opened, sums, before.sheet if before.signed else None, alerts)


def first_week(desk: Desk) -> Week:
    """The one the campaign began in."""
    since = desk.weekly.table.rules.since
    return Week(since - timedelta(days=(since.isoweekday() - WEDNESDAY) % 7))


def compose(report: Report) -> Content:
    """The paper."""
    desk, week, records = report.desk, report.week, Records()
    records.add(desk, report.key, f"{TITLE}（{week.id}，{'已签发' if report.opened.signed else '未签发'}）",
                report.sheet.hash)  # fmt: skip
    fields: list[Field] = []
    sections = (*_work(report, fields), *_risk(report, records, fields), *_rest(fields))
    fields += [Field("filler", "填报人"), Field("checker", "审核人"), Field("phone", "联系电话")]
    number = report.sums.span.weeks
    people = f"填报人：{blank('filler')}　审核人：{blank('checker')}　电话：{blank('phone')}"
    head = tuple(Paragraph((form(line),), flush=True) for line in (f"填报单位：{desk.bureau}", people))
    content = Content(
        kind="weekly", form="A", title=NAME, sender=desk.bureau, day=day_words(desk.today), made=stamp(desk.now),
        subtitle=(f"第{number}期（{short_day(week.first)}至{short_day(week.last)}）",), opening=head,
        sections=sections, annexes=_annexes(report, records),
        leaves=_leaves(report),
        copies="认证监管处、工业产品许可证后监管部门、执法稽查局", fields=tuple(fields),
        facts=tuple((our_word(column.name), report.cell(column.id).value or "") for column in report.sheet.columns),
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


# -- the text ------------------------------------------------------------------------------------------------------


def _work(report: Report, fields: list[Field]) -> tuple[Section, ...]:
    found = [Section("一、工作进展", ())]
    for number, (name, key, columns) in enumerate(WORK):
        fields.append(Field(key, f"{name}情况", "C", _drafted(report, columns), long=True))
        found.append(Section(f"（{'一二三'[number]}）{name}", (Blank(key),), 2))
    found.append(Section("（四）隐患治理和销号", (Paragraph((_hazards(report),)),), 2))
    fields.append(Field("work_cases", "执法办案情况", "C", _drafted(report, CASES), long=True))
    found.append(Section("（五）执法办案", (Blank("work_cases"),), 2))
    return tuple(found)


def _drafted(report: Report, columns: Sequence[tuple[str, str]]) -> tuple[Said, ...]:
    """A sentence of the figures that are there; those that are not are named as not reported."""
    told: list[str] = []
    lacking: list[str] = []
    for column, words in columns:
        value = report.cell(column).value
        if value in (None, "—", "/"):
            lacking.append(words.partition("{}")[0])
        else:
            told.append(words.format(value))
    if not told:
        return ()
    rest = f"{'、'.join(lacking)}未报送，待核。" if lacking else ""
    return (fact(f"本期{'，'.join(told)}。{rest}{_apart(report, columns)}", report.key),)


def _apart(report: Report, columns: Sequence[tuple[str, str]]) -> str:
    """Against the week before, only where that one is signed."""
    if report.before is None:
        return ""
    said = []
    for column, words in columns:
        now, then = report.cell(column).figure, report.before.cell(column, TOTAL).figure
        if now is None or then is None:
            continue
        name, unit = words.split("{}")
        if then == 0 and now:
            said.append(f"{name}上期为0")
        elif now != then:
            unit = "个百分点" if unit == "%" else unit
            said.append(f"{name}较上期{'增加' if now > then else '减少'}{abs(now - then).normalize():f}{unit}")
    return f"{'，'.join(said)}。" if said else ""


def _hazards(report: Report) -> Said:
    def said(column: str) -> str:
        return report.cell(column).value or "待核"

    sums = report.sums
    known, closed = (sums.of(one).value or "待核" for one in ("haz_found", "haz_closed"))
    now = f"本期新增隐患{said('haz_found')}个、销号{said('haz_closed')}个；"
    ever = f"累计发现{known}个、销号{closed}个，未销号{said('haz_open')}个，其中逾期{_over(report)}个。"
    apart = _apart(report, (("haz_found", "新增隐患{}个"), ("haz_closed", "销号{}个")))
    return fact(now + ever + apart, report.key, "隐患台账")


def _over(report: Report) -> int:
    """How many of the open entries are past due at the week's end."""
    ids = [item.id for item in report.cell("haz_open").items]
    return sum(entry.days_over(report.week.last) > 0 for entry in entries_by_id(report.desk.db, ids))


def _risk(report: Report, records: Records, fields: list[Field]) -> tuple[Section, ...]:
    desk = report.desk
    records.add(desk, "隐患台账", f"隐患台账（截至{stamp(desk.now)}）")
    count, events, alerts = (report.cell(one).value or "0" for one in ("risk_info", "risk_events", "risk_alerts"))
    levels = [one.level for one in report.alerts]
    by_level = "、".join(f"{LEVEL_COLOURS[level]}{levels.count(level)}" for level in (4, 3, 2, 1))
    accepted = report.cell("risk_ack")
    in_time = sum(item.count for item in accepted.items)
    found = f"本期采集风险信息{count}条，归并事件{events}起，"
    said = [fact(f"{found}形成内部预警{alerts}条（{by_level}），按时受理{in_time}条。", report.key)]
    grave = [one for one in report.alerts if one.level >= GRAVE]
    ran = records.add(desk, f"信源运行记录 {report.week.id}", f"本系统信源运行记录（截至{stamp(desk.now)}）")
    troubled = sources_said(desk, report.week, ran)
    if not grave:
        well = f"，{WELL}" if not troubled else ""
        said.append(fact(f"本期未形成橙色及以上内部预警{well}。", report.key, ran if well else ""))
    elif not troubled:
        said.append(fact(f"本期{WELL}。", ran))
    said += troubled
    blocks: list[Paragraph] = [Paragraph(tuple(said))]
    drafts = tuple(_event(desk, one, records) for one in grave[:10])
    if drafts:
        fields.append(Field("events", "重点事件", "C", drafts, long=True, lines=True))
    key_events = (Blank("events"),) if drafts else (para(fact("本期无橙色及以上内部预警对应的重点事件。", report.key)),)
    opinion = report.cell("opinion_events")
    draft = (fact(f"本期敏感舆情{opinion.value}起。", report.key),) if opinion.value is not None else ()
    fields.append(Field("opinion", "敏感舆情", "C", draft, long=True))
    return (
        Section("二、风险监测", ()), Section("（一）信息和内部预警", tuple(blocks), 2),
        Section("（二）重点事件", key_events, 2), Section("（三）敏感舆情", (Blank("opinion"),), 2),
    )  # fmt: skip


def _event(desk: Desk, alert: Alert, records: Records) -> Said:
    key = records.add(desk, f"预警 {alert.number}", alert.title)
    return fact(
        f"{moment_words(alert.first_at)}首见{outside(alert.title)}相关信息，属地{desk.place(alert.territory)}，"
        f"{level_words(alert.level)}，现{ENDINGS[alert.state.value]}。",
        key, *_first_documents(desk, alert),
    )  # fmt: skip


def _first_documents(desk: Desk, alert: Alert) -> tuple[str, ...]:
    return tuple(one.id for one in told_of(desk, alert.documents[:60]) if not one.repost)[:3]


def _rest(fields: list[Field]) -> tuple[Section, ...]:
    fields += [Field("problems", "存在问题", long=True), Field("plans", "下周安排", long=True)]
    return (Section("三、存在问题", (Blank("problems"),)), Section("四、下周安排", (Blank("plans"),)))


# -- annexes ---------------------------------------------------------------------------------------------------------


def _annexes(report: Report, records: Records) -> tuple[Annex, ...]:
    note = note_of(report.desk.now)
    parts = [(name, columns) for name, columns in parts_of(report.sheet)]
    grids = tuple(_table(report, columns, name, note) for name, columns in parts)
    mark = "较上期增减写在括号内。" if report.before is not None else "上期未签发，不作比较。"
    grids = (*grids[:-1], replace(grids[-1], note=note + f"每格为本期／累计。{mark}"))
    return (
        Annex(TITLE, grids),
        Annex("报送情况", _reported(report, records)),
        Annex("重点事件清单", _events(report, records)),
        Annex("口径", (ways_of(report.sheet.columns),)),
    )


def _table(report: Report, columns: Sequence[Column], name: str, note: str) -> Grid:
    rows = tuple((label, *(_shown(report, column, row) for column in columns)) for row, label in report.sheet.rows)
    return Grid(
        ("产品", *(our_word(column.name) for column in columns)), rows, (34.0, *(20.0 for _ in columns)),
        caption=name, wide=True, whole=(report.key,),
    )  # fmt: skip


def _shown(report: Report, column: Column, row: str) -> str:
    cell, total = report.cell(column.id, row), report.sums.of(column.id, row)
    change = change_of(cell, report.before.cell(column.id, row), report.desk.weekly.table) if report.before else None
    marked = f"（{change.text}）" if change is not None and change.much else ""
    late = f"[补报{cell.late}]" if cell.late else ""
    return f"{_value(cell.value)}{marked}{late}／{_value(total.value)}"


def _value(value: str | None) -> str:
    return "—" if value is None else value


def _reported(report: Report, records: Records) -> tuple[Grid, ...]:
    desk, week = report.desk, report.week
    below = desk.lexicon.regions.children.get(desk.territory, ())
    states = states_of(desk.db, [week.id], [desk.territory, *below])
    due = week.due(desk.weekly.table.rules.due)
    rows, rests = [], []
    for code in (desk.territory, *below):
        state = states.get((week.id, code))
        act = state.act if state else None
        done = state is not None and state.signed and act is not None
        back = "是" if act is not None and act.action == "reopen" else "否"
        when = stamp(act.at) if done and act is not None else "—"
        after = done and act is not None and act.at > due
        late = "是" if after else "否" if done or desk.now < due else "逾期"
        sent = "已报" if done else "未报送"
        more = "是" if after else "否"
        rows.append((bureau_of(desk.lexicon.regions, code), stamp(due)[:10], sent, when, late, back, more))
        rests.append((records.add(desk, f"报送记录 {week.id}", f"各局统计表报送记录（{week.id}）"),))
    missing = [row[0] for row in rows[1:] if row[2] == "未报送"]
    note = f"未收到{'、'.join(missing)}报送，合计不含以上单位人工填报数。" if missing else ""
    head = ("单位", "应报", "实报", "时间", "迟报", "退回", "补报")
    return (Grid(head, tuple(rows), (34, 30, 18, 36, 13, 13, 13), tuple(rests), note=note),)


def _events(report: Report, records: Records) -> tuple[Grid | Paragraph, ...]:
    desk = report.desk
    grave = [one for one in report.alerts if one.level >= 2][:40]
    if not grave:
        return (para(fact("本期无黄色及以上内部预警。", report.key)),)
    rows, rests = [], []
    for one in grave:
        firms = "、".join(f"标称{name}" for name in firm_names(desk, one.enterprises[:2])) or "待核"
        products = "、".join(desk.product(key) for key in one.products[:2]) or "待核"
        rows.append((outside(one.title, 40), products, firms, desk.place(one.territory), LEVEL_COLOURS[one.level],
                     stamp(one.first_at), ENDINGS[one.state.value]))  # fmt: skip
        rests.append((records.add(desk, f"预警 {one.number}", one.title), *_first_documents(desk, one)[:1]))
    head = ("事件", "产品", "标称企业", "属地", "级别", "首见", "现状")
    note = "注：级别为内部风险级别，非生产安全事故等级，非突发事件预警级别。事件名称取自来源文本，未经核实。"
    return (Grid(head, tuple(rows), (62, 30, 52, 22, 12, 32, 18), tuple(rests), note=note, wide=True),)


def firm_names(desk: Desk, ids: Sequence[str]) -> list[str]:
    """Names as the registry has them, else as they were written."""
    known = find_entries(desk.db, [one for one in ids if one])
    return [known[one].name if one in known else one.removeprefix("NIL:") for one in ids if one]


# -- the workbook ----------------------------------------------------------------------------------------------------


def _leaves(report: Report) -> tuple[Leaf, ...]:
    note = note_of(report.desk.now)
    note += "括号内为较上期增减，达到提示幅度的标出。" if report.before is not None else "上期未签发，不作比较。"
    title = f"{TITLE}（{report.week.first}至{report.week.last}）"
    remarks = report.cell("remarks").value or ""
    found = []
    for number, (name, groups) in enumerate(SHEETS, start=1):
        columns = [one for group in groups for one in report.sheet.columns if one.group == group and one.unit != "text"]
        named = f"表{'一二三'[number - 1]}"
        head = ("产品", *(our_word(one.name) for one in columns))
        rows = tuple(_row(report, columns, row, label) for row, label in report.sheet.rows)
        over = tuple((group, sum(one.group == group for one in columns)) for group in groups)
        more = f"\n备注：{remarks}" if number == len(SHEETS) and remarks else ""
        leaf = Leaf(named, f"{title}　{named}：{name}", head, rows, pairs=True, big=len(columns) > 14)
        hints = ("", *(_hint(report, one) for one in columns))
        found.append(replace(leaf, groups=tuple(one for one in over if one[1]), hints=hints, note=note + more))
    ways = ways_of(report.sheet.columns)
    rows = tuple(tuple(Cell(text, locked=True) for text in row) for row in ways.rows)
    return (*found, Leaf("口径", "口径", ways.head, rows, widths=(34, 18, 70, 20)))


def _row(report: Report, columns: Sequence[Column], row: str, label: str) -> tuple[Cell, ...]:
    found = [Cell(label, locked=True)]
    for column in columns:
        cell, total = report.cell(column.id, row), report.sums.of(column.id, row)
        locked = column.source == "system" or (column.source == "mixed" and cell.kind != "none")
        change = None
        if report.before is not None:
            change = change_of(cell, report.before.cell(column.id, row), report.desk.weekly.table)
        marks = [f"{change.text}"] if change is not None and change.much else []
        marks += [f"补报{cell.late}"] if cell.late else []
        found += [Cell(_value(cell.value), locked, "，".join(marks)), Cell(_value(total.value), locked=True)]
    return tuple(found)


def _hint(report: Report, column: Column) -> str:
    if column.source == "manual":
        return "人工填报，未填留空；核实为零填0，不适用填/。"
    kind = "系统取数" if column.source == "system" else "系统草稿，人工确认"
    return f"{kind}，取数于{stamp(report.desk.now)}。口径：{column.how}"[:250]
