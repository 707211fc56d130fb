"""Family `hotlist`: what a platform's readers look at now. Rank and heat are those of the first sighting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from scrapy.http import Response

from config.source_parts import FieldMap, Pick
from config.sources import HotlistSource
from core.errors import SourceChanged
from crawlers.base import Items
from crawlers.charset import decode_page
from crawlers.families.api import RecordsSpider, check_ok, members
from crawlers.pick import json_of
from crawlers.records import read_record


@dataclass(frozen=True)
class Shape:
    """A known answer: where its lines are and what tells that it is a good one."""

    items: str
    map: FieldMap
    ok: Mapping[str, str | int | bool] = field(default_factory=dict)
    unwrap: str | None = None


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
    "baidu": Shape("data.cards.0.content[]", _map("word", text="desc", heat="hotScore"), unwrap=r"<!--s-data:(.*?)-->"),
    "toutiao": Shape("data[]", _map("Title", url="Url", heat="HotValue")),
    "thepaper": Shape("data.hotNews[]", _map("name", url="link", heat="praiseTimes", published="pubTimeLong")),
}
GOOD_NEWSNOW = ("success", "cache")


class HotlistSpider(RecordsSpider[HotlistSource]):
    """A line of the list is a document; one that is known already is not saved again."""

    async def read_list(self, response: Response) -> Items:
        source = self.source
        shape = self._shape()
        try:
            answer = json_of(decode_page(response.body).text, shape.unwrap)
        except (ValueError, RecursionError) as error:
            raise SourceChanged(f"{response.url}: the answer is no JSON: {error}") from error
        check_ok(answer, shape.ok, response.url)
        if source.shape == "newsnow" and answer.get("status") not in GOOD_NEWSNOW:
            raise SourceChanged(f"{response.url}: status is {answer.get('status')!r}, success or cache expected")
        lines = members(answer, shape.items)
        for rank, line in enumerate(lines[: source.max_items], 1):
            raw = read_record(source, shape.map, line, self.origin(response), now=self.now)
            if raw is None or (isinstance(line, dict) and line.get("isTop") is True):
                continue
            self.run.row(raw.published)
            name = f"{source.platform}:{''.join(raw.title.split())}"
            if self.context.intake.known(source.key, name):
                self.run.counts["unchanged"] += 1
                continue
            fields = {**raw.fields, "platform": source.platform, "rank": str(rank)}
            published = raw.published or self.now
            date_source = raw.date_source if raw.published else "first_seen"
            yield replace(raw, external_id=name, fields=fields, published=published, date_source=date_source)

    def _shape(self) -> Shape:
        source = self.source
        if source.shape != "custom":
            return SHAPES[source.shape]
        if source.map is None or source.items is None:
            raise SourceChanged("shape: custom needs items and map")
        return Shape(source.items, source.map, source.ok, source.unwrap)
