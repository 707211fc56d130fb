"""The sample pack as the public may read it, on a calendar in which day 0 is the day the demo was first started.

Nothing here carries the pack's ids, kinds, incidents or truth: the only way back from an address to a pack id is
`pack_id_of`, and only the scoring script calls it.

Story time. The pack counts days from -59 to 0. Day 0 is the Beijing day on which the story was first opened, and stays
that day afterwards. All that happened before day -2 lies open at once; days -2, -1 and 0 are released while one
watches, by a story clock that starts at 00:00 of day -2 and runs `speed` story seconds a real second. It is tied to the
wall clock by the moments kept in the state file, so it neither starts again nor goes back after a restart (a kill in
mid-write included); while nothing runs it goes on, as the world does. At another speed it goes on from where it stands.

Shown times. A text shows its story time. Started before half past nine in the morning, the story would get ahead of the
present; such a text shows the moment it was released instead. So no page is ever dated in the future, the whole pack is
out after the same ten minutes at any hour of the day, and the order of texts is always the pack's.

What is changed or withdrawn before day -2 has been changed or withdrawn when the first crawler comes: as on any site,
the earlier text is gone. A changed page shows the time of the change.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from core.clock import BEIJING, as_utc, beijing, parse_published
from core.errors import UsageError
from core.ids import digest
from core.records import Table

PACK = Path(__file__).resolve().parent / "pack"
LIVE_FROM = timedelta(days=-2)
"""Offset at which the story clock starts: 00:00 of day -2."""
DEFAULT_SPEED = 432.0
"""Story seconds a real second: three days in ten minutes."""
STATE_FILE = "demo_story.json"
TOKEN = re.compile(r"(?<!\d)\d{9}(?!\d)")


@dataclass(frozen=True)
class Version:
    """What a page says from `at` on. at: offset from 00:00 Beijing of day 0."""

    at: timedelta
    title: str
    text: str
    author: str | None
    tables: tuple[Table, ...]
    attachments: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """One address of one source and all it ever says, oldest version first; gone_at: from then on it answers 404."""

    token: str
    source: str
    versions: tuple[Version, ...]
    gone_at: timedelta | None


@dataclass(frozen=True)
class Item:
    """A page as it stands at one moment. published: aware UTC, never after it. first_published: of version 1."""

    token: str
    source: str
    title: str
    text: str
    author: str | None
    published: datetime
    first_published: datetime
    tables: tuple[Table, ...]
    attachments: tuple[str, ...]


def token_of(pack_id: str) -> str:
    """Nine digits that stand for a pack id in public addresses."""
    return str(100_000_000 + int(digest("fengsui sample pack", pack_id)[:16], 16) % 900_000_000)


def read_pack(folder: Path = PACK) -> list[dict[str, Any]]:
    """The pack's rows as annotated, secrets included: for this module and the scoring script only."""
    rows: list[dict[str, Any]] = []
    for name in sorted(path.name for path in folder.glob("part*.jsonl")):
        with (folder / name).open(encoding="utf-8") as lines:
            rows.extend(json.loads(line) for line in lines)
    return rows


def pack_id_of(address: str, folder: Path = PACK) -> str | None:
    """The pack id behind a public address or external id (the first one of a page that was changed), or None."""
    known = _pack_ids(folder)
    for token in TOKEN.findall(address):
        if token in known:
            return known[token]
    return None


@cache
def _pack_ids(folder: Path) -> Mapping[str, str]:
    return {token_of(row["id"]): row["id"] for row in read_pack(folder) if row["revision_of"] is None}


def load_pages(folder: Path = PACK) -> tuple[Page, ...]:
    """Every page of the pack, in order of first publication. Raises UsageError when two would share an address."""
    rows = {row["id"]: row for row in read_pack(folder)}
    chains: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows.values(), key=_offset):
        first = row
        while first["revision_of"] is not None:
            first = rows[first["revision_of"]]
        chains.setdefault(first["id"], []).append(row)
    pages = tuple(_page(token_of(first), chain) for first, chain in chains.items())
    if len({page.token for page in pages}) != len(pages):
        raise UsageError("demo pack: two documents have the same public address (change the salt in demo/story.py)")
    return pages


def _page(token: str, chain: Sequence[Mapping[str, Any]]) -> Page:
    withdrawn = [row["withdrawn_day"] for row in chain if row["withdrawn_day"] is not None]
    return Page(
        token=token,
        source=chain[0]["source"],
        versions=tuple(_version(row) for row in chain),
        gone_at=timedelta(days=withdrawn[0]) if withdrawn else None,
    )


def _version(row: Mapping[str, Any]) -> Version:
    return Version(
        at=_offset(row),
        title=row["title"],
        text=row["text"],
        author=row["author"],
        tables=tuple(tuple(tuple(cells) for cells in table) for table in row.get("tables", ())),
        attachments=tuple(row.get("attachments", ())),
    )


