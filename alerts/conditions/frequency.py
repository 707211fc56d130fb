"""`frequency`: so many independent origins within a window."""

from alerts.conditions.verdict import Verdict, WindowCounts, span_words
from config.conditions import FrequencyCondition


def judge(condition: FrequencyCondition, counts: WindowCounts) -> Verdict:
    """Fires at `at_least` origins from enough sources and places. Reposts are not counted by the caller."""
    fires = (
        counts.current >= condition.at_least
        and counts.sources >= condition.sources
        and (condition.places == 1 or counts.places >= condition.places)
    )
    needed = [f"需 {condition.at_least} 个"]
    if condition.sources > 1:
        needed.append(f"出自 {condition.sources} 个以上信源")
    if condition.places > 1:
        needed.append(f"涉及 {condition.places} 地以上")
    told = f"{span_words(condition.window.total_seconds())}内独立来源 {counts.current} 个、信源 {counts.sources} 个"
    where = f"，涉及 {counts.places} 地" if counts.places else ""
    numbers = {
        "count": counts.current,
        "needed": condition.at_least,
        "sources": counts.sources,
        "places": counts.places,
    }
    return Verdict(fires, f"{told}{where}（{'，'.join(needed)}）", numbers)
