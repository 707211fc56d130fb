"""How papers write dates, numbers, sources and quotations (GB/T 15835 for official documents; reports/papers/)."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from config.regions import Regions
from core.clock import beijing
from core.records import LEVEL_COLOURS, Kind
from reports.paper import plain

OFFICIAL = (Kind.NOTICE.value, Kind.SPOTCHECK.value, Kind.RECALL.value)
"""What an authority of this country publishes."""
HAN = "\u3000-\u303f\u4e00-\u9fff\uff00-\uffef"
SPACES = re.compile(rf"(?<=[{HAN}])[ \t]+(?=[\w{HAN}(])|(?<=[\w%)])[ \t]+(?=[{HAN}])")
SMALL_BASE = 20
NOTE = "注：数据截至{at}；口径见附件；“0”为核实为零，“—”为未报送，“/”为不适用。"
ZONE = "赣江新区"


def day_words(day: date) -> str:
    """2026年11月3日."""
    return f"{day.year}年{day.month}月{day.day}日"


def short_day(day: date) -> str:
    """11月3日."""
    return f"{day.month}月{day.day}日"


def moment_words(at: datetime) -> str:
    """11月3日9时5分; on the hour without minutes."""
    local = beijing(at)
    minutes = f"{local.minute}分" if local.minute else ""
    return f"{local.month}月{local.day}日{local.hour}时{minutes}"


def stamp(at: datetime) -> str:
    """2026-11-03 09:05, for tables."""
    return f"{beijing(at):%Y-%m-%d %H:%M}"


def note_of(at: datetime) -> str:
    """What stands under every table."""
    local = beijing(at)
    return NOTE.format(at=f"{day_words(local.date())}{local.hour}时{local.minute}分")


def tight(text: str) -> str:
    """Without the desk's blanks between Chinese and digits."""
    return SPACES.sub("", text)


def official(text: str) -> str:
    """A sentence of the desk as papers write it: 2026年11月2日, no blanks beside figures."""
    return tight(re.sub(r"(20\d\d)-(\d\d)-(\d\d)", lambda day: f"{day[1]}年{int(day[2])}月{int(day[3])}日", text))


def outside(text: str, most: int = 60) -> str:
    """A text from outside within “ ”: its own quotation marks become single ones, a long one is cut."""
    kept = plain(re.sub(r"[\ue000-\uf8ff]", "", " ".join(text.split())))
    kept = kept.replace("“", "‘").replace("”", "’").replace('"', "'")
    return f"“{kept[: most - 1]}…”" if len(kept) > most else f"“{kept}”"


def source_says(kind: str, source: str) -> tuple[str, str]:
    """What goes before and behind what a document tells: the source decides the verb."""
    name = source
    if kind == Kind.RECALL_FOREIGN.value:
        return f"据{name}公布的境外召回信息，", ""
    if kind in OFFICIAL:
        return f"据{name}通报，", ""
    if kind == Kind.NEWS.value:
        return f"据《{name.strip('《》')}》报道，", ""
    if kind == Kind.COMPLAINT.value:
        return "投诉人反映，", "，待核实"
    return "网传，", "，待核实"


def share(part: int, whole: int) -> str:
    """占45.2%; nothing of a base under twenty."""
    return f"占{100 * part / whole:.1f}%" if whole >= SMALL_BASE else ""


def level_words(level: int) -> str:
    """内部风险级别：橙（非生产安全事故等级，非突发事件预警级别）."""
    return f"内部风险级别：{LEVEL_COLOURS[level]}（非生产安全事故等级，非突发事件预警级别）"


def in_order(codes: Iterable[str], regions: Regions) -> list[str]:
    """Regions in the order of their codes, 赣江新区 after the cities, places under the province itself last."""

    def place(code: str) -> tuple[int, str]:
        region = regions.get(code)
        return (2 if region and region.direct_admin else 1 if ZONE in regions.name_of(code) else 0), code

    return sorted(dict.fromkeys(codes), key=place)


def full_bureau(regions: Regions, code: str) -> str:
    """江西省市场监督管理局, 章贡区市场监督管理局."""
    if not code or code not in regions:
        return "【待填：主送机关】"
    return f"{regions.name_of(code)}市场监督管理局"


def listed(names: Sequence[str], most: int = 5) -> str:
    """甲、乙、丙等7家: the first few, and how many there are."""
    return "、".join(names[:most]) + (f"等{len(names)}家" if len(names) > most else "")
