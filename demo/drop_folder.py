"""The 12315 export: CSV files as the hotline's clerks hand them over, in GB18030, people's names inside.

What lies open from the start comes as one file a day; after that a file comes as soon as a complaint is out. A file is
written beside its place and renamed, so a reader never sees half of one, and is written once: a small state file
remembers how far the export has come (killed between the two, the same file is written again with the same rows).
Names and numbers of people are made up; they are there so that the import has something to drop.
"""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from core.clock import beijing
from demo.story import LIVE_FROM, Page, Story

SOURCE = "export_12315"
FOLDER = f"drop/{SOURCE}"
STATE_FILE = "demo_export.json"
HEADER = (
    "投诉编号",
    "登记时间",
    "投诉人姓名",
    "联系电话",
    "证件号码",
    "标题",
    "投诉内容",
    "登记渠道",
    "办理状态",
)


@dataclass(frozen=True)
class DropFolder:
    """Writes the export files of `story` that are due below `data`."""

    story: Story
    data: Path

    def write_due(self, wall: datetime) -> list[Path]:
        """Write what came out since the last call; returns the new files."""
        state = self.data / STATE_FILE
        done = _read(state)
        present = self.story.clock.now(wall)
        written = []
        for name, pages in self._batches():
            end = max(page.versions[-1].at for page in pages)
            if done < end <= present:
                written.append(self._write(name, pages))
        if written:
            latest = max(at for page in self._pages() if (at := page.versions[-1].at) <= present)
            _replace(state, json.dumps({"exported_to_seconds": latest.total_seconds()}).encode())
        return written

    def _pages(self) -> list[Page]:
        return sorted(self.story.shelves.get(SOURCE, ()), key=lambda page: page.versions[-1].at)

    def _batches(self) -> Iterator[tuple[str, list[Page]]]:
        batches: dict[str, list[Page]] = {}
        for page in self._pages():
            at = page.versions[-1].at
            day = f"{beijing(self.story.clock.calendar(at)):%Y%m%d}"
            name = f"12315导出_{day}.csv"
            if at >= LIVE_FROM:
                name = f"12315导出_{day}_{beijing(self.story.clock.calendar(at)):%H%M}.csv"
            batches.setdefault(name, []).append(page)
        yield from batches.items()

    def _write(self, name: str, pages: list[Page]) -> Path:
        table = StringIO()
        writer = csv.writer(table)
        writer.writerow(HEADER)
        writer.writerows(self._row(page) for page in pages)
        path = self.data / FOLDER / name
        _replace(path, table.getvalue().encode("gb18030"), at=max(self._shown(page) for page in pages))
        return path

    def _shown(self, page: Page) -> datetime:
        return self.story.clock.shown(page.versions[-1].at)

    def _row(self, page: Page) -> tuple[str, ...]:
        said = page.versions[-1]
        number = int(page.token)
        return (
            f"36-{page.token}",
            f"{beijing(self._shown(page)):%Y-%m-%d %H:%M:%S}",
            said.author or "匿名",
            f"1380000{number % 10_000:04d}",
            f"36000019000101{number % 1000:03d}X",
            said.title,
            said.text,
            ("热线", "小程序", "来函", "窗口")[number % 4],
            ("已受理", "办理中", "已办结")[number % 3],
        )


def _read(state: Path) -> timedelta:
    if not state.exists():
        return timedelta.min
    return timedelta(seconds=json.loads(state.read_text(encoding="utf-8"))["exported_to_seconds"])


def _replace(path: Path, content: bytes, *, at: datetime | None = None) -> None:
    """at: when the file was last changed, as a clerk's file is as old as its last row; now when not given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    draft.write_bytes(content)
    if at is not None:
        os.utime(draft, (at.timestamp(), at.timestamp()))
    os.replace(draft, path)
