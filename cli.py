"""`fengsui`: every job by hand. Loads only the file of the command that is asked for, so that each starts fast."""

import importlib
import os
import sys
from collections.abc import Sequence

import typer

from config.settings import calm_matrices
from core.errors import FengsuiError

GROUPS = {
    "commands.system": ("run", "check", "migrate", "demo-reset"),
    "commands.accounts": ("user",),
    "commands.doctor": ("doctor",),
    "commands.metrics": ("metrics",),
    "commands.log": ("log",),
    "commands.backup": ("backup", "restore"),
    "commands.keep": ("keep", "hold"),
    "commands.erase": ("erase-person",),
    "commands.export_all": ("export-all",),
    "commands.worker": ("worker",),
    "commands.indexer": ("indexer",),
    "commands.crawler": ("crawler",),
    "commands.desk": ("desk",),
    "commands.demo_site": ("demo-site",),
    "commands.processes": ("scheduler", "sender"),
    "commands.reading": ("analyze", "evaluate", "extract", "feed"),
    "commands.crawling": ("crawl",),
    "commands.source": ("source",),
    "commands.hot": ("hot",),
    "commands.documents": ("ingest", "reanalyze", "reindex", "search", "query"),
    "commands.index": ("index",),
    "commands.revisions": ("diff",),
    "commands.evidence": ("evidence",),
    "commands.events": ("events",),
    "commands.warnings": ("alerts", "feed-url"),
    "commands.digests": ("digest",),
    "commands.routing": ("route",),
    "commands.why": ("why",),
    "commands.silences": ("silence",),
    "commands.channels": ("channel",),
    "commands.mail": ("mail",),
    "commands.watching": ("watch",),
    "commands.handing_in": ("intake",),
    "commands.exporting": ("export",),
    "commands.progressing": ("progress",),
    "commands.watchlists": ("watchlist",),
    "commands.grade": ("grade",),
    "commands.firms": ("enterprises", "match"),
    "commands.tracing": ("trace",),
    "commands.papers": ("paper", "report"),
    "commands.mirroring": ("mirror",),
    "commands.clusters": ("clusters",),
    "commands.rules": ("rules",),
    "commands.learning": ("mark",),
    "commands.leadtime": ("leadtime",),
    "commands.detect": ("detect",),
    "commands.canary": ("canary",),
    "commands.audit": ("audit",),
    "commands.model": ("model",),
}
KEPT = ("worker", "indexer", "crawler", "scheduler", "sender", "desk", "demo-site")
"""Started by `run`, a file each, so that none loads what another needs; left out of the list of jobs."""
GLOBAL = ("--data", "--profile")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Exit 0 done, 1 failed, 2 wrong use or config; errors are one sentence on stderr."""
    calm_matrices()  # before numpy is loaded by anything
    words = _command_first(list(sys.argv[1:] if arguments is None else arguments))
    app = typer.Typer(
        name="fengsui",
        help="烽燧：风险信号监测与预警 (risk-signal monitoring and early warning)",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(lambda: None)
    for module in _modules_for(words):
        importlib.import_module(module).register(app)
    try:
        app(words)
    except FengsuiError as problem:
        print(f"fengsui: {problem}", file=sys.stderr)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as problem:
        print(f"fengsui: {problem.filename or ''}: {problem.strerror or problem}", file=sys.stderr)
        sys.exit(1)


def _modules_for(words: Sequence[str]) -> Sequence[str]:
    for module, names in GROUPS.items():
        if words and words[0] in names:
            return [module]
    return [module for module, names in GROUPS.items() if not set(names) <= set(KEPT)]


def _command_first(words: list[str]) -> list[str]:
    """`--data DIR COMMAND` means the same as `COMMAND --data DIR`."""
    head: list[str] = []
    while words and words[0].split("=")[0] in GLOBAL:
        size = 1 if "=" in words[0] else 2
        head, words = head + words[:size], words[size:]
    return words[:1] + head + words[1:]


if __name__ == "__main__":
    main()
