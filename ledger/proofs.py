"""Files that prove something: kept in the data folder under their SHA-256, known by their bytes, only handed out."""

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from config.ledger import Proofs
from core.durable import sync_file, sync_folder
from core.errors import UsageError
from store.ledger import Proof

FOLDER = "proofs"
MOST_NAME = 120
CONTENT: dict[str, str] = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ofd": "application/ofd",
}
IN_ZIP = {"word/": "docx", "xl/": "xlsx", "OFD.xml": "ofd"}
MACROS = "vbaproject.bin"


def keep(data_dir: Path, kind: str, name: str, body: bytes, rules: Proofs) -> Proof:
    """Write the bytes under their hash, once; the record has no entry and number yet.

    Raises UsageError where the file is empty, too large or of no accepted type: its bytes decide, not its name.
    """
    if not body:
        raise UsageError("文件是空的")
    if len(body) > rules.most_bytes:
        raise UsageError(f"文件超过 {rules.most_megabytes} MB")
    sort = type_of(body)
    if sort not in rules.types:
        raise UsageError(f"文件类型不收（可收：{'、'.join(rules.types)}；以内容为准，不看扩展名）")
    sha256 = hashlib.sha256(body).hexdigest()
    _write(path_of(data_dir, sha256), body)
    return Proof("", 0, kind, _plain(name, sort), sort, sha256, len(body))


def read(data_dir: Path, proof: Proof) -> bytes:
    """The bytes. Raises UsageError where they are gone or no longer what was uploaded."""
    try:
        body = path_of(data_dir, proof.sha256).read_bytes()
    except OSError as problem:
        raise UsageError(f"材料文件读不到（{problem.strerror}），请管理员从备份恢复 {proof.sha256[:12]}") from problem
    if hashlib.sha256(body).hexdigest() != proof.sha256:
        raise UsageError(f"材料文件与登记的 SHA-256 不符，不予提供，请管理员核查 {proof.sha256[:12]}")
    return body


def path_of(data_dir: Path, sha256: str) -> Path:
    """Where the bytes of a hash lie."""
    return data_dir / FOLDER / sha256[:2] / sha256


def type_of(body: bytes) -> str:
    """pdf, jpg, png, docx, xlsx, ofd, by the first bytes and the parts of a zip; empty: none of them."""
    if body.startswith(b"%PDF-"):
        return "pdf"
    if body.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return _zip_type(body) if body.startswith(b"PK\x03\x04") else ""


def _zip_type(body: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return ""
    if any(name.lower().endswith(MACROS) for name in names):  # a package's part names are compared without case
        return ""
    return next((sort for part, sort in IN_ZIP.items() if any(name.startswith(part) for name in names)), "")


def _plain(name: str, sort: str) -> str:
    """The name without folders and control characters, its extension that of the type."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*').strip(" .")
    stem = stem.rpartition(".")[0] or stem
    return f"{stem[:MOST_NAME] or '材料'}.{sort}"


def _write(path: Path, body: bytes) -> None:
    """Whole or not at all: under another name first."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{uuid4().hex}")
    with half.open("xb") as file:
        file.write(body)
        sync_file(file)
    half.replace(path)
    sync_folder(path.parent)
    sync_folder(path.parent.parent)
