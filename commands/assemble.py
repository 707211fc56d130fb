"""Puts the parts together: settings in, a working store, pipeline or index out."""

from collections.abc import Callable

from alerts.canary import with_canary
from alerts.rule_judge import RuleJudge
from alerts.rule_query import RuleQueries, queries_of, query_names
from alerts.setup import load_parts
from commands.knowledge import Knowledge
from commands.outgoing import teller_of
from config.clusters import load_clusters
from config.grouping import load_grouping
from config.recogniser import recogniser_folder
from config.settings import Settings
from config.sources import load_sources
from core.clock import Clock, system_clock
from core.records import Signal
from enterprises.cluster_rows import Counts
from enterprises.registry_import import registry_of
from nlp.analyze import Analyzer
from pipelines.events import EventKeeper, names_in
from pipelines.indexing import Indexer
from pipelines.stages import Pipeline
from search.groups import CountingBackend
from search.names import NameTable
from search.open import open_backend
from search.records import IndexEntry, entry_of
from store.database import Store


def open_index(settings: Settings, known: Knowledge, *, write: bool = False) -> CountingBackend:
    """The configured search backend."""
    return open_backend(settings, words=known.segmenter.words, write=write)


def names_of(known: Knowledge, sources: dict[str, str] | None = None) -> NameTable:
    """The names a query may use for ids. sources: key to title."""
    return query_names(known.lexicon, known.registry, sources)


def build_pipeline(
    settings: Settings,
    store: Store,
    known: Knowledge,
    *,
    who: str,
    clock: Clock = system_clock,
    notify: bool = True,
    judge: RuleJudge | None = None,
) -> Pipeline:
    """The pipeline over `store`. notify: whether alerts put notices into the outbox.  judge: else of judge_of."""
    return Pipeline(
        store=store,
        analyzer=Analyzer(known.lexicon, known.registry, recogniser_folder(settings.config)),
        judge=with_canary(judge or judge_of(settings, store, known, notify=notify)),
        clock=clock,
        who=who,
        place=keeper_of(settings, known).place,
        count=Counts(load_clusters(settings.config)),
    )


def build_indexer(settings: Settings, store: Store, known: Knowledge, *, who: str) -> Indexer:
    """What writes the configured index from `store`."""
    index = open_index(settings, known, write=True)
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    tiers = {source.key: source.tier for source in sources}

    def entry(signal: Signal) -> IndexEntry:
        return entry_of(signal, known.segmenter.words, tier_of=tiers, regions=known.lexicon.regions)

    return Indexer(store, index, entry, who)


def keeper_of(settings: Settings, known: Knowledge) -> EventKeeper:
    """What puts documents into events."""
    family_of = load_grouping(settings.config).family_of
    return EventKeeper(known.lexicon.regions, family_of, names_in(known.registry))


def rule_queries(settings: Settings, known: Knowledge) -> RuleQueries:
    """What reads the queries of rules, with the names of firms and sources."""
    sources = load_sources(settings.config, settings.profile, base=settings.source_base)
    return queries_of(known.lexicon, known.registry, sources=sources, words=known.segmenter.words)


def judge_of(settings: Settings, store: Store, known: Knowledge, *, notify: bool) -> RuleJudge:
    """The rules of the config folder and of the desk as the pipeline's judge."""
    firms = {entry.id: entry for entry in known.registry}
    parts = load_parts(
        settings.config,
        registry=firms.get,
        lexicon=known.lexicon,
        notifier=teller_of(settings, known.lexicon, known.registry, mail=notify),
        queries=rule_queries(settings, known),
    )
    return RuleJudge(store, parts)


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
