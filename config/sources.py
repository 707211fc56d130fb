"""What a source file may say. One file a source, `config/sources/<profile>/<key>.yml`; the key is the file's stem.

`docs/sources.md` explains the keys to operators; the families are listed in `FAMILIES` at the end.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from config.mistakes import mistakes_of
from config.source_parts import Css, Detail, Expect, FieldMap, OneOrMore, Pager, Regex, Size, Strict, XmlIndex
from core.durations import Duration
from core.errors import ConfigError
from core.hours import Hours
from core.records import CANARY, Kind

LOOKS = tuple(timedelta(hours=hours) for hours in (1, 3, 8, 24, 3 * 24, 7 * 24, 14 * 24, 30 * 24))
"""A page changes, or goes, mostly when it is young."""
WATCHED: Mapping[Kind, timedelta] = {
    Kind.NEWS: timedelta(days=3),
    Kind.NOTICE: timedelta(days=14),
    Kind.SPOTCHECK: timedelta(days=14),
    Kind.RECALL: timedelta(days=30),
    Kind.RECALL_FOREIGN: timedelta(days=30),
}
"""How long documents are watched where their source's file does not say; of other kinds none are."""


class SourceConfig(Strict):
    """What every source has, whatever its family."""

    key: str = Field(default="", exclude=True)
    family: str
    title: str
    kind: Kind
    tier: int = Field(default=3, ge=1, le=4, description="1: recall and spot check … 4: weak signal")
    enabled: bool = True
    evidence: Literal["code+", "code", "mem", "sample"] = "mem"
    every: Duration
    jitter: Duration = timedelta(0)
    region: str | None = None
    lang: Literal["zh", "en", "ja"] = "zh"
    attribution: str = ""
    note: str = ""
    expect: Expect = Expect()
    # politeness
    delay: float = Field(default=3.0, ge=0, description="seconds between two requests to one host")
    autothrottle: bool = True
    timeout: Duration = timedelta(seconds=30)
    max_size: Size = 20 * 1024**2
    max_items: int = Field(default=500, ge=1, description="rows followed or saved in one run")
    max_time: Duration = timedelta(minutes=15)
    allow_private: tuple[str, ...] = Field(default=(), description="private hosts this source may reach, by name")
    # reading
    encoding: str | None = Field(default=None, description="overrides what server and page say")
    day_first: bool = Field(default=False, description="05/04/2026 is 5 April")
    keep_author: bool = Field(default=False, description="media accounts only; people's names are dropped")
    recheck_within: Duration | None = Field(default=None, description="watch younger documents; default by kind")
    recheck_at: Literal["every_run"] | tuple[Duration, ...] = Field(
        default=LOOKS, min_length=1, description="ages at which a known page is looked at again"
    )
    recheck_limit: int = Field(default=20, ge=0, description="pages looked at again in one run; 0: none")
    nights: Hours | None = Field(default=None, description="asked only within these hours, Beijing time: 22:00-06:00")

    def opens(self, moment: datetime) -> datetime:
        """When the source may be asked by schedule: at `moment`, or when its `nights` begin next."""
        return self.nights.opens(moment) if self.nights else moment

    @property
    def watched_for(self) -> timedelta | None:
        """Documents younger than this are looked at again; None: they are not."""
        return (self.recheck_within or WATCHED.get(self.kind)) if self.recheck_limit else None

    @property
    def looks(self) -> tuple[timedelta, ...]:
        """The ages at which a page is looked at again, youngest first; empty: at every run."""
        return () if self.recheck_at == "every_run" else tuple(sorted(self.recheck_at))

    @property
    def addresses(self) -> tuple[str, ...]:
        """The list addresses; empty for files."""
        return ()


class WebSource(SourceConfig):
    """A source that is fetched from `list_url`."""

    list_url: OneOrMore
    headers: dict[str, str] = Field(default_factory=dict)
    detail: Detail = Detail()
    follow: bool = Field(default=True, description="fetch the page behind each row")

    @property
    def addresses(self) -> tuple[str, ...]:
        return self.list_url

    @model_validator(mode="after")
    def _addresses_are_http(self) -> "WebSource":
        for url in self.list_url:
            if not re.match(r"(https?://|\{base\})", url):
                raise ValueError(f"list_url: {url!r} is no web address (accepted: https://…, http://…, {{base}}/…)")
        return self


