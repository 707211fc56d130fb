"""What attached files add to a document: their text, marked with the file's name, and their tables behind its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from core.records import ArchiveRef, AttachedFile, RawDocument, Table
from crawlers.attached.content import MAX_CELLS, MAX_TEXT, FileContent
from crawlers.attached.read import within

MARK = "【附件：{name}】"
SAME = 0.8
"""A file with this share of its pieces in the page already is the page once more, as many notices attach it."""
PIECE = 8


@dataclass(frozen=True)
class ReadFile:
    """A file as fetched from `url`. archive: where its bytes lie.  content: None where it could not be fetched."""

    url: str
    name: str
    content: FileContent | None = None
    archive: ArchiveRef | None = None
    problem: str = ""


def with_files(raw: RawDocument, read: Sequence[ReadFile]) -> RawDocument:
    """`raw` with the files' text, tables and records; bounded. What repeats the page is not said twice."""
    text, tables = raw.text, list(dict.fromkeys(raw.tables))
    cells, files = sum(len(row) for table in tables for row in table), []
    for file in read:
        if file.content is None:
            files.append(AttachedFile(file.url, file.name, problem=file.problem))
            continue
        for part in _parts(file.content):
            more = "" if _repeats(part.text, raw, tables) else part.text[: max(MAX_TEXT - len(text), 0)]
            fresh = [table for table in dict.fromkeys(part.tables) if table not in tables]
            kept = within(tuple(fresh), max(MAX_CELLS - cells, 0))
            cells += sum(len(row) for table in kept for row in table)
            tables += kept
            text = "\n".join(filter(None, (text, MARK.format(name=part.name), more))) if more else text
            cut = (len(more) < len(part.text) and more) or kept != tuple(fresh)
            files.append(
                AttachedFile(
                    url=file.url,
                    name=part.name,
                    kind=part.kind,
                    size=part.size,
                    sha256=part.sha256,
                    archive=file.archive if part is file.content else None,
                    chars=len(more),
                    tables=len(kept),
                    problem=part.problem or ("文档已过长，之后未读" if cut else ""),
                )
            )
    return replace(raw, text=text, tables=tuple(tables), files=(*raw.files, *files), body_kind=_body_kind(raw, files))


def _body_kind(raw: RawDocument, files: Sequence[AttachedFile]) -> str:
    """What the page itself says its matter with: text | table | image | attachment."""
    if len("".join(raw.text.split())) >= 20:
        return "text"
    if raw.tables:
        return "table"
    if any(file.kind not in ("image", "") for file in files):
        return "attachment"
    if any(file.kind == "image" or _looks_like_image(file) for file in files):
        return "image"
    return "attachment" if files else "text"


def _looks_like_image(file: AttachedFile) -> bool:
    return urlsplit(file.url).path.lower().endswith((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp"))


def _parts(content: FileContent) -> Iterator[FileContent]:
    """A file, and the members of a zip behind it."""
    yield content
    yield from content.members


def _repeats(text: str, raw: RawDocument, tables: Sequence[Table]) -> bool:
    """Whether nearly all pieces of `text` stand on the page already."""
    bare = "".join(text.split())
    if not bare:
        return True
    cells: list[str] = [cell for table in tables for row in table for cell in row]
    page = "".join("".join((raw.title, raw.text, *cells)).split())
    pieces = [bare[at : at + PIECE] for at in range(0, max(len(bare) - PIECE, 1), PIECE)]
    return sum(piece in page for piece in pieces) >= SAME * len(pieces)
