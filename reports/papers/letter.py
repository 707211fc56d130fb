"""情况通报函 and 协查函 to another territory, from a matter or out of a trace."""

from collections.abc import Collection
from urllib.parse import parse_qs

from sqlalchemy import select

from core.errors import UsageError
from enterprises.trace import MOST_NODES, MOST_STEPS, NODES, STEPS, Start, trace
from enterprises.trace_letters import Letter, Sentence, letters
from enterprises.trace_words import Places
from ledger.words import bureau_of
from reports.papers.gather import Desk, Matter, Records, Told, evidence_of
from reports.papers.lots import failed_lots, lies_in, lots_table
from reports.papers.phrases import day_words, full_bureau, listed, official, stamp, tight
from reports.papers.record import Annex, Blank, Block, Content, Field, Said, Section, fact, form, para
from reports.papers.said import about, first_heard, official_said, timeline
from store.schema import documents

WEB_ONLY = "所附信息来自公开网络，未经核实，供核查参考，不作为执法依据。"
COPIES = "质量监督处"
DAYS = Field("days", "函复工作日数")
CONTACT = (Field("person", "联系人"), Field("phone", "联系电话"))
CLOSING = (
    para(form("请于收到本函\ue000days\ue001个工作日内函复。")),
    para(form("联系人：\ue000person\ue001；联系电话：\ue000phone\ue001。")),
    para(form("此函。")),
)


