"""Which backend the settings ask for."""

from pathlib import Path

from config.settings import Settings
from search.embedded import EmbeddedBackend
from search.embedded_snapshots import EmbeddedSnapshots
from search.groups import CountingBackend
from search.snapshots import Snapshots
from search.text import Segmenter


def open_backend(settings: Settings, *, words: Segmenter, write: bool = False) -> CountingBackend:
    """Elasticsearch where its address is set, else the embedded index in the data folder.

    Nothing is contacted or made before the first use, so that a dead server stops nobody from starting.
    words: must be the segmenter the entries were made with.  write: makes the data folder.
    """
    if settings.elasticsearch_url:
        from search.elasticsearch import ElasticsearchBackend  # here: its client takes 0.3 s of each start

        name = _name_of(settings)
        return ElasticsearchBackend(
            settings.elastic_access,
            name,
            words,
            replicas=settings.elasticsearch_replicas,
            shards=settings.elasticsearch_shards,
        )
    root = settings.data_dir / "index"
    if write:
        root.mkdir(parents=True, exist_ok=True)
    return EmbeddedBackend(root, words)


def open_snapshots(settings: Settings, *, words: Segmenter) -> Snapshots:
    """The snapshots of the backend that the settings ask for."""
    if settings.elasticsearch_url:
        from search.elastic_snapshots import ElasticSnapshots  # as above

        return ElasticSnapshots(
            settings.elastic_access,
            _name_of(settings),
            replicas=settings.elasticsearch_replicas,
            shards=settings.elasticsearch_shards,
            repository=settings.elasticsearch_repository,
            location=settings.snapshots,
        )
    root = settings.data_dir / "index"
    place = Path(settings.snapshots) if settings.snapshots else settings.data_dir / "snapshots"
    return EmbeddedSnapshots(root, place, EmbeddedBackend(root, words).count)


def _name_of(settings: Settings) -> str:
    return f"fengsui-{settings.profile}-signals"
