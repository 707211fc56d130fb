"""What the reading finds in real recall and inspection notices: `python -m benchmarks.real_notices DATA`.

DATA: the folder with quality_news_zh/recall_notices_gold.jsonl (the references) and feeds_zh/people_rss. No registry:
every firm there is one that no list has. A firm counts as found where a mention equals its name; a quantity where the
number read is one of the reference's.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import feedparser
from selectolax.lexbor import LexborHTMLParser

from config.lexicon import load_lexicon
from config.recogniser import recogniser_folder
from core.records import Analysis, MentionType
from nlp.analyze import Analyzer

CONFIG = Path(__file__).resolve().parent.parent / "config"
FIRMS = (MentionType.ENTERPRISE, MentionType.BRAND)


def articles(folder: Path) -> dict[str, str]:
    """Plain text of every article of the saved feeds, by title."""
    found = {}
    for file in sorted(folder.glob("*.xml.gz")):
        for entry in feedparser.parse(gzip.decompress(file.read_bytes())).entries:
            found[entry.get("title", "").strip()] = LexborHTMLParser(entry.get("summary", "") or "<p>").text(
                separator="\n"
            )
    return found


def line_of(row: dict[str, Any], analysis: Analysis) -> tuple[list[str], list[str]]:
    """The firms of the reference that were found, and all firm names that were."""
    named = [m.text for m in (*analysis.title_mentions, *analysis.mentions) if m.type in FIRMS and not m.negated]
    names = list(dict.fromkeys(named))
    wanted = [firm.replace("(", "（").replace(")", "）") for firm in row["enterprises"]]
    return [firm for firm in wanted if firm in {name.replace("(", "（").replace(")", "）") for name in names}], names


def main(data: Path) -> None:
    """Print a line a notice, then the sums."""
    analyzer = Analyzer(load_lexicon(CONFIG), (), recogniser_folder(CONFIG))
    texts = articles(data / "feeds_zh" / "people_rss")
    lines = (data / "quality_news_zh" / "recall_notices_gold.jsonl").read_text(encoding="utf-8").splitlines()
    wanted = got = right = told = risks = 0
    rows = [json.loads(line) for line in lines]
    for row in rows:
        text = row["text"] or texts.get(row["title"].strip(), "")
        analysis = analyzer.analyze(row["title"], text)
        found, names = line_of(row, analysis)
        expected = row["kind"] != "policy_foreign"
        risks += analysis.is_risk == expected
        wanted, got = wanted + len(row["enterprises"]), got + len(found)
        numbers = {number for number, _unit in row["quantities"]}
        right += analysis.casualties.get("units") in numbers
        told += bool(numbers)
        mark = "right" if analysis.is_risk == expected else "WRONG"
        print(f"{row['title']}\n  {len(text)} characters, signal {analysis.is_risk} ({mark}), level {analysis.level}")
        print(f"  firms {len(found)} of {len(row['enterprises'])}: {names[:8]}")
        print(f"  issues {list(analysis.issues)}, units {analysis.casualties.get('units')} of {sorted(numbers)}")
    print(f"{len(rows)} notices: {risks} judged right; firms {got} of {wanted}; quantities {right} of {told}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
