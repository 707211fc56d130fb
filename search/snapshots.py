"""Snapshots of the index: what both backends promise. They save the time of a rebuild; the truth is the store's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from core.clock import beijing
from core.errors import UsageError
from search.fields import format_mark

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Snapshot:
    """One snapshot. taken_at: when it began, aware; all that was in the index before is in it.  documents: None where
    unknown.  format: of the fields.  whole: False for one that failed or is still being taken."""

    name: str
    taken_at: datetime
    documents: int | None
    generation: int
    format: str
    whole: bool = True

    def as_json(self) -> dict[str, Any]:
        """What lies beside the snapshot."""
        return {
            "taken_at": beijing(self.taken_at).isoformat(),
            "documents": self.documents,
            "generation": self.generation,
            "format": self.format,
        }

    @classmethod
    def from_json(cls, name: str, found: Mapping[str, Any], *, whole: bool = True) -> "Snapshot":
        """The reverse of `as_json`; KeyError or ValueError for what is not ours."""
        taken_at = datetime.fromisoformat(found["taken_at"])
        return cls(name, taken_at, found["documents"], int(found["generation"]), found["format"], whole)


BeforeSwitch = Callable[[datetime], None]
"""Called with `taken_at` when every write reaches the restored index or waits: sends what is newer to be written."""


class Snapshots(Protocol):
    """Takes and restores. Every method raises SearchUnavailable when the index cannot, UsageError for a wrong name."""

    def take(self, name: str, *, now: datetime) -> Snapshot:
        """A snapshot of the generation in use, whole when it returns. Writers go on."""

    def all(self) -> tuple[Snapshot, ...]:
        """The snapshots, the newest first."""

    def restore(self, name: str, before_switch: BeforeSwitch) -> Snapshot:
        """Put a snapshot in the place of the index: restored beside it, then switched to. Searches go on.

        Whatever goes wrong before the switch leaves the index as it was.
        """


def check_name(name: str) -> None:
    """Raises UsageError for a name that not every server and file system takes."""
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} 不能作快照名（小写字母、数字、. _ -，最多 100 个，例如 2026-11-23）")


def find(snapshots: tuple[Snapshot, ...], name: str) -> Snapshot:
    """The one of that name. Raises UsageError where there is none, or it cannot be restored."""
    check_name(name)
    found = next((one for one in snapshots if one.name == name), None)
    if found is None:
        known = "、".join(one.name for one in snapshots[:10]) or "还没有"
        raise UsageError(f"没有快照 {name}（现有：{known}）")
    if not found.whole:
        raise UsageError(f"快照 {name} 不完整，不能恢复；另选一个，或运行 fengsui reindex 由库重建")
    if found.format != format_mark():
        raise UsageError(f"快照 {name} 的字段格式与本版不同，恢复了也读不了；请运行 fengsui reindex 由库重建")
    return found


def taken_already(name: str) -> UsageError:
    """There is one of that name."""
    return UsageError(f"已有快照 {name}；换一个名字")
