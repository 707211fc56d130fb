"""Scrapy's settings for one source. Robots, retries, conditional requests and the archive are our own.

A source's run is a Scrapy crawler of its own, and Scrapy copies all its settings deeply for each: two thirds of the
cost of a feed that has nothing new (benchmarks/crawl_throughput.py). Nothing changes them after the start, so the
values are shared and only their holders are copied; and what is not used is not built.
"""

from functools import cache
from typing import Any, Self

from scrapy.settings import Settings, SettingsAttribute

from config.sources import SourceConfig

REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
UNUSED_MIDDLEWARES = (
    "offsite.OffsiteMiddleware", "robotstxt.RobotsTxtMiddleware", "httpauth.HttpAuthMiddleware",
    "retry.RetryMiddleware", "redirect.MetaRefreshMiddleware", "redirect.RedirectMiddleware",
    "cookies.CookiesMiddleware", "httpproxy.HttpProxyMiddleware", "httpcache.HttpCacheMiddleware",
)  # fmt: skip
UNUSED_EXTENSIONS = (
    "logcount.LogCount", "telnet.TelnetConsole", "memusage.MemoryUsage", "memdebug.MemoryDebugger",
    "feedexport.FeedExporter", "logstats.LogStats", "spiderstate.SpiderState", "remote_control.RemoteControl",
)  # fmt: skip
MIDDLEWARES: dict[str, int | None] = {
    **{f"scrapy.downloadermiddlewares.{name}": None for name in UNUSED_MIDDLEWARES},
    "crawlers.guard.GuardMiddleware": 50,
    "crawlers.robots.RobotsMiddleware": 60,
    "crawlers.middlewares.ArchiveMiddleware": 510,
    "crawlers.middlewares.GoneMiddleware": 512,
    "crawlers.middlewares.ChallengeMiddleware": 515,
    "crawlers.middlewares.CharsetMiddleware": 520,
    "crawlers.middlewares.ConditionalMiddleware": 530,
    "crawlers.middlewares.StatusMiddleware": 540,
    "crawlers.redirects.FollowMiddleware": 600,
}


class SharedSettings(Settings):
    """Settings whose copies share their values."""

    def copy(self) -> Self:
        made = type(self).__new__(type(self))
        made.frozen = False
        made.attributes = {
            name: SettingsAttribute(attribute.value, attribute.priority) for name, attribute in self.attributes.items()
        }
        return made


def settings_for(source: SourceConfig, user_agent: str) -> Settings:
    """What a run of this source is made with."""
    settings, polite = _same_for_all().copy(), source.delay > 0
    settings.setdict(
        {
            "USER_AGENT": user_agent,
            "DEPTH_LIMIT": getattr(source, "pages", 1) + 3,
            "CONCURRENT_REQUESTS_PER_DOMAIN": 1 if polite else 4,
            "AUTOTHROTTLE_ENABLED": source.autothrottle and polite,
            "DOWNLOAD_TIMEOUT": source.timeout.total_seconds(),
            "DOWNLOAD_MAXSIZE": source.max_size,
            "CLOSESPIDER_TIMEOUT": source.max_time.total_seconds(),
        },
        priority="spider",
    )
    return settings


@cache
def _same_for_all() -> SharedSettings:
    same: dict[str, Any] = {
        "DOWNLOADER_MIDDLEWARES": MIDDLEWARES,
        "SPIDER_MIDDLEWARES": {"scrapy.spidermiddlewares.httperror.HttpErrorMiddleware": None},
        "EXTENSIONS": {f"scrapy.extensions.{name}": None for name in UNUSED_EXTENSIONS},
        "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https"), "crawlers.connections.PacedHandler"),
        "ITEM_PIPELINES": {"crawlers.runner.SavePipeline": 100},
        "TWISTED_REACTOR": REACTOR,
        "LOG_ENABLED": False,
        "REDIRECT_MAX_TIMES": 5,
        "REFERRER_POLICY": "strict-origin-when-cross-origin",  # an address may hold a key
        "CONCURRENT_REQUESTS": 8,
        "CONCURRENT_ITEMS": 4,
        "DOWNLOAD_DELAY": 0,  # crawlers/pace.py, for all sources of a host
        "AUTOTHROTTLE_START_DELAY": 0,
        "AUTOTHROTTLE_MAX_DELAY": 60.0,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 0.5,
        "DOWNLOAD_WARNSIZE": 0,
        "CLOSESPIDER_ERRORCOUNT": 20,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,application/json;q=0.9,*/*;q=0.8",
            "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
        },
    }
    return SharedSettings(same)
