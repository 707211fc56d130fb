"""What the parts of one crawl share, and the reasons for which a request comes to nothing."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from config.sources import SourceConfig
from core.clock import Clock
from core.ids import digest, to_json
from crawlers.archive import Archive
from crawlers.attached.worker import FileReader
from crawlers.intake import Intake, Validators
from crawlers.run import Run

if TYPE_CHECKING:
    from crawlers.guard import AddressGuard
    from crawlers.pace import Pace
    from crawlers.robots import RobotsCache

PRODUCT = "Fengsui/0.1"
"""What we call ourselves: in the User-Agent, and so in the robots.txt of whoever copies it from there."""
LIST, PAGE, WATCH, FILE, ROBOTS = "list", "page", "watch", "file", "robots"
"""Roles of a request: a list, a page behind a row, a page only watched for vanishing, an attachment, robots.txt."""


@dataclass(frozen=True)
class CrawlContext:
    """Everything a spider and its middlewares need; one per run. backoff: first pause before a retry."""

    source: SourceConfig
    run: Run
    intake: Intake
    archive: Archive
    clock: Clock
    guard: "AddressGuard"
    robots: "RobotsCache"
    pace: "Pace"
    user_agent: str
    files: FileReader
    backoff: timedelta = field(default=timedelta(seconds=5))


def context_of(crawler: Crawler) -> CrawlContext:
    """The context that the runner gave to this crawler's spider."""
    context = getattr(crawler.spider, "context", None)
    if not isinstance(context, CrawlContext):
        raise TypeError("this spider was not started by crawlers.runner")
    return context


def asked_url(one: Request | Response) -> str:
    """The address that was asked for, before any redirect."""
    return str((one.meta.get("redirect_urls") or [one.url])[0])


def role_of(request: Request) -> str:
    """What the request is for."""
    return str(request.meta.get("role", PAGE))


def validators_key(source: SourceConfig, request: Request) -> str:
    """Where the validators of a request are kept.

    A list's key carries its body and the source's settings: an edited file is read anew, whatever the server says.
    """
    if role_of(request) != LIST:
        return str(request.url)
    settings = digest(to_json(source.model_dump(mode="json")), request.body.decode("latin-1"))[:12]
    return f"{request.url}#{settings}"


class NotModified(IgnoreRequest):
    """304, or the same bytes as last time."""

    def __init__(self, validators: Validators) -> None:
        super().__init__("not modified")
        self.validators = validators


class PageGone(IgnoreRequest):
    """404 or 410, or an answer that means the same."""

    def __init__(self, status: int, why: str = "") -> None:
        super().__init__(why or f"HTTP {status}")
        self.status = status


class Refused(IgnoreRequest):
    """The answer cannot be used: an error status, too long, a forbidden address."""


class Unreachable(Refused):
    """No answer, or only that of a server in trouble, however often it was asked: the next run may fare better."""


class Blocked(IgnoreRequest):
    """The site wants us gone. wait: for how long."""

    def __init__(self, why: str, wait: timedelta) -> None:
        super().__init__(why)
        self.wait = wait


class Forbidden(Blocked):
    """robots.txt does not allow it: a forbidden list ends the run, any other page is left out of it."""
