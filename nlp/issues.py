"""Risk words in a text and whether they are asserted: not denied, not feared, not drilled, not forbidden."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from config.lexicon import Lexicon
from core.patterns import bounded
from nlp.clauses import Clauses
from nlp.dictionary import Dictionary, Hit
from nlp.normalize import normalize_word
from nlp.spans import Cover

_NOT_BUT = re.compile(r"(?<!是)不是(?!不)(?![^，。,;；]*(?:是|而))")
_CONTRAST = re.compile(r"但|却|不过|然而|仍|反而|结果")
_METAPHOR = re.compile(
    r"爆炸性|定时炸弹|爆了一|爆盆|爆满|爆仓|爆单|爆款|打爆|刷爆|挤爆|引爆|爆红|爆火|火爆|爆棚|爆了灯|炸裂好|炸裂开场|特效炸|社交炸弹|炸鸡|炸毛|整个人都炸|脑子(?:已经|都|快|要)|大脑(?:已经|都|快|要)|真的炸裂|太炸裂|钱包(?:已经|都)|心态|情绪爆|信息爆炸|爆炸式|炸锅|炸裂的|知识爆炸|订单“?爆炸|火力|钱包|朋友圈|舞台|全场|输出|热情|激情|"
    r"破圈|炸开了锅|炸街|看得我|人气|流量爆|颜值|笑死|票房|球迷|掌声|急炸|气炸|钱炸|人都炸|我炸|夜空|天空|金菊|点燃.{0,4}(?:梦想|希望|激情|热情)"
)
_SIMILE = re.compile(r"(?:就像|好像是?|好比|如同|犹如|堪比|活像)(?![^，。,;；]*(?:一样|似的))")
_TRUISM = re.compile(r"的?就(?:是|得)")  # 不合格的就是不合格
_PAST = re.compile(
    r"曾因|曾经?发生|曾出过|早年|当年|上世纪|历史上"
    r"|(?:[一二两三四五六七八九十百几多]|\d){1,3}年前(?![^，。,;；]{0,12}(?:买|购|装|换|入手|采购|交房|投产|取得|拿到|签))"
)
_REQUEST = re.compile(r"(?<!申)(?:请|建议|希望|呼吁|强烈要求)(?!求)[^，。,;；已]{0,16}$")
_OF_THOSE_WHO = re.compile(r"[^，。,;；]{0,12}的[，,](?:一律|依法|坚决|移送|移交|予以|从严|从重|责令|由)")
_THEN = re.compile(r"(?:对|凡|涉嫌|构成|逾期|如有)[^。;；已]{0,40}的[，,][^。;；已]{0,20}$")
_WINDOW = 120  # characters of a clause that are looked at on each side
_COMPLETE = frozenset(["recall", "penalty", "seize", "transfer", "revoke", "talk", "order", "refuse"])


@dataclass(frozen=True)
class IssueMention:
    """A risk word. negated: why it is not asserted, empty where it is."""

    start: int
    end: int
    id: str
    negated: str


class IssueFinder:
    """Finds issue mentions in normalised text."""

    def __init__(self, lexicon: Lexicon) -> None:
        pairs = [(normalize_word(cue), issue.id) for issue in lexicon.issues.values() for cue in issue.cues]
        self._dictionary: Dictionary[str] = Dictionary(
            (word.lower() if word.isascii() else word, issue) for word, issue in pairs
        )
        self._patterns = [
            (issue.id, bounded(pattern))
            for issue in lexicon.issues.values()
            for pattern in issue.patterns
            if not pattern.isascii()
        ]
        self._english = [
            (issue.id, bounded(pattern, re.IGNORECASE))
            for issue in lexicon.issues.values()
            for pattern in issue.patterns
            if pattern.isascii()
        ]
        self._scope = _Scope(lexicon.cues.get("scope", {}))

    @property
    def words(self) -> Iterable[str]:
        """Every cue, for the segmenter."""
        return (entry.word for entry in self._dictionary.entries if len(entry.word) > 1)

    def find(
        self, clauses: Clauses, *, taken: Iterable[tuple[int, int]] = (), recall: bool = False, english: bool = False
    ) -> list[IssueMention]:
        """Issue mentions in order, the longest word of each place.

        taken: spans of firms, brands and products, in which no cue counts.  recall: the text announces a recall, whose
        “may catch fire” is the reason of the recall and counts.  english: read English patterns too.
        """
        text = clauses.text
        raw: list[tuple[Hit, str]] = [
            (hit, self._dictionary.entries[hit.word].meanings[0]) for hit in self._dictionary.find_all(text)
        ]
        for issue, pattern in (*self._patterns, *(self._english if english else ())):
            raw += [
                (Hit(match.start(), match.end(), -1), issue)
                for match in pattern.finditer(text)
                if match.end() > match.start()
            ]
        covered = Cover(taken)
        found: list[IssueMention] = []
        end = 0
        for hit, issue in sorted(raw, key=lambda pair: (pair[0].start, -pair[0].end)):
            if hit.start < end or covered.holds(hit.start, hit.end):
                continue
            found.append(
                IssueMention(hit.start, hit.end, issue, self._scope.why_not(clauses, hit, issue, recall=recall))
            )
            end = hit.end
        return found


class _Scope:
    """Why a risk word is not an assertion."""

    def __init__(self, scope: Mapping[str, Any]) -> None:
        def any_of(name: str) -> "re.Pattern[str]":
            words = sorted(map(str, scope.get(name, ())), key=len, reverse=True)
            return re.compile("|".join(map(re.escape, words)) or r"(?!)")

        self._negation = any_of("negation")
        self._adjacent = re.compile(f"(?:{any_of('negation_adjacent').pattern})$")
        self._negation_after = any_of("negation_after")
        self._hypothetical = any_of("hypothetical")
        self._hypothetical_after = any_of("hypothetical_after")
        self._purpose = any_of("purpose")
        self._simulated = any_of("simulated")

    def why_not(self, clauses: Clauses, hit: Hit, issue: str, *, recall: bool) -> str:
        """The reason in one word (negation, hypothetical, purpose, metaphor, title), or an empty string."""
        text = clauses.text
        start, end = clauses.clause(hit.start)
        start, end = max(start, hit.start - _WINDOW), min(end, hit.end + _WINDOW)
        before, after = text[start : hit.start], text[hit.end : end]
        near = before[-16:]
        contrast = list(_CONTRAST.finditer(near))
        if contrast:
            near = near[contrast[-1].end() :]
        if (
            self._negation.search(near)
            or _NOT_BUT.search(near)
            or self._adjacent.search(before)
            or self._negation_after.search(after)
        ):
            return "negation"
        if _METAPHOR.search(text, max(start, hit.start - 12), min(end, hit.end + 8)):
            return "metaphor"
        if _TRUISM.match(after) and text[hit.start : hit.end] in after:
            return "metaphor"
        if _SIMILE.search(before[-14:]):
            return "metaphor"
        if "《" in before and "》" not in before:
            return "title"
        sentence, _ = clauses.sentence(hit.start)
        whole_before = text[max(sentence, hit.start - 60) : hit.start]
        certain = issue in _COMPLETE
        if _PAST.search(whole_before):
            return "past"
        if not (recall and not certain):
            if self._hypothetical.search(before[-24:]) or (
                not certain and self._hypothetical_after.match(after[-8:] if len(after) > 8 else after)
            ):
                return "hypothetical"
            if not certain and re.search(r"等?(?:的)?(?:风险|隐患|危险|可能性)", after[:10]):
                return "hypothetical"
        if self._simulated.search(before[-16:]) or (certain and _REQUEST.search(before)):
            return "hypothetical"
        if _OF_THOSE_WHO.match(text, hit.end) or (certain and _THEN.search(whole_before)):
            return "hypothetical"
        if self._purpose.search(whole_before) and not self._done(text, hit, end):
            return "purpose"
        return ""

    @staticmethod
    def _done(text: str, hit: Hit, end: int) -> bool:
        """Whether numbers or a completed act around the word tell that it happened."""
        around = text[max(0, hit.start - 10) : min(end, hit.end + 8)]
        return bool(re.search(r"\d+(?:批次|起|台|家|件|人|只|元|万|吨|具|组)|已|被|查获|发现|涉嫌|经查", around))
