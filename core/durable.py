"""What makes a new name outlive a power cut."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Write a folder's names to the disk: a new file is only safe when its folder is, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
