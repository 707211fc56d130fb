"""One request of one person: who it is, what the desk may use, and how it answers."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse

from alerts.lateness import late_words
from alerts.reasons import REASONS, reason_word
from core.clock import iso_beijing
from core.durations import duration_words
from crawlers.problem_words import in_chinese
from store.users import SEEN_STEP, find_session, touch_session
from web import times
from web.access import ROLE_NAMES, Viewer
from web.health import index_lag
from web.help_text import help_of
from web.history import MOMENTS, action_word, actor_name
from web.inbox import open_counts
from web.language.catalogue import Catalogue
from web.language.choice import CHINESE, ENGLISH, LANGUAGES, address_in, language_of
from web.language.compile import english_environment
from web.names import (
    AUDIT_WORDS,
    CANARY_STAGES,
    CHANNELS,
    DELIVERY_STATES,
    DETAIL_WORDS,
    ROLES_IN_TEXT,
    RUN_STATES,
    STAGES,
    STATES,
    Names,
)
from web.security import cookie_name, cross_site, same
from web.services import Services
from web.wording import condition_words, scope_words, span_word

STALE = "操作未生效：页面已过期或不是由本系统打开的。请返回上一页，刷新后再试。"
OWN_AFFAIRS = ("/account", "/signout")
"""What is open to somebody who has yet to set up a second step,"""
NEW_KEYS = ("/account/tokens", "/account/feeds", "/account/walls")
"""but for these: what is made there opens the desk without one."""
PASSING = ("page", "did", "said", "refused", "batch", "pane", "back")
"""Parameters of an address that say what just happened: they are left out of its links."""
TEMPLATES = Path(__file__).parent / "templates"
NONE: Mapping[str, str] = {}


class SignInNeeded(Exception):
    """Nobody is signed in; the page is shown after signing in."""

    def __init__(self, wanted: str) -> None:
        super().__init__(wanted)
        self.wanted = wanted


class TwoStepNeeded(Exception):
    """The role must set up a second step of signing in before it sees anything."""


class Refused(Exception):
    """The request is answered with a sentence instead of a page. more: what the API says beside it.  headers: of it."""

    def __init__(
        self, status: int, sentence: str, *, more: Mapping[str, Any] | None = None, headers: Mapping[str, str] = NONE
    ) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.more, self.headers = status, sentence, more or {}, headers


def make_templates(catalogue: Catalogue) -> Mapping[str, Environment]:
    """Templates by language: everything is escaped, a missing name is an error."""
    how: dict[str, Any] = {
        "loader": FileSystemLoader(TEMPLATES),
        "autoescape": True,
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    made = {CHINESE: Environment(**how), ENGLISH: english_environment(catalogue, **how)}
    for language, env in made.items():
        words = _shared_words()
        spoken = {name: catalogue.spoken(word) for name, word in words.items()} if language == ENGLISH else words
        env.globals |= spoken | {"language": language, "LANGUAGES": LANGUAGES}
        env.filters["thousands"] = lambda number: f"{number:,}"
    made[CHINESE].filters["said"] = in_chinese
    made[ENGLISH].filters["said"] = str  # what crawlers say is English to begin with
    return made


def _shared_words() -> dict[str, Any]:
    return {
        "STATES": STATES,
        "RUN_STATES": RUN_STATES,
        "DELIVERY_STATES": DELIVERY_STATES,
        "CANARY_STAGES": CANARY_STAGES,
        "STAGES": STAGES,
        "ROLE_NAMES": ROLE_NAMES,
        "ROLES_IN_TEXT": ROLES_IN_TEXT,
        "CHANNELS": CHANNELS,
        "AUDIT_WORDS": AUDIT_WORDS,
        "DETAIL_WORDS": DETAIL_WORDS,
        "span": span_word,
        "lasting": duration_words,
        "condition": condition_words,
        "scope": scope_words,
        "MOMENTS": MOMENTS,
        "REASONS": REASONS,
        "reason_word": reason_word,
        "action_word": action_word,
        "actor_name": actor_name,
        "late_words": late_words,
        "once": lambda: secrets.token_urlsafe(12),
        "iso": iso_beijing,
        "limit_of": times.limit_of,
    }


class Visit:
    """A request with its viewer."""

    def __init__(self, request: Request, me: Viewer) -> None:
        self.request = request
        self.me = me
        self.services: Services = request.app.state.services
        self.language = language_of(request, me.user.language)
        self.names: Names = request.app.state.names[self.language]
        self.now: datetime = self.services.story()

    def link(self, **changes: str | int | None) -> str:
        """This address with some of its parameters changed; None drops one. A change of filter drops the page."""
        kept = {name: value for name, value in self.request.query_params.items() if name not in PASSING}
        for name, value in changes.items():
            kept.pop(name, None)
            if value is not None and value != "":
                kept[name] = str(value)
        return f"?{urlencode(kept)}" if kept else self.request.url.path

    def page(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Render a page for this viewer."""
        with self.services.store.read() as db:
            waiting = open_counts(db, self.me, self.services.clock())
            lag = index_lag(db, self.services.clock())
        zone = " Beijing time" if self.language == ENGLISH else times.ZONE
        shared: Mapping[str, Any] = {
            "me": self.me,
            "now": self.now,
            "drawn": self.services.clock().isoformat(timespec="seconds"),
            "path": self.request.url.path,
            "help_page": help_of(self.request.url.path),
            "link": self.link,
            "here": address_in(self.request, None) if self.request.method == "GET" else "/",
            "names": self.names,
            "demo": self.services.demo,
            "waiting": waiting,
            "lag": lag,
            "gap": self.request.app.state.gap.sentence,
            "acting": self.services.act is not None,
            "when": lambda moment, form="short": times.stamp(moment, self.now, form, zone=zone),
        }
        env: Environment = self.request.app.state.templates[self.language]
        return HTMLResponse(env.get_template(template).render(**shared, **context), status_code=status)


