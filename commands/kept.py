"""What the processes that `fengsui run` keeps have in common: how they start, and how they end at once."""

import functools
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.options import settings_of
from config.settings import Settings
from core.stopping import stop_on
from core.traces import end_traces, start_traces
from pipelines.supervisor import GRACE_SECONDS

KeptOption = Annotated[bool, typer.Option("--kept", help="end when standard input closes (as `run` wants it)")]

NameOption = Annotated[
    str | None,
    typer.Option("--name", help="what this process is called, one of a kind in the database; else from host and pid"),
]


def start(kept: bool, data: Path | None, profile: str | None) -> tuple[Settings, threading.Event]:
    """Settings, and an event that SIGTERM or SIGINT sets. kept: end with the parent."""
    return begin(kept, data, profile), stop_on()


def begin(kept: bool, data: Path | None, profile: str | None) -> Settings:
    """As `start`, for what handles signals itself: until it does, SIGTERM ends the process at once."""
    if kept:
        threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    settings = settings_of(data, profile)
    start_traces(settings.traces_url)
    return settings


def _end_with_parent() -> None:
    # The supervisor holds the other end of our stdin: it closes when the supervisor dies, however it dies.
    while os.read(0, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def prompt(process: Callable[..., None]) -> Callable[..., None]:
    """`process`, ended without the interpreter's clean-up: freeing the dictionaries takes a second of Ctrl-C."""

    @functools.wraps(process)
    def run(**options: Any) -> None:
        process(**options)
        end_traces()
        logging.shutdown()
        sys.stdout.flush()
        os._exit(0)

    return run
