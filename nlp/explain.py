"""Every decision about one text with its rule, words and numbers: what `fengsui analyze --explain` adds."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from core.records import Analysis, Mention, MentionType, Table
from nlp.analyze import VERSION, Analyzer
from nlp.level import FACTOR_NAMES
from nlp.reading import Reading
from nlp.wording import words_of


def explain(
    analyzer: Analyzer, title: str, text: str, found: Analysis, *,
    published: datetime | None = None, tables: Sequence[Table] = (),
) -> dict[str, Any]:  # fmt: skip
    """What led to `found`, which is the analysis of the same title, text, tables and date.

    mentions: each with the rule that found it, how sure the link is, its candidates and role.  score: each number of
    the card times its amount, and the words that weigh most; they sum to `points`, squashed to the score.
    level, jurisdiction: the fact that gave them.  counts: people and goods told.  Source: config/lexicons/risk.yaml.
    """
    _, reading = analyzer.read(title, text, published=published, tables=tables)
    headline = analyzer.headlines.reads(reading)
    return {
        "version": VERSION,
        "card": "headlines.yaml" if headline else "risk.yaml",
        "mentions": [_mention(mention, "title") for mention in found.title_mentions]
        + [_mention(mention, "text") for mention in found.mentions],
        "score": _headline_score(analyzer, reading) if headline else _card_score(analyzer, reading),
        "level": _level(analyzer, reading, found),
        "counts": dict(found.casualties),
        "issues": list(found.issues),
        "primary": {"product": found.primary_product, "enterprise": found.primary_enterprise},
        "jurisdiction": next((reason for reason in found.reasons if reason.startswith("管辖：")), ""),
    }


def _level(analyzer: Analyzer, reading: Reading, found: Analysis) -> dict[str, Any]:
    """The level with the grades that gave it; the sentences stand in the reasons."""
    if not found.is_risk:
        return {"level": 0, "why": "不是风险信号"}
    graded = analyzer.card.levels.grade(reading)
    said = [reason for reason in found.reasons if reason.startswith(tuple(FACTOR_NAMES.values()))]
    factors = [
        {"factor": factor.name, "grade": factor.grade, "why": factor.why, "reason": reason}
        for factor, reason in zip(graded.factors, said, strict=True)
    ]
    return {"level": found.level, "why": graded.why, "card": f"level_card.yaml v{graded.version}", "factors": factors}


def _mention(mention: Mention, where: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "where": where, "start": mention.start, "end": mention.end, "text": mention.text, "type": mention.type.value,
        "id_or_norm": mention.id_or_norm, "rule": mention.rule, "confidence": mention.confidence,
    }  # fmt: skip
    if mention.negated:
        row["not_counted_because"] = mention.rule if mention.type is MentionType.ISSUE else "cleared"
    if mention.role:
        row["role"] = mention.role
    if mention.candidates:
        row["candidates"] = list(mention.candidates)
    return row


def _headline_score(analyzer: Analyzer, reading: Reading) -> dict[str, Any]:
    verdict = analyzer.headlines.judge(reading)
    return {"score": verdict.score, "reasons": list(verdict.reasons)}


def _card_score(analyzer: Analyzer, reading: Reading) -> dict[str, Any]:
    card = analyzer.card
    rows = [
        {
            "name": name,
            "amount": round(amount, 3),
            "number": card.points[name],
            "points": round(card.points[name] * amount, 3),
        }
        for name, amount in card.amounts(reading).items()
    ]
    words = words_of(reading, analyzer.segmenter)
    wording = card.wording_points(words)
    points = card.base + sum(card.points[name] * amount for name, amount in card.amounts(reading).items()) + wording
    return {
        "base": card.base,
        "card": sorted(rows, key=lambda row: -abs(float(row["points"]))),
        "wording": {"points": round(wording, 3), "words": card.strongest_words(words)},
        "points": round(points, 3),
        "score": round(1 / (1 + math.exp(-points)), 4),
        "threshold": card.threshold,
    }
