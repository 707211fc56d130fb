"""JSON addresses, each in the shape of a well-known kind of site: page, offset and cursor paging, JSONP, JSON in
strings, seconds and milliseconds, addresses without a scheme. The pages behind the records are plain HTML.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from core.clock import beijing, parse_published
from demo.render.labels import split_labels
from demo.render.page import Reply, Request, body_html, cut, find, json_reply, landing, number, pages_of, seconds
from demo.sources import SampleSource
from demo.story import Item, paragraphs

API: Mapping[str, str] = {
    "county_media": "/api/news/list",
    "complaint_board": "/api/index/feed",
    "microblog": "/api/container/getIndex",
    "video_titles": "/api/aweme/list",
    "shop_reviews": "/comment/productPageComments.action",
    "cpsc_like": "/RestWebServices/Recall",
}
BEHIND: Mapping[str, str] = {
    "county_media": "/share/{token}.html",
    "complaint_board": "/complaint/view/{token}/",
    "microblog": "/detail/{token}",
    "video_titles": "/video/{token}",
    "shop_reviews": "/item/{token}.html",
    "cpsc_like": "/Recalls/{token}",
}
CALLBACK = re.compile(r"[A-Za-z_]\w{0,40}")
CPSC_LABELS = (
    "Name of Product",
    "Product",
    "Hazard",
    "Remedy",
    "Units",
    "Description",
    "Incidents/Injuries",
    "Incidents",
    "Manufacturer",
    "Importer",
    "Manufactured In",
    "Manufactured in",
    "Country of origin",
    "Recall number",
)


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The API's answer or the page behind a record; None for anything else."""
    if request.path == API[source.id]:
        return SHAPES[source.id](source, items, request)
    item = next((item for item in items if request.path == _path(source, item)), None)
    if item is None or find(items, item.token) is None:
        return None
    return landing(source, items, item, lambda other: f"{source.root}{_path(source, other)}")


def _path(source: SampleSource, item: Item) -> str:
    return BEHIND[source.id].format(token=item.token)


def _link(source: SampleSource, item: Item, request: Request) -> str:
    return f"{request.base}{source.root}{_path(source, item)}"


def _epoch(item: Item) -> int:
    return int(item.published.timestamp())


