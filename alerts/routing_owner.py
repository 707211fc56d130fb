"""On whose ground a matter lies, and who owns it: the order and the special cases of orgs.yaml, section routing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from alerts.routing_facts import DISTRIBUTION, MAKING, Facts
from config.lexicon import Lexicon
from config.org_records import Case, Organisation, Orgs, Place
from config.regions import Regions

Besides = tuple[Organisation, Literal["抄送", "函告", "移送"], str]
"""Somebody else who is told because of a place, in what role, and why."""
MAKER, SELLER, SCENE = "生产者所在地", "销售者所在地", "事发或销售地"


@dataclass(frozen=True)
class Spot:
    """A place of a matter with the bureau whose ground it is. what: MAKER, SELLER or SCENE."""

    code: str
    what: str
    bureau: Organisation


@dataclass(frozen=True)
class Ground:
    """The places of a matter. home: in this province, makers first.  away: makers in other provinces.  far: scenes
    there.

    abroad: it concerns a party abroad and no Chinese one.  trade: why it is a matter of trade; empty where it is none.
    lost: codes in which nobody could be found.  assigned: whom a person sent it to, and who did.
    """

    regions: Regions
    home: tuple[Spot, ...] = ()
    away: tuple[Spot, ...] = ()
    far: tuple[Spot, ...] = ()
    abroad: bool = False
    trade: str = ""
    firms: int = 0
    lost: tuple[str, ...] = ()
    assigned: tuple[Organisation, str] | None = None

    def of(self, *whats: str) -> tuple[Spot, ...]:
        """The places at home of these sorts, in the order asked for."""
        return tuple(spot for what in whats for spot in self.home if spot.what == what)

    @property
    def prefectures(self) -> tuple[str, ...]:
        """Codes of the prefectures where it happened or goods were sold; new areas stand beside them."""
        return tuple(dict.fromkeys(self.prefecture(spot.bureau) for spot in self.of(SCENE, SELLER)))

    def prefecture(self, bureau: Organisation) -> str:
        """The prefecture of a bureau at home; a new area is one."""
        return bureau.code if bureau.sort == "area" else self.regions.prefecture_of(bureau.code) or bureau.code

    def bureaus(self, place: Place, orgs: Orgs) -> tuple[Organisation, ...]:
        """Whom a word of the file means here, each once."""
        local = [spot.bureau for spot in self._meant(place)]
        counties = [one for one in local if one.sort in ("county", "area")]
        match place:
            case Place.PREFECTURE:
                found: Iterable[Organisation] = [one if one.sort == "prefecture" else orgs.above(one) for one in local]  # type: ignore[misc]
                return tuple(dict.fromkeys(one for one in found if one is not None))
            case Place.ELSEWHERE:
                return tuple(dict.fromkeys(spot.bureau for spot in (*self.away, *self.far)))
            case Place.PROVINCE:
                return (orgs.province,)
        return tuple(dict.fromkeys(counties))

    def _meant(self, place: Place) -> tuple[Spot, ...]:
        match place:
            case Place.MAKER:
                return self.of(MAKER)
            case Place.SCENE:
                return self.of(SCENE, SELLER)
            case Place.SELLER:
                return self.of(SELLER, SCENE)
        return self.home

    def words(self, orgs: Orgs) -> str:
        """Where it is, and from what that was told."""
        told = [
            f"{spot.what}{self.regions.name_of(spot.code)}（{spot.code}，{spot.bureau.name}）" for spot in self.home
        ]
        told += [f"{spot.what}{self.regions.full_name_of(spot.code)}（省外）" for spot in (*self.away, *self.far)]
        told += ["涉外，无中国厂商"] if self.abroad else []
        told += [f"{self.trade}"] if self.trade else []
        told += [f"无法定位：{'、'.join(code[:12] for code in self.lost[:5])}"] if self.lost else []
        return "；".join(told[:8]) or "没有可定位的地点"


@dataclass(frozen=True)
class Owner:
    """Who owns a matter and why, and who else is told because of where it is."""

    organisation: Organisation
    why: tuple[str, ...]
    besides: tuple[Besides, ...]


def ground_of(facts: Facts, orgs: Orgs, lexicon: Lexicon, issues: Sequence[str]) -> Ground:
    """The places of a matter, each with its bureau."""
    regions = orgs.regions
    told = [(code, MAKER) for code in facts.seats] + [(code, SELLER) for code in facts.sellers]
    told += [(code, SCENE) for code in (*facts.scenes, *facts.far)]
    spots: list[Spot] = []
    lost: list[str] = []
    for code, what in dict.fromkeys(told):
        bureau = orgs.bureau_of(code)
        if bureau is None or bureau.sort in ("province", "national"):
            lost.append(code)
        else:
            spots.append(Spot(code, what, bureau))
    home = [spot for spot in spots if spot.bureau.sort != "elsewhere"]
    others = [spot for spot in spots if spot.bureau.sort == "elsewhere"]
    assigned = orgs.bureau_of(facts.assigned[0]) if facts.assigned else None
    return Ground(
        regions=regions,
        home=tuple(home),
        away=tuple(spot for spot in others if spot.what != SCENE),
        far=tuple(spot for spot in others if spot.what == SCENE),
        abroad=facts.abroad,
        trade=_trade(facts, home, lexicon, issues),
        firms=facts.firms,
        lost=tuple(lost),
        assigned=(assigned, facts.assigned[1]) if assigned and facts.assigned else None,
    )


def _trade(facts: Facts, home: Sequence[Spot], lexicon: Lexicon, issues: Sequence[str]) -> str:
    """Why it is a matter of trade. Where makers are not known it is one, too; that is the file's word for it."""
    if not any(spot.what in (SELLER, SCENE) for spot in home):
        return ""
    sides = {lexicon.issues[issue].side for issue in issues if issue in lexicon.issues}
    if facts.sellers and not facts.seats:
        return "涉事者登记为销售者"
    if sides & set(DISTRIBUTION) and not sides & {*MAKING, "harm"}:
        return "属流通违法"
    return "" if facts.seats else "生产者不明"


