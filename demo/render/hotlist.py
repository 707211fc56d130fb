"""A hot list as a newsnow instance answers it: GET /api/s?id=<list>. It holds the newest fifty, the latest first.

A line's heat, rank and trend stand in extra.info; extra.date is in milliseconds.
"""

import re
from collections.abc import Sequence

from demo.render.page import Reply, Request, find, json_reply, landing
from demo.sources import SampleSource
from demo.story import Item

NEWEST = 50
TOPIC = re.compile(r"/topic/(\d{9})")


def answer(source: SampleSource, items: Sequence[Item], request: Request) -> Reply | None:
    """The list or the page of a topic; None for anything else."""
    if request.path == "/api/s" and request.query.get("id") == source.channel:
        return _list(source, items[:NEWEST], request)
    if (match := TOPIC.fullmatch(request.path)) and (item := find(items, match[1])):
        return landing(source, items, item, lambda other: f"{source.root}/topic/{other.token}")
    return None


def _list(source: SampleSource, items: Sequence[Item], request: Request) -> Reply:
    lines = []
    for item in items:
        url = f"{request.base}{source.root}/topic/{item.token}"
        moment = int(item.published.timestamp()) * 1000
        lines.append(
            {
                "id": item.token,
                "title": item.title,
                "url": url,
                "mobileUrl": url,
                "extra": {"info": item.text, "hover": item.text, "date": moment},
            }
        )
    updated = lines[0]["extra"]["date"] if lines else 0  # type: ignore[index]
    return json_reply({"status": "success", "id": source.channel, "updatedTime": updated, "items": lines}, items)