def _county(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    page, size = number(request.query.get("pageNum"), 1), number(request.query.get("pageSize"), 20, most=50)
    records = [
        {
            "id": int(item.token),
            "title": item.title,
            "content": body_html(item),
            "mediaName": item.author or source.title,
            "publishTime": _epoch(item) * 1000,
            "shareUrl": _link(source, item, request),
            "viewCount": int(item.token) % 4999,
        }
        for item in cut(items, page, size)
    ]
    value = {"code": 0, "msg": "success", "data": {"total": len(items), "pageNum": page, "records": records}}
    return json_reply(value, items)


def _complaints(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    page, size = number(request.query.get("page"), 1), number(request.query.get("page_size"), 10, most=20)
    lists = [
        {
            "main": {
                "sn": item.token,
                "title": item.title,
                "summary": item.text,
                "url": _link(source, item, request).removeprefix("http:"),
                "timestamp": str(_epoch(item)),
                "status": 4,
            },
            "author": {"title": item.author or "匿名用户", "avatar": "/static/avatar.png", "gender": ""},
        }
        for item in cut(items, page, size)
    ]
    pager = {"current": page, "item_count": len(items), "page_amount": pages_of(items, size)}
    value = {"result": {"status": {"code": 0, "msg": "succ"}, "data": {"lists": lists, "pager": pager}}}
    return json_reply(value, items)


def _microblog(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    """since_id: the id of the last post one has; a withdrawn one starts over."""
    tokens = [item.token for item in items]
    since = request.query.get("since_id", "")
    start = tokens.index(since) + 1 if since in tokens else 0
    shown = items[start : start + source.page_size]
    cards = [
        {
            "card_type": 9,
            "scheme": _link(source, item, request),
            "mblog": {
                "id": item.token,
                "created_at": f"{beijing(item.published):%a %b %d %H:%M:%S +0800 %Y}",
                "status_title": item.title,
                "text": "<br />".join(paragraphs(item.text)),
                "source": "客户端",
                "region_name": "发布于 江西",
                "user": {"id": int(item.token) * 7 % 10**10, "screen_name": item.author, "avatar_hd": "/static/a.png"},
            },
        }
        for item in shown
    ]
    following = shown[-1].token if start + source.page_size < len(items) else None
    return json_reply({"ok": 1, "data": {"cardlistInfo": {"since_id": following}, "cards": cards}}, items)


def _videos(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    offset = int(text) if (text := request.query.get("offset", "0")).isdigit() else 0
    count = number(request.query.get("count"), source.page_size, most=30)
    shown = items[offset : offset + count]
    records = [
        {
            "aweme_id": item.token,
            "desc": item.title,
            "create_time": _epoch(item),
            "share_url": _link(source, item, request),
            "extra": json.dumps({"caption": item.text, "music": "原声"}, ensure_ascii=False),
            "author": {"nickname": item.author, "uid": str(int(item.token) * 3)},
        }
        for item in shown
    ]
    more = int(offset + count < len(items))
    return json_reply({"status_code": 0, "has_more": more, "max_cursor": offset + count, "aweme_list": records}, items)


def _reviews(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    page = int(text) if (text := request.query.get("page", "0")).isdigit() else 0
    size = number(request.query.get("pageSize"), 10, most=20)
    comments = [
        {
            "id": int(item.token),
            "guid": item.token,
            "referenceName": item.title,
            "content": item.text,
            "creationTime": seconds(item),
            "nickname": item.author,
            "productUrl": _link(source, item, request).removeprefix("http:"),
        }
        for item in cut(items, page + 1, size)
    ]
    reply = json_reply({"maxPage": pages_of(items, size), "comments": comments}, items)
    callback = request.query.get("callback", "")
    if not CALLBACK.fullmatch(callback):
        return reply
    wrapped = callback.encode() + b"(" + reply.body + b");"
    return Reply(wrapped, "application/javascript;charset=utf-8", reply.modified)


def _cpsc(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    """The whole list, or what was published from LastPublishDateStart on."""
    since = request.query.get("LastPublishDateStart") or request.query.get("RecallDateStart") or "1970-01-01"
    try:
        start = parse_published(since) - timedelta(days=1)
    except ValueError:
        start = parse_published("1970-01-01")
    shown = [_recall(source, item, request) for item in items if item.published >= start]
    return json_reply(shown, items)


def _recall(source: SampleSource, item: Item, request: Request) -> dict[str, Any]:
    parts, loose = split_labels(item.text, CPSC_LABELS)

    def said(*labels: str) -> list[str]:
        return [value for label, value in parts if label in labels]

    return {
        "RecallID": int(item.token),
        "RecallNumber": "".join(said("Recall number")[:1]),
        "RecallDate": f"{beijing(item.first_published):%Y-%m-%d}T00:00:00",
        "LastPublishDate": f"{beijing(item.published):%Y-%m-%dT%H:%M:%S}",
        "Title": item.title,
        "Description": "\n".join([*said("Description"), loose]).strip(),
        "URL": _link(source, item, request),
        "Products": [
            {
                "Name": "".join(said("Name of Product", "Product")[:1]),
                "Model": "",
                "Type": "",
                "NumberOfUnits": "".join(said("Units")[:1]),
            }
        ],
        "Hazards": [{"Name": value, "HazardType": ""} for value in said("Hazard")],
        "Injuries": [{"Name": value} for value in said("Incidents/Injuries", "Incidents")],
        "Remedies": [{"Name": value} for value in said("Remedy")],
        "Manufacturers": [{"Name": value} for value in said("Manufacturer")],
        "Importers": [{"Name": value} for value in said("Importer")],
        "ManufacturerCountries": [
            {"Country": value} for value in said("Manufactured In", "Manufactured in", "Country of origin")
        ],
        "Images": [],
        "ProductUPCs": [],
    }


SHAPES: Mapping[str, Callable[[SampleSource, Sequence[Item], Request], Reply]] = {
    "county_media": _county,
    "complaint_board": _complaints,
    "microblog": _microblog,
    "video_titles": _videos,
    "shop_reviews": _reviews,
    "cpsc_like": _cpsc,
}
