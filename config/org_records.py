"""Who is responsible for what: the records that config/orgs.py reads from lexicons/orgs.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

from config.orgs_file import Asked, Push
from config.regions import ABROAD, Regions

Sort = Literal["county", "prefecture", "area", "province", "national", "elsewhere", "division", "office"]


class Place(StrEnum):
    """A bureau that each alert has another one for."""

    COUNTY = "county"
    PREFECTURE = "prefecture"
    PROVINCE = "province"
    ELSEWHERE = "elsewhere"
    MAKER = "maker"
    SCENE = "scene"
    SELLER = "seller"
    LEAD = "lead"


@dataclass(frozen=True)
class Organisation:
    """Somebody who can be told. code: the region code of a bureau, the id of a division or office."""

    code: str
    name: str
    sort: Sort


@dataclass(frozen=True)
class Division(Organisation):
    """A division of the province's bureau. roles: what it does, in the file's words."""

    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Addressee:
    """A word of a list. by_hand: what its parentheses say of a person who sends it; then the machine never does."""

    word: str
    who: Organisation | Place
    by_hand: str = ""


@dataclass(frozen=True)
class Case:
    """Where a special case goes. why: the rule in the file's words."""

    to: Addressee
    copies: tuple[Addressee, ...]
    why: str


@dataclass(frozen=True)
class LevelRow:
    """Who is told at a level. ack_hours: so long may pass until somebody accepts."""

    level: int
    name: str
    to: tuple[Addressee, ...]
    copies: tuple[Addressee, ...]
    push: Push | Literal["daily"]
    ack_hours: float
    human_confirm: bool


@dataclass(frozen=True)
class CopyRule:
    """Who else is told. asked: any of them is enough.  hand_to: whom a person hands the matter over to.

    where: in which file it stands, as people say it.
    """

    when: str
    asked: tuple[Asked, ...]
    copies: tuple[Addressee, ...]
    hand_to: tuple[Addressee, ...]
    no_dispatch: bool
    where: str


@dataclass(frozen=True)
class Orgs:
    """The organisations of a province and the rules by which alerts go to them.

    bureau_name: `{name}市场监督管理局`; bureau_names: what bureaus are called besides.  contact: the division that
    leads where no scheme says otherwise.  areas: codes of new areas.  direct: counties that are told directly.
    owner_order: who owns a matter, tried in turn.  cases: by their key under `routing`.  aliases: who has a name of
    their own.  by_hand: codes of those whom only people write to, with the file's words for it.
    """

    regions: Regions
    province: Organisation
    national: Organisation
    bureau_name: str
    bureau_names: tuple[str, ...]
    divisions: tuple[Division, ...]
    offices: tuple[Organisation, ...]
    contact: Organisation
    lead_by_scheme: Mapping[str, Organisation]
    areas: frozenset[str]
    direct: frozenset[str]
    direct_note: str
    owner_order: tuple[Addressee, ...]
    cases: Mapping[str, Case]
    levels: Mapping[int, LevelRow]
    rules: tuple[CopyRule, ...]
    aliases: Mapping[str, Organisation] = field(default_factory=dict)
    by_hand: Mapping[str, str] = field(default_factory=dict)

    def bureau_of(self, code: str) -> Organisation | None:
        """The bureau whose ground a place is: the nearest one above it that has one; None for what is no region.

        Places of other provinces are the ground of their province's bureau.
        """
        if code == ABROAD:
            return self.national
        for part in self.regions.chain(code):
            region = self.regions.get(part)
            if region is None:
                continue
            if not self.regions.is_within(self.regions.home, part):
                return self._elsewhere(part)
            if part == self.province.code:
                return self.province
            if part in self.areas:
                return self._bureau(part, region.name, "area")
            if region.level == "county":
                return self._bureau(part, region.name, "county")
            if region.level == "prefecture":
                return self._bureau(part, region.name, "prefecture")
        return None

    def above(self, bureau: Organisation) -> Organisation | None:
        """The bureau of the prefecture (or new area) that a county's bureau lies under."""
        over = (self.bureau_of(code) for code in self.regions.chain(bureau.code)[1:])
        return next((found for found in over if found and found.sort in ("prefecture", "area")), None)

    def lead_of(self, schemes: Iterable[str]) -> tuple[Organisation, str]:
        """The division that leads for a product of these licence schemes and the scheme that decided; the contact
        division and nothing where none does."""
        for scheme in schemes:
            if scheme in self.lead_by_scheme:
                return self.lead_by_scheme[scheme], scheme
        return self.contact, ""

    def find(self, name: str) -> tuple[Organisation, ...]:
        """Whoever is called so: a code or id, a full or a usual name. Several where a short name is not enough."""
        return self._called.get(name.strip(), ())

    def _elsewhere(self, code: str) -> Organisation | None:
        province = self.regions.get(self.regions.province_of(code))
        return self._bureau(province.code, province.name, "elsewhere") if province else None

    def _bureau(self, code: str, name: str, sort: Sort) -> Organisation:
        return Organisation(code, self.bureau_name.replace("{name}", name), sort)

    @cached_property
    def _called(self) -> Mapping[str, tuple[Organisation, ...]]:
        found: dict[str, dict[str, Organisation]] = {}
        for region in self.regions:
            bureau = self.bureau_of(region.code)
            if bureau is None or bureau.code != region.code:
                continue
            forms = () if bureau.sort == "elsewhere" else self.bureau_names
            said = [form.replace("{name}", region.name).replace("{short}", region.short_name) for form in forms]
            for name in (bureau.code, bureau.name, *said):
                found.setdefault(name, {})[bureau.code] = bureau
        for name, organisation in self.aliases.items():
            found.setdefault(name, {})[organisation.code] = organisation
        return {name: tuple(theirs.values()) for name, theirs in found.items()}
