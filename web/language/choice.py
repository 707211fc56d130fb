"""In which language somebody reads the desk."""

from collections.abc import Mapping

from starlette.requests import Request

CHINESE, ENGLISH = "zh", "en"
LANGUAGES: Mapping[str, str] = {CHINESE: "中文", ENGLISH: "English"}
"""Each by its own name."""
DOOR_COOKIE = "fengsui_language"
"""Chosen at the door, before there is an account to keep it; signing in moves it into the account."""
KEPT = 3600


def language_of(request: Request, of_account: str | None = None) -> str:
    """`lang` of the address for this once, else the account's, else what was chosen at the door; unknown ones do not
    count."""
    at_door = request.cookies.get(DOOR_COOKIE) if of_account is None else None
    wishes = (request.query_params.get("lang", ""), of_account or "", at_door or "")
    return next((wish for wish in wishes if wish in LANGUAGES), CHINESE)


def address_in(request: Request, language: str | None) -> str:
    """The address of this page in a language; None: as it is without one."""
    url = request.url.remove_query_params("lang")
    if language is not None:
        url = url.include_query_params(lang=language)
    return f"{url.path}?{url.query}" if url.query else url.path
