"""Files that other systems hand in: a table or JSON lines read row by row, and a folder that is watched for them.

A file with wrong rows is taken without them; one that has no right row, or cannot be read, is refused as a whole. It
moves out of the folder when everything of it is in the store, so that a file cut off in the middle is read again.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from config.intake import DONE, READ_AT, REFUSED, Intake, IntakeKind
from config.registry_columns import plain_header
from core.clock import Clock, beijing, iso_beijing
from core.errors import UsageError
from core.records import ArchiveRef
from crawlers.archive import Archive
from enterprises.table_rows import batches, open_rows
from nlp.normalize import without_surrogates
from pipelines.handed_in import BATCH, HandedBy, archive_uri, take
from pipelines.handed_rows import FieldMistake, ReadRow, Words, read_row
from store.database import Store

KEPT = 1000
"""Refused rows that a report names; all are counted."""
MOST_NAME = 200
"""Bytes of a file's name that are kept: a folder takes 255 with the time before it and the report's ending."""
TYPES = (".csv", ".xlsx", ".xls", ".et", ".ods", ".jsonl", ".json", ".txt")


@dataclass(frozen=True)
class RefusedRow:
    """line: in the file.  field, title: of the column; empty and 整行 where a line is no row at all.
    what: what is wrong, in words."""

    line: int
    field: str
    title: str
    what: str


@dataclass
class FileReport:
    """What became of a file. why: it was refused as a whole, and this is the reason.  unused: headers of no column."""

    file: str
    kind: str
    source: str
    at: str = ""
    sha256: str = ""
    rows: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    why: str = ""
    unused: list[str] = field(default_factory=list)
    mistakes: list[RefusedRow] = field(default_factory=list)

    @property
    def taken(self) -> int:
        """Rows that are in the store now."""
        return self.new + self.changed + self.unchanged

    def text(self) -> str:
        """As it lies beside the file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True)
class FileTaker:
    """Takes files. archive: keeps each as it came; None keeps none."""

    store: Store
    intake: Intake
    words: Words
    clock: Clock
    archive: Archive | None = None

    def take(
        self, path: Path, kind: IntakeKind, *, source: str = "", actor: str = "file", dry: bool = False
    ) -> FileReport:
        """Take what is right. dry: nothing is written. A file that cannot be read says so in `why`."""
        report = FileReport(without_surrogates(path.name), kind.id, source or kind.source, at=iso_beijing(self.clock()))
        try:
            self._take(path, kind, report, actor, dry=dry)
        except UsageError as problem:
            report.why = str(problem).removeprefix(f"{path}：")
        if not report.why and not report.taken:
            report.why = "没有一行可收" if report.rows else "没有数据行"
        return report

    def _take(self, path: Path, kind: IntakeKind, report: FileReport, actor: str, *, dry: bool) -> None:
        most = self.intake.rules.file_megabytes
        try:
            size = path.stat().st_size
            body = path.read_bytes() if size <= most << 20 else b""
        except OSError as error:
            raise UsageError(f"打不开（{error.strerror}）") from None
        if size > most << 20:
            raise UsageError(f"文件超过 {most} MB（config/intake.yml：file_megabytes）")
        report.sha256 = hashlib.sha256(body).hexdigest()
        rows = self._rows(path, kind, report)
        first = next(rows, None)
        ref = None
        if self.archive is not None and not dry and first is not None:
            ref = self.archive.write_file(
                archive_uri(kind.id, report.sha256), "application/octet-stream", body, self.clock()
            )
        by = HandedBy(report.source, actor, ref, self._keep if ref else None)
        for batch in batches(_with(first, rows), BATCH):
            if dry:
                report.new += len(batch)
                continue
            taken = take(self.store, kind, batch, by, now=self.clock())
            report.new, report.changed = report.new + taken.new, report.changed + taken.changed
            report.unchanged += taken.unchanged

    def _keep(self, name: str, body: bytes) -> ArchiveRef:
        assert self.archive is not None
        return self.archive.write_file(name, "application/json", body, self.clock())

    def _rows(self, path: Path, kind: IntakeKind, report: FileReport) -> Iterator[ReadRow]:
        """Right rows, at most file_rows; wrong ones go into the report. Raises UsageError where a column is missing."""
        opened = open_rows(path, kind.columns.words, plain_header)
        mapped = kind.columns.map_header(opened.header, {})
        lacking = [one.title for name, one in kind.fields.items() if one.required and name not in mapped.values()]
        if lacking:
            seen = "、".join(cell.strip() for cell in opened.header if cell.strip())[:300]
            raise UsageError(f"缺少列：{'、'.join(lacking)}（表头：{seen or '没有'}）")
        report.unused = [cell for place, cell in enumerate(opened.header) if cell.strip() and place not in mapped]
        today = beijing(self.clock()).date()
        for line, what, _text in opened.broken:
            report.rows, report.refused = report.rows + 1, report.refused + 1
            if len(report.mistakes) < KEPT:
                report.mistakes.append(RefusedRow(line, "", "整行", what))
        for line, cells in opened.rows:
            given = {mapped[place]: cell for place, cell in enumerate(cells) if place in mapped}
            if not any(cell.strip() for cell in given.values()):
                continue
            report.rows += 1
            if report.rows > self.intake.rules.file_rows:
                report.why = f"超过 {self.intake.rules.file_rows} 行（config/intake.yml：file_rows），前面的已收"
                return
            read = read_row(kind, given, self.words, today=today)
            if isinstance(read, ReadRow):
                yield read
            else:
                self._refuse(kind, report, line, read)

    @staticmethod
    def _refuse(kind: IntakeKind, report: FileReport, line: int, mistakes: list[FieldMistake]) -> None:
        report.refused += 1
        for one in mistakes:
            if len(report.mistakes) < KEPT:
                report.mistakes.append(RefusedRow(line, one.field, kind.fields[one.field].title, one.what))