def redirect(path: str) -> RedirectResponse:
    """After a form: look at the result with a GET."""
    return RedirectResponse(path, status_code=303)


def find_viewer(request: Request) -> Viewer | None:
    """Who the cookie belongs to."""
    services: Services = request.app.state.services
    secret = request.cookies.get(cookie_name(services.settings))
    if not secret:
        return None
    now = services.clock()
    with services.store.read() as db:
        session = find_session(db, secret, now=now)
    if session is None:
        return None
    if now - session.seen_at > SEEN_STEP:
        with services.store.write() as db:
            touch_session(db, session.key, now=now)
    return Viewer(session.user, services.lexicon.regions, session.csrf, session.key, session.how)


def without_nul(values: Iterable[Any]) -> None:
    """No database takes it in a text, and nobody types it. Raises Refused."""
    if any(isinstance(value, str) and "\0" in value for value in values):
        raise Refused(400, "其中有看不见的控制字符（编码 0）。请去掉后再试。")


def admitted(request: Request) -> Viewer | None:
    """Who the cookie belongs to, if nothing is lacking before they may look. Raises TwoStepNeeded."""
    services: Services = request.app.state.services
    viewer = find_viewer(request)
    lacks = viewer is not None and viewer.lacks_two_step(services.sign_in.two_step_for)
    path = request.url.path
    if lacks and (not path.startswith(OWN_AFFAIRS) or path.startswith(NEW_KEYS)):
        raise TwoStepNeeded
    return viewer


def signed_in(request: Request) -> Visit:
    """The visit of somebody who is signed in. Raises SignInNeeded, TwoStepNeeded."""
    viewer = admitted(request)
    if viewer is None:
        query = f"?{request.url.query}" if request.url.query else ""
        raise SignInNeeded(request.url.path + query if request.method == "GET" else "/")
    address_without_nul(request)
    _not_too_fast(request, viewer)
    return Visit(request, viewer)


def _not_too_fast(request: Request, viewer: Viewer) -> None:
    """Raises Refused where one account searches or takes away more than a person would."""
    asked = request.app.state.pace.take(
        request.method, request.url.path, viewer.name, request.app.state.services.clock()
    )
    if asked is not None and asked.level.wait:
        told = f"{asked.what}过快：每分钟至多 {asked.level.per_minute} 次。请在 {asked.level.wait} 秒后再试。"
        raise Refused(429, told, headers=asked.level.headers)


def address_without_nul(request: Request) -> None:
    """As without_nul, for all of an address."""
    without_nul((request.url.path, *request.path_params.values(), *request.query_params.values()))


async def checked_form(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> FormData:
    """The posted form, if it came from a page of ours. Raises Refused."""
    form = await request.form(max_files=0, max_fields=100)
    if cross_site(request) or not same(form.get("csrf"), visit.me.csrf):
        raise Refused(403, STALE)
    without_nul(form.values())
    return form


async def checked_upload(request: Request, visit: Annotated[Visit, Depends(signed_in)]) -> FormData:
    """The same for a form with one file. Raises Refused."""
    form = await request.form(max_files=1, max_fields=40)
    if cross_site(request) or not same(form.get("csrf"), visit.me.csrf):
        raise Refused(403, STALE)
    without_nul(form.values())
    return form


def once_of(form: FormData) -> str:
    """The idempotency key of a form. Raises Refused."""
    key = str(form.get("once", ""))
    if not 8 <= len(key) <= 64:
        raise Refused(400, "操作未生效：表单不完整。请刷新后再试。")
    return key


Here = Annotated[Visit, Depends(signed_in)]
Posted = Annotated[FormData, Depends(checked_form)]
Uploaded = Annotated[FormData, Depends(checked_upload)]
