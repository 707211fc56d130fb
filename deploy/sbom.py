"""What Fengsui is made of: `python -m deploy.sbom` writes a bill of materials (CycloneDX 1.6, JSON) of the pinned
requirements with their licences, from the metadata of what is installed; no network is asked."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from core.ids import digest

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)")
NEEDS = re.compile(r"^[A-Za-z0-9._-]+")
STATED = {"resvg-py": "MIT"}
"""Licences that a package's metadata does not say, from the licence file of its project."""
ALLOWED = re.compile(
    r"MIT|BSD|Apache|Python Software Foundation|PSF|ISC|Zlib|CC0|0BSD|ZPL|Unlicense|CNRI-Python|"
    r"MPL|Mozilla Public License|LGPL|Lesser General Public License",
    re.IGNORECASE,
)
"""Licences under which a package may be used and handed on with Fengsui: permissive ones, and those whose copyleft ends
at the package's own files or at the library itself (MPL, LGPL), which we use unchanged."""
REFUSED = re.compile(r"(?<!Lesser )\b(?:A?GPL|General Public License|SSPL|Commons Clause|BUSL|proprietary)\b", re.I)


@dataclass(frozen=True)
class Package:
    """One pinned package. licence: as its metadata says it, empty where it says none.  needs: names of others."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its address in the form of package-url."""
        return f"pkg:pypi/{self.name}@{self.version}"

    @property
    def allowed(self) -> bool:
        """Whether its licence is one of those that may be used."""
        alternatives = re.split(r"\s+OR\s+|\s*\|\s*", self.licence)
        return any(ALLOWED.search(one) and not REFUSED.search(one) for one in alternatives)


def plain(name: str) -> str:
    """The name as an index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(file: Path = ROOT / "requirements.txt") -> list[Package]:
    """All pinned packages, sorted. Raises PackageNotFoundError for one that is not installed."""
    pins = [found for line in file.read_text(encoding="utf-8").splitlines() if (found := PIN.match(line))]
    known = {plain(found[1]) for found in pins}
    return sorted((_package(found[1], found[2], known) for found in pins), key=lambda one: one.name)


def _package(name: str, version: str, known: set[str]) -> Package:
    told = metadata(name)
    needs = {
        plain(found[0]) for need in requires(name) or () if "extra ==" not in need and (found := NEEDS.match(need))
    }
    return Package(plain(name), version, _licence(name, told), tuple(sorted(needs & known)))


def _licence(name: str, told: Any) -> str:
    classes = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or () if one.startswith("License ::")]
    text = str(told.get("License") or "").strip()
    first = text.splitlines()[0] if text and text != "UNKNOWN" else ""
    return str(told.get("License-Expression") or "|".join(classes) or first or STATED.get(plain(name), ""))


def bill(found: list[Package], version: str) -> dict[str, Any]:
    """The bill. Its serial number follows from its content: the same requirements give the same file."""
    content = digest("\n".join(one.purl for one in found))
    serial = f"{content[:8]}-{content[8:12]}-5{content[13:16]}-8{content[17:20]}-{content[20:32]}"
    own = f"pkg:generic/fengsui@{version}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": own, "name": "fengsui", "version": version}},
        "components": [
            {
                "type": "library", "bom-ref": one.purl, "name": one.name, "version": one.version, "purl": one.purl,
                "licenses": [{"license": {"name": one.licence}}] if one.licence else [],
            }
            for one in found
        ],
        "dependencies": [
            {"ref": own, "dependsOn": [one.purl for one in found]},
            *({"ref": one.purl, "dependsOn": list(_purls(one, found))} for one in found),
        ],
    }  # fmt: skip


def _purls(one: Package, found: list[Package]) -> Iterator[str]:
    return (other.purl for other in found if other.name in one.needs)


def main() -> int:
    """The bill on standard output; what may not be used on standard error, with exit 1."""
    try:
        found = packages()
    except PackageNotFoundError as lacking:
        print(f"{lacking} is not installed: make install", file=sys.stderr)
        return 2
    told = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    print(json.dumps(bill(found, told[1] if told else ""), ensure_ascii=False, indent=2))
    wrong = [f"{one.name} {one.version}: {one.licence or 'no licence told'}" for one in found if not one.allowed]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
