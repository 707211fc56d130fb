"""A row of a registry file as an entry of the registry."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.credit_code import clean_code, code_mistake
from core.records import RegistryEntry
from enterprises.cells import NOTHING, CellMistake, clean, parts_of
from store.registry import Told

LISTS = frozenset({"short_names", "brands", "former_names", "products", "licence_no", "tags", "english_names"})
_LOOSE = frozenset({"short_names", "brands", "former_names", "products", "tags"})
ROLES: Mapping[str, str] = {
    **{role: role for role in ("producer", "dealer", "service")},
    **dict.fromkeys(("生产", "生产者", "生产企业", "制造", "生产商", "生产环节", "加工"), "producer"),
    **dict.fromkeys(("销售", "经销", "经营", "流通", "销售者", "经营企业", "流通环节", "批发", "零售"), "dealer"),
    **dict.fromkeys(("服务", "服务企业", "维修", "安装", "服务业"), "service"),
}  # fmt: skip
LONGEST_NAME = 120


@dataclass(frozen=True)
class Known:
    """Words that files use for what the registry keeps as codes: product id by word, region code by name."""

    products: Mapping[str, str] = field(default_factory=dict)
    regions: Mapping[str, str] = field(default_factory=dict)


def columns_by_field(mapped: Mapping[int, str]) -> dict[str, tuple[int, ...]]:
    """The columns of each field; several columns of a list are put together, of others the first that is filled."""
    found: dict[str, tuple[int, ...]] = {}
    for place, name in sorted(mapped.items()):
        found[name] = (*found.get(name, ()), place)
    return found


def values_of(places: Mapping[str, Sequence[int]], cells: Sequence[str]) -> dict[str, str]:
    """The filled fields of a row."""
    found: dict[str, str] = {}
    width = len(cells)
    for name, columns in places.items():
        for place in columns:
            if place < width and (cell := cells[place].strip()):
                if name not in found:
                    found[name] = cell
                elif name in LISTS:
                    found[name] += f";{cell}"
    return found


def entry_of_row(values: Mapping[str, str], known: Known, *, keep_bad_codes: bool) -> tuple[Told, str]:
    """The entry, its id empty where the row has none, with the fields that the row fills; and what was left out of it.

    Raises CellMistake.

    keep_bad_codes: a code that does not hold is left out, and said; else the row is refused.
    """
    given: dict[str, Any] = {}
    for name, cell in values.items():
        if name in LISTS:
            given[name] = parts_of(cell, loose=name in _LOOSE)
        else:
            text = clean(cell)
            given[name] = "" if text in NOTHING else text
    name = given.get("name", "")
    if not name:
        raise CellMistake("没有企业名称")
    if len(name) > LONGEST_NAME or "\ufffd" in name:
        raise CellMistake(f"企业名称过长或有乱码：{name[:40]}")
    said = _settle_code(given, keep=keep_bad_codes)
    _settle_place(given, known)
    if "products" in given:
        given["products"] = tuple(dict.fromkeys(known.products.get(word, word) for word in given["products"]))
    role = given.pop("role", "")
    if role and role.lower() not in ROLES:
        raise CellMistake(f"看不懂的角色：{role[:20]}（可用：producer/生产、dealer/销售、service/服务）")
    given["role"] = ROLES[role.lower()] if role else "producer"
    given["status"] = given.get("status") or "存续"
    given.setdefault("id", "")
    return Told(RegistryEntry(**given), _told(values, given)), said


def _told(values: Mapping[str, str], given: Mapping[str, Any]) -> frozenset[str]:
    """What the row speaks of. A region that is read from the code speaks for a new firm only."""
    told = set(values) - {"id"}
    if "region_name" in told and given.get("region_code"):
        told.add("region_code")
    if not given.get("uscc"):
        told.discard("uscc")
    return frozenset(told)


def _settle_code(given: dict[str, Any], *, keep: bool) -> str:
    code = clean_code(given.get("uscc", ""))
    if not code:
        return ""
    given["uscc"] = code
    mistake = code_mistake(code)
    if mistake and not keep:
        raise CellMistake(mistake)
    if mistake:
        given["uscc"] = ""
        return f"{mistake}，已不带代码收下"
    return ""


def _settle_place(given: dict[str, Any], known: Known) -> None:
    code = given.get("region_code", "").removesuffix("000000")
    if code and not (len(code) == 6 and code.isdecimal() and code.isascii()):
        named = known.regions.get(code)
        if named is None:
            raise CellMistake(f"行政区划代码应为 6 位数字：{code[:20]}")
        given.setdefault("region_name", code)
        code = named
    if not code and given.get("region_name"):
        code = known.regions.get(given["region_name"], "")
    if not code and given.get("uscc", "")[2:8].isdecimal():
        code = given["uscc"][2:8]  # the division that registered it (GB 32100-2015, 4.2.3)
    if code:
        given["region_code"] = code


def id_of(entry: RegistryEntry) -> str:
    """The id of a firm that comes without one: its credit code, else made of name and region."""
    if entry.uscc:
        return entry.uscc
    return "F" + hashlib.sha256(f"{entry.name}\x1f{entry.region_code}".encode()).hexdigest()[:16]
