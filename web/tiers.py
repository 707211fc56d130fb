"""How far a story has come: from people to the press of a place, of the whole country, to authorities."""

from collections.abc import Mapping, Sequence

from alerts.card_words import NATIONAL
from config.sources import SourceConfig
from core.records import Kind
from web.evidence import Carried, Origin

TIERS = ("自媒体", "地方媒体", "全国性媒体", "官方")
OF_KIND: Mapping[str, int] = {
    Kind.NEWS.value: 1, Kind.NOTICE.value: 3, Kind.SPOTCHECK.value: 3, Kind.RECALL.value: 3,
    Kind.RECALL_FOREIGN.value: 3,
}  # fmt: skip


def jumps(tree: Sequence[Origin], sources: Mapping[str, SourceConfig]) -> dict[str, str]:
    """升至全国性媒体, by the document that brought the story to a tier it had not reached before."""
    nodes = sorted((node for one in tree for node in (one.first, *one.reposts)), key=lambda node: (node.at, node.id))
    found: dict[str, str] = {}
    reached = -1
    for node in nodes:
        tier = _tier(node, sources)
        if tier > reached >= 0:
            found[node.id] = f"升至{TIERS[tier]}"
        reached = max(reached, tier)
    return found


def _tier(node: Carried, sources: Mapping[str, SourceConfig]) -> int:
    source = sources.get(node.source)
    if source is None:
        return 0
    tier = OF_KIND.get(source.kind.value, 0)
    names = (source.key, source.title)
    return 2 if tier == 1 and (source.tier == 1 or any(known in name for known in NATIONAL for name in names)) else tier
