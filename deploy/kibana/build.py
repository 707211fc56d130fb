"""Writes fengsui.ndjson beside this file: data view, saved searches and dashboard for people who live in Kibana.

    python -m deploy.kibana.build

Labels and values come from search/fields.py and the lexicons, so that Kibana says what the desk says. The format is
that of exports of Kibana 8.8 and later; a newer Kibana (9) brings older objects up to its own when it imports them.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from config.lexicon import load_lexicon
from config.settings import PROJECT
from core.records import LEVEL_NAMES
from search.fields import BY_NAME, FIELDS, FieldType

Json = dict[str, Any]

TARGET = Path(__file__).with_name("fengsui.ndjson")
ALIAS = "fengsui-live-signals"
VIEW = "fengsui-signals"
TIME = "event_time"
CORE = "8.8.0"
TYPES = {"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "dashboard": "8.9.0"}
"""The version of each type's format in which it is written."""

SHORT, LONG = ("level", "title", "products", "territory"), ("level", "title", "enterprises", "products", "territory")
SEARCHES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    # id: title, query (KQL), columns
    "newest": ("最新风险信号", "is_risk : true", (*SHORT, "source")),
    "grave": ("重大以上信号", "is_risk : true and level >= 3", LONG),
    "unlisted": ("未核实的企业", "is_risk : true and enterprises : NIL\\:*", LONG),
    "fires": ("各市起火", "is_risk : true and issues : fire", ("territory", "title", "products", "level", "source")),
}


def build() -> str:
    """All objects, one a line; what is referred to comes first."""
    searches = [_search(known, *told) for known, told in SEARCHES.items()]
    charts = [_over_time(), _by("products", "信号数，按产品"), _by("territory", "信号数，按属地")]
    objects = [_data_view(), *searches, *charts, _dashboard()]
    return "".join(json.dumps(one, ensure_ascii=False, sort_keys=True) + "\n" for one in objects)


def _object(kind: str, known: str, attributes: Json, references: Iterable[tuple[str, str, str]] = ()) -> Json:
    """references: name, type, id."""
    return {
        "type": kind,
        "id": known,
        "attributes": attributes,
        "references": [{"name": name, "type": of, "id": to} for name, of, to in references],
        "coreMigrationVersion": CORE,
        "typeMigrationVersion": TYPES[kind],
        "managed": False,
    }


