"""Help: a page for each screen, one that lists them, and a look-up through all of them."""

from fastapi import APIRouter
from starlette.responses import Response

from web.help_text import all_help, look_up
from web.visit import Here, Refused

router = APIRouter(include_in_schema=False)
MOST_ASKED = 80


@router.get("/help")
def show_help(visit: Here, q: str = "") -> Response:
    """How a shift is worked, keys, the query language, levels, all screens; with `q`, where help speaks of it."""
    asked = q.strip()[:MOST_ASKED]
    return visit.page("help.html", asked=asked, found=list(look_up(asked)), screens=all_help())


@router.get("/help/{screen}")
def show_screen(visit: Here, screen: str) -> Response:
    """The help of one screen."""
    page = all_help().get(screen)
    if page is None:
        raise Refused(404, "没有这一页帮助。各页的帮助都列在帮助页上。")
    return visit.page("help_screen.html", page=page, screens=all_help())
