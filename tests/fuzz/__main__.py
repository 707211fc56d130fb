"""`python -m tests.fuzz [TARGET...] --seconds N`: fuzzes each target so long, with atheris (guided by coverage) where
it is installed, else with mutations of our own. What breaks lies under build/fuzz/<target>: it belongs into
tests/hostile/found.

Exit 1 where anything was found.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.seeds import SEEDS, found_of, mutations

try:
    import atheris
except ImportError:
    atheris = None

KEPT = Path("build/fuzz")
WATCHED = ["alerts", "config", "core", "crawlers", "enterprises", "nlp", "pipelines", "search"]
"""Packages whose branches atheris counts; all that is imported would take minutes to prepare."""


def _target(name: str) -> Callable[[bytes], None]:
    if atheris is None:
        from tests.fuzz.targets import TARGETS
    else:
        with atheris.instrument_imports(include=WATCHED):
            from tests.fuzz.targets import TARGETS
    return TARGETS[name]


def main() -> int:
    """Each target in a process of its own: atheris ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(SEEDS)}; none: all")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        return _fuzz(given.targets[0], given.seconds)
    broken = []
    for name in given.targets or SEEDS:
        words = [sys.executable, "-m", "tests.fuzz", name, "--here", "--seconds", str(given.seconds)]
        run = subprocess.run(words, check=False)
        if run.returncode:
            broken.append(name)
    print(f"found something: {', '.join(broken)} (see {KEPT})" if broken else "nothing found")
    return int(bool(broken))


def _fuzz(name: str, seconds: int) -> int:
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for seed in (*SEEDS[name], *found_of(name)):
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    if atheris is not None:
        words = [f"-max_total_time={seconds}", "-max_len=20000", "-rss_limit_mb=4000", "-timeout=60"]
        atheris.Setup([name, *words, f"-artifact_prefix={folder}/", str(corpus)], _target(name))
        atheris.Fuzz()
    return _without_atheris(name, seconds, folder)


def _without_atheris(name: str, seconds: int, folder: Path) -> int:
    target, until, runs, seen = _target(name), time.monotonic() + seconds, 0, set[str]()
    for data in mutations([*SEEDS[name], *found_of(name)], random.Random(time.time_ns())):
        began = time.monotonic()
        if began > until:
            break
        runs += 1
        try:
            target(data)
        except Exception as problem:  # noqa: BLE001 that is what is looked for
            where = traceback.extract_tb(problem.__traceback__)[-1]
            if (place := f"{type(problem).__name__} {where.filename}:{where.lineno}") not in seen:
                seen.add(place)
                (folder / f"crash-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
                print(f"{name}: {place}: {str(problem)[:200]}")
        if time.monotonic() - began > 10:
            (folder / f"slow-{hashlib.sha256(data).hexdigest()[:12]}").write_bytes(data)
            print(f"{name}: {time.monotonic() - began:.0f} s for {len(data)} bytes")
            seen.add("slow")
    print(f"{name}: {runs} inputs in {seconds} s, {len(seen)} found")
    return int(bool(seen))


if __name__ == "__main__":
    sys.exit(main())
