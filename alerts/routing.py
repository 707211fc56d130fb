"""Which organisations an alert goes to, in what role, and by which rule of orgs.yaml. A pure function.

The county comes first; who owns it is found in routing_owner.py. Others are told by level, by place and by the words of
`copy_rules`. An organisation is told once; every rule that names it is kept as a reason.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from alerts.routing_facts import Facts
from alerts.routing_owner import Ground, Owner, ground_of, owner_of
from config.lexicon import Lexicon, Product
from config.org_records import Addressee, CopyRule, Organisation, Orgs, Place
from config.orgs_file import Asked
from core.records import LEVEL_COLOURS, Alert

Role = Literal["承办", "抄送", "函告", "移送"]
PUSH_WORDS: Mapping[str, str] = {
    "daily": "每日摘要",
    "immediate_working_hours": "工作时间即时推送",
    "immediate": "即时推送",
    "immediate_24x7": "即时推送，全天候",
}
LETTER, BY_HAND, NOTHING = "公函，由人发出", "由人报送，系统不发", "不派单"
KIND_ROLES: Mapping[str, tuple[str, str]] = {
    "recall": ("召回", "召回公告"),
    "recall_foreign": ("召回", "境外召回"),
    "complaint": ("投诉举报", "投诉"),
    "spotcheck": ("监督抽查", "抽查公告"),
}
"""What a kind of document has to do with the roles of a division, and what it is called."""
MOST_TOLD = 60
FIRM_LIKE = re.compile(r"[\w()（）]{0,20}?(?:公司|集团|厂|店|超市|商行|经营部)")


@dataclass(frozen=True)
class Told:
    """An organisation that gets to know of an alert. why: in words, with where it stands.  how: when and by what.

    by_hand: only a person writes to it.
    """

    organisation: Organisation
    role: Role
    why: tuple[str, ...]
    how: str
    by_hand: bool = False


@dataclass(frozen=True)
class Route:
    """owner: who handles it.  told: everybody else, in the order of the rules.  steps: how it was found (what, how).

    territory: region code to which a dispatch goes.  no_dispatch: why it is not dispatched; empty where it is.
    confirm: people must confirm the level.
    """

    owner: Told
    told: tuple[Told, ...]
    steps: tuple[tuple[str, str], ...]
    territory: str
    no_dispatch: str = ""
    confirm: bool = False

    @property
    def dispatch(self) -> bool:
        """Whether it is dispatched at all."""
        return not self.no_dispatch

    @property
    def everybody(self) -> tuple[Told, ...]:
        """The owner first."""
        return (self.owner, *self.told)

    @property
    def sent_by_machine(self) -> Mapping[str, Told]:
        """Those the machine may write to, by code; nobody where nothing is dispatched."""
        return {one.organisation.code: one for one in self.everybody if self.dispatch and not one.by_hand}


def route(alert: Alert, facts: Facts, orgs: Orgs, lexicon: Lexicon) -> Route:
    """Where an alert goes. Codes that no list has lead upwards, in the end to the province's desk; never an error."""
    ground = ground_of(facts, orgs, lexicon, alert.issues)
    owner = owner_of(ground, orgs)
    product = _main_product(alert, lexicon)
    level = min(4, max(1, alert.level))
    return _Routing(alert, facts, orgs, lexicon, ground, owner, product, level).route()


