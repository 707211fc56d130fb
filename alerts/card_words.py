"""What a card takes from a signal's words: numbers on labels, firms it clears, hurt children, press of the country."""

import re

from core.records import NAMES_OF_FIRMS, Analysis, Document, MentionType, Signal

LABEL_NUMBER = re.compile(r"(?<![A-Z0-9-])(?=[A-Z0-9-]*\d{2})[A-Z]{1,5}-?\d{3,6}[A-Z]{0,3}(?![A-Z0-9])", re.IGNORECASE)
NOT_A_LABEL = re.compile(r"(?:GB|GBT|ISO|IEC|EN|JB|QB|HG|DB|TSG|CCC|UN|FOR)-?\d", re.IGNORECASE)

CHILD = "儿童|幼童|孩童|男童|女童|童工|未成年人|学生|小学生|中学生|婴幼儿|婴儿|幼儿|男婴|女婴|小孩|孩子|宝宝|男孩|女孩"
HARM = "受伤|烧伤|烫伤|割伤|摔伤|夹伤|划伤|砸伤|刺伤|中毒|死亡|身亡|遇难|窒息|溺亡|送医|住院|就医|昏迷|骨折|误吞|休克"
NOT_SO = re.compile("未(?!成年)|无人|没有|并无|无一|无学生|无儿童|虚惊")
NOT_A_CHILD = "(?!用品|玩具|服装|服饰|座椅|自行车|家具|餐椅|推车|手表|鞋|牙膏|电动车|滑板车|伤害|意外)"
CHILD_HURT = re.compile(
    rf"(?:{CHILD}){NOT_A_CHILD}[^。；！？\n]{{0,30}}(?:{HARM})|(?:{HARM})[^。；！？\n]{{0,12}}(?:{CHILD}){NOT_A_CHILD}"
)
POSSIBLE = re.compile(r"(?:可能|容易|易|或|谨防|防止|避免|以免|存在|风险|隐患|警惕|预防)[^。；！？\n]{0,24}$")
NATIONAL = (
    "新华社", "新华网", "人民日报", "人民网", "央视", "中央广播电视总台", "中国新闻网", "中新社", "中新网", "光明日报",
    "经济日报", "中国青年报", "法治日报", "工人日报", "中国消费者报", "中国市场监管报", "中国质量报", "国讯社",
    "national_wire",
)  # fmt: skip
"""Names of press that the whole country reads, as they stand before the text or as its source; the last two
are the sample's. Papers of sources that configuration gives tier 1 count too."""

BESIDE = ("bystander", "victim")
"""Parts of a firm in a text (nlp/primary.py) that make it nobody's concern."""


def hurt_children(text: str) -> bool:
    """Whether a sentence tells of a hurt child: not of one that might be, and not that there was none."""
    return any(
        not POSSIBLE.search(text[max(0, match.start() - 30) : match.start()])
        and not POSSIBLE.search(match.group()[:-2])
        and not NOT_SO.search(text[max(0, match.start() - 10) : match.end()])
        for match in CHILD_HURT.finditer(text)
    )


def is_national(document: Document, tier: int) -> bool:
    """Whether a document is of press of the whole country. tier: of its source, 1 is the highest."""
    names = (document.source, document.origin, document.author)
    return tier == 1 or any(name and any(known in name for known in NATIONAL) for name in names)


def corrects(signal: Signal) -> bool:
    """Whether a text takes back what was said before and still tells of a risk."""
    return signal.analysis.is_risk and signal.analysis.stance in ("refutation", "denial")


def labels_of(signal: Signal) -> tuple[str, ...]:
    """Numbers on labels that a text names, without blanks and hyphens, at most eight."""
    mentions = (*signal.analysis.title_mentions, *signal.analysis.mentions)
    marked = [m.id_or_norm or m.text for m in mentions if m.type is MentionType.MODEL]
    text = f"{signal.document.title}\n{signal.document.text}"
    found = [match[0] for match in LABEL_NUMBER.finditer(text)]
    labels = (re.sub(r"[\s-]", "", label).upper() for label in (*marked, *found))
    return tuple(dict.fromkeys(label for label in labels if len(label) >= 5 and not NOT_A_LABEL.match(label)))[:8]


def concerned_in(analysis: Analysis) -> tuple[str, ...]:
    """Firms that a text names and that are not merely the ones whose goods were copied or who were harmed."""
    beside = {one.id_or_norm for one in (*analysis.title_mentions, *analysis.mentions) if one.role in BESIDE}
    return tuple(firm for firm in analysis.enterprises if firm == analysis.primary_enterprise or firm not in beside)


def clears_of(signal: Signal) -> tuple[str, ...]:
    """Firms that the text takes a charge away from: named as not concerned, or named in a refutation."""
    analysis = signal.analysis
    mentions = [m for m in (*analysis.title_mentions, *analysis.mentions) if m.type in NAMES_OF_FIRMS and m.id_or_norm]
    asserted = {m.id_or_norm for m in mentions if not m.negated}
    cleared = [m.id_or_norm for m in mentions if m.negated and m.id_or_norm not in asserted]
    if not analysis.is_risk and analysis.stance in ("refutation", "denial"):
        cleared += [m.id_or_norm for m in mentions]
    return tuple(dict.fromkeys(firm for firm in cleared if firm and firm != analysis.primary_enterprise))
