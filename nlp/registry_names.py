"""The names of a registry's firms as one automaton: built in memory, or opened from a compiled file.

A compiled file costs its size once, however many firms it holds: the automaton is loaded as it is, firms are decoded
when a text names them. Layout: magic, length of the header, JSON header (sizes of the parts, branches), then the
parts: automaton, where each name's meanings begin, meanings (row * 4 + kind), where each row begins, rows as JSON lines
sorted by id.
"""

import json
import mmap
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from daachorse import CharwiseDoubleArrayAhoCorasick

from core.errors import ConfigError
from core.records import RegistryEntry
from nlp.dictionary import Dictionary, Hit
from nlp.normalize import normalize_word

_MAGIC = b"FSREG001"
_MARK = 5  # bytes of it that all versions share
_KINDS = ("full", "short", "brand")
_PARTS = ("automaton", "starts", "meanings", "offsets", "rows")
_LISTS = ("short_names", "brands", "former_names", "products", "licence_no", "tags", "english_names")


@dataclass(frozen=True)
class FirmName:
    """How a registry entry may be called. kind: full | short | brand."""

    id: str
    kind: str


class RegistryNames(Protocol):
    """What the finder of firms needs of a registry. branches: ids of the branches of a firm by its id."""

    entries: Mapping[str, RegistryEntry]
    branches: Mapping[str, Sequence[str]]

    def find_all(self, text: str) -> list[Hit]:
        """Every name in a normalised text, overlapping ones too."""

    def names(self, hit: Hit) -> tuple[FirmName, ...]:
        """Whom the name of a hit may mean."""


class BuiltNames:
    """A registry in memory: for some ten thousand firms."""

    def __init__(self, registry: Iterable[RegistryEntry]) -> None:
        self.entries: Mapping[str, RegistryEntry] = {entry.id: entry for entry in registry}
        self.branches: Mapping[str, Sequence[str]] = _branches(self.entries.values())
        self._dictionary: Dictionary[FirmName] = Dictionary(
            (word, FirmName(entry.id, kind)) for entry in self.entries.values() for word, kind in _called(entry)
        )

    def find_all(self, text: str) -> list[Hit]:
        """Every name in a normalised text, overlapping ones too."""
        return self._dictionary.find_all(text)

    def names(self, hit: Hit) -> tuple[FirmName, ...]:
        """Whom the name of a hit may mean."""
        return self._dictionary.entries[hit.word].meanings


