"""What a verdict compared, in words: the count, what is usual, what it usually does not exceed."""

from core.records import Finding

FIGURES = {
    "count": "信号",
    "needed": "需达到",
    "at_most": "至多",
    "usual": "常态",
    "expected": "预期",
    "upper": "通常不超过",
    "days": "天数",
    "score": "得分",
    "threshold": "阈值",
    "sources": "信源",
    "places": "属地",
    "voices": "渠道",
    "before": "此前来源",
    "after": "此后来源",
    "part": "其中",
    "share": "占比",
    "metric": "数值",
    "values": "不同的值",
    "steps": "已满足步骤",
}
IN_MAIL = ("count", "usual", "expected", "upper", "sources", "places", "before", "after")
"""What a mail has room for."""


def figures(finding: Finding) -> list[tuple[str, str]]:
    """What the verdict compared, in words; what has none here (of a detector's thirty numbers) is for /why."""
    return [(word, f"{finding.numbers[name]:g}") for name, word in FIGURES.items() if name in finding.numbers]


def figures_in_mail(finding: Finding | None) -> str:
    """`信号 14，常态 1.2，通常不超过 4`; empty where nothing was compared."""
    if finding is None or len([name for name in IN_MAIL if name in finding.numbers]) < 2:
        return ""
    told = finding.numbers
    return "，".join(f"{FIGURES[name]} {round(told[name], 1):g}" for name in IN_MAIL if name in told)
