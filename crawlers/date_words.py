"""Words for dates: what Chinese, Japanese, Korean and English writers say instead of figures."""

import html
import re
import unicodedata
from datetime import datetime, timedelta

from crawlers.date_clock import Dated, with_clock
from crawlers.markup import UNSEEN

FOLDED = str.maketrans(
    "—–‒−‐‑﹣時點週鐘後間個號禮農陰曆於國剛發佈",
    "-------时点周钟后间个号礼农阴历于国刚发布",
) | str.maketrans({"년": "年", "월": "月", "일": "日", "・": "·", "○": "〇", "◯": "〇", "０": "0"})
SPELLED = {"오전": "上午", "오후": "下午", "午前": "上午", "午后": "下午", "小时间": "小时", "北京时间": " "}
DIGITS = {"〇": 0, "零": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
UNITS = r"(?:秒钟?|分钟?|刻钟?|个?半?小时|个?半?钟头|时间|天|日|周|个?半?(?:星期|礼拜|月)|年|月|号|时|点)"
NUMERAL = re.compile(rf"(?<![周期拜初])([〇零一二两三四五六七八九十廿卅]{{1,4}})(?=\s*{UNITS})")
RELATIVE_DAYS = {
    "大前天": 3, "大前日": 3, "前天": 2, "前日": 2, "昨天": 1, "昨日": 1, "今天": 0, "今日": 0,
    "yesterday": 1, "today": 0,
}  # fmt: skip
SHORT_DAYS = re.compile(r"^([今昨前])(晚|夜|晨|早)(?!间)")
SHORT_PARTS = {"晚": "晚上", "夜": "夜里", "晨": "早晨", "早": "早上"}
DAY_WORD = re.compile(rf"^({'|'.join(RELATIVE_DAYS)})", re.I)
NOW_WORD = re.compile(r"^(?:刚刚|刚才|just now|几秒钟?前|1分钟内)", re.I)
AGO = re.compile(
    r"^(?:大?约|近)?\s*((?:(?:\d{1,4}|半)(?:\s*个半?)?\s*(?:秒钟?|分钟?|刻钟|小时|钟头|时间|天|日|周|星期|礼拜|月|年)半?\s*)++)"
    r"[之以]?前"
)
AGO_PART = re.compile(r"(\d{1,4}|半)\s*(个半|个)?\s*(秒|分|刻|小时|钟头|时间|天|日|周|星期|礼拜|月|年)钟?(半)?")
AGO_ENGLISH = re.compile(
    r"^(?:about\s+)?(\d{1,4}|an?)\s*(sec|s|min|mo|m|hour|hr|h|day|d|week|w|year|y)[a-z]{0,5}\.?\s+ago\b", re.I
)
MINUTES = {
    "秒": 1 / 60, "分": 1, "刻": 15, "小时": 60, "钟头": 60, "时间": 60, "天": 1440, "日": 1440,
    "周": 10080, "星期": 10080, "礼拜": 10080, "月": 43200, "年": 525600,
    "s": 1 / 60, "sec": 1 / 60, "m": 1, "min": 1, "h": 60, "hr": 60, "hour": 60, "d": 1440, "day": 1440,
    "w": 10080, "week": 10080, "mo": 43200, "y": 525600, "year": 525600,
}  # fmt: skip
"""A month ago is 30 days, a year 365: nobody counts closer who says so."""
A_DAY = 1440
WEEKDAY = re.compile(r"^(上上|上|本|这)?个?(?:周|星期|礼拜)([一二三四五六日天])(?![一二三四五六日天年月])")
MONTH_WORD = re.compile(r"^(上|本|当|这)个?月\s*(\d{1,2})\s*[日号]")
YEAR_WORD = re.compile(r"^(今|本|去|前)年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")
YEARS_BACK = {"今": 0, "本": 0, "去": 1, "前": 2}


def folded(text: str) -> str:
    """One spelling: half width, simplified characters, plain dashes, figures for Chinese numerals, single spaces."""
    text = html.unescape(text) if "&" in text else text
    if not text.isascii():
        text = unicodedata.normalize("NFKC", UNSEEN.sub("", text)).translate(FOLDED)
        for word, plain in SPELLED.items():
            text = text.replace(word, plain)
        text = NUMERAL.sub(lambda numeral: _figures(numeral[1]), text)
    return " ".join(text.split())


def _figures(numeral: str) -> str:
    """二〇二四 as 2024, 二十五 as 25, 廿 as 20."""
    if not set(numeral) & set("十廿卅"):
        return "".join(str(DIGITS[char]) for char in numeral)
    numeral = numeral.replace("廿", "二十").replace("卅", "三十").replace("十十", "十")
    tens, _, ones = numeral.partition("十")
    return str(DIGITS.get(tens[-1:], 1) * 10 + DIGITS.get(ones[:1], 0))


def read_ago(text: str, now: datetime) -> Dated | None:
    """5分钟前, 1小时30分钟前, 半个月前, an hour ago. now: Beijing."""
    if NOW_WORD.match(text):
        return Dated(now, True)
    if english := AGO_ENGLISH.match(text):
        unit = MINUTES[english[2].lower()]
        count = 1 if english[1].lower().startswith("a") else int(english[1])
        return _ago(now, [(count, unit)])
    match = AGO.match(text)
    if match is None:
        return None
    parts = []
    for number, counter, unit_name, half in AGO_PART.findall(match[1]):
        whole = 0.5 if number == "半" else float(number)
        parts.append((whole + 0.5 * (counter == "个半") + 0.5 * bool(half), MINUTES[unit_name]))
    return _ago(now, parts)


def _ago(now: datetime, parts: list[tuple[float, float]]) -> Dated:
    minutes = sum(count * unit for count, unit in parts)
    is_exact = min(unit for _, unit in parts) < A_DAY or minutes < A_DAY
    moment = now - timedelta(minutes=minutes)
    if min(unit for _, unit in parts) >= MINUTES["月"]:
        moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return Dated(moment, is_exact)


def read_day_word(text: str, now: datetime) -> Dated | None:
    """昨天 14:20, 今晨6时, 昨晚八点半, Yesterday at 14:20. 昨夜 alone is either of two days: None."""
    short = SHORT_DAYS.match(text)
    if short:
        text = f"{short[1]}天{SHORT_PARTS[short[2]]}{text[2:]}"
    match = DAY_WORD.match(text)
    if match is None:
        return None
    day = _midnight(now) - timedelta(days=RELATIVE_DAYS[match[1].lower()])
    dated = with_clock(day, "", text[match.end() :], night_follows=short is not None)
    return None if short and short[2] == "夜" and not dated.has_time else dated


def read_calendar_word(text: str, now: datetime) -> Dated | None:
    """上周五, 周三 15:05 (the last one), 本月5日, 去年12月3日."""
    if match := WEEKDAY.match(text):
        return _weekday(match, text, now)
    if match := MONTH_WORD.match(text):
        first = _midnight(now).replace(day=1)
        month = (first - timedelta(days=1)).replace(day=1) if match[1] == "上" else first
        return with_clock(month.replace(day=int(match[2])), "", text[match.end() :])
    if match := YEAR_WORD.match(text):
        year = now.year - YEARS_BACK[match[1]]
        day = _midnight(now).replace(day=1, month=int(match[2]), year=year).replace(day=int(match[3]))
        return with_clock(day, "", text[match.end() :])
    return None


def _weekday(match: re.Match[str], text: str, now: datetime) -> Dated:
    wanted = "一二三四五六日".index(match[2].replace("天", "日"))
    monday = _midnight(now) - timedelta(days=now.weekday())
    if match[1]:
        weeks = {"上": 1, "上上": 2}.get(match[1], 0)
        return with_clock(monday + timedelta(days=wanted - 7 * weeks), "", text[match.end() :])
    dated = with_clock(monday + timedelta(days=wanted), "", text[match.end() :])
    return Dated(dated.moment - timedelta(days=7), dated.has_time) if dated.moment > now else dated


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
