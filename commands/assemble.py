"""Puts the parts together: settings in, a working store, pipeline or index out."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from alerts.mailing import MailPlanner
from alerts.setup import build_engine
from commands.knowledge import Knowledge
from commands.outgoing import routes_of
from config.grouping import load_grouping
from config.recogniser import recogniser_folder
from config.settings import Settings
from core.clock import Clock, system_clock
from core.records import Signal
from enterprises.registry_import import registry_of
from nlp.analyze import Analyzer
from pipelines.events import EventKeeper, names_in
from pipelines.indexing import Indexer
from pipelines.stages import Judge, Pipeline
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
    """The pipeline over `store`. notify: whether alerts put notices into the outbox."""
    return Pipeline(
        store=store,
        analyzer=Analyzer(known.lexicon, known.registry, recogniser_folder(settings.config)),
        judge=judge_of(settings, known, notify=notify),
        clock=clock,
        who=who,
        place=keeper_of(settings, known).place,
    )


def build_indexer(settings: Settings, store: Store, known: Knowledge, *, who: str) -> Indexer:
    """What writes the configured index from `store`."""
    index = open_index(settings, known, write=True)
    return Indexer(store, index, lambda signal: entry_of(signal, known.segmenter.words), who)


def keeper_of(settings: Settings, known: Knowledge) -> EventKeeper:
    """What puts documents into events."""
    family_of = load_grouping(settings.config).family_of
    return EventKeeper(known.lexicon.regions, family_of, names_in(known.registry))


def judge_of(settings: Settings, known: Knowledge, *, notify: bool) -> Judge:
    """The rules of the config folder as the pipeline's judge."""
    firms = {entry.id: entry for entry in known.registry}
    planner = None
    if notify and settings.smtp_url is not None:
        routes, demo = routes_of(settings, known.lexicon), settings.profile == "demo"
        planner = MailPlanner(routes, known.lexicon.regions, settings.public_url, demo=demo)
    engine = build_engine(settings.config, registry=firms.get, lexicon=known.lexicon, notifier=planner)

    def judge(db: Connection, signal: Signal, now: datetime) -> None:
        engine.judge(db, signal, now=now)

    return judge


def renewing(settings: Settings, known: Knowledge) -> Callable[[Pipeline], None]:
    """A function that gives a running pipeline the new registry after an import."""
    version = known.version

    def refresh(pipeline: Pipeline) -> None:
        nonlocal version
        entries, current = registry_of(pipeline.store)
        if current != version:
            version = current
            pipeline.analyzer = Analyzer(known.lexicon, entries, recogniser_folder(settings.config))

    return refresh
