"""What a cell of a registry file says: names, lists, days, numbers of papers, states. A mistake is said in words."""

import calendar
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Final

from core.firms import FactKind, TieKind

FOREVER = date(9999, 12, 31)
"""The last day of a paper that says 长期 and not from when."""
NOTHING = frozenset({"-", "--", "—", "——", "/", "\\", "无", "暂无", "空", "null", "NULL", "None", "N/A", "n/a", "nan"})
"""What people write into a cell that holds nothing: on a re-import it takes away what was there."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")
_GAP = re.compile(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])")
_PARTS = re.compile(r"[;；|\n]+")
_LOOSE_PARTS = re.compile(r"[;；|、\n]+")
_DAY = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2})\s*[日号]?|\s*月?)(?!\d)|(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)"
)
_DIGITS: Final = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_CHINESE_DAY = re.compile(
    r"([〇零○一二三四五六七八九\d]{4})年([一二三四五六七八九十\d]{1,3})月(?:([一二三四五六七八九十\d]{1,3})[日号])?"
)
_LONG = ("长期", "永久", "长久", "无固定期限", "long-term", "permanent")
XK = re.compile(r"(?:\(?[\u4e00-\u9fff]\)?)?XK\d{2}-\d{3}-\d{5}")
CCC = re.compile(r"20\d{14}")
_STATES: Mapping[str, str] = {
    **dict.fromkeys(("", "有效", "正常", "在用", "valid", "已发证", "存续"), ""),
    **dict.fromkeys(("过期", "失效", "到期", "已过期", "expired"), ""),  # the last day says it
    **dict.fromkeys(("暂停", "已暂停", "暂停使用", "中止", "停用", "suspended"), "suspended"),
    **dict.fromkeys(("撤销", "已撤销", "吊销", "已吊销", "注销", "已注销", "撤回", "作废"), "withdrawn"),
    **dict.fromkeys(("withdrawn", "revoked", "cancelled"), "withdrawn"),
}  # fmt: skip
_TIES: Mapping[str, TieKind] = {
    **{kind.value: kind for kind in TieKind},
    **dict.fromkeys(("集团", "集团成员", "隶属集团", "成员企业", "子公司", "隶属"), TieKind.GROUP),
    **dict.fromkeys(("分支机构", "分公司", "分厂", "分支"), TieKind.BRANCH),
    **dict.fromkeys(("品牌方", "品牌所有者", "品牌持有人", "商标持有人", "品牌商"), TieKind.BRAND_OWNER),
    **dict.fromkeys(("委托加工", "受托生产", "代工", "贴牌", "OEM", "代加工"), TieKind.OEM),
    **dict.fromkeys(("供应商", "供应", "供货", "供货商"), TieKind.SUPPLIER),
    **dict.fromkeys(("销售", "经销", "经销商", "销售商"), TieKind.SELLER),
    **dict.fromkeys(("网店", "店铺", "平台店铺", "平台内经营者", "入驻商家"), TieKind.SHOP),
}


class CellMistake(Exception):
    """Why a row cannot be taken, as a person reads it."""


def clean(text: str) -> str:
    """Without control characters, outer blanks, and blanks beside Chinese characters."""
    if text.isalnum():
        return text
    return _GAP.sub("", " ".join(_CONTROL.sub(" ", text).split()))


def said(cell: str) -> str:
    """What a cell says, empty where it is only a sign for nothing (`/`, 无)."""
    text = clean(cell)
    return "" if text in NOTHING else text


def plain(text: str) -> str:
    """Half width, compared in capitals."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def parts_of(cell: str, *, loose: bool = False) -> tuple[str, ...]:
    """The members of a list; loose: 、 parts too, which may stand within a name."""
    if cell.isalnum():
        return (cell,)
    found = (clean(part) for part in (_LOOSE_PARTS if loose else _PARTS).split(cell))
    return tuple(dict.fromkeys(part for part in found if part and part not in NOTHING))


def days_in(cell: str) -> list[tuple[int, int, int]]:
    """Year, month, day (0: not told) of each day that the cell tells. Raises CellMistake where one cannot be."""
    text = unicodedata.normalize("NFKC", cell)
    found = []
    for match in _DAY.finditer(text):
        year, month, day = (match[1], match[2], match[3]) if match[1] else (match[4], match[5], match[6])
        found.append((int(year), int(month), int(day or 0)))
    if not found:
        for told in _CHINESE_DAY.finditer(text):
            found.append((int(told[1].translate(_DIGITS)), _number(told[2]), _number(told[3] or "0")))
    for year, month, day in found:
        if not (1900 <= year <= 9999 and 1 <= month <= 12 and day <= calendar.monthrange(year, month)[1]):
            raise CellMistake(f"日期不存在：{cell[:40]}")
    return found


