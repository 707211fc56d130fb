"""The indexer: writes the search index from the store, and nothing else."""

import logging
import os
import threading
import time

import typer

from commands.assemble import build_indexer
from commands.index_rules import check_rules_until
from commands.kept import KeptOption, NameOption, prompt, start
from commands.knowledge import knowledge_of
from commands.options import DataOption, ProfileOption
from commands.stores import open_store
from config.elastic_access import warnings_about
from core.logs import log_event
from pipelines.indexing import index_until
from pipelines.waking import waiting_for
from store.processes import who_am_i
from store.wake import INDEX

logger = logging.getLogger(__name__)
LEAVE_SECONDS = 2.0
"""A write that a stop finds under way may end within this; cut off, it is done again after the next start."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("indexer")(prompt(indexer))


def indexer(
    name: NameOption = None, kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """写索引进程 (writes the search index; catches up by itself after an outage)."""
    who = who_am_i("indexer", name)
    settings, stop = start(kept, data, profile)
    threading.Thread(target=_leave, args=(stop,), name="leave", daemon=True).start()
    for warning in warnings_about(settings.elastic_access):
        log_event(logger, "elasticsearch settings", level=logging.WARNING, warning=warning)
    store = open_store(settings, kept=True)
    known = knowledge_of(settings, store)
    threading.Thread(target=check_rules_until, args=(stop, settings, store, known), name="check", daemon=True).start()
    index_until(stop, build_indexer(settings, store, known, who=who), waiting=waiting_for(store, INDEX))


def _leave(stop: threading.Event) -> None:
    """A server that hangs would keep us past the supervisor's grace."""
    stop.wait()
    time.sleep(LEAVE_SECONDS)
    os._exit(0)
