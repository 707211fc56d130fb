"""Typed records of config/lexicons: products, issues, regions, cues and the registry CSV.

`products.yaml`, `issues.yaml` and `regions.csv` are the base; `*_more.yaml` files add words to them, so a locality
extends the dictionaries without touching code or base. All mistakes of a file are reported at once.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import Any

from config.level_card import LevelTable, read_level_card
from config.lexicon_file import LexiconFile, check_headlines
from config.province import load_province
from config.regions import Region, Regions, Town
from core.errors import ConfigError
from core.records import RegistryEntry

REGISTRY_COLUMNS = (
    "id", "name", "short_names", "brands", "former_names", "region_code", "region_name", "products", "role",
    "parent_id", "uscc", "licence_no", "status", "tags",
)  # fmt: skip
REGISTRY_NEEDED = ("id", "name")
ROLES = ("producer", "dealer", "service")
SIDES = ("production", "distribution", "quality", "harm", "action", "integrity", "other")


@dataclass(frozen=True)
class AmbiguousForm:
    """A word that names the product only in some contexts.

    not_when: near these it does not.  only_when: it does only where one of these stands in the same text.
    """

    form: str
    not_when: tuple[str, ...] = ()
    only_when: tuple[str, ...] = ()


@dataclass(frozen=True)
class Product:
    """A product category. schemes: XK, CCC, WH, YH, TSE or NONE. key: one of the 11 key categories."""

    id: str
    name: str
    key: bool
    terms: tuple[str, ...]
    colloquial: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ()
    hazards: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    lead: str = ""
    ambiguous: tuple[AmbiguousForm, ...] = ()


@dataclass(frozen=True)
class Issue:
    """A risk issue. weight 0-10; floor: the lowest level this issue alone suggests; patterns: regular expressions."""

    id: str
    name: str
    side: str
    weight: float
    floor: int
    cues: tuple[str, ...]
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Everything the reading of a text looks up. cues and risk: the files of that name; foreign: English words;
    words: learned weights of risk_words.json; headlines: headlines.yaml, empty where the file is missing; synonyms: the
    other words for a thing, by word."""

    products: Mapping[str, Product]
    issues: Mapping[str, Issue]
    regions: Regions
    cues: Mapping[str, Any] = field(default_factory=dict)
    risk: Mapping[str, Any] = field(default_factory=dict)
    foreign: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)
    headlines: Mapping[str, Any] = field(default_factory=dict)
    level_card: LevelTable = field(default_factory=LevelTable)
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def product_name(self, product_id: str) -> str:
        """The Chinese name of a product id, the id itself where unknown."""
        product = self.products.get(product_id)
        return product.name if product else product_id

    def issue_name(self, issue_id: str) -> str:
        """The Chinese name of an issue id, the id itself where unknown."""
        issue = self.issues.get(issue_id)
        return issue.name if issue else issue_id


