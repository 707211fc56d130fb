"""Bundles on disk: a folder, or a zip file whose bytes follow from its contents alone."""

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from core.errors import UsageError
from pipelines.evidence.bundle import BundleFile

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The zip format's first moment: the time of packing is no part of the evidence."""
READABLE = 0o100640 << 16


def write_zip(files: Iterable[BundleFile], target: IO[bytes], *, root: str) -> None:
    """All files below the folder `root` of a zip file."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for one in files:
            entry = zipfile.ZipInfo(f"{root}/{one.path}", EPOCH)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, READABLE, 3
            packed.writestr(entry, one.data)


def write_zip_file(files: Iterable[BundleFile], path: Path, *, root: str) -> None:
    """The zip file appears when it is whole. Raises UsageError where there is one already."""
    refuse_taken(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as target:
            write_zip(files, target, root=root)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def write_folder(files: Iterable[BundleFile], folder: Path) -> None:
    """All files below `folder`, SHA256SUMS last: without it a bundle is not whole. Raises UsageError as above."""
    refuse_taken(folder)
    for one in files:
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)


def refuse_taken(path: Path) -> None:
    """Evidence is never written over."""
    if path.exists():
        raise UsageError(f"{path} is there already: choose another --out, or remove it first")
