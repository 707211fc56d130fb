"""Whether a text is a risk signal, how sure, and how high: by the card in config/lexicons/risk.yaml.

Points for and against are summed and squashed; every point that counted is told as a reason.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from config.lexicon import Lexicon
from nlp.reading import Reading

_SIDE_NAMES = {
    "harm": "人身财产损害", "quality": "质量问题", "production": "生产违法", "distribution": "流通违法",
    "integrity": "造假改装拒检", "action": "监管处置", "other": "投诉舆情",
}  # fmt: skip
_GENRE_NAMES = {
    "drill": "演练", "popsci": "科普提示", "ad": "广告", "plan": "部署方案", "refute": "辟谣澄清", "passrate": "合格通报",
    "recruit": "招聘采购公示", "finance": "财经行情", "show": "文体娱乐", "weather": "天气", "traffic": "交通", "food": "食品",
    "drug": "药品", "service": "服务纠纷", "event": "活动产业", "satisfied": "满意评价", "ask": "咨询",
    "research": "科研", "exam": "试题", "old": "旧案回顾", "abroad": "境外", "cleared": "已排除产品原因",
}  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """score: 0-1.  level: 0-4, 0 where it is no signal.  reasons: sentences, Chinese."""

    is_risk: bool
    score: float
    level: int
    reasons: tuple[str, ...]


class RiskCard:
    """The table that judges readings."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        card = lexicon.risk
        self._points: Mapping[str, float] = card.get("evidence", {})
        self._genre: Mapping[str, list[float]] = card.get("genre", {})
        self._threshold = float(card.get("threshold", 0.5))
        self._light: list[str] = card.get("light_injury", [])
        self._needs: Mapping[str, list[str]] = card.get("needs_product", {})
        self._witness_only: list[str] = card.get("witness_only", [])
        self._levels: Mapping[int, Mapping[str, Any]] = card.get("levels", {})

    def judge(self, reading: Reading) -> Judgement:
        """Score, decision and level of a reading, with reasons."""
        evidence = self.evidence(reading)
        points = sum(evidence.values())
        score = 1 / (1 + math.exp(-max(-30.0, min(30.0, points))))
        is_risk = score >= self._threshold and bool(reading.products or reading.firms or reading.asserted)
        reasons = list(self._reasons(reading, evidence))
        level = 0
        if is_risk:
            level, why = self.level(reading)
            reasons.insert(0, f"{level}级：{why}")
        return Judgement(is_risk, round(score, 4), level, tuple(reasons))

    def evidence(self, reading: Reading) -> dict[str, float]:
        """The points of each kind of evidence that the text gives; their sum decides."""
        points, found = self._points, {"base": self._points.get("base", 0.0)}
        sides: dict[str, None] = {}
        ids = dict.fromkeys(issue.id for issue in reading.asserted)
        for issue_id in ids:
            sides[self._lexicon.issues[issue_id].side] = None
        for side in sides:
            found[side] = points.get(side, 0.0)
        found["more_issues"] = points.get("more_issues", 0.0) * min(4, max(0, len(ids) - len(sides)))
        if reading.products:
            found["product"] = points.get("product", 0.0)
            if any(self._is_key(product) for _, _, product in reading.products):
                found["key_product"] = points.get("key_product", 0.0)
        if reading.firms:
            found["firm"] = points.get("firm", 0.0)
        if not reading.products and not reading.firms:
            found["no_product"] = points.get("no_product", 0.0)
        if any(reading.near_issue(firm.start) for firm in reading.firms):
            found["firm_near_issue"] = points.get("firm_near_issue", 0.0)
        if any(reading.near_issue(start) for start, _, _ in reading.products):
            found["product_near_issue"] = points.get("product_near_issue", 0.0)
        if any(issue.end <= reading.title_end for issue in reading.asserted):
            found["title_issue"] = points.get("title_issue", 0.0)
        if reading.issues and not reading.asserted:
            found["suppressed_share"] = points.get("suppressed_share", 0.0)
        for name in ("authority", "witness", "sarcasm"):
            amount = reading.genre.get(name, 0.0)
            if amount:
                found[name] = points.get(name, 0.0) * min(4.0, amount)
        for genre, (point, most) in self._genre.items():
            amount = reading.genre.get(genre, 0.0)
            if amount:
                found[genre] = max(most, point * amount) if most < 0 else min(most, point * amount)
        return {name: value for name, value in found.items() if value}

    def _is_key(self, product: str) -> bool:
        known = self._lexicon.products.get(product)
        return bool(known and known.key)

    def level(self, reading: Reading) -> tuple[int, str]:
        """The level of a signal (1-4) and the fact that set it."""
        counts = reading.casualties
        floors = self._floors(reading)
        for level in sorted((int(key) for key in self._levels), reverse=True):
            row = self._levels[level]
            for kind in _COUNT_NAMES:
                if kind in row and counts.get(kind, 0) >= row[kind]:
                    return level, f"{_COUNT_NAMES[kind]}{counts[kind]}人"
            reached = [issue for issue, floor in floors.items() if floor >= level or issue in row.get("issues", ())]
            if reached:
                worst = max(reached, key=lambda issue: self._lexicon.issues[issue].weight)
                return level, self._lexicon.issue_name(worst)
            for word in row.get("words", ()):
                if word in reading.text:
                    return level, f"文中有“{word}”"
        return 1, "无人员伤亡的质量问题"

    def _floors(self, reading: Reading) -> dict[str, int]:
        """The level that each asserted issue asks for in this text."""
        products = {product for _, _, product in reading.products}
        customer = reading.genre.get("witness", 0.0) > reading.genre.get("authority", 0.0)
        floors: dict[str, int] = {}
        for issue in reading.asserted:
            floor = self._lexicon.issues[issue.id].floor
            needed = self._needs.get(issue.id)
            if (needed and not products & set(needed)) or (customer and issue.id in self._witness_only):
                floor = min(floor, 1)
            if issue.id == "injury" and any(word in reading.text[issue.start : issue.end] for word in self._light):
                floor = 1
            floors[issue.id] = max(floor, floors.get(issue.id, 0))
        return floors

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


_COUNT_NAMES = {"dead": "死亡", "serious": "重伤", "injured": "受伤", "missing": "失联", "evacuated": "疏散"}
_WHY = {
    "negation": "否定", "hypothetical": "假设或提醒", "purpose": "整治目标", "metaphor": "比喻", "title": "书名或题名",
    "genre": "全文性质",
}  # fmt: skip
