"""Addresses of the services an office runs itself, `config/instances.yml`: one place for all sources that use them."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from config.yaml_text import yaml_of

NAMES = ("newsnow", "dailyhot", "rsshub")
FILE = "instances.yml"
PLACE = re.compile(r"\{(" + "|".join(NAMES) + r")\}")


def load_instances(config_dir: Path, mistakes: list[str]) -> Mapping[str, str]:
    """Name to address without a slash at its end; only those that have one. What is wrong is added to `mistakes`."""
    file = config_dir / FILE
    if not file.is_file():
        return {}
    try:
        values = yaml_of(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mistakes.append(f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}")
        return {}
    if not isinstance(values, dict):
        mistakes.append(f"{FILE}: (whole file): is not a mapping of names (accepted: {', '.join(NAMES)})")
        return {}
    found = {}
    for name, address in values.items():
        if name not in NAMES:
            mistakes.append(f"{FILE}: {name}: unknown key (accepted: {', '.join(NAMES)})")
        elif address and not _is_address(address):
            mistakes.append(f"{FILE}: {name}: {address!r} is no web address (accepted: http://host:port, https://host)")
        elif address:
            found[name] = str(address).rstrip("/")
    return found


def host_and_port(address: str) -> str:
    """`10.1.2.3:4444` of an instance's address, as allow_private names it: what else listens there stays private."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _is_address(value: object) -> bool:
    try:
        parts = urlsplit(str(value))
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
