"""The pack as JSON lines for `fengsui ingest` and `fengsui rules test`: what documents say, no annotation.

    python -m demo.flat --day0 2026-11-23 > pack.jsonl

Ids are pack ids, so that `demo.score` needs no map. A revision has the address of the page it replaces. source_type
follows the source, not the annotator's word for the document.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from core.clock import BEIJING, iso_beijing
from core.records import SOURCE_TYPE_OF
from demo.sources import SOURCES
from demo.story import read_pack, token_of


def flat(day_zero: date) -> Iterator[dict[str, Any]]:
    """The 675 documents in order of publication, in the input shape of `fengsui ingest`."""
    rows = {row["id"]: row for row in read_pack()}
    start = datetime.combine(day_zero, datetime.min.time(), BEIJING)
    for row in sorted(rows.values(), key=lambda row: (row["day"], row["time"], row["id"])):
        first = row
        while first["revision_of"] is not None:
            first = rows[first["revision_of"]]
        hours, minutes = row["time"].split(":")
        moment = start + timedelta(days=row["day"], hours=int(hours), minutes=int(minutes))
        yield _line(row, token_of(first["id"]), iso_beijing(moment))


def _line(row: Mapping[str, Any], token: str, published: str) -> dict[str, Any]:
    tables = ["\n".join("\t".join(cells) for cells in table) for table in row.get("tables", ())]
    return {
        "id": row["id"],
        "source": row["source"],
        "source_type": SOURCE_TYPE_OF[SOURCES[row["source"]].kind].value,
        "url": f"http://pack.invalid/{row['source']}/{token}",
        "title": row["title"],
        "text": "\n".join([row["text"], *tables]),
        "published": published,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.flat", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--day0", required=True, type=date.fromisoformat, help="Beijing date of day 0")
    for line in flat(parser.parse_args(arguments).day0):
        print(json.dumps(line, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
