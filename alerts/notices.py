"""Official notices: recalls, failed checks and penalties, the yardstick of an early warning."""

from collections.abc import Collection
from typing import Literal

NoticeType = Literal["recall", "failed_check", "penalty"]
NOTICE_WORDS: dict[NoticeType, str] = {"recall": "召回", "failed_check": "抽查不合格", "penalty": "行政处罚"}
OFFICIAL_KINDS = ("notice", "spotcheck", "recall", "recall_foreign")
PENALTIES = frozenset({"penalty", "revoke", "seize", "order", "transfer"})
"""Issues that say what an authority did about it."""


def notice_type(kind: str, issues: Collection[str], *, risk: bool) -> NoticeType | None:
    """What sort of notice a document is; None for one that is none. kind: of the document (core.records.Kind).

    An official text that tells of several counts as the gravest: a recall before a failed check before a penalty.
    """
    if not risk or kind not in OFFICIAL_KINDS:
        return None
    if kind in ("recall", "recall_foreign") or "recall" in issues:
        return "recall"
    if kind == "spotcheck" or "nonconf" in issues:
        return "failed_check"
    return "penalty" if PENALTIES & set(issues) else None
