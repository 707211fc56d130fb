"""已存检索: keep a search under a name, share it, watch it, take it along as a private feed."""

from fastapi import APIRouter
from starlette.datastructures import FormData, QueryParams
from starlette.responses import Response

from core.errors import UsageError
from search.query import QueryError, parse_query
from store import audit, tokens
from store.searches import (
    LONGEST_NAME,
    SavedSearch,
    delete_search,
    find_search,
    list_searches,
    mark_seen,
    rename_search,
    save_search,
    share_search,
    unwatch_search,
    watch_search,
)
from web.rule_search import search_text
from web.saved import asked_of, may_change, may_see, news_of
from web.search_state import read_state
from web.visit import Here, Posted, Refused, Visit, redirect

router = APIRouter(include_in_schema=False)
MOST_FEEDS = 20
SAID = {
    "renamed": "已改名。", "shared": "已共享：属地相关的同事可以看到；各人看到的结果按各自属地裁剪。",
    "unshared": "已不再共享。", "deleted": "已删去。", "watched": "已关注。", "unwatched": "已取消关注。",
    "seen": "已全部看过。",
}  # fmt: skip


@router.get("/search/saved")
def show_saved(visit: Here, said: str = "") -> Response:
    """All searches this person may see, with what is new in those they watch."""
    return _page(visit, said=SAID.get(said, ""))


@router.post("/search/saved")
def save(visit: Here, form: Posted) -> Response:
    """Keep the search of the form's address; back to it."""
    now = visit.services.clock()
    asked = read_state(QueryParams(str(form.get("address", ""))[:10_000]), visit.now)
    address = asked.address
    name, shared = str(form.get("name", "")), form.get("shared") == "1"
    try:
        parse_query(asked.text)
    except QueryError as problem:
        told = f"没有存下：检索语句第 {problem.column} 列读不懂，{problem.message}。"
        return _page(visit, problem=told, typed=name, address=address, status=400)
    try:
        with visit.services.store.write() as db:
            made = save_search(db, visit.me.name, name, address, shared=shared, now=now)
            if form.get("watch") == "1":
                watch_search(db, made, visit.me.name, now=now)
            details = {"address": address, "shared": shared}
            audit.note(db, visit.me.name, "save_search", name[:LONGEST_NAME], at=now, details=details)
    except UsageError as problem:
        return _page(visit, problem=f"没有存下：{problem}。", typed=name, address=address, status=400)
    return redirect(f"/search?{address}" if address else "/search")


@router.post("/search/saved/seen")
def see_all(visit: Here, form: Posted) -> Response:
    """Everything in the watched searches has been looked at."""
    now = visit.services.clock()
    with visit.services.store.write() as db:
        watched = [each.id for each in list_searches(db, visit.me.name) if each.seen_at]
        mark_seen(db, watched, visit.me.name, now=now)
    return redirect("/search/saved?said=seen")


@router.post("/search/saved/{search_id}/rename")
def rename(visit: Here, form: Posted, search_id: str) -> Response:
    """Another name."""
    search, now, name = _changed(visit, search_id), visit.services.clock(), str(form.get("name", ""))
    try:
        with visit.services.store.write() as db:
            rename_search(db, search.id, name, now=now)
            details = {"before": search.name, "owner": search.owner}
            audit.note(db, visit.me.name, "rename_search", name[:LONGEST_NAME], at=now, details=details)
    except UsageError as problem:
        return _page(visit, problem=f"没有改名：{problem}。", status=400)
    return redirect("/search/saved?said=renamed")


@router.post("/search/saved/{search_id}/share")
def share(visit: Here, form: Posted, search_id: str) -> Response:
    """Show it to colleagues, or no longer."""
    search, now, shared = _changed(visit, search_id), visit.services.clock(), form.get("shared") == "1"
    with visit.services.store.write() as db:
        share_search(db, search.id, shared, now=now)
        action = "share_search" if shared else "unshare_search"
        audit.note(db, visit.me.name, action, search.name, at=now, details={"owner": search.owner})
    return redirect(f"/search/saved?said={'shared' if shared else 'unshared'}")


