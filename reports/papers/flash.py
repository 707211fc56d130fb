"""重大情况快报: 首报, 续报 (what changed), 终报."""

from collections.abc import Sequence
from datetime import date

from core.clock import beijing
from core.errors import UsageError
from ledger.words import STATE_WORDS
from nlp.privacy import mask
from reports.casualties import FIRE, UNTIL, last_day
from reports.papers.gather import Desk, Matter, Records, evidence_of
from reports.papers.phrases import day_words, moment_words, stamp
from reports.papers.record import (
    AFTER,
    Blank,
    Block,
    Content,
    Field,
    Grid,
    Paragraph,
    Section,
    fact,
    form,
    from_plain,
    para,
)
from reports.papers.said import (
    about,
    by_day,
    casualties,
    first_heard,
    graded,
    official_said,
    search_key,
    spread,
    standing_facts,
    timeline,
)
from store.ledger import Entry, HazardState, entries_of_alert
from store.papers import PaperRow

ROUNDS = {"first": "首报", "next": "续报", "last": "终报", "drop": "更正"}
FIRST = "首报"
"""The first report as evidence."""
COPIES = "执法稽查局"
"""A major case is copied to the enforcement bureau at the same time (the notice)."""
REPORTERS = (
    Field("unit", "报告单位"), Field("reporter", "报告人"), Field("phone", "联系电话"), Field("approver", "签发人"),
)  # fmt: skip


def flash(desk: Desk, matter: Matter, options: dict[str, str], before: Sequence[PaperRow]) -> Content:
    """The next report of a series; the first where there is none. before: the signed ones. Raises UsageError."""
    last = from_plain(dict(before[-1].content)) if before else None
    which = options.get("round") or ("next" if before else "first")
    if which not in ROUNDS:
        raise UsageError("第几报须为 first（首报）、next（续报）、last（终报）或 drop（更正）")
    if which == "first" and before and "corrects" not in options:
        raise UsageError(f"已有首报 {before[0].id}，请起草续报或终报")
    if which != "first" and last is None:
        raise UsageError("还没有已签发的首报，请先起草并签发首报")
    records, fields = Records(), list[Field]()
    records.add(desk, matter.record, matter.name)
    number = sum(_round(row) == "next" for row in before) + 1
    name = "首报" if which == "first" else f"续报{_numeral(number)}" if which == "next" else ROUNDS[which]
    if before:
        records.add(desk, FIRST, f"{before[0].title}（{before[0].id}）")
    write = {"first": _first, "next": _next, "last": _last, "drop": _drop}[which]
    sections = write(desk, matter, records, fields, last)
    fields += REPORTERS
    place = desk.place(matter.places[0]) if matter.places else ""
    product = desk.product(matter.product) or "产品"
    closing = (
        Paragraph((form("报告单位：\ue000unit\ue001　报告人：\ue000reporter\ue001　联系电话：\ue000phone\ue001"),)),
        Paragraph((form(f"签发人：\ue000approver\ue001　报告日期：{day_words(desk.today)}"),)),
    )
    content = Content(
        kind="flash", form="A", title=f"关于{place}{product}有关情况的快报（{name}）", sender=desk.bureau,
        day=day_words(desk.today), made=stamp(desk.now), to=_to(desk), sections=sections, closing=closing,
        copies=COPIES, fields=tuple(fields), facts=standing_facts(desk, matter),
        options=(("round", which), (AFTER, before[-1].id if before else ""), (UNTIL, _until(desk, matter).isoformat())),
        cuts=(product,), signature=False,
        copy_word="抄报", one_page=which != "last",
    )  # fmt: skip
    return content.with_evidence(evidence_of(desk, content.cited(), records.known))


def _until(desk: Desk, matter: Matter) -> date:
    """Until when changes of casualties are reported."""
    return _last_day(desk, matter, fire=FIRE in matter.issues[:1])


def _last_day(desk: Desk, matter: Matter, *, fire: bool) -> date:
    happened = beijing(matter.first.at).date()
    return last_day(happened, fire=fire, days=desk.casualty_days, fire_days=desk.fire_days)


def _open_yet(desk: Desk, matter: Matter) -> Paragraph:
    """The clock of the casualties. Where fire is told of, but not most, both days stand there: a person knows which."""
    fire, until = FIRE in matter.issues[:1], _until(desk, matter)
    days = f"{desk.fire_days}日内（火灾）" if fire else f"{desk.casualty_days}日内"
    also = FIRE in matter.issues and not fire
    other = f"（认定为火灾的{desk.fire_days}日内，至{day_words(_last_day(desk, matter, fire=True))}）" if also else ""
    left = (until - desk.today).days
    still = f"还有{left}日" if left > 0 else "今日届满" if not left else "已届满"
    begun = f"自最早信息所载之日（{day_words(beijing(matter.first.at).date())}）起{days}，至{day_words(until)}{other}"
    return para(fact(f"{begun}，伤亡人数有变化的续报；期限{still}。", matter.first.id))


def _round(row: PaperRow) -> str:
    return str(dict(row.content.get("options") or ()).get("round", ""))


def _numeral(number: int) -> str:
    return "一二三四五六七八九十"[number - 1] if number <= 10 else str(number)


def _to(desk: Desk) -> str:
    """The office above: county, prefecture, the province's division."""
    regions = desk.lexicon.regions
    if desk.territory == regions.home:
        return "局领导"
    above = regions.chain(desk.territory)[1:2]
    if above and above[0] != regions.home:
        return f"{regions.name_of(above[0])}市场监督管理局"
    return f"{regions.name_of(regions.home)}市场监督管理局质量监督处"


