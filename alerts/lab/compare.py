"""Two versions of a rule side by side: what only the one alerts on, what only the other, and what both do."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from alerts.lab.replayed import LabAlert

MOST_EXAMPLES = 5


@dataclass(frozen=True)
class Difference:
    """earlier, later: alerts of both that A opens before B, or after; median_lead: hours A is ahead where both alert.

    Examples: the newest, at most MOST_EXAMPLES of each.
    """

    only_a: int
    only_b: int
    both: int
    earlier: int
    later: int
    median_lead: float | None
    examples_a: tuple[LabAlert, ...]
    examples_b: tuple[LabAlert, ...]
    examples_both: tuple[tuple[LabAlert, LabAlert], ...]


def difference(a: Sequence[LabAlert], b: Sequence[LabAlert]) -> Difference:
    """Alerts are the same where they rest on a document in common; of several the one that shares most."""
    where: defaultdict[str, list[int]] = defaultdict(list)
    for place, alert in enumerate(b):
        for document in alert.rests_on:
            where[document].append(place)
    pairs: list[tuple[LabAlert, LabAlert]] = []
    alone: list[LabAlert] = []
    met: set[int] = set()
    for alert in a:
        shared: defaultdict[int, int] = defaultdict(int)
        for document in alert.rests_on:
            for place in where.get(document, ()):
                shared[place] += 1
        met |= shared.keys()
        if shared:
            pairs.append((alert, b[min(shared, key=lambda place: (-shared[place], place))]))
        else:
            alone.append(alert)
    rest = [alert for place, alert in enumerate(b) if place not in met]
    leads = [(other.first_at - mine.first_at) / timedelta(hours=1) for mine, other in pairs]
    return Difference(
        only_a=len(alone),
        only_b=len(rest),
        both=len(pairs),
        earlier=sum(lead > 0 for lead in leads),
        later=sum(lead < 0 for lead in leads),
        median_lead=median(leads) if leads else None,
        examples_a=tuple(alone[: -MOST_EXAMPLES - 1 : -1]),
        examples_b=tuple(rest[: -MOST_EXAMPLES - 1 : -1]),
        examples_both=tuple(pairs[: -MOST_EXAMPLES - 1 : -1]),
    )
