"""What a file is: its first bytes decide, its name only where they do not say."""

import re
import zipfile
from io import BytesIO
from urllib.parse import unquote, urlsplit

IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
IMAGE_NAMES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
FILE_NAME = re.compile(
    r"\.(?:xlsx?|xlsm|xlsb|et|ods|csv|docx?|wps|rtf|pdf|zip|rar|7z|ofd|txt|png|jpe?g|gif|bmp|tiff?|webp)$",
    re.IGNORECASE,
)
OFFICE_NAME = re.compile(r"\.(?:xlsx?|et|csv|docx?|wps|txt)$", re.IGNORECASE)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PARTS = (
    ("xl/", "xlsx"),
    ("word/", "docx"),
    ("ppt/", "pptx"),
    ("OFD.xml", "ofd"),
    ("content.xml", "ods"),
)

KEPT = {
    "doc": "旧版 Word（doc、wps）不解析，仅存档",
    "image": "图片，仅存档",
    "locked": "文件有密码，未读",
    "rtf": "RTF 不解析，仅存档",
    "rar": "RAR 压缩包不解开，仅存档",
    "7z": "7z 压缩包不解开，仅存档",
    "ofd": "OFD 不解析，仅存档",
    "pptx": "演示文稿不解析，仅存档",
    "other": "文件类型不明，仅存档",
}
"""Kinds that are kept and not read, and what is said of them."""


def kind_of(data: bytes, name: str = "") -> str:
    """xls, xlsx, csv, docx, doc, rtf, pdf, zip, image, html, text, rar, 7z, ofd, pptx, locked or other."""
    head = data[:1024]
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(IMAGES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    if head.startswith(OLE):
        return _ole_kind(data)
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(b"Rar!"):
        return "rar"
    if head.startswith(b"7z\xbc\xaf"):
        return "7z"
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "other"
    if re.search(rb"<(?:!doctype html|html|table|body|meta|div|p)\b", head, re.IGNORECASE):
        return "html"
    return "csv" if name.lower().endswith(".csv") else "text"


def is_a_file(url: str, data: bytes) -> bool:
    """Whether an answer that came as text is a file: by its bytes, or a web page or text under an office name."""
    kind = kind_of(data)
    if kind in ("html", "text", "other"):
        return kind != "other" and OFFICE_NAME.search(urlsplit(url).path) is not None
    return True


def _zip_kind(data: bytes) -> str:
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()[:2000]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return "zip"
    for start, kind in PARTS:
        if any(name == start or name.startswith(start) for name in names):
            return kind if kind != "ods" or "mimetype" in names else "zip"
    return "zip"


def _ole_kind(data: bytes) -> str:
    """By the names of the streams, which stand as UTF-16 in the directory."""

    def holds(name: str) -> bool:
        return name.encode("utf-16-le") in data

    if holds("EncryptedPackage"):
        return "locked"
    if holds("WordDocument"):
        return "doc"
    if holds("Workbook") or holds("Book"):
        return "xls"
    return "other"


def name_of(url: str, label: str = "", disposition: str = "") -> str:
    """What people call the file: the link's text, the server's name for it, or the end of the address."""
    label = " ".join(label.split())[:120]
    served = _served_name(disposition)
    ending = unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    query = next((part for part in re.split(r"[&=?]", unquote(urlsplit(url).query)) if FILE_NAME.search(part)), "")
    best = next((name for name in (served, query, ending) if FILE_NAME.search(name)), served or ending or url)
    if not label or re.fullmatch(r"[\W\d]*(?:点击|请点击)?(?:下载|附件|查看|打开|链接|这里|此处)[\W\d]*", label):
        return best[:160]
    suffix = FILE_NAME.search(best)
    return label if FILE_NAME.search(label) or suffix is None else f"{label}{suffix[0].lower()}"


def _served_name(disposition: str) -> str:
    """The name in Content-Disposition, whose bytes may be UTF-8 or GBK."""
    coded = re.search(r"filename\*\s*=\s*([\w-]*)'[^']*'([^;]+)", disposition, re.IGNORECASE)
    if coded:
        try:
            return unquote(coded[2].strip(), encoding=coded[1] or "utf-8", errors="replace")
        except LookupError:
            return unquote(coded[2].strip())
    plain = re.search(r"filename\s*=\s*(?:\"([^\"]*)\"|([^;]+))", disposition, re.IGNORECASE)
    if plain is None:
        return ""
    name = unquote((plain[1] or plain[2] or "").strip())
    try:
        raw = name.encode("latin-1")
    except UnicodeEncodeError:
        return name
    for charset in ("utf-8", "gb18030"):
        try:
            return raw.decode(charset)
        except UnicodeDecodeError:
            continue
    return name