def _first(
    desk: Desk, matter: Matter, records: Records, fields: list[Field], last: Content | None
) -> tuple[Section, ...]:
    heard = [first_heard(desk, matter)]
    alert = matter.alert
    if alert is not None:
        opened = f"本系统{moment_words(alert.created_at)}形成内部预警（{alert.number}）。"
        heard.append(fact(opened, matter.record))
    fields += [
        Field("basics", "基本情况", "C", (about(desk, matter), *official_said(desk, matter, records, most=1)),
              long=True),
        Field("hurt", "伤亡和损失", "C", casualties(desk, matter, records), long=True),
        Field("done", "已采取措施", long=True), Field("view", "初步判断", long=True),
        Field("next", "下一步工作", long=True),
    ]  # fmt: skip
    return (
        Section("一、信息来源和接报时间", (para(*heard),)), Section("二、基本情况", (Blank("basics"),)),
        Section("三、伤亡和损失", (Blank("hurt"), _open_yet(desk, matter))),
        Section("四、已采取措施", (Blank("done"),)),
        Section("五、舆情态势", (para(spread(matter), graded(matter), rephrase=True),)),
        Section("六、初步判断", (Blank("view"),)), Section("七、下一步工作", (Blank("next"),)),
    )  # fmt: skip


def _next(
    desk: Desk, matter: Matter, records: Records, fields: list[Field], last: Content | None
) -> tuple[Section, ...]:
    assert last is not None
    then = dict(last.facts)
    rows = [
        (name, then.get(name, "—"), value, "本系统采集", "新采集信息")
        for name, value in standing_facts(desk, matter)
        if then.get(name) != value
    ]
    newer = [one for one in matter.own if stamp(one.fetched) >= last.made]
    blocks: tuple[Block, ...]
    if rows:
        whole = (matter.record, *matter.ids(matter.own[-3:]))
        blocks = (Grid(("项目", "上次", "本次", "来源", "原因"), tuple(rows), (32, 32, 32, 30, 30), whole=whole,
                       caption="与上次报告相比"),)  # fmt: skip
    else:
        same = "上次所列各项没有变化，新采集到的信息列后" if newer else "采集到的信息没有变化"
        told = f"自上次报告（{last.made}）以来，{same}。"
        blocks = (para(fact(told, search_key(desk, matter, records))),)
    fields += [
        Field("hurt", "伤亡和损失", "C", casualties(desk, matter, records), long=True),
        Field("done", "新采取的措施", long=True), Field("next", "下一步工作", long=True),
    ]  # fmt: skip
    news: tuple[Block, ...] = ()
    if newer:
        part = Matter(matter.subject, matter.name, matter.record, tuple(newer), matter.firms)
        news = (timeline(desk, part, most=4),)
    return (
        Section("一、变化情况", (*blocks, *news)), Section("二、伤亡和损失", (Blank("hurt"), _open_yet(desk, matter))),
        Section("三、新采取的措施", (Blank("done"),)), Section("四、下一步工作", (Blank("next"),)),
    )  # fmt: skip


def _last(
    desk: Desk, matter: Matter, records: Records, fields: list[Field], last: Content | None
) -> tuple[Section, ...]:
    fields += [
        Field("cause", "原因（写明认定文书及文号）", long=True), Field("done", "处置情况", long=True),
        Field("goods", "产品流向和召回", long=True), Field("blame", "责任认定", long=True),
        Field("better", "改进措施", long=True),
    ]  # fmt: skip
    return (
        Section("一、经过", (para(spread(matter)), by_day(matter), timeline(desk, matter, most=12))),
        Section("二、原因", (Blank("cause"),)), Section("三、处置情况", (Blank("done"),)),
        Section("四、产品流向和召回", (Blank("goods"),)), Section("五、责任认定", (Blank("blame"),)),
        Section("六、整改销号", (_entries(desk, matter, records),)), Section("七、改进措施", (Blank("better"),)),
    )  # fmt: skip


def _drop(
    desk: Desk, matter: Matter, records: Records, fields: list[Field], last: Content | None
) -> tuple[Section, ...]:
    """Taken back: a person says by what finding."""
    fields.append(Field("finding", "核查单位、文书和结论", long=True))
    product = desk.product(matter.product) or "产品"
    told = para(fact(f"经核查，首报所述情况与{product}无关，予以更正。", FIRST))
    return (Section("一、更正", (told,)), Section("二、核查依据", (Blank("finding"),)))


def _entries(desk: Desk, matter: Matter, records: Records) -> Block:
    """The ledger's entries of the alert, as they stand."""
    found: list[Entry] = entries_of_alert(desk.db, matter.alert.id) if matter.alert else []
    mine = [one for one in found if desk.cut.sees(one.territory) or (one.unit and desk.cut.sees(one.unit))]
    if not mine:
        return para(fact("隐患台账中没有这件事的条目。", search_key(desk, matter, records)))
    rows = tuple((one.id, mask(one.title), STATE_WORDS[HazardState(one.state)][0], str(one.due_on)) for one in mine)
    rests = tuple((records.add(desk, f"台账 {one.id}", one.title),) for one in mine)
    return Grid(("编号", "隐患", "状态", "期限"), rows, (30, 74, 22, 28), rests)
