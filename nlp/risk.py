"""Whether a text is a risk signal and how sure: by the card in config/lexicons/risk.yaml.

Points for and against are summed and squashed; every point that counted is told as a reason.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from config.lexicon import Lexicon
from nlp.genre import STRONG
from nlp.level import Level, LevelCard
from nlp.reading import Reading
from nlp.segment import Segmenter
from nlp.wording import Wording, words_of

_SIDE_NAMES = {
    "harm": "人身财产损害", "quality": "质量问题", "production": "生产违法", "distribution": "流通违法",
    "integrity": "造假改装拒检", "action": "监管处置", "other": "投诉舆情",
}  # fmt: skip
_GENRE_NAMES = {
    "drill": "演练", "popsci": "科普提示", "ad": "广告", "plan": "部署方案", "refute": "辟谣澄清",
    "passrate": "合格通报", "recruit": "招聘采购公示", "finance": "财经行情", "show": "文体娱乐", "weather": "天气",
    "traffic": "交通", "food": "食品", "drug": "药品", "service": "服务纠纷", "event": "活动产业",
    "satisfied": "满意评价", "ask": "咨询", "research": "科研", "exam": "试题", "old": "旧案回顾", "abroad": "境外",
    "cleared": "已排除产品原因", "disaster": "自然灾害或治安、涉外事件",
}  # fmt: skip


_MOST_WORDING = 4.0  # points that words alone may add or take
_MOST_GENRE = 6.0  # evidence of the strongest genre that counts
_LEAD = 2  # title and the first two sentences
_DIGIT = re.compile(r"\d")
_TOLD_WORDING = 0.5  # fewer are not worth a sentence


@dataclass(frozen=True)
class Judgement:
    """score: 0-1.  level: None where it is no signal.  reasons: sentences, Chinese."""

    is_risk: bool
    score: float
    level: Level | None
    reasons: tuple[str, ...]


class RiskCard:
    """The table that judges readings. points: its numbers by name; a genre's is for each unit of its evidence."""

    def __init__(
        self, lexicon: Lexicon, wording: Wording, segmenter: Segmenter, names_subject: Callable[[Reading], bool]
    ) -> None:
        """names_subject: whether a text without product and firm names premises or equipment."""
        self._names_subject = names_subject
        self._lexicon = lexicon
        self._wording = wording
        self._segmenter = segmenter
        card = lexicon.risk
        genre = card.get("genre", {})
        self.base = float(card.get("evidence", {}).get("base", 0.0))
        self.points: Mapping[str, float] = {
            **{name: float(value) for name, value in card.get("evidence", {}).items() if name != "base"},
            **{name: float(row[0]) for name, row in genre.items()},
        }
        self._most: Mapping[str, float] = {name: abs(float(row[1])) for name, row in genre.items()}
        self.threshold = float(card.get("threshold", 0.5))
        self.levels = LevelCard(lexicon)

    def judge(self, reading: Reading) -> Judgement:
        """Score, decision and level of a reading, with reasons."""
        evidence = {name: self.points[name] * amount for name, amount in self.amounts(reading).items()}
        words = words_of(reading, self._segmenter)
        wording = self.wording_points(words)
        points = self.base + sum(evidence.values()) + wording
        score = 1 / (1 + math.exp(-max(-30.0, min(30.0, points))))
        is_risk = score >= self.threshold
        reasons = self._reasons(reading, evidence)
        if abs(wording) >= _TOLD_WORDING:
            reasons.append(f"用词（{'、'.join(self._wording.strongest(words))}）（{wording:+.1f}）")
        level = self.levels.grade(reading) if is_risk else None
        return Judgement(is_risk, round(score, 4), level, tuple(reasons))

    def wording_points(self, words: set[str]) -> float:
        """The points of a text's everyday words, bounded."""
        return max(-_MOST_WORDING, min(_MOST_WORDING, self._wording.points(words)))

    def strongest_words(self, words: set[str]) -> dict[str, float]:
        """The words that weigh most, with their weights."""
        return {word: self._wording.weights[word] for word in self._wording.strongest(words, 8)}

    def amounts(self, reading: Reading) -> dict[str, float]:
        """How much of each kind of evidence the text gives; times `points` they are summed."""
        ids = dict.fromkeys(issue.id for issue in reading.asserted)
        sides = {self._lexicon.issues[issue_id].side for issue_id in ids}
        # A long text touches many sides: together they weigh like the root of their number.
        found: dict[str, float] = dict.fromkeys(sides, 1 / math.sqrt(len(sides)) if sides else 0.0)
        found["more_issues"] = float(min(4, max(0, len(ids) - len(sides))))
        found["product"] = float(bool(reading.products))
        found["key_product"] = float(any(self._is_key(product) for _, _, product in reading.products))
        found["firm"] = float(bool(reading.firms))
        nothing = not reading.products and not reading.firms
        found["premises"] = float(nothing and self._names_subject(reading))
        found["no_product"] = float(nothing and not found["premises"])
        found["lead_issue"] = float(
            any(reading.clauses.sentence_number(issue.start) <= _LEAD for issue in reading.asserted)
        )
        found["specific"] = min(2.0, self._specific(reading))
        found["firm_near_issue"] = float(any(reading.near_issue(firm.start) for firm in reading.firms))
        found["product_near_issue"] = float(any(reading.near_issue(start) for start, _, _ in reading.products))
        found["title_issue"] = float(any(issue.end <= reading.title_end for issue in reading.asserted))
        found["suppressed_share"] = float(bool(reading.issues) and not reading.asserted)
        found["denied_share"] = 1 - len(reading.asserted) / len(reading.issues) if reading.issues else 0.0
        harmed = reading.casualties.keys() & {"dead", "injured", "serious"}
        found["casualties"] = float(bool(harmed) and "harm" in sides)
        found["no_issue"] = float(not reading.asserted)
        for name in ("authority", "witness", "sarcasm"):
            found[name] = min(4.0, reading.genre.get(name, 0.0))
        for genre, most in self._most.items():
            found[genre] = min(most, reading.genre.get(genre, 0.0))
        found["abroad_only"] = float(_happened_abroad(reading))
        found["genre_top"] = min(_MOST_GENRE, max((reading.genre.get(genre, 0.0) for genre in self._most), default=0.0))
        return {name: amount for name, amount in found.items() if amount and name in self.points}

    @staticmethod
    def _specific(reading: Reading) -> float:
        """How many asserted issues stand in a sentence with a firm and a number."""
        spans = [reading.clauses.sentence(issue.start) for issue in reading.asserted]
        return float(
            sum(
                any(start <= firm.start < end for firm in reading.firms)
                and bool(_DIGIT.search(reading.text, start, end))
                for start, end in spans
            )
        )

    def _is_key(self, product: str) -> bool:
        known = self._lexicon.products.get(product)
        return bool(known and known.key)

    def _reasons(self, reading: Reading, evidence: Mapping[str, float]) -> list[str]:
        words: dict[str, list[str]] = {}
        for issue in reading.asserted:
            side = self._lexicon.issues[issue.id].side
            words.setdefault(side, []).append(reading.text[issue.start : issue.end])
        reasons = []
        for name, value in sorted(evidence.items(), key=lambda pair: -abs(pair[1])):
            if name in _SIDE_NAMES:
                cues = "、".join(dict.fromkeys(words.get(name, ())))[:60]
                reasons.append(f"{_SIDE_NAMES[name]}：“{cues}”（{value:+.1f}）")
            elif name in _GENRE_NAMES:
                reasons.append(f"文体像{_GENRE_NAMES[name]}（{value:+.1f}）")
        denied = [issue for issue in reading.issues if issue.negated]
        if denied:
            first = denied[0]
            reasons.append(
                f"未计入：“{reading.text[first.start : first.end]}”等{len(denied)}处（{_WHY[first.negated]}）"
            )
        return reasons


def _happened_abroad(reading: Reading) -> bool:
    """A Chinese text that tells of another country and of nothing at home; foreign notices name makers of ours."""
    told = reading.genre.get("abroad", 0.0) >= STRONG and not reading.genre.get("witness", 0.0)
    at_home = reading.regions or reading.towns or reading.outside
    listed = any(firm.id and not firm.id.startswith("NIL:") for firm in reading.firms)
    return told and not reading.foreign and not at_home and not listed


_WHY = {
    "negation": "否定", "hypothetical": "假设或提醒", "purpose": "整治目标", "metaphor": "比喻", "title": "书名或题名",
    "genre": "全文性质", "past": "旧案",
}  # fmt: skip
