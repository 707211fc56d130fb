"""Chinese words for dates, as date arithmetic (search/query/dates.py): 昨天 is `now-1d/d`, 3天前 `now-3d/d`.

近7天 is the only one that ends now: the last seven times 24 hours, as in the desk's own choice of times.
"""

import re
from dataclasses import dataclass
from datetime import datetime

WORDS = {
    "现在": "now", "此刻": "now", "今天": "now/d", "今日": "now/d", "昨天": "now-1d/d", "昨日": "now-1d/d",
    "前天": "now-2d/d", "前日": "now-2d/d", "大前天": "now-3d/d", "明天": "now+1d/d", "明日": "now+1d/d",
    "本周": "now/w", "这周": "now/w", "上周": "now-1w/w", "上上周": "now-2w/w",
    "本月": "now/M", "这个月": "now/M", "当月": "now/M", "上月": "now-1M/M", "上个月": "now-1M/M",
    "今年": "now/y", "本年": "now/y", "去年": "now-1y/y", "上年": "now-1y/y", "前年": "now-2y/y",
}  # fmt: skip
UNITS = {
    "秒": "s", "秒钟": "s", "分": "m", "分钟": "m", "小时": "h", "个小时": "h", "时": "h", "天": "d", "日": "d",
    "周": "w", "个星期": "w", "星期": "w", "月": "M", "个月": "M", "年": "y", "季度": "q", "个季度": "q",
}  # fmt: skip
DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
WEEKDAYS = "一二三四五六日"
_NUMBER = r"(\d{1,5}|[一二两三四五六七八九十]{1,3}|半)"
_UNIT = "(" + "|".join(sorted(UNITS, key=len, reverse=True)) + ")"
_LAST = re.compile(rf"(?:最近|近|过去){_NUMBER}{_UNIT}|{_NUMBER}{_UNIT}(?:以内|之内|内)")
_AGO = re.compile(rf"{_NUMBER}{_UNIT}(?:以前|之前|前)")
_WEEKDAY = re.compile(r"(本|这|上上|上)?(?:周|星期|礼拜)([一二三四五六日天])")
_DATE = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(?:(\d{1,2})[日号])?")
_QUARTER = re.compile(r"(?:(\d{4})年|(今年|去年))?第?([一二三四1-4])季度")


@dataclass(frozen=True)
class Last:
    """The span of so many units that ends now."""

    count: int
    unit: str


def read_words(text: str, now: datetime) -> str | Last | None:
    """Date arithmetic that means the same; None where these are no such words.

    text: folded, without blanks.  now: Beijing. Raises ValueError for numbers nobody can mean.
    """
    if text in WORDS:
        return WORDS[text]
    if found := _LAST.fullmatch(text):
        number, unit = [one for one in found.groups() if one is not None]
        return _half(UNITS[unit]) if number == "半" else Last(_number(number), UNITS[unit])
    if (found := _AGO.fullmatch(text)) and found[1] != "半":
        return f"now-{_number(found[1])}{_rounded(UNITS[found[2]])}"
    if found := _WEEKDAY.fullmatch(text):
        weeks = {"上": 1, "上上": 2}.get(found[1] or "", 0)
        return f"now-{weeks}w/w+{WEEKDAYS.index(found[2].replace('天', '日'))}d/d"
    if found := _QUARTER.fullmatch(text):
        year = int(found[1] or now.year - (found[2] == "去年"))
        quarter = int(found[3]) if found[3].isdigit() else DIGITS[found[3]]
        return _quarter(year, quarter)
    if text in ("本季度", "上季度"):
        number = now.year * 4 + (now.month - 1) // 3 - (text == "上季度")
        return _quarter(number // 4, number % 4 + 1)
    return _calendar(text, now)


def _calendar(text: str, now: datetime) -> str | None:
    """2026年11月5日, 11月5日, 2026年11月: as ISO writes it, this year where none is said."""
    found = _DATE.fullmatch(text) if text else None
    if found is None:
        return None
    year, month, day = found.groups()
    if day and not month:
        return None
    parts = [year or f"{now.year:04d}", *([month.zfill(2)] if month else []), *([day.zfill(2)] if day else [])]
    return "-".join(parts)


def _quarter(year: int, quarter: int) -> str:
    return f"{year:04d}-{3 * quarter - 2:02d}-01||/q"


def _half(unit: str) -> Last:
    halves = {"y": Last(6, "M"), "d": Last(12, "h"), "h": Last(30, "m"), "m": Last(30, "s"), "M": Last(15, "d")}
    if unit not in halves:
        raise ValueError(f"half of {unit!r} is no span")
    return halves[unit]


def _rounded(unit: str) -> str:
    return f"{unit}/{unit}"


def _number(text: str) -> int:
    """7, 七, 十二, 三十: up to 99 in words."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        if text not in DIGITS:
            raise ValueError(f"{text!r} is no number")
        return DIGITS[text]
    if (tens and tens not in DIGITS) or (ones and ones not in DIGITS):
        raise ValueError(f"{text!r} is no number")
    return DIGITS.get(tens, 1) * 10 + DIGITS.get(ones, 0)
