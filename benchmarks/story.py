"""A story pack through `fengsui ingest`, as its user would do it, scored against the pack's truth.json.

    python -m benchmarks.story                              the sample pack
    python -m benchmarks.story FOLDER --registry FIRMS.csv  another pack: part*.jsonl and truth.json, with its own firms
    python -m benchmarks.story --json                       one JSON object

In time: an alert of the asked level rests on the incident by the pack's 'should have alerted by'.  Unfounded: an alert
above level IV (blue) that rests only on texts whose truth level is 0 or 1.  Pages that the pack takes down stay: the
lines of `fengsui ingest` know no such thing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from core.clock import BEIJING
from demo.score import IncidentScore, Score, Truth, render, score
from demo.sources import SOURCES
from demo.story import PACK, read_pack

DAY_ZERO = date(2026, 11, 23)
ROOT = Path(__file__).resolve().parent.parent


def ingest_lines(rows: Sequence[Mapping[str, Any]], day_zero: date) -> Iterator[dict[str, Any]]:
    """The pack's documents as `fengsui ingest` takes them: nothing of the annotation goes along."""
    by_id = {row["id"]: row for row in rows}
    for row in rows:
        first = row
        while first["revision_of"] is not None:
            first = by_id[first["revision_of"]]
        source = SOURCES.get(row["source"])
        yield {
            "id": row["id"],
            "source": row["source"],
            "source_type": source.kind if source else row["kind"],
            "url": f"http://pack.invalid/{first['id']}",
            "title": row["title"],
            "text": row["text"],
            "author": row["author"],
            "tables": row.get("tables") or [],
            "published": _moment(row, day_zero).isoformat(),
        }


def _moment(row: Mapping[str, Any], day_zero: date) -> datetime:
    hours, minutes = map(int, row["time"].split(":"))
    start = datetime.combine(day_zero, datetime.min.time(), BEIJING)
    return start + timedelta(days=row["day"], hours=hours, minutes=minutes)


def alerts_of(lines: Sequence[Mapping[str, Any]], data: Path, registry: Path | None) -> list[dict[str, Any]]:
    """What `fengsui alerts --json` prints after `fengsui ingest` of the lines into a new data folder."""
    file = data / "pack.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    _fengsui(data, "ingest", str(file), *(["--registry", str(registry)] if registry else []))
    return [json.loads(line) for line in _fengsui(data, "alerts", "--json").splitlines()]


def _fengsui(data: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "cli", *arguments]
    environment = {**os.environ, "FENGSUI_DATA": str(data / "store")}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"fengsui {arguments[0]}: exit {done.returncode}")
    return done.stdout


def unfounded(alerts: Sequence[Mapping[str, Any]], truth: Truth) -> list[dict[str, Any]]:
    """Alerts that stood above level IV, whatever became of them, and rest only on texts of truth level 0 or 1."""
    found = []
    for alert in alerts:
        pages = {page for name in alert["documents"] if (page := truth.resolve(name)) is not None}
        levels = [truth.rows[key]["truth"]["level"] for page in pages for key in truth.versions(page)]
        peak = max([alert["level"], *(step["level"] for step in alert.get("history", ()))])
        if levels and peak > 1 and max(levels) <= 1:
            found.append({"id": alert["id"], "title": alert["title"], "level": peak, "documents": sorted(pages)})
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pack", nargs="?", type=Path, default=PACK, help="folder with part*.jsonl and truth.json")
    parser.add_argument("--registry", type=Path, help="CSV of the pack's firms, as `fengsui ingest` takes it")
    parser.add_argument("--day0", type=date.fromisoformat, default=DAY_ZERO, help="Beijing date of the pack's day 0")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    lines = list(ingest_lines(read_pack(options.pack), options.day0))
    with tempfile.TemporaryDirectory() as folder:
        alerts = alerts_of(lines, Path(folder), options.registry)
    result = score(alerts, day_zero=options.day0, folder=options.pack)
    empty = unfounded(alerts, Truth(options.pack, options.day0))
    print(json.dumps(_facts(result, empty), ensure_ascii=False, default=str) if options.json else _told(result, empty))
    return 0


def _facts(result: Score, empty: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {**asdict(result), "in_time": result.alerted, "unfounded": list(empty)}


def _told(result: Score, empty: Sequence[Mapping[str, Any]]) -> str:
    lines = [render(result), "", "incident   due                level  alert              early by   highest level"]
    lines += [_row(incident) for incident in result.incidents]
    lines.append(f"alerts above level IV that rest on texts of truth level 0 or 1 only: {len(empty)}")
    lines += [f"  level {one['level']} {one['title']} {' '.join(one['documents'])}" for one in empty]
    return "\n".join(lines)


def _row(incident: IncidentScore) -> str:
    due = incident.alerted
    at = f"{due.at.astimezone(BEIJING):%m-%d %H:%M}" if due.at else "never"
    early = "-" if due.late is None else f"{-due.late.total_seconds() / 3600:+.1f} h"
    by = f"{due.due.astimezone(BEIJING):%m-%d %H:%M}"
    return f"{incident.id:10} {by}{due.level:13}  {at:18} {early:10} {incident.level}"


if __name__ == "__main__":
    raise SystemExit(main())