def _offset(row: Mapping[str, Any]) -> timedelta:
    hours, minutes = row["time"].split(":")
    return timedelta(days=row["day"], hours=int(hours), minutes=int(minutes))


@dataclass(frozen=True)
class Leg:
    """From `wall` (aware UTC) on, when the story stood at `story`, it ran at `speed`."""

    wall: datetime
    story: timedelta
    speed: float


@dataclass(frozen=True)
class StoryClock:
    """Turns the present into an offset of the story, and an offset into the time a page shows."""

    day_zero: date
    legs: tuple[Leg, ...]

    def now(self, wall: datetime) -> timedelta:
        """How far the story has come at `wall`: everything at or before this offset is out."""
        leg = next((leg for leg in reversed(self.legs) if leg.wall <= wall), self.legs[0])
        return leg.story + max(timedelta(), wall - leg.wall) * leg.speed

    def released(self, offset: timedelta) -> datetime:
        """When the story clock reached `offset`; what was out from the start came out when the story was opened."""
        leg = next((leg for leg in reversed(self.legs) if leg.story <= offset), self.legs[0])
        return leg.wall + max(timedelta(), offset - leg.story) / leg.speed

    def calendar(self, offset: timedelta) -> datetime:
        """The story time of `offset` on the calendar, aware UTC."""
        return as_utc(datetime.combine(self.day_zero, datetime.min.time(), BEIJING) + offset)

    def shown(self, offset: timedelta) -> datetime:
        """The time a page of that offset shows: its story time, or its release where the story is ahead. UTC."""
        return min(self.calendar(offset), self.released(offset).replace(microsecond=0))


def open_clock(folder: Path, *, now: datetime, speed: float | None = DEFAULT_SPEED) -> StoryClock:
    """The story clock kept in `folder`; made when there is none, turned to `speed` when that is another one.

    speed: story seconds a real second; None: as it is kept. Raises UsageError when it is not above 0 or the state file
    cannot be read.
    """
    if speed is not None and not speed > 0:
        raise UsageError(f"--speed {speed}: must be above 0 (story seconds a real second)")
    path = folder / STATE_FILE
    if path.exists():
        clock = _read_clock(path)
        if speed in (None, clock.legs[-1].speed):
            return clock
        clock = StoryClock(clock.day_zero, (*clock.legs, Leg(now, clock.now(now), speed or DEFAULT_SPEED)))
    else:
        clock = StoryClock(beijing(now).date(), (Leg(now, LIVE_FROM, speed or DEFAULT_SPEED),))
    _write_clock(path, clock)
    return clock


def _read_clock(path: Path) -> StoryClock:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        legs = tuple(
            Leg(parse_published(leg["wall"]), timedelta(seconds=leg["story_seconds"]), leg["speed"])
            for leg in state["legs"]
        )
        return StoryClock(date.fromisoformat(state["day_zero"]), legs)
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not a story clock ({error}); `make demo-reset` starts the demo anew") from error


def _write_clock(path: Path, clock: StoryClock) -> None:
    legs = [
        {"wall": leg.wall.isoformat(), "story_seconds": leg.story.total_seconds(), "speed": leg.speed}
        for leg in clock.legs
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"day_zero": clock.day_zero.isoformat(), "legs": legs}), encoding="utf-8")
    os.replace(draft, path)


@dataclass(frozen=True)
class Story:
    """The pages of the pack by source, on a clock: what each source shows at a moment."""

    shelves: Mapping[str, tuple[Page, ...]]
    clock: StoryClock

    def items(self, source: str, wall: datetime) -> list[Item]:
        """What `source` shows at `wall`, newest first, withdrawn pages left out."""
        present = self.clock.now(wall)
        items = [item for page in self.shelves.get(source, ()) if (item := self._item(page, present))]
        return sorted(items, key=lambda item: (item.published, item.token), reverse=True)

    def _item(self, page: Page, present: timedelta) -> Item | None:
        said = [version for version in page.versions if version.at <= present]
        if not said or (page.gone_at is not None and page.gone_at <= present):
            return None
        latest = said[-1]
        return Item(
            token=page.token,
            source=page.source,
            title=latest.title,
            text=latest.text,
            author=latest.author,
            published=self.clock.shown(latest.at),
            first_published=self.clock.shown(said[0].at),
            tables=latest.tables,
            attachments=latest.attachments,
        )


def open_story(folder: Path, *, now: datetime, speed: float | None = DEFAULT_SPEED) -> Story:
    """The pack on the story clock of `folder` (see `open_clock`)."""
    shelves: dict[str, tuple[Page, ...]] = {}
    for page in load_pages():
        shelves[page.source] = (*shelves.get(page.source, ()), page)
    return Story(shelves, open_clock(folder, now=now, speed=speed))


def paragraphs(text: str) -> Iterable[str]:
    """The paragraphs of a pack text, blank ones left out."""
    return (line.strip() for line in text.split("\n") if line.strip())
