"""The sentences an officer reads: an alert's title and its reason."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.cards import Card, Registry, people, victims
from alerts.conditions.verdict import KIND_WORDS
from alerts.counting import scenes
from alerts.held import shortened
from alerts.replay import Outcome
from config.lexicon import Lexicon
from config.regions import ABROAD, Regions

HARM = ("death", "explosion", "fire", "poison", "shock", "collapse", "leak", "injury")
"""Named first in a title, where enough origins tell of it; a death before all."""
SHARE_TO_NAME = 0.1
NOT_IN_TITLE = ("complaint", "opinion", "penalty", "talk")


@dataclass(frozen=True)
class Names:
    """What turns ids into words. sources: titles by key."""

    lexicon: Lexicon
    registry: Registry
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def regions(self) -> Regions:
        """The regions of the lexicon."""
        return self.lexicon.regions

    def firm(self, firm: str) -> str:
        """A firm's registered name; the text itself for one in no list."""
        if firm.startswith("NIL:"):
            return f"“{firm.removeprefix('NIL:')}”（未列入名录）"
        entry = self.registry(firm)
        return entry.name if entry else firm

    def product(self, product: str) -> str:
        """The product's name."""
        return self.lexicon.product_name(product)

    def grouped(self, group: str, value: str) -> str:
        """A value that a rule groups by, in words."""
        match group:
            case "firm":
                return self.firm(value)
            case "product":
                return self.product(value)
            case "issue":
                return self.issues([value])
            case "county" | "prefecture":
                return self.regions.name_of(value)
            case "source":
                return f"信源“{self.sources.get(value, value)}”"
            case "kind":
                return KIND_WORDS.get(value, value)
            case "name":
                return f"读音为“{value}”的企业或品牌"
        return "全部信息"

    def issues(self, issues: Iterable[str]) -> str:
        """`起火、鼓包`: at most two, the short form before the slash."""
        return "、".join(self.lexicon.issue_name(issue).split("/")[0] for issue in list(issues)[:2])


def main_issues(cards: Sequence[Card]) -> tuple[str, ...]:
    """Issues of the matter, harm first, then by how many origins tell of them."""
    told = Counter(issue for card in cards if card.is_origin for issue in card.issues)
    needed = SHARE_TO_NAME * sum(card.is_origin for card in cards)
    serious = {issue for issue in told if issue in HARM and told[issue] >= needed and _backed(issue, cards)}
    return tuple(sorted(told, key=lambda i: (i not in serious, i in serious and i != "death", -told[i], i)))


def _backed(issue: str, cards: Sequence[Card]) -> bool:
    tellers = [card for card in cards if issue in card.issues and card.is_origin]
    return any(card.trusted for card in tellers) or len(tellers) >= 3


def main_products(cards: Sequence[Card]) -> tuple[str, ...]:
    """Products of the matter by how many documents tell of them."""
    told = Counter(card.product for card in cards if card.product)
    return tuple(sorted(told, key=lambda product: (-told[product], product)))


def title_of(outcome: Outcome, names: Names) -> str:
    """`江西云骓智能科技有限公司电动自行车蓄电池及充电器起火：1 人死亡，独立来源 32 个，涉 3 市`."""
    cards = outcome.cards or outcome.ever
    origins = [card for card in cards if card.is_origin] or list(cards)
    if len(origins) == 1 and outcome.matter.subject.startswith("d:"):
        return shortened(origins[0].title, 60)
    who = _who(outcome.matter.subject, origins, names)
    products = main_products(cards)
    what = names.product(products[0]) if products else "" if who else "产品"
    issues = [issue for issue in main_issues(cards) if issue not in NOT_IN_TITLE] or ["complaint"]
    facts = [*_hurt(cards), *_size(origins, names.regions)]
    doubt = "疑似" if outcome.last.unconfirmed else ""
    return f"{who}{what}{doubt}{names.issues(issues)}{'：' + '，'.join(facts) if facts else ''}"


def _who(subject: str, origins: Sequence[Card], names: Names) -> str:
    if subject.startswith("f:"):
        return names.firm(subject[2:])
    if subject.startswith("m:"):
        return f"型号 {subject.split('|')[1]} "
    firm = next((card.firm for card in origins if card.firm and card.firm in subject.split("|")[1:]), None)
    if firm:  # a rule that counts by firm
        return names.firm(firm)
    places = [code for code in scenes(origins, names.regions) if code not in (names.regions.home, ABROAD)]
    return names.regions.name_of(places[0]) if places else ""


def _hurt(cards: Sequence[Card]) -> list[str]:
    told = [card for card in cards if card.trusted and card.hurt]
    if not told:
        return []
    last = max(told, key=lambda card: card.order)
    dead = max(people(card.hurt, "dead") for card in told)
    hurt = victims(last.hurt)
    return [*([f"{dead} 人死亡"] if dead else []), *([f"{hurt} 人受伤或中毒"] if hurt else [])]


def _size(origins: Sequence[Card], regions: Regions) -> list[str]:
    if len(origins) < 2:
        return []
    cities = {regions.prefecture_of(code) for code in scenes(origins, regions)} - {None}
    complaints = [card for card in origins if card.voice == "complaint"]
    span = max(1, (origins[-1].at - origins[0].at).days + 1)
    if len(complaints) * 2 > len(origins):
        facts = [f"{span} 天内 {len(origins)} 件独立反映"]
    else:
        facts = [f"独立来源 {len(origins)} 个"]
    return [*facts, *([f"涉 {len(cities)} 市"] if len(cities) > 1 else [])]


def reason_of(outcome: Outcome) -> str:
    """Why the alert stands at its level: the deciding sentence, then what else fired."""
    now = [one for one in outcome.held if one.lost_at is None]
    first = outcome.last.why
    others = dict.fromkeys(
        one.finding.reason.split("：")[0].removeprefix("规则")
        for one in sorted(now, key=lambda one: (-one.rank, one.finding.fired_at))
        if one.finding.reason not in first
    )
    rest = [name for name in others if name not in first][:3]
    return f"{first}。另触发{'、'.join(rest)}" if rest else first
