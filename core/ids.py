"""Stable ids: the same input always gets the same id, so a step that runs twice writes the same row twice."""

import hashlib
import json
from typing import Any


def digest(*parts: str) -> str:
    """Hex SHA-256 of the parts, unambiguous about where one ends."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        sha.update(len(raw).to_bytes(8, "big"))
        sha.update(raw)
    return sha.hexdigest()


def short_id(prefix: str, *parts: str) -> str:
    """`prefix` and 16 hex digits of the parts: an id that fits into an address."""
    return f"{prefix}{digest(*parts)[:16]}"


def document_id(source: str, address: str) -> str:
    """The id of what `source` published at `address` (external id or canonical URL); revisions share it."""
    return short_id("d", source, address)


def content_hash(title: str, text: str) -> str:
    """Identity of a text: white space does not count, everything else does."""
    return digest("".join(title.split()), "".join(text.split()))


def to_json(value: Any) -> str:
    """Compact JSON, keys sorted, Chinese readable: equal values give equal strings."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def to_pretty_json(value: Any) -> str:
    """JSON for people to read: indented, keys sorted, Chinese readable, a line break at the end."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=2) + "\n"
