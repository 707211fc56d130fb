"""What the CRF looks at: the characters around a place, the words they belong to, and words that firms are made of."""

import re
from collections.abc import Sequence

_TRADES = re.compile(
    r"科技|实业|工贸|商贸|贸易|电子|电器|电气|电缆|线缆|车业|新能源|能源|食品|药业|建设|塑料|塑胶|化工|消防|照明|灯饰|家具|服饰|纺织|"
    r"水泥|钢铁|建材|包装|涂料|农机|文具|玩具|日化|燃气|燃具|厨具|五金|机械|汽车|运输|物流|检测|工程|材料|设备|器材|烟花|花炮|制造|"
    r"投资|电池|锂电|电源|用品|餐饮|超市|百货|酒店|银行|证券|保险|地产|航空|传媒|集团|股份|酒家|火锅|书店|药房|矿业|煤业|气体|铜业"
)
_FORMS = re.compile(r"有限责任公司|股份有限公司|有限公司|分公司|公司|集团|总厂|厂|商行|经营部|门市部|店|超市|合作社")
_DIGIT = re.compile(r"\d")
_LATIN = re.compile(r"[A-Za-z]")


def features(text: str, words: Sequence[str]) -> list[list[str]]:
    """Features of each character. words: joined they give `text`."""
    count = len(text)
    shape = _marks(text, _TRADES, "t") + _marks(text, _FORMS, "f")
    trade, form = shape[:count], shape[count:]
    padded = f"\x02\x02{text}\x03\x03"
    found: list[list[str]] = []
    place = 0
    for number, word in enumerate(words):
        before = words[number - 1] if number else "^"
        after = words[number + 1] if number + 1 < len(words) else "$"
        size = len(word)
        for inside in range(size):
            a, b, c, d, e = tuple(padded[place : place + 5])
            border = "S" if size == 1 else "B" if inside == 0 else "E" if inside == size - 1 else "M"
            row = [
                f"0{c}", f"-{b}", f"+{d}", f"--{a}", f"++{e}", f"p{b}{c}", f"n{c}{d}", f"P{a}{b}", f"N{d}{e}",
                f"m{b}{c}{d}", f"k{_kind(c)}", border, f"w{border}{word}", f"v{border}{before}", f"x{border}{after}",
                f"s{border}{min(size, 5)}{min(len(before), 5)}{min(len(after), 5)}",
            ]  # fmt: skip
            for offset in (0, 1, 2, 4):
                at = place + offset
                if at < count:
                    if trade[at]:
                        row.append(f"{trade[at]}{offset}")
                    if form[at]:
                        row.append(f"{form[at]}{offset}")
            found.append(row)
            place += 1
    return found


def _marks(text: str, pattern: "re.Pattern[str]", name: str) -> list[str]:
    marks = [""] * len(text)
    for match in pattern.finditer(text):
        marks[match.start() : match.end()] = [f"{name}B", *[f"{name}I"] * (len(match.group()) - 1)]
    return marks


def _kind(char: str) -> str:
    if _DIGIT.match(char):
        return "9"
    if _LATIN.match(char):
        return "a"
    return "h" if "\u4e00" <= char <= "\u9fff" else "."
