"""Puts the parts together: settings in, a working store, pipeline or index out."""

import signal
import threading
from collections.abc import Callable
from datetime import datetime
from types import FrameType

from sqlalchemy import Connection

from alerts.digest import plan_digest, previous_day
from alerts.mailing import MailPlanner
from alerts.notifiers.mail import MailNotifier
from alerts.sender import Channel
from alerts.setup import build_engine
from commands.knowledge import Knowledge
from config.routes import Routes, load_routes
from config.settings import Settings
from core.clock import Clock, system_clock
from core.records import Signal
from enterprises.registry_import import registry_of
from nlp.analyze import Analyzer
from pipelines.stages import Judge, Pipeline
from scheduler import DailyJob
from search.backend import SearchBackend
from search.names import NameTable
from search.open import open_backend
from search.records import entry_of
from store.database import Store


def open_index(settings: Settings, known: Knowledge, *, write: bool = False) -> SearchBackend:
    """The configured search backend."""
    return open_backend(settings, words=known.segmenter.words, write=write)


def names_of(known: Knowledge, sources: dict[str, str] | None = None) -> NameTable:
    """The names a query may use for ids. sources: key to title."""
    lexicon = known.lexicon
    firms = [
        (name, entry.id)
        for entry in known.registry
        for name in (entry.name, *entry.short_names, *entry.brands, *entry.former_names)
    ]
    places = [(name, place.code) for place in lexicon.regions for name in (place.name, place.short_name)]
    return NameTable(
        {
            "products": [(name, p.id) for p in lexicon.products.values() for name in (p.name, *p.terms)],
            "issues": [(issue.name, issue.id) for issue in lexicon.issues.values()],
            "enterprises": firms,
            "regions": places,
            "territory": places,
            "source": [(title, key) for key, title in (sources or {}).items()],
        }
    )


def build_pipeline(
    settings: Settings, store: Store, known: Knowledge, *, who: str, clock: Clock = system_clock, notify: bool = True
) -> Pipeline:
    """The whole pipeline over `store`. notify: whether alerts put notices into the outbox."""
    return Pipeline(
        store=store,
        analyzer=Analyzer(known.lexicon, known.registry),
        index=open_index(settings, known, write=True),
        entry_of=lambda signal: entry_of(signal, known.segmenter.words),
        judge=judge_of(settings, known, notify=notify),
        clock=clock,
        who=who,
    )


def judge_of(settings: Settings, known: Knowledge, *, notify: bool) -> Judge:
    """The rules of the config folder as the pipeline's judge."""
    firms = {entry.id: entry for entry in known.registry}
    planner = None
    if notify and settings.smtp_url is not None:
        routes = load_routes(settings.config)
        demo = settings.profile == "demo"
        planner = MailPlanner(recipients_of(settings, routes), routes, settings.public_url, demo=demo)
    engine = build_engine(settings.config, registry=firms.get, lexicon=known.lexicon, notifier=planner)

    def judge(db: Connection, signal: Signal, now: datetime) -> None:
        engine.judge(db, signal, now=now)

    return judge


def recipients_of(settings: Settings, routes: Routes) -> list[str]:
    """Whom mails go to: routes.yml, else FENGSUI_MAIL_TO."""
    return list(routes.mail) or [one.strip() for one in settings.mail_to.split(",") if one.strip()]


def channels_of(settings: Settings) -> dict[str, Channel]:
    """The channels that are set up, by name."""
    if settings.smtp_url is None:
        return {}
    return {"mail": MailNotifier(settings.smtp_url, settings.mail_from)}


def digest_jobs(settings: Settings, store: Store) -> list[DailyJob]:
    """The daily digest as a job: put into the outbox once a day and recipient."""
    routes = load_routes(settings.config)
    hour, minute = (int(part) for part in routes.digest_at.split(":"))

    def do() -> str:
        to = recipients_of(settings, routes) if settings.smtp_url else []
        planned = plan_digest(store, previous_day(system_clock()), to, settings=settings, now=system_clock())
        return f"{planned} 封"

    return [DailyJob("digest", "每日摘要", hour, minute, do)]


def renewing(settings: Settings, known: Knowledge) -> Callable[[Pipeline], None]:
    """A function that gives a running pipeline the new registry after an import."""
    version = known.version

    def refresh(pipeline: Pipeline) -> None:
        nonlocal version
        entries, current = registry_of(pipeline.store)
        if current != version:
            version = current
            pipeline.analyzer = Analyzer(known.lexicon, entries)

    return refresh


def stop_event() -> threading.Event:
    """An event that SIGTERM or SIGINT sets."""
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop
