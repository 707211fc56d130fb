"""What a row that another system hands in says: each value read by its column's type, mistakes named by field."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from config.intake import Column, IntakeKind
from config.lexicon import Lexicon
from core.clock import BEIJING, as_utc, beijing
from core.credit_code import clean_code, code_mistake
from core.firms import FactKind
from enterprises.cells import NOTHING, CellMistake, clean, count_in, days_in, first_day, outcome_in
from nlp.normalize import without_surrogates

YES = frozenset(("是", "true", "1", "y", "yes", "有", "已完成", "完成", "√"))
NO = frozenset(("否", "false", "0", "n", "no", "没有", "未完成", "×", "x"))
LONGEST_ID = 200
LONGEST_CELL = 500
"""What may be longer is a story: it keeps its lines."""
OF_NO_PERSON = ("id", "firm_", "product", "brand", "model", "batch")
"""How names of columns begin that say which firm and goods: there a complainant's name is that of a shop."""


@dataclass(frozen=True)
class Words:
    """Words for what is kept as codes: product id by word, region code by name (empty where two share it).

    places: full name of a region by its code.
    """

    products: Mapping[str, str]
    regions: Mapping[str, str]
    places: Mapping[str, str]
    _met: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def product_of(self, text: str) -> str:
        """The product id of a word, else of the longest word within it (two characters at least); empty: none."""
        if text not in self._met:
            inside = [word for word in self.products if len(word) > 1 and word in text]
            self._met[text] = self.products.get(text) or (self.products[max(inside, key=len)] if inside else "")
        return self._met[text]

    @classmethod
    def of(cls, lexicon: Lexicon) -> "Words":
        """Those of the lexicon; codes stand for themselves."""
        products = {word: one.id for one in lexicon.products.values() for word in (*one.terms, one.name, one.id)}
        regions: dict[str, str] = {}
        for region in lexicon.regions:
            full = lexicon.regions.full_name_of(region.code)
            within = full.removeprefix(lexicon.regions.name_of(lexicon.regions.home))  # 南昌市东湖区
            names = {region.name, region.short_name, full, within, region.code} - {""}
            for name in names:
                regions[name] = "" if regions.get(name, region.code) != region.code else region.code
        places = {region.code: lexicon.regions.full_name_of(region.code) for region in lexicon.regions}
        return cls(products, regions, places)


@dataclass(frozen=True)
class FieldMistake:
    """field: its name in the kind."""

    field: str
    what: str


@dataclass(frozen=True)
class ReadRow:
    """A row that reads well. values: text as it is kept, by field; private ones are not among them.

    territory: a region code, place: its full name.
    """

    id: str
    at: datetime
    values: Mapping[str, str] = field(default_factory=dict)
    territory: str = ""
    place: str = ""
    product: str = ""
    outcome: str = ""
    found: int = 0
    fixed: int = 0

    def value(self, name: str) -> str:
        """A value, empty where it is not told."""
        return self.values.get(name, "")

    @property
    def day(self) -> date:
        """The Beijing day it tells of."""
        return beijing(self.at).date()


def read_row(
    kind: IntakeKind, given: Mapping[str, Any], words: Words, *, today: date | None = None
) -> ReadRow | list[FieldMistake]:
    """The row, or everything that is wrong with it. given: raw values by field.  today: nothing is later than that
    Beijing day; None: whatever it says."""
    mistakes: list[FieldMistake] = []
    told: dict[str, str] = {}
    private: set[str] = set()
    for name, column in kind.fields.items():
        try:
            text = _text(given.get(name))
        except CellMistake as mistake:
            mistakes.append(FieldMistake(name, str(mistake)))
            continue
        text = text or (column.empty if name in given else "")
        if not text:
            if column.required:
                mistakes.append(FieldMistake(name, f"缺少{column.title}"))
            continue
        if column.private:
            private.add(clean(text))
            continue
        try:
            told[name] = _value(column, text, words)
        except CellMistake as mistake:
            mistakes.append(FieldMistake(name, str(mistake)))
            continue
        if column.required and not told[name]:  # nothing but signs that nobody sees
            mistakes.append(FieldMistake(name, f"缺少{column.title}"))
    if len(told.get("id", "")) > LONGEST_ID:
        mistakes.append(FieldMistake("id", f"编号超过 {LONGEST_ID} 字"))
    if today is not None and "at" in told and beijing(datetime.fromisoformat(told["at"])).date() > today:
        mistakes.append(FieldMistake("at", f"{kind.fields['at'].title}晚于今日：{told['at'][:10]}"))
    if mistakes:
        return mistakes
    for name in told:
        if kind.fields[name].type == "text" and not name.startswith(OF_NO_PERSON):
            told[name] = _without(told[name], private)
    territory = words.regions.get(told.get("territory", ""), "")
    return ReadRow(
        told["id"],
        as_utc(datetime.fromisoformat(told["at"])),
        told,
        territory=territory,
        place=words.places.get(territory, ""),
        product=words.product_of(told["product"]) if told.get("product") else "",
        outcome=told.get("outcome", ""),
        found=int(told.get("found", "0")),
        fixed=int(told.get("fixed", "0")),
    )


