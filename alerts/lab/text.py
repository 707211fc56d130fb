"""A run of the rule lab on a terminal: sentences, tables, and a small chart of each threshold. Takes report.as_json."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unicodedata import east_asian_width

from alerts.notices import NOTICE_WORDS
from core.records import LEVEL_COLOURS

THRESHOLD_WORDS: Mapping[str, str] = {
    "at_least": "至少", "ratio": "倍数", "share": "占比", "sources": "信源", "places": "地方", "origins": "来源",
    "voices": "渠道", "min_level": "信号最低级", "threshold": "得分",
}  # fmt: skip
INCIDENT_WORDS: Mapping[str, str] = {
    **{str(kind): word for kind, word in NOTICE_WORDS.items()},
    "confirmed": "经办属实",
}
BAR, WIDTH = "█", 30


def lines_of(told: Mapping[str, Any]) -> Iterator[str]:
    """Everything a terminal shows of a run."""
    rule, alerts = told["rule"], told["alerts"]
    yield f"{rule['title']}（{rule['id']}，{rule['type']}，版本 {rule['version']}）"
    short = "" if told["whole"] else "（更早没有信号）"
    signals = f"信号 {told['signals']:,} 条，计入 {told['counted']:,} 条"
    yield f"{told['from'][:10]} 至 {told['to'][:10]}，{told['days']:g} 天{short}，{signals}"
    a_day = alerts["a_day"]
    levels = "、".join(f"{LEVEL_COLOURS[int(level)]} {count}" for level, count in alerts["by_level"].items() if count)
    yield (
        f"预警 {alerts['total']} 条（后来失去依据 {alerts['withdrawn']}），触发 {told['findings']} 次；"
        f"每日平均 {a_day['mean']:g}、中位 {a_day['p50']}、95% 的日子不超过 {a_day['p95']}、最多 {a_day['most']}；"
        f"每班 {alerts['a_shift']:g}{'；' + levels if levels else ''}"
    )
    yield from _incidents(told["incidents"])
    yield _desk(told["desk"])
    for curve in told["curves"]:
        yield ""
        yield from curve_lines(curve)
    if "proposal" in told:
        yield ""
        yield from proposal_lines(told["proposal"])
    if "against" in told:
        yield ""
        yield from _against(told)
    yield f"用时 {told['seconds']:g} 秒"


def _incidents(told: Mapping[str, Any]) -> Iterator[str]:
    if not told["known"]:
        yield "这段时间没有可对照的事件：没有点名企业的召回、抽查不合格、处罚，也没有经办属实的预警"
        return
    ahead = f"其中早于通报 {told['ahead']} 起，中位提前 {hours(told['median_lead_hours'])}"
    yield f"对照事件 {told['known']} 起，赶上 {told['caught']} 起（{told['recall']:.0%}），{ahead}"
    for kind, part in told["by_type"].items():
        lead = hours(part["median_lead_hours"])
        figures = f"赶上 {part['caught']}，早于 {part['ahead']}，中位提前 {lead}"
        yield f"  {INCIDENT_WORDS[kind]} {part['known']} 起，{figures}"


def _desk(told: Mapping[str, Any]) -> str:
    judged = told["confirmed"] + told["false"]
    if not judged:
        return f"经办意见：同样依据的预警还没有标记（重复 {told['duplicate']}）"
    share, low, high = (told[f"confirmed_share{part}"] for part in ("", "_low", "_high"))
    return (
        f"经办意见：属实 {told['confirmed']}、误报 {told['false']}、重复 {told['duplicate']}、未标 {told['unmarked']}；"
        f"属实率 {share:.0%}（95% 区间 {low:.0%}–{high:.0%}）"
    )


def hours(value: float | None) -> str:
    """`3.2 天`, `7 小时`, `—`."""
    if value is None:
        return "—"
    return f"{value / 24:.1f} 天" if abs(value) >= 72 else f"{value:g} 小时"


def curve_lines(curve: Mapping[str, Any]) -> Iterator[str]:
    """A table with a bar of alerts a day a row; the rule's own value is marked."""
    word = THRESHOLD_WORDS.get(curve["threshold"], curve["threshold"])
    yield f"阈值 {curve['threshold']}（{word}），现为 {curve['own']:g}"
    most = max((point["a_day"] for point in curve["points"]), default=0.0) or 1.0
    yield row_of("", "值", "每日预警", "每班", "赶上", "早于", "中位提前", "属实率")
    for point in curve["points"]:
        mark = "→" if point["value"] == curve["own"] else ""
        bar = BAR * max(round(WIDTH * point["a_day"] / most), 1 if point["alerts"] else 0)
        caught = f"{point['caught']}/{point['known']}"
        precision = "—" if point["precision"] is None else f"{point['precision']:.0%}"
        numbers = (f"{point['a_day']:.2f}", f"{point['a_shift']:.2f}", caught, str(point["ahead"]))
        value, lead = f"{point['value']:g}", hours(point["median_lead_hours"])
        yield f"{row_of(mark, value, *numbers, lead, precision)}  {bar}"


