"""The organisations: lexicons/orgs.yaml with orgs_more.yaml, every word of them resolved or named as a mistake."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from config.lexicon import Lexicon
from config.mistakes import mistakes_of
from config.org_records import (
    Addressee,
    Case,
    CopyRule,
    Division,
    LevelRow,
    Organisation,
    Orgs,
    Place,
)
from config.orgs_file import CopyRule as CopyRuleEntry
from config.orgs_file import MoreFile, OrgsFile
from config.orgs_words import Acts, Unknown, WordBook, bureau_forms, split_note, wrong_words
from config.regions import ABROAD
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE, MORE = "lexicons/orgs.yaml", "lexicons/orgs_more.yaml"
CASES = ("unresolved_region", "multi_prefecture", "outside_province", "national", "dealer_case")
File = TypeVar("File", bound=BaseModel)
Found = TypeVar("Found")


def load_orgs(config_dir: Path, lexicon: Lexicon) -> Orgs:
    """The organisations of <config_dir>/lexicons, for the province and with the words of `lexicon`.

    Raises ConfigError with every mistake: `lexicons/orgs.yaml: alerts.1.copy: '执法稽察局' is nobody known (...)`.
    """
    mistakes: list[str] = []
    base = _read(config_dir / FILE, FILE, OrgsFile, mistakes)
    more = MoreFile()
    if (config_dir / MORE).exists():
        more = _read(config_dir / MORE, MORE, MoreFile, mistakes) or more
    if base is None or mistakes:
        raise ConfigError(mistakes)
    return _Reader(base, more, lexicon).orgs()


def _read(path: Path, name: str, model: type[File], mistakes: list[str]) -> File | None:
    try:
        return model.model_validate(_mended(yaml_of(path.read_text(encoding="utf-8"))) or {})
    except FileNotFoundError:
        mistakes.append(f"{name}: is missing")
    except ValidationError as error:
        mistakes += mistakes_of(name, error, model)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mistakes.append(f"{name}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}")
    return None


def _mended(value: Any) -> Any:
    """`{note: 新区局,与设区市并列}` is a note with a comma in it, not a key without a value (seen in orgs.yaml)."""
    if isinstance(value, list):
        return [_mended(part) for part in value]
    if not isinstance(value, dict):
        return value
    found: dict[Any, Any] = {}
    last = None
    for key, part in value.items():
        if part is None and isinstance(key, str) and not key.isascii() and isinstance(found.get(last), str):
            found[last] += f",{key}"
        else:
            found[key], last = _mended(part), key
    return found


class _Reader:
    """Turns the files into records and notes what it does not know."""

    def __init__(self, base: OrgsFile, more: MoreFile, lexicon: Lexicon) -> None:
        self.base, self.more, self.lexicon = base, more, lexicon
        self.mistakes: list[str] = []
        bureau, levels = base.province_bureau, base.levels
        self.province = Organisation(bureau.code, bureau.name, "province")
        self.national = Organisation(ABROAD, levels.national, "national")
        self.divisions = [Division(one.id, one.name, "division", one.roles) for one in bureau.divisions]
        self.offices = [Organisation(one.id, one.name, "office") for one in (*base.offices, *more.offices)]
        self.names = dict(self._names())
        self.divisions += self._only_leading()
        self.names |= self._by_scheme()
        places = {
            levels.county: Place.COUNTY,
            levels.prefecture: Place.PREFECTURE,
            levels.province: Place.PROVINCE,
        }
        self.book = WordBook(self.names, places, {**base.words, **more.words}, lexicon)

    def _names(self) -> Iterator[tuple[str, Organisation]]:
        bureau = self.base.province_bureau
        for name in (bureau.code, bureau.name, *bureau.short):
            yield name, self.province
        for name in (ABROAD, self.base.levels.national):
            yield name, self.national
        entries = (*bureau.divisions, *self.base.offices, *self.more.offices)
        for entry, organisation in zip(entries, (*self.divisions, *self.offices), strict=True):
            for name in (entry.id, entry.name, *entry.aliases):
                yield name, organisation

    def _only_leading(self) -> list[Division]:
        """Divisions that stand nowhere but beside a scheme: `TSE: 特种设备安全监察处(memory)`."""
        found = []
        for scheme, word in self.base.province_bureau.lead_by_scheme.items():
            name, note = split_note(word)
            if note and word not in self.names and name not in self.names:
                division = Division(f"lead_{scheme.lower()}", name, "division")
                self.names |= {division.code: division, name: division}
                found.append(division)
        return found

    def _by_scheme(self) -> dict[str, Organisation]:
        """A licence scheme as a word means the division that leads for it: the same word in every province."""
        bureau = self.base.province_bureau
        words = {scheme: bureau.lead_by_scheme.get(scheme, bureau.contact_division) for scheme in self._schemes()}
        found = {scheme: self.names.get(word) or self.names.get(split_note(word)[0]) for scheme, word in words.items()}
        return {scheme: one for scheme, one in found.items() if one is not None}

    def _schemes(self) -> list[str]:
        return sorted({scheme for one in self.lexicon.products.values() for scheme in one.schemes})

    def orgs(self) -> Orgs:
        """The organisations. Raises ConfigError with every mistake."""
        base = self.base
        self._check_codes()
        self._check_words()
        forms = bureau_forms(base.bureaus.rule)
        if not forms or not forms[0].startswith("{name}"):
            self._wrong(FILE, "bureaus.rule", "does not say how a bureau is called (accepted: {name}市场监督管理局)")
        lead = self._leads()
        contact = self._one(FILE, "province_bureau.contact_division", base.province_bureau.contact_division)
        levels = {row.level: row for row in self._levels()}
        rules = (*self._rules(FILE, base.copy_rules), *self._rules(MORE, self.more.copy_rules))
        order = self._addressees(FILE, "routing.owner_order", base.routing.owner_order)
        cases = {name: case for name in CASES if (case := self._case(name)) is not None}
        if self.mistakes:
            raise ConfigError(self.mistakes)
        return Orgs(
            regions=self.lexicon.regions,
            province=self.province,
            national=self.national,
            bureau_name=forms[0],
            bureau_names=forms,
            divisions=tuple(self.divisions),
            offices=tuple(self.offices),
            contact=contact or self.province,
            lead_by_scheme=lead,
            areas=frozenset(area.code for area in base.bureaus.areas.values()),
            direct=frozenset(base.bureaus.direct_counties.codes),
            direct_note=base.bureaus.direct_counties.note,
            owner_order=order,
            cases=cases,
            levels=levels,
            rules=rules,
            aliases=self.names,
            by_hand=dict(_by_hand(levels.values(), rules)),
        )

    def _leads(self) -> dict[str, Organisation]:
        told = self.base.province_bureau.lead_by_scheme
        found = {
            scheme: self._one(FILE, f"province_bureau.lead_by_scheme.{scheme}", word) for scheme, word in told.items()
        }
        return {scheme: one for scheme, one in found.items() if one is not None}

    def _one(self, file: str, where: str, word: str) -> Organisation | None:
        """Somebody with a name of their own."""
        for one in self._addressees(file, where, [word]):
            if isinstance(one.who, Organisation):
                return one.who
            self._wrong(file, where, f"{word!r} is another one for each alert (accepted: a division)")
        return None

    def _check_codes(self) -> None:
        base, regions = self.base, self.lexicon.regions
        if base.province_bureau.code != regions.home:
            told = f"{base.province_bureau.code!r} is not the province of province.yml (accepted: {regions.home!r})"
            self._wrong(FILE, "province_bureau.code", told)
        for code in base.bureaus.direct_counties.codes:
            self._check_place("bureaus.direct_counties.codes", code, ("county",))
        for key, area in base.bureaus.areas.items():
            self._check_place(f"bureaus.{key}.code", area.code, ("national_new_area", "zone", "prefecture"))
        entries = (*base.province_bureau.divisions, *base.offices, *self.more.offices)
        ids = [entry.id for entry in entries]
        for twice in sorted({one for one in ids if ids.count(one) > 1}):
            self._wrong(FILE, "divisions and offices", f"the id {twice!r} is given twice (accepted: each once)")

    def _check_place(self, where: str, code: str, levels: Sequence[str]) -> None:
        region = self.lexicon.regions.get(code)
        if region is None or not self.lexicon.regions.is_within(self.lexicon.regions.home, code):
            self._wrong(FILE, where, f"{code!r} is no place of this province (accepted: a code of regions.csv)")
        elif region.level not in levels:
            self._wrong(FILE, where, f"{code!r} is a {region.level} (accepted: {', '.join(levels)})")

    def _check_words(self) -> None:
        schemes = self._schemes()
        for scheme in self.base.province_bureau.lead_by_scheme:
            if scheme not in schemes:
                told = f"is no licence scheme of products.yaml (accepted: {', '.join(schemes)})"
                self._wrong(FILE, f"province_bureau.lead_by_scheme.{scheme}", told)
        for file, given in (FILE, self.base), (MORE, self.more):
            self.mistakes += [f"{file}: {told}" for told in wrong_words(given.words.items(), self.lexicon, schemes)]

    def _levels(self) -> Iterator[LevelRow]:
        given = [row.level for row in self.base.alerts]
        for level in (1, 2, 3, 4):
            if given.count(level) != 1:
                self._wrong(FILE, "alerts", f"level {level} is there {given.count(level)} times (accepted: once)")
        for place, row in enumerate(self.base.alerts):
            where = f"alerts.{place}"
            if row.push is None and row.digest is None:
                self._wrong(FILE, where, "does not say when it is told (accepted: digest: daily, or push: ...)")
            to, copies = (
                self._addressees(FILE, f"{where}.{key}", words) for key, words in (("to", row.to), ("copy", row.copies))
            )
            yield LevelRow(row.level, row.name, to, copies, row.push or "daily", row.ack_hours, row.human_confirm)

    def _case(self, name: str) -> Case | None:
        way = getattr(self.base.routing, name)
        to = self._addressees(FILE, f"routing.{name}.to", [way.to])
        copies = self._addressees(FILE, f"routing.{name}.copy", way.copies)
        return Case(to[0], copies, way.rule or way.note or name) if to else None

    def _rules(self, file: str, rows: Sequence[CopyRuleEntry]) -> Iterator[CopyRule]:
        for place, row in enumerate(rows):
            where = f"copy_rules.{place}"
            asked = self._understood(file, f"{where}.when", self.book.asked, row.when) or ()
            acts = self._understood(file, f"{where}.action", self.book.acts, row.action) or Acts()
            yield CopyRule(
                when=row.when,
                asked=asked,
                copies=self._addressees(file, f"{where}.copy", (*row.copies, *acts.copies)),
                hand_to=self._addressees(file, f"{where}.action", acts.hand_to),
                no_dispatch=acts.no_dispatch,
                where=f"{file.removeprefix('lexicons/')} copy_rules 第 {place + 1} 条",
            )

    def _addressees(self, file: str, where: str, words: Iterable[str]) -> tuple[Addressee, ...]:
        found = (self._understood(file, where, self.book.addressee, word) for word in words)
        return tuple(one for one in found if one is not None)

    def _understood(self, file: str, where: str, read: Callable[[str], Found], text: str) -> Found | None:
        try:
            return read(text)
        except Unknown as problem:
            self._wrong(file, where, str(problem))
            return None

    def _wrong(self, file: str, where: str, what: str) -> None:
        self.mistakes.append(f"{file}: {where}: {what}")


def _by_hand(levels: Iterable[LevelRow], rules: Iterable[CopyRule]) -> Iterator[tuple[str, str]]:
    """Whom only people write to: one mark in the file is enough."""
    lists = [*((*row.to, *row.copies) for row in levels), *((*rule.copies, *rule.hand_to) for rule in rules)]
    for one in (one for theirs in lists for one in theirs):
        if one.by_hand and isinstance(one.who, Organisation):
            yield one.who.code, one.by_hand


__all__ = ["Addressee", "Case", "CopyRule", "Division", "LevelRow", "Organisation", "Orgs", "Place", "load_orgs"]
