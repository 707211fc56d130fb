"""Names of a registry as postings: which names hold a pair of characters or syllables, or share a key.

In memory for some thousand firms, else one file that is mapped: a million firms open at once. Layout of the file:
magic, length of the header, JSON header (version of the registry, places, syllables, sizes), then the arrays, each at
a multiple of 8 bytes.
"""

import json
import mmap
import struct
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.records import RegistryEntry
from enterprises.english_trades import EnglishName, english_of
from enterprises.name_keys import BUCKETS, Sounds, code_keys, gram_text, name_keys, numbered_sounds, pairs_of
from enterprises.name_parts import NameParts, NameSplitter, known_places

_MAGIC = b"FSMATCH1"
KINDS = ("全称", "简称", "品牌", "曾用名", "英文名", "信用代码")
FULL, SHORT, BRAND, FORMER, ENGLISH, CODE = range(6)
Array = np.ndarray[Any, np.dtype[Any]]
_AT_ONCE = 50_000
_TYPES: Mapping[str, Any] = {
    "starts": np.int64, "postings": np.uint32, "keys": np.uint64, "firm": np.uint32, "kind": np.uint8,
    "names": np.uint8, "name_at": np.int64, "ids": np.uint8, "id_at": np.int64, "first": np.uint32,
    "region": np.uint32, "sound": np.uint16,
}  # fmt: skip