def _with(first: ReadRow | None, rest: Iterator[ReadRow]) -> Iterator[ReadRow]:
    if first is not None:
        yield first
        yield from rest


@dataclass(frozen=True)
class WatchedFolder:
    """The folder below which other systems put files, one folder a kind."""

    path: Path
    taker: FileTaker
    settled: Callable[[Path], bool]

    def prepare(self) -> None:
        """Make the folders of all kinds."""
        for kind in self.taker.intake.kinds:
            (self.path / kind).mkdir(parents=True, exist_ok=True)

    def sweep(self) -> list[FileReport]:
        """Take every file that lies there and is not being written any more."""
        found = []
        for kind in self.taker.intake.kinds.values():
            for path in filter(self._ready, sorted((self.path / kind.id).glob("*"))):
                report = self.taker.take(path, kind)
                if path.exists():  # else another process took it meanwhile, and has told so
                    self._move(path, report)
                    found.append(report)
        return found

    def _ready(self, path: Path) -> bool:
        """No links: whoever may put a file here may not have every file of this machine read."""
        named = path.suffix.lower() in TYPES and not path.name.startswith((".", "~"))
        return named and not path.is_symlink() and path.is_file() and self.settled(path)

    def _move(self, path: Path, report: FileReport) -> None:
        """The report first: a file that has gone has one."""
        into = self.path / (REFUSED if report.why else DONE) / report.kind
        into.mkdir(parents=True, exist_ok=True)
        name = f"{beijing(self.taker.clock()):{READ_AT}}-{_short(path)}"
        (into / f"{name}.report.json").write_text(report.text(), encoding="utf-8")
        path.replace(into / name)


def _short(path: Path) -> str:
    """The name, cut so that what is put before and behind it has room in a folder."""
    room = MOST_NAME - len(path.suffix)
    return os.fsencode(path.stem)[:room].decode("utf-8", "ignore") + path.suffix


def settled_for(seconds: float, now: Callable[[], datetime]) -> Callable[[Path], bool]:
    """Whether a file was not changed for so long."""
    return lambda path: now().timestamp() - path.stat().st_mtime >= seconds


def summary(report: FileReport) -> Mapping[str, int]:
    """The counts of a report."""
    return {name: getattr(report, name) for name in ("rows", "new", "changed", "unchanged", "refused")}
