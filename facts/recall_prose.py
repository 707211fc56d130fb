"""Recall notices in prose: what the sentences say where no label does (source catalogue, section 3)."""

import re
from collections.abc import Iterator

LONGEST = 300
_NUMBER = r"(?:约|近)?\s*\d[\d,，.\s]*[万余多千]*"
_UNIT = "[台辆件个只套批支条双把瓶盒部组具块副张盏枚顶桶包袋片根对床]"
_DAY = r"\d{4}年\d{1,2}月(?:\d{1,2}日)?"
_THEM = r"(?:消费者|用户|车主|客户|召回[^。\n]{0,20}(?:产品|车辆))"
_REMEDY = r"(?:免费|退货|退款|更换|维修|检查|升级|补偿|换货)"
_CODE = r"(?=[A-Z/-]*\d)[A-Z0-9][A-Z0-9/-]+"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\b"
SENTENCES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("recall_no", (r"(?:召回|备案)(?:公告)?(?:编号|号)(?:为|是)?\s*[:：]?\s*([A-Z]?\d{4}[A-Z0-9]{4,12})",)),
    ("recall_date", (rf"自({_DAY})起[，,]?\s*(?:主动|扩大|再次)?召回",)),
    (
        "brand",
        (
            r"\b(?!(?:The|This|Its|Each|All|Various|Multiple|Store|Own)\b)"
            r"([A-Z][\w&'’-]{1,30}(?: [A-Z][\w&'’-]{1,30}){0,3})[- ]brand(?:ed)?\b",
            r"\(([A-Z][\w&-]{1,20})\) is recalling\b",
        ),
    ),
    (
        "model",
        (
            r"\brecalling (?:certain |all |some )?(?:model year )?(?:19|20)\d\d(?:-(?:19|20)\d\d)? "
            r"([A-Z0-9][^.\n]{1,120}?)(?: (?:motor|sport|electric|school))?"
            r" (?:vehicles|trucks|motorcycles|trailers|motorhomes|buses|tires)\b",
        ),
    ),
    (
        "quantity",
        (
            r"(?:涉及|召回|共计|总计|合计|共)的?(?:产品|车辆|缺陷产品)?总?(?:数量)?(?:共计?|合计|约?为|是|[:：])?"
            rf"\s*({_NUMBER}{_UNIT})",
            rf"数量(?:约?为|是|共|[:：])\s*({_NUMBER}{_UNIT}?)",
            rf"((?:约|近)?\s*\d[\d,，]*(?:\.\d+)?[万余多千]*\s*{_UNIT})(?=[。；;，,\n]|$)",
            r"(?:Units?|Quantity)\s*[:：]?\s*((?:[Aa]bout|[Aa]pproximately)?\s*\d[\d,]*(?:\s*\([^)]{0,80}\))?)",
            r"((?:[Aa]bout|[Aa]pproximately|[Rr]oughly)\s+\d[\d,.]*(?:\s*million)?(?:\s*\(in addition[^)]{0,80}\))?)"
            r"\s+(?:\w+\s+){0,4}?(?:units?|were|have been|are being)",
        ),
    ),
    (
        "production_period",
        (
            rf"((?:自)?{_DAY}\s*(?:至|到|—|-|~)\s*(?:\d{{4}}年)?(?:\d{{1,2}}月)?(?:\d{{1,2}}日)?)(?:期间|之间|内)?(?:生产|制造)",
            r"生产日期(?:为|在|[:：])\s*([^，。；）)\n]{4,60})",
            r"(?:manufactured|produced|built)\s+((?:from|between)\s+\w+\.? \d{1,2},? \d{4},?\s*(?:to|through|and)\s+"
            r"\w+\.? \d{1,2},? \d{4})",
        ),
    ),
    (
        "batch",
        (
            r"(?:生产)?批[号次](?:为|是|[:：])\s*([^，。；）)\n]{2,120})",
            r"(?i:batch|lot|date|serial) (?i:numbers?|codes?|nos?\.?)(?: (?:is|are|from|between))?:? "
            rf"({_CODE}(?:,? (?:(?:and|or|to|through) )?{_CODE}){{0,20}})",
            r"製造番号[:：]\s*(\S{2,80})",
        ),
    ),
    (
        "barcode",
        (
            r"(?:UPC|EAN|GTIN|[Bb]arcode)s?(?:\s+(?:codes?|numbers?))?\s*[:#]?\s*(\d[\d ,;-]{6,200}\d)",
            r"条形?码(?:为|是|[:：])\s*(\d[\d\s、,，-]{6,200}\d)",
        ),
    ),
    (
        "defect",
        (
            r"((?:由于|因为?|因其)[^。\n]{4,200}?)(?=[，,；]\s*(?:极端情况下[，,]?)?可能)",
            r"((?:由于|因为?|因其)[^。\n]{4,200}?)(?=[，,；]?(?:可能|存在[^。，]{0,20}(?:风险|隐患)|会导致|极端情况)|。|\n|$)",
            r"(?:缺陷|问题)(?:为|是|[:：])\s*([^。\n]{4,200})",
        ),
    ),
    ("consequence", (r"((?:极端情况下，?)?(?:可能|会)(?:会|将)?(?:导致|造成|引发|引起|产生|对|使)[^。\n]{2,150})",)),
    (
        "hazard",
        (
            r"(?:pos(?:es|ing)|present(?:s|ing))\s+(?:an?\s+|the\s+)?((?:[\w-]+\s+){0,3}?(?:risk|hazard|danger)s?\b"
            r"[^.\n]{0,160})",
            r"(?:pos(?:es|ing)|present(?:s|ing))\s+((?:an?|the)\s+[^.\n]{3,100}?\bhazards?)",
            r"(存在[^。，\n]{1,30}(?:风险|隐患|危险))",
        ),
    ),
    (
        "measure",
        (
            rf"((?:并?将|已|会)?(?:为|对|向)[^。，\n]{{0,40}}{_THEM}[^。\n]{{0,30}}{_REMEDY}[^。\n]{{0,150}})",
            r"((?:免费|无偿)(?:更换|维修|检修|退货|退换|升级|检查|回收)[^。\n]{0,120})",
            r"((?:Consumers?|Customers?|Owners?) (?:should|are advised|can|may|will)[^.\n]{5,250}\.)",
        ),
    ),
    (
        "injuries",
        (
            r"((?:截至目前|目前|迄今)?[^。，\n]{0,20}(?:未收到|收到|接到|暂无|尚未)[^。\n]{0,30}"
            r"(?:伤害|事故|伤亡|受伤|投诉|报告|反映)[^。\n]{0,60})",
            r"((?:[Nn]o|\w+) (?:injuries|incidents)[^.\n]{0,120}reported[^.\n]{0,80})",
        ),
    ),
    (
        "origin_country",
        (
            rf"\b(?:[Mm]ade|[Mm]anufactured|[Pp]roduced) in (?!{_MONTH})((?:[A-Z][a-z]+ ?){{1,3}})",
            r"原产(?:国|地)(?:为|是|[:：])\s*([\u4e00-\u9fff]{2,8})",
        ),
    ),
)
"""Field, and the sentences that tell it; the first that is found counts. Repeats are bounded: no text takes long."""
_PATTERNS = tuple((name, tuple(re.compile(words) for words in patterns)) for name, patterns in SENTENCES)
MAX_READ = 20_000


def prose_facts(text: str) -> dict[str, str]:
    """What the sentences of a notice say, by field."""
    return dict(_found(text[:MAX_READ]))


def _found(text: str) -> Iterator[tuple[str, str]]:
    for name, patterns in _PATTERNS:
        match = next((match for pattern in patterns if (match := pattern.search(text))), None)
        if match:
            yield name, " ".join(match[1].split())[:LONGEST].strip(" ，,；;")
