"""What the columns of registry files are called: lexicons/registry_columns.yml."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from config.yaml_text import yaml_of
from core.errors import ConfigError, UsageError

FILE = "lexicons/registry_columns.yml"
FIRMS, TIES = "firms", "ties"
FACTS = ("licences", "ccc", "hazchem", "sampling", "checks", "penalties", "recalls", "complaints", "credit")
KINDS = (FIRMS, *FACTS, TIES)
"""What a file may hold."""
_GROUPS = (*KINDS, "firm")
_ASIDE = re.compile(r"[(\[【][^()\[\]【】]*[)\]】]$")
_DROPPED = re.compile(r"[\s_:：*·.\-]+")
_END = 4
"""Characters of a word from which a longer header that ends with it is taken for it: 标称 + 生产企业名称."""


@dataclass(frozen=True)
class Columns:
    """How the headers of one kind of file are read. words: plain header to field."""

    kind: str
    fields: tuple[str, ...]
    words: Mapping[str, str]

    def map_header(self, header: Sequence[str], given: Mapping[str, str]) -> dict[int, str]:
        """Field by column. given: header to field, as a person says it, which counts before all words.

        Raises UsageError where `given` names a header that is not there or a field that does not exist.
        """
        asked = {plain_header(name): field for name, field in given.items()}
        heads = [plain_header(name) for name in header]
        for name, field in given.items():
            if field not in (*self.fields, ""):
                raise UsageError(f"--map {name}={field}：没有字段 {field}（可用：{'、'.join(self.fields)}）")
            if plain_header(name) not in heads:
                raise UsageError(
                    f"--map {name}={field}：文件中没有表头“{name}”（有：{'、'.join(filter(None, header))}）"
                )
        found: dict[int, str] = {}
        for place, head in enumerate(heads):
            field = asked.get(head, self.words.get(head, "")) if head else ""
            if field:
                found[place] = field
        taken = set(found.values())
        for place, head in enumerate(heads):
            if place not in found and head not in asked:
                field = self._by_end(head)
                if field and field not in taken:
                    found[place] = field
                    taken.add(field)
        return found

    def _by_end(self, head: str) -> str:
        ends = [word for word in self.words if len(word) >= _END and head.endswith(word)]
        return self.words[max(ends, key=len)] if ends else ""


def load_columns(config_dir: Path) -> dict[str, Columns]:
    """The columns of each kind of file. Raises ConfigError naming group and field."""
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError([f"{path}: file is missing"]) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    mistakes = [f"{FILE}: {group}: is missing" for group in _GROUPS if not isinstance(given.get(group), dict)]
    mistakes += [f"{FILE}: {group}: unknown group (accepted: {', '.join(_GROUPS)})" for group in given.keys() - _GROUPS]
    if mistakes:
        raise ConfigError(mistakes)
    return {kind: _columns(kind, given) for kind in KINDS}


def plain_header(text: str) -> str:
    """A header as it is compared: 有效期至（年月日）： is 有效期至."""
    plain = unicodedata.normalize("NFKC", text).lower().strip()
    return _DROPPED.sub("", _ASIDE.sub("", _DROPPED.sub("", plain))) or _DROPPED.sub("", plain)


def _columns(kind: str, given: Mapping[str, Mapping[str, list[str]]]) -> Columns:
    groups = [given[kind]] if kind == FIRMS else [given[kind], given["firm"]]
    words: dict[str, str] = {}
    for group in groups:
        for field, names in group.items():
            for name in (field, *names):
                words.setdefault(plain_header(str(name)), field)
    return Columns(kind, tuple(field for group in groups for field in group), words)
