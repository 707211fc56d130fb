"""Rule files, ours and ElastAlert's, read with the line of every key. Nothing in it is run, and nothing in it can grow.

Tags other than those of plain values, keys that are there twice, merge keys, and anchors that unfold to more than a
rule can hold are mistakes that name the line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from core.errors import ConfigError

LARGEST = 256 * 1024
"""Characters of a rule file."""
ELASTALERT = "expected a mapping of options (name, type, filter, ...)"
MOST_VALUES = 20_000
DEEPEST = 40
PLAIN = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str"))

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """A mapping as it was read. lines: of each key and list entry, by its place: ("filter", 0, "term")."""

    name: str
    content: Mapping[str, Any]
    lines: Mapping[Place, int]

    def line(self, *place: str | int) -> int:
        """The line of the innermost part of a place that has one; 1 for the file."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_yaml(text: str, *, name: str, shape: str = ELASTALERT) -> YamlFile:
    """shape: what is said of a file that is no mapping. Raises ConfigError: `name: line 3: what`."""
    if len(text) > LARGEST:
        raise ConfigError([f"{name}: longer than {LARGEST // 1024} KiB; a rule is not"])
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        told = getattr(problem, "problem", None) or str(problem)
        raise ConfigError([f"{name}: {where}not readable as YAML: {' '.join(str(told).split())}"]) from None
    except RecursionError:
        raise ConfigError([f"{name}: nested more than {DEEPEST} deep"]) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError([f"{name}: {shape}"])
    reader = _Reader(name)
    content = reader.value(node, ())
    if reader.mistakes:
        raise ConfigError(reader.mistakes)
    return YamlFile(name, content, reader.lines)


@dataclass
class _Reader:
    name: str
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    values: int = 0

    def __post_init__(self) -> None:
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, place: Place) -> Any:
        self.values += 1
        line = node.start_mark.line + 1
        if self.values > MOST_VALUES:
            raise ConfigError([f"{self.name}: line {line}: unfolds to more than {MOST_VALUES} values"])
        if len(place) > DEEPEST:
            raise ConfigError([f"{self.name}: line {line}: nested more than {DEEPEST} deep"])
        self.lines.setdefault(place, line)
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.value(one, (*place, number)) for number, one in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.mistakes.append(f"{self.name}: line {line}: a key must be a plain word")
            elif key.tag == "tag:yaml.org,2002:merge":
                self.mistakes.append(f"{self.name}: line {line}: merge keys (<<) are not read; write the options out")
            elif key.value in found:
                self.mistakes.append(f"{self.name}: line {line}: {key.value[:80]} is there twice")
            else:
                self.lines[(*place, key.value)] = line
                found[key.value] = self.value(value, (*place, key.value))
        return found

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        if not isinstance(node, yaml.ScalarNode) or node.tag not in PLAIN:
            self.mistakes.append(f"{self.name}: line {line}: the tag {node.tag[:80]} is not read")
            return None
        try:
            return self._scalars.construct_object(node, deep=True)
        except (ValueError, OverflowError):
            self.mistakes.append(f"{self.name}: line {line}: {node.value[:40]!r} is not a number that can be read")
            return None
