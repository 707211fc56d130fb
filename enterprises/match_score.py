"""How well a name fits what was asked for, and why, in words.

Weights were set on the development half of `benchmarks.match` (docs/enterprises.md); its test half was not looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import OSA

from enterprises.english_trades import EnglishName
from enterprises.match_index import BRAND, ENGLISH, FORMER, FULL, KINDS, SHORT
from enterprises.name_keys import Sounds
from enterprises.name_parts import NameParts

SAME = {FULL: 1.0, FORMER: 0.97, ENGLISH: 0.97, SHORT: 0.96, BRAND: 0.95}
CORE, OWN, PLACE, FORM, BRANCH = 0.45, 0.33, 0.14, 0.03, 0.05
SPOKEN = 0.96
"""What equal sound is worth beside equal characters."""
SHORTENED = 0.92
"""What an equal own name is worth where one side says no trade."""
HELD, HELD_MOST = 0.56, 0.8
"""What a name is worth that only holds what was asked for, from a small part of it to nearly all."""
BEGINS = 0.7
"""What an equal own name is worth before a word that no list of trades has: 驿电充电宝."""
ENGLISH_LIKE = 0.75
"""Below this a spelling is another one."""
NESTED = 0.97
"""What a place is worth that only lies in the other: a county's firm comes before one of its prefecture."""
APART = 0.08
"""What is taken off where both the places and the names differ: a misspelt name rather sits where it says."""
WHOLE = 0.93
"""What likeness of the whole names is worth: for places and trades that are misspelt themselves."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. sound: its core by syllables.  letters: of a question in Latin letters, else empty."""

    parts: NameParts
    core_sound: tuple[str, ...]
    own_sound: tuple[str, ...]
    base_sound: tuple[str, ...]
    letters: str
    english: EnglishName


def asked_of(parts: NameParts, sounds: Sounds, english: EnglishName) -> Asked:
    """A question as it is compared."""
    letters = parts.own if parts.words else ""
    return Asked(parts, sounds.spell(parts.core), sounds.spell(parts.own), sounds.spell(parts.base), letters, english)


def fit(asked: Asked, name: NameParts, kind: int, region: str, sounds: Sounds) -> tuple[float, str]:
    """0-1 and the reason. region: the code where the firm sits, six digits or empty."""
    title = KINDS[kind]
    if asked.parts.text == name.text:
        return SAME[kind], f"{title}相同"
    if asked.letters:
        plain, why = _fit_latin(asked, name, kind, sounds)
        english = _fit_english(asked.english, name, region, sounds) if plain < 0.95 and not name.words else 0.0
        if english <= plain:
            return plain, why
        known = asked.english.trades and _shares(asked.english.trades, name.trade)
        return english, f"字号“{name.own}”的拼音在内" + ("" if known or not asked.english.trades else "；行业不同")
    if name.words:
        return 0.0, ""
    return _fit_chinese(asked, name, kind, region, sounds)


def _fit_chinese(asked: Asked, name: NameParts, kind: int, region: str, sounds: Sounds) -> tuple[float, str]:
    mine = asked.parts
    core, core_spoken = _alike(mine.core, name.core, asked.core_sound, sounds)
    own, own_spoken = _alike(mine.own, name.own, asked.own_sound, sounds)
    said = "" if own < 1 else f"字号“{mine.own}”相同"
    if bool(mine.trade) != bool(name.trade):
        short, long = (mine.own, name.core) if not mine.trade else (name.own, mine.core)
        begins = 1.0 if long.startswith(short) else own
        own = max(own, begins)
        core = max(core, SHORTENED * begins)
        said = f"字号“{short}”相同" if begins == 1 else said
    place, place_said = _place(mine, name, region)
    form = 1.0 if mine.form == name.form else 0.6
    branch = 1.0 if mine.branch == name.branch else 0.8 if mine.branch else 0.3
    apart = APART if place < 0.5 and mine.core != name.core else 0.0
    score = CORE * core + OWN * own + PLACE * place + FORM * form + BRANCH * branch - apart
    whole, whole_spoken = _alike(mine.base, name.base, asked.base_sound, sounds) if score < WHOLE else (0.0, False)
    if WHOLE * whole > score:
        score, place_said = WHOLE * whole, ""
        core, core_spoken = whole, whole_spoken
    if score < HELD_MOST and len(mine.text) > 1 and mine.text in name.text:
        held = HELD + (HELD_MOST - HELD) * len(mine.text) / len(name.text)
        if held > score:
            return held, f"{KINDS[kind]}中含“{mine.text}”"
    if score < BEGINS and len(name.own) >= 2 and mine.own.startswith(name.own) and len(mine.own) > len(name.own) + 1:
        begun = BEGINS + 0.05 * place - (0.02 if kind != FULL else 0.0)
        if begun > score:
            return begun, f"字号“{name.own}”相同{place_said}"
    if kind != FULL:
        score -= 0.02
    why = _why(mine, name, core, core_spoken or own_spoken, said)
    return min(score, 0.99), f"与{KINDS[kind]}“{{name}}”{why}{place_said}" if kind != FULL else f"{why}{place_said}"


