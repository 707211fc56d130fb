"""The Elasticsearch template, from the table of fields."""

from typing import Any

from search.fields import FIELDS, TEXT_FIELDS, FieldType, format_mark

ELASTIC_TYPES = {
    FieldType.KEYWORD: "keyword",
    FieldType.INTEGER: "long",
    FieldType.NUMBER: "double",
    FieldType.BOOLEAN: "boolean",
}


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
        # Phrases are looked for in the grams; words need no positions.
        for view, option in (("words", "freqs"), ("grams", "positions")):
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


def template(pattern: str) -> dict[str, Any]:
    """For every generation that fits `pattern`.

    refresh_interval: a signal is found a second after it was written; `refresh()` does not wait.
    """
    settings = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "1s"}
    return {
        "index_patterns": [pattern],
        "priority": 500,
        "template": {"settings": {"index": settings}, "mappings": mapping()},
    }