@dataclass(frozen=True)
class _Routing:
    alert: Alert
    facts: Facts
    orgs: Orgs
    lexicon: Lexicon
    ground: Ground
    owner: Owner
    product: Product | None
    level: int

    def route(self) -> Route:
        row = self.orgs.levels[self.level]
        rules = [rule for rule in self.orgs.rules if any(self._holds(asked) for asked in rule.asked)]
        refusing = next((rule for rule in rules if rule.no_dispatch), None)
        how = NOTHING if refusing else PUSH_WORDS[row.push]
        owner = self._told(self.owner.organisation, "承办", "；".join(self.owner.why), how)
        told: dict[str, Told] = {}
        for one in self._everybody(rules, how):
            if one.organisation.code == owner.organisation.code:
                owner = replace(owner, why=_with(owner.why, one.why))
            elif one.organisation.code in told:
                before = told[one.organisation.code]
                told[one.organisation.code] = replace(before, why=_with(before.why, one.why))
            elif len(told) < MOST_TOLD:
                told[one.organisation.code] = one
        why_not = f"{refusing.when}（{refusing.where}）" if refusing else ""
        local = owner.organisation.sort not in ("division", "office")
        code = owner.organisation.code if local else self.orgs.province.code
        return Route(owner, tuple(told.values()), tuple(self._steps(rules)), code, why_not, row.human_confirm)

    def _everybody(self, rules: Sequence[CopyRule], how: str) -> Iterator[Told]:
        """Everybody a rule names, in order: by place, by level, by words, by the kind of the documents."""
        yield from self._by_place(how)
        yield from self._by_level(how)
        for rule in rules:
            for one in rule.hand_to:
                yield from self._named(one, "移送", f"{rule.when}（{rule.where}）", how)
            for one in rule.copies:
                yield from self._named(one, "抄送", f"{rule.when}（{rule.where}）", how)
        yield from self._by_kind(how)

    def _by_place(self, how: str) -> Iterator[Told]:
        for organisation, role, why in self.owner.besides:
            yield self._told(organisation, role, why, how)
        if self.owner.organisation.sort == "province" and self.product is not None:
            lead, scheme = self.orgs.lead_of(self.product.schemes)
            yield self._told(lead, "抄送", f"由省局承办，{self._lead_words(scheme)}", how)

    def _by_level(self, how: str) -> Iterator[Told]:
        row = self.orgs.levels[self.level]
        for key, words, entries in (("to", "主送", row.to), ("copy", "抄送", row.copies)):
            for one in entries:
                at = f"{row.name}（{LEVEL_COLOURS[self.level]}）级"
                why = f"{at}{words}{one.word}（orgs.yaml alerts {self.level} {key}）"
                yield from self._named(one, "抄送", why, how)

    def _by_kind(self, how: str) -> Iterator[Told]:
        """A recall to the centre for recalls, complaints to the centre for complaints; from the level on at which the
        province's divisions are told at all."""
        row = self.orgs.levels[self.level]
        told = [one.who for one in (*row.to, *row.copies)]
        if not any(isinstance(one, Organisation) and one.sort == "division" for one in told):
            return
        for kind, (work, word) in KIND_ROLES.items():
            if not self.facts.kinds.get(kind):
                continue
            for division in self.orgs.divisions:
                if any(work in role for role in division.roles):
                    where = f"orgs.yaml divisions.{division.code}.roles"
                    why = f"有{word} {self.facts.kinds[kind]} 篇，职责含“{work}”（{where}）"
                    yield self._told(division, "抄送", why, how)

    def _named(self, one: Addressee, role: Role, why: str, how: str) -> Iterator[Told]:
        for organisation in self._resolved(one):
            yield self._told(organisation, role, why, how, by_hand=one.by_hand)

    def _resolved(self, one: Addressee) -> Iterable[Organisation]:
        """Whom a word means for this alert; nobody where it has no such bureau."""
        if isinstance(one.who, Organisation):
            return (one.who,)
        if one.who is Place.LEAD:
            return (self.orgs.lead_of(self.product.schemes if self.product else ())[0],)
        return self.ground.bureaus(one.who, self.orgs)

    def _told(self, organisation: Organisation, role: Role, why: str, how: str, *, by_hand: str = "") -> Told:
        note = by_hand or self.orgs.by_hand.get(organisation.code, "")
        if role in ("函告", "移送") or organisation.sort == "elsewhere":
            return Told(organisation, role, (why,), LETTER, by_hand=True)
        if note:
            return Told(organisation, role, (why,), f"{BY_HAND}（{note}）", by_hand=True)
        return Told(organisation, role, (why,), how)

    # -- what the words of `when` ask ------------------------------------------------------------------------------

    def _holds(self, asked: Asked) -> bool:
        return (
            0 < asked.level <= self.level
            or bool(set(asked.issues) & set(self.alert.issues))
            or (self.product is not None and bool(set(asked.schemes) & set(self.product.schemes)))
            or self._about(asked.goods, asked.not_goods)
            or self._says(asked.text)
        )

    def _about(self, goods: Sequence[str], never: Sequence[str]) -> bool:
        """Whether the product is of these goods; where none is known, whether the titles name them."""
        if not goods:
            return False
        if self.product is not None:
            if any(other in self.product.name for other in never):  # a bag for food is called 食品袋, too
                return False
            said = [self.product.name, *self.product.terms]
        else:
            said = [self._without_names(title) for title in self.facts.titles]
        return any(word in line and not any(other in line for other in never) for line in said for word in goods)

    def _without_names(self, title: str) -> str:
        """A firm that has 食品 in its name may make anything."""
        for name in sorted(self.facts.names, key=len, reverse=True):
            title = title.replace(name, "")
        return FIRM_LIKE.sub("", title)

    def _says(self, words: Sequence[str]) -> bool:
        said = "\n".join((*self.facts.titles, self.facts.text))
        return any(word in said for word in words)

    # -- how it was found ------------------------------------------------------------------------------------------

    def _steps(self, rules: Sequence[CopyRule]) -> Iterator[tuple[str, str]]:
        yield "属地", self.ground.words(self.orgs)
        yield "承办", f"{self.owner.organisation.name}：{'；'.join(self.owner.why)}"
        yield "产品", self._product_words()
        row = self.orgs.levels[self.level]
        confirm = "，须人工确认" if row.human_confirm else ""
        yield (
            "级别",
            f"{row.name}（{LEVEL_COLOURS[self.level]}），{PUSH_WORDS[row.push]}，{row.ack_hours:g} 小时内受理{confirm}",
        )
        for rule in rules:
            yield "规则", f"{rule.when}（{rule.where}）"

    def _product_words(self) -> str:
        if self.product is None:
            named = "、".join(self.alert.products)
            return f"{f'{named} 不在产品目录' if named else '未识别'}，由{self.orgs.contact.name}牵头"
        return f"{self.product.name}，{self._lead_words(self.orgs.lead_of(self.product.schemes)[1])}"

    def _lead_words(self, scheme: str) -> str:
        lead = self.orgs.lead_by_scheme.get(scheme, self.orgs.contact)
        if not scheme:
            return f"准入制度不明，由{lead.name}牵头（orgs.yaml contact_division）"
        return f"准入制度 {scheme}，由{lead.name}牵头（orgs.yaml lead_by_scheme）"


def _main_product(alert: Alert, lexicon: Lexicon) -> Product | None:
    """The first product that the catalogue knows."""
    return next((lexicon.products[one] for one in alert.products if one in lexicon.products), None)


def _with(before: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *more)))
