"""Numbers of dead, injured, missing, evacuated and of products, as a text tells them."""

import re
from typing import NamedTuple

from nlp.clauses import Clauses

_DIGITS = {"零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_NOT_PEOPLE = r"(?![楼级号月日年次批款时点天岁米层秒辆台只起家吨元氧%])"
_NUMBER = r"(?<![A-Za-z\d.·—-])(\d{1,6}|[一二两三四五六七八九十百]{1,4})" + _NOT_PEOPLE
_WHO = r"(?:名|人|位|个|条|例)?(?:[^，。,;；\d]{0,8}?)"

_DEAD = re.compile(
    rf"{_NUMBER}(?:名|人|位|个)?(?:[^，。,;；\d]{{0,6}})?(?:死亡|遇难|身亡|丧生|罹难|死(?!角|灰|者|板)|确认无生命体征)"
    rf"|(?:死亡|遇难|夺走|压死|死亡人数(?:已)?(?:升至|增至|达到?|为)|死了){_NUMBER}(?:人|名|条|个)|{_NUMBER}条(?:人)?命|走了{_NUMBER}(?:人|个)(?!月|小时|多小时|钟头|路口|弯)"
)
_INJURED = re.compile(
    rf"{_NUMBER}{_WHO}(?:受伤|受轻伤|受重伤|轻伤|重伤|烧伤|烫伤|灼伤|炸伤|中毒|送医|伤(?!口|害|感|心|残)|住院|吸入性损伤|昏迷)"
    rf"|(?:划伤|烫伤|炸伤|烧伤|砸伤|灼伤|割伤|夹伤){_NUMBER}(?:名|位|个)(?:孩子|儿童|幼儿|小孩|学生|婴儿|老人|消费者|用户|工人|员工|居民)"
    rf"|{_NUMBER}(?:名|位|个)(?:孩子|儿童|幼儿|小孩|小朋友|学生|老人|工人|居民)[^，。,;；\d]{{0,8}}(?:划伤|割伤|夹伤|砸伤|划出|磕破|出血)"
    rf"|{_NUMBER}余?多?(?:名|位|个)?(?:人|孩子|儿童|幼儿|学生|婴儿|老人|工人|员工|居民|业主|家长)[^，。,;；\d]{{0,12}}(?:不适|流鼻血|咳嗽|咽痛|呕吐|红肿|起疹|皮疹|就医|就诊|头晕|扭伤|摔伤|摔地)"
    rf"|撞倒{_NUMBER}人|{_NUMBER}个(?:站不起来|起疹)"
    rf"|{_NUMBER}(?:名|位)(?:烧伤|烫伤|灼伤|炸伤|受伤)的"
    rf"|(?:受伤|烧伤|中毒|炸伤|致伤){_NUMBER}(?:人|名)|{_NUMBER}(?:名|人|位)(?:[^，。,;；]|(?<=\d),(?=\d)){{0,24}}?中毒"
)
_SERIOUS = re.compile(rf"{_NUMBER}{_WHO}(?:重伤|危重|重症|生命垂危)|(?:其中)?(?:重伤|重症){_NUMBER}(?:人|名)")
_MISSING = re.compile(
    rf"{_NUMBER}{_WHO}(?:失联|失踪|被困|失去联系|没出来|没逃出来|被埋)|(?:失联|失踪){_NUMBER}(?:人|名)"
)
_EVACUATED = re.compile(
    rf"(?:疏散|转移|撤离)[^，。,;；\d]{{0,10}}{_NUMBER}(?:余|多)?(?:名|人|户|位)|{_NUMBER}(?:余|多)?(?:名|人|位)[^，。,;；\d]{{0,8}}(?:疏散|转移|撤离|有序转移)"
)
_UNITS = re.compile(
    r"(?:召回|涉及|共计|数量|销量|售出|销售|扣押|查封|封存|查获)[^，。,;；\d]{0,14}(\d[\d,，]{0,15}(?:\.\d{1,9})?)(万)?余?(?:台|辆|只|件|个|具|块|吨|卷|组|套|箱|支|瓶|双|条|张)"
    r"|[Uu]nits[^\d]{0,12}(\d[\d,]*)()"
    r"|(?<![\d.])(\d[\d,]{0,15}(?:\.\d{1,9})?)(万)(?:余|多)?(?:台|辆|只|件|个|具|块|吨|组|套|瓶)[^，。,;；\d]{0,10}召回"
)
_GRAVE = re.compile(
    r"重伤|致残|伤残|截除|截肢|炸断|毁容|高压氧|颅脑损伤|肠穿孔|肠梗阻|腹膜炎|肠(?:子|壁)[^，。；]{0,4}(?:破|穿)|黄斑[^，。；]{0,6}(?:损伤|裂孔|灼伤)|失明|眼球破裂|危重|重症|植物人|生命垂危|大面积烧伤|ICU|终身无法|视力仅剩|视力降到|前房积血|眼球摘除|critical"
)
_UNREAL = re.compile(r"可能|可致|可导致|导致.{0,4}风险|未|无|没有|避免|防止|一旦|存在")
_IN_COURT = re.compile(r"法院|判决|[一二终再]审|审理|认定")
_OLD_CASE = re.compile(
    r"(?:19|20)\d\d年|去年|前年|(?:[一二两三四五六七八九十百几多]|\d){1,3}年前(?![^，。,;；]{0,12}(?:买|购|装|换|入手))|外省一起|类似(?:的)?(?:事故|案例)|同类事故|此前有|曾发生"
)
_HURT = re.compile(
    r"伤|中毒|送医|住院|昏迷|划出|磕破|出血|不适|鼻血|咳嗽|咽痛|呕吐|红肿|疹|就医|就诊|头晕|摔|撞倒|站不起"
)
_KINDS: tuple[tuple[str, "re.Pattern[str]", "re.Pattern[str]"], ...] = (
    ("dead", _DEAD, re.compile(r"死|遇难|身亡|丧生|罹难|夺走|命|走了|生命体征")),
    ("injured", _INJURED, _HURT),
    ("serious", _SERIOUS, re.compile(r"重伤|危重|重症|垂危")),
    ("missing", _MISSING, re.compile(r"失联|失踪|被困|失去联系|没出来|没逃出来|被埋")),
    ("evacuated", _EVACUATED, re.compile(r"疏散|转移|撤离")),
)
"""The last pattern of each: only sentences with it are searched, which saves a sixth of the whole reading."""


class Count(NamedTuple):
    """A number of people or things, told at text[start:end]."""

    number: int
    start: int
    end: int


def count_casualties(clauses: Clauses, *, published_year: int | None = None) -> dict[str, Count]:
    """The greatest number told of each kind: dead, injured, serious, missing, evacuated, units; absent where none.

    Numbers in a sentence about another year or an older case do not count.  published_year: the text's own year.
    """
    text = clauses.text
    found: dict[str, Count] = {}
    for kind, pattern, told in _KINDS:
        windows = dict.fromkeys(clauses.sentence(word.start()) for word in told.finditer(text))
        for match in (match for start, end in windows for match in pattern.finditer(text, start, end)):
            start, _ = clauses.sentence(match.start())
            sentence = text[start : match.start()]
            if _is_old(sentence, published_year) or re.search(
                r"无(?:人员)?$|没有$|未造成$", text[max(0, match.start() - 4) : match.start()]
            ):
                continue
            number = _read(next(group for group in match.groups() if group))
            if 0 < number < 1_000_000 and (kind not in found or found[kind].number < number):
                found[kind] = Count(number, *match.span())
    for match in _UNITS.finditer(text):
        digits = match[1] or match[3] or match[5] or "0"
        units = float(digits.replace(",", "").replace("，", "")) * (10_000 if match[2] or match[6] else 1)
        if int(units) > (found["units"].number if "units" in found else -1):
            found["units"] = Count(int(units), *match.span())
    grave = None if "serious" in found else _grave(clauses, published_year)
    if grave:
        found["serious"] = Count(1, *grave.span())
    return found


def _grave(clauses: Clauses, published_year: int | None) -> re.Match[str] | None:
    """A grave injury told without a number."""
    for match in _GRAVE.finditer(clauses.text):
        sentence = clauses.text[clauses.sentence(match.start())[0] : match.start()]
        if not _UNREAL.search(sentence[-10:]) and not _is_old(sentence, published_year):
            return match
    return None


def _is_old(sentence: str, published_year: int | None) -> bool:
    match = _OLD_CASE.search(sentence)
    if match is None:
        return False
    year = match.group()[:4]
    if year.isdigit() and _IN_COURT.search(sentence):
        return False  # the case that is judged is the matter itself, however old
    return not (year.isdigit() and published_year is not None and int(year) >= published_year)


def _read(number: str) -> int:
    if number.isdigit():
        return int(number)
    total, current = 0, 0
    for char in number:
        if char == "十":
            total += (current or 1) * 10
            current = 0
        elif char == "百":
            total += (current or 1) * 100
            current = 0
        else:
            current = _DIGITS.get(char, 0)
    return total + current
