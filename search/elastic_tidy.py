"""Months that are over are merged into one segment each: far smaller, and quicker to search.

A server keeps the whole of what it was sent beside a filtered source until it merges again some time later, so that
another copy can catch up. A month nobody writes to any more would keep it for ever, and its many segments with it.
"""

from datetime import datetime, timedelta
from functools import partial
from itertools import chain

from core.clock import BEIJING
from search.elastic_client import Cluster
from search.elastic_generations import Generations
from search.elastic_names import OTHER, IndexNames

SETTLED = timedelta(days=3)
"""After its end a month gets the latecomers of its last days."""
MOSTLY_ONE = 0.9
"""The part of a month's documents, deleted ones too, that one segment holds when merging again is not worth it: a
latecomer must not cost the writing of the whole month each night."""


def merge_past_months(cluster: Cluster, names: IndexNames, generations: Generations, now: datetime) -> int:
    """Tell the server to merge the months that are over and in pieces; it does so by itself. Returns how many."""
    past = {index for index in generations.read_indices() if is_over(names.month_in(index), now)}
    if not past:
        return 0
    segments = cluster.ask(lambda: cluster.client.indices.segments(index=names.name)).body["indices"]
    torn = sorted(index for index in past & set(segments) if in_pieces(_sizes(segments[index]["shards"])))
    for index in torn:
        merge = partial(cluster.client.indices.forcemerge, index=index, max_num_segments=1, wait_for_completion=False)
        cluster.ask(merge)
    return len(torn)


def is_over(month: str, now: datetime) -> bool:
    """Whether a month (or year) of elastic_names got its last signals, as far as one can tell. `other` never has."""
    if month == OTHER:
        return False
    year, _, number = month.partition(".")
    months = int(year) * 12 + (int(number) if number else 12)  # the one after, counted from 0
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=BEIJING) + SETTLED <= now


def in_pieces(sizes: list[int]) -> bool:
    """Whether merging segments of these sizes (documents) is worth it."""
    return len(sizes) > 1 and max(sizes) < MOSTLY_ONE * sum(sizes)


def _sizes(shards: dict[str, list[dict[str, dict[str, dict[str, int]]]]]) -> list[int]:
    copies = chain.from_iterable(shards.values())
    first = next((copy["segments"] for copy in copies), {})
    return [segment["num_docs"] + segment["deleted_docs"] for segment in first.values()]
