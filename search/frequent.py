"""The most frequent values of a field, for completion: asked of the index at most every few seconds."""

import logging
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock

from core.clock import Clock
from core.errors import SearchUnavailable
from core.logs import log_event
from search.backend import SearchBackend, SearchRequest
from search.completion import Values
from search.where import Scalar

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(seconds=30)
MOST_KEPT = 500
"""Pairs of territory and field."""
MOST_VALUES = 200

Counted = tuple[tuple[Scalar, int], ...]


class FrequentValues:
    """Asks `backend`; safe to use from several threads. An index that cannot answer counts nothing."""

    def __init__(self, backend: SearchBackend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._kept: OrderedDict[tuple[str | None, str], tuple[datetime, Counted]] = OrderedDict()
        self._lock = Lock()

    def of(self, territory: str | None) -> Values:
        """The values of the signals that `territory` may see; None sees all."""
        return lambda field, _typed: self._values(territory, field)

    def _values(self, territory: str | None, field: str) -> Counted:
        key, now = (territory, field), self._clock()
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and timedelta(0) <= now - kept[0] < KEPT_FOR:
            return kept[1]
        try:
            request = SearchRequest(territory=territory, size=0, facets={field: MOST_VALUES}, histogram=False)
            counted = tuple((one.value, one.count) for one in self._backend.search(request).facets[field])
        except SearchUnavailable as problem:
            log_event(logger, "completion_without_counts", field=field, error=str(problem))
            counted = ()
        with self._lock:
            self._kept[key] = (now, counted)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return counted
