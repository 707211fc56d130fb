"""Finding a firm by a full, short, former, misspelt or pinyin name, a brand, or a credit code."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from core.records import RegistryEntry
from nlp.pinyin import spelt

FORMS = ("股份有限公司", "有限责任公司", "有限公司", "总厂", "公司", "厂")
MIN_SCORE = 0.55  # below this a candidate is noise: seen on the 300 demo names with two characters changed
USCC = re.compile(r"[0-9A-Z]{18}")


@dataclass(frozen=True)
class Candidate:
    """A firm that may be meant. score: 0-1.  why: what agreed, in words."""

    id: str
    name: str
    score: float
    why: str


class Matcher:
    """Looks names up in one registry. Building it costs about 20 microseconds a name."""

    def __init__(self, entries: Sequence[RegistryEntry]) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self._exact: dict[str, list[tuple[str, str]]] = {}
        self._names: list[tuple[str, str, str]] = []  # text, id, what it is
        for entry in entries:
            for kind, names in _names_of(entry):
                for name in names:
                    self._exact.setdefault(name, []).append((entry.id, kind))
                    self._names.append((name, entry.id, kind))
        self._pinyin = [_pinyin(name) for name, _id, _kind in self._names]

    def match(self, query: str, *, region: str = "", limit: int = 5) -> list[Candidate]:
        """The firms `query` may mean, best first; a region code raises those that sit there."""
        text = query.strip()
        found: dict[str, Candidate] = {}
        for entry_id, kind in self._exact.get(text, []):
            self._offer(found, entry_id, 1.0 if kind == "全称" else 0.95, f"{kind}相同")
        if USCC.fullmatch(text.upper()):
            self._by_code(found, text.upper())
        elif text:
            self._by_likeness(found, text)
        if region:
            for entry_id, candidate in list(found.items()):
                if self._entries[entry_id].region_code.startswith(region.rstrip("0")):
                    why = f"{candidate.why}；属地相符"
                    found[entry_id] = Candidate(entry_id, candidate.name, min(1.0, candidate.score + 0.05), why)
        return sorted(found.values(), key=lambda c: (-c.score, c.id))[:limit]

    def _by_likeness(self, found: dict[str, Candidate], text: str) -> None:
        names = [name for name, _id, _kind in self._names]
        for name, score, index in process.extract(text, names, scorer=fuzz.ratio, limit=20, score_cutoff=50):
            _text, entry_id, kind = self._names[index]
            self._offer(found, entry_id, 0.9 * score / 100, f"与{kind}“{name}”相近")
        sound = _pinyin(text)
        for _sound, score, index in process.extract(sound, self._pinyin, scorer=fuzz.ratio, limit=20, score_cutoff=80):
            name, entry_id, kind = self._names[index]
            self._offer(found, entry_id, 0.88 * score / 100, f"与{kind}“{name}”读音相近")

    def _by_code(self, found: dict[str, Candidate], code: str) -> None:
        for entry in self._entries.values():
            wrong = sum(a != b for a, b in zip(entry.uscc, code, strict=False)) if len(entry.uscc) == len(code) else 18
            if wrong == 0:
                self._offer(found, entry.id, 1.0, "统一社会信用代码相同")
            elif wrong == 1:
                self._offer(found, entry.id, 0.9, "统一社会信用代码仅一位不同")

    def _offer(self, found: dict[str, Candidate], entry_id: str, score: float, why: str) -> None:
        known = found.get(entry_id)
        if score >= MIN_SCORE and (known is None or score > known.score):
            found[entry_id] = Candidate(entry_id, self._entries[entry_id].name, round(score, 4), why)


def _names_of(entry: RegistryEntry) -> list[tuple[str, tuple[str, ...]]]:
    core = entry.name
    for form in FORMS:
        core = core.removesuffix(form)
    stripped = (core,) if core != entry.name and len(core) > 2 else ()
    return [
        ("全称", (entry.name,)),
        ("简称", entry.short_names + stripped),
        ("品牌", entry.brands),
        ("曾用名", entry.former_names),
    ]


def _pinyin(text: str) -> str:
    return spelt(text).replace(" ", "")
