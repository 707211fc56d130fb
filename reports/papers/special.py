"""舆情专报 and 风险专报: one matter, told whole; below two independent or one official source a page that says what is
lacking."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Text, select, type_coerce

from core.clock import beijing
from core.firms import PAPERS, FactKind, FirmFact, PaperState
from core.records import LEVEL_COLOURS
from ledger.words import bureau_of
from reports.papers.gather import Desk, Matter, Records, evidence_of
from reports.papers.phrases import day_words, in_order, moment_words, outside, short_day, stamp, tight
from reports.papers.record import (
    Blank,
    Block,
    Content,
    Field,
    Grid,
    Said,
    Section,
    fact,
    form,
    para,
)
from reports.papers.said import (
    ENDINGS,
    about,
    by_day,
    casualties,
    concerns,
    first_heard,
    graded,
    issue_name,
    official_said,
    search_key,
    spread,
    standing_facts,
    timeline,
)
from store.alert_log import alert_of
from store.firm_facts import facts_of
from store.schema import alerts

SUMMARY = 200
"""Characters of the summary at most."""
NOT_ENOUGH = "现有材料不足以支持研判结论，仅列已掌握情况。"
SHOWN_FIRMS, SHOWN_PAST, FEW_WEEKS = 6, 5, 4
PAPER_WORDS = {FactKind.LICENCE: "生产许可证", FactKind.CCC: "CCC认证", FactKind.HAZCHEM: "危险化学品许可"}
STATE_WORDS = {
    PaperState.VALID: "有效", PaperState.NOT_YET: "尚未生效", PaperState.LAPSED: "已过期",
    PaperState.SUSPENDED: "已暂停", PaperState.WITHDRAWN: "已撤销", PaperState.UNKNOWN: "有效期未载明",
}  # fmt: skip


def special(desk: Desk, matter: Matter, *, opinion: bool) -> Content:
    """opinion: 舆情专报, else 风险专报."""
    records, fields = Records(), list[Field]()
    records.add(desk, matter.record, matter.name)
    name = "舆情专报" if opinion else "风险专报"
    sections = _thin(desk, matter, records, fields) if matter.thin else _whole(desk, matter, records, fields, opinion)
    product = desk.product(matter.product) or "产品"
    title = f"关于{product}有关情况的{'信息不足说明' if matter.thin else name}"
    content = Content(
        kind="opinion" if opinion else "risk", form="A", title=title, sender=desk.bureau, day=day_words(desk.today),
        made=stamp(desk.now), to="局领导", sections=sections, fields=tuple(fields),
        copies="" if matter.thin else "新闻宣传部门、有关处室", facts=standing_facts(desk, matter), cuts=(product,),
        subtitle=(f"{desk.bureau}　{day_words(desk.today)}",) if matter.thin else (), signature=not matter.thin,
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def _thin(desk: Desk, matter: Matter, records: Records, fields: list[Field]) -> tuple[Section, ...]:
    """What is known, what is lacking, who brings it by when; no judgement."""
    now = moment_words(desk.now)
    key = search_key(desk, matter, records)
    lacking = [f"截至{now}，独立来源{matter.origins}个，未检索到官方通报。"]
    if not matter.firm_ids:
        lacking.append("未识别到标称企业。")
    if not matter.places:
        lacking.append("未识别到属地。")
    fields += [Field("who", "由何单位补充"), Field("when", "补充期限")]
    known = (para(first_heard(desk, matter), about(desk, matter)), timeline(desk, matter, most=5))
    return (
        Section("", (para(fact(NOT_ENOUGH, key)),)), Section("一、已掌握情况", known),
        Section("二、尚缺材料", (para(*(fact(one, key) for one in lacking)),)),
        Section("三、补充安排", (para(form("由\ue000who\ue001于\ue000when\ue001前补充。")),)),
    )  # fmt: skip


def _whole(desk: Desk, matter: Matter, records: Records, fields: list[Field], opinion: bool) -> tuple[Section, ...]:
    fields += [
        Field("summary", "摘要（不超过200字）", "C", _summary(desk, matter, records), long=True),
        Field("basics", "基本情况", "C", (first_heard(desk, matter), about(desk, matter),
              *official_said(desk, matter, records), *casualties(desk, matter, records)), long=True, lines=True),
        Field("concern", "关切" if opinion else "失效模式和危害", "C", concerns(desk, matter), long=True),
        Field("judged", "研判", "C", _judged(desk, matter, records), long=True, lines=True),
        Field("advice", "建议", "C", _advice(desk, matter), long=True, lines=True),
    ]  # fmt: skip
    spread_part = (para(spread(matter), rephrase=True), by_day(matter), timeline(desk, matter))
    past = _past(desk, matter, records)
    two, three = ("传播态势", "公众关切") if opinion else ("信息分布", "失效模式、危害和暴露范围")
    found = [
        Section("摘要", (Blank("summary"),)), Section("一、基本情况", (Blank("basics"),)),
        Section(f"二、{two}", spread_part), Section(f"三、{three}", (Blank("concern"),)),
        Section("四、涉及企业和产品", _firms(desk, matter, records)),
        Section("五、研判", ()), Section("（一）级别和因素", (Blank("judged"),), 2),
        Section("（二）同类情况", past, 2), Section("（三）可能适用的条款", _laws(desk, matter, records), 2),
        Section("六、建议", (Blank("advice"),)),
    ]  # fmt: skip
    if opinion:
        fields.append(Field("answer", "回应口径（供参考）", long=True))
        found.append(Section("七、回应口径（供参考）", (Blank("answer"),)))
    else:
        fields.append(Field("goods", "批次流向", long=True))
        found.append(Section("七、批次流向", (Blank("goods"),)))
    return tuple(found)


def _summary(desk: Desk, matter: Matter, records: Records) -> tuple[Said, ...]:
    """At most SUMMARY characters."""
    days = f"{short_day(beijing(matter.first.at).date())}至{short_day(beijing(matter.told[-1].at).date())}"
    product = desk.product(matter.product) or "产品"
    found = f"{days}，采集到{product}相关信息{len(matter.told)}条，独立来源{matter.origins}个，"
    first = fact(f"{found}官方通报{len(matter.official)}条。", matter.record, *matter.ids())
    said = (first, graded(matter), official_said(desk, matter, records)[0])
    kept: list[Said] = []
    for one in said:
        if sum(len(two.text) for two in kept) + len(one.text) <= SUMMARY:
            kept.append(one)
    return tuple(kept)


def _judged(desk: Desk, matter: Matter, records: Records) -> tuple[Said, ...]:
    days = {beijing(one.at).date() for one in matter.told}
    said = [graded(matter)]
    if matter.alert is not None:
        said.append(fact(f"级别依据：{outside(tight(matter.alert.reason), 80)}（规则判定，由人确认）。", matter.record))
    places = "、".join(desk.place(code) for code in in_order(matter.places, desk.lexicon.regions)[:6]) or "待核"
    said.append(fact(f"涉及属地{len(matter.places)}个：{places}。", *matter.ids(matter.own[:5]), matter.record))
    if (max(days) - min(days)).days < FEW_WEEKS * 7:
        said.append(fact(f"历史数据不足{FEW_WEEKS}周，不作趋势判断。", search_key(desk, matter, records)))
    said.append(fact("不确定因素：产品、企业、批次的对应关系，伤亡和原因，均待核实。", matter.record))
    return tuple(said)


def _advice(desk: Desk, matter: Matter) -> tuple[Said, ...]:
    """Steps by what is told; they ask and state nothing."""
    regions = desk.lexicon.regions
    firms = [matter.firms[key] for key in matter.firm_ids if key in matter.firms][:3]
    bureaus = list(dict.fromkeys(bureau_of(regions, one.region_code) for one in firms if one.region_code))
    said = [form(f"1.由{'、'.join(bureaus) or '属地局'}核查标称企业的生产、销售和库存，核实是否同一主体、同一批次。")]
    if matter.official:
        said.append(form("2.依据官方通报，对同型号、同批次产品核查流向，并按规定作抽查后处理。"))
    else:
        said.append(form("2.对被反映的产品组织监督抽查或风险监测，取得检验结论后再作判断。"))
    said.append(form("3.向涉及的其他属地局发情况通报函或协查函。"))
    said.append(form("4.继续监测，有新情况及时续报。"))
    return tuple(said)


# -- firms as of the day ---------------------------------------------------------------------------------------------


def _firms(desk: Desk, matter: Matter, records: Records) -> tuple[Block, ...]:
    day = beijing(matter.first.at).date()
    ids = matter.firm_ids[:SHOWN_FIRMS]
    if not ids:
        return (para(fact("未识别到标称企业，待核实。", search_key(desk, matter, records))),)
    known = facts_of(desk.db, [one for one in ids if one in matter.firms])
    rows, rests = [], []
    for one in ids:
        entry = matter.firms.get(one)
        told = [doc.id for doc in matter.own if doc.firm == one][:3]
        if entry is None:
            rows.append((f"标称{matter.firm_name(one)}", "未列入名录，待核", "待核", "待核", "待核"))
            rests.append(tuple(told))
            continue
        key = records.add(desk, f"名录 {one}", f"企业名录：{entry.name}")
        rows.append((f"标称{entry.name}", entry.uscc or "待核", entry.region_name or desk.place(entry.region_code),
                     _papers(known.get(one, ()), day), _record(known.get(one, ()), day)))  # fmt: skip
        rests.append((key, *told))
    note = (
        f"注：许可、认证为{day_words(day)}当日状态；名称相近的，是否同一主体待核实。“—”为名录中没有记录，不等于没有。"
    )
    head = ("标称企业", "信用代码", "住所地", "许可和认证（当日）", "既往记录（此前）")
    return (Grid(head, tuple(rows), (36, 24, 18, 46, 26), tuple(rests), note=note),)


def _papers(facts: Sequence[FirmFact], day: date) -> str:
    told = [
        f"{PAPER_WORDS[one.kind]}{one.number}：{STATE_WORDS[one.state_on(day)]}" for one in facts if one.kind in PAPERS
    ]
    return "；".join(told[:3]) or "—"


def _record(facts: Sequence[FirmFact], day: date) -> str:
    before = [one for one in facts if one.kind not in PAPERS and one.day is not None and one.day < day]
    failed = sum(one.kind is FactKind.SAMPLING and one.outcome == "failed" for one in before)
    counts = (("抽查不合格", failed), ("行政处罚", sum(one.kind is FactKind.PENALTY for one in before)),
              ("召回", sum(one.kind is FactKind.RECALL for one in before)))  # fmt: skip
    return "、".join(f"{name}{count}次" for name, count in counts if count) or "—"


# -- past, laws ------------------------------------------------------------------------------------------------------


def _past(desk: Desk, matter: Matter, records: Records) -> tuple[Block, ...]:
    """Earlier alerts of the same product with one of the same issues, which this bureau sees."""
    key = search_key(desk, matter, records)
    product, issues = matter.product, set(matter.issues[:6])
    found = []
    if product:
        query = select(alerts).where(type_coerce(alerts.c.products, Text).contains(f'"{product}"'))
        query = query.where(alerts.c.first_at < matter.first.at).order_by(alerts.c.first_at.desc()).limit(60)
        for row in desk.db.execute(query).mappings():
            one = alert_of(row)
            mine = any(desk.cut.sees(code) for code in (one.territory, *one.territories))
            if mine and issues & set(one.issues) and (matter.alert is None or one.id != matter.alert.id):
                found.append(one)
    if not found:
        return (para(fact("本系统未见此前同产品、同类问题的内部预警。", key)),)
    rows, rests = [], []
    for one in found[:SHOWN_PAST]:
        rows.append((stamp(one.first_at)[:10], outside(one.title, 36), desk.place(one.territory),
                     LEVEL_COLOURS[one.level], ENDINGS[one.state.value]))  # fmt: skip
        rests.append((records.add(desk, f"预警 {one.number}", one.title),))
    return (Grid(("首见", "事件", "属地", "级别", "结果"), tuple(rows), (26, 70, 22, 14, 20), tuple(rests)),)


def _laws(desk: Desk, matter: Matter, records: Records) -> tuple[Block, ...]:
    origin = "spotcheck" if any(one.kind == "spotcheck" for one in matter.told) else "opinion"
    found = [one for one in desk.laws if any(one.may_apply(issue, origin) for issue in matter.issues[:8])][:6]
    if not found:
        return (para(fact("条款表中没有对应条款，由办案机构确定。", search_key(desk, matter, records))),)
    rows = tuple((one.title, one.about, "已读文本" if one.basis == "read" else "待核对文本") for one in found)
    rests = tuple((records.add(desk, f"条款 {one.id}", one.title),) for one in found)
    issues = "、".join(issue_name(desk, one) for one in matter.issues[:4])
    note = f"注：按问题类型（{issues}）列出，是否适用由办案机构依法确定。"
    return (Grid(("条款", "内容", "核对"), rows, (58, 72, 22), rests, note=note),)
