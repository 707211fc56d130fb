"""Spot-check lists: a record for each row, by header text (source catalogue, sections 3 and 7)."""

import re
from collections.abc import Iterator, Mapping, Sequence

from core.facts import SpotCheck
from core.records import Table
from facts.tables import Headers, NamedRow, compiled, named_rows

QUALIFIED, UNQUALIFIED = "qualified", "unqualified"
_FIRM = r"(?:企业|单位|者|商|厂家|厂商|公司|厂)(?:名称)?"
HEADERS: Headers = compiled(
    {
        "number": (r"序号|编号|顺序号|No\.?",),
        "failed_items": (
            r"(?:主要|存在的?|检出的?)?(?:不合格|不符合|问题)(?:项目|项|指标|内容|参数)(?:及?内容)?(?:项目)?(?:名称)?",
            r"不合格原因",
        ),
        "standard": (
            r"(?:.*不合格项目)?(?:标准|国家标准|技术)(?:值|要求|规定|指标|限值|规定值)|限值",
            r"规定值|标准值要求",
        ),
        "value": (
            r"(?:.*不合格项目)?(?:检验|检测|实测|测试|抽检)(?:值|数据|结果值)|实测结果|实测",
            r".*不合格项目(?:检验|检测|实测)?(?:结果|值|数值)",
        ),
        "outcome": (r"(?:检验|检测|抽查|抽检|监督抽查|抽样检验)?(?:结果|情况)|质量状况",),
        "result": (r"(?:检验|检测|抽查|抽检|综合|结果)?(?:结论|判定)(?:结论)?|是否合格|合格情况|合格与否",),
        "lab": (r"(?:承担)?(?:检验|检测|承检|任务承担|承担检验|实施检验)(?:机构|单位)(?:名称)?",),
        "address": (r".*(?:地址|住所|电话|联系人|联系方式|网址|信用代码)",),
        "province": (
            r".*(?:所在|所属)(?:地|省|省份|省市|地区|区域|设区市)|省份|省|地区|产地|属地",
            r"(?:标称)?生产(?:企业)?省份",
        ),
        "seller": (
            rf"(?:被抽样|受检|被抽检|被抽查|被检|被监督|销售|经销|经营|流通|供货|被采样)(?:生产|销售|经营|经销)?{_FIRM}",
            r"(?:抽样|购样|采样)(?:地点|场所)|店铺名称|网店名称|网店|商铺|销售店铺",
        ),
        "client": (rf"(?:标称)?(?:委托|委托生产|委托加工){_FIRM}|委托方(?:名称)?|委托{_FIRM}",),
        "agent": (rf"(?:标称)?(?:进口|代理|总经销){_FIRM}|进口代理商",),
        "producer": (
            rf"(?:标称|标示|标注)?(?:生产|制造|加工|受委托生产|被委托|受委托|实际生产)(?:或销售)?{_FIRM}",
            r"标称企业(?:名称)?|制造商|厂名|厂家|企业名称|企业|生产厂|标称生产",
        ),
        "sample": (r"样品(?:名称)?|抽样样品",),
        "product": (
            r"(?:抽查|抽检|不合格|受检|标称)?(?:产品|商品|食品|货品)(?:\(样品\))?(?:名称|品名)?",
            r"品名|产品种类名称",
        ),
        "brand": (r"(?:注册|标称|产品)?(?:商标|品牌)(?:名称)?|商标品牌|牌号",),
        "model": (
            r"(?:产品)?(?:规格|型号|等级)(?:[/、及和或]?(?:规格|型号|等级)){0,2}|(?:款号|货号)(?:/货号|/款号)?|车型",
        ),
        "batch": (
            r"(?:产品|样品|标称)?(?:生产日期|出厂日期|购进日期|生产批号|产品批号|批号|批次)"
            r"(?:[/、或和及与]?(?:批号|批次|生产批号|编号|货号|限期使用日期|生产日期|产品编号|出厂编号))*",
        ),
        "notice_no": (r"(?:通告|公告|通报|抽查|公示)(?:编号|文号|号)|文号",),
        "note": (r"备注|说明",),
    }
)
NONE = re.compile(r"^(?:[/／—–\-－\\]+|无|空白|不适用|N/?A|——|未检出|合格|符合)?$", re.IGNORECASE)
SPLIT = re.compile(
    r"[、；;║\n]|(?=[①-⑳])|[,，](?![^（(]*[）)])|(?<=[\u4e00-\u9fff）)])\s+(?=\d?[\u4e00-\u9fff（(])"
    r"|(?<=[\u4e00-\u9fff])[/／](?=[\u4e00-\u9fff])"
)
NUMBERED = re.compile(r"^\s*(?:[①-⑳]|[（(]?\d{1,2}[)）.、．](?!\d))\s*")
FAILED = re.compile(r"不合格|不符合|不通过|未通过|超标|否$|^×$|^F$")
PASSED = re.compile(r"合格|符合|通过|是$|^√$|^P$")
NUMBER = re.compile(
    r"(?:[\u4e00-\u9fff]{0,10}市监[\u4e00-\u9fff]{0,6})?[〔\[（(]20\d\d[〕\]）)]\s*第?\s*\d{1,4}\s*号"
    r"|20\d\d\s*年\s*第\s*\d{1,4}\s*[期号批]|第\s*\d{1,4}\s*期"
)
LEAD = re.compile(r"^(?:根据|按照|依据|按|现将|关于)")
PROVINCE = re.compile(r"(?:北京|天津|上海|重庆)市?|[\u4e00-\u9fff]{2,3}(?:省|自治区)")