def _packed(value: Any) -> str:
    """JSON inside JSON, as Kibana keeps it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _label(name: str) -> str:
    return BY_NAME[name].label


def _data_view() -> Json:
    shown = {field.name: {"customLabel": field.label} for field in FIELDS if field.type is not FieldType.MENTIONS}
    formats = {name: _lookup(words) for name, words in _values().items()}
    attributes = {
        "title": ALIAS,
        "name": "烽燧信号",
        "timeFieldName": TIME,
        "allowNoIndex": True,
        "fields": "[]",
        "fieldAttrs": _packed(shown),
        "fieldFormatMap": _packed(formats),
        "runtimeFieldMap": "{}",
        "sourceFilters": "[]",
        "typeMeta": "{}",
    }
    return _object("index-pattern", VIEW, attributes)


def _values() -> dict[str, dict[str, str]]:
    """For fields that hold ids or numbers: what people call them."""
    lexicon = load_lexicon(PROJECT / "config")
    places = {place.code: place.name for place in lexicon.regions if place.code.startswith(lexicon.regions.home[:2])}
    words: dict[str, dict[str, str]] = {}
    for field in FIELDS:
        for word, value in (field.words or {}).items():  # the best word of a value comes first
            key = str(value).lower() if isinstance(value, bool) else str(value)
            words.setdefault(field.name, {}).setdefault(key, word)
    return {
        **words,
        "level": {str(level): name for level, name in enumerate(LEVEL_NAMES)},
        "products": {product.id: product.name for product in lexicon.products.values()},
        "issues": {issue.id: issue.name for issue in lexicon.issues.values()},
        "territory": places,
        "regions": places,
    }


def _lookup(words: Mapping[str, str]) -> Json:
    """A field format that shows `words` and leaves what it does not know as it is."""
    entries = [{"key": key, "value": value} for key, value in sorted(words.items())]
    return {"id": "static_lookup", "params": {"lookupEntries": entries}}


def _search(known: str, title: str, query: str, columns: tuple[str, ...]) -> Json:
    source = {
        "query": {"language": "kuery", "query": query},
        "filter": [],
        "highlightAll": True,
        "version": True,
        "indexRefName": "kibanaSavedObjectMeta.searchSourceJSON.index",
    }
    attributes = {
        "title": f"烽燧：{title}",
        "description": "",
        "columns": list(columns),
        "sort": [[TIME, "desc"]],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": _packed(source)},
    }
    where = ("kibanaSavedObjectMeta.searchSourceJSON.index", "index-pattern", VIEW)
    return _object("search", f"fengsui-{known}", attributes, [where])


def _count() -> Json:
    return {
        "label": "信号数", "customLabel": True, "dataType": "number", "operationType": "count", "isBucketed": False,
        "scale": "ratio", "sourceField": "___records___", "params": {"emptyAsNull": True},
    }  # fmt: skip


def _terms(field: str, size: int) -> Json:
    number = field == "level"
    order: Json = {"type": "alphabetical"} if number else {"type": "column", "columnId": "count"}
    return {
        "label": _label(field), "customLabel": True, "dataType": "number" if number else "string",
        "operationType": "terms", "isBucketed": True, "scale": "ordinal", "sourceField": field,
        "params": {
            "size": size, "orderBy": order, "orderDirection": "asc" if number else "desc", "otherBucket": not number,
            "missingBucket": False, "parentFormat": {"id": "terms"},
        },
    }  # fmt: skip


def _over_time() -> Json:
    columns = {
        "time": {
            "label": _label(TIME), "customLabel": True, "dataType": "date", "operationType": "date_histogram",
            "isBucketed": True, "scale": "interval", "sourceField": TIME,
            "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
        },
        "split": _terms("level", 5),
        "count": _count(),
    }  # fmt: skip
    layer = {"xAccessor": "time", "splitAccessor": "split", "seriesType": "bar_stacked"}
    return _lens("over-time", "信号数，按级别", columns, layer)


def _by(field: str, title: str) -> Json:
    columns = {"name": _terms(field, 12), "count": _count()}
    return _lens(f"by-{field}", title, columns, {"xAccessor": "name", "seriesType": "bar_horizontal"})


def _lens(known: str, title: str, columns: Mapping[str, Json], layer: Json) -> Json:
    data = {"columns": dict(columns), "columnOrder": list(columns), "incompleteColumns": {}, "sampling": 1}
    drawn = {"layerId": "main", "layerType": "data", "accessors": ["count"], "position": "top", "showGridlines": False}
    visualization = {
        "layers": [{**drawn, **layer}],
        "legend": {"isVisible": True, "position": "right"},
        "preferredSeriesType": layer["seriesType"],
        "valueLabels": "hide",
    }
    state = {
        "datasourceStates": {"formBased": {"layers": {"main": data}}},
        "visualization": visualization,
        "query": {"language": "kuery", "query": "is_risk : true"},
        "filters": [],
        "internalReferences": [],
        "adHocDataViews": {},
    }
    attributes = {"title": f"烽燧：{title}", "description": "", "visualizationType": "lnsXY", "state": state}
    where = ("indexpattern-datasource-layer-main", "index-pattern", VIEW)
    return _object("lens", f"fengsui-{known}", attributes, [where])


PANELS: tuple[tuple[str, str, str, tuple[int, int, int, int]], ...] = (
    # panel, type, id of what it shows, x y w h (48 columns)
    ("time", "lens", "fengsui-over-time", (0, 0, 48, 13)),
    ("products", "lens", "fengsui-by-products", (0, 13, 24, 14)),
    ("territory", "lens", "fengsui-by-territory", (24, 13, 24, 14)),
    ("newest", "search", "fengsui-newest", (0, 27, 48, 18)),
)


def _dashboard() -> Json:
    panels = [
        {
            "type": kind, "panelIndex": panel, "panelRefName": f"panel_{panel}",
            "embeddableConfig": {"enhancements": {}}, "gridData": {"i": panel, "x": x, "y": y, "w": w, "h": h},
        }
        for panel, kind, _known, (x, y, w, h) in PANELS
    ]  # fmt: skip
    options = {"useMargins": True, "hidePanelTitles": False, "syncColors": False, "syncCursor": True}
    attributes = {
        "title": "烽燧：风险信号",
        "description": "各级别信号数、产品与属地分布、最新信号",
        "timeRestore": True,
        "timeFrom": "now-30d/d",
        "timeTo": "now",
        "refreshInterval": {"pause": False, "value": 60_000},
        "optionsJSON": _packed(options),
        "panelsJSON": _packed(panels),
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _packed({"query": {"language": "kuery", "query": ""}, "filter": []})
        },
        "version": 1,
    }
    references = [(f"{panel}:panel_{panel}", kind, known) for panel, kind, known, _grid in PANELS]
    return _object("dashboard", "fengsui-dashboard", attributes, references)


def main() -> None:
    """Write the file anew."""
    TARGET.write_text(build(), encoding="utf-8")
    print(TARGET)


if __name__ == "__main__":
    main()
