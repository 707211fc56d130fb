"""The pieces source files are made of: sizes, selectors, field maps, pagers, expectations."""

import re
from typing import Annotated, Any, Literal

from cssselect import SelectorError
from parsel.csstranslator import HTMLTranslator
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from core.durations import Duration
from core.patterns import linear

SIZE_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2}
PRIVATE_FORM = re.compile(r"[a-z0-9._-]+(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*")
SIZE_FORM = re.compile(r"(\d+)\s*(B|KB|MB)")


def _read_size(value: Any) -> Any:
    if isinstance(value, int):
        return value
    match = SIZE_FORM.fullmatch(str(value).strip().upper())
    if match is None:
        raise ValueError(f"{value!r} is not a size (accepted: 512KB, 20MB)")
    return int(match[1]) * SIZE_UNITS[match[2]]


def _check_css(value: str) -> str:
    try:
        HTMLTranslator().css_to_xpath(value)
    except SelectorError as error:
        raise ValueError(
            f"{value!r} is not a CSS selector: {error} (accepted: CSS, with ::text or ::attr(name))"
        ) from None
    return value


def _check_regex(value: str) -> str:
    linear(value)
    return value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _check_private(value: str) -> str:
    host = value.strip().lower()
    if PRIVATE_FORM.fullmatch(host) is None:
        raise ValueError(f"{value!r} is no host (accepted: host, host:port, 10.1.2.3, [fd00::1]:8080)")
    return host[1:-1] if host.endswith("]") else host


Size = Annotated[int, BeforeValidator(_read_size), Field(gt=0)]
Css = Annotated[str, AfterValidator(_check_css)]
Regex = Annotated[str, AfterValidator(_check_regex)]
PrivateHost = Annotated[str, AfterValidator(_check_private)]
OneOrMore = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class Strict(BaseModel):
    """A typo stops at load."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Expect(Strict):
    """What a healthy run sees. min_items: rows on the list(s).  newest_within: age of the newest dated row."""

    min_items: int = Field(default=1, ge=0)
    newest_within: Duration | None = None


class Detail(Strict):
    """Selectors on a detail page; what is not given is found by the general extractor.

    table: facts in label/value rows, read into `fields`; every table of the body is kept anyway.
    label, value: selectors of labels and of values that stand side by side, read into `fields`.
    attachments: links whose files are fetched (xlsx is read into tables).  fields: further facts, name to selector.
    """

    title: Css | None = None
    date: Css | None = None
    body: Css | None = None
    source: Css | None = None
    author: Css | None = None
    attachments: Css | None = None
    table: Css | None = None
    label: Css | None = None
    value: Css | None = None
    fields: dict[str, Css] = Field(default_factory=dict)


class Pick(Strict):
    """One value out of a record (JSON object, XML element, table row).

    path: dotted, `a.b.0.c`; `Products[].Name` visits every member; several paths: the first that has a value.
    join: take all values of all paths, joined.  regex: keep its first group.  template: `https://x/{tid}` over paths.
    json_path: the value is JSON text; look there.  const: this text, whatever the record says.
    """

    path: OneOrMore = ()
    join: str | None = None
    regex: Regex | None = None
    template: str | None = None
    json_path: str | None = None
    const: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str | list) else value


class FieldMap(Strict):
    """Where the parts of a document stand in a record. `text` may hold HTML. Nothing else is kept."""

    id: Pick | None = None
    title: Pick
    url: Pick | None = None
    text: Pick | None = None
    published: Pick | None = None
    author: Pick | None = None
    origin: Pick | None = None
    attachments: Pick | None = None
    fields: dict[str, Pick] = Field(default_factory=dict)


class Pager(Strict):
    """How the next page is asked for; put {page}, {offset}, {cursor} or {since} into list_url, params, form or body.

    start: number of the first page (1 when not given) or offset (0).  size: rows a page (offset steps by it).
    cursor: path in the answer to the next one; `-1` is the last of a list.  field: what of a record {since} is; the
    highest value so far asks for the next page, and for the first one of the next run.
    """

    by: Literal["page", "offset", "cursor", "since"] = "page"
    start: int | None = Field(default=None, ge=0)
    size: int = Field(default=20, ge=1)
    cursor: str | None = None
    field: Pick | None = None

    @property
    def first(self) -> int:
        """The number of the first page, or the first offset."""
        return self.start if self.start is not None else int(self.by != "offset")

    @model_validator(mode="after")
    def _says_where_to_look(self) -> "Pager":
        if (self.by == "cursor") != (self.cursor is not None):
            raise ValueError("`cursor` belongs to `by: cursor` (accepted: by: cursor with cursor: a.b.next)")
        if (self.by == "since") != (self.field is not None):
            raise ValueError("`field` belongs to `by: since` (accepted: by: since with field: updated_at)")
        return self


class Lookup(Strict):
    """A page that names the address of the records. regex: its first group is {found}.  url: with {found} in it."""

    regex: Regex
    url: str


class XmlIndex(Strict):
    """The list of reports. item, url, date: element names, dotted below `item`."""

    item: str
    url: str
    date: str | None = None