class CompiledNames:
    """A registry in a file of `compile_registry`: opens a million firms in well under a second."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError where the file is missing, cut or of another version."""
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if data[:8] != _MAGIC:
                raise ValueError("made by another version")
            (length,) = struct.unpack("<Q", data[8:16])
            header = json.loads(data[16 : 16 + length])
            at, part = 16 + length, {}
            for name in _PARTS:
                part[name] = (at, header["sizes"][name])
                at += header["sizes"][name]
            if at != len(data):
                raise ValueError("cut short")
            start, size = part["automaton"]
            self._automaton = CharwiseDoubleArrayAhoCorasick.deserialize(data[start : start + size])
        except (OSError, ValueError, KeyError, struct.error) as problem:
            raise ConfigError([f"{path}: not a compiled registry ({problem}); compile it again"]) from problem
        self._starts = np.frombuffer(data, np.int64, part["starts"][1] // 8, part["starts"][0])
        self._meanings = np.frombuffer(data, np.int64, part["meanings"][1] // 8, part["meanings"][0])
        offsets = np.frombuffer(data, np.int64, part["offsets"][1] // 8, part["offsets"][0])
        self._rows = _Rows(data, part["rows"][0], offsets)
        self.entries: Mapping[str, RegistryEntry] = self._rows
        self.branches: Mapping[str, Sequence[str]] = header["branches"]

    def find_all(self, text: str) -> list[Hit]:
        """Every name in a normalised text, overlapping ones too."""
        return [Hit(*hit) for hit in self._automaton.find_overlapping(text)]

    def names(self, hit: Hit) -> tuple[FirmName, ...]:
        """Whom the name of a hit may mean."""
        codes = self._meanings[self._starts[hit.word] : self._starts[hit.word + 1]]
        return tuple(FirmName(self._rows.row(int(code) >> 2).id, _KINDS[int(code) & 3]) for code in codes)


def is_compiled(path: Path) -> bool:
    """Whether the file is one of `compile_registry`, of any version."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC))[:_MARK] == _MAGIC[:_MARK]
    except OSError:
        return False  # whoever reads it says what is wrong


class _Rows(Mapping[str, RegistryEntry]):
    """Entries by id, decoded from the file when asked for."""

    def __init__(self, data: mmap.mmap, at: int, offsets: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> None:
        self._data, self._at, self._offsets = data, at, offsets

    def row(self, number: int) -> RegistryEntry:
        start, end = self._at + int(self._offsets[number]), self._at + int(self._offsets[number + 1])
        fields: dict[str, Any] = json.loads(self._data[start:end])
        given: dict[str, Any] = {key: tuple(value) if key in _LISTS else value for key, value in fields.items()}
        return RegistryEntry(**given)

    def __getitem__(self, key: str) -> RegistryEntry:
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            entry = self.row(middle)
            if entry.id == key:
                return entry
            low, high = (middle + 1, high) if entry.id < key else (low, middle)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (self.row(number).id for number in range(len(self)))

    def __len__(self) -> int:
        return len(self._offsets) - 1


def compile_registry(registry: Iterable[RegistryEntry], path: Path) -> None:
    """Write the compiled file beside its place and move it there; of entries with one id the last counts."""
    rows = sorted({entry.id: entry for entry in registry}.values(), key=lambda entry: entry.id)
    meanings: dict[str, list[int]] = {}
    for number, entry in enumerate(rows):
        for word, kind in _called(entry):
            codes = meanings.setdefault(word, [])
            code = number * 4 + _KINDS.index(kind)
            if code not in codes:
                codes.append(code)
    lines = [json.dumps(_filled(entry), ensure_ascii=False).encode("utf-8") for entry in rows]
    parts = {
        # An automaton needs a word: a registry without names gets one that no text holds.
        "automaton": CharwiseDoubleArrayAhoCorasick(list(meanings) or ["\0\0"]).serialize(),
        "starts": np.cumsum([0, *map(len, meanings.values())], dtype=np.int64).tobytes(),
        "meanings": np.array([code for codes in meanings.values() for code in codes], dtype=np.int64).tobytes(),
        "offsets": np.cumsum([0, *map(len, lines)], dtype=np.int64).tobytes(),
        "rows": b"".join(lines),
    }
    sizes = {name: len(parts[name]) for name in _PARTS}
    header = json.dumps({"sizes": sizes, "branches": _branches(rows)}, ensure_ascii=False).encode("utf-8")
    header += b" " * (-(16 + len(header)) % 8)
    beside = path.with_suffix(path.suffix + ".new")
    with beside.open("wb") as file:
        file.write(_MAGIC + struct.pack("<Q", len(header)) + header)
        for name in _PARTS:
            file.write(parts[name])
    beside.replace(path)


def _filled(entry: RegistryEntry) -> dict[str, object]:
    return {key: value for key, value in asdict(entry).items() if value}


def _branches(entries: Iterable[RegistryEntry]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry.parent_id:
            found.setdefault(entry.parent_id, []).append(entry.id)
    return found


def _called(entry: RegistryEntry) -> Iterator[tuple[str, str]]:
    """The normalised names of an entry with their kinds; single characters name nobody."""
    kinds = (("full", (entry.name, *entry.former_names)), ("short", entry.short_names), ("brand", entry.brands))
    for kind, names in kinds:
        for name in names:
            plain = normalize_word(name)
            if len(plain) > 1:
                yield plain, kind
