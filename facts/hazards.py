"""Kinds of hazard, by the words that agencies use for them."""

import re

HAZARDS = (
    ("fire", r"\bfires?\b|\bignit|\bflam(?:e|ing|mab)|起火|着火|火灾|燃烧|自燃|引燃|火災|発火|焼損|Brandgefahr"),
    ("explosion", r"explo(?:sion|de|sive)|\bburst|projectile|爆炸|爆裂|炸裂|爆燃|破裂|爆発"),
    ("electric_shock", r"electr(?:ic(?:al)?\s+shock|ocut)|\bshocks?\b|触电|电击|漏电|感電|Stromschlag"),
    ("burn", r"\bburns?\b|\bscald|\bthermal|灼伤|烫伤|烧伤|过热|やけど|火傷|Verbrennung"),
    ("choking", r"\bchok(?:e|ing)|aspiration|small parts?|误吞|误食|窒息.*小零件|小零件|哽塞|噎|誤飲"),
    ("suffocation", r"suffocat|asphyxia|窒息|窒息事故"),
    ("strangulation", r"strangul|entangle|勒颈|勒死|缠绕|绞勒"),
    ("entrapment", r"entrap|\btrapp|夹伤|夹持|卡住|卡夹|挤压|挟まれ|pinch"),
    ("laceration", r"lacerat|\bcuts?\b|amputat|割伤|划伤|刺伤|切断|切割|けが|Schnittverletzung"),
    ("fall", r"\bfall(?:s|ing)?\b|tip[- ]?over|\btrip\b|collaps|跌落|摔倒|摔伤|倾倒|坠落|侧翻|転倒|転落|Absturz|Sturz"),
    ("poisoning", r"poison|carbon monoxide|\bCO\b|\bingesti|\blead\b|cadmium|中毒|一氧化碳|铅|镉|Vergiftung"),
    ("chemical", r"chemical|phthalate|\btoxic|carcinogen|allerg|formaldehyde|化学|致癌|过敏|甲醛|邻苯|重金属"),
    ("drowning", r"drown|溺水|溺れ"),
    ("crash", r"\bcrash|vehicle accident|loss of control|collision|碰撞|交通事故|失控|事故风险|追尾"),
    ("injury", r"\binjur|impact|\bstruck\b|受伤|伤害|人身|Verletzung|怪我"),
    ("microbiological", r"microbio|bacteri|listeria|salmonel|mou?ld|contaminat|细菌|微生物|霉菌|致病菌"),
    ("hearing", r"hearing|acoustic|听力|噪声"),
    ("environment", r"environment|环境危害|污染环境"),
)  # fmt: skip
"""id, and the words that tell it. More than one may hold; `injury` only where no other does."""
_PATTERNS = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in HAZARDS)


def hazard_types(text: str) -> tuple[str, ...]:
    """The kinds of hazard that a text tells, in the order of HAZARDS."""
    found = [name for name, pattern in _PATTERNS if pattern.search(text)]
    return tuple(name for name in found if name != "injury" or len(found) == 1)
