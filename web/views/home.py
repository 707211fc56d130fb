"""今日: what must be done now, what changed, whether the system itself is well."""

from fastapi import APIRouter
from starlette.responses import Response

from web.visit import Here

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(visit: Here) -> Response:
    """The first page."""
    return visit.page("home.html")
