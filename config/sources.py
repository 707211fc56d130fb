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

from config.instances import FILE, PLACE, host_and_port, load_instances
from config.mistakes import mistakes_of
from config.source_parts import (
    Css,
    Detail,
    Expect,
    FieldMap,
    Lookup,
    OneOrMore,
    Pager,
    PrivateHost,
    Regex,
    Size,
    Strict,
    XmlIndex,
)
from config.yaml_text import yaml_of
from core.durations import Duration, format_duration
from core.errors import ConfigError
from core.hours import Hours
from core.records import CANARY, Kind

KEPT = ("hotlist", "file_import")
"""Families that keep their interval: a hot list is a sample in time, a folder costs no one anything."""
SOONEST = timedelta(minutes=15)
"""The catalogue's shortest interval for news; what asks more often (hot lists, the demo) keeps its rhythm."""
DAILY = timedelta(days=1)
"""What is to be asked once a day or less (overseas, bulk) is not asked more often, and nothing less often by itself."""
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
    every: Duration = Field(gt=timedelta(0), description="the interval to begin with")
    floor: Duration | None = Field(default=None, gt=timedelta(0), description="never visited more often than this")
    ceiling: Duration | None = Field(default=None, description="never left alone for longer than this")
    jitter: Duration = timedelta(0)
    region: str | None = Field(
        default=None, pattern=r"^(\d{6}|[A-Z]{2}|INT)$", description="whose it is: 360000, a country (CN, US, EU), INT"
    )
    lang: Literal["zh", "en", "ja"] = "zh"
    attribution: str = ""
    note: str = ""
    expect: Expect = Expect()
    # politeness
    delay: float = Field(default=3.0, ge=0, description="seconds between two requests to one host")
    autothrottle: bool = True
    timeout: Duration = timedelta(seconds=30)
    max_size: Size = 20 * 1024**2
    max_items: int = Field(default=500, ge=1, description="new rows taken in one run; the rest waits for the next")
    max_time: Duration = timedelta(minutes=15)
    allow_private: tuple[PrivateHost, ...] = Field(
        default=(), description="private hosts this source may reach: `host` for all its ports, `host:port` for one"
    )
    # reading
    encoding: str | None = Field(default=None, description="overrides what server and page say")
    day_first: bool = Field(default=False, description="05/04/2026 is 5 April")
    facts: dict[str, str] = Field(
        default_factory=dict, description="facts that hold for every document of this source (agency, jurisdiction)"
    )
    month_first: bool = Field(default=False, description="04/05/2026 is 5 April; with neither it is nobody's guess")
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

    @property
    def fastest(self) -> timedelta:
        """The shortest interval: `floor`, else a third of `every`, but no less than SOONEST."""
        if self.floor is not None:
            return self.floor
        return max(self.every / 3, SOONEST) if self._free else self.every

    @property
    def slowest(self) -> timedelta:
        """The longest interval: `ceiling`, else four times `every`, but no more than a day."""
        if self.ceiling is not None:
            return self.ceiling
        return max(self.every, min(self.every * 4, DAILY)) if self._free else self.every

    @property
    def _free(self) -> bool:
        """Whether the interval may move where the file names no bounds: see KEPT, SOONEST and DAILY."""
        return self.family not in KEPT and SOONEST <= self.every < DAILY

    @model_validator(mode="after")
    def _bounds_hold_the_start(self) -> "SourceConfig":
        if not self.fastest <= self.every <= self.slowest:
            fast, start, slow = map(format_duration, (self.fastest, self.every, self.slowest))
            raise ValueError(f"floor {fast}, every {start}, ceiling {slow} (accepted: floor <= every <= ceiling)")
        return self

    @model_validator(mode="after")
    def _dates_read_one_way(self) -> "SourceConfig":
        if self.day_first and self.month_first:
            raise ValueError("month_first: day_first says the opposite (accepted: one of them)")
        return self


class WebSource(SourceConfig):
    """A source that is fetched from `list_url`; {year} in it is the year in Beijing."""

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
            if not re.match(r"(https?://|\{base\})", url) and not PLACE.match(url):
                raise ValueError(f"list_url: {url!r} is no web address (accepted: https://…, http://…, {{base}}/…)")
        return self


class FeedSource(WebSource):
    """RSS, Atom, RDF or JSON Feed. follow: fetch each entry's page; without it the feed's own text is the document."""

    family: Literal["feed"]
    follow: bool = False
    entry_fields: dict[str, Css] = Field(default_factory=dict, description="facts in the HTML of an entry")


class Rows(WebSource):
    """Rows of an HTML list, each with a link to a page of its own; follow: false keeps the headlines only."""

    item: Css
    link: Css = "a"
    item_title: Css | None = Field(default=None, description="the link's title attribute or text when not given")
    item_date: Css | None = None
    item_fields: dict[str, Css] = Field(default_factory=dict, description="further facts in the row")
    pages: int = Field(default=1, ge=1, le=200)
    accept: Regex | None = Field(default=None, description="only links that match")
    same_host: bool = True


class HtmlListSource(Rows):
    """page_url: address of page n from 2 on, with {page}; `next`: selector of the link to the next page instead.

    form: the list is asked for by POST, with {page} in a value where there are more pages.  first_page: the number
    {page} has on the first page.
    """

    family: Literal["html_list"]
    page_url: str | None = None
    next: Css | None = None
    method: Literal["GET", "POST"] = "GET"
    form: dict[str, str] = Field(default_factory=dict)
    first_page: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _form_is_posted(self) -> "HtmlListSource":
        if self.form and self.method != "POST":
            raise ValueError("form: is sent by POST (accepted: method: POST with form: {name: value})")
        return self


