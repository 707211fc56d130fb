"""`fengsui source`: the catalogue of sources, one tried without saving, a new one sniffed."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar, get_args

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.source_site import answering, held_until
from commands.source_words import trial_json, trial_lines
from commands.tables import table_lines
from config.settings import Profile, Settings
from config.sources import KEY_FORM, SourceConfig, load_source, load_sources
from core.clock import system_clock
from core.durations import format_duration
from core.errors import StoreError, UsageError
from crawlers.runner import run_reactor
from crawlers.trial import Bench, Trial, try_source
from pipelines.crawling import CONTACT

INTERRUPTED = 130
EVIDENCE = tuple(get_args(SourceConfig.model_fields["evidence"].annotation))
HEADER = ("键", "名称", "族", "类", "级", "地区", "间隔", "启用", "证据", "署名")
T = TypeVar("T")
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="pages fetched, rows shown")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="信源：目录、试采、嗅探新栏目 (sources: the catalogue, a trial without saving, a draft for a new one)",
        no_args_is_help=True,
    )
    group.command("list")(list_command)
    group.command("try")(try_command)
    app.add_typer(group, name="source")


def list_command(
    evidence: Annotated[str | None, typer.Option("--evidence", help=f"only this mark: {', '.join(EVIDENCE)}")] = None,
    enabled: Annotated[bool, typer.Option("--enabled", help="only those that are crawled")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """信源目录与证据标记的件数 (every source of the profile; --json: a line each)."""
    settings = settings_of(data, profile, log_level="WARNING")
    if evidence is not None and evidence not in EVIDENCE:
        raise UsageError(f"--evidence: {evidence!r} is unknown (accepted: {', '.join(EVIDENCE)})")
    found = [
        source
        for source in load_sources(settings.config, settings.profile, base=settings.source_base)
        if evidence in (None, source.evidence) and (source.enabled or not enabled)
    ]
    for line in map(_as_json, found) if as_json else _catalogue(found):
        print(line)


def _as_json(source: SourceConfig) -> str:
    names = ("key", "title", "family", "kind", "tier", "region", "enabled", "evidence", "attribution", "note")
    shown = {name: getattr(source, name) for name in names}
    return json.dumps(
        {**shown, "every": format_duration(source.every), "addresses": source.addresses}, ensure_ascii=False
    )


def _catalogue(sources: list[SourceConfig]) -> Iterator[str]:
    rows = [
        (
            source.key,
            source.title,
            source.family,
            source.kind,
            str(source.tier),
            source.region or "—",
            format_duration(source.every),
            "是" if source.enabled else "否",
            source.evidence,
            source.attribution or "—",
        )
        for source in sources
    ]
    yield from table_lines(HEADER, rows, widest={1: 36, 9: 40})
    total = Counter(source.evidence for source in sources)
    running = Counter(source.evidence for source in sources if source.enabled)
    marks = "，".join(f"{mark} {total[mark]}（启用 {running[mark]}）" for mark in EVIDENCE if total[mark])
    yield f"共 {len(sources)} 个信源" + (f"：{marks}" if marks else "")


def try_command(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE.yml", help="a source of the profile, or a source file")],
    limit: LimitOption = 10,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """试采一次，什么都不保存 (fetches once as the crawler would and shows what it would collect; nothing is kept).

    Exit 0 the source is well, 1 it would not be (no rows, blocked, changed, failed), 2 wrong use, 130 interrupted.
    """
    settings = settings_of(data, profile, log_level="ERROR")
    file = source_file(settings, name)
    named = name if file == Path(name) else f"sources/{settings.profile}/{file.name}"
    source = load_source(file, name=named, base=settings.source_base)
    with TemporaryDirectory(prefix="fengsui-try-") as kept, answering(settings, source, Path(kept)) as found:
        source = load_source(file, name=named, base=found.source_base)
        bench = bench_of(found, source, Path(kept), limit)
        trial = until_stopped(lambda: try_source(source, bench))
        show_trial(trial, as_json=as_json)
    raise typer.Exit(0 if trial.well else 1)


def source_file(settings: Settings, name: str) -> Path:
    """The file that `name` means: a path to one, or a source of the profile. Raises UsageError with near names."""
    if name.endswith((".yml", ".yaml")) or "/" in name:
        if not Path(name).is_file():
            raise UsageError(f"{name}: no such file")
        return Path(name)
    folder = settings.config / "sources"
    file = folder / settings.profile / f"{name}.yml"
    if KEY_FORM.fullmatch(name) and file.is_file():
        return file
    for other in get_args(Profile):
        if KEY_FORM.fullmatch(name) and (folder / other / f"{name}.yml").is_file():
            raise UsageError(f"{name} is a source of the profile {other}: add --profile {other}")
    known = sorted(path.stem for path in (folder / settings.profile).glob("*.yml"))
    near = get_close_matches(name, known, n=5, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}" if near else "see: fengsui source list"
    raise UsageError(f"no source {name!r} in profile {settings.profile} ({hint})")


def bench_of(settings: Settings, source: SourceConfig, folder: Path, limit: int) -> Bench:
    """What a trial needs; progress goes to stderr."""
    try:
        held = held_until(settings, source.key)
    except StoreError as problem:
        typer.echo(f"{problem}；不知道对方是否要求暂停访问，照常试采", err=True)
        held = None
    return Bench(
        folder=folder,
        data=settings.data_dir,
        contact=CONTACT,
        clock=system_clock,
        limit=limit,
        held=held,
        tell=lambda seconds, read: typer.echo(f"已用 {seconds:.0f} 秒，读出 {read} 条…", err=True),
    )


def until_stopped(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the reactor to its end. Raises typer.Exit when a signal comes first."""

    async def main(stop: asyncio.Event) -> T:
        working = asyncio.ensure_future(work())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working}, timeout=3)
            typer.echo("已中断；什么都没有保存", err=True)
            raise typer.Exit(INTERRUPTED)
        stopped.cancel()
        return working.result()

    return run_reactor(main)


def show_trial(trial: Trial, *, as_json: bool) -> None:
    """As one JSON object, or as a table with the verdict below it."""
    if as_json:
        print(json.dumps(trial_json(trial), ensure_ascii=False))
        return
    for line in trial_lines(trial):
        print(line)
