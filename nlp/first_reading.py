"""The first reading of what has just come: does it tell of people harmed? It orders the queue and decides nothing else.

A few microseconds on title and first sentences, before anything is stored: under a backlog what may be of level I is
read first. What it misses waits its turn; what it takes for grave by mistake is read a little earlier.
"""

import re

LEAD = 240
"""Characters of the text that are looked at: what happened stands at the beginning."""
_DEAD = "死亡|身亡|遇难|丧生|致死|罹难|[一二三四五六七八九十两多数\\d]人?死"
_HARM = re.compile(
    f"{_DEAD}|离世|遗体|重伤|受伤|伤者|伤亡|致伤|送医|抢救|"
    "中毒|窒息|触电|溺亡|烧伤|烫伤|灼伤|截肢|骨折|失联|失踪|被困|坠落|坠亡|坍塌|倒塌|"
    "爆炸|爆燃|炸裂|起火|着火|失火|自燃|燃爆|火灾|泄漏|泄露|疏散|紧急通知|救护车|事故"
)
_SURELY = re.compile(_DEAD)
_NOBODY = re.compile("演练|演习|培训|讲座|知识竞赛|无人(?:员)?(?:伤亡|受伤)")


def is_urgent(title: str, text: str) -> bool:
    """Whether it may tell of people harmed. An accident with dead may well say that nobody had been trained."""
    lead = f"{title}\n{text[:LEAD]}"
    return _HARM.search(lead) is not None and (_NOBODY.search(lead) is None or _SURELY.search(lead) is not None)
