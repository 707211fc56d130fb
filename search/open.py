"""Which backend the settings ask for."""

from config.settings import Settings
from search.backend import SearchBackend
from search.elasticsearch import ElasticsearchBackend
from search.embedded import EmbeddedBackend
from search.text import Segmenter


def open_backend(settings: Settings, *, words: Segmenter, write: bool = False) -> SearchBackend:
    """Elasticsearch where its address is set, else the embedded index in the data folder.

    Nothing is contacted or made before the first use, so that a dead server stops nobody from starting.
    words: must be the segmenter the entries were made with.  write: makes the data folder.
    """
    if settings.elasticsearch_url:
        name = f"fengsui-{settings.profile}-signals"
        return ElasticsearchBackend(settings.elastic_access, name, words, replicas=settings.elasticsearch_replicas)
    root = settings.data_dir / "index"
    if write:
        root.mkdir(parents=True, exist_ok=True)
    return EmbeddedBackend(root, words)
