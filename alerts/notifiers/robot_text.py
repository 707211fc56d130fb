"""What a group robot or an SMS says: plain text within the vendor's size, the link kept."""

from collections.abc import Callable

from core.records import Notification

CUT = "…\n"


def text_within(notification: Notification, most: int, size: Callable[[str], int]) -> str:
    """Subject and text; where they are too long, the end goes, but for the last line, which is the link."""
    body = "\n".join(line.rstrip() for line in notification.text.strip().splitlines())
    whole = f"{notification.subject}\n{body}"
    if size(whole) <= most:
        return whole
    last = body.rpartition("\n")[2]
    last = last if size(last) < most // 2 else ""
    kept, room = "", most - size(CUT + last)
    for character in f"{notification.subject}\n{body}":
        if size(kept + character) > room:
            break
        kept += character
    return kept + CUT + last if last else kept + CUT.rstrip()


def in_bytes(text: str) -> int:
    """Size in UTF-8, as the robots count."""
    return len(text.encode("utf-8", "replace"))
