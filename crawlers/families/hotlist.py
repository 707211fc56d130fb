"""Family `hotlist`: what a platform's readers look at now.

A line is a document once, with the rank and heat of its first sighting; how it went on is kept beside (`HotLine`).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scrapy.http import Response

from config.source_parts import FieldMap, Pick
from config.sources import HotlistSource
from core.errors import SourceChanged
from core.records import HotLine, RawDocument
from crawlers.base import Items
from crawlers.charset import decode_page
from crawlers.families.api import check_ok
from crawlers.families.records import RecordsSpider, members
from crawlers.pick import first_at, json_of

HEAT = re.compile(r"(\d+(?:\.\d+)?)\s*([万亿wWkK]?)")
HEAT_UNITS = {"": 1, "k": 10**3, "w": 10**4, "万": 10**4, "亿": 10**8}


@dataclass(frozen=True)
class Shape:
    """A known answer: where its lines are and what tells that it is a good one.

    deeper: where a member that is no line itself holds lines.
    """

    items: str
    map: FieldMap
    ok: Mapping[str, str | int | bool] = field(default_factory=dict)
    unwrap: str | None = None
    deeper: str = ""


def _map(title: str, *, url: str = "url", text: str = "", heat: str = "", published: str = "") -> FieldMap:
    fields = {"heat": Pick(path=(heat,))} if heat else {}
    return FieldMap(
        title=Pick(path=(title,)),
        url=Pick(path=(url,)),
        text=Pick(path=(text,)) if text else None,
        published=Pick(path=tuple(published.split())) if published else None,
        fields=fields,
    )


SHAPES: Mapping[str, Shape] = {
    "newsnow": Shape("items[]", _map("title", text="extra.hover", heat="extra.info", published="pubDate extra.date")),
    "dailyhot": Shape("data[]", _map("title", text="desc", heat="hot", published="timestamp"), {"code": 200}),
    "baidu": Shape(
        "data.cards.0.content[]",
        _map("word", text="desc", heat="hotScore"),
        unwrap=r"<!--s-data:(.*?)-->",
        deeper="content[]",
    ),
    "toutiao": Shape("data[]", _map("Title", url="Url", heat="HotValue")),
    "thepaper": Shape("data.hotNews[]", _map("name", url="link", heat="praiseTimes", published="pubTimeLong")),
}
GOOD_NEWSNOW = ("success", "cache")


class HotlistSpider(RecordsSpider[HotlistSource]):
    """A line of the list is a document; one that is known already is not saved again, only where it stands now."""

    async def read_list(self, response: Response) -> Items:
        shape = self._shape()
        try:
            answer = json_of(decode_page(response.body).text, shape.unwrap)
        except (ValueError, RecursionError) as error:
            raise SourceChanged(f"{response.url}: the answer is no JSON: {error}") from error
        check_ok(answer, shape.ok, response.url)
        if self.source.shape == "newsnow" and first_at(answer, "status") not in GOOD_NEWSNOW:
            status = first_at(answer, "status")
            raise SourceChanged(f"{response.url}: status is {status!r}, success or cache expected")
        lines = list(lines_of(answer, shape))
        ranked = [
            replace(raw, external_id=self._line_id(raw), fields={**raw.fields, "rank": str(rank)})
            for rank, raw in enumerate(await self.documents_of(lines, shape.map, self.origin(response)), 1)
        ]
        self.context.intake.hot([self._hot_line(raw) for raw in ranked])
        new = [raw for raw in ranked if not self.run.knows(raw)]
        self.run.counts["unchanged"] += len(ranked) - len(new)
        for raw in ranked:
            self.run.row(raw.published)
        for raw in self.taken(new):
            fields = {**raw.fields, "platform": self.source.platform}
            published, date_source = (raw.published, raw.date_source) if raw.published else (self.now, "first_seen")
            yield replace(raw, fields=fields, published=published, date_source=date_source)

    def _line_id(self, raw: RawDocument) -> str:
        return f"{self.source.platform}:{normal_title(raw.title)}"

    def _hot_line(self, raw: RawDocument) -> HotLine:
        heat = raw.fields.get("heat", "")
        return HotLine(
            platform=self.source.platform,
            name=normal_title(raw.title),
            title=raw.title,
            url=raw.url,
            rank=int(raw.fields["rank"]),
            heat=heat_number(heat),
            heat_text=heat,
            seen_at=self.now,
        )

    def _shape(self) -> Shape:
        source = self.source
        if source.shape != "custom":
            return SHAPES[source.shape]
        if source.map is None or source.items is None:
            raise SourceChanged("shape: custom needs items and map")
        return Shape(source.items, source.map, source.ok, source.unwrap)


def lines_of(answer: Any, shape: Shape) -> Iterator[Any]:
    """The lines of an answer, those that stand one level deeper included; what is pinned to the top has no rank."""
    for member in members(answer, shape.items):
        nested: Sequence[Any] = members(member, shape.deeper) if shape.deeper else ()
        for line in nested or (member,):
            if not (isinstance(line, Mapping) and line.get("isTop") is True):
                yield line


def normal_title(title: str) -> str:
    """What two spellings of one headline share: width, case, white space, signs around it do not count."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", title).casefold() if sign.isalnum()) or title.strip()


def heat_number(text: str) -> int | None:
    """`261.9万` as 2619000; None where the text holds no number."""
    match = HEAT.search(text.replace(",", ""))
    return round(float(match[1]) * HEAT_UNITS[match[2].lower()]) if match else None
