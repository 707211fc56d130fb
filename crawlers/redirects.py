"""Redirects: five hops, never in a circle, never out of the web; none is dropped without a word."""

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.context import Refused, context_of
from crawlers.urls import host_of, port_of

MOVED = frozenset((301, 302, 303, 307, 308))
OF_THE_PAGE = ("If-None-Match", "If-Modified-Since")
"""What an address said of itself is nothing to ask another one with."""


class FollowMiddleware(RedirectMiddleware):
    """Scrapy's own, which hands a redirect to its filter of addresses seen before: a circle ended there unseen."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        """The next request, or the answer. Raises Refused for a redirect that is not followed."""
        location = (response.headers.get("Location") or b"")[:200].decode("latin-1")
        try:
            following = super().process_response(request, response)
        except IgnoreRequest as error:
            raise Refused(f"redirects without end, last to {location}") from error
        except ValueError as error:
            raise Refused(f"redirects to what is no address: {location}") from error
        if isinstance(following, Request):
            if following.method == "GET" and following.url in (request.url, *request.meta.get("redirect_urls", ())):
                raise Refused(f"redirects in a circle, to {location}")
            following.dont_filter = True
            self._keep_to_ourselves(request, following)
        elif response.status in MOVED and location:
            raise Refused(f"redirects to {location}: only http and https are fetched")
        return following

    def _keep_to_ourselves(self, request: Request, following: Request) -> None:
        """The headers of a source's file may be keys: they are for its own site only. Scrapy knows just two by name."""
        source = context_of(self.crawler).source
        own = {} if _one_site(request.url, following.url) else getattr(source, "headers", {})
        for name in (*OF_THE_PAGE, *own):
            following.headers.pop(name, None)


def _one_site(url: str, following: str) -> bool:
    """Whether both are the same host's, at the same port or moved from http to https."""
    places = [(one.partition(":")[0].lower(), port_of(one)) for one in (url, following)]
    return host_of(url) == host_of(following) and (places[0] == places[1] or places == [("http", 80), ("https", 443)])
