"""Values out of records (JSON objects, XML elements, table rows) by the paths of a field map."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lxml import etree

from config.source_parts import Pick
from core.patterns import first_found

MAX_VALUES = 500
PLACE = re.compile(r"\{([^{}]+)\}")
Record = Mapping[str, Any]


def pick_one(pick: Pick | None, record: Any) -> str:
    """The text a Pick finds in `record`; empty when there is none."""
    if pick is None:
        return ""
    if pick.const is not None:
        return pick.const
    if pick.template is not None:
        return _checked(pick, PLACE.sub(lambda place: first_at(record, place[1]), pick.template))
    if pick.join is not None:
        found = [value for path in pick.path for value in texts_at(record, path)]
        return _checked(pick, pick.join.join(_inside(pick, value) for value in found))
    for path in pick.path:
        for value in texts_at(record, path):
            if text := _checked(pick, _inside(pick, value)):
                return text
    return ""


def pick_all(pick: Pick | None, record: Any) -> tuple[str, ...]:
    """Every value a Pick finds, in order, once each."""
    if pick is None:
        return ()
    found = (_checked(pick, _inside(pick, value)) for path in pick.path for value in texts_at(record, path))
    return tuple(dict.fromkeys(value for value in found if value))


def first_at(record: Any, path: str) -> str:
    """The first text at `path`, or nothing."""
    return next(texts_at(record, path), "")


def texts_at(record: Any, path: str) -> Iterator[str]:
    """Every text at `path`, empty ones left out."""
    for place, value in enumerate(values_at(record, path)):
        if place >= MAX_VALUES:
            return
        text = _text(value)
        if text:
            yield text


def values_at(record: Any, path: str) -> Iterator[Any]:
    """What stands at a dotted path; `name[]` visits every member of a list, a number picks one."""
    if isinstance(record, Mapping) and path in record:
        yield record[path]
        return
    head, _, rest = path.partition(".")
    for value in _step(opened(record), head):
        if rest:
            yield from values_at(value, rest)
        elif value is not None:
            yield value


def opened(value: Any) -> Any:
    """What stands in JSON text, where an answer packs a part of itself that way; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def json_of(text: str, unwrap: str | None = None) -> Any:
    """The JSON in `text`: plain, as JSONP, a value a line (`lines`), or what `unwrap` (a regex) captures.

    Raises ValueError, also for what is nested too deeply.
    """
    try:
        return _json_of(text, unwrap)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _json_of(text: str, unwrap: str | None) -> Any:
    if unwrap == "lines":
        return [json.loads(line) for line in text.lstrip("\ufeff").split("\n") if line.strip()]
    if unwrap not in (None, "jsonp"):
        found = first_found(str(unwrap), text, "s")
        if found is None:
            raise ValueError("no part of the answer matches `unwrap`")
        text = found
    text = text.strip().lstrip("\ufeff")
    if text[:1] not in ("{", "[", '"') and (start := text.find("(")) >= 0 and text.rstrip("; \n").endswith(")"):
        text = text[start + 1 : text.rindex(")")]
    try:
        value = json.loads(text)
    except ValueError:
        lines = json_lines(text)
        if lines is None:
            raise
        return lines
    return json.loads(value) if isinstance(value, str) else value


def json_lines(text: str) -> list[Any] | None:
    """The records of JSON lines, None in the place of a line that is no object; None where most lines are none."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or not lines[0].lstrip().startswith("{"):
        return None
    found = [_object_in(line) for line in lines]
    return found if sum(record is not None for record in found) * 2 > len(found) else None


def _object_in(line: str) -> Any:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def xml_record(element: etree._Element, depth: int = 0) -> Any:
    """An element as a record: children by name, a list where one repeats, attributes as `@name`; a leaf is its text."""
    children = [child for child in element if isinstance(child.tag, str)]
    if not children and not element.attrib:
        return (element.text or "").strip()
    record: dict[str, Any] = {f"@{name}": str(value) for name, value in element.attrib.items()}
    record["#text"] = (element.text or "").strip()
    for child in children if depth < 30 else ():
        name = etree.QName(child).localname
        value = xml_record(child, depth + 1)
        if name in record:
            kept = record[name]
            record[name] = [*kept, value] if isinstance(kept, list) else [kept, value]
        else:
            record[name] = value
    return record


def parse_xml(body: bytes) -> etree._Element:
    """The root of an XML answer; entities are not expanded, nothing is loaded. Raises ValueError."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"is not XML: {error}") from None


def _step(record: Any, name: str) -> Iterator[Any]:
    every = name.endswith("[]")
    key = name.removesuffix("[]")
    value = record
    if key:
        if isinstance(record, Mapping):
            value = record.get(key)
        elif isinstance(record, list) and key.removeprefix("-").isdecimal():
            value = record[int(key)] if -len(record) <= int(key) < len(record) else None
        else:
            value = None
    if every:
        value = opened(value)
        yield from value if isinstance(value, list) else () if value is None else (value,)
    else:
        yield value


def _inside(pick: Pick, text: str) -> str:
    """The part of JSON text that `json_path` names; the text itself without one."""
    if pick.json_path is None:
        return text
    try:
        return first_at(json.loads(text), pick.json_path)
    except (ValueError, RecursionError):
        return ""


def _checked(pick: Pick, text: str) -> str:
    if pick.regex is None:
        return text.strip()
    return (first_found(pick.regex, text) or "").strip()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return _text(value.get("#text"))
    if isinstance(value, list):
        return "、".join(filter(None, map(_text, value[:MAX_VALUES])))
    return ""
