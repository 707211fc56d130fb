"""One address for one page: the canonical form of a URL (docs/sources.md, "Dedupe")."""

import posixpath
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

TRACKING = re.compile(r"utm_\w+|spm|from|source|share_token|callback|_|timestamp")
INDEX = re.compile(r"/index\.html?$")
BREAKS = re.compile(r"[\t\r\n]")
HOST = re.compile(r"[^\s%@/\\]+")
"""No percent signs: neither escapes nor the zone of an IPv6 address."""
DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 2048


def canonical_url(url: str) -> str:
    """Lower host, no default port, no fragment, no tracking keys, the other keys sorted, no index.html.

    Keys that name a page (`id`, `rcl`, `tid`, ...) stay. What is no web address comes back stripped, else as it was.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower().rstrip(".")
    if scheme not in DEFAULT_PORTS or not host:
        return url
    host = f"[{host}]" if ":" in host else _ascii_host(host)
    if port is not None and port != DEFAULT_PORTS[scheme]:
        host = f"{host}:{port}"
    path = INDEX.sub("/", _clean_path(parts.path or "/"))
    pairs = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if _keeps(key)]
    return urlunsplit((scheme, host, path, urlencode(sorted(pairs)), ""))


def absolute_url(base: str, href: str) -> str | None:
    """`href` as a browser sees it from the page at `base`; None for anything that is no plain web address.

    Backslashes are slashes, line breaks nothing, a user name and password are left out.
    """
    place, mark, rest = BREAKS.sub("", href).strip().replace(" ", "%20").partition("?")
    href = place.replace("\\", "/") + mark + rest
    try:
        url = urljoin(base, href)
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        return None
    host = parts.hostname or ""
    if parts.scheme not in DEFAULT_PORTS or HOST.fullmatch(host) is None or not port_is_fine or len(url) > MAX_URL:
        return None
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def host_of(url: str) -> str:
    """The host name in lower case, without port; empty when there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def port_of(url: str) -> int | None:
    """The port that is asked: the address's, else its scheme's; None for none, and for port 0."""
    try:
        parts = urlsplit(url)
        return (DEFAULT_PORTS.get(parts.scheme) if parts.port is None else parts.port) or None
    except ValueError:
        return None


def _keeps(key: str) -> bool:
    return TRACKING.fullmatch(key.lower()) is None


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return host


def _clean_path(path: str) -> str:
    """Dots resolved, one spelling of percent escapes."""
    tail = "/" if path.endswith(("/", "/.", "/..")) else ""
    clean = posixpath.normpath(path)
    clean = "/" + clean.lstrip("/")
    if tail and not clean.endswith("/"):
        clean += tail
    return quote(unquote(clean, errors="surrogateescape"), safe="/:@!$&'()*+,;=~-._", errors="surrogateescape")