def _without(text: str, private: Collection[str]) -> str:
    """What a private column holds may stand in what is told as well: there its first character stays."""
    for word in sorted(private, key=len, reverse=True):
        if len(word) > 1:
            text = text.replace(word, word[0] + "*" * (len(word) - 1))
    return text


def _text(value: Any) -> str:
    """A value of JSON or a cell as text; what means nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, list | dict):
        raise CellMistake("须为文本、数或是否，不能是列表或对象")
    text = without_surrogates(str(value)).replace("\0", "").strip()
    return "" if text in NOTHING else text


def _value(column: Column, text: str, words: Words) -> str:
    if len(text) > column.most:
        raise CellMistake(f"{column.title}超过 {column.most} 字")
    match column.type:
        case "moment":
            return _moment(text).isoformat()
        case "day":
            day = first_day(text)
            return day.isoformat() if day else ""
        case "count":
            return str(count_in(text))
        case "flag":
            return _flag(column, text)
        case "region":
            return _region(text, words)
        case "uscc":
            return _code(text)
        case "outcome":
            return _outcome(text)
        case "choice":
            return _choice(column, text)
        case "product":
            return clean(text)
    return text if column.most > LONGEST_CELL else clean(text)


def _moment(text: str) -> datetime:
    """With its time where there is one; a day alone is 00:00 in Beijing."""
    try:
        found = datetime.fromisoformat(text.replace("/", "-"))
        moment = found if found.tzinfo else found.replace(tzinfo=BEIJING)
    except ValueError:
        days = days_in(text)
        if not days:
            raise CellMistake(f"看不懂的日期：{text[:40]}（可用：2026-11-23、2026-11-23 14:32）") from None
        year, month, day = days[0]
        moment = datetime.combine(date(year, month, day or 1), time(), BEIJING)
    if not 2000 <= moment.year < 2200:
        raise CellMistake(f"日期不在 2000 年至 2199 年：{text[:40]}")
    return moment


def _flag(column: Column, text: str) -> str:
    word = text.lower()
    if word not in YES | NO:
        raise CellMistake(f"{column.title}看不懂：{text[:20]}（可用：是、否）")
    return "是" if word in YES else "否"


def _region(text: str, words: Words) -> str:
    name = clean(text).removesuffix("000000")
    code = words.regions.get(name)
    if code is None:
        raise CellMistake(f"没有属地“{text[:30]}”（可用：行政区划代码，或区县全称）")
    if not code:
        raise CellMistake(f"属地“{text[:30]}”不止一个，请写行政区划代码")
    return code


def _code(text: str) -> str:
    code = clean_code(text)
    if wrong := code_mistake(code):
        raise CellMistake(wrong)
    return code


def _outcome(text: str) -> str:
    found = outcome_in(FactKind.SAMPLING, text)
    if found not in ("passed", "failed", ""):
        raise CellMistake(f"看不懂的结论：{text[:20]}（可用：合格、不合格）")
    return found


def _choice(column: Column, text: str) -> str:
    word = clean(text)
    for code, said in column.values.items():
        if word == code or word in said:
            return code
    longer = [code for code, said in column.values.items() if any(one in word for one in said)]
    if len(set(longer)) == 1:
        return longer[0]
    known = "、".join(said[0] for said in column.values.values())
    raise CellMistake(f"{column.title}看不懂：{text[:20]}（可用：{known}）")
