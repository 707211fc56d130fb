"""The firm that a recall abroad very likely means, before a person has said so; asked when the recall is judged."""

from sqlalchemy import Connection

from alerts.cards import NOBODY_MAYBE, Maybe, View
from core.records import Kind, Signal
from enterprises.mirror import strong_one
from store.mirror import OPEN, find_item


def maybe_of(db: Connection, signal: Signal, view: View) -> Maybe:
    """The strong candidate of the home province in the queue of recalls abroad, and a sentence for people.

    Nobody where no rule waits for it, a firm is known already, or a person decided.
    """
    firm = signal.analysis.primary_enterprise
    known = firm is not None and not firm.startswith("NIL:")
    if not view.asks_mirror or signal.document.kind is not Kind.RECALL_FOREIGN or known:
        return NOBODY_MAYBE
    item = find_item(db, signal.document.id)
    candidate = strong_one(item.candidates) if item is not None and item.state == OPEN else None
    if item is None or candidate is None or not view.regions.is_within(view.regions.home, candidate.region):
        return NOBODY_MAYBE
    second = item.candidates[1].score if len(item.candidates) > 1 else 0.0
    behind = f"，其次 {second:.2f}" if second else ""
    told = (
        f"待核：所称生产者 {item.maker or '（未写明）'} 疑为名录中的{candidate.name}（{candidate.score:.2f}{behind}；"
    )
    return Maybe(candidate.region, f"{told}{'；'.join(candidate.reasons)}）。未经人认定，请在召回镜像认定")
