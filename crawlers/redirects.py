"""Redirects: five hops, never in a circle, never out of the web; none is dropped without a word."""

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.context import Refused

MOVED = frozenset((301, 302, 303, 307, 308))


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
        elif response.status in MOVED and location:
            raise Refused(f"redirects to {location}: only http and https are fetched")
        return following
