"""Real recall files through `json_api`, each with a field map of its own, into the one recall record.

python -m benchmarks.recalls DIR   (DIR: us_recalls_2013_2015.jsonl, rueckrufe_2026.json; either may be missing)

A file is served on the loopback and crawled as any source is. A value is lost when it stands nowhere in the record or
the document; a meaning is lost when what the source calls a barcode (firm, country, ...) is not in that place of the
record. Exit 1 when anything is lost.
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from config.sources import SourceConfig, parse_source
from core.facts import Recall
from core.records import RawDocument
from crawlers.pick import json_of, texts_at, values_at
from crawlers.records import UNREAD_DATE
from facts.recalls import read_recall
from tests.crawl_server import Bench, Reply, Site

MAPS = Path(__file__).parent / "recall_maps"
FILES = {"us_recalls": "us_recalls_2013_2015.jsonl", "rueckrufe": "rueckrufe_2026.json"}
MEANINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "us_recalls": {
        "recall_no": ("recall_number",),
        "product_name": ("descriptions[]", "prodname"),
        "category_raw": ("product_types[]",),
        "brand": ("records[].make",),
        "models": ("records[].model",),
        "barcodes": ("upcs[]",),
        "quantity_text": ("potential_units_affected",),
        "hazard_text": ("hazards[]", "reason"),
        "defect": ("defect_summary",),
        "consequence": ("consequence_summary",),
        "measure": ("corrective_summary",),
        "firms": ("manufacturers[]", "company", "manufacturer"),
        "origin_country": ("countries[]",),
    },
    "rueckrufe": {
        "recall_no": ("id",),
        "product_name": ("products[]",),
        "category_raw": ("category",),
        "hazard_text": ("hazard",),
        "firms": ("manufacturer", "manufacturerName"),
        "origin_country": ("countries[]",),
        "status": ("severity",),
    },
}


@dataclass
class Outcome:
    """What came of one file. filled: records with a value, by agency and field.  losses: said for people."""

    source: str
    records: int = 0
    read: int = 0
    filled: dict[str, Counter[str]] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)


def map_of(source: str, base: str) -> SourceConfig:
    """The source of a file, its address below `base`."""
    text = (MAPS / f"{source}.yml").read_text(encoding="utf-8").replace("{base}", base)
    local = {"delay": 0, "autothrottle": False, "allow_private": ["127.0.0.1"]}
    return parse_source(source, {**yaml.safe_load(text), **local})


def check(source: str, path: Path) -> Outcome:
    """Crawl one file and hold what came of it against the file."""
    data = path.read_bytes()
    site = Site()
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = map_of(source, site.base)
            address = str(config.addresses[0]).removeprefix(site.base)
            site.routes[address] = Reply(data, headers={"Content-Type": "application/json"})
            bench = Bench(site, Path(folder))
            summary = bench.crawl(config)
        finally:
            site.close()
    answer = json_of(data.decode("utf-8-sig"), getattr(config, "unwrap", None))
    records = [record for found in values_at({"all": answer}, _path(config)) for record in found]
    outcome = Outcome(source, len(records))
    outcome.losses += [f"run {summary.status}: {problem}" for problem in summary.problems if UNREAD_DATE not in problem]
    _compare(outcome, config, records, bench.intake.revisions)
    return outcome


def _path(config: SourceConfig) -> str:
    items = getattr(config, "items", "")
    return f"all.{items}" if items else "all"


def _compare(outcome: Outcome, config: SourceConfig, records: Sequence[Any], documents: Sequence[RawDocument]) -> None:
    if len(records) != len(documents):
        outcome.losses.append(f"{len(records)} records in the file, {len(documents)} documents")
    for record, raw in zip(records, documents, strict=False):
        recall = read_recall(raw.kind, raw.title, raw.text, fields=raw.fields, published=raw.published)
        if recall is None:
            outcome.losses.append(f"no recall record: {raw.title}")
            continue
        outcome.read += 1
        counts = outcome.filled.setdefault(recall.agency, Counter())
        counts.update(name.name for name in fields(Recall) if getattr(recall, name.name) not in ("", (), None))
        counts["records"] += 1
        outcome.losses += _lost(record, raw, recall, MEANINGS[outcome.source])


def _lost(record: Any, raw: RawDocument, recall: Recall, meanings: Mapping[str, Sequence[str]]) -> Iterator[str]:
    document = asdict(raw) | {"archive": None}
    whole = _bare(f"{json.dumps(document, ensure_ascii=False, default=str)}{_text(recall)}")
    for value in _leaves(record):
        if _bare(value) not in whole:
            yield f"{raw.external_id or raw.url}: value lost: {value[:100]}"
    for name, paths in meanings.items():
        held = _bare(_text(getattr(recall, name)))
        for value in (value for path in paths for value in texts_at(record, path)):
            if _bare(value) not in held:
                yield f"{raw.external_id or raw.url}: not in {name}: {value[:100]}"


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part)
    elif value not in (None, ""):
        yield str(value)


def _text(value: Any) -> str:
    return json.dumps(asdict(value) if isinstance(value, Recall) else _plain(value), ensure_ascii=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [asdict(part) if hasattr(part, "__dataclass_fields__") else part for part in value]
    return value


def _bare(text: str) -> str:
    """What is compared: letters and digits, whatever the case, escapes taken back."""
    return re.sub(r"[\W_]+", "", text.replace("\\n", " ").replace('\\"', '"')).casefold()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was read, what each agency fills, and what was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    found = [(source, folder / name) for source, name in FILES.items() if (folder / name).exists()]
    if not found:
        print(f"{folder}: none of {', '.join(FILES.values())}", file=sys.stderr)
        return 2
    lost = 0
    for source, path in found:
        outcome = check(source, path)
        lost += len(outcome.losses)
        print(f"{path.name}: {outcome.records} records, {outcome.read} recalls, {len(outcome.losses)} losses")
        for agency, counts in sorted(outcome.filled.items(), key=lambda pair: -pair[1]["records"]):
            shares = "  ".join(f"{name} {count}" for name, count in counts.most_common() if name != "records")
            print(f"  {agency or '-'} ({counts['records']}): {shares}")
        for loss in outcome.losses[:20]:
            print(f"  LOST {loss}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
