"""The worker: everything between a fetched text and an alert. The index is written by commands/indexer.py."""

import typer

from commands.assemble import build_pipeline, judge_of, renewing
from commands.kept import KeptOption, NameOption, prompt, start
from commands.knowledge import knowledge_of
from commands.options import DataOption, ProfileOption
from commands.stores import open_store
from pipelines.waking import waiting_for
from pipelines.worker import work_until
from store.processes import who_am_i
from store.wake import ANALYSIS


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("worker")(prompt(worker))


def worker(
    name: NameOption = None, kept: KeptOption = False, data: DataOption = None, profile: ProfileOption = None
) -> None:
    """研读进程，可在多台机器上开任意多个 (clean, analyse, judge; any number of them on any machines)."""
    who = who_am_i("worker", name)
    settings, stop = start(kept, data, profile)
    store = open_store(settings, kept=True)
    known = knowledge_of(settings, store)
    judge = judge_of(settings, store, known, notify=True)
    pipeline = build_pipeline(settings, store, known, who=who, judge=judge)
    work_until(
        stop, pipeline, refresh=renewing(settings, known), take_up=judge.take_up, waiting=waiting_for(store, ANALYSIS)
    )