class FeedSource(WebSource):
    """RSS, Atom, RDF or JSON Feed. follow: fetch each entry's page; without it the feed's own text is the document."""

    family: Literal["feed"]
    follow: bool = False


class Rows(WebSource):
    """Rows of an HTML list, each with a link to a page of its own."""

    item: Css
    link: Css = "a"
    item_title: Css | None = Field(default=None, description="the link's title attribute or text when not given")
    item_date: Css | None = None
    item_fields: dict[str, Css] = Field(default_factory=dict, description="further facts in the row")
    pages: int = Field(default=1, ge=1, le=200)
    accept: Regex | None = Field(default=None, description="only links that match")
    same_host: bool = True


class HtmlListSource(Rows):
    """page_url: address of page n from 2 on, with {page}; `next`: selector of the link to the next page instead."""

    family: Literal["html_list"]
    page_url: str | None = None
    next: Css | None = None


class TrsStaticSource(Rows):
    """TRS column: index.html, then index_1.html which is page 2. index: the stem of these names."""

    family: Literal["trs_static"]
    index: str = "index"


class JpaasUnitSource(Rows):
    """Hanweb jpaas column. unit: fallbacks for webId, tplSetId, tagId, pageId when the column page does not say."""

    family: Literal["jpaas_unit"]
    unit: dict[str, str] = Field(default_factory=dict)
    unit_path: str = "/api-gateway/jpaas-publish-server/front/page/build/unit"
    parse_type: str = "bulidstatic"
    page_size: int = Field(default=20, ge=1, le=100)


class HanwebJpageSource(Rows):
    """Older Hanweb: rows stand in a datastore script of the page, more of them in dataproxy.jsp (path `proxy`)."""

    family: Literal["hanweb_jpage"]
    item: Css = "li"
    proxy: str | None = None
    page_size: int = Field(default=100, ge=1, le=100)


class JxQueryListSource(WebSource):
    """Jiangxi platform: POST to list_url (…/queryList) with `form`; column: the page that is sent as Referer.

    {page} in the form is the page number. Records carry the whole text, no detail request is made.
    """

    family: Literal["jx_querylist"]
    form: dict[str, str]
    column: str | None = None
    pages: int = Field(default=1, ge=1, le=200)
    follow: bool = False


class JsonApiSource(WebSource):
    """A JSON address. items: path to the list ('' or '$': the answer itself).  unwrap: jsonp, or a regex around JSON.

    {since}: now minus `since`, in `since_format`.  ok: path and value that tell a good answer (`status: success`).
    """

    family: Literal["json_api"]
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str | int] = Field(default_factory=dict)
    form: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    items: str = ""
    map: FieldMap
    pager: Pager | None = None
    pages: int = Field(default=1, ge=1, le=200)
    unwrap: Regex | None = None
    ok: dict[str, str | int | bool] = Field(default_factory=dict)
    since: Duration = timedelta(days=30)
    since_format: str = "%Y-%m-%d"
    follow: bool = False
    filter: dict[str, Regex] = Field(
        default_factory=dict, description="path to pattern; rows that do not match are left"
    )


class XmlReportSource(WebSource):
    """Records in XML reports. index: the list_url is a list of reports (the newest `reports` are read).

    items: name of the repeated element, older names after it.  Paths of the map are element names; `@x` an attribute.
    """

    family: Literal["xml_report"]
    index: XmlIndex | None = None
    reports: int = Field(default=2, ge=1, le=100)
    items: OneOrMore
    map: FieldMap
    follow: bool = False
    day_first: bool = True


class HotlistSource(WebSource):
    """A hot list. shape: a known answer, or `custom` with items and map. Row n of the answer has rank n."""

    family: Literal["hotlist"]
    shape: Literal["newsnow", "dailyhot", "baidu", "toutiao", "thepaper", "custom"]
    platform: str
    items: str | None = None
    map: FieldMap | None = None
    unwrap: Regex | None = None
    ok: dict[str, str | int | bool] = Field(default_factory=dict)
    follow: bool = False

    @model_validator(mode="after")
    def _custom_has_a_map(self) -> "HotlistSource":
        if self.shape == "custom" and (self.map is None or self.items is None):
            raise ValueError("shape: custom needs items and map")
        return self


