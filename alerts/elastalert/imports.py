"""`import` of a rule file: options that several rules share stand in files of their own.

An own option goes first, filters are joined, and what is imported may import (documentation of ElastAlert 2).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.elastalert.asked import NotCarried
from config.rule_yaml import Place, YamlFile
from core.errors import FengsuiError

DEEPEST = 5
MOST = 20
IMPORT, FILTER = "import", "filter"


@dataclass(frozen=True)
class Folder:
    """Where imported files may lie. read: a file as YAML; raises FengsuiError where it cannot be."""

    root: Path
    read: Callable[[Path], YamlFile]

    def whole(self, file: YamlFile, path: Path) -> YamlFile:
        """The file with what it imports in it, at the line of the import. Raises NotCarried with the reason."""
        return self._whole(file, path, (path.resolve(),))

    def _whole(self, file: YamlFile, path: Path, above: tuple[Path, ...]) -> YamlFile:
        for name in _names(file.content.get(IMPORT)):
            base = (path.parent / name).resolve()
            if not base.is_relative_to(self.root.resolve()):
                raise NotCarried(f"{name[:80]} 在所给文件夹之外；导入包含两者的文件夹")
            if base in above or len(above) > DEEPEST:
                raise NotCarried(f"{name[:80]} 又引用回来，或一层层引用超过 {DEEPEST} 层")
            try:
                read = self.read(base)
            except FengsuiError as problem:
                raise NotCarried(f"{name[:80]} 读不出，本规则可能因此过宽：{problem}") from None
            file = _joined(file, self._whole(read, base, (*above, base)))
        content = {key: value for key, value in file.content.items() if key != IMPORT}
        return YamlFile(file.name, content, file.lines)


def _names(told: Any) -> Sequence[str]:
    if told is None:
        return ()
    names = told if isinstance(told, list) else [told]
    if not all(isinstance(name, str) and name for name in names) or len(names) > MOST:
        raise NotCarried(f"应为文件名，或至多 {MOST} 个文件名的列表")
    return names


def _joined(own: YamlFile, base: YamlFile) -> YamlFile:
    """own: it still holds its `import`, whose line all that comes from `base` is given."""
    at = own.line(IMPORT)
    content = {**base.content, **own.content}
    lines: dict[Place, int] = dict.fromkeys(base.lines, at) | dict(own.lines)
    first, second = base.content.get(FILTER), own.content.get(FILTER)
    if isinstance(first, list) and isinstance(second, list):
        content[FILTER] = [*second, *first]
        for place in base.lines:
            if len(place) > 1 and place[0] == FILTER and isinstance(place[1], int):
                lines[(FILTER, place[1] + len(second), *place[2:])] = at
    return YamlFile(own.name, content, lines)
