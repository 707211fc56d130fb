"""The view of administrative regions that NLP, alerts and the desk share: names, parents, territories."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

ABROAD = "000000"
"""The jurisdiction of a matter without any Chinese party (ANNOTATION.md, jurisdiction_code 5)."""
MUNICIPALITIES = frozenset({"110000", "120000", "310000", "500000"})
"""Beijing, Tianjin, Shanghai, Chongqing: provinces whose districts lie in no prefecture (GB/T 2260)."""


@dataclass(frozen=True)
class Region:
    """One row of regions.csv. level: province | prefecture | county | zone | national_new_area."""

    code: str
    name: str
    short_name: str
    aliases: tuple[str, ...] = ()
    parent_code: str = ""
    level: str = "county"
    direct_admin: bool = False
    ambiguous_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Town:
    """A town, township or street office of the home province. code: nine digits; county: six.

    namesakes: how many towns of the country are called so.
    """

    code: str
    name: str
    county: str
    namesakes: int = 1


@dataclass(frozen=True)
class Regions:
    """All known regions by code. Unknown codes are answered by their digits, never by an error.

    home: the code of the province whose desk this is.  towns: of the home province.  outside: counties elsewhere by
    name, each with its prefecture's code.
    """

    by_code: Mapping[str, Region] = field(default_factory=dict)
    home: str = ""
    towns: tuple[Town, ...] = ()
    outside: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, code: str) -> bool:
        return code in self.by_code

    def may_hold(self, code: str) -> bool:
        """Whether `code` is known, abroad, or may be a county elsewhere (those are not listed)."""
        if code == ABROAD or code in self:
            return True
        elsewhere = code[:2] != self.home[:2] and code.isdecimal() and len(code) == 6 and not code.endswith("00")
        return elsewhere and f"{code[:4]}00" in self

    def __iter__(self) -> Iterator[Region]:
        return iter(self.by_code.values())

    def get(self, code: str) -> Region | None:
        """The region of `code`, or None."""
        return self.by_code.get(code)

    def name_of(self, code: str) -> str:
        """The full name; `境外` for 000000 and the code itself where nothing is known."""
        if code == ABROAD:
            return "境外"
        region = self.by_code.get(code)
        return region.name if region else code

    def full_name_of(self, code: str) -> str:
        """The name with its parents, the province first: `江西省南昌市红谷滩区`."""
        return "".join(self.name_of(part) for part in reversed(self.chain(code)))

    def chain(self, code: str) -> tuple[str, ...]:
        """`code` and its parents, the nearest first: 360121, 360100, 360000. Empty for an empty code."""
        codes: list[str] = []
        while code and code not in codes:
            codes.append(code)
            region = self.by_code.get(code)
            code = region.parent_code if region else self._parent_by_digits(code)
        return tuple(codes)

    @cached_property
    def zones(self) -> Mapping[str, tuple[str, ...]]:
        """Code to the codes of what lies in it though the digits do not tell: zones have codes of our own."""
        found: dict[str, list[str]] = {}
        for region in self:
            for part in self.chain(region.code):
                if part not in BY_DIGITS.chain(region.code):
                    found.setdefault(part, []).append(region.code)
        return {part: tuple(codes) for part, codes in found.items()}

    def prefecture_of(self, code: str) -> str | None:
        """The prefecture-level code that `code` lies in or is; None for provinces and abroad.

        A municipality stands for the prefecture that it has not. So does a county right below its province for itself.
        """
        known = self._prefectures
        return known[code] if code in known else self._find_prefecture(code)

    @cached_property
    def _prefectures(self) -> Mapping[str, str | None]:
        """Of the known codes: a matter of a thousand texts asks for the same few places again and again."""
        return {code: self._find_prefecture(code) for code in self.by_code}

    def _find_prefecture(self, code: str) -> str | None:
        if self.province_of(code) in MUNICIPALITIES:
            return self.province_of(code)
        for part in self.chain(code):
            region = self.by_code.get(part)
            level = region.level if region else self._level_by_digits(part)
            if level in ("prefecture", "national_new_area"):
                return part
        return None

    def county_of(self, code: str) -> str | None:
        """The code where it is that of a county; also of one right below its province (仙桃, 济源)."""
        home = self.prefecture_of(code)
        if home is None or (code == home and code.endswith("00")):
            return None
        return code

    def places_told(self, jurisdiction: str | None, mentioned: Iterable[str]) -> tuple[str, ...]:
        """The places within provinces that a text tells of, its jurisdiction first.

        A municipality counts where it is the jurisdiction: its bare name stands in datelines and in names of offices.
        """
        codes = dict.fromkeys([jurisdiction, *mentioned] if jurisdiction else mentioned)
        bare = MUNICIPALITIES - {jurisdiction}
        return tuple(code for code in codes if code and code not in bare and self.prefecture_of(code) is not None)

    def province_of(self, code: str) -> str:
        """The province code that `code` lies in or is; 000000 stays 000000."""
        return f"{code[:2]}0000" if len(code) == 6 else code

    def is_within(self, territory: str, code: str) -> bool:
        """Whether `code` is `territory` or lies below it. 000000 holds nothing but itself."""
        return territory in self.chain(code)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """The codes directly below each code, in the order of the file."""
        below: dict[str, list[str]] = {}
        for region in self:
            below.setdefault(region.parent_code, []).append(region.code)
        return {code: tuple(codes) for code, codes in below.items()}

    @staticmethod
    def _level_by_digits(code: str) -> str:
        if code.endswith("0000"):
            return "province"
        return "prefecture" if code.endswith("00") else "county"

    def _parent_by_digits(self, code: str) -> str:
        if len(code) != 6 or code.endswith("0000"):
            return ""
        return f"{code[:2]}0000" if code.endswith("00") else f"{code[:4]}00"


BY_DIGITS = Regions()
"""Knows no zone: what contains a code is told by its digits."""
