"""How often one account may do in the browser what is dear: search, try rules, take files away. By account, whatever
browsers it uses; programs have a pace of their own (web/bearer.py)."""

import re
from dataclasses import dataclass
from datetime import datetime

from config.settings import Settings
from web.buckets import Buckets, Level

FILES = re.compile(
    r"/.*\.(?:csv|xlsx|jsonl|json|docx|zip)|/(?:search|analytics)/export|/rules/[^/]+/export"
    r"|/(?:alerts/[^/]+/files|ledger/[^/]+/proofs)/[^/]+"
)
"""Addresses of what is made anew for each who asks, and goes out of the house."""
SEARCHES = re.compile(r"/(?:search(?:/(?:field|special|new))?|analytics|trace|enterprises(?:/.*/trace)?|why|clusters)")
"""Addresses that ask the index, or walk over many rows."""
TRIALS = re.compile(
    r"/rules/(?:new|[^/]+/(?:edit|lab))|/silences/new|/watchlists/[^/]+/(?:look|add)|/ledger/import"
    r"|/papers/(?:new|[^/]+/renew)"
)
"""Forms that try a rule on the past, or hold a table against the register: counted as searches are."""


@dataclass(frozen=True)
class Taken:
    """what: for people."""

    what: str
    level: Level


class Pace:
    """Counts for all accounts, in this process."""

    def __init__(self, settings: Settings) -> None:
        self._files = Buckets(settings.exports_per_minute)
        self._searches = Buckets(settings.searches_per_minute)

    def take(self, method: str, path: str, who: str, now: datetime) -> Taken | None:
        """Count a request; None where it costs little."""
        if method == "POST" and TRIALS.fullmatch(path):
            return Taken("试算", self._searches.take(who, now))
        if method != "GET":
            return None
        if FILES.fullmatch(path):
            return Taken("取文件", self._files.take(who, now))
        if SEARCHES.fullmatch(path):
            return Taken("检索", self._searches.take(who, now))
        return None