def load_lexicon(config_dir: Path) -> Lexicon:
    """The lexicon of <config_dir>/lexicons. Raises ConfigError naming file, key and what is accepted."""
    folder = config_dir / "lexicons"
    files = {
        name: LexiconFile(folder / f"{name}.yaml") for name in ("products", "issues", "cues", "risk", "level_card")
    }
    more = [LexiconFile(path) for path in sorted(folder.glob("*_more.yaml"))]
    products = _products(files["products"], [file for file in more if "products" in file.content])
    issues = _issues(files["issues"], [file for file in more if "issues" in file.content])
    foreign = _foreign(more, products)
    _check_genres(files["cues"])
    level_card = read_level_card(files["level_card"], issues, products)
    synonyms = _synonyms(more, products)
    headlines = [LexiconFile(path) for path in (folder / "headlines.yaml",) if path.exists()]
    for file in headlines:
        check_headlines(file, issues, SIDES)
    mistakes = [mistake for file in (*files.values(), *more, *headlines) for mistake in file.mistakes]
    try:
        regions = load_regions(folder / "regions.csv")
        regions = replace(regions, home=load_province(config_dir, regions).code)
    except ConfigError as error:
        mistakes.extend(error.mistakes)
        regions = Regions()
    words = _weights(folder / "risk_words.json", mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return Lexicon(
        products, issues, regions, files["cues"].content, files["risk"].content, foreign, words,
        headlines[0].content if headlines else {}, level_card, synonyms,
    )  # fmt: skip


def _synonyms(files: list[LexiconFile], products: Mapping[str, Product]) -> dict[str, tuple[str, ...]]:
    """The other words of each group of `synonyms`; a group needs a word that names a product."""
    known = {word for product in products.values() for word in (product.name, *product.terms, *product.colloquial)}
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        groups = file.content.get("synonyms", [])
        if not isinstance(groups, list):
            file.wrong("synonyms", "expected a list of lists of words")
            continue
        for number, group in enumerate(groups, start=1):
            words = file.words(f"synonyms[{number}]", {"words": group}, "words")
            if len(words) > 1 and not known & set(words):
                file.wrong(f"synonyms[{number}]", f"none of {', '.join(words)} is a word of a product")
            for word in words:
                others = (*found.get(word, ()), *(other for other in words if other != word))
                found[word] = tuple(dict.fromkeys(others))
    return found


def _foreign(files: list[LexiconFile], products: Mapping[str, Product]) -> dict[str, tuple[str, ...]]:
    """The English words of each product."""
    found: dict[str, tuple[str, ...]] = {}
    for file in files:
        words = file.content.get("foreign", {})
        for product in words:
            if product not in products:
                file.wrong(f"foreign.{product}", f"unknown product (accepted: {', '.join(products)})")
            found[product] = found.get(product, ()) + file.words("foreign", words, product)
    return found


def _products(base: LexiconFile, more: list[LexiconFile]) -> dict[str, Product]:
    found: dict[str, Product] = {}
    for group in ("key_categories", "consumer_categories"):
        for where, row in base.rows(group):
            if row["id"] in found:
                base.wrong(where, "id is given twice")
            found[row["id"]] = _product(base, where, row)
    for file in more:
        for where, row in file.rows("products"):
            known = found.get(row["id"])
            if known is None and "name" not in row:
                file.wrong(where, f"unknown id without a name (accepted: {', '.join(found)})")
                continue
            added = _product(file, where, {"name": known.name if known else "", **row})
            found[row["id"]] = _merge_products(known, added) if known else added
    return found


def _merge_products(known: Product, added: Product) -> Product:
    return Product(
        id=known.id,
        name=known.name,
        key=known.key,
        terms=known.terms + added.terms,
        colloquial=known.colloquial + added.colloquial,
        schemes=known.schemes or added.schemes,
        hazards=known.hazards + added.hazards,
        defects=known.defects + added.defects,
        lead=known.lead or added.lead,
        ambiguous=known.ambiguous + added.ambiguous,
    )


def _product(file: LexiconFile, where: str, row: dict[str, Any]) -> Product:
    name = row.get("name")
    if not isinstance(name, str):
        file.wrong(f"{where}.name", "expected text")
        name = row["id"]
    terms = list(file.words(where, row, "terms"))
    for sub in row.get("subs", []):
        terms.extend(file.words(where, sub, "terms"))
    for pair in row.get("compose", []):
        terms.extend(
            left + right for left in file.words(where, pair, "left") for right in file.words(where, pair, "right")
        )
    department = row.get("department", {})
    return Product(
        id=row["id"],
        name=name,
        key=row.get("key", False) is True,
        terms=tuple(dict.fromkeys(terms)),
        colloquial=file.words(where, row, "colloquial"),
        schemes=tuple(dict.fromkeys(str(scheme.get("type")) for scheme in row.get("scheme", []))),
        hazards=file.words(where, row, "hazards"),
        defects=file.words(where, row, "defects"),
        lead=str(department.get("lead", "")) if isinstance(department, dict) else "",
        ambiguous=tuple(_ambiguous(file, where, form) for form in row.get("ambiguous", [])),
    )


def _ambiguous(file: LexiconFile, where: str, row: Any) -> AmbiguousForm:
    if not isinstance(row, dict) or not isinstance(row.get("form"), str):
        file.wrong(f"{where}.ambiguous", "expected {form, not_when, only_when}")
        return AmbiguousForm("")
    return AmbiguousForm(row["form"], file.words(where, row, "not_when"), file.words(where, row, "only_when"))


def _issues(base: LexiconFile, more: list[LexiconFile]) -> dict[str, Issue]:
    found: dict[str, Issue] = {}
    for where, row in base.rows("issues"):
        if row["id"] in found:
            base.wrong(where, "id is given twice")
        side = str(row.get("side"))
        if side not in SIDES:
            base.wrong(f"{where}.side", f"{side!r} (accepted: {', '.join(SIDES)})")
        found[row["id"]] = Issue(
            id=row["id"],
            name=str(row.get("name", row["id"])),
            side=side,
            weight=base.number(where, row, "weight", 0, 10),
            floor=int(base.number(where, row, "floor", 0, 4)),
            cues=base.words(where, row, "cues") + base.words(where, row, "typos"),
        )
    for file in more:
        for where, row in file.rows("issues"):
            known = found.get(row["id"])
            if known is None:
                file.wrong(where, f"unknown issue (accepted: {', '.join(found)})")
                continue
            dropped = set(file.words(where, row, "drop"))
            found[known.id] = Issue(
                id=known.id,
                name=known.name,
                side=known.side,
                weight=known.weight,
                floor=known.floor,
                cues=tuple(cue for cue in known.cues if cue not in dropped) + file.words(where, row, "cues"),
                patterns=known.patterns + file.patterns(where, row),
            )
    return found


def _check_genres(file: LexiconFile) -> None:
    """The patterns of kinds of article, which are read as they stand (nlp/genre.py)."""
    article = file.content.get("article", {})
    for genre, lists in article.items() if isinstance(article, dict) else ():
        if isinstance(lists, dict):
            file.patterns(f"article.{genre}", lists)


def _weights(path: Path, mistakes: list[str]) -> dict[str, float]:
    """The learned word weights; none where the file is missing."""
    if not path.exists():
        return {}
    try:
        return {
            str(word): float(weight) for word, weight in json.loads(path.read_text(encoding="utf-8"))["words"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        mistakes.append(
            f"{path.name}: words: expected a mapping of words to numbers (python -m nlp.train_risk writes it)"
        )
        return {}


def load_regions(path: Path) -> Regions:
    """The regions of regions.csv. Raises ConfigError."""
    by_code: dict[str, Region] = {}
    mistakes: list[str] = []
    for line, row in _csv_rows(path, ("code", "name", "short_name", "parent_code", "level")):
        code = row["code"]
        if len(code) != 6 or not code.isdigit() or code in by_code:
            mistakes.append(f"{path.name}: line {line}: code {code!r} (accepted: six digits, each code once)")
            continue
        by_code[code] = Region(
            code=code,
            name=row["name"],
            short_name=row["short_name"],
            aliases=_split(row.get("aliases", "")),
            parent_code=row["parent_code"],
            level=row["level"],
            direct_admin=row.get("direct_admin") == "1",
            ambiguous_with=_split(row.get("ambiguous_with", "")),
        )
    mistakes += [
        f"{path.name}: {region.code}: parent_code {region.parent_code!r} is not in the file"
        for region in by_code.values()
        if region.parent_code and region.parent_code not in by_code
    ]
    if mistakes:
        raise ConfigError(mistakes)
    return Regions(
        by_code,
        towns=tuple(_towns(path.with_name("towns.csv"), by_code)),
        outside=dict(_outside_places(path.with_name("outside_places.csv"))),
    )


def _towns(path: Path, counties: Mapping[str, Region]) -> Iterator[Town]:
    """The towns of towns.csv; none without the file. Raises ConfigError."""
    if not path.exists():
        return
    for line, row in _csv_rows(path, ("code", "name", "county", "namesakes")):
        if row["county"] not in counties or not row["namesakes"].isdigit():
            raise ConfigError(
                [f"{path.name}: line {line}: {row} (accepted: county of regions.csv, namesakes a whole number)"]
            )
        yield Town(row["code"], row["name"], row["county"], int(row["namesakes"]))


def _outside_places(path: Path) -> Iterator[tuple[str, str]]:
    """Names with prefecture codes of outside_places.csv; none without the file. Raises ConfigError."""
    if not path.exists():
        return
    for line, row in _csv_rows(path, ("name", "prefecture")):
        if len(row["prefecture"]) != 6 or not row["prefecture"].isdigit():
            raise ConfigError([f"{path.name}: line {line}: prefecture {row['prefecture']!r} (accepted: six digits)"])
        yield row["name"], row["prefecture"]


def load_registry_csv(path: Path) -> tuple[RegistryEntry, ...]:
    """The firms of a registry CSV (columns of enterprises_demo.csv; lists are `;` separated).

    Empty cells, missing optional columns and a header alone are valid. Raises ConfigError with every refused row.
    """
    entries: dict[str, RegistryEntry] = {}
    mistakes: list[str] = []
    for line, row in _csv_rows(path, REGISTRY_NEEDED):
        wrong = _registry_mistake(row, entries)
        if wrong:
            mistakes.append(f"{path.name}: line {line}: {wrong}")
            continue
        entries[row["id"]] = RegistryEntry(
            id=row["id"],
            name=row["name"],
            short_names=_split(row.get("short_names", "")),
            brands=_split(row.get("brands", "")),
            former_names=_split(row.get("former_names", "")),
            region_code=row.get("region_code", ""),
            region_name=row.get("region_name", ""),
            products=_split(row.get("products", "")),
            role=row.get("role", "") or "producer",
            parent_id=row.get("parent_id", ""),
            uscc=row.get("uscc", ""),
            licence_no=_split(row.get("licence_no", "")),
            status=row.get("status", "") or "存续",
            tags=_split(row.get("tags", "")),
        )
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(entries.values())


def _registry_mistake(row: Mapping[str, str], entries: Mapping[str, RegistryEntry]) -> str:
    if not row["id"] or not row["name"]:
        return "id and name must not be empty"
    if row["id"] in entries:
        return f"id {row['id']!r} is given twice"
    code = row.get("region_code", "")
    if code and (len(code) != 6 or not code.isdigit()):
        return f"region_code {code!r} (accepted: six digits or empty)"
    role = row.get("role", "")
    if role and role not in ROLES:
        return f"role {role!r} (accepted: {', '.join(ROLES)} or empty)"
    return ""


def _csv_rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each row; a byte order mark and surrounding blanks are dropped. Raises ConfigError."""
    try:
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError([f"{path}: file is missing"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: not UTF-8 at byte {error.start}"]) from None
    reader = csv.DictReader(StringIO(content, newline=""))
    columns = [column.strip() for column in reader.fieldnames or ()]
    missing = [column for column in needed if column not in columns]
    if missing:
        accepted = ", ".join(REGISTRY_COLUMNS if needed == REGISTRY_NEEDED else needed)
        raise ConfigError([f"{path}: header: missing column {', '.join(missing)} (accepted: {accepted})"])
    for row in reader:
        cells = {(key or "").strip(): (value or "").strip() for key, value in row.items() if isinstance(key, str)}
        if any(cells.values()):
            yield reader.line_num, cells


def _split(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.replace("；", ";").split(";") if part.strip())