def first_day(cell: str) -> date | None:
    """The day of a cell, the first of a month; None where it is empty. Raises CellMistake."""
    if not cell or cell in NOTHING:
        return None
    days = days_in(cell)
    if not days:
        if any(word in cell.lower() for word in _LONG):
            return None
        raise CellMistake(f"看不懂的日期：{cell[:40]}（可用：2024-03-01、2024年3月1日、20240301、长期）")
    year, month, day = days[0]
    return date(year, month, day or 1)


def last_day(cell: str) -> date | None:
    """The last day that a cell tells, the end of a month; FOREVER for 长期; None where it is empty."""
    if not cell or cell in NOTHING:
        return None
    if any(word in cell.lower() for word in _LONG):
        return FOREVER
    days = days_in(cell)
    if not days:
        raise CellMistake(f"看不懂的日期：{cell[:40]}（可用：2024-03-01、2024年3月1日、20240301、长期）")
    year, month, day = days[-1]
    return date(year, month, day or calendar.monthrange(year, month)[1])


def paper_number(kind: FactKind, cell: str) -> str:
    """The number of a licence or certificate as it is kept. Raises CellMistake where its shape is wrong."""
    number = plain(cell).replace(" ", "").replace("–", "-").replace("—", "-")
    if not number:
        raise CellMistake("没有证书编号")
    if kind is FactKind.LICENCE and not XK.fullmatch(number):
        raise CellMistake(f"生产许可证编号形状不对：{cell[:40]}（应如 (赣)XK12-001-90003）")
    if kind is FactKind.CCC and not CCC.fullmatch(number):
        raise CellMistake(f"CCC 证书编号形状不对：{cell[:40]}（应为 16 位数字，前四位是年份）")
    if kind is FactKind.HAZCHEM and not any(sign.isdigit() for sign in number):
        raise CellMistake(f"许可证编号中没有数字：{cell[:40]}")
    return number


def state_in(cell: str) -> str:
    """Empty, suspended or withdrawn. Raises CellMistake."""
    word = cell.strip().lower()
    state = _STATES.get(word)
    if state is None and word not in NOTHING:
        raise CellMistake(f"看不懂的证书状态：{cell[:40]}（可用：有效、暂停、撤销、注销、吊销）")
    return state or ""


def outcome_in(kind: FactKind, cell: str) -> str:
    """passed or failed of a sampling or a check, where the words say so; else the words.

    Of a credit class its letter, of a list its name in the table of grades.
    """
    word = clean(cell)
    if kind is FactKind.CREDIT:
        return _credit(said(cell))
    if kind not in (FactKind.SAMPLING, FactKind.CHECK):
        return "" if word in NOTHING else word
    if word.lower() in ("failed", "fail", "否", "n") or any(sign in word for sign in ("不合格", "不符合", "未通过")):
        return "failed"
    if word.lower() in ("passed", "pass", "是", "y") or any(sign in word for sign in ("合格", "符合", "通过", "正常")):
        return "passed"
    return "" if word in NOTHING else word


_CLASS = re.compile(
    r"(?:企业)?(?:信用)?(?:风险)?(?:等级|类别|分类|评价)?[:：]?([A-D])(?:级|类|等|档)?(?:企业|主体|信用)?"
)
_LISTS = {"严重违法": "严重违法失信名单", "失信被执行": "失信被执行人", "经营异常": "经营异常名录"}


def _credit(word: str) -> str:
    if letter := _CLASS.fullmatch(plain(word)):
        return letter[1]
    left = any(sign in word for sign in ("移出", "未列入", "不属"))
    return word if left else next((name for sign, name in _LISTS.items() if sign in word), word)


def tie_in(cell: str) -> TieKind:
    """The kind of a relation. Raises CellMistake."""
    word = plain(cell)
    kind = _TIES.get(word.lower()) or _TIES.get(word)
    if kind is None:
        raise CellMistake(f"看不懂的关系：{cell[:40]}（可用：集团、分公司、品牌方、委托加工、供应商、销售、网店）")
    return kind


def count_in(cell: str) -> int:
    """A whole number; 1 where the cell is empty. Raises CellMistake."""
    text = plain(cell).replace(",", "").rstrip("件台个批起次辆条")
    if not text or text in NOTHING:
        return 1
    try:
        value = float(text)
    except ValueError:
        raise CellMistake(f"看不懂的数量：{cell[:40]}") from None
    if not (value.is_integer() and 0 <= value < 2**31):
        raise CellMistake(f"数量应为不小于 0 的整数：{cell[:40]}")
    return int(value)


def _number(text: str) -> int:
    """十二 is 12, 二十三 is 23, 7 is 7. Raises CellMistake."""
    if text.isdigit():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if "十" in tens:
        raise CellMistake(f"看不懂的数：{text}")
    first = (int(tens.translate(_DIGITS)) if tens else 1) * 10 if ten else 0
    return first + (int(ones.translate(_DIGITS)) if ones else 0)
