"""One text in, one Analysis out: mentions, decision, level, firm, product, place, with reasons."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from config.lexicon import Lexicon
from core.clock import beijing
from core.records import Analysis, Mention, MentionType, RegistryEntry, SourceType, Table
from facts.spot_checks import lines_of
from nlp.casualties import count_casualties
from nlp.clauses import Clauses
from nlp.codes import find_codes
from nlp.disguises import Disguises
from nlp.enterprises import EnterpriseFinder
from nlp.foreign import ForeignReader
from nlp.genre import STRONG, Genres
from nlp.headlines import HeadlineCard
from nlp.issues import IssueFinder, IssueMention
from nlp.jurisdiction import jurisdiction
from nlp.level import FACTOR_NAMES, Level
from nlp.normalize import Normalized, normalize
from nlp.primary import ProductCard, cleared_firms, firm_key, primary_firm, primary_product, roles_of, several_firms
from nlp.privacy import mask
from nlp.products import ProductFinder
from nlp.reading import Reading
from nlp.recogniser.unlisted import UnlistedFirms
from nlp.regions import RegionFinder
from nlp.registry_names import BuiltNames, RegistryNames
from nlp.risk import Judgement, RiskCard
from nlp.segment import Segmenter
from nlp.spans import Cover
from nlp.subjects import Subjects, firms_of
from nlp.wording import Wording

VERSION = "dict-3"
SURE_SCORE = 0.7  # from here on the wording alone may tell a signal; of 4000 ordinary questions two reach it so
OTHERS_SCORE = 0.4  # at most, for an accident that names nothing we regulate
NOT_OURS = "文中没有产品、单位、场所或市场监管事项"
MOST_BY_SOUND = 20_000  # firms
NAMING = 3_000  # characters in which a text says whom it is about
LONGEST = 200_000  # characters that are read; what lies behind is masked and kept, not analysed
_QUOTE = 80  # characters of a sentence that are quoted
_LATIN = re.compile(r"[A-Za-z]")
_HANZI = re.compile(r"[\u4e00-\u9fff]")
_LATIN_FIRM = re.compile(r"Ltd|Limited|GmbH|Factory|Inc\b")
_HAPPENED = re.compile(
    r"(?:造成|致|导致)[^，。,;；]{0,4}\d+人|(?:发生|引发)[^，。,;；]{0,8}(?:爆炸|爆燃|火灾|起火|中毒|坍塌)"
)
_EXAMPLE = re.compile(r"模拟|如果|一旦|可能|若|假如|容易|避免|防止|未|谣|网传|《")
_UNREAL_GENRES = ("drill", "exam", "show", "refute", "popsci", "ad", "weather", "traffic", "disaster")
_RECALL = re.compile(r"召回|recall|Safety Gate|撤出市场", re.IGNORECASE)


class Analyzer:
    """Reads texts with one lexicon and one registry. Safe to share between threads; construction takes about 0.5 s."""

    def __init__(
        self, lexicon: Lexicon, registry: Sequence[RegistryEntry] | RegistryNames, model: Path | None = None
    ) -> None:
        """model: folder of the recogniser that finds further firms where risk words stand; None asks none."""
        self.lexicon = lexicon
        names = BuiltNames(registry) if isinstance(registry, Sequence) else registry
        self.registry = names.entries
        self._branches = names.branches
        self._products = ProductFinder(lexicon)
        self._regions = RegionFinder(lexicon.regions, lexicon.cues)
        self._issues = IssueFinder(lexicon)
        self._genres = Genres(lexicon.cues)
        self.segmenter = Segmenter(dictionary_words(lexicon, ()))
        self.headlines = HeadlineCard(lexicon, self.segmenter)
        self.card = RiskCard(lexicon, Wording(lexicon.words), self.segmenter, self.headlines.names_subject)
        self._firms = EnterpriseFinder(
            names, lexicon.regions, self._regions.by_name, self.segmenter, self._products.words,
            lexicon.cues.get("families", ()),
        )  # fmt: skip
        self._disguises = Disguises(
            (*self._products.words, *self._issues.words), _short_names(names.entries), self.segmenter,
            lexicon.cues.get("misspelt", {}),
        )  # fmt: skip
        self._unlisted = UnlistedFirms(model, self.segmenter, self._firms.grammar) if model else None
        self._foreign = ForeignReader(lexicon, names.entries.values())
        self._product_card = ProductCard(
            tuple((part, whole, float(points)) for part, whole, points in lexicon.risk.get("part_of", ())),
            lexicon.cues.get("trade_words", {}),
            {product: frozenset(words) for product, words in lexicon.risk.get("bare_parts", {}).items()},
        )

    def analyze(
        self, title: str, text: str, *, source_type: SourceType | None = None, published: datetime | None = None,
        tables: Sequence[Table] = (),
    ) -> Analysis:  # fmt: skip
        """What the text says. Never raises on any string; offsets of mentions count code points of `text` (`title`).

        source_type: a foreign recall may be in English.  published: numbers of other years are older cases.
        tables: their cells count as facts, mentions are given for title and text only.
        """
        whole, reading = self.read(title, text, published=published, tables=tables)
        judgement = self._judge_text(reading)
        if self.headlines.reads(reading):
            as_headline, headline = self._judge_headline(reading)
            # A post whose title is its text is told in whole sentences: either card may find it. A bare title is short
            # for the word weights, which take other people's accidents for signals there: it must name the product.
            heard = judgement.is_risk and (_repeats_title(reading) or _tells_much(reading, judgement))
            if headline.is_risk or not heard:
                reading, judgement = as_headline, headline
        return self._decide(title, text, whole, reading, judgement)

    def _judge_text(self, reading: Reading) -> Judgement:
        judgement = self.card.judge(reading)
        if judgement.is_risk and judgement.score < SURE_SCORE and not self._is_ours(reading):
            return Judgement(False, min(judgement.score, OTHERS_SCORE), None, (NOT_OURS, *judgement.reasons))
        return judgement

    def _is_ours(self, reading: Reading) -> bool:
        """Whether a product, firm, premises or a matter of market regulation is there: deaths alone are not ours."""
        if reading.products or reading.firms or self.headlines.names_subject(reading):
            return True
        if reading.genre.get("witness", 0.0) and not reading.genre.get("disaster", 0.0):
            return True  # somebody tells what happened at home: the thing often has no name there
        sides = {self.lexicon.issues[issue.id].side for issue in reading.asserted}
        return not sides <= {"harm", "action", "other"}

    def _judge_headline(self, reading: Reading) -> tuple[Reading, Judgement]:
        """A bare headline: what happened joins the issues, the card of risk.yaml only gives the level."""
        verdict = self.headlines.judge(reading)
        own = Cover((issue.start, issue.end) for issue in reading.issues if not issue.negated)
        more = [issue for issue in verdict.issues if not own.overlaps(issue.start, issue.end)]
        whole = replace(
            reading,
            issues=tuple(sorted((*reading.issues, *more), key=lambda issue: issue.start)),
            firms=tuple(sorted((*reading.firms, *verdict.firms), key=lambda firm: firm.start)),
            products=reading.products or verdict.products,
        )
        level = self.card.levels.grade(whole) if verdict.is_risk else None
        return whole, Judgement(verdict.is_risk, verdict.score, level, verdict.reasons)

    def subjects(self, title: str, text: str) -> Subjects:
        """What the beginning of a text names, without any decision: quicker than reading it."""
        whole = self._disguises.undo(normalize(f"{title}\n{text[:NAMING]}")).text
        products, regions = self._products.find(whole), self._regions.find(whole)
        firms = self._firms.find(whole, products=products, regions=regions)
        taken = [(firm.start, firm.end) for firm in firms]
        named = (frozenset(code for *_, code in _outside(spans, taken)) for spans in (products, regions))
        return Subjects(firms_of(firms), *named)

    # -- finding -----------------------------------------------------------------------------------------------------

    def read(
        self, title: str, text: str, *, published: datetime | None = None, tables: Sequence[Table] = ()
    ) -> tuple[Normalized, Reading]:
        """Everything that was found, before any decision; with the way back to original offsets."""
        rows = lines_of(tables, title=title)
        whole = self._disguises.undo(normalize(f"{title[:LONGEST]}\n{text[:LONGEST]}\n{rows[:LONGEST]}"))
        return whole, self._read(whole, min(len(title), LONGEST), min(len(text), LONGEST), published)

    def _read(self, whole: Normalized, title: int, text: int, published: datetime | None) -> Reading:
        clauses = Clauses(whole.text)
        title_end, text_end = whole.place(title), whole.place(title + 1 + text)
        foreign = _mostly_latin(whole.text)
        products = self._products.find(whole.text)
        regions = self._regions.find(whole.text)
        firms = self._firms.find(whole.text, products=products, regions=regions)
        if foreign:
            products = sorted(products + self._foreign.products(whole.text))
        if _LATIN_FIRM.search(whole.text):
            firms = sorted(firms + self._foreign.firms(whole.text, firms), key=lambda firm: firm.start)
        taken = [(firm.start, firm.end) for firm in firms]
        products = _outside(products, taken)
        regions = _outside(regions, taken)
        issues = self._issues.find(clauses, taken=taken, recall=bool(_RECALL.search(whole.text)), english=foreign)
        if self._unlisted and (more := self._unlisted.find(clauses, firms, products, issues)):
            firms = sorted(firms + more, key=lambda firm: firm.start)
            taken = [(firm.start, firm.end) for firm in firms]
            products = _outside(products, taken)
            regions = _outside(regions, taken)
        placed = [*taken, *((start, end) for start, end, _ in regions)]
        year = beijing(published).year if published else None
        return Reading(
            clauses=clauses,
            title_end=title_end,
            text_end=text_end,
            products=tuple(products),
            firms=tuple(firms),
            regions=tuple(regions),
            issues=tuple(issues),
            genre=self._genres.evidence(whole.text, title_end),
            counts=count_casualties(clauses, published_year=year),
            foreign=foreign,
            towns=tuple(self._regions.towns(whole.text, regions, placed)),
            outside=tuple(self._regions.outside(whole.text, placed)),
        )

    # -- deciding ----------------------------------------------------------------------------------------------------

    def _decide(self, title: str, text: str, whole: Normalized, reading: Reading, judgement: Judgement) -> Analysis:
        roles = roles_of(reading)
        cleared = cleared_firms(reading, roles)
        firm = product = code = None
        masked_title, masked_text = mask(title), mask(text)
        reasons = [*self._level_reasons(judgement.level, whole, reading, masked_title, masked_text), *judgement.reasons]
        if judgement.is_risk:
            several = several_firms(reading, roles)
            firm = None if several else primary_firm(reading, roles, self.registry, self._branches, cleared)
            product = primary_product(reading, self.registry.get(firm) if firm else None, self._product_card)
            code, why = jurisdiction(
                reading, firm, several=several, registry=self.registry, regions=self.lexicon.regions,
                grammar=self._firms.grammar, made_in=self._foreign.made_in(reading) if reading.foreign else None,
            )  # fmt: skip
            reasons.append(f"管辖：{self.lexicon.regions.name_of(code)}（{why}）")
        mentions = self._mentions(whole, reading, judgement, roles, cleared)
        issues = self._asserted_ids(reading.asserted) if judgement.is_risk else ()
        return Analysis(
            is_risk=judgement.is_risk,
            level=judgement.level.level if judgement.level else 0,
            score=judgement.score,
            primary_product=product,
            primary_enterprise=firm,
            jurisdiction_code=code,
            mentions=_public(_shifted(mentions, text, len(title[:LONGEST]) + 1, text), masked_text),
            title_mentions=_public(_shifted(mentions, title, 0, title), masked_title),
            issues=issues,
            products=_first_then(product, (found for _, _, found in reading.products)),
            enterprises=_first_then(firm, (found.id for found in reading.firms if found.id)),
            regions=tuple(dict.fromkeys(found for _, _, found in reading.regions)),
            reasons=tuple(reasons),
            masked_title=masked_title,
            masked_text=masked_text,
            casualties=dict(reading.casualties),
            stance=self._stance(reading, judgement),
            version=VERSION,
        )

    def _level_reasons(
        self, level: Level | None, whole: Normalized, reading: Reading, title: str, text: str
    ) -> Iterable[str]:
        """The level, then each factor with the sentence that gave it. title, text: masked, as long as the original."""
        if level is None:
            return
        yield f"{level.level}级：{level.why}"
        original = f"{title[:LONGEST]}\n{text[:LONGEST]}"
        for factor in level.factors:
            said = f"{FACTOR_NAMES[factor.name]}{factor.grade}（{self.card.levels.grade_name(factor)}）"
            if factor.place is None:
                yield f"{said}：未见更高的依据"
                continue
            start, end = whole.span(*reading.clauses.sentence(factor.place))
            quote = " ".join(original[start:end].split())
            yield f"{said}：{factor.why}——“{_shortened(quote, factor.why)}”" if quote else f"{said}：{factor.why}"

    def _asserted_ids(self, issues: Iterable[IssueMention]) -> tuple[str, ...]:
        ids = dict.fromkeys(issue.id for issue in issues)
        return tuple(sorted(ids, key=lambda issue: -self.lexicon.issues[issue].weight))

    def _stance(self, reading: Reading, judgement: Judgement) -> str:
        """none, or denial, apology or refutation by the words that such statements use."""
        refuted = reading.genre.get("refute", 0.0)
        other_cause = reading.genre.get("cleared", 0.0) >= STRONG and refuted > 0
        if not judgement.is_risk and (refuted >= STRONG or other_cause):
            return "refutation"
        if reading.genre.get("stance_apology", 0.0) >= 1:
            return "apology"
        if reading.genre.get("stance_denial", 0.0) >= 1 and judgement.is_risk:
            return "denial"
        return "none"

    def _mentions(
        self, whole: Normalized, reading: Reading, judgement: Judgement, roles: dict[int, str], cleared: frozenset[str]
    ) -> list[Mention]:
        """All mentions over the joined original string, in order, not overlapping."""
        found: list[Mention] = []

        def add(start: int, end: int, kind: MentionType, norm: str | None, **more: object) -> None:
            left, right = whole.span(start, end)
            found.append(Mention(left, right, "", kind, norm, **more))  # type: ignore[arg-type]

        for firm in reading.firms:
            kind = MentionType.BRAND if firm.brand else MentionType.ENTERPRISE
            add(firm.start, firm.end, kind, firm.id, role=roles[firm.start], candidates=firm.candidates,
                confidence=firm.confidence, rule=firm.rule, negated=firm_key(firm) in cleared)  # fmt: skip
        for start, end, code in reading.regions:
            add(start, end, MentionType.REGION, code, rule="region")
        for span in reading.towns:
            codes = tuple(town.code for town in span.towns)
            one = codes[0] if len(codes) == 1 else None
            add(span.start, span.end, MentionType.TOWN, one, candidates=() if one else codes, rule="town")
        for start, end, product in reading.products:
            add(start, end, MentionType.PRODUCT, product, rule="product")
        taken = Cover([span[:2] for span in reading.products] + [(span.start, span.end) for span in reading.towns])
        for issue in reading.issues:
            if taken.overlaps(issue.start, issue.end):
                continue
            why = issue.negated or ("" if judgement.is_risk or told_fact(reading, issue) else "genre")
            add(issue.start, issue.end, MentionType.ISSUE, issue.id, negated=bool(why), rule=why or "cue")
        named = [(firm.start, firm.end) for firm in reading.firms]
        named += [span[:2] for span in (*reading.regions, *reading.products)]
        named += [(issue.start, issue.end) for issue in reading.issues]
        named += [(span.start, span.end) for span in reading.towns]
        for start, end, kind, norm, rule in find_codes(reading.text[: reading.text_end], Cover(named)):
            add(start, end, kind, norm, rule=rule)
        return sorted(found, key=lambda mention: mention.start)


def dictionary_words(lexicon: Lexicon, registry: Sequence[RegistryEntry]) -> list[str]:
    """The words a segmenter keeps whole: products, places and firms, for documents and queries alike."""
    words = [word for product in lexicon.products.values() for word in (product.name, *product.terms)]
    words += [name for region in lexicon.regions for name in (region.name, region.short_name)]
    words += [name for entry in registry for name in (*entry.short_names, *entry.brands)]
    return list(dict.fromkeys(word for word in words if len(word) > 1))


def _short_names(registry: Mapping[str, RegistryEntry]) -> Iterable[str]:
    """Short names and brands of a registry small enough to be read by sound; reading a large one would take minutes."""
    if len(registry) > MOST_BY_SOUND:
        return ()
    return (name for entry in registry.values() for name in (*entry.short_names, *entry.brands))


def _shortened(quote: str, why: str) -> str:
    """A sentence short enough for a table, around the word that counts."""
    if len(quote) <= _QUOTE:
        return quote
    word = why.removeprefix("文中有“").removesuffix("”")
    start = max(0, min(quote.find(word) - _QUOTE // 2, len(quote) - _QUOTE))
    return f"{'…' * (start > 0)}{quote[start : start + _QUOTE]}{'…' * (start + _QUOTE < len(quote))}"


def told_fact(reading: Reading, issue: IssueMention) -> bool:
    """Whether a text that is no signal tells this as an accident that did happen (a meeting looks back on a fire)."""
    if any(reading.genre.get(name, 0.0) >= STRONG for name in _UNREAL_GENRES):
        return False
    start, end = reading.clauses.sentence(issue.start)
    return bool(_HAPPENED.search(reading.text, start, end)) and not _EXAMPLE.search(reading.text, start, issue.start)


def _repeats_title(reading: Reading) -> bool:
    """Whether there is a text and it begins with the title: 短视频、微博, whose title is the post itself."""
    title, body = reading.text[: reading.title_end].strip(), reading.text[reading.title_end :].strip()
    return body.startswith(title)


def _tells_much(reading: Reading, judgement: Judgement) -> bool:
    return judgement.score >= SURE_SCORE and bool(reading.products)


def _mostly_latin(text: str) -> bool:
    sample = text[:3000]
    latin = len(_LATIN.findall(sample))
    return latin > 40 and latin > 4 * len(_HANZI.findall(sample))


def _outside(spans: list[tuple[int, int, str]], taken: list[tuple[int, int]]) -> list[tuple[int, int, str]]:
    cover = Cover(taken)
    return [span for span in spans if not cover.overlaps(span[0], span[1])]


def _first_then(first: str | None, others: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys((first, *others) if first else others)
    return tuple(found)


def _shifted(mentions: list[Mention], part: str, offset: int, source: str) -> tuple[Mention, ...]:
    """The mentions that lie in `part`, which begins at `offset` of the joined string, with their own text."""
    end = offset + min(len(part), LONGEST)
    return tuple(
        Mention(
            start=mention.start - offset,
            end=mention.end - offset,
            text=source[mention.start - offset : mention.end - offset],
            type=mention.type,
            id_or_norm=_own_text(mention, source, offset),
            negated=mention.negated,
            role=mention.role,
            candidates=mention.candidates,
            confidence=mention.confidence,
            rule=mention.rule,
        )
        for mention in mentions
        if offset <= mention.start and mention.end <= end
    )


def _public(mentions: tuple[Mention, ...], masked: str) -> tuple[Mention, ...]:
    """Without the numbers that masking hides: a phone behind 编号 is a phone."""
    codes = (MentionType.MODEL, MentionType.STANDARD)
    return tuple(
        mention for mention in mentions if mention.type not in codes or "*" not in masked[mention.start : mention.end]
    )


def _own_text(mention: Mention, source: str, offset: int) -> str | None:
    if mention.id_or_norm and mention.id_or_norm.startswith("NIL:"):
        return f"NIL:{source[mention.start - offset : mention.end - offset]}"
    return mention.id_or_norm
