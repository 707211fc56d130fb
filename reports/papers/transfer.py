"""线索移交单 (行刑衔接): what we know, for the case unit, whose own papers are not ours."""

from core.firms import FactKind
from ledger.words import STATE_WORDS
from nlp.privacy import mask
from reports.papers.gather import Desk, Matter, Records, evidence_of
from reports.papers.lots import failed_lots, lots_table
from reports.papers.phrases import day_words, stamp
from reports.papers.record import (
    Annex,
    Blank,
    Block,
    Cell,
    Content,
    Field,
    Grid,
    Leaf,
    Section,
    blank,
    fact,
    form,
    para,
)
from reports.papers.said import about, casualties, first_heard, official_said, search_key, spread, timeline
from store.firm_facts import facts_of
from store.ledger import HazardState, entries_of_alert

LAST = "所列行为涉嫌违法，定性由办案机构依法作出。本单仅移交线索，不代表调查结论。"
HANDS = f"移交人：{blank('giver')}　接收人：{blank('taker')}　移交日期：{blank('on')}"
OWN = (("⑤-1", "时间线"), ("⑤-2", "电子证据清单"), ("⑤-3", "流向表"), ("⑤-4", "既往记录"), ("⑤-5", "货值底稿"))
THEIRS = ("移送书", "调查报告", "涉案物品清单", "检验报告或鉴定结论")
FACTS = {FactKind.SAMPLING: "抽查", FactKind.PENALTY: "行政处罚", FactKind.RECALL: "召回", FactKind.CHECK: "检查"}


def transfer(desk: Desk, matter: Matter) -> Content:
    """To 执法稽查局; the enclosures that are the case unit's are listed with why they are not there."""
    records, fields = Records(), list[Field]()
    records.add(desk, matter.record, matter.name)
    lots = failed_lots(desk, matter)
    product = desk.product(matter.product) or "产品"
    fields += [
        Field("facts", "线索内容", "C", (first_heard(desk, matter), about(desk, matter),
              *official_said(desk, matter, records), *casualties(desk, matter, records)), long=True, lines=True),
        Field("value", "货值底稿", long=True), Field("why_not", "材料①至④未附的原因", long=True),
        Field("giver", "移交人"), Field("taker", "接收人"), Field("on", "移交日期"),
    ]  # fmt: skip
    past = _past(desk, matter, records)
    line = timeline(desk, matter, most=40)
    flow: tuple[Block, ...] = (lots_table(matter, lots),) if lots else (
        para(fact("采集到的文书未载明批次和流向，待核实。", search_key(desk, matter, records))),)  # fmt: skip
    content = Content(
        kind="transfer", form="A", title=f"关于{product}有关情况的线索移交单", sender=desk.bureau,
        day=day_words(desk.today), made=stamp(desk.now), to="执法稽查局",
        sections=(
            Section("一、线索内容", (Blank("facts"),)), Section("二、信息来源和数量", (para(spread(matter)),)),
            Section("三、隐患台账", (_entries(desk, matter, records),)),
            Section("四、材料未附说明", (Blank("why_not"),)),
            Section("五、移交", (para(form(HANDS)), para(form(LAST)))),
        ),
        annexes=(Annex("材料目录", (_contents(desk),)), Annex("时间线", (line,)), Annex("流向表", flow),
                 Annex("既往记录", past), Annex("货值底稿", (Blank("value"),))),
        copies="质量监督处", fields=tuple(fields), cuts=(product,), pack=True,
        leaves=(_leaf("时间线", line), *(_leaf("流向表", one) for one in flow if isinstance(one, Grid)),
                *(_leaf("既往记录", one) for one in past if isinstance(one, Grid))),
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def _contents(desk: Desk) -> Grid:
    head = ("序号", "材料", "编号", "原件/复制件", "页数", "日期", "提供人", "备注")
    rows = [(str(n), name, "①②③④"[n - 1], "待填", "", "", "办案机构", "由办案机构制作，未附")
            for n, name in enumerate(THEIRS, start=1)]  # fmt: skip
    rows += [(str(n), name, number, "电子件", "", str(desk.today), "本局", "")
             for n, (number, name) in enumerate(OWN, start=5)]  # fmt: skip
    return Grid(head, tuple(rows), (10, 40, 16, 22, 12, 24, 20, 34))


def _entries(desk: Desk, matter: Matter, records: Records) -> Block:
    found = entries_of_alert(desk.db, matter.alert.id) if matter.alert else []
    mine = [one for one in found if desk.cut.sees(one.territory)]
    if not mine:
        return para(fact("隐患台账中没有这件事的条目。", search_key(desk, matter, records)))
    rows = tuple((one.id, mask(one.title), STATE_WORDS[HazardState(one.state)][0], str(one.found_on)) for one in mine)
    rests = tuple((records.add(desk, f"台账 {one.id}", one.title),) for one in mine)
    return Grid(("编号", "隐患", "状态", "发现日"), rows, (30, 74, 22, 28), rests)


def _past(desk: Desk, matter: Matter, records: Records) -> tuple[Block, ...]:
    """What the registry records of the firms, newest first."""
    known = facts_of(desk.db, [key for key in matter.firm_ids[:6] if key in matter.firms])
    rows, rests = [], []
    for firm, facts in known.items():
        name = matter.firm_name(firm)
        key = records.add(desk, f"名录 {firm}", f"企业名录：{name}")
        for one in [one for one in facts if one.kind in FACTS][:8]:
            rows.append((f"标称{name}", FACTS[one.kind], str(one.day or "—"), one.number, desk.product(one.product),
                         {"failed": "不合格", "passed": "合格"}.get(one.outcome, one.outcome)))  # fmt: skip
            rests.append((one.document or key,))
    if not rows:
        return (para(fact("名录中没有标称企业的抽查、检查、行政处罚和召回记录。", search_key(desk, matter, records))),)
    return (
        Grid(("企业", "类别", "日期", "文号", "产品", "结果"), tuple(rows), (50, 18, 24, 34, 24, 18), tuple(rests)),
    )


def _leaf(name: str, grid: Grid) -> Leaf:
    rows = tuple(tuple(Cell(text or "—", locked=True) for text in row) for row in grid.rows)
    return Leaf(name, name, grid.head, rows, widths=tuple(max(10.0, wide * 0.6) for wide in grid.widths))
