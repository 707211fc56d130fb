"""After an installation: `python -m deploy.slim` takes out what is never loaded and compiles what is.

    python -m deploy.slim            says how much was taken out, and how large it is now

Called by `make install`, which has pip compile nothing: of ten thousand files two thousand are loaded. Doing it again
does nothing more; whoever wants all of a package installs it again by pip.
"""

import importlib
import os
import py_compile
import shutil
import site
import sys
from collections.abc import Iterator
from pathlib import Path

from cli import GROUPS

UNUSED = {
    "numpy/**/tests": "its own tests",
    "scipy/**/tests": "its own tests",
    "twisted/**/test": "its own tests",
    "jieba/lac_small": "a neural model that needs Paddle",
    "onnxruntime/capi/libonnxruntime.so*": "for programs in C; the module for Python holds the same code itself",
    "jieba/**/*.p": "for Python on Java",
    "**/*.[ch]": "what the modules were built from",
    "**/*.hpp": "as above",
    "**/*.p[xy][xd]": "as above",
    "**/*.a": "for linking",
    "transformers/models/*/modular_*.py": "what the models' modules were generated from",
    "hf_xet/*.so": "fetches models from a hub; here a model is a folder",
}
"""Below site-packages: what goes, and why nobody misses it."""
LATER = ("PIL.Image", "PIL.PngImagePlugin", "jieba", "resvg_py", "scipy.optimize", "scipy.stats")
"""Loaded by functions, so that importing our own modules does not load them."""


def take_out(packages: Path) -> int:
    """Delete what is UNUSED. Returns its bytes."""
    freed = 0
    for pattern in UNUSED:
        for path in list(packages.glob(pattern)):
            freed += size_of(path)
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return freed


def compile_loaded(packages: Path) -> int:
    """Compile each module of the packages that a command loads. Returns how many."""
    for module in (*GROUPS, *LATER):
        importlib.import_module(module)
    sources = [Path(found) for found in loaded_files() if Path(found).is_relative_to(packages)]
    for source in sources:
        py_compile.compile(str(source))
    return len(sources)


def loaded_files() -> Iterator[str]:
    """The source files of all modules that are loaded."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py"):
            yield file


def size_of(path: Path) -> int:
    """Bytes on the disk of a file, or of all files in a folder."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(os.stat(file).st_blocks * 512 for file in files)


def main() -> None:
    """Take out, compile, tell."""
    packages = Path(site.getsitepackages()[0])
    freed, count = take_out(packages), compile_loaded(packages)
    told = f"{size_of(packages) / 1e6:.0f} MB installed, {freed / 1e6:.0f} MB taken out, {count} modules compiled"
    print(told, file=sys.stderr)


if __name__ == "__main__":
    main()
