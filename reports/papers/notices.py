"""约谈通知, 挂牌督办通知, 消费提示."""

from core.errors import UsageError
from ledger.words import STATE_WORDS, bureau_of
from nlp.privacy import mask
from reports.papers.gather import Desk, Matter, Records, evidence_of, tells
from reports.papers.phrases import day_words, full_bureau, short_day, stamp
from reports.papers.record import Annex, Blank, Content, Field, Grid, Paragraph, Said, Section, fact, form, para
from reports.papers.said import issue_name
from store.ledger import HazardState, entries_by_id
from store.registry import find_entries
from store.supervisions import find_supervision

BRING = "营业执照、生产许可或认证证书、产品检验报告、生产和销售台账、整改情况说明。"
DOES_NOT_REPLACE = "约谈不代替依法应当作出的处理。"
HELP = "遇到质量问题，请保留购物凭证和产品，拨打12315或登录全国12315平台反映。"


def talk(desk: Desk, matter: Matter) -> Content:
    """To the firm most named that the registry knows; its basis must be official, else it is asked to explain."""
    firm = next((key for key in matter.firm_ids if key in matter.firms), None)
    if firm is None:
        raise UsageError("没有识别到名录中的企业，不能起草约谈通知")
    entry, records = matter.firms[firm], Records()
    records.add(desk, matter.record, matter.name)
    official = [one for one in matter.official if one.firm == firm] or list(matter.official)
    product = desk.product(matter.product) or "产品"
    fields: tuple[Field, ...]
    asked: tuple[Paragraph, ...]
    if official:
        basis = tuple(tells(desk, one, outward=True) for one in official[:3])
        fields = (
            Field("basis", "约谈事由（须有检验报告、检查或召回文书）", "C", basis, long=True),
            Field("when", "约谈时间"), Field("where", "约谈地点"), Field("who", "约谈人"),
            Field("bring", "携带材料", "C", (form(BRING),)),
        )  # fmt: skip
        asked = (
            para(form("请法定代表人或主要负责人、质量负责人于\ue000when\ue001到\ue000where\ue001。约谈人：\ue000who\ue001。")),
            para(form("携带材料：\ue000bring\ue001")), para(form(DOES_NOT_REPLACE)),
        )  # fmt: skip
        lead = para(form(f"因你单位生产、销售的{product}有关质量安全情况，决定约谈。"))
        title = "约谈通知"
    else:
        said = (tells(desk, matter.first, outward=True),)
        fields = (Field("basis", "公开信息反映的情况", "C", said, long=True), Field("when", "书面说明期限"))
        asked = (para(form("请你单位于\ue000when\ue001前书面说明。")),)
        lead = para(form("公开信息反映以下情况："))
        title = "关于请说明有关情况的通知"
    where = full_bureau(desk.lexicon.regions, entry.region_code)
    content = Content(
        kind="talk", form="B", title=title, sender=desk.bureau, day=day_words(desk.today), made=stamp(desk.now),
        numbered=True, to=entry.name, opening=(lead, Blank("basis"), *asked), sections=(), copies=where, fields=fields,
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def supervise(desk: Desk, number: str) -> Content:
    """A supervision that the ledger lists, as a notice to its area. Raises UsageError."""
    one = find_supervision(desk.db, number)
    if one is None or not desk.cut.sees(one.territory):
        raise UsageError("没有这条挂牌督办，或不在本局属地之内")
    records, regions = Records(), desk.lexicon.regions
    key = records.add(desk, f"挂牌督办 {one.id}", one.title)
    entries = [entry for entry in entries_by_id(desk.db, list(one.entries)) if desk.cut.sees(entry.territory)]
    over = sum(entry.days_over(desk.today) > 0 for entry in entries)
    still = sum(entry.open for entry in entries)
    names = {key: entry.name for key, entry in find_entries(desk.db, [e.firm for e in entries if e.firm]).items()}
    rows = tuple(
        (entry.id, mask(entry.title), names.get(entry.firm, entry.firm.removeprefix("NIL:")) or "—",
         bureau_of(regions, entry.unit or entry.territory), entry.person or "待填", str(entry.due_on),
         STATE_WORDS[HazardState(entry.state)][0])
        for entry in entries
    )  # fmt: skip
    rests = tuple((records.add(desk, f"台账 {entry.id}", entry.title),) for entry in entries)
    told = f"截至{short_day(desk.today)}，你地未销号隐患{still}个，逾期{over}个，现予挂牌督办。"
    fields = (
        Field("limit", "责任时限"), Field("report", "报告要求", long=True),
        Field("terms", "摘牌条件", "C", (fact(f"{one.terms or '隐患全部销号，经复查符合条件。'}", key),), long=True),
        Field("government", "抄送的当地政府"),
    )  # fmt: skip
    area = one.subject if one.kind == "territory" else one.territory
    content = Content(
        kind="supervise", form="B", title="挂牌督办通知", sender=desk.bureau, day=day_words(desk.today),
        made=stamp(desk.now), numbered=True, to=full_bureau(regions, area),
        sections=(Section("一、督办事项", (para(fact(told, key, *(k for row in rests for k in row))),)),
                  Section("二、责任时限", (Blank("limit"),)), Section("三、报告要求", (Blank("report"),)),
                  Section("四、摘牌条件", (Blank("terms"),))),
        closing=(para(form("抄送：\ue000government\ue001。")),),
        annexes=(Annex("督办隐患清单", (Grid(("隐患编号", "隐患", "企业", "责任单位", "责任人", "期限", "现状"), rows,
                 (28, 40, 34, 22, 16, 24, 18), rests),)),) if rows else (),
        fields=fields,
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def tip(desk: Desk, matter: Matter) -> Content:
    """A public text: counts and names only where an official notice says them; recommends nobody."""
    records = Records()
    records.add(desk, matter.record, matter.name)
    product = desk.product(matter.product) or "产品"
    reason: tuple[Said, ...]
    if matter.official:
        reason = tuple(tells(desk, one, outward=True) for one in matter.official[:3])
    else:
        reason = (fact(f"近期有消费者反映{product}有关情况，有关情况正在核实。", *matter.ids(matter.own[:5])),)
    named = "、".join(issue_name(desk, key) for key in matter.issues[:4])
    grounds = matter.ids(matter.official[:3] or matter.own[:5])
    points = (fact(f"有关情况主要涉及{named}。", *grounds),) if named else ()
    fields = (
        Field("reason", "缘由", "C", reason, long=True, lines=True),
        Field("risk", "风险点", "C", points, long=True),
        Field("buy", "选购建议", long=True), Field("use", "使用建议", long=True),
    )  # fmt: skip
    content = Content(
        kind="tip", form="D", title=f"{product}消费提示", sender=desk.bureau, day=day_words(desk.today),
        made=stamp(desk.now),
        sections=(Section("一、提示缘由", (Blank("reason"),)), Section("二、风险点", (Blank("risk"),)),
                  Section("三、选购", (Blank("buy"),)), Section("四、使用", (Blank("use"),)),
                  Section("五、遇到问题", (para(form(HELP)),))),
        fields=fields,
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))
