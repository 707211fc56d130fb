"""One spider a family; code belongs to a family, not to a site."""

from typing import Any

from crawlers.base import SourceSpider
from crawlers.families.api import JsonApiSpider
from crawlers.families.feed import FeedSpider
from crawlers.families.hanweb import HanwebJpageSpider, JpaasUnitSpider
from crawlers.families.hotlist import HotlistSpider
from crawlers.families.listing import HtmlListSpider, TrsStaticSpider
from crawlers.families.querylist import JxQueryListSpider
from crawlers.families.xml_report import XmlReportSpider

SPIDERS: dict[str, type[SourceSpider[Any]]] = {
    "feed": FeedSpider,
    "html_list": HtmlListSpider,
    "trs_static": TrsStaticSpider,
    "jpaas_unit": JpaasUnitSpider,
    "hanweb_jpage": HanwebJpageSpider,
    "jx_querylist": JxQueryListSpider,
    "json_api": JsonApiSpider,
    "xml_report": XmlReportSpider,
    "hotlist": HotlistSpider,
}