def _why(mine: NameParts, name: NameParts, core: float, spoken: bool, said: str) -> str:
    if mine.core == name.core:
        if mine.branch != name.branch:
            return "字号和行业相同，分支机构不同"
        return "字号和行业相同" if mine.trade else said
    if core == SPOKEN or (spoken and core >= SPOKEN * 0.9):
        return "读音相同，字不同"
    if said:
        return f"{said}，行业不同" if mine.trade and name.trade else said
    wrong = OSA.distance(mine.base, name.base) if mine.region else OSA.distance(mine.core, name.core)
    return f"相近，差 {wrong} 字"


def _alike(mine: str, other: str, sound: Sequence[str], sounds: Sounds) -> tuple[float, bool]:
    """Likeness of two texts, by characters or by sound, whichever says more; and whether it was sound."""
    if mine == other:
        return 1.0, False
    if not mine or not other:
        return 0.0, False
    plain = OSA.normalized_similarity(mine, other)
    if plain >= SPOKEN:
        return plain, False
    spoken = SPOKEN * OSA.normalized_similarity(sound, sounds.spell(other))
    return (spoken, True) if spoken > plain else (plain, False)


def _place(mine: NameParts, name: NameParts, region: str) -> tuple[float, str]:
    """Agreement of places, 0-1."""
    if not mine.places:
        return (0.9, "") if not name.places else (0.85, "；未说地名")
    told = [*name.places, *([region] if region else [])]
    if not told:
        return 0.7, ""
    if any(_within(one, other) for one in mine.places[-1:] for other in told):
        same = 1.0 if mine.places[-1] in told else NESTED
        return (same, "") if name.places else (same - 0.1, "")
    return 0.2, "；地名不同"


def _within(one: str, other: str) -> bool:
    short, long = sorted((one.rstrip("0"), other.rstrip("0")), key=len)
    return long.startswith(short)


def _fit_latin(asked: Asked, name: NameParts, kind: int, sounds: Sounds) -> tuple[float, str]:
    letters, title = asked.letters, KINDS[kind]
    if name.words:
        if letters == name.own:
            return 0.97, f"{title}相同"
        sorted_mine, sorted_name = " ".join(sorted(asked.parts.words)), " ".join(sorted(name.words))
        like = max(OSA.normalized_similarity(letters, name.own), OSA.normalized_similarity(sorted_mine, sorted_name))
        return 0.95 * like, f"与{title}“{{name}}”相近"
    best, why = 0.0, ""
    for text, worth in _spoken_forms(name):
        syllables = sounds.spell(text)
        spelt = "".join(syllables)
        if spelt == letters:
            found, said = 0.97 * worth, f"{title}的拼音"
        elif "".join([word[0] for word in syllables]) == letters:
            found, said = 0.92 * worth, f"{title}的拼音首字母"
        else:
            found, said = 0.93 * worth * OSA.normalized_similarity(letters, spelt), f"与{title}的拼音相近"
        if found > best:
            best, why = found, said
    own = "".join(sounds.spell(name.own))
    if best < 0.8 and len(own) > 5 and own in letters:
        place = "".join(sounds.spell(name.region[:2]))
        better = 0.72 + (0.08 if place and letters.startswith(place) else 0.0)
        best, why = (better, f"字号“{name.own}”的拼音在内") if better > best else (best, why)
    return best - (0.0 if kind == FULL else 0.01), why


def _fit_english(asked: EnglishName, name: NameParts, region: str, sounds: Sounds) -> float:
    """How well a name fits pinyin with a trade in English or a place before it."""
    if len(asked.own) < 3 or not (asked.trades or asked.places):
        return 0.0
    spelt = sounds.spell(name.core)
    like = max(
        OSA.normalized_similarity(asked.own, "".join(spelt[:end])) for end in range(len(name.own), len(spelt) + 1)
    )
    if like < ENGLISH_LIKE:
        return 0.0
    told = [*name.places, *([region] if region else [])]
    here = any(_within(one, other) for one in asked.places for other in told)
    place = 0.8 if not asked.places or not told else 1.0 if here else 0.2
    trade = 0.8 if not asked.trades else 1.0 if _shares(asked.trades, name.trade) else 0.4 if name.trade else 0.7
    return 0.96 * (0.7 * like + 0.14 * place + 0.16 * trade)


def _shares(asked: frozenset[str], trade: str) -> bool:
    return any(word in trade for word in asked)


def _spoken_forms(name: NameParts) -> Iterable[tuple[str, float]]:
    """What people write in letters of a name, with its worth."""
    forms = {name.own: 0.9, name.core: 0.95, name.base: 1.0, name.text: 1.0}
    return (
        (forms | {name.called: 0.97}).items()
        if name.called and name.trade and name.called not in forms
        else forms.items()
    )
