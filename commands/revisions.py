"""What changed in a document: diff."""

from typing import Annotated, Any

import typer

from commands.asking import print_json
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from core.clock import iso_beijing
from core.errors import FengsuiError, UsageError
from core.records import Document
from pipelines.revision_diff import Line, Part, Version, compare_versions
from pipelines.shown import shown_text, shown_title
from store.documents import find_signal, revisions_of

MARKS = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(diff)


def diff(
    document: Annotated[str, typer.Argument(metavar="ID", help="document id")],
    older: Annotated[int | None, typer.Option("--from", min=1, help="revision; default: the one before --to")] = None,
    newer: Annotated[int | None, typer.Option("--to", min=1, help="revision; default: the newest")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """两版之间改了什么：[-删去-] {+新增+} (what changed between two revisions; counters and related lists left out)."""
    settings = settings_of(data, profile, log_level="WARNING")
    with open_store(settings).read() as db:
        kept = {each.revision: each for each in revisions_of(db, document)}
        if not kept:
            raise FengsuiError(f"no document {document} (fengsui search shows ids)")
        to = newer or max(kept)
        start = older or to - 1
        if older is None and len(kept) == 1:
            raise FengsuiError(f"{document} has one revision: nothing to compare")
        missing = [number for number in (start, to) if number not in kept]
        if missing:
            raise UsageError(f"{document} has no revision {missing[0]} (accepted: 1 to {max(kept)})")
        before, after = (_version(kept[number], db) for number in (start, to))
    parts = compare_versions(before, after)
    if as_json:
        print_json({"id": document, "from": _told(before), "to": _told(after), "parts": [_part(one) for one in parts]})
        return
    print(f"{document}  第 {start} 版（{_day(before)}）→ 第 {to} 版（{_day(after)}）")
    for part in parts:
        print(f"\n{part.name}" + ("" if part.changed else "（未变）"))
        for line in part.lines if part.changed else ():
            print(f"{'~' if _changed(line) else ' '} {''.join(MARKS[piece.kind].format(piece.text) for piece in line)}")


def _version(document: Document, db: Any) -> Version:
    signal = find_signal(db, document.id, document.revision)
    analysis = signal.analysis if signal else None
    return Version(document, shown_title(document, analysis), shown_text(document, analysis))


def _changed(line: Line) -> bool:
    return any(piece.kind != "same" for piece in line)


def _day(version: Version) -> str:
    return iso_beijing(version.document.fetched_at)[:16].replace("T", " ")


def _told(version: Version) -> dict[str, Any]:
    document = version.document
    return {
        "revision": document.revision,
        "fetched_at": iso_beijing(document.fetched_at),
        "withdrawn_at": iso_beijing(document.withdrawn_at) if document.withdrawn_at else None,
    }


def _part(part: Part) -> dict[str, Any]:
    lines = [[{"kind": piece.kind, "text": piece.text} for piece in line] for line in part.lines]
    return {"name": part.name, "changed": part.changed, "lines": lines}