def owner_of(ground: Ground, orgs: Orgs) -> Owner:
    """Who owns it. Somebody always does: in the end the province's desk."""
    found, why = _found(ground, orgs)
    besides = tuple(one for one in _besides(ground, orgs, found) if one[0].code != found.code)
    return Owner(found, why, besides)


def _found(ground: Ground, orgs: Orgs) -> tuple[Organisation, tuple[str, ...]]:
    if ground.assigned is not None:
        organisation, who = ground.assigned
        return organisation, (f"{who} 已派单至此",)
    if not ground.home:
        return _nowhere(ground, orgs)
    case = _several(ground, orgs)
    if case is not None:
        return _to(case, ground, orgs), (_case_words("multi_prefecture", case),)
    if ground.trade and (case := orgs.cases["dealer_case"]):
        sold = _resolved(case, ground, orgs)
        if sold is not None:
            more = (_outside_words(orgs),) if ground.away else ()
            return sold, (f"{ground.trade}，{_case_words('dealer_case', case)}", *more)
    for number, entry in enumerate(orgs.owner_order):
        bureaus = [entry.who] if isinstance(entry.who, Organisation) else ground.bureaus(entry.who, orgs)
        if bureaus:
            where = f"{entry.word}（orgs.yaml routing.owner_order {number + 1}）"
            more = (_outside_words(orgs),) if ground.away and entry.who is not Place.PROVINCE else ()
            return bureaus[0], (where, *more)
    return orgs.province, ("没有一条承办规则适用",)


def _nowhere(ground: Ground, orgs: Orgs) -> tuple[Organisation, tuple[str, ...]]:
    """Nothing of it lies in this province."""
    if ground.away or ground.far:
        return orgs.province, ("生产者和事发地都在省外，由省局默认席位移送线索（orgs.yaml routing.outside_province）",)
    name = "national" if ground.abroad else "unresolved_region"
    case = orgs.cases[name]
    return _to(case, ground, orgs), (_case_words(name, case),)


def _several(ground: Ground, orgs: Orgs) -> Case | None:
    seats = {ground.prefecture(spot.bureau) for spot in ground.of(MAKER)}
    many = len(ground.prefectures) > 1 or (ground.firms > 1 and len(seats) > 1)
    return orgs.cases["multi_prefecture"] if many else None


def _to(case: Case, ground: Ground, orgs: Orgs) -> Organisation:
    return _resolved(case, ground, orgs) or orgs.province


def _resolved(case: Case, ground: Ground, orgs: Orgs) -> Organisation | None:
    if isinstance(case.to.who, Organisation):
        return case.to.who
    return next(iter(ground.bureaus(case.to.who, orgs)), None)


def _case_words(name: str, case: Case) -> str:
    return f"{case.why}（orgs.yaml routing.{name}）"


def _outside_words(orgs: Orgs) -> str:
    return _case_words("outside_province", orgs.cases["outside_province"])


def _besides(ground: Ground, orgs: Orgs, owner: Organisation) -> Iterator[Besides]:
    """Everybody else on whose ground it lies."""
    for spot in ground.home:
        yield spot.bureau, "抄送", f"{spot.what}{ground.regions.name_of(spot.code)}"
        over = orgs.above(spot.bureau)
        if over is not None and spot.bureau.code in orgs.direct:
            yield over, "抄送", "省直管县（市），抄送其设区市局（orgs.yaml bureaus.direct_counties）"
        elif over is not None and ground.prefecture(over) != ground.prefecture(owner):
            yield over, "抄送", f"货物或事件跨设区市，涉{ground.regions.name_of(spot.code)}"
    if owner.code in orgs.direct and (over := orgs.above(owner)) is not None:
        yield over, "抄送", "省直管县（市），抄送其设区市局（orgs.yaml bureaus.direct_counties）"
    yield from _letters(ground, orgs)
    if owner.sort == "national":
        yield orgs.province, "抄送", "上报事项由省局席位跟踪"
    elif ground.abroad and ground.home:
        yield orgs.national, "抄送", _case_words("national", orgs.cases["national"])


def _letters(ground: Ground, orgs: Orgs) -> Iterator[Besides]:
    """To other provinces: a letter, or the whole matter where nothing of it lies here."""
    case = orgs.cases["outside_province"]
    for spot in (*ground.away, *ground.far):
        where = f"{spot.what}{ground.regions.full_name_of(spot.code)}"
        role: Literal["函告", "移送"] = "函告" if ground.home else "移送"
        yield spot.bureau, role, f"{where}，{_case_words('outside_province', case)}"
    if ground.away or ground.far:
        for entry in case.copies:
            if isinstance(entry.who, Organisation):
                yield entry.who, "抄送", "与外省有关（orgs.yaml routing.outside_province copy）"
