"""Licences, results, penalties and relations of the demo's firms, all of them invented, as of the day the demo starts.

Days in the files are counted from that day, so that a certificate that lapsed twelve days ago has done so at any start.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from zlib import crc32

from core.firms import FactKind, FirmFact, FirmTie, TieKind
from core.records import RegistryEntry
from demo.story import PACK

SOURCE = "演示名录"
FIVE_YEARS, OLDEST, YOUNGEST = 1826, 1600, 200
CCC = re.compile(r"\d{16}")


def demo_facts(entries: Iterable[RegistryEntry], zero: date) -> list[FirmFact]:
    """A paper in force for each number of the registry, then what demo/pack/firm_facts.csv says, which goes before.

    zero: the day from which days are counted.
    """
    return [*_papers(entries, zero), *_told(zero)]


def demo_ties(zero: date) -> list[FirmTie]:
    """The relations of demo/pack/firm_ties.csv."""
    return [
        FirmTie(
            row["one"], TieKind(row["kind"]), row["other"], row["product"], _day(row["since"], zero),
            _day(row["until"], zero), source=SOURCE,
        )
        for row in _rows("firm_ties.csv")
    ]  # fmt: skip


def _papers(entries: Iterable[RegistryEntry], zero: date) -> Iterator[FirmFact]:
    told = {row["number"] for row in _rows("firm_facts.csv")}
    for entry in entries:
        for number in entry.licence_no:
            if number in told:
                continue
            kind = FactKind.CCC if CCC.fullmatch(number) else FactKind.LICENCE
            given = zero - timedelta(days=YOUNGEST + crc32(number.encode()) % (OLDEST - YOUNGEST))
            product = entry.products[0] if entry.products else ""
            until = given + timedelta(days=FIVE_YEARS)
            yield FirmFact(entry.id, kind, number, given, until, product=product, source=SOURCE)


def _told(zero: date) -> Iterator[FirmFact]:
    for row in _rows("firm_facts.csv"):
        yield FirmFact(
            row["firm"], FactKind(row["kind"]), row["number"], _day(row["day"], zero), _day(row["until"], zero),
            row["state"], _day(row["state_since"], zero), row["product"], row["model"], row["batch"], row["outcome"],
            int(row["count"]), row["text"], source=SOURCE,
        )  # fmt: skip


def _day(text: str, zero: date) -> date | None:
    return zero + timedelta(days=int(text)) if text else None


def _rows(name: str) -> list[dict[str, str]]:
    with (PACK / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
