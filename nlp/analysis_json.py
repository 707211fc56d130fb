"""An Analysis as the command contract prints it (design.md, section 6, `fengsui analyze`)."""

from typing import Any

from core.records import Analysis, Mention


def analysis_to_json(analysis: Analysis, id: str | None = None) -> dict[str, Any]:
    """The contract's fields; `primary_enterprise` is a registry id, `NIL` for a firm in no list, or null."""
    firm = analysis.primary_enterprise
    return {
        "id": id,
        "is_risk": analysis.is_risk,
        "level": analysis.level,
        "score": analysis.score,
        "primary_product": analysis.primary_product,
        "primary_enterprise": "NIL" if firm and firm.startswith("NIL:") else firm,
        "jurisdiction_code": analysis.jurisdiction_code,
        "mentions": [_mention(mention) for mention in analysis.mentions],
        "title_mentions": [_mention(mention) for mention in analysis.title_mentions],
        "issues": list(analysis.issues),
        "reasons": list(analysis.reasons),
        "masked_text": analysis.masked_text,
        "masked_title": analysis.masked_title,
        "products": list(analysis.products),
        "enterprises": list(analysis.enterprises),
        "regions": list(analysis.regions),
        "casualties": dict(analysis.casualties),
        "stance": analysis.stance,
        "version": analysis.version,
    }


def _mention(mention: Mention) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start": mention.start,
        "end": mention.end,
        "text": mention.text.encode("utf-8", "replace").decode("utf-8"),
        "type": mention.type.value,
        "id_or_norm": mention.id_or_norm,
        "negated": mention.negated,
    }
    if mention.role:
        row["role"] = mention.role
    if mention.candidates:
        row["candidates"] = list(mention.candidates)
    if mention.rule:
        row["rule"] = mention.rule
    return row