@dataclass(frozen=True)
class MatchIndex:
    """arrays: see `_TYPES`. Of each name: firm, kind, its text. Of each firm: id, its first name, region code.

    starts, postings: names by bucket of a pair.  keys: key of whole names << 32 | name, sorted.
    """

    arrays: Mapping[str, Array]
    places: Mapping[str, str]
    sounds: Sounds
    version: str = ""
    splitter: NameSplitter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "splitter", NameSplitter(self.places))

    @cached_property
    def _spelt_places(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for name, code in self.places.items():
            found.setdefault("".join(self.sounds.spell(name)), set()).add(code)
        return {spelt: frozenset(codes) for spelt, codes in found.items()}

    def english(self, parts: NameParts) -> EnglishName:
        """A question in Latin letters with its place and its trades told apart."""
        return english_of(parts.words, self._spelt_places)

    @property
    def firms(self) -> int:
        """How many there are."""
        return len(self.arrays["first"])

    def name(self, number: int) -> str:
        """The text of a name."""
        return _text(self.arrays["names"], self.arrays["name_at"], number)

    def id(self, firm: int) -> str:
        """The id of a firm."""
        return _text(self.arrays["ids"], self.arrays["id_at"], firm)

    def full_name(self, firm: int) -> str:
        """The registered name of a firm."""
        return self.name(int(self.arrays["first"][firm]))

    def having(self, bucket: int) -> Array:
        """The names that hold a pair."""
        starts = self.arrays["starts"]
        return self.arrays["postings"][starts[bucket] : starts[bucket + 1]]

    def sharing(self, key: int) -> Array:
        """The names that have a key."""
        keys = self.arrays["keys"]
        low, high = np.searchsorted(keys, np.array([key << 32, (key + 1) << 32], np.uint64))
        found: Array = (keys[low:high] & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        return found


def build_index(entries: Iterable[RegistryEntry], *, version: str = "") -> MatchIndex:
    """The index of a registry. A million firms take about two minutes and 700 MB."""
    places, sounds = known_places(), numbered_sounds()
    build = _Build(NameSplitter(places), sounds)
    for entry in entries:
        build.add(entry)
    return MatchIndex(build.arrays(), places, sounds, version)


class _Build:
    def __init__(self, splitter: NameSplitter, sounds: Sounds) -> None:
        self._splitter, self._sounds = splitter, sounds
        self._names, self._ids = bytearray(), bytearray()
        self._name_at, self._id_at = array("q", [0]), array("q", [0])
        self._firm, self._kind, self._first = array("I"), array("B"), array("I")
        self._region, self._keys = array("I"), array("Q")
        self._texts: list[str] = []
        self._pairs: list[Array] = []

    def add(self, entry: RegistryEntry) -> None:
        firm = len(self._first)
        self._first.append(len(self._firm))
        self._region.append(int(entry.region_code) if entry.region_code.isdecimal() else 0)
        self._ids += entry.id.encode("utf-8", "replace")
        self._id_at.append(len(self._ids))
        seen = set[str]()
        groups = (
            (FULL, (entry.name,)), (SHORT, entry.short_names), (BRAND, entry.brands), (FORMER, entry.former_names),
            (ENGLISH, entry.english_names),
        )  # fmt: skip
        for kind, names in groups:
            for name in names:
                if name and name not in seen:
                    seen.add(name)
                    self._add_name(name, firm, kind)
        if len(entry.uscc) == 18:
            number = len(self._firm)
            self._keys.extend(key << 32 | number for key in code_keys(entry.uscc))
            self._store(entry.uscc, firm, CODE)
            self._texts.append("")

    def _add_name(self, name: str, firm: int, kind: int) -> None:
        number = len(self._firm)
        parts = self._splitter.split_new(name)
        self._keys.extend(key << 32 | number for key in set(name_keys(parts, self._sounds)))
        self._texts.append(gram_text(parts))
        self._store(name, firm, kind)
        if len(self._texts) >= _AT_ONCE:
            self._flush()

    def _store(self, name: str, firm: int, kind: int) -> None:
        self._names += name.encode("utf-8", "replace")
        self._name_at.append(len(self._names))
        self._firm.append(firm)
        self._kind.append(kind)

    def _flush(self) -> None:
        if self._texts:
            begin = len(self._firm) - len(self._texts)
            buckets, owners = pairs_of(self._texts, self._sounds)
            whole = buckets.astype(np.uint64) << np.uint64(32) | (owners.astype(np.uint64) + np.uint64(begin))
            self._pairs.append(whole)
            self._texts = []

    def arrays(self) -> dict[str, Array]:
        self._flush()
        pairs = np.concatenate(self._pairs) if self._pairs else np.zeros(0, np.uint64)
        self._pairs = []
        pairs.sort()
        if len(pairs):
            pairs = pairs[np.concatenate(([True], pairs[1:] != pairs[:-1]))]
        edges = np.arange(BUCKETS + 1, dtype=np.uint64) << np.uint64(32)
        starts = np.searchsorted(pairs, edges).astype(np.int64)
        keys = np.array(self._keys, np.uint64)
        keys.sort()
        return {
            "starts": starts,
            "postings": (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32),
            "keys": keys,
            "firm": np.array(self._firm, np.uint32),
            "kind": np.array(self._kind, np.uint8),
            "names": np.frombuffer(bytes(self._names), np.uint8),
            "name_at": np.array(self._name_at, np.int64),
            "ids": np.frombuffer(bytes(self._ids), np.uint8),
            "id_at": np.array(self._id_at, np.int64),
            "first": np.array(self._first, np.uint32),
            "region": np.array(self._region, np.uint32),
            "sound": self._sounds.of,
        }


def write_index(index: MatchIndex, path: Path) -> None:
    """Write the index beside its place and move it there: who has the old one open keeps it."""
    sizes = {name: len(index.arrays[name]) for name in _TYPES}
    told = {
        "version": index.version, "places": dict(index.places), "syllables": index.sounds.syllables, "sizes": sizes
    }  # fmt: skip
    header = json.dumps(told, ensure_ascii=False).encode("utf-8")
    header += b" " * (-(16 + len(header)) % 8)
    beside = path.with_suffix(path.suffix + ".new")
    with beside.open("wb") as file:
        file.write(_MAGIC + struct.pack("<Q", len(header)) + header)
        for name, kind in _TYPES.items():
            data = np.ascontiguousarray(index.arrays[name], kind).tobytes()
            file.write(data + b"\0" * (-len(data) % 8))
    beside.replace(path)


def open_index(path: Path) -> MatchIndex:
    """An index of `write_index`, mapped. Raises ConfigError where the file is missing, cut or of another version."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if data[:8] != _MAGIC:
            raise ValueError("made by another version")
        (length,) = struct.unpack("<Q", data[8:16])
        header = json.loads(data[16 : 16 + length])
        at, arrays = 16 + length, dict[str, Array]()
        for name, kind in _TYPES.items():
            count = header["sizes"][name]
            arrays[name] = np.frombuffer(data, kind, count, at)
            at += -(-count * np.dtype(kind).itemsize // 8) * 8
        if at != len(data):
            raise ValueError("cut short")
    except (OSError, ValueError, KeyError, struct.error) as problem:
        raise ConfigError(
            [f"{path}: not a compiled registry for matching ({problem}); import or compile it again"]
        ) from problem
    sounds = Sounds(arrays["sound"], tuple(header["syllables"]))
    return MatchIndex(arrays, header["places"], sounds, header["version"])


def _text(blob: Array, at: Array, number: int) -> str:
    return blob[at[number] : at[number + 1]].tobytes().decode("utf-8")
