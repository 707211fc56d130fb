"""`fengsui canary`: sends an invented event the whole way from a source to the feed, as the scheduler does hourly."""

import json
from dataclasses import asdict
from threading import Event
from typing import Annotated

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.settings import Settings
from core.clock import beijing, iso_beijing, system_clock
from core.errors import FengsuiError, UsageError
from pipelines.canary import PATIENCE, send_canary
from scheduler import HourlyJob
from store.canaries import Canary, newest
from store.database import Store

STAGE_WORDS = {
    "planted": "未采到",
    "fetched": "采到，未研读",
    "read": "研读，未预警",
    "alerted": "已预警，未见于订阅",
    "reached": "到达订阅",
}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(canary)


def canary(
    last: Annotated[int, typer.Option("--last", min=0, max=1000, help="only show so many of the past")] = 0,
    url: Annotated[str, typer.Option("--url", help="the desk's address, as the crawler reaches it")] = "",
    patience: Annotated[float, typer.Option("--patience", min=1, help="seconds until it counts as lost")] = PATIENCE,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """链路自检：虚拟事件从采集走到订阅要多久 (an invented event from a source to the feed). Exit 1 when it is lost.

    The system must be running; the crawler knows the source where FENGSUI_CANARY_URL is set, as `fengsui run` does.
    """
    settings = settings_of(data, profile, log_level="ERROR")
    store = open_store(settings)
    if last:
        with store.read() as db:
            found = newest(db, last)
    else:
        address = url or settings.canary_url or settings.public_url
        if not address.startswith(("http://", "https://")):
            raise UsageError(f"--url: {address!r} is no address (accepted: such as http://127.0.0.1:8000)")
        found = [send_canary(store, address, clock=system_clock, stop=Event(), patience=patience)]
    for one in found:
        print(json.dumps(_line(one), ensure_ascii=False) if as_json else _words(one))
    if not last and found[0].reached_at is None:
        raise typer.Exit(1)


def canary_jobs(settings: Settings, store: Store) -> list[HourlyJob]:
    """The hourly canary; none where no address is known."""
    if not settings.canary_url:
        return []

    def do(stop: Event) -> str:
        sent = send_canary(store, settings.canary_url, clock=system_clock, stop=stop)
        if sent.failed_at is not None:
            raise FengsuiError(_words(sent))
        return _words(sent)

    return [HourlyJob("canary", "链路自检", do)]


def _line(one: Canary) -> dict[str, object]:
    times = {name: iso_beijing(value) for name, value in asdict(one).items() if name.endswith("_at") and value}
    return {"id": one.id, **times, "stage": one.stage, "seconds": one.seconds, "note": one.note}


def _words(one: Canary) -> str:
    when = f"{beijing(one.planted_at):%m-%d %H:%M:%S}"
    if one.seconds is not None:
        return f"{when} 到达订阅，用时 {one.seconds:.1f} 秒"
    if one.failed_at is None:
        return f"{when} 进行中"
    return f"{when} 未到达（{STAGE_WORDS[one.stage]}）：{one.note}"