def spot_checks(tables: Sequence[Table], *, title: str = "", text: str = "") -> tuple[SpotCheck, ...]:
    """The records of all spot-check lists among `tables`, in order. title, text: of the notice, for its number and
    for whether the list is one of failures."""
    number = NUMBER.search(title) or NUMBER.search(text[:500])
    notice = LEAD.sub("", number[0].strip()) if number else ""
    found: list[SpotCheck] = []
    for table in tables:
        found += _records(table, notice, title)
    return tuple(found)


def is_spot_check(values: Mapping[str, str]) -> bool:
    """Whether the values are of a spot check: a firm, and what was checked or failed."""
    firm = "producer" in values or "seller" in values
    checked = "failed_items" in values or "result" in values or "outcome" in values or "standard" in values
    return (firm and ("product" in values or "sample" in values or checked)) or ("product" in values and checked)


def _records(table: Table, notice: str, title: str) -> Iterator[SpotCheck]:
    for row in named_rows(table, HEADERS):
        if is_spot_check(row.values):
            yield _record(row, notice, title)


def _record(row: NamedRow, notice: str, title: str) -> SpotCheck:
    values = row.values
    failed = failed_items(values.get("failed_items", ""))
    outcome = values.get("outcome", "")
    says_verdict = bool(FAILED.search(outcome) or PASSED.search(outcome))
    where = PROVINCE.fullmatch(row.section)
    return SpotCheck(
        notice_no=values.get("notice_no", notice),
        product=values.get("product", values.get("sample", "")),
        sample=values.get("sample", ""),
        brand=_said(values.get("brand", "")),
        model=_said(values.get("model", "")),
        batch=_said(values.get("batch", "")),
        nominal_producer=_said(values.get("producer", values.get("client", ""))),
        seller=_said(values.get("seller", "")),
        client=_said(values.get("client", "")),
        agent=_said(values.get("agent", "")),
        province=values.get("province", where[0] if where else ""),
        failed_items=failed,
        value=values.get("value", "" if says_verdict else outcome),
        standard=values.get("standard", ""),
        lab=values.get("lab", ""),
        result=_result(
            values.get("result", outcome if says_verdict else ""),
            failed,
            f"{row.section}\n{title}",
            none="failed_items" in values and not failed,
        ),
    )


def failed_items(text: str) -> tuple[str, ...]:
    """The items of a cell, one each, without numbers before them; a stroke or 无 is none."""
    parts = (NUMBERED.sub("", part).strip(" 。.") for part in SPLIT.split(text))
    return tuple(dict.fromkeys(part for part in parts if part and not NONE.match(part)))


def _said(text: str) -> str:
    return "" if re.fullmatch(r"[/／—–\-－\\*]+|无|不详|空白", text) else text


def _result(said: str, failed: Sequence[str], above: str, *, none: bool) -> str:
    """none: the row says that no item failed."""
    if said:
        return UNQUALIFIED if FAILED.search(said) else QUALIFIED if PASSED.search(said) else ""
    if failed:
        return UNQUALIFIED
    if none:
        return "" if "不合格" in above else QUALIFIED
    if "不合格" in above or "不符合" in above:
        return UNQUALIFIED
    return QUALIFIED if re.search(r"合格(?:产品|样品|企业)?(?:名单|信息|情况)", above) else ""


def lines_of(tables: Sequence[Table], *, title: str = "") -> str:
    """The tables as lines for a reader of text, a row each, cells parted by ｜.

    Rows of a spot check without what only tells where and by whom was checked, and with the part said of firms that
    are not the maker: whoever stands in such a row otherwise made the thing.
    """
    lines: list[str] = []
    for table in tables:
        rows = list(named_rows(table, HEADERS))
        if not any(is_spot_check(row.values) for row in rows):
            lines += ["｜".join(row) for row in table]
            continue
        lines.append("｜".join(dict.fromkeys(table[0])))
        lines += [_line(row, title) for row in rows]
    return "\n".join(lines)


UNREAD = frozenset(("address", "standard", "value", "lab", "number", "province"))
PARTS = {"seller": "被抽样单位：", "client": "委托方：", "agent": "代理商："}
LONGEST_CELL = 40


def _line(row: NamedRow, title: str) -> str:
    cells = [row.values.get("number", "1")[:4]]
    for name, text in row.values.items():
        if name not in UNREAD:
            short = text if name in ("product", "sample", "failed_items", "producer", "note") else text[:LONGEST_CELL]
            cells.append(f"{PARTS.get(name, '')}{short}")
    cells += row.rest
    line = "｜".join(dict.fromkeys(cells))
    passed = is_spot_check(row.values) and "合格" not in line and _record(row, "", title).result == QUALIFIED
    return f"{line}｜合格" if passed else line
