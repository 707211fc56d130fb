"""Watches a canary from planting to the feed."""

import logging
import time
from threading import Event
from urllib.error import URLError
from urllib.request import urlopen

from config.instances import host_and_port
from config.sources import SourceConfig, parse_source
from core.clock import Clock
from core.errors import StoreError
from core.logs import log_event
from core.records import CANARY
from store.canaries import Canary, fail, find, plant, reach
from store.database import Store
from store.runs import ask_for_run

logger = logging.getLogger(__name__)
PATIENCE = 600.0
"""Seconds after which a canary is lost."""
LOOK_EVERY = 0.5
FEED_SECONDS = 5.0
MOST_BYTES = 1_000_000


def canary_source(address: str) -> SourceConfig:
    """The source that serves canaries. address: of the desk, as this machine reaches it."""
    words = {
        "family": "feed",
        "title": "链路自检",
        "kind": "news",
        "every": "1h",
        "list_url": f"{address.rstrip('/')}/canary/source.xml",
        "delay": 0,
        "autothrottle": False,
        "allow_private": [host_and_port(address)],
    }
    return parse_source(CANARY, words)


def send_canary(store: Store, address: str, *, clock: Clock, stop: Event, patience: float = PATIENCE) -> Canary:
    """Plant a canary, have the crawler come for it and wait until it stands in the feed, or `patience` is over.

    Returns it as it ended; one that is still under way where `stop` was set.
    """
    with store.write() as db:
        canary = plant(db, clock())
        ask_for_run(db, CANARY, reason="canary", now=clock())
    end = time.monotonic() + patience
    while not stop.wait(LOOK_EVERY):
        if _in_feed(address, canary.id):
            with store.write() as db:
                reach(db, canary.id, clock())
            break
        if time.monotonic() > end:
            with store.write() as db:
                fail(db, canary.id, clock(), "到时未见于订阅")
            break
    return _ended(store, canary)


def _in_feed(address: str, canary: str) -> bool:
    try:
        with urlopen(f"{address.rstrip('/')}/canary/alerts.atom", timeout=FEED_SECONDS) as answer:
            body: bytes = answer.read(MOST_BYTES)
    except (URLError, OSError):
        return False
    return f"canary-{canary}".encode() in body


def _ended(store: Store, canary: Canary) -> Canary:
    with store.read() as db:
        found = find(db, canary.id)
    if found is None:
        raise StoreError(f"自检 {canary.id} 的记录不见了")
    if found.failed_at is not None:
        log_event(logger, "canary lost", level=logging.ERROR, canary=found.id, stage=found.stage, why=found.note)
    return found