def letter(desk: Desk, matter: Matter, to: str) -> Content:
    """To the bureau of a region; where none is chosen, of the first firm that lies outside. Raises UsageError."""
    place = _place(desk, matter, to)
    records, fields = Records(), list[Field]()
    records.add(desk, matter.record, matter.name)
    mine = _firms_in(desk, matter, place)
    lots = failed_lots(desk, matter, place=place) or failed_lots(desk, matter)
    product = desk.product(matter.product) or "产品"
    who = listed([f"标称{name}" for name in mine]) or "标称企业"
    reason = (fact(f"我局在工作中发现{who}生产、销售的{product}有关情况，请予核实。", matter.record, *matter.ids(_about(
        matter, mine))), *official_said(desk, matter, records, outward=True)[:2])  # fmt: skip
    fields += [Field("reason", "事由", "C", reason, long=True), Field("asks", "商请事项", "C", _asks(who), long=True,
               lines=True), DAYS, *CONTACT]  # fmt: skip
    known: tuple[Block, ...] = (
        para(first_heard(desk, matter, outward=True), about(desk, matter)),
        timeline(desk, matter, most=10, outward=True),
    )
    web = () if matter.official else (para(form(WEB_ONLY)),)
    content = Content(
        kind="letter", form="B", title=f"关于核查{product}有关情况的函", sender=desk.bureau, day=day_words(desk.today),
        made=stamp(desk.now), numbered=True, to=full_bureau(desk.lexicon.regions, place),
        sections=(Section("一、事由", (Blank("reason"),)), Section("二、已掌握情况", (*known, *web)),
                  Section("三、商请事项", (Blank("asks"),))),
        closing=CLOSING, annexes=(Annex("不合格批次清单", (lots_table(matter, lots),)),) if lots else (),
        copies=COPIES, fields=tuple(fields), options=(("to", place),), cuts=(product,),
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def _place(desk: Desk, matter: Matter, to: str) -> str:
    regions = desk.lexicon.regions
    if not to:
        codes = [matter.firms[key].region_code for key in matter.firm_ids if key in matter.firms]
        outside = [code for code in (*codes, *matter.places) if code and not _own(desk, code)]
        to = next(iter(outside), "")
        if not to:
            raise UsageError("没有识别到其他属地的企业，请选主送属地")
    if to not in regions or to == desk.territory:
        raise UsageError(f"主送属地 {to[:12]} 不是其他属地的代码（6 位，如 360702）")
    home = regions.home
    if desk.territory != home and regions.province_of(to) != regions.province_of(home):
        raise UsageError("跨省的函由省局发出，请报省局起草")
    return to


def _own(desk: Desk, code: str) -> bool:
    """A province writes to its own counties, a county to others."""
    regions = desk.lexicon.regions
    return code == desk.territory if desk.territory == regions.home else regions.is_within(desk.territory, code)


def _firms_in(desk: Desk, matter: Matter, place: str) -> list[str]:
    names = [matter.firm_name(key) for key in matter.firm_ids]
    return [name for name in names if lies_in(desk, matter, name, place)]


def _about(matter: Matter, names: Collection[str]) -> list[Told]:
    found = [one for one in matter.own if one.firm and matter.firm_name(one.firm) in names]
    return (found or list(matter.own))[:5]


def _asks(who: str) -> tuple[Said, ...]:
    return (
        form(f"1.是否{who}生产、销售，产品是否同一型号、同一批次；"), form("2.该批次产销量、流向和库存；"),
        form("3.已采取的措施和处理结果；"), form("4.同型号其他批次的情况。"),
    )  # fmt: skip


# -- out of a trace --------------------------------------------------------------------------------------------------


def letter_of_trace(desk: Desk, query: str, to: str) -> Content:
    """The letter of a trace to one territory, sentence by sentence as it was drafted there. Raises UsageError."""
    asked = {key: values[0] for key, values in parse_qs(query).items()}
    start = Start(asked.get("firm", ""), asked.get("model", ""), asked.get("batch", ""), asked.get("number", ""))
    steps, most = _number(asked.get("steps"), STEPS, MOST_STEPS), _number(asked.get("most"), NODES, MOST_NODES)
    found = trace(desk.db, start, steps=steps, most=most, sees=lambda ids: _readable(desk, list(ids)))
    regions = desk.lexicon.regions
    drafts = letters(
        found, places=Places(regions), product_word=desk.product, bureau=lambda code: bureau_of(regions, code),
        today=desk.today,
    )  # fmt: skip
    chosen = next((one for one in drafts if one.territory == to), None)
    if chosen is None:
        codes = "、".join(f"{one.territory}（{one.to}）" for one in drafts) or "无"
        raise UsageError(f"这次追查没有给属地 {to[:12]} 的函（有：{codes}）")
    return _set(desk, chosen, query)


def _set(desk: Desk, chosen: Letter, query: str) -> Content:
    records = Records()
    found = tuple(_said(desk, one, records) for one in chosen.found)
    firms = tuple(_said(desk, one, records) for one in chosen.firms)
    subject = tight(chosen.title.partition("（")[0])
    asks = tuple(form(f"{number}.{official(one.text)}") for number, one in enumerate(chosen.asks[:-1], start=1))
    fields = (Field("asks", "商请事项", "C", asks, long=True, lines=True), DAYS, *CONTACT)
    guessed = f"{'、'.join(chosen.guessed)}的住所按名称推定，待核实。"
    unsure = (para(fact(guessed, *(key for one in firms for key in one.rests))),) if chosen.guessed else ()
    content = Content(
        kind="letter", form="B", title=subject, sender=desk.bureau, day=day_words(desk.today), made=stamp(desk.now),
        numbered=True, to=full_bureau(desk.lexicon.regions, chosen.territory),
        sections=(Section("一、已掌握情况", tuple(para(one) for one in found)),
                  Section("二、你辖区涉及主体", (*(para(one) for one in firms), *unsure)),
                  Section("三、商请事项", (Blank("asks"),))),
        closing=CLOSING, copies=COPIES, fields=fields, options=(("to", chosen.territory),),
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def _said(desk: Desk, one: Sentence, records: Records) -> Said:
    """With the documents and registry files it rests on; a list of names rests on the trace itself."""
    keys = [records.add(desk, f"名录 {source}", f"企业名录：{source}") for source in one.sources]
    if not one.documents and not keys:
        keys = [records.add(desk, "双向追查", f"双向追查（{stamp(desk.now)}）")]
    return fact(official(one.text), *one.documents, *keys)


def _readable(desk: Desk, ids: list[str]) -> Collection[str]:
    found: set[str] = set()
    for first in range(0, len(ids), 400):
        some = documents.c.id.in_(ids[first : first + 400])
        query = select(documents.c.id).where(some, documents.c.latest, desk.cut.documents)
        found.update(desk.db.execute(query).scalars())
    return found


def _number(text: str | None, usual: int, most: int) -> int:
    return min(most, int(text)) if text and text.isascii() and text.isdigit() and int(text) > 0 else usual