def row_of(*cells: str) -> str:
    """Cells to the right, each as wide as its column; Chinese characters take two places."""
    widths = (2, 6, 9, 8, 11, 7, 10, 7)
    return " ".join(" " * max(0, width - _wide(cell)) + cell for cell, width in zip(cells, widths, strict=True))


def _wide(text: str) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def proposal_lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The proposal in a sentence, its numbers, and what to paste."""
    budget = (
        f"每班 {told['budget_a_shift']:g} 条以内、赶上 {told['recall_floor']:.0%} 以上（比较了 {told['tried']} 种组合）"
    )
    chosen = told["chosen"]
    if chosen is not None:
        yield f"建议（{budget}）：{_numbers(chosen)}"
        yield from chosen["yaml"].rstrip().splitlines()
        return
    yield f"{budget}：没有一种阈值两样都做到"
    for word, point in (("预算之内最好", told["within_budget"]), ("达到下限而预警最少", told["above_floor"])):
        yield f"  {word}：{_numbers(point) if point else '没有'}"
        if point:
            yield from (f"    {line}" for line in point["yaml"].rstrip().splitlines())


def _numbers(point: Mapping[str, Any]) -> str:
    values = "、".join(f"{name} {value:g}" for name, value in point["thresholds"].items())
    precision = "" if point["precision"] is None else f"，属实率 {point['precision']:.0%}"
    caught = f"赶上 {point['caught']}/{point['known']}"
    recall = "没有可对照的事件" if point["recall"] is None else f"{caught}（{point['recall']:.0%}）"
    return f"{values}；每班 {point['a_shift']:g} 条，{recall}，中位提前 {hours(point['median_lead_hours'])}{precision}"


def _against(told: Mapping[str, Any]) -> Iterator[str]:
    other = told["against"]
    name = other["rule"]
    caught = f"赶上 {other['incidents']['caught']}/{other['incidents']['known']}"
    yield f"对照 {name['title']}（{name['id']}，版本 {name['version']}）：预警 {other['alerts']} 条，{caught}"
    yield (
        f"只有本规则 {other['only_this']}，只有对照 {other['only_other']}，两者都有 {other['both']}"
        f"（本规则更早 {other['this_earlier']}、更晚 {other['this_later']}）"
    )
    for word, key in (("只有本规则", "only_this"), ("只有对照", "only_other")):
        yield from _examples(word, other["examples"][key])
    yield from _examples("两者都有", [pair["this"] for pair in other["examples"]["both"]])


def _examples(word: str, alerts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for alert in alerts:
        yield f"  {word}  {alert['first_at'][:16]}  {LEVEL_COLOURS[alert['level']]}  {alert['title']}"
