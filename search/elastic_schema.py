"""The Elasticsearch mappings and templates, from the table of fields."""

from typing import Any

from search.fields import FIELDS, TEXT_FIELDS, FieldType, format_mark

ELASTIC_TYPES = {
    FieldType.KEYWORD: "keyword",
    FieldType.INTEGER: "long",
    FieldType.NUMBER: "double",
    FieldType.BOOLEAN: "boolean",
}
REPLICAS = "0-1"
"""One copy of every shard as soon as there is a second node, none before: green on one machine, and no node of a
cluster can take a signal with it."""


def mapping() -> dict[str, Any]:
    """Strict: a field nobody planned is refused, not guessed. Text is cut by us, so any server can hold it."""
    properties: dict[str, Any] = {}
    for field in FIELDS:
        if field.type is FieldType.TEXT:
            properties[field.name] = {"type": "text", "index": False}
        elif field.type is FieldType.MENTIONS:
            properties[field.name] = {"type": "keyword", "doc_values": False}
        elif field.type is FieldType.DATE:
            properties[field.name] = {"type": "date", "format": "epoch_millis||strict_date_optional_time"}
        else:
            properties[field.name] = {"type": ELASTIC_TYPES[field.type]}
    for name in TEXT_FIELDS:
        # Phrases are looked for in the grams, and how often they stand there; of words it is enough that they do.
        for view, option in (("words", "docs"), ("grams", "positions")):
            properties[f"{name}_{view}"] = {"type": "text", "analyzer": "whitespace", "index_options": option}
    for name in ("time_order", "level_order", "version"):
        properties[name] = {"type": "long"}
    return {
        "dynamic": "strict",
        "_meta": {"format": format_mark()},
        "_source": {
            "excludes": ["mentions", *(f"{name}_{view}" for name in TEXT_FIELDS for view in ("words", "grams"))]
        },
        "properties": properties,
    }


def template(pattern: str, replicas: str, shards: int) -> dict[str, Any]:
    """For every month of one generation.

    refresh_interval: a signal is found a second after it was written, also on a shard nobody asked for a while;
    `refresh()` does not wait.  gc_deletes: how long a month remembers the version of what was moved out of it, so that
    a write that was on its way then does not put it back: far longer than any request lives.
    """
    settings = {"number_of_shards": shards, "refresh_interval": "1s", "gc_deletes": "1h", **_copies(replicas)}
    return {
        "index_patterns": [pattern],
        "priority": 500,
        # A month is only made by us: a late write cannot bring back one that is gone.
        "allow_auto_create": False,
        "template": {"settings": {"index": settings}, "mappings": mapping()},
    }


def places_index(door: str, replicas: str, shards: int) -> dict[str, Any]:
    """Where each signal lies. Read by id only, in real time: nothing is searched, so nothing need be refreshed."""
    unsearched = {"index": False, "doc_values": False}
    properties = {
        "version": {"type": "long", **unsearched},
        "months": {"type": "keyword", **unsearched},
        "gone": {"type": "boolean", **unsearched},
    }
    settings = {"number_of_shards": shards, "refresh_interval": "-1", **_copies(replicas)}
    mappings = {"dynamic": "strict", "properties": properties}
    return {"settings": {"index": settings}, "mappings": mappings, "aliases": {door: {}}}


def control_index(replicas: str) -> dict[str, Any]:
    """One document, read by id."""
    settings = {"number_of_shards": 1, **_copies(replicas)}
    return {"settings": {"index": settings}, "mappings": {"dynamic": False, "properties": {}}}


def _copies(replicas: str) -> dict[str, Any]:
    """replicas: a number, or a range like 0-1 that follows the number of nodes."""
    if "-" in replicas:
        return {"auto_expand_replicas": replicas}
    return {"auto_expand_replicas": False, "number_of_replicas": int(replicas)}
