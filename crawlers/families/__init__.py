"""One spider a family; code belongs to a family, not to a site."""

from typing import Any

from crawlers.base import SourceSpider
from crawlers.families.api import JsonApiSpider
from crawlers.families.feed import FeedSpider
from crawlers.families.listing import HtmlListSpider, TrsStaticSpider

SPIDERS: dict[str, type[SourceSpider[Any]]] = {
    "feed": FeedSpider,
    "html_list": HtmlListSpider,
    "trs_static": TrsStaticSpider,
    "json_api": JsonApiSpider,
}
