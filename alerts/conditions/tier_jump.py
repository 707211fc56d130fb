"""`tier_jump`: what lower voices told first is told by a higher one."""

from collections.abc import Iterable

from alerts.conditions.verdict import VOICE_WORDS, Verdict, WindowCounts, span_words
from config.conditions import TierJumpCondition


def judge(condition: TierJumpCondition, counts: WindowCounts) -> Verdict:
    """Fires when the window holds a lower voice and, after it, a higher one."""
    lower, higher = _words(condition.start), _words(condition.to)
    tier = f"（{condition.tier} 级以上信源）" if condition.tier < 4 else ""
    told = f"{span_words(condition.window.total_seconds())}内由{lower}（{counts.before} 个来源）上升到{higher}{tier}"
    fires = counts.before > 0 and counts.after > 0
    reason = told if fires else f"{lower} {counts.before} 个来源之后，{higher}{tier} {counts.after} 个来源"
    return Verdict(fires, reason, {"before": counts.before, "after": counts.after})


def _words(voices: Iterable[str]) -> str:
    return "、".join(VOICE_WORDS[voice] for voice in voices)
