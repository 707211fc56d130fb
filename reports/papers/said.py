"""Sentences that several papers say of a matter: where it came from, how it spread, who is hurt, what is missing."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from core.clock import beijing
from core.records import LEVEL_COLOURS, Kind
from reports.papers.gather import Desk, Matter, Records, Told, quoted, tells
from reports.papers.phrases import (
    OFFICIAL,
    in_order,
    level_words,
    listed,
    moment_words,
    share,
    short_day,
    source_says,
    stamp,
)
from reports.papers.record import Chart, Grid, Said, fact
from reports.papers.words import forbidden

HURT = (("dead", "死亡"), ("injured", "受伤"), ("missing", "失联"))
KINDS = {
    "news": "新闻报道", "notice": "官方通报", "spotcheck": "抽查公告", "recall": "召回公告",
    "recall_foreign": "境外召回", "complaint": "投诉", "social": "社交平台", "forum": "论坛", "hotlist": "热搜",
    "review": "商品评价",
}  # fmt: skip
ENDINGS = {
    "new": "待受理", "accepted": "已受理", "dispatched": "已派单", "in_hand": "处置中", "to_close": "待办结",
    "closed": "已办结", "dismissed": "已排除",
}  # fmt: skip
"""What became of an alert."""
MOST_DAYS = 31


def search_key(desk: Desk, matter: Matter, records: Records) -> str:
    """What this system looked through, as evidence of what it did not find."""
    return records.add(desk, f"检索 {matter.number}", f"本系统对{matter.record}的检索（截至{stamp(desk.now)}）")


def first_heard(desk: Desk, matter: Matter, *, outward: bool = False) -> Said:
    """The earliest document, told by its source."""
    return tells(desk, matter.first, outward=outward)


def spread(matter: Matter) -> Said:
    """「采集到相关信息×条，其中…；独立来源×个，转载×条。」"""
    kinds = Counter(KINDS.get(one.kind, one.kind) for one in matter.told)
    parts = "、".join(f"{name}{count}条" for name, count in kinds.most_common())
    reposts = len(matter.told) - len(matter.own)
    left = f"另有{matter.left}条不在本局可读范围，未计入。" if matter.left else ""
    return fact(
        f"采集到相关信息{len(matter.told)}条（{parts}）；独立来源{matter.origins}个，转载{reposts}条。{left}",
        matter.record, *matter.ids(),
    )  # fmt: skip


def official_said(
    desk: Desk, matter: Matter, records: Records, *, outward: bool = False, most: int = 3
) -> tuple[Said, ...]:
    """What authorities published first, or that nothing was found."""
    if matter.official:
        return tuple(tells(desk, one, outward=outward) for one in matter.official[:most])
    now = moment_words(desk.now)
    return (fact(f"截至{now}，未检索到官方通报。", search_key(desk, matter, records)),)


def casualties(desk: Desk, matter: Matter, records: Records) -> tuple[Said, ...]:
    """Each number with its source and time; sources that differ are set beside each other."""
    told = [one for one in matter.own if any(one.casualties.get(key) for key, _ in HURT)]
    if not told:
        key = search_key(desk, matter, records)
        return (fact(f"截至{moment_words(desk.now)}，采集到的信息未载明伤亡人数，待核实。", key),)
    said: list[Said] = []
    seen: set[tuple[str, tuple[tuple[str, int], ...]]] = set()
    for one in sorted(told, key=lambda one: (not one.official, -one.at.timestamp())):
        numbers = tuple((word, one.casualties[key]) for key, word in HURT if one.casualties.get(key))
        if (one.source, numbers) in seen or len(said) == 4:
            continue
        seen.add((one.source, numbers))
        said.append(_hurt(desk, one, numbers))
    differing = {numbers for _, numbers in seen}
    found = list(said)
    if len(differing) > 1:
        found.append(fact("各信源说法不一，待核实。", *(one.rests[0] for one in said)))
    if not any(one.official for one in told):
        found.append(fact("伤亡情况以有关部门发布为准。", *(one.rests[0] for one in said)))
    return tuple(found)


def _hurt(desk: Desk, one: Told, numbers: Sequence[tuple[str, int]]) -> Said:
    before, behind = source_says(one.kind, desk.source(one.source))
    counted = "、".join(f"{word}{count}人" for word, count in numbers)
    waits = behind or ("" if one.official else "，待核实")
    return fact(f"{moment_words(one.at)}，{before}{counted}{waits}。", one.id)


def hurt_facts(matter: Matter) -> tuple[tuple[str, str], ...]:
    """The greatest number told of each kind, for comparison with the next report."""
    found = []
    for key, word in HURT:
        numbers = [one.casualties.get(key, 0) for one in matter.own if one.casualties.get(key)]
        found.append((f"{word}人数（各信源最大值）", str(max(numbers)) if numbers else "待核"))
    return tuple(found)


def standing_facts(desk: Desk, matter: Matter) -> tuple[tuple[str, str], ...]:
    """What a report of a series compares with the one before."""
    firms = "、".join(matter.firm_name(key) for key in matter.firm_ids[:5]) or "待核"
    places = "、".join(desk.place(code) for code in in_order(matter.places, desk.lexicon.regions)[:6]) or "待核"
    return (
        ("采集信息", f"{len(matter.told)}条"), ("独立来源", f"{matter.origins}个"), *hurt_facts(matter),
        ("标称企业", firms), ("涉及属地", places), ("官方通报", f"{len(matter.official)}条"),
        ("内部风险级别", LEVEL_COLOURS[matter.level]),
    )  # fmt: skip


def about(desk: Desk, matter: Matter) -> Said:
    """Product, nominal makers, places."""
    firms = [f"标称{matter.firm_name(key)}" for key in matter.firm_ids]
    product = desk.product(matter.product) or "待核"
    places = "、".join(desk.place(code) for code in in_order(matter.places, desk.lexicon.regions)[:6]) or "待核"
    return fact(
        f"涉及产品：{product}；标称企业：{listed(firms) or '待核'}；涉及属地：{places}。是否同一主体、同一批次待核实。",
        matter.record, *matter.ids(matter.own[:5]),
    )  # fmt: skip


def graded(matter: Matter) -> Said:
    """「内部风险级别：橙（…）」"""
    return fact(f"{level_words(matter.level)}。", matter.record)


def timeline(desk: Desk, matter: Matter, *, most: int = 20, outward: bool = False) -> Grid:
    """The documents that are no reposts, oldest first; the first and the newest where there are too many."""
    own = matter.own
    chosen = own if len(own) <= most else (*own[: most // 2], *own[-(most - most // 2) :])
    rows = tuple(
        (stamp(one.at), desk.source(one.source), KINDS.get(one.kind, one.kind), _what(one, outward)) for one in chosen
    )
    left = len(own) - len(chosen)
    note = f"注：不列转载；中间另有{left}条未列，见系统。" if left else "注：不列转载。"
    return Grid(
        ("时间", "来源", "类别", "内容"), rows, (34, 28, 22, 58), tuple((one.id,) for one in chosen), note=note
    )  # fmt: skip


def _what(one: Told, outward: bool) -> str:
    unsure = "" if one.kind in OFFICIAL or one.kind == Kind.NEWS.value else "（待核实）"
    return quoted(one, outward=outward) + unsure


def by_day(matter: Matter) -> Chart:
    """Counts a day, from the first to the last; the last month where it lasted longer."""
    days = Counter(beijing(one.at).date() for one in matter.told)
    last, first = max(days), min(days)
    first = max(first, last - timedelta(days=MOST_DAYS - 1))
    steps = tuple((_label(day), days.get(day, 0)) for day in _days(first, last))
    return Chart(steps, f"图　逐日采集信息条数（{short_day(first)}至{short_day(last)}，含转载）", matter.ids())


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _label(day: date) -> str:
    return f"{day.month}月{day.day}日" if day.day == 1 else f"{day.month}.{day.day}"


def concerns(desk: Desk, matter: Matter) -> tuple[Said, ...]:
    """「采集到的×条中×条（占×%）反映××；样本来自公开渠道，不代表总体。」"""
    told = matter.own
    counts = Counter(issue for one in told for issue in one.issues)
    if not counts:
        return ()
    words = []
    for issue, count in counts.most_common(4):
        part = share(count, len(told))
        words.append(f"{count}条{f'（{part}）' if part else ''}涉及{issue_name(desk, issue)}")
    ids = [one.id for one in told if one.issues]
    small = "" if len(told) >= 20 else "样本不足20条，不计算占比。"
    return (
        fact(f"采集到的{len(told)}条（不含转载）中，{'，'.join(words)}；样本来自公开渠道，不代表总体。{small}", *ids),
    )


def issue_name(desk: Desk, issue: str) -> str:
    """An issue in words, within “ ” where papers would not call it so."""
    name = desk.lexicon.issue_name(issue)
    return f"“{name}”" if forbidden(name) else name