class TrsStaticSource(Rows):
    """TRS column: index.html, then index_1.html which is page 2. index, ending: the stem and ending of these names."""

    family: Literal["trs_static"]
    index: str = "index"
    ending: Literal["html", "htm", "shtml"] = "html"


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
    """A JSON address. items: path to the list ('' or '$': the answer itself).  unwrap: jsonp, lines, or a regex.

    {since}: now minus `since`, in `since_format`.  ok: path and value that tell a good answer (`status: success`).
    lookup: list_url is a page that names the address of the records.
    """

    family: Literal["json_api"]
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, str | int] = Field(default_factory=dict)
    form: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    items: str = ""
    map: FieldMap
    lookup: Lookup | None = None
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

    Paths of the map are header texts (`投诉编号`; several: the first the file has), in JSON files keys or dotted paths.
    items: where the records of a JSON file stand, when that is not plain.
    """

    family: Literal["file_import"]
    folder: str | None = None
    pattern: OneOrMore = ("*.csv", "*.xlsx", "*.xls", "*.et", "*.ods", "*.tsv", "*.json", "*.jsonl", "*.ndjson")
    map: FieldMap
    items: str | None = None
    sheet: str | None = None
    max_rows: int = Field(default=100_000, ge=1)
    delay: float = 0.0

    @property
    def place(self) -> str:
        """The folder, below the data folder."""
        return self.folder or f"inbox/{self.key}"

    def remembered_as(self, sha256: str) -> tuple[str, str]:
        """What a file of these bytes is remembered by: read to its end, and read up to max_rows."""
        return f"sha256:{sha256}", f"sha256:{sha256}:{self.max_rows}"


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
    places = {"base": base.rstrip("/"), **load_instances(config_dir, mistakes)}
    for file in sorted(folder.glob("*.yml")):
        name = f"sources/{profile}/{file.name}"
        source = _load_one(file, name, places, mistakes)
        if source is not None:
            found.append(source)
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(found)


def load_source(file: Path, *, config_dir: Path | None = None, name: str = "", base: str = "") -> SourceConfig:
    """The source of one file, whatever its neighbours look like. name: what to call it in mistakes (its path).

    config_dir: where the addresses of self-hosted instances stand.

    Raises ConfigError with every mistake of the file.
    """
    mistakes: list[str] = []
    places = {"base": base.rstrip("/"), **(load_instances(config_dir, mistakes) if config_dir else {})}
    source = _load_one(file, name or str(file), places, mistakes)
    if source is None:
        raise ConfigError(mistakes)
    return source


def parse_source(key: str, values: dict[str, Any]) -> SourceConfig:
    """One source from its values (drafts, tests). Raises pydantic's ValidationError, or ConfigError for the family."""
    family = FAMILIES.get(str(values.get("family")))
    if family is None:
        accepted = ", ".join(FAMILIES)
        raise ConfigError([f"{key}: family: {values.get('family')!r} is unknown (accepted: {accepted})"])
    return family.model_validate({**values, "key": key})


def _load_one(file: Path, name: str, places: Mapping[str, str], mistakes: list[str]) -> SourceConfig | None:
    if KEY_FORM.fullmatch(file.stem) is None:
        mistakes.append(f"{name}: file name: not a key (accepted: a-z, 0-9 and _, starting with a letter)")
        return None
    if file.stem == CANARY:
        mistakes.append(f"{name}: file name: {CANARY} is the system's own source; rename the file")
        return None
    try:
        values = yaml_of(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mistakes.append(f"{name}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}")
        return None
    if not isinstance(values, dict):
        mistakes.append(f"{name}: (whole file): is not a mapping of keys (accepted: title: …, family: …, …)")
        return None
    if "key" in values:
        mistakes.append(f"{name}: key: unknown key; the file's name is the key")
        return None
    values = _at_instances(_with_places(values, places), values, places)
    try:
        return _reachable(parse_source(file.stem, values), name, mistakes)
    except ConfigError as error:
        mistakes.extend(mistake.replace(f"{file.stem}: ", f"{name}: ", 1) for mistake in error.mistakes)
    except ValidationError as error:
        mistakes.extend(mistakes_of(name, error, FAMILIES[str(values["family"])]))
    return None


def _with_places(value: Any, places: Mapping[str, str]) -> Any:
    """`value` with {base}, {newsnow}, … replaced in every text; kept as it is where there is nothing to put in."""
    if isinstance(value, str):
        for name, address in places.items():
            value = value.replace(f"{{{name}}}", address) if address else value
        return value
    if isinstance(value, dict):
        return {key: _with_places(part, places) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_places(part, places) for part in value]
    return value


def _at_instances(filled: dict[str, Any], values: dict[str, Any], places: Mapping[str, str]) -> dict[str, Any]:
    """An office that names its own instance allows it to be asked, also where it is on a private network."""
    named = [places[name] for name in PLACE.findall(str(values.get("list_url"))) if places.get(name)]
    hosts = [host_and_port(address) for address in named]
    return {**filled, "allow_private": [*(filled.get("allow_private") or ()), *hosts]} if hosts else filled


def _reachable(source: SourceConfig, name: str, mistakes: list[str]) -> SourceConfig:
    """A source that is on needs the addresses it speaks of."""
    for url in source.addresses if source.enabled else ():
        for place in PLACE.findall(url):
            mistakes.append(
                f"{name}: list_url: {{{place}}} has no address (accepted: one in {FILE}, `{place}: http://host:port`; "
                "or enabled: false)"
            )
    return source
