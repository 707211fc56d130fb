"""One recall record out of what a source gives: named fields, label tables, labelled lines, prose, the title.

What is nearer to the source's own structure wins: a field of its record, then a label, then prose, then the title.
A text that gives none of it (images only) still has firm, brand and product from its title.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from core.clock import beijing
from core.facts import Firm, Recall
from core.records import Document, Kind, Table
from facts.barcodes import read_barcodes
from facts.hazards import hazard_types
from facts.models import models_in, models_in_title, read_models
from facts.quantities import read_quantity
from facts.recall_labels import LABELS
from facts.recall_prose import MAX_READ, prose_facts
from facts.recall_titles import TitleFacts, brand_of, read_title
from facts.tables import field_of, named_rows

RECALLS = (Kind.RECALL, Kind.RECALL_FOREIGN)
ROLES = ("manufacturer", "importer", "distributor", "retailer", "firm")
ONE = ("recall_no", "recall_date", "agency", "jurisdiction", "status")
"""Facts of which a notice has one; rows of a table add to each other in all others."""
LINE = re.compile(
    r"(?:^\s*(?:[一二三四五六七八九十]{1,2}、|\d{1,2}[.、．])?\s*|\s)([^:：\n]{2,30}?)\s*[:：]\s*"
    r"(\S.*?)(?=\s+[^\s:：]{2,20}[:：]|$)"
)
LONGEST_LINE = 1000
PARTS = re.compile(r"\s*[;；\n、]\s*")
DAY = re.compile(r"((?:19|20)\d\d)\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})|((?:19|20)\d\d)(\d\d)(\d\d)(?!\d)")
NOTHING = re.compile(
    r"unknown|none|n/?a|not (?:known|specified|applicable|available)|无|不详|未知|不明|/|-+", re.IGNORECASE
)
"""What a field holds where nobody knows."""
CALL_CENTRE = re.compile(r"\s*(?:お客様|カスタマー|フリーダイヤル|電話番号|TEL\b)")
"""What follows the firm under 連絡先."""
SLASHED = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/((?:19|20)\d\d)")
Facts = dict[str, str]


def read_recall(
    kind: Kind,
    title: str,
    text: str,
    *,
    fields: Mapping[str, str],
    tables: Sequence[Table] = (),
    published: datetime | None = None,
) -> Recall | None:
    """The record of a recall; None for documents of another kind.

    fields: by canonical name (recall_no, product, brand, model, ...) or by the label of the page.
    """
    if kind not in RECALLS:
        return None
    told = read_title(title)
    unnamed = [value for label, value in fields.items() if label not in CANONICAL and not field_of(label, LABELS)]
    text = "\n".join((text, *unnamed))
    tabled = _table_facts(tables)
    facts = _merged(_field_facts(fields), tabled, _line_facts(text[:MAX_READ]), prose_facts(text))
    facts.update({"agency": tabled["agency"]} if "agency" in tabled else {})  # nearer than what holds for the source
    return _record(facts, told, title=title, text=text, published=published)


def recall_of(document: Document) -> Recall | None:
    """The recall that a stored document states, read from its cleaned and masked columns; None for other kinds."""
    return read_recall(
        document.kind,
        document.title,
        document.text,
        fields=document.fields,
        tables=document.tables,
        published=document.published,
    )


def _record(facts: Facts, told: TitleFacts, *, title: str, text: str, published: datetime | None) -> Recall:
    get = facts.get
    product = get("product") or told.product
    brand = get("brand") or (told.brand if told.brand else "")
    if not brand and product and "\n" not in product:
        brand = brand_of(product)[0] if "牌" in product else ""
    hazard = get("hazard") or told.hazard
    typed = hazard_types(get("hazard_type") or "") or hazard_types("\n".join((hazard, get("consequence", ""))))
    return Recall(
        recall_no=get("recall_no") or told.number,
        agency=get("agency", ""),
        jurisdiction=get("jurisdiction", ""),
        product_name=_one_line(product),
        category_raw=_one_line(get("category", "")),
        brand=_one_line(brand, known=True),
        models=read_models(get("model", "")) or models_in("\n".join((title, text))) or models_in_title(title),
        batches=_parts(get("batch", "")),
        barcodes=tuple(dict.fromkeys(_codes(get("barcode", "")))),
        production_period=_one_line(get("production_period", "")),
        quantity=read_quantity(get("quantity", "")),
        quantity_text=_one_line(get("quantity", "")),
        defect=get("defect", ""),
        hazard_text=_one_line(hazard or get("hazard_type", "")),
        hazard_type=typed or hazard_types(f"{title}\n{get('defect') or text[:MAX_READ]}"),
        consequence=get("consequence", ""),
        measure="\n".join(dict.fromkeys(filter(None, (get("measure", ""), get("emergency", ""))))),
        firms=_firms(facts, told),
        origin_country=_one_line(get("origin_country", ""), known=True),
        injuries=get("injuries", ""),
        recall_date=read_day(get("recall_date", "")) or (beijing(published).date() if published else None),
        status=_one_line(get("status", "")),
    )


def read_day(text: str) -> date | None:
    """The first day in a text: 2026-03-01, 2026年3月1日, 20260301, 07/19/2013 (month first); None for no valid one."""
    match = DAY.search(text)
    if match:
        year, month, day = (int(group) for group in match.groups() if group)
    else:
        slashed = SLASHED.search(text)
        if slashed is None:
            return None
        month, day, year = map(int, slashed.groups())
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _merged(*parts: Facts) -> Facts:
    """The earlier part wins."""
    found: Facts = {}
    for part in parts:
        for name, value in part.items():
            found.setdefault(name, value)
    return found


def _field_facts(fields: Mapping[str, str]) -> Facts:
    """Fields by canonical name or by label; a name wins over labels that mean the same."""
    found: Facts = {name: value for name, value in fields.items() if name in CANONICAL and value.strip()}
    for label, value in fields.items():
        name = field_of(label, LABELS)
        if name and value.strip():
            found.setdefault(name, value)
    return found


CANONICAL = frozenset((*(name for name, _ in LABELS), "hazard_type"))


def _table_facts(tables: Sequence[Table]) -> Facts:
    """Label tables and tables of a row a model; what several rows say of one thing is joined."""
    found: Facts = {}
    for table in tables:
        for row in named_rows(table, LABELS):
            for name, value in row.values.items():
                if name not in found:
                    found[name] = value
                elif name not in ONE and (name == "quantity" or value not in found[name].split("\n")):
                    found[name] += f"\n{value}"
    return found


def _line_facts(text: str) -> Facts:
    """Lines `标签：值`; a label that nothing follows on its line is said by the next."""
    found: Facts = {}
    lines = text.splitlines()
    for place, line in enumerate(lines):
        pairs = [(field_of(label, LABELS), value) for label, value in LINE.findall(line[:LONGEST_LINE])]
        for name, value in pairs:
            if name:
                found.setdefault(name, value.strip(" 。;；"))
        if (
            not pairs
            and line.rstrip().endswith((":", "：", "?", "？"))
            and place + 1 < len(lines)
            and (name := field_of(line, LABELS))
        ):
            found.setdefault(name, lines[place + 1].strip())
    return found


def _firms(facts: Facts, told: TitleFacts) -> tuple[Firm, ...]:
    """Firms with their parts; those of the title as whoever recalls, where nothing else names any."""
    found = [Firm(name, role) for role in ROLES for name in _names(facts.get(role, ""))]
    known = {firm.name for firm in found}
    found += [
        Firm(name, "recaller") for name in told.firms if not any(name in other or other in name for other in known)
    ]
    return tuple(dict.fromkeys(found))


def _names(text: str) -> Iterator[str]:
    for part in PARTS.split(text):
        name = CALL_CENTRE.split(part)[0].strip(" ,，")
        if len(name) > 1 and not re.fullmatch(r"[\d\s()+-]+|n/?a|none|unknown|无|不详", name, re.IGNORECASE):
            yield name


def _codes(text: str) -> Iterator[str]:
    """Article numbers of a field; one that is too short to be found in prose is one here."""
    for part in re.split(r"[;；\n、,，]", text):
        found = read_barcodes(part)
        yield from found
        code = re.sub(r"[\s-]", "", part)
        if not found and code.isalnum() and any(letter.isdigit() for letter in code):
            yield code


def _parts(text: str) -> tuple[str, ...]:
    parts = (part.strip(" ,，") for part in re.split(r"[;；\n、]|[,，](?=\s|\S{4})", text))
    return tuple(dict.fromkeys(part for part in parts if part and not NOTHING.fullmatch(part)))


def _one_line(text: str, *, known: bool = False) -> str:
    """Lines joined by `; `, each once. known: without those that say that nobody knows."""
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    return "; ".join(line for line in lines if not (known and NOTHING.fullmatch(line)))
