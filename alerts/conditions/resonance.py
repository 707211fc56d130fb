"""`resonance`: voices that do not depend on each other tell the same."""

from alerts.conditions.verdict import VOICE_WORDS, Verdict, WindowCounts, span_words
from config.conditions import ResonanceCondition


def judge(condition: ResonanceCondition, counts: WindowCounts) -> Verdict:
    """Fires on origins, kinds of voice and sources; however often one text is carried, it is one origin."""
    fires = (
        counts.current >= condition.origins
        and len(counts.voices) >= condition.voices
        and counts.sources >= condition.sources
    )
    span = span_words(condition.window.total_seconds())
    voices = "、".join(VOICE_WORDS[voice] for voice in counts.voices)
    told = (
        f"{span}内独立来源 {counts.current} 个、信源 {counts.sources} 个，出自 {len(counts.voices)} 类渠道（{voices}）"
    )
    needed = f"需 {condition.origins} 个来源、{condition.voices} 类渠道、{condition.sources} 个信源"
    numbers = {"count": counts.current, "voices": len(counts.voices), "sources": counts.sources}
    return Verdict(fires, f"{told}，转载不计（{needed}）", numbers)