class FileImportSource(SourceConfig):
    """Tables dropped into a folder. folder: below the data folder, `inbox/<key>` when not given.

    Paths of the map are header texts (`投诉编号`; several: the first the file has).
    """

    family: Literal["file_import"]
    folder: str | None = None
    pattern: OneOrMore = ("*.csv", "*.xlsx")
    map: FieldMap
    sheet: str | None = None
    max_rows: int = Field(default=100_000, ge=1)
    delay: float = 0.0


AnySource = (
    FeedSource
    | HtmlListSource
    | TrsStaticSource
    | JpaasUnitSource
    | HanwebJpageSource
    | JxQueryListSource
    | JsonApiSource
    | XmlReportSource
    | HotlistSource
    | FileImportSource
)
FAMILIES: dict[str, type[SourceConfig]] = {
    "feed": FeedSource,
    "html_list": HtmlListSource,
    "trs_static": TrsStaticSource,
    "jpaas_unit": JpaasUnitSource,
    "hanweb_jpage": HanwebJpageSource,
    "jx_querylist": JxQueryListSource,
    "json_api": JsonApiSource,
    "xml_report": XmlReportSource,
    "hotlist": HotlistSource,
    "file_import": FileImportSource,
}
KEY_FORM = re.compile(r"[a-z][a-z0-9_]{1,60}")


def load_sources(config_dir: Path, profile: str, *, base: str = "") -> tuple[SourceConfig, ...]:
    """Every source of `profile`, by key. base: replaces {base} in addresses (the demo's sample site).

    Raises ConfigError with every mistake of every file.
    """
    folder = config_dir / "sources" / profile
    found: list[SourceConfig] = []
    mistakes: list[str] = []
    for file in sorted(folder.glob("*.yml")):
        name = f"sources/{profile}/{file.name}"
        source = _load_one(file, name, base, mistakes)
        if source is not None:
            found.append(source)
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(found)


def parse_source(key: str, values: dict[str, Any]) -> SourceConfig:
    """One source from its values (drafts, tests). Raises pydantic's ValidationError, or ConfigError for the family."""
    family = FAMILIES.get(str(values.get("family")))
    if family is None:
        accepted = ", ".join(FAMILIES)
        raise ConfigError([f"{key}: family: {values.get('family')!r} is unknown (accepted: {accepted})"])
    return family.model_validate({**values, "key": key})


def _load_one(file: Path, name: str, base: str, mistakes: list[str]) -> SourceConfig | None:
    if KEY_FORM.fullmatch(file.stem) is None:
        mistakes.append(f"{name}: file name: not a key (accepted: a-z, 0-9 and _, starting with a letter)")
        return None
    if file.stem == CANARY:
        mistakes.append(f"{name}: file name: {CANARY} is the system's own source; rename the file")
        return None
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mistakes.append(f"{name}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}")
        return None
    if not isinstance(values, dict):
        mistakes.append(f"{name}: (whole file): is not a mapping of keys (accepted: title: …, family: …, …)")
        return None
    if "key" in values:
        mistakes.append(f"{name}: key: unknown key; the file's name is the key")
        return None
    values = _with_base(values, base)
    try:
        return parse_source(file.stem, values)
    except ConfigError as error:
        mistakes.extend(mistake.replace(f"{file.stem}: ", f"{name}: ", 1) for mistake in error.mistakes)
    except ValidationError as error:
        mistakes.extend(mistakes_of(name, error, FAMILIES[str(values["family"])]))
    return None


def _with_base(value: Any, base: str) -> Any:
    """`value` with {base} replaced in every text; kept as it is when there is no base to put in."""
    if isinstance(value, str):
        return value.replace("{base}", base.rstrip("/")) if base else value
    if isinstance(value, dict):
        return {key: _with_base(part, base) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_base(part, base) for part in value]
    return value