@router.post("/search/saved/{search_id}/delete")
def delete(visit: Here, form: Posted, search_id: str) -> Response:
    """Take it away."""
    search, now = _changed(visit, search_id), visit.services.clock()
    with visit.services.store.write() as db:
        delete_search(db, search.id)
        details = {"owner": search.owner, "address": search.address}
        audit.note(db, visit.me.name, "delete_search", search.name, at=now, details=details)
    return redirect("/search/saved?said=deleted")


@router.post("/search/saved/{search_id}/watch")
def watch(visit: Here, form: Posted, search_id: str) -> Response:
    """Be told of new hits, or no longer."""
    search, now, wanted = _seen(visit, search_id), visit.services.clock(), form.get("watch") == "1"
    try:
        with visit.services.store.write() as db:
            if wanted:
                watch_search(db, search.id, visit.me.name, now=now)
            else:
                unwatch_search(db, search.id, visit.me.name)
    except UsageError as problem:
        return _page(visit, problem=f"没有关注：{problem}。", status=409)
    return _back(form, search, "watched" if wanted else "unwatched")


@router.post("/search/saved/{search_id}/feed")
def make_feed(visit: Here, form: Posted, search_id: str) -> Response:
    """A private feed of its hits. The address is shown on this answer and never again."""
    search, now = _seen(visit, search_id), visit.services.clock()
    with visit.services.store.write() as db:
        if len(tokens.list_tokens(db, visit.me.name, purpose="feed")) >= MOST_FEEDS:
            raise Refused(409, f"订阅地址已有 {MOST_FEEDS} 个。请先在账号页作废不用的。")
        note, details = f"检索：{search.name}", {"search": search.id}
        secret = tokens.create_token(db, "feed", user=visit.me.name, note=note, now=now, details=details)
        audit.note(db, visit.me.name, "create_feed", note, at=now)
    base = visit.services.settings.public_url.rstrip("/")
    return _page(visit, feed=f"{base}/feeds/{secret}/search.atom", feed_name=search.name)


def _back(form: FormData, search: SavedSearch, said: str) -> Response:
    """To the search itself when the form stood there, else to the list."""
    if form.get("back") == "search":
        return redirect(f"/search?{search.address}" if search.address else "/search")
    return redirect(f"/search/saved?said={said}")


def _seen(visit: Visit, search_id: str) -> SavedSearch:
    """The search, if this person may see it. Raises Refused."""
    with visit.services.store.read() as db:
        search = find_search(db, search_id, user=visit.me.name)
    if search is None or not (may_see(visit.me, search) or may_change(visit.me, search)):
        raise Refused(404, f"没有已存检索 {search_id[:40]}，或已不再共享。")
    return search


def _changed(visit: Visit, search_id: str) -> SavedSearch:
    """The search, if this person may change it. Raises Refused."""
    search = _seen(visit, search_id)
    if not may_change(visit.me, search):
        raise Refused(403, f"“{search.name}”由{search.owner_name}所存，只有本人或管理员可以改动。可另存一份。")
    return search


def _page(
    visit: Visit, *, said: str = "", problem: str = "", typed: str = "", address: str = "", feed: str = "",
    feed_name: str = "", status: int = 200,
) -> Response:  # fmt: skip
    with visit.services.store.read() as db:
        searches = [each for each in list_searches(db, visit.me.name) if may_see(visit.me, each)]
    watched = [each for each in searches if each.seen_at]
    news = {each.search.id: each for each in news_of(visit.services, visit.me, watched, visit.now)}
    return visit.page(
        "search_saved.html", status=status, said=said, problem=problem, typed=typed, address=address, feed=feed,
        feed_name=feed_name, searches=searches, news=news, may_change=lambda each: may_change(visit.me, each),
        longest=LONGEST_NAME, told=lambda each: _told(visit, each),
    )  # fmt: skip


def _told(visit: Visit, search: SavedSearch) -> str:
    """What it asks for, in the query language; empty where its address can no longer be read."""
    asked = asked_of(search, visit.now)
    return search_text(asked, visit.names, visit.services.query_names).query if asked else ""
